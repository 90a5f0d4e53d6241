"""What the targets say about the parameters, in sentences and tables, for the page and for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beadsmith.calibrate.identifiability import Addition, Estimate, Identifiability, Share, in_words
from beadsmith.campaign.identify import Identified
from beadsmith.problem.problem import Problem
from beadsmith.report.findings import Findings
from beadsmith.report.formatting import count, number, written
from beadsmith.report.labels import observable_label, observable_unit, state_label

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture

#: Parameters that lose less than this share of their prior variance are called inert.
INERT = 0.05
#: Of a direction none of whose components is known.
_VAGUE = "not known which parameters"
#: So many parameters' sloppy directions are shown.
_MOST_SLOPPY = 6


@dataclass(frozen=True)
class DirectionRow:
    """A direction of parameter space.

    Attributes:
        information: with its error if it has one.
        known: from the targets instead of the prior, per cent; empty where that is not said.
        words: its largest components.
    """

    information: str
    known: str
    words: str


@dataclass(frozen=True)
class KnownRow:
    """A parameter of which the targets say something.

    Attributes:
        width: standard deviation after over before.
        gone: share of the prior variance, with its error.
        source: the observable that tells most of it.
    """

    name: str
    width: str
    gone: str
    source: str


@dataclass(frozen=True)
class ShareRow:
    """What an observable tells: alone, and what would be lost without it; and its strongest point."""

    observable: str
    targets: str
    alone: str
    lost: str
    strongest: str


@dataclass(frozen=True)
class AdditionRow:
    """What a further observable would add.

    Attributes:
        gain: rise of the effective number, with its error.
        spread: of the observable over the models that are still open.
        uncertainty: with which it would be known.
        words: what it would narrow most.
    """

    observable: str
    gain: str
    spread: str
    uncertainty: str
    words: str


@dataclass(frozen=True)
class IdentifiabilityTables:
    """All of it; see the rows.

    Attributes:
        headline: how many numbers the targets hold.
        basis: the model, the derivatives and the prior behind it.
        resolution: what the noise of the derivatives lets see.
        left_out: targets that do not count, as sentences.
        inert: parameters of which the targets say next to nothing.
        unseen: considered observables without derivatives.
    """

    headline: str
    basis: str
    resolution: str
    left_out: tuple[str, ...]
    directions: tuple[DirectionRow, ...]
    sloppy: tuple[DirectionRow, ...]
    known: tuple[KnownRow, ...]
    inert: tuple[str, ...]
    shares: tuple[ShareRow, ...]
    additions: tuple[AdditionRow, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class IdentifiabilitySection:
    """The section of the page: tables and figures."""

    tables: IdentifiabilityTables
    spectrum: Picture
    parameters: Picture
    sources: Picture


def identifiability_section(findings: Findings) -> IdentifiabilitySection | None:
    """The section of the page; None if the study has no derivatives."""
    if findings.identified is None:
        return None
    from beadsmith.report.figures.identifiability import parameters_picture, sources_picture, spectrum_picture

    answer = findings.identified.answer
    return IdentifiabilitySection(
        tables=identifiability_tables(findings.problem, findings.identified),
        spectrum=spectrum_picture(answer),
        parameters=parameters_picture(answer),
        sources=sources_picture(answer),
    )


def identifiability_tables(problem: Problem, found: Identified) -> IdentifiabilityTables:
    """Sentences and tables of an analysis."""
    answer = found.answer
    known = _known(answer)
    return IdentifiabilityTables(
        headline=_headline(answer),
        basis=_basis(found),
        resolution=_resolution(answer),
        left_out=found.left_out,
        directions=tuple(_direction(answer, place) for place in range(answer.resolved)),
        sloppy=tuple(_sloppy(answer, place) for place in known[:_MOST_SLOPPY]),
        known=tuple(_parameter(answer, place) for place in known),
        inert=answer.below(INERT),
        shares=tuple(_share(answer, share) for share in answer.shares),
        additions=tuple(_addition(problem, answer, addition) for addition in answer.additions),
        unseen=tuple(observable_label(name) for name in found.complaints),
    )


def _headline(answer: Identifiability) -> str:
    targets, parameters = count(len(answer.targets), "target"), count(len(answer.parameters), "parameter")
    verb = "holds" if len(answer.targets) == 1 else "hold"
    inert = len(answer.below(INERT))
    return (
        f"{targets} {verb} {_amount(answer.effective)} usable numbers for {parameters}; "
        f"{inert or 'none'} of the parameters {'is' if inert == 1 else 'are'} inert."
    )


def _basis(found: Identified) -> str:
    worth = ", ".join(f"{models:.3g} for {_plain(name)}" for name, models in found.answer.models.items())
    return (
        f"Near {found.subject.label}; derivatives of {count(found.models, 'model')}, worth {worth}; "
        f"prior standard deviation {found.answer.prior:g} of each range."
    )


def _resolution(answer: Identifiability) -> str:
    stands = f"{count(answer.resolved, 'direction')} {'stands' if answer.resolved == 1 else 'stand'} above the noise"
    limits = ", ".join(f"{number(limit, 2)} ({_plain(name)})" for name, limit in answer.limits.items() if limit > 0)
    further = f"; one more would be seen, and counted, from an information of {limits}" if limits else ""
    return f"{stands} of the derivatives{further}."


def _direction(answer: Identifiability, place: int) -> DirectionRow:
    known = 100.0 * float(answer.information.known[place])
    words = in_words(answer.directions.values[place], answer.parameters, answer.directions.stderrs[place])
    return DirectionRow(_text(answer.eigenvalues[place]), f"{known:.0f} %", words or _VAGUE)


def _sloppy(answer: Identifiability, place: int) -> DirectionRow:
    direction = answer.information.unnoticed(place)
    return DirectionRow(number(answer.information.along(direction), 2), "", in_words(direction, answer.parameters))


def _known(answer: Identifiability) -> list[int]:
    """Places of the parameters that are not inert, the best known first."""
    gone = answer.reductions.values
    return [place for place in np.argsort(-gone, kind="stable").tolist() if gone[place] >= INERT]


def _parameter(answer: Identifiability, place: int) -> KnownRow:
    gone = answer.reductions[place]
    best = max(answer.shares, key=lambda share: float(share.reductions_alone.values[place]))
    return KnownRow(
        name=answer.parameters[place],
        width=f"{answer.widths[place]:.2f}",
        gone=_amount(gone),
        source=observable_label(best.observable),
    )


def _share(answer: Identifiability, share: Share) -> ShareRow:
    own = [place for place, goal in enumerate(answer.targets) if goal.observable == share.observable]
    place = max(own, key=lambda place: float(answer.leverages.values[place]))
    where = state_label(answer.targets[place].state) or "its only state"
    return ShareRow(
        observable=observable_label(share.observable),
        targets=str(share.targets),
        alone=_amount(share.alone),
        lost=_amount(share.lost),
        strongest=f"{where}, leverage {answer.leverages.values[place]:.2f}",
    )


def _addition(problem: Problem, answer: Identifiability, addition: Addition) -> AdditionRow:
    unit = observable_unit(problem, addition.observable)
    words = in_words(addition.direction.values, answer.parameters, addition.direction.stderrs) or _VAGUE
    return AdditionRow(
        observable=observable_label(addition.observable),
        gain=_amount(addition.gain),
        spread=_spanned(addition.spread.values.tolist(), unit),
        uncertainty=_spanned([goal.stderr for goal in addition.goals], unit),
        words=words if addition.gain.value >= INERT else "hardly anything",
    )


def _spanned(values: list[float], unit: str) -> str:
    """``0.1 to 0.3 Å``, or ``0.1 Å`` if all are alike."""
    low, high = number(min(values), 2), number(max(values), 2)
    return f"{low} {unit}".strip() if low == high else f"{low} to {high} {unit}".strip()


def _amount(estimate: Estimate) -> str:
    """A number of parameters, or a share: hundredths are as much as anybody wants to know."""
    return f"{estimate.value:.2f} ± {estimate.stderr:.2f}"


def _plain(name: str) -> str:
    """The name of an observable inside a sentence."""
    return name.replace("_", " ")


def _text(estimate: Estimate) -> str:
    # Derivatives without noise leave an error of rounding only.
    stderr = estimate.stderr if estimate.stderr > 1e-6 * abs(estimate.value) else 0.0
    return written(estimate.value, stderr).text if stderr else number(estimate.value, 3)
