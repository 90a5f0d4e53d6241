"""Radial distribution functions, frame by frame.

    g(r) = V n(r) / (N v(r))

with n(r) the number of pairs in a shell of volume v(r), N the number of all such pairs in the box and V its volume in
that frame.  N counts exactly the pairs that are looked for, so an ideal gas gives 1 whatever its size.  Pairs between
molecules leave out what a crosslink joins: beads one or two bonds apart are where their bonds hold them.

Few pairs are looked at one by one.  Many are counted between k-d trees that know the periodic box
(``scipy.spatial.cKDTree.count_neighbors``): between all beads, less those within molecules, which are found by giving
every molecule its own place in a fourth dimension, out of reach of all others.

Reference: Allen and Tildesley, Computer Simulation of Liquids (2nd edition, 2017), section 2.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from beadsmith.errors import EstimateError
from beadsmith.observe.boxes import is_within, rectangular_edges
from beadsmith.observe.timeseries import Array
from beadsmith.problem.recording import Frames, Topology

#: Up to so many pairs (in a box of about 1,400 beads) are looked at one by one, which is up to four times faster.
MOST_LISTED = 1_000_000


@dataclass(frozen=True)
class Pairs:
    """Two sets of beads, and whether those of one molecule count.

    Attributes:
        first, second: beads, 0 first; second is None for pairs within the first set.
        molecules: molecule of every bead of the recording, 0 first.
        intramolecular: whether pairs within molecules count.
        joined: pairs of them in different molecules that a bond or an angle joins, shape (2, pairs); they count only
            if those within molecules do.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp] | None
    molecules: NDArray[np.intp]
    intramolecular: bool
    joined: NDArray[np.intp]

    @property
    def number(self) -> int:
        """How many pairs there are, each counted once."""
        everywhere = self._within(np.zeros_like(self.molecules))
        if self.intramolecular:
            return everywhere
        return everywhere - self._within(self.molecules) - self.joined.shape[1]

    def listed(self) -> NDArray[np.intp]:
        """The two beads of every pair, shape (2, pairs)."""
        if self.second is None:
            both = self.first[np.array(np.triu_indices(len(self.first), 1))]
        else:
            both = np.array(np.meshgrid(self.first, self.second)).reshape(2, -1)
        if self.intramolecular:
            return np.asarray(both)
        count = len(self.molecules)
        joined = np.isin(_keys(both, count), _keys(self.joined, count))
        return np.asarray(both[:, (self.molecules[both[0]] != self.molecules[both[1]]) & ~joined])

    def _within(self, groups: NDArray[np.intp]) -> int:
        """Pairs whose beads share a group."""
        first = np.bincount(groups[self.first], minlength=len(groups))
        if self.second is None:
            return int((first * (first - 1)).sum()) // 2
        return int((first * np.bincount(groups[self.second], minlength=len(groups))).sum())


def pairs_of(topology: Topology, pair: str | None, intramolecular: bool) -> Pairs:
    """Pairs of two bead types.

    Args:
        topology: of the recording.
        pair: names of the types, such as T1-T2; all beads if None.
        intramolecular: whether pairs within molecules count.

    Raises:
        EstimateError: there are no such pairs.
    """
    first, second = pair.split("-") if pair else (None, None)
    molecules = np.unique(topology.molecule_ids, return_inverse=True)[1]
    others = None if first == second else _beads(topology, second)
    own = _beads(topology, first)
    found = Pairs(own, others, molecules, intramolecular, _joined(topology, molecules, own, others))
    if not found.number:
        where = "" if intramolecular else " between different molecules"
        raise EstimateError(f"there is no pair{f' {pair}' if pair else ''} of beads{where} in this simulation")
    return found


def _joined(
    topology: Topology, molecules: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp] | None
) -> NDArray[np.intp]:
    """Pairs of two sets in different molecules that a bond or an angle joins, each once, shape (2, pairs)."""
    ends = [
        one.members[:, [0, -1]] for one in (topology.bonds, topology.angles) if one is not None and len(one.members)
    ]
    if not ends:
        return np.empty((2, 0), dtype=np.intp)
    both = np.unique(np.sort(np.concatenate(ends), axis=1), axis=0)
    own, other = (np.isin(both, one) for one in (first, first if second is None else second))
    wanted = (own[:, 0] & other[:, 1]) | (own[:, 1] & other[:, 0])
    return np.asarray(both[wanted & (molecules[both[:, 0]] != molecules[both[:, 1]])].T, dtype=np.intp)


def _keys(both: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """A number for each pair, the same from either end."""
    low, high = np.sort(both, axis=0)
    return np.asarray(low * count + high)


def radial_values(frames: Frames, pairs: Pairs, edges: Array) -> tuple[Array, Array]:
    """The function in each frame and bin, and how much a single pair adds to it there.

    Args:
        frames: positions in rectangular boxes.
        pairs: which to count.
        edges: of the bins, angstrom, shape (bins + 1,); a bin includes its upper edge.

    Returns: both without unit, shape (frames, bins).

    Raises:
        EstimateError: a box that is not rectangular, or too small for the last bin.
    """
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    single = np.linalg.det(frames.boxes)[:, None] / (pairs.number * shells)
    sizes = [_size(box, float(edges[-1])) for box in frames.boxes]
    if pairs.number <= MOST_LISTED:
        listed = pairs.listed()
        counts = [_counts_of_list(*both, listed, edges) for both in zip(frames.positions, sizes, strict=True)]
    else:
        counts = [_counts_of_trees(*both, pairs, edges) for both in zip(frames.positions, sizes, strict=True)]
    return np.array(counts) * single, np.asarray(single)


def _counts_of_list(positions: Array, size: Array, listed: NDArray[np.intp], edges: Array) -> Array:
    """Numbers of pairs in each bin, from the distance of every pair."""
    first, second = listed
    squares = np.zeros(len(first))
    for axis, edge in zip(positions.T, size, strict=True):
        apart = np.take(axis, first) - np.take(axis, second)
        apart -= edge * np.rint(apart / edge)
        squares += apart**2
    place = np.searchsorted(edges, np.sqrt(squares), side="left")
    return np.bincount(place, minlength=len(edges) + 1)[1:-1].astype(np.float64)


def _counts_of_trees(positions: Array, size: Array, pairs: Pairs, edges: Array) -> Array:
    """Numbers of pairs in each bin, without looking at every pair."""
    inside = positions - size * np.floor(positions / size)
    inside[inside >= size] = 0.0  # rounding: the tree wants them strictly inside
    total = _between(inside, size, pairs, edges)
    if pairs.intramolecular:
        return total
    places = 2.0 * edges[-1] * pairs.molecules
    # An edge of 0 says that this dimension is not periodic.
    within = _between(np.column_stack([inside, places]), np.append(size, 0.0), pairs, edges)
    return total - within - _counts_of_list(positions, size, pairs.joined, edges)


def _between(inside: Array, size: Array, pairs: Pairs, edges: Array) -> Array:
    """Numbers of pairs in each bin, each counted once."""
    tree = cKDTree(inside[pairs.first], boxsize=size)
    if pairs.second is not None:
        other = cKDTree(inside[pairs.second], boxsize=size)
        return np.diff(tree.count_neighbors(other, edges)).astype(np.float64)
    # Within one set every pair is counted from both sides, and every bead with itself, at 0.
    within = tree.count_neighbors(tree, edges) - len(pairs.first)
    return np.asarray(0.5 * np.diff(within))


def _size(box: Array, farthest: float) -> Array:
    size = rectangular_edges(box, "a radial distribution needs")
    half = 0.5 * float(size.min())
    if not is_within(farthest, half):
        raise EstimateError(
            f"its bins reach {farthest:.6g} angstrom, more than half an edge of the box, {half:.6g} "
            "angstrom: end them earlier, or simulate more molecules"
        )
    return size


def _beads(topology: Topology, name: str | None) -> NDArray[np.intp]:
    if name is None:
        return np.arange(len(topology.bead_types))
    if not topology.bead_names:
        raise EstimateError(
            "names of beads were not stored with this simulation, by an earlier version; run it again in a new study"
        )
    return topology.beads_of(name)
