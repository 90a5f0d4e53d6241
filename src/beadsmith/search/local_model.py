"""What noisy evaluations near a point say together: values, Jacobian, and the scatter that error bars do not know.

The error bar of an average holds what one simulation can know.  A glass remembers how it was quenched: two simulations
of one model then differ by many error bars, and each is sure of itself.  So the scatter between evaluations is measured
on the evaluations themselves: neighbours, carried to each other by the mean of their Jacobians (exact to second order),
should agree within their errors; half the mean square of what remains is a variance that all of them get (the nugget of
a variogram).

References:
    G. Matheron, Econ. Geol. 58, 1246 (1963); N. Cressie, Statistics for Spatial Data (1993), chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array

#: Distance over which evaluations share one linear model, in unit coordinates.
SHARING_DISTANCE = 0.25

#: So many pairs that agree within their errors are taken for granted before any were seen.
AGREEING_PAIRS = 1.0


@dataclass(frozen=True)
class Answer:
    """One evaluation in unit coordinates: its point, shape (parameters,), and its response."""

    unit: Array
    response: Response


@dataclass(frozen=True)
class LocalModel:
    """Observables around a point, as the evaluations near it see them together.

    Attributes:
        unit: the point, shape (parameters,).
        values, stderrs: at the point, shape (targets,).
        jacobian, jacobian_stderrs: per unit coordinate, shape (targets, parameters).
        misfit, misfit_stderr: at the point.
    """

    unit: Array
    values: Array
    stderrs: Array
    jacobian: Array
    jacobian_stderrs: Array
    misfit: float
    misfit_stderr: float


def local_model(answers: list[Answer], unit: Array) -> LocalModel:
    """Average values and Jacobians over the evaluations near a point, values carried there by the Jacobian.

    Args:
        answers: at least one.
        unit: the point, shape (parameters,).
    """
    known = np.array([one.response.differentiated for one in answers])
    units = np.array([one.unit for one in answers])
    distances = np.linalg.norm(units - unit, axis=1)
    # A target that only distant evaluations determined takes what they say.
    shares = np.where(known, np.maximum(_nearness(distances)[:, None], 1e-100), 0.0)
    shares /= shares.sum(axis=0)
    jacobian = np.einsum("ki,kij->ij", shares, _stacked(answers, "jacobian"))
    jacobian_stderrs = np.sqrt(np.einsum("ki,kij->ij", shares**2, _stacked(answers, "jacobian_stderrs") ** 2))
    carried = np.array([one.response.values + jacobian @ (unit - one.unit) for one in answers])
    # What was carried far is known less well: the linear model errs with the square of the distance.
    doubt = 1.0 + (distances / SHARING_DISTANCE) ** 4
    stderrs = np.maximum(np.array([one.response.stderrs for one in answers]), 1e-12)
    precision = shares / shares.max(axis=0) / (stderrs**2 * doubt[:, None])
    values = (precision * np.where(known, carried, 0.0)).sum(axis=0) / precision.sum(axis=0)
    together = 1.0 / np.sqrt(precision.sum(axis=0))
    response = answers[0].response
    return LocalModel(
        unit,
        values,
        together,
        jacobian,
        jacobian_stderrs,
        misfit_of(response, values, together),
        misfit_stderr(response, values, together),
    )


def scatter_between(answers: list[Answer], unit: Array) -> Array:
    """Standard deviation of the values, from evaluation to evaluation, that their standard errors do not account for.

    Args:
        answers: at least one.
        unit: the point; pairs count by their nearness to it, shape (parameters,).

    Returns:
        Of each target, shape (targets,); zero where no pair of neighbours knows.
    """
    known = np.array([one.response.differentiated for one in answers])
    units = np.array([one.unit for one in answers])
    nearness = np.where(known, _nearness(np.linalg.norm(units - unit, axis=1))[:, None], 0.0)
    values, variances = _stacked(answers, "values"), _stacked(answers, "stderrs") ** 2
    jacobians, doubts = _stacked(answers, "jacobian"), _stacked(answers, "jacobian_stderrs") ** 2
    excess, weight = np.zeros(known.shape[1]), np.full(known.shape[1], AGREEING_PAIRS)
    # With one evaluation after the other: all pairs together would take as many copies of the Jacobians.
    for one in range(1, len(answers)):
        apart = units[:one] - units[one]
        carried = 0.5 * np.einsum("kij,kj->ki", jacobians[:one] + jacobians[one], apart)
        explained = variances[:one] + variances[one]
        explained += 0.25 * np.einsum("kij,kj->ki", doubts[:one] + doubts[one], apart**2)
        weights = nearness[:one] * nearness[one]
        excess += (weights * ((values[:one] - values[one] - carried) ** 2 - explained)).sum(axis=0)
        weight += weights.sum(axis=0)
    return np.asarray(np.sqrt(np.maximum(0.5 * excess / weight, 0.0)))


def scattered(answer: Answer, scatter: Array) -> Answer:
    """An answer whose standard errors include a scatter between evaluations, shape (targets,)."""
    response = answer.response
    return replace(answer, response=replace(response, stderrs=np.hypot(response.stderrs, scatter)))


def _nearness(distances: Array) -> Array:
    return np.asarray(np.exp(-0.5 * (distances / SHARING_DISTANCE) ** 2))


def _stacked(answers: list[Answer], name: str) -> Array:
    """An array of the responses, one below the other; zero where a target has no value or no derivatives."""
    known = np.array([one.response.differentiated for one in answers])
    arrays = np.array([getattr(one.response, name) for one in answers])
    return np.where(known.reshape(known.shape + (1,) * (arrays.ndim - 2)), arrays, 0.0)


def misfit_of(goal: Response, values: Array, stderrs: Array) -> float:
    """Weighted mean of squared deviations in the units in which they count.

    Args:
        goal: targets, their units and weights.
        values, stderrs: of the observables, shape (targets,).
    """
    return float((goal.weights * (values - goal.targets) ** 2 / goal.variances(stderrs)).sum())


def misfit_stderr(goal: Response, values: Array, stderrs: Array) -> float:
    """Standard error of a misfit, as far as errors are independent.

    First order in the deviations, second order where they vanish.

    Args:
        goal: targets, their units and weights.
        values, stderrs: of the observables, shape (targets,).
    """
    variance = goal.variances(stderrs)
    first = 4.0 * (values - goal.targets) ** 2 * stderrs**2 / variance**2
    second = 2.0 * stderrs**4 / variance**2
    return float(np.sqrt((goal.weights**2 * (first + second)).sum()))


def of_common_rows(answers: list[Answer]) -> list[Answer]:
    """The answers with the targets that count and that at least one of them determined, with derivatives."""
    rows = np.any([one.response.guiding for one in answers], axis=0)
    return [replace(one, response=one.response.only(rows)) for one in answers]
