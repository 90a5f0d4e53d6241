import itertools

import numpy as np
import pytest

from beadsmith.crosslink.periodic import fits, pairs_within, separations, widths


def brute_force(first: np.ndarray, second: np.ndarray, cell: np.ndarray, cutoff: float) -> dict[tuple[int, int], float]:
    """Distance of each pair to the nearest of 125 images."""
    shifts = np.array(list(itertools.product(range(-2, 3), repeat=3))) @ cell
    apart = first[:, None, None] - second[None, :, None] - shifts
    distances = np.linalg.norm(apart, axis=-1).min(axis=-1)
    return {(i, j): distances[i, j] for i, j in np.argwhere(distances <= cutoff).tolist()}


@pytest.mark.parametrize("cutoff", [0.5, 2.0, 3.9])
def test_pairs_are_those_of_brute_force_wherever_the_points_lie(cell, cutoff, random):
    inside = random.uniform(0, 1, size=(120, 3)) @ cell
    points = inside + random.integers(-1, 2, size=(120, 3)) @ cell
    first, second, distance = pairs_within(points[:50], points[50:], cell, cutoff)
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), distance.tolist(), strict=True))
    assert len(found) == len(first)  # each pair once
    # Within two cells all around, a point may be five cells from another.
    expected = brute_force(inside[:50], inside[50:], cell, cutoff)
    assert found.keys() == expected.keys()
    assert all(found[pair] == pytest.approx(expected[pair]) for pair in found)


def test_points_on_faces_and_on_each_other_are_found():
    cell = np.diag([10.0, 10.0, 10.0])
    points = np.array([[0.0, 0.0, 0.0], [10.0, 10.0, 0.0], [-1e-18, 5.0, 5.0]])
    first, second, distance = pairs_within(points, points, cell, 1.0)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]
    assert distance == pytest.approx(0.0, abs=1e-12)


def test_a_sheared_cell_of_the_same_lattice_has_the_same_pairs(random):
    straight = np.diag([12.0, 11.0, 13.0])
    sheared = straight + np.array([[0, 0, 0], [12.0, 0, 0], [0, 0, 0]])
    points = random.uniform(0, 1, size=(200, 3)) @ straight
    pairs = [pairs_within(points[:90], points[90:], cell, 3.5) for cell in (straight, sheared)]
    both = [sorted(zip(first.tolist(), second.tolist(), strict=True)) for first, second, _ in pairs]
    assert both[0] == both[1]
    assert len(both[0]) > 300


def test_no_points_make_no_pairs(cell):
    assert [len(part) for part in pairs_within(np.empty((0, 3)), np.ones((2, 3)), cell, 1.0)] == [0, 0, 0]


def test_the_width_of_a_cell_is_the_distance_of_its_faces():
    assert widths(np.diag([3.0, 4.0, 5.0])) == pytest.approx([3.0, 4.0, 5.0])
    # A rhombus of 60 degrees: the height of an equilateral triangle.
    assert widths(np.array([[2.0, 0, 0], [1.0, np.sqrt(3), 0], [0, 0, 7.0]])) == pytest.approx([3**0.5, 3**0.5, 7.0])


def test_the_nearest_image_is_near(cell, random):
    starts = random.uniform(0, 1, size=(50, 3)) @ cell
    steps = random.normal(size=(50, 3))
    ends = starts + steps + random.integers(-3, 4, size=(50, 3)) @ cell
    assert separations(starts, ends, cell) == pytest.approx(steps)


def test_a_cutoff_beyond_half_the_box_is_refused_and_half_the_box_is_not(cell):
    half = widths(cell).min() / 2
    assert fits(half, cell)
    assert not fits(half * 1.01, cell)
    pairs_within(np.ones((1, 3)), np.ones((1, 3)), cell, half)
    with pytest.raises(ValueError, match="more than half the smallest width"):
        pairs_within(np.ones((1, 3)), np.ones((1, 3)), cell, half * 1.01)
