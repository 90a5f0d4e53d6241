"""Bonds and angles after new bonds have formed, and which types of them can arise at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from beadsmith.build.system import Integers, System
from beadsmith.crosslink.network import neighbours_of
from beadsmith.crosslink.rules import Crosslinking
from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology, interaction_name
from beadsmith.problem.recording import Bonded

Members = Sequence[tuple[int, ...]]


def crosslinked(uncured: System, bonds: Integers) -> System:
    """A system with bonds added, and with every angle that they make.

    Every pair of bonds that share a bead, at least one of them new, makes an angle.  Angles between bonds of a
    molecule stay those that the molecule declares.  Who belongs to which molecule stays, too.

    Args:
        uncured: the system before the cure, which knows the types of all bonds and angles that can arise.
        bonds: all new bonds since then, as beads, 0 first, shape (bonds, 2).

    Raises:
        ProblemError: a type of bond or angle that the system does not know.
    """
    angles = new_angles((uncured.bonds[:, 1:] - 1), bonds, len(uncured.positions))
    bond_terms = _terms(uncured, bonds, uncured.bond_names, "bond")
    angle_terms = _terms(uncured, angles, uncured.angle_names, "angle")
    all_bonds = np.concatenate([uncured.bonds, bond_terms])
    all_angles = np.concatenate([uncured.angles, angle_terms])
    topology = replace(
        uncured.topology,
        bonds=Bonded(all_bonds[:, 1:] - 1, all_bonds[:, 0] - 1, uncured.bond_names),
        angles=Bonded(all_angles[:, 1:] - 1, all_angles[:, 0] - 1, uncured.angle_names),
    )
    return replace(uncured, topology=topology, bonds=all_bonds, angles=all_angles)


def new_angles(old: Integers, new: Integers, beads: int) -> Integers:
    """Angles with at least one new bond, the vertex second, sorted by vertex, shape (angles, 3).

    Args:
        old, new: bonds as beads, 0 first, shape (bonds, 2).
        beads: how many there are.
    """
    before, added = neighbours_of(old, beads), neighbours_of(new, beads)
    angles = [
        (first, vertex, last)
        for vertex in np.unique(new).tolist()
        for first, last in itertools.chain(
            itertools.product(sorted(before[vertex]), sorted(added[vertex])),
            itertools.combinations(sorted(added[vertex]), 2),
        )
    ]
    return np.array(angles, dtype=np.int64).reshape(-1, 3)


def types_that_arise(
    rules: Crosslinking, molecules: Mapping[str, MoleculeTopology], beads: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all types of bonds and angles that crosslinking can add to molecules.

    Args:
        rules: which beads react with which, and how often.
        molecules: by name.
        beads: names of all types, in the order of the problem file.

    Returns: types of bonds, types of angles; each name once, in the order in which they were met.
    """
    order = {name: index for index, name in enumerate(beads)}
    partners: dict[str, dict[str, None]] = {}
    for one, other in rules.reactions:
        partners.setdefault(one, {})[other] = None
        partners.setdefault(other, {})[one] = None
    present = {bead for molecule in molecules.values() for bead in molecule.beads}
    bonds = [pair for pair in rules.reactions if present.issuperset(pair)]
    angles: list[tuple[str, str, str]] = []
    for molecule in molecules.values():
        neighbours = neighbours_of(np.array(molecule.bonds, dtype=np.int64).reshape(-1, 2), len(molecule.beads))
        for bead, own in zip(molecule.beads, neighbours, strict=True):
            arriving = [name for name in partners.get(bead, ()) if name in present]
            angles += [(molecule.beads[end], bead, name) for end in own for name in arriving]
            if rules.capacities.get(bead, 0) > 1:
                pairs = itertools.combinations_with_replacement(arriving, 2)
                angles += [(first, bead, last) for first, last in pairs]
    return _names(bonds, order), _names(angles, order)


def check_types(
    rules: Crosslinking,
    molecules: Mapping[str, MoleculeTopology],
    beads: Sequence[str],
    bond_names: Sequence[str],
    angle_names: Sequence[str],
    where: str,
) -> None:
    """Refuse a force field that lacks a bond or an angle that crosslinking can make.

    Args:
        rules: which beads react with which, and how often.
        molecules: by name.
        beads: names of all types, in the order of the problem file.
        bond_names, angle_names: types that have parameters.
        where: where these are declared.

    Raises:
        ProblemError: naming all missing types.
    """
    bonds, angles = types_that_arise(rules, molecules, beads)
    missing = [f"bond {name}" for name in bonds if name not in bond_names]
    missing += [f"angle {name}" for name in angles if name not in angle_names]
    if missing:
        raise ProblemError(
            where,
            "",
            f"parameters of {', '.join(missing)}",
            "crosslinking can form it" if len(missing) == 1 else "crosslinking can form them",
        )


def _names(members: Iterable[Sequence[str]], order: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(interaction_name(names, order) for names in members))


def _terms(system: System, members: Integers, names: tuple[str, ...], kind: str) -> Integers:
    """LAMMPS' rows: type, then bead numbers, from 1."""
    order = {name: index for index, name in enumerate(system.bead_names)}
    type_of = {name: number for number, name in enumerate(names, start=1)}
    types = []
    for beads in (system.topology.bead_types[members] - 1).tolist():
        name = interaction_name([system.bead_names[bead] for bead in beads], order)
        if name not in type_of:
            known = ", ".join(names) or f"no {kind} at all"
            raise ProblemError(f"{kind}s", f"a new {kind} {name}", f"one of {known}", f"give {kind} {name} parameters")
        types.append(type_of[name])
    return np.column_stack([np.array(types, dtype=np.int64).reshape(-1), members + 1]).astype(np.int64)
