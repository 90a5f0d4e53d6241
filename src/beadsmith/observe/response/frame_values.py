"""Numbers that every recorded frame has, together with their derivatives: what all of this room passes around."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class FrameValues:
    """A number for every frame and group, and how it would change with the free parameters, positions held.

    A group is what is statistically independent of all else: the whole box of a melt (one group), or each molecule
    of a vacuum experiment.

    Attributes:
        values: shape (frames, groups).
        slopes: derivatives in the unit of ``values`` over that of each parameter, shape (frames, groups, parameters).
    """

    values: Array
    slopes: Array

    def __add__(self, other: FrameValues) -> FrameValues:
        return FrameValues(self.values + other.values, self.slopes + other.slopes)

    def times(self, factors: Array | float) -> FrameValues:
        """Multiplied by numbers that do not depend on the parameters, of shape (frames, groups) or one for all."""
        scale = np.broadcast_to(factors, self.values.shape)
        return FrameValues(self.values * scale, self.slopes * scale[:, :, None])

    def from_frame(self, first: int) -> FrameValues:
        """Without the frames before ``first``."""
        return replace(self, values=self.values[first:], slopes=self.slopes[first:])


def of_positions(values: Array, parameters: int) -> FrameValues:
    """A number that the positions alone decide, such as a distance: it has no slopes.

    Args:
        values: shape (frames, groups).
        parameters: how many free parameters there are.
    """
    return FrameValues(values, np.zeros((*values.shape, parameters)))


def weighted_sums(rows: Array, bins: Integers, count: int) -> Array:
    """Sum each row over the entries that share a bin.

    Args:
        rows: shape (rows, entries).
        bins: bin of each entry, shape (entries,).
        count: number of bins.

    Returns: shape (count, rows).
    """
    return np.stack([np.bincount(bins, row, count) for row in rows], axis=1)
