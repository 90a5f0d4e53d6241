"""Bonds, angles, torsions and inversions of DREIDING, from the graph of a whole system.

Everything follows from who is bonded to whom, so a system is made anew after each cycle of a cure: a new bond changes
how many torsions share the barrier of the bonds beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.atomistic.dreiding import (
    ANGLE_STIFFNESS,
    BOND_SHORTENING,
    BOND_STIFFNESS,
    INVERSION_STIFFNESS,
    OXYGEN_COLUMN,
    PLANAR,
    RESONANT,
    TETRAHEDRAL,
    TYPES,
)

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

#: An orbit of equal terms: what they are called, and LAMMPS' coefficients; None if their energy is always zero.
_Kind = tuple[str, tuple[float, ...]] | None


#: How names write bonds, by twice their order.
_MARKS = {2: "-", 3: ":", 4: "=", 6: "#"}
#: Barrier of a single bond between two aromatic rings, kcal/mol (Eq. 19).
_BETWEEN_RINGS = 10.0


@dataclass(frozen=True)
class Terms:
    """All terms of one form: bonds, angles, torsions or inversions.

    Attributes:
        members: atoms, 0 first, shape (terms, 2 to 4), in LAMMPS' order.
        types: type of each term, 0 first, shape (terms,).
        names: of the types, each once.
        coefficients: of each type, in LAMMPS' order and units (``real``); equal ones may occur under several names.
    """

    members: Integers
    types: Integers
    names: tuple[str, ...]
    coefficients: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class BondedTerms:
    """Everything that bonds bring.

    Attributes:
        bonds: ``harmonic``, K (r - r0)^2: K kcal/mol/angstrom^2, r0 angstrom.
        angles: ``harmonic``, K (theta - theta0)^2: K kcal/mol/rad^2, theta0 degrees; the vertex is the second atom.
        torsions: ``charmm``, K [1 + cos(n phi - d)]: K kcal/mol, n, d degrees, and 0, the weight of 1-4 pairs.
        inversions: ``umbrella``, K (1 - cos omega): K kcal/mol, 0 degrees; the first atom is the centre, and omega is
            the angle between the bond to the fourth and the plane of the others.
    """

    bonds: Terms
    angles: Terms
    torsions: Terms
    inversions: Terms


def bonded_terms(
    types: Sequence[str], type_of: Integers, aromatic: NDArray[np.bool_], bonds: Integers, orders: Array
) -> BondedTerms:
    """All bonded terms of a system.

    Args:
        types: names of DREIDING types.
        type_of: type of each atom, as an index into them, shape (atoms,).
        aromatic: whether each atom is in an aromatic ring, shape (atoms,).
        bonds: atoms, 0 first, each bond once, shape (bonds, 2).
        orders: of the bonds, 1.5 for aromatic ones, shape (bonds,).
    """
    links = _links(bonds, len(type_of))
    return BondedTerms(
        _bonds(types, type_of, bonds, orders),
        _angles(types, type_of, links),
        _torsions(types, type_of, aromatic, bonds, orders, links),
        _inversions(types, type_of, links),
    )


@dataclass(frozen=True)
class _Links:
    """Neighbours of every atom, in one array.

    Attributes:
        degrees: number of neighbours of each atom, shape (atoms,).
        starts: where those of each atom begin, shape (atoms,).
        neighbours: of all atoms, one after the other, each atom's sorted, shape (2 bonds,).
    """

    degrees: Integers
    starts: Integers
    neighbours: Integers

    def expanded(self, atoms: Integers) -> tuple[Integers, Integers]:
        """Every neighbour of each of ``atoms``: the row of the atom, and the neighbour."""
        counts = self.degrees[atoms]
        rows = np.repeat(np.arange(len(atoms)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.neighbours[self.starts[atoms][rows] + within]


def _links(bonds: Integers, atoms: int) -> _Links:
    ends = np.concatenate([bonds, bonds[:, ::-1]])
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    degrees = np.bincount(ends[:, 0], minlength=atoms).astype(np.int64)
    return _Links(degrees, np.cumsum(degrees) - degrees, ends[:, 1])


def _bonds(types: Sequence[str], type_of: Integers, bonds: Integers, orders: Array) -> Terms:
    # Orders in halves are whole numbers, by which equal bonds can be told.
    ends = np.sort(type_of[bonds], axis=1)
    keys = np.column_stack([ends, np.rint(2 * orders).astype(np.int64)])

    def kind(key: Sequence[int]) -> _Kind:
        first, second, doubled = types[key[0]], types[key[1]], key[2]
        length = TYPES[first].radius + TYPES[second].radius - BOND_SHORTENING
        return f"{first}{_MARKS[doubled]}{second}", (BOND_STIFFNESS / 2 * doubled / 2, round(length, 6))

    return _typed(bonds, keys, kind)


def _angles(types: Sequence[str], type_of: Integers, links: _Links) -> Terms:
    vertices = np.arange(len(type_of))
    rows, first = links.expanded(vertices)
    again, last = links.expanded(rows)
    once = first[again] < last
    vertex = rows[again][once]
    members = np.column_stack([first[again][once], vertex, last[once]])

    def kind(key: Sequence[int]) -> _Kind:
        name = types[key[0]]
        return f"X-{name}-X", (ANGLE_STIFFNESS / 2, TYPES[name].angle)

    return _typed(members, type_of[vertex][:, None], kind)


def _torsions(
    types: Sequence[str],
    type_of: Integers,
    aromatic: NDArray[np.bool_],
    bonds: Integers,
    orders: Array,
    links: _Links,
) -> Terms:
    # The bond in the middle is read from the type that comes first, so that one torsion has one name.
    swap = type_of[bonds[:, 0]] > type_of[bonds[:, 1]]
    middle = np.where(swap[:, None], bonds[:, ::-1], bonds)
    rows, first = links.expanded(middle[:, 0])
    again, last = links.expanded(middle[:, 1][rows])
    row, first = rows[again], first[again]
    second, third = middle[row].T
    # Not back along the middle, and not around a ring of three.
    real = (first != third) & (last != second) & (first != last)
    row, first, second, third, last = row[real], first[real], second[real], third[real], last[real]
    planar = np.array([name in PLANAR for name in types], dtype=bool)[type_of]
    shared = (links.degrees[second] - 1) * (links.degrees[third] - 1)
    keys = np.column_stack(
        [
            type_of[second],
            type_of[third],
            np.rint(2 * orders[row]).astype(np.int64),
            aromatic[second] & aromatic[third],
            # The outer atoms matter only beside the planar one of two unlike atoms in the middle.
            planar[first] & planar[second] & ~planar[third],
            planar[last] & planar[third] & ~planar[second],
            shared,
        ]
    ).astype(np.int64)

    def kind(key: Sequence[int]) -> _Kind:
        j, k, doubled, rings, planar_i, planar_l, count = key
        found = torsion(types[j], types[k], doubled / 2, bool(rings), (bool(planar_i), bool(planar_l)))
        if found is None:
            return None
        barrier, fold, phase = found
        ends = ("P" if planar_i else "X", "P" if planar_l else "X")
        middle = f"{types[j]}{_MARKS[doubled]}{types[k]}"
        name = f"{ends[0]}-{middle}-{ends[1]}{' between rings' * (barrier == _BETWEEN_RINGS)} shared by {count}"
        # V/2 {1 - cos[n (phi - phi0)]} is V/2 [1 + cos(n phi - d)] with d = n phi0 + 180 degrees.
        return name, (barrier / 2 / count, fold, (fold * phase + 180) % 360, 0)

    return _typed(np.column_stack([first, second, third, last]), keys, kind)


def torsion(j: str, k: str, order: float, rings: bool, planar_ends: tuple[bool, bool]) -> tuple[float, int, int] | None:
    """Barrier (kcal/mol, of all torsions about the bond together), multiplicity, and phase of a minimum (degrees).

    The rules (a) to (j) of the paper, Eqs. 14 to 23.

    Args:
        j, k: types of the atoms in the middle.
        order: of the bond between them.
        rings: whether both are in aromatic rings.
        planar_ends: whether the outer atom beside ``j``, and the one beside ``k``, is of a planar type.

    Returns: None where bonds turn freely (g).
    """
    if not {j, k} <= PLANAR | TETRAHEDRAL:
        return None
    if {j, k} <= TETRAHEDRAL:
        return (2.0, 2, 90) if {j, k} <= OXYGEN_COLUMN else (2.0, 3, 180)  # (h), (a)
    if {j, k} <= PLANAR:
        return _between_planar(j, k, order, rings)
    if {j, k} & OXYGEN_COLUMN:
        return 2.0, 2, 180  # (i)
    outer = planar_ends[0] if j in PLANAR else planar_ends[1]
    return (1.0, 6, 0) if outer else (2.0, 3, 180)  # (b), and its exception (j)


def _between_planar(j: str, k: str, order: float, rings: bool) -> tuple[float, int, int]:
    if order >= 2:
        return 45.0, 2, 180  # (c)
    if order > 1 and {j, k} <= RESONANT:
        return 25.0, 2, 180  # (d)
    return (_BETWEEN_RINGS if rings else 5.0), 2, 180  # (f), (e)


def _inversions(types: Sequence[str], type_of: Integers, links: _Links) -> Terms:
    planar = np.array([name in PLANAR for name in types], dtype=bool)[type_of]
    centres = np.flatnonzero(planar & (links.degrees == 3))
    others = links.neighbours[links.starts[centres][:, None] + np.arange(3)]
    members = np.concatenate([np.column_stack([centres, np.roll(others, turn, axis=1)]) for turn in range(3)])

    def kind(key: Sequence[int]) -> _Kind:
        return types[key[0]], (INVERSION_STIFFNESS / 3, 0.0)

    return _typed(members, type_of[members[:, 0]][:, None], kind)


def _typed(members: Integers, keys: Integers, kind: Callable[[Sequence[int]], _Kind]) -> Terms:
    """Terms whose type follows from a key, a row of integers; those of no kind are left out."""
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    kinds = [kind(key) for key in unique.tolist()]
    found = [each for each in kinds if each is not None]
    new = np.cumsum([each is not None for each in kinds], dtype=np.int64) - 1
    kept = np.array([each is not None for each in kinds], dtype=bool)[inverse.reshape(-1)]
    return Terms(
        members=members[kept].astype(np.int64),
        types=new[inverse.reshape(-1)][kept],
        names=tuple(name for name, _ in found),
        coefficients=tuple(coefficients for _, coefficients in found),
    )
