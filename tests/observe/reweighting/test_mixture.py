"""Mixtures of ensembles whose free energies and averages are known."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from beadsmith.errors import EstimateError
from beadsmith.observe.reweighting.mixture import divergences, kish, mixture_of

#: Spring constants over kT of harmonic ensembles u = k x^2/2 that are sampled, and how often.
SPRINGS = (1.0, 2.0, 6.0)
COUNTS = (4000, 2000, 3000)


@pytest.fixture
def harmonic(rng):
    """Positions, and potentials in all ensembles."""
    x = np.concatenate([rng.normal(0.0, 1.0 / np.sqrt(k), n) for k, n in zip(SPRINGS, COUNTS, strict=True)])
    return x, np.array([0.5 * k * x**2 for k in SPRINGS])


def test_free_energies_are_those_of_the_partition_functions(harmonic):
    _, potentials = harmonic
    mixture = mixture_of(potentials, COUNTS)
    # exp(-f) is proportional to the integral of exp(-k x^2/2), which is sqrt(2 pi/k).
    assert mixture.free_energies == pytest.approx(0.5 * np.log(np.array(SPRINGS) / SPRINGS[0]), abs=0.02)


@pytest.mark.parametrize("spring", [0.7, 1.4, 3.0, 8.0])
def test_averages_in_an_ensemble_that_was_not_sampled(harmonic, spring):
    x, potentials = harmonic
    weights = mixture_of(potentials, COUNTS).weights(0.5 * spring * x**2)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ x**2 == pytest.approx(1.0 / spring, rel=0.06)
    assert weights @ np.abs(x) == pytest.approx(np.sqrt(2.0 / (np.pi * spring)), rel=0.03)


def test_one_ensemble_is_plain_exponential_reweighting(harmonic):
    x, potentials = harmonic
    own = slice(0, COUNTS[0])
    mixture = mixture_of(potentials[:1, own], COUNTS[:1])
    expected = np.exp(-0.5 * (3.0 - SPRINGS[0]) * x[own] ** 2)
    np.testing.assert_allclose(mixture.weights(1.5 * x[own] ** 2), expected / expected.sum(), rtol=1e-12)


def test_what_is_added_to_a_sample_in_all_ensembles_does_not_matter(harmonic, rng):
    x, potentials = harmonic
    common = rng.normal(-3e4, 500.0, len(x))
    one, other = mixture_of(potentials, COUNTS), mixture_of(potentials + common, COUNTS)
    weights = one.weights(1.5 * x**2)
    np.testing.assert_allclose(other.weights(1.5 * x**2 + common), weights, rtol=1e-5, atol=1e-12)


def test_an_ideal_gas_under_another_pressure(rng):
    """V has the density V^N exp(-p V): from 1.0 and 1.1 kT per unit volume to 1.05; <V> = (N + 1)/p."""
    particles, pressures, counts = 200, (1.0, 1.1), (3000, 3000)
    volumes = np.concatenate([rng.gamma(particles + 1, 1.0 / p, n) for p, n in zip(pressures, counts, strict=True)])
    mixture = mixture_of(np.outer(pressures, volumes), counts)
    weights = mixture.weights(1.05 * volumes)
    assert weights @ volumes == pytest.approx((particles + 1) / 1.05, rel=2e-3)
    assert weights @ (1.0 / volumes) == pytest.approx(1.05 / particles, rel=2e-3)
    assert mixture.free_energies[1] == pytest.approx((particles + 1) * np.log(1.1), abs=0.1)


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0, 4.0])
def test_divergence_and_overlap_of_two_normal_distributions(rng, apart):
    x = np.concatenate([rng.normal(0.0, 1.0, 10000), rng.normal(apart, 1.0, 10000)])
    potentials = 0.5 * np.array([x**2, (x - apart) ** 2])
    found = divergences(potentials, (10000, 10000))
    assert found == pytest.approx(np.array([[0.0, apart**2], [apart**2, 0.0]]), abs=0.08 + 0.02 * apart**2)
    membership = mixture_of(potentials, (10000, 10000)).membership[1, :10000].mean()
    # The second's share of the mixture, where the first is: integrated over the first.
    share, _ = quad(lambda y: norm.pdf(y) / (1.0 + np.exp(0.5 * apart**2 - apart * y)), -12, 12)
    assert membership == pytest.approx(share, abs=0.008)
    if apart == 4.0:
        assert share == pytest.approx(0.03, abs=0.005)  # what the docstring of divergences says


def test_kish_counts_samples():
    assert kish(np.full(50, 0.3)) == pytest.approx(50.0)
    assert kish(np.array([1.0, 0.0, 0.0])) == pytest.approx(1.0)
    assert kish(np.array([3.0, 1.0])) == pytest.approx(16.0 / 10.0)


def test_kish_of_normal_energies_falls_with_the_square_of_the_step(rng):
    """N exp(-s^2) for energy differences that are normally distributed with the standard deviation s."""
    exponents = rng.normal(0.0, 0.8, 400_000)
    assert kish(np.exp(exponents)) / 400_000 == pytest.approx(np.exp(-(0.8**2)), rel=0.02)


def test_ensembles_far_apart_have_free_energies_that_nobody_believes(rng):
    x = np.concatenate([rng.normal(0.0, 1.0, 300), rng.normal(60.0, 1.0, 300)])
    potentials = 0.5 * np.array([x**2, (x - 60.0) ** 2])
    assert divergences(potentials, (300, 300))[0, 1] == pytest.approx(3600.0, rel=0.01)
    # Whatever is found, samples stay with their own ensemble.
    assert mixture_of(potentials, (300, 300)).membership[0] == pytest.approx(np.repeat([1.0, 0.0], 300), abs=1e-6)


def test_what_does_not_fit_is_refused(harmonic):
    _, potentials = harmonic
    with pytest.raises(ValueError, match="do not fit"):
        mixture_of(potentials, (4000, 2000, 2999))
    with pytest.raises(ValueError, match="do not fit"):
        mixture_of(potentials[:2], COUNTS)
    with pytest.raises(ValueError, match="do not fit"):
        mixture_of(potentials, (9000, 0, 0))
    broken = potentials.copy()
    broken[1, 7] = np.inf
    with pytest.raises(EstimateError, match="finite"):
        mixture_of(broken, COUNTS)
