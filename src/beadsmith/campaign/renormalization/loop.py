"""The whole of a renormalization: calibrate, simplify, simulate what came out, learn from it, and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Uncertainty
from beadsmith.campaign.renormalization.functions import Fit
from beadsmith.campaign.renormalization.stages import (
    SAMPLES,
    calibration,
    judged_surrogates,
    refinement,
    sensitivities,
    simplification,
    uncertainty,
    uncertainty_of_simplified,
    validation,
    write_model,
)
from beadsmith.campaign.renormalization.workbench import Workbench
from beadsmith.errors import EstimateError

#: A round brought simulations closer to their targets if their misfit fell to so much of that before, or less.
_CLOSER = 0.8


@dataclass(frozen=True)
class Renormalized:
    """What a renormalization found.

    Attributes:
        calibrated, simplified: functions with all numbers, and with fewer.
        known: how far the calibrated functions are known.
        surrogates, sensitivity, uncertainty, simplification: documents of the last round; ``sensitivity`` is None if no
            surrogate was good enough.
        validations: documents of all rounds.
    """

    calibrated: Calibration
    simplified: Calibration
    known: Uncertainty
    surrogates: Mapping[str, Any]
    sensitivity: Mapping[str, Any] | None
    uncertainty: Mapping[str, Any]
    simplification: Mapping[str, Any]
    validations: tuple[Mapping[str, Any], ...]

    @property
    def validated(self) -> bool:
        """Whether real runs of the simplified model agree with what was predicted of it."""
        return bool(self.validations) and bool(self.validations[-1]["passed"])


def renormalize(bench: Workbench, fit: Fit, rounds: int, simplify: str | int = "bic") -> Renormalized:
    """Everything after the design; resumable, because every stage is.

    Args:
        bench: with a design.
        fit: how functions are fitted.
        rounds: of validation, at most; see :func:`is_worth_another_round`.
        simplify: how far, see ``calibration.simplify`` of the problem file.

    Raises:
        EstimateError: nothing could be learnt of an observable that has a target.
        ProblemError: no targets, or targets where nothing was simulated.
    """
    validations: list[Mapping[str, Any]] = []
    while True:
        own = replace(bench, rounds=len(validations))
        surrogates = judged_surrogates(own)
        _, calibrated = calibration(own, fit)
        spread, known = uncertainty(own, fit, calibrated, sampler=fit.posterior, samples=SAMPLES)
        path, simplified = simplification(own, calibrated, known, simplify)
        left = uncertainty_of_simplified(own, simplified, sampler=fit.posterior, samples=SAMPLES)
        title = bench.problem.file.title
        write_model(own, "calibrated", f"{title}, calibrated", calibrated, known)
        model = write_model(own, "simplified", f"{title}, calibrated and simplified", simplified, left)
        if len(validations) == rounds:
            break
        validations.append(validation(own, model, len(validations) + 1))
        if not is_worth_another_round(validations):
            break
        refinement(bench, known, len(validations))
    try:
        shares: Mapping[str, Any] | None = sensitivities(own, {}, force=False)
    except EstimateError:
        shares = None
    return Renormalized(calibrated, simplified, known, surrogates, shares, spread, path, tuple(validations))


def is_worth_another_round(validations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether runs of the last round are to be learnt, and all calibrated anew.

    While predictions fail, yes.  Once they hold, only while targets are missed and the last round brought the
    simulations closer to them: what remains is then more than the forms of the functions can do.

    Args:
        validations: documents of the rounds so far, at least one.
    """
    last = validations[-1]
    if not last["passed"]:
        return True
    if last["targets_met"]:
        return False
    return len(validations) == 1 or last["misfit"] < _CLOSER * validations[-2]["misfit"]
