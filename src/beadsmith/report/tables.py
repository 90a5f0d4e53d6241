"""The table of properties: what should come out beside what came out, for every model, with the misfit at its foot.

One structure, printed by the HTML page and in the terminal (:mod:`beadsmith.report.terminal`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.calibrate import deviations, mean_squared_deviation
from beadsmith.calibrate.matching import is_undetermined, matching
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.schema import GlassTransitionHyperbola, GlassTransitionLines, ThermalExpansion
from beadsmith.problem.state import State, same_state
from beadsmith.report.findings import Number, Subject
from beadsmith.report.formatting import UNKNOWN, Written, count, given, number, own_decimals, written
from beadsmith.report.labels import observable_label, observable_unit, state_label, with_unit

#: A deviation of more than so many combined standard errors is marked.
MARKED = 2.0
TOO_HIGH, TOO_LOW, UNSETTLED = "▲", "▼", "†"


@dataclass(frozen=True)
class Cell:
    """What one model gave for one property at one state.

    Attributes:
        value, stderr: as stored, in the unit of the row.
        written: the same, ready to print.
        z: deviation from the target in combined standard errors; NaN without a target, or if undetermined.
        equilibrated: False if the value was still drifting.
        note: the observation's own remark.
    """

    value: float
    stderr: float
    written: Written
    z: float = math.nan
    equilibrated: bool = True
    note: str = ""

    @property
    def mark(self) -> str:
        """``▲`` too high, ``▼`` too low, ``†`` not equilibrated; empty if all is well."""
        direction = TOO_HIGH if self.z > MARKED else TOO_LOW if self.z < -MARKED else ""
        return direction + ("" if self.equilibrated else UNSETTLED)


@dataclass(frozen=True)
class Row:
    """One property at one state.

    Attributes:
        observable: its name in the problem file.
        state: where.
        target: None if nothing is said about it.
        cells: one for each column; None if that model has no such observation.
    """

    observable: str
    state: State
    target: Cell | None
    cells: tuple[Cell | None, ...]

    @property
    def label(self) -> str:
        """``T = 150 K``; empty for a property without state."""
        return state_label(self.state)


@dataclass(frozen=True)
class Group:
    """All rows of one observable."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class FootRow:
    """One line at the foot, about each model as a whole.

    Attributes:
        kind: ``misfit``, ``term``, ``deviation`` or ``noise``.
        remark: what the title leaves out where there is little room.
        cells: one for each column; None if there is no such number.
    """

    kind: str
    title: str
    cells: tuple[Written | None, ...]
    remark: str = ""


@dataclass(frozen=True)
class Column:
    """A model: its name, how it was measured, whether it is the result."""

    title: str
    remark: str
    result: bool


@dataclass(frozen=True)
class PropertyTable:
    """The whole table."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    foot: tuple[FootRow, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows above the foot."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All values of models above the foot."""
        return tuple(cell for row in self.rows for cell in row.cells if cell is not None)

    @property
    def marks(self) -> frozenset[str]:
        """All marks that occur, so that only these are explained."""
        return frozenset(mark for cell in self.cells for mark in cell.mark)

    @property
    def has_unknown_errors(self) -> bool:
        """Whether a question mark stands for an error somewhere."""
        foot = (cell for row in self.foot for cell in row.cells if cell is not None)
        return any(one.error == UNKNOWN for one in (*(cell.written for cell in self.cells), *foot))

    @property
    def remarks(self) -> tuple[tuple[str, str], ...]:
        """What the observations of the result say about themselves: where, and the remark."""
        results = [number for number, column in enumerate(self.columns) if column.result]
        found = [(group, row, row.cells[number]) for group in self.groups for row in group.rows for number in results]
        return tuple(
            (f"{group.title} at {row.label}" if row.label else group.title, cell.note)
            for group, row, cell in found
            if cell is not None and cell.note
        )


def property_table(problem: Problem, models: Sequence[Subject]) -> PropertyTable:
    """Targets beside models: every observable at every state that has a target or was observed."""
    return PropertyTable(
        columns=tuple(Column(model.label, model.remark, model.result) for model in models),
        groups=tuple(_groups(problem, models)),
        foot=_foot(problem, models),
    )


def measured_observables(problem: Problem, models: Sequence[Subject]) -> list[str]:
    """Names of observables with a target or an observation: those of the problem in its order, then any others."""
    seen = {target.observable: None for target in problem.targets}
    seen |= {observation.observable: None for model in models for observation in model.observations}
    return [name for name in problem.observables if name in seen] + [
        name for name in seen if name not in problem.observables
    ]


def direct_targets(problem: Problem) -> list[Target]:
    """Targets whose errors are independent: without properties that are derived from other targets."""
    derived = GlassTransitionLines | GlassTransitionHyperbola | ThermalExpansion
    return [target for target in problem.targets if not isinstance(problem.observables[target.observable], derived)]


def _groups(problem: Problem, models: Sequence[Subject]) -> list[Group]:
    z = [_deviation_by_target(problem, model) for model in models]
    groups = []
    for name in measured_observables(problem, models):
        targets = [target for target in problem.targets if target.observable == name]
        decimals = own_decimals(target.value for target in targets)
        rows = [_row_of_target(target, decimals, models, z) for target in targets]
        rows += [_row_of_state(name, state, models) for state in _states_without_target(name, targets, models)]
        title = with_unit(observable_label(name), observable_unit(problem, name))
        groups.append(Group(title, tuple(sorted(rows, key=lambda row: row.state))))
    return groups


def _deviation_by_target(problem: Problem, model: Subject) -> Mapping[tuple[str, State], float]:
    try:
        found = deviations(model.observations, problem.targets)
    except ValueError:  # observed twice: no deviation, but the table is still of use
        return {}
    return {(one.observable, one.state): one.z for one in found}


def _row_of_target(
    target: Target, decimals: int, models: Sequence[Subject], z: Sequence[Mapping[tuple[str, State], float]]
) -> Row:
    cells = [
        _cell(matching(model.observations, target), own.get((target.observable, target.state), math.nan))
        for model, own in zip(models, z, strict=True)
    ]
    shown = Cell(target.value, target.stderr, given(target.value, target.stderr, decimals))
    return Row(target.observable, target.state, shown, tuple(cells))


def _row_of_state(name: str, state: State, models: Sequence[Subject]) -> Row:
    found = [
        [one for one in model.observations if one.observable == name and same_state(one.state, state)]
        for model in models
    ]
    return Row(name, state, None, tuple(_cell(observations) for observations in found))


def _states_without_target(name: str, targets: Sequence[Target], models: Sequence[Subject]) -> list[State]:
    states: list[State] = []
    for observation in (one for model in models for one in model.observations if one.observable == name):
        if not any(same_state(observation.state, known) for known in (*states, *(target.state for target in targets))):
            states.append(observation.state)
    return states


def _cell(found: Sequence[Observation], z: float = math.nan) -> Cell | None:
    if not found:
        return None
    one = found[0]
    shown = (
        Written("not determined") if is_undetermined(one) and math.isnan(one.value) else written(one.value, one.stderr)
    )
    return Cell(one.value, one.stderr, shown, z, one.equilibrated, one.note)


def _foot(problem: Problem, models: Sequence[Subject]) -> tuple[FootRow, ...]:
    if not problem.targets:
        return ()
    names = list(dict.fromkeys(name for model in models for name in model.terms))
    rows = [FootRow("misfit", "Misfit", tuple(_number(model.misfit) for model in models))]
    rows += [
        FootRow("term", observable_label(name), tuple(_number(model.terms.get(name)) for model in models))
        for name in names
    ]
    targets = direct_targets(problem)
    if targets:
        over = f"mean of {count(len(targets), 'point')}, in σ² of the targets"
        rows += [
            FootRow("deviation", "Squared deviation", _attempts(_deviation, models, targets), over),
            FootRow("noise", "of which noise", _attempts(_noise, models, targets), "expected from standard errors"),
        ]
    return tuple(rows)


def _attempts(
    cell: Callable[[Sequence[Observation], Sequence[Target]], Written],
    models: Sequence[Subject],
    targets: Sequence[Target],
) -> tuple[Written | None, ...]:
    def attempt(model: Subject) -> Written | None:
        try:
            return cell(model.observations, targets)
        except ValueError:  # a target without a usable observation: the rows above show which
            return None

    return tuple(attempt(model) for model in models)


def _deviation(observations: Sequence[Observation], targets: Sequence[Target]) -> Written:
    found = mean_squared_deviation(observations, targets)
    return written(found.value, found.stderr)


def _noise(observations: Sequence[Observation], targets: Sequence[Target]) -> Written:
    return Written(number(mean_squared_deviation(observations, targets).noise, 2))


def _number(one: Number | None) -> Written | None:
    return None if one is None else written(one.value, one.stderr)
