"""Coordinates of an emulator: what it was sampled over, and between which ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError

Array = NDArray[np.float64]

#: Unit coordinates that differ by less are one number, and its copy in a table of eight digits.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Axis:
    """One coordinate: a parameter or a state variable.

    Attributes:
        name: as in the problem file, such as ``pair.A.epsilon`` or ``DC``.
        low, high: ends of the range that was sampled, in the coordinate's own unit.

    Raises:
        ProblemError: the range has no width.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ProblemError(
                self.name,
                f"the range {self.low:g} to {self.high:g}",
                "a range that was sampled, its low end below its high one",
                "leave out a coordinate that never varied",
            )


def unit_coordinates(axes: Sequence[Axis], inputs: Array) -> Array:
    """0 at the low ends and 1 at the high ones; points outside the ranges lie outside.

    Args:
        axes: one for each column.
        inputs: natural units, shape (points, axes).

    Raises:
        ValueError: another shape.
    """
    if inputs.ndim != 2 or inputs.shape[1] != len(axes):
        raise ValueError(f"inputs have the shape {inputs.shape}, expected (points, {len(axes)})")
    return np.asarray((inputs - lows(axes)) / widths(axes))


def places_of(unit: Array) -> NDArray[np.intp]:
    """For each point the number of its place; points that are apart by no more than tables round are at one.

    Along each axis, numbers belong together unless there is a gap wider than :data:`ROUNDING` between them.  Rounding
    them would have edges, which fall between some numbers and their copies.

    Args:
        unit: unit coordinates, shape (points, axes).

    Returns: shape (points,).
    """
    order = np.argsort(unit, axis=0)
    ascending = np.take_along_axis(unit, order, axis=0)
    gaps = np.diff(ascending, axis=0, prepend=ascending[:1]) > ROUNDING
    steps = np.empty_like(order)
    np.put_along_axis(steps, order, np.cumsum(gaps, axis=0), axis=0)
    _, places = np.unique(steps, axis=0, return_inverse=True)
    return np.asarray(places.ravel())


def lows(axes: Sequence[Axis]) -> Array:
    """Low ends, shape (axes,)."""
    return np.array([axis.low for axis in axes])


def widths(axes: Sequence[Axis]) -> Array:
    """Lengths of the ranges, shape (axes,)."""
    return np.array([axis.high - axis.low for axis in axes])
