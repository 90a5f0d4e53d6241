"""The searches on the real Pebax problem: real LAMMPS, several seeds, winners measured again with fresh seeds.

    python benchmarks/pebax.py search  --folder studies/benchmark     hours on two cores; goes on where it stopped
    python benchmarks/pebax.py measure --folder studies/benchmark     incumbents along the way, measured again
    python benchmarks/pebax.py figures --folder studies/benchmark     tables, figures and benchmarks/results/pebax.json

What a search says about its best model flatters: that model is the luckiest of many.  So every incumbent along the way
is simulated again with seeds of its own, and what is compared is L of these repetitions: the mean over the 23 densities
and radii of gyration of squared deviations in units of 0.010 g/cm^3 and 0.15 angstrom.  The targets' own scatter leaves
about 0.8 to 1.5 of it to any smooth curve.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from beadsmith.calibrate.comparison import mean_squared_deviation
from beadsmith.campaign.calibration import Plan, calibrate
from beadsmith.campaign.driver import measure
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.replicas import pooled
from beadsmith.campaign.study import Study
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.records import Evaluation

PROBLEM = Path("examples/pebax/problem.yaml")
RESULTS = Path("benchmarks/results")

#: Evaluations of every seed, by method; TPE as published once as long as in the paper.
BUDGETS = {
    "gauss-newton": [24] * 5,
    "combined": [32] * 5,
    "grey-box": [40] * 5,
    "tpe": [150] * 3,
    "tpe-martins2025": [600, 150, 150],
    "cma-es": [100] * 3,
    "optuna-gp": [60] * 3,
    "random": [60] * 3,
}

#: Fresh seeds of the repetitions, the same for all models; further ones for those that a search ends with.
FRESH = (90_001, 90_002)
FURTHER = (90_003, 90_004)

#: Processor time of one published trial, seconds: `beadsmith evaluate --fidelity paper` of the published optimum on the
#: same machine (1,198 for the melt, 46 for the molecule in vacuum).
PUBLISHED_TRIAL = 1245.0

#: Trials of the published calibration.
PUBLISHED_TRIALS = 600

#: Evaluations with which `beadsmith run` measures its candidates again: three of them, three times each.
REMEASURED = 9


@dataclass(frozen=True)
class Run:
    """One search with one seed."""

    method: str
    seed: int
    evaluations: int

    def study(self, folder: Path) -> Study:
        """Where it is kept."""
        return Study(folder / f"{self.method}-{self.seed}")


def main() -> None:
    """Do one of the three parts."""
    arguments = _arguments()
    problem = load_problem(PROBLEM, arguments.fidelity)
    runs = [
        Run(method, seed, budget)
        for method in arguments.methods
        for seed, budget in enumerate(BUDGETS[method], start=1)
    ]
    match arguments.part:
        case "search":
            _search_all(arguments, runs)
        case "one":
            _search(problem, Run(arguments.methods[0], arguments.seed, arguments.evaluations), arguments.folder)
        case "measure":
            _measure(problem, runs, arguments.folder, arguments.cores)
        case "figures":
            _report(problem, runs, arguments.folder)


def _search_all(arguments: argparse.Namespace, runs: Sequence[Run]) -> None:
    """Every search in a process of its own, as many at once as cores, each with one worker."""

    def one(run: Run) -> None:
        words = [sys.executable, __file__, "one", "--folder", str(arguments.folder), "--fidelity", arguments.fidelity]
        words += ["--methods", run.method, "--seed", str(run.seed), "--evaluations", str(run.evaluations)]
        print(run, "begins", flush=True)
        code = subprocess.run(words, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode
        print(run, "ended" if code == 0 else f"failed with {code}", flush=True)

    with ThreadPoolExecutor(arguments.cores) as executor:
        list(executor.map(one, runs))


def _search(problem: Problem, run: Run, folder: Path) -> None:
    study = run.study(folder)
    plan = Plan(run.method, run.evaluations, run.seed, workers=1, remeasure=0, candidates=1)
    with open_laboratory(_with_workers(problem, 1), study) as laboratory:
        for _ in calibrate(laboratory, study, plan):
            pass


def incumbents(evaluations: Sequence[Evaluation]) -> dict[int, int]:
    """Number of the best evaluation so far, by how many were made; whenever it changes and at the end."""
    found: dict[int, int] = {}
    best = float("inf")
    for made, evaluation in enumerate(evaluations, start=1):
        if evaluation.misfit is not None and evaluation.misfit < best:
            best = evaluation.misfit
            found[made] = evaluation.number
    return found | ({len(evaluations): list(found.values())[-1]} if found else {})


def _measure(problem: Problem, runs: Sequence[Run], folder: Path, cores: int) -> None:
    """Simulate every incumbent again; what is known already comes from the store."""
    study = Study(folder / "measured")
    last, others = [], []
    for run in runs:
        rows = run.study(folder).rows("evaluations")
        found = list(dict.fromkeys(incumbents(rows).values()))
        models = [(_label(run, one), constant_model("", problem.parameters, rows[one].point), {}) for one in found]
        others += models[:-1]
        last += models[-1:]
    last += [(label, load_model(problem.file_named(name), problem), {}) for label, name in problem.file.compare.items()]
    study.clear("measurements")
    wanted = [(last, (*FRESH, *FURTHER)), (others, FRESH)]
    total, done = sum(len(models) * len(seeds) for models, seeds in wanted), 0
    with open_laboratory(_with_workers(problem, cores), study, judge=False) as laboratory:
        for models, seeds in wanted:
            for _ in measure(laboratory, study, models, seeds):
                done += 1
                print(f"\r{done}/{total}", end="", flush=True)
    print()


def _label(run: Run, number: int) -> str:
    return f"{run.method} {run.seed} {number}"


def _with_workers(problem: Problem, workers: int) -> Problem:
    local = problem.file.compute.local.model_copy(update={"workers": workers})
    compute = problem.file.compute.model_copy(update={"local": local})
    return replace(problem, file=problem.file.model_copy(update={"compute": compute}))


@dataclass(frozen=True)
class Point:
    """An incumbent measured again.

    Attributes:
        run: the search.
        evaluations, core_seconds: spent until it was found and passed on.
        claimed: misfit that the search saw.
        deviation, stderr: L of the repetitions.
    """

    run: Run
    evaluations: int
    core_seconds: float
    claimed: float
    deviation: float
    stderr: float


def _points(problem: Problem, runs: Sequence[Run], folder: Path) -> tuple[list[Point], dict[str, tuple[float, float]]]:
    measured: dict[str, list[Evaluation]] = {}
    for row in Study(folder / "measured").rows("measurements"):
        measured.setdefault(row.label, []).append(row)
    deviation = {label: _deviation(problem, rows) for label, rows in measured.items()}
    points = []
    for run in runs:
        rows = run.study(folder).rows("evaluations")
        spent = np.cumsum([row.core_seconds for row in rows])
        for made, number in incumbents(rows).items():
            if (label := _label(run, number)) in deviation:
                value, stderr = deviation[label]
                points.append(Point(run, made, float(spent[made - 1]), rows[number].misfit or 0.0, value, stderr))
    return points, {label: deviation[label] for label in problem.file.compare if label in deviation}


def _deviation(problem: Problem, rows: Sequence[Evaluation]) -> tuple[float, float]:
    """L of the mean of the repetitions, and its standard error; without the bias of the noise."""
    targets = [target for target in problem.targets if target.observable in ("density", "radius_of_gyration")]
    found = mean_squared_deviation(pooled([row.observations for row in rows if not row.failed]), targets)
    return found.value - found.noise, found.stderr


def _report(problem: Problem, runs: Sequence[Run], folder: Path) -> None:
    points, compared = _points(problem, runs, folder)
    RESULTS.mkdir(parents=True, exist_ok=True)
    _write_raw(runs, folder, points)
    result = _result(problem, runs, folder, points, compared)
    (RESULTS / "pebax.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for horizontal in ("evaluations", "core_seconds"):
        _figure(points, compared, horizontal).savefig(RESULTS / f"pebax-{horizontal.replace('_', '-')}.png", dpi=160)
    for method, row in result["methods"].items():
        print(f"{method:16} {row}")
    print({key: value for key, value in result.items() if key.endswith("ratio")})


def _write_raw(runs: Sequence[Run], folder: Path, points: Sequence[Point]) -> None:
    """Every evaluation, and every incumbent measured again."""
    with (RESULTS / "pebax-evaluations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "seed", "evaluation", "misfit", "core_seconds"])
        for run in runs:
            for row in run.study(folder).rows("evaluations"):
                misfit = "" if row.misfit is None else f"{row.misfit:.5g}"
                writer.writerow([run.method, run.seed, row.number, misfit, f"{row.core_seconds:.2f}"])
    with (RESULTS / "pebax-incumbents.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "seed", "evaluations", "core_seconds", "claimed_misfit", "deviation", "stderr"])
        for one in points:
            numbers = [f"{value:.5g}" for value in (one.core_seconds, one.claimed, one.deviation, one.stderr)]
            writer.writerow([one.run.method, one.run.seed, one.evaluations, *numbers])


def _result(
    problem: Problem,
    runs: Sequence[Run],
    folder: Path,
    points: Sequence[Point],
    compared: dict[str, tuple[float, float]],
) -> dict[str, Any]:
    methods = {}
    for method in dict.fromkeys(run.method for run in runs):
        last = [_final(points, run) for run in runs if run.method == method]
        ended = [point for point in last if point is not None]
        if not ended:
            continue
        values = [point.deviation for point in ended]
        methods[method] = {
            "seeds": len(ended),
            "evaluations": [point.evaluations for point in ended],
            "core_seconds_per_evaluation": round(
                sum(point.core_seconds for point in ended) / sum(point.evaluations for point in ended), 2
            ),
            "deviation_by_seed": [round(value, 3) for value in values],
            "deviation": round(statistics.mean(values), 3),
            "standard_error": round(statistics.stdev(values) / len(values) ** 0.5, 3) if len(values) > 1 else None,
            "stderr_of_one": round(float(np.sqrt(np.mean([point.stderr**2 for point in ended]))), 3),
        }
    published = next((run for run in runs if run.method == "tpe-martins2025" and run.seed == 1), None)
    reference = _final(points, published) if published is not None else None
    ratios: dict[str, Any] = {}
    published_needed: list[int | None] = []
    if reference is not None:
        all_published = [run for run in runs if run.method == "tpe-martins2025"]
        published_needed = [_needed(points, run, reference.deviation) for run in all_published]
    for method in ("gauss-newton", "combined", "grey-box"):
        own = [run for run in runs if run.method == method and _final(points, run) is not None]
        if not own or reference is None:
            continue
        needed = [_needed(points, run, reference.deviation) for run in own]
        if _median(needed) == np.inf:
            continue
        spent = statistics.median([point.core_seconds for run in own if (point := _final(points, run)) is not None])
        per_evaluation = methods[method]["core_seconds_per_evaluation"]
        spent += REMEASURED * per_evaluation
        ratios[method] = {
            "core_seconds_ratio": round(PUBLISHED_TRIAL / per_evaluation, 1),
            "evaluations_ratio": round(_median(published_needed) / _median(needed), 1),
            "core_hours_ratio": round(PUBLISHED_TRIALS * PUBLISHED_TRIAL / spent, 1),
            "evaluations_needed": needed,
            "core_seconds_of_a_calibration": round(spent, 1),
        }
    best = ratios.get("gauss-newton", {})
    return {
        "command": "python benchmarks/pebax.py search|measure|figures",
        "problem": PROBLEM.as_posix(),
        "fidelity": problem.fidelity,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "engine": _engine(runs, folder),
        "precision_of_an_evaluation": _precision(runs, folder),
        "measure": "L without noise bias: mean squared deviation of 23 targets in units of 0.010 g/cm^3 and 0.15 A",
        "repetitions": {"along the way": len(FRESH), "at the end": len(FRESH) + len(FURTHER)},
        "published_trial_core_seconds": PUBLISHED_TRIAL,
        "published_trials": PUBLISHED_TRIALS,
        "deviation_reached_by_published_tpe": None if reference is None else round(reference.deviation, 3),
        "evaluations_needed_by_published_tpe": published_needed,
        "compared": {label: [round(value, 3), round(stderr, 3)] for label, (value, stderr) in compared.items()},
        **{key: best.get(key) for key in ("core_seconds_ratio", "evaluations_ratio", "core_hours_ratio")},
        "ratios": ratios,
        "methods": methods,
    }


def _precision(runs: Sequence[Run], folder: Path) -> dict[str, Any]:
    """Standard errors that evaluations near the end of their searches state, median over targets and searches."""
    found: dict[str, list[float]] = {"density": [], "radius_of_gyration": []}
    for run in runs:
        rows = [row for row in run.study(folder).rows("evaluations") if row.misfit is not None]
        for row in sorted(rows, key=lambda row: row.misfit or 0.0)[:1]:
            for one in row.observations:
                if one.observable in found and np.isfinite(one.stderr):
                    found[one.observable].append(one.stderr)
    return {
        "density_stderr": round(statistics.median(found["density"]), 5),
        "radius_of_gyration_stderr": round(statistics.median(found["radius_of_gyration"]), 4),
        "units": {"density": "g/cm^3", "radius_of_gyration": "angstrom"},
    }


def _final(points: Sequence[Point], run: Run) -> Point | None:
    own = [point for point in points if point.run == run]
    return max(own, key=lambda point: point.evaluations, default=None)


def _needed(points: Sequence[Point], run: Run, level: float) -> int | None:
    """Evaluations to the first incumbent of a search that is, measured again, as good as a level."""
    own = sorted((point for point in points if point.run == run), key=lambda point: point.evaluations)
    return next((point.evaluations for point in own if point.deviation <= level + 1e-9), None)


def _median(needed: Sequence[int | None]) -> float:
    """A search that never came so far counts as one that needs more than all others."""
    return float(statistics.median([np.inf if one is None else one for one in needed]))


def _figure(points: Sequence[Point], compared: dict[str, tuple[float, float]], horizontal: str) -> Figure:
    """Median over seeds, with the band from the best to the worst, from where all seeds have begun."""
    with mpl.rc_context({"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7.3, 4.2), layout="constrained")
        axes = figure.subplots()
        colours = mpl.colormaps["tab10"]
        for number, method in enumerate(dict.fromkeys(point.run.method for point in points)):
            own = [point for point in points if point.run.method == method]
            for seeds, rows in itertools.groupby(_band(own, horizontal), key=lambda row: row.seeds):
                across, low, middle, high = zip(
                    *[(row.across, row.low, row.middle, row.high) for row in rows], strict=True
                )
                every = seeds == len({point.run for point in own})
                axes.fill_between(across, low, high, color=colours(number), alpha=0.15, linewidth=0)
                axes.plot(
                    across,
                    middle,
                    "-" if every else ":",
                    color=colours(number),
                    label=method if every else f"{method}, {seeds} seed{'s' if seeds > 1 else ''} as long as this",
                    marker="o",
                    markersize=2.5,
                    linewidth=1.3,
                )
        for label, (value, _) in compared.items():
            if value < 30:
                axes.axhline(value, color="#555555", linewidth=0.9, linestyle="--")
                axes.annotate(label, (1.0, value), xycoords=("axes fraction", "data"), ha="right", va="bottom")
        axes.set(xscale="log", yscale="log", ylabel="L of the best model so far, measured again")
        axes.set_xlabel("evaluations" if horizontal == "evaluations" else "processor time of LAMMPS (core-seconds)")
        axes.grid(True, color="#e4e4e4", linewidth=0.6)
        axes.legend(frameon=False, ncols=2)
    return figure


@dataclass(frozen=True)
class Spread:
    """Over seeds, after so many evaluations.

    Attributes:
        across: where it lies in the figure.
        low, middle, high: smallest, median and largest L.
        seeds: that got so far.
    """

    across: float
    low: float
    middle: float
    high: float
    seeds: int


def _band(points: Sequence[Point], horizontal: str) -> list[Spread]:
    """Wherever a seed has a new incumbent."""
    found = []
    firsts = [min(point.evaluations for point in points if point.run == run) for run in {one.run for one in points}]
    for made in sorted({point.evaluations for point in points if point.evaluations >= max(firsts)}):
        reached = list(_carried(points, made))
        values = [point.deviation for point in reached]
        where = made if horizontal == "evaluations" else statistics.median([_spent(point, made) for point in reached])
        found.append(Spread(float(where), min(values), statistics.median(values), max(values), len(values)))
    return found


def _carried(points: Sequence[Point], made: int) -> Iterator[Point]:
    """The incumbent of every seed after so many evaluations; a search that has ended keeps its last."""
    for seed in sorted({point.run.seed for point in points}):
        own = [point for point in points if point.run.seed == seed and point.evaluations <= made]
        if own and (made <= max(BUDGETS[own[0].run.method][seed - 1], 1)):
            yield max(own, key=lambda point: point.evaluations)


def _spent(point: Point, made: int) -> float:
    return point.core_seconds * made / point.evaluations


def _engine(runs: Sequence[Run], folder: Path) -> str:
    manifests = [run.study(folder).manifest() for run in runs]
    return ", ".join(sorted({manifest.engine for manifest in manifests if manifest is not None}))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["search", "one", "measure", "figures"])
    parser.add_argument("--folder", type=Path, default=Path("studies/benchmark"))
    parser.add_argument("--fidelity", default="fast")
    parser.add_argument("--methods", nargs="+", choices=list(BUDGETS), default=list(BUDGETS))
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1, help="of part 'one'")
    parser.add_argument("--evaluations", type=int, default=24, help="of part 'one'")
    return parser.parse_args()


if __name__ == "__main__":
    main()
