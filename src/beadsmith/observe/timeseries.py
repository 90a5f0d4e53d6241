"""The mean of a correlated series, its standard error, and whether the series had settled.

Neighbouring samples of a simulation resemble each other, so N samples are worth only N_eff = N / g of them,
with the statistical inefficiency g = 1 + 2 (sum of the normalised autocorrelation over all lags).  pymbar
estimates g and, when a drift is found, the point at which the series settled.  References:

- J. D. Chodera, W. C. Swope, J. W. Pitera, C. Seok, K. A. Dill, J. Chem. Theory Comput. 3, 26 (2007), for g;
- J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016), for the point at which a series settled.

Three choices are ours, each made on autoregressive series whose answers are known (``tests/observe``):

- **Nothing is discarded without evidence.**  Taking the start that maximises N_eff always, as usual, picks
  the stretch that looks least correlated by chance: on stationary series of 90 samples with g = 10, the
  interval mean +- 1.96 stderr then holds the truth in 75 % of cases instead of 89 %.  So the series is tested
  for drift first, and only a drifting one is cut.
- **stderr = sd / sqrt(N_eff - 4).**  In short series the estimated N_eff is about 4 too large, because the
  correlation function is measured around the sample's own mean and summed only up to its first zero.  With
  the 4, the median of stderr is within 3 % of the truth down to N_eff = 9, and 11 % below it at N_eff = 5.
- **At most 200 points reach pymbar**, whose cost grows with the square of their number.  Longer series are
  averaged over blocks first; this keeps their mean and all that matters for its error.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from beadsmith.errors import EstimateError

Array = NDArray[np.float64]

#: Fewer samples say nothing about their own correlation.
FEWEST_SAMPLES = 10
#: With fewer effective samples a series that drifts cannot be told from one that only fluctuates slowly.
FEWEST_EFFECTIVE_SAMPLES = 5.0
#: Longer series are averaged over blocks.
MOST_POINTS = 200
#: How much the effective number of samples is overestimated in short series; see the head of the module.
EXCESS_OF_EFFECTIVE_SAMPLES = 4.0

#: Two-sided chance of three standard errors: a series is called drifting beyond them.
THREE_SIGMA = 0.0027
#: Once a series has been found drifting, what is left after the cut must pass at this stricter level.
TWO_SIGMA = 0.0455

NOT_EQUILIBRATED = (
    "not equilibrated: drifting, or fluctuating too slowly to tell, for half of the recording or longer; "
    "simulate longer"
)

#: Starts that are tried for the settled part, as fractions of the series.
_STARTS = tuple(step / 20 for step in range(15))
#: Relative differences below this are rounding, not physics.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SeriesMean:
    """The mean of a series.

    Attributes:
        value, stderr: in the unit of the series; ``stderr`` accounts for correlation.
        samples: effective number of independent samples behind ``value``.
        start: index of the first sample used.
        equilibrated: False if the series drifts, or is too short to tell.
        note: why it is not equilibrated, or what was discarded; empty if all is well.
    """

    value: float
    stderr: float
    samples: float
    start: int = 0
    equilibrated: bool = True
    note: str = ""


def mean_of_series(values: Array) -> SeriesMean:
    """Mean of a series sampled at equal intervals, with its standard error.

    The series is suspect if it drifts by more than three standard errors, or is worth fewer than
    :data:`FEWEST_EFFECTIVE_SAMPLES`.  Then its start is discarded.  The value is flagged (``equilibrated``
    False) if less than half would be left, or what is left drifts by two standard errors or is still worth so
    few samples.  Rates of false and missed alarms are tabulated in ``docs/observables.md``.

    Args:
        values: any unit, shape (samples,).

    Raises:
        EstimateError: fewer than :data:`FEWEST_SAMPLES` samples, or some are not finite.
    """
    check_finite(values)
    if len(values) < FEWEST_SAMPLES:
        raise EstimateError(f"{len(values)} samples are too few for an error bar; record at least {FEWEST_SAMPLES}")
    if is_constant(values):
        return SeriesMean(float(values[0]), 0.0, 1.0)
    points = block_averages(values)
    settled = find_settled(points, lambda first: _settled_probability(points[first:]))
    kept = points[settled.start :]
    stderr = standard_error(kept, effective_samples(kept))
    start = first_sample(len(values), len(points), settled.start)
    return SeriesMean(
        value=float(kept.mean()),
        stderr=stderr,
        samples=independent_samples(values[start:], stderr),
        start=start,
        equilibrated=not settled.drifting,
        note=settled.note,
    )


@dataclass(frozen=True)
class Settled:
    """Where a series settled.

    Attributes:
        start: index of the first point to use.
        drifting: whether the rest still drifts.
        note: what was discarded, or that it drifts; empty if neither.
    """

    start: int
    drifting: bool
    note: str


def find_settled(points: Array, drift: Callable[[int], float]) -> Settled:
    """Discard the start of a series if there is evidence that it drifts, and if that is all that drifts.

    If the rest drifts too, or less than half would be left, the whole series is kept: its mean is the steadier
    guess, and its spread, drift included, the honest error.

    Args:
        points: shape (points,).
        drift: the chance that a series without drift looks as drifting as this one does from a given index
            on; nan if it cannot be tested, which counts as no evidence for drift, and as no evidence that a
            drift is over.
    """
    if not drift(0) < THREE_SIGMA:
        return Settled(0, False, "")
    start = settling_point(points)
    if start < len(points) // 2 and drift(start) >= TWO_SIGMA:
        return Settled(start, False, f"not equilibrated at first: {100 * start / len(points):.0f} % discarded")
    return Settled(0, True, NOT_EQUILIBRATED)


def settling_point(points: Array) -> int:
    """Index from which on most effective samples are left (Chodera 2016); at most 70 % of the length."""
    starts = sorted({int(fraction * len(points)) for fraction in _STARTS})
    return max(starts, key=lambda start: effective_samples(points[start:], fast=True))


def drift_probability(points: Array) -> float:
    """The chance that a series without drift has a trend, or an odd beginning, at least as large as this one.

    Two contrasts are fitted: a straight line, and the first eighth against the rest.  The noise is that of
    the residuals, with their correlation, so that the drift does not hide itself by counting as noise; its
    few degrees of freedom enter through Student's distribution.  Measured on drifting series, the line finds
    twice as many as a comparison of the two halves does.

    Args:
        points: shape (points,).

    Returns: the smaller of the two chances, two-sided; nan if there are too few points.
    """
    if len(points) < FEWEST_SAMPLES:
        return math.nan
    line: Array = np.asarray(np.linspace(-1.0, 1.0, len(points)), dtype=np.float64)
    head: Array = np.where(np.arange(len(points)) < len(points) / 8, 1.0, 0.0)
    return min(_chance_of_contrast(points, line), _chance_of_contrast(points, np.asarray(head - head.mean())))


def effective_samples(points: Array, fast: bool = False) -> float:
    """Number of points over their statistical inefficiency, bias and all; 1 if they are constant."""
    if is_constant(points):
        return 1.0
    return len(points) / _pymbar_inefficiency(points, fast)


def standard_error(points: Array, effective: float) -> float:
    """Standard error of the mean of points that are worth so many :func:`effective_samples`."""
    return math.sqrt(float(points.var()) / _degrees_of_freedom(effective))


def student_probability(difference: float, stderr: float, freedom: float) -> float:
    """Two-sided chance of a difference as large as this one where there is none (Student's distribution)."""
    if stderr == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2.0 * stdtr(freedom, -abs(difference) / stderr))


def independent_samples(values: Array, stderr: float) -> float:
    """How many independent samples, as spread as ``values``, would give ``stderr``; at least 1."""
    if stderr == 0.0:
        return 1.0
    return float(np.clip(values.var() / stderr**2, 1.0, values.size))


def block_averages(values: Array, most: int = MOST_POINTS) -> Array:
    """At most ``most`` averages over consecutive blocks of equal length.

    The few first samples that do not fill a block are left out.

    Args:
        values: shape (samples, ...).
        most: largest number of blocks.

    Returns: shape (blocks, ...); ``values`` themselves if there are few enough.
    """
    size = math.ceil(len(values) / most)
    blocks = len(values) // size
    if size == 1:
        return values
    whole = values[len(values) - blocks * size :]
    return np.asarray(whole.reshape(blocks, size, *values.shape[1:]).mean(axis=1))


def first_sample(samples: int, points: int, start: int) -> int:
    """Index of the sample with which the point ``start`` of the :func:`block_averages` begins."""
    return samples - (points - start) * (samples // points)


def is_constant(values: Array, scale: float | None = None) -> bool:
    """Whether all values agree up to rounding.

    Args:
        values: any shape.
        scale: how large the numbers were that have been rounded; the largest of ``values`` if left out.
    """
    return bool(np.ptp(values) <= _ROUNDING * (np.abs(values).max() if scale is None else scale))


def check_finite(values: Array) -> None:
    """Let finite values pass.

    Raises:
        EstimateError: naming how many are not finite.
    """
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise EstimateError(f"{bad} of {values.size} values are NaN or infinite; the simulation became unstable")


def _settled_probability(points: Array) -> float:
    """:func:`drift_probability`, but none if the points are worth so few that no drift could be seen."""
    return drift_probability(points) if effective_samples(points) >= FEWEST_EFFECTIVE_SAMPLES else 0.0


def _chance_of_contrast(points: Array, contrast: Array) -> float:
    size = float(contrast @ contrast)
    coefficient = float(contrast @ points) / size
    residuals = points - points.mean() - coefficient * contrast
    if is_constant(residuals, scale=float(np.abs(points).max())):
        return 0.0
    freedom = _degrees_of_freedom(effective_samples(residuals))
    stderr = math.sqrt(float(residuals.var()) * len(points) / freedom / size)
    return student_probability(coefficient, stderr, freedom)


def _degrees_of_freedom(effective: float) -> float:
    return max(effective - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0)


def _pymbar_inefficiency(points: Array, fast: bool) -> float:
    return float(_pymbar_estimator()(points, fast=fast))


@cache
def _pymbar_estimator() -> Callable[..., float]:
    # pymbar takes a second to import, and greets with warnings about JAX and about short series: the first
    # does not concern us and the second is what this module is about.
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        from pymbar.timeseries import statistical_inefficiency
    finally:
        logger.setLevel(level)
    return statistical_inefficiency  # type: ignore[no-any-return]
