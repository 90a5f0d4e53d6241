"""Bonds and angles after new bonds have formed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from beadsmith.build.system import Integers, System
from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import interaction_name, neighbours_of
from beadsmith.problem.recording import Bonded


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
    before, added = neighbours_of(old.tolist(), beads), neighbours_of(new.tolist(), beads)
    angles = [
        (first, vertex, last)
        for vertex in np.unique(new).tolist()
        for first, last in itertools.chain(
            itertools.product(sorted(before[vertex]), sorted(added[vertex])),
            itertools.combinations(sorted(added[vertex]), 2),
        )
    ]
    return np.array(angles, dtype=np.int64).reshape(-1, 3)


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
