"""Tg from lines and from a hyperbola: exact curves, noise against Monte Carlo, and data that cannot say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.glass_transition import hyperbola, two_lines

COLD, HOT = (150.0, 225.0), (425.0, 500.0)
EIGHT = np.array([150.0, 175.0, 200.0, 225.0, 425.0, 450.0, 475.0, 500.0])
LADDER = np.arange(100.0, 601.0, 25.0)
RHO0, A, B, T0, C = 1.15, 2.0e-4, 5.0e-4, 340.0, 2 * np.log(30.0)


def bent(temperatures, glass=-3e-4, melt=-7e-4, tg=340.0, density=1.15):
    return density + np.where(temperatures < tg, glass, melt) * (temperatures - tg)


def curve(temperatures, t0=T0, c=C):
    offset = temperatures - t0
    return RHO0 - A * offset - B * (offset / 2 + np.sqrt(offset**2 / 4 + np.exp(c)))


def test_the_published_targets_give_the_published_tg():
    # Martins et al. (2025), atomistic densities and the Tg of their table.
    densities = np.array([1.2344, 1.2288, 1.2187, 1.2115, 1.1297, 1.1164, 1.0961, 1.0793])
    assert two_lines(EIGHT, densities, np.full(8, 1e-3), COLD, HOT).temperature == pytest.approx(378.10, abs=0.1)


@given(st.floats(230, 420), st.floats(-5e-4, -1e-4), st.floats(1.5, 4))
def test_exact_lines_cross_exactly(tg, glass, ratio):
    fit = two_lines(EIGHT, bent(EIGHT, glass, ratio * glass, tg), np.full(8, 1e-5), COLD, HOT)
    assert fit.temperature == pytest.approx(tg)
    assert (fit.cold.slope, fit.hot.slope) == pytest.approx((glass, ratio * glass))


def test_order_and_further_temperatures_do_not_matter(rng):
    temperatures = rng.permutation(np.append(EIGHT, [300.0, 350.0]))
    densities = np.where((temperatures > 225) & (temperatures < 425), 9.9, bent(temperatures))
    fit = two_lines(temperatures, densities, np.full(10, 1e-3), COLD, HOT)
    assert fit.temperature == pytest.approx(340.0)
    assert (fit.coldest, fit.hottest) == (150.0, 500.0)


def test_propagated_error_agrees_with_monte_carlo(rng):
    errors = np.array([2, 1, 1, 2, 3, 2, 2, 3]) * 2e-4
    fits = [two_lines(EIGHT, bent(EIGHT) + errors * rng.normal(size=8), errors, COLD, HOT) for _ in range(2000)]
    stated = two_lines(EIGHT, bent(EIGHT), errors, COLD, HOT).stderr
    assert np.std([fit.temperature for fit in fits]) == pytest.approx(stated, rel=0.06)
    hits = sum(abs(fit.temperature - 340.0) < 1.96 * fit.stderr for fit in fits)
    assert hits / 2000 > 0.94  # a little more than 95 % because errors are scaled up but never down


def test_error_by_the_full_covariance_of_both_lines():
    # The long way: gradient of Tg with respect to both slopes and intercepts.
    fit = two_lines(EIGHT, bent(EIGHT), np.array([2, 1, 1, 2, 3, 2, 2, 3]) * 1e-3, COLD, HOT)
    bend = fit.cold.slope - fit.hot.slope
    gradient = np.array([fit.temperature, 1.0]) / bend
    variance = gradient @ fit.cold.covariance @ gradient + gradient @ fit.hot.covariance @ gradient
    assert fit.stderr == pytest.approx(np.sqrt(variance))


def test_parallel_lines_and_empty_windows_are_refused():
    errors = np.full(8, 1e-3)
    with pytest.raises(EstimateError, match="parallel"):
        two_lines(EIGHT, 1.3 - 4e-4 * EIGHT, errors, COLD, HOT)
    with pytest.raises(EstimateError, match="425 to 440 K holds 1 temperature"):
        two_lines(EIGHT, bent(EIGHT), errors, COLD, (425.0, 440.0))
    with pytest.raises(EstimateError, match="must not overlap"):
        two_lines(EIGHT, bent(EIGHT), errors, (150.0, 425.0), HOT)
    assert two_lines(EIGHT, bent(EIGHT), errors, (150.0, 424.0), HOT).note == ""


def test_a_crossing_that_the_data_do_not_determine_says_so():
    def note(densities, error):
        return two_lines(EIGHT, densities, np.full(8, error), COLD, HOT).note

    assert note(bent(EIGHT), 1e-4) == ""
    assert "95 % interval, -10 to 690 K, reaches beyond the fitted temperatures" in note(bent(EIGHT), 0.02)
    assert "outside the fitted temperatures, 150 to 500 K" in note(bent(EIGHT) - 0.3 * (EIGHT > 300), 1e-4)
    assert "the melt expands less than the glass" in note(bent(EIGHT, glass=-7e-4, melt=-3e-4), 1e-4)
    assert note(bent(EIGHT), 0.02).startswith("Tg by intersection is not determined by these data")


@pytest.mark.parametrize(("tg", "nearest_end"), [(340.0, 500.0), (300.0, 150.0)])
def test_a_tg_is_determined_while_its_interval_of_95_percent_lies_within_the_temperatures(tg, nearest_end):
    def fit(error):
        return two_lines(EIGHT, bent(EIGHT, tg=tg), np.full(8, error), COLD, HOT)

    critical = abs(nearest_end - tg) / 1.96 / fit(1.0).stderr
    assert fit(0.99 * critical).note == ""
    assert "reaches beyond the fitted temperatures, 150 to 500 K" in fit(1.01 * critical).note


def inside(fits, true, sigmas):
    return sum(abs(fit.temperature - true) < sigmas * fit.stderr for fit in fits)


def covers(hits, total, nominal):
    """Whether intervals hold the truth as often as they say, or up to 14 % more often: errors are never scaled down."""
    low, high = binom.ppf(1e-3, total, nominal), binom.isf(1e-3, total, min(1.14 * nominal, 0.9999))
    return low <= hits <= high


# A melt that is cooled from 500 to 150 K by 25 K, with the slopes of a model of Pebax.
COOLING = np.arange(150.0, 501.0, 25.0)


def cooled(width):
    offset = COOLING - 306.0
    return 1.19 - 3.0e-4 * offset - 3.2e-4 * (offset / 2 + np.sqrt(offset**2 / 4 + width**2))


@pytest.mark.parametrize(("width", "error"), [(5.0, 1e-3), (5.0, 2e-3), (30.0, 1e-3), (30.0, 2e-3)])
def test_intervals_of_the_intersection_hold_the_truth_as_often_as_they_say(rng, width, error):
    errors = np.full(len(COOLING), error)
    true = two_lines(COOLING, cooled(width), errors, COLD, HOT).temperature
    fits = [
        two_lines(COOLING, cooled(width) + error * rng.normal(size=len(COOLING)), errors, COLD, HOT)
        for _ in range(1000)
    ]
    assert covers(inside(fits, true, 1.0), 1000, 0.683)
    assert covers(inside(fits, true, 1.96), 1000, 0.95)


@pytest.mark.parametrize(("width", "error"), [(5.0, 2e-3), (30.0, 1e-3)])
def test_intervals_of_the_hyperbola_hold_the_truth_as_often_as_they_say(rng, width, error):
    errors = np.full(len(COOLING), error)
    fits = [hyperbola(COOLING, cooled(width) + error * rng.normal(size=len(COOLING)), errors) for _ in range(100)]
    assert covers(inside(fits, 306.0, 1.0), 100, 0.683)
    assert covers(inside(fits, 306.0, 1.96), 100, 0.95)


def test_a_glass_that_hides_its_scatter_does_not_lead_the_hyperbola_astray(rng):
    """A run of 0.3 ns says 0.0003 g/cm^3 in the glass and 0.001 in the melt, and both are off by 0.0015."""
    stated = np.where(COOLING < 330.0, 3e-4, 1e-3)
    fits = [hyperbola(COOLING, cooled(15.0) + 1.5e-3 * rng.normal(size=len(COOLING)), stated) for _ in range(60)]
    assert covers(inside(fits, 306.0, 1.0), 60, 0.683)
    assert covers(inside(fits, 306.0, 1.96), 60, 0.95)
    excesses = np.array([fit.excess for fit in fits])
    assert np.sqrt(np.mean(excesses**2)) == pytest.approx(1.4e-3, rel=0.15)
    assert [fit.chi2 for fit in fits if fit.excess > 0] == pytest.approx(
        [fit.freedom for fit in fits if fit.excess > 0], rel=0.05
    )


def test_nothing_is_added_to_errors_that_explain_the_scatter(rng):
    errors = np.full(len(COOLING), 1e-3)
    fit = hyperbola(COOLING, cooled(15.0) + 0.5 * errors * rng.normal(size=len(COOLING)), errors)
    assert fit.excess == 0.0
    assert fit.chi2 < fit.freedom
    # A fit that starts from a near one keeps what was added there.
    careless = hyperbola(COOLING, cooled(15.0) + 2e-3 * rng.normal(size=len(COOLING)), errors)
    assert careless.excess > 0
    assert hyperbola(COOLING, cooled(15.0), errors, careless).excess == careless.excess


def test_what_is_called_determined_is_right_as_often_as_it_says(rng):
    """At an error of 0.006 g/cm^3 most intersections are hopeless; those that pass must not be the lucky ones."""
    errors = np.full(len(COOLING), 6e-3)
    true = two_lines(COOLING, cooled(5.0), errors, COLD, HOT).temperature
    curves = [cooled(5.0) + 6e-3 * rng.normal(size=len(COOLING)) for _ in range(1500)]
    fits = [two_lines(COOLING, curve, errors, COLD, HOT) for curve in curves]
    kept = [fit for fit in fits if not fit.note]
    assert 0.2 < len(kept) / len(fits) < 0.6
    assert inside(kept, true, 1.0) > 0.683 * len(kept)
    assert inside(kept, true, 1.96) > 0.95 * len(kept)


def test_the_published_tg_is_known_to_18_K_by_the_scatter_of_its_densities(rng):
    # Martins et al. (2025) give no error bars, but their points scatter about the lines: four degrees of freedom.
    densities = np.array([1.2344, 1.2288, 1.2187, 1.2115, 1.1297, 1.1164, 1.0961, 1.0793])
    plain = two_lines(EIGHT, densities, np.ones(8), COLD, HOT)
    scatter = np.sqrt((plain.cold.chi2 + plain.hot.chi2) / (plain.cold.freedom + plain.hot.freedom))
    assert scatter == pytest.approx(0.00173, abs=1e-5)
    stated = plain.stderr * scatter  # no scaling: chi2 is far below 1 with errors of 1 g/cm^3
    assert stated == pytest.approx(17.7, abs=0.1)
    on_lines = np.array([(plain.cold if T < 300 else plain.hot).at(T) for T in EIGHT])
    again = [two_lines(EIGHT, on_lines + scatter * rng.normal(size=8), np.ones(8), COLD, HOT) for _ in range(4000)]
    assert np.std([fit.temperature for fit in again]) == pytest.approx(stated, rel=0.05)


def test_a_hyperbola_finds_its_own_parameters(rng):
    order = rng.permutation(len(LADDER))
    fit = hyperbola(LADDER[order], curve(LADDER)[order], np.full(len(LADDER), 1e-4))
    assert (fit.rho0, fit.a, fit.b, fit.T0, fit.c) == pytest.approx((RHO0, A, B, T0, C), rel=1e-5)
    assert fit.at(LADDER) == pytest.approx(curve(LADDER))
    assert fit.note == ""
    assert fit.temperature == fit.T0


@given(st.floats(180, 520), st.floats(5, 80))
def test_a_hyperbola_finds_any_transition_within_the_range(t0, width):
    fit = hyperbola(LADDER, curve(LADDER, t0, 2 * np.log(width)), np.full(len(LADDER), 1e-4))
    assert pytest.approx(t0, abs=0.05) == fit.T0


def test_noise_moves_a_hyperbola_by_its_stated_error(rng):
    error = 1e-3
    fits = [hyperbola(LADDER, curve(LADDER) + error * rng.normal(size=21), np.full(21, error)) for _ in range(150)]
    hits = sum(abs(fit.T0 - T0) < 1.96 * fit.stderr for fit in fits)
    low, high = binom.interval(0.999, 150, 0.95)
    assert low <= hits <= high
    stated = hyperbola(LADDER, curve(LADDER), np.full(21, error)).stderr
    assert np.std([fit.T0 for fit in fits]) == pytest.approx(stated, rel=0.2)


def test_error_of_a_hyperbola_agrees_with_a_bootstrap_of_one_data_set(rng):
    error = 1e-3
    densities = curve(LADDER) + error * rng.normal(size=21)
    fit = hyperbola(LADDER, densities, np.full(21, error))
    again = [hyperbola(LADDER, fit.at(LADDER) + error * rng.normal(size=21), np.full(21, error)).T0 for _ in range(120)]
    assert fit.stderr == pytest.approx(np.std(again), rel=0.25)


def test_scatter_beyond_the_errors_widens_the_error_of_a_hyperbola(rng):
    densities = curve(LADDER) + 2e-3 * rng.normal(size=21)
    stderrs = [hyperbola(LADDER, densities, np.full(21, error)).stderr for error in (1e-5, 1e-4, 0.0)]
    assert stderrs[0] == pytest.approx(stderrs[1], rel=1e-2)
    assert stderrs[0] == pytest.approx(stderrs[2], rel=1e-2)


def test_six_temperatures_are_enough_and_five_are_not():
    six = np.linspace(150.0, 550.0, 6)
    assert pytest.approx(T0, abs=1.0) == hyperbola(six, curve(six), np.full(6, 1e-4)).T0
    with pytest.raises(EstimateError, match="needs 6 temperatures with a density and got 5"):
        hyperbola(six[:5], curve(six[:5]), np.full(5, 1e-4))
    with pytest.raises(EstimateError, match="got 5"):
        hyperbola(np.append(six[:5], six[0]), np.ones(6), np.full(6, 1e-4))


def test_straight_parts_that_are_not_reached_are_named():
    def note(temperatures, width=30.0):
        return hyperbola(temperatures, curve(temperatures, c=2 * np.log(width)), np.full(len(temperatures), 1e-7)).note

    assert note(LADDER) == ""
    assert "straight part of the melt is not reached within 100 to 375 K" in note(LADDER[LADDER <= 375])
    assert "straight part of the glass is not reached" in note(LADDER[LADDER >= 300])
    assert "of the glass and of the melt" in note(LADDER[abs(LADDER - T0) < 120], width=80.0)


def test_densities_that_do_not_bend_have_no_transition(rng):
    with pytest.raises(EstimateError, match="do not bend"):
        hyperbola(LADDER, 1.3 - 4e-4 * LADDER, np.full(21, 1e-3))
    # A free kink always finds a bend in noise; it must not be taken for a transition.
    noisy = [1.3 - 4e-4 * LADDER + 1e-3 * rng.normal(size=21) for _ in range(20)]
    assert all("a straight line fits" in hyperbola(LADDER, one, np.full(21, 1e-3)).note for one in noisy)


def test_densities_that_bend_upward_are_no_glass_transition():
    assert "expands less" in hyperbola(LADDER, 2.3 - curve(LADDER), np.full(21, 1e-4)).note


def test_a_kink_is_found_within_a_fraction_of_a_step():
    fit = hyperbola(LADDER, bent(LADDER), np.full(21, 1e-4))
    assert pytest.approx(340.0, abs=2.5) == fit.T0
    assert np.isfinite(fit.stderr)
    assert fit.stderr < 2.5
