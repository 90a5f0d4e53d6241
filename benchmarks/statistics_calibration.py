"""Functional calibration of 43 numbers through eight Gaussian processes, against SciPy with finite differences.

    python benchmarks/statistics_calibration.py        # some minutes, most of it SciPy's and the emulators' fits

The problem is the analytic twin of two epoxies: 14 functions of radial basis functions with one shape, four properties
of 700 runs (PACM) and 500 runs (D400), targets at 20 degrees of crosslinking.  Emulators are fitted to the twin's
formulas with noise.  Both sides make the same objective small, from the same quasi-random starts, with one thread:

- ours: `calibrate` with 64 starts;
- `scipy.optimize.least_squares` (trf, bounds, 2-point differences) on the residuals of `Emulator.predict`, one start
  after the other.  It is too slow for 64, so a few are run and their mean time is taken 64 times.

Times are processor seconds.  `same_misfit` says how far each start of SciPy came; the ratio holds whether or not it
arrived, which favours SciPy where it stops early.  `ratio_of_one_start` compares one start of SciPy that arrived with
all of ours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from beadsmith.calibrate.functional import System, calibrate, make_family, make_forms, make_twin
from beadsmith.calibrate.functional.objective import DEFAULT_PRIOR, Objective
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.twin import FormulaSurrogate
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.emulator import Emulator, fit_emulators
from beadsmith.surrogate.measurements import Measurements

Array = NDArray[np.float64]

STARTS = 64
RUNS = {"pacm": 700, "d400": 500}
NOISE = 0.01
CENTRES = (0.0, 0.5, 1.0)


def measure_calibration(scipy_starts: int = 2) -> dict[str, Any]:
    """Figures of the calibration.

    Args:
        scipy_starts: starts that SciPy is given.

    Returns: ``calibration_seconds``, ``calibration_ratio_scipy`` and ``calibration_details``.
    """
    with threadpool_limits(1):
        systems = _systems()
        forms = make_forms("rbf", systems, centres=CENTRES)
        began = time.process_time()
        found = calibrate(systems, forms, starts=STARTS, seed=0)
        seconds = time.process_time() - began
        objective = Objective(Predictor(make_family(forms, systems), systems), "combined_variance", DEFAULT_PRIOR)
        places = qmc.Sobol(found.free_parameters, scramble=True, rng=0).random_base2(6)[:scipy_starts]
        theirs = [_by_finite_differences(objective, place) for place in places]
    each = float(np.mean([one["seconds"] for one in theirs]))
    arrived = [one["seconds"] for one in theirs if one["objective"] <= 1.01 * found.objective]
    return {
        "calibration_seconds": round(seconds, 2),
        "calibration_ratio_scipy": round(STARTS * each / seconds, 1),
        "calibration_details": {
            "free_parameters": found.free_parameters,
            "starts": STARTS,
            "objective": found.objective,
            "mean_rmspe": found.mean_rmspe,
            "minima": [one.objective for one in found.minima],
            "scipy_starts": theirs,
            "scipy_seconds_per_start": round(each, 2),
            "same_misfit": [round(one["objective"] / found.objective, 4) for one in theirs],
            "ratio_of_one_start": round(arrived[0] / seconds, 1) if arrived else None,
            "seconds": "processor time, one thread",
        },
    }


def _by_finite_differences(objective: Objective, place: Array) -> dict[str, float]:
    predictor = objective.predictor
    targets, known = predictor.targets, predictor.target_variances

    def residuals(coordinates: Array) -> Array:
        mean, variance = (one[0] for one in predictor.predict(coordinates[None]))
        total = known + variance
        beside, _ = objective.beside(coordinates[None])
        return np.concatenate([(mean - targets) / np.sqrt(total), np.sqrt(np.log(total / known)), beside[0]])

    began = time.process_time()
    found = least_squares(
        residuals, np.clip(place, 1e-6, 1 - 1e-6), bounds=(0.0, 1.0), ftol=1e-5, xtol=1e-5, gtol=1e-5, max_nfev=60
    )
    return {
        "seconds": round(time.process_time() - began, 2),
        "objective": 2.0 * float(found.cost),
        "iterations": int(found.nfev),
    }


def _systems() -> tuple[System, ...]:
    """The twin with emulators in the place of its formulas."""
    found = []
    for system in make_twin(noise=NOISE).systems:
        formulas = {name: one for name, one in system.surrogates.items() if isinstance(one, FormulaSurrogate)}
        emulators = _emulators(system.name, formulas)
        found.append(System(system.name, dict(zip(formulas, emulators, strict=True)), system.references))
    return tuple(found)


def _emulators(system: str, formulas: dict[str, FormulaSurrogate]) -> Sequence[Emulator]:
    rng = np.random.default_rng(len(system) + RUNS[system])
    measured = []
    for name, formula in formulas.items():
        axes = tuple(Axis(axis.name, axis.low, axis.high) for axis in formula.axes)
        low, high = np.array([axis.low for axis in axes]), np.array([axis.high for axis in axes])
        unit = qmc.Sobol(len(axes), scramble=True, rng=1).random_base2(10)[: RUNS[system]]
        inputs = low + (high - low) * unit
        exact, _ = formula.predict(inputs)
        values = exact * (1.0 + NOISE * rng.standard_normal(len(exact)))
        measured.append(Measurements(system, name, axes, inputs, values, NOISE * np.abs(exact)))
    return fit_emulators(measured, starts=1)


if __name__ == "__main__":
    print(json.dumps(measure_calibration(), indent=1))
