"""The model file: a force field whose parameters may depend on the state, with its citations and its uncertainty.

``parameters`` maps each name to a quantity, or to a function of the state::

    pair.B2.epsilon: {function: linear, over: DC, intercept: 0.47 kcal/mol, slope: 0.52 kcal/mol}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.parameters import ParameterSpace
from beadsmith.problem.quantity import format_quantity, parse_quantities, parse_quantity
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
            raise ProblemError(str(key), str(key), f"one of {', '.join(_ALLOWED)}")
    parameters = document.get("parameters")
    if not isinstance(parameters, Mapping):
        raise ProblemError("parameters", str(parameters or ""), "parameter names and their values")
    functions: dict[str, Function] = {}
    for name, value in parameters.items():
        if name not in space.kinds:
            raise ProblemError(
                f"parameters.{name}",
                str(value),
                "a parameter of this problem",
                "run beadsmith check to list them",
            )
        functions[name] = _function(value, space.kinds[name], f"parameters.{name}")
    for name, fixed in space.fixed.items():
        functions.setdefault(name, Constant(fixed))
    for name, leader in space.tied.items():
        if leader in functions:
            functions.setdefault(name, functions[leader])
    missing = [name for name in space.kinds if name not in functions]
    if missing:
        raise ProblemError(
            f"parameters.{missing[0]}", "", "a value", f"{len(missing)} parameters of the problem are missing"
        )
    holds_for = {
        str(name): (float(ends[0]), float(ends[1])) for name, ends in dict(document.get("holds_for") or {}).items()
    }
    return Model(
        title=str(document.get("title", "")),
        functions={name: functions[name] for name in space.kinds},
        holds_for=holds_for,
        uncertainty={
            name: parse_quantity(value, space.kinds[name])
            for name, value in dict(document.get("uncertainty") or {}).items()
        },
        citations=tuple(document.get("citations") or ()),
        notes=str(document.get("notes", "")),
        provenance=dict(document.get("provenance") or {}),
    )


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
    try:
        if not isinstance(value, Mapping):
            return Constant(parse_quantity(value, kind))
        return _readers[value["function"]](value, kind)
    except KeyError as error:
        if "function" in value and value["function"] not in _readers:
            raise ProblemError(f"{where}.function", str(value["function"]), f"one of {', '.join(_readers)}") from error
        raise ProblemError(f"{where}.{error.args[0]}", "", "a value, which this function needs") from error
    except (TypeError, ValueError) as error:
        raise ProblemError(where, str(value), str(error)) from error


def _linear(value: Mapping[str, Any], kind: str) -> Linear:
    return Linear(str(value["over"]), parse_quantity(value["intercept"], kind), parse_quantity(value["slope"], kind))


def _sigmoid(value: Mapping[str, Any], kind: str) -> Sigmoid:
    low, high = parse_quantity(value["low"], kind), parse_quantity(value["high"], kind)
    return Sigmoid(str(value["over"]), low, high, float(value["midpoint"]), float(value["width"]))


def _radial_basis(value: Mapping[str, Any], kind: str) -> RadialBasis:
    centres, values = _points(value["centres"], value["values"], kind)
    return RadialBasis(str(value["over"]), centres, values, float(value["log10_shape"]))


def _tabulated(value: Mapping[str, Any], kind: str) -> Tabulated:
    points, values = _points(value["points"], value["values"], kind)
    if list(points) != sorted(set(points)):
        raise ValueError("points that increase")
    return Tabulated(str(value["over"]), points, values)


def _points(points: Any, values: Any, kind: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    where = tuple(float(point) for point in points)
    numbers = parse_quantities(values, kind)
    if len(where) != len(numbers):
        raise ValueError(f"as many values as points, {len(where)}")
    return where, numbers


_readers: dict[str, Callable[[Mapping[str, Any], str], Function]] = {
    "constant": lambda value, kind: Constant(parse_quantity(value["value"], kind)),
    "linear": _linear,
    "sigmoid": _sigmoid,
    "radial_basis": _radial_basis,
    "tabulated": _tabulated,
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
