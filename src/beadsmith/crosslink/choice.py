"""Which bonds form in one cycle: the nearest pairs first, as far as capacities and the rule allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.crosslink.network import Network
from beadsmith.crosslink.periodic import fits, pairs_within
from beadsmith.crosslink.rules import Rule

#: Pairs looked at first, for each bond wanted: most of them are in the way of each other or against the rule.
_PAIRS_PER_BOND = 6.0
#: By how much the radius grows as long as too few bonds are found in it: three times the pairs.
_GROWTH = 1.45
#: Distances that agree to so many decimals, angstrom, are equal: rounding, which machines differ in, decides nothing.
_DECIMALS = 9


@dataclass(frozen=True)
class _Pairs:
    """Pairs of beads, first < second, nearest first; equal distances in the order of the beads."""

    first: Integers
    second: Integers


def choose_bonds(
    positions: Array,
    cell: Array,
    network: Network,
    rule: Rule,
    cutoff: float,
    most: int,
    *,
    within_molecules: bool = False,
) -> Integers:
    """New bonds of one cycle.

    Pairs are taken from the nearest to the farthest, each if it is still allowed after those before it.  So the rule
    holds within the cycle, too: two bonds of one cycle never join the same two networks where the rule forbids it.

    Args:
        positions: of all beads, angstrom, shape (beads, 3).
        cell: edge vectors as rows, angstrom, shape (3, 3).
        network: what has formed so far.
        rule: of the present stage.
        cutoff: angstrom, at most half the smallest width of the cell.
        most: bonds at most.
        within_molecules: whether two beads of one molecule may react.

    Returns: beads, 0 first, shape (bonds, 2), nearest first.  The same input always gives the same bonds.

    Raises:
        ValueError: the cutoff is more than half the box.
    """
    if not fits(cutoff, cell):
        raise ValueError(f"a cutoff of {cutoff:g} angstrom is more than half the smallest width of the cell")
    room = _room(network, rule)
    radius = min(cutoff, _first_radius(cell, network, room, most))
    while most > 0:
        pairs = _allowed(_pairs(positions, cell, network, room, radius), network, rule, within_molecules)
        chosen = _greedy(pairs, network, rule, room, most)
        # Pairs beyond the radius come after all those within it, so a full cycle is the same as with the whole cutoff.
        if len(chosen) == most or radius >= cutoff:
            return chosen
        radius = min(cutoff, radius * _GROWTH)
    return np.empty((0, 2), dtype=np.int64)


def _room(network: Network, rule: Rule) -> Integers:
    """Bonds that each bead may form in this cycle."""
    room = network.room
    for name in rule.virgin:
        own = network.sites.bead_types == network.sites.names.index(name)
        room = np.where(own, np.where(network.used == 0, np.minimum(room, 1), 0), room)
    return room


def _first_radius(cell: Array, network: Network, room: Integers, most: int) -> float:
    """Within which an ideal gas of the free sites has a few pairs for each bond wanted, angstrom."""
    free = np.bincount(network.sites.bead_types[room > 0], minlength=len(network.sites.names))
    pairs = sum(float(free[a]) * float(free[b]) * (0.5 if a == b else 1.0) for a, b in network.sites.reactions)
    if not pairs:
        return np.inf
    shell = _PAIRS_PER_BOND * most * abs(float(np.linalg.det(cell))) / pairs
    return float((shell / (4.0 / 3.0 * np.pi)) ** (1.0 / 3.0))


def _pairs(positions: Array, cell: Array, network: Network, room: Integers, radius: float) -> _Pairs:
    """Pairs of free sites that react, within the radius."""
    bead_types = network.sites.bead_types
    parts = []
    for kind, other in network.sites.reactions:
        ones, others = (np.flatnonzero((bead_types == number) & (room > 0)) for number in (kind, other))
        first, second, distance = pairs_within(positions[ones], positions[others], cell, radius)
        pairs = np.column_stack([ones[first], others[second]])
        # Within one type, every pair is found from both ends and every bead finds itself.
        once = pairs[:, 0] < pairs[:, 1] if kind == other else np.ones(len(pairs), dtype=bool)
        parts.append((np.sort(pairs[once], axis=1), distance[once]))
    beads = np.concatenate([pairs for pairs, _ in parts])
    distances = np.round(np.concatenate([distance for _, distance in parts]), _DECIMALS)
    order = np.lexsort((beads[:, 1], beads[:, 0], distances))
    return _Pairs(beads[order, 0], beads[order, 1])


def _allowed(pairs: _Pairs, network: Network, rule: Rule, within_molecules: bool) -> _Pairs:
    """Those that nothing forbids that has happened before this cycle."""
    first, second = pairs.first, pairs.second
    count = len(network.sites.bead_types)
    bonded = np.sort(network.all_bonds, axis=1)
    fine = ~np.isin(first * count + second, bonded[:, 0] * count + bonded[:, 1])
    molecules = network.sites.molecules
    if not within_molecules:
        fine &= molecules[first] != molecules[second]
    if rule.different_networks:
        fine &= network.components[molecules[first]] != network.components[molecules[second]]
    return _Pairs(first[fine], second[fine])


def _greedy(pairs: _Pairs, network: Network, rule: Rule, room: Integers, most: int) -> Integers:
    """One pair after the other, each if those before it have left room."""
    left: dict[int, int] = {}
    chosen: list[tuple[int, int]] = []
    joined = _Joined()
    components = network.components[network.sites.molecules] if rule.different_networks else network.sites.molecules
    for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        if len(chosen) == most:
            break
        if not (left.setdefault(first, int(room[first])) and left.setdefault(second, int(room[second]))):
            continue
        if rule.different_networks and not joined.join(int(components[first]), int(components[second])):
            continue
        left[first] -= 1
        left[second] -= 1
        chosen.append((first, second))
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)


class _Joined:
    """Which networks have been joined since the cycle began."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def join(self, first: int, second: int) -> bool:
        """Join two networks; False if they were one already."""
        one, other = self._root(first), self._root(second)
        self._parents[one] = other
        return one != other

    def _root(self, network: int) -> int:
        root = network
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        return root
