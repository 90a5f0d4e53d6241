"""One process given data, against brute force: dense normal distributions, refits, finite differences."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from beadsmith.surrogate.gaussian_process import Covariance
from beadsmith.surrogate.hyperparameters import Density, most_probable
from beadsmith.surrogate.posterior import Hyperparameters, Posterior

FOUND = Hyperparameters(np.array([0.5, 0.9, 2.0]), amplitude=1.3, straightness=0.7, excess=1.0, level=0.05)


def points(number, dimension=3, seed=1):
    return np.random.default_rng(seed).random((number, dimension))


def given(number=14, noise=0.05, seed=1):
    inputs = points(number, seed=seed)
    values = np.sin(4 * inputs[:, 0]) + inputs[:, 1] ** 2
    centre = inputs.mean(axis=0)
    return Posterior.given(FOUND, centre, inputs - centre, values, np.full(number, noise))


def dense(posterior, others):
    """Conditioning a normal distribution by hand, the constant being one more coefficient of variance 10^7."""
    here = others - posterior.centre
    every = np.vstack([posterior.inputs, here])
    covariance = FOUND.between(every, every) + 1e7
    known = len(posterior.values)
    inner = covariance[:known, :known] + np.diag(posterior.noise)
    across = np.linalg.solve(inner, covariance[:known, known:])
    return across.T @ posterior.values, covariance[known:, known:] - covariance[known:, :known] @ across


def test_the_constant_is_one_more_unknown():
    posterior, others = given(), points(6, seed=2)
    mean, covariance = dense(posterior, others)
    np.testing.assert_allclose(posterior.predict(others)[0], mean, atol=1e-5)
    np.testing.assert_allclose(posterior.mean(others), mean, atol=1e-5)
    np.testing.assert_allclose(posterior.covariance(others), covariance, atol=1e-5)
    np.testing.assert_allclose(posterior.predict(others)[1], np.diagonal(covariance), atol=1e-5)


def test_the_covariance_is_that_of_the_searches():
    """Two implementations, one formula."""
    first, second = points(5) - 0.5, points(4, seed=2) - 0.5
    theirs = Covariance(torch.from_numpy(FOUND.lengths)[None, None], torch.tensor([[[0.7]]], dtype=torch.float64))
    alike = Hyperparameters(FOUND.lengths, 1.0, 0.7, 1.0, 0.0)
    np.testing.assert_allclose(
        alike.between(first, second), theirs.between(torch.from_numpy(first), torch.from_numpy(second))[0]
    )


def test_slopes_are_those_of_finite_differences():
    posterior, here, step = given(), points(5, seed=3), 1e-5
    found = posterior.slopes(here)
    mean, variance = posterior.predict(here)
    np.testing.assert_allclose(found.mean, mean)
    np.testing.assert_allclose(found.variance, variance)
    for axis, move in enumerate(step * np.eye(3)):
        (high, more), (low, less) = posterior.predict(here + move), posterior.predict(here - move)
        np.testing.assert_allclose(found.mean_slopes[:, axis], (high - low) / (2 * step), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.variance_slopes[:, axis], (more - less) / (2 * step), rtol=1e-4, atol=1e-7)
    means, slopes = posterior.mean_slopes(here)
    np.testing.assert_allclose(means, mean)
    np.testing.assert_allclose(slopes, found.mean_slopes)


def test_leaving_one_out_is_conditioning_on_the_others():
    posterior = given()
    mean, variance = posterior.left_out(np.arange(14))
    for out in range(14):
        others = np.delete(np.arange(14), out)
        expected, doubt = posterior.of(others).predict((posterior.inputs + posterior.centre)[[out]])
        assert mean[out] == pytest.approx(expected[0], rel=1e-8)
        assert variance[out] == pytest.approx(doubt[0] + posterior.noise[out], rel=1e-8)


def test_replicates_leave_together():
    once = given(10)
    rows = np.concatenate([np.arange(10), [3, 3]])
    values = once.values[rows] + np.concatenate([np.zeros(10), [0.3, -0.1]])
    posterior = Posterior.given(FOUND, once.centre, once.inputs[rows], values, np.full(12, 0.05))
    mean, variance = posterior.left_out(rows)
    expected, doubt = posterior.of(np.flatnonzero(rows != 3)).predict((once.inputs + once.centre)[[3]])
    np.testing.assert_allclose(mean[[3, 10, 11]], expected[0], rtol=1e-8)
    np.testing.assert_allclose(variance[[3, 10, 11]], doubt[0] + 0.05, rtol=1e-8)
    alone, _ = posterior.left_out(np.arange(12))
    assert abs(alone[3] - expected[0]) > 0.01  # its replicates would have told


def test_random_functions_have_the_moments_of_the_posterior():
    posterior, others = given(8), points(30, seed=4)
    rng = np.random.default_rng(1)
    # The waves that stand for the covariance are themselves random, and new in each of the 20 batches.
    drawn = np.vstack([posterior.draws(400, rng)(others) for _ in range(20)])
    mean, variance = posterior.predict(others)
    assert drawn.shape == (8000, 30)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / 8000))
    np.testing.assert_allclose(np.cov(drawn.T), posterior.covariance(others), atol=0.07 * variance.max())


def test_a_random_function_is_a_function():
    functions = given().draws(3, np.random.default_rng(1))
    others = points(20, seed=4)
    np.testing.assert_allclose(functions(others)[:, 5:7], functions(others[5:7]), rtol=1e-10)


@pytest.mark.parametrize("noise", ["measured", "level", "both"])
@pytest.mark.parametrize("number", [5, 20])
def test_the_gradient_of_the_density_is_exact(noise, number):
    """Below two points for each axis there is one length for all."""
    rng = np.random.default_rng(3)
    density = Density(points(number) - 0.5, rng.normal(size=number), 0.1 * rng.random(number), noise)
    here, step = density.start(2, rng), 1e-5
    _, slope = density.improbability(here)
    assert density.lengths == (1 if number == 5 else 3)
    for axis, move in enumerate(step * np.eye(len(here))):
        difference = density.improbability(here + move)[0] - density.improbability(here - move)[0]
        assert slope[axis] == pytest.approx(difference / (2 * step), rel=1e-5, abs=1e-6)


def test_the_likelihood_is_a_normal_density_without_its_constant():
    """Differences of values, to the first of them, hold no constant: their density is the whole information."""
    inputs = points(7) - 0.5
    values, measured = np.sin(5 * inputs[:, 0]), np.full(7, 0.02)
    density = Density(inputs, values, measured, "both")

    def ours(logarithms):
        prior = sum(
            0.5 * ((one - belief.middle) / belief.width) ** 2
            for one, belief in zip(logarithms, density.beliefs, strict=True)
        )
        return -(density.improbability(logarithms)[0] - prior)

    def theirs(logarithms):
        found = density.understood(logarithms)
        covariance = found.between(inputs, inputs) + np.diag(found.noise(measured))
        differences = np.column_stack([-np.ones(6), np.eye(6)])
        return multivariate_normal(np.zeros(6), differences @ covariance @ differences.T).logpdf(differences @ values)

    here, there = (density.start(2, np.random.default_rng(seed)) for seed in (1, 2))
    assert ours(here) - ours(there) == pytest.approx(theirs(here) - theirs(there), rel=1e-6)


def test_no_hyperparameters_nearby_are_more_probable():
    inputs = points(40) - 0.5
    density = Density(inputs, np.sin(5 * inputs[:, 0]) + inputs[:, 1], np.full(40, 0.01), "both")
    start = density.start(0, np.random.default_rng(0))
    optimum = most_probable(density, start)
    begin, _ = density.improbability(start)
    assert -optimum.log_density < begin - 1.0
    found = optimum.hyperparameters
    numbers = [*found.lengths, found.amplitude, found.straightness, found.excess, found.level]
    low, high = np.transpose([(belief.low, belief.high) for belief in density.beliefs])
    for seed in range(50):
        nearby = np.log(numbers) + 0.1 * np.random.default_rng(seed).normal(size=len(numbers))
        assert density.improbability(np.clip(nearby, low, high))[0] >= -optimum.log_density - 1e-6
