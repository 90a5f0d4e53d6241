"""The calibrated parameters: where each stands in its range, beside the models it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beadsmith.problem.functions import Constant
from beadsmith.problem.parameters import Parameter, ParameterSpace
from beadsmith.report.findings import ComparedModel, Findings, result_of
from beadsmith.report.formatting import ABSENT, number
from beadsmith.report.labels import observable_label, pretty_unit
from beadsmith.report.looks import RESULT, Look, look_of_place
from beadsmith.units import UNIT_OF_KIND

#: A parameter nearer to an end than this part of its range is warned of.
AT_BOUND = 0.02
#: Where a mark is drawn that lies outside the range, as a part of the range beyond its end.
OUTSIDE = 0.05
#: Significant digits, as many as published models have.
_DIGITS = 5


@dataclass(frozen=True)
class Mark:
    """A model's mark in the picture of a range.

    Attributes:
        position: 0 at the lower end of the range, 1 at the upper; drawn there, or just beyond an end.
        look: colour and shape.
        title: model and value in words.
    """

    position: float
    look: Look
    title: str


@dataclass(frozen=True)
class ParameterRow:
    """One free parameter.

    Attributes:
        name: as in the problem file.
        low, high: its range.
        value: of the result; None if there is none.
        warning: where it stands if that is near a bound; empty otherwise.
        others: what each compared model has, ready to print.
        marks: of compared models, then of the result.
    """

    name: str
    low: str
    high: str
    value: str
    warning: str
    others: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters of one kind, such as all bond lengths."""

    title: str
    unit: str
    rows: tuple[ParameterRow, ...]


@dataclass(frozen=True)
class ParameterTable:
    """All parameters of a problem.

    Attributes:
        result: what the column of the result is called; empty if there is none.
        others: names of the compared models that could be read, with their looks.
        groups: free parameters.
        fixed, tied: in words, by name.
        warnings: how many are near a bound.
    """

    result: str
    others: tuple[tuple[str, Look], ...]
    groups: tuple[ParameterGroup, ...]
    fixed: Mapping[str, str]
    tied: Mapping[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names of the parameters near a bound."""
        return tuple(row.name for group in self.groups for row in group.rows if row.warning)


def parameter_table(findings: Findings) -> ParameterTable:
    """All parameters, from the result and the model files beside it."""
    space = findings.problem.parameters
    result = result_of(findings.outcome)
    point = result.point if result is not None else {}
    compared = [
        (model, look_of_place(place)) for place, model in enumerate(findings.compared) if model.model is not None
    ]
    groups: dict[tuple[str, str], list[Parameter]] = {}
    for parameter in space.free:
        section, _, rest = parameter.name.partition(".")
        title = observable_label(f"{section} {rest.rpartition('.')[2]}")
        groups.setdefault((title, parameter.kind), []).append(parameter)
    return ParameterTable(
        result=result.label if result is not None else "",
        others=tuple((model.label, look) for model, look in compared),
        groups=tuple(
            ParameterGroup(title, pretty_unit(UNIT_OF_KIND[kind]), tuple(_row(one, point, compared) for one in members))
            for (title, kind), members in groups.items()
        ),
        fixed={name: _with_unit(value, space, name) for name, value in space.fixed.items()},
        tied=dict(space.tied),
    )


def position_in(parameter: Parameter, value: float) -> float:
    """0 at the lower end of the range, 1 at the upper end."""
    return (value - parameter.low) / (parameter.high - parameter.low)


def warning_of(parameter: Parameter, value: float) -> str:
    """What to say of a value near an end of its range, or outside; empty if it is well inside."""
    position = position_in(parameter, value)
    if position < 0 or position > 1:
        return "outside its range"
    if position < AT_BOUND:
        return "at its lower bound"
    return "at its upper bound" if position > 1 - AT_BOUND else ""


def _row(
    parameter: Parameter, point: Mapping[str, float], compared: Sequence[tuple[ComparedModel, Look]]
) -> ParameterRow:
    marks, others = [], []
    for model, look in compared:
        value, words = _constant_of(model, parameter.name)
        others.append(words)
        if value is not None:
            marks.append(_mark(parameter, value, look, model.label))
    value = point.get(parameter.name)
    if value is not None:
        marks.append(_mark(parameter, value, RESULT, "calibrated"))
    return ParameterRow(
        name=parameter.name,
        low=number(parameter.low),
        high=number(parameter.high),
        value=ABSENT if value is None else number(value, _DIGITS),
        warning="" if value is None else warning_of(parameter, value),
        others=tuple(others),
        marks=tuple(marks),
    )


def _constant_of(model: ComparedModel, name: str) -> tuple[float | None, str]:
    """A parameter of a model file, if it is one number; and what to print in any case."""
    function = model.model.functions.get(name) if model.model is not None else None
    if isinstance(function, Constant):
        return function.value, number(function.value, _DIGITS)
    if function is None:
        return None, ABSENT
    return None, f"f({', '.join(sorted(function.variables))})"


def _mark(parameter: Parameter, value: float, look: Look, label: str) -> Mark:
    position = min(max(position_in(parameter, value), -OUTSIDE), 1 + OUTSIDE)
    outside = " (outside the range)" if position in (-OUTSIDE, 1 + OUTSIDE) else ""
    return Mark(position, look, f"{label}: {number(value, _DIGITS)}{outside}")


def _with_unit(value: float, space: ParameterSpace, name: str) -> str:
    return f"{number(value)} {pretty_unit(UNIT_OF_KIND[space.kinds[name]])}".strip()
