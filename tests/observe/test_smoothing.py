"""Smooth curves through noise that is known."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.smoothing import smooth


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


@pytest.mark.parametrize("bandwidth", [None, 0.2])
def test_a_parabola_is_left_as_it_is(bandwidth):
    x = np.linspace(-1, 2, 80)
    curve = smooth(x, 3 - 2 * x + 0.5 * x**2, bandwidth)
    for place in (-1.0, 0.3, 2.0):
        assert curve.at(place) == pytest.approx((3 - 2 * place + 0.5 * place**2, -2 + place, 1.0))
    assert np.allclose(curve.along(x), 3 - 2 * x + 0.5 * x**2)
    assert curve.noise == 0.0
    assert np.isinf(curve.freedom)


def test_the_value_is_known_as_well_as_stated(autoregressive):
    x = np.linspace(0, 1, 1000)
    hits = 0
    for _ in range(100):
        curve = smooth(x, np.sin(4 * x) + 0.1 * autoregressive(1000, 4))
        hits += abs(curve.at(0.5)[0] - np.sin(4 * 0.5)) < 1.96 * curve.stderrs_at(0.5)[0]
    assert agrees_with(0.90, int(hits), 100), hits


def test_the_slope_answers_to_noise_as_stated(rng):
    x = np.linspace(0, 1, 150)
    found = [smooth(x, x**2 + 0.1 * rng.normal(size=150), 0.3) for _ in range(200)]
    slopes, stderrs = [one.at(0.4)[1] for one in found], [one.stderrs_at(0.4)[1] for one in found]
    assert np.mean(slopes) == pytest.approx(0.8, abs=0.03)
    assert np.std(slopes) == pytest.approx(np.median(stderrs), rel=0.2)


def test_more_noise_is_smoothed_over_a_wider_stretch(autoregressive):
    x = np.linspace(0, 1, 400)
    widths = [
        np.median([smooth(x, np.sin(12 * x) + noise * autoregressive(400, 1)).bandwidth for _ in range(9)])
        for noise in (0.01, 1.0)
    ]
    assert widths[1] > 1.5 * widths[0]


def test_correlated_noise_is_not_followed(autoregressive):
    """Plain cross-validation takes slow noise for the curve and picks a bandwidth of a few points."""
    x = np.linspace(0, 1, 200)
    widths = [smooth(x, np.sin(4 * x) + 0.2 * autoregressive(200, 9)).bandwidth for _ in range(15)]
    assert np.median(widths) > 0.08


def test_noise_of_a_sample_is_its_deviation_times_the_root_of_its_inefficiency(autoregressive):
    x = np.linspace(0, 1, 4000)
    found = [smooth(x, np.sin(4 * x) + 0.1 * autoregressive(4000, 9)) for _ in range(15)]
    assert found[0].samples == 20
    assert np.median([one.noise_of_sample for one in found]) == pytest.approx(0.3, rel=0.25)


def test_drawn_errors_are_as_large_as_stated(rng):
    x = np.linspace(0, 1, 100)
    curve = smooth(x, np.sin(4 * x) + 0.1 * rng.normal(size=100))
    places = np.array([0.0, 0.5])
    drawn = curve.errors_along(places, 4000, rng)
    assert drawn.shape == (4000, 2)
    assert drawn.std(axis=0) == pytest.approx([curve.stderrs_at(place)[0] for place in places], rel=0.05)


def test_what_cannot_be_smoothed_is_refused():
    x = np.arange(20.0)
    assert smooth(x, x**2).at(5.0)[0] == pytest.approx(25.0)
    with pytest.raises(EstimateError, match="19 samples are too few"):
        smooth(x[:19], x[:19])
    for uneven in (x[::-1], np.where(x < 10, x, x + 3)):
        with pytest.raises(EstimateError, match="do not ascend at about equal distances"):
            smooth(uneven, x)
    allowed = np.where(x < 10, x, x + 0.9)
    assert smooth(allowed, 2 * allowed).at(5.0)[0] == pytest.approx(10.0)
    with pytest.raises(EstimateError, match="1 of 40 values are NaN"):
        smooth(x, np.where(x == 3, np.nan, x))


def test_a_few_points_of_very_slow_noise_can_be_smoothed(rng):
    for samples in (20, 30):
        x = np.arange(float(samples))
        slow = np.repeat(rng.normal(size=samples // 10), 10)
        assert np.isfinite(smooth(x, slow).at(samples / 2)).all()


def test_noise_of_correlated_points_is_that_of_their_averages(autoregressive):
    x = np.linspace(0, 1, 200)
    found = [smooth(x, 0.1 * autoregressive(200, 4), bandwidth=1.0).noise for _ in range(100)]
    assert np.median(found) == pytest.approx(0.2, rel=0.15)
