"""Grow molecules bead by bead: bond lengths and angles at equilibrium, torsions at random.

The chains are ideal (beads may overlap); the push-off of the protocol makes room.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.molecules import MoleculeTopology

Array = NDArray[np.float64]


def grow(
    molecule: MoleculeTopology,
    copies: int,
    bond_length: Callable[[int, int], float],
    angle: Callable[[int, int, int], float],
    random: np.random.Generator,
) -> Array:
    """Conformations of independent copies of one molecule.

    Args:
        molecule: its bonds may branch; a bond that closes a ring is left stretched, for minimisation to close.
        copies: how many.
        bond_length: equilibrium length between two bonded beads, angstrom.
        angle: equilibrium angle of a triple of beads, vertex second, radians.
        random: source of randomness.

    Returns: angstrom, shape (copies, beads, 3), centre of geometry at the origin.
    """
    neighbours: list[list[int]] = [[] for _ in molecule.beads]
    for first, second in molecule.bonds:
        neighbours[first].append(second)
        neighbours[second].append(first)
    positions = np.zeros((copies, len(molecule.beads), 3))
    parents: dict[int, int | None] = {0: None}
    frontier = [0]
    while frontier:
        parent = frontier.pop()
        for bead in neighbours[parent]:
            if bead in parents:
                continue
            parents[bead] = parent
            grandparent = parents[parent]
            if grandparent is None:
                direction = _random_directions(copies, random)
            else:
                back = positions[:, grandparent] - positions[:, parent]
                direction = _at_angle(back, angle(grandparent, parent, bead), random)
            positions[:, bead] = positions[:, parent] + bond_length(parent, bead) * direction
            frontier.append(bead)
    return np.asarray(positions - positions.mean(axis=1, keepdims=True))


def _random_directions(count: int, random: np.random.Generator) -> Array:
    vectors: Array = random.normal(size=(count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _at_angle(back: Array, angle: float, random: np.random.Generator) -> Array:
    """Unit vectors that make ``angle`` with ``back``, the torsion about it being random."""
    axis = back / np.linalg.norm(back, axis=1, keepdims=True)
    across = np.cross(axis, _random_directions(len(axis), random))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(np.cos(angle) * axis + np.sin(angle) * across)
