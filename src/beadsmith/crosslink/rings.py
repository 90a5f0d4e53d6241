"""Rings of bonds, and bonds that spear them.

A bond that forms through a ring can never leave it again: no relaxation repairs it, and it strains the network for
good.  So it has to be noticed.  The surface of a ring is taken as a fan of triangles about its centroid.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.crosslink.periodic import separations
from beadsmith.problem.molecules import neighbours_of

#: Bonds of the largest ring that is looked for: a larger one is slack enough for a chain through it to do no harm.
LARGEST_RING = 20
#: A bond exactly through an edge of a fan would be counted by both triangles or by none; so every bond is moved by
#: this much, angstrom, in a direction that no lattice has.
_ASIDE = 1e-7 * np.array([0.5377, 0.7321, 0.4182])

#: A ring whose bond vectors add up to more than this, angstrom, goes around the box.
_CLOSED = 1e-6


@dataclass(frozen=True)
class Spearing:
    """A bond through a ring.

    Attributes:
        bond: beads, 0 first.
        ring: beads in order around the ring, 0 first.
    """

    bond: tuple[int, int]
    ring: tuple[int, ...]


def rings_through(bonds: Integers, through: Integers, beads: int, largest: int = LARGEST_RING) -> list[tuple[int, ...]]:
    """A smallest ring through each of some bonds, each ring once; bonds without a ring small enough have none.

    Give all bonds of the molecules once for the rings that they bring along, and new bonds as they form for the rings
    that these close.

    Args:
        bonds: all bonds as beads, 0 first, shape (bonds, 2).
        through: those whose rings are wanted, of the same form.
        beads: how many there are.
        largest: bonds of the largest ring that counts.

    Returns: beads in order around each ring.
    """
    neighbours = neighbours_of(bonds.tolist(), beads)
    rings: dict[frozenset[int], tuple[int, ...]] = {}
    for first, last in through.tolist():
        ring = _detour(neighbours, first, last, largest - 1)
        if ring:
            rings.setdefault(frozenset(ring), ring)
    return list(rings.values())


def spearings(positions: Array, cell: Array, bonds: Integers, rings: Sequence[Sequence[int]]) -> tuple[Spearing, ...]:
    """Bonds that pass through rings.

    A bond spears a ring if it crosses its surface an odd number of times.  Bonds that share a bead with the ring do not
    count, nor do rings that close only through the periodic images of the box: they have no surface.

    Args:
        positions: angstrom, shape (beads, 3).
        cell: edge vectors as rows, angstrom, shape (3, 3); bonds are shorter than half its smallest width.
        bonds: as beads, 0 first, shape (bonds, 2).
        rings: beads in order around each.
    """
    if not rings or not len(bonds):
        return ()
    starts = positions[bonds[:, 0]]
    vectors = separations(starts, positions[bonds[:, 1]], cell)
    found = []
    for ring in rings:
        corners = _unwrapped(positions[list(ring)], cell)
        if corners is None:
            continue
        centre = corners.mean(axis=0)
        # A bond meets the surface only if its middle is at most half its length from the ring's reach.
        nearest = centre + separations(centre, starts + 0.5 * vectors, cell)
        reach = np.linalg.norm(corners - centre, axis=1).max() + 0.5 * np.linalg.norm(vectors, axis=1)
        close = np.linalg.norm(nearest - centre, axis=1) <= reach
        apart = ~np.isin(bonds, ring).any(axis=1)
        for number in np.flatnonzero(close & apart).tolist():
            start = nearest[number] - 0.5 * vectors[number] + _ASIDE
            if _crossings(start, vectors[number], centre, corners) % 2:
                first, last = bonds[number].tolist()
                found.append(Spearing((first, last), tuple(ring)))
    return tuple(found)


def _detour(neighbours: Sequence[Sequence[int]], first: int, last: int, longest: int) -> tuple[int, ...]:
    """Beads of a shortest way from one end of a bond to the other that is not the bond; empty if there is none."""
    came_from = {first: first}
    frontier = deque([(first, 0)])
    while frontier:
        bead, steps = frontier.popleft()
        if steps == longest:
            break
        for other in neighbours[bead]:
            if other in came_from or (bead == first and other == last):
                continue
            came_from[other] = bead
            if other == last:
                return _way_back(came_from, first, last)
            frontier.append((other, steps + 1))
    return ()


def _way_back(came_from: dict[int, int], first: int, last: int) -> tuple[int, ...]:
    way = [last]
    while way[-1] != first:
        way.append(came_from[way[-1]])
    return tuple(way)


def _unwrapped(corners: Array, cell: Array) -> Array | None:
    """Corners of a ring in one piece, shape (corners, 3); None if it does not close on itself."""
    steps = separations(corners, np.roll(corners, -1, axis=0), cell)
    if np.abs(steps.sum(axis=0)).max() > _CLOSED:
        return None
    return np.asarray(corners[0] + np.cumsum(steps, axis=0))


def _crossings(start: Array, vector: Array, centre: Array, corners: Array) -> int:
    """How many triangles of the fan a straight line from ``start`` along ``vector`` crosses.

    Reference: T. Möller, B. Trumbore, J. Graphics Tools 2, 21 (1997).
    """
    one = corners - centre
    other = np.roll(corners, -1, axis=0) - centre
    across = np.cross(vector, other)
    volume = np.einsum("ij,ij->i", one, across)
    flat = np.abs(volume) < 1e-12
    scale = 1.0 / np.where(flat, 1.0, volume)
    offset = start - centre
    u = scale * (across @ offset)
    normal = np.cross(offset, one)
    v = scale * (normal @ vector)
    along = scale * np.einsum("ij,ij->i", other, normal)
    inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (along >= 0) & (along <= 1)
    return int((inside & ~flat).sum())
