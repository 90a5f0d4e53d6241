"""Harmonic wells and sums of them, fitted to bond lengths and angles with the right measure.

A bead on a spring is found at a length r with probability density r^2 exp(-beta K (r - r0)^2), for the volume of the
shell grows with r^2; an angle theta with sin theta exp(-beta K (theta - theta0)^2).  These measures J(x) are part of
every density here, so nothing is divided by a count that may be zero, and what is fitted is free of their bias.

A well of curvature ``c = beta K`` at ``x0`` is an exponential family: its likelihood is largest where the mean and the
variance of the well are those of the samples.  Several wells, as a weighted sum, are fitted by expectation and
maximisation (A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1, 1977), and their number is the one
with the lowest Bayesian information criterion (G. Schwarz, Ann. Stat. 6, 461, 1978), for as many samples as are
independent.  Sums of weighted Gaussians as potentials: G. Milano, S. Goudeau, F. Mueller-Plathe, J. Polym. Sci. B 43,
871 (2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial.legendre import leggauss

from beadsmith.problem.recording import Array

Section = Literal["bond", "angle"]

#: Nodes and weights of the quadrature over a well, on -1 to 1; exact to rounding for a Gaussian over 16 widths.
_NODES, _WEIGHTS = leggauss(96)
#: How many widths of a well are integrated over on each side.
_WIDTHS = 8.0
#: Steps of scoring; it converges quadratically from the moments of the samples.
_STEPS = 100
_CONVERGED = 1e-11
#: Sums of more wells than this are not looked at: a table does as well.
MOST_WELLS = 6
_ITERATIONS = 400
_GAIN = 1e-9


@dataclass(frozen=True)
class Well:
    """A harmonic well, in units of kT.

    Attributes:
        centre: x0, angstrom or radian.
        curvature: beta K, 1/angstrom^2 or 1/radian^2; above zero.
    """

    centre: float
    curvature: float

    @property
    def width(self) -> float:
        """Standard deviation of the Gaussian without its measure."""
        return math.sqrt(0.5 / self.curvature)


def measure(section: Section, x: Array) -> Array:
    """J(x): r^2 of a bond, sin theta of an angle, in radian."""
    return np.asarray(x**2 if section == "bond" else np.sin(x))


def upper_end(section: Section) -> float:
    """Largest value that exists: infinite, or pi."""
    return math.inf if section == "bond" else math.pi


@dataclass(frozen=True)
class Moments:
    """What a well says of its samples.

    Attributes:
        log_normalisation: of its integral over J(x) exp(-c (x - x0)^2).
        deviation: mean of x - x0.
        square: mean of (x - x0)^2.
        covariance: of x - x0 and (x - x0)^2, shape (2, 2).
    """

    log_normalisation: float
    deviation: float
    square: float
    covariance: Array


def moments(section: Section, well: Well) -> Moments:
    """Moments of a well with its measure, by quadrature."""
    reach = _WIDTHS * well.width
    low, high = max(0.0, well.centre - reach), min(upper_end(section), well.centre + reach)
    half = 0.5 * (high - low)
    x = low + half * (_NODES + 1.0)
    apart = x - well.centre
    density = measure(section, x) * np.exp(-well.curvature * apart**2) * _WEIGHTS * half
    total = float(density.sum())
    density /= total
    statistics = np.stack([apart, apart**2])
    means = statistics @ density
    centred = statistics - means[:, None]
    return Moments(math.log(total), float(means[0]), float(means[1]), (centred * density) @ centred.T)


@dataclass(frozen=True)
class Sample:
    """What is known of the values of one state.

    Attributes:
        beta: 1/kT, mol/kcal.
        mean: of the values, angstrom or radian.
        variance: of the values.
        weight: share of this state in the fit.
    """

    beta: float
    mean: float
    variance: float
    weight: float = 1.0


@dataclass(frozen=True)
class HarmonicFit:
    """The harmonic term K (x - x0)^2 that makes the samples most likely.

    Attributes:
        k: kcal/mol/angstrom^2 or kcal/mol/radian^2, LAMMPS' convention without 1/2.
        centre: angstrom or radian.
        influence: by state: how much a value adds to (K, x0), as coefficients of (x - x0) and (x - x0)^2, shape (2, 2);
            the mean of what it gives over the samples is zero at the fit, and its error is that of the fit.
        at_end: whether x0 is held at 180 degrees, beyond which the best one would lie.
    """

    k: float
    centre: float
    influence: tuple[Array, ...]
    at_end: bool = False


def fit_harmonic(section: Section, samples: Sequence[Sample]) -> HarmonicFit:
    """Maximum likelihood over states of one K and x0, whatever their temperatures.

    The density of state s is proportional to J(x) exp(-beta_s K (x - x0)^2).  The score is followed with Fisher's
    information to its zero; the influence of a value is that of the estimating equations.

    Args:
        section: bond or angle.
        samples: one for each state; weights are normalised.

    Raises:
        ValueError: no samples, or values that do not vary.
    """
    if not samples or min(sample.variance for sample in samples) <= 0:
        raise ValueError("a harmonic fit needs values that vary")
    total = sum(sample.weight for sample in samples)
    samples = [Sample(one.beta, one.mean, one.variance, one.weight / total) for one in samples]
    end = upper_end(section)
    centre = sum(one.weight * one.mean for one in samples)
    k = 1.0 / sum(2.0 * one.weight * one.beta * one.variance for one in samples)
    likelihood = _log_likelihood(section, samples, k, centre)
    at_end = False
    for _ in range(_STEPS):
        score, information = _score(section, samples, k, centre)
        step = np.linalg.solve(information, score)
        at_end = centre + float(step[1]) >= end
        if at_end:  # held at the end: only K is left to choose
            step = np.array([score[0] / information[0, 0], end - centre])
        scale = 1.0
        while scale > 1e-8:
            trial_k, trial_centre = k + scale * float(step[0]), centre + scale * float(step[1])
            if 0.2 * k < trial_k < 5.0 * k and 0.0 < trial_centre <= end:
                trial = _log_likelihood(section, samples, trial_k, trial_centre)
                if trial >= likelihood - 1e-13 * abs(likelihood):
                    break
            scale *= 0.5
        else:
            break
        small = abs(trial_k - k) < _CONVERGED * k and abs(trial_centre - centre) < _CONVERGED * centre
        k, centre, likelihood = trial_k, trial_centre, trial
        if small:
            break
    _, information = _score(section, samples, k, centre)
    inverse = np.array([[1.0 / information[0, 0], 0.0], [0.0, 0.0]]) if at_end else np.linalg.inv(information)
    influence = tuple(inverse @ np.array([[0.0, -one.beta], [2.0 * one.beta * k, 0.0]]) for one in samples)
    return HarmonicFit(k, centre, influence, at_end)


def _log_likelihood(section: Section, samples: Sequence[Sample], k: float, centre: float) -> float:
    return sum(
        one.weight
        * (
            -one.beta * k * (one.variance + (one.mean - centre) ** 2)
            - moments(section, Well(centre, one.beta * k)).log_normalisation
        )
        for one in samples
    )


def _score(section: Section, samples: Sequence[Sample], k: float, centre: float) -> tuple[Array, Array]:
    """Derivative of the mean log-likelihood by (K, x0), and Fisher's information."""
    score, information = np.zeros(2), np.zeros((2, 2))
    for one in samples:
        expected = moments(section, Well(centre, one.beta * k))
        square = one.variance + (one.mean - centre) ** 2
        score += one.weight * np.array(
            [-one.beta * (square - expected.square), 2 * one.beta * k * (one.mean - centre - expected.deviation)]
        )
        change = np.array([[0.0, -one.beta], [2.0 * one.beta * k, 0.0]])
        information += one.weight * change @ expected.covariance @ change.T
    return score, information


def density_of_well(section: Section, well: Well, x: Array) -> Array:
    """Probability density of a well, measure and all; 1/angstrom or 1/radian, shape of ``x``."""
    exponent = -well.curvature * (x - well.centre) ** 2 - moments(section, well).log_normalisation
    return np.asarray(measure(section, x) * np.exp(exponent))


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of wells.

    Attributes:
        wells: from left to right.
        weights: share of each in the samples; their sum is 1.
        criterion: Bayesian information criterion; a lower one is better.
    """

    wells: tuple[Well, ...]
    weights: tuple[float, ...]
    criterion: float

    def without_measure(self, section: Section, x: Array) -> Array:
        """Density over its measure: exp(-V/kT) of the potential of mean force V, up to a factor."""
        parts = [
            weight * np.exp(-well.curvature * (x - well.centre) ** 2 - moments(section, well).log_normalisation)
            for weight, well in zip(self.weights, self.wells, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))

    def density(self, section: Section, x: Array) -> Array:
        """Probability density, 1/angstrom or 1/radian."""
        return np.asarray(measure(section, x) * self.without_measure(section, x))


def fit_wells(section: Section, x: Array, counts: Array, independent: float) -> Mixture:
    """The sum of wells that describes a histogram with the fewest numbers that its samples are worth.

    Args:
        section: bond or angle.
        x: centres of fine bins, angstrom or radian, shape (bins,).
        counts: in each, of any sum, shape (bins,).
        independent: how many independent samples they are worth.

    Returns: the sum with the lowest criterion.
    """
    shares = counts / counts.sum()
    best: Mixture | None = None
    for number in range(1, MOST_WELLS + 1):
        tried = [
            _expectation_maximisation(section, x, shares, start, independent) for start in _starts(x, shares, number)
        ]
        found = min(tried, key=lambda one: one.criterion)
        if best is not None and found.criterion >= best.criterion:
            break
        best = found
    assert best is not None
    return best


def _starts(x: Array, shares: Array, number: int) -> list[tuple[Array, Array, Array]]:
    """Where the search begins: wells of equal population; wells of equal width; centres, curvatures and weights."""
    mean = float(shares @ x)
    deviation = math.sqrt(max(float(shares @ (x - mean) ** 2), 1e-12))
    if number == 1:
        return [(np.array([mean]), np.array([0.5 / deviation**2]), np.ones(1))]
    cumulative = np.cumsum(shares)
    middles = (np.arange(number) + 0.5) / number
    populated = np.interp(middles, cumulative, x)
    low, high = np.interp([0.01, 0.99], cumulative, x)
    even = low + middles * (high - low)
    narrow = deviation / number
    equal = np.full(number, 1.0 / number)
    return [(centres, np.full(number, 0.5 / narrow**2), equal) for centres in (populated, even)]


def _expectation_maximisation(
    section: Section, x: Array, shares: Array, start: tuple[Array, Array, Array], independent: float
) -> Mixture:
    """Every step solves the moments of each well once; densities are sums over the same bins, so nothing is biased."""
    centres, curvatures, weights = (one.copy() for one in start)
    spacing = float(x[1] - x[0])
    sharpest = 0.5 / spacing**2
    widest = 0.5 / (4.0 * (x[-1] - x[0])) ** 2
    end = upper_end(section)
    grid, inside = _extended(section, x, spacing)
    base = measure(section, grid) * spacing
    filled = np.zeros(len(grid))
    filled[inside] = shares
    likelihood = -math.inf
    for _ in range(_ITERATIONS):
        apart = grid - centres[:, None]
        parts = base * np.exp(-curvatures[:, None] * apart**2)
        parts /= parts.sum(axis=1, keepdims=True)
        joint = weights[:, None] * parts
        total = np.maximum(joint.sum(axis=0), 1e-300)
        previous, likelihood = likelihood, float(filled @ np.log(total))
        if likelihood - previous < _GAIN:
            break
        owned = filled * joint / total
        weights = np.maximum(owned.sum(axis=1), 1e-12)
        weights /= weights.sum()
        for index in range(len(centres)):
            own = owned[index] / max(owned[index].sum(), 1e-300)
            centres[index], curvatures[index] = _improved(
                grid, own, parts[index], float(centres[index]), float(curvatures[index]), (widest, sharpest), end
            )
    order = np.argsort(centres)
    wells = tuple(Well(float(centres[one]), float(curvatures[one])) for one in order)
    # The likelihood of a bin holds its width; that is the same for every number of wells.
    criterion = -2.0 * independent * likelihood + (3 * len(wells) - 1) * math.log(max(independent, 2.0))
    return Mixture(wells, tuple(float(weights[one]) for one in order), criterion)


def _extended(section: Section, x: Array, spacing: float) -> tuple[Array, slice]:
    """Bins on both sides too, where nothing was seen: a well that reaches there is less likely."""
    margin = len(x)
    below = min(margin, max(0, math.floor(x[0] / spacing - 0.5 + 1e-9)))
    room = upper_end(section) - x[-1]
    above = margin if math.isinf(room) else min(margin, max(0, math.floor(room / spacing - 0.5 + 1e-9)))
    grid = x[0] + spacing * np.arange(-below, len(x) + above)
    return np.asarray(grid), slice(below, below + len(x))


def _improved(
    grid: Array,
    own: Array,
    part: Array,
    centre: float,
    curvature: float,
    limits: tuple[float, float],
    end: float,
) -> tuple[float, float]:
    """One step of scoring towards the moments of the samples that a well owns."""
    apart = grid - centre
    statistics = np.stack([2.0 * curvature * apart, -(apart**2)])
    expected = statistics @ part
    centred = statistics - expected[:, None]
    information = (centred * part) @ centred.T
    score = statistics @ own - expected
    step = np.linalg.lstsq(information, score, rcond=None)[0]
    factor = float(np.clip(1.0 + step[1] / curvature, 0.5, 2.0))
    width = math.sqrt(0.5 / curvature)
    moved = centre + float(np.clip(step[0], -width, width))
    return min(max(moved, 0.0), end), float(np.clip(curvature * factor, *limits))
