"""What is signal: counts and squares that are right on average, and limits."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.calibrate import identifiability

SHAPES = [(1, 1), (1, 41), (3, 3), (8, 41), (15, 41), (41, 8)]


def denoised(values, stderrs, *sizes):
    """All rows as one block, or as blocks of these sizes."""
    ends = np.cumsum(sizes or (len(values),))
    blocks = [slice(int(end - size), int(end)) for end, size in zip(ends, sizes or (len(values),), strict=True)]
    return identifiability.denoised(values, stderrs, blocks)


def signal(shape, *squares):
    """A matrix with these squared singular values, in random directions."""
    random = np.random.default_rng(7)
    left, right = (np.linalg.qr(random.normal(size=(size, len(squares))))[0] for size in shape)
    return (left * np.sqrt(squares)) @ right.T


def repeats(truth, stderrs, count, *sizes):
    random = np.random.default_rng(1)
    return [denoised(truth + stderrs * random.normal(size=truth.shape), stderrs, *sizes) for _ in range(count)]


def test_without_noise_nothing_changes():
    values = np.random.default_rng(1).normal(size=(4, 6))
    found = denoised(values, np.zeros((4, 6)))
    np.testing.assert_array_equal(found.values, values)
    assert (found.kept, found.limits) == (4, (0.0,))


def test_with_hardly_any_noise_hardly_anything_changes():
    values = np.random.default_rng(1).normal(size=(4, 6))
    found = denoised(values, np.full((4, 6), 1e-9))
    np.testing.assert_allclose(found.values, values, atol=1e-8)
    assert found.kept == 4


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_alone_is_taken_for_a_signal_once_in_a_hundred(shape):
    kept = [one.kept for one in repeats(np.zeros(shape), np.ones(shape), 1000)]
    assert 0.001 < np.mean(np.array(kept) > 0) < 0.022


@pytest.mark.parametrize("shape", SHAPES)
def test_what_noise_adds_to_a_signal_is_taken_off(shape):
    """The sum of squares is right on average, where it would be too large by the number of directions of the noise."""
    truth = signal(shape, 400.0)
    squares = [float(np.square(one.values).sum()) for one in repeats(truth, np.ones(shape), 400)]
    assert np.mean(squares) == pytest.approx(400.0, abs=3.5 * np.std(squares) / 20 + 3.0)
    assert 400 + sum(shape) > 400 + 4 * np.std(squares) / 20 or max(shape) < 8  # so that the test can fail


def test_a_weak_signal_is_right_to_second_order_in_the_noise():
    """Noise pushes it away from the many directions of noise: by 361/120 in a square of 20."""
    squares = [np.square(one.values).sum() for one in repeats(signal((20, 20), 120.0), np.ones((20, 20)), 900)]
    assert np.mean(squares) == pytest.approx(120.0, abs=1.9)


def test_two_signals_in_one_matrix():
    truth = signal((8, 41), 900.0, 150.0)
    found = repeats(truth, np.ones((8, 41)), 300)
    spectra = np.array([np.square(np.linalg.svd(one.values, compute_uv=False))[:2] for one in found])
    np.testing.assert_allclose(spectra.mean(axis=0), [900, 150], rtol=0.03)
    assert np.mean([one.kept == 2 for one in found]) > 0.9


def test_taking_the_mean_noise_off_the_diagonal_would_not_do():
    """With more parameters than targets, the debiased matrix still has directions that look known."""
    truth = signal((8, 41), 2000.0)
    random = np.random.default_rng(2)
    noisy = truth + random.normal(size=truth.shape)
    naive = np.maximum(np.linalg.eigvalsh(noisy.T @ noisy - 8 * np.eye(41)), 0.0)
    ours = np.square(np.linalg.svd(denoised(noisy, np.ones(truth.shape)).values, compute_uv=False))
    assert (naive / (1 + naive)).sum() > 4
    assert (ours / (1 + ours)).sum() == pytest.approx(1.0, abs=0.01)


def test_units_of_rows_and_columns_do_not_matter():
    random = np.random.default_rng(3)
    values, stderrs = signal((8, 41), 900.0, 300.0) + random.normal(size=(8, 41)), np.ones((8, 41))
    scale = np.outer(10.0 ** random.uniform(-3, 3, 8), 10.0 ** random.uniform(-3, 3, 41))
    plain, scaled = denoised(values, stderrs), denoised(values * scale, stderrs * scale)
    np.testing.assert_allclose(scaled.values, plain.values * scale, rtol=1e-6)
    assert scaled.kept == plain.kept == 2
    assert scaled.limits == pytest.approx(plain.limits)


def test_noise_that_differs_from_entry_to_entry():
    """Factors of rows and of columns, and some more that no such factors explain."""
    random = np.random.default_rng(4)
    factors = np.outer(10.0 ** random.uniform(-0.5, 0.5, 15), 10.0 ** random.uniform(-1, 1, 41))
    stderrs = factors * 10.0 ** random.uniform(-0.1, 0.1, factors.shape)
    assert 0 < np.mean([one.kept > 0 for one in repeats(np.zeros((15, 41)), stderrs, 500)]) < 0.03
    truth = signal((15, 41), 900.0) * factors
    squares = [float(np.square(one.values / factors).sum()) for one in repeats(truth, stderrs, 200)]
    assert np.mean(squares) == pytest.approx(900.0, rel=0.02)  # with the noise it would be 1500


def test_a_column_without_noise_is_kept_beside_noisy_ones():
    stderrs = np.ones((5, 6))
    stderrs[:, 2] = 0.0
    values = np.random.default_rng(5).normal(size=(5, 6))
    np.testing.assert_allclose(denoised(values, stderrs).values[:, 2], values[:, 2])


def directions(random, parameters, count):
    return np.linalg.qr(random.normal(size=(parameters, count)))[0].T


def two_observables(of_first, of_second):
    """Eight and fifteen rows; each sees some of five directions with these squared strengths."""
    random = np.random.default_rng(11)
    shared = directions(random, 41, 5)
    return np.concatenate(
        [
            directions(random, rows, len(strengths)).T * np.sqrt(list(strengths.values())) @ shared[list(strengths)]
            for rows, strengths in ((8, of_first), (15, of_second))
        ]
    )


def effective_number(values):
    squares = np.square(np.linalg.svd(values, compute_uv=False))
    return float((squares / (1 + squares)).sum())


@pytest.mark.parametrize(
    ("of_first", "of_second", "expected"),
    [
        pytest.param({0: 7700, 1: 150}, {2: 300, 3: 20}, 4, id="apart"),
        pytest.param({0: 7700, 1: 900}, {0: 300, 1: 100}, 2, id="the same"),
        pytest.param({0: 7700, 1: 300}, {1: 300, 2: 50}, 3, id="one shared"),
        pytest.param({0: 7700}, {}, 1, id="one sees nothing"),
    ],
)
@pytest.mark.parametrize("precise", [0.08, 1.0])
def test_a_direction_that_two_observables_know_counts_once(of_first, of_second, expected, precise):
    """Though they know it with different errors: block by block, each error would look like a direction."""
    truth = two_observables(of_first, {key: 5 * value for key, value in of_second.items()})
    stderrs = np.repeat([1.0, precise], [8, 15])[:, None] * np.ones(41)
    found = repeats(truth, stderrs, 30, 8, 15)
    assert np.mean([effective_number(one.values) for one in found]) == pytest.approx(expected, abs=0.12)
    assert np.mean([one.kept for one in found]) == pytest.approx(expected, abs=0.12)


def test_what_one_observable_tells_helps_to_see_it_in_another():
    """Too weak for the noisy one to be found among 41 parameters, but not once the direction is known."""
    truth, stderrs = two_observables({0: 25}, {0: 900}), np.repeat([1.0, 0.1], [8, 15])[:, None] * np.ones(41)
    strengths = [np.square(one.values[:8]).sum() for one in repeats(truth, stderrs, 100, 8, 15)]
    assert np.mean([one.kept for one in repeats(truth[:8], stderrs[:8], 100)]) < 0.3
    assert np.mean(strengths) == pytest.approx(25, rel=0.1)


def test_an_observable_that_sees_nothing_says_nothing_along_the_directions_of_others():
    truth, stderrs = two_observables({0: 7700, 1: 900}, {}), np.ones((23, 41))
    silent = [np.square(one.values[8:]).sum() for one in repeats(truth, stderrs, 100, 8, 15)]
    assert np.mean(np.array(silent) > 0) < 0.05
    assert np.mean(silent) < 1.5  # noise alone has 15 along each direction


def test_precise_observables_beside_exact_ones():
    truth = two_observables({0: 7700, 1: 900}, {0: 300, 2: 50})
    stderrs = np.repeat([0.0, 0.5], [8, 15])[:, None] * np.ones(41)
    (found,) = repeats(truth, stderrs, 1, 8, 15)
    np.testing.assert_allclose(found.values[:8], truth[:8], atol=0.02)
    assert found.kept == 3


def test_the_limit_is_where_a_signal_is_seen_every_other_time():
    shape = (8, 41)
    (limit,) = denoised(np.zeros(shape), np.ones(shape)).limits
    seen = [np.mean([one.kept for one in repeats(signal(shape, f * limit), np.ones(shape), 200)]) for f in (0.4, 1, 3)]
    assert seen[0] < 0.3
    assert 0.3 < seen[1] < 0.8
    assert seen[2] > 0.95


def test_where_all_is_signal_there_is_no_room_for_more():
    assert denoised(np.diag([50.0, 60.0]), np.ones((2, 2))).limits == (0.0,)
