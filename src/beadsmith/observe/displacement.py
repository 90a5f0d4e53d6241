"""Mean squared displacement over decades of time, and the Debye-Waller factor.

    MSD(t) = < |r_i(t0 + t) - r_i(t0)|^2 >

over beads i and all time origins t0, from unwrapped positions without drift (``unwrapping``).

Its error bar has to know two things.  Time origins closer than t share most of their path, so the squared
displacement as a function of the origin is a series that is correlated over t and longer.  And beads of one molecule
move together.  So beads are gathered into groups, such as molecules, and the error is the larger of two, as for other
properties of molecules (:mod:`beadsmith.observe.molecular`):

- the scatter of the groups' own averages over all origins, right however much origins overlap if groups are
  independent;
- the error of the series of the mean over groups, right however groups move together if it is long enough.  It is made
  of averages over blocks of origins as long as the lag: displacements from t0 and from t0 + t share the position in
  between, and an estimate of the correlation that stops at its first zero would never see that.

Lags are few, and best spaced evenly in the logarithm: log N of them with the number N of frames.  Summing over all
origins lag by lag then costs as little as a Fourier transform (N log N), loses no digits where displacements are small
against positions, and yields the series that the error needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.observe.timeseries import (
    FEWEST_EFFECTIVE_SAMPLES,
    FEWEST_SAMPLES,
    MOST_POINTS,
    Array,
    SeriesMean,
    block_averages,
    check_finite,
    effective_samples,
    independent_samples,
    standard_error,
)
from beadsmith.problem.recording import Topology

#: The time at which the mean squared displacement is called the Debye-Waller factor, fs.
DEBYE_WALLER_TIME = 3000.0

#: Times closer than this part of the smallest spacing are the same.
_SAME_TIME = 1e-3
#: Positions differ in at most so many numbers at a time, to bound the memory.
_MOST_NUMBERS = 5_000_000


@dataclass(frozen=True)
class MeanSquaredDisplacement:
    """Against the time between two frames; all of shape (lags,).

    Attributes:
        lags: fs, ascending.
        values: angstrom^2.
        stderrs: angstrom^2; infinite where there are too few groups and too few independent origins to tell.
        samples: number of independent squared displacements behind each value.
        origins: number of time origins of each.
    """

    lags: Array
    values: Array
    stderrs: Array
    samples: Array
    origins: NDArray[np.int64]


def beads_of_types(topology: Topology, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which beads are of some types, shape (beads,).

    Raises:
        EstimateError: there is no bead of such a type.
    """
    for name in names:
        if name not in topology.bead_names or topology.bead_names.index(name) + 1 not in topology.bead_types:
            raise EstimateError(
                f"there is no bead {name!r}; beads recorded: {', '.join(topology.bead_names) or 'none'}"
            )
    return np.isin(topology.bead_types, [topology.bead_names.index(name) + 1 for name in names])


def mean_squared_displacement(
    positions: Array, times: Array, groups: NDArray[np.int64], lags: Array
) -> MeanSquaredDisplacement:
    """Mean squared displacement of beads, with its standard error.

    Times may be evenly spaced, or consist of several blocks of log-spaced dumps: for each lag, all pairs of frames
    are used that are so far apart.

    Args:
        positions: angstrom, unwrapped and without drift, of the beads that are looked at, shape (frames, beads, 3).
        times: fs, ascending, shape (frames,).
        groups: which group each bead belongs to, shape (beads,).  Groups should move independently: molecules, or
            larger pieces.  All beads count alike, whatever the size of their group.
        lags: fs.

    Raises:
        EstimateError: no beads, positions that are not finite, fewer than two times, times that do not ascend, or no
            two frames that are a lag apart.
    """
    check_finite(positions)
    if positions.ndim != 3 or positions.shape[0] != len(times) or positions.shape[1] != len(groups):
        raise EstimateError(
            f"positions of shape {positions.shape} do not match {len(times)} times and groups of {len(groups)} beads"
        )
    if not len(groups):
        raise EstimateError("no beads were chosen for the mean squared displacement")
    if len(times) < 2 or np.any(np.diff(times) <= 0.0):
        raise EstimateError(f"displacements need two frames or more at ascending times; received {len(times)} frames")
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[0]] - 1))
    sizes = np.diff(starts, append=len(order))
    own = positions[:, order]
    found = [_of_lag(own, times, lag, starts, sizes) for lag in lags]
    values, stderrs, samples, origins = (np.array(column) for column in zip(*found, strict=True))
    return MeanSquaredDisplacement(np.asarray(lags, dtype=np.float64), values, stderrs, samples, origins)


def debye_waller_factor(msd: MeanSquaredDisplacement, time: float = DEBYE_WALLER_TIME) -> SeriesMean:
    """The Debye-Waller factor <u^2>: the mean squared displacement at a time within the rattling of beads in cages.

    Between two lags the logarithm of the displacement is interpolated linearly in that of time.  The errors of
    neighbouring lags are taken as fully correlated, which they nearly are.

    Args:
        msd: of the beads that are looked at.
        time: fs.

    Returns: angstrom^2.

    Raises:
        EstimateError: the time lies outside the lags, or beads do not move.
    """
    lags = msd.lags
    if not lags[0] * (1 - 1e-9) <= time <= lags[-1] * (1 + 1e-9):
        raise EstimateError(
            f"displacements were recorded over {lags[0]:g} to {lags[-1]:g} fs, which does not include {time:g} fs"
        )
    above = int(np.clip(np.searchsorted(lags, time), 1, len(lags) - 1)) if len(lags) > 1 else 0
    pair = [above - 1, above] if above else [0]
    if np.any(msd.values[pair] <= 0.0):
        raise EstimateError("the beads do not move, so they have no Debye-Waller factor")
    part = float(np.clip(math.log(time / lags[pair[0]]) / math.log(lags[above] / lags[pair[0]]), 0, 1)) if above else 0
    weights = np.array([1.0 - part, part])[: len(pair)]
    used = weights > 0.0  # an unknown error at a lag that does not count must not spoil the other
    value = math.exp(float(weights @ np.log(msd.values[pair])))
    relative = (msd.stderrs[pair] / msd.values[pair])[used]
    return SeriesMean(value, value * float(weights[used] @ relative), float(weights @ msd.samples[pair]))


def _pairs(times: Array, lag: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frames that are a lag apart."""
    tolerance = _SAME_TIME * float(np.diff(times).min())
    second = np.searchsorted(times, times + lag - tolerance)
    inside = second < len(times)
    first, second = np.flatnonzero(inside), second[inside]
    right = np.abs(times[second] - times[first] - lag) <= tolerance
    if not right.any():
        raise EstimateError(f"no two frames are {lag:g} fs apart")
    return first[right], second[right]


def _of_lag(
    positions: Array,
    times: Array,
    lag: float,
    starts: NDArray[np.intp],
    sizes: NDArray[np.intp],
) -> tuple[float, float, float, int]:
    """Value, standard error, independent samples and origins at one lag; beads are sorted by group."""
    first, second = _pairs(times, lag)
    origins_per_lag = math.ceil(len(first) * lag / (times[first[-1]] - times[first[0]] + lag))
    beads = positions.shape[1]
    chunks = np.array_split(np.arange(len(first)), math.ceil(len(first) * beads * 3 / _MOST_NUMBERS))
    sums = np.concatenate([_sums(positions[second[one]] - positions[first[one]], starts) for one in chunks])
    value = float(sums.sum()) / (len(first) * beads)
    # Large groups count for more: what a group's sum deviates from what its size lets expect is the error of a ratio.
    shares = value + (sums - value * sizes) * (len(sizes) / beads)
    stderr = _error(shares, origins_per_lag)
    return value, stderr, independent_samples(shares, stderr) if math.isfinite(stderr) else 1.0, len(first)


def _sums(steps: Array, starts: NDArray[np.intp]) -> Array:
    """Squared displacements, summed over each group, shape (origins, groups)."""
    return np.asarray(np.add.reduceat(np.square(steps).sum(axis=2), starts, axis=1))


def _error(shares: Array, origins_per_lag: int) -> float:
    """Standard error of the mean over origins and groups; infinite if neither can tell."""
    count = shares.shape[1]
    blocks = block_averages(shares.mean(axis=1), min(MOST_POINTS, max(1, len(shares) // origins_per_lag)))
    effective = effective_samples(blocks) if len(blocks) >= FEWEST_SAMPLES else 0.0
    of_series = standard_error(blocks, effective) if effective >= FEWEST_EFFECTIVE_SAMPLES else None
    if count >= FEWEST_REPLICAS:
        of_groups = float(shares.mean(axis=0).std(ddof=1)) / math.sqrt(count)
        return max(of_groups, of_series or 0.0)
    return math.inf if of_series is None else of_series
