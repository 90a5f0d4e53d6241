"""Derived observables: what densities at several temperatures say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.expansion import thermal_expansion
from beadsmith.observe.glass_transition import hyperbola, two_lines
from beadsmith.observe.lines import in_window
from beadsmith.observe.timeseries import Array
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import (
    GlassTransitionHyperbola,
    GlassTransitionLines,
    Observable,
    ThermalExpansion,
)
from beadsmith.problem.state import State

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


@dataclass(frozen=True)
class _Result:
    """What a derived observable is before it gets a name and a state; ``used`` marks its densities."""

    value: float
    stderr: float
    note: str
    used: NDArray[np.bool_]


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
    temperatures = np.array([density.state["T"] for density in densities])
    values = np.array([density.value for density in densities])
    stderrs = np.array([density.stderr for density in densities])
    try:
        result = _compute(observable, temperatures, values, stderrs)
    except EstimateError as error:
        note = str(error) if densities else f"no density {observable.density!r} was observed at any temperature"
        return Observation(name, state, math.nan, math.inf, 0.0, False, note)
    flagged = _not_equilibrated(densities, result.used)
    note = "; ".join(sentence for sentence in (result.note, flagged) if sentence)
    return Observation(name, state, result.value, result.stderr, float(result.used.sum()), not flagged, note)


def _compute(observable: Derived, temperatures: Array, densities: Array, stderrs: Array) -> _Result:
    if isinstance(observable, ThermalExpansion):
        expansion = thermal_expansion(temperatures, densities, stderrs, observable.temperatures)
        used = in_window(temperatures, observable.temperatures)
        return _Result(expansion.value, expansion.stderr, "", used)
    if isinstance(observable, GlassTransitionLines):
        lines = two_lines(temperatures, densities, stderrs, observable.cold, observable.hot)
        used = in_window(temperatures, observable.cold) | in_window(temperatures, observable.hot)
        return _Result(lines.temperature, lines.stderr, lines.note, used)
    curve = hyperbola(temperatures, densities, stderrs)
    return _Result(curve.temperature, curve.stderr, curve.note, np.ones(len(temperatures), dtype=bool))


def _not_equilibrated(densities: Sequence[Observation], used: NDArray[np.bool_]) -> str:
    taken = (density for density, is_used in zip(densities, used, strict=True) if is_used)
    drifting = sorted({density.state["T"] for density in taken if not density.equilibrated})
    where = ", ".join(f"{temperature:g}" for temperature in drifting)
    return f"rests on densities that were not equilibrated, at {where} K" if drifting else ""
