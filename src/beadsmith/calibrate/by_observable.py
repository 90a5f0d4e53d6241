"""Misfits in which every observable counts by its weight, whatever its number of points.

M = sum_o w_o m_o / sum_o w_o, where m_o is the mean over the points of observable o of a squared deviation
without unit.  Listing every point of a curve twice changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from beadsmith.calibrate.forms import Forms
from beadsmith.calibrate.matching import described, is_undetermined, observation_for
from beadsmith.calibrate.value import Misfit, MisfitValue
from beadsmith.problem.records import Observation, Target

#: What a target contributes if the simulation cannot tell (an infinite standard error).
UNDETERMINED = 1.0


def make_combined_variance(targets: Sequence[Target]) -> Misfit:
    """Mean of :func:`combined_variance` by observable; targets of weight 0 are not fitted.

    Raises:
        ValueError: no target with a weight, different weights in one observable, or an uncertainty that is
            not positive.
    """
    groups = _by_observable(targets)
    for target in _members(groups):
        if not (math.isfinite(target.stderr) and target.stderr > 0):
            raise ValueError(
                f"target {described(target.observable, target.state)} has the uncertainty {target.stderr}, "
                "expected a positive number: the combined variance divides by it"
            )
    return _weighted_mean(combined_variance, groups)


def make_relative(targets: Sequence[Target]) -> Misfit:
    """Mean of :func:`relative` by observable; targets of weight 0 are not fitted.

    Raises:
        ValueError: no target with a weight, different weights in one observable, or a target of 0.
    """
    return _weighted_mean(relative, _with_relative_deviations(targets))


def relative_forms(targets: Sequence[Target]) -> Forms:
    """The misfit of :func:`make_relative` where everything is determined: a row for each target that counts.

    Raises:
        ValueError: as :func:`make_relative`.
    """
    groups = _with_relative_deviations(targets)
    sum_of_weights = math.fsum(group[0].weight for group in groups.values())
    counted = [place for place, target in enumerate(targets) if target.weight > 0]
    rows = np.zeros((len(counted), len(targets)))
    rows[np.arange(len(counted)), counted] = [1.0 / targets[place].value for place in counted]
    weights = [targets[place].weight / len(groups[targets[place].observable]) for place in counted]
    return Forms(rows, np.array(weights) / sum_of_weights)


def combined_variance(observation: Observation, target: Target) -> float:
    """Squared deviation over the variance of target and simulation together.

    d = (value - target)^2 / (target_stderr^2 + stderr^2), without unit.

    A model that agrees scores 1 on average, whatever the error bars: E[d] = 1 + bias^2 / (target_stderr^2 +
    stderr^2). An observable that could not be determined (``stderr`` infinite, as for the Tg of parallel
    lines) scores the limit of this mean, 1.  The formula itself would tend to 0 for a given value, and
    reward models whose Tg has no value.
    """
    if is_undetermined(observation):
        return UNDETERMINED
    return (observation.value - target.value) ** 2 / (target.stderr**2 + observation.stderr**2)


def relative(observation: Observation, target: Target) -> float:
    """Squared relative deviation, ((value - target) / target)^2, without unit.

    Error bars do not enter, save that an observable that could not be determined scores 1: a deviation of
    100 %.
    """
    if is_undetermined(observation):
        return UNDETERMINED
    return ((observation.value - target.value) / target.value) ** 2


def _weighted_mean(deviation: Callable[[Observation, Target], float], groups: dict[str, list[Target]]) -> Misfit:
    weights = {name: group[0].weight for name, group in groups.items()}
    sum_of_weights = math.fsum(weights.values())

    def misfit(observations: Sequence[Observation]) -> MisfitValue:
        terms = {
            name: _mean([deviation(observation_for(observations, target), target) for target in group])
            for name, group in groups.items()
        }
        total = math.fsum(weights[name] * term for name, term in terms.items()) / sum_of_weights
        return MisfitValue(total, terms)

    return misfit


def _with_relative_deviations(targets: Sequence[Target]) -> dict[str, list[Target]]:
    """The same as :func:`_by_observable`, none of them zero."""
    groups = _by_observable(targets)
    for target in _members(groups):
        if target.value == 0:
            raise ValueError(
                f"target {described(target.observable, target.state)} is 0, which has no relative deviation; "
                "choose misfit: combined_variance"
            )
    return groups


def _by_observable(targets: Sequence[Target]) -> dict[str, list[Target]]:
    """Targets of each observable that counts, in the order of the targets."""
    weights: dict[str, float] = {}
    groups: dict[str, list[Target]] = {}
    for target in targets:
        name, weight = target.observable, target.weight
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"target {name} has the weight {weight}, expected a finite number from 0 upwards")
        if weights.setdefault(name, weight) != weight:
            raise ValueError(
                f"target {name} has the weights {weights[name]:g} and {weight:g}, expected one: "
                "an observable counts by its weight, whatever its number of points"
            )
        if weight > 0:
            groups.setdefault(name, []).append(target)
    if not groups:
        raise ValueError("a misfit needs at least one target with a weight above 0")
    return groups


def _members(groups: dict[str, list[Target]]) -> list[Target]:
    return [target for group in groups.values() for target in group]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
