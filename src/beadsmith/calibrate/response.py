"""What one evaluation says to a search that wants more than a number: every target's value, and how it responds.

The parameters' order and units are those of the problem's free parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.matching import is_undetermined, matching
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.state import same_state

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Observations beside their targets, with derivatives; only targets whose observable has a derivative.

    Attributes:
        targets, target_stderrs: what should come out, shape (targets,).
        weights: share of each target in the misfit; they sum to 1, shape (targets,).
        values, stderrs: what came out, shape (targets,).
        jacobian: derivative of each value with respect to each parameter, shape (targets, parameters).
        jacobian_stderrs: its standard errors, same shape.
    """

    targets: Array
    target_stderrs: Array
    weights: Array
    values: Array
    stderrs: Array
    jacobian: Array
    jacobian_stderrs: Array


def response_of(
    observations: Sequence[Observation],
    gradients: Sequence[Gradient],
    targets: Sequence[Target],
    parameters: Sequence[str],
) -> Response | None:
    """The response of one evaluation; None if nothing that has a target has a gradient.

    Args:
        observations, gradients: of the evaluation.
        targets: of the problem.  As in the default misfit, an observable counts by its weight, not by its points.
        parameters: names of the free parameters, in the order of the columns.
    """
    rows = []
    for target in targets:
        found = matching(observations, target)
        slopes = [
            one for one in gradients if one.observable == target.observable and same_state(one.state, target.state)
        ]
        if found and slopes and not is_undetermined(found[0]):
            rows.append((target, found[0], slopes[0]))
    if not rows:
        return None
    counts: dict[str, int] = {}
    for target, _, _ in rows:
        counts[target.observable] = counts.get(target.observable, 0) + 1
    weights = np.array([target.weight / counts[target.observable] for target, _, _ in rows])
    return Response(
        targets=np.array([target.value for target, _, _ in rows]),
        target_stderrs=np.array([target.stderr for target, _, _ in rows]),
        weights=weights / weights.sum(),
        values=np.array([observation.value for _, observation, _ in rows]),
        stderrs=np.array([observation.stderr for _, observation, _ in rows]),
        jacobian=np.array([_ordered(slope.values, parameters) for _, _, slope in rows]),
        jacobian_stderrs=np.array([_ordered(slope.stderrs, parameters) for _, _, slope in rows]),
    )


def _ordered(values: Mapping[str, float], parameters: Sequence[str]) -> list[float]:
    return [values[name] for name in parameters]
