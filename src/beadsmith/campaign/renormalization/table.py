"""The table of a design: what was simulated in a study, and what users bring along, as rows; and as CSV.

A row is a run at a state.  Columns of a CSV table are ``system``, the state variables, the parameters, and for each
observable its name and its name with ``_stderr``.  What a system does not depend on, or what could not be measured, is
left empty.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beadsmith.campaign.renormalization.systems import System, scalars_of, state_variables
from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation
from beadsmith.problem.replacing import replacing
from beadsmith.problem.targets import check_degrees

_STDERR = "_stderr"

#: Format of all numbers of a table: more digits than any simulation has.
_SHOWN = ".8g"

#: Beyond the ends of a range by this part of it is still inside: rounding in a table.
_MARGIN = 1e-6


@dataclass(frozen=True)
class Row:
    """A run at a state.

    Attributes:
        system: its system.
        inputs: state variables and the parameters that the system depends on, by name.
        values: value and standard error (NaN if not known) by observable; those that were measured.
    """

    system: str
    inputs: Mapping[str, float]
    values: Mapping[str, tuple[float, float]]


def rows_of(problem: Problem, systems: Sequence[System], evaluations: Iterable[Evaluation]) -> list[Row]:
    """Rows of what was simulated: one for each state of each run that has not failed.

    Curves are left out, and so is what is no number, or drifted.
    """
    rows = []
    by_name = {system.name: system for system in systems}
    for evaluation in evaluations:
        system = by_name.get(evaluation.label)
        if system is None or evaluation.failed:
            continue
        scalars = scalars_of(problem, system)
        parameters = {parameter.name: evaluation.point[parameter.name] for parameter in system.parameters}
        states = {one.state: None for one in evaluation.observations if one.observable in scalars}
        for state in states:
            values = {
                one.observable: (one.value, one.stderr if math.isfinite(one.stderr) else math.nan)
                for one in evaluation.observations
                if one.state == state and one.observable in scalars and math.isfinite(one.value)
            }
            rows.append(Row(system.name, {**state.as_dict(), **parameters}, values))
    return rows


def read_rows(problem: Problem, systems: Sequence[System], path: Path) -> list[Row]:
    """Rows of a CSV table.

    A row that stands there twice, number for number, counts once; different results of the same model at the same state
    are replicates, and count as such.

    Raises:
        ProblemError: no such file, unknown or missing columns, or an entry that is no number.
    """
    try:
        # Excel begins its files with a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            records = list(reader)
            columns = [name for name in reader.fieldnames or () if name]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProblemError(str(path), str(error), "a table (CSV) that can be read") from error
    if "system" not in columns and len(systems) > 1:
        raise ProblemError(str(path), f"the columns {', '.join(columns) or 'none'}", "a column named system")
    _check_columns(problem, systems, columns, path)
    rows = [_row(problem, systems, record, f"{path}: line {line}") for line, record in enumerate(records, start=2)]
    return unique(row for row in rows if row.values)


def unique(rows: Iterable[Row]) -> list[Row]:
    """Rows without those that repeat an earlier one, number for number, as far as a table shows them."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        inputs = [f"{name} {value:{_SHOWN}}" for name, value in row.inputs.items()]
        values = [f"{name} {value:{_SHOWN}} {stderr:{_SHOWN}}" for name, (value, stderr) in row.values.items()]
        found.setdefault((row.system, *sorted(inputs), *sorted(values)), row)
    return list(found.values())


def check_state_variables(systems: Sequence[System], rows: Sequence[Row]) -> None:
    """See that rows with the same observable say the same state variables.

    A variable that has one value wherever it is said may be left out: it is the same for all.

    Raises:
        ProblemError: a variable with several values that only some rows say.
    """
    for system in systems:
        for observable in system.observables:
            own = [row for row in rows if row.system == system.name and observable in row.values]
            for name in dict.fromkeys(name for row in own for name in row.inputs):
                said = [row.inputs[name] for row in own if name in row.inputs]
                if len(said) < len(own) and len(set(said)) > 1:
                    without = f"{len(own) - len(said)} of {len(own)} rows with {observable} without {name}"
                    remedy = "fill in the column in the tables that lack it, or remove it from those that have it"
                    raise ProblemError(f"{system.name}: {name}", without, "it in all of them, or in none", remedy)


def rows_beyond(systems: Sequence[System], rows: Sequence[Row]) -> list[str]:
    """Which rows lie outside the ranges of parameters or the states of the design, in sentences without full stop."""
    found = []
    for system in systems:
        own = [row for row in rows if row.system == system.name]
        axes = [(axis.name, axis.low, axis.high, "the states of the design") for axis in system.states]
        axes += [(one.name, one.low, one.high, "its range; functions stay inside it") for one in system.parameters]
        for name, low, high, what in axes:
            margin = _MARGIN * (high - low)
            values = [row.inputs[name] for row in own if not low - margin <= row.inputs[name] <= high + margin]
            if values:
                span = f"{min(values):g}" + (f" to {max(values):g}" if max(values) > min(values) else "")
                found.append(
                    f"{system.name}: {len(values)} of {len(own)} rows of tables have {name} = {span}, outside {low:g} "
                    f"to {high:g}, {what}"
                )
    return found


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a CSV table; the file appears whole or not at all."""
    inputs = list(dict.fromkeys(name for row in rows for name in row.inputs))
    # State variables have no dot in their names; they come first.
    inputs.sort(key=lambda name: "." in name)
    observables = list(dict.fromkeys(name for row in rows for name in row.values))
    header = ["system", *inputs, *(column for name in observables for column in (name, name + _STDERR))]
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            numbers = [row.inputs.get(name, math.nan) for name in inputs]
            numbers += [one for name in observables for one in row.values.get(name, (math.nan, math.nan))]
            writer.writerow([row.system, *("" if math.isnan(number) else f"{number:{_SHOWN}}" for number in numbers)])


def _check_columns(problem: Problem, systems: Sequence[System], columns: Sequence[str], path: Path) -> None:
    observables = {name for system in systems for name in scalars_of(problem, system)}
    parameters = {parameter.name for system in systems for parameter in system.parameters}
    # Anything else, such as the number of a run, would be learnt, and then calibrated, as if the material knew it.
    states = state_variables(problem, systems)
    known = {"system", *states, *parameters, *observables, *(name + _STDERR for name in observables)}
    for column in columns:
        if column not in known:
            named = f"a state variable of an experiment or a target ({', '.join(states) or 'there is none'})"
            expected = f"system, {named}, a free parameter, an observable or an observable with _stderr"
            remedy = suggestion(column, known) or "remove the column, or declare it under state of the experiment"
            raise ProblemError(f"{path}: column {column}", column, expected, remedy)
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise ProblemError(f"{path}: column {twice}", "the column twice", "each column once")


def _row(problem: Problem, systems: Sequence[System], record: Mapping[str, str], where: str) -> Row:
    name = record.get("system", systems[0].name)
    system = next((one for one in systems if one.name == name), None)
    if system is None:
        known = [one.name for one in systems]
        raise ProblemError(f"{where}: system", name, f"one of {', '.join(known)}", suggestion(name, known))
    scalars, own = scalars_of(problem, system), {parameter.name for parameter in system.parameters}
    designed = {axis.name for axis in system.states}
    inputs: dict[str, float] = {}
    for column in (*state_variables(problem, systems), *sorted(own)):
        number = _number(record.get(column), f"{where}: {column}")
        if number is None and (column in own or column in designed):
            received = "nothing" if column in record else "no such column"
            raise ProblemError(f"{where}: {column}", received, f"a number, on which {name} depends")
        if number is not None:
            check_degrees(column, [number], f"{where}: {column}")
            inputs[column] = number
    values: dict[str, tuple[float, float]] = {}
    for observable in scalars:
        value = _number(record.get(observable), f"{where}: {observable}")
        stderr = _number(record.get(observable + _STDERR), f"{where}: {observable}{_STDERR}")
        if stderr is not None and stderr < 0:
            raise ProblemError(
                f"{where}: {observable}{_STDERR}", f"{stderr:g}", "a standard error, which is not negative"
            )
        if value is not None:
            values[observable] = (value, math.nan if stderr is None else stderr)
    return Row(name, inputs, values)


def _number(text: str | None, where: str) -> float | None:
    """The number; None for an empty entry."""
    if text is None or not text.strip():
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise ProblemError(where, text, "a number, or nothing if it is not known") from error
    if not math.isfinite(number):
        raise ProblemError(where, text, "a finite number, or nothing if it is not known", "leave it empty")
    return number
