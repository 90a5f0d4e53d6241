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

from beadsmith.campaign.renormalization.systems import System, scalars_of
from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation
from beadsmith.problem.replacing import replacing

_STDERR = "_stderr"

#: Format of all numbers of a table: more digits than any simulation has.
_SHOWN = ".8g"


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
        with path.open(newline="", encoding="utf-8") as file:
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
    known = {"system", *parameters, *observables, *(name + _STDERR for name in observables)}
    for column in columns:
        # A state variable may have any name, but no name of a parameter is as short as one.
        if column not in known and ("." in column or suggestion(column, known)):
            expected = "system, a state variable, a free parameter, an observable or an observable with _stderr"
            raise ProblemError(f"{path}: column {column}", column, expected, suggestion(column, known))
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
    # Whatever is neither a parameter nor an observable is a state variable.
    measured = {*problem.observables, *(observable + _STDERR for observable in problem.observables), "system"}
    states = [column for column in record if column and "." not in column and column not in measured]
    inputs: dict[str, float] = {}
    for column in (*states, *sorted(own)):
        number = _number(record.get(column), f"{where}: {column}")
        if number is None and (column in own or column in {axis.name for axis in system.states}):
            raise ProblemError(f"{where}: {column}", "nothing", f"a number, on which {name} depends")
        if number is not None:
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
