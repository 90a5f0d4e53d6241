"""Boxes whose edges are at right angles."""

from __future__ import annotations

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.problem.recording import Array

#: Off-diagonal elements of the box below this are rounding, angstrom.
_STRAIGHT = 1e-6


def rectangular_edges(box: Array, who: str) -> Array:
    """Lengths of the edges, angstrom, shape (3,).

    Args:
        box: edge vectors as rows, angstrom.
        who: what needs a rectangular box, with its verb, such as ``gradients need``.

    Raises:
        EstimateError: the box is not rectangular.
    """
    edges = np.diag(box)
    if np.abs(box - np.diag(edges)).max() > _STRAIGHT:
        raise EstimateError(f"the box is not rectangular; {who} a rectangular one")
    return np.asarray(edges)
