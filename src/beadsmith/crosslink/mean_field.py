r"""The ideal random network: which gel point and which gel fraction the numbers of sites alone would give.

All sites of a type are equally reactive, and no molecule bonds to its own cluster.  Then the network is a tree of
molecules.  Let a molecule of kind k have f_kt sites of type t, and let a site of type t have reacted with probability
p_t, with a site of type u with probability q_tu if so.  Whoever follows a bond into a site of type s arrives at kind
k with probability w_sk, in proportion to the sites that the kind brings.  With z_t the probability that what lies
beyond a site of type t, seen from its molecule, is finite, and y_s the same for what lies beyond a bond into s,

    z_t = 1 - p_t + p_t sum_u q_tu y_u,        y_s = sum_k w_sk prod_t z_t^(f_kt - [s = t])

The smallest solution counts.  A molecule is in the sol with probability prod_t z_t^f_kt.  Bonds into u that follow
one bond into s number, on average,

    M_su = sum_t p_t q_tu sum_k w_sk (f_kt - [s = t])

and there is a gel as soon as the largest eigenvalue of M exceeds 1: for A_f + B_g, if p_A p_B (f_w - 1)(g_w - 1) > 1.
The mean mass of the cluster of a bead follows from the same recursion.

References: P. J. Flory, J. Am. Chem. Soc. 63, 3083 (1941); W. H. Stockmayer, J. Chem. Phys. 11, 45 (1943) and 12, 125
(1944); C. W. Macosko, D. R. Miller, Macromolecules 9, 199 (1976); D. R. Miller, C. W. Macosko, ibid., 206.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.crosslink.network import Network, Sites
from beadsmith.crosslink.stoichiometry import most_bonds

#: Newton's method doubles the digits in each round, except close to the gel point, where it gains one bit.
_ROUNDS = 100


@dataclass(frozen=True)
class Monomers:
    """Kinds of molecules that react with each other.

    Attributes:
        counts: molecules of each kind, shape (kinds,).
        masses: of one molecule, g/mol, shape (kinds,).
        functionalities: sites of each type on one molecule (a bead that can form two bonds has two), shape
            (kinds, types).
    """

    counts: Array
    masses: Array
    functionalities: Array

    @property
    def sites(self) -> Array:
        """Number of sites of each type, shape (types,)."""
        return np.asarray(self.counts @ self.functionalities)


@dataclass(frozen=True)
class MeanField:
    """An ideal random network.

    Attributes:
        branching: largest mean number of bonds that follow one; there is a gel above 1.
        sol_fraction: by mass.
        weight_average: of the masses of all finite clusters, g/mol; infinite at the gel point, None if all is gel.
    """

    branching: float
    sol_fraction: float
    weight_average: float | None

    @property
    def gel_fraction(self) -> float:
        """By mass."""
        return 1.0 - self.sol_fraction


def ideal_network(monomers: Monomers, reacted: Array) -> MeanField:
    """The ideal random network with given numbers of bonds.

    Args:
        monomers: what reacts.
        reacted: sites of the row's type that are bonded to a site of the column's type, shape (types, types),
            symmetric; a bond within a type takes two of its sites.

    Raises:
        ValueError: more sites have reacted than there are.
    """
    if (reacted.sum(axis=1) > monomers.sites * (1 + 1e-12)).any() or not np.allclose(reacted, reacted.T):
        raise ValueError("sites that have reacted are more than there are, or not as many on both sides of the bonds")
    tree = _Tree(monomers, reacted)
    finite = tree.finite()
    weights = monomers.counts * monomers.masses / (monomers.counts @ monomers.masses)
    return MeanField(
        branching=tree.branching,
        sol_fraction=float(weights @ tree.powers(finite)),
        weight_average=tree.mean_mass(finite, weights),
    )


def gel_point(monomers: Monomers, reacted: Array) -> float | None:
    """The share of some bonds at which the ideal network becomes a gel, if they all form at proportional rates.

    Args:
        monomers: what reacts.
        reacted: sites that react in the end, as in :func:`ideal_network`.

    Returns: a share of these bonds (a degree of crosslinking, if they are all that stoichiometry allows); None if
    there is no gel even with all of them.
    """
    branching = _Tree(monomers, reacted).branching
    return 1.0 / branching if branching >= 1.0 else None


def monomers_of(sites: Sites) -> Monomers:
    """Molecules of a system, those of equal mass and equal sites counted together."""
    types = len(sites.names)
    flat = np.bincount(
        sites.molecules * types + sites.bead_types, weights=sites.capacities, minlength=sites.molecule_count * types
    )
    rows: Array = np.column_stack([np.round(sites.molecule_masses, 9), flat.reshape(-1, types)])
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    return Monomers(counts.astype(np.float64), kinds[:, 0], kinds[:, 1:])


def reacted_sites(network: Network) -> Array:
    """Sites by their own type and by that of the site they are bonded to, shape (types, types)."""
    types = len(network.sites.names)
    pairs = network.sites.bead_types[network.bonds]
    counted = np.bincount(pairs[:, 0] * types + pairs[:, 1], minlength=types**2).reshape(types, types)
    return np.asarray(counted + counted.T, dtype=np.float64)


def most_reacted_sites(sites: Sites) -> Array:
    """The same when as many bonds have formed as stoichiometry allows."""
    types = len(sites.names)
    totals: Integers = np.bincount(sites.bead_types, weights=sites.capacities, minlength=types).astype(np.int64)
    counted = np.zeros((types, types))
    for (first, second), bonds in zip(sites.reactions, most_bonds(totals.tolist(), sites.reactions), strict=True):
        counted[first, second] += bonds
        counted[second, first] += bonds
    return counted


@dataclass(frozen=True)
class _Tree:
    """The recursion in the head of this module; bonds are followed into sites of some type."""

    monomers: Monomers
    reacted: Array

    @cached_property
    def partners(self) -> Array:
        """p_t q_tu: probability that a site of type t has reacted with one of type u, shape (types, types)."""
        sites = self.monomers.sites
        return np.asarray(self.reacted / np.where(sites > 0, sites, 1.0)[:, None])

    @cached_property
    def arrivals(self) -> Array:
        """w_sk: probability to arrive at each kind through a site of each type, shape (types, kinds)."""
        sites = self.monomers.sites
        brought = self.monomers.counts[:, None] * self.monomers.functionalities
        return np.asarray((brought / np.where(sites > 0, sites, 1.0)).T)

    @cached_property
    def branching(self) -> float:
        ones = np.ones(len(self.monomers.sites))
        return float(np.abs(np.linalg.eigvals(self.onward(ones) @ self.partners)).max())

    def powers(self, finite: Array, *less: int) -> Array:
        """prod_t z_t^f_kt for each kind k, with one site fewer of each type in ``less``."""
        exponents = self.monomers.functionalities.astype(np.float64)
        for kind in less:
            exponents[:, kind] -= 1.0
        # Kinds without such a site never count: wherever the power is used, their weight is 0.
        return np.asarray(np.prod(finite ** np.maximum(exponents, 0.0), axis=1))

    def inward(self, finite: Array) -> Array:
        """y_s, shape (types,)."""
        return np.array([row @ self.powers(finite, kind) for kind, row in enumerate(self.arrivals)])

    def onward(self, finite: Array) -> Array:
        """Derivative of y_s with respect to z_t, shape (types, types)."""
        others = self.monomers.functionalities[:, None, :] - np.eye(len(finite))  # kinds, types s, types t
        return np.array(
            [
                [row @ (others[:, s, t] * self.powers(finite, s, t)) for t in range(len(finite))]
                for s, row in enumerate(self.arrivals)
            ]
        )

    def finite(self) -> Array:
        """z_t, the smallest solution: Newton's method from 0 climbs to it and never passes it."""
        size = len(self.monomers.sites)
        if self.branching <= 1.0:
            return np.ones(size)
        unreacted = 1.0 - self.partners.sum(axis=1)
        values: Array = np.zeros(size)
        for _ in range(_ROUNDS):
            gap = unreacted + self.partners @ self.inward(values) - values
            values = np.clip(
                values + np.linalg.solve(np.eye(size) - self.partners @ self.onward(values), gap), 0.0, 1.0
            )
            if np.abs(gap).max() < 1e-15:
                break
        return values

    def mean_mass(self, finite: Array, weights: Array) -> float | None:
        """Weight average of the masses of finite clusters, g/mol; None if there are none."""
        size, masses = len(finite), self.monomers.masses
        sol = self.powers(finite)
        if not weights @ sol:
            return None
        own = np.array([row @ (masses * self.powers(finite, kind)) for kind, row in enumerate(self.arrivals)])
        matrix = np.eye(size) - self.onward(finite) @ self.partners
        if abs(np.linalg.det(matrix)) < 1e-12:
            return float("inf")
        beyond = self.partners @ np.linalg.solve(matrix, own)
        sites = self.monomers.functionalities
        onward = sum(sites[:, kind] * self.powers(finite, kind) * beyond[kind] for kind in range(size))
        return float(weights @ (masses * sol + onward) / (weights @ sol))
