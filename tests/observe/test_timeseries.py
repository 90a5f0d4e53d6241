"""The mean of correlated series with known mean, correlation and drift."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import (
    block_averages,
    drift_probability,
    effective_samples,
    first_sample,
    mean_of_series,
    settling_point,
    student_probability,
)

SERIES = 400


def agrees_with(share: float, successes: int, trials: int) -> bool:
    """Whether a number of successes is an ordinary outcome (99.9 %) of trials with this chance."""
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def line(size: float):
    return lambda u: size * (u - 1)


def decay(size: float, time: float):
    return lambda u: size * np.exp(-u / time)


def shares(series) -> tuple[float, float]:
    """How many of the series are flagged, and how many are cut."""
    means = [mean_of_series(one) for one in series]
    return float(np.mean([not one.equilibrated for one in means])), float(np.mean([one.start > 0 for one in means]))


@pytest.mark.parametrize(
    ("samples", "inefficiency", "coverage"),
    [
        # Long series keep the promise of a standard error ...
        (90, 1, 0.955),
        (2000, 9, 0.95),
        (20000, 50, 0.95),
        # ... and short ones nearly: 30, 15, 9 and 4.5 independent samples. The docs state these numbers.
        (90, 3, 0.925),
        (90, 6, 0.91),
        (90, 10, 0.89),
        (90, 20, 0.82),
    ],
)
def test_interval_holds_the_true_mean_as_often_as_stated(autoregressive, samples, inefficiency, coverage):
    means = [mean_of_series(autoregressive(samples, inefficiency)) for _ in range(SERIES)]
    hits = sum(abs(one.value) < 1.96 * one.stderr for one in means)
    assert agrees_with(coverage, hits, SERIES)


@pytest.mark.parametrize(("samples", "inefficiency"), [(90, 1), (90, 3), (90, 10), (3000, 3), (50000, 20)])
def test_standard_error_of_ar1_has_its_closed_form(autoregressive, samples, inefficiency):
    phi = (inefficiency - 1) / (inefficiency + 1)
    lag = np.arange(1, samples)
    exact = np.sqrt((1 + 2 * np.sum((1 - lag / samples) * phi**lag)) / samples)
    stderrs = [mean_of_series(autoregressive(samples, inefficiency)).stderr for _ in range(200)]
    assert np.median(stderrs) == pytest.approx(exact, rel=0.12)


def test_statistical_inefficiency_of_ar1_is_one_plus_phi_over_one_minus_phi(autoregressive):
    for inefficiency in (1.0, 3.0, 19.0):
        estimates = [20000 / mean_of_series(autoregressive(20000, inefficiency)).samples for _ in range(100)]
        # Never too small; up to a fifth too large, because pymbar lets the 200 block averages count as 200 at most.
        assert 0.97 * inefficiency < np.median(estimates) < 1.2 * inefficiency


@pytest.mark.parametrize(
    ("samples", "inefficiency", "alarms"),
    [(90, 1, 0.001), (90, 3, 0.006), (90, 6, 0.009), (90, 10, 0.022), (2000, 9, 0.005), (20000, 50, 0.006)],
)
def test_stationary_series_are_flagged_as_rarely_as_stated(autoregressive, samples, inefficiency, alarms):
    flagged, _ = shares(autoregressive(samples, inefficiency) for _ in range(SERIES))
    assert agrees_with(alarms, round(flagged * SERIES), SERIES)


@pytest.mark.parametrize(
    ("samples", "inefficiency", "drift", "found"),
    [
        (90, 10, line(4), 0.59),
        (90, 10, line(8), 0.96),
        (90, 3, line(2), 0.39),
        (90, 3, line(4), 0.88),
        (90, 10, decay(12, 0.4), 0.88),
        (2000, 9, line(1.2), 0.77),
    ],
)
def test_series_that_drift_throughout_are_flagged_as_often_as_stated(
    autoregressive, samples, inefficiency, drift, found
):
    u = np.arange(samples) / samples
    flagged, _ = shares(autoregressive(samples, inefficiency) + drift(u) for _ in range(300))
    assert agrees_with(found, round(flagged * 300), 300)


def test_a_relaxation_at_the_beginning_is_cut_off_and_the_rest_is_used(autoregressive):
    relaxation = decay(10, 0.05)(np.arange(2000) / 2000)
    means = [mean_of_series(autoregressive(2000, 9) + relaxation) for _ in range(200)]
    accepted = [one for one in means if one.equilibrated]
    assert len(accepted) > 160
    assert all(0 < one.start < 1000 and "discarded" in one.note for one in accepted)
    assert abs(np.mean([one.value for one in accepted])) < 0.1 * relaxation.mean()


def test_a_flagged_series_is_kept_whole_and_its_error_covers_the_drift(rng):
    series = decay(1.0, 0.5)(np.arange(150) / 150) + 0.05 * rng.normal(size=150)
    assert settling_point(series) > 0  # where it would be cut if the rest were steady
    mean = mean_of_series(series)
    assert not mean.equilibrated
    assert "simulate longer" in mean.note
    assert mean.start == 0
    assert mean.value == pytest.approx(series.mean())
    assert mean.stderr > 0.1


def test_flag_and_samples_do_not_depend_on_unit_or_origin(autoregressive):
    for drift in (0.0, 8.0):
        series = autoregressive(300, 5) + np.linspace(0, drift, 300)
        one, other = mean_of_series(series), mean_of_series(1000 - 3e-4 * series)
        assert other.value == pytest.approx(1000 - 3e-4 * one.value, rel=1e-9)
        assert other.stderr == pytest.approx(3e-4 * one.stderr, rel=1e-4)
        assert (other.start, other.equilibrated) == (one.start, one.equilibrated)


def test_a_constant_series_has_no_error():
    mean = mean_of_series(np.full(90, 0.1))
    assert (mean.value, mean.stderr, mean.samples, mean.equilibrated, mean.note) == (0.1, 0.0, 1.0, True, "")
    rounded = mean_of_series(np.full(90, 0.1) + np.tile([0.0, 1e-16], 45))
    assert (rounded.stderr, rounded.equilibrated) == (0.0, True)


def test_ten_samples_are_enough_and_nine_are_not(rng):
    assert np.isfinite(mean_of_series(rng.normal(size=10)).stderr)
    with pytest.raises(EstimateError, match="9 samples are too few"):
        mean_of_series(rng.normal(size=9))
    with pytest.raises(EstimateError, match="0 samples are too few"):
        mean_of_series(np.array([]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(rng, bad):
    series = rng.normal(size=50)
    series[[7, 20]] = bad
    with pytest.raises(EstimateError, match="2 of 50 values are NaN or infinite"):
        mean_of_series(series)


def test_blocks_keep_the_mean_and_leave_out_the_first_samples():
    values = np.arange(1003.0)
    blocks = block_averages(values, most=200)
    assert blocks.shape == (167,)  # of 6 samples each; the first one of 1003 is left out
    assert blocks[0] == pytest.approx(np.mean([1, 2, 3, 4, 5, 6]))
    assert blocks.mean() == pytest.approx(values[1:].mean())
    assert first_sample(1003, 167, 0) == 1
    assert first_sample(1003, 167, 2) == 13
    assert block_averages(values[:200], most=200) is not None
    assert np.array_equal(block_averages(values[:200], most=200), values[:200])


def test_the_settling_point_is_where_a_step_ends(rng):
    series = rng.normal(size=100)
    series[:30] += 20.0
    assert settling_point(series) == 30


def test_drift_probability_is_uniform_for_white_noise_and_tiny_for_a_line(rng):
    probabilities = [drift_probability(rng.normal(size=100)) for _ in range(400)]
    # The smaller of two chances, of tests that are not independent: between 5 and 10 % fall below 5 %.
    assert 0.03 < np.mean(np.array(probabilities) < 0.05) < 0.12
    assert drift_probability(np.arange(50.0)) == 0.0
    assert np.isnan(drift_probability(np.arange(9.0)))


def test_student_probability_has_its_textbook_quantiles():
    assert student_probability(2.776, 1.0, 4) == pytest.approx(0.05, abs=1e-4)
    assert student_probability(-12.706, 1.0, 1) == pytest.approx(0.05, abs=1e-4)
    assert student_probability(0.0, 0.0, 5) == 1.0
    assert student_probability(0.1, 0.0, 5) == 0.0


def test_effective_samples_of_constant_points_is_one():
    assert effective_samples(np.ones(20)) == 1.0


def test_pymbar_says_nothing_and_logging_stays_as_it_was():
    program = (
        "import logging, numpy as np; from beadsmith.observe.timeseries import mean_of_series\n"
        "mean_of_series(np.sin(np.arange(50.0)))\n"
        "assert 'pymbar' in __import__('sys').modules\n"
        "assert logging.getLogger('pymbar').level == logging.NOTSET"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_level_the_user_chose_for_pymbar_is_restored(rng):
    logger = logging.getLogger("pymbar")
    logger.setLevel(logging.CRITICAL)
    try:
        mean_of_series(rng.normal(size=20))
        assert logger.level == logging.CRITICAL
    finally:
        logger.setLevel(logging.NOTSET)
