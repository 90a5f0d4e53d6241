r"""Samples of several ensembles as one sample of a mixture, and what it weighs in an ensemble that was not simulated.

N_k samples were drawn from the ensembles k = 1, ..., K with densities exp(f_k - u_k), u being the reduced potential.
All together are a sample of the mixture sum_k N_k exp(f_k - u_k)/N, so that in any ensemble with the potential u

    <A> = sum_n w_n A_n,      w_n ~ exp(-u(x_n)) / sum_k N_k exp(f_k - u_k(x_n))

with the free energies f_k that make this true for every simulated ensemble as well: the multistate Bennett acceptance
ratio (M. R. Shirts, J. D. Chodera, J. Chem. Phys. 129, 124105 (2008)), solved by pymbar.  One ensemble needs no
solving: its samples weigh exp(-(u - u_1)).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from beadsmith.errors import EstimateError
from beadsmith.observe.response.frame_values import Array

#: By how much the samples of a simulated ensemble may miss their number in the mixture, relatively.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Mixture:
    """Samples of simulated ensembles; they stand ensemble by ensemble.

    Attributes:
        potentials: reduced potential of every sample in every simulated ensemble, shape (ensembles, samples).
        counts: number of samples drawn from each ensemble, shape (ensembles,).
        free_energies: reduced, the first one 0, shape (ensembles,).
    """

    potentials: Array
    counts: tuple[int, ...]
    free_energies: Array

    @cached_property
    def logarithms(self) -> Array:
        """Logarithm of the density of the mixture at every sample, up to a constant, shape (samples,)."""
        return np.asarray(logsumexp(self._parts, axis=0))

    @cached_property
    def membership(self) -> Array:
        """The chance that a sample at this place was drawn from each ensemble, shape (ensembles, samples)."""
        return np.asarray(np.exp(self._parts - self.logarithms))

    def weights(self, potential: Array) -> Array:
        """Weights of all samples in an ensemble; they sum to 1.

        Args:
            potential: reduced potential of every sample in that ensemble, shape (samples,).
        """
        exponents = -potential - self.logarithms
        weights = np.exp(exponents - exponents.max())
        return np.asarray(weights / weights.sum())

    @property
    def _parts(self) -> Array:
        known = self.free_energies + np.log(np.array(self.counts, dtype=np.float64))
        return np.asarray(known[:, None] - self.potentials)


def mixture_of(potentials: Array, counts: Sequence[int]) -> Mixture:
    """Find the free energies of simulated ensembles from their samples.

    Args:
        potentials: reduced potential of every sample in every ensemble, shape (ensembles, samples).
        counts: number of samples drawn from each ensemble, in the order in which they stand; all at least 1.

    Raises:
        ValueError: shapes that do not fit.
        EstimateError: the free energies cannot be found; potentials that are not finite.
    """
    if len(counts) != len(potentials) or sum(counts) != potentials.shape[1] or min(counts) < 1:
        raise ValueError(f"potentials of shape {potentials.shape} do not fit samples {list(counts)} of each ensemble")
    if not np.isfinite(potentials).all():
        raise EstimateError("a reduced potential is not finite: beads at the same place")
    free_energies = np.zeros(1) if len(counts) == 1 else _free_energies(potentials, counts)
    mixture = Mixture(potentials, tuple(int(count) for count in counts), free_energies)
    if np.abs(mixture.membership.sum(axis=1) / np.array(counts) - 1.0).max() > _TOLERANCE:
        raise EstimateError(f"no free energies of {len(counts)} models could be found: their frames do not overlap")
    return mixture


def divergences(potentials: Array, counts: Sequence[int]) -> Array:
    """How far ensembles are apart: Jeffreys' divergence <u_l - u_k>_k - <u_l - u_k>_l, shape (ensembles, ensembles).

    0 for the same ensemble.  Two normal distributions of the same width, d widths apart, have d^2; at 16 three in a
    hundred samples of the one could have come from the other, which is the least overlap from which free energies
    can be told (P. V. Klimovich, M. R. Shirts, D. L. Mobley, J. Comput. Aided Mol. Des. 29, 397 (2015)).

    Args:
        potentials, counts: as for :func:`mixture_of`.
    """
    means = _means(potentials, counts)
    own = np.diag(means)
    return np.asarray(means + means.T - own[:, None] - own[None, :])


def kish(weights: Array) -> float:
    """Effective number of samples with given weights: (sum w)^2 / sum w^2 (L. Kish, Survey Sampling, 1965).

    N equal weights give N, one that outweighs all others gives 1.
    """
    return float(weights.sum() ** 2 / np.square(weights).sum())


def _guesses(potentials: Array, counts: Sequence[int]) -> Array:
    """Free energies halfway between their bounds of Gibbs and Bogoliubov.

    <u_k - u_1>_k <= f_k - f_1 <= <u_k - u_1>_1; from a start further off the solvers may not arrive.
    """
    means = _means(potentials - potentials[0], counts)
    return np.asarray(0.5 * (means[:, 0] + np.diag(means)))


def _means(potentials: Array, counts: Sequence[int]) -> Array:
    """Mean of each potential over the samples of each ensemble, shape (potentials, ensembles)."""
    begins = np.cumsum([0, *counts[:-1]])
    return np.asarray(np.add.reduceat(potentials, begins, axis=1) / np.array(counts))


def _free_energies(potentials: Array, counts: Sequence[int]) -> Array:
    # pymbar greets with warnings about JAX when it is imported, and its solvers try steps that overflow before they
    # find one that does not; whether the answer is good is looked at below.
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        from pymbar import MBAR
        from pymbar.utils import ParameterError

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            solved = MBAR(potentials, np.array(counts), initial_f_k=_guesses(potentials, counts))
            found = np.asarray(solved.f_k, dtype=np.float64)
    except (ParameterError, np.linalg.LinAlgError, ValueError) as error:
        raise EstimateError(f"no free energies of {len(counts)} models could be found ({error})") from error
    finally:
        logger.setLevel(level)
    return np.asarray(found - found[0])
