"""The estimator alone: known covariances, coverage of its errors, the identity that makes it more precise."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.response.fluctuation import Scaling, fluctuation_gradient, histogram_gradients
from beadsmith.observe.response.frame_values import FrameValues, of_positions
from beadsmith.units import BOLTZMANN

UNIT = 1.0 / BOLTZMANN  # the temperature at which kT = 1


def correlated(autoregressive, frames: int, groups: int, inefficiency: float, share: float):
    """A, and one dW/dtheta of variance 1 whose covariance with A is ``share``; half of its rest is as slow as A."""

    def series(g: float) -> np.ndarray:
        return np.stack([autoregressive(frames, g) for _ in range(groups)], axis=1)

    a = series(inefficiency)
    rest = np.sqrt(0.5) * (series(inefficiency) + series(1.0))
    slope = share * a + np.sqrt(1.0 - share**2) * rest
    return of_positions(a, 1), FrameValues(np.zeros_like(a), slope[:, :, None])


def repeat(autoregressive, times: int, share: float, **how: float) -> tuple[np.ndarray, np.ndarray]:
    found = [fluctuation_gradient(*correlated(autoregressive, share=share, **how), UNIT) for _ in range(times)]
    return np.array([values[0] for values, _ in found]), np.array([errors[0] for _, errors in found])


@pytest.mark.parametrize(
    # Coverage falls where few independent samples are left and the covariance is strong: documented, not hidden.
    ("inefficiency", "share", "lowest"),
    [(1.0, 0.1, 0.90), (1.0, 0.9, 0.85), (2.0, 0.5, 0.87), (4.0, 0.1, 0.90), (4.0, 0.5, 0.82), (8.0, 0.5, 0.75)],
)
def test_errors_of_one_group_are_honest(autoregressive, inefficiency, share, lowest):
    values, errors = repeat(autoregressive, 400, share, frames=37, groups=1, inefficiency=inefficiency)
    covered = np.mean(np.abs(values + share) < 1.96 * errors)
    assert covered > lowest - 0.03
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.35)


def test_the_jackknife_takes_out_most_of_the_bias(autoregressive):
    # Plainly, the covariance of 36 samples with g = 4 is about 4/36 too small.
    values, _ = repeat(autoregressive, 1500, 0.9, frames=36, groups=1, inefficiency=4.0)
    plain = [
        np.mean(a.values * w.slopes[:, :, 0]) - a.values.mean() * w.slopes.mean()
        for a, w in (correlated(autoregressive, 36, 1, 4.0, 0.9) for _ in range(1500))
    ]
    assert np.mean(plain) < 0.82
    assert -values.mean() == pytest.approx(0.9, abs=0.07)


@pytest.mark.parametrize("inefficiency", [1.0, 10.0, 1000.0])
def test_errors_of_independent_molecules_are_right_however_slow_they_are(autoregressive, inefficiency):
    values, errors = repeat(autoregressive, 300, 0.6, frames=36, groups=40, inefficiency=inefficiency)
    low, _ = binom.interval(0.999, 300, 0.93)
    assert np.sum(np.abs(values + 0.6) < 1.96 * errors) >= low
    assert values.mean() == pytest.approx(-0.6, abs=4 * values.std() / np.sqrt(300))
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.15)


def test_few_molecules_share_time_blocks(autoregressive):
    values, errors = repeat(autoregressive, 300, 0.5, frames=400, groups=3, inefficiency=5.0)
    assert values.mean() == pytest.approx(-0.5, abs=4 * values.std() / np.sqrt(300) + 0.01)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.2)


def test_the_explicit_term_and_the_temperature(rng):
    a = rng.normal(size=(400, 1))
    own = rng.normal(2.0, 0.1, size=(400, 1, 1))
    values, errors = fluctuation_gradient(FrameValues(a, own), FrameValues(a, np.zeros_like(own)), UNIT)
    assert values[0] == pytest.approx(own.mean(), abs=0.01)
    assert errors[0] == pytest.approx(0.1 / 20, rel=0.5)
    cold, _ = fluctuation_gradient(of_positions(a, 1), FrameValues(a, a[:, :, None]), 0.5 * UNIT)
    assert cold[0] == pytest.approx(-2.0 * a.var(), rel=0.02)


def boxes(rng: np.random.Generator, frames: int, particles: int) -> np.ndarray:
    """Volumes of an ideal gas at kT = P = 1: p(V) = V^N exp(-V)."""
    return rng.gamma(particles + 1.0, size=(frames, 1))


def test_the_identity_holds_and_takes_out_what_goes_with_the_virial(rng):
    # Springs in an ideal gas at constant pressure: lengths r with p(r) = r^2 exp(-k (r - 1)^2), whatever the volume is.
    # The density answers to neither k nor the length, but dW/dlength makes noise that the virial makes too.
    particles, stiffness = 50, 10.0
    plain, steady = [], []
    for _ in range(300):
        volumes = boxes(rng, 36, particles)
        grid = np.linspace(0.0, 3.0, 3001)
        weights = grid**2 * np.exp(-stiffness * (grid - 1.0) ** 2)
        lengths = rng.choice(grid, size=(36, particles), p=weights / weights.sum())
        off = lengths - 1.0
        slopes = np.stack([(off**2).sum(1), (-2.0 * stiffness * off).sum(1)], axis=1)[:, None]
        virial = (-2.0 * stiffness * lengths * off).sum(1, keepdims=True)
        density = of_positions(particles / volumes, 2)
        sampled = FrameValues(np.zeros_like(volumes), slopes)
        scaling = Scaling(-density.values, virial / 3.0 - volumes)
        plain.append(fluctuation_gradient(density, sampled, UNIT))
        steady.append(fluctuation_gradient(density, sampled, UNIT, scaling))
    (rough, _), (values, errors) = np.swapaxes(plain, 0, 1), np.swapaxes(steady, 0, 1)
    assert np.all(values.std(axis=0) < np.array([1.02, 0.8]) * rough.std(axis=0))
    assert values.mean(axis=0) == pytest.approx([0.0, 0.0], abs=4 * values.std(axis=0).max() / np.sqrt(300))
    low, _ = binom.interval(0.999, 300, 0.92)
    assert np.all(np.sum(np.abs(values) < 1.96 * errors, axis=0) >= low)


def test_a_parameter_that_only_scales_needs_no_fluctuations(rng):
    # If dW/dtheta is Y itself, the derivative is the mean of dA/dlnV, with the error of that mean.
    volumes = boxes(rng, 36, 20)
    force = rng.normal(size=(36, 1))
    sampled = FrameValues(volumes, force[:, :, None])
    values, errors = fluctuation_gradient(of_positions(volumes, 1), sampled, UNIT, Scaling(volumes, force))
    assert values[0] == pytest.approx(volumes.mean())
    assert errors[0] == pytest.approx(volumes.std() / 6.0, rel=0.4)


def test_too_few_frames_are_refused_unless_there_are_molecules_enough(rng):
    with pytest.raises(EstimateError, match="9 frames are too few for a gradient; record at least 10"):
        fluctuation_gradient(of_positions(rng.normal(size=(9, 7)), 1), FrameValues(*[np.ones((9, 7))] * 2), UNIT)
    a = rng.normal(size=(1, 8))
    values, errors = fluctuation_gradient(of_positions(a, 1), FrameValues(a, a[:, :, None]), UNIT)
    assert np.isfinite(values[0])
    assert errors[0] > 0


def test_a_constant_has_no_gradient(rng):
    slopes = rng.normal(size=(36, 1, 2))
    constant = of_positions(np.full((36, 1), 1.1), 2)
    values, errors = fluctuation_gradient(constant, FrameValues(slopes[..., 0], slopes), UNIT)
    assert values == pytest.approx([0.0, 0.0], abs=1e-14)
    assert errors == pytest.approx([0.0, 0.0], abs=1e-14)


def test_infinite_slopes_are_refused(rng):
    slopes = rng.normal(size=(36, 1, 1))
    slopes[3] = np.inf
    with np.errstate(invalid="ignore"), pytest.raises(EstimateError, match="not finite"):
        fluctuation_gradient(of_positions(rng.normal(size=(36, 1)), 1), FrameValues(slopes[..., 0], slopes), UNIT)


@pytest.mark.parametrize("groups", [1, 20])
def test_bins_of_a_histogram_are_differentiated_one_by_one(rng, groups):
    counts = rng.poisson(2.0, (60, groups, 5)).astype(float)
    sampled = FrameValues(np.zeros((60, groups)), rng.normal(size=(60, groups, 3)) + counts[:, :, :3])
    values, errors = histogram_gradients(np.moveaxis(counts, 2, 0), np.full(5, 1e-9), sampled, 300.0)
    assert values.shape == errors.shape == (5, 3)
    for one in range(5):
        alone = fluctuation_gradient(of_positions(counts[:, :, one], 3), sampled, 300.0)
        assert values[one] == pytest.approx(alone[0])
        assert errors[one] == pytest.approx(alone[1])


@pytest.mark.parametrize("groups", [1, 20])
def test_an_empty_bin_answers_by_what_one_count_could_have_said(rng, groups):
    counts = np.zeros((50, groups, 1))
    sampled = FrameValues(np.zeros((50, groups)), 7.0 + 2.0 * rng.normal(size=(50, groups, 1)))
    [[value]], [[error]] = histogram_gradients(np.moveaxis(counts, 2, 0), np.array([0.3]), sampled, UNIT)
    assert value == 0.0
    assert error == pytest.approx(0.3 * 2.0 / (50 * groups), rel=0.3)
    counts[7, 0] = 0.3
    [[value]], [[larger]] = histogram_gradients(np.moveaxis(counts, 2, 0), np.array([0.3]), sampled, UNIT)
    assert abs(value) < 4 * larger
    assert larger >= error
