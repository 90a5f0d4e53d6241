"""Many least-squares problems in the unit hypercube at once: Levenberg and Marquardt's method with projection.

Every start takes its own steps with its own damping, but all ask for residuals together, and surrogates answer a
thousand points hardly slower than twenty.  Coordinates at an end of their range stay there as long as the gradient
points outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.objective import Residuals

Array = NDArray[np.float64]

#: Damping in units of the diagonal of J^T J: where it begins, and by how much it falls and rises.
_DAMPING, _FALL, _RISE = 1e-2, 0.2, 4.0

#: Where the step has become gradient descent in steps too small to matter.
_MOST_DAMPING = 1e8


@dataclass(frozen=True)
class Descended:
    """Where every start has come to.

    Attributes:
        coordinates: shape (B, coordinates).
        values: sums of squares, shape (B,).
        evaluations: of residuals, all starts together.
    """

    coordinates: Array
    values: Array
    evaluations: int


def descend(residuals: Residuals, begin: Array, iterations: int, tolerance: float = 1e-4) -> Descended:
    """Go down from all starts at once.

    Args:
        residuals: of all starts together; its rows belong to the rows of ``begin``, so all are asked every time.
        begin: shape (B, coordinates), in [0, 1].
        iterations: at most.
        tolerance: relative decrease below which a start counts as arrived; all stop when all have.
    """
    place = begin.copy()
    found, slopes = (one.copy() for one in residuals(place))
    values: Array = np.asarray((found**2).sum(-1))
    damping = np.full(len(place), _DAMPING)
    arrived = np.zeros(len(place), dtype=bool)
    done = 1
    while done <= iterations and not arrived.all():
        trial = _step(place, found, slopes, damping)
        new, new_slopes = residuals(trial)
        new_values = (new**2).sum(-1)
        better = (new_values < values) & ~arrived
        arrived |= better & (values - new_values < tolerance * values)
        arrived |= ~better & (damping >= _MOST_DAMPING)
        place[better], found[better], slopes[better] = trial[better], new[better], new_slopes[better]
        values = np.asarray(np.where(better, new_values, values))
        damping[:] = np.clip(np.where(better, _FALL * damping, _RISE * damping), 1e-10, _MOST_DAMPING)
        done += 1
    return Descended(place, values, done * len(begin))


def _step(place: Array, found: Array, slopes: Array, damping: Array) -> Array:
    gradient = (found[:, None, :] @ slopes)[:, 0]
    matrix = slopes.transpose(0, 2, 1) @ slopes
    held = ((place <= 0.0) & (gradient > 0.0)) | ((place >= 1.0) & (gradient < 0.0))
    free = ~held
    matrix = matrix * free[:, :, None] * free[:, None, :]
    diagonal = np.einsum("bii->bi", matrix)
    # A coordinate that no residual feels would make the matrix singular: it is damped like the average one.
    extent = diagonal + 1e-6 * diagonal.mean(axis=1, keepdims=True) + 1e-300
    added = np.where(free, damping[:, None] * extent, 1.0)
    matrix = matrix + added[:, :, None] * np.eye(place.shape[1])
    step = np.linalg.solve(matrix, -(gradient * free)[:, :, None])[:, :, 0]
    return np.clip(place + step, 0.0, 1.0)
