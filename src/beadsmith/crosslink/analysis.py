"""What a network looks like: its pieces, its gel, what dangles, what bears stress, which sites are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.crosslink.backbone import Backbone, backbone, without_ends
from beadsmith.crosslink.network import Network
from beadsmith.crosslink.percolation import percolation_rank
from beadsmith.crosslink.periodic import pairs_within


@dataclass(frozen=True)
class Analysis:
    """Structure of a network.

    Attributes:
        degree: degree of crosslinking.
        conversions: share of the sites of each reactive type that has reacted.
        component_masses: of all connected pieces, g/mol, largest first, shape (pieces,).
        percolation: independent directions in which the largest piece goes on for ever through the periodic images of
            the box, 0 to 3.
        cycle_rank: independent rings that the new bonds have closed.
        unreacted: bonds that the beads of each reactive type can still form.
        groups: by reactive type, how many beads have 0, 1, ... new bonds: primary, secondary and tertiary amines, say.
        unattached: number of molecules without new bonds.
        dangling: number of molecules with exactly one new bond.
        dangling_fraction: mass fraction of the largest piece that falls off when free ends are taken off again and
            again.
        backbone: its elastically effective strands and junctions; they can bear stress only if it percolates.
        backbone_fraction: mass fraction of the backbone in the system.
    """

    degree: float
    conversions: Mapping[str, float]
    component_masses: Array
    percolation: int
    cycle_rank: int
    unreacted: Mapping[str, int]
    groups: Mapping[str, tuple[int, ...]]
    unattached: int
    dangling: int
    dangling_fraction: float
    backbone: Backbone
    backbone_fraction: float

    @property
    def gel_fraction(self) -> float:
        """Mass fraction of the largest piece; a gel only if it percolates."""
        return float(self.component_masses[0] / self.component_masses.sum())

    @property
    def sol_fraction(self) -> float:
        """Mass fraction of all other pieces."""
        return float(self.component_masses[1:].sum() / self.component_masses.sum())

    @property
    def weight_average(self) -> float:
        """Weight average of the masses of all pieces, g/mol."""
        return _weight_average(self.component_masses)


def analyse(network: Network, positions: Array, cell: Array) -> Analysis:
    """Structure of a network.

    Args:
        network: molecules and new bonds.
        positions: of all beads, angstrom, shape (beads, 3); wrapped or not.
        cell: edge vectors as rows, angstrom, shape (3, 3); bonds are shorter than half its smallest width.
    """
    sites = network.sites
    beads = len(sites.bead_types)
    masses = _piece_masses(network)
    in_gel, gel_bonds = _largest_piece(network)
    kept = np.zeros(beads, dtype=bool)
    kept[without_ends(gel_bonds, beads)] = True
    bearing = backbone(gel_bonds, beads)
    attached = np.bincount(sites.molecules[network.bonds].ravel(), minlength=sites.molecule_count)
    total = float(sites.masses.sum())
    return Analysis(
        degree=network.degree,
        conversions=_conversions(network),
        component_masses=np.sort(masses)[::-1],
        percolation=percolation(network, positions, cell),
        cycle_rank=len(network.bonds) - sites.molecule_count + len(masses),
        unreacted=_unreacted(network),
        groups=_groups(network),
        unattached=int((attached == 0).sum()),
        dangling=int((attached == 1).sum()),
        dangling_fraction=float(sites.masses[in_gel & ~kept].sum() / masses.max()),
        backbone=bearing,
        backbone_fraction=float(sites.masses[bearing.beads].sum()) / total,
    )


def percolation(network: Network, positions: Array, cell: Array) -> int:
    """Independent directions in which the largest piece goes on for ever, 0 to 3.

    The same number as in an :class:`Analysis`, without its search for rings and strands.

    Args:
        network: molecules and new bonds.
        positions: of all beads, angstrom, shape (beads, 3); wrapped or not.
        cell: edge vectors as rows, angstrom, shape (3, 3); bonds are shorter than half its smallest width.
    """
    in_gel, gel_bonds = _largest_piece(network)
    return percolation_rank(positions, cell, gel_bonds, int(in_gel.argmax()))


def partners_in_reach(network: Network, positions: Array, cell: Array, cutoff: float) -> dict[str, Integers]:
    """The first shell of the functional groups that are left: with how many others each could react at once.

    Partners within the molecule are not counted.

    Args:
        network: molecules and new bonds.
        positions: of all beads, angstrom, shape (beads, 3); wrapped or not.
        cell: edge vectors as rows, angstrom, shape (3, 3).
        cutoff: angstrom, at most half the smallest width of the cell.

    Returns: for each reactive type, one number for each of its beads that can still form a bond.
    """
    sites, free = network.sites, network.room > 0
    counts = np.zeros(len(free), dtype=np.int64)
    for first, second in sites.reactions:
        ones, others = (np.flatnonzero(free & (sites.bead_types == kind)) for kind in (first, second))
        rows, columns, _ = pairs_within(positions[ones], positions[others], cell, cutoff)
        apart = sites.molecules[ones[rows]] != sites.molecules[others[columns]]
        counts += np.bincount(ones[rows[apart]], minlength=len(free))
        if first != second:
            counts += np.bincount(others[columns[apart]], minlength=len(free))
    return {name: counts[own[free[own]]] for name, own in _reactive(network).items()}


def _piece_masses(network: Network) -> Array:
    """Of each connected piece, g/mol, shape (pieces,)."""
    return np.bincount(network.components, weights=network.sites.molecule_masses).astype(np.float64)


def _largest_piece(network: Network) -> tuple[NDArray[np.bool_], Integers]:
    """Whether each bead is in the heaviest piece, shape (beads,), and the bonds of that piece."""
    in_gel = (network.components == _piece_masses(network).argmax())[network.sites.molecules]
    bonds = network.all_bonds
    return in_gel, bonds[in_gel[bonds[:, 0]]]


def _weight_average(masses: Array) -> float:
    return float((masses**2).sum() / masses.sum())


def _reactive(network: Network) -> dict[str, Integers]:
    """Which beads are of each reactive type, by name."""
    sites = network.sites
    kinds = np.unique(sites.bead_types[sites.capacities > 0]).tolist()
    return {sites.names[kind]: np.flatnonzero(sites.bead_types == kind) for kind in kinds}


def _conversions(network: Network) -> dict[str, float]:
    return {
        name: float(network.used[own].sum() / network.sites.capacities[own].sum())
        for name, own in _reactive(network).items()
    }


def _unreacted(network: Network) -> dict[str, int]:
    return {name: int(network.room[own].sum()) for name, own in _reactive(network).items()}


def _groups(network: Network) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(np.bincount(network.used[own], minlength=int(network.sites.capacities[own].max()) + 1).tolist())
        for name, own in _reactive(network).items()
    }
