"""Who is bonded to whom in a recording: the problem's molecules laid over the beads that were simulated.

What was cured has more bonds than its molecules: these, and their angles, are those of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.forcefield.coefficients import interaction_names
from beadsmith.observe.response.frame_values import Array, Integers
from beadsmith.problem.molecules import MoleculeTopology, interaction_name
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Bonded, Topology

#: LAMMPS' ``special_bonds`` scales pairs up to so many bonds apart.
FARTHEST_SPECIAL = 3


@dataclass(frozen=True)
class Terms:
    """Bonds or angles.

    Attributes:
        members: beads, 0 first, shape (terms, 2 or 3); the middle one of an angle is its vertex.
        types: 0 first, in the order of the names of the problem, shape (terms,).
        groups: molecule of each, 0 first, shape (terms,).
        names: name of each type.
        across: whether some lead from one molecule to another, as crosslinks do.
    """

    members: Integers
    types: Integers
    groups: Integers
    names: tuple[str, ...]
    across: bool = False


@dataclass(frozen=True)
class ScaledPairs:
    """Pairs of beads and what their pair energy is multiplied by.

    Attributes:
        members: beads, the lower one first, shape (pairs, 2).
        factors: shape (pairs,).
    """

    members: Integers
    factors: Array


@dataclass(frozen=True)
class Wiring:
    """What does not change from frame to frame.

    Attributes:
        types: type of each bead, 0 first, shape (beads,).
        molecules: molecule of each bead, 0 first, shape (beads,).
        bead_names: name of each bead type.
        bonds, angles: as the problem file has them, and those that a cure has added.
        special: pairs at most three bonds apart whose factor is not 1.
        inner: all pairs within molecules whose factor is not 0.
    """

    types: Integers
    molecules: Integers
    bead_names: tuple[str, ...]
    bonds: Terms
    angles: Terms
    special: ScaledPairs
    inner: ScaledPairs

    @property
    def molecule_count(self) -> int:
        """Number of molecules."""
        return int(self.molecules[-1]) + 1


def wiring_of(problem: Problem, topology: Topology) -> Wiring:
    """Lay the problem's molecules over the beads of a recording.

    Raises:
        EstimateError: beads of a molecule that do not stand together, or another number of them than the problem has.
    """
    starts = topology.starts()
    molecules = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(topology.molecule_ids)))
    copies = _copies(problem, topology, starts)
    bond_names, angle_names = interaction_names(problem)
    factors = problem.forcefield.special_bonds
    kinds = problem.molecules
    wiring = Wiring(
        types=topology.bead_types - 1,
        molecules=molecules,
        bead_names=tuple(problem.beads),
        bonds=_terms(problem, {name: kinds[name].bonds for name in copies}, copies, bond_names, molecules),
        angles=_terms(problem, {name: kinds[name].angles for name in copies}, copies, angle_names, molecules),
        special=_laid(copies, {name: _special(kinds[name], factors) for name in copies}),
        inner=_laid(copies, {name: _inner(kinds[name], factors) for name in copies}),
    )
    bonds, angles = topology.bonds, topology.angles
    if bonds is None or angles is None or len(bonds.members) == len(wiring.bonds.members):
        return wiring
    return _cured(wiring, bonds, angles, factors)


def bonds_apart(molecule: MoleculeTopology) -> dict[tuple[int, int], int]:
    """Pairs of beads one, two or three bonds apart, by the shortest way; the lower bead first."""
    return _apart(len(molecule.beads), molecule.bonds)


def _apart(beads: int, bonds: Iterable[Sequence[int]]) -> dict[tuple[int, int], int]:
    neighbours: list[set[int]] = [set() for _ in range(beads)]
    for first, second in bonds:
        neighbours[first].add(second)
        neighbours[second].add(first)
    found: dict[tuple[int, int], int] = {}
    for start in range(beads):
        seen = shell = {start}
        for distance in range(1, FARTHEST_SPECIAL + 1):
            shell = set().union(*(neighbours[bead] for bead in shell)) - seen
            seen = seen | shell
            found |= {(start, bead): distance for bead in shell if bead > start}
    return found


def _cured(wiring: Wiring, bonds: Bonded, angles: Bonded, factors: Sequence[float]) -> Wiring:
    """The wiring with all bonds and angles of a recording; chains of bonds then lead from molecule to molecule."""
    apart = _apart(len(wiring.types), bonds.members.tolist())
    scaled = {pair: factors[distance - 1] for pair, distance in apart.items() if factors[distance - 1] != 1.0}
    return replace(
        wiring,
        bonds=_recorded(bonds, wiring.bonds.names, wiring.molecules),
        angles=_recorded(angles, wiring.angles.names, wiring.molecules),
        special=ScaledPairs(np.array(list(scaled), dtype=np.int64).reshape(-1, 2), _numbers(scaled.values())),
    )


def _recorded(terms: Bonded, names: tuple[str, ...], molecules: Integers) -> Terms:
    number = {name: index for index, name in enumerate(names)}
    types = np.array([number[name] for name in terms.names], dtype=np.int64)[terms.types]
    return Terms(terms.members, types, molecules[terms.members[:, 0]], names, across=True)


def _copies(problem: Problem, topology: Topology, starts: Integers) -> dict[str, Integers]:
    """First bead of every copy of each kind of molecule."""
    identities = topology.molecule_ids[starts]
    lengths = np.diff(starts, append=len(topology.molecule_ids))
    names = np.array([topology.molecule_kinds[int(identity)] for identity in identities])
    copies = {}
    for name in dict.fromkeys(names.tolist()):
        expected = len(problem.molecules[name].beads)
        if set(lengths[names == name].tolist()) != {expected}:
            received = lengths[names == name][0]
            raise EstimateError(f"a molecule {name!r} of {received} beads was recorded; the problem says {expected}")
        copies[name] = starts[names == name]
    return copies


def _terms(
    problem: Problem,
    members: Mapping[str, Sequence[tuple[int, ...]]],
    copies: Mapping[str, Integers],
    names: tuple[str, ...],
    molecules: Integers,
) -> Terms:
    order = {bead: index for index, bead in enumerate(problem.beads)}
    number = {name: index for index, name in enumerate(names)}
    laid, types = [], []
    for kind, own in members.items():
        beads = problem.molecules[kind].beads
        numbers = [number[interaction_name([beads[index] for index in member], order)] for member in own]
        if own:
            laid.append(_shifted(np.array(own), copies[kind]))
            types.append(np.tile(numbers, len(copies[kind])))
    if not laid:
        empty = np.empty(0, dtype=np.int64)
        return Terms(np.empty((0, 3), dtype=np.int64), empty, empty, names)
    together = np.concatenate(laid)
    return Terms(together, np.concatenate(types), molecules[together[:, 0]], names)


def _special(molecule: MoleculeTopology, factors: Sequence[float]) -> dict[tuple[int, int], float]:
    apart = {pair: factors[distance - 1] for pair, distance in bonds_apart(molecule).items()}
    return {pair: factor for pair, factor in apart.items() if factor != 1.0}


def _inner(molecule: MoleculeTopology, factors: Sequence[float]) -> dict[tuple[int, int], float]:
    special = _special(molecule, factors)
    count = len(molecule.beads)
    pairs = ((first, second) for first in range(count) for second in range(first + 1, count))
    return {pair: special.get(pair, 1.0) for pair in pairs if special.get(pair, 1.0) != 0.0}


def _laid(copies: Mapping[str, Integers], own: Mapping[str, Mapping[tuple[int, int], float]]) -> ScaledPairs:
    kinds = [name for name in copies if own[name]]
    if not kinds:
        return ScaledPairs(np.empty((0, 2), dtype=np.int64), np.empty(0))
    members = [_shifted(np.array(list(own[name])), copies[name]) for name in kinds]
    factors = [np.tile(_numbers(own[name].values()), len(copies[name])) for name in kinds]
    return ScaledPairs(np.concatenate(members), np.concatenate(factors))


def _shifted(members: Integers, starts: Integers) -> Integers:
    """The same members in every copy, shape (copies * members, size)."""
    return np.asarray((members + starts[:, None, None]).reshape(-1, members.shape[1]))


def _numbers(values: Iterable[float]) -> Array:
    return np.array(list(values), dtype=np.float64)
