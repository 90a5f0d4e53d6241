"""Whether a network goes on for ever through the periodic images of its box.

Each bond crosses the faces of the box a whole number of times along each edge.  Added up around a ring of bonds, these
numbers say how often the ring winds around the box.  The rank of all such windings is the number of independent
directions in which the network is endless: 0 for a cluster in one piece, 3 for a network that bears stress along
every axis.  (J. Machta et al., Phys. Rev. E 54, 1332 (1996), notice a wrapping cluster in the same way.)
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers


def percolation_rank(positions: Array, cell: Array, bonds: Integers, start: int) -> int:
    """Independent directions in which the piece that a bead belongs to goes on for ever, 0 to 3.

    Args:
        positions: angstrom, shape (beads, 3); wrapped or not.
        cell: edge vectors as rows, angstrom, shape (3, 3); bonds are shorter than half its smallest width.
        bonds: as beads, 0 first, shape (bonds, 2).
        start: any bead of the piece.
    """
    fractions = positions @ np.linalg.inv(cell)
    shifts = np.rint(fractions[bonds[:, 1]] - fractions[bonds[:, 0]]).astype(np.int64)
    images, reached = _images(bonds, shifts, len(positions), start)
    own = reached[bonds[:, 0]]
    windings = images[bonds[own, 0]] + shifts[own] - images[bonds[own, 1]]
    different = np.unique(windings, axis=0)
    return int(np.linalg.matrix_rank(different.astype(np.float64))) if len(different) else 0


def _images(bonds: Integers, shifts: Integers, beads: int, start: int) -> tuple[Integers, Integers]:
    """Shifts added up along a tree of bonds from ``start`` to each bead, and which beads it reaches."""
    graph = coo_array((np.ones(len(bonds), dtype=np.int8), (bonds[:, 0], bonds[:, 1])), shape=(beads, beads))
    order, came_from = breadth_first_order(graph.tocsr(), start, directed=False)
    children, parents = order[1:], came_from[order[1:]]
    known, first = np.unique(_pairs(bonds, beads), return_index=True)
    bond = first[np.searchsorted(known, _pairs(np.column_stack([parents, children]), beads))]
    images = np.zeros((beads, 3), dtype=np.int64)
    images[children] = np.where(bonds[bond, 0] == parents, 1, -1)[:, None] * shifts[bond]
    # Each pass adds what the ancestor has, and takes the ancestor's own: the way that is added up doubles.
    ancestors = np.arange(beads)
    ancestors[children] = parents
    while (ancestors[children] != start).any():
        images += images[ancestors]
        ancestors = ancestors[ancestors]
    reached = np.zeros(beads, dtype=bool)
    reached[order] = True
    return images, reached


def _pairs(bonds: Integers, beads: int) -> Integers:
    """One number for each pair of beads, whichever comes first."""
    ends = np.sort(bonds, axis=1).astype(np.int64)
    return np.asarray(ends[:, 0] * beads + ends[:, 1])
