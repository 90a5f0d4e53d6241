"""Emulators and sensitivity against the libraries that one would otherwise use, in minutes and without a simulation.

    python benchmarks/statistics_wing.py        # ten to thirty minutes on two cores, most of it scikit-learn's

The data are shaped like those of the epoxy study: four properties of 700 runs over a degree of crosslinking, five well
depths and five diameters (and of 500 runs over 13 inputs for the second system), mildly bent, with the noise of single
runs.  All libraries have the same covariance (SMT: a linear trend instead of the linear term), the same data, the same
number of starts and two workers, each with one thread for linear algebra.  Q2 is that of leaving one out (with the
standard error of the difference, because both libraries miss the same noisy runs), and that of 4,000 further points
without noise.  Memory is the peak of a process of its own.  Written is `results/statistics.json`,
together with the figures of `statistics_calibration.py` where that file exists.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from beadsmith.sensitivity.groups import by_kind
from beadsmith.sensitivity.of_emulator import emulator_indices
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.diagnostics import diagnose
from beadsmith.surrogate.emulator import Emulator, fit_emulator, fit_emulators
from beadsmith.surrogate.measurements import Measurements
from beadsmith.surrogate.threads import one_thread

RESULTS = Path(__file__).parent / "results"

#: Of each property: its size, how much of it the inputs move, standard deviation of a run's noise.
PROPERTIES = {
    "density": (1.1, 0.15, 0.004),
    "cage_size": (0.9, 0.4, 0.03),
    "youngs_modulus": (2.5, 1.0, 0.35),
    "yield_stress": (120.0, 40.0, 8.0),
}

WORKERS = 2


def main() -> None:
    arguments = _arguments()
    if arguments.memory:
        print(json.dumps(memory_of_a_fit()))
        return
    began = os.getloadavg()
    pacm = [made_up("pacm", name, 700, 11, 1) for name in PROPERTIES]
    d400 = [made_up("d400", name, 500, 13, 2) for name in PROPERTIES]
    result: dict[str, object] = {
        "command": " ".join(["python", "benchmarks/statistics_wing.py", *sys.argv[1:]]),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": round(began[0], 1),
            "python": platform.python_version(),
        },
    }
    result |= compare_fits(pacm, arguments.starts)
    result |= {"memory": json.loads(_in_a_process_of_its_own())}
    result |= {"sensitivity": sensitivity_of(fit_emulators([*pacm, *d400], starts=1, workers=WORKERS))}
    result |= _calibration()
    arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def made_up(system: str, name: str, points: int, dimensions: int, seed: int) -> Measurements:
    """A property over a state and pairs of well depths and diameters, with noise."""
    axes = (Axis("DC", 0.0, 0.95), *(Axis(label, 0.0, 1.0) for label in _labels(dimensions - 1)))
    unit = qmc.Sobol(dimensions, rng=seed).random(1 << (points - 1).bit_length())[:points]
    noise = PROPERTIES[name][2]
    rng = np.random.default_rng([seed, list(PROPERTIES).index(name)])
    inputs = unit * [axis.high - axis.low for axis in axes]
    values = truth(name, unit) + noise * rng.normal(size=points)
    return Measurements(system, name, axes, inputs, values, np.full(points, noise))


def truth(name: str, unit: np.ndarray) -> np.ndarray:
    """Without noise; the unit box in, natural units out."""
    size, moved, _ = PROPERTIES[name]
    slopes = np.random.default_rng(list(PROPERTIES).index(name)).normal(size=(2, unit.shape[1])) / unit.shape[1] ** 0.5
    straight, bent = slopes @ (unit - 0.5).T
    crosslinked = 0.4 * np.tanh(3.0 * (unit[:, 0] - 0.4))
    pairs = 0.3 * (unit[:, 1] - 0.5) * (unit[:, 2] - 0.5) + 0.3 * (unit[:, 0] - 0.5) * (unit[:, 3] - 0.5)
    return size + moved * (straight + 0.5 * np.sin(2.0 * bent) + crosslinked + pairs)


def compare_fits(data: Sequence[Measurements], starts: int) -> dict[str, object]:
    """Seconds and Q2 of four fits with each library."""
    fitters = {"beadsmith": _fit_ours, "scikit-learn": _fit_sklearn, "smt": _fit_smt}
    found, left_out = {}, {}
    for name, fitter in fitters.items():
        found[name], left_out[name] = _timed(fitter, data, starts)
    ours = found["beadsmith"]
    ratios: dict[str, object] = {}
    for key, name in (("sklearn", "scikit-learn"), ("smt", "smt")):
        ratios[f"gp_fit_ratio_{key}"] = round(found[name]["seconds"] / ours["seconds"], 2)
        ratios[f"gp_fit_ratio_{key}_processor_time"] = round(
            found[name]["processor_seconds"] / ours["processor_seconds"], 2
        )
    pairs = zip(data, left_out["beadsmith"], left_out["scikit-learn"], strict=True)
    ratios["q2_left_out_beyond_sklearn"] = [_gain(one.values, own, other) for one, own, other in pairs]
    return ratios | {"fits": {"points": len(data[0]), "dimensions": len(data[0].axes), "starts": starts} | found}


def memory_of_a_fit() -> dict[str, float]:
    """Of 2,000 points in 15 dimensions, in this process."""
    data = made_up("memory", "density", 2000, 15, 3)
    before, began, processor = _peak(), time.monotonic(), time.process_time()
    fit_emulator(data, starts=1)
    return {
        "peak_gigabytes": round(_peak(), 3),
        "before_the_fit_gigabytes": round(before, 3),
        "points": 2000,
        "dimensions": 15,
        "starts": 1,
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
    }


def sensitivity_of(emulators: Sequence[Emulator]) -> dict[str, object]:
    """Diagnostics and indices of each observable, one after the other."""
    began, processor = time.monotonic(), time.process_time()
    for emulator in emulators:
        diagnostics = diagnose(emulator)
        emulator_indices(emulator, diagnostics=diagnostics)
    seconds, used = time.monotonic() - began, time.process_time() - processor
    emulator_indices(emulators[0], groups=by_kind(axis.name for axis in emulators[0].axes))
    return {
        "observables": len(emulators),
        "dimensions": sorted({len(emulator.axes) for emulator in emulators}),
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
    }


def _timed(fitter: Callable, data: Sequence[Measurements], starts: int) -> tuple[dict[str, object], list]:
    """What is written of a library, and what it foresees of each run without that run; None if it does not tell."""
    began, processor = time.monotonic(), time.process_time()
    with one_thread(), ThreadPoolExecutor(WORKERS) as executor:
        fits = list(executor.map(lambda one: fitter(one, starts), data))
    seconds, used = time.monotonic() - began, time.process_time() - processor
    further = qmc.Sobol(len(data[0].axes), rng=99).random(4096)[:4000]
    tests = []
    for one, (predict, _) in zip(data, fits, strict=True):
        expected = truth(one.observable, further)
        tests.append(_q2(expected, predict(further)))
    left_out = [predicted for _, predicted in fits]
    known = zip(data, left_out, strict=True)
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(used, 2),
        "q2_left_out": [None if one is None else round(_q2(of.values, one), 5) for of, one in known],
        "q2_of_the_truth": [round(q2, 5) for q2 in tests],
    }, left_out


def _fit_ours(data: Measurements, starts: int):
    emulator = fit_emulator(data, transform="identity", noise="level", starts=starts)
    mean, _ = emulator.left_out()
    widths = [axis.high for axis in data.axes]
    return lambda unit: emulator.predict(unit * widths)[0], mean


def _fit_sklearn(data: Measurements, starts: int):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

    unit = data.inputs / [axis.high for axis in data.axes]
    smooth = ConstantKernel(1.0) * RBF(np.full(unit.shape[1], 0.5 * unit.shape[1] ** 0.5), (0.02, 1e3))
    straight = ConstantKernel(1.0) * DotProduct(sigma_0=0.0, sigma_0_bounds="fixed")
    process = GaussianProcessRegressor(
        smooth + straight + WhiteKernel(0.02), normalize_y=True, n_restarts_optimizer=starts - 1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(unit - 0.5, data.values)
    inverse = np.linalg.inv(process.kernel_(unit - 0.5))
    centred = data.values - data.values.mean()
    left_out = data.values - inverse @ centred / np.diagonal(inverse)
    return lambda others: process.predict(others - 0.5), left_out


def _fit_smt(data: Measurements, starts: int):
    from smt.surrogate_models import KRG

    unit = data.inputs / [axis.high for axis in data.axes]
    model = KRG(corr="squar_exp", poly="linear", eval_noise=True, n_start=starts, print_global=False, seed=0)
    model.set_training_values(unit, data.values[:, None])
    model.train()
    return lambda others: model.predict_values(others)[:, 0], None


def _q2(values: np.ndarray, predicted: np.ndarray) -> float:
    return 1.0 - float(((values - predicted) ** 2).mean() / values.var())


def _gain(values: np.ndarray, own: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How much larger one Q2 is than another on the same values, and the standard error of that."""
    differences = ((values - other) ** 2 - (values - own) ** 2) / values.var()
    stderr = differences.std(ddof=1) / len(values) ** 0.5
    return {"value": round(float(differences.mean()), 5), "stderr": round(float(stderr), 5)}


def _labels(count: int) -> list[str]:
    return [f"pair.{place // 2 + 1}.{'epsilon' if place % 2 == 0 else 'sigma'}" for place in range(count)]


def _peak() -> float:
    """Largest resident memory of this process, GB; the kernel's other count would hold its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1e6


def _in_a_process_of_its_own() -> str:
    command = [sys.executable, __file__, "--memory"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _calibration() -> dict[str, object]:
    """Figures of the calibration, from the file beside this one."""
    if not (Path(__file__).parent / "statistics_calibration.py").is_file():
        return {}
    return dict(importlib.import_module("statistics_calibration").measure_calibration())


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--memory", action="store_true", help="only the memory of a large fit, in this process")
    parser.add_argument("--output", type=Path, default=RESULTS / "statistics.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
