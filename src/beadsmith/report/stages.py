"""What the stages of a renormalization left in a study, read once; any of it may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Envelope
from beadsmith.campaign.renormalization.workbench import read_stage
from beadsmith.campaign.study import Manifest, Study
from beadsmith.problem.records import Evaluation

#: A document of plain types.
Document = Mapping[str, Any]

_Entry = TypeVar("_Entry")

_DESIGN = "design"
_VALIDATION = "validation"


@dataclass(frozen=True)
class Candidate:
    """One place on the path from all numbers to few.

    Attributes:
        change: what became simpler there, such as ``pair.B1.sigma constant``; empty at the beginning.
        numbers: that are fitted.
        score: of the criterion.
        objective: that was made small.
        mean_rmspe: percent; NaN if it is not defined.
    """

    change: str
    numbers: int
    score: float
    objective: float
    mean_rmspe: float


@dataclass(frozen=True)
class SimplificationPath:
    """The walk from all numbers to few.

    Attributes:
        criterion: by which it is judged.
        candidates: from all numbers to the fewest.
        best, knee: places of the lowest score, and of the last step before accuracy is lost quickly.
        chosen: place of the model that is handed on.
    """

    criterion: str
    candidates: tuple[Candidate, ...]
    best: int
    knee: int
    chosen: int


@dataclass(frozen=True)
class Round:
    """One turn of the closed loop.

    Attributes:
        number: 0 for what was calibrated before anything was validated.
        calibration, simplified: what was calibrated in it.
        validation: runs of that model; None if there were none.
    """

    number: int
    calibration: Calibration | None
    simplified: Calibration | None
    validation: Document | None


@dataclass(frozen=True)
class Stages:
    """Everything that the page of a renormalization shows.

    Attributes:
        name: of the study's folder.
        manifest: None if nothing was simulated there.
        design: what was simulated to learn from.
        fit, sensitivity: the newest documents of these stages.
        calibration: the newest one.
        posterior, published: envelopes by parameter, of the two ways to the uncertainty.
        sampler: how the posterior was sampled, ``randomised`` or ``posterior`` (NUTS); empty if there is none.
        compared: what is said of the two and of each, in sentences.
        simplified: the newest calibration after simplification.
        by_rule: the same by the published rule; None if there is none, or if it is the one above.
        path: of the newest simplification.
        validation: the newest document.
        runs: of the newest validation.
        rounds: of the closed loop, the first one first.
    """

    name: str
    manifest: Manifest | None
    design: tuple[Evaluation, ...]
    fit: Document | None
    sensitivity: Document | None
    calibration: Calibration | None
    posterior: Mapping[str, Envelope]
    published: Mapping[str, Envelope]
    sampler: str
    compared: tuple[str, ...]
    simplified: Calibration | None
    by_rule: Calibration | None
    path: SimplificationPath | None
    validation: Document | None
    runs: tuple[Evaluation, ...]
    rounds: tuple[Round, ...]


def read_stages(study: Study) -> Stages:
    """Read a study.

    Raises:
        StudyError: a document that cannot be read.
    """
    rounds = tuple(_rounds(study))
    uncertainty = _newest(study, "uncertainty") or {}
    validated = [number for number in _numbers(study, _VALIDATION) if number]
    posterior, published = uncertainty.get("posterior"), uncertainty.get("published")
    simplification = _newest(study, "simplification")
    return Stages(
        name=study.folder.resolve().name,
        manifest=study.manifest(),
        design=tuple(study.rows(_DESIGN)),
        fit=_newest(study, "fit"),
        sensitivity=_newest(study, "sensitivity"),
        calibration=_last([one.calibration for one in rounds]),
        posterior=_envelopes(posterior),
        published=_envelopes(published),
        sampler="" if posterior is None else posterior["method"],
        compared=tuple(uncertainty.get("sentences") or ()) + _sentences(posterior),
        simplified=_last([one.simplified for one in rounds]),
        by_rule=None if simplification is None else _by_rule(simplification),
        path=None if simplification is None else _path(simplification),
        validation=_last([one.validation for one in rounds]),
        runs=tuple(study.rows(f"{_VALIDATION}-{validated[-1]}")) if validated else (),
        rounds=rounds,
    )


def _rounds(study: Study) -> list[Round]:
    calibrations, simplifications = _numbers(study, "calibration"), _numbers(study, "simplification")
    validations = [number - 1 for number in _numbers(study, _VALIDATION) if number]
    found = []
    for number in sorted({*calibrations, *simplifications, *validations}):
        calibration = read_stage(study, "calibration", number)
        simplification = read_stage(study, "simplification", number)
        found.append(
            Round(
                number,
                None if calibration is None else Calibration.from_json(calibration),
                None if simplification is None else _simplified(simplification),
                read_stage(study, _VALIDATION, number + 1),
            )
        )
    return found


def _simplified(document: Document) -> Calibration | None:
    """The calibration that a simplification ended with."""
    chosen = document.get("calibration")
    return None if chosen is None else Calibration.from_json(chosen)


def _by_rule(document: Document) -> Calibration | None:
    found = document.get("published")
    return None if found is None or document.get("path") is None else Calibration.from_json(found)


def _path(document: Document) -> SimplificationPath | None:
    path = document.get("path")
    if path is None:
        return None
    return SimplificationPath(
        criterion=path["criterion"],
        candidates=tuple(_candidate(one) for one in path["steps"]),
        best=path["best"],
        knee=path["knee"],
        chosen=document.get("chosen", path["best"]),
    )


def _candidate(step: Document) -> Candidate:
    rmspe = step["mean_rmspe"]
    return Candidate(
        change=f"{step['parameter']} {step['form']}" if step["parameter"] else "",
        numbers=step["free_parameters"],
        score=step["score"],
        objective=step["objective"],
        mean_rmspe=float("nan") if rmspe is None else rmspe,
    )


def _envelopes(document: Document | None) -> dict[str, Envelope]:
    if document is None:
        return {}
    return {name: Envelope.from_json(one) for name, one in document["envelopes"].items()}


def _sentences(document: Document | None) -> tuple[str, ...]:
    return () if document is None else tuple(document["sentences"])


def _newest(study: Study, name: str) -> Document | None:
    numbers = _numbers(study, name)
    return read_stage(study, name, numbers[-1]) if numbers else None


def _numbers(study: Study, name: str) -> list[int]:
    """Rounds that a document exists of, ascending; 0 is the one without a number."""
    stems = [path.stem.removeprefix(name) for path in study.folder.glob(f"{name}*.json")]
    numbered = [int(stem[1:]) for stem in stems if stem[:1] == "-" and stem[1:].isdigit()]
    return sorted([*numbered, *(0 for stem in stems if not stem)])


def _last(entries: Sequence[_Entry | None]) -> _Entry | None:
    return next((one for one in reversed(entries) if one is not None), None)
