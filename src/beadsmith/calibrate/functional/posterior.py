"""The posterior of all functions together: by Hamiltonian Monte Carlo (NUTS of Pyro), or quickly by randomised optima.

Randomised optima (:meth:`.Density.randomised`) fit the functions anew to targets to which noise was added anew,
hundreds of calibrations at once, each from its own draw of the prior.  Were the surrogates linear and the prior
normal, that would be the posterior.  NUTS is right whatever they are, one trajectory after the other.  Its chains
start at randomised optima and move in coordinates whitened by their covariance, which knows the bent valleys of a
calibration better than second derivatives at one point do: on the twin of the epoxies with lines, the log density of
draws from the latter lay 100 to 600 below its maximum, that of randomised optima 7 to 16, and 14 is what 28
coordinates should have.

References:
    D. S. Oliver, N. He, A. C. Reynolds, ECMOR V (1996) (randomised maximum likelihood).
    M. D. Hoffman, A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014) (NUTS).
    E. Bingham et al., J. Mach. Learn. Res. 20, 28 (2019) (Pyro).
    A. Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 11.4 (split R-hat, effective sample size).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.density import Density, make_density
from beadsmith.calibrate.functional.envelopes import Uncertainty, envelopes_of
from beadsmith.calibrate.functional.objective import Objective
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.systems import System
from beadsmith.errors import ProblemError

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

#: Draws that are kept for predictions, spread evenly over the chains.
_KEPT = 400

#: Split R-hat and effective sample size from which chains are taken to have converged (Vehtari et al., Bayesian Anal.
#: 16, 667 (2021) ask for 1.01 and 400 with many more draws).
_MOST_R_HAT, _LEAST_SAMPLES = 1.05, 100.0

#: Randomised optima behind the whitening, at least; and twice the number of coordinates.
_OPTIMA = 128

#: How far their covariance is drawn towards its diagonal: that of few draws underestimates its smallest eigenvalues.
_SHRINKAGE = 0.02

#: Trajectories have at most 2 to this power steps.
_DEPTH = 6


@dataclass(frozen=True, eq=False)
class Whitened:
    """A density in coordinates in which it is nearly a standard normal one.

    Attributes:
        density: of the coordinates.
        centre: the most probable point, shape (size,).
        root: lower triangular, of the covariance there, shape (size, size).
    """

    density: Density
    centre: Array
    root: Array

    def value_and_gradient(self, white: Array) -> tuple[float, Array]:
        """Minus the logarithm of the density, shape (size,) in and out."""
        value, gradient = self.density.value_and_gradient(self.natural(white))
        return value, self.root.T @ gradient

    def natural(self, white: Array) -> Array:
        """Coordinates of the functions, shape (..., size) in and out."""
        return np.asarray(self.centre + white @ self.root.T)


def randomised_uncertainty(
    calibration: Calibration, systems: Sequence[System], *, draws: int = 256, seed: int = 0
) -> Uncertainty:
    """The posterior by randomised optima: fast, and exact only where surrogates are linear over what is uncertain.

    Args:
        calibration: by ``combined_variance``.
        systems: that it was made with.
        draws: how many; all are independent.
        seed: of everything.

    Returns: method ``randomised``; diagnostics ``draws``.

    Raises:
        ProblemError: another rule than ``combined_variance``, which alone is a likelihood; fewer than 8 draws.
    """
    if draws < 8:
        raise ProblemError("uncertainty", f"{draws} draws", "at least 8")
    density = _density(calibration, systems, moving=False)
    units = np.clip(
        density.randomised(draws, np.random.default_rng(seed), np.asarray(calibration.coordinates)), 0.0, 1.0
    )
    sentence = (
        f"{draws} independent fits to randomised targets: approximate where the surrogates are not linear over what is "
        "uncertain; NUTS is the check."
    )
    return _uncertainty("randomised", calibration, units, {"draws": float(draws)}, sentence)


def posterior_uncertainty(
    calibration: Calibration,
    systems: Sequence[System],
    *,
    draws: int = 200,
    warmup: int = 100,
    chains: int = 4,
    seed: int = 0,
    moving_variance: bool = False,
) -> Uncertainty:
    """Sample the posterior of all coordinates by NUTS.

    Args:
        calibration: by ``combined_variance``; its prior is used.
        systems: that it was made with.
        draws: of each chain, after the warm-up.
        warmup: steps of each chain in which step sizes are learnt.
        chains: at least 2, from different points.
        seed: of everything.
        moving_variance: let the surrogates' variances follow the functions (see :mod:`.density`) instead of
            holding those at the calibrated ones; several times slower.

    Returns: method ``posterior``; diagnostics ``largest_r_hat``, ``smallest_effective_samples``, ``divergences``,
        ``acceptance``, ``draws``, ``chains``, ``gradients`` (how often the density was asked).

    Raises:
        ProblemError: another rule than ``combined_variance``, which alone is a likelihood; too few draws or chains.
    """
    if draws < 4 or warmup < 1 or chains < 2:
        received = f"{draws} draws after {warmup} in {chains} chains"
        raise ProblemError("uncertainty", received, "at least 4 draws, 1 step of warm-up and 2 chains")
    density = _density(calibration, systems, moving=moving_variance)
    random = np.random.default_rng(seed)
    optima = density.randomised(
        max(_OPTIMA, 2 * calibration.free_parameters), random, np.asarray(calibration.coordinates)
    )
    whitened = whiten(density, optima)
    begin = solve_triangular(whitened.root, (optima[:chains] - whitened.centre).T, lower=True).T
    sampled = sample(whitened, begin, draws=draws, warmup=warmup, random=random)
    # Edges are soft while chains move; what is reported keeps to the ranges.
    units = np.clip(whitened.natural(sampled.white).reshape(-1, calibration.free_parameters), 0.0, 1.0)
    return _uncertainty("posterior", calibration, units, sampled.diagnostics, _verdict(sampled.diagnostics))


def _density(calibration: Calibration, systems: Sequence[System], *, moving: bool) -> Density:
    if calibration.rule != "combined_variance":
        remedy = "calibrate with combined_variance"
        raise ProblemError("uncertainty", f"the misfit {calibration.rule}", "one that is a likelihood", remedy)
    objective = Objective(Predictor(calibration.family, tuple(systems)), calibration.rule, calibration.prior)
    return make_density(objective, np.asarray(calibration.coordinates), moving=moving)


def _uncertainty(
    method: str, calibration: Calibration, units: Array, diagnostics: dict[str, float], sentence: str
) -> Uncertainty:
    kept = units[np.linspace(0, len(units) - 1, min(_KEPT, len(units))).astype(int)]
    return Uncertainty(
        method=method,
        family=calibration.family,
        envelopes=envelopes_of(calibration.family, units, np.ones(len(units))),
        draws=kept,
        weights=np.full(len(kept), 1.0 / len(kept)),
        diagnostics=diagnostics,
        sentences=(sentence,),
    )


def whiten(density: Density, draws: Array) -> Whitened:
    """The normal approximation of randomised optima, shape (draws, size)."""
    centred = draws - draws.mean(axis=0)
    covariance = centred.T @ centred / len(draws)
    # A sample covariance of few draws underestimates its smallest eigenvalues: shrink it a little to its diagonal.
    covariance += _SHRINKAGE * (np.diag(np.diag(covariance)) - covariance) + 1e-8 * np.eye(len(covariance))
    return Whitened(density, draws.mean(axis=0), np.linalg.cholesky(covariance))


@dataclass(frozen=True, eq=False)
class Sampled:
    """Draws in whitened coordinates.

    Attributes:
        white: shape (chains, draws, size).
        diagnostics: see :func:`posterior_uncertainty`.
    """

    white: Array
    diagnostics: dict[str, float]


def sample(whitened: Whitened, begin: Array, *, draws: int, warmup: int, random: np.random.Generator) -> Sampled:
    """NUTS in whitened coordinates, one chain after the other.

    Args:
        whitened: density.
        begin: of each chain, shape (chains, size).
        draws, warmup: of each chain.
        random: seeds PyTorch's generator, whose state is put back afterwards.
    """
    import torch
    from pyro import infer
    from pyro.ops import stats

    # Pyro's functions say nothing of their types.
    inference: Any = infer
    statistics: Any = stats

    asked = 0

    class Potential(torch.autograd.Function):  # type: ignore[misc]
        """NumPy's value and gradient as one operation of PyTorch."""

        @staticmethod
        def forward(context: Any, white: Tensor) -> Tensor:
            nonlocal asked
            asked += 1
            value, gradient = whitened.value_and_gradient(white.detach().numpy())
            context.gradient = torch.from_numpy(gradient)
            return torch.tensor(value, dtype=torch.float64)

        @staticmethod
        def backward(context: Any, *outer: Tensor) -> Tensor:
            return context.gradient * outer[0]

    found, divergences, acceptances = [], 0, []
    with torch.random.fork_rng():
        for place in begin:
            torch.manual_seed(int(random.integers(2**31)))
            kernel = inference.NUTS(
                potential_fn=lambda point: Potential.apply(point["white"]),
                step_size=0.5,
                target_accept_prob=0.8,
                max_tree_depth=_DEPTH,
            )
            run = inference.MCMC(
                kernel,
                num_samples=draws,
                warmup_steps=warmup,
                initial_params={"white": torch.from_numpy(place.copy())},
                disable_progbar=True,
            )
            run.run()
            found.append(run.get_samples()["white"].detach().numpy())
            told = run.diagnostics()
            divergences += len(told["divergences"]["chain 0"])
            acceptances.append(float(told["acceptance rate"]["chain 0"]))
    white = np.stack(found)
    # Convergence is judged in the whitened coordinates and in the functions' own ones.
    own = whitened.natural(white)
    both = torch.from_numpy(np.concatenate([white, own], axis=-1))
    r_hat = statistics.split_gelman_rubin(both, chain_dim=0, sample_dim=1).numpy()
    effective = statistics.effective_sample_size(both, chain_dim=0, sample_dim=1).numpy()
    return Sampled(
        white,
        {
            "largest_r_hat": float(np.max(r_hat)),
            "smallest_effective_samples": float(np.min(effective)),
            "divergences": float(divergences),
            "acceptance": float(np.mean(acceptances)),
            "draws": float(draws),
            "chains": float(len(begin)),
            "gradients": float(asked),
        },
    )


def _verdict(diagnostics: dict[str, float]) -> str:
    r_hat, effective = diagnostics["largest_r_hat"], diagnostics["smallest_effective_samples"]
    divergences = int(diagnostics["divergences"])
    numbers = (
        f"largest split R-hat {r_hat:.3f}, at least {effective:.0f} effective samples, {divergences} divergent "
        f"trajectories in {int(diagnostics['chains'])} chains of {int(diagnostics['draws'])} draws"
    )
    if r_hat <= _MOST_R_HAT and effective >= _LEAST_SAMPLES and divergences == 0:
        return f"The chains agree: {numbers}."
    return f"The chains do not agree well enough: {numbers}; ask for more draws and a longer warm-up."
