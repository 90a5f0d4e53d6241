import numpy as np
import pytest

from beadsmith.crosslink.rings import rings_through, spearings

CELL = np.diag([30.0, 25.0, 20.0])
HEXAGON = np.column_stack([3 * np.cos(np.arange(6) * np.pi / 3), 3 * np.sin(np.arange(6) * np.pi / 3), np.zeros(6)])
RING = np.column_stack([np.arange(6), np.roll(np.arange(6), -1)])


def speared(start, end, shift=(0.0, 0.0, 0.0), cell=CELL, hexagon=HEXAGON) -> bool:
    """Whether a bond from bead 6 to bead 7 passes through the hexagon of beads 0 to 5."""
    positions = np.concatenate([hexagon, [start, end]]) + np.asarray(shift)
    found = spearings(positions, cell, np.concatenate([RING, [[6, 7]]]), [range(6)])
    assert all(one.bond == (6, 7) and one.ring == (0, 1, 2, 3, 4, 5) for one in found)
    return len(found) == 1


@pytest.mark.parametrize(
    ("start", "end", "through"),
    [
        pytest.param((0.3, 0.2, -1), (0.1, 0.4, 1), True, id="through"),
        pytest.param((0, 0, -1), (0, 0, 1), True, id="exactly through the centre"),
        pytest.param((1.5, 0, -1), (1.5, 0, 1), True, id="exactly through an edge of the fan"),
        pytest.param((2.5, 0.5, -1), (2.5, -0.4, 1), True, id="near a corner"),
        pytest.param((3.1, 0, -1), (3.1, 0, 1), False, id="beside a corner"),
        pytest.param((0, 2.7, -1), (0, 2.7, 1), False, id="beside an edge"),
        pytest.param((0, 2.5, -1), (0, 2.5, 1), True, id="inside an edge"),
        pytest.param((0, 0, 0.1), (0, 0, 2), False, id="above"),
        pytest.param((-1, 0, 0.5), (1, 0, 0.5), False, id="along the surface"),
        pytest.param((8, 0, -1), (8, 0, 1), False, id="far away"),
        pytest.param((1, 0, -0.5), (9, 0, 3.5), True, id="its middle far outside"),
        pytest.param((-2.9, -2, 1), (2.9, 2, -1), True, id="long and flat"),
    ],
)
@pytest.mark.parametrize("shift", [(0, 0, 0), (15, 12.5, 10), (-0.5, 25, 19.8)], ids=["origin", "faces", "corner"])
@pytest.mark.parametrize("images", [0, 1])
def test_a_bond_spears_a_hexagon_or_does_not(start, end, through, shift, images):
    # Through the boundary, with beads given in any image.
    where = np.asarray(shift, dtype=float)
    assert speared(start, end, where) is through
    moved = np.asarray(end) + images * CELL.sum(axis=0)
    assert speared(start, moved, where) is through


def test_wrapped_positions_in_a_sheared_box_are_the_same_ring():
    cell = np.array([[20.0, 0, 0], [6.0, 20.0, 0], [-5.0, 4.0, 18.0]])
    for end, through in (((0.2, 0.1, 1.0), True), ((6.2, 0.1, 1.0), False)):
        positions = np.concatenate([HEXAGON, [(end[0], end[1], -1.0), end]])
        fractions = positions @ np.linalg.inv(cell)
        wrapped = (fractions - np.floor(fractions)) @ cell
        found = spearings(wrapped, cell, np.array([[6, 7]]), [range(6)])
        assert bool(found) is through


def test_a_ring_that_is_not_flat_has_a_surface_too():
    chair = HEXAGON + np.array([0, 0, 1.0]) * np.where(np.arange(6) % 2, 1, -1)[:, None]
    assert speared((0.2, 0.1, -1.5), (0.2, 0.1, 1.5), hexagon=chair)
    assert not speared((3.5, 0.1, -1.5), (3.5, 0.1, 1.5), hexagon=chair)


def test_a_bond_that_shares_a_bead_with_the_ring_does_not_count():
    # One corner of the ring is folded over the others, and a bond goes from there through them.
    positions = np.concatenate([HEXAGON, [(-3, 0.2, -2.0), (0.5, 0.1, 2.0)]])
    positions[0] = (0.5, 0.0, 2.0)
    assert spearings(positions, CELL, np.array([[0, 6]]), [range(6)]) == ()
    assert len(spearings(positions, CELL, np.array([[7, 6]]), [range(6)])) == 1


def test_a_ring_around_the_box_has_no_surface(random):
    # A helix that closes on its own image, and bonds everywhere near its axis.
    turn = np.arange(6) * np.pi / 3
    helix = np.column_stack([np.arange(6) * 5.0, 10 + 3 * np.cos(turn), 10 + 3 * np.sin(turn)])
    starts = random.uniform((0, 7, 7), (30, 13, 13), size=(100, 3))
    positions = np.concatenate([helix, starts, starts + random.uniform(-3, 3, size=(100, 3))])
    bonds = 6 + np.column_stack([np.arange(100), np.arange(100) + 100])
    assert spearings(positions, CELL, bonds, [range(6)]) == ()


def test_a_chain_through_a_ring_spears_it_once(random):
    # Two interlocked hexagons: each has one bond through the other.
    other = HEXAGON[:, [0, 2, 1]] + np.array([3.0, 0, 0])
    positions = np.concatenate([HEXAGON, other]) + 14.0
    bonds = np.concatenate([RING, RING + 6])
    rings = rings_through(bonds, bonds, 12)
    assert len(rings) == 2
    found = spearings(positions, CELL, bonds, rings)
    assert sorted(min(one.ring) for one in found) == [0, 6]
    apart = positions.copy()
    apart[6:] += np.array([6.5, 0, 0])
    assert spearings(apart, CELL, bonds, rings) == ()


def test_no_rings_no_spearings():
    assert spearings(HEXAGON, CELL, RING, []) == ()
    assert spearings(HEXAGON, CELL, np.empty((0, 2), dtype=int), [range(6)]) == ()


@pytest.mark.parametrize(("size", "found"), [(3, 1), (19, 1), (20, 1), (21, 0)])
def test_rings_up_to_a_size_are_found(size, found):
    ring = np.column_stack([np.arange(size), np.roll(np.arange(size), -1)])
    tail = np.array([[0, size], [size, size + 1]])
    bonds = np.concatenate([ring, tail])
    for through in (ring[-1:], ring, bonds):
        rings = rings_through(bonds, through, size + 2, largest=20)
        assert len(rings) == found
        assert all(sorted(one) == list(range(size)) for one in rings)
    assert rings_through(bonds, tail, size + 2) == []


def test_beads_follow_one_another_around_the_ring_and_the_smallest_is_taken():
    # A square and a hexagon that share a bond.
    bonds = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [2, 4], [4, 5], [5, 6], [6, 7], [7, 3]])
    (square,) = rings_through(bonds, np.array([[2, 3]]), 8)
    assert sorted(square) == [0, 1, 2, 3]
    both = rings_through(bonds, bonds, 8)
    assert sorted(len(ring) for ring in both) == [4, 6]
    known = {frozenset(bond) for bond in bonds.tolist()}
    for ring in both:
        assert {frozenset((a, b)) for a, b in zip(ring, np.roll(ring, -1).tolist(), strict=True)} <= known
