r"""Weighted means and their derivatives, with errors that know blocks of correlated samples.

**Errors.**  An estimate S is a smooth function of sums over samples and of the mixture's free energies f.  To first
order, a block b of samples moved it by its influence

    J_b = sum_{n in b} q_n + (sum_n q_n p_n) H^-1 sum_{n in b} (p_n - e_n),     H = diag(N_k) - sum_n p_n p_n^T

where q_n is the influence of sample n at fixed f (w_n (A_n - <A>) for a mean), p_n its membership of the ensembles and
e_n the ensemble that it was drawn from: the first term is the noise of the sums, the second that of the free energies.
Independent blocks give

    var(S) = (B - 1)/B sum_b (J_b/(1 - W_b))^2

with the weight W_b of each block, which for a mean over one ensemble is the jackknife.  For single uncorrelated samples
it is the asymptotic covariance of MBAR (Shirts and Chodera 2008, Eq. 8).  How many samples were drawn from which
ensemble does not matter, because the mean of J over any one ensemble vanishes.

**Derivatives** are those of :mod:`beadsmith.observe.response.fluctuation`, with its identity for less noise, each mean
being a weighted one.  The covariance of samples is too small by that of their means, sum_b J_b K_b with the influences
J and K of the blocks on them; it is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beadsmith.observe.response.frame_values import Array, Integers
from beadsmith.observe.reweighting.mixture import Mixture, kish

#: Ensembles that share fewer samples than this share none: their free energies could differ by anything.
_SHARED = 1e-9


@dataclass(frozen=True)
class Estimate:
    """Numbers estimated from the same samples, with the influence of every block on each: errors and correlations.

    Attributes:
        values: shape (estimates,); one goes with any number of others.
        influences: to first order, by how much each block moved them, shape (blocks, estimates).
    """

    values: Array
    influences: Array

    @property
    def stderrs(self) -> Array:
        """Standard errors, shape (estimates,)."""
        count = len(self.influences)
        return np.asarray(np.sqrt((count - 1) / count * np.square(self.influences).sum(axis=0)))

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.values + other.values, self.influences + other.influences)

    def __sub__(self, other: Estimate) -> Estimate:
        return self + other.times(-1.0)

    def __mul__(self, other: Estimate) -> Estimate:
        return Estimate(self.values * other.values, self.influences * other.values + self.values * other.influences)

    def __truediv__(self, other: Estimate) -> Estimate:
        ratio = self.values / other.values
        return Estimate(ratio, (self.influences - ratio * other.influences) / other.values)

    def times(self, factor: float) -> Estimate:
        """Multiplied by a number that is known."""
        return Estimate(factor * self.values, factor * self.influences)

    def stretched(self, factors: Array) -> Estimate:
        """With influences as many times as large, for errors that blocks do not see; one factor for each block."""
        return Estimate(self.values, self.influences * factors[:, None])


@dataclass(frozen=True)
class Centred:
    """Quantities less their means.

    Attributes:
        deviations: of every sample, shape (samples, quantities).
        mean: what was taken away.
    """

    deviations: Array
    mean: Estimate


@dataclass(frozen=True)
class Ensemble:
    """The samples of a mixture as a sample of one ensemble.

    Attributes:
        mixture: where they come from.
        weights: of the samples in this ensemble, summing to 1, shape (samples,).
        blocks: first sample of each block, increasing from 0, shape (blocks,); samples of a block belong together,
            different blocks are independent.
    """

    mixture: Mixture
    weights: Array
    blocks: Integers

    @property
    def effective_samples(self) -> float:
        """Effective number of samples (:func:`~beadsmith.observe.reweighting.mixture.kish`)."""
        return kish(self.weights)

    @property
    def effective_blocks(self) -> float:
        """Effective number of blocks: of samples that certainly know nothing of each other."""
        return kish(self._block_weights)

    def mean(self, values: Array) -> Estimate:
        """Means of quantities.

        Args:
            values: of every sample, shape (samples, quantities).
        """
        return self.centred(values).mean

    def centred(self, values: Array) -> Centred:
        """Quantities less their means.

        Args:
            values: of every sample, shape (samples, quantities).
        """
        means = self.weights @ values
        deviations = values - means
        return Centred(deviations, Estimate(means, self._influences(self.weights[:, None] * deviations)))

    def covariance(self, one: Centred, other: Centred) -> Estimate:
        """Covariances of quantities; one column goes with any number of others."""
        found = self.mean(one.deviations * other.deviations)
        lost = (one.mean.influences * other.mean.influences).sum(axis=0)
        return Estimate(found.values + lost, found.influences)

    def _influences(self, single: Array) -> Array:
        """Influences of the blocks from those of the samples at fixed free energies, shape (blocks, estimates)."""
        moved = self._sums(single) + self._free_energies @ (self.mixture.membership @ single)
        # One block with all the weight leaves nothing to compare it with.
        rest = np.maximum(1.0 - self._block_weights, np.finfo(np.float64).eps)
        return np.asarray(moved / rest[:, None])

    def _sums(self, values: Array) -> Array:
        """Sums over each block, shape (blocks, ...)."""
        return np.asarray(np.add.reduceat(values, self.blocks, axis=0))

    @cached_property
    def _block_weights(self) -> Array:
        return self._sums(self.weights)

    @cached_property
    def _free_energies(self) -> Array:
        """H^-1 sum_{n in b} (p_n - e_n) of every block; the first free energy stays 0, shape (blocks, ensembles)."""
        membership, counts = self.mixture.membership, self.mixture.counts
        found = np.zeros((len(self.blocks), len(counts)))
        if len(counts) > 1:
            origins = np.repeat(np.eye(len(counts)), counts, axis=0)
            excess = self._sums(membership.T - origins)[:, 1:]
            shared = (np.diag(counts) - membership @ membership.T)[1:, 1:]
            found[:, 1:] = np.linalg.solve(shared + _SHARED * np.eye(len(shared)), excess.T).T
        return found


@dataclass(frozen=True)
class Scaled:
    """What the identity of :mod:`~beadsmith.observe.response.fluctuation` needs, of every sample.

    Attributes:
        observable: dA/dlnV, shape (samples,).
        force: Y, shape (samples,).
    """

    observable: Array
    force: Array


def derivative(
    ensemble: Ensemble,
    values: Array,
    slopes: Centred,
    beta: float,
    own: Array | None = None,
    scaled: Scaled | None = None,
) -> Estimate:
    """Derivative of the mean of a quantity A by each parameter.

    Args:
        values: A of every sample, shape (samples,).
        slopes: dW/dtheta, W being the energy whose Boltzmann factor the ensemble samples; one quantity per parameter.
        beta: 1/kT, mol/kcal.
        own: dA/dtheta at fixed positions, shape (samples, parameters); None if the positions alone decide A.
        scaled: for the identity; None where it does not hold.
    """
    column = ensemble.centred(values[:, None])
    answer = ensemble.covariance(column, slopes)
    if scaled is not None:
        force = ensemble.centred(scaled.force[:, None])
        spread = ensemble.covariance(force, force)
        if spread.values[0] > 0.0:
            vanishing = ensemble.covariance(column, force) + ensemble.mean(scaled.observable[:, None])
            answer = answer - ensemble.covariance(force, slopes) / spread * vanishing
    found = answer.times(-beta)
    return found if own is None else found + ensemble.mean(own)
