"""What ``identify --json`` writes (docs/json.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beadsmith.calibrate.identifiability import Addition, Estimate, Estimates, Identifiability, Share
from beadsmith.campaign.identify import Identified
from beadsmith.campaign.study import Study
from beadsmith.cli.answers import units_of
from beadsmith.problem.problem import Problem


def identify_answer(problem: Problem, study: Study, found: Identified) -> dict[str, Any]:
    """Answer of ``identify``."""
    answer = found.answer
    return {
        "study": str(study.folder),
        "fidelity": problem.fidelity,
        "model": found.subject.label,
        "prior": answer.prior,
        "models": {"used": found.models, "worth": dict(answer.models)},
        "effective_number": _estimate(answer.effective),
        "nats": _estimate(answer.nats),
        "directions": _directions(answer),
        "spectrum": {
            "information": answer.eigenvalues.values.tolist(),
            "stderr": answer.eigenvalues.stderrs.tolist(),
            "with_noise": answer.raw.tolist(),
            "noise": answer.noise.tolist(),
            "noise_high": answer.noise_high.tolist(),
        },
        "limits": dict(answer.limits),
        "parameters": _parameters(problem, answer),
        "targets": [
            {
                "observable": goal.observable,
                "state": goal.state.as_dict(),
                "target_stderr": goal.stderr,
                "leverage": _estimate(answer.leverages[place]),
                "nats_lost": _estimate(answer.only_theirs[place]),
            }
            for place, goal in enumerate(answer.targets)
        ],
        "observables": {share.observable: _share(share, answer.parameters) for share in answer.shares},
        "considered": {addition.observable: _addition(addition, answer.parameters) for addition in answer.additions},
        "left_out": list(found.left_out),
        "units": units_of(problem),
    }


def _directions(answer: Identifiability) -> list[dict[str, Any]]:
    return [
        {
            "information": _estimate(answer.eigenvalues[place]),
            "known": float(answer.information.known[place]),
            "components": _by_name(
                answer.parameters, Estimates(answer.directions.values[place], answer.directions.stderrs[place])
            ),
        }
        for place in range(answer.resolved)
    ]


def _parameters(problem: Problem, answer: Identifiability) -> dict[str, Any]:
    return {
        parameter.name: {
            "variance_reduction": _estimate(answer.reductions[place]),
            "posterior_over_prior": float(answer.widths[place]),
            "prior_stderr": answer.prior * (parameter.high - parameter.low),
            "posterior_stderr": float(answer.widths[place]) * answer.prior * (parameter.high - parameter.low),
        }
        for place, parameter in enumerate(problem.parameters.free)
    }


def _share(share: Share, names: Sequence[str]) -> dict[str, Any]:
    return {
        "targets": share.targets,
        "effective_number_alone": _estimate(share.alone),
        "effective_number_lost": _estimate(share.lost),
        "nats_alone": _estimate(share.nats_alone),
        "nats_lost": _estimate(share.nats_lost),
        "variance_reduction_alone": _by_name(names, share.reductions_alone),
        "variance_reduction_lost": _by_name(names, share.reductions_lost),
    }


def _addition(addition: Addition, names: Sequence[str]) -> dict[str, Any]:
    return {
        "effective_number_gained": _estimate(addition.gain),
        "nats_gained": _estimate(addition.nats),
        "points": [
            {
                "state": goal.state.as_dict(),
                "uncertainty": goal.stderr,
                "open_within": _estimate(addition.spread[place]),
            }
            for place, goal in enumerate(addition.goals)
        ],
        "direction": _by_name(names, addition.direction),
        "variance_reduction_gained": _by_name(names, addition.reductions),
    }


def _by_name(names: Sequence[str], estimates: Estimates) -> dict[str, Any]:
    return {name: _estimate(estimates[place]) for place, name in enumerate(names)}


def _estimate(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "stderr": estimate.stderr}
