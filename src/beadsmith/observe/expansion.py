"""Thermal expansion from density against temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beadsmith.observe.lines import Line, fit_line_in_window, propagated
from beadsmith.observe.timeseries import Array


@dataclass(frozen=True)
class Expansion:
    """Volumetric thermal expansion coefficient, alpha = -(1/rho) d rho / dT at constant pressure.

    Attributes:
        value, stderr: 1/K.
        temperature: where it holds, K: the middle of the window.
        line: the fitted density, g/cm^3 against K.
    """

    value: float
    stderr: float
    temperature: float
    line: Line


def thermal_expansion(temperatures: Array, densities: Array, stderrs: Array, window: tuple[float, float]) -> Expansion:
    """Slope of a weighted line through the densities in a window, over its density in the middle.

    Args:
        temperatures: K, shape (points,), in any order.
        densities: g/cm^3, shape (points,).
        stderrs: g/cm^3, shape (points,).
        window: coldest and hottest temperature to fit, K, both included.

    Raises:
        EstimateError: the window holds fewer than two temperatures.
    """
    line = fit_line_in_window(temperatures, densities, stderrs, window)
    middle = (window[0] + window[1]) / 2
    density = line.at(middle)
    # alpha = -slope / (intercept + slope middle)
    gradient = np.array([-line.intercept, line.slope]) / density**2
    return Expansion(-line.slope / density, propagated(line.covariance, gradient), middle, line)
