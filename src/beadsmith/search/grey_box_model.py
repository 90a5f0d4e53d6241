"""What evaluations say about the misfit everywhere: by Gaussian processes of the observables, not of the misfit.

With r_i = sqrt(w_i) (y_i - t_i) / sqrt(sigma_i^2 + s_i^2), where s_i is the usual standard error of observable i (no
part of it in misfits other than combined variance), the misfit is |r|^2.  It has one minimum and no memory of signs;
the r_i themselves are simpler functions of the parameters, often nearly straight ones, and say on which side of the
target a model is.  They are reduced to the scores of a few principal components, each with a Gaussian process of its
own, so that

    M(u) = sum_k (c_k(u) - g_k)^2 + rest

with independent normal c_k: its mean is (m_k - g_k)^2 + v_k summed, and samples of it cost next to nothing.

Where evaluations came with derivatives, their mean about the best point is the straight line from which the Gaussian
processes take the difference, drawn towards zero by as much as its noise explains of it.

References:
    R. Astudillo, P. I. Frazier, ICML 2019, arXiv:1906.01537 (composite functions).
    R. Astudillo, P. I. Frazier, WSC 2021, arXiv:2201.00272 (grey-box optimisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array
from beadsmith.surrogate.components import Components, principal_components
from beadsmith.surrogate.feasibility import Feasibility, fit_feasibility
from beadsmith.surrogate.gaussian_process import GaussianProcesses, fit_gaussian_processes

Mask = NDArray[np.bool_]

#: A target takes part once so many evaluations determined it.
LEAST_KNOWN = 2

#: Distance over which derivatives are averaged, in unit coordinates.
SHARING_DISTANCE = 0.6


@dataclass(frozen=True)
class Evaluated:
    """One evaluation in unit coordinates.

    Attributes:
        unit: its point, shape (parameters,).
        response: None if it failed; derivatives, if any, by unit coordinate.
    """

    unit: Array
    response: Response | None


@dataclass(frozen=True)
class Trend:
    """A straight line through the scores.

    Attributes:
        centre: where it is zero, shape (parameters,).
        slopes: shape (components, parameters).
    """

    centre: Array
    slopes: Array

    def at(self, units: Array) -> Array:
        """Shape (points, components)."""
        return np.asarray((units - self.centre) @ self.slopes.T)


@dataclass(frozen=True)
class CompositeModel:
    """The misfit as a sum of squares of independent normal variables, everywhere in the unit box.

    Attributes:
        processes: of the scores less the trend.
        trend: of the scores.
        goal: the scores wanted, shape (components,).
        remainder: part of the misfit that no score changes.
        feasibility: None if nothing failed so far.
    """

    processes: GaussianProcesses
    trend: Trend
    goal: Array
    remainder: float
    feasibility: Feasibility | None

    def deviations(self, units: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of score minus goal, shape (components, points) each, differentiable."""
        mean, variance = self.processes.moments(units)
        straight = (units - torch.from_numpy(self.trend.centre)) @ torch.from_numpy(self.trend.slopes).T
        return mean + straight.T - torch.from_numpy(self.goal)[:, None], variance

    def expected_misfit(self, units: Array) -> Array:
        """E[M] = sum_k (m_k - g_k)^2 + v_k + rest at each point, shape (points,)."""
        mean, variance = self.processes.at(units)
        deviations = mean + self.trend.at(units) - self.goal
        return np.asarray((deviations**2 + variance).sum(axis=1) + self.remainder)

    def misfit_stderr(self, unit: Array) -> float:
        """Standard error of the misfit of one more evaluation at a point.

        Of (d + e)^2 summed over the scores, e with the usual noise n: sqrt(sum_k 4 d_k^2 n_k + 2 n_k^2).
        """
        mean, _ = self.processes.at(unit[None])
        deviations = mean[0] + self.trend.at(unit[None])[0] - self.goal
        noise = self.processes.usual_noise
        return float(np.sqrt((4.0 * deviations**2 * noise + 2.0 * noise**2).sum()))

    def believing(self, units: Array) -> CompositeModel:
        """The same, had the points been evaluated and come out as expected."""
        return CompositeModel(self.processes.believing(units), self.trend, self.goal, self.remainder, self.feasibility)


def fit_composite_model(history: Sequence[Evaluated], *, seed: int) -> CompositeModel:
    """Learn from all evaluations.

    Args:
        history: at least two that did not fail, which agree in their targets.
        seed: of whatever is drawn at random.

    Raises:
        ValueError: fewer successes, or no target that two of them determined.
    """
    units = np.array([one.unit for one in history])
    succeeded = np.array([one.response is not None for one in history])
    responses = [one.response for one in history if one.response is not None]
    known = _counted(responses)
    scale, components = _reduced(responses, known)
    trend = _trend(units[succeeded], responses, known, scale, components)
    processes = fit_gaussian_processes(
        units[succeeded], components.scores - trend.at(units[succeeded]), components.stderrs, seed=seed
    )
    feasibility = fit_feasibility(units, succeeded, seed=seed)
    return CompositeModel(processes, trend, components.goal, components.remainder, feasibility)


def _counted(responses: Sequence[Response]) -> Mask:
    """Targets that count and are known well enough, shape (targets,)."""
    determined = np.sum([response.determined for response in responses], axis=0)
    counted = (responses[0].weights > 0) & (determined >= LEAST_KNOWN)
    if not counted.any():
        raise ValueError(
            f"no target was determined by {LEAST_KNOWN} of {len(responses)} evaluations, expected one at least: "
            "look at the observations of the study"
        )
    return np.asarray(counted)


def _reduced(responses: Sequence[Response], known: Mask) -> tuple[Array, Components]:
    """What a unit of each observable counts, shape (known targets,), and the components of the scaled deviations."""
    first = responses[0]
    values = np.array([response.values[known] for response in responses])
    stderrs = np.array([response.stderrs[known] for response in responses])
    usual = np.full(len(known), np.inf)
    usual[known] = np.nanmedian(np.where(np.isfinite(stderrs), stderrs, np.nan), axis=0)
    scale = np.sqrt(first.weights / first.variances(usual))[known]
    return scale, principal_components((values - first.targets[known]) * scale, stderrs * scale)


def _trend(units: Array, responses: Sequence[Response], known: Mask, scale: Array, components: Components) -> Trend:
    """Mean slopes of the scores about the best point; flat where there are no derivatives."""
    deviations = (components.mean + components.scores @ components.axes) ** 2
    centre = units[int(np.argmin(deviations.sum(axis=1)))]
    nearness = np.exp(-0.5 * (np.linalg.norm(units - centre, axis=1) / SHARING_DISTANCE) ** 2)
    differentiated = np.array([response.differentiated[known] for response in responses])
    shares = np.where(differentiated, np.maximum(nearness, 1e-100)[:, None], 0.0)
    shares /= np.maximum(shares.sum(axis=0), 1e-300)
    rows = differentiated[:, :, None]
    slopes = np.where(rows, [response.jacobian[known] for response in responses], 0.0) * scale[:, None]
    errors = np.where(rows, [response.jacobian_stderrs[known] for response in responses], 0.0) * scale[:, None]
    mean = components.axes @ np.einsum("ei,eij->ij", shares, slopes)
    noise = components.axes**2 @ np.einsum("ei,eij->ij", shares**2, errors**2)
    signal = np.maximum((mean**2).sum(axis=1), 1e-300)
    trust = np.maximum(0.0, 1.0 - noise.sum(axis=1) / signal)
    return Trend(centre, mean * trust[:, None])
