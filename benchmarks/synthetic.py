"""All search methods on two problems with known answers, in minutes and without a simulation.

    python benchmarks/synthetic.py        # five to fifteen minutes on one core

The problems are those of `beadsmith.search.synthetic`: an emulator of the Pebax calibration (41 parameters, 23 noisy
targets, noisy gradients) and a dielectric spectrum (6 parameters, strongly bent, a region that fails, exact gradients).
Each seed is another hidden answer, another noise and another seed of the search.  Shown is how good the point with the
smallest claimed misfit truly is: the claim itself flatters.  Written are `results/synthetic.json` and a figure beside
it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports a BLAS: processor time is that of one core

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from beadsmith.campaign.calibration import open_at_once
from beadsmith.problem.schema import SEARCH_METHODS
from beadsmith.report.looks import START, look_of_place
from beadsmith.search import make_search
from beadsmith.search.synthetic import (
    SyntheticProblem,
    converse,
    dielectric_spectrum,
    pebax_emulator,
    true_misfits_of_incumbents,
)

RESULTS = Path(__file__).parent / "results"
PROBLEMS = {"pebax-emulator": pebax_emulator, "dielectric-spectrum": dielectric_spectrum}

#: Evaluations of each method: those that end by themselves or ask Gaussian processes have fewer.
BUDGETS = {"gauss-newton": 40, "grey-box": 40, "combined": 40, "optuna-gp": 40}
BUDGET_OF_OTHERS = 150

#: As on two cores with two experiments an evaluation.
WORKERS, EXPERIMENTS = 2, 2

#: A search has arrived when the true misfit of its incumbent is, and stays, this close to the smallest there is.
CLOSE = 0.5


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        true_misfits: of the incumbent after each evaluation; None as long as all failed.
        claimed: misfit that the search was told for its last incumbent.
        failures: evaluations that failed.
        processor_seconds: of the search alone; the problem costs next to nothing.
    """

    problem: str
    method: str
    seed: int
    budget: int
    floor: float
    true_misfits: list[float | None]
    claimed: float | None
    failures: int
    processor_seconds: float


def main() -> None:
    arguments = _arguments()
    wanted = [
        (problem, method, seed, arguments.evaluations or BUDGETS.get(method, BUDGET_OF_OTHERS))
        for seed in range(1, arguments.seeds + 1)
        for method in arguments.methods
        for problem in PROBLEMS
    ]
    began = time.monotonic()
    runs = []
    for run in _runs(wanted, arguments.jobs):
        runs.append(run)
        passed = f"{len(runs)}/{len(wanted)}  {time.monotonic() - began:.0f} s"
        print(f"{passed}  {run.problem} {run.method} {run.seed}", flush=True)
    result = _result(runs, arguments.methods)
    arguments.output.write_text(_as_text(result), encoding="utf-8")
    _draw(runs, arguments.methods).savefig(arguments.output.with_suffix(".png"), dpi=160)
    _print(result)


def run_one(problem: str, method: str, seed: int, budget: int) -> Run:
    """One search from beginning to end."""
    synthetic: SyntheticProblem = PROBLEMS[problem](seed)
    began = time.process_time()
    search = make_search(method, synthetic.parameters, seed)
    in_flight = open_at_once(method, WORKERS, EXPERIMENTS)
    exchanges = converse(search, synthetic, budget, seed=seed, in_flight=in_flight)
    spent = time.process_time() - began
    claims = [exchange.misfit for exchange in exchanges if exchange.misfit is not None]
    return Run(
        problem=problem,
        method=method,
        seed=seed,
        budget=budget,
        floor=synthetic.floor,
        true_misfits=[
            float(f"{value:.5g}") if np.isfinite(value) else None
            for value in true_misfits_of_incumbents(synthetic, exchanges)
        ],
        claimed=min(claims, default=None),
        failures=len(exchanges) - len(claims),
        processor_seconds=round(spent, 3),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", default=list(SEARCH_METHODS), choices=SEARCH_METHODS)
    parser.add_argument("--evaluations", type=int, help="for all methods, instead of a budget for each")
    parser.add_argument("--jobs", type=int, default=1, help="searches side by side")
    parser.add_argument("--output", type=Path, default=RESULTS / "synthetic.json")
    return parser.parse_args()


def _runs(keys: Sequence[tuple[str, str, int, int]], jobs: int) -> Iterator[Run]:
    # Forked workers would inherit the threads of libraries that are already loaded.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as executor:
        for future in as_completed([executor.submit(run_one, *key) for key in keys]):
            yield future.result()


def _table(runs: Sequence[Run]) -> np.ndarray:
    """True misfits, shape (searches, evaluations); infinite before a success, the last after the end of a search."""
    longest = max(len(run.true_misfits) for run in runs)
    rows = [[np.inf if value is None else value for value in run.true_misfits] for run in runs]
    return np.array([row + [row[-1]] * (longest - len(row)) for row in rows])


def _result(runs: Sequence[Run], methods: Sequence[str]) -> dict[str, object]:
    return {
        "command": " ".join(["python", "benchmarks/synthetic.py", *sys.argv[1:]]),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "in_flight": {method: open_at_once(method, WORKERS, EXPERIMENTS) for method in methods},
        "what": {
            "three numbers": "median, first and third quartile over seeds; null where not reached",
            "true_misfit": "of the point with the smallest claimed misfit",
            "arrived": f"searches that ended within {CLOSE:g} of the smallest misfit there is",
            "evaluations_to_arrive": "after which the incumbent is that close for good",
            "processor_seconds": "a proposal, of the search alone",
        },
        "problems": {
            problem: {
                "floor": round(float(np.median([run.floor for run in runs if run.problem == problem])), 3),
                "methods": {
                    method: _figures([run for run in runs if (run.problem, run.method) == (problem, method)])
                    for method in methods
                },
            }
            for problem in PROBLEMS
        },
    }


def _figures(runs: Sequence[Run]) -> dict[str, object]:
    table = _table(runs)
    floors = np.array([run.floor for run in runs])
    arrivals = np.array([_arrival(row, floor) for row, floor in zip(table, floors, strict=True)])
    marks = [count for count in (5, 10, 20, 40, 80, 150) if count <= table.shape[1]]
    return {
        "seeds": len(runs),
        "evaluations": [len(run.true_misfits) for run in runs],
        "true_misfit_after": {count: _quartiles(table[:, count - 1]) for count in marks},
        "true_misfit_at_the_end": _quartiles(table[:, -1]),
        "claimed_at_the_end": _quartiles(np.array([np.inf if run.claimed is None else run.claimed for run in runs])),
        "above_the_floor_at_the_end": _quartiles(table[:, -1] - floors),
        "arrived": int(np.isfinite(arrivals).sum()),
        "evaluations_to_arrive": _quartiles(arrivals),
        "failed_share": round(float(np.mean([run.failures / len(run.true_misfits) for run in runs])), 3),
        "processor_seconds": float(f"{np.median([run.processor_seconds / len(run.true_misfits) for run in runs]):.2g}"),
    }


def _arrival(row: np.ndarray, floor: float) -> float:
    """After how many evaluations the incumbent is close for good; infinite if it is not at the end."""
    far = np.flatnonzero(row > floor + CLOSE)
    if not len(far):
        return 1.0
    return float(far[-1] + 2) if far[-1] < len(row) - 1 else np.inf


def _quartiles(values: np.ndarray) -> list[float | None]:
    """Median, first and third quartile; those that lie among failures are not numbers."""
    found = np.quantile(values, [0.5, 0.25, 0.75], method="inverted_cdf")
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in found]


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _as_text(result: dict[str, object]) -> str:
    """JSON with one line for each list."""
    text = json.dumps(result, indent=1)
    return re.sub(r"\[([^][{}]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def _draw(runs: Sequence[Run], methods: Sequence[str]) -> Figure:
    settings = {"font.size": 8.0, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7.3, 3.9), layout="constrained")
        panels = figure.subplots(1, len(PROBLEMS))
        for axes, problem in zip(panels, PROBLEMS, strict=True):
            _draw_problem(axes, problem, [run for run in runs if run.problem == problem], methods)
        panels[0].set_ylabel("true misfit of the incumbent")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, handlelength=4.5)
    return figure


def _draw_problem(axes: Axes, problem: str, runs: Sequence[Run], methods: Sequence[str]) -> None:
    for place, method in enumerate(methods):
        table = _table([run for run in runs if run.method == method])
        median = np.quantile(table, 0.5, axis=0, method="inverted_cdf")
        numbers = np.arange(1, table.shape[1] + 1)
        look = START if method == "random" else look_of_place(place)
        axes.step(numbers, median, where="post", color=look.colour, linestyle=look.line, linewidth=1.4, label=method)
        axes.plot(numbers[-1], median[-1], color=look.colour, marker=look.marker, markersize=4)
    floor = float(np.median([run.floor for run in runs]))
    if floor > 0:
        axes.axhline(floor, color="black", linewidth=0.8)
        axes.annotate("smallest there is", (1, floor), xytext=(0, 2), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", yscale="log", xlabel="evaluations", title=problem)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


def _print(result: dict[str, object]) -> None:
    for problem, found in result["problems"].items():  # type: ignore[attr-defined]
        print(f"\n{problem}: smallest true misfit {found['floor']:.2f}")
        for method, figures in found["methods"].items():
            end, arrived = figures["above_the_floor_at_the_end"], figures["evaluations_to_arrive"]
            print(
                f"  {method:16s} {np.median(figures['evaluations']):4.0f} evaluations: "
                f"+{end[0]} ({end[1]} to {end[2]});  "
                f"arrived {figures['arrived']}/{figures['seeds']}, median {arrived[0]};  "
                f"{figures['processor_seconds']} s a proposal"
            )


if __name__ == "__main__":
    main()
