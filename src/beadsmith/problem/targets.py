"""Targets: from the compact form of the problem file to one record per observable and state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.quantity import parse_quantities
from beadsmith.problem.records import Considered, Target
from beadsmith.problem.schema import (
    AngleDistribution,
    BondDistribution,
    ConsideredRule,
    Mean,
    Observable,
    Precision,
    TargetRule,
)
from beadsmith.problem.state import DEGREE, State
from beadsmith.units import UNIT_OF_KIND

#: Kind of quantity of each kind of observable; see :func:`quantity_of` for the others.
KIND_OF_OBSERVABLE = {
    "density": "density",
    "potential_energy": "energy",
    "pressure": "pressure",
    "temperature": "temperature",
    "volume": "volume",
    "radius_of_gyration": "length",
    "end_to_end_distance": "length",
    "bond_length": "length",
    "bond_angle": "angle",
    "radial_distribution": "number",
    "debye_waller_factor": "area",
    "mean_squared_displacement": "area",
    "bulk_modulus": "modulus",
    "youngs_modulus": "modulus",
    "poissons_ratio": "number",
    "yield_stress": "stress",
    "yield_strain": "number",
    "tensile_strength": "stress",
    "strain_at_break": "number",
    "stress": "stress",
    "glass_transition_lines": "temperature",
    "glass_transition_hyperbola": "temperature",
    "thermal_expansion": "thermal expansion",
    "mean": "number",
}

#: State variables whose values carry a unit; all others are plain numbers.
KIND_OF_VARIABLE = {
    "T": "temperature",
    "P": "pressure",
    "r": "length",
    "theta": "angle",
    "t": "time",
    "strain": "number",
}

#: Beyond 0 and 1 by so much a degree of crosslinking is still one of them.
_ROUNDING = 1e-9


def quantity_of(observable: Observable) -> str:
    """Kind of quantity of an observable (:mod:`beadsmith.units`)."""
    if isinstance(observable, BondDistribution | AngleDistribution):
        return f"probability per {observable.per.replace('_', ' ')}"
    return KIND_OF_OBSERVABLE[observable.kind]


def unit_of(observable: Observable) -> str:
    """Unit of an observable: what the user declared for a column of their own, Beadsmith's own for all else."""
    return observable.unit if isinstance(observable, Mean) else UNIT_OF_KIND[quantity_of(observable)]


def resolve_targets(rules: Mapping[str, TargetRule], observables: Mapping[str, Observable]) -> tuple[Target, ...]:
    """All targets, in the order of the file.

    Raises:
        ProblemError: unknown observable, wrong unit, lists of different lengths, an uncertainty that is not positive.
    """
    return tuple(target for name, rule in rules.items() for target in _resolve_one(name, rule, observables))


def resolve_considered(
    rules: Mapping[str, ConsideredRule], observables: Mapping[str, Observable]
) -> tuple[Considered, ...]:
    """All observables that might become targets, in the order of the file.

    Raises:
        ProblemError: as :func:`resolve_targets`.
    """
    return tuple(
        Considered(name, state, spread, rule.source)
        for name, rule in rules.items()
        for state, spread in _states_and_spreads(f"considered.{name}", name, rule, observables)
    )


def resolve_tolerances(
    precision: Precision | None, targets: Sequence[Target], observables: Mapping[str, Observable]
) -> tuple[float, ...]:
    """Largest standard error wanted of what answers each target, in the order of the targets; infinite if none is.

    What is derived from other observables is as precise as they are: it has no tolerance of its own.

    Raises:
        ProblemError: a tolerance of something that is not measured in a simulation, a wrong unit, or one of zero.
    """
    if precision is None:
        return (math.inf,) * len(targets)
    measured = {name: one for name, one in observables.items() if hasattr(one, "experiment")}
    named = {}
    for name, text in precision.tolerance.items():
        where = f"precision.tolerance.{name}"
        if name not in measured:
            remedy = suggestion(name, measured) or "what is derived is as precise as what it is derived from"
            raise ProblemError(where, name, f"an observable of a simulation, one of {', '.join(measured)}", remedy)
        observable = measured[name]
        unit = observable.unit if isinstance(observable, Mean) else ""
        (named[name],) = _numbers(text, quantity_of(observable), unit, where)
        if named[name] <= 0:
            raise ProblemError(where, text, "a positive standard error", "no simulation is exact")
    return tuple(
        named.get(target.observable, precision.of_target * target.stderr) if target.observable in measured else math.inf
        for target in targets
    )


def parse_variable(name: str, text: object, where: str) -> tuple[float, ...]:
    """Values of a state variable: ``"150 175 K"`` for T, ``"0 0.5"`` for DC.

    Raises:
        ProblemError: wrong unit, or a degree of crosslinking that is none.
    """
    try:
        values = parse_quantities(text, KIND_OF_VARIABLE.get(name, "number"))
    except ValueError as error:
        raise ProblemError(where, str(text), str(error)) from error
    check_degrees(name, values, where)
    return values


def check_degrees(name: str, values: Iterable[float], where: str) -> None:
    """See that values of the degree of crosslinking lie between 0 and 1; other variables may have any value.

    Raises:
        ProblemError: one does not, such as a percentage.
    """
    for value in values:
        if name == DEGREE and not -_ROUNDING <= value <= 1.0 + _ROUNDING:
            remedy = "divide percentages by 100" if value > 1.0 else ""
            raise ProblemError(where, f"{value:g}", "degrees of crosslinking between 0 and 1", remedy)


def _resolve_one(name: str, rule: TargetRule, observables: Mapping[str, Observable]) -> list[Target]:
    where = f"targets.{name}"
    pairs = _states_and_spreads(where, name, rule, observables)
    values = _numbers(rule.value, *_kind_and_unit(observables[name]), f"{where}.value")
    if len(values) != len(pairs):
        raise ProblemError(f"{where}.value", _counted(values), f"as many as states, {len(pairs)}")
    return [
        Target(name, state, value, spread, rule.weight, rule.source)
        for (state, spread), value in zip(pairs, values, strict=True)
    ]


def _states_and_spreads(
    where: str, name: str, rule: TargetRule | ConsideredRule, observables: Mapping[str, Observable]
) -> list[tuple[State, float]]:
    """States of a rule, each with the standard deviation there."""
    if name not in observables:
        remedy = suggestion(name, observables) or "declare it under observables"
        raise ProblemError(where, name, f"the name of an observable, one of {', '.join(observables)}", remedy)
    states = parse_states(rule.state, f"{where}.state")
    if twice := [state for number, state in enumerate(states) if state in states[:number]]:
        raise ProblemError(f"{where}.state", f"{twice[0].label} twice", "each state once")
    spreads = _numbers(rule.uncertainty, *_kind_and_unit(observables[name]), f"{where}.uncertainty")
    if len(spreads) not in (1, len(states)):
        raise ProblemError(f"{where}.uncertainty", _counted(spreads), f"one, or as many as states, {len(states)}")
    if min(spreads) <= 0:
        remedy = "an exact target would outweigh everything else"
        raise ProblemError(f"{where}.uncertainty", str(rule.uncertainty), "positive standard deviations", remedy)
    return list(zip(states, spreads * (len(states) // len(spreads)), strict=True))


def _kind_and_unit(observable: Observable) -> tuple[str, str]:
    """Kind of quantity, and the unit that a user declared for a column of their own."""
    return quantity_of(observable), observable.unit if isinstance(observable, Mean) else ""


def _counted(numbers: tuple[float, ...]) -> str:
    return "1 value" if len(numbers) == 1 else f"{len(numbers)} values"


def _numbers(text: str | float, kind: str, unit: str, where: str) -> tuple[float, ...]:
    """Numbers of a kind; those of a user's own column carry the unit that the observable declares, word for word."""
    try:
        if not unit:
            return parse_quantities(text, kind)
        words = str(text).strip()
        if not words.endswith(unit):
            raise ValueError(f"numbers in {unit}, the unit that the observable declares")
        return parse_quantities(words.removesuffix(unit), kind)
    except ValueError as error:
        raise ProblemError(where, str(text), str(error)) from error


def parse_states(texts: Mapping[str, str], where: str) -> list[State]:
    """States whose variables are listed side by side: lists of equal length, or single values that hold for all.

    Raises:
        ProblemError: wrong unit, or lists of different lengths.
    """
    columns = {name: parse_variable(name, text, f"{where}.{name}") for name, text in texts.items()}
    count = max((len(column) for column in columns.values()), default=1)
    for name, column in columns.items():
        if len(column) not in (1, count):
            raise ProblemError(f"{where}.{name}", _counted(column), f"1 or {count}, as for the other variables")
    return [State.of({name: column[i % len(column)] for name, column in columns.items()}) for i in range(count)]
