"""What one evaluation says to a search that wants more than a number: every target's value, and how it responds.

The misfit is a weighted sum of squares of deviations.  In combined variance these are the deviations of the targets; in
other rules they are those of linear forms of the targets (:class:`~beadsmith.calibrate.forms.Forms`), which then take
the targets' places.  Their unit is such that a deviation of 1 % in every target makes a misfit of 1.

The parameters' order and units are those of the problem's free parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.forms import Forms
from beadsmith.calibrate.matching import is_undetermined, matching
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.state import same_state

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: The deviation of every target that makes a misfit of 1 where targets have no errors to count in.
ONE_PERCENT = 0.01


@dataclass(frozen=True)
class Response:
    """Observations beside all targets of the misfit, in their order, with derivatives where there are any.

    Attributes:
        targets: what should come out, shape (targets,).
        target_stderrs: units in which deviations count, shape (targets,).
        weights: share of each target in the misfit; they sum to 1, shape (targets,).
        values: what came out, NaN where it is not determined, shape (targets,).
        stderrs: standard errors of the values, infinite where there is no value, shape (targets,).
        jacobian: derivative of each value with respect to each parameter, shape (targets, parameters); a row of NaN
            where it is not known.
        jacobian_stderrs: its standard errors, same shape; a row of infinity where it is not known.
        combined_errors: whether ``target_stderrs`` are errors, which those of the simulation add to, as in combined
            variance.
    """

    targets: Array
    target_stderrs: Array
    weights: Array
    values: Array
    stderrs: Array
    jacobian: Array
    jacobian_stderrs: Array
    combined_errors: bool = True

    @property
    def determined(self) -> Mask:
        """Which targets have a value, shape (targets,)."""
        return np.isfinite(self.values)

    @property
    def differentiated(self) -> Mask:
        """Which targets have a value and its derivatives, shape (targets,)."""
        return self.determined & np.isfinite(self.jacobian).all(axis=1)

    @property
    def guiding(self) -> Mask:
        """Which targets count and have a value and its derivatives, shape (targets,)."""
        return self.differentiated & (self.weights > 0)

    def variances(self, stderrs: Array) -> Array:
        """Squares of the units in which deviations count, shape (targets,).

        Args:
            stderrs: standard errors of the simulation, shape (targets,).
        """
        return self.target_stderrs**2 + stderrs**2 if self.combined_errors else self.target_stderrs**2

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
            self.combined_errors,
        )


def response_of(
    observations: Sequence[Observation],
    gradients: Sequence[Gradient],
    targets: Sequence[Target],
    parameters: Sequence[str],
    forms: Forms | None = None,
) -> Response:
    """The response of one evaluation.

    Args:
        observations, gradients: of the evaluation.
        targets: of the problem, at least one with a weight.  As in the default misfit, an observable counts by its
            weight, not by its points.
        parameters: names of the free parameters, in the order of the columns.
        forms: what the misfit squares (:func:`beadsmith.calibrate.misfit.make_forms`); the deviations of the targets
            in units of combined errors if None.
    """
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
    wanted = np.array([target.value for target in targets])
    if forms is not None:
        return _of_forms(forms, wanted, values, stderrs, jacobian, jacobian_stderrs)
    counts = Counter(target.observable for target in targets)
    weights = np.array([target.weight / counts[target.observable] for target in targets])
    return Response(
        targets=wanted,
        target_stderrs=np.array([target.stderr for target in targets]),
        weights=weights / weights.sum(),
        values=values,
        stderrs=stderrs,
        jacobian=jacobian,
        jacobian_stderrs=jacobian_stderrs,
    )


def _of_forms(
    forms: Forms, targets: Array, values: Array, stderrs: Array, jacobian: Array, jacobian_stderrs: Array
) -> Response:
    """Rows for the forms; one says nothing if a target that enters it does not."""
    determined, differentiated = np.isfinite(values), np.all(np.isfinite(jacobian), axis=1, keepdims=True)
    enters = forms.rows != 0
    lacking = np.any(enters & ~determined, axis=1)
    unknown = np.any(enters & ~differentiated.T, axis=1, keepdims=True)
    errors, slope_errors = np.where(determined, stderrs, 0.0), np.where(differentiated, jacobian_stderrs, 0.0)
    weights, wanted = forms.weights / forms.weights.sum(), forms.rows @ targets
    unit = np.sqrt((weights * (ONE_PERCENT * wanted) ** 2).sum())
    return Response(
        targets=wanted,
        target_stderrs=np.full(len(wanted), unit),
        weights=weights,
        values=np.where(lacking, np.nan, forms.rows @ np.where(determined, values, 0.0)),
        stderrs=np.where(lacking, np.inf, np.sqrt(forms.rows**2 @ errors**2)),
        jacobian=np.where(unknown, np.nan, forms.rows @ np.where(differentiated, jacobian, 0.0)),
        jacobian_stderrs=np.where(unknown, np.inf, np.sqrt(forms.rows**2 @ slope_errors**2)),
        combined_errors=False,
    )
