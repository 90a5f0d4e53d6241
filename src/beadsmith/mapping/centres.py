"""The beads of a whole system of atoms, and what they did.

A bead is at a weighted mean of the positions of its atoms, so all frames are mapped by one sparse matrix.  Positions
must be unwrapped: the mean of an atom and another one's periodic image is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, triu

from beadsmith.atomistic.molecules import SAME_ELEMENT
from beadsmith.crosslink.topology import new_angles
from beadsmith.errors import EstimateError, ProblemError
from beadsmith.problem.bead_mapping import MoleculeBeads, MoleculeOfAtoms, bead_order, molecule_beads
from beadsmith.problem.molecules import interaction_name
from beadsmith.problem.recording import Array, Bonded, Frames, Recording, Topology
from beadsmith.problem.schema import BeadMapping

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class BeadCentres:
    """Where the beads of a system are.

    Attributes:
        weights: what each atom counts in each bead, a sparse matrix of shape (beads, atoms); rows add up to 1.
        topology: of the beads; a bond wherever atoms of two beads are bonded, crosslinks among them, and an angle for
            every pair of bonds that share a bead.
    """

    weights: csr_array
    topology: Topology

    def positions(self, atoms: Array) -> Array:
        """Positions of the beads in one frame.

        Args:
            atoms: unwrapped positions, angstrom, shape (atoms, 3).

        Returns: angstrom, unwrapped, shape (beads, 3).
        """
        return np.asarray(self.weights @ atoms)


def mapping_of(molecules: Mapping[str, MoleculeOfAtoms], mapping: BeadMapping, topology: Topology) -> BeadCentres:
    """The beads of a system of atoms.

    Args:
        molecules: the molecules of atoms, by kind; each atom stands where it stands in its molecule.
        mapping: section of the problem file.
        topology: of the atoms.

    Raises:
        ProblemError: the mapping does not fit the molecules, or these do not fit the atoms.
        EstimateError: bonds of the atoms are not known.
    """
    return centres_of(molecule_beads(molecules, mapping), mapping, topology)


def centres_of(beads: Mapping[str, MoleculeBeads], mapping: BeadMapping, topology: Topology) -> BeadCentres:
    """The beads of a system of atoms, from those of its molecules (:func:`mapping_of`)."""
    if topology.bonds is None:
        raise EstimateError("the bonds of the atoms are not known, and beads are bonded where their atoms are")
    starts = topology.starts()
    lengths = np.diff(starts, append=len(topology.molecule_ids))
    owners = topology.molecule_ids[starts]
    kinds = [topology.molecule_kinds[int(owner)] for owner in owners]
    for kind, start, length in zip(kinds, starts, lengths, strict=True):
        _check_atoms(kind, beads, topology.masses[start : start + length])
    shares = _spread([beads[kind].shares for kind in kinds])
    present = {bead for kind in kinds for bead in beads[kind].topology.beads}
    names = tuple(name for name in bead_order(mapping) if name in present)
    number = {name: place for place, name in enumerate(names, start=1)}
    types = np.array([number[bead] for kind in kinds for bead in beads[kind].topology.beads], dtype=np.int64)
    ids = np.repeat(owners, [len(beads[kind].topology.beads) for kind in kinds])
    bonds = _bonds(shares, topology.bonds.members)
    angles = new_angles(np.empty((0, 2), dtype=np.int64), bonds, len(types))
    masses = np.asarray(shares @ np.concatenate([beads[kind].atom_masses for kind in kinds]))
    of_beads = Topology(
        masses, types, ids, topology.molecule_kinds, names, _named(bonds, types, names), _named(angles, types, names)
    )
    return BeadCentres(_spread([beads[kind].weights(mapping.centre) for kind in kinds]), of_beads)


def mapped(recording: Recording, centres: BeadCentres) -> Recording:
    """What a simulation of atoms recorded, of beads; box, series, state and intervals stay.

    Raises:
        EstimateError: another number of atoms.
    """
    if recording.frames is None:
        return replace(recording, topology=centres.topology)
    frames = recording.frames
    if frames.positions.shape[1] != centres.weights.shape[1]:
        raise EstimateError(
            f"the frames have {frames.positions.shape[1]} atoms, the mapping {centres.weights.shape[1]}"
        )
    positions = np.stack([centres.positions(frame) for frame in frames.positions])
    return replace(recording, frames=Frames(frames.interval, positions, frames.boxes), topology=centres.topology)


def _check_atoms(kind: str, beads: Mapping[str, MoleculeBeads], masses: Array) -> None:
    if kind not in beads:
        remedy = "declare which of its atoms make which bead"
        raise ProblemError(f"mapping.molecules.{kind}", "nothing", f"rules for the molecule {kind}", remedy)
    expected = beads[kind].atom_masses
    if len(masses) != len(expected):
        raise ProblemError(
            f"mapping.molecules.{kind}",
            f"a molecule of {len(masses)} atoms",
            f"the {len(expected)} atoms of {kind}",
            "the trajectory is one of other molecules, or their order is another",
        )
    different = np.flatnonzero(np.abs(masses - expected) > SAME_ELEMENT)
    if len(different):
        first = int(different[0])
        raise ProblemError(
            f"mapping.molecules.{kind}",
            f"{masses[first]:g} g/mol for atom {first + 1}",
            f"{expected[first]:g} g/mol",
            f"its atoms stand in another order than those of {kind}",
        )


def _spread(blocks: list[Array]) -> csr_array:
    """Matrices of molecules along the diagonal of that of the system."""
    corners = np.cumsum([(0, 0), *(block.shape for block in blocks)], axis=0)
    rows, columns, values = [], [], []
    for block, (row, column) in zip(blocks, corners, strict=False):
        own_rows, own_columns = np.nonzero(block)
        rows.append(own_rows + row)
        columns.append(own_columns + column)
        values.append(block[own_rows, own_columns])
    shape = tuple(corners[-1].tolist())
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _bonds(shares: csr_array, bonds: Integers) -> Integers:
    """Pairs of beads whose atoms are bonded, each once, sorted, shape (bonds, 2)."""
    claimed = csr_array((np.ones_like(shares.data), shares.indices, shares.indptr), shape=shares.shape)
    atoms = shares.shape[1]
    joined = csr_array((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(atoms, atoms))
    between = triu(claimed @ (joined + joined.T) @ claimed.T, k=1).tocoo()
    pairs = np.column_stack([between.row, between.col]).astype(np.int64)
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def _named(members: Integers, types: Integers, names: tuple[str, ...]) -> Bonded:
    """Bonds or angles with the names of their types, in the order of the kinds of beads."""
    order = {name: place for place, name in enumerate(names)}
    kinds, numbers = np.unique(types[members] - 1, axis=0, return_inverse=True)
    called = [interaction_name([names[kind] for kind in row], order) for row in kinds.tolist()]
    known = tuple(sorted(set(called), key=lambda name: [order[bead] for bead in name.split("-")]))
    place = np.array([known.index(name) for name in called], dtype=np.int64)
    return Bonded(members, place[numbers.reshape(-1)], known)
