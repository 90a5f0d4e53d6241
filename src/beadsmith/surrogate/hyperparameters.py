"""Hyperparameters of one Gaussian process: those of the largest posterior density, with exact gradients.

The density is that of the standardised values with the constant integrated out, times independent normal priors of
the logarithms.  With P of :mod:`.posterior`, its weights b = P y and W = P - b b^T,

    -ln p(y) = (y^T P y + ln|K| + ln(1^T K^-1 1)) / 2 + const,    -d ln p(y) = sum_ij W_ij dK_ij / 2.

All derivatives with respect to lengths come from one product of matrices: with v = u / l and M = W * (the squared
exponential), sum_ij M_ij (v_ik - v_jk)^2 / 2 = sum_i (M 1)_i v_ik^2 - (v^T M v)_kk.

An output has one length for each axis if there are at least two points for each, else one for all.

References:
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), eqs. 2.45 and 5.9.
    C. Hvarfner, E. O. Hellsten, L. Nardi, ICML 2024, arXiv:2402.02229 (lengths grow like the root of the dimension).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import minimize

from beadsmith.surrogate.posterior import Hyperparameters, squared_distances

Array = NDArray[np.float64]

#: Where the noise of a point comes from: its own standard error times a learnt factor, one level for all, or both.
Noise = Literal["measured", "level", "both"]

#: Points for each axis from which there is a length for each of them.
POINTS_FOR_A_LENGTH = 2

#: Iterations of the optimiser; most fits need 20 to 60.
ITERATIONS = 200


class Belief(NamedTuple):
    """What is thought of the logarithm of a hyperparameter before there are data.

    Attributes:
        middle, width: most probable value and standard deviation.
        low, high: bounds.
        start: where the first search for the optimum begins.
    """

    middle: float
    width: float
    low: float
    high: float
    start: float

    def times(self, factor: float) -> Belief:
        """The same of a hyperparameter so many times larger."""
        shift = math.log(factor)
        return Belief(self.middle + shift, self.width, self.low + shift, self.high + shift, self.start + shift)


#: Of lengths over the root of the number of axes, and of variances of an output whose own is 1.  The straightness is
#: in units of what gives the line alone this variance.
#: Made-up curves of 3 to 20 points, and functions of 11 parameters of 30 and 80, were predicted as well or better, and
#: with better coverage, than with the longer lengths (median sqrt(axes) exp(1.4), width 1.7) that suit a search.
LENGTH = Belief(0.0, 1.0, math.log(0.02), math.log(1e3), math.log(0.5))
AMPLITUDE = Belief(0.0, 1.5, math.log(1e-6), math.log(1e3), 0.0)
STRAIGHTNESS = Belief(0.0, 1.5, math.log(1e-6), math.log(1e3), 0.0)
#: Never less than 1: error bars are seldom too wide.
EXCESS = Belief(0.0, 1.0, 0.0, math.log(1e3), 0.1)
#: As wide as it is, because a modulus may be little but noise.
LEVEL = Belief(-4.0, 2.0, math.log(1e-8), math.log(2.0), -4.0)

#: Logarithm of how much shorter the lengths of the second start are.
SHORTER = math.log(4.0)


@dataclass(frozen=True)
class Density:
    """Posterior density of the hyperparameters, a function of their logarithms.

    Their order: lengths, amplitude, straightness, then excess and level as far as ``noise`` has them.

    Attributes:
        inputs: about their centre, shape (points, axes).
        values: standardised, shape (points,).
        measured: squares of the standard errors, in the same unit, shape (points,).
        noise: where it comes from.
    """

    inputs: Array
    values: Array
    measured: Array
    noise: Noise

    @property
    def lengths(self) -> int:
        """How many there are: one for each axis, or one for all."""
        points, axes = self.inputs.shape
        return axes if points >= POINTS_FOR_A_LENGTH * axes else 1

    @cached_property
    def products(self) -> Array:
        """Shape (points, points)."""
        return self.inputs @ self.inputs.T

    @cached_property
    def beliefs(self) -> list[Belief]:
        """Of each logarithm."""
        return [
            *[LENGTH.times(math.sqrt(self.inputs.shape[1]))] * self.lengths,
            AMPLITUDE,
            STRAIGHTNESS.times(1.0 / max(float((self.inputs**2).sum(axis=1).mean()), 1e-12)),
            *{"measured": [EXCESS], "level": [LEVEL], "both": [EXCESS, LEVEL]}[self.noise],
        ]

    def understood(self, logarithms: Array) -> Hyperparameters:
        """The hyperparameters themselves."""
        numbers = np.exp(logarithms)
        amplitude, straightness, *noise = (float(one) for one in numbers[self.lengths :])
        return Hyperparameters(
            np.broadcast_to(numbers[: self.lengths], self.inputs.shape[1]).copy(),
            amplitude,
            straightness,
            excess=noise[0] if self.noise != "level" else 0.0,
            level=noise[-1] if self.noise != "measured" else 0.0,
        )

    def improbability(self, logarithms: Array) -> tuple[float, Array]:
        """Minus the logarithm of the density, up to a constant of the prior, and its gradient."""
        widths = np.array([belief.width for belief in self.beliefs])
        off = (logarithms - [belief.middle for belief in self.beliefs]) / widths
        found = self.understood(logarithms)
        likelihood, slopes = self._likelihood(found)
        if self.lengths == 1:
            axes = self.inputs.shape[1]
            slopes = np.concatenate([[slopes[:axes].sum()], slopes[axes:]])
        return 0.5 * float(off @ off) - likelihood, off / widths - slopes

    def start(self, number: int, rng: np.random.Generator) -> Array:
        """Where a search for the optimum begins.

        Args:
            number: 0 for the usual place; 1 for lengths that are much shorter; any other for a random place about
                these.  From lengths that are too long the way often ends where all that turns counts as noise.
            rng: source of randomness.
        """
        start = np.array([belief.start for belief in self.beliefs])
        if number == 1:
            start[: self.lengths] -= SHORTER
        elif number > 1:
            start += rng.normal(size=len(start))
            start[: self.lengths] -= SHORTER * rng.random()
        return start

    def _likelihood(self, found: Hyperparameters) -> tuple[float, Array]:
        """Logarithm of the density of the values, and its gradient with a length for each axis."""
        points = len(self.values)
        scaled = self.inputs / found.lengths
        smooth = squared_distances(scaled, scaled)
        smooth *= -0.5
        np.exp(smooth, out=smooth)
        smooth *= found.amplitude
        covariance = found.straightness * self.products
        covariance += smooth
        covariance[np.diag_indices(points)] += found.noise(self.measured)
        inverse, volume = _inverse(covariance)
        ones = inverse.sum(axis=1)
        certainty = float(ones.sum())
        weights = inverse @ self.values - ones * (float(ones @ self.values) / certainty)
        likelihood = -0.5 * (
            float(self.values @ weights) + volume + math.log(certainty) + (points - 1) * math.log(2.0 * math.pi)
        )
        pull = inverse  # W, in place of the inverse: at 2,000 points each such array takes 32 MB
        sides = np.column_stack([ones / certainty, weights])
        pull -= sides @ np.column_stack([ones, weights]).T
        diagonal = np.diagonal(pull).copy()
        straight = float((self.inputs * (pull @ self.inputs)).sum())
        pull *= smooth
        rows = pull.sum(axis=1)
        bent = rows @ scaled**2 - (scaled * (pull @ scaled)).sum(axis=0)
        noises = {
            "measured": [found.excess * float(diagonal @ self.measured)],
            "level": [found.level * float(diagonal.sum())],
        }
        noises["both"] = noises["measured"] + noises["level"]
        others = [float(rows.sum()), found.straightness * straight, *noises[self.noise]]
        return likelihood, -np.concatenate([bent, 0.5 * np.array(others)])


@dataclass(frozen=True)
class Optimum:
    """Where the optimiser ended.

    Attributes:
        hyperparameters: there.
        log_density: logarithm of the posterior density, up to a constant that is the same for all starts.
    """

    hyperparameters: Hyperparameters
    log_density: float


def most_probable(density: Density, start: Array) -> Optimum:
    """The optimum that is reached from a start.

    Args:
        density: of the hyperparameters.
        start: their logarithms.
    """
    bounds = [(belief.low, belief.high) for belief in density.beliefs]
    best = minimize(
        density.improbability,
        np.clip(start, *np.transpose(bounds)),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS},
    )
    return Optimum(density.understood(best.x), -float(best.fun))


def _inverse(covariance: Array) -> tuple[Array, float]:
    """Inverse of a symmetric matrix, and the logarithm of its determinant.

    All three steps let other threads of Python work meanwhile; LAPACK's own potri, through SciPy, does not.
    """
    root = np.linalg.cholesky(covariance)
    volume = 2.0 * float(np.log(np.diagonal(root)).sum())
    # The transpose of an array in C's order is one in Fortran's, which LAPACK overwrites without a copy.
    half, _ = lapack.dtrtri(root.T, lower=0, overwrite_c=1)
    return half @ half.T, volume
