"""From a bead sequence to bonds and angles, and from these to the names of interactions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.errors import ProblemError
from beadsmith.problem.schema import Molecule

_NUMBER = re.compile(r"^[0-9]{1,9}$")

#: Beads bonded to each bead.
Neighbours = Sequence[Sequence[int]]


@dataclass(frozen=True)
class MoleculeTopology:
    """A molecule's beads and who is bonded to whom.

    Attributes:
        beads: bead names in order.
        bonds, angles: tuples of bead indices, 0 first; the middle index of an angle is its vertex.
    """

    beads: tuple[str, ...]
    bonds: tuple[tuple[int, int], ...]
    angles: tuple[tuple[int, int, int], ...]


def interaction_name(beads: Sequence[str], order: Mapping[str, int]) -> str:
    """``T1-T2-T3``: the name of the interaction between these beads, the same read from either end.

    Args:
        beads: bead names along the interaction.
        order: position of each bead name in the problem file; the direction that comes first in it is chosen.
    """
    forward, backward = tuple(beads), tuple(reversed(beads))
    chosen = min(forward, backward, key=lambda names: [order[name] for name in names])
    return "-".join(chosen)


def resolve_molecule(name: str, molecule: Molecule, known_beads: Sequence[str]) -> MoleculeTopology:
    """Check a molecule and generate what it leaves out.

    Raises:
        ProblemError: unknown bead, bond to a bead that does not exist, angle over beads that are not bonded,
            a molecule in several pieces.
    """
    where = f"molecules.{name}"
    for bead in molecule.beads:
        if bead not in known_beads:
            raise ProblemError(f"{where}.beads", bead, f"one of {', '.join(known_beads)}", "declare it under beads")
    count = len(molecule.beads)
    if molecule.bonds is None:
        bonds = [(i, i + 1) for i in range(count - 1)]
    else:
        bonds = [_pair(_indices(text, 2, count, f"{where}.bonds")) for text in molecule.bonds]
    twice = [bond for number, bond in enumerate(bonds) if bond in bonds[:number] or bond[::-1] in bonds[:number]]
    if twice:
        raise ProblemError(f"{where}.bonds", f"bond {_numbered(twice[0])} twice", "each bond once")
    neighbours = neighbours_of(bonds, count)
    if loose := sorted(set(range(count)) - _reached(neighbours)):
        beads = ", ".join(str(index + 1) for index in loose)
        raise ProblemError(f"{where}.bonds", f"bonds that leave bead {beads} apart", "one connected molecule")
    if molecule.angles is None:
        angles = all_angles(neighbours)
    else:
        angles = _listed_angles(molecule.angles, neighbours, f"{where}.angles")
    return MoleculeTopology(molecule.beads, tuple(bonds), tuple(angles))


def neighbours_of(bonds: Iterable[Sequence[int]], count: int) -> list[list[int]]:
    """Nodes connected to each of ``count`` nodes, 0 first, in the order of the bonds."""
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for first, second in bonds:
        neighbours[first].append(second)
        neighbours[second].append(first)
    return neighbours


def _indices(text: str, length: int, count: int, where: str) -> list[int]:
    parts = text.split("-")
    example = "-".join(str(i + 1) for i in range(length))
    if len(parts) != length or not all(_NUMBER.match(part) for part in parts):
        raise ProblemError(where, str(text), f"{length} bead numbers joined by '-', such as {example}")
    indices = [int(part) - 1 for part in parts]
    if any(not 0 <= index < count for index in indices) or len(set(indices)) != length:
        raise ProblemError(where, str(text), f"{length} different bead numbers between 1 and {count}")
    return indices


def _numbered(members: Sequence[int]) -> str:
    return "-".join(str(index + 1) for index in members)


def _pair(indices: list[int]) -> tuple[int, int]:
    return indices[0], indices[1]


def _reached(neighbours: Neighbours) -> set[int]:
    """Beads that can be reached from the first one along bonds."""
    reached, frontier = {0}, [0]
    while frontier:
        new = set(neighbours[frontier.pop()]) - reached
        reached |= new
        frontier += new
    return reached


def all_angles(neighbours: Neighbours) -> list[tuple[int, int, int]]:
    """Every pair of bonds that share a node, which stands second, 0 first."""
    return [
        (first, vertex, last)
        for vertex, bonded in enumerate(neighbours)
        for first, last in itertools.combinations(sorted(bonded), 2)
    ]


def _listed_angles(texts: Sequence[str], neighbours: Neighbours, where: str) -> list[tuple[int, int, int]]:
    angles: list[tuple[int, int, int]] = []
    for text in texts:
        first, vertex, last = _indices(text, 3, len(neighbours), where)
        for end in (first, last):
            if end not in neighbours[vertex]:
                low, high = sorted((vertex + 1, end + 1))
                unbonded = f"beads {low} and {high} are not bonded"
                raise ProblemError(where, str(text), "angles over bonded beads, the vertex second", unbonded)
        if (first, vertex, last) in angles or (last, vertex, first) in angles:
            raise ProblemError(where, f"angle {text} twice", "each angle once, the same read from either end")
        angles.append((first, vertex, last))
    return angles
