"""Which point promises most: the logarithm of the expected improvement of a composite misfit.

EI(u) = P(success at u) E[max(0, M* - M'(u))], where M'(u) is the misfit that will be expected at u after one evaluation
there.  A score with variance v, measured with noise n, will have a mean that is normal with variance v^2 / (v + n) and
itself still vary by v n / (v + n): so

    M'(u) = sum_k (c_k - g_k)^2 + v_k n_k / (v_k + n_k) + rest.

For exact evaluations M' is the misfit itself.  For noisy ones, what one evaluation cannot tell is no gain; without
this, searches end by measuring their best point again and again.  The mean is taken over quasi-random samples of the
c_k; its logarithm, and a corner rounded off just enough, leave gradients everywhere (Ament et al.).

References:
    R. Astudillo, P. I. Frazier, ICML 2019, arXiv:1906.01537 (expected improvement of composite functions).
    P. Frazier, W. Powell, S. Dayanik, INFORMS J. Comput. 21, 599 (2009), doi:10.1287/ijoc.1080.0314 (the gain of a
    noisy evaluation is that of the mean after it).
    S. Ament et al., NeurIPS 2023, arXiv:2310.20708 (logarithms of expected improvements).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from botorch.utils.safe_math import log_fatplus, logmeanexp
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import qmc
from torch import Tensor

from beadsmith.search.box import Array
from beadsmith.search.grey_box_model import CompositeModel
from beadsmith.surrogate.reproducible import reproducible

#: Samples of the scores: a power of two, for which Sobol points are most even.
SAMPLES = 128

#: Width of the rounded corner, in units of the best misfit.
CORNER = 1e-3

#: A gain below this part of the noise of one evaluation is none.
NEGLIGIBLE = 0.1

#: Points compared before the best of them are improved: spread over the region, and about the centre.
SPREAD, ABOUT = 128, 96

#: How many are improved, and for how many iterations.
IMPROVED, ITERATIONS = 4, 60


@dataclass(frozen=True)
class Promise:
    """A proposal and what is expected of it.

    Attributes:
        unit: the point, shape (parameters,).
        gain: expected improvement of the misfit; infinite if no model was asked.
        noise: standard error that the misfit of one evaluation has at the best point.
    """

    unit: Array
    gain: float = np.inf
    noise: float = 0.0

    @property
    def negligible(self) -> bool:
        """Whether the gain would drown in the noise."""
        return self.gain < NEGLIGIBLE * self.noise


def log_expected_improvement(model: CompositeModel, units: Tensor, samples: Tensor, best: float) -> Tensor:
    """Logarithm of the expected improvement in units of ``best``, differentiable, shape (points,).

    Args:
        units: shape (points, parameters).
        samples: standard normal, shape (samples, components).
        best: misfit to improve on, positive.
    """
    mean, variance = model.deviations(units)
    noise = torch.from_numpy(model.processes.usual_noise)[:, None]
    learnt = variance**2 / (variance + noise)
    deviations = mean.T + learnt.T.sqrt() * samples[:, None, :]
    misfits = (deviations**2 + (variance - learnt).T).sum(dim=-1) + model.remainder
    value = logmeanexp(log_fatplus((best - misfits) / best, tau=CORNER), dim=0)
    return value if model.feasibility is None else value + model.feasibility.log_probability(units)


def most_promising(
    model: CompositeModel, best: float, centre: Array, bounds: tuple[Array, Array], seed: int, known: Array
) -> Promise:
    """The point of a box with the largest expected improvement, as far as a search from several beginnings can tell.

    Args:
        best: misfit to improve on.
        centre: of the region, shape (parameters,).
        bounds: lower and upper ends, shape (parameters,) each.
        seed: of samples and beginnings.
        known: further points to compare, shape (points, parameters).
    """
    random = np.random.default_rng(seed)
    best = max(best, 1e-12)
    with reproducible(seed):
        samples = torch.from_numpy(_normal(len(model.goal), random))

        def promise(units: Tensor) -> Tensor:
            return log_expected_improvement(model, units, samples, best)

        valley = _lowest(lambda units: -_expected_misfit(model, units), np.clip(centre, *bounds)[None], bounds)
        beginnings = np.vstack([_beginnings(centre, bounds, random), np.clip(known, *bounds), valley])
        with torch.no_grad():
            worth = promise(torch.from_numpy(beginnings)).numpy()
        improved = _lowest(promise, beginnings[np.argsort(-worth, kind="stable")[:IMPROVED]], bounds)
        with torch.no_grad():
            worth = promise(torch.from_numpy(improved)).numpy()
    chosen = int(np.argmax(worth))
    gain = float(best * np.exp(worth[chosen]))
    return Promise(improved[chosen], gain, model.misfit_stderr(centre))


def _normal(components: int, random: np.random.Generator) -> Array:
    """Quasi-random standard normal samples, shape (samples, components)."""
    uniform = qmc.Sobol(components, rng=random).random(SAMPLES)
    return np.asarray(ndtri(np.clip(uniform, 1e-9, 1.0 - 1e-9)))


def _expected_misfit(model: CompositeModel, units: Tensor) -> Tensor:
    mean, variance = model.deviations(units)
    return (mean**2 + variance).sum(dim=0)


def _beginnings(centre: Array, bounds: tuple[Array, Array], random: np.random.Generator) -> Array:
    """Points all over the box, and at three distances from the centre."""
    low, high = bounds
    spread = low + (high - low) * qmc.Sobol(len(centre), rng=random).random(SPREAD)
    steps = 0.5 * (high - low) * random.normal(size=(ABOUT, len(centre)))
    distances = np.repeat([0.05, 0.2, 1.0], ABOUT // 3)[:, None]
    return np.vstack([spread, np.clip(centre + distances * steps, low, high)])


def _lowest(wanted: Callable[[Tensor], Tensor], beginnings: Array, bounds: tuple[Array, Array]) -> Array:
    """Local maxima of ``wanted`` in a box, one from each beginning, all in one run of the optimiser."""
    shape = beginnings.shape

    def downhill(flat: Array) -> tuple[float, Array]:
        units = torch.from_numpy(flat.reshape(shape).copy()).requires_grad_(True)
        total = -wanted(units).sum()
        (slope,) = torch.autograd.grad(total, units)
        return float(total.detach()), slope.numpy().ravel()

    ends = list(zip(np.tile(bounds[0], shape[0]), np.tile(bounds[1], shape[0]), strict=True))
    found = minimize(
        downhill, beginnings.ravel(), jac=True, bounds=ends, method="L-BFGS-B", options={"maxiter": ITERATIONS}
    )
    return np.asarray(np.clip(found.x.reshape(shape), *bounds))
