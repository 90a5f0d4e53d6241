"""Coordinates of an emulator: what it was sampled over, and between which ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError

Array = NDArray[np.float64]


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


def lows(axes: Sequence[Axis]) -> Array:
    """Low ends, shape (axes,)."""
    return np.array([axis.low for axis in axes])


def widths(axes: Sequence[Axis]) -> Array:
    """Lengths of the ranges, shape (axes,)."""
    return np.array([axis.high - axis.low for axis in axes])
