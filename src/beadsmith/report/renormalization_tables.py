"""Tables of a renormalization: how good the surrogates are, and how far all models are from the targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.calibrate.functional.calibration import Calibration, mean_rmspe
from beadsmith.report.formatting import ABSENT
from beadsmith.report.stages import Document, Round, Stages

#: Percent by system and observable; None where it is not defined.
Errors = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class SurrogateRow:
    """How good one surrogate is.

    Attributes:
        q2, beyond: of predictions of what was left out, and the same beyond the noise of the runs, with its interval.
        inside: share of runs inside their 68 % and 95 % intervals.
        more: runs that it would want, in words.
    """

    system: str
    observable: str
    runs: int
    q2: str
    beyond: str
    inside: tuple[str, str]
    more: str
    usable: bool


@dataclass(frozen=True)
class ErrorRow:
    """Percentage errors of one observable.

    Attributes:
        cells: one for each column of the table.
    """

    observable: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ErrorTable:
    """Root mean squared percentage errors of all models.

    Attributes:
        columns: what each column is, and a remark.
        systems: rows by system.
        means: over everything, one for each column.
    """

    columns: tuple[tuple[str, str], ...]
    systems: Mapping[str, tuple[ErrorRow, ...]]
    means: tuple[str, ...]


@dataclass(frozen=True)
class RoundRow:
    """One turn of the closed loop: mean errors in percent, simulations beyond their interval and off their target."""

    number: int
    calibrated: str
    simplified: str
    simulated: str
    apart: str
    passed: str
    missed: str


def surrogate_rows(fit: Document) -> list[SurrogateRow]:
    """One for each observable, system by system."""
    return [
        SurrogateRow(
            system=system,
            observable=name,
            runs=one["points"],
            q2=quality(one["q2"]),
            beyond=f"{quality(one['q2_beyond_noise'])} ({' to '.join(map(quality, one['q2_interval']))})",
            inside=(f"{100 * one['coverage_68']:.0f} %", f"{100 * one['coverage_95']:.0f} %"),
            more=_more_runs(one["more_runs"]),
            usable=one["usable"],
        )
        for system, name, one in surrogates(fit)
    ]


def surrogates(fit: Document) -> Iterator[tuple[str, str, Document]]:
    """System, observable and judgement of every surrogate."""
    for system, entries in fit["surrogates"].items():
        for name, one in entries.items():
            yield system, name, one


def error_table(stages: Stages) -> ErrorTable | None:
    """Errors before and after simplification, and of simulations; None without any."""
    found: list[tuple[str, str, Errors]] = []
    for title, calibration in (
        ("Calibrated", stages.calibration),
        ("By the published rule", stages.by_rule),
        ("Simplified", stages.simplified),
    ):
        if calibration is not None:
            found.append((title, f"{calibration.free_parameters} numbers", calibration.rmspe))
    if stages.validation is not None:
        found.append(("Simulated", f"round {stages.validation['round']}", stages.validation["rmspe"]))
    every = [errors for _, _, errors in found]
    if not any(every):
        return None
    systems = dict.fromkeys(system for errors in every for system in errors)
    return ErrorTable(
        columns=tuple((title, remark) for title, remark, _ in found),
        systems={system: tuple(_error_rows(every, system)) for system in systems},
        means=tuple(percent(mean_of(errors)) for errors in every),
    )


def round_rows(rounds: Sequence[Round]) -> list[RoundRow]:
    """One for each turn of the closed loop."""
    return [
        RoundRow(
            number=one.number + 1,
            calibrated=_mean_and_numbers(one.calibration),
            simplified=_mean_and_numbers(one.simplified),
            simulated=ABSENT if one.validation is None else percent(mean_of(one.validation["rmspe"])),
            apart=ABSENT if one.validation is None else apart_of(one.validation),
            passed=_in_words(one.validation),
            missed=ABSENT if one.validation is None else missed_of(one.validation),
        )
        for one in rounds
    ]


def apart_of(validation: Document) -> str:
    """``6 of 160``: simulations outside the 95 % interval of their prediction."""
    return f"{validation['disagreements']} of {len(validation['comparisons'])}"


def missed_of(validation: Document) -> str:
    """``6 of 160``: simulations that miss their target; a dash if none has one."""
    return f"{validation['missed']} of {validation['targets']}" if validation["targets"] else ABSENT


def mean_of(errors: Errors) -> float:
    """Mean over systems and observables where the error is defined; NaN if it is nowhere."""
    return mean_rmspe(
        {
            system: {name: math.nan if one is None else one for name, one in row.items()}
            for system, row in errors.items()
        }
    )


def percent(value: float | None) -> str:
    """``1.90 %``; a dash if there is none."""
    return ABSENT if value is None or not math.isfinite(value) else f"{value:.2f} %"


def quality(q2: float | None) -> str:
    """A Q² with three decimals, never rounded up to 1; a dash if there is none."""
    if q2 is None or not math.isfinite(q2):
        return ABSENT
    shown = f"{q2:.3f}"
    return ("> 0.999" if q2 < 1.0 and float(shown) == 1.0 else shown).replace("-", "−")


def _error_rows(every: Sequence[Errors], system: str) -> list[ErrorRow]:
    names = dict.fromkeys(name for errors in every for name in errors.get(system, {}))
    return [ErrorRow(name, tuple(percent(errors.get(system, {}).get(name)) for errors in every)) for name in names]


def _mean_and_numbers(calibration: Calibration | None) -> str:
    if calibration is None:
        return ABSENT
    return f"{percent(calibration.mean_rmspe)}, {calibration.free_parameters} numbers"


def _in_words(validation: Document | None) -> str:
    """Whether prediction and simulation agree; empty if nothing can be compared."""
    if validation is None or not validation["comparisons"]:
        return ""
    return "agree" if validation["passed"] else "disagree"


def _more_runs(wanted: Sequence[int] | None) -> str:
    """Median with quartiles of how many more runs a surrogate would want."""
    if wanted is None:
        return "cannot be said"
    # To two digits: more are not known.
    median, low, high = (f"{float(f'{one:.2g}'):.0f}" for one in wanted)
    return "none" if median == high == "0" else f"about {median} ({low} to {high})"
