"""Bonded terms by Boltzmann inversion: distributions of bonds and angles become harmonic terms, or tables.

All trajectories that are given count together: one K and one x0 for all states, each at its own temperature.
Reference: D. Reith, M. Puetz, F. Mueller-Plathe, J. Comput. Chem. 24, 1624 (2003), for the measures; the fits are of
:mod:`beadsmith.inversion.wells`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.inversion.tables import Table, bonded_table
from beadsmith.inversion.trajectory import Trajectory, evenly
from beadsmith.inversion.wells import (
    HarmonicFit,
    Mixture,
    Sample,
    Section,
    Well,
    density_of_well,
    fit_harmonic,
    fit_wells,
    measure,
)
from beadsmith.observe.bonded import Terms, by_molecule, terms_named, values_of
from beadsmith.observe.distributions import histograms, mean_distribution
from beadsmith.observe.molecular import mean_over_molecules
from beadsmith.problem.recording import Array
from beadsmith.problem.schema import AngleDistribution, BondDistribution

#: With fewer independent samples a curvature is known to worse than 20 %: its relative error is sqrt(2/N).
FEWEST = 50
#: With fewer values, independent or not, there is nothing to fit.
_FEWEST_VALUES = 20
#: What a drifting or slowly relaxing trajectory is taken for at least, so that its terms can be fitted at all.
_LEAST_WORTH = 5.0
#: Shared area of distribution and fit above which a term is called harmonic, and nearly so.
HARMONIC, NEARLY = 0.96, 0.90
#: A valley between two peaks of the potential of mean force is one if it is so deep, kT.
_VALLEY = 0.2
#: Peaks that hold less of the samples than this are not counted.
_LEAST_PEAK = 0.02
#: Fine bins for the sum of wells.
_FINE = 160


@dataclass(frozen=True)
class Peak:
    """One maximum of a distribution with its measure taken out.

    Attributes:
        centre: angstrom or degree.
        weight: share of the samples.
        k: kcal/mol/angstrom^2 or kcal/mol/radian^2 of the main well in it.
    """

    centre: float
    weight: float
    k: float


@dataclass(frozen=True)
class Curve:
    """The distribution of a bond or an angle.

    Attributes:
        x: centres of bins, angstrom or degree, shape (bins,).
        density: 1/angstrom or 1/degree, shape (bins,).
        stderr: of the density.
        fit: density of the harmonic term there; of all states, as they were weighted.
        mixture: density of the sum of wells.
        potential: of mean force, kcal/mol, lowest 0; nan where nothing was seen.
    """

    x: Array
    density: Array
    stderr: Array
    fit: Array
    mixture: Array
    potential: Array


@dataclass(frozen=True)
class BondedTerm:
    """What the trajectories say of one type of bond or angle.

    Attributes:
        section: bond or angle.
        name: such as B1-B2.
        k, k_stderr: kcal/mol/angstrom^2 or kcal/mol/radian^2, LAMMPS' K (x - x0)^2.
        centre, centre_stderr: x0, angstrom or degree.
        samples: independent ones.
        overlap: area that the distribution and the harmonic fit share, 0 to 1.
        expected_overlap: what noise alone would leave of 1.
        wells: number of wells whose sum describes the distribution, by the Bayesian information criterion.
        peaks: its maxima, the most populated first.
        curve: the distribution.
        table: potential of mean force, smooth and continued.
        quality: in words.
        warnings: sentences.
    """

    section: Section
    name: str
    k: float
    k_stderr: float
    centre: float
    centre_stderr: float
    samples: float
    overlap: float
    expected_overlap: float
    wells: int
    peaks: tuple[Peak, ...]
    curve: Curve
    table: Table
    quality: str
    warnings: tuple[str, ...]

    @property
    def harmonic(self) -> bool:
        """Whether a harmonic term will do."""
        return len(self.peaks) == 1 and self.overlap >= min(NEARLY, self.expected_overlap)


@dataclass(frozen=True)
class _Values:
    """Values of one type in one trajectory, what did not settle yet cut off."""

    trajectory: Trajectory
    terms: Terms
    values: Array
    independent: float
    note: str


def invert_bonded(section: Section, name: str, trajectories: Sequence[Trajectory]) -> BondedTerm:
    """Fit one type of bond or angle.

    Args:
        section: bond or angle.
        name: of the type, as the recordings have it.
        trajectories: all states; those without such terms are left out.

    Raises:
        EstimateError: none has it, its values do not vary, or there are too few of them.
    """
    found = [_values(section, name, one) for one in trajectories if name in one.names(section)]
    if not found:
        raise EstimateError(f"there is no {section} {name} in the trajectories")
    independent = sum(one.independent for one in found)
    if (values := sum(one.values.size for one in found)) < _FEWEST_VALUES:
        raise EstimateError(
            f"{section} {name}: received {values} values, expected at least {_FEWEST_VALUES}; record "
            f"{math.ceil(_FEWEST_VALUES / values)} times as long, or more molecules"
        )
    fit = fit_harmonic(section, [_sample(one) for one in found])
    k_stderr, centre_stderr = _errors(fit, found, independent)
    fine, counts = _fine_histogram(section, found)
    mixture = fit_wells(section, fine, counts, independent)
    peaks = _peaks(section, mixture, fine, found)
    notes = [f"{section} {name} at {one.trajectory.state.label}: {one.note}" for one in found if one.note]
    if independent < FEWEST:
        notes.append(
            f"{section} {name} is known poorly: its values are worth {independent:.0f} independent ones; record "
            f"{math.ceil(FEWEST / independent)} times as long, or more molecules"
        )
    term = _described(section, name, fit, (k_stderr, centre_stderr), mixture, peaks, found)
    return replace(term, warnings=(*term.warnings, *notes))


def _values(section: Section, name: str, trajectory: Trajectory) -> _Values:
    terms = terms_named(trajectory.topology, section, name)
    raw = values_of(trajectory.frames, terms)
    values = raw if section == "bond" else np.radians(raw)
    settled = mean_over_molecules(by_molecule(values, terms))
    values = values[settled.start :]
    variance = float(values.var())
    if variance <= 0 or settled.stderr == 0:
        raise EstimateError(f"{section} {name}: its values do not vary; a rigid one has no potential")
    independent = min(max(variance / settled.stderr**2, _LEAST_WORTH), float(values.size))
    return _Values(trajectory, terms, values, independent, settled.note)


def _sample(one: _Values) -> Sample:
    beta = 1.0 / one.trajectory.kt
    return Sample(beta, float(one.values.mean()), float(one.values.var()), one.independent)


def _errors(fit: HarmonicFit, found: Sequence[_Values], independent: float) -> tuple[float, float]:
    """Standard errors of K and x0 from the influence of every value, correlated as they are."""
    variances = np.zeros(2)
    for one, matrix in zip(found, fit.influence, strict=True):
        apart = one.values - fit.centre
        for row in range(2):
            influence = by_molecule(matrix[row, 0] * apart + matrix[row, 1] * apart**2, one.terms)
            stderr = mean_over_molecules(influence).stderr
            variances[row] += (one.independent / independent * stderr) ** 2
    return math.sqrt(variances[0]), math.sqrt(variances[1])


def _fine_histogram(section: Section, found: Sequence[_Values]) -> tuple[Array, Array]:
    """Centres and counts; every state counts by its independent samples."""
    low = min(float(one.values.min()) for one in found)
    high = max(float(one.values.max()) for one in found)
    edges = np.linspace(low, high + 1e-9 * (high - low), _FINE + 1)
    counts = sum(np.histogram(one.values, edges)[0] * (one.independent / one.values.size) for one in found)
    return 0.5 * (edges[1:] + edges[:-1]), np.asarray(counts, dtype=np.float64)


def _mean_kt(found: Sequence[_Values]) -> float:
    return sum(one.independent * one.trajectory.kt for one in found) / sum(one.independent for one in found)


def _peaks(section: Section, mixture: Mixture, fine: Array, found: Sequence[_Values]) -> tuple[Peak, ...]:
    """Maxima of the density without its measure that valleys part from each other."""
    kt = _mean_kt(found)
    x = np.linspace(float(fine[0]), float(fine[-1]), 2000, dtype=np.float64)
    potential = -np.log(np.maximum(mixture.without_measure(section, x), 1e-300))
    minima = _parted_minima(potential)
    borders = [
        0,
        *(left + int(np.argmax(potential[left:right])) for left, right in itertools.pairwise(minima)),
    ]
    borders.append(len(x))
    density = mixture.density(section, x)
    share = density / density.sum()
    peaks = []
    for place, (start, stop) in zip(minima, itertools.pairwise(borders), strict=True):
        inside = [
            (weight, well)
            for weight, well in zip(mixture.weights, mixture.wells, strict=True)
            if x[start] - 1e-12 <= well.centre <= x[stop - 1] + 1e-12
        ]
        inside = inside or [
            min(zip(mixture.weights, mixture.wells, strict=True), key=lambda one: abs(one[1].centre - x[place]))
        ]
        well = max(inside, key=lambda one: one[0])[1]
        shown = float(x[place]) if section == "bond" else math.degrees(float(x[place]))
        peaks.append(Peak(shown, float(share[start:stop].sum()), well.curvature * kt))
    counted = [peak for peak in peaks if peak.weight >= _LEAST_PEAK]
    return tuple(sorted(counted, key=lambda peak: -peak.weight))


def _parted_minima(potential: Array) -> list[int]:
    """Places of minima with barriers of some height between them, from left to right."""
    inner = np.flatnonzero((potential[1:-1] < potential[:-2]) & (potential[1:-1] <= potential[2:])) + 1
    minima = [int(one) for one in inner]
    if potential[0] < potential[1]:
        minima.insert(0, 0)
    if potential[-1] < potential[-2]:
        minima.append(len(potential) - 1)
    while len(minima) > 1:
        barriers = [
            (float(potential[left:right].max() - max(potential[left], potential[right])), number)
            for number, (left, right) in enumerate(itertools.pairwise(minima))
        ]
        lowest, number = min(barriers)
        if lowest >= _VALLEY:
            break
        higher = number if potential[minima[number]] > potential[minima[number + 1]] else number + 1
        del minima[higher]
    return minima


def _described(
    section: Section,
    name: str,
    fit: HarmonicFit,
    stderrs: tuple[float, float],
    mixture: Mixture,
    peaks: tuple[Peak, ...],
    found: Sequence[_Values],
) -> BondedTerm:
    kt = _mean_kt(found)
    independent = sum(one.independent for one in found)
    k, centre, (k_stderr, centre_stderr) = fit.k, fit.centre, stderrs
    warnings = []
    if len(peaks) > 1:
        main = peaks[0]
        k, centre = main.k, main.centre if section == "bond" else math.radians(main.centre)
        share = max(main.weight * independent, 2.0)
        k_stderr, centre_stderr = k * math.sqrt(2.0 / share), math.sqrt(kt / (2.0 * k) / share)
        unit = "angstrom" if section == "bond" else "degrees"
        listed = ", ".join(f"{peak.centre:.4g} ({100 * peak.weight:.0f} %)" for peak in peaks)
        warnings.append(
            f"{section} {name} has {len(peaks)} peaks, at {listed} {unit}: the harmonic term describes the first "
            "of them only; take the table instead"
        )
    if fit.at_end and len(peaks) == 1:
        warnings.append(f"{section} {name}: the best harmonic angle lies beyond 180 degrees and is held there")
    curve = _curve(section, name, found, Well(centre, k / kt), mixture)
    width = float(curve.x[1] - curve.x[0])
    overlap = 1.0 - 0.5 * float(np.abs(curve.density - curve.fit).sum()) * width
    expected = 1.0 - 0.5 * math.sqrt(2.0 / math.pi) * float(curve.stderr.sum()) * width
    degrees = 1.0 if section == "bond" else 180.0 / math.pi
    return BondedTerm(
        section=section,
        name=name,
        k=k,
        k_stderr=k_stderr,
        centre=centre * degrees,
        centre_stderr=centre_stderr * degrees,
        samples=independent,
        overlap=overlap,
        expected_overlap=expected,
        wells=len(mixture.wells),
        peaks=peaks,
        curve=curve,
        table=_table(section, name, mixture, found, kt),
        quality=_quality(overlap, expected, len(peaks), len(mixture.wells)),
        warnings=tuple(warnings),
    )


def _quality(overlap: float, expected: float, peaks: int, wells: int) -> str:
    shared = f"{100 * overlap:.0f} % of the area shared"
    if peaks > 1:
        return f"{peaks} peaks, {wells} Gaussians: a table is needed"
    if overlap >= min(HARMONIC, expected):
        return f"harmonic ({shared})"
    if overlap >= NEARLY:
        return f"nearly harmonic ({shared}, {wells} Gaussians)"
    return f"one peak but not harmonic ({shared}, {wells} Gaussians): a table is needed"


def _curve(section: Section, name: str, found: Sequence[_Values], well: Well, mixture: Mixture) -> Curve:
    """The distribution in bins a quarter as wide as it is, over all states."""
    degrees = 1.0 if section == "bond" else 180.0 / math.pi
    low = degrees * min(float(one.values.min()) for one in found)
    high = degrees * max(float(one.values.max()) for one in found)
    spread = degrees * math.sqrt(sum(one.independent * float(one.values.var()) for one in found))
    spread /= math.sqrt(sum(one.independent for one in found))
    centres, width = evenly(low, high, spread / 4.0, 180.0 if section == "angle" else None)
    density: Array = np.zeros(len(centres))
    variance: Array = np.zeros(len(centres))
    fit: Array = np.zeros(len(centres))
    total = 0.0
    for one in found:
        bins = mean_distribution(histograms(distribution_of(section, name, centres), one.trajectory.recording))
        density += one.independent * np.array([each.value for each in bins])
        variance += one.independent**2 * np.array([each.stderr for each in bins]) ** 2
        own = Well(well.centre, well.curvature * _mean_kt(found) / one.trajectory.kt)
        fit += one.independent * _averaged(section, own, None, centres / degrees, width / degrees) / degrees
        total += one.independent
    density, stderr, fit = density / total, np.sqrt(variance) / total, fit / total
    with np.errstate(divide="ignore"):
        potential = -_mean_kt(found) * np.log(density / measure(section, centres / degrees))
    potential[~np.isfinite(potential)] = np.nan
    potential -= np.nanmin(potential)
    summed = _averaged(section, None, mixture, centres / degrees, width / degrees) / degrees
    return Curve(centres, density, stderr, fit, summed, potential)


def _averaged(section: Section, well: Well | None, mixture: Mixture | None, x: Array, width: float) -> Array:
    """A density averaged over bins, by three Gauss points in each."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    points = x[:, None] + 0.5 * width * nodes
    if well is not None:
        values = density_of_well(section, well, points)
    else:
        assert mixture is not None
        values = mixture.density(section, points.ravel()).reshape(points.shape)
    return np.asarray(values @ weights / 2.0)


def distribution_of(section: Section, name: str, centres: Array) -> BondDistribution | AngleDistribution:
    """The observable with these bins."""
    x = tuple(centres.tolist())
    if section == "bond":
        return BondDistribution.model_construct(kind="bond_distribution", experiment="any", bond=name, r=x)
    return AngleDistribution.model_construct(kind="angle_distribution", experiment="any", angle=name, theta=x)


def _table(section: Section, name: str, mixture: Mixture, found: Sequence[_Values], kt: float) -> Table:
    """The potential of mean force of the sum of wells, where samples were seen, and its continuation."""
    low = min(float(one.values.min()) for one in found)
    high = max(float(one.values.max()) for one in found)
    x = np.linspace(low, high, 400, dtype=np.float64)
    energy = -kt * np.log(np.maximum(mixture.without_measure(section, x), 1e-300))
    shown = x if section == "bond" else np.degrees(x)
    return bonded_table(section, name, shown, energy, (float(shown[0]), float(shown[-1])), kt)
