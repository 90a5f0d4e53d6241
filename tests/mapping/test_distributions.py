"""Bins that hold everything, and distributions of known bonds, angles and neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from beadsmith.mapping import distributions
from beadsmith.mapping.distributions import bin_width, distributions_of
from beadsmith.problem.recording import Bonded, Frames, Recording, Topology
from beadsmith.problem.state import State


def trimers(count: int) -> Topology:
    """A-B-A molecules."""
    first = 3 * np.arange(count)
    bonds = np.concatenate([np.column_stack([first, first + 1]), np.column_stack([first + 1, first + 2])])
    return Topology(
        np.ones(3 * count),
        np.tile([1, 2, 1], count),
        np.repeat(np.arange(1, count + 1), 3),
        dict.fromkeys(range(1, count + 1), "trimer"),
        ("A", "B", "C"),
        Bonded(bonds, np.zeros(len(bonds), dtype=np.int64), ("A-B",)),
        Bonded(np.column_stack([first, first + 1, first + 2]), np.zeros(count, dtype=np.int64), ("A-B-A",)),
    )


def recording(
    random: np.random.Generator, count: int = 40, frames: int = 60, spread: float = 0.1, edge: float = 30.0
) -> Recording:
    """Trimers at random, with normally distributed bonds of 3 angstrom and angles whose directions are isotropic."""
    centres = random.uniform(0, edge, size=(frames, count, 3))
    positions = np.empty((frames, count, 3, 3))
    positions[:, :, 1] = centres
    for end in (0, 2):
        direction = random.normal(size=(frames, count, 3))
        direction /= np.linalg.norm(direction, axis=2, keepdims=True)
        positions[:, :, end] = centres + direction * random.normal(3.0, spread, size=(frames, count, 1))
    boxes = np.tile(edge * np.eye(3), (frames, 1, 1))
    return Recording(
        "liquid", State.of(T=300), None, Frames(100.0, positions.reshape(frames, -1, 3), boxes), trimers(count)
    )


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(11)


def test_distributions_of_a_liquid_whose_answers_are_known(random):
    found = distributions_of([recording(random)])
    assert not found.missing
    kinds = {(one.kind, one.name) for one in found.found}
    assert kinds == {("bond", "A-B"), ("angle", "A-B-A"), ("pair", "A-A"), ("pair", "A-B"), ("pair", "B-B")}
    (bonds,) = (one for one in found.found if one.kind == "bond")
    assert bonds.mean.value == pytest.approx(3.0, abs=4 * bonds.mean.stderr)
    assert bonds.mean.stderr == pytest.approx(0.1 / np.sqrt(2 * 40 * 60), rel=0.5)
    assert bonds.deviation == pytest.approx(0.1, rel=0.05)
    width = bonds.centres[1] - bonds.centres[0]
    density = np.array([mean.value for mean in bonds.columns["probability_per_length"]])
    errors = np.array([mean.stderr for mean in bonds.columns["probability_per_length"]])
    expected = np.diff(norm.cdf(np.append(bonds.centres - width / 2, bonds.centres[-1] + width / 2), 3.0, 0.1)) / width
    assert density.sum() * width == pytest.approx(1.0)
    assert np.mean(((density - expected) / errors) ** 2) == pytest.approx(1.0, abs=0.6)
    by_volume = np.array([mean.value for mean in bonds.columns["probability_per_volume"]])
    np.testing.assert_allclose(by_volume, density / (4 * np.pi * bonds.centres**2), rtol=1e-3)


def test_angles_of_random_directions_are_flat_per_solid_angle(random):
    (angles,) = (one for one in distributions_of([recording(random)]).found if one.kind == "angle")
    assert angles.centres[0] > 0
    assert angles.centres[-1] < 180
    values = np.array([mean.value for mean in angles.columns["probability_per_solid_angle"]])
    errors = np.array([mean.stderr for mean in angles.columns["probability_per_solid_angle"]])
    assert np.mean(((values - 1 / (4 * np.pi)) / errors) ** 2) == pytest.approx(1.0, abs=0.6)


def test_random_molecules_have_no_structure(random):
    for one in distributions_of([recording(random, spread=0.01)]).found:
        if one.kind == "pair":
            values = np.array([mean.value for mean in one.columns["radial_distribution"]])
            errors = np.array([mean.stderr for mean in one.columns["radial_distribution"]])
            far = one.centres > 3.0
            assert np.mean(((values - 1.0) / errors)[far] ** 2) == pytest.approx(1.0, abs=0.8)
            assert one.centres[-1] < 15.0 < one.centres[-1] + 0.3


def test_recordings_share_bins(random):
    both = distributions_of([recording(random), recording(random, spread=0.2, edge=24.0)]).found
    for one in both:
        (other,) = (two for two in both if (two.kind, two.name) == (one.kind, one.name) and two is not one)
        np.testing.assert_array_equal(one.centres, other.centres)
        assert {one.recording, other.recording} == {0, 1}


def test_both_sides_of_the_smallest_box_for_neighbours(random):
    large = distributions_of([recording(random, count=5, edge=2 * distributions.NEAREST + 0.01)])
    assert {one.kind for one in large.found} == {"bond", "angle", "pair"}
    small = distributions_of([recording(random, count=5, edge=2 * distributions.NEAREST - 0.01)])
    assert {one.kind for one in small.found} == {"bond", "angle"}
    (sentence,) = small.missing
    assert sentence.startswith("pair A-A, pair A-B, pair B-B: the box is too small")


def test_too_few_frames_are_told_for_each_type(random):
    found = distributions_of([recording(random, count=4, frames=1)])
    assert not found.found
    assert [sentence.split(":")[0] for sentence in found.missing] == [
        "bond A-B, angle A-B-A",
        "pair A-A, pair A-B, pair B-B",
    ]


@pytest.mark.parametrize(("edge", "last"), [(39.9, 19.7), (40.0, 19.9), (90.0, 19.9), (24.0, 11.9), (25.8, 12.7)])
def test_radial_distributions_end_at_half_the_box(random, edge, last):
    found = distributions_of([recording(random, count=8, frames=12, edge=edge)])
    assert not found.missing
    assert next(one for one in found.found if one.kind == "pair").centres[-1] == pytest.approx(last)


def test_stiff_bonds_have_bins_too(random):
    (bonds,) = (one for one in distributions_of([recording(random, spread=0.0)]).found if one.kind == "bond")
    assert len(bonds.centres) >= 2
    assert bonds.columns["probability_per_length"][0].value >= 0
    assert bonds.mean.value == pytest.approx(3.0)


def test_many_frames_are_thinned_without_bias(random, monkeypatch):
    full = distributions_of([recording(random, frames=200)])
    monkeypatch.setattr(distributions, "MOST_COUNTS", 40 * 100 * 50)
    thinned = distributions_of([recording(random, frames=200)])
    means = [next(one.mean for one in found.found if one.kind == "bond") for found in (full, thinned)]
    assert means[0].value == pytest.approx(means[1].value, abs=5 * means[1].stderr)
    assert means[1].stderr > 1.2 * means[0].stderr


@pytest.mark.parametrize(("spread", "expected"), [(1.02, 0.02), (1.0, 0.01), (2.6, 0.05), (0.06, 0.001), (20.0, 0.2)])
def test_widths_are_round_numbers(spread, expected):
    """99 % of the spread over 50 bins, and the next of 1, 2, 5 below: 0.0202 is 0.02, 0.0198 is 0.01."""
    assert bin_width(np.linspace(3.0, 3.0 + spread, 1001)) == pytest.approx(expected)
