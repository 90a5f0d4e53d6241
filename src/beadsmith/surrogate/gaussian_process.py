"""Gaussian processes: values between simulations, and how far to trust them.

Each output f_k is, in units of its own spread, a constant plus

    cov(f_k(u), f_k(v)) = exp(-sum_j (u_j - v_j)^2 / (2 l_kj^2)) + a_k (u - c) . (v - c),

a smooth function that may turn within the length l, and a straight line about the centre c of the points.  Simulated
averages are often nearly linear in the parameters over the whole box.  With the first term alone that takes a length
far above its prior, and with a dozen points in tens of dimensions the data cannot ask for one; with the second, they
say themselves how straight they are.

Known standard errors enter as the noise of each point, its variance e_k times the one that is known: error bars that
miss a slow motion, or that outputs share, are too small, and a process that believed them would bend after the noise.

The constant is its weighted mean.  Hyperparameters are those whose logarithms have the largest posterior density.  The
prior of the lengths is that of Hvarfner et al., log-normal about sqrt(dimension), so that a function of many parameters
is not more crooked than one of few.  An output has one length for all parameters as long as there are fewer than two
points for each; from then on one for each parameter.

References:
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), chapters 2, 4.2 and 5.
    C. Hvarfner, E. O. Hellsten, L. Nardi, ICML 2024, arXiv:2402.02229 (prior of the lengths).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from beadsmith.surrogate.reproducible import reproducible

Array = NDArray[np.float64]

#: Points for each parameter from which an output has a length for each of them.
POINTS_FOR_A_LENGTH = 2

#: Least noise, as a variance in units of the output's: exact data would make near neighbours indistinguishable.
LEAST_NOISE = 1e-6

#: Iterations of the optimiser of the hyperparameters; most fits need 20 to 40.
ITERATIONS = 100

#: Points that decide on hyperparameters, at most: the time for it grows with the cube of their number.
DECIDING_POINTS = 100

#: Standard deviation of log(a), which is most probably such that the line alone spreads as the output does.
SPREAD_OF_SLOPES = 1.5

#: Standard deviation of log(e), which is most probably 0 and never less: error bars are seldom too wide.
SPREAD_OF_EXCESS = 1.0

#: How far the optimiser may go from where it begins, as a factor of lengths and slopes, and of the noise.
FARTHEST, LARGEST_EXCESS = 1e3, 1e2


@dataclass(frozen=True)
class Covariance:
    """Covariance of the standardised outputs; see the module for the formula.

    Attributes:
        lengths: l_kj, shape (outputs, 1, dimensions), or (outputs, 1, 1) for one length each.
        straightness: a_k, shape (outputs, 1, 1).
    """

    lengths: Tensor
    straightness: Tensor

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Shape (outputs, points of the first, points of the second).

        Args:
            first, second: about the centre of the points, shape (points, dimensions) each.
        """
        here, there = first / self.lengths, second / self.lengths
        squares = (here**2).sum(-1, keepdim=True) + (there**2).sum(-1).unsqueeze(-2)
        distances = (squares - 2.0 * here @ there.transpose(-1, -2)).clamp_min(0.0)
        return torch.exp(-0.5 * distances) + self.straightness * (first @ second.T)

    def variance(self, inputs: Tensor) -> Tensor:
        """Of each point, shape (outputs, points)."""
        return 1.0 + self.straightness.squeeze(-1) * (inputs**2).sum(-1)


@dataclass(frozen=True)
class Hyperparameters:
    """What the data decide.

    Attributes:
        covariance: of the standardised outputs.
        excess: e_k, variance of the noise in units of the known one, shape (outputs, 1).
    """

    covariance: Covariance
    excess: Tensor


@dataclass(frozen=True)
class GaussianProcesses:
    """Gaussian processes of several outputs over the same inputs, given data.  All tensors are float64.

    Attributes:
        covariance: of the standardised outputs.
        centre: c, shape (dimensions,).
        inputs: about the centre, shape (points, dimensions).
        residuals: standardised values less their constant, shape (outputs, points).
        noise: variances of the residuals, same shape.
        offset, scale: an output is ``offset + scale *`` its residual, shape (outputs, 1).
        root: Cholesky factor of the covariance with noise, shape (outputs, points, points).
        whitened: its inverse applied to the residuals, shape (outputs, points, 1).
    """

    covariance: Covariance
    centre: Tensor
    inputs: Tensor
    residuals: Tensor
    noise: Tensor
    offset: Tensor
    scale: Tensor
    root: Tensor
    whitened: Tensor

    @classmethod
    def given(
        cls,
        covariance: Covariance,
        centre: Tensor,
        inputs: Tensor,
        residuals: Tensor,
        noise: Tensor,
        offset: Tensor,
        scale: Tensor,
    ) -> GaussianProcesses:
        """Condition on data; see the attributes."""
        root = _root(covariance, inputs, noise)
        return cls(covariance, centre, inputs, residuals, noise, offset, scale, root, _whitened(root, residuals))

    def moments(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the noiseless outputs, differentiable.

        Args:
            inputs: unit coordinates, shape (points, dimensions).

        Returns: in the outputs' own units and their squares, shape (outputs, points) each.
        """
        centred = inputs - self.centre
        across = torch.linalg.solve_triangular(self.root, self.covariance.between(self.inputs, centred), upper=False)
        mean = (across * self.whitened).sum(-2)
        # Rounding may leave a little less than nothing where a point was measured exactly.
        variance = (self.covariance.variance(centred) - (across**2).sum(-2)).clamp_min(1e-12)
        return self.offset + self.scale * mean, self.scale**2 * variance

    def at(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless outputs.

        Args:
            inputs: unit coordinates, shape (points, dimensions).

        Returns: in the outputs' own units and their squares, shape (points, outputs) each.
        """
        with torch.no_grad(), reproducible():
            mean, variance = self.moments(_tensor(inputs))
        return mean.numpy().T, variance.numpy().T

    @property
    def usual_noise(self) -> Array:
        """Median variance of the noise of each output, in its own unit squared, shape (outputs,)."""
        return np.asarray((self.scale[:, 0] ** 2 * self.noise.median(dim=-1).values).numpy())

    def believing(self, inputs: Array) -> GaussianProcesses:
        """The same, had the outputs at further points been measured and come out as expected.

        The mean stays what it is everywhere; the variance shrinks about these points.  So points whose answers are
        still awaited are kept apart.

        Args:
            inputs: unit coordinates, shape (points, dimensions).
        """
        further = _tensor(inputs)
        with torch.no_grad(), reproducible():
            mean, _ = self.moments(further)
            typical = self.noise.median(dim=-1, keepdim=True).values.expand(-1, len(further))
            return GaussianProcesses.given(
                self.covariance,
                self.centre,
                torch.cat([self.inputs, further - self.centre]),
                torch.cat([self.residuals, (mean - self.offset) / self.scale], dim=-1),
                torch.cat([self.noise, typical], dim=-1),
                self.offset,
                self.scale,
            )


def fit_gaussian_processes(inputs: Array, values: Array, stderrs: Array, *, seed: int = 0) -> GaussianProcesses:
    """Gaussian processes of the outputs with hyperparameters of the largest posterior density.

    Args:
        inputs: unit coordinates, shape (points, dimensions); at least two points.
        values: shape (points, outputs).
        stderrs: known standard errors of the values, same shape; 0 for exact ones.
        seed: chooses the points that decide on hyperparameters where there are very many.

    Raises:
        ValueError: fewer than two points, shapes that do not fit, or a number that is not finite.
    """
    _check(inputs, values, stderrs)
    middle, spread = values.mean(axis=0), np.maximum(values.std(axis=0, ddof=1), 1e-12)
    most = min(len(inputs), DECIDING_POINTS)
    deciding = np.sort(np.random.default_rng(seed).choice(len(inputs), most, replace=False))
    with reproducible():
        centre = _tensor(inputs.mean(axis=0))
        centred = _tensor(inputs) - centre
        standardised = _tensor(((values - middle) / spread).T)
        known = _tensor(np.maximum((stderrs / spread) ** 2, LEAST_NOISE).T)
        found = most_probable(centred[deciding], standardised[:, deciding], known[:, deciding])
        noise = found.excess * known
        constant = _constant(_root(found.covariance, centred, noise), standardised)
        scale = _tensor(spread)[:, None]
        offset = _tensor(middle)[:, None] + scale * constant
        return GaussianProcesses.given(found.covariance, centre, centred, standardised - constant, noise, offset, scale)


def log_likelihood(found: Hyperparameters, inputs: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Logarithm of the probability density of the values, their constant being the most probable one.

    Args:
        found: to be judged.
        inputs: about their centre, shape (points, dimensions).
        values: standardised, shape (outputs, points).
        noise: known variances, same shape.

    Returns: shape (outputs,), differentiable.
    """
    root = _root(found.covariance, inputs, found.excess * noise)
    whitened = _whitened(root, values - _constant(root, values)).squeeze(-1)
    volume = torch.diagonal(root, dim1=-2, dim2=-1).log().sum(-1)
    return -0.5 * (whitened**2).sum(-1) - volume - 0.5 * values.shape[-1] * math.log(2.0 * math.pi)


def most_probable(inputs: Tensor, values: Tensor, noise: Tensor) -> Hyperparameters:
    """Hyperparameters of the largest posterior density; see :func:`log_likelihood` for the arguments."""
    points, dimensions = inputs.shape
    outputs = len(values)
    lengths = dimensions if points >= POINTS_FOR_A_LENGTH * dimensions else 1
    typical = 1.0 / max(float((inputs**2).sum(-1).mean()), 1e-12)
    begin = np.log([0.5 * math.sqrt(dimensions)] * lengths + [typical, 1.1])
    middles = _tensor(np.array([math.sqrt(2.0) + 0.5 * math.log(dimensions)] * lengths + [math.log(typical), 0.0]))
    widths = _tensor(np.array([math.sqrt(3.0)] * lengths + [SPREAD_OF_SLOPES, SPREAD_OF_EXCESS]))

    def understood(logarithms: Tensor) -> Hyperparameters:
        numbers = logarithms.exp().unsqueeze(1)
        return Hyperparameters(Covariance(numbers[..., :lengths], numbers[..., -2:-1]), numbers[..., -1])

    def improbability(flat: Array) -> tuple[float, Array]:
        logarithms = _tensor(flat).reshape(outputs, -1).requires_grad_(True)
        prior = -0.5 * (((logarithms - middles) / widths) ** 2).sum()
        total = -(log_likelihood(understood(logarithms), inputs, values, noise).sum() + prior)
        (slope,) = torch.autograd.grad(total, logarithms)
        return float(total.detach()), np.asarray(slope.numpy().ravel())

    reach = math.log(FARTHEST)
    ends = [(one - reach, one + reach) for one in begin[:-1]] + [(0.0, math.log(LARGEST_EXCESS))]
    best = minimize(
        improbability,
        np.tile(begin, outputs),
        jac=True,
        bounds=ends * outputs,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS},
    )
    return understood(_tensor(best.x).reshape(outputs, -1))


def _root(covariance: Covariance, inputs: Tensor, noise: Tensor) -> Tensor:
    return torch.linalg.cholesky(covariance.between(inputs, inputs) + torch.diag_embed(noise))


def _whitened(root: Tensor, values: Tensor) -> Tensor:
    """Shape (outputs, points, 1)."""
    return torch.linalg.solve_triangular(root, values.unsqueeze(-1), upper=False)


def _constant(root: Tensor, values: Tensor) -> Tensor:
    """The mean of each output by generalised least squares, shape (outputs, 1)."""
    ones, found = _whitened(root, torch.ones_like(values)), _whitened(root, values)
    return (ones * found).sum(-2) / (ones**2).sum(-2)


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64, order="C"))


def _check(inputs: Array, values: Array, stderrs: Array) -> None:
    if inputs.ndim != 2 or values.ndim != 2 or stderrs.shape != values.shape or len(inputs) != len(values):
        raise ValueError(
            f"received inputs {inputs.shape}, values {values.shape} and standard errors {stderrs.shape}, "
            "expected (points, dimensions), (points, outputs) and (points, outputs)"
        )
    if len(inputs) < 2:
        raise ValueError(f"a Gaussian process was given {len(inputs)} points, expected at least 2")
    if not (np.isfinite(inputs).all() and np.isfinite(values).all() and np.isfinite(stderrs).all()):
        raise ValueError("a Gaussian process was given a number that is not finite; leave such points out")
