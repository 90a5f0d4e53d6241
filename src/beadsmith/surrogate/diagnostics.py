"""Whether an emulator is good enough to be used, by what it says of simulations that it was not shown.

Every measurement is predicted from all others, in closed form and with the hyperparameters as they are; replicates at
one place leave together.  From the predictions y*_i and the values y_i, in natural units,

    Q2 = 1 - sum_i (y_i - y*_i)^2 / sum_i (y_i - mean y)^2.

No emulator predicts the noise of single simulations.  Where standard errors are known, their squares are taken off both
sums; the emulator is judged by the result, the share of what can be predicted that is predicted.  Noise that was
only learnt is not taken off: an emulator that takes all it misses for noise would then excuse itself.

The learning curve refits nothing but the data: from random quarters and halves of the points, with the hyperparameters
as they are, it predicts the others.  Mean squared errors in excess of the noise (the measured one, or, where none is
known, what the emulator takes for it) are taken to fall like a power of the number of points.

References:
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), section 5.4.2.
    C. Cortes et al., NIPS 1993 (learning curves as a power law above a floor).
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
    coverage68: float
    coverage95: float
    learning: LearningCurve | None
    judged: bool
    warnings: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether the emulator was judged and is not poor."""
        return self.judged and self.q2_beyond_noise >= POOR

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
                f"{self.system}.{self.observable}: received an emulator that is not good enough, expected a "
                f"Q2 of {POOR:g} or more for {purpose}: {reasons}"
            )


def diagnose(emulator: Emulator, *, seed: int = 0) -> Diagnostics:
    """Judge an emulator.

    Args:
        emulator: to be judged.
        seed: of the random halves and quarters of the learning curve.
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
    errors = float(((data.values - predicted) ** 2).mean())
    judged = len(np.unique(data.places())) >= len(emulator.axes) + 1 + PLACES_TO_JUDGE
    learning = _learning_curve(emulator, errors, rng) if judged else None
    found = Diagnostics(
        system=emulator.system,
        observable=emulator.observable,
        values=data.values,
        stderrs=data.stderrs,
        predicted=predicted,
        intervals=np.array([transform.natural(mean - reach), transform.natural(mean + reach)]),
        residuals=residuals,
        q2=1.0 - errors / float(data.values.var()),
        q2_beyond_noise=_beyond(errors, data.values, data.stderrs),
        coverage68=_coverage(residuals, NARROW),
        coverage95=_coverage(residuals, WIDE),
        learning=learning,
        judged=judged,
        warnings=(),
    )
    return replace(found, warnings=tuple(_warnings(found, len(emulator.axes))))


def _measured_noise(stderrs: Array) -> float:
    """Mean square of the standard errors that are known; 0 if none is."""
    known = stderrs[np.isfinite(stderrs)]
    return float((known**2).mean()) if len(known) else 0.0


def _beyond(errors: float, values: Array, stderrs: Array) -> float:
    """Q2 with measured noise taken off a mean squared error and off the variance."""
    noise, variance = _measured_noise(stderrs), float(values.var())
    if variance <= noise:
        return -math.inf
    return 1.0 - max(errors - noise, 0.0) / (variance - noise)


def _coverage(residuals: Array, nominal: float) -> float:
    return float((np.abs(residuals) <= ndtri(0.5 + 0.5 * nominal)).mean())


def _learning_curve(emulator: Emulator, errors: float, rng: np.random.Generator) -> LearningCurve | None:
    data = emulator.measurements
    count, least = len(data), len(emulator.axes) + 1
    sizes = [count // 4, count // 2]
    if sizes[0] < least:
        return None
    found = np.array([[_error_from(emulator, size, rng) for size in sizes] for _ in range(REPEATS)])
    points = np.array([*sizes, count], dtype=np.float64)
    curve = [_beyond(float(error), data.values, data.stderrs) for error in [*found.mean(axis=0), errors]]
    noise = _measured_noise(data.stderrs)
    floor = noise if np.isfinite(data.stderrs).any() else float((emulator.noise**2).mean())
    goal = noise + (1.0 - ENOUGH) * max(float(data.values.var()) - noise, 0.0)
    return LearningCurve(
        points=points,
        q2=np.array(curve),
        attainable=_beyond(floor, data.values, data.stderrs),
        more_runs=_more_runs(points, np.column_stack([found, np.full(REPEATS, errors)]) - floor, goal - floor),
    )


def _error_from(emulator: Emulator, size: int, rng: np.random.Generator) -> float:
    """Mean squared error of all others from a random part of the measurements."""
    order = rng.permutation(len(emulator.measurements))
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
    sentences = []
    if found.q2_beyond_noise == -math.inf:
        sentences.append("the values vary no more than their standard errors: there is nothing to learn but a mean")
    elif found.q2_beyond_noise < POOR:
        sentences.append(
            f"it predicts {max(found.q2_beyond_noise, 0.0):.0%} of the variance that is no noise "
            f"(Q2 {found.q2:.2f} with it), less than {POOR:.0%}"
        )
    if found.q2_beyond_noise < ENOUGH:
        sentences.append(_wish(found))
    sentences += _about_coverage(found.residuals, found.coverage95)
    return sentences


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
