"""What ``--json`` writes, a public interface (docs/json.md): keys spelt like the problem file, units beside them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beadsmith import __version__
from beadsmith.calibrate.comparison import mean_squared_deviation
from beadsmith.campaign.calibration import Measured, Outcome
from beadsmith.campaign.finalists import Finalists, measured_finalists
from beadsmith.campaign.precision import missed_tolerances
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Failure, Observation
from beadsmith.problem.state import COORDINATES, same_state
from beadsmith.problem.targets import KIND_OF_VARIABLE, unit_of
from beadsmith.units import UNIT_OF_KIND


def write_answer(path: Path | None, answer: dict[str, Any]) -> None:
    """Write an answer to a file, or to standard output for ``-``; nothing for None.

    Raises:
        StudyError: the file cannot be written.
    """
    if path is None:
        return
    full = _finite({"beadsmith": __version__, **answer})
    if str(path) == "-":
        json.dump(full, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    try:
        write_json(path, full)
    except OSError as error:
        raise StudyError(f"--json: received {path}, expected a file that can be written ({error.strerror})") from error


def units_of(problem: Problem) -> dict[str, str]:
    """Unit of every observable and of every parameter."""
    observables = {name: unit_of(observable) for name, observable in problem.observables.items()}
    variables = {name: UNIT_OF_KIND[KIND_OF_VARIABLE[name]] for name in ("T", *COORDINATES)}
    parameters = {name: UNIT_OF_KIND[kind] for name, kind in problem.parameters.kinds.items()}
    return {**observables, **parameters, "core_seconds": "s", "wall_seconds": "s", **variables}


def observables_answer(problem: Problem, observations: Sequence[Observation]) -> dict[str, list[dict[str, Any]]]:
    """By observable: one entry per state, with its target where there is one."""
    answer: dict[str, list[dict[str, Any]]] = {}
    for observation in observations:
        target = next(
            (
                target
                for target in problem.targets
                if target.observable == observation.observable and same_state(target.state, observation.state)
            ),
            None,
        )
        entry = {
            "state": observation.state.as_dict(),
            "value": observation.value,
            "stderr": observation.stderr,
            "target": target.value if target else None,
            "target_stderr": target.stderr if target else None,
            "equilibrated": observation.equilibrated,
            "samples": observation.samples,
        }
        scatter = {"between": observation.between, "within": observation.within}
        entry |= {name: value for name, value in scatter.items() if value is not None}
        if observation.networks:
            entry["networks"] = observation.networks
        if observation.note:
            entry["note"] = observation.note
        answer.setdefault(observation.observable, []).append(entry)
    return answer


def missed_answer(problem: Problem, observations: Sequence[Observation]) -> list[dict[str, Any]]:
    """Tolerances that were not reached."""
    return [{**asdict(one), "state": one.state.as_dict()} for one in missed_tolerances(problem, observations)]


def failure_answer(failure: Failure) -> dict[str, Any]:
    """A failure with its remedy."""
    return {**failure.to_json(), "remedy": failure.kind.value}


def measured_answer(problem: Problem, measured: Measured) -> dict[str, Any]:
    """A model that was measured beside the search."""
    return {
        "label": measured.label,
        "misfit": measured.misfit,
        "misfit_stderr": measured.stderr,
        "mean_squared_deviation": deviation_answer(problem, measured.observations),
        "replicas": len(measured.replicas),
        "failures": [failure_answer(failure) for replica in measured.replicas for failure in replica.failures],
        "observables": observables_answer(problem, measured.observations),
        "missed_tolerances": missed_answer(problem, measured.observations),
    }


def deviation_answer(problem: Problem, observations: Sequence[Observation]) -> dict[str, Any] | None:
    """Mean squared deviation over the directly measured targets, in units of their uncertainty; None without them."""
    derived = {name for name, observable in problem.observables.items() if not hasattr(observable, "experiment")}
    targets = [target for target in problem.targets if target.observable not in derived]
    try:
        deviation = mean_squared_deviation(observations, targets)
    except ValueError:
        return None
    return {"value": deviation.value, "stderr": deviation.stderr, "points": deviation.points}


def run_answer(problem: Problem, study: Study, outcome: Outcome, wall_seconds: float) -> dict[str, Any]:
    """Answer of ``run`` and ``status``."""
    manifest = study.manifest()
    return {
        "study": str(study.folder),
        "fidelity": problem.fidelity,
        "search": None if manifest is None else manifest.method,
        "seed": None if manifest is None else manifest.seed,
        "lammps": None if manifest is None else manifest.engine,
        "evaluations": len(outcome.evaluations),
        "failures": sum(evaluation.failed for evaluation in outcome.evaluations),
        "misfits": [evaluation.misfit for evaluation in outcome.evaluations],
        "best": best_answer(problem, study, outcome),
        "candidates": [measured_answer(problem, one) for one in outcome.measured if one.number is not None],
        "compare": [measured_answer(problem, one) for one in outcome.measured if one.number is None],
        "finalists": [finalists_answer(one) for one in measured_finalists(study, problem)],
        "core_seconds": outcome.core_seconds,
        "wall_seconds": wall_seconds,
        "report": str(study.report) if study.report.is_file() else None,
        "units": units_of(problem),
    }


def finalists_answer(finalists: Finalists) -> dict[str, Any]:
    """The models that were measured at another fidelity."""
    problem, outcome = finalists.problem, finalists.outcome
    best = outcome.best
    return {
        "fidelity": problem.fidelity,
        "replicas": finalists.replicas,
        "lammps": finalists.engine,
        "best": None if best is None else {"evaluation": best.number, **measured_answer(problem, best)},
        "compare": [measured_answer(problem, one) for one in outcome.measured if one.number is None],
        "core_seconds": outcome.core_seconds,
        "units": units_of(problem),
    }


def best_answer(problem: Problem, study: Study, outcome: Outcome) -> dict[str, Any] | None:
    """The result: the best re-measured model, or the incumbent as long as nothing was re-measured."""
    claimed = outcome.incumbent
    if outcome.best is not None:
        number = outcome.best.number
        claimed = next((one for one in outcome.evaluations if one.number == number), claimed)
        return {
            "evaluation": number,
            **measured_answer(problem, outcome.best),
            "claimed_misfit": claimed.misfit if claimed else None,
            "parameters": problem.parameters.complete(outcome.best.point),
            "model": str(study.best_model),
        }
    return None if claimed is None else {**evaluation_answer(problem, claimed), "evaluation": claimed.number}


def evaluation_answer(problem: Problem, evaluation: Evaluation) -> dict[str, Any]:
    """One evaluation."""
    return {
        "misfit": evaluation.misfit,
        "terms": dict(evaluation.terms),
        "seed": evaluation.seed,
        "parameters": problem.parameters.complete(evaluation.point) if evaluation.point else None,
        "observables": observables_answer(problem, evaluation.observations),
        "missed_tolerances": missed_answer(problem, evaluation.observations),
        "failures": [failure_answer(failure) for failure in evaluation.failures],
        "core_seconds": evaluation.core_seconds,
        "runs": list(evaluation.runs),
    }


def _finite(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: what is not known is null."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
