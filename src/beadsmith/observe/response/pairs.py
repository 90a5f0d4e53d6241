"""Which pairs of beads interact in a frame, and how far apart they are.

In a periodic box the neighbours within the cutoff come from a k-d tree that knows the box (``scipy.spatial.cKDTree``),
or, where the cutoff reaches through a good part of the box, from trying all pairs, which is faster then.  Molecules of
a vacuum experiment do not see each other: their pairs are known beforehand and need no search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.spatial import cKDTree

from beadsmith.errors import EstimateError
from beadsmith.observe.boxes import rectangular_edges
from beadsmith.observe.response.frame_values import Array, Integers
from beadsmith.observe.response.wiring import ScaledPairs, Wiring
from beadsmith.problem.recording import Frames

#: Pairs looked at together: so many numbers stay in the cache of a core.
_BATCH = 50_000
#: Candidates among all pairs looked at together: arrays of so many doubles are recycled and not fetched anew.
_CANDIDATES = 10_000
#: To try a pair costs about a sixteenth of finding one with the tree (and what comes with it).
_TRIAL = 1.0 / 16.0


@dataclass(frozen=True)
class PairBatch:
    """Pairs within the cutoff, in some consecutive frames.

    Attributes:
        first, last: these frames, ``last`` excluded.
        slots: ``(frame - first) * groups + group`` of each pair, shape (pairs,).
        kinds: of each pair, see :func:`kinds_of_pairs`, shape (pairs,).
        squares: squared distances, square angstrom, shape (pairs,).
        factors: what each pair counts; None if all count 1.
    """

    first: int
    last: int
    slots: Integers
    kinds: Integers
    squares: Array
    factors: Array | None


def kinds_of_pairs(bead_types: int) -> Integers:
    """Number of the kind of pair that two bead types make, shape (types, types), symmetric.

    Kinds count the upper triangle row by row: 1-1, 1-2, ..., 2-2, 2-3, ...
    """
    kinds = np.zeros((bead_types, bead_types), dtype=np.int64)
    rows, columns = np.triu_indices(bead_types)
    kinds[rows, columns] = kinds[columns, rows] = np.arange(len(rows))
    return kinds


def neighbour_pairs(frames: Frames, wiring: Wiring, cutoff: float) -> Iterator[PairBatch]:
    """Pairs in a periodic box, frame by frame; the whole box is one group.

    Raises:
        EstimateError: a box that is not rectangular, or smaller than twice the cutoff.
    """
    edges = [_edges(box, cutoff) for box in frames.boxes]
    within = 4.0 / 3.0 * np.pi * cutoff**3 / np.prod(edges[0])
    search: _Search = _AmongAll.of(wiring, cutoff) if within > _TRIAL else _ByTree.of(wiring, cutoff)
    for number, (positions, edge) in enumerate(zip(frames.positions, edges, strict=True)):
        inside = positions - edge * np.floor(positions / edge)
        inside[inside >= edge] = 0.0  # rounding: the tree wants them strictly inside
        kinds, squares, factors = search.within_cutoff(inside, edge)
        yield PairBatch(number, number + 1, np.zeros(len(kinds), dtype=np.int64), kinds, squares, factors)


class _Search(Protocol):
    """A way to find the pairs of a frame."""

    def within_cutoff(self, inside: Array, edges: Array) -> tuple[Integers, Array, Array | None]:
        """Kinds, squared distances and factors (None if all are 1) of the pairs that count.

        Args:
            inside: positions between 0 and ``edges``, angstrom, shape (beads, 3).
            edges: of the box, at least twice the cutoff, shape (3,).
        """
        ...


@dataclass(frozen=True)
class _AmongAll:
    """Tries every pair that counts.

    Attributes:
        first, second, kinds, factors: of these, as in :class:`PairBatch`.
    """

    first: Integers
    second: Integers
    kinds: Integers
    factors: Array | None
    cutoff: float

    @classmethod
    def of(cls, wiring: Wiring, cutoff: float) -> _AmongAll:
        pairs, factors = _Special.of(wiring).apply(np.stack(np.triu_indices(len(wiring.types), 1), axis=1))
        first, second = np.ascontiguousarray(pairs.T)
        kinds = kinds_of_pairs(len(wiring.bead_names))[wiring.types[first], wiring.types[second]]
        return cls(first, second, kinds, factors, cutoff)

    def within_cutoff(self, inside: Array, edges: Array) -> tuple[Integers, Array, Array | None]:
        axes = np.ascontiguousarray(inside.T)
        found, squares = [], []
        for start in range(0, len(self.first), _CANDIDATES):
            some = slice(start, start + _CANDIDATES)
            tried = _squares(axes, self.first[some], self.second[some], edges)
            near = np.flatnonzero(tried < self.cutoff**2)
            found.append(near + start)
            squares.append(tried[near])
        pairs = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        factors = None if self.factors is None else self.factors[pairs]
        return self.kinds[pairs], np.concatenate(squares) if squares else np.empty(0), factors


def _squares(axes: Array, first: Integers, second: Integers, edges: Array) -> Array:
    """Squared distances to the nearest image; ``axes`` are positions inside the box, shape (3, beads)."""
    squares = np.zeros(len(first))
    for coordinates, edge in zip(axes, edges, strict=True):
        apart = np.abs(coordinates[first] - coordinates[second])
        np.minimum(apart, edge - apart, out=apart)
        squares += np.square(apart, out=apart)
    return squares


@dataclass(frozen=True)
class _ByTree:
    """Finds the pairs within the cutoff by a k-d tree, then drops those that do not count.

    Attributes:
        types: of the beads; kinds: of each pair of types.
    """

    types: Integers
    kinds: Integers
    special: _Special
    cutoff: float

    @classmethod
    def of(cls, wiring: Wiring, cutoff: float) -> _ByTree:
        return cls(wiring.types, kinds_of_pairs(len(wiring.bead_names)), _Special.of(wiring), cutoff)

    def within_cutoff(self, inside: Array, edges: Array) -> tuple[Integers, Array, Array | None]:
        pairs = cKDTree(inside, boxsize=edges).query_pairs(self.cutoff, output_type="ndarray")
        pairs, factors = self.special.apply(pairs)
        first, second = np.ascontiguousarray(pairs.T)
        squares = _squares(np.ascontiguousarray(inside.T), first, second, edges)
        return self.kinds[self.types[first], self.types[second]], squares, factors


def molecule_pairs(frames: Frames, wiring: Wiring, cutoff: float) -> Iterator[PairBatch]:
    """Pairs within isolated molecules; every molecule is a group."""
    first, second = wiring.inner.members.T
    kinds = kinds_of_pairs(len(wiring.bead_names))[wiring.types[first], wiring.types[second]]
    groups = wiring.molecules[first]
    plain = bool(np.all(wiring.inner.factors == 1.0))
    total = len(frames.positions)
    step = max(1, _BATCH // max(1, len(first)))
    for start in range(0, total, step):
        some = frames.positions[start : start + step]
        apart = np.take(some, first, axis=1) - np.take(some, second, axis=1)
        squares = np.einsum("fpk,fpk->fp", apart, apart)
        frame, pair = np.nonzero(squares < cutoff**2)
        yield PairBatch(
            first=start,
            last=start + len(some),
            slots=frame * wiring.molecule_count + groups[pair],
            kinds=kinds[pair],
            squares=squares[frame, pair],
            factors=None if plain else wiring.inner.factors[pair],
        )


@dataclass(frozen=True)
class _Special:
    """Looks up the pairs whose energy is scaled.

    Attributes:
        keys: ``lower * beads + higher`` of each, increasing.
        factors: by key.
        beads: number of beads.
        reach: how far their numbers lie apart at most, so that few pairs have to be looked up.
    """

    keys: Integers
    factors: Array
    beads: int
    reach: int

    @classmethod
    def of(cls, wiring: Wiring) -> _Special:
        scaled: ScaledPairs = wiring.special
        beads = len(wiring.types)
        lower, higher = scaled.members.T
        keys = lower * beads + higher
        order = np.argsort(keys)
        reach = int((higher - lower).max(initial=0))
        return cls(keys[order], scaled.factors[order], beads, reach)

    def apply(self, pairs: Integers) -> tuple[Integers, Array | None]:
        """Pairs without those that do not count, and the factors of the others; None if all are 1."""
        near = np.flatnonzero(pairs[:, 1] - pairs[:, 0] <= self.reach)
        if not len(near) or not len(self.keys):
            return pairs, None
        keys = pairs[near, 0] * self.beads + pairs[near, 1]
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        factors = np.ones(len(pairs))
        factors[near] = np.where(self.keys[place] == keys, self.factors[place], 1.0)
        kept = factors != 0.0
        pairs, factors = pairs[kept], factors[kept]
        return pairs, None if np.all(factors == 1.0) else factors


def _edges(box: Array, cutoff: float) -> Array:
    edges = rectangular_edges(box, "gradients need")
    if edges.min() < 2.0 * cutoff:
        raise EstimateError(
            f"an edge of {edges.min():.4g} angstrom is less than twice the cutoff, {cutoff:g} angstrom: "
            "beads would meet several images of each other; simulate more molecules"
        )
    return edges
