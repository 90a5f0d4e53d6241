"""How far the frames of one simulated model reach: effective samples against the distance to another model.

    beadsmith run examples/pebax/problem.yaml --study studies/pebax
    python benchmarks/reweighting.py --study studies/pebax

The frames of the study's best evaluation are weighed for models in random directions of the 41-dimensional box: every
parameter is moved by a normal number, whose standard deviation is a given part of that parameter's range.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from beadsmith.campaign.foresight import Foresight
from beadsmith.campaign.study import Study
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Evaluation

PROBLEM = Path("examples/pebax/problem.yaml")
RESULT = Path("benchmarks/results/reweighting.json")
DISTANCES = (0.002, 0.005, 0.01, 0.02, 0.05)
DIRECTIONS = 8


def main() -> None:
    """Weigh the frames and write what is left of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    study = Study(parser.parse_args().study)
    problem = load_problem(PROBLEM)
    best = min(
        (row for row in study.rows("evaluations") if row.misfit is not None), key=lambda row: row.misfit or np.inf
    )
    foresight = Foresight(problem, study)
    foresight.add(best)
    random = np.random.default_rng(1)
    rows = [_row(problem, foresight, best, distance, random) for distance in DISTANCES]
    result = {
        "command": "python benchmarks/reweighting.py --study studies/pebax",
        "fidelity": problem.fidelity,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "directions": DIRECTIONS,
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


def _row(
    problem: Problem, foresight: Foresight, best: Evaluation, distance: float, random: np.random.Generator
) -> dict[str, Any]:
    """Medians over directions and temperatures."""
    samples: dict[str, list[float]] = {}
    told: dict[str, list[bool]] = {}
    started = time.process_time()
    for _ in range(DIRECTIONS):
        point = {
            parameter.name: float(
                np.clip(
                    best.point[parameter.name] + distance * (parameter.high - parameter.low) * random.standard_normal(),
                    parameter.low,
                    parameter.high,
                )
            )
            for parameter in problem.parameters.free
        }
        for one in foresight.predict(constant_model("near", problem.parameters, point)):
            samples.setdefault(one.observable, []).append(one.samples)
            told.setdefault(one.observable, []).append(one.observation is not None)
    return {
        "distance": distance,
        "effective_samples": {name: round(float(np.median(values)), 1) for name, values in samples.items()},
        "told": {name: round(float(np.mean(values)), 3) for name, values in told.items()},
        "core_seconds_per_model": round((time.process_time() - started) / DIRECTIONS, 2),
    }


if __name__ == "__main__":
    main()
