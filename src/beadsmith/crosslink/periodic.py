"""Distances in periodic boxes of any shape: pairs within reach, nearest images.

A cell is given by its edge vectors as rows, angstrom, shape (3, 3), as in recorded frames.  Everything assumes, and
:func:`fits` lets a caller check, that nothing longer than half the cell's smallest width is looked for.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers


def widths(cell: Array) -> Array:
    """Distances between opposite faces of the cell, angstrom, shape (3,)."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0))


def fits(cutoff: float, cell: Array) -> bool:
    """Whether a cutoff (angstrom) is at most half the smallest width of the cell, but for rounding."""
    return bool(cutoff <= 0.5 * widths(cell).min() * (1.0 + 1e-12))


def separations(starts: Array, ends: Array, cell: Array) -> Array:
    """Vectors from starts to the nearest images of ends, angstrom, shape (pairs, 3)."""
    apart = ends - starts
    return np.asarray(apart - np.rint(apart @ np.linalg.inv(cell)) @ cell)


def pairs_within(first: Array, second: Array, cell: Array, cutoff: float) -> tuple[Integers, Integers, Array]:
    """All pairs of one point of each set that are at most ``cutoff`` apart.

    The second set is repeated where its images can be within reach of the cell; a k-d tree does the rest.

    Args:
        first, second: angstrom, shapes (n, 3) and (m, 3); may lie outside the cell.
        cell: edge vectors as rows, angstrom.
        cutoff: at most half the smallest width of the cell, angstrom.

    Returns: index into the first set, index into the second, distance in angstrom; each of shape (pairs,).

    Raises:
        ValueError: the cutoff is too long.
    """
    if not fits(cutoff, cell):
        raise ValueError(f"a cutoff of {cutoff:g} angstrom is more than half the smallest width of the cell")
    if not len(first) or not len(second):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    images, owners = _with_images(_inside(second, cell), cutoff / widths(cell))
    tree = cKDTree(_inside(first, cell) @ cell)
    found = tree.sparse_distance_matrix(cKDTree(images @ cell), cutoff, output_type="ndarray")
    return found["i"].astype(np.int64), owners[found["j"]], found["v"]


def _inside(positions: Array, cell: Array) -> Array:
    """Fractional coordinates of the images inside the cell."""
    fractions = positions @ np.linalg.inv(cell)
    return np.asarray(fractions - np.floor(fractions))


def _with_images(fractions: Array, reach: Array) -> tuple[Array, Integers]:
    """Points, and those of their images that are within reach of the cell; whose image each is."""
    images, owners = fractions, np.arange(len(fractions), dtype=np.int64)
    for axis in range(3):
        step = np.eye(3)[axis]
        low, high = images[:, axis] < reach[axis], images[:, axis] > 1.0 - reach[axis]
        images = np.concatenate([images, images[low] + step, images[high] - step])
        owners = np.concatenate([owners, owners[low], owners[high]])
    return images, owners
