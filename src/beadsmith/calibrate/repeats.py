"""What repeated simulations of several models say about a protocol: scatter between runs, and bias.

Two protocols, a short and a long one, simulate the same M models, each several times with independent seeds.  For one
observable at one state,

    value = truth(model) + bias + bias(model) + between runs + within the run,

where the last term is what a run's own standard error claims to cover.  The terms are told apart by the analysis of
variance of a balanced two-level random-effects design (R. DerSimonian, N. Laird, Control. Clin. Trials 7, 177 (1986),
for runs whose own errors are known):

- runs of one model scatter with the variance V, pooled over models; V less the claimed variance is that *between runs*;
- the models' differences b(m), short minus long, have the mean *bias*, and scatter over models with the variance
  S = tau^2 + v, where v = V_short/n_short + V_long/n_long comes from V alone and tau is the standard deviation
  *between models*.

A few runs of a few models know variances poorly.  So each is averaged with those of the same observable at its other
states, which count like a few degrees of freedom (G. Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from beadsmith.errors import EstimateError

Array = NDArray[np.float64]

#: Degrees of freedom that the scatter of runs at other states counts for, where there are any.
BORROWED = 4.0

#: The same for the scatter over models; less, because the bias of a model moves together at all its states.
BORROWED_OVER_MODELS = 2.0

#: A curve of biases is called different from zero at a state below this chance, divided by the number of states.
SIGNIFICANT = 0.05

#: How finely the strength of shrinkage is resolved when it is averaged over.
_GRID = 400


@dataclass(frozen=True)
class Runs:
    """Independent runs of one model with one protocol: one observable at one state.

    Attributes:
        values, stderrs: of each run, in the unit of the observable, shape (runs,).
    """

    values: Array
    stderrs: Array


@dataclass(frozen=True)
class Scatter:
    """How far single runs of one model are apart.

    Attributes:
        variance: of a single run about the mean of many, pooled over models, shrunk over states.
        claimed: mean of the squares of the standard errors that the runs themselves claim.
        freedom: degrees of freedom behind ``variance`` at this state, without the borrowed ones.
    """

    variance: float
    claimed: float
    freedom: int

    @property
    def between_runs(self) -> float:
        """Standard deviation between runs beyond what they claim; 0 if they claim enough."""
        return math.sqrt(max(0.0, self.variance - self.claimed))

    @property
    def total(self) -> float:
        """Standard deviation of a single run, the larger of what is seen and what is claimed."""
        return math.sqrt(max(self.variance, self.claimed))

    @property
    def ratio(self) -> float:
        """What is seen over what is claimed: 1 for honest error bars; nan if no error is claimed."""
        return math.sqrt(self.variance / self.claimed) if self.claimed > 0 else math.nan


@dataclass(frozen=True)
class Bias:
    """Short minus long protocol.

    Attributes:
        mean, stderr: over models, and the standard error of this mean.
        between_models: standard deviation of the bias from model to model.
        probability: two-sided chance of a mean as far from zero without any bias.
        significant: whether that chance is small, all states of the observable considered.
        correction: what to subtract from a value of another model: ``mean``, shrunk towards zero.
        correction_stderr: standard error of ``correction`` for a model that was not measured, such that 1.96 of it
            cover 95 %.
    """

    mean: float
    stderr: float
    between_models: float
    probability: float
    significant: bool
    correction: float
    correction_stderr: float


def scatter_of_runs(states: Sequence[Sequence[Runs]]) -> tuple[Scatter, ...]:
    """Scatter between runs of one observable.

    Args:
        states: for each state, the runs of each model.

    Raises:
        EstimateError: at some state no model has two runs.
    """
    variances, freedoms = zip(*(_pooled_variance(models) for models in states), strict=True)
    shrunk = shrunk_variances(variances, freedoms, BORROWED)
    return tuple(
        Scatter(variance, float(np.mean(np.concatenate([runs.stderrs for runs in models]) ** 2)), freedom)
        for models, variance, freedom in zip(states, shrunk, freedoms, strict=True)
    )


def bias_of(short: Sequence[Sequence[Runs]], long: Sequence[Sequence[Runs]]) -> tuple[Bias, ...]:
    """Bias of one observable, at each of its states.

    The standard error of a correction holds three things: how well the mean over models is known, how different the
    bias is from model to model (the next model is another one), and, through Student's distribution, how poorly few
    models tell the second.  The mean itself is shrunk towards zero by :func:`shrunk_towards_zero`.

    Args:
        short, long: for each state, the runs of each model; the same models in the same order in both.

    Raises:
        EstimateError: fewer than two models, or too few runs to know the scatter.
    """
    noise = [
        _noise_of_difference(*both)
        for both in zip(short, scatter_of_runs(short), long, scatter_of_runs(long), strict=True)
    ]
    differences = [_differences(*both) for both in zip(short, long, strict=True)]
    if min(len(one) for one in differences) < 2:
        raise EstimateError("a bias needs at least two models: that of one says nothing of another")
    freedoms = [len(one) - 1 for one in differences]
    spread = shrunk_variances([float(one.var(ddof=1)) for one in differences], freedoms, BORROWED_OVER_MODELS)
    means = np.array([one.mean() for one in differences])
    counts = np.array([len(one) for one in differences])
    variances = np.maximum(spread, noise) / counts
    corrections, remaining = shrunk_towards_zero(means, np.sqrt(variances))
    freedom = np.array(freedoms) + (BORROWED_OVER_MODELS if len(means) > 1 else 0.0)
    between = np.maximum(0.0, np.array(spread) - noise)
    widened = stdtrit(freedom, 0.975) / stdtrit(math.inf, 0.975)
    errors = widened * np.sqrt(remaining**2 + between)
    # Where models differ by no more than runs do, it is the scatter of the runs that says how well the mean is known.
    behind = np.where(between > 0, freedom, _freedom_of_runs(short, long))
    chances = [
        _two_sided(mean, math.sqrt(variance), free)
        for mean, variance, free in zip(means, variances, behind, strict=True)
    ]
    return tuple(
        Bias(
            mean=float(means[i]),
            stderr=float(np.sqrt(variances[i])),
            between_models=float(np.sqrt(between[i])),
            probability=chances[i],
            significant=chances[i] < SIGNIFICANT / len(means),
            correction=float(corrections[i]),
            correction_stderr=float(errors[i]),
        )
        for i in range(len(means))
    )


def shrunk_variances(variances: Sequence[float], freedoms: Sequence[int], borrowed: float) -> list[float]:
    """Each variance averaged with the mean of all, by degrees of freedom; a single one is left as it is.

    Args:
        variances: sample variances of one observable at its states.
        freedoms: degrees of freedom of each.
        borrowed: degrees of freedom that the mean of all counts for.
    """
    common = float(np.mean(variances))
    return [
        (freedom * own + borrowed * common) / (freedom + borrowed)
        for own, freedom in zip(variances, freedoms, strict=True)
    ]


def shrunk_towards_zero(means: Array, stderrs: Array) -> tuple[Array, Array]:
    """Posterior means and standard deviations of quantities that are probably small.

    The true values are taken as normal about zero with an unknown variance A.  Were A known, each mean would be
    multiplied by the random-effects weight A/(A + stderr^2).  It is not, so the posterior is averaged over A, with the
    uniform prior of the shrinkage B = s^2/(s^2 + A), s^2 the harmonic mean of stderr^2 (M. J. Daniels, Can. J. Stat.
    27, 567 (1999)).  A plain estimate of A would be zero whenever the means happen to be small, and claim that there is
    no bias at all, with certainty; the average never does.

    Args:
        means, stderrs: shape (quantities,).

    Returns: both of shape (quantities,).
    """
    variances = stderrs**2
    if not np.all(variances > 0):
        return means, stderrs
    shrinkage = (np.arange(_GRID) + 0.5) / _GRID
    scale = len(variances) / np.sum(1.0 / variances)
    common = (scale * (1.0 - shrinkage) / shrinkage)[:, None]
    marginal = common + variances
    logarithm = -0.5 * np.sum(np.log(marginal) + means**2 / marginal, axis=1)
    probability = np.exp(logarithm - logarithm.max())
    probability /= probability.sum()
    weights = common / marginal
    weight = probability @ weights
    spread = probability @ (weights - weight) ** 2
    return weight * means, np.sqrt(weight * variances + spread * means**2)


def _pooled_variance(models: Sequence[Runs]) -> tuple[float, int]:
    """Sample variance about each model's own mean, and its degrees of freedom."""
    freedom = sum(len(runs.values) - 1 for runs in models)
    if freedom < 1:
        raise EstimateError("the scatter between runs needs two runs of at least one model")
    return sum(float(np.sum((runs.values - runs.values.mean()) ** 2)) for runs in models) / freedom, freedom


def _freedom_of_runs(short: Sequence[Sequence[Runs]], long: Sequence[Sequence[Runs]]) -> list[int]:
    """Degrees of freedom behind the scatter of runs of both protocols, at each state."""
    return [
        sum(len(runs.values) - 1 for runs in (*models, *others)) for models, others in zip(short, long, strict=True)
    ]


def _noise_of_difference(
    short: Sequence[Runs], short_scatter: Scatter, long: Sequence[Runs], long_scatter: Scatter
) -> float:
    """Mean over models of the variance that the scatter of runs gives a difference of means."""
    return float(
        np.mean(
            [
                short_scatter.variance / len(one.values) + long_scatter.variance / len(other.values)
                for one, other in zip(short, long, strict=True)
            ]
        )
    )


def _differences(short: Sequence[Runs], long: Sequence[Runs]) -> Array:
    return np.array([one.values.mean() - other.values.mean() for one, other in zip(short, long, strict=True)])


def _two_sided(difference: float, stderr: float, freedom: float) -> float:
    if stderr == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2.0 * stdtr(freedom, -abs(difference) / stderr))
