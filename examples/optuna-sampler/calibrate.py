"""A dielectric spectrum calibrated by an Optuna study; see README.md."""

import sys

import numpy as np
import optuna

from beadsmith.search import GreyBoxSampler

FREQUENCIES = 2 * np.pi * np.logspace(0, 6, 13)  # rad/s
ANSWER = {"eps_inf": 3.0, "strength": 6.0, "log10_tau": -3.6, "alpha": 0.8, "beta": 0.6}


def spectrum(eps_inf, strength, log10_tau, alpha, beta):
    """Permittivity and loss after Havriliak and Negami (1967)."""
    if alpha * beta > 1:
        raise ArithmeticError("no relaxation has alpha * beta > 1")
    complete = eps_inf + strength / (1 + (1j * FREQUENCIES * 10**log10_tau) ** alpha) ** beta
    return np.concatenate([complete.real, -complete.imag])


TARGETS = spectrum(**ANSWER)
UNCERTAINTIES = 0.02 * np.abs(TARGETS) + 0.02


def objective(trial):
    """In the place of the spectrum: your simulation, with its error bars."""
    point = {
        "eps_inf": trial.suggest_float("eps_inf", 2.0, 5.0),
        "strength": trial.suggest_float("strength", 1.0, 10.0),
        "log10_tau": trial.suggest_float("log10_tau", -6.0, -2.0),
        "alpha": trial.suggest_float("alpha", 0.3, 1.0),
        "beta": trial.suggest_float("beta", 0.3, 1.7),
    }
    stderrs = 0.2 * UNCERTAINTIES
    values = spectrum(**point) + stderrs * np.random.default_rng(trial.number).normal(size=len(TARGETS))
    trial.set_user_attr("observables", values.tolist())
    trial.set_user_attr("stderrs", stderrs.tolist())
    return float(np.mean(((values - TARGETS) / UNCERTAINTIES) ** 2))


def main(storage=None, trials=30):
    """Calibrate; the same command goes on with a study that a storage holds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = GreyBoxSampler(TARGETS, UNCERTAINTIES, seed=1)
    study = optuna.create_study(storage=storage, study_name="spectrum", sampler=sampler, load_if_exists=True)
    study.optimize(objective, n_trials=trials - len(study.trials), catch=ArithmeticError)
    print(f"{len(study.trials)} trials, best misfit {study.best_value:.2f}")
    for name, value in study.best_params.items():
        print(f"{name:10s} {value:8.3f}   answer {ANSWER[name]:8.3f}")
    return study


if __name__ == "__main__":
    main(*sys.argv[1:2])
