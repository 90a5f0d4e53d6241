"""Diagnostics: Q2 and coverage of emulators that are good, poor, overconfident, or short of points."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import qmc

from beadsmith.errors import EstimateError
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.diagnostics import diagnose
from beadsmith.surrogate.emulator import fit_emulator
from beadsmith.surrogate.measurements import Measurements

AXES = tuple(Axis(name, 0.0, 1.0) for name in "abcd")


def measured(function, number, noise, known=True, seed=1):
    inputs = qmc.Sobol(4, rng=seed).random(1 << (number - 1).bit_length())[:number]
    values = function(inputs) + noise * np.random.default_rng(seed).normal(size=number)
    return Measurements("pacm", "cage", AXES, inputs, values, np.full(number, noise if known else np.nan))


def smooth(inputs):
    return 3 + np.sin(3 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2]


def crooked(inputs):
    """Far too many turns for the points that are there."""
    return 3 + np.sin(40 * inputs[:, 0]) * np.sin(37 * inputs[:, 1])


def test_a_good_emulator_is_told_so():
    found = diagnose(fit_emulator(measured(smooth, 120, 0.03), starts=1))
    assert found.usable
    assert found.warnings == ()
    assert found.q2 > 0.95
    assert found.q2_beyond_noise > found.q2
    assert found.coverage95 == pytest.approx(0.95, abs=0.05)
    assert found.coverage68 == pytest.approx(0.68, abs=0.12)
    assert found.residuals.std() == pytest.approx(1.0, abs=0.2)
    assert found.learning.more_runs == (0, 0, 0)
    found.require_usable("sensitivity")


def test_q2_is_that_of_refits_with_a_point_left_out():
    """Brute force: the same hyperparameters, fewer data."""
    emulator = fit_emulator(measured(smooth, 30, 0.1), transform="identity", starts=1)
    predicted = np.concatenate([emulator.without(np.array([row])) for row in range(30)])
    found = diagnose(emulator)
    values = emulator.measurements.values
    np.testing.assert_allclose(found.predicted, predicted, rtol=0.02)  # the scale and the centre also lose a point
    expected = 1 - ((values - predicted) ** 2).sum() / ((values - values.mean()) ** 2).sum()
    assert found.q2 == pytest.approx(expected, abs=0.01)


def test_intervals_are_in_natural_units_and_hold_the_values():
    found = diagnose(fit_emulator(measured(smooth, 100, 0.05), transform="log", starts=1))
    low, high = found.intervals
    inside = (low < found.values) & (found.values < high)
    assert inside.mean() == pytest.approx(found.coverage95)
    assert (low > 0).all()
    assert ((low < found.predicted) & (found.predicted < high)).all()


def test_a_poor_emulator_says_why_and_refuses():
    found = diagnose(fit_emulator(measured(crooked, 60, 0.01, known=False), starts=1))
    assert found.q2 < 0.3
    assert not found.usable
    with pytest.raises(EstimateError, match=r"pacm\.cage: received an emulator that is not good enough, .*sensitivity"):
        found.require_usable("sensitivity")


def test_noise_that_was_measured_excuses_and_noise_that_was_not_does_not():
    """Half of the variance is noise: no emulator predicts more than the other half of single runs."""
    told, untold = (diagnose(fit_emulator(measured(smooth, 250, 0.4, known), starts=1)) for known in (True, False))
    assert 0.2 < told.q2 < 0.7
    assert told.usable
    assert told.q2_beyond_noise > 0.85
    assert untold.q2_beyond_noise == untold.q2 < 0.7
    assert not untold.usable
    assert any("a few runs done twice would tell whether it is scatter" in sentence for sentence in untold.warnings)


def test_nothing_but_noise():
    flat = measured(lambda inputs: np.full(len(inputs), 3.0), 60, 0.2)
    found = diagnose(fit_emulator(flat, starts=1))
    assert not found.usable
    # Standard errors that are just as large as the scatter, by chance a little larger.
    spread = float(flat.values.std()) * 1.01
    hopeless = diagnose(fit_emulator(replace(flat, stderrs=np.full(60, spread)), starts=1))
    assert hopeless.q2_beyond_noise == hopeless.q2_interval[0] == -math.inf
    assert not hopeless.usable
    assert "the values vary no more than their standard errors" in hopeless.warnings[0]


@pytest.mark.parametrize(("noise", "number"), [(0.05, 60), (0.2, 100), (0.4, 250)])
def test_with_the_true_noise_the_value_is_the_true_one(noise, number):
    """The function is known here, so what of its variance is predicted can be counted without any noise."""
    differences = []
    for seed in range(6):
        data = measured(smooth, number, noise, seed=seed)
        found = diagnose(fit_emulator(data, transform="identity", starts=1), seed=seed)
        exact = smooth(data.inputs)
        truth = 1 - ((exact - found.predicted) ** 2).mean() / exact.var()
        low, high = found.q2_interval
        assert low < found.q2_beyond_noise < high < 1
        assert not found.refuted
        differences.append((found.q2_beyond_noise - truth) / (high - low))
    assert np.abs(differences).max() < 1
    assert np.abs(np.mean(differences)) < 0.5


@pytest.mark.parametrize(("noise", "stated"), [(0.3, 0.45), (0.3, 0.6), (0.2, 1.0)])
def test_standard_errors_that_are_too_large_are_refuted_and_excuse_nothing(noise, stated):
    """A noise beyond the error of prediction cannot be: it once made any emulator perfect."""
    data = replace(measured(smooth, 90, noise), stderrs=np.full(90, stated))
    found = diagnose(fit_emulator(data, transform="identity", starts=1))
    assert found.refuted
    assert found.q2_beyond_noise == found.q2 < 0.8
    assert not found.usable
    assert any("the standard errors are larger than the scatter shows" in sentence for sentence in found.warnings)


def test_standard_errors_that_are_too_large_but_do_not_matter_leave_a_good_emulator_good():
    data = replace(measured(smooth, 90, 0.01), stderrs=np.full(90, 0.08))
    found = diagnose(fit_emulator(data, transform="identity", starts=1))
    assert found.refuted
    assert found.usable


def test_a_value_that_runs_do_not_settle_is_said_and_not_used():
    """Most of the variance is noise, rightly stated; forty runs cannot tell how much of the rest is predicted."""
    found = diagnose(fit_emulator(measured(smooth, 40, 0.5), transform="identity", starts=1))
    low, high = found.q2_interval
    assert low < 0.7 < found.q2_beyond_noise < high
    assert not found.usable
    assert found.learning.more_runs != (0, 0, 0)
    assert any("40 runs only say that this lies between" in sentence for sentence in found.warnings)
    with pytest.raises(EstimateError, match="40 runs only say"):
        found.require_usable("sensitivity")


@pytest.mark.parametrize("stated", [0.01, 0.3, 0.45, 0.7])
def test_what_cannot_be_learnt_is_never_usable_whatever_noise_is_claimed(stated):
    for seed in range(4):
        data = replace(measured(crooked, 60, 0.01, seed=seed), stderrs=np.full(60, stated))
        found = diagnose(fit_emulator(data, transform="identity", starts=1), seed=seed)
        assert found.q2_interval[0] < 0.3
        assert not found.usable


def test_the_same_seed_gives_the_same_interval():
    emulator = fit_emulator(measured(smooth, 40, 0.3), starts=1)
    assert diagnose(emulator, seed=3).q2_interval == diagnose(emulator, seed=3).q2_interval


def test_an_overconfident_emulator_is_noticed():
    emulator = fit_emulator(measured(smooth, 150, 0.1, known=False), transform="identity", noise="level", starts=1)
    sure = replace(emulator, hyperparameters=replace(emulator.hyperparameters, level=1e-4))
    assert not any("too narrow" in sentence for sentence in diagnose(emulator).warnings)
    assert any("too narrow" in sentence for sentence in diagnose(sure).warnings)
    unsure = replace(emulator, hyperparameters=replace(emulator.hyperparameters, level=2.0))
    assert any("too wide" in sentence for sentence in diagnose(unsure).warnings)


def test_the_learning_curve_foretells_what_more_runs_bring():
    """A function that 40 points do not resolve; the runs it asks for do bring what it says, within a factor of 3."""

    def bent(inputs):
        return np.sin(7 * inputs[:, 0]) + np.cos(6 * inputs[:, 1]) * inputs[:, 2] + np.sin(5 * inputs[:, 3])

    found = diagnose(fit_emulator(measured(bent, 48, 0.02), transform="identity", starts=2))
    assert found.q2_beyond_noise < 0.9
    more = found.learning.more_runs[0]
    assert any("more runs" in sentence for sentence in found.warnings)
    enough = diagnose(fit_emulator(measured(bent, 48 + 3 * more, 0.02), transform="identity", starts=2))
    assert enough.q2_beyond_noise > 0.9
    assert (np.diff(found.learning.points) > 0).all()


@pytest.mark.parametrize(("number", "judged"), [(8, False), (9, True)])
def test_few_points_are_not_judged(number, judged):
    found = diagnose(fit_emulator(measured(smooth, number, 0.01), starts=1))
    assert found.judged == judged
    if not judged:
        assert found.warnings == ("8 points over 4 axes are too few to judge an emulator (from 9 on it is judged)",)
        with pytest.raises(EstimateError, match="too few to judge"):
            found.require_usable("sensitivity")


def test_replicates_do_not_flatter():
    """Noise at 20 places, each measured five times: whoever leaves out one run alone sees the other four."""
    rng = np.random.default_rng(2)
    places = np.repeat(rng.random((20, 4)), 5, axis=0)
    values = np.repeat(rng.normal(size=20), 5) + 0.01 * rng.normal(size=100)
    data = Measurements("a", "b", AXES, places, values, np.full(100, 0.01))
    emulator = fit_emulator(data, transform="identity", starts=1)
    alone, _ = emulator.posterior.left_out(np.arange(100))
    assert np.corrcoef(alone, values)[0, 1] > 0.99
    assert diagnose(emulator).q2 < 0.1


def test_replicates_from_a_table_that_rounds_do_not_flatter():
    """A function that cannot be learnt, run twice; the second runs come from a table of eight digits."""
    rng = np.random.default_rng(2)
    places = rng.random((60, 4))
    copies = np.array([[float(f"{number:.8g}") for number in row] for row in places])
    assert (copies != places).any(axis=1).all()
    values = np.tile(rng.normal(size=60), 2) + 0.01 * rng.normal(size=120)
    data = Measurements("a", "b", AXES, np.vstack([places, copies]), values, np.full(120, 0.01))
    assert len(np.unique(data.places())) == 60
    found = diagnose(fit_emulator(data, transform="identity", starts=1))
    assert found.q2 < 0.3
    assert not found.usable


def test_places_know_copies_on_either_side_of_any_edge_and_nothing_else():
    """Numbers just beside those at which a rounding to a grid would turn over."""
    edges = (np.arange(50) + 0.5) * 1e-6 + 0.3
    axis = (Axis("a", 0.0, 1.0), Axis("b", 0.0, 1.0))
    first = np.column_stack([np.linspace(0, 1, 50), edges])
    beside = first + np.array([0.0, 1e-8]) * np.where(np.arange(50) % 2, 1, -1)[:, None]
    data = Measurements("a", "b", axis, np.vstack([first, beside]), np.arange(100.0), np.zeros(100))
    places = data.places()
    assert (places[:50] == places[50:]).all()
    assert len(np.unique(places)) == 50
