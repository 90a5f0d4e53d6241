"""What the stages of a renormalization left in a study, read once; any of it may be missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Envelope
from beadsmith.campaign.renormalization.history import Command, kept_commands
from beadsmith.campaign.renormalization.workbench import digest_of_calibration, newest_calibrations, read_stage
from beadsmith.campaign.study import Manifest, Study
from beadsmith.problem.records import Evaluation

#: A document of plain types.
Document = Mapping[str, Any]

_DESIGN = "design"
_VALIDATION = "validation"

#: Methods of an uncertainty that are posteriors, and not the published likelihood.
_POSTERIORS = ("randomised", "posterior")


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
        calibration, simplified: what was calibrated in it, and the same with fewer numbers.
        validation: runs of one of the two; None if there were none.
    """

    number: int
    calibration: Calibration | None
    simplified: Calibration | None
    validation: Document | None


@dataclass(frozen=True)
class Stages:
    """Everything that the page of a renormalization shows: what belongs to the newest calibration.

    That is the one that was asked for last, by ``calibrate`` or ``renormalize``.

    Attributes:
        name: of the study's folder.
        manifest: None if nothing was simulated there.
        commands: that made the study, the first one first.
        design: what was simulated to learn from.
        fit, sensitivity: of the surrogates that it was made with; the newest documents if there is no calibration.
        calibration: the newest one.
        posterior, published: envelopes by parameter, of the two ways to the uncertainty.
        posterior_simplified: envelopes after simplification.
        sampler: how the posterior was sampled, ``randomised`` or ``posterior`` (NUTS); empty if there is none.
        compared: what is said of the two and of each, in sentences.
        simplified: that calibration after simplification.
        by_rule: the same by the published rule; None if there is none, or if it is the one above.
        path: of that simplification.
        validation: the last document about runs of one of the two models.
        runs: of that validation.
        rounds: of the closed loop that ended with it, the first one first.
        left_out: what the study holds of other calibrations, in words.
    """

    name: str
    manifest: Manifest | None
    commands: tuple[Command, ...]
    design: tuple[Evaluation, ...]
    fit: Document | None
    sensitivity: Document | None
    calibration: Calibration | None
    posterior: Mapping[str, Envelope]
    posterior_simplified: Mapping[str, Envelope]
    published: Mapping[str, Envelope]
    sampler: str
    compared: tuple[str, ...]
    simplified: Calibration | None
    by_rule: Calibration | None
    path: SimplificationPath | None
    validation: Document | None
    runs: tuple[Evaluation, ...]
    rounds: tuple[Round, ...]
    left_out: tuple[str, ...]


def read_stages(study: Study) -> Stages:
    """Read a study.

    Raises:
        StudyError: a document that cannot be read.
    """
    chain = _calibrations(study)
    newest = _last(chain)
    calibration = None if newest is None else Calibration.from_json(newest)
    fit = _last(_about(study, "fit", _learnt(newest)))
    sensitivity = _last(_about(study, "sensitivity", _learnt(newest or fit)))
    uncertainty = _last(_about(study, "uncertainty", _digests(calibration))) or {}
    simplification = _last(_about(study, "simplification", _digests(calibration)))
    simplified = None if simplification is None else _simplified(simplification)
    left = _last(_about(study, "simplified-uncertainty", _digests(simplified)))
    validations = _about(study, _VALIDATION, _digests(calibration, simplified))
    posterior, published = uncertainty.get("posterior"), uncertainty.get("published")
    posterior_simplified = None if left is None or left["method"] not in _POSTERIORS else left
    compared = [*(uncertainty.get("sentences") or ()), *_sentences(posterior), *_sentences(posterior_simplified)]
    shown = {
        "surrogates": ("fit", fit),
        "sensitivities": ("sensitivity", sensitivity),
        "uncertainty": ("uncertainty", uncertainty),
        "simplification": ("simplification", simplification),
        "validation": (_VALIDATION, validations),
    }
    return Stages(
        name=study.folder.resolve().name,
        manifest=study.manifest(),
        commands=tuple(kept_commands(study)),
        design=tuple(study.rows(_DESIGN)),
        fit=fit,
        sensitivity=sensitivity,
        calibration=calibration,
        posterior=_envelopes(posterior),
        posterior_simplified=_envelopes(posterior_simplified),
        published=_envelopes(published),
        sampler="" if posterior is None else posterior["method"],
        compared=tuple(dict.fromkeys(compared)),
        simplified=simplified,
        by_rule=None if simplification is None else _by_rule(simplification),
        path=None if simplification is None else _path(simplification),
        validation=_last(validations),
        runs=tuple(study.rows(f"{_VALIDATION}-{max(validations)}")) if validations else (),
        rounds=tuple(_rounds(study, chain)),
        left_out=tuple(words for words, (name, own) in shown.items() if not own and _numbers(study, name)),
    )


def _calibrations(study: Study) -> dict[int, Document]:
    """Documents of the newest calibration and of those that it came from, by round; all there are if none is noted."""
    noted = newest_calibrations(study)
    return {
        number: one
        for number, one in _documents(study, "calibration").items()
        if noted is None or noted.get(number) == digest_of_calibration(Calibration.from_json(one))
    }


def _rounds(study: Study, chain: Mapping[int, Document]) -> Iterator[Round]:
    """Each with what belongs to its own calibration."""
    calibrations: dict[int, Calibration | None] = {key: Calibration.from_json(one) for key, one in chain.items()}
    simplified = {
        number: _simplified(one)
        for number, one in _documents(study, "simplification").items()
        if not calibrations or _belongs(one, _digests(calibrations.get(number)))
    }
    every = _about(study, _VALIDATION, _digests(*calibrations.values(), *simplified.values()))
    for number in sorted({*calibrations, *simplified, *(one - 1 for one in every)}):
        own = calibrations.get(number), simplified.get(number)
        validation = every.get(number + 1)
        if validation is not None and not _belongs(validation, _digests(*own)):
            validation = None
        yield Round(number, *own, validation)


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


def _about(study: Study, name: str, digests: Collection[str]) -> dict[int, Document]:
    """Documents of a name by round, ascending: those about one of several calibrations, or about what was learnt.

    Args:
        digests: of these; empty if there is nothing to belong to, and then all are meant.
    """
    return {number: one for number, one in _documents(study, name).items() if _belongs(one, digests)}


def _belongs(document: Document, digests: Collection[str]) -> bool:
    return not digests or document.get("about") in digests


def _digests(*calibrations: Calibration | None) -> list[str]:
    return [digest_of_calibration(one) for one in calibrations if one is not None]


def _learnt(document: Document | None) -> list[str]:
    """What a document was learnt from; empty if there is none, or if it does not say."""
    return [document["about"]] if document is not None and "about" in document else []


def _documents(study: Study, name: str) -> dict[int, Document]:
    found = {number: read_stage(study, name, number) for number in _numbers(study, name)}
    return {number: one for number, one in found.items() if one is not None}


def _numbers(study: Study, name: str) -> list[int]:
    """Rounds that a document exists of, ascending; 0 is the one without a number."""
    stems = [path.stem.removeprefix(name) for path in study.folder.glob(f"{name}*.json")]
    numbered = [int(stem[1:]) for stem in stems if stem[:1] == "-" and stem[1:].isdigit()]
    return sorted([*numbered, *(0 for stem in stems if not stem)])


def _last(documents: Mapping[int, Document]) -> Document | None:
    return documents[max(documents)] if documents else None
