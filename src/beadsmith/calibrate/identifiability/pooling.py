"""Derivatives of several models as one Jacobian at a point between them.

The derivative B_k of model k, at distance d_k from the point, is taken as the one wanted plus two errors: its own, with
the standard error s_k that it came with, and one because derivatives change over parameter space, with the standard
deviation c d_k, where c is the usual size of this derivative.  So the mean weighs each model with

    w_k = 1 / (s_k^2 + c^2 d_k^2)

(the inverse-variance weights of a random-effects model: R. DerSimonian, N. Laird, Control. Clin. Trials 7, 177 (1986)),
and its standard error holds both.  Distances are in unit coordinates of the box of the parameters, so that a derivative
changes by its own size over the length of one whole range (:data:`CHANGE`).

The weights of a model are the same for all derivatives of an observable, and the noise of a model is only taken for
different from that of the others as far as many derivatives say so.  Estimated errors of single derivatives fluctuate,
and small estimates come with small values: weighting each by its own would pull the mean towards zero.

Where several models scatter more than these errors allow, the standard errors of their observable are enlarged to agree
with the scatter (R. T. Birge, Phys. Rev. 40, 207 (1932)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Gradient
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Relative change of a derivative over a distance of 1 in unit coordinates.  Measured on the radius of gyration of
#: Pebax between models 0.05 to 1.4 apart: 0.9 to 1.4 (docs/identifiability.md).
CHANGE = 1.0

#: In the noise of a model, the other models count like so many derivatives of its own.
BORROWED = 20.0


@dataclass(frozen=True)
class Sample:
    """One simulated model: where it is, and how its observables answer.

    Attributes:
        point: unit coordinates, shape (parameters,).
        gradients: in the units of observables and parameters.
    """

    point: Array
    gradients: Sequence[Gradient]


@dataclass(frozen=True)
class Jacobian:
    """Derivatives of observables by unit coordinates (0 to 1 over the range of a parameter), with standard errors.

    Attributes:
        rows: observable and state of each row; rows of one observable stand together.
        values, stderrs: in the unit of the observable, shape (rows, parameters).
        models: by observable, the number of models at the very point that would have been as precise.
    """

    rows: tuple[tuple[str, State], ...]
    values: Array
    stderrs: Array
    models: dict[str, float]

    def of(self, observable: str) -> slice:
        """Where the rows of an observable stand."""
        places = [place for place, (name, _) in enumerate(self.rows) if name == observable]
        return slice(places[0], places[-1] + 1) if places else slice(0, 0)

    @property
    def observables(self) -> tuple[str, ...]:
        """Names in the order of the rows."""
        return tuple(dict.fromkeys(name for name, _ in self.rows))


def pooled(samples: Sequence[Sample], centre: Array, parameters: Sequence[Parameter]) -> Jacobian:
    """The Jacobian at a point, from models around it.

    A row is there if every sample that knows its observable knows it; samples without an observable say nothing of it.

    Args:
        samples: at least one.
        centre: unit coordinates of the point, shape (parameters,).
        parameters: the free ones, in the order of the columns.

    Raises:
        ValueError: no samples, or a gradient without one of the parameters.
    """
    if not samples:
        raise ValueError("a Jacobian needs at least one model with gradients")
    distances = np.array([np.linalg.norm(sample.point - centre) for sample in samples])
    tables = [_table(sample, parameters) for sample in samples]
    rows: list[_Row] = []
    values: list[Array] = [np.zeros((0, len(parameters)))]
    stderrs: list[Array] = [np.zeros((0, len(parameters)))]
    models = {}
    for name in dict.fromkeys(name for table in tables for name, _ in table):
        knowing = [number for number, table in enumerate(tables) if any(own == name for own, _ in table)]
        shared = [row for row in tables[knowing[0]] if row[0] == name and all(row in tables[k] for k in knowing)]
        if shared:
            stacked = np.array([[tables[k][row] for row in shared] for k in knowing])
            mean, error, models[name] = _mean(stacked[:, :, 0], stacked[:, :, 1], distances[knowing])
            rows += shared
            values.append(mean)
            stderrs.append(error)
    return Jacobian(tuple(rows), np.concatenate(values), np.concatenate(stderrs), models)


_Row = tuple[str, State]


def _table(sample: Sample, parameters: Sequence[Parameter]) -> dict[_Row, Array]:
    """Values and standard errors by unit coordinates of each observable and state, shape (2, parameters)."""
    widths = np.array([parameter.high - parameter.low for parameter in parameters])
    table = {}
    for gradient in sample.gradients:
        for parameter in parameters:
            if parameter.name not in gradient.values:
                where = f"{gradient.observable} at {gradient.state.label or 'its only state'}"
                raise ValueError(f"the gradient of {where} lacks {parameter.name}, expected every free parameter")
        numbers = [[one[parameter.name] for parameter in parameters] for one in (gradient.values, gradient.stderrs)]
        table[(gradient.observable, gradient.state)] = np.array(numbers) * widths
    return table


def _mean(values: Array, stderrs: Array, distances: Array) -> tuple[Array, Array, float]:
    """Weighted mean over models, its standard error, and how many models at the point it is worth.

    Args:
        values, stderrs: of one observable, shape (models, rows, parameters).
        distances: shape (models,).
    """
    usual = np.maximum((np.square(values) - np.square(stderrs)).mean(axis=(0, 1)), 0.0)
    change = usual * (CHANGE * distances[:, None, None]) ** 2
    variances = np.square(stderrs) + change
    weights = _weights(_levelled(np.square(stderrs)) + change)
    mean = np.einsum("k,kij->ij", weights, values)
    error = np.sqrt(np.einsum("k,kij->ij", weights**2, variances) * _excess(values - mean, variances, weights))
    single = np.einsum("k,kij->ij", weights, np.square(stderrs))
    return mean, error, _worth(single, np.square(error), len(values))


def _worth(single: Array, together: Array, models: int) -> float:
    """How much smaller the variance of the mean is than that of a single model at the point, on average."""
    noisy = together > 0.0
    return float((single[noisy] / together[noisy]).mean()) if noisy.any() else float(models)


def _levelled(variances: Array) -> Array:
    """Variances that differ between models only by a level each; shapes as in :func:`_mean`."""
    usual = variances.mean(axis=0)
    known = usual > 0.0
    relative = (variances[:, known] / usual[known]).sum(axis=1)
    levels = (relative + BORROWED) / (known.sum() + BORROWED)
    return np.asarray(levels[:, None, None] * usual)


def _excess(deviations: Array, variances: Array, weights: Array) -> float:
    """By what factor the scatter of the models exceeds their variances, at least 1; shapes as in :func:`_mean`."""
    found = np.einsum("k,kij->ij", weights, np.square(deviations))
    expected = np.einsum("k,kij->ij", weights * (1.0 - weights), variances)
    noisy = expected > 0.0
    return max(float((found[noisy] / expected[noisy]).mean()), 1.0) if noisy.any() else 1.0


def _weights(variances: Array) -> Array:
    """Weights that sum to 1, from the variances of each model relative to those of all, shape (models,)."""
    usual = variances.mean(axis=0)
    known = usual > 0.0
    if not known.any():
        return np.full(len(variances), 1.0 / len(variances))
    relative = (variances[:, known] / usual[known]).mean(axis=1)
    # One without any error would outweigh all others infinitely.
    weights = 1.0 / np.maximum(relative, 1e-6)
    return np.asarray(weights / weights.sum())
