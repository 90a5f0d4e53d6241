"""The part of a network that can bear stress, and the strands and junctions it is made of.

Whatever hangs on the rest by a single bead bears none: free ends, molecules that are attached once, whole clusters
with rings of their own.  So the part that can is the largest set of bonds any two of which lie on a common ring: the
largest biconnected component of the graph of beads.  In it, beads with three or more bonds are junctions, and the
chains of beads between them are strands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.build.system import Integers
from beadsmith.crosslink.network import components_of
from beadsmith.problem.molecules import neighbours_of


@dataclass(frozen=True)
class Backbone:
    """Elastically effective junctions and strands.

    Attributes:
        beads: those of the backbone, 0 first, increasing.
        functionalities: strands that meet at each junction, shape (junctions,).
        lengths: bonds of each strand, increasing, shape (strands,).
    """

    beads: Integers
    functionalities: Integers
    lengths: Integers

    @property
    def junctions(self) -> int:
        """Number of beads at which three strands or more meet."""
        return len(self.functionalities)

    @property
    def strands(self) -> int:
        """Number of chains between junctions."""
        return len(self.lengths)

    @property
    def cycle_rank(self) -> int:
        """Independent rings of strands: the modulus of a phantom network in units of kT over the volume."""
        return self.strands - self.junctions + 1 if self.strands else 0


def backbone(bonds: Integers, beads: int) -> Backbone:
    """The largest part of a graph in which every bond lies on a ring with every other.

    A backbone that is a single ring has no junction, and so no strand.

    Args:
        bonds: as beads, 0 first, each once, shape (bonds, 2).
        beads: how many there are.
    """
    parts = biconnected_components(without_ends(bonds, beads), beads)
    own = max(parts, key=len, default=np.empty((0, 2), dtype=np.int64))
    if len(own) < 3:
        nothing = np.empty(0, dtype=np.int64)
        return Backbone(nothing, nothing, nothing)
    members, own = np.unique(own, return_inverse=True)
    own = own.reshape(-1, 2)
    functionalities = np.bincount(own.ravel())
    junction = functionalities > 2
    return Backbone(members, functionalities[junction], _strand_lengths(own, junction))


def without_ends(bonds: Integers, beads: int) -> Integers:
    """Bonds that are left when free ends are taken off again and again."""
    while len(bonds):
        ends = np.bincount(bonds.ravel(), minlength=beads) == 1
        kept = bonds[~ends[bonds].any(axis=1)]
        if len(kept) == len(bonds):
            break
        bonds = kept
    return bonds


def biconnected_components(bonds: Integers, beads: int) -> list[Integers]:
    """Sets of bonds any two of which lie on a common ring; a bond on no ring is a set of its own.

    Reference: J. Hopcroft, R. Tarjan, Commun. ACM 16, 372 (1973), Algorithm 447, without recursion.

    Args:
        bonds: as beads, 0 first, each once, shape (bonds, 2).
        beads: how many there are.

    Returns: bonds of each set, as beads, shape (bonds of the set, 2).
    """
    neighbours = neighbours_of(bonds.tolist(), beads)
    depth = [-1] * beads
    lowest = [0] * beads
    parts: list[Integers] = []
    for root in np.unique(bonds).tolist():
        if depth[root] < 0:
            parts += _components_from(root, neighbours, depth, lowest)
    return parts


def _components_from(root: int, neighbours: list[list[int]], depth: list[int], lowest: list[int]) -> list[Integers]:
    """Walk one piece depth first; a set is complete when nothing beyond a bead leads back above it."""
    parts: list[Integers] = []
    trail: list[tuple[int, int]] = []
    depth[root] = lowest[root] = 0
    # Beads on the way from the root: itself, the one before it, where its bonds begin on the trail, bonds not yet seen.
    way = [(root, -1, 0, iter(neighbours[root]))]
    while way:
        bead, parent, begin, unseen = way[-1]
        for other in unseen:
            if other == parent or depth[other] > depth[bead]:
                continue
            trail.append((bead, other))
            if depth[other] < 0:
                depth[other] = lowest[other] = depth[bead] + 1
                way.append((other, bead, len(trail) - 1, iter(neighbours[other])))
                break
            lowest[bead] = min(lowest[bead], depth[other])
        else:
            way.pop()
            if parent >= 0:
                lowest[parent] = min(lowest[parent], lowest[bead])
                if lowest[bead] >= depth[parent]:
                    parts.append(np.array(trail[begin:], dtype=np.int64))
                    del trail[begin:]
    return parts


def _strand_lengths(bonds: Integers, junction: NDArray[np.bool_]) -> Integers:
    """Bonds of each strand, increasing.

    Args:
        bonds: of the backbone, whose beads are numbered without gaps.
        junction: whether a bead is one, shape (beads,).
    """
    if not junction.any():
        return np.empty(0, dtype=np.int64)
    ends = junction[bonds].sum(axis=1)
    inside = components_of(bonds[ends == 0], len(junction))
    beads_of_strand = np.bincount(inside[~junction])
    lengths = beads_of_strand[beads_of_strand > 0] + 1
    return np.sort(np.concatenate([lengths, np.ones(int((ends == 2).sum()), dtype=np.int64)]))
