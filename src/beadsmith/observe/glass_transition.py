"""The glass transition from density against temperature: two straight lines, or one hyperbola."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.lines import (
    Line,
    distinct,
    excess_scatter,
    fit_line,
    fit_line_in_window,
    in_window,
    usable_errors,
)
from beadsmith.observe.timeseries import Array

#: So many standard errors on each side make the 95 % interval of a Tg, which must lie within the measured temperatures.
CONFIDENT = 1.96
#: Five parameters and at least one point to spare.
FEWEST_TEMPERATURES = 6
#: The hyperbola has reached its straight parts where its slope has made this part of its whole change.
ASYMPTOTIC = 0.9
#: A hyperbola that lowers the chi2 of a straight line by less has found a bend in noise: the 99.9 % quantile of chi2
#: with the three degrees of freedom that the line lacks.
SMALLEST_IMPROVEMENT = 16.27
#: What the note of a Tg says that is no measurement.
NOT_DETERMINED = "is not determined by these data"


@dataclass(frozen=True)
class TwoLines:
    """Straight lines through the densities of the glass and of the melt.

    Attributes:
        cold, hot: the lines, g/cm^3 against K.  Their points are different ones, so their errors are
            independent.
        coldest, hottest: ends of the temperatures that were fitted, K.
    """

    cold: Line
    hot: Line
    coldest: float
    hottest: float

    @property
    def temperature(self) -> float:
        """Where the lines cross, K: Tg = (intercept_hot - intercept_cold) / (slope_cold - slope_hot)."""
        return (self.hot.intercept - self.cold.intercept) / (self.cold.slope - self.hot.slope)

    @property
    def stderr(self) -> float:
        """Standard error of :attr:`temperature`, K, to first order in the errors of both lines.

        At the crossing, d Tg = (d rho_hot - d rho_cold) / (slope_cold - slope_hot) with the errors of the
        lines there.
        """
        errors = self.cold.stderr_at(self.temperature), self.hot.stderr_at(self.temperature)
        return float(np.hypot(*errors)) / abs(self.cold.slope - self.hot.slope)

    @property
    def note(self) -> str:
        """Why the crossing is no measurement of Tg; empty if it is one."""
        return _undetermined(
            "Tg by intersection", self.temperature, self.stderr, self.coldest, self.hottest, self._bends_down
        )

    @property
    def _bends_down(self) -> bool:
        return self.hot.slope < self.cold.slope


def two_lines(
    temperatures: Array, densities: Array, stderrs: Array, cold: tuple[float, float], hot: tuple[float, float]
) -> TwoLines:
    """Fit the line of the glass and the line of the melt.

    Args:
        temperatures: K, shape (points,), in any order.
        densities: g/cm^3, shape (points,).
        stderrs: g/cm^3, shape (points,).
        cold: coldest and hottest temperature of the glass's line, K, both included.
        hot: the same for the melt's line.

    Raises:
        EstimateError: a window holds fewer than two temperatures, the windows overlap, or the lines are
            parallel.
    """
    if cold[1] >= hot[0]:
        raise EstimateError(
            f"the cold range ends at {cold[1]:g} K, the hot one begins at {hot[0]:g} K; they must not overlap"
        )
    glass = fit_line_in_window(temperatures, densities, stderrs, cold)
    melt = fit_line_in_window(temperatures, densities, stderrs, hot)
    if abs(glass.slope - melt.slope) <= 1e-9 * max(abs(glass.slope), abs(melt.slope)):
        raise EstimateError("the lines of glass and melt are parallel, so they do not cross")
    fitted = temperatures[in_window(temperatures, cold) | in_window(temperatures, hot)]
    return TwoLines(glass, melt, float(fitted.min()), float(fitted.max()))


@dataclass(frozen=True)
class Hyperbola:
    """A hyperbola, rho(T) = rho0 - a (T - T0) - b H(T) with H = (T - T0)/2 + sqrt((T - T0)^2/4 + e^c).

    P. N. Patrone, A. Dienstfrey, A. R. Browning, S. Tucker, S. Christensen, Polymer 87, 246 (2016), equation
    1.  The slope goes from -a in the glass to -a - b in the melt, and both straight parts meet at T0, the
    glass transition.

    Attributes:
        rho0: g/cm^3.
        a, b: g/cm^3/K.
        T0: K.
        c: logarithm of the squared width of the transition in K.
        covariance: of (rho0, a, b, T0, c), shape (5, 5).
        excess: standard error that was added to that of every point, g/cm^3; see :func:`hyperbola`.
        chi2: sum of squared residuals over squared standard errors, the excess among them.
        freedom: number of points less the parameters fitted.
        improvement: by how much chi2 is smaller than that of a straight line, in units of the scatter.
        coldest, hottest: ends of the temperatures that were fitted, K.
    """

    rho0: float
    a: float
    b: float
    T0: float
    c: float
    covariance: Array
    excess: float
    chi2: float
    freedom: int
    improvement: float
    coldest: float
    hottest: float

    @property
    def temperature(self) -> float:
        """Glass transition temperature, K."""
        return self.T0

    @property
    def stderr(self) -> float:
        """Standard error of :attr:`temperature`, K."""
        return float(np.sqrt(self.covariance[3, 3]))

    @property
    def note(self) -> str:
        """Why T0 is no measurement of Tg, or which straight part was not reached; empty if all is well."""
        name = "Tg by hyperbola"
        if self.improvement < SMALLEST_IMPROVEMENT:
            return f"{name} {NOT_DETERMINED}: a straight line fits them as well"
        return (
            _undetermined(name, self.T0, self.stderr, self.coldest, self.hottest, self.b > 0.0) or self._note_on_range()
        )

    def at(self, temperatures: Array) -> Array:
        """Densities on the hyperbola, g/cm^3, same shape as ``temperatures`` (K)."""
        terms = _hyperbola_terms(temperatures, self.T0, self.c)
        return np.asarray(terms @ np.array([self.rho0, self.a, self.b]))

    def _note_on_range(self) -> str:
        shares = _bend(np.array([self.coldest, self.hottest]) - self.T0, self.c)
        reached = {"glass": shares[0] <= 1.0 - ASYMPTOTIC, "melt": shares[1] >= ASYMPTOTIC}
        missing = " and of the ".join(name for name, is_reached in reached.items() if not is_reached)
        within = f"is not reached within {self.coldest:g} to {self.hottest:g} K"
        return f"the straight part of the {missing} {within}" if missing else ""


def hyperbola(temperatures: Array, densities: Array, stderrs: Array, near: Hyperbola | None = None) -> Hyperbola:
    """Fit a hyperbola to a whole ladder of densities.

    T0 stays within the measured range, and the width of the transition between a tenth of the smallest step
    of temperature (below, the data cannot tell it from a kink) and the whole range.  The fit starts from the
    three best points of a grid.

    A glass fluctuates little about a density that it has by chance, so its standard errors are too small, and
    far smaller than those of the melt.  Where points scatter more than their errors say, the same error is
    therefore added to all of them, in quadrature, until chi2 is the number of degrees of freedom: R. C. Paule,
    J. Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982).  To scale all errors alike would leave the fit to the
    glass.

    Args:
        temperatures: K, shape (points,), in any order.
        densities: g/cm^3, shape (points,).
        stderrs: g/cm^3, shape (points,).
        near: the fit of almost the same densities at the same temperatures, to start from instead of the grid;
            its excess is kept.

    Raises:
        EstimateError: fewer than 6 different temperatures, or no unique best fit.
    """
    own = distinct(temperatures)
    if len(own) < FEWEST_TEMPERATURES:
        raise EstimateError(f"a hyperbola needs {FEWEST_TEMPERATURES} temperatures with a density and got {len(own)}")
    errors, known = usable_errors(stderrs)
    # In units of the range, around its middle, all five parameters are of order one.
    middle, extent = float(own[0] + own[-1]) / 2, float(np.ptp(own))
    to_kelvin = np.array([1.0, 1.0 / extent, 1.0 / extent, extent, 1.0])
    origin = np.array([0.0, 0.0, 0.0, middle, 2.0 * np.log(extent)])
    scaled = _Scaled((temperatures - middle) / extent, densities, narrowest=0.1 * float(np.diff(own).min()) / extent)
    if near is None:
        excess = _excess(scaled, errors) if known else 0.0
        errors = np.hypot(errors, excess)
        fit = _fit_scaled(scaled, errors, _best_of_grid(scaled, errors, 3))
    else:
        excess = near.excess
        errors = np.hypot(errors, excess)
        start = (np.array([near.rho0, near.a, near.b, near.T0, near.c]) - origin) / to_kelvin
        fit = _fit_scaled(scaled, errors, [start])
    rho0, a, b, T0, c = fit.parameters * to_kelvin + origin
    freedom = len(densities) - fit.free
    scatter = 1.0 if known else excess_scatter(fit.chi2, freedom, known)
    covariance = _covariance(scaled, errors, fit) * np.outer(to_kelvin, to_kelvin) * scatter
    improvement = fit_line(temperatures, densities, errors).chi2 - fit.chi2
    return Hyperbola(
        *(float(rho0), float(a), float(b), float(T0), float(c)),
        covariance,
        excess,
        fit.chi2,
        freedom,
        improvement=improvement / scatter if scatter > 0.0 else np.inf,
        coldest=float(own[0]),
        hottest=float(own[-1]),
    )


@dataclass(frozen=True)
class _Scaled:
    """What is fitted, in scaled temperature.

    Attributes:
        x: from -0.5 to 0.5, shape (points,).
        densities: shape (points,).
        narrowest: smallest width of the transition.
    """

    x: Array
    densities: Array
    narrowest: float

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Of (rho0, a, b, x0, c)."""
        lower = np.array([-np.inf, -np.inf, -np.inf, -0.5, 2.0 * np.log(self.narrowest)])
        return lower, np.array([np.inf, np.inf, np.inf, 0.5, 0.0])


@dataclass(frozen=True)
class _ScaledFit:
    """Parameters (rho0, a, b, x0, c) in scaled temperature.

    Attributes:
        fitted: which of them are; a transition as narrow as a kink has no measurable width.
    """

    parameters: Array
    chi2: float
    fitted: NDArray[np.bool_]

    @property
    def free(self) -> int:
        """How many parameters were fitted."""
        return int(self.fitted.sum())


def _excess(scaled: _Scaled, errors: Array) -> float:
    """The error that must be added to all points so that they scatter as their errors say; 0 if they do."""
    from scipy.optimize import brentq  # slow to import

    def fitted(excess: float) -> _ScaledFit:
        increased = np.hypot(errors, excess)
        return _fit_scaled(scaled, increased, _best_of_grid(scaled, increased, 1))

    def too_much(excess: float) -> float:
        fit = fitted(excess)
        return fit.chi2 - (len(errors) - fit.free)

    plain = fitted(0.0)
    if len(errors) <= plain.free or plain.chi2 <= len(errors) - plain.free:
        return 0.0
    residuals = scaled.densities - _hyperbola_terms(scaled.x, *plain.parameters[3:]) @ plain.parameters[:3]
    # With an error as large as all residuals of some fit together, chi2 of the best one is below 1.
    largest = float(np.linalg.norm(residuals))
    return float(brentq(too_much, 0.0, largest, xtol=1e-3 * largest))


def _fit_scaled(scaled: _Scaled, errors: Array, starts: Sequence[Array]) -> _ScaledFit:
    from scipy.optimize import least_squares  # slow to import

    x, densities, (lower, upper) = scaled.x, scaled.densities, scaled.bounds

    def residuals(parameters: Array) -> Array:
        return np.asarray((_hyperbola_terms(x, *parameters[3:]) @ parameters[:3] - densities) / errors)

    def jacobian(parameters: Array) -> Array:
        return _hyperbola_jacobian(x, parameters) / errors[:, None]

    precise: dict[str, Any] = {"x_scale": "jac", "xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}
    fits = [
        least_squares(residuals, np.clip(start, lower, upper), jacobian, (lower, upper), **precise) for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.cost))
    fitted = np.array([True, True, True, True, bool(best.x[4] > lower[4] + 1e-3)])
    return _ScaledFit(np.asarray(best.x), 2.0 * float(best.cost), fitted)


def _covariance(scaled: _Scaled, errors: Array, fit: _ScaledFit) -> Array:
    """Covariance of the parameters, zero for one that was not fitted."""
    covariance = np.zeros((5, 5))
    jacobian = _hyperbola_jacobian(scaled.x, fit.parameters) / errors[:, None]
    covariance[np.ix_(fit.fitted, fit.fitted)] = _inverse_of_normal_matrix(jacobian[:, fit.fitted])
    return covariance


def _best_of_grid(scaled: _Scaled, errors: Array, number: int) -> list[Array]:
    """The best of a grid of (x0, c); the other parameters are linear and follow from them."""
    lower, upper = scaled.bounds
    widths = np.linspace(lower[4], upper[4], 7)[1:-1]
    x0, c = (axis.ravel() for axis in np.meshgrid(np.linspace(-0.45, 0.45, 19), widths, indexing="ij"))
    terms = _hyperbola_terms(scaled.x, x0[:, None], c[:, None]) / errors[:, None]
    values = scaled.densities / errors
    linear = np.linalg.pinv(terms) @ values
    chi2 = np.sum((np.einsum("gpk,gk->gp", terms, linear) - values) ** 2, axis=1)
    best = np.argsort(chi2, kind="stable")[:number]
    return [np.array([*linear[place], x0[place], c[place]]) for place in best]


def _inverse_of_normal_matrix(jacobian: Array) -> Array:
    scale = np.linalg.norm(jacobian, axis=0)
    if not scale.all() or np.linalg.cond(jacobian / scale) > 1e8:
        raise EstimateError("the densities do not bend, so a hyperbola through them has no unique glass transition")
    scaled = jacobian / scale
    return np.asarray(np.linalg.inv(scaled.T @ scaled) / np.outer(scale, scale))


def _hyperbola_terms(x: Array, x0: Array | float, c: Array | float) -> Array:
    """Factors of rho0, a and b, along a last axis of length 3."""
    offset = x - x0
    return np.stack([np.ones_like(offset), -offset, -(offset / 2 + np.sqrt(offset**2 / 4 + np.exp(c)))], axis=-1)


def _hyperbola_jacobian(x: Array, parameters: Array) -> Array:
    _, a, b, x0, c = parameters
    root = np.sqrt((x - x0) ** 2 / 4 + np.exp(c))
    by_x0 = a + b * _bend(x - x0, c)
    return np.concatenate([_hyperbola_terms(x, x0, c), np.stack([by_x0, -b * np.exp(c) / (2 * root)], axis=1)], axis=1)


def _bend(offset: Array, c: float) -> Array:
    """Derivative of H: the part of the change of slope that is made, from 0 in the glass to 1 in the melt."""
    return np.asarray(0.5 + offset / (4 * np.sqrt(offset**2 / 4 + np.exp(c))))


def _undetermined(name: str, value: float, stderr: float, coldest: float, hottest: float, bends_down: bool) -> str:
    """Why a glass transition temperature is no measurement; empty if it is one."""
    low, high = value - CONFIDENT * stderr, value + CONFIDENT * stderr
    if not bends_down:
        reason = "the melt expands less than the glass"
    elif not coldest < value < hottest:
        reason = f"{value:.0f} K lies outside the fitted temperatures, {coldest:g} to {hottest:g} K"
    elif not (coldest <= low and high <= hottest):
        interval = f"its 95 % interval, {low:.0f} to {high:.0f} K"
        reason = f"{interval}, reaches beyond the fitted temperatures, {coldest:g} to {hottest:g} K"
    else:
        return ""
    return f"{name} {NOT_DETERMINED}: {reason}"
