"""The table of properties: what should come out beside what came out, for every model, with the misfit at its foot.

One structure, printed by the HTML page and in the terminal (:mod:`beadsmith.report.terminal`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.calibrate import deviations, mean_squared_deviation
from beadsmith.calibrate.matching import is_undetermined, matching
from beadsmith.campaign.precision import missed_tolerances
from beadsmith.observe.glass_transition import NOT_DETERMINED
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.schema import (
    Distribution,
    GlassTransitionHyperbola,
    GlassTransitionLines,
    MeanSquaredDisplacement,
    ThermalExpansion,
)
from beadsmith.problem.state import State, same_state
from beadsmith.report.findings import Number, Subject
from beadsmith.report.formatting import ABSENT, UNKNOWN, Written, count, given, number, own_decimals, written
from beadsmith.report.labels import observable_label, observable_unit, state_label, with_unit

#: A deviation of more than so many combined standard errors is marked.
MARKED = 2.0
TOO_HIGH, TOO_LOW, UNSETTLED = "▲", "▼", "†"
#: Stands for a value that the data leave open, whatever number an estimator makes of them.
IN_WORDS = "not determined"


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
    """One property at one state, or a whole distribution.

    Attributes:
        observable: its name in the problem file.
        state: where; of a distribution without its coordinate.
        target: None if nothing is said about it.
        cells: one for each column; None if that model has no such observation.
        summary: what the cells say about a distribution; empty for a single value.
    """

    observable: str
    state: State
    target: Cell | None
    cells: tuple[Cell | None, ...]
    summary: str = ""

    @property
    def label(self) -> str:
        """``T = 150 K``; empty for a property without state."""
        return ", ".join(part for part in (state_label(self.state), self.summary) if part)


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
    """The whole table.

    Attributes:
        missed: tolerances that were not reached: the model, and a sentence.
    """

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    foot: tuple[FootRow, ...]
    missed: tuple[tuple[str, str], ...] = ()

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
    def has_deviations(self) -> bool:
        """Whether a distribution is compared with its targets as a whole."""
        return any(row.summary and row.target is not None for row in self.rows)

    @property
    def has_unknown_errors(self) -> bool:
        """Whether a question mark stands for an error somewhere."""
        foot = (cell for row in self.foot for cell in row.cells if cell is not None)
        return any(one.error == UNKNOWN for one in (*(cell.written for cell in self.cells), *foot))

    @property
    def undetermined(self) -> tuple[tuple[str, str], ...]:
        """What the data of a model leave open: the model, and why; each once."""
        found = (
            (column.title, cell.note)
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            if cell is not None and cell.written.value == IN_WORDS and cell.note
        )
        return tuple(dict.fromkeys(found))

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
        missed=tuple((one.label, said) for one in models for said in missed_sentences(problem, one.observations)),
    )


def missed_sentences(problem: Problem, observations: Sequence[Observation]) -> list[str]:
    """One sentence for each observable that is less precise than tolerated, about the state where it is most so."""
    missed = missed_tolerances(problem, observations)
    sentences = []
    for name in dict.fromkeys(one.observable for one in missed):
        own = [one for one in missed if one.observable == name]
        worst = max(own, key=lambda one: one.stderr / one.tolerance)
        unit = observable_unit(problem, name)
        where = f" at {state_label(worst.state)}" if worst.state.variables else ""
        others = f" (the worst of {count(len(own), 'state')})" if len(own) > 1 else ""
        error = f"{number(worst.stderr, 2)} {unit}".rstrip() if math.isfinite(worst.stderr) else "not known"
        wanted = f"{number(worst.tolerance, 3)} {unit}".rstrip()
        sentences.append(
            f"{observable_label(name)} misses its tolerance of {wanted}: standard error {error}{where}{others}"
        )
    return sentences


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


def has_transition(problem: Problem) -> bool:
    """Whether a glass transition is among the observables."""
    kinds = GlassTransitionLines | GlassTransitionHyperbola
    return any(isinstance(observable, kinds) for observable in problem.observables.values())


def _groups(problem: Problem, models: Sequence[Subject]) -> list[Group]:
    z = [_deviation_by_target(problem, model) for model in models]
    groups = []
    for name in measured_observables(problem, models):
        targets = [target for target in problem.targets if target.observable == name]
        observable = problem.observables.get(name)
        if isinstance(observable, Distribution | MeanSquaredDisplacement):
            rows = _rows_of_distribution(name, observable.coordinate, targets, models, z)
        else:
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


def _rows_of_distribution(
    name: str,
    coordinate: str,
    targets: Sequence[Target],
    models: Sequence[Subject],
    z: Sequence[Mapping[tuple[str, State], float]],
) -> list[Row]:
    """One row for each state without the coordinate: figures show the bins, a table of all of them would hide the rest.

    With targets: the root mean square deviation of the bins from them; without: the height of the highest bin, of a
    curve along time its highest value.
    """
    words = ("value", "highest value") if coordinate == "t" else ("bin", "highest bin")
    states: list[State] = []
    observed = (one.state for model in models for one in model.observations if one.observable == name)
    for state in (one.without(coordinate) for one in (*(target.state for target in targets), *observed)):
        if not any(same_state(state, known) for known in states):
            states.append(state)
    rows = []
    for state in states:
        here = [target for target in targets if same_state(target.state.without(coordinate), state)]
        bins = [_bins_at(name, coordinate, state, model) for model in models]
        if here:
            cells = [_deviation_of_bins(found, here, own) for found, own in zip(bins, z, strict=True)]
            target = Cell(math.nan, math.nan, Written(ABSENT))
            rows.append(Row(name, state, target, tuple(cells), f"deviation of {count(len(here), words[0])}"))
        else:
            rows.append(Row(name, state, None, tuple(_highest(found) for found in bins), words[1]))
    return rows


def _bins_at(name: str, coordinate: str, state: State, model: Subject) -> list[Observation]:
    own = (one for one in model.observations if one.observable == name)
    return [one for one in own if same_state(one.state.without(coordinate), state)]


def _deviation_of_bins(
    found: Sequence[Observation], targets: Sequence[Target], z: Mapping[tuple[str, State], float]
) -> Cell | None:
    known = [z.get((target.observable, target.state), math.nan) for target in targets]
    if not found or not all(math.isfinite(one) for one in known):
        return None
    deviation = math.sqrt(math.fsum(one**2 for one in known) / len(known))
    return _cell_of_bins(found, deviation, math.nan, Written(f"{number(deviation, 2)} σ"))


def _highest(found: Sequence[Observation]) -> Cell | None:
    known = [one for one in found if math.isfinite(one.value)]
    if not known:
        return _cell(found)
    one = max(known, key=lambda bin_: bin_.value)
    return _cell_of_bins(found, one.value, one.stderr, written(one.value, one.stderr))


def _cell_of_bins(found: Sequence[Observation], value: float, stderr: float, shown: Written) -> Cell:
    notes = dict.fromkeys(one.note for one in found if one.note)
    equilibrated = all(one.equilibrated for one in found)
    return Cell(value, stderr, shown, equilibrated=equilibrated, note="; ".join(notes))


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
    if NOT_DETERMINED in one.note or (is_undetermined(one) and math.isnan(one.value)):
        return Cell(one.value, one.stderr, Written(IN_WORDS), equilibrated=one.equilibrated, note=one.note)
    return Cell(one.value, one.stderr, written(one.value, one.stderr), z, one.equilibrated, one.note)


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
