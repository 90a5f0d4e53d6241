"""Which atoms of a molecule make which bead.

Rules name atoms other than hydrogen, by a pattern or one by one; a hydrogen goes with the atom that it is bonded to,
unless a rule names it.  An atom that several matches of shared rules claim is divided among them in equal parts, with
its hydrogens.  Two beads are bonded if an atom of one is bonded to an atom of the other, however often.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.molecules import MoleculeTopology, all_angles, neighbours_of
from beadsmith.problem.recording import Array
from beadsmith.problem.schema import BeadMapping, BeadRule
from beadsmith.problem.smiles import substructures

_HYDROGEN = "H"
_DIGITS = re.compile(r"(\d+)")


class MoleculeOfAtoms(Protocol):
    """What a mapping asks of a molecule: a graph from SMILES has it, and so has one that a file describes."""

    @property
    def name(self) -> str:
        """Of the molecule."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the atoms, each once."""

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols."""

    @property
    def masses(self) -> tuple[float, ...]:
        """In g/mol."""

    @property
    def bonds(self) -> tuple[tuple[int, int], ...]:
        """Pairs of atoms, 0 first."""


@dataclass(frozen=True)
class MoleculeBeads:
    """The beads of a molecule, in their order along it.

    Attributes:
        topology: beads, bonds and angles, as a molecule of a file of beads has them.
        shares: what part of each atom belongs to each bead, shape (beads, atoms); columns add up to 1.
        atom_masses: g/mol, shape (atoms,).
    """

    topology: MoleculeTopology
    shares: Array
    atom_masses: Array

    @property
    def masses(self) -> Array:
        """Of the beads, g/mol, shape (beads,)."""
        return np.asarray(self.shares @ self.atom_masses)

    def weights(self, centre: str) -> Array:
        """What each atom counts in the position of each bead, shape (beads, atoms); rows add up to 1.

        Args:
            centre: ``mass`` or ``geometry``.
        """
        parts = self.shares * self.atom_masses if centre == "mass" else self.shares
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))


def molecule_beads(molecules: Mapping[str, MoleculeOfAtoms], mapping: BeadMapping) -> dict[str, MoleculeBeads]:
    """The beads of every molecule, checked.

    Args:
        molecules: by name.
        mapping: section of the problem file.

    Raises:
        ProblemError: a molecule without rules, or rules for one that is not there; a pattern without a match, a name
            that no atom has, atoms in no bead or in several.
    """
    for name in mapping.molecules:
        if name not in molecules:
            expected = f"one of {', '.join(molecules)}"
            raise ProblemError(f"mapping.molecules.{name}", name, expected, suggestion(name, molecules))
    for name in molecules:
        if name not in mapping.molecules:
            remedy = "declare which of its atoms make which bead"
            raise ProblemError(f"mapping.molecules.{name}", "nothing", f"rules for the molecule {name}", remedy)
    return {name: beads_of(molecules[name], rules) for name, rules in mapping.molecules.items()}


def bead_molecule(molecule: MoleculeOfAtoms, rules: Sequence[BeadRule]) -> MoleculeTopology:
    """A molecule of atoms as one of beads: its bead sequence, bonds and angles, as a file of beads would declare it.

    Raises:
        ProblemError: as :func:`molecule_beads`.
    """
    return beads_of(molecule, rules).topology


def beads_of(molecule: MoleculeOfAtoms, rules: Sequence[BeadRule]) -> MoleculeBeads:
    """The beads of one molecule.

    Raises:
        ProblemError: as :func:`molecule_beads`.
    """
    claims = [(rule, atoms) for number, rule in enumerate(rules, start=1) for atoms in _claimed(molecule, rule, number)]
    claimed = np.zeros((len(claims), len(molecule.names)))
    for row, (_, atoms) in enumerate(claims):
        claimed[row, list(atoms)] = 1.0
    _let_hydrogens_follow(molecule, claimed)
    _check_cover(molecule, [rule for rule, _ in claims], claimed)
    bonds = bead_bonds(claimed > 0, molecule.bonds)
    order = _along(bonds, [int(np.argmax(row > 0)) for row in claimed])
    place = {old: new for new, old in enumerate(order)}
    ordered = sorted(_sorted_pair(place[first], place[second]) for first, second in bonds)
    angles = all_angles(neighbours_of(ordered, len(order)))
    names = tuple(claims[old][0].bead for old in order)
    topology = MoleculeTopology(names, tuple(ordered), tuple(angles))
    return MoleculeBeads(topology, (claimed / claimed.sum(axis=0))[order], np.array(molecule.masses))


def bead_bonds(claimed: NDArray[np.bool_], bonds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of beads of a molecule whose atoms are bonded, each once, the lower one first.

    Args:
        claimed: which atoms are in which bead, shape (beads, atoms).
        bonds: pairs of atoms.
    """
    found = {
        _sorted_pair(int(one), int(other))
        for first, second in bonds
        for one in np.flatnonzero(claimed[:, first])
        for other in np.flatnonzero(claimed[:, second])
        if one != other
    }
    return sorted(found)


def bead_order(mapping: BeadMapping) -> tuple[str, ...]:
    """Names of all kinds of beads, as people count: B2 before B10.

    The order does not depend on which molecules a file has, or which rule stands first, so that B2-B3 is called the
    same everywhere.
    """
    return tuple(sorted({rule.bead for rules in mapping.molecules.values() for rule in rules}, key=_counted))


def masses_by_kind(molecules: Mapping[str, MoleculeBeads]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Masses of each kind of bead, g/mol, by molecule; more than one where beads of a kind differ within it."""
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, beads in molecules.items():
        for kind in dict.fromkeys(beads.topology.beads):
            own = [mass for bead, mass in zip(beads.topology.beads, beads.masses, strict=True) if bead == kind]
            found.setdefault(kind, {})[name] = tuple(sorted({round(float(mass), 4) for mass in own}))
    return found


def _claimed(molecule: MoleculeOfAtoms, rule: BeadRule, number: int) -> list[tuple[int, ...]]:
    """Atoms of each bead that a rule makes."""
    where = f"mapping.molecules.{molecule.name}.{number}"
    if (rule.smarts is None) == (rule.atoms is None):
        received = "neither" if rule.smarts is None else "both"
        raise ProblemError(where, received, "either smarts or atoms", "give one of the two")
    if rule.atoms is not None:
        return [_named(molecule, rule.atoms, f"{where}.atoms")]
    assert rule.smarts is not None
    return _matched(molecule, rule.smarts, f"{where}.smarts")


def _named(molecule: MoleculeOfAtoms, names: Sequence[str], where: str) -> tuple[int, ...]:
    index = {name: place for place, name in enumerate(molecule.names)}
    for name in names:
        if name not in index:
            known = [own for own, element in zip(molecule.names, molecule.elements, strict=True) if element != "H"]
            remedy = suggestion(name, molecule.names) or "hydrogens go with the atom that they are bonded to"
            raise ProblemError(where, name, f"names of atoms of {molecule.name}: {_listed(known)}", remedy)
    if not names:
        raise ProblemError(where, "nothing", f"names of atoms of {molecule.name}")
    return tuple(index[name] for name in names)


def _matched(molecule: MoleculeOfAtoms, smarts: str, where: str) -> list[tuple[int, ...]]:
    if not isinstance(molecule, MolecularGraph):
        expected = f"'atoms: ...' for {molecule.name}, which has no SMILES"
        raise ProblemError(where, smarts, expected, "name its atoms, or declare its SMILES")
    matches = list(substructures(molecule, smarts, where))
    if not matches:
        expected = f"a pattern that is found in {molecule.name} ({molecule.smiles})"
        raise ProblemError(where, smarts, expected, "c is aromatic carbon, C is any other")
    return matches


def _let_hydrogens_follow(molecule: MoleculeOfAtoms, claimed: Array) -> None:
    """Hydrogens that no rule names are where the heavier atom beside them is; changes ``claimed``."""
    named = np.asarray(claimed.any(axis=0))
    neighbours = neighbours_of(molecule.bonds, len(molecule.names))
    for atom, element in enumerate(molecule.elements):
        if element == _HYDROGEN and not named[atom]:
            heavy = [other for other in neighbours[atom] if molecule.elements[other] != _HYDROGEN]
            if heavy:
                claimed[:, atom] = claimed[:, heavy[0]]


def _check_cover(molecule: MoleculeOfAtoms, rules: Sequence[BeadRule], claimed: Array) -> None:
    """Every atom in one bead, or in several of which each shares."""
    where = f"mapping.molecules.{molecule.name}"
    heavy = np.array([element != _HYDROGEN for element in molecule.elements])
    missing = np.flatnonzero(claimed.sum(axis=0) == 0)
    if len(missing):
        # Hydrogens would follow the others.
        chief = missing[heavy[missing]] if heavy[missing].any() else missing
        raise ProblemError(
            where,
            f"{_atoms(molecule, chief)} in no bead",
            "every atom in one bead",
            "add a rule for them, or widen a pattern",
        )
    unshared = np.array([not rule.shared for rule in rules])
    twice = np.flatnonzero((claimed.sum(axis=0) > 1) & (claimed[unshared].sum(axis=0) > 0))
    if len(twice):
        chief = twice[heavy[twice]] if heavy[twice].any() else twice
        beads = [rules[row].bead for row in np.flatnonzero(claimed[:, chief].any(axis=1))]
        raise ProblemError(
            where,
            f"{_atoms(molecule, chief)} in several beads ({', '.join(dict.fromkeys(beads))})",
            "every atom in one bead",
            "narrow a pattern, or write 'shared: yes' in all rules that divide an atom",
        )


def _along(bonds: Sequence[tuple[int, int]], lowest: Sequence[int]) -> list[int]:
    """Beads in their order along the molecule: from its end with the first atom, branch by branch.

    Args:
        bonds: pairs of beads.
        lowest: first atom of each bead, which orders ends and branches.
    """
    neighbours = neighbours_of(bonds, len(lowest))
    order: dict[int, None] = {}
    # Ends first: the bead with the first atom may stand in the middle of a chain.
    for start in sorted(range(len(lowest)), key=lambda bead: (len(neighbours[bead]) > 1, lowest[bead])):
        waiting = [start]
        while waiting:
            bead = waiting.pop()
            if bead not in order:
                order[bead] = None
                waiting += sorted(neighbours[bead], key=lambda other: -lowest[other])
    return list(order)


def _atoms(molecule: MoleculeOfAtoms, atoms: NDArray[np.intp]) -> str:
    names = _listed([molecule.names[atom] for atom in atoms])
    return f"{'atom' if len(atoms) == 1 else 'atoms'} {names} of {molecule.name}"


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = " ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _counted(name: str) -> tuple[tuple[str, int], ...]:
    words = _DIGITS.split(name)
    numbers = [int(word) for word in words[1::2]]
    return tuple(zip(words[::2], [*numbers, -1], strict=True))


def _sorted_pair(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)
