"""The box of the free parameters, and its coordinates between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """Ranges of the free parameters, each in its own unit, in the order of the problem.

    Searches work in unit coordinates, u = (value - low) / (high - low), so that an angle in degrees and a
    length in angstrom weigh the same.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, parameters: Sequence[Parameter]) -> Box:
        """The box that ``parameters`` span.

        Raises:
            ValueError: no parameters, a name twice, or a range that is empty or infinite.
        """
        if not parameters:
            raise ValueError("a search needs at least one free parameter: give one a range under parameters")
        names = tuple(parameter.name for parameter in parameters)
        for parameter in parameters:
            if names.count(parameter.name) > 1:
                raise ValueError(f"parameter {parameter.name} appears twice; a search needs a name for each coordinate")
            if not (math.isfinite(parameter.low) and math.isfinite(parameter.high) and parameter.low < parameter.high):
                raise ValueError(
                    f"parameter {parameter.name} has the range {parameter.low:g} to {parameter.high:g}, "
                    "expected two finite ends, the lower one first"
                )
        return cls(
            names,
            tuple(float(parameter.low) for parameter in parameters),
            tuple(float(parameter.high) for parameter in parameters),
        )

    @property
    def dimension(self) -> int:
        """Number of free parameters."""
        return len(self.names)

    def point(self, unit: Array) -> dict[str, float]:
        """Values by name, never outside the ranges.

        Args:
            unit: unit coordinates, shape (dimension,).
        """
        low, high = np.array(self.low), np.array(self.high)
        # Rounding of low + (high - low) can exceed high by one unit in the last place.
        values = np.clip(low + unit * (high - low), low, high)
        return dict(zip(self.names, values.tolist(), strict=True))

    def unit(self, point: Mapping[str, float]) -> Array:
        """Unit coordinates, shape (dimension,): the inverse of :meth:`point`."""
        low, high = np.array(self.low), np.array(self.high)
        return np.asarray((np.array([point[name] for name in self.names]) - low) / (high - low), dtype=np.float64)

    def clipped(self, point: Mapping[str, float]) -> dict[str, float]:
        """The nearest point of the box."""
        ends = zip(self.names, self.low, self.high, strict=True)
        return {name: min(max(float(point[name]), low), high) for name, low, high in ends}

    def checked(self, point: Mapping[str, float], what: str) -> dict[str, float]:
        """The same point in the order of the box; it may lie outside.

        Args:
            point: a value for every parameter of the box, and no others.
            what: how to call the point in the error.

        Raises:
            ValueError: a parameter is missing, unknown or not a finite number.
        """
        for name in self.names:
            if name not in point:
                raise ValueError(f"{what} has no value for {name}; expected one for each free parameter")
            if not math.isfinite(point[name]):
                raise ValueError(f"{what} has {point[name]} for {name}, expected a finite number")
        if unknown := sorted(set(point) - set(self.names)):
            raise ValueError(f"{what} has a value for {unknown[0]}, which is not a free parameter; leave it out")
        return {name: float(point[name]) for name in self.names}


def in_unit_coordinates(response: Response, box: Box) -> Response:
    """The same response with derivatives by unit coordinates."""
    widths = np.array(box.high) - np.array(box.low)
    return replace(response, jacobian=response.jacobian * widths, jacobian_stderrs=response.jacobian_stderrs * widths)
