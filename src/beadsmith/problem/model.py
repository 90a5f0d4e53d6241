"""The model file: a force field whose parameters may depend on the state, with its citations and its uncertainty.

``parameters`` maps each name to a quantity, or to a function of the state::

    pair.B2.epsilon: {function: linear, over: DC, intercept: 0.47 kcal/mol, slope: 0.52 kcal/mol}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.parameters import ParameterSpace
from beadsmith.problem.quantity import check_coefficient, format_quantity, parse_quantities, parse_quantity
from beadsmith.problem.state import State

_ALLOWED = ("title", "notes", "citations", "holds_for", "parameters", "uncertainty", "provenance")


@dataclass(frozen=True)
class Model:
    """A force field: every parameter as a function of the state.

    Attributes:
        title: one line.
        functions: by parameter name.
        holds_for: range of each state variable in which the model was calibrated; empty if unknown.
        uncertainty: standard deviation of parameters, where known.
        citations: what to cite.
        notes: remarks, such as what had to be inferred.
        provenance: how it was made (study, seed, versions, misfit).
    """

    title: str
    functions: Mapping[str, Function]
    holds_for: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    uncertainty: Mapping[str, float] = field(default_factory=dict)
    citations: tuple[str, ...] = ()
    notes: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def at(self, state: State) -> dict[str, float]:
        """Values of all parameters at ``state``.

        Raises:
            ProblemError: if a function needs a state variable that ``state`` lacks.
        """
        try:
            return {name: function(state) for name, function in self.functions.items()}
        except KeyError as error:
            have = state.label or "no variables"
            raise ProblemError(
                f"model {self.title!r}",
                have,
                f"a state that says {error.args[0]}",
                f"give --state {error.args[0]}=...",
            ) from error


#: What stand for the model of a problem of atoms, whose force field is known in full: here, or by the user.
DREIDING = Model("DREIDING", {})
OWN_FORCE_FIELD = Model("a force field of your own", {})


def constant_model(title: str, space: ParameterSpace, point: Mapping[str, float], **more: Any) -> Model:
    """A model whose parameters are all constant, from a point of the search."""
    return Model(title, {name: Constant(value) for name, value in space.complete(point).items()}, **more)


def model_from_document(document: Mapping[str, Any], space: ParameterSpace) -> Model:
    """Check and read a model file that has been parsed.

    Fixed, tied and defaulted parameters may be left out.

    Raises:
        ProblemError: unknown or missing parameter, wrong unit.
    """
    for key in document:
        if key not in _ALLOWED:
            raise ProblemError(
                str(key), f"the key '{key}'", f"one of {', '.join(_ALLOWED)}", suggestion(str(key), _ALLOWED)
            )
    functions: dict[str, Function] = {}
    for name, value in _section(document, "parameters", "parameter names and their values").items():
        _known(name, space, "parameters")
        functions[name] = _function(value, space.kinds[name], f"parameters.{name}")
    for name, fixed in space.fixed.items():
        functions.setdefault(name, Constant(fixed))
    for name, leader in space.tied.items():
        if leader in functions:
            functions.setdefault(name, functions[leader])
    missing = [name for name in space.kinds if name not in functions and name not in space.tied]
    if missing:
        count = "1 parameter" if len(missing) == 1 else f"{len(missing)} parameters"
        raise ProblemError(
            f"parameters.{missing[0]}", "nothing", "a value", f"{count} of the problem must be added to the model"
        )
    citations = document.get("citations") or []
    if not isinstance(citations, list):
        raise ProblemError("citations", str(citations), "a list, such as [a, b]")
    return Model(
        title=_line(document, "title"),
        functions={name: functions[name] for name in space.kinds},
        holds_for=_ranges(_section(document, "holds_for", "state variables and their ranges")),
        uncertainty=_uncertainty(_section(document, "uncertainty", "parameter names and standard deviations"), space),
        citations=tuple(" ".join(str(citation).split()) for citation in citations),
        notes=str(document.get("notes") or ""),
        provenance=dict(_section(document, "provenance", "keys and values")),
    )


def _section(document: Mapping[str, Any], key: str, expected: str) -> Mapping[Any, Any]:
    section = document.get(key)
    if section is None and key != "parameters":
        return {}
    if not isinstance(section, Mapping):
        raise ProblemError(key, "nothing" if section is None else str(section), expected)
    return section


def _line(document: Mapping[str, Any], key: str) -> str:
    """Text on one line: it becomes a comment of LAMMPS input."""
    return " ".join(str(document.get(key) or "").split())


def _known(name: object, space: ParameterSpace, where: str) -> None:
    if name not in space.kinds:
        remedy = suggestion(str(name), space.kinds) or "remove it, or add it to the problem"
        raise ProblemError(f"{where}.{name}", f"the name '{name}'", "a parameter of this problem", remedy)


def _ranges(section: Mapping[Any, Any]) -> dict[str, tuple[float, float]]:
    ranges = {}
    for name, ends in section.items():
        numbers = [_number(end) for end in ends] if isinstance(ends, list) else []
        if len(numbers) != 2 or not numbers[0] <= numbers[1]:
            raise ProblemError(f"holds_for.{name}", str(ends), "two numbers, the lower one first, such as [150, 500]")
        ranges[str(name)] = (numbers[0], numbers[1])
    return ranges


def _uncertainty(section: Mapping[Any, Any], space: ParameterSpace) -> dict[str, float]:
    deviations = {}
    for name, value in section.items():
        _known(name, space, "uncertainty")
        try:
            deviations[name] = parse_quantity(value, space.kinds[name])
        except ValueError as error:
            raise ProblemError(f"uncertainty.{name}", str(value), str(error)) from error
        if deviations[name] < 0:
            raise ProblemError(f"uncertainty.{name}", str(value), "a standard deviation that is not negative")
    return deviations


def document_from_model(model: Model, space: ParameterSpace) -> dict[str, Any]:
    """The inverse of :func:`model_from_document`: plain types, ready for YAML."""
    document: dict[str, Any] = {"title": model.title}
    if model.notes:
        document["notes"] = model.notes
    if model.citations:
        document["citations"] = list(model.citations)
    if model.holds_for:
        document["holds_for"] = {name: list(ends) for name, ends in model.holds_for.items()}
    document["parameters"] = {
        name: _function_document(function, space.kinds[name]) for name, function in model.functions.items()
    }
    if model.uncertainty:
        document["uncertainty"] = {
            name: format_quantity(value, space.kinds[name]) for name, value in model.uncertainty.items()
        }
    if model.provenance:
        document["provenance"] = dict(model.provenance)
    return document


def _function(value: Any, kind: str, where: str) -> Function:
    if not isinstance(value, Mapping):
        constant = _Entries({"value": value}, kind, where, shown=where).quantity("value")
        try:
            check_coefficient(constant, kind)
        except ValueError as error:
            raise ProblemError(where, str(value), str(error)) from error
        return Constant(constant)
    entries = _Entries(value, kind, where)
    name = value.get("function")
    if not isinstance(name, str) or name not in _readers:
        received = "nothing" if name is None else str(name)
        raise ProblemError(
            f"{where}.function", received, f"one of {', '.join(_readers)}", suggestion(received, _readers)
        )
    reader, keys = _readers[name]
    for key in value:
        if key not in ("function", *keys):
            remedy = suggestion(str(key), keys)
            raise ProblemError(f"{where}.{key}", f"the key '{key}'", f"one of {', '.join(keys)}", remedy)
    return reader(entries)


@dataclass(frozen=True)
class _Entries:
    """Entries of a function in a model file, read with their places for error messages."""

    section: Mapping[str, Any]
    kind: str
    where: str
    shown: str = ""

    def text(self, key: str) -> str:
        return str(self._entry(key))

    def number(self, key: str) -> float:
        number = _number(self._entry(key))
        if not math.isfinite(number):
            raise self.wrong(key, "a finite number without a unit")
        return number

    def numbers(self, key: str) -> tuple[float, ...]:
        entry = self._entry(key)
        numbers = tuple(_number(item) for item in entry) if isinstance(entry, list) else ()
        if not numbers or not all(math.isfinite(number) for number in numbers):
            raise self.wrong(key, "a list of numbers without units, such as [0, 0.5, 1]")
        if list(numbers) != sorted(set(numbers)):
            raise self.wrong(key, "numbers that increase")
        return numbers

    def quantity(self, key: str) -> float:
        try:
            return parse_quantity(self._entry(key), self.kind)
        except ValueError as error:
            raise self.wrong(key, str(error)) from error

    def quantities(self, key: str, count: int) -> tuple[float, ...]:
        try:
            numbers = parse_quantities(self._entry(key), self.kind)
        except ValueError as error:
            raise self.wrong(key, str(error)) from error
        if len(numbers) != count:
            raise ProblemError(f"{self.where}.{key}", f"{len(numbers)} values", f"one for each point, {count}")
        return numbers

    def wrong(self, key: str, expected: str) -> ProblemError:
        entry = self.section[key]
        return ProblemError(self.shown or f"{self.where}.{key}", "nothing" if entry is None else str(entry), expected)

    def _entry(self, key: str) -> Any:
        if key not in self.section:
            raise ProblemError(f"{self.where}.{key}", "nothing", "this key, which the function needs")
        return self.section[key]


def _number(value: object) -> float:
    """A plain number; nan if it is none.  YAML takes ``1e-3`` for text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _linear(entries: _Entries) -> Linear:
    return Linear(entries.text("over"), entries.quantity("intercept"), entries.quantity("slope"))


def _sigmoid(entries: _Entries) -> Sigmoid:
    width = entries.number("width")
    if width == 0:
        raise entries.wrong("width", "a number other than zero")
    low, high = entries.quantity("low"), entries.quantity("high")
    return Sigmoid(entries.text("over"), low, high, entries.number("midpoint"), width)


def _radial_basis(entries: _Entries) -> RadialBasis:
    centres = entries.numbers("centres")
    values = entries.quantities("values", len(centres))
    function = RadialBasis(entries.text("over"), centres, values, entries.number("log10_shape"))
    try:
        reached = [function(State.of({function.over: centre})) for centre in centres]
    except (np.linalg.LinAlgError, OverflowError):
        reached = [math.nan]
    scale = max(abs(value) for value in values)
    if not np.allclose(reached, values, rtol=0.0, atol=1e-6 * scale):
        raise entries.wrong("log10_shape", "a larger one: the functions are too wide to tell the centres apart")
    return function


def _tabulated(entries: _Entries) -> Tabulated:
    points = entries.numbers("points")
    return Tabulated(entries.text("over"), points, entries.quantities("values", len(points)))


#: By name: reader, and keys it knows.
_readers: dict[str, tuple[Callable[[_Entries], Function], tuple[str, ...]]] = {
    "constant": (lambda entries: Constant(entries.quantity("value")), ("value",)),
    "linear": (_linear, ("over", "intercept", "slope")),
    "sigmoid": (_sigmoid, ("over", "low", "high", "midpoint", "width")),
    "radial_basis": (_radial_basis, ("over", "centres", "values", "log10_shape")),
    "tabulated": (_tabulated, ("over", "points", "values")),
}


def _function_document(function: Function, kind: str) -> Any:
    def text(value: float) -> str:
        return format_quantity(value, kind, digits=8)

    def texts(values: tuple[float, ...]) -> str:
        unit = text(0.0)[1:]
        return " ".join(f"{value:.8g}" for value in values) + unit

    match function:
        case Constant(value):
            return text(value)
        case Linear(over, intercept, slope):
            return {"function": "linear", "over": over, "intercept": text(intercept), "slope": text(slope)}
        case Sigmoid(over, low, high, midpoint, width):
            ends = {"low": text(low), "high": text(high)}
            return {"function": "sigmoid", "over": over, **ends, "midpoint": midpoint, "width": width}
        case RadialBasis(over, centres, values, shape):
            tail = {"centres": list(centres), "values": texts(values), "log10_shape": shape}
            return {"function": "radial_basis", "over": over, **tail}
        case Tabulated(over, points, values):
            return {"function": "tabulated", "over": over, "points": list(points), "values": texts(values)}
        case _:
            raise TypeError(f"no document form for {type(function).__name__}")
