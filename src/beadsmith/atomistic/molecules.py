"""Which atoms of a file are which of a molecule.

A file of atoms is met in two ways.  A molecule that has SMILES is found in it by its graph: elements and bonds decide,
so that the file may number the atoms as it likes.  A molecule that has none is what the file says: the first one of its
kind, whose atoms are called as the file calls them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.bead_mapping import MoleculeOfAtoms
from beadsmith.problem.recording import Array, Bonded, Topology

Integers = NDArray[np.int64]

#: Masses of one element in two tables differ by less, g/mol.
SAME_ELEMENT = 0.5
#: Atoms between these masses are hydrogens, also heavy ones, g/mol.
_LIGHTEST_HYDROGEN, _HEAVIEST_HYDROGEN = 0.5, 2.5


@dataclass(frozen=True)
class NamedMolecule:
    """A molecule that a file describes, rather than SMILES; see :class:`.MoleculeOfAtoms`.

    Attributes:
        name: of the molecule.
        names: of the atoms, each once.
        elements: symbols; only hydrogen is told from the others, which are empty.
        masses: g/mol.
        bonds: pairs of atoms, 0 first.
    """

    name: str
    names: tuple[str, ...]
    elements: tuple[str, ...]
    masses: tuple[float, ...]
    bonds: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class AtomsOfFile:
    """The atoms of a file, in its order.

    Attributes:
        file: its name, for messages.
        names: of the atoms, shape (atoms,).
        masses: g/mol, shape (atoms,).
        molecule_ids: shape (atoms,).
        molecule_kinds: by molecule id; empty where the file does not name kinds of molecules.
        bonds: pairs of atoms, 0 first, shape (bonds, 2).
    """

    file: str
    names: tuple[str, ...]
    masses: Array
    molecule_ids: Integers
    molecule_kinds: Mapping[int, str]
    bonds: Integers


@dataclass(frozen=True)
class AtomsInOrder:
    """Atoms molecule by molecule, each molecule's in the order in which it is declared.

    Attributes:
        order: which atom of the file stands where, shape (atoms,).
        topology: of the atoms in that order.
        molecules: the molecules by kind.
    """

    order: Integers
    topology: Topology
    molecules: Mapping[str, MoleculeOfAtoms]


def counted_molecules(graphs: Mapping[str, MoleculeOfAtoms], counts: Mapping[str, int]) -> AtomsInOrder:
    """So many molecules of each kind, one after the other, their atoms in the order of the graphs.

    Args:
        graphs: by kind.
        counts: by kind, in the order of the file.

    Raises:
        ProblemError: a kind that is not declared.
    """
    for kind in counts:
        if kind not in graphs:
            expected = f"kinds with SMILES: {', '.join(graphs) or 'none declared'}"
            raise ProblemError("--molecules", kind, expected, "or name a --topology file")
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    lengths = [len(graphs[kind].names) for kind in kinds]
    starts = np.cumsum([0, *lengths])
    bonds = [np.array(graphs[kind].bonds).reshape(-1, 2) + start for kind, start in zip(kinds, starts, strict=False)]
    topology = _topology(
        np.concatenate([graphs[kind].masses for kind in kinds]),
        np.repeat(np.arange(1, len(kinds) + 1), lengths),
        dict(enumerate(kinds, start=1)),
        np.concatenate(bonds),
    )
    return AtomsInOrder(np.arange(starts[-1]), topology, {kind: graphs[kind] for kind in counts})


def identified_molecules(
    atoms: AtomsOfFile, graphs: Mapping[str, MolecularGraph], counts: Mapping[str, int] | None = None
) -> AtomsInOrder:
    """Find the molecules in the atoms of a file.

    Args:
        atoms: of the file.
        graphs: molecules that have SMILES.
        counts: how many molecules of each kind follow each other in the file; if None, the file's own names of kinds
            are taken, and where it has none, every molecule is compared with every graph.

    Raises:
        ProblemError: a molecule that is none of the graphs, molecules of one kind with different atoms, other numbers
            of molecules than declared.
    """
    ids = [int(one) for one in dict.fromkeys(atoms.molecule_ids.tolist())]
    members = _members(atoms.molecule_ids, ids)
    kinds = _declared_kinds(atoms, ids, counts)
    local = _local_bonds(atoms, members)
    found: dict[str, MoleculeOfAtoms] = {}
    known: dict[object, tuple[str, Integers]] = {}
    order, names = [], []
    for kind, own, bonds in zip(kinds, members, local, strict=True):
        masses = atoms.masses[own]
        # Molecules that are numbered alike are looked at once.
        alike = (kind, tuple(np.rint(masses).tolist()), bonds, tuple(atoms.names[atom] for atom in own))
        if alike not in known:
            known[alike] = _identified(atoms, kind, own, bonds, graphs, found)
        name, places = known[alike]
        order.append(own[places])
        names.append(name)
    return _in_order(atoms, order, names, found)


def _identified(
    atoms: AtomsOfFile,
    kind: str,
    own: Integers,
    bonds: tuple[tuple[int, int], ...],
    graphs: Mapping[str, MolecularGraph],
    found: dict[str, MoleculeOfAtoms],
) -> tuple[str, Integers]:
    """Kind of a molecule, and the order of its atoms; notes in ``found`` what the kind is."""
    masses = atoms.masses[own]
    if kind and kind not in graphs:
        described = _described(atoms, kind, own, bonds)
        first = found.setdefault(kind, described)
        if first != described:
            received = f"{kind} {_number(atoms, own)} with other atoms or bonds than the first {kind}"
            raise ProblemError(atoms.file, received, "the same names, masses and bonds in all molecules of a kind")
        return kind, np.arange(len(own))
    for name in [kind] if kind else list(graphs):
        places = _laid_over(graphs[name], masses, bonds)
        if places is not None:
            found[name] = graphs[name]
            return name, places
    expected = " or ".join(f"{name} ({_formula(graphs[name].masses, graphs)})" for name in ([kind] if kind else graphs))
    raise ProblemError(
        atoms.file,
        f"molecule {_number(atoms, own)} with {len(own)} atoms ({_formula(masses, graphs)})",
        expected or "molecules with names, or a problem file with their SMILES",
        "atoms and bonds must be those of the SMILES, without hydrogens at open valences; "
        "or leave the SMILES out and name the atoms in the mapping",
    )


def _laid_over(graph: MolecularGraph, masses: Array, bonds: Sequence[tuple[int, int]]) -> Integers | None:
    """Which atom of a molecule is each atom of a graph; None if it is another molecule."""
    if len(masses) != len(graph.names) or len(bonds) != len(graph.bonds):
        return None
    symbols = dict(zip(graph.elements, graph.masses, strict=True))
    elements = [_element(mass, symbols) for mass in masses]
    if not all(elements):
        return None
    target, pattern = _molecule(elements, bonds), _molecule(graph.elements, graph.bonds)
    match = target.GetSubstructMatch(pattern)
    return np.array(match, dtype=np.int64) if match else None


def _element(mass: float, symbols: Mapping[str, float]) -> str:
    """Symbol of the element with a mass, empty if there is none; ``symbols`` says what each element weighs."""
    return next((symbol for symbol, own in symbols.items() if abs(own - mass) < SAME_ELEMENT), "")


def _molecule(elements: Sequence[str], bonds: Sequence[tuple[int, int]]):  # type: ignore[no-untyped-def]
    """A molecule for RDKit that knows elements and who is bonded to whom, nothing else."""
    from rdkit import Chem

    molecule = Chem.RWMol()
    for element in elements:
        atom = Chem.Atom(element)
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
    for first, second in bonds:
        molecule.AddBond(int(first), int(second), Chem.BondType.SINGLE)
    molecule.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(molecule)
    return molecule


def _described(atoms: AtomsOfFile, kind: str, own: Integers, bonds: tuple[tuple[int, int], ...]) -> NamedMolecule:
    names = tuple(atoms.names[atom] for atom in own)
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ProblemError(atoms.file, f"two atoms {twice} in a {kind}", "names that are each once in a molecule")
    masses = tuple(float(mass) for mass in atoms.masses[own])
    elements = tuple("H" if _LIGHTEST_HYDROGEN < mass < _HEAVIEST_HYDROGEN else "" for mass in masses)
    return NamedMolecule(kind, names, elements, masses, bonds)


def _declared_kinds(atoms: AtomsOfFile, ids: Sequence[int], counts: Mapping[str, int] | None) -> list[str]:
    if counts is None:
        return [atoms.molecule_kinds.get(one, "") for one in ids]
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    if len(kinds) != len(ids):
        declared = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        raise ProblemError("--molecules", declared, f"the {len(ids)} molecules of {atoms.file}")
    return kinds


def _members(molecule_ids: Integers, ids: Sequence[int]) -> list[Integers]:
    """Atoms of each molecule, as they stand in the file."""
    by_molecule = np.argsort(molecule_ids, kind="stable")
    edges = np.flatnonzero(np.diff(molecule_ids[by_molecule])) + 1
    groups = {int(molecule_ids[group[0]]): group for group in np.split(by_molecule, edges)}
    return [groups[one] for one in ids]


def _local_bonds(atoms: AtomsOfFile, members: Sequence[Integers]) -> list[tuple[tuple[int, int], ...]]:
    """Bonds within each molecule, its atoms numbered from 0, sorted."""
    place = np.empty(len(atoms.masses), dtype=np.int64)
    owner = np.empty(len(atoms.masses), dtype=np.int64)
    for number, own in enumerate(members):
        place[own] = np.arange(len(own))
        owner[own] = number
    local: list[list[tuple[int, int]]] = [[] for _ in members]
    for first, second in atoms.bonds.tolist():
        if owner[first] == owner[second]:
            low, high = sorted((int(place[first]), int(place[second])))
            local[owner[first]].append((low, high))
    return [tuple(sorted(bonds)) for bonds in local]


def _in_order(
    atoms: AtomsOfFile, order: Sequence[Integers], kinds: Sequence[str], molecules: Mapping[str, MoleculeOfAtoms]
) -> AtomsInOrder:
    together = np.concatenate(order)
    place = np.empty_like(together)
    place[together] = np.arange(len(together))
    topology = _topology(
        atoms.masses[together],
        np.repeat(np.arange(1, len(kinds) + 1), [len(own) for own in order]),
        dict(enumerate(kinds, start=1)),
        place[atoms.bonds],
    )
    return AtomsInOrder(together, topology, molecules)


def _topology(masses: Array, ids: Integers, kinds: Mapping[int, str], bonds: Integers) -> Topology:
    """Atoms as a mapping needs them: their types and those of their bonds do not matter."""
    count = len(bonds)
    bonded = Bonded(bonds.astype(np.int64), np.zeros(count, dtype=np.int64), ("bond",))
    return Topology(masses, np.ones(len(masses), dtype=np.int64), ids.astype(np.int64), kinds, ("atom",), bonded)


def _number(atoms: AtomsOfFile, own: Integers) -> int:
    return int(atoms.molecule_ids[own[0]])


def _formula(masses: Sequence[float] | Array, graphs: Mapping[str, MolecularGraph]) -> str:
    """Elements and their numbers, such as C21 H26 O4; masses that no graph has as they are."""
    symbols = {
        symbol: mass for graph in graphs.values() for symbol, mass in zip(graph.elements, graph.masses, strict=True)
    }
    counts: Counter[str] = Counter()
    for mass in masses:
        counts[_element(mass, symbols) or f"({mass:.4g} g/mol)"] += 1
    return " ".join(f"{symbol}{count}" for symbol, count in sorted(counts.items()))
