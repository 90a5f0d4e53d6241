"""Straight lines through measured values, with the full covariance of slope and intercept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import Array

#: Temperatures that differ by less are the same, K; room for rounding at the ends of a window.
SAME_TEMPERATURE = 1e-6


@dataclass(frozen=True)
class Line:
    """A weighted least-squares line, value = intercept + slope T.

    Attributes:
        slope: unit of the values per K.
        intercept: unit of the values, at 0 K.
        covariance: of (slope, intercept), shape (2, 2); scaled up where the points scatter more than their
            errors imply.
        chi2: sum of squared residuals over squared standard errors.
        freedom: number of points less 2.
    """

    slope: float
    intercept: float
    covariance: Array
    chi2: float
    freedom: int

    def at(self, temperature: float) -> float:
        """Value of the line."""
        return self.intercept + self.slope * temperature

    def stderr_at(self, temperature: float) -> float:
        """Standard error of the value of the line."""
        return propagated(self.covariance, np.array([temperature, 1.0]))


def fit_line(temperatures: Array, values: Array, stderrs: Array) -> Line:
    """Weighted straight-line fit.

    If chi2 per degree of freedom exceeds 1, the errors do not explain the scatter and the covariance is
    multiplied by it.

    Args:
        temperatures: K, shape (points,), at least two different ones.
        values: any unit, shape (points,).
        stderrs: unit of the values, shape (points,); see :func:`usable_errors` for zeros.
    """
    errors, known = usable_errors(stderrs)
    weights = errors**-2.0
    centre = float(np.average(temperatures, weights=weights))
    offsets = temperatures - centre
    spread = float(weights @ offsets**2)
    slope = float((weights * offsets) @ values) / spread
    mean = float(np.average(values, weights=weights))
    chi2 = float(weights @ (values - mean - slope * offsets) ** 2)
    freedom = len(values) - 2
    # Mean and slope are uncorrelated at the centre; from there the intercept at 0 K is mean - slope centre.
    to_origin = np.array([[0.0, 1.0], [1.0, -centre]])
    covariance = to_origin @ np.diag([1.0 / float(weights.sum()), 1.0 / spread]) @ to_origin.T
    return Line(slope, mean - slope * centre, covariance * excess_scatter(chi2, freedom, known), chi2, freedom)


def fit_line_in_window(temperatures: Array, values: Array, stderrs: Array, window: tuple[float, float]) -> Line:
    """:func:`fit_line` of the points in a window of temperatures, ends included.

    Raises:
        EstimateError: the window holds fewer than two different temperatures.
    """
    inside = in_window(temperatures, window)
    count = len(distinct(temperatures[inside]))
    if count < 2:
        raise EstimateError(
            f"the range {window[0]:g} to {window[1]:g} K holds {count or 'no'} temperature with a density; "
            "a line needs two"
        )
    return fit_line(temperatures[inside], values[inside], stderrs[inside])


def usable_errors(stderrs: Array) -> tuple[Array, bool]:
    """Standard errors that can serve as weights, and whether they carry information.

    A single zero (a series that never changed) would outweigh everything, so it becomes the smallest positive
    error.  If all are zero all points weigh the same, and only the scatter about the fit tells an error.
    """
    positive = stderrs[stderrs > 0.0]
    if not len(positive):
        return np.ones_like(stderrs), False
    return np.where(stderrs > 0.0, stderrs, positive.min()), True


def excess_scatter(chi2: float, freedom: int, known: bool) -> float:
    """Factor for a covariance: chi2 per degree of freedom, but at least 1 if the points' errors are known."""
    scatter = chi2 / freedom if freedom > 0 else float(known)
    return max(scatter, 1.0) if known else scatter


def propagated(covariance: Array, gradient: Array) -> float:
    """Standard error of a function of fitted numbers by the delta method."""
    return math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))


def distinct(temperatures: Array) -> Array:
    """Temperatures in ascending order, those within rounding of each other once."""
    ordered = np.sort(temperatures)
    return np.asarray(ordered[np.diff(ordered, prepend=-np.inf) > SAME_TEMPERATURE])


def in_window(temperatures: Array, window: tuple[float, float]) -> NDArray[np.bool_]:
    """Which temperatures lie in a window, ends included."""
    low, high = window
    return np.asarray((temperatures >= low - SAME_TEMPERATURE) & (temperatures <= high + SAME_TEMPERATURE))
