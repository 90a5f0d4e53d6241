"""Radial distribution functions between molecules, and what they suggest of epsilon and sigma.

The potential of mean force -kT ln g(r) is the pair potential only in the limit of low density.  In a liquid the
packing of all others is part of it, and makes the first guess one:

- **epsilon** is kT ln of the height of the first peak, the depth of that potential;
- **sigma** is the distance at which g has risen to 1, or to half its first peak where that is less: beads that their
  own molecule shields from others, whose g may stay below 1, have a diameter too.

Lennard-Jones liquids of 500 beads at 15 state points, densities of 0.6 to 0.85 per sigma^3 and temperatures of 0.8 to
1.8 epsilon/k, were inverted to see how far these guesses are off: :data:`EPSILON_BIAS` and :data:`SIGMA_BIAS` are their
root mean squares, and part of every error bar here.  The peak of a dense liquid hardly answers to epsilon at all
(J. D. Weeks, D. Chandler, H. C. Andersen, J. Chem. Phys. 54, 5237, 1971): iterate where that is not enough.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit

from beadsmith.errors import EstimateError
from beadsmith.forcefield.energies import lennard_jones, lennard_jones_gromacs, mie
from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.inversion.trajectory import Trajectory
from beadsmith.observe.boxes import half_shortest_edge
from beadsmith.observe.distributions import histograms, mean_distribution
from beadsmith.observe.radial import pairs_of
from beadsmith.problem.recording import Array
from beadsmith.problem.schema import RadialDistribution

#: Root mean square error of the guessed epsilon of Lennard-Jones liquids, kT; see the head of the module.
EPSILON_BIAS = 0.2
#: The same for beads that are bonded to others, which shield them: in a melt of trimers A-B-A, A was 0.14 and B 0.58 kT
#: too low.
BONDED_BIAS = 0.5
#: The same of sigma, relative.
SIGMA_BIAS = 0.025
#: How far iterated potentials of Lennard-Jones liquids are off when their distributions agree to 1 %, kT.
ITERATED_BIAS = 0.15
#: The same of sigma, relative.
ITERATED_SIGMA_BIAS = 0.015
#: A peak that is lower is none to read a depth from; epsilon is then held at this part of kT.
_LEAST_DEPTH = 0.1
#: The first peak lies within so many times the distance at which g rises.
_WITHIN = 1.6
#: Distances above this part of the peak's height are fitted by a parabola for its place and height.
_TOP = 0.85


@dataclass(frozen=True)
class Radial:
    """The radial distribution function of one pair of bead types in one trajectory, between molecules.

    Attributes:
        name: of the pair, such as B1-B2.
        r: centres of bins, angstrom, shape (bins,).
        g, stderr: shape (bins,).
        kt: kcal/mol.
        pairs: number of such pairs in the box.
        volume: of the box, cubic angstrom.
    """

    name: str
    r: Array
    g: Array
    stderr: Array
    kt: float
    pairs: int
    volume: float


def pair_names(trajectories: Sequence[Trajectory], beads: Sequence[str]) -> tuple[str, ...]:
    """All pairs of bead types of which two beads lie in different molecules of some trajectory; like pairs first."""
    likes = [(one, one) for one in beads]
    named = [f"{first}-{second}" for first, second in [*likes, *itertools.combinations(beads, 2)]]
    return tuple(name for name in named if any(_has(one, name) for one in trajectories))


def _has(trajectory: Trajectory, name: str) -> bool:
    first, second = name.split("-")
    if not len(trajectory.topology.beads_of(first)) or not len(trajectory.topology.beads_of(second)):
        return False
    try:
        pairs_of(trajectory.topology, name, intramolecular=False)
    except EstimateError:
        return False
    return True


def farthest(trajectories: Sequence[Trajectory]) -> float:
    """Half the shortest edge of any box, angstrom.

    Raises:
        EstimateError: a box that is not rectangular.
    """
    return half_shortest_edge((box for one in trajectories for box in one.frames.boxes), "an inversion needs")


def radial_bins(cutoff: float, width: float) -> Array:
    """Centres of bins up to a cutoff, as wide as asked for or a little less, angstrom."""
    number = math.ceil(cutoff / width - 1e-9)
    return np.asarray(cutoff / number * (np.arange(number) + 0.5), dtype=np.float64)


def radial(trajectory: Trajectory, name: str, r: Array) -> Radial | None:
    """The function of one pair in one trajectory; None if it has no such pair.

    Raises:
        EstimateError: a box that is too small for the last bin, or too few frames.
    """
    if not _has(trajectory, name):
        return None
    asked = RadialDistribution.model_construct(
        kind="radial_distribution", experiment="any", pair=name, r=tuple(r.tolist()), intramolecular=False
    )
    bins = mean_distribution(histograms(asked, trajectory.recording))
    number = pairs_of(trajectory.topology, name, intramolecular=False).number
    g, stderr = (np.array([getattr(one, key) for one in bins]) for key in ("value", "stderr"))
    return Radial(name, r, g, stderr, trajectory.kt, number, trajectory.volume)


@dataclass(frozen=True)
class PairGuess:
    """A first guess of one pair's epsilon and sigma.

    Attributes:
        name: of the pair.
        epsilon, epsilon_stderr: kcal/mol; the error is of statistics and of the method.
        sigma, sigma_stderr: angstrom.
        statistical: parts of the two errors that more frames would make smaller.
        peak: distance (angstrom) and height of the first peak, averages over trajectories.
        method: in words.
        warnings: sentences.
    """

    name: str
    epsilon: float
    epsilon_stderr: float
    sigma: float
    sigma_stderr: float
    statistical: tuple[float, float]
    peak: tuple[float, float]
    method: str = "first peak of g(r)"
    warnings: tuple[str, ...] = ()


def has_bonds(trajectories: Sequence[Trajectory], name: str) -> bool:
    """Whether a bead of a pair is bonded to another one anywhere."""
    for one in trajectories:
        bonds = one.topology.bonds
        if bonds is None or not len(bonds.members):
            continue
        if any(np.isin(one.topology.beads_of(bead), bonds.members).any() for bead in name.split("-")):
            return True
    return False


def guess(found: Sequence[Radial], *, bonded: bool) -> PairGuess:
    """Epsilon and sigma of one pair, the mean over trajectories.

    Args:
        found: the function in each of them, one or more.
        bonded: whether its beads are parts of larger molecules.

    Raises:
        EstimateError: no peak within the bins.
    """
    name = found[0].name
    each = np.array([_read(one) for one in found])  # (trajectories, 6)
    epsilon, sigma, place, height = (float(each[:, column].mean()) for column in (0, 2, 4, 5))
    errors = [_error_of_mean(each[:, column], each[:, column + 1]) for column in (0, 2)]
    kt = float(np.mean([one.kt for one in found]))
    warnings = []
    if epsilon < _LEAST_DEPTH * kt:
        warnings.append(
            f"pair {name}: its first peak is only {height:.3g} high, which is no well (other beads of its molecule "
            f"shield it); epsilon is set to {_LEAST_DEPTH:g} kT, and says nothing"
        )
        epsilon = _LEAST_DEPTH * kt
    systematic = (BONDED_BIAS if bonded else EPSILON_BIAS) * kt
    return PairGuess(
        name=name,
        epsilon=epsilon,
        epsilon_stderr=math.hypot(errors[0], systematic),
        sigma=sigma,
        sigma_stderr=math.hypot(errors[1], SIGMA_BIAS * sigma),
        statistical=(errors[0], errors[1]),
        peak=(place, height),
        warnings=tuple(warnings),
    )


def _error_of_mean(values: Array, stderrs: Array) -> float:
    """Error of the mean over states: of statistics, or of what differs between them if that is more."""
    own = float(np.sqrt((stderrs**2).sum())) / len(values)
    scatter = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return max(own, scatter)


def _read(one: Radial) -> tuple[float, float, float, float, float, float]:
    """Depth and sigma of one function, each with its statistical error; place and height of the first peak."""
    g = one.g
    highest = float(g.max())
    risen = np.flatnonzero(g > 0.5 * highest)
    if highest < 0.05 or not len(risen) or risen[0] == 0:
        raise EstimateError(
            f"pair {one.name}: g(r) does not rise within {one.r[-1]:.3g} angstrom; are there enough pairs?"
        )
    start = int(risen[0])
    within = np.flatnonzero((one.r >= one.r[start]) & (one.r <= _WITHIN * one.r[start]))
    top = int(within[np.argmax(g[within])])
    place, height, error = _summit(one, top)
    risen_to = min(1.0, 0.5 * height)
    after = next(number for number in range(top + 1) if g[number] >= risen_to)
    if after == 0:
        raise EstimateError(f"pair {one.name}: g(r) is not small at short distances; begin with smaller bins")
    slope = (g[after] - g[after - 1]) / (one.r[after] - one.r[after - 1])
    sigma = float(one.r[after - 1] + (risen_to - g[after - 1]) / slope)
    own = 0.5 * (one.stderr[after] + one.stderr[after - 1])
    sigma_error = (own if risen_to == 1.0 else math.hypot(own, 0.5 * error)) / slope
    return one.kt * math.log(height), one.kt * error / height, sigma, float(sigma_error), place, height


def _summit(one: Radial, top: int) -> tuple[float, float, float]:
    """Place, height and error of a peak, by a parabola through its upper part."""
    left = right = top
    while left > 0 and one.g[left - 1] > _TOP * one.g[top]:
        left -= 1
    while right < len(one.g) - 1 and one.g[right + 1] > _TOP * one.g[top]:
        right += 1
    part = slice(left, right + 1)
    if right - left < 4:
        return float(one.r[top]), float(one.g[top]), float(one.stderr[top])
    coefficients = np.polyfit(one.r[part] - one.r[top], one.g[part], 2, w=1.0 / np.maximum(one.stderr[part], 1e-12))
    if coefficients[0] >= 0:
        return float(one.r[top]), float(one.g[top]), float(one.stderr[top])
    shift = float(
        np.clip(-0.5 * coefficients[1] / coefficients[0], one.r[left] - one.r[top], one.r[right] - one.r[top])
    )
    height = float(np.polyval(coefficients, shift))
    error = float(np.sqrt((one.stderr[part] ** 2).mean() / max((right - left + 1) / 3.0, 1.0)))
    return float(one.r[top]) + shift, height, error


@dataclass(frozen=True)
class MixingCheck:
    """An unlike pair beside what the mixing rule makes of the like ones.

    Attributes:
        name: of the pair.
        epsilon, sigma: as the rule has them, kcal/mol and angstrom.
        epsilon_deviation, sigma_deviation: own value minus the rule's, in standard errors of statistics and method.
    """

    name: str
    epsilon: float
    sigma: float
    epsilon_deviation: float
    sigma_deviation: float


def compare_with_mixing(guesses: Sequence[PairGuess], rule: str) -> tuple[MixingCheck, ...]:
    """Every unlike pair whose two like pairs are known."""
    known = {one.name: one for one in guesses}
    checks = []
    for one in guesses:
        first, second = (known.get(f"{bead}-{bead}") for bead in one.name.split("-"))
        if first is None or second is None or first is second:
            continue
        epsilon = mix_energy(first.epsilon, second.epsilon, first.sigma, second.sigma, rule)
        sigma = mix_distance(first.sigma, second.sigma, rule)
        relative = 0.5 * math.hypot(first.epsilon_stderr / first.epsilon, second.epsilon_stderr / second.epsilon)
        mixed = 0.5 * math.hypot(first.sigma_stderr, second.sigma_stderr)
        checks.append(
            MixingCheck(
                one.name,
                epsilon,
                sigma,
                (one.epsilon - epsilon) / math.hypot(one.epsilon_stderr, epsilon * relative),
                (one.sigma - sigma) / math.hypot(one.sigma_stderr, mixed),
            )
        )
    return tuple(checks)


def pair_energy(style: str, r: Array, epsilon: float, sigma: float, cutoffs: tuple[float, float]) -> Array:
    """Energy of a pair style, zero at the cutoff; the Mie exponents are 12 and 6.

    Args:
        style: lj/cut, lj/gromacs or mie/cut.
        r: angstrom.
        epsilon: kcal/mol.
        sigma: angstrom.
        cutoffs: inner and outer, angstrom; the inner one counts for lj/gromacs only.
    """
    if style == "lj/gromacs":
        return lennard_jones_gromacs(r, epsilon, sigma, *cutoffs)
    form = lennard_jones if style == "lj/cut" else lambda at, depth, size: mie(at, depth, size, 12.0, 6.0)
    return np.asarray(form(r, epsilon, sigma) - form(np.array(cutoffs[1]), epsilon, sigma))


def fit_style(style: str, found: Radial, energy: Array, start: PairGuess, cutoffs: tuple[float, float]) -> PairGuess:
    """Epsilon and sigma of a pair style nearest to a tabulated potential, where beads are.

    Args:
        style: lj/cut, lj/gromacs or mie/cut.
        found: radial distribution function that the potential gives; squared deviations are weighted by it.
        energy: of the table at ``found.r``, kcal/mol.
        start: first guess.
        cutoffs: inner and outer, angstrom.

    Returns: the guess, with errors of the scatter about the fit and of what iterated potentials are off by.

    Raises:
        EstimateError: no fit is found.
    """
    counts = found.g > 0.02 * found.g.max()
    r, values, weight = found.r[counts], energy[counts], found.g[counts]
    try:
        best, covariance = curve_fit(
            lambda at, epsilon, sigma: pair_energy(style, at, epsilon, sigma, cutoffs),
            r,
            values,
            p0=(start.epsilon, start.sigma),
            sigma=1.0 / np.sqrt(weight),
            bounds=([1e-6, 0.3 * start.sigma], [np.inf, 3.0 * start.sigma]),
        )
    except (RuntimeError, ValueError) as error:
        raise EstimateError(f"pair {found.name}: {style} does not follow its tabulated potential") from error
    errors = np.sqrt(np.diag(covariance))
    return PairGuess(
        name=found.name,
        epsilon=float(best[0]),
        epsilon_stderr=math.hypot(float(errors[0]), ITERATED_BIAS * found.kt),
        sigma=float(best[1]),
        sigma_stderr=math.hypot(float(errors[1]), ITERATED_SIGMA_BIAS * float(best[1])),
        statistical=(float(errors[0]), float(errors[1])),
        peak=start.peak,
        method=f"{style} fitted to the iterated potential",
    )
