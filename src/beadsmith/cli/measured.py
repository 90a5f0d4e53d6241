"""What ``precision`` writes: the file that evaluations read, and the answer for ``--json``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from beadsmith import __version__
from beadsmith.calibrate.repeats import Bias
from beadsmith.campaign.advice import Setting
from beadsmith.campaign.fidelity import Finding, Protocol
from beadsmith.campaign.store import write_json
from beadsmith.cli.answers import units_of
from beadsmith.errors import StudyError
from beadsmith.observe.relaxation import Relaxation
from beadsmith.problem.problem import Problem
from beadsmith.problem.spread import protocol_digest


def write_measured(path: Path, problem: Problem, head: dict[str, Any], found: Sequence[Finding]) -> None:
    """Write the file that ``precision: {measured: ...}`` reads; it appears whole or not at all.

    Raises:
        StudyError: the file cannot be written.
    """
    record = {
        "beadsmith": __version__,
        **head,
        "experiments": protocol_digest(problem.experiments),
        "spreads": [
            {
                "observable": one.observable,
                "state": one.state.as_dict(),
                "between_runs": _rounded(one.scatter.between_runs),
                "bias": _rounded(one.bias.correction),
                "bias_stderr": _rounded(one.bias.correction_stderr),
                "mean_bias": _rounded(one.bias.mean),
                "mean_bias_stderr": _rounded(one.bias.stderr),
                "between_models": _rounded(one.bias.between_models),
                "runs": one.runs,
                "models": one.models,
            }
            for one in found
            if one.bias is not None
        ],
        "units": {name: unit for name, unit in units_of(problem).items() if name in problem.observables},
    }
    try:
        write_json(path, record)
    except OSError as error:
        expected = f"expected a file that can be written ({error.strerror})"
        raise StudyError(f"--output: received {path}, {expected}") from error


def measured_head(
    fidelity: Protocol, reference: Protocol, models: Iterable[str], replicas: int, seed: int, engine: str
) -> dict[str, Any]:
    """What was measured, and against what."""
    problem = fidelity.problem
    return {
        "lammps": engine,
        "problem": problem.path.name,
        "title": problem.file.title,
        "fidelity": fidelity.label,
        "reference": {"label": reference.label, "experiments": protocol_digest(reference.problem.experiments)},
        "models": list(models),
        "replicas": replicas,
        "seed": seed,
    }


def observables_answer(found: Sequence[Finding]) -> dict[str, list[dict[str, Any]]]:
    """By observable: one entry per state."""
    answer: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        answer.setdefault(one.observable, []).append(_finding_answer(one))
    return answer


def setting_answer(setting: Setting) -> dict[str, Any]:
    """The cheapest setting of an experiment."""
    return {
        "experiment": setting.experiment,
        "runs": setting.runs,
        "longer": setting.longer,
        "copies": setting.copies,
        "core_seconds": setting.core_seconds,
        "core_seconds_now": setting.core_seconds_now,
        "observables": {
            need.finding.observable: {
                "state": need.finding.state.as_dict(),
                "tolerance": need.tolerance,
                "single_run": need.finding.scatter.total,
                "runs": need.runs,
            }
            for need in setting.strictest
        },
    }


def bias_answer(bias: Bias) -> dict[str, Any]:
    """A bias, as it was measured and as it is used."""
    return {
        "value": bias.mean,
        "stderr": bias.stderr,
        "between_models": bias.between_models,
        "probability": bias.probability,
        "significant": bias.significant,
        "correction": bias.correction,
        "correction_stderr": bias.correction_stderr,
    }


def _finding_answer(one: Finding) -> dict[str, Any]:
    scatter = one.scatter
    return {
        "state": one.state.as_dict(),
        "bias": None if one.bias is None else bias_answer(one.bias),
        "bias_of_models": dict(one.differences),
        "single_run": scatter.total,
        "between_runs": scatter.between_runs,
        "claimed": math.sqrt(scatter.claimed),
        "ratio": scatter.ratio,
        "degrees_of_freedom": scatter.freedom,
        "runs": one.runs,
        "models": one.models,
        "not_equilibrated": one.flagged,
        "relaxation": _relaxation_answer(one.relaxation),
        "reference_relaxation": _relaxation_answer(one.reference_relaxation),
    }


def _relaxation_answer(relaxed: Relaxation | None) -> dict[str, Any] | None:
    if relaxed is None:
        return None
    return {
        "hold": relaxed.hold,
        "relaxation_times": relaxed.relaxation_times,
        "interval": [relaxed.lowest, relaxed.highest],
        "correlation_time": relaxed.correlation_time,
        "drift": {"value": relaxed.drift, "stderr": relaxed.drift_stderr, "probability": relaxed.drift_probability},
    }


def _rounded(value: float) -> float:
    """Six significant digits: more than a few runs tell, and few enough to read."""
    return float(f"{value:.6g}")
