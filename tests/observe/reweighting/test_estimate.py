"""Errors against pymbar, the jackknife and repeats; derivatives against differences and closed forms."""

import numpy as np
import pytest

from beadsmith.observe.reweighting.estimate import Ensemble, Estimate, Scaled, derivative
from beadsmith.observe.reweighting.mixture import mixture_of

Array = np.ndarray


def ensemble_of(
    x: Array, springs: tuple[float, ...], counts: tuple[int, ...], wanted: float, size: int = 1
) -> Ensemble:
    """Harmonic ensembles u = k x^2/2, seen from another one; blocks of ``size`` consecutive samples."""
    mixture = mixture_of(0.5 * np.outer(springs, x**2), counts)
    return Ensemble(mixture, mixture.weights(0.5 * wanted * x**2), np.arange(0, len(x), size))


def drawn(rng: np.random.Generator, springs: tuple[float, ...], counts: tuple[int, ...]) -> Array:
    return np.concatenate([rng.normal(0.0, 1.0 / np.sqrt(k), n) for k, n in zip(springs, counts, strict=True)])


@pytest.mark.filterwarnings("ignore:Unknown solver options")
@pytest.mark.parametrize("wanted", [0.8, 2.0, 5.0])
def test_errors_of_uncorrelated_samples_are_those_of_pymbar(rng, wanted):
    from pymbar import MBAR

    springs, counts = (1.0, 3.0, 9.0), (800, 500, 700)
    x = drawn(rng, springs, counts)
    found = ensemble_of(x, springs, counts, wanted).mean(np.stack([x**2, np.abs(x)], axis=1))
    mbar = MBAR(0.5 * np.outer(springs, x**2), np.array(counts))
    for column, values in enumerate((x**2, np.abs(x))):
        theirs = mbar.compute_expectations(values, u_kn=0.5 * wanted * x**2)
        assert found.values[column] == pytest.approx(theirs["mu"][0], rel=1e-6)
        # Ours has the jackknife's 1/(1 - W), which theirs lacks.
        assert found.stderrs[column] == pytest.approx(theirs["sigma"][0], rel=0.02)


def test_the_error_of_a_plain_mean_is_that_of_its_blocks(rng):
    x = rng.normal(size=600)
    found = ensemble_of(x, (1.0,), (600,), 1.0, size=20).mean(x[:, None])
    blocks = x.reshape(30, 20).mean(axis=1)
    assert found.values[0] == pytest.approx(x.mean())
    assert found.stderrs[0] == pytest.approx(blocks.std(ddof=1) / np.sqrt(30))


def test_the_error_with_weights_is_the_jackknife_over_blocks(rng):
    x = rng.normal(size=400)
    ensemble = ensemble_of(x, (1.0,), (400,), 1.6, size=10)
    parts = np.stack([ensemble.weights * x**2, ensemble.weights]).reshape(2, 40, 10).sum(axis=2)
    without = (parts[0].sum() - parts[0]) / (parts[1].sum() - parts[1])
    jackknife = np.sqrt(39 / 40 * np.square(without - parts[0].sum()).sum())
    assert ensemble.mean((x**2)[:, None]).stderrs[0] == pytest.approx(jackknife, rel=0.01)


def test_errors_hold_the_noise_of_the_free_energies(rng):
    """Two ensembles that overlap little, and an average that depends on how they are balanced."""
    counts, apart = (300, 300), 2.6
    means, errors, blind = [], [], []
    for _ in range(200):
        x = np.concatenate([rng.normal(0.0, 1.0, 300), rng.normal(apart, 1.0, 300)])
        potentials = 0.5 * np.array([x**2, (x - apart) ** 2])
        mixture = mixture_of(potentials, counts)
        # Both at once: half of the samples of either.
        wanted = -np.logaddexp(-potentials[0], -potentials[1])
        ensemble = Ensemble(mixture, mixture.weights(wanted), np.arange(600))
        found = ensemble.mean(x[:, None])
        means.append(found.values[0])
        errors.append(found.stderrs[0])
        single = ensemble.weights * (x - found.values[0])
        blind.append(np.sqrt(np.square(single).sum()))
    assert np.mean(means) == pytest.approx(apart / 2, abs=4 * np.std(means) / np.sqrt(200))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.15)
    assert np.mean(blind) < 0.7 * np.std(means)


@pytest.mark.parametrize("inefficiency", [1.0, 5.0])
def test_blocks_make_errors_honest_where_samples_are_correlated(rng, autoregressive, inefficiency):
    """Forty molecules in two ensembles each, correlated in time; value and error of <x^2> at a third spring."""
    springs, wanted, values, errors = (1.0, 2.0), 1.6, [], []
    for _ in range(120):
        series = [np.concatenate([autoregressive(36, inefficiency) for _ in range(40)]) / np.sqrt(k) for k in springs]
        x = np.concatenate(series)
        found = ensemble_of(x, springs, (1440, 1440), wanted, size=36).mean((x**2)[:, None])
        values.append(found.values[0])
        errors.append(found.stderrs[0])
    assert np.mean(values) == pytest.approx(1.0 / wanted, abs=4 * np.std(values) / np.sqrt(120))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.2)


def test_a_derivative_is_the_difference_of_reweighted_means(rng):
    """The same samples weighed for two neighbouring ensembles; d<A>/dk with A = k x^2/2 + |x|, which knows k itself."""
    springs, counts, beta, step = (1.0, 2.5), (20_000, 20_000), 1.7, 1e-4
    x = drawn(rng, tuple(beta * k for k in springs), counts)
    mixture = mixture_of(0.5 * beta * np.outer(springs, x**2), counts)

    def mean(k: float) -> float:
        return float(mixture.weights(0.5 * beta * k * x**2) @ (0.5 * k * x**2 + np.abs(x)))

    blocks = np.arange(0, 40_000, 20)
    ensemble = Ensemble(mixture, mixture.weights(0.5 * beta * 1.6 * x**2), blocks)
    slopes = ensemble.centred((0.5 * x**2)[:, None])
    values = 0.5 * 1.6 * x**2 + np.abs(x)
    found = derivative(ensemble, values, slopes, beta, own=(0.5 * x**2)[:, None])
    assert found.values[0] == pytest.approx((mean(1.6 + step) - mean(1.6 - step)) / (2 * step), rel=2e-3)
    # <k x^2/2> = kT/2 whatever k is; <|x|> = sqrt(2 kT/(pi k)).
    assert found.values[0] == pytest.approx(-0.5 * np.sqrt(2.0 / (np.pi * beta)) * 1.6**-1.5, abs=4 * found.stderrs[0])


def test_the_identity_takes_noise_away_and_leaves_the_answer(rng):
    """Ideal gas: V has the density V^N exp(-p V), so d<V>/dp = -(N + 1)/p^2; Y = N - p V knows all about W = p V."""
    pressure, plain, better = 1.1, [], []
    for _ in range(60):
        volumes = rng.gamma(51, 1.0, 400)
        mixture = mixture_of(volumes[None], (400,))
        ensemble = Ensemble(mixture, mixture.weights(pressure * volumes), np.arange(400))
        slopes = ensemble.centred(volumes[:, None])
        scaled = Scaled(observable=volumes, force=50 - pressure * volumes)
        plain.append(derivative(ensemble, volumes, slopes, 1.0).values[0])
        better.append(derivative(ensemble, volumes, slopes, 1.0, scaled=scaled).values[0])
    exact = -51 / pressure**2
    assert np.mean(plain) == pytest.approx(exact, abs=4 * np.std(plain) / np.sqrt(60))
    assert np.mean(better) == pytest.approx(exact, abs=4 * np.std(better) / np.sqrt(60) + 0.02 * abs(exact))
    assert np.std(better) < 0.3 * np.std(plain)


def test_a_covariance_of_few_samples_has_no_bias(rng):
    found = []
    for _ in range(3000):
        x = rng.normal(size=12)
        ensemble = ensemble_of(x, (1.0,), (12,), 1.0)
        column = ensemble.centred(x[:, None])
        found.append(ensemble.covariance(column, column).values[0])
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(3000))


def test_arithmetic_of_estimates_is_that_of_first_order_errors():
    one = Estimate(np.array([2.0]), np.array([[0.1], [-0.1], [0.0]]))
    other = Estimate(np.array([4.0]), np.array([[0.2], [-0.2], [0.0]]))
    # The second is twice the first, errors and all: their ratio is known exactly, their product has twice the error.
    assert (one / other).values == pytest.approx([0.5])
    assert (one / other).stderrs == pytest.approx([0.0])
    assert (one * other).stderrs == pytest.approx(2 * 4.0 * one.stderrs)
    assert (other - one).stderrs == pytest.approx(one.stderrs)
    assert (other + one).values == pytest.approx([6.0])
    assert one.stretched(np.full(3, 3.0)).stderrs == pytest.approx(3 * one.stderrs)
