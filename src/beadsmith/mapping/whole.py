"""Molecules that the faces of the periodic box cut apart, put together along their bonds.

Each atom is moved by whole edges of the box to the image that is nearest to the atom it is bonded to, from the first
atom of its molecule outwards.  Bonds are far shorter than half a box, so this has one answer.  Bonds between molecules
(crosslinks) are left alone: a network that goes on through the faces of the box cannot be put together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import check_finite
from beadsmith.problem.recording import Array, Topology

Integers = NDArray[np.int64]

#: No bond between two atoms is as long, angstrom.
LONGEST_BOND = 4.0


@dataclass(frozen=True)
class BondTree:
    """Bonds in the order in which molecules are put together along them.

    Attributes:
        generations: atoms that are one, two, ... bonds from the first of their molecule, each with the atom before it
            on the way; of shape (2, atoms).
        bonds: all bonds within molecules, also those that close rings, shape (bonds, 2).
        atoms: how many there are.
    """

    generations: tuple[Integers, ...]
    bonds: Integers
    atoms: int


def bond_tree(topology: Topology) -> BondTree:
    """The bonds within molecules, from the first atom of each outwards.

    Raises:
        EstimateError: bonds are not known, the atoms of a molecule do not stand together, or it is in several pieces.
    """
    if topology.bonds is None:
        raise EstimateError("molecules can only be put together when their bonds are known")
    atoms = len(topology.molecule_ids)
    bonds = topology.bonds.members
    own = bonds[topology.molecule_ids[bonds[:, 0]] == topology.molecule_ids[bonds[:, 1]]]
    first = topology.starts()
    # A root that is no atom, beside the first atom of every molecule, makes one tree of all.
    ends = np.concatenate([own, np.column_stack([np.full(len(first), atoms), first])])
    graph = csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(atoms + 1, atoms + 1))
    reached, before = breadth_first_order(graph, atoms, directed=False)
    if len(reached) < atoms + 1:
        loose = int(np.setdiff1d(np.arange(atoms), reached)[0])
        kind = topology.molecule_kinds[int(topology.molecule_ids[loose])]
        raise EstimateError(f"atom {loose + 1} is not bonded to the rest of its molecule, a {kind}")
    depth = np.zeros(atoms + 1, dtype=np.int64)
    for atom in reached[1:]:
        depth[atom] = depth[before[atom]] + 1
    generations = []
    for generation in range(2, int(depth.max()) + 1):
        members = np.flatnonzero(depth == generation)
        generations.append(np.stack([members, before[members]]))
    return BondTree(tuple(generations), own, atoms)


def whole_images(tree: BondTree, positions: Array, box: Array) -> Integers:
    """By how many edges of the box each atom is moved to make its molecule whole; 0 for the first atom of each.

    Args:
        tree: of the atoms.
        positions: angstrom, shape (atoms, 3).
        box: edge vectors as rows, angstrom.

    Returns: shape (atoms, 3).

    Raises:
        EstimateError: positions that are not finite; a bond that is then still far too long, because these are not the
            positions of these atoms; a box that is too small.
    """
    check_finite(positions)
    fractional = positions @ np.linalg.inv(box)
    images = np.zeros((tree.atoms, 3), dtype=np.int64)
    for members, before in tree.generations:
        apart = fractional[members] - fractional[before]
        images[members] = images[before] - np.rint(apart).astype(np.int64)
    _check_bonds(tree, positions + images @ box, box)
    return images


def _check_bonds(tree: BondTree, positions: Array, box: Array) -> None:
    if not len(tree.bonds):
        return
    # Distance between the faces: edges of a tilted box are longer.
    faces = 1.0 / np.linalg.norm(np.linalg.inv(box), axis=0)
    if faces.min() < 2.0 * LONGEST_BOND:
        raise EstimateError(
            f"the box is too small: {faces.min():.3g} angstrom between two of its faces, less than "
            f"{2.0 * LONGEST_BOND:g}, so that nearest images cannot be told"
        )
    lengths = np.linalg.norm(positions[tree.bonds[:, 0]] - positions[tree.bonds[:, 1]], axis=1)
    longest = int(np.argmax(lengths))
    if lengths[longest] > LONGEST_BOND:
        one, other = (tree.bonds[longest] + 1).tolist()
        raise EstimateError(
            f"the bond between atoms {one} and {other} would be {lengths[longest]:.3g} angstrom long: the atoms stand "
            "in another order than the molecules say, or these are other molecules"
        )
