"""Paths through the faces of boxes of any shape."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.unwrapping import about_centre_of_mass, in_mean_box, unwrapped_by_steps

ORTHORHOMBIC = np.diag([9.0, 11.0, 13.0])
# Edge vectors a, b, c as LAMMPS has them: strongly tilted.
TRICLINIC = np.array([[9.0, 0.0, 0.0], [4.0, 10.0, 0.0], [-3.0, 4.5, 12.0]])


@pytest.fixture
def path(rng):
    """Steps of 0.6 angstrom in every direction, far through all faces: 900 of them go 25 angstrom."""
    return rng.uniform(0, 8, size=(1, 5, 3)) + np.cumsum(rng.normal(size=(900, 5, 3)) * 0.6, axis=0)


def wrapped_into(path, boxes):
    fractional = path @ np.linalg.inv(boxes)
    images = np.floor(fractional).astype(int)
    return (fractional - images) @ boxes, images


def boxes_of(shape, frames, breathing):
    return shape * (1 + breathing * np.sin(np.arange(frames) / 7))[:, None, None]


@pytest.mark.parametrize("breathing", [0.0, 0.02])
@pytest.mark.parametrize("shape", [ORTHORHOMBIC, TRICLINIC])
def test_the_shortest_steps_recover_the_true_path(path, shape, breathing):
    boxes = boxes_of(shape, len(path), breathing)
    wrapped, images = wrapped_into(path, boxes)
    assert np.abs(images).max() >= 2
    # Images of the first frame are not known: beads may start in another cell, in each frame's box.
    start = images[0] @ boxes
    assert np.allclose(unwrapped_by_steps(wrapped, boxes) + start, path)


def test_in_a_triclinic_box_the_edges_are_not_the_axes(path):
    boxes = boxes_of(TRICLINIC, len(path), 0.0)
    wrapped, _ = wrapped_into(path, boxes)
    as_if_orthorhombic = boxes_of(np.diag(np.diag(TRICLINIC)), len(path), 0.0)
    assert not np.allclose(np.diff(unwrapped_by_steps(wrapped, boxes), axis=0).std(), 0.0)
    with pytest.raises(EstimateError, match="record frames more often"):
        unwrapped_by_steps(wrapped, as_if_orthorhombic)


def test_steps_of_nearly_half_the_box_are_refused_and_shorter_ones_are_not():
    boxes = boxes_of(ORTHORHOMBIC, 2, 0.0)
    start = np.full((1, 1, 3), 1.0)
    for part, allowed in ((0.44, True), (0.46, False), (-0.46, False)):
        path = np.concatenate([start, start + np.array([9.0 * part, 0, 0])])
        wrapped, images = wrapped_into(path, boxes)
        if allowed:
            assert np.allclose(unwrapped_by_steps(wrapped, boxes), path - images[0] @ boxes)
        else:
            with pytest.raises(EstimateError, match=r"moved by 0\.46 of the box"):
                unwrapped_by_steps(wrapped, boxes)


def test_the_drift_of_the_box_is_taken_off_by_mass(rng):
    masses = np.array([1.0, 3.0])
    positions = rng.normal(size=(4, 2, 3))
    drifting = positions + np.arange(4)[:, None, None] * [1.0, -2.0, 0.5]
    assert np.allclose(about_centre_of_mass(drifting, masses), about_centre_of_mass(positions, masses))
    assert np.allclose(np.einsum("fbx,b->fx", about_centre_of_mass(drifting, masses), masses), 0.0)


def test_beads_that_only_breathe_with_the_box_do_not_move(rng):
    boxes = boxes_of(TRICLINIC, 50, 0.03)
    masses = rng.uniform(1, 20, 30)
    fractional = rng.uniform(-3, 4, size=(1, 30, 3))  # unwrapped, some boxes from home
    breathing = fractional @ boxes + np.arange(50)[:, None, None] * 0.3  # and the whole drifts
    assert np.ptp(about_centre_of_mass(breathing, masses), axis=0).max() > 0.5
    assert np.ptp(in_mean_box(breathing, masses, boxes), axis=0).max() < 1e-9


def test_in_a_steady_box_only_the_drift_is_removed(rng):
    masses, positions = np.ones(6), rng.normal(size=(10, 6, 3))
    steady = boxes_of(TRICLINIC, 10, 0.0)
    assert np.allclose(in_mean_box(positions, masses, steady), about_centre_of_mass(positions, masses))


def test_positions_that_are_not_finite_are_refused():
    with pytest.raises(EstimateError, match="NaN or infinite"):
        unwrapped_by_steps(np.full((2, 1, 3), np.nan), boxes_of(ORTHORHOMBIC, 2, 0.0))
