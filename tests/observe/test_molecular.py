"""Radius of gyration and end-to-end distance of shapes with closed forms; averages over replicas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import (
    Molecules,
    end_to_end_distance,
    mean_over_molecules,
    molecules_of_kind,
    paired_drift_probability,
    radius_of_gyration,
)
from beadsmith.problem.recording import Topology


def topology(*molecules: tuple[str, list[float]]) -> Topology:
    """Molecules as (kind, masses)."""
    masses = [mass for _, own in molecules for mass in own]
    identities = [number for number, (_, own) in enumerate(molecules, 1) for _ in own]
    return Topology(
        masses=np.array(masses),
        bead_types=np.ones(len(masses), dtype=np.int64),
        molecule_ids=np.array(identities, dtype=np.int64),
        molecule_kinds={number: kind for number, (kind, _) in enumerate(molecules, 1)},
    )


def chains(count: int, beads: int) -> Molecules:
    return molecules_of_kind(topology(*[("chain", [1.0] * beads)] * count))


def random_walks(rng: np.random.Generator, count: int, beads: int, step: float) -> np.ndarray:
    """One frame of ideal chains, shape (1, count * beads, 3)."""
    steps = rng.normal(size=(count, beads, 3))
    steps *= step / np.linalg.norm(steps, axis=2, keepdims=True)
    return np.cumsum(steps, axis=1).reshape(1, count * beads, 3)


@pytest.mark.parametrize("beads", [1, 2, 3, 10])
def test_a_rod_has_its_closed_form(beads):
    rod = 1.5 * np.arange(beads)[None, :, None] * np.array([1.0, 2.0, 2.0]) / 3.0
    assert radius_of_gyration(rod, chains(1, beads)) == pytest.approx(1.5 * np.sqrt((beads**2 - 1) / 12))
    assert end_to_end_distance(rod, chains(1, beads)) == pytest.approx(1.5 * (beads - 1))


def test_an_ideal_chain_has_rg2_of_n_b2_over_6_and_r2_of_n_b2(rng):
    beads, step = 60, 2.0
    walks = random_walks(rng, 4000, beads, step)
    squares = radius_of_gyration(walks, chains(4000, beads))[0] ** 2
    error = squares.std() / np.sqrt(4000)
    exact = step**2 * (beads**2 - 1) / (6 * beads)
    assert exact == pytest.approx(beads * step**2 / 6, rel=1e-3)
    assert squares.mean() == pytest.approx(exact, abs=4 * error)
    ends = end_to_end_distance(walks, chains(4000, beads))[0] ** 2
    assert ends.mean() == pytest.approx((beads - 1) * step**2, abs=4 * ends.std() / np.sqrt(4000))


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.1, 50))
def test_two_beads_weigh_by_mass(one, other, distance):
    positions = np.array([[[0.0, 0.0, 0.0], [0.0, distance, 0.0]]])
    radius = radius_of_gyration(positions, molecules_of_kind(topology(("pair", [one, other]))))
    assert radius[0, 0] == pytest.approx(distance * np.sqrt(one * other) / (one + other))


@given(st.integers(0, 2**32 - 1))
def test_rotation_and_translation_change_nothing(seed):
    rng = np.random.default_rng(seed)
    molecules = molecules_of_kind(topology(("a", [1.0, 5.0, 2.0]), ("b", [3.0, 1.0])))
    positions = rng.normal(size=(4, 5, 3))
    moved = positions @ Rotation.random(rng=rng).as_matrix().T + rng.uniform(-1e4, 1e4, 3)
    for shape in (radius_of_gyration, end_to_end_distance):
        assert shape(moved, molecules) == pytest.approx(shape(positions, molecules), rel=1e-8)


def test_whole_molecules_may_sit_in_any_image_but_wrapped_beads_give_another_number(rng):
    box = 10.0
    unwrapped = random_walks(rng, 30, 10, 4.0)
    images = box * np.repeat(rng.integers(-3, 4, size=(30, 1, 3)), 10, axis=1).reshape(1, 300, 3)
    radius = radius_of_gyration(unwrapped, chains(30, 10))
    assert radius_of_gyration(unwrapped + images, chains(30, 10)) == pytest.approx(radius)
    wrapped = radius_of_gyration(unwrapped % box, chains(30, 10))
    # This is why only unwrapped positions are taken: the wrong number looks like a right one.
    assert 0.5 < wrapped.mean() / radius.mean() < 0.95


def test_molecules_of_different_length_are_kept_apart(rng):
    mixture = topology(("long", [1.0] * 5), ("short", [1.0] * 2), ("long", [1.0] * 5), ("bead", [1.0]))
    positions = rng.normal(size=(3, 13, 3))
    own = [slice(0, 5), slice(5, 7), slice(7, 12), slice(12, 13)]
    by_hand = np.stack([np.sqrt(positions[:, s].var(axis=1).sum(axis=1)) for s in own], axis=1)
    assert radius_of_gyration(positions, molecules_of_kind(mixture)) == pytest.approx(by_hand)
    assert radius_of_gyration(positions, molecules_of_kind(mixture, "long")) == pytest.approx(by_hand[:, [0, 2]])
    assert radius_of_gyration(positions, molecules_of_kind(mixture, "short")) == pytest.approx(by_hand[:, [1]])
    ends = end_to_end_distance(positions, molecules_of_kind(mixture, "long"))
    assert ends[:, 1] == pytest.approx(np.linalg.norm(positions[:, 11] - positions[:, 7], axis=1))


def test_an_unknown_kind_is_refused_with_the_kinds_there_are():
    with pytest.raises(EstimateError, match="no molecule 'ring'; kinds recorded: chain, solvent"):
        molecules_of_kind(topology(("chain", [1.0, 1.0]), ("solvent", [1.0])), "ring")


def test_scattered_beads_of_a_molecule_are_refused():
    scattered = Topology(np.ones(4), np.ones(4, dtype=np.int64), np.array([1, 2, 1, 2]), {1: "a", 2: "a"})
    with pytest.raises(EstimateError, match="do not stand together"):
        molecules_of_kind(scattered)


def replicas(autoregressive, frames: int, count: int, inefficiency: float) -> np.ndarray:
    return np.stack([autoregressive(frames, inefficiency) for _ in range(count)], axis=1)


@pytest.mark.parametrize(("count", "inefficiency", "coverage"), [(40, 3, 0.963), (40, 1000, 0.945), (10, 10, 0.95)])
def test_replicas_give_the_right_error_however_slowly_they_relax(autoregressive, count, inefficiency, coverage):
    means = [mean_over_molecules(replicas(autoregressive, 40, count, inefficiency)) for _ in range(400)]
    low, high = binom.interval(0.999, 400, coverage)
    assert low <= sum(abs(one.value) < 1.96 * one.stderr for one in means) <= high
    assert sum(not one.equilibrated for one in means) <= 4


def test_molecules_that_move_together_get_the_error_of_their_common_motion(autoregressive):
    common = [
        mean_over_molecules(replicas(autoregressive, 400, 20, 3) + 2 * autoregressive(400, 5)[:, None])
        for _ in range(60)
    ]
    exact = 2 * np.sqrt(5 / 400)
    assert np.median([one.stderr for one in common]) == pytest.approx(exact, rel=0.15)


def test_few_molecules_are_one_series_in_time(autoregressive):
    means = [mean_over_molecules(replicas(autoregressive, 2000, 2, 9)) for _ in range(40)]
    assert np.median([one.stderr for one in means]) == pytest.approx(np.sqrt(9 / 2000 / 2), rel=0.1)
    assert np.median([one.samples for one in means]) == pytest.approx(2 * 2000 / 9 / 2, rel=0.2)


def test_a_common_relaxation_is_flagged_though_every_molecule_is_slow(autoregressive):
    drift = np.linspace(-1.0, 1.0, 40)[:, None]
    found = [mean_over_molecules(replicas(autoregressive, 40, 40, 30) + drift) for _ in range(40)]
    assert np.mean([not one.equilibrated for one in found]) > 0.9
    assert all("simulate longer" in one.note for one in found if not one.equilibrated)


def test_a_relaxation_at_the_beginning_is_cut_off(autoregressive):
    relaxation = 2 * np.exp(-np.arange(40) / 4)[:, None]
    found = [mean_over_molecules(replicas(autoregressive, 40, 40, 3) + relaxation) for _ in range(60)]
    usable = [one for one in found if one.equilibrated]
    assert len(usable) >= 36
    assert all(0 < one.start < 20 and "discarded" in one.note for one in usable)
    assert abs(np.mean([one.value for one in usable])) < 0.15 * relaxation.mean()


def test_the_paired_test_is_exact_for_independent_molecules(autoregressive):
    chances = [paired_drift_probability(replicas(autoregressive, 8, 9, 50)) for _ in range(600)]
    low, high = binom.interval(0.999, 600, 0.05)
    assert low <= np.sum(np.array(chances) < 0.05) <= high
    assert np.isnan(paired_drift_probability(np.ones((3, 9))))
    assert np.isfinite(paired_drift_probability(np.ones((4, 9))))


def test_replicas_need_no_time_but_few_molecules_do(rng):
    single_frame = rng.normal(size=(1, 8))
    mean = mean_over_molecules(single_frame)
    assert mean.stderr == pytest.approx(single_frame.std(ddof=1) / np.sqrt(8))
    with pytest.raises(EstimateError, match="1 samples are too few"):
        mean_over_molecules(rng.normal(size=(1, 7)))
    with pytest.raises(EstimateError, match="no frames"):
        mean_over_molecules(np.empty((0, 8)))


def test_rigid_molecules_have_no_error():
    mean = mean_over_molecules(np.full((40, 40), 3.7))
    assert (mean.value, mean.stderr, mean.equilibrated) == (3.7, 0.0, True)


def test_positions_that_are_not_finite_are_refused(rng):
    positions = rng.normal(size=(20, 30, 3))
    positions[3, 7, 1] = np.nan
    with pytest.raises(EstimateError, match="1 of 200 values are NaN"):
        mean_over_molecules(radius_of_gyration(positions, chains(10, 3)))
