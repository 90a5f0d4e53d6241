"""The sampler in real Optuna studies."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from beadsmith.search import GreyBoxSampler

TARGETS = np.array([0.7, 0.2, 0.5])
UNCERTAINTIES = np.full(3, 0.05)


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def observables(a, b):
    """Met by a = 0.4, b = 1 (b by decades)."""
    return np.array([a + 0.3 * b, 0.5 * a, 0.5 * b + (a - 0.4) ** 2])


def objective(trial):
    a, b = trial.suggest_float("a", 0.0, 1.0), np.log10(trial.suggest_float("b", 1.0, 1000.0, log=True))
    trial.set_user_attr("observables", observables(a, b).tolist())
    trial.set_user_attr("stderrs", (0.1 * UNCERTAINTIES).tolist())
    return float(np.mean(((observables(a, b) - TARGETS) / UNCERTAINTIES) ** 2))


def sampler(seed=1):
    return GreyBoxSampler(TARGETS, UNCERTAINTIES, seed=seed)


def failing(trial):
    value = objective(trial)
    if trial.params["a"] > 0.6:
        raise ArithmeticError("the simulation crashed")
    return value


def points(study):
    return [trial.params for trial in study.get_trials()]


def test_a_plain_study_finds_the_answer():
    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=12)
    assert study.best_value < 0.1
    assert study.best_params["a"] == pytest.approx(0.4, abs=0.05)
    assert np.log10(study.best_params["b"]) == pytest.approx(1.0, abs=0.1)


def test_failed_and_pruned_trials_teach_and_stop_nothing():
    study = optuna.create_study(sampler=sampler())

    def sometimes(trial):
        if trial.number == 8:
            raise optuna.TrialPruned
        return failing(trial)

    study.optimize(sometimes, n_trials=14, catch=ArithmeticError)
    states = [trial.state for trial in study.get_trials()]
    assert optuna.trial.TrialState.FAIL in states
    assert study.best_value < 0.3


def test_a_study_in_a_database_goes_on_as_if_it_had_never_stopped(tmp_path):
    whole = optuna.create_study(sampler=sampler())
    whole.optimize(failing, n_trials=10, catch=ArithmeticError)
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for trials in (8, 2):
        study = optuna.create_study(storage=storage, study_name="one", sampler=sampler(), load_if_exists=True)
        study.optimize(failing, n_trials=trials, catch=ArithmeticError)
        study._storage.remove_session()
        study._storage._backend.engine.dispose()
    for one, other in zip(points(study), points(whole), strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def test_workers_side_by_side_propose_different_points():
    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=12, n_jobs=3)
    units = np.array([[point["a"], np.log10(point["b"]) / 3] for point in points(study)])
    apart = np.linalg.norm(units[:, None] - units[None], axis=-1) + np.eye(len(units))
    assert apart.min() > 1e-7  # at the end all lie near the answer
    assert study.best_value < 1.0


def test_running_trials_are_taken_into_account():
    """Asked, not told: their points are not proposed again, though nothing new is known."""
    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=9)
    asked = []
    for _ in range(3):
        trial = study.ask()
        asked.append((trial.suggest_float("a", 0.0, 1.0), trial.suggest_float("b", 1.0, 1000.0, log=True)))
    assert len({tuple(np.round(one, 6)) for one in asked}) == 3


def test_observables_that_a_trial_lacks_are_no_obstacle():
    study = optuna.create_study(sampler=sampler())

    def lacking(trial):
        value = objective(trial)
        told = trial.user_attrs["observables"]
        trial.set_user_attr(
            "observables", [None if trial.number % 3 == place else one for place, one in enumerate(told)]
        )
        return value

    study.optimize(lacking, n_trials=14)
    assert study.best_value < 0.5 * min(trial.value for trial in study.get_trials()[:6])


def test_enqueued_trials_are_learnt_from():
    study = optuna.create_study(sampler=sampler())
    study.enqueue_trial({"a": 0.4, "b": 10.0})
    study.optimize(objective, n_trials=2)
    assert study.best_trial.number == 0


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda trial: trial.suggest_int("a", 0, 5), "parameter a is IntDistribution"),
        (lambda trial: trial.suggest_float("a", 0, 5, step=0.5), "expected a float without steps"),
        (lambda trial: trial.suggest_categorical("a", ["x", "y"]), "parameter a is CategoricalDistribution"),
    ],
)
def test_other_kinds_of_parameters_are_refused(break_it, sentence):
    with pytest.raises(ValueError, match=sentence):
        optuna.create_study(sampler=sampler()).optimize(lambda trial: float(break_it(trial)), n_trials=1)


def test_observables_that_do_not_fit_the_targets_are_refused_at_once():
    def short(trial):
        trial.suggest_float("a", 0.0, 1.0)
        trial.set_user_attr("observables", [1.0, 2.0])
        return 1.0

    with pytest.raises(ValueError, match="trial 0 has 2 observables, expected 3: one for each target"):
        optuna.create_study(sampler=sampler()).optimize(short, n_trials=1)


def test_without_any_observables_it_says_what_it_needs():
    def silent(trial):
        return trial.suggest_float("a", 0.0, 1.0)

    with pytest.raises(ValueError, match="none of 4 completed trials has the user attribute 'observables'"):
        optuna.create_study(sampler=sampler()).optimize(silent, n_trials=6)


def test_it_refuses_to_maximise():
    study = optuna.create_study(sampler=sampler(), direction="maximize")
    with pytest.raises(ValueError, match="create the study with direction='minimize'"):
        study.optimize(objective, n_trials=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], []), "received 0 targets"),
        (([1.0], [1.0, 2.0]), "received 1 targets, 2 uncertainties"),
        (([np.nan], [1.0]), "a target is not a finite number"),
        (([1.0], [0.0]), "smallest uncertainty is 0, expected positive numbers"),
        (([1.0], [1.0], [-1.0]), "weights are expected from 0 upwards"),
        (([1.0], [1.0], [0.0]), "weights are expected from 0 upwards"),
    ],
)
def test_impossible_targets_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        GreyBoxSampler(*arguments, seed=1)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="the seed is -1"):
        sampler(-1)
