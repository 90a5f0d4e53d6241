"""Systems of atoms: molecules in a box, with DREIDING's terms and charges, before and after new bonds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.atomistic.charges import no_charges, site_charges
from beadsmith.atomistic.dreiding import TYPES, DreidingOptions
from beadsmith.atomistic.pairs import PairTable, pair_table
from beadsmith.atomistic.terms import BondedTerms, bonded_terms
from beadsmith.atomistic.typing import dreiding_types
from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.molecules import interaction_name
from beadsmith.problem.recording import Bonded, Topology

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class AtomisticSystem:
    """Atoms in a box.

    To observables, an atom is of the kind that the problem file names: its kind of reactive site, or its element.
    To the force field, it is of a DREIDING type, which never changes.

    Attributes:
        topology: masses, kinds of atoms, molecules, and bonds and angles by kinds of atoms.
        positions: angstrom, shape (atoms, 3); may lie outside the box, which is periodic.
        edges: of the box, which begins at the origin and is rectangular, angstrom, shape (3,).
        type_names: DREIDING types that occur in the problem.
        type_masses: g/mol, one per type.
        atom_types: type of each atom, as an index into them, shape (atoms,).
        charges: e, shape (atoms,), neutral together.
        terms: bonded terms of the force field.
        pairs: exp-6 between all types.
        options: what the user chose.
        orders: of the bonds of the topology, shape (bonds,).
        aromatic: whether each atom is in an aromatic ring, shape (atoms,).
        increments: charge that a kind of site gains when it bonds to another one, e.
    """

    topology: Topology
    positions: Array
    edges: Array
    type_names: tuple[str, ...]
    type_masses: tuple[float, ...]
    atom_types: Integers
    charges: Array
    terms: BondedTerms
    pairs: PairTable
    options: DreidingOptions
    orders: Array
    aromatic: NDArray[np.bool_]
    increments: Mapping[tuple[str, str], float]


def atomistic_system(
    graphs: Mapping[str, MolecularGraph],
    counts: Mapping[str, int],
    options: DreidingOptions,
    positions: Array,
    edges: Array,
    reactions: Sequence[tuple[str, str]] = (),
) -> AtomisticSystem:
    """Molecules before any cure.

    Args:
        graphs: all molecules of the problem, whether they are in this system or not: types and charges follow from
            them, and should not depend on which system they are in.
        counts: how many of each molecule, kind after kind.
        options: of the force field.
        positions: angstrom, shape (atoms, 3), molecule after molecule.
        edges: of the box, angstrom, shape (3,).
        reactions: pairs of kinds of sites that can form bonds.

    Raises:
        ProblemError: an atom that DREIDING has no type for, or Gasteiger no charge; a site that reacts with nothing.
    """
    molecules = [(graphs[name], count) for name, count in counts.items()]
    types = {name: dreiding_types(graph, options.aryl_ether_oxygen) for name, graph in graphs.items()}
    masses = {
        each: mass for name, graph in graphs.items() for each, mass in zip(types[name], graph.masses, strict=True)
    }
    type_names = tuple(name for name in TYPES if name in masses)
    number_of = {name: number for number, name in enumerate(type_names)}
    charges = (no_charges if options.charges == "none" else site_charges)(graphs, reactions)
    atom_types = _integers(([number_of[each] for each in types[name]], count) for name, count in counts.items())
    if len(positions) != len(atom_types):
        raise ValueError(f"{len(positions)} positions for {len(atom_types)} atoms")
    aromatic = _numbers((graph.aromatic, count) for graph, count in molecules).astype(bool)
    orders = _numbers((graph.orders, count) for graph, count in molecules)
    topology, terms = _connected(
        _unconnected(graphs, counts), type_names, atom_types, aromatic, _bonds(molecules), orders
    )
    return AtomisticSystem(
        topology=topology,
        positions=positions,
        edges=edges,
        type_names=type_names,
        type_masses=tuple(masses[name] for name in type_names),
        atom_types=atom_types,
        charges=_numbers((charges.uncured[name], count) for name, count in counts.items()),
        terms=terms,
        pairs=pair_table(type_names),
        options=options,
        orders=orders,
        aromatic=aromatic,
        increments=charges.increments,
    )


def crosslinked_atoms(uncured: AtomisticSystem, new_bonds: Integers) -> AtomisticSystem:
    """A system with bonds added: terms from the new graph, charges moved by the increments of the bonds.

    Positions, types and who belongs to which molecule stay.

    Args:
        uncured: the system before the cure.
        new_bonds: all new bonds since then, as atoms, 0 first, shape (bonds, 2).

    Raises:
        ProblemError: a bond between kinds of atoms that do not react.
    """
    if uncured.topology.bonds is None:
        raise ValueError("a topology without bonds cannot be crosslinked")
    charges = uncured.charges.copy()
    names = uncured.topology.bead_names
    for first, second in new_bonds.tolist():
        pair = tuple(names[uncured.topology.bead_types[atom] - 1] for atom in (first, second))
        if pair not in uncured.increments:
            expected = "a pair of kinds of sites that react"
            raise ProblemError("reactions.bonds", f"a new bond {'-'.join(pair)}", expected, "declare it there")
        charges[first] += uncured.increments[pair]
        charges[second] -= uncured.increments[pair]
    bonds = np.concatenate([uncured.topology.bonds.members, new_bonds])
    orders = np.concatenate([uncured.orders, np.ones(len(new_bonds))])
    topology, terms = _connected(
        uncured.topology, uncured.type_names, uncured.atom_types, uncured.aromatic, bonds, orders
    )
    return replace(uncured, topology=topology, terms=terms, charges=charges, orders=orders)


def _unconnected(graphs: Mapping[str, MolecularGraph], counts: Mapping[str, int]) -> Topology:
    """Which atom is what, and belongs to which molecule."""
    labels = tuple(dict.fromkeys(label for graph in graphs.values() for label in graph.labels))
    number_of = {label: number for number, label in enumerate(labels, start=1)}
    kinds = [name for name, count in counts.items() for _ in range(count)]
    sizes = [len(graphs[name].names) for name in kinds]
    return Topology(
        masses=_numbers((graphs[name].masses, count) for name, count in counts.items()),
        bead_types=_integers(
            ([number_of[label] for label in graphs[name].labels], count) for name, count in counts.items()
        ),
        molecule_ids=np.repeat(np.arange(1, len(kinds) + 1), sizes).astype(np.int64),
        molecule_kinds=dict(enumerate(kinds, start=1)),
        bead_names=labels,
    )


def _connected(
    topology: Topology,
    type_names: Sequence[str],
    atom_types: Integers,
    aromatic: NDArray[np.bool_],
    bonds: Integers,
    orders: Array,
) -> tuple[Topology, BondedTerms]:
    """The topology with these bonds, and all terms that follow from them."""
    terms = bonded_terms(type_names, atom_types, aromatic, bonds, orders)
    bonded = named_terms(bonds, topology)
    return replace(topology, bonds=bonded, angles=named_terms(terms.angles.members, topology)), terms


def named_terms(members: Integers, topology: Topology) -> Bonded:
    """Bonds or angles, named by the kinds of atoms that a topology has.

    Args:
        members: atoms, 0 first, shape (terms, 2 or 3).
        topology: which kind each atom is of.
    """
    order = {name: index for index, name in enumerate(topology.bead_names)}
    kinds = topology.bead_types[members] - 1
    unique, inverse = np.unique(kinds, axis=0, return_inverse=True)
    called = [interaction_name([topology.bead_names[kind] for kind in row], order) for row in unique.tolist()]
    names = tuple(dict.fromkeys(called))
    number = np.array([names.index(name) for name in called], dtype=np.int64)
    return Bonded(members, number[inverse.reshape(-1)], names)


def _bonds(molecules: Sequence[tuple[MolecularGraph, int]]) -> Integers:
    """Bonds of all molecules, in the order of their atoms."""
    blocks = [np.empty((0, 2), dtype=np.int64)]
    start = 0
    for graph, count in molecules:
        one = np.array(graph.bonds, dtype=np.int64).reshape(-1, 2)
        starts = start + len(graph.names) * np.arange(count)
        blocks.append((one[None] + starts[:, None, None]).reshape(-1, 2))
        start += count * len(graph.names)
    return np.concatenate(blocks)


def _numbers(parts: Iterable[tuple[Sequence[float] | Array, int]]) -> Array:
    """Numbers of one molecule as often as there are such molecules, kind after kind."""
    return np.concatenate([np.tile(np.asarray(values, dtype=np.float64), count) for values, count in parts])


def _integers(parts: Iterable[tuple[Sequence[int], int]]) -> Integers:
    return _numbers(parts).astype(np.int64)
