"""One Gaussian process given data, in closed form: predictions, their slopes, leave-one-out, random functions.

The latent function over unit coordinates u is a constant, of which nothing is known beforehand, plus

    k(u, v) = s exp(-sum_j (u_j - v_j)^2 / (2 l_j^2)) + a (u - c) . (v - c),

as in :mod:`.gaussian_process`, which PyTorch differentiates for the searches.  Here the derivatives are written down:
an emulator is fitted to thousands of points and asked at hundreds of thousands, and needs NumPy alone.

With K the covariance of the data and 1 a vector of ones, integrating over the constant replaces K^-1 by the projector

    P = K^-1 - K^-1 1 1^T K^-1 / (1^T K^-1 1),

in the likelihood as well as in the predictions, whose variances so include that of the constant.

References:
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), eqs. 2.41-2.45, 5.10-5.12.
    O. Dubrule, Math. Geol. 15, 687 (1983) (leave-one-out, and leave-several-out, from P).
    J. T. Wilson et al., ICML 2020, arXiv:2002.09309 (random functions: a prior one, corrected by the data).
    A. Rahimi, B. Recht, NeurIPS 2007 (random Fourier features).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]

#: Least noise, as a variance in units of the output's: exact data would make near neighbours indistinguishable.
LEAST_NOISE = 1e-6

#: Pairs of a cosine and a sine that stand for the squared exponential in random functions; covariances err by about
#: one over the root of this number, and only where the data say little.
FREQUENCIES = 512

#: Points at which random functions are evaluated at a time: bounds the memory, costs nothing.
CHUNK = 4096


@dataclass(frozen=True)
class Hyperparameters:
    """What the data decide, in units of the standardised output.

    Attributes:
        lengths: l, shape (axes,).
        amplitude: s.
        straightness: a.
        excess: variance of the noise in units of the measured one; 0 if the measured one plays no part.
        level: variance of the noise that all points have besides; 0 for none.
    """

    lengths: Array
    amplitude: float
    straightness: float
    excess: float
    level: float

    def noise(self, measured: Array) -> Array:
        """Variance of each point's noise, shape (points,).

        Args:
            measured: squares of the standard errors, shape (points,).
        """
        return np.asarray(self.excess * measured + self.level + LEAST_NOISE)

    def smooth(self, first: Array, second: Array) -> Array:
        """The squared exponential, shape (points of the first, points of the second); see :meth:`between`."""
        return self.amplitude * np.exp(-0.5 * squared_distances(first / self.lengths, second / self.lengths))

    def between(self, first: Array, second: Array) -> Array:
        """Covariance k of two sets of points, shape (points of the first, points of the second).

        Args:
            first, second: about the centre c, shape (points, axes) each.
        """
        return self.smooth(first, second) + self.straightness * (first @ second.T)

    def variance(self, inputs: Array) -> Array:
        """K of each point with itself, shape (points,)."""
        return np.asarray(self.amplitude + self.straightness * (inputs**2).sum(axis=1))


@dataclass(frozen=True)
class LatentSlopes:
    """Mean and variance, shape (points,), and their derivatives, shape (points, axes)."""

    mean: Array
    variance: Array
    mean_slopes: Array
    variance_slopes: Array


@dataclass(frozen=True)
class Posterior:
    """The process given data.

    Attributes:
        hyperparameters: of the standardised output.
        centre: c, shape (axes,).
        inputs: about the centre, shape (points, axes).
        values: standardised, shape (points,).
        noise: variances of the values, shape (points,).
        root: lower Cholesky factor of K, shape (points, points).
        ones: K^-1 1, shape (points,).
        certainty: 1^T K^-1 1: how well the constant is known, one over its variance.
        constant: the most probable one: generalised least squares.
        weights: P y, shape (points,).
    """

    hyperparameters: Hyperparameters
    centre: Array
    inputs: Array
    values: Array
    noise: Array
    root: Array
    ones: Array
    certainty: float
    constant: float
    weights: Array

    @classmethod
    def given(
        cls, hyperparameters: Hyperparameters, centre: Array, inputs: Array, values: Array, noise: Array
    ) -> Posterior:
        """Condition on data; see the attributes."""
        root = np.asarray(np.linalg.cholesky(hyperparameters.between(inputs, inputs) + np.diag(noise)), np.float64)
        ones = _solved(root, np.ones(len(values)))
        certainty = float(ones.sum())
        constant = float(ones @ values) / certainty
        weights = _solved(root, values - constant)
        return cls(hyperparameters, centre, inputs, values, noise, root, ones, certainty, constant, weights)

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function, shape (points,) each.

        Args:
            inputs: unit coordinates, shape (points, axes).
        """
        here = inputs - self.centre
        across = self.hyperparameters.between(self.inputs, here)
        variance = self.hyperparameters.variance(here) - (_whitened(self.root, across) ** 2).sum(axis=0)
        return self.constant + self.weights @ across, self._positive(variance + self._of_the_constant(across))

    def mean(self, inputs: Array) -> Array:
        """The mean alone, far cheaper; see :meth:`predict`."""
        return self.constant + self.hyperparameters.between(inputs - self.centre, self.inputs) @ self.weights

    def mean_slopes(self, inputs: Array) -> tuple[Array, Array]:
        """The mean, shape (points,), and its exact derivatives with respect to the unit coordinates, (points, axes)."""
        here = inputs - self.centre
        smooth = self.hyperparameters.smooth(here, self.inputs)
        across = smooth + self.hyperparameters.straightness * (here @ self.inputs.T)
        return self.constant + across @ self.weights, self._turned(here, smooth, self.weights)

    def slopes(self, inputs: Array) -> LatentSlopes:
        """What :meth:`predict` says, and its exact derivatives with respect to the unit coordinates."""
        found, here = self.hyperparameters, inputs - self.centre
        smooth = found.smooth(here, self.inputs)
        across = smooth + found.straightness * (here @ self.inputs.T)
        solved = _solved(self.root, across.T).T
        variance = found.variance(here) - (across * solved).sum(axis=1) + self._of_the_constant(across.T)
        # d variance = d k(u, u) - 2 (K^-1 k + (1 - 1^T K^-1 k) K^-1 1 / 1^T K^-1 1) . dk
        pull = solved + np.outer((1.0 - across @ self.ones) / self.certainty, self.ones)
        return LatentSlopes(
            self.constant + across @ self.weights,
            self._positive(variance),
            self._turned(here, smooth, self.weights),
            2.0 * (found.straightness * here - self._turned(here, smooth, pull)),
        )

    def covariance(self, inputs: Array) -> Array:
        """Joint covariance of the noiseless function, shape (points, points); see :meth:`predict`."""
        here = inputs - self.centre
        across = self.hyperparameters.between(self.inputs, here)
        whitened = _whitened(self.root, across)
        left = 1.0 - self.ones @ across
        return np.asarray(
            self.hyperparameters.between(here, here) - whitened.T @ whitened + np.outer(left, left) / self.certainty
        )

    def left_out(self, groups: NDArray[np.intp]) -> tuple[Array, Array]:
        """Mean and variance, noise included, at each point from the points of all other groups.

        Hyperparameters stay as they are.  Leaving out the points b changes y_b to y_b - (P_bb)^-1 (P y)_b, with the
        covariance (P_bb)^-1.

        Args:
            groups: for each point the number of its group, shape (points,): replicates leave together.

        Returns: shape (points,) each.
        """
        projector = _solved(self.root, np.eye(len(self.values))) - np.outer(self.ones, self.ones) / self.certainty
        variance = 1.0 / np.diagonal(projector)
        mean = self.values - self.weights * variance
        numbers, counts = np.unique(groups, return_counts=True)
        for number in numbers[counts > 1]:
            out = np.flatnonzero(groups == number)
            block = np.linalg.inv(projector[np.ix_(out, out)])
            mean[out] = self.values[out] - block @ self.weights[out]
            variance[out] = np.diagonal(block)
        return mean, variance

    def of(self, rows: NDArray[np.intp]) -> Posterior:
        """The same process, given only some of the data."""
        return Posterior.given(
            self.hyperparameters, self.centre, self.inputs[rows], self.values[rows], self.noise[rows]
        )

    def draws(self, count: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Random functions of the posterior.

        A random function g of the prior misses noisy data by r = y - g - noise; corrected by what the process predicts
        of r, it is one of the posterior.

        Args:
            count: how many.
            rng: source of randomness; the functions stay what they are once drawn.

        Returns: a function of unit coordinates, shape (points, axes), to values, shape (count, points).
        """
        found, axes = self.hyperparameters, self.inputs.shape[1]
        frequencies = rng.normal(size=(axes, FREQUENCIES)) / found.lengths[:, None]
        waves = np.sqrt(found.amplitude / FREQUENCIES) * rng.normal(size=(2 * FREQUENCIES, count))
        lines = np.sqrt(found.straightness) * rng.normal(size=(axes, count))

        def prior(here: Array) -> Array:
            phases = here @ frequencies
            return np.asarray(np.hstack([np.cos(phases), np.sin(phases)]) @ waves + here @ lines)

        noise = np.sqrt(self.noise)[:, None] * rng.normal(size=(len(self.noise), count))
        missed = self.values[:, None] - prior(self.inputs) - noise
        constants = self.ones @ missed / self.certainty
        corrections = _solved(self.root, missed - constants)

        def functions(inputs: Array) -> Array:
            values = np.empty((len(inputs), count))
            for start in range(0, len(inputs), CHUNK):
                here = inputs[start : start + CHUNK] - self.centre
                across = found.between(here, self.inputs)
                values[start : start + CHUNK] = prior(here) + constants + across @ corrections
            return values.T

        return functions

    def _turned(self, here: Array, smooth: Array, weights: Array) -> Array:
        """Derivative of sum_i w_i k(u, x_i) for fixed weights, shape (points, axes).

        Args:
            here: u, about the centre, shape (points, axes).
            smooth: the squared exponentials, shape (points, data).
            weights: w, shape (data,), or (points, data).
        """
        bent = smooth * weights
        falling = (bent @ self.inputs - bent.sum(axis=1, keepdims=True) * here) / self.hyperparameters.lengths**2
        return np.asarray(falling + self.hyperparameters.straightness * (weights @ self.inputs))

    def _of_the_constant(self, across: Array) -> Array:
        return np.asarray((1.0 - self.ones @ across) ** 2 / self.certainty)

    def _positive(self, variance: Array) -> Array:
        """Rounding may leave a little less than nothing where a point was measured exactly."""
        return np.maximum(variance, 1e-12)


def _whitened(root: Array, values: Array) -> Array:
    """The inverse of a Cholesky factor applied to columns."""
    return np.asarray(solve_triangular(root, values, lower=True, check_finite=False))


def _solved(root: Array, values: Array) -> Array:
    """K^-1 applied to columns, from its Cholesky factor."""
    return np.asarray(solve_triangular(root, _whitened(root, values), lower=True, trans="T", check_finite=False))


def squared_distances(first: Array, second: Array) -> Array:
    """Shape (points of the first, points of the second); a product of matrices, no array of three dimensions."""
    distances = first @ (-2.0 * second.T)
    distances += (first**2).sum(axis=1)[:, None]
    distances += (second**2).sum(axis=1)
    return np.asarray(np.maximum(distances, 0.0, out=distances))
