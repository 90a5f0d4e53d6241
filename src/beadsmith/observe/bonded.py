"""Lengths of bonds and angles between them, molecule by molecule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import Array
from beadsmith.problem.recording import Frames, Topology
from beadsmith.problem.schema import AngleDistribution, BondAngle, BondDistribution, BondLength

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Terms:
    """Some bonds, or angles, one molecule after the other.

    Attributes:
        members: beads, 0 first, shape (terms, 2 or 3); the middle one of an angle is its vertex.
        owners: molecule of each, 0 first, counting only molecules that have such terms, increasing, shape (terms,).
        across: whether some lead from one molecule to another, as crosslinks do: to its nearest image.
    """

    members: Integers
    owners: Integers
    across: bool = False

    @property
    def molecules(self) -> int:
        """Number of molecules that have such terms."""
        return int(self.owners[-1]) + 1

    @property
    def per_molecule(self) -> float:
        """Mean number of such terms in these molecules."""
        return len(self.owners) / self.molecules


def terms_of(topology: Topology, observable: BondLength | BondAngle | BondDistribution | AngleDistribution) -> Terms:
    """The bonds or angles that an observable speaks of.

    Raises:
        EstimateError: there are none, or they are not known.
    """
    if isinstance(observable, BondLength | BondDistribution):
        return terms_named(topology, "bond", observable.bond, observable.molecule)
    return terms_named(topology, "angle", observable.angle, observable.molecule)


def terms_named(topology: Topology, section: str, name: str | None, molecule: str | None = None) -> Terms:
    """Bonds or angles of a type in molecules of a kind, or of all types and kinds with None.

    Args:
        topology: of a recording.
        section: bond or angle.
        name: of the type, such as T1-T2.
        molecule: name of the kind.

    Raises:
        EstimateError: there are none, or they are not known.
    """
    bonded = topology.bonded(section)
    if bonded is None:
        raise EstimateError(
            f"the {section}s were not stored with this simulation, by an earlier version; run it again in a new study"
        )
    owners = topology.molecule_ids[bonded.members[:, 0]]
    wanted = np.ones(len(owners), dtype=np.bool_)
    if name is not None:
        wanted &= bonded.types == (bonded.names.index(name) if name in bonded.names else -1)
    if molecule is not None:
        wanted &= np.array([topology.molecule_kinds.get(int(one)) == molecule for one in owners], dtype=np.bool_)
    if not wanted.any():
        of_molecule = f" in molecules {molecule!r}" if molecule else ""
        raise EstimateError(f"there is no {section}{f' {name!r}' if name else ''}{of_molecule} in this simulation")
    chosen = np.flatnonzero(wanted)
    order = chosen[np.argsort(owners[chosen], kind="stable")]
    numbers = np.unique(owners[order], return_inverse=True)[1]
    members = bonded.members[order]
    owned = topology.molecule_ids[members]
    return Terms(members, numbers.astype(np.int64), bool((owned != owned[:, :1]).any()))


def values_of(frames: Frames, terms: Terms) -> Array:
    """Lengths of bonds, angstrom, or angles, degrees, from unwrapped coordinates.

    Args:
        frames: positions, and the boxes whose nearest images crosslinks lead to.
        terms: bonds or angles.

    Returns: shape (frames, terms).
    """
    first = bond_vectors(frames, terms.members[:, 0], terms.members[:, 1], across=terms.across)
    if terms.members.shape[1] == 2:
        return np.asarray(np.linalg.norm(first, axis=2))
    last = bond_vectors(frames, terms.members[:, 2], terms.members[:, 1], across=terms.across)
    # The arc cosine loses half the digits of angles near 0 and 180 degrees; the tangent of the half angle does not.
    first /= np.linalg.norm(first, axis=2, keepdims=True)
    last /= np.linalg.norm(last, axis=2, keepdims=True)
    return np.asarray(
        2.0 * np.degrees(np.arctan2(np.linalg.norm(first - last, axis=2), np.linalg.norm(first + last, axis=2)))
    )


def bond_vectors(frames: Frames, ends: Integers, starts: Integers, *, across: bool) -> Array:
    """From beads to those that they are bonded to.

    Within a molecule unwrapped coordinates are all it takes.  Crosslinks lead to any image of another molecule, and in
    a network that goes on through the faces of the box no choice of images would make all bonds short.

    Args:
        frames: unwrapped positions, and boxes.
        ends, starts: beads, 0 first, shape (bonds,).
        across: whether there are crosslinks among them, so that nearest images are looked for.

    Returns: angstrom, shape (frames, bonds, 3).
    """
    apart = np.take(frames.positions, ends, axis=1) - np.take(frames.positions, starts, axis=1)
    if not across:
        return np.asarray(apart)
    return np.asarray(apart - np.round(apart @ np.linalg.inv(frames.boxes)) @ frames.boxes)


def by_molecule(values: Array, terms: Terms) -> Array:
    """A number for each molecule and frame whose mean over molecules is that over terms, however many each has.

    Args:
        values: shape (frames, terms).
        terms: whose values they are.

    Returns: shape (frames, molecules): the mean of all values, and for each molecule the sum of what its own deviate
        from it, over the mean number of terms of a molecule.  So a molecule with more terms counts more, but is no
        larger: how terms are shared out is no scatter of their values (the linearised ratio estimator; Cochran,
        Sampling Techniques, 3rd edition, 1977, section 6.4).
    """
    starts = np.flatnonzero(np.diff(terms.owners, prepend=-1))
    middle = values.mean()
    return np.asarray(middle + np.add.reduceat(values - middle, starts, axis=1) / terms.per_molecule)
