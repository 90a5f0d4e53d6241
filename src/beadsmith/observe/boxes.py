"""Boxes whose edges are at right angles, and how far pairs can be counted in them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.problem.recording import Array

#: Off-diagonal elements of the box below this are rounding, angstrom.
_STRAIGHT = 1e-6
#: Distances may exceed half an edge by this part of it: centres of bins, and boxes in single precision, are rounded.
_ROUNDING = 1e-6


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


def half_shortest_edge(boxes: Iterable[Array], who: str) -> float:
    """How far pairs can be counted in all of some boxes, angstrom.

    Args:
        boxes: edge vectors as rows, angstrom.
        who: what needs rectangular boxes, with its verb.

    Raises:
        EstimateError: a box that is not rectangular.
    """
    return min(0.5 * float(rectangular_edges(box, who).min()) for box in boxes)


def is_within(distance: float, half: float) -> bool:
    """Whether a distance lies within half an edge of a box, or beyond it by no more than rounding."""
    return distance <= half * (1.0 + _ROUNDING)
