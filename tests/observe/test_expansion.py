"""Thermal expansion of densities with a known coefficient."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.expansion import thermal_expansion

T = np.arange(400.0, 501.0, 20.0)


def test_a_density_that_falls_exponentially_has_its_exponent():
    alpha = 6e-4
    result = thermal_expansion(T, 1.1 * np.exp(-alpha * T), np.full(6, 1e-5), (400.0, 500.0))
    # The line is a secant: its coefficient is about (alpha dT)^2 / 60 too small.
    assert result.value == pytest.approx(alpha, rel=(alpha * 100) ** 2 / 30)
    assert result.temperature == 450.0


def test_a_straight_density_has_its_closed_form_in_the_middle_of_the_window():
    result = thermal_expansion(T, 1.3 - 5e-4 * T, np.full(6, 1e-5), (430.0, 490.0))
    assert result.temperature == 460.0
    assert result.value == pytest.approx(5e-4 / (1.3 - 5e-4 * 460.0))


def test_error_agrees_with_monte_carlo(rng):
    errors = np.array([1, 2, 1, 1, 2, 3]) * 1e-3
    exact = 1.3 - 5e-4 * T
    values = [
        thermal_expansion(T, exact + errors * rng.normal(size=6), errors, (400.0, 500.0)).value for _ in range(3000)
    ]
    assert thermal_expansion(T, exact, errors, (400.0, 500.0)).stderr == pytest.approx(np.std(values), rel=0.05)


def test_only_the_window_counts():
    densities = np.where(T < 440, 9.9, 1.3 - 5e-4 * T)
    assert thermal_expansion(T, densities, np.full(6, 1e-5), (440.0, 500.0)).value == pytest.approx(5e-4 / 1.065)
    with pytest.raises(EstimateError, match="holds 1 temperature"):
        thermal_expansion(T, densities, np.full(6, 1e-5), (490.0, 510.0))
