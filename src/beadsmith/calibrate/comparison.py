"""Observations beside targets, for tables and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beadsmith.calibrate.matching import described, is_undetermined, matching, observation_for
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.state import State


@dataclass(frozen=True)
class Deviation:
    """One row of a table: a target and what the simulation found.

    Attributes:
        observable, state: which property, where.
        target, target_stderr, value, stderr: in the unit of the observable; the last two are NaN if not
            observed.
        z: deviation in combined standard errors, (value - target) / sqrt(target_stderr^2 + stderr^2); NaN
            if not observed or not determined.
    """

    observable: str
    state: State
    target: float
    target_stderr: float
    value: float
    stderr: float
    z: float


@dataclass(frozen=True)
class MeanSquaredDeviation:
    """How far a model is from its targets in units of their uncertainty, all points alike.

    Attributes:
        value: mean over the points of ((value - target) / sigma)^2, without unit.
        stderr: its standard error, from those of the observations.
        noise: mean of (stderr / sigma)^2, which the simulation's noise alone adds to ``value`` on average.
        points: number of points.
    """

    value: float
    stderr: float
    noise: float
    points: int


def deviations(observations: Sequence[Observation], targets: Sequence[Target]) -> tuple[Deviation, ...]:
    """A row for every target, in their order; NaN without an observation, so that a table shows the gap.

    Raises:
        ValueError: a target was observed more than once.
    """
    return tuple(_deviation(matching(observations, target), target) for target in targets)


def mean_squared_deviation(
    observations: Sequence[Observation], targets: Sequence[Target], sigmas: Mapping[str, float] | None = None
) -> MeanSquaredDeviation:
    """Mean squared deviation in units of the targets' own uncertainty, with a standard error.

    L = (1/n) sum_i d_i^2, d_i = (value_i - target_i) / sigma_i.  With e_i = stderr_i / sigma_i and normal,
    independent errors, var(L) = (1/n^2) sum_i (4 d_i^2 e_i^2 + 2 e_i^4): the first term is first-order
    propagation, the second remains where a model meets its targets and the first vanishes.  Measured d_i are
    used for true ones, which makes the error bar too large rather than too small.  Points derived from
    others (Tg from densities) are not independent: leave them out.

    Args:
        observations: of one model.
        targets: the points to count; their weights do not enter.
        sigmas: unit of deviation by observable, in its unit; the target's own uncertainty for those not
            named.

    Raises:
        ValueError: no targets, one without a finite observation, or a sigma that is not positive.
    """
    if not targets:
        raise ValueError("a mean over targets needs at least one target")
    scaled = [_scaled(observation_for(observations, target), target, sigmas or {}) for target in targets]
    number = len(scaled)
    return MeanSquaredDeviation(
        value=math.fsum(d**2 for d, _ in scaled) / number,
        stderr=math.sqrt(math.fsum(4 * d**2 * e**2 + 2 * e**4 for d, e in scaled)) / number,
        noise=math.fsum(e**2 for _, e in scaled) / number,
        points=number,
    )


def _scaled(observation: Observation, target: Target, sigmas: Mapping[str, float]) -> tuple[float, float]:
    """Deviation and standard error in units of sigma."""
    where = described(target.observable, target.state)
    sigma = sigmas.get(target.observable, target.stderr)
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"{where} is counted in units of {sigma}, expected a positive uncertainty")
    if is_undetermined(observation):
        raise ValueError(f"{where} could not be determined, so it has no deviation; leave its target out")
    return (observation.value - target.value) / sigma, observation.stderr / sigma


def _deviation(found: Sequence[Observation], target: Target) -> Deviation:
    if len(found) > 1:
        where = described(target.observable, target.state)
        raise ValueError(
            f"{where} was observed {len(found)} times, expected once: give the observables different names"
        )
    value, stderr = (found[0].value, found[0].stderr) if found else (math.nan, math.nan)
    difference, combined = value - target.value, math.hypot(target.stderr, stderr)
    return Deviation(
        target.observable,
        target.state,
        target.value,
        target.stderr,
        value,
        stderr,
        _ratio(difference, combined),
    )


def _ratio(difference: float, combined: float) -> float:
    if math.isinf(combined):
        return math.nan
    if combined == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / combined
