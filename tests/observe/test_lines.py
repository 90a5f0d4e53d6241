"""Weighted lines: closed forms, a second route, and errors against Monte Carlo."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.lines import fit_line, fit_line_in_window, in_window, usable_errors

T = np.array([150.0, 175.0, 200.0, 225.0])


def test_an_exact_line_is_found_whatever_the_weights():
    line = fit_line(T, 1.3 - 4e-4 * T, np.array([1e-3, 5e-3, 2e-3, 1e-3]))
    assert line.slope == pytest.approx(-4e-4)
    assert line.intercept == pytest.approx(1.3)
    assert line.at(300.0) == pytest.approx(1.18)
    assert line.freedom == 2


def test_values_and_covariance_agree_with_numpy(rng):
    errors = np.array([1e-3, 5e-3, 2e-3, 1e-3])
    values = 1.3 - 4e-4 * T + 1e-4 * rng.normal(size=4)  # scatter well below the errors, so nothing is scaled
    line = fit_line(T, values, errors)
    coefficients, covariance = np.polyfit(T, values, 1, w=1 / errors, cov="unscaled")
    assert [line.slope, line.intercept] == pytest.approx(coefficients)
    assert line.covariance == pytest.approx(covariance, rel=1e-6)
    assert line.stderr_at(190.0) == pytest.approx(np.sqrt([190, 1] @ covariance @ [190, 1]), rel=1e-6)


def test_error_of_a_line_agrees_with_monte_carlo(rng):
    errors = np.array([2e-3, 1e-3, 2e-3, 4e-3])
    exact = 1.3 - 4e-4 * T
    noisy = [fit_line(T, exact + errors * rng.normal(size=4), errors) for _ in range(3000)]
    assert np.std([one.at(400.0) for one in noisy]) == pytest.approx(
        fit_line(T, exact, errors).stderr_at(400.0), rel=0.05
    )


def test_scatter_beyond_the_errors_scales_them_and_scatter_below_does_not():
    values = 1.3 - 4e-4 * T + 0.01 * np.array([1, -1, -1, 1])
    careless, careful = fit_line(T, values, np.full(4, 1e-4)), fit_line(T, values, np.full(4, 2e-2))
    assert careless.chi2 / careless.freedom > 1 > careful.chi2 / careful.freedom
    scatter_alone = fit_line(T, values, np.zeros(4))
    assert careless.covariance == pytest.approx(scatter_alone.covariance, rel=1e-6)
    unscaled = np.polyfit(T, values, 1, w=np.full(4, 50.0), cov="unscaled")[1]
    assert careful.covariance == pytest.approx(unscaled, rel=1e-6)


def test_two_points_have_only_their_own_errors():
    assert fit_line(T[:2], T[:2], np.array([0.1, 0.1])).stderr_at(150.0) == pytest.approx(0.1)
    assert fit_line(T[:2], T[:2], np.zeros(2)).stderr_at(150.0) == 0.0


def test_a_single_zero_error_does_not_outweigh_the_others():
    errors, known = usable_errors(np.array([0.0, 2.0, 3.0]))
    assert known
    assert list(errors) == [2.0, 2.0, 3.0]
    errors, known = usable_errors(np.zeros(3))
    assert not known
    assert list(errors) == [1.0, 1.0, 1.0]


def test_windows_include_their_ends():
    assert list(in_window(T, (175.0, 200.0))) == [False, True, True, False]
    assert list(in_window(T + 1e-9, (150.0, 225.0))) == [True, True, True, True]


def test_two_temperatures_are_enough_and_one_is_not():
    assert fit_line_in_window(T, T, np.ones(4), (150.0, 175.0)).slope == pytest.approx(1.0)
    with pytest.raises(EstimateError, match="150 to 160 K holds 1 temperature"):
        fit_line_in_window(T, T, np.ones(4), (150.0, 160.0))
    with pytest.raises(EstimateError, match="300 to 400 K holds no temperature"):
        fit_line_in_window(T, T, np.ones(4), (300.0, 400.0))
    with pytest.raises(EstimateError, match="holds 1 temperature"):
        fit_line_in_window(np.array([150.0, 150.0]), np.ones(2), np.ones(2), (100.0, 200.0))
