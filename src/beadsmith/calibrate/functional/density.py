"""The posterior density of all coordinates, with its exact gradient.

The prior is uniform over the hypercube, times the calibration's mild normal prior.  Edges are soft: a coordinate
outside [0, 1] by d costs (d / 0.03)^2 / 2.  A map from the whole line would keep them hard, but would bend every
direction that several coordinates share and that the data know to a percent.

The likelihood of one observable of one system is a multivariate normal of the deviations at all its states with the
covariance

    C(z) = D(z) R D(z) + diag(s^2),

D the surrogate's standard deviations and s the targets'.  R is the correlation of the surrogate's errors between
states, at the calibrated functions: a Gaussian process errs nearly alike at neighbouring states, so that twenty
states do not average its error away.  D may move with the coordinates, with the determinant of C; R is held, because
a correlation depends on distances between states, which hardly change.  Weights multiply the logarithm of the
likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from beadsmith.calibrate.functional.descent import descend
from beadsmith.calibrate.functional.objective import Objective

Array = NDArray[np.float64]

#: Width of the edges of the hypercube.
EDGE = 0.03

#: Inverse of the variance of a uniform coordinate: what is known of it without data.
_UNIFORM = 12.0

#: Iterations of each randomised optimum.
_STEPS_OF_A_DRAW = 15

#: Added to the diagonal of correlations: rounding must not make them indefinite.
_JITTER = 1e-8


@dataclass(frozen=True, eq=False)
class Density:
    """Minus the logarithm of the posterior density, up to a constant.

    Attributes:
        objective: of ``combined_variance``: predictions, ranges and prior.
        correlations: R of each block, shape (states, states).
        spreads: D of each block at the calibrated functions, shape (states,).
        moving: whether D moves with the coordinates, which costs several times more.
    """

    objective: Objective
    correlations: tuple[Array, ...]
    spreads: tuple[Array, ...]
    moving: bool = False

    def value_and_gradient(self, coordinates: Array) -> tuple[float, Array]:
        """At coordinates of shape (size,)."""
        value, gradient = self._of_targets(coordinates)
        beside, along = self._beside(coordinates)
        beyond = (coordinates - np.clip(coordinates, 0.0, 1.0)) / EDGE
        value += 0.5 * float(beside @ beside) + 0.5 * float(beyond @ beyond)
        return value, gradient + beside @ along + beyond / EDGE

    def randomised(self, count: int, random: np.random.Generator, around: Array) -> Array:
        """Most probable coordinates for targets and a prior centre that are drawn anew, shape (count, size).

        The hypercube counts as a normal density of its variance.

        If predictions were linear and the prior normal, these would be independent draws of the posterior ("randomised
        maximum likelihood": D. S. Oliver, N. He, A. C. Reynolds, ECMOR V (1996)).  As they are, they say how far it
        extends and along what, better than derivatives at one point do.

        Each optimum is looked for from its own draw of the prior, from the calibrated functions, or from where it would
        be if all were linear around these, whichever fits best: where targets are precise, few steps do not lead there
        from afar.

        Args:
            count: how many.
            random: draws targets and centres.
            around: calibrated coordinates, shape (size,).
        """
        predictor = self.objective.predictor
        size = predictor.family.size
        whitenings = [
            np.sqrt(block.reference.weight) * np.linalg.inv(np.linalg.cholesky(self._covariance(index, spread)))
            for index, (block, spread) in enumerate(zip(predictor.blocks, self.spreads, strict=True))
        ]
        noise = random.standard_normal((count, len(predictor.targets)))
        prior = self.objective.prior
        strength = np.sqrt(_UNIFORM + (0.0 if prior is None else prior**-2))
        centres = 0.5 + random.standard_normal((count, size)) / strength
        identity = np.broadcast_to(strength * np.eye(size), (count, size, size))

        def residuals(coordinates: Array) -> tuple[Array, Array]:
            mean, slopes = predictor.linearised_means(coordinates)
            found, along = np.empty_like(mean), np.empty_like(slopes)
            for whitening, block in zip(whitenings, predictor.blocks, strict=True):
                found[:, block.rows] = (mean - predictor.targets)[:, block.rows] @ whitening.T
                along[:, block.rows] = whitening @ slopes[:, block.rows]
            away, along_away = self.objective.leaving(coordinates)
            pull = strength * (coordinates - centres)
            return (
                np.concatenate([found + noise, away, pull], axis=1),
                np.concatenate([along, along_away, identity], axis=1),
            )

        here, slopes = residuals(np.repeat(around[None], count, axis=0))
        # One matrix for all: the derivatives are those at the same place.
        steps = np.linalg.lstsq(slopes[0], -here.T, rcond=None)[0].T
        near, far = np.clip(around + steps, 0.0, 1.0), np.clip(centres, 0.0, 1.0)
        begins = np.stack([np.repeat(around[None], count, axis=0), near, far])
        costs = np.stack([(residuals(one)[0] ** 2).sum(-1) for one in begins])
        best = begins[costs.argmin(0), np.arange(count)]
        return descend(residuals, best, _STEPS_OF_A_DRAW).coordinates

    def _of_targets(self, coordinates: Array) -> tuple[float, Array]:
        predictor = self.objective.predictor
        if self.moving:
            found = predictor.linearised(coordinates[None])
            mean, slopes = found.mean[0], found.mean_slopes[0]
            variance, variance_slopes = found.variance[0], found.variance_slopes[0]
        else:
            means, along = predictor.linearised_means(coordinates[None])
            mean, slopes = means[0], along[0]
            variance, variance_slopes = np.empty(0), None
        deviation = mean - predictor.targets
        value, gradient = 0.0, np.zeros(len(coordinates))
        for index, block in enumerate(predictor.blocks):
            spread = self.spreads[index] if variance_slopes is None else np.sqrt(variance[block.rows])
            inverse, logarithm = self._inverses[index] if variance_slopes is None else self._inverse(index, spread)
            pull = inverse @ deviation[block.rows]
            weight = block.reference.weight
            value += 0.5 * weight * (float(deviation[block.rows] @ pull) + logarithm)
            gradient += weight * pull @ slopes[block.rows]
            if variance_slopes is not None:
                # d/dD_i of (r C^-1 r + log det C) / 2 is sum_j (C^-1 - a a^T)_ij R_ij D_j, a = C^-1 r; dD = dv / (2 D).
                tension = ((inverse - np.outer(pull, pull)) * self.correlations[index]) @ spread
                gradient += weight * (0.5 * tension / spread) @ variance_slopes[block.rows]
        return value, gradient

    def _beside(self, coordinates: Array) -> tuple[Array, Array]:
        found, slopes = self.objective.beside(coordinates[None])
        return found[0], slopes[0]

    @cached_property
    def _inverses(self) -> list[tuple[Array, float]]:
        return [self._inverse(index, spread) for index, spread in enumerate(self.spreads)]

    def _inverse(self, index: int, spread: Array) -> tuple[Array, float]:
        root = np.linalg.cholesky(self._covariance(index, spread))
        return cho_solve((root, True), np.eye(len(spread))), 2.0 * float(np.log(np.diag(root)).sum())

    def _covariance(self, index: int, spread: Array) -> Array:
        block = self.objective.predictor.blocks[index]
        return np.asarray(np.outer(spread, spread) * self.correlations[index] + np.diag(block.reference.stderrs**2))


def make_density(objective: Objective, coordinates: Array, *, moving: bool) -> Density:
    """The density with correlations taken at given coordinates.

    Args:
        objective: of ``combined_variance``.
        coordinates: of the calibration, shape (size,).
        moving: whether the surrogates' variances follow the coordinates, or are held there.
    """
    covariances = objective.predictor.covariances(coordinates)
    spreads = tuple(np.sqrt(np.maximum(np.diag(covariance), 0.0)) for covariance in covariances)
    return Density(objective, correlations_of(covariances), spreads, moving)


def correlations_of(covariances: Sequence[Array]) -> tuple[Array, ...]:
    """Correlation matrices, their diagonals raised by rounding."""
    found = []
    for covariance in covariances:
        spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        found.append(covariance / np.outer(spread, spread) + _JITTER * np.eye(len(spread)))
    return tuple(found)
