"""Forms: what a parameter may be as a function of one state variable, before its numbers are known.

A form turns *coordinates* in the unit interval into a function of the state.  Coordinates are values at anchors, in
units of the parameter's range (0 at its lower end, 1 at its upper end), so that bounds of the search are a hypercube,
as in Giuntoli et al. 2021 (after Eq. 4).  A line between two anchors inside the range stays inside; radial basis
functions do not: between their centres they overshoot, and where they are narrow they fall to 0.

Shapes: B sets of coordinates at once, S points, k coordinates of the form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from beadsmith.calibrate.functional.radial import MOST_CENTRES, SharedShape, radial_weights
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Range in which the logarithm of the shared shape is searched (Giuntoli et al. 2021, after Eq. 4).
LOG10_SHAPES = (-4.0, 4.0)

#: Width of a sigmoid in units of the interval of states: from nearly a step to nearly a line.
_WIDTHS = (0.03, 1.0)


@dataclass(frozen=True)
class Values:
    """A parameter at S points for B sets of coordinates, in its natural unit, with exact derivatives.

    Attributes:
        values: shape (B, S).
        slopes: by the form's own coordinates, shape (B, S, k).
        shape_slopes: by the shared log10_shape, shape (B, S); zeros for all forms but radial basis functions.
    """

    values: Array
    slopes: Array
    shape_slopes: Array


class Form(Protocol):
    """How a parameter depends on the state, up to its coordinates."""

    name: ClassVar[str]

    @property
    def over(self) -> str | None:
        """The state variable; None for a constant."""
        ...

    @property
    def size(self) -> int:
        """Number of coordinates, the shared shape not counted."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What each coordinate is, such as ``DC=0.5``."""
        ...

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """Values and derivatives.

        Args:
            coordinates: shape (B, k), in [0, 1].
            shape: of all radial basis functions.
            points: values of the state variable, shape (S,).
            ends: the parameter's range.
        """
        ...

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """The function as a record of the model file; coordinates of shape (k,)."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain types: ``form`` and what else it needs."""
        ...


@dataclass(frozen=True)
class ConstantForm:
    """The same value at every state."""

    name: ClassVar[str] = "constant"

    @property
    def over(self) -> str | None:
        """None."""
        return None

    @property
    def size(self) -> int:
        """1."""
        return 1

    @property
    def labels(self) -> tuple[str, ...]:
        """One, empty."""
        return ("",)

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """See :class:`Form`."""
        return _linear_in_coordinates(np.ones((1, len(points), 1)), coordinates, ends)

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """See :class:`Form`."""
        return Constant(float(_natural(coordinates, ends)[0]))

    def to_json(self) -> dict[str, Any]:
        """``{form}``."""
        return {"form": self.name}


@dataclass(frozen=True)
class LinearForm:
    """A straight line through the values at both ends of an interval of states."""

    over: str
    low: float
    high: float
    name: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        _check_interval(self.name, self.over, self.low, self.high)

    @property
    def size(self) -> int:
        """2."""
        return 2

    @property
    def labels(self) -> tuple[str, ...]:
        """The two ends."""
        return (f"{self.over}={self.low:g}", f"{self.over}={self.high:g}")

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """See :class:`Form`."""
        part = (points - self.low) / (self.high - self.low)
        return _linear_in_coordinates(np.stack([1.0 - part, part], axis=-1)[None], coordinates, ends)

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """See :class:`Form`."""
        first, last = _natural(coordinates, ends)
        slope = float(last - first) / (self.high - self.low)
        return Linear(self.over, float(first) - slope * self.low, slope)

    def to_json(self) -> dict[str, Any]:
        """``{form, over, low, high}``: the interval of states."""
        return {"form": self.name, "over": self.over, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class SigmoidForm:
    """From one value to another around a midpoint inside an interval of states.

    Coordinates: both values, the midpoint in units of the interval, and the logarithm of the width between 0.03
    (0) and 1 (1) intervals.
    """

    over: str
    low: float
    high: float
    name: ClassVar[str] = "sigmoid"

    def __post_init__(self) -> None:
        _check_interval(self.name, self.over, self.low, self.high)

    @property
    def size(self) -> int:
        """4."""
        return 4

    @property
    def labels(self) -> tuple[str, ...]:
        """Both values, midpoint, width."""
        return ("before", "after", "midpoint", "width")

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """See :class:`Form`."""
        before, after, midpoint, width = (coordinates[:, index, None] for index in range(4))
        ratio = math.log(_WIDTHS[1] / _WIDTHS[0])
        widths = _WIDTHS[0] * np.exp(ratio * width)
        reduced = ((points - self.low) / (self.high - self.low) - midpoint) / widths
        step = 0.5 * (1.0 + np.tanh(0.5 * reduced))
        steepness = (after - before) * step * (1.0 - step)
        span = ends[1] - ends[0]
        slopes = np.stack([1.0 - step, step, -steepness / widths, -steepness * reduced * ratio], axis=-1)
        values = ends[0] + span * (before + (after - before) * step)
        return Values(values, span * slopes, np.zeros_like(values))

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """See :class:`Form`."""
        before, after = _natural(coordinates[:2], ends)
        interval = self.high - self.low
        width = _WIDTHS[0] * (_WIDTHS[1] / _WIDTHS[0]) ** float(coordinates[3])
        midpoint = self.low + interval * float(coordinates[2])
        return Sigmoid(self.over, float(before), float(after), midpoint, width * interval)

    def to_json(self) -> dict[str, Any]:
        """``{form, over, low, high}``: the interval of states."""
        return {"form": self.name, "over": self.over, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class RadialBasisForm:
    """Gaussian radial basis functions through the values at centres; all parameters share one shape."""

    over: str
    centres: tuple[float, ...]
    name: ClassVar[str] = "rbf"

    def __post_init__(self) -> None:
        centres = np.asarray(self.centres)
        if not 2 <= len(centres) <= MOST_CENTRES or not (np.isfinite(centres).all() and (np.diff(centres) > 0).all()):
            raise ProblemError(
                "the centres of a radial basis function", str(list(self.centres)), f"2 to {MOST_CENTRES} rising numbers"
            )

    @property
    def size(self) -> int:
        """The number of centres."""
        return len(self.centres)

    @property
    def labels(self) -> tuple[str, ...]:
        """The centres."""
        return tuple(f"{self.over}={centre:g}" for centre in self.centres)

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """See :class:`Form`."""
        weights = shape.weights(self.centres, points)
        found = _linear_in_coordinates(weights.values, coordinates, ends)
        natural = _natural(coordinates, ends)
        return Values(found.values, found.slopes, (weights.slopes @ natural[:, :, None])[:, :, 0])

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """See :class:`Form`."""
        return RadialBasis(
            self.over, self.centres, tuple(float(value) for value in _natural(coordinates, ends)), log10_shape
        )

    def to_json(self) -> dict[str, Any]:
        """``{form, over, centres}``."""
        return {"form": self.name, "over": self.over, "centres": list(self.centres)}


@dataclass(frozen=True)
class FreeForm:
    """A value at every point of its own, straight lines between, constant beyond the ends."""

    over: str
    points: tuple[float, ...]
    name: ClassVar[str] = "free"

    def __post_init__(self) -> None:
        points = np.asarray(self.points)
        if len(points) < 1 or not (np.isfinite(points).all() and (np.diff(points) > 0).all()):
            raise ProblemError("the points of a free function", str(list(self.points)), "one or more rising numbers")

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.points)

    @property
    def labels(self) -> tuple[str, ...]:
        """The points."""
        return tuple(f"{self.over}={point:g}" for point in self.points)

    def evaluate(self, coordinates: Array, shape: SharedShape, points: Array, ends: tuple[float, float]) -> Values:
        """See :class:`Form`."""
        hats = np.stack([np.interp(points, self.points, row) for row in np.eye(len(self.points))], axis=-1)
        return _linear_in_coordinates(hats[None], coordinates, ends)

    def function(self, coordinates: Array, log10_shape: float, ends: tuple[float, float]) -> Function:
        """See :class:`Form`."""
        return Tabulated(self.over, self.points, tuple(float(value) for value in _natural(coordinates, ends)))

    def to_json(self) -> dict[str, Any]:
        """``{form, over, points}``."""
        return {"form": self.name, "over": self.over, "points": list(self.points)}


def form_from_json(document: Mapping[str, Any]) -> Form:
    """The inverse of :meth:`Form.to_json`.

    Raises:
        ProblemError: an unknown form.
    """
    match document["form"]:
        case "constant":
            return ConstantForm()
        case "linear":
            return LinearForm(document["over"], document["low"], document["high"])
        case "sigmoid":
            return SigmoidForm(document["over"], document["low"], document["high"])
        case "rbf":
            return RadialBasisForm(document["over"], tuple(document["centres"]))
        case "free":
            return FreeForm(document["over"], tuple(document["points"]))
        case other:
            raise ProblemError("form", str(other), "one of constant, linear, sigmoid, rbf, free")


def function_to_json(function: Function) -> dict[str, Any]:
    """A function in the words of the model file, numbers in LAMMPS' ``real`` units.

    Raises:
        TypeError: a function that the model file does not know.
    """
    match function:
        case Constant(value):
            return {"function": "constant", "value": value}
        case Linear(over, intercept, slope):
            return {"function": "linear", "over": over, "intercept": intercept, "slope": slope}
        case Sigmoid(over, low, high, midpoint, width):
            places = {"midpoint": midpoint, "width": width}
            return {"function": "sigmoid", "over": over, "low": low, "high": high, **places}
        case RadialBasis(over, centres, values, shape):
            table = {"centres": list(centres), "values": list(values)}
            return {"function": "radial_basis", "over": over, **table, "log10_shape": shape}
        case Tabulated(over, points, values):
            return {"function": "tabulated", "over": over, "points": list(points), "values": list(values)}
        case _:
            raise TypeError(f"no plain form for {type(function).__name__}")


def nearest_coordinates(
    form: Form, function: Function, log10_shape: float, points: Array, ends: tuple[float, float]
) -> Array:
    """Coordinates with which a form comes closest to a function, by least squares over points; exact where it can be.

    Args:
        form: what is to be fitted.
        function: of the form's state variable, or of the one that it depends on itself.
        log10_shape: shared shape.
        points: of the state variable, where the two are compared.
        ends: the parameter's range; what lies outside is cut off.

    Returns: shape (k,), in [0, 1].
    """
    variables = sorted(function.variables)
    name = form.over or (variables[0] if variables else "")
    wanted = np.array([function(State.of({name: point})) for point in points])
    shape = SharedShape(np.array([log10_shape]))
    begin = np.full(form.size, 0.5)
    if isinstance(form, SigmoidForm):
        begin[:2] = [(wanted[index] - ends[0]) / (ends[1] - ends[0]) for index in (0, -1)]

    def of(coordinates: Array) -> Values:
        return form.evaluate(coordinates[None], shape, points, ends)

    span = ends[1] - ends[0]
    return np.asarray(
        least_squares(
            lambda z: (of(z).values[0] - wanted) / span,
            np.clip(begin, 1e-3, 1.0 - 1e-3),
            jac=lambda z: of(z).slopes[0] / span,
            bounds=(0.0, 1.0),
            xtol=1e-14,
            ftol=1e-14,
            gtol=1e-14,
        ).x
    )


def least_recordable_shape(centres: tuple[float, ...]) -> float:
    """The smallest log10_shape that is searched: -4, or more where :class:`RadialBasis` would lose its digits.

    A record solves with its kernel matrix, which becomes singular towards small shapes, while the function hardly
    changes any more: it becomes the polynomial through the centres.

    Raises:
        ProblemError: no shape would do.
    """
    nodes = np.asarray(centres)
    middles = 0.5 * (nodes[1:] + nodes[:-1])
    for shape in np.arange(*LOG10_SHAPES, 0.25):
        right = radial_weights(nodes, middles, np.array([shape])).values[0]
        records = [RadialBasis("x", centres, tuple(unit), float(shape)) for unit in np.eye(len(nodes))]
        try:
            recorded = [[record(State.of(x=float(point))) for record in records] for point in middles]
        except np.linalg.LinAlgError:
            continue
        if np.allclose(recorded, right, rtol=0.0, atol=1e-6):
            return float(shape)
    raise ProblemError("the centres of a radial basis function", str(list(centres)), "centres further apart")


def _linear_in_coordinates(weights: Array, coordinates: Array, ends: tuple[float, float]) -> Values:
    """Values that are weighted sums of those at the anchors; weights of shape (B or 1, S, k)."""
    values = (weights @ _natural(coordinates, ends)[:, :, None])[:, :, 0]
    slopes = np.broadcast_to((ends[1] - ends[0]) * weights, (len(coordinates), *weights.shape[1:]))
    return Values(values, slopes, np.zeros_like(values))


def _natural(coordinates: Array, ends: tuple[float, float]) -> Array:
    return np.asarray(ends[0] + (ends[1] - ends[0]) * coordinates)


def _check_interval(name: str, over: str, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        received = f"{low:g} to {high:g}"
        raise ProblemError(f"the {name} function over {over}", received, "an interval of states, the lower end first")
