"""Whether an emulator is good enough to be used, by what it says of simulations that it was not shown.

Every measurement is predicted from all others, in closed form and with the hyperparameters as they are; replicates at
one place leave together.  From the predictions y*_i and the values y_i, in natural units,

    Q2 = 1 - sum_i (y_i - y*_i)^2 / sum_i (y_i - mean y)^2.

No emulator predicts the noise of single simulations.  Where standard errors are known, their squares are taken off both
sums; the emulator is judged by the result, the share of what can be predicted that is predicted.  Noise that was
only learnt is not taken off: an emulator that takes all it misses for noise would then excuse itself.

What standard errors claim is believed only as far as the errors of prediction bear it out.  With E the mean squared
error, N the mean square of the standard errors and U the mean variance of the emulator's own ignorance, all of values
that were left out, one expects E >= N whatever the emulator is, and E = N + U if both say the truth.  So

    - N < E is compatible with chance: min(1, E / (N + U)) N is taken off, always less than E;
    - N > E beyond chance: the standard errors are refuted, and count as unknown.

The interval of the result is that of a bootstrap over the places, and an emulator is good enough if the low end is.

The learning curve refits nothing but the data: from random quarters and halves of the points, with the hyperparameters
as they are, it predicts the others.  Mean squared errors in excess of the noise (the measured one, or, where none is
known, what the emulator takes for it) are taken to fall like a power of the number of points.

References:
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), section 5.4.2.
    C. Cortes et al., NIPS 1993 (learning curves as a power law above a floor).
    B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile intervals).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest

from beadsmith.errors import EstimateError
from beadsmith.surrogate.emulator import Emulator
from beadsmith.surrogate.measurements import Measurements
from beadsmith.surrogate.threads import one_thread

Array = NDArray[np.float64]

#: Less than this share of what can be predicted is a poor emulator; from the second on nothing is wanted.
POOR, ENOUGH = 0.7, 0.9

#: Below this number of places beyond one for each axis, leaving one out says more of luck than of the emulator.
PLACES_TO_JUDGE = 4

#: Nominal shares of intervals.
NARROW, WIDE = 0.68, 0.95

#: Coverage is off if it misses the nominal one by this much and chance would do so less often than once in a thousand.
COVERAGE_MISSED, BY_CHANCE = 0.05, 1e-3

#: Samples of the bootstrap; standard errors are refuted if they exceed the errors of prediction in this share of them.
RESAMPLES, REFUTED = 2000, 0.99

#: Random halves and quarters of a learning curve, and the slowest and fastest power that is believed.
REPEATS = 8
SLOWEST, FASTEST = 0.1, 4.0

#: More runs than so many times those there are is nothing to extrapolate to.
FARTHEST = 10.0


@dataclass(frozen=True)
class LearningCurve:
    """How the error falls with the number of runs.

    Attributes:
        points: numbers of runs, ascending; the last is all (all but one), shape (3,).
        q2: beyond measured noise, from so many runs, shape (3,).
        attainable: where it would end with runs without number, were all noise what is taken for it; 1 if it was
            measured.
        more_runs: how many more would reach :data:`ENOUGH`: median, first and third quartile over random halves and
            quarters; None where it cannot be said.
    """

    points: Array
    q2: Array
    attainable: float
    more_runs: tuple[int, int, int] | None


@dataclass(frozen=True)
class Diagnostics:
    """What a statistician would ask of an emulator.

    Attributes:
        system, observable: of the emulator.
        values, stderrs: the measurements, natural unit, shape (points,).
        predicted: each from all others, same unit and shape.
        intervals: the nominal 95 % interval of each, noise included, shape (2, points).
        residuals: (value - prediction) over its standard deviation, noise included, of what is modelled (value or
            logarithm), shape (points,): standard normal if all is well.
        q2: against the values as measured.
        q2_beyond_noise: with measured noise taken off; minus infinity if the values do not vary beyond it.
        q2_interval: 95 % interval of that, low and high end; either may be minus infinity.
        claimed_share: mean square of the standard errors, as a part of the variance of the values.
        refuted: whether standard errors are larger than the errors of prediction admit; nothing is taken off then.
        coverage68, coverage95: share of values inside their nominal 68 % and 95 % intervals.
        learning: None if there are too few points.
        judged: whether there are enough points for a judgement.
        warnings: sentences; none if all is well.
    """

    system: str
    observable: str
    values: Array
    stderrs: Array
    predicted: Array
    intervals: Array
    residuals: Array
    q2: float
    q2_beyond_noise: float
    q2_interval: tuple[float, float]
    claimed_share: float
    refuted: bool
    coverage68: float
    coverage95: float
    learning: LearningCurve | None
    judged: bool
    warnings: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether the emulator was judged and is not poor, at the low end of the interval, either."""
        return self.judged and self.q2_interval[0] >= POOR

    def require_usable(self, purpose: str) -> None:
        """Refuse a poor emulator.

        Args:
            purpose: what it was wanted for, such as ``sensitivity``.

        Raises:
            EstimateError: it is not usable; says why and how many more runs it would want.
        """
        if not self.usable:
            reasons = "; ".join(self.warnings)
            raise EstimateError(
                f"{self.system}.{self.observable}: received an emulator that is not good enough, expected a Q2 of "
                f"{POOR:g} or more at the low end of its {WIDE:.0%} interval for {purpose}: {reasons}"
            )


def diagnose(emulator: Emulator, *, seed: int = 0) -> Diagnostics:
    """Judge an emulator.

    Args:
        emulator: to be judged.
        seed: of the bootstrap, and of the random halves and quarters of the learning curve.
    """
    with one_thread():
        return _diagnosed(emulator, np.random.default_rng(seed))


def _diagnosed(emulator: Emulator, rng: np.random.Generator) -> Diagnostics:
    data, transform = emulator.measurements, emulator.transform
    mean, variance = emulator.left_out()
    latent, _ = transform.latent(data.values, data.stderrs)
    residuals = (latent - mean) / np.sqrt(variance)
    predicted = transform.natural(mean)
    reach = ndtri(0.5 + 0.5 * WIDE) * np.sqrt(variance)
    ignorance = transform.slope(mean) ** 2 * np.maximum(variance - emulator.latent_noise**2, 0.0)
    moments = _moments(data, predicted, ignorance)
    whole = _sums_of(moments.sum(axis=0))
    resampled = _sums_of(_resamples(len(moments), rng) @ moments)
    refuted = bool((resampled.noise > resampled.error).mean() >= REFUTED)
    taken = _admitted(whole, refuted=refuted)
    beyond = _beyond(resampled.error, resampled.variance, _admitted(resampled, refuted=refuted))
    low, high = np.quantile(beyond, [0.5 - 0.5 * WIDE, 0.5 + 0.5 * WIDE], method="inverted_cdf").tolist()
    judged = len(moments) >= len(emulator.axes) + 1 + PLACES_TO_JUDGE
    learning = _learning_curve(emulator, whole, taken, rng, refuted=refuted) if judged else None
    if learning is not None and learning.more_runs == (0, 0, 0) and low < POOR:
        learning = replace(learning, more_runs=None)  # enough by the value, not by what is known of it
    found = Diagnostics(
        system=emulator.system,
        observable=emulator.observable,
        values=data.values,
        stderrs=data.stderrs,
        predicted=predicted,
        intervals=np.array([transform.natural(mean - reach), transform.natural(mean + reach)]),
        residuals=residuals,
        q2=1.0 - float(whole.error / whole.variance),
        q2_beyond_noise=float(_beyond(whole.error, whole.variance, taken)),
        q2_interval=(low, high),
        claimed_share=float(whole.noise / whole.variance),
        refuted=refuted,
        coverage68=_coverage(residuals, NARROW),
        coverage95=_coverage(residuals, WIDE),
        learning=learning,
        judged=judged,
        warnings=(),
    )
    return replace(found, warnings=tuple(_warnings(found, len(emulator.axes))))


@dataclass(frozen=True)
class _Sums:
    """Means over the runs, or over each of many samples of them; squares of the natural unit, all of one shape.

    Attributes:
        variance: of the values.
        error: of the predictions.
        noise: that the standard errors claim; 0 where none is known.
        ignorance: of the function itself, as the emulator says.
    """

    variance: Array
    error: Array
    noise: Array
    ignorance: Array


def _moments(data: Measurements, predicted: Array, ignorance: Array) -> Array:
    """What is added up of the runs at each place, shape (places, 7); replicates come and go together."""
    deviations = data.values - data.values.mean()
    known = np.isfinite(data.stderrs)
    columns = [
        np.ones(len(data)),
        deviations,
        deviations**2,
        (data.values - predicted) ** 2,
        known.astype(np.float64),
        np.where(known, data.stderrs, 0.0) ** 2,
        ignorance,
    ]
    return np.column_stack([np.bincount(data.places(), weights=column) for column in columns])


def _resamples(places: int, rng: np.random.Generator) -> Array:
    """How often each place is drawn, shape (resamples, places)."""
    return rng.multinomial(places, np.full(places, 1.0 / places), RESAMPLES).astype(np.float64)


def _sums_of(sums: Array) -> _Sums:
    """Sums of the columns of :func:`_moments`, shape (..., 7), as means."""
    count, first, second, error, known, noise, ignorance = np.moveaxis(sums, -1, 0)
    return _Sums(
        variance=second / count - (first / count) ** 2,
        error=error / count,
        noise=noise / np.maximum(known, 1.0),
        ignorance=ignorance / count,
    )


def _admitted(sums: _Sums, *, refuted: bool) -> Array:
    """Noise that the errors of prediction admit, of what the standard errors claim; all, if that leaves no variance."""
    if refuted:
        return np.zeros_like(sums.noise)
    expected = sums.noise + sums.ignorance
    part = np.minimum(1.0, sums.error / np.where(expected > 0.0, expected, 1.0))
    return np.where(sums.noise < sums.variance, part * sums.noise, sums.noise)


def _beyond(error: Array | float, variance: Array, noise: Array) -> Array:
    """Q2 with noise taken off a mean squared error and off the variance; minus infinity where nothing is left of it."""
    left = variance - noise
    ratio = np.maximum(error - noise, 0.0) / np.where(left > 0.0, left, 1.0)
    return np.where(left > 0.0, 1.0 - ratio, -math.inf)


def _coverage(residuals: Array, nominal: float) -> float:
    return float((np.abs(residuals) <= ndtri(0.5 + 0.5 * nominal)).mean())


def _learning_curve(
    emulator: Emulator, whole: _Sums, taken: Array, rng: np.random.Generator, *, refuted: bool
) -> LearningCurve | None:
    data = emulator.measurements
    count, least = len(data), len(emulator.axes) + 1
    sizes = [count // 4, count // 2]
    if sizes[0] < least:
        return None
    found = np.array([[_error_from(emulator, size, rng) for size in sizes] for _ in range(REPEATS)])
    points = np.array([*sizes, count], dtype=np.float64)
    error, noise = float(whole.error), float(taken)
    curve = [float(_beyond(one, whole.variance, taken)) for one in [*found.mean(axis=0), error]]
    # Without standard errors that are believed, what the emulator takes for noise; no more than it errs.
    believed = np.isfinite(data.stderrs).any() and not refuted
    floor = noise if believed else min(float((emulator.noise**2).mean()), error)
    goal = noise + (1.0 - ENOUGH) * max(float(whole.variance) - noise, 0.0)
    return LearningCurve(
        points=points,
        q2=np.array(curve),
        attainable=float(_beyond(floor, whole.variance, taken)),
        more_runs=_more_runs(points, np.column_stack([found, np.full(REPEATS, error)]) - floor, goal - floor),
    )


def _error_from(emulator: Emulator, size: int, rng: np.random.Generator) -> float:
    """Mean squared error of all others from a random part of the measurements."""
    places = emulator.measurements.places()  # replicates stay together, as far as the size allows
    order = np.argsort(rng.permutation(places.max() + 1)[places], kind="stable")
    others = np.sort(order[size:])
    return float(((emulator.without(others) - emulator.measurements.values[others]) ** 2).mean())


def _more_runs(points: Array, excess: Array, goal: float) -> tuple[int, int, int] | None:
    """Runs beyond those there are until the excess of the error over the noise falls to a goal.

    Args:
        points: numbers of runs, shape (sizes,).
        excess: shape (repeats, sizes).
        goal: positive, or it is never reached.

    Returns: median, first and third quartile over the repeats; None if most of them cannot say.
    """
    here = float(np.median(excess[:, -1]))
    if here <= goal:
        return 0, 0, 0
    if goal <= 0:
        return None
    wanted = []
    for row in excess:
        if (row <= 0).any():
            continue
        power = -float(np.polyfit(np.log(points), np.log(row), 1)[0])
        if power >= SLOWEST:
            wanted.append(points[-1] * ((row[-1] / goal) ** (1.0 / min(power, FASTEST)) - 1.0))
    if len(wanted) <= len(excess) / 2 or np.median(wanted) > FARTHEST * points[-1]:
        return None
    middle, low, high = (math.ceil(number) for number in np.quantile(wanted, [0.5, 0.25, 0.75]))
    return middle, low, high


def _warnings(found: Diagnostics, axes: int) -> list[str]:
    if not found.judged:
        return [
            f"{len(found.values)} points over {axes} axes are too few to judge an emulator "
            f"(from {axes + 1 + PLACES_TO_JUDGE} on it is judged)"
        ]
    sentences = _about_standard_errors(found) + _about_q2(found)
    if found.q2_beyond_noise < ENOUGH:
        sentences.append(_wish(found))
    sentences += _about_coverage(found.residuals, found.coverage95)
    return sentences


def _about_standard_errors(found: Diagnostics) -> list[str]:
    """What is said of standard errors that are too large."""
    if not found.refuted:
        return []
    return [
        f"the standard errors are larger than the scatter shows: they claim that {found.claimed_share:.0%} of the "
        f"variance is noise, while predictions miss by {1.0 - found.q2:.0%} of it, their own error included; none "
        "of it is taken off"
    ]


def _about_q2(found: Diagnostics) -> list[str]:
    """What is said of one that is poor, or may be."""
    value, (low, high) = found.q2_beyond_noise, found.q2_interval
    if value == -math.inf:
        return ["the values vary no more than their standard errors: there is nothing to learn but a mean"]
    of = "the variance, noise included" if found.refuted else "the variance that is no noise"
    sentence = f"it predicts {max(value, 0.0):.0%} of {of} (Q2 {found.q2:.2f} with it)"
    if value < POOR:
        return [f"{sentence}, less than {POOR:.0%}"]
    if low < POOR:
        return [
            f"{sentence}, but {len(found.values)} runs only say that this lies between {max(low, 0.0):.0%} and "
            f"{high:.0%}, and less than {POOR:.0%} would be too little"
        ]
    return []


def _wish(found: Diagnostics) -> str:
    """How many more runs it would want, in words."""
    learning = found.learning
    if learning is None:
        return "there are too few runs to say how many more it would want"
    if learning.attainable < ENOUGH:
        return (
            f"what it takes for scatter between single runs would keep it below {max(learning.attainable, 0.0):.0%} "
            "however many there are; a few runs done twice would tell whether it is scatter, which longer runs lessen, "
            "or structure that more runs would resolve"
        )
    if learning.more_runs is None:
        return (
            f"halves and quarters of the data do not say how many more runs it would want for {ENOUGH:.0%}; "
            f"more than {FARTHEST:g} times as many, or the error does not fall visibly"
        )
    middle, low, high = learning.more_runs
    return (
        f"about {_rounded(middle)} more runs ({_rounded(low)} to {_rounded(high)}) might bring {ENOUGH:.0%}, a rough "
        "extrapolation from halves and quarters of the data"
    )


def _rounded(number: int) -> int:
    """To two digits: more are not known."""
    return int(float(f"{number:.2g}"))


def _about_coverage(residuals: Array, coverage: float) -> list[str]:
    inside = round(coverage * len(residuals))
    off = abs(coverage - WIDE) > COVERAGE_MISSED and binomtest(inside, len(residuals), WIDE).pvalue < BY_CHANCE
    if not off:
        return []
    kind = "too narrow: it is surer than it should be" if coverage < WIDE else "too wide"
    return [f"{coverage:.0%} of the values lie inside their nominal {WIDE:.0%} intervals, which are {kind}"]
