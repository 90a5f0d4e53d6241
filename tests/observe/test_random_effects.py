"""Means over networks whose variances are known."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.random_effects import Measurements, random_effect

SEEDS = 300
MEAN = 2.0


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def exactly(*values):
    return Measurements(np.array(values), np.zeros(len(values)))


def drawn(rng, sizes, between, within, errors=(0.05, 0.2)):
    networks = []
    for size in sizes:
        stderrs = rng.uniform(*errors, size)
        values = MEAN + between * rng.normal() + np.hypot(within, stderrs) * rng.normal(size=size)
        networks.append(Measurements(values, stderrs))
    return networks


@pytest.mark.parametrize(
    ("sizes", "between", "within", "of_mean", "of_between"),
    [
        ((3, 3, 3, 3), 0.3, 0.2, 0.96, 0.945),
        ((1, 2, 3, 3, 5), 0.3, 0.2, 0.955, 0.95),
        ((1, 1, 1, 1, 1, 1), 0.3, 0.0, 0.955, 0.95),
        ((3, 3, 3), 1.0, 0.3, 0.955, 0.95),
        # Networks that do not differ: the mean's error is not let below the plain one.
        ((3, 3, 3, 3), 0.0, 0.2, 0.995, 0.91),
    ],
)
def test_intervals_hold_the_truth_as_often_as_stated(rng, sizes, between, within, of_mean, of_between):
    found = [random_effect(drawn(rng, sizes, between, within)) for _ in range(SEEDS)]
    means = sum(low < MEAN < high for low, high in (one.interval() for one in found))
    betweens = sum(one.between_interval[0] <= between <= one.between_interval[1] for one in found)
    assert agrees_with(of_mean, means, SEEDS), means / SEEDS
    assert agrees_with(of_between, betweens, SEEDS), betweens / SEEDS


def test_variances_come_out_as_they_went_in(rng):
    found = [random_effect(drawn(rng, (3,) * 8, 0.3, 0.2)) for _ in range(SEEDS)]
    assert np.mean([one.between**2 for one in found]) == pytest.approx(0.09, rel=0.1)
    assert np.mean([one.within**2 for one in found]) == pytest.approx(0.04, rel=0.1)
    assert np.mean([one.mean for one in found]) == pytest.approx(MEAN, abs=0.02)
    errors = [one.stderr for one in found]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std([one.mean for one in found]), rel=0.15)


def test_of_balanced_networks_it_is_the_analysis_of_variance():
    values = np.array([[1.0, 1.2, 1.1], [2.0, 2.3, 1.7], [1.4, 1.5, 1.9], [0.9, 1.3, 1.4]])
    found = random_effect([Measurements(row, np.zeros(3)) for row in values])
    inside = values.var(axis=1, ddof=1).mean()
    means = values.mean(axis=1)
    assert found.within**2 == pytest.approx(inside)
    assert found.between**2 == pytest.approx(means.var(ddof=1) - inside / 3)
    assert (found.mean, found.stderr) == (pytest.approx(means.mean()), pytest.approx(means.std(ddof=1) / 2))
    assert (found.freedom, found.networks, found.measurements, found.note) == (3.0, 4, 12, "")


def test_single_measurements_with_known_errors_follow_paule_and_mandel():
    values, stderrs = np.array([1.0, 1.6, 2.4]), np.array([0.1, 0.3, 0.2])
    found = random_effect([Measurements(values[[i]], stderrs[[i]]) for i in range(3)])
    weights = 1 / (stderrs**2 + found.between**2)
    mean = weights @ values / weights.sum()
    assert found.mean == pytest.approx(mean)
    assert weights @ (values - mean) ** 2 == pytest.approx(2.0)  # networks less one
    assert found.stderr == pytest.approx(weights.sum() ** -0.5)
    assert found.within is None
    assert "scatter within one is unknown" in found.note


def test_what_agrees_better_than_it_claims_keeps_its_claim():
    found = random_effect([Measurements(np.array([1.0]), np.array([0.2])) for _ in range(4)])
    assert (found.mean, found.between) == (1.0, 0.0)
    assert found.stderr == pytest.approx(0.1)
    assert found.between_interval[0] == 0.0


def test_a_single_network_does_not_tell_how_networks_differ():
    found = random_effect([exactly(2.8, 2.72, 2.16)])
    assert found.between is None
    assert found.between_interval is None
    assert (found.mean, found.freedom) == (pytest.approx(2.56), 2.0)
    assert found.stderr == pytest.approx(np.std([2.8, 2.72, 2.16], ddof=1) / np.sqrt(3))
    assert "does not tell how networks differ" in found.note
    once = random_effect([Measurements(np.array([2.8]), np.array([0.3]))])
    assert (once.mean, once.stderr, once.within, once.between) == (2.8, pytest.approx(0.3), None, None)
    assert np.isinf(once.freedom)


def test_a_single_network_covers_its_own_mean(rng):
    hits = 0
    for _ in range(SEEDS):
        low, high = random_effect(drawn(rng, (3,), 0.0, 0.4)).interval()
        hits += low < MEAN < high
    assert agrees_with(0.95, hits, SEEDS)


def test_unit_and_origin_do_not_matter(rng):
    networks = drawn(rng, (1, 2, 3, 4), 0.3, 0.2)
    other = [Measurements(1e5 - 1e3 * one.values, 1e3 * one.stderrs) for one in networks]
    first, second = random_effect(networks), random_effect(other)
    assert second.mean == pytest.approx(1e5 - 1e3 * first.mean)
    assert second.stderr == pytest.approx(1e3 * first.stderr, rel=1e-6)
    assert second.between == pytest.approx(1e3 * first.between, rel=1e-6)
    assert second.within == pytest.approx(1e3 * first.within, rel=1e-6)


def test_equal_values_without_errors_have_none():
    found = random_effect([exactly(1.5, 1.5), exactly(1.5)])
    assert (found.mean, found.stderr, found.within, found.between) == (1.5, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        ([], "at least one network and got none"),
        ([exactly(1.0), exactly()], "network 2 has 0 values"),
        ([Measurements(np.ones(2), np.ones(1))], "network 1 has 2 values and 1 standard errors"),
        ([exactly(1.0), exactly(np.nan)], "network 2 has a value or a standard error that is no number"),
        ([Measurements(np.ones(1), np.array([np.inf]))], "no number; leave it out"),
        ([Measurements(np.ones(1), -np.ones(1))], "no number; leave it out"),
    ],
)
def test_what_is_no_measurement_is_refused(networks, sentence):
    with pytest.raises(EstimateError, match=sentence):
        random_effect(networks)
