"""Derived observables: what densities at several temperatures say together, and how that answers to parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.expansion import thermal_expansion
from beadsmith.observe.glass_transition import NOT_DETERMINED, Hyperbola, hyperbola, two_lines
from beadsmith.observe.lines import in_window
from beadsmith.observe.timeseries import Array
from beadsmith.problem.records import Gradient, Observation
from beadsmith.problem.schema import (
    GlassTransitionHyperbola,
    GlassTransitionLines,
    Observable,
    ThermalExpansion,
)
from beadsmith.problem.state import State, same_state

#: Mean square of a gradient's components in units of their errors, below which it says nothing: noise alone makes 1, as
#: much signal as noise 2.
LEAST_INFORMATION = 2.0
#: Step of a numerical derivative by a density: so many of its standard errors, at least this part of its value.
_STEP_IN_ERRORS, _SMALLEST_STEP = 0.03, 1e-6

Derived: TypeAlias = GlassTransitionLines | GlassTransitionHyperbola | ThermalExpansion


def derive_observations(
    observations: Sequence[Observation], observables: Mapping[str, Observable]
) -> tuple[Observation, ...]:
    """Every derived observable, once for each state of its densities apart from temperature.

    One that cannot be computed is an observation too: value nan, stderr infinite, not equilibrated, and a
    note that says why.  One that rests on densities that were not equilibrated is not equilibrated either.

    Args:
        observations: direct ones, of all experiments.
        observables: by name; direct ones are passed over.
    """
    return tuple(
        _derive(name, observable, state, densities)
        for name, observable in observables.items()
        if isinstance(observable, Derived)
        for state, densities in _density_curves(observations, observable.density).items()
    )


def derive_gradients(
    observations: Sequence[Observation], gradients: Sequence[Gradient], observables: Mapping[str, Observable]
) -> tuple[Gradient, ...]:
    """Derivatives of derived observables, by the chain rule through the densities they rest on.

    d D/dtheta = sum_i (dD/drho_i) (drho_i/dtheta), with dD/drho_i by central differences of the derivation itself, its
    weights held.  Errors of the densities' derivatives, which come from different stretches of time, are added as
    independent ones; that of dD/drho_i is of second order and left out.  So a derived observable is passed over, rather
    than linearised, where it is not determined; and where a density that it rests on has no gradient.

    What all densities do together cancels in a glass transition, and noise remains.  A gradient that noise alone would
    explain (:data:`LEAST_INFORMATION`) is passed over too: a search that minds the errors would hold still for it.

    Args:
        observations: direct ones, of all experiments.
        gradients: of the densities among them.
        observables: by name; direct ones are passed over.
    """
    found = (
        _derive_gradient(name, observable, state, densities, gradients)
        for name, observable in observables.items()
        if isinstance(observable, Derived)
        for state, densities in _density_curves(observations, observable.density).items()
    )
    return tuple(gradient for gradient in found if gradient is not None)


@dataclass(frozen=True)
class _Result:
    """What a derived observable is before it gets a name and a state; ``used`` marks its densities."""

    value: float
    stderr: float
    note: str
    used: NDArray[np.bool_]
    fitted: Hyperbola | None = None


@dataclass(frozen=True)
class _Curve:
    """Densities against temperature, each of shape (points,)."""

    temperatures: Array
    densities: Array
    stderrs: Array

    @classmethod
    def of(cls, densities: Sequence[Observation]) -> _Curve:
        return cls(
            np.array([density.state["T"] for density in densities]),
            np.array([density.value for density in densities]),
            np.array([density.stderr for density in densities]),
        )

    def moved(self, point: int, by: float) -> _Curve:
        """The same curve with one density changed."""
        densities = self.densities.copy()
        densities[point] += by
        return replace(self, densities=densities)


def _density_curves(observations: Sequence[Observation], density: str) -> dict[State, list[Observation]]:
    """Usable densities by their state without temperature; the empty state without any if there are none."""
    curves: dict[State, list[Observation]] = {}
    for observation in observations:
        if observation.observable == density and "T" in observation.state:
            rest = {name: value for name, value in observation.state.as_dict().items() if name != "T"}
            curve = curves.setdefault(State.of(rest), [])
            if math.isfinite(observation.value) and math.isfinite(observation.stderr):
                curve.append(observation)
    return curves or {State(): []}


def _derive(name: str, observable: Derived, state: State, densities: Sequence[Observation]) -> Observation:
    try:
        result = _compute(observable, _Curve.of(densities))
    except EstimateError as error:
        note = str(error) if densities else f"no density {observable.density!r} was observed at any temperature"
        return Observation(name, state, math.nan, math.inf, 0.0, False, note)
    flagged = _not_equilibrated(densities, result.used)
    note = "; ".join(sentence for sentence in (result.note, flagged) if sentence)
    return Observation(name, state, result.value, result.stderr, float(result.used.sum()), not flagged, note)


def _derive_gradient(
    name: str, observable: Derived, state: State, densities: Sequence[Observation], gradients: Sequence[Gradient]
) -> Gradient | None:
    curve = _Curve.of(densities)
    try:
        result = _compute(observable, curve)
        if not math.isfinite(result.stderr) or NOT_DETERMINED in result.note:
            return None
        rows = [_gradient_of(density, gradients) for density in itertools.compress(densities, result.used)]
        if any(row is None for row in rows):
            return None
        weights = np.array([_slope(observable, curve, result, int(point)) for point in np.flatnonzero(result.used)])
    except EstimateError:
        return None
    known = [row for row in rows if row is not None]
    names = list(known[0].values)
    values = weights @ np.array([[row.values[one] for one in names] for row in known])
    variances = weights**2 @ np.array([[row.stderrs[one] for one in names] for row in known]) ** 2
    if np.square(values).sum() == 0.0 or _information(values, variances) < LEAST_INFORMATION:
        return None
    return Gradient(
        name,
        state,
        dict(zip(names, values.tolist(), strict=True)),
        dict(zip(names, np.sqrt(variances).tolist(), strict=True)),
    )


def _information(values: Array, variances: Array) -> float:
    """Mean square of components in units of their errors; those without error count as known to a millionth."""
    floor = 1e-12 * float(np.square(values).max())
    return float(np.mean(np.square(values) / np.maximum(variances, floor)))


def _gradient_of(density: Observation, gradients: Sequence[Gradient]) -> Gradient | None:
    found = (one for one in gradients if one.observable == density.observable and same_state(one.state, density.state))
    return next(found, None)


def _slope(observable: Derived, curve: _Curve, result: _Result, point: int) -> float:
    """Derivative of a derived observable by one density."""
    step = max(_STEP_IN_ERRORS * curve.stderrs[point], _SMALLEST_STEP * abs(curve.densities[point]))
    above, below = (_compute(observable, curve.moved(point, by), result.fitted).value for by in (step, -step))
    return float((above - below) / (2.0 * step))


def _compute(observable: Derived, curve: _Curve, near: Hyperbola | None = None) -> _Result:
    """A derived observable; ``near`` is the fit of almost the same curve, if there is one."""
    temperatures, densities, stderrs = curve.temperatures, curve.densities, curve.stderrs
    if isinstance(observable, ThermalExpansion):
        expansion = thermal_expansion(temperatures, densities, stderrs, observable.temperatures)
        used = in_window(temperatures, observable.temperatures)
        return _Result(expansion.value, expansion.stderr, "", used)
    if isinstance(observable, GlassTransitionLines):
        lines = two_lines(temperatures, densities, stderrs, observable.cold, observable.hot)
        used = in_window(temperatures, observable.cold) | in_window(temperatures, observable.hot)
        return _Result(lines.temperature, lines.stderr, lines.note, used)
    fitted = hyperbola(temperatures, densities, stderrs, near)
    return _Result(fitted.temperature, fitted.stderr, fitted.note, np.ones(len(temperatures), dtype=bool), fitted)


def _not_equilibrated(densities: Sequence[Observation], used: NDArray[np.bool_]) -> str:
    taken = (density for density, is_used in zip(densities, used, strict=True) if is_used)
    drifting = sorted({density.state["T"] for density in taken if not density.equilibrated})
    where = ", ".join(f"{temperature:g}" for temperature in drifting)
    return f"rests on densities that were not equilibrated, at {where} K" if drifting else ""
