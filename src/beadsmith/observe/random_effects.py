"""The mean of a property over several networks, each measured several times, and how far networks are apart.

Measurement j of network i (a direction of pulling, a replica) is

    x_ij = mean + between_i + within_ij + e_ij

with independent normal terms: e_ij has the standard error s_ij that the measurement claims; *within* is what
measurements of one network scatter beyond that (a small box is not isotropic), *between* how networks differ (each was
cured by chance in another way).  The two variances are found one after the other, each such that the weighted sum of
squared residuals is its number of degrees of freedom (R. C. Paule, J. Mandel, J. Res. Natl. Bur. Stand. 87, 377
(1982)): first within from the deviations from each network's own mean, pooled over networks; then between from the
means of networks.  Its interval is the "Q profile" of W. Viechtbauer, Stat. Med. 26, 37 (2007).  The error of the mean
is that of G. Knapp, J. Hartung, Stat. Med. 22, 2693 (2003), not allowed to be smaller than the plain one, with
Student's distribution of one degree of freedom less than there are networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri, stdtrit

from beadsmith.errors import EstimateError

Array = NDArray[np.float64]

#: Chance that an interval holds the truth.
LEVEL = 0.95
#: Variances smaller than this part of the squared spread are zero.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Measurements:
    """One network.

    Attributes:
        values: in the unit of the property, shape (measurements,).
        stderrs: what each measurement claims as its standard error, same shape; zero if it claims to be exact.
    """

    values: Array
    stderrs: Array


@dataclass(frozen=True)
class RandomEffect:
    """A mean over networks, in the unit of the property.

    Attributes:
        mean: over networks.
        stderr: of ``mean``, as far as it is known; with one network, that of the network's own property.
        freedom: degrees of freedom of Student's distribution behind ``stderr``; infinite if no scatter was used.
        within: standard deviation of measurements of one network, beyond what they claim; None if no network was
            measured twice.
        between: standard deviation between networks; None with a single one.
        between_interval: 95 % interval of ``between``.
        networks: how many.
        measurements: how many in all.
        note: what could not be told; empty if all could.
    """

    mean: float
    stderr: float
    freedom: float
    within: float | None
    between: float | None
    between_interval: tuple[float, float] | None
    networks: int
    measurements: int
    note: str

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Where the true mean lies with this probability."""
        half = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.stderr
        return self.mean - half, self.mean + half


def random_effect(networks: Sequence[Measurements]) -> RandomEffect:
    """Mean over networks, its standard error, and the scatter within and between networks.

    Networks may be measured different numbers of times, with different errors.

    Raises:
        EstimateError: no measurement, a network without any, or values or errors that are no numbers.
    """
    _check(networks)
    within = _within(networks)
    means, variances = _network_means(networks, within or 0.0)
    measured = sum(len(one.values) for one in networks)
    deviation = None if within is None else math.sqrt(within)
    notes = [] if deviation is not None else ["no network was measured twice, so the scatter within one is unknown"]
    if len(networks) == 1:
        notes.append("a single network does not tell how networks differ: the error is that of this one")
        stderr = math.sqrt(float(variances[0]))
        freedom = float(measured - 1) if within else math.inf
        return RandomEffect(float(means[0]), stderr, freedom, deviation, None, None, 1, measured, "; ".join(notes))
    between = _solved(_spread(means, variances), len(means) - 1.0, means)
    mean, stderr = _mean_between(means, variances + between)
    interval = _interval(means, variances)
    return RandomEffect(
        mean=mean,
        stderr=stderr,
        freedom=len(means) - 1.0,
        within=deviation,
        between=math.sqrt(between),
        between_interval=interval,
        networks=len(networks),
        measurements=measured,
        note="; ".join(notes),
    )


def _check(networks: Sequence[Measurements]) -> None:
    if not networks:
        raise EstimateError("a mean over networks needs at least one network and got none")
    for number, one in enumerate(networks, start=1):
        if not len(one.values) or len(one.values) != len(one.stderrs):
            raise EstimateError(
                f"network {number} has {len(one.values)} values and {len(one.stderrs)} standard errors; "
                "it needs as many of both, and at least one"
            )
        if not (np.isfinite(one.values).all() and np.isfinite(one.stderrs).all() and (one.stderrs >= 0.0).all()):
            raise EstimateError(f"network {number} has a value or a standard error that is no number; leave it out")


def _within(networks: Sequence[Measurements]) -> float | None:
    """Variance within networks beyond the claimed one; None if no network was measured twice."""
    freedom = sum(len(one.values) - 1 for one in networks)
    if freedom == 0:
        return None

    def spread(excess: float) -> float:
        return sum(_spread(one.values, one.stderrs**2)(excess) for one in networks if len(one.values) > 1)

    deviations = np.concatenate([one.values - one.values.mean() for one in networks])
    return _solved(spread, float(freedom), deviations)


def _network_means(networks: Sequence[Measurements], within: float) -> tuple[Array, Array]:
    """Weighted means of networks, and their variances."""
    weighted = [_weighted(one.values, one.stderrs**2 + within) for one in networks]
    means, variances = zip(*weighted, strict=True)
    return np.array(means), np.array(variances)


def _weighted(values: Array, variances: Array) -> tuple[float, float]:
    """Mean by inverse variances, and its variance; values without any error are all alike."""
    if not variances.any():
        return float(values.mean()), 0.0
    weights = 1.0 / np.where(variances > 0.0, variances, variances[variances > 0.0].min())
    return float(weights @ values / weights.sum()), 1.0 / float(weights.sum())


def _mean_between(means: Array, variances: Array) -> tuple[float, float]:
    """Mean over networks, and its standard error by Knapp and Hartung, at least the plain one."""
    mean, variance = _weighted(means, variances)
    if variance == 0.0:
        return mean, 0.0
    factor = float(np.sum((means - mean) ** 2 / np.maximum(variances, variance * _ROUNDING))) / (len(means) - 1)
    return mean, math.sqrt(max(factor, 1.0) * variance)


def _spread(values: Array, variances: Array) -> Callable[[float], float]:
    """Weighted sum of squared residuals about the weighted mean, as a function of the variance that is added."""

    def spread(excess: float) -> float:
        weights = 1.0 / (variances + excess)
        return float(weights @ (values - weights @ values / weights.sum()) ** 2)

    return spread


def _solved(spread: Callable[[float], float], expected: float, values: Array) -> float:
    """The variance to add for which the spread is the expected one; 0 if it is smaller without any.

    The spread falls as the variance grows, and lies below any expected one at last.
    """
    size = float(np.sum((values - values.mean()) ** 2))
    smallest = _ROUNDING * size
    if size == 0.0 or spread(smallest) <= expected:
        return 0.0
    return float(brentq(lambda excess: spread(excess) - expected, smallest, size / expected * (1 + 1e-9), rtol=1e-10))


def _interval(means: Array, variances: Array) -> tuple[float, float]:
    spread, freedom = _spread(means, variances), len(means) - 1
    lowest, highest = (_solved(spread, float(chdtri(freedom, p)), means) for p in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return math.sqrt(lowest), math.sqrt(highest)
