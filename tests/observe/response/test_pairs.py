"""Pairs of a periodic box: both ways to find them, and the plainest of all."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.response.pairs import kinds_of_pairs, neighbour_pairs
from beadsmith.observe.response.wiring import ScaledPairs, Terms, Wiring
from beadsmith.problem.recording import Frames

CUTOFF = 4.0
#: Whether the sphere of the cutoff fills more than a sixteenth of the box decides how pairs are found.
SMALL, LARGE = np.array([8.5, 9.0, 10.0]), np.array([16.0, 17.0, 18.0])


def wiring(beads: int, special: dict[tuple[int, int], float]) -> Wiring:
    """Beads of three types in turn; some pairs of them count less, or not at all."""
    none = Terms(np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), ())
    members = np.array(list(special), dtype=np.int64).reshape(-1, 2)
    scaled = ScaledPairs(members, np.array(list(special.values()), dtype=np.float64))
    types = np.arange(beads) % 3
    return Wiring(types, np.zeros(beads, dtype=np.int64), ("A", "B", "C"), none, none, scaled, scaled)


def plainly(positions, edges, wired, special) -> list[tuple[int, float, float]]:
    """Kind, squared distance and factor of every pair, over all 27 nearest images."""
    found = []
    kinds = kinds_of_pairs(3)
    images = np.array(list(product((-1, 0, 1), repeat=3))) * edges
    inside = positions % edges
    for i, j in combinations(range(len(positions)), 2):
        square = np.square(inside[i] - inside[j] + images).sum(axis=1).min()
        factor = special.get((i, j), 1.0)
        if square < CUTOFF**2 and factor:
            found.append((int(kinds[wired.types[i], wired.types[j]]), square, factor))
    return sorted(found)


@pytest.mark.parametrize("edges", [SMALL, LARGE], ids=["small box", "large box"])
@pytest.mark.parametrize(
    "special",
    [
        pytest.param({}, id="all count"),
        pytest.param({(0, 1): 0.0, (5, 9): 0.0}, id="some do not count"),
        pytest.param({(0, 1): 0.0, (1, 2): 0.5, (3, 90): 0.25}, id="some count less"),
    ],
)
def test_pairs_are_those_of_all_images(edges, special, rng):
    beads = 160  # more than a batch of candidates
    frames = Frames(
        1.0, rng.normal(scale=30.0, size=(3, beads, 3)), np.stack([np.diag(edges * f) for f in (1, 1.05, 1.1)])
    )
    # Beads of the special pairs meet, and some lie exactly on the borders.
    for first, second in special:
        frames.positions[:, second] = frames.positions[:, first] + 0.5
    frames.positions[:, 20] = 0.0
    frames.positions[:, 21] = edges
    wired = wiring(beads, special)
    batches = list(neighbour_pairs(frames, wired, CUTOFF))
    assert [(batch.first, batch.last) for batch in batches] == [(0, 1), (1, 2), (2, 3)]
    for number, batch in enumerate(batches):
        factors = np.ones(len(batch.kinds)) if batch.factors is None else batch.factors
        found = sorted(zip(batch.kinds.tolist(), batch.squares.tolist(), factors.tolist(), strict=True))
        expected = plainly(frames.positions[number], np.diag(frames.boxes[number]), wired, special)
        assert Counter(kind for kind, _, _ in found) == Counter(kind for kind, _, _ in expected)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        assert (batch.factors is None) == all(factor in (0.0, 1.0) for factor in special.values())


@pytest.mark.parametrize("beads", [1, 2])
def test_a_frame_may_be_without_pairs(beads):
    positions = np.array([[[1.0, 1.0, 1.0], [5.2, 5.2, 5.2]][:beads]])
    for edges in (SMALL, LARGE):
        (batch,) = neighbour_pairs(Frames(1.0, positions, np.diag(edges)[None]), wiring(beads, {}), CUTOFF)
        assert len(batch.kinds) == len(batch.squares) == 0


def test_a_box_must_be_rectangular_and_hold_the_cutoff_twice(rng):
    positions = rng.uniform(0, 8, size=(1, 10, 3))
    list(neighbour_pairs(Frames(1.0, positions, 8.0 * np.eye(3)[None]), wiring(10, {}), CUTOFF))
    with pytest.raises(EstimateError, match=r"an edge of 7.99 angstrom is less than twice the cutoff"):
        list(neighbour_pairs(Frames(1.0, positions, 7.99 * np.eye(3)[None]), wiring(10, {}), CUTOFF))
    tilted = 8.0 * np.eye(3)
    tilted[1, 0] = 0.1
    with pytest.raises(EstimateError, match="not rectangular"):
        list(neighbour_pairs(Frames(1.0, positions, tilted[None]), wiring(10, {}), CUTOFF))
