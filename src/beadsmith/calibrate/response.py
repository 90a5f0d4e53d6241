"""What one evaluation says to a search that wants more than a number: every target's value, and how it responds.

The parameters' order and units are those of the problem's free parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.matching import is_undetermined, matching
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.state import same_state

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Response:
    """Observations beside all targets of the problem, in their order, with derivatives where there are any.

    Attributes:
        targets, target_stderrs: what should come out, shape (targets,).
        weights: share of each target in the misfit; they sum to 1, shape (targets,).
        values: what came out, NaN where it is not determined, shape (targets,).
        stderrs: standard errors of the values, infinite where there is no value, shape (targets,).
        jacobian: derivative of each value with respect to each parameter, shape (targets, parameters); a row of NaN
            where it is not known.
        jacobian_stderrs: its standard errors, same shape; a row of infinity where it is not known.
    """

    targets: Array
    target_stderrs: Array
    weights: Array
    values: Array
    stderrs: Array
    jacobian: Array
    jacobian_stderrs: Array

    @property
    def determined(self) -> Mask:
        """Which targets have a value, shape (targets,)."""
        return np.isfinite(self.values)

    @property
    def differentiated(self) -> Mask:
        """Which targets have a value and its derivatives, shape (targets,)."""
        return self.determined & np.isfinite(self.jacobian).all(axis=1)

    def only(self, rows: Mask) -> Response:
        """Some of the targets; their weights sum to 1 again."""
        weights = self.weights[rows]
        return Response(
            self.targets[rows],
            self.target_stderrs[rows],
            weights / weights.sum(),
            self.values[rows],
            self.stderrs[rows],
            self.jacobian[rows],
            self.jacobian_stderrs[rows],
        )


def response_of(
    observations: Sequence[Observation],
    gradients: Sequence[Gradient],
    targets: Sequence[Target],
    parameters: Sequence[str],
) -> Response:
    """The response of one evaluation.

    Args:
        observations, gradients: of the evaluation.
        targets: of the problem, at least one with a weight.  As in the default misfit, an observable counts by its
            weight, not by its points.
        parameters: names of the free parameters, in the order of the columns.
    """
    counts = Counter(target.observable for target in targets)
    weights = np.array([target.weight / counts[target.observable] for target in targets])
    values = np.full(len(targets), np.nan)
    stderrs = np.full(len(targets), np.inf)
    jacobian = np.full((len(targets), len(parameters)), np.nan)
    jacobian_stderrs = np.full((len(targets), len(parameters)), np.inf)
    for row, target in enumerate(targets):
        for found in matching(observations, target)[:1]:
            if not is_undetermined(found):
                values[row], stderrs[row] = found.value, found.stderr
        for slope in (one for one in gradients if one.observable == target.observable):
            if same_state(slope.state, target.state):
                jacobian[row] = [slope.values[name] for name in parameters]
                jacobian_stderrs[row] = [slope.stderrs[name] for name in parameters]
    return Response(
        targets=np.array([target.value for target in targets]),
        target_stderrs=np.array([target.stderr for target in targets]),
        weights=weights / weights.sum(),
        values=values,
        stderrs=stderrs,
        jacobian=jacobian,
        jacobian_stderrs=jacobian_stderrs,
    )
