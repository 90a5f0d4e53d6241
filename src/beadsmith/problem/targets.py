"""Targets: from the compact form of the problem file to one record per observable and state."""

from __future__ import annotations

from collections.abc import Mapping

from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.quantity import parse_quantities
from beadsmith.problem.records import Target
from beadsmith.problem.schema import Mean, Observable, TargetRule
from beadsmith.problem.state import State

#: Kind of quantity of each kind of observable.
KIND_OF_OBSERVABLE = {
    "density": "density",
    "potential_energy": "energy",
    "pressure": "pressure",
    "temperature": "temperature",
    "volume": "volume",
    "radius_of_gyration": "length",
    "end_to_end_distance": "length",
    "glass_transition_lines": "temperature",
    "glass_transition_hyperbola": "temperature",
    "thermal_expansion": "thermal expansion",
    "mean": "number",
}

#: State variables whose values carry a unit; all others are plain numbers.
KIND_OF_VARIABLE = {"T": "temperature", "P": "pressure"}


def resolve_targets(rules: Mapping[str, TargetRule], observables: Mapping[str, Observable]) -> tuple[Target, ...]:
    """All targets, in the order of the file.

    Raises:
        ProblemError: unknown observable, wrong unit, lists of different lengths, an uncertainty that is not positive.
    """
    return tuple(target for name, rule in rules.items() for target in _resolve_one(name, rule, observables))


def parse_variable(name: str, text: object, where: str) -> tuple[float, ...]:
    """Values of a state variable: ``"150 175 K"`` for T, ``"0 0.5"`` for DC.

    Raises:
        ProblemError: wrong unit.
    """
    try:
        return parse_quantities(text, KIND_OF_VARIABLE.get(name, "number"))
    except ValueError as error:
        raise ProblemError(where, str(text), str(error)) from error


def _resolve_one(name: str, rule: TargetRule, observables: Mapping[str, Observable]) -> list[Target]:
    where = f"targets.{name}"
    if name not in observables:
        remedy = suggestion(name, observables) or "declare it under observables"
        raise ProblemError(where, name, f"the name of an observable, one of {', '.join(observables)}", remedy)
    observable = observables[name]
    kind = KIND_OF_OBSERVABLE[observable.kind]
    unit = observable.unit if isinstance(observable, Mean) else ""
    states = _states(rule, f"{where}.state")
    values = _numbers(rule.value, kind, unit, f"{where}.value")
    if len(values) != len(states):
        raise ProblemError(f"{where}.value", _counted(values), f"as many as states, {len(states)}")
    if twice := [state for number, state in enumerate(states) if state in states[:number]]:
        raise ProblemError(f"{where}.state", f"{twice[0].label} twice", "each state once")
    spreads = _numbers(rule.uncertainty, kind, unit, f"{where}.uncertainty")
    if len(spreads) not in (1, len(values)):
        raise ProblemError(f"{where}.uncertainty", _counted(spreads), f"one, or as many as values, {len(values)}")
    if min(spreads) <= 0:
        remedy = "an exact target would outweigh everything else"
        raise ProblemError(f"{where}.uncertainty", str(rule.uncertainty), "positive standard deviations", remedy)
    spreads = spreads * (len(values) // len(spreads))
    return [
        Target(name, state, value, spread, rule.weight, rule.source)
        for state, value, spread in zip(states, values, spreads, strict=True)
    ]


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


def _states(rule: TargetRule, where: str) -> list[State]:
    columns = {name: parse_variable(name, text, f"{where}.{name}") for name, text in rule.state.items()}
    count = max((len(column) for column in columns.values()), default=1)
    for name, column in columns.items():
        if len(column) not in (1, count):
            raise ProblemError(f"{where}.{name}", _counted(column), f"1 or {count}, as for the other variables")
    return [State.of({name: column[i % len(column)] for name, column in columns.items()}) for i in range(count)]
