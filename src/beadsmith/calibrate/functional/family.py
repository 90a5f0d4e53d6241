"""All functions of a calibration together: from one row of coordinates to every parameter at every state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.forms import (
    LOG10_SHAPES,
    Form,
    RadialBasisForm,
    least_recordable_shape,
    nearest_coordinates,
)
from beadsmith.calibrate.functional.radial import SharedShape
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Function, RadialBasis
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Points over which one form is fitted to a function of another.
_COMPARED = 21


@dataclass(frozen=True)
class ParameterValues:
    """Parameters at states for B sets of coordinates, natural units.

    Attributes:
        values: shape (B, states, parameters).
        slopes: by all coordinates, shape (B, states, parameters, coordinates).
    """

    values: Array
    slopes: Array


@dataclass(frozen=True)
class Family:
    """Forms of all parameters with their ranges: everything but the numbers.

    The coordinates are those of each parameter in order, then that of log10_shape if any form is of radial basis
    functions; all lie in [0, 1].

    Attributes:
        forms: by parameter.
        ranges: by parameter, natural units: where every surrogate was trained.
        states: interval of each state variable that the functions are for.
    """

    forms: Mapping[str, Form]
    ranges: Mapping[str, tuple[float, float]]
    states: Mapping[str, tuple[float, float]]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(self.forms)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where the coordinates of each parameter are."""
        ends = np.cumsum([0, *(form.size for form in self.forms.values())])
        return {name: slice(int(ends[i]), int(ends[i + 1])) for i, name in enumerate(self.forms)}

    @cached_property
    def has_shape(self) -> bool:
        """Whether the shared shape is one of the coordinates."""
        return any(isinstance(form, RadialBasisForm) for form in self.forms.values())

    @cached_property
    def size(self) -> int:
        """Number of coordinates: the free parameters of the calibration."""
        return sum(form.size for form in self.forms.values()) + self.has_shape

    @cached_property
    def shape_ends(self) -> tuple[float, float]:
        """Between which log10_shape is searched."""
        lowest = [
            least_recordable_shape(form.centres) for form in self.forms.values() if isinstance(form, RadialBasisForm)
        ]
        return (max(lowest, default=LOG10_SHAPES[0]), LOG10_SHAPES[1])

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each coordinate, such as ``pair.B3.epsilon DC=0.5``."""
        own = tuple(f"{name} {label}".strip() for name, form in self.forms.items() for label in form.labels)
        return (*own, "log10_shape") if self.has_shape else own

    def log10_shapes(self, coordinates: Array) -> Array:
        """Shape (B,); the middle of the range where no function has one."""
        low, high = self.shape_ends
        part = coordinates[:, -1] if self.has_shape else np.full(len(coordinates), 0.5)
        return np.asarray(low + (high - low) * part)

    def shared_shape(self, coordinates: Array) -> SharedShape:
        """What forms need besides their own coordinates."""
        return SharedShape(self.log10_shapes(coordinates))

    def evaluate(self, coordinates: Array, states: Sequence[State]) -> ParameterValues:
        """All parameters at all states, with exact derivatives by all coordinates.

        Args:
            coordinates: shape (B, size), in [0, 1].
            states: each must have the variables of all forms.

        Raises:
            ProblemError: a state lacks a variable.
        """
        shape = self.shared_shape(coordinates)
        count = (len(coordinates), len(states), len(self.forms))
        values, slopes = np.empty(count), np.zeros((*count, self.size))
        for index, (name, form) in enumerate(self.forms.items()):
            found = form.evaluate(
                coordinates[:, self.slices[name]], shape, points_of(states, form.over, name), self.ranges[name]
            )
            values[:, :, index] = found.values
            slopes[:, :, index, self.slices[name]] = found.slopes
            if isinstance(form, RadialBasisForm):
                slopes[:, :, index, -1] = (self.shape_ends[1] - self.shape_ends[0]) * found.shape_slopes
        return ParameterValues(values, slopes)

    def functions(self, coordinates: Array) -> dict[str, Function]:
        """Records of the model file; coordinates of shape (size,)."""
        shape = float(self.log10_shapes(coordinates[None])[0])
        return {
            name: form.function(coordinates[self.slices[name]], shape, self.ranges[name])
            for name, form in self.forms.items()
        }

    def nearest(self, functions: Mapping[str, Function], log10_shape: float | None = None) -> Array:
        """Coordinates with which the family comes closest to given functions; exact where it can.

        Args:
            functions: of all parameters, such as those of a published model.
            log10_shape: for the radial basis functions; by default the mean of those that have one, else 0.

        Returns: shape (size,), in [0, 1].

        Raises:
            ProblemError: a parameter without a function.
        """
        missing = [name for name in self.forms if name not in functions]
        if missing:
            raise ProblemError(f"parameters.{missing[0]}", "nothing", "a function", "start from a model that has it")
        own = [one.log10_shape for name in self.forms if isinstance(one := functions[name], RadialBasis)]
        low, high = self.shape_ends
        shape = float(np.clip(log10_shape if log10_shape is not None else np.mean(own or [0.0]), low, high))
        parts = [
            nearest_coordinates(form, functions[name], shape, self._compared(form, functions[name]), self.ranges[name])
            for name, form in self.forms.items()
        ]
        tail = [np.array([(shape - low) / (high - low)])] if self.has_shape else []
        return np.asarray(np.clip(np.concatenate([*parts, *tail]), 0.0, 1.0))

    def _compared(self, form: Form, function: Function) -> Array:
        variable = form.over or next(iter(sorted(function.variables)), None)
        if variable is None:
            return np.zeros(1)
        return np.linspace(*self.states[variable], _COMPARED, dtype=np.float64)


def points_of(states: Sequence[State], over: str | None, parameter: str) -> Array:
    """Values of one state variable, shape (states,); zeros for a function that depends on none.

    Raises:
        ProblemError: a state lacks it.
    """
    if over is None:
        return np.zeros(len(states))
    for state in states:
        if over not in state:
            raise ProblemError(
                f"the function of {parameter}",
                f"the state '{state.label or 'without variables'}'",
                f"a state that says {over}",
                "let it depend on another variable",
            )
    return np.array([state[over] for state in states])
