"""The glass transition from density against temperature: two straight lines, or one hyperbola."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

#: A Tg whose standard error is a larger part of the temperature range than this is no measurement.
LARGEST_RELATIVE_ERROR = 0.25
#: Five parameters and at least one point to spare.
FEWEST_TEMPERATURES = 6
#: The hyperbola has reached its straight parts where its slope has made this part of its whole change.
ASYMPTOTIC = 0.9
#: A hyperbola that lowers the chi2 of a straight line by less has found a bend in noise: the 99.9 % quantile of chi2
#: with the three degrees of freedom that the line lacks.
SMALLEST_IMPROVEMENT = 16.27


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
        covariance: of (rho0, a, b, T0, c), shape (5, 5); scaled up where the points scatter more than their
            errors imply.
        chi2: sum of squared residuals over squared standard errors.
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
            return f"{name} is not determined by these data: a straight line fits them as well"
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


def hyperbola(temperatures: Array, densities: Array, stderrs: Array) -> Hyperbola:
    """Fit a hyperbola to a whole ladder of densities.

    T0 stays within the measured range, and the width of the transition between a tenth of the smallest step
    of temperature (below, the data cannot tell it from a kink) and the whole range.  The fit starts from the
    three best points of a grid.

    Args:
        temperatures: K, shape (points,), in any order.
        densities: g/cm^3, shape (points,).
        stderrs: g/cm^3, shape (points,).

    Raises:
        EstimateError: fewer than 6 different temperatures, or no unique best fit.
    """
    own = distinct(temperatures)
    if len(own) < FEWEST_TEMPERATURES:
        raise EstimateError(f"a hyperbola needs {FEWEST_TEMPERATURES} temperatures with a density and got {len(own)}")
    errors, known = usable_errors(stderrs)
    # In units of the range, around its middle, all five parameters are of order one.
    middle, extent = float(own[0] + own[-1]) / 2, float(np.ptp(own))
    fit = _fit_scaled(
        (temperatures - middle) / extent,
        densities,
        errors,
        narrowest=0.1 * float(np.diff(own).min()) / extent,
    )
    to_kelvin = np.array([1.0, 1.0 / extent, 1.0 / extent, extent, 1.0])
    rho0, a, b, T0, c = fit.parameters * to_kelvin + np.array([0.0, 0.0, 0.0, middle, 2.0 * np.log(extent)])
    freedom = len(densities) - fit.free
    scatter = excess_scatter(fit.chi2, freedom, known)
    covariance = fit.covariance * np.outer(to_kelvin, to_kelvin) * scatter
    improvement = fit_line(temperatures, densities, stderrs).chi2 - fit.chi2
    return Hyperbola(
        *(float(rho0), float(a), float(b), float(T0), float(c)),
        covariance,
        fit.chi2,
        freedom,
        improvement=improvement / scatter if scatter > 0.0 else np.inf,
        coldest=float(own[0]),
        hottest=float(own[-1]),
    )


@dataclass(frozen=True)
class _ScaledFit:
    """Parameters (rho0, a, b, x0, c) in scaled temperature; ``free`` of them were really fitted."""

    parameters: Array
    covariance: Array
    chi2: float
    free: int


def _fit_scaled(x: Array, densities: Array, errors: Array, narrowest: float) -> _ScaledFit:
    from scipy.optimize import least_squares  # slow to import

    lower = np.array([-np.inf, -np.inf, -np.inf, -0.5, 2.0 * np.log(narrowest)])
    upper = np.array([np.inf, np.inf, np.inf, 0.5, 0.0])

    def residuals(parameters: Array) -> Array:
        return np.asarray((_hyperbola_terms(x, *parameters[3:]) @ parameters[:3] - densities) / errors)

    def jacobian(parameters: Array) -> Array:
        return _hyperbola_jacobian(x, parameters) / errors[:, None]

    starts = _best_of_grid(x, densities, errors, lower[4], upper[4])
    fits = [
        least_squares(residuals, start, jacobian, (lower, upper), x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12)
        for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.cost))
    # A transition as narrow as a kink has no measurable width: it is left out of the covariance.
    free = np.array([True, True, True, True, bool(best.x[4] > lower[4] + 1e-3)])
    covariance = np.zeros((5, 5))
    covariance[np.ix_(free, free)] = _inverse_of_normal_matrix(jacobian(best.x)[:, free])
    return _ScaledFit(np.asarray(best.x), covariance, 2.0 * float(best.cost), int(free.sum()))


def _best_of_grid(x: Array, densities: Array, errors: Array, lowest: float, highest: float) -> list[Array]:
    """The three best of a grid of (x0, c); the other parameters are linear and follow from them."""
    found = []
    for x0 in np.linspace(-0.45, 0.45, 19):
        for c in np.linspace(lowest, highest, 7)[1:-1]:
            terms = _hyperbola_terms(x, x0, c) / errors[:, None]
            linear = np.linalg.lstsq(terms, densities / errors, rcond=None)[0]
            cost = float(np.sum((terms @ linear - densities / errors) ** 2))
            found.append((cost, np.array([*linear, x0, c])))
    return [start for _, start in sorted(found, key=lambda entry: entry[0])[:3]]


def _inverse_of_normal_matrix(jacobian: Array) -> Array:
    scale = np.linalg.norm(jacobian, axis=0)
    if not scale.all() or np.linalg.cond(jacobian / scale) > 1e8:
        raise EstimateError("the densities do not bend, so a hyperbola through them has no unique glass transition")
    scaled = jacobian / scale
    return np.asarray(np.linalg.inv(scaled.T @ scaled) / np.outer(scale, scale))


def _hyperbola_terms(x: Array, x0: float, c: float) -> Array:
    """Factors of rho0, a and b, shape (points, 3)."""
    offset = x - x0
    return np.stack([np.ones_like(x), -offset, -(offset / 2 + np.sqrt(offset**2 / 4 + np.exp(c)))], axis=1)


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
    if not bends_down:
        reason = "the melt expands less than the glass"
    elif not coldest < value < hottest:
        reason = f"{value:.0f} K lies outside the fitted temperatures, {coldest:g} to {hottest:g} K"
    elif stderr > LARGEST_RELATIVE_ERROR * (hottest - coldest):
        reason = f"its standard error, {stderr:.0f} K, is more than a quarter of the range"
    else:
        return ""
    return f"{name} is not determined by these data: {reason}"
