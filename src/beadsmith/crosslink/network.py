"""The state of a cure: which beads can react, and which bonds have formed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.crosslink.rules import Crosslinking
from beadsmith.crosslink.stoichiometry import most_bonds
from beadsmith.problem.recording import Topology


@dataclass(frozen=True)
class Sites:
    """The beads of a system before the cure, as a crosslinker sees them.

    Attributes:
        names: of the bead types.
        bead_types: of each bead, 0 first, shape (beads,).
        molecules: of each bead, 0 first, shape (beads,).
        masses: g/mol, shape (beads,).
        bonds: those of the molecules, as beads, 0 first, shape (bonds, 2).
        capacities: bonds that each bead can form, 0 for those that do not react, shape (beads,).
        reactions: pairs of bead types, 0 first.
    """

    names: tuple[str, ...]
    bead_types: Integers
    molecules: Integers
    masses: Array
    bonds: Integers
    capacities: Integers
    reactions: tuple[tuple[int, int], ...]

    @cached_property
    def most(self) -> int:
        """Bonds that stoichiometry allows: those of a degree of crosslinking of 1."""
        totals = np.bincount(self.bead_types, weights=self.capacities, minlength=len(self.names))
        return sum(most_bonds(totals.astype(int).tolist(), self.reactions))

    @property
    def molecule_count(self) -> int:
        """Number of molecules."""
        return int(self.molecules.max()) + 1

    @cached_property
    def molecule_masses(self) -> Array:
        """g/mol, shape (molecules,)."""
        return np.asarray(np.bincount(self.molecules, weights=self.masses), dtype=np.float64)


def sites_of(topology: Topology, rules: Crosslinking) -> Sites:
    """What of a system matters to its cure.

    Args:
        topology: of the uncured system, with names of beads and with bonds.
        rules: as declared.

    Raises:
        ValueError: the topology lacks bonds, or a reactive type.
    """
    if topology.bonds is None:
        raise ValueError("a topology without bonds cannot be crosslinked")
    order = {name: index for index, name in enumerate(topology.bead_names)}
    if unknown := set(rules.capacities) - set(order):
        raise ValueError(f"no bead type is called {min(unknown)}")
    by_type = np.array([rules.capacities.get(name, 0) for name in order], dtype=np.int64)
    bead_types = topology.bead_types - 1
    return Sites(
        names=topology.bead_names,
        bead_types=bead_types,
        molecules=np.unique(topology.molecule_ids, return_inverse=True)[1].astype(np.int64),
        masses=topology.masses,
        bonds=topology.bonds.members,
        capacities=by_type[bead_types],
        reactions=tuple((order[first], order[second]) for first, second in rules.reactions),
    )


@dataclass(frozen=True)
class Network:
    """Molecules and the bonds that have formed between them so far.

    Attributes:
        sites: the beads.
        bonds: new bonds as beads, 0 first, in the order in which they formed, shape (bonds, 2).
        cycles: number of the cycle in which each formed, shape (bonds,).
    """

    sites: Sites
    bonds: Integers
    cycles: Integers

    @cached_property
    def used(self) -> Integers:
        """Capacity that each bead has spent, shape (beads,)."""
        return np.bincount(self.bonds.ravel(), minlength=len(self.sites.bead_types)).astype(np.int64)

    @property
    def room(self) -> Integers:
        """Bonds that each bead can still form, shape (beads,)."""
        return self.sites.capacities - self.used

    @property
    def degree(self) -> float:
        """Degree of crosslinking: bonds formed over those that stoichiometry allows."""
        return len(self.bonds) / self.sites.most

    @cached_property
    def components(self) -> Integers:
        """Component that each molecule belongs to, 0 first, shape (molecules,)."""
        count = self.sites.molecule_count
        return components_of(self.sites.molecules[self.bonds], count)

    @property
    def all_bonds(self) -> Integers:
        """Bonds of the molecules, then new ones, shape (bonds, 2)."""
        return np.concatenate([self.sites.bonds, self.bonds])

    @property
    def exhausted(self) -> bool:
        """Whether no two beads are left that could react with each other, however near they came."""
        free = np.bincount(self.sites.bead_types[self.room > 0], minlength=len(self.sites.names))
        return not any(free[a] > 1 if a == b else free[a] and free[b] for a, b in self.sites.reactions)

    def with_bonds(self, bonds: Integers, cycle: int) -> Network:
        """The network after more bonds.

        Raises:
            ValueError: a bead would have more bonds than it can form.
        """
        more = Network(
            self.sites,
            np.concatenate([self.bonds, bonds]),
            np.concatenate([self.cycles, np.full(len(bonds), cycle, dtype=np.int64)]),
        )
        if (over := np.flatnonzero(more.room < 0)).size:
            bead = int(over[0])
            raise ValueError(f"bead {bead} has {more.used[bead]} bonds, but can form {self.sites.capacities[bead]}")
        return more


def uncured(sites: Sites) -> Network:
    """The network before the first bond."""
    return Network(sites, np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64))


def components_of(edges: NDArray[np.int64], count: int) -> Integers:
    """Component of each of ``count`` nodes, 0 first."""
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
