"""The loss of Martins et al. (2025), with which they calibrated Pebax.

L = w_density L_density + w_Rg L_Rg + w_Tg L_Tg, each a sum of squared relative errors.

From the paper: this sum, and the weights w = [1, 1875, 1.5e4], w2 = [10, 1875, 1.5e3], w3 = [5, 18750,
1.5e3].

From the authors' public script, because the paper's text does not say what is summed and how often:

- The densities enter through two straight lines, fitted by ordinary least squares to the cold and to the
  hot densities of simulation and target alike.  L_density sums the squared relative error of line against
  line every 0.01 K over the half-open windows, [150, 225) and [425, 500) K for Pebax: 7,500 points each.
- Tg enters through the slopes of the two lines, not through their intersection: 7,500 times the squared
  relative error of each.  The published w_Tg = 1.5e4 stands for both together, so the general form is w_Tg
  times the mean of the two.
- Rg enters as 1,000 times the sum of its squared relative errors over all points.  The published w_Rg = 1875
  stands for this 1,000, so another weight scales it by w_Rg / 1875.

So the weight of the density comes from the fineness of a grid; that is how it was published.

Reference:
    C. A. Martins et al., J. Chem. Theory Comput. (2025), doi:10.1021/acs.jctc.5c01500.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.forms import Forms
from beadsmith.calibrate.matching import described, observation_for
from beadsmith.calibrate.value import Misfit, MisfitValue
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.schema import GlassTransitionLines, Martins2025, Observable

Array = NDArray[np.float64]

#: Weights of density, radius of gyration and glass transition (paper, equation of the loss and section on
#: weights).
PUBLISHED_WEIGHTS = {"w": (1.0, 1875.0, 1.5e4), "w2": (10.0, 1875.0, 1.5e3), "w3": (5.0, 18750.0, 1.5e3)}

#: Spacing of the points at which the lines are compared, K (public script).
GRID_STEP = 0.01

#: A line whose relative change over its window is smaller than this is level but for rounding.
ROUNDING = 1e-12

#: What the published weight of the radius of gyration multiplies its sum by (public script).
GYRATION_FACTOR = 1000.0 / 1875.0


@dataclass(frozen=True)
class _Line:
    """One of the two lines, ready to compare simulated densities with the target's.

    Attributes:
        targets: densities that the line is fitted to.
        grid_rows: cm^3/g, shape (2, points); |grid_rows @ d|^2 is the sum over the grid of the squared relative
            error, for simulated minus target densities d in g/cm^3.
        slope_row: cm^3/g, shape (points,); slope_row @ d is the relative error of the slope.
    """

    targets: tuple[Target, ...]
    grid_rows: Array
    slope_row: Array


def make_martins2025(rule: Martins2025, targets: Sequence[Target], observables: Mapping[str, Observable]) -> Misfit:
    """The published loss for these targets.

    The terms are ``density``, ``radius_of_gyration`` and ``glass_transition``, weighted, so that they add
    up to the total. Standard errors and the weights of the targets do not enter.

    Raises:
        ValueError: no (or more than one) glass_transition_lines observable, fewer than two density targets
            in one of its windows, no radius_of_gyration target, or a target that has no relative error.
    """
    density_weight, gyration_weight, transition_weight = _weights(rule)
    lines = _lines(targets, observables)
    gyration = _gyration_targets(targets, observables)

    def misfit(observations: Sequence[Observation]) -> MisfitValue:
        differences = [_values(observations, line.targets) - _of_targets(line.targets) for line in lines]
        on_grid = math.fsum(
            float(np.sum((line.grid_rows @ d) ** 2)) for d, line in zip(differences, lines, strict=True)
        )
        slopes = math.fsum(float(line.slope_row @ d) ** 2 for d, line in zip(differences, lines, strict=True))
        expected = _of_targets(gyration)
        radii = float(np.sum(((_values(observations, gyration) - expected) / expected) ** 2))
        terms = {
            "density": density_weight * on_grid,
            "radius_of_gyration": gyration_weight * GYRATION_FACTOR * radii,
            "glass_transition": transition_weight * slopes / len(lines),
        }
        return MisfitValue(math.fsum(terms.values()), terms)

    return misfit


def martins2025_forms(rule: Martins2025, targets: Sequence[Target], observables: Mapping[str, Observable]) -> Forms:
    """The same loss: two rows for each line on its grid and one for its slope, and one for each radius of gyration.

    Raises:
        ValueError: as :func:`make_martins2025`.
    """
    density_weight, gyration_weight, transition_weight = _weights(rule)
    rows, weights = [], []
    lines = _lines(targets, observables)
    for line in lines:
        rows.append(np.zeros((3, len(targets))))
        rows[-1][:, [targets.index(target) for target in line.targets]] = np.vstack([line.grid_rows, line.slope_row])
        weights += [density_weight, density_weight, transition_weight / len(lines)]
    gyration = _gyration_targets(targets, observables)
    rows.append(np.zeros((len(gyration), len(targets))))
    rows[-1][np.arange(len(gyration)), [targets.index(target) for target in gyration]] = 1.0 / _of_targets(gyration)
    weights += [gyration_weight * GYRATION_FACTOR] * len(gyration)
    return Forms(np.vstack(rows), np.array(weights))


def _weights(rule: Martins2025) -> tuple[float, float, float]:
    weights = PUBLISHED_WEIGHTS[rule.weights] if isinstance(rule.weights, str) else rule.weights
    if not (all(math.isfinite(weight) and weight >= 0 for weight in weights) and any(weights)):
        raise ValueError(
            f"misfit martins2025 has the weights {weights}, expected three finite numbers from 0 upwards, "
            "one of them above it"
        )
    return weights


def _transition(observables: Mapping[str, Observable]) -> GlassTransitionLines:
    found = [observable for observable in observables.values() if isinstance(observable, GlassTransitionLines)]
    if len(found) != 1:
        raise ValueError(
            "misfit martins2025 needs exactly one observable of kind glass_transition_lines, which names the "
            f"densities and the two windows of temperature; the problem has {len(found)}"
        )
    return found[0]


def _lines(targets: Sequence[Target], observables: Mapping[str, Observable]) -> tuple[_Line, ...]:
    transition = _transition(observables)
    windows = (transition.cold, transition.hot)
    return tuple(_line(_in_window(targets, transition.density, window), window) for window in windows)


def _in_window(targets: Iterable[Target], density: str, window: tuple[float, float]) -> tuple[Target, ...]:
    """Density targets from one end of the window to the other, both included."""
    low, high = window
    within = tuple(
        target
        for target in targets
        if target.observable == density and "T" in target.state and _between(target.state["T"], low, high)
    )
    temperatures = {target.state["T"] for target in within}
    if len(temperatures) < 2:
        raise ValueError(
            f"misfit martins2025 fits a line from {low:g} to {high:g} K and needs targets of {density} at "
            f"two temperatures there at least; the problem has {len(temperatures)}"
        )
    if len(temperatures) < len(within) or len({target.state.with_(T=0.0) for target in within}) > 1:
        raise ValueError(
            f"misfit martins2025 compares one curve, but from {low:g} to {high:g} K {density} has targets "
            "twice at one temperature, or at states that differ in more than that; keep those of one curve"
        )
    return within


def _between(temperature: float, low: float, high: float) -> bool:
    slack = 1e-9 * max(abs(low), abs(high))
    return low - slack <= temperature <= high + slack


def _line(targets: tuple[Target, ...], window: tuple[float, float]) -> _Line:
    """The fit is linear in the densities and the sum over the grid quadratic: two rows hold both."""
    low, high = window
    temperatures = np.array([target.state["T"] for target in targets])
    middle = 0.5 * (low + high)  # counting from 0 K, intercept and slope would nearly cancel
    fit = np.linalg.pinv(np.stack([np.ones(len(targets)), temperatures - middle], axis=1))
    intercept, slope = fit @ _of_targets(targets)
    grid = low + GRID_STEP * np.arange(round((high - low) / GRID_STEP)) - middle
    on_grid = intercept + slope * grid
    if abs(slope) * (high - low) <= ROUNDING * abs(intercept) or np.min(on_grid) * np.max(on_grid) <= 0:
        raise ValueError(
            f"the line through the targets of {targets[0].observable} from {low:g} to {high:g} K is level or "
            "passes through 0, which leaves no relative error; choose misfit: combined_variance"
        )
    relative_errors = np.stack([np.ones_like(grid), grid], axis=1) / on_grid[:, None]
    # |A x| = |R x| for A = Q R: two rows stand for thousands.
    return _Line(targets, np.linalg.qr(relative_errors, mode="r") @ fit, fit[1] / slope)


def _gyration_targets(targets: Iterable[Target], observables: Mapping[str, Observable]) -> tuple[Target, ...]:
    names = {name for name, observable in observables.items() if observable.kind == "radius_of_gyration"}
    found = tuple(target for target in targets if target.observable in names)
    if not found:
        raise ValueError("misfit martins2025 needs targets of an observable of kind radius_of_gyration; there are none")
    for target in found:
        if target.value == 0:
            raise ValueError(f"target {described(target.observable, target.state)} is 0, which has no relative error")
    return found


def _of_targets(targets: Sequence[Target]) -> Array:
    return np.array([target.value for target in targets])


def _values(observations: Sequence[Observation], targets: Sequence[Target]) -> Array:
    found = [observation_for(observations, target) for target in targets]
    for observation in found:
        if not math.isfinite(observation.value):
            where = described(observation.observable, observation.state)
            raise ValueError(f"{where} could not be determined, but misfit martins2025 needs a value")
    return np.array([observation.value for observation in found])
