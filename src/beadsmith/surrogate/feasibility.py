"""Where evaluations succeed, learnt from where they did and did not.

A Gaussian process of the indicator, 1 for a success and 0 for a failure, says at every point how far it is from one
half in units of its own doubt; the normal distribution function turns that into a probability.  It is no calibrated
one: it falls smoothly from 1 to 0 across the border between successes and failures.  A border seen from one side only
is continued as a line, so it is never quite sure: nothing is forbidden for ever because of what failed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beadsmith.surrogate.gaussian_process import GaussianProcesses, fit_gaussian_processes

Array = NDArray[np.float64]

#: Noise of the indicator: near the border neighbours may differ.
NOISE = 0.1

#: Least probability of success, and of failure, anywhere.
LEAST = 0.01


@dataclass(frozen=True)
class Feasibility:
    """Probability of success, as a function of the point."""

    indicator: GaussianProcesses

    def log_probability(self, inputs: Tensor) -> Tensor:
        """Natural logarithm of the probability of success, differentiable.

        Args:
            inputs: unit coordinates, shape (points, dimensions).

        Returns: shape (points,).
        """
        mean, variance = self.indicator.moments(inputs)
        return _probability(mean[0], variance[0]).log()

    def probability(self, inputs: Array) -> Array:
        """Probability of success, shape (points,).

        Args:
            inputs: unit coordinates, shape (points, dimensions).
        """
        mean, variance = self.indicator.at(inputs)
        return np.asarray(_probability(torch.from_numpy(mean[:, 0]), torch.from_numpy(variance[:, 0])).numpy())


def fit_feasibility(inputs: Array, succeeded: NDArray[np.bool_], *, seed: int = 0) -> Feasibility | None:
    """Learn it; None if there is nothing to learn, because all succeeded or all failed.

    Args:
        inputs: unit coordinates, shape (points, dimensions).
        succeeded: shape (points,).
        seed: of whatever the libraries draw at random.
    """
    if succeeded.all() or not succeeded.any():
        return None
    indicator = succeeded.astype(np.float64)[:, None]
    return Feasibility(fit_gaussian_processes(inputs, indicator, np.full_like(indicator, NOISE), seed=seed))


def _probability(mean: Tensor, variance: Tensor) -> Tensor:
    return LEAST + (1.0 - 2.0 * LEAST) * torch.special.ndtr((mean - 0.5) / (variance + NOISE**2).sqrt())
