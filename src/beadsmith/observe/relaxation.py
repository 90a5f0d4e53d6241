"""Is a hold long enough?  How many relaxation times it lasts, and whether it drifts, from several independent runs.

A single run sees only the fluctuations that it had time for; what is slower looks like a constant to it.  Several
runs together see more: if the average over a hold differs from run to run by as much as the property fluctuates in all,
then nothing relaxed within the hold.  For a property whose correlation decays as exp(-t/tau), the variance of its
average over a hold of length T is the share

    h(T/tau) = 2 (tau/T) [1 - (tau/T)(1 - exp(-T/tau))]

of its whole variance: 1 for a hold much shorter than tau, 2 tau/T for a long one.  (It is the double integral of
exp(-|s - t|/tau) over the hold, over T^2.)  So the share that is observed says T/tau.  Where a part of
the property relaxes fast and another is frozen, tau is an effective time: the average is worth T/(2 tau) samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri

from beadsmith.errors import EstimateError
from beadsmith.observe.distributions import histograms
from beadsmith.observe.experiment import Direct, OfPositions, molecular_values
from beadsmith.observe.timeseries import block_averages, effective_samples, is_constant, student_probability
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import Distribution, Mean

Array = NDArray[np.float64]

#: Limits of T/tau that are looked at; beyond them a hold is called frozen, or as long as anyone could wish.
SHORTEST, LONGEST = 1e-2, 1e6

#: Runs of one hold may be shorter than the longest of them by this factor, and no more.
_SHORTER = 0.9

#: Two-sided chance that the number of relaxation times lies outside its interval.
_OUTSIDE = 0.1


@dataclass(frozen=True)
class Samples:
    """A property over a hold.

    Attributes:
        interval: time between samples, fs.
        values: shape (samples, members); members are molecules, or one for the whole box.
    """

    interval: float
    values: Array

    @property
    def hold(self) -> float:
        """Length of the hold, fs."""
        return self.interval * len(self.values)


@dataclass(frozen=True)
class Relaxation:
    """How a property moves within a hold.

    Attributes:
        hold: its length, fs.
        members: molecules that are averaged over, 1 for a property of the whole box.
        correlation_time: fs, as a single run sees it: half its statistical inefficiency times the interval; mean over
            runs and members.
        relaxation_times: how many fit into the hold, judged by the scatter of averages over runs and members.
        lowest, highest: interval that holds it with 90 %.
        drift, drift_stderr: second half of the hold minus the first; mean over runs, and error from their scatter.
        drift_probability: two-sided chance of so large a drift where there is none.
    """

    hold: float
    members: int
    correlation_time: float
    relaxation_times: float
    lowest: float
    highest: float
    drift: float
    drift_stderr: float
    drift_probability: float


def samples_of(observable: Direct, recording: Recording) -> Samples | None:
    """The property of which an observable is the mean, sample by sample; None if it was not recorded here.

    For a distribution it is the number that tells whether that has settled.

    Raises:
        EstimateError: there are no such molecules, bonds or angles.
    """
    frames, topology = recording.frames, recording.topology
    if isinstance(observable, OfPositions | Distribution):
        if frames is None or topology is None:
            return None
        if isinstance(observable, Distribution):
            return Samples(frames.interval, histograms(observable, recording).marker)
        return Samples(frames.interval, molecular_values(observable, topology, frames))
    name = observable.column if isinstance(observable, Mean) else observable.kind
    series = recording.series
    if series is None or name not in series.columns:
        return None
    return Samples(series.interval, np.asarray(series.columns[name], dtype=np.float64)[:, None])


def relaxation_of(models: Sequence[Sequence[Samples]]) -> Relaxation:
    """Relaxation within a hold, from the runs of several models together.

    Args:
        models: for each model, its independent runs.  Models may differ in their means; variances are added up.

    Raises:
        EstimateError: no model has two runs or members, or runs differ in length or in their molecules.
    """
    models = _alike(models)
    first = models[0][0]
    share, freedom = _share_of_averages(models)
    low, high = (share * freedom / chdtri(freedom, chance) for chance in (_OUTSIDE / 2, 1 - _OUTSIDE / 2))
    drifts = np.array([_drift(run.values) for runs in models for run in runs])
    stderr = float(drifts.std(ddof=1)) / math.sqrt(len(drifts)) if len(drifts) > 1 else math.inf
    return Relaxation(
        hold=first.hold,
        members=first.values.shape[1],
        correlation_time=_correlation_time(models),
        relaxation_times=_relaxation_times(share),
        lowest=_relaxation_times(high),
        highest=_relaxation_times(low),
        drift=float(drifts.mean()),
        drift_stderr=stderr,
        drift_probability=student_probability(float(drifts.mean()), stderr, max(len(drifts) - 1, 1)),
    )


def _alike(models: Sequence[Sequence[Samples]]) -> list[list[Samples]]:
    """The runs, all as long as the shortest: where sampling begins may make a sample more or less."""
    runs = [run for each in models for run in each]
    lengths = [len(run.values) for run in runs]
    if min(lengths) < _SHORTER * max(lengths) or len({run.values.shape[1] for run in runs}) > 1:
        raise EstimateError("the runs of a hold differ in length or in their molecules")
    return [[replace(run, values=run.values[len(run.values) - min(lengths) :]) for run in each] for each in models]


def variance_of_average(relaxation_times: float) -> float:
    """Variance of the average over a hold of so many relaxation times, as a share of the whole variance: h(T/tau)."""
    if relaxation_times < 1e-3:
        return 1.0 - relaxation_times / 3.0
    return 2.0 / relaxation_times * (1.0 + math.expm1(-relaxation_times) / relaxation_times)


def _relaxation_times(ratio: float) -> float:
    """T/tau from the variance of averages over the mean variance within a hold, which is h/(1 - h)."""
    share = ratio / (1.0 + ratio) if math.isfinite(ratio) else 1.0
    if share >= variance_of_average(SHORTEST):
        return SHORTEST
    if share <= variance_of_average(LONGEST):
        return LONGEST
    return float(brentq(lambda times: variance_of_average(times) - share, SHORTEST, LONGEST))


def _share_of_averages(models: Sequence[Sequence[Samples]]) -> tuple[float, float]:
    """Variance of averages over runs and members, over the variance within them; and its degrees of freedom.

    The whole variance of a property is the sum of the variance of its averages and the mean variance about them.  What
    all runs and members of a model do in common at a time is a drift and no fluctuation, and is taken off first.  The
    degrees of freedom are those of the first variance, fewer by as much as the second is uncertain, too.
    """
    columns = [np.concatenate([run.values for run in runs], axis=1) for runs in models]
    fluctuations = [one - one.mean(axis=1, keepdims=True) for one in columns]
    freedom = sum(one.shape[1] - 1 for one in columns)
    if freedom < 1:
        raise EstimateError("the relaxation of a hold needs two runs of at least one model")
    between = sum(float(np.sum(one.mean(axis=0) ** 2)) for one in fluctuations) / freedom
    inside = np.concatenate([one.var(axis=0) for one in fluctuations])
    within = float(inside.sum()) / freedom
    if within == 0.0:
        return (math.inf if between > 0 else 0.0), float(freedom)
    uncertainty = float(inside.var()) / (len(inside) * float(inside.mean()) ** 2)
    return between / within, 2.0 / (2.0 / freedom + uncertainty)


def _correlation_time(models: Sequence[Sequence[Samples]]) -> float:
    """Half of hold times variance of the average over the whole variance, each from the run itself."""
    hold = models[0][0].hold
    values = [run.values[:, member] for runs in models for run in runs for member in range(run.values.shape[1])]
    return 0.5 * hold * float(np.mean([_share_seen(one) for one in values if not is_constant(one)] or [0.0]))


def _share_seen(values: Array) -> float:
    points = block_averages(values)
    return float(points.var() / effective_samples(points) / values.var())


def _drift(values: Array) -> float:
    half = len(values) // 2
    mean = values.mean(axis=1)
    return float(mean[len(mean) - half :].mean() - mean[:half].mean())
