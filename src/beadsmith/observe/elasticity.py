"""Elastic constants: Young's modulus and Poisson's ratio from the beginning of a pull, the bulk one from a volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import stdtrit

from beadsmith.errors import EstimateError
from beadsmith.observe.lines import Line, fit_line, in_window
from beadsmith.observe.tension import Curve, Pull
from beadsmith.observe.timeseries import (
    EXCESS_OF_EFFECTIVE_SAMPLES,
    FEWEST_SAMPLES,
    Array,
    SeriesMean,
    block_averages,
    check_finite,
    effective_samples,
    independent_samples,
    is_constant,
    mean_of_series,
)
from beadsmith.units import BOLTZMANN, convert

#: Strains between which the response of a glass counts as linear.
ELASTIC_WINDOW = (0.0, 0.02)


@dataclass(frozen=True)
class Slope:
    """A straight line through a part of a curve, and what its slope is worth.

    Attributes:
        value, stderr: the elastic constant; GPa for Young's modulus, none for Poisson's ratio.
        line: that was fitted, with the covariance of slope and intercept; accounts for correlated noise.
        freedom: degrees of freedom of Student's distribution behind ``stderr``.
        window: strains that were asked for.
    """

    value: float
    stderr: float
    line: Line
    freedom: float
    window: tuple[float, float]

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Where the true value lies with this probability, by Student's distribution."""
        half = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.stderr
        return self.value - half, self.value + half


def youngs_modulus(curve: Curve, window: tuple[float, float] = ELASTIC_WINDOW) -> Slope:
    """Young's modulus: slope of the line through the samples within a window of strain, GPa.

    The line has an intercept, because a box keeps some residual stress after the best relaxation.  Least squares
    without weights are as good as generalised ones for noise that is correlated over much less than the window; only
    the usual error would be too small.  Here the residuals are worth N_eff = N/g samples, and

        var(slope) = var(residuals) N / (N_eff - 4) / sum (strain - mean)^2

    where the 4 corrects that N_eff is estimated too large (``timeseries``), and is what Student's distribution gets.

    Args:
        curve: of one pull.
        window: lowest and highest strain, both included.

    Raises:
        EstimateError: fewer than 10 samples within the window, or not finite.
    """
    return _slope(curve.strain, curve.stress, window)


def poissons_ratio(pull: Pull, window: tuple[float, float] = ELASTIC_WINDOW) -> Slope:
    """Poisson's ratio: minus the slope of the mean lateral strain against the axial one.

    Engineering strains; lines have an intercept, so the unstrained lengths need not be well known.  Error as that of
    :func:`youngs_modulus`.

    Args:
        pull: with the lengths of a box whose lateral pressures are kept.
        window: lowest and highest axial strain, both included.

    Raises:
        EstimateError: fewer than 10 samples within the window, or not finite.
    """
    slope = _slope(pull.axial_strain, pull.lateral_strain, window)
    return replace(slope, value=-slope.value)


def bulk_modulus(volumes: Array, temperature: float) -> SeriesMean:
    """Isothermal bulk modulus from the fluctuations of the volume at constant pressure, K = kT <V> / var(V).

    The sample variance is too small by the factor 1 - 1/N_eff, and is corrected.  Its error follows from the series of
    squared deviations, which has a correlation time of its own: stderr/K = stderr(var)/var.  For a variance, whose
    relative error is sqrt(2/N_eff), a hundred independent samples give 14 %.

    Args:
        volumes: angstrom^3, at equal intervals, shape (samples,), from a barostat that samples the isothermal-isobaric
            ensemble (not one that only relaxes the volume towards its mean).
        temperature: K.

    Returns: GPa; flagged where the volume drifts.

    Raises:
        EstimateError: fewer than 10 samples, not finite, not positive, or a volume that does not change.
    """
    mean = mean_of_series(volumes)
    used = volumes[mean.start :]
    if temperature <= 0.0 or used.min() <= 0.0:
        raise EstimateError(f"volumes and temperature must be positive; received {used.min():g} and {temperature:g} K")
    if is_constant(used):
        raise EstimateError(
            "the volume does not change, so it does not tell the bulk modulus; simulate at constant pressure"
        )
    points = block_averages(used)
    effective = max(effective_samples(points) - EXCESS_OF_EFFECTIVE_SAMPLES, 2.0)
    squares = (used - used.mean()) ** 2
    variance = float(squares.mean()) / (1.0 - 1.0 / effective)
    averages = block_averages(squares)
    freedom = max(effective_samples(averages) - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0)
    relative = math.sqrt(float(averages.var()) / freedom) / float(squares.mean())
    value = BOLTZMANN * temperature * float(used.mean()) / variance * gigapascals_per_energy_density()
    return replace(
        mean, value=value, stderr=value * relative, samples=independent_samples(squares, relative * variance)
    )


@cache
def gigapascals_per_energy_density() -> float:
    """One kcal/mol per cubic angstrom in GPa."""
    return convert(1.0, "kcal/avogadro_number/angstrom^3", "pressure") / convert(1.0, "GPa", "pressure")


def _slope(strains: Array, values: Array, window: tuple[float, float]) -> Slope:
    inside = in_window(strains, window)
    count = int(inside.sum())
    if count < FEWEST_SAMPLES:
        raise EstimateError(
            f"{count} samples lie within strains of {window[0]:g} to {window[1]:g}; a slope with an error bar needs "
            f"{FEWEST_SAMPLES}: pull more slowly, or record more often"
        )
    check_finite(np.stack([strains[inside], values[inside]]))
    strain, value = block_averages(strains[inside]), block_averages(values[inside])
    line = fit_line(strain, value, np.zeros(len(strain)))
    residuals = value - line.intercept - line.slope * strain
    if is_constant(residuals, scale=float(np.abs(value).max())):
        return Slope(line.slope, 0.0, replace(line, covariance=np.zeros((2, 2))), math.inf, window)
    freedom = max(effective_samples(residuals) - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0)
    covariance = line.covariance * (line.freedom / freedom)
    return Slope(line.slope, math.sqrt(float(covariance[0, 0])), replace(line, covariance=covariance), freedom, window)
