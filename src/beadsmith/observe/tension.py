"""One pull of a box along an axis: its stress-strain curve; and the mean of the curves of several axes and networks.

Stress is positive in tension and in GPa; it is LAMMPS' pressure tensor with the other sign, hence the true (Cauchy)
stress, force over the area as it is now.  Strain is the engineering strain L/L0 - 1 unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.random_effects import Measurements, RandomEffect, random_effect
from beadsmith.observe.smoothing import smooth
from beadsmith.observe.timeseries import Array, check_finite
from beadsmith.units import convert


@cache
def gigapascals_per_atmosphere() -> float:
    """One atm in GPa."""
    return 1.0 / convert(1.0, "GPa", "pressure")


@dataclass(frozen=True)
class Curve:
    """Stress against strain, sample by sample at equal distances in time, of one pull.

    Attributes:
        strain: ascending, shape (samples,).
        stress: GPa, shape (samples,).
    """

    strain: Array
    stress: Array


@dataclass(frozen=True)
class Pull:
    """What was recorded while a box was pulled along one axis, the others following their pressure.

    Attributes:
        axis: 0, 1 or 2 for x, y, z.
        lengths: of the box along x, y, z, angstrom, shape (samples, 3).
        unstrained: the same before the pull, shape (3,).
        stress: tensor, GPa, tension positive, in LAMMPS' order xx, yy, zz, xy, xz, yz, shape (samples, 6).
    """

    axis: int
    lengths: Array
    unstrained: Array
    stress: Array

    @property
    def strains(self) -> Array:
        """Engineering strains L/L0 - 1 along x, y, z, shape (samples, 3)."""
        return np.asarray(self.lengths / self.unstrained - 1.0)

    @property
    def axial_strain(self) -> Array:
        """Engineering strain along the pulled axis, shape (samples,)."""
        return np.asarray(self.strains[:, self.axis])

    @property
    def lateral_strain(self) -> Array:
        """Mean engineering strain of the other two axes, shape (samples,)."""
        return np.asarray(np.delete(self.strains, self.axis, axis=1).mean(axis=1))

    @property
    def curve(self) -> Curve:
        """True stress against engineering strain, as published curves of molecular dynamics mostly are."""
        return Curve(self.axial_strain, np.asarray(self.stress[:, self.axis]))

    @property
    def true_curve(self) -> Curve:
        """True stress against true strain ln(L/L0)."""
        return Curve(np.asarray(np.log1p(self.axial_strain)), np.asarray(self.stress[:, self.axis]))

    @property
    def engineering_curve(self) -> Curve:
        """Engineering stress, force over the unstrained area, against engineering strain."""
        area = np.prod(np.delete(1.0 + self.strains, self.axis, axis=1), axis=1)
        return Curve(self.axial_strain, np.asarray(self.stress[:, self.axis] * area))


def pull_from_pressures(axis: int, lengths: Array, pressures: Array, unstrained: Array | None = None) -> Pull:
    """A pull as LAMMPS prints it.

    Args:
        axis: 0, 1 or 2 for x, y, z.
        lengths: of the box, angstrom, shape (samples, 3).
        pressures: pressure tensor, atm, in LAMMPS' order xx, yy, zz, xy, xz, yz, shape (samples, 6).
        unstrained: lengths before the pull, angstrom, shape (3,); those of the first sample if left out.

    Raises:
        EstimateError: shapes that do not match, no samples, numbers that are not finite, or no such axis.
    """
    if axis not in (0, 1, 2):
        raise EstimateError(f"a box has axes 0, 1 and 2; received {axis}")
    if not len(lengths) or lengths.shape != (len(lengths), 3) or pressures.shape != (len(lengths), 6):
        raise EstimateError(
            f"a pull needs lengths of shape (samples, 3) and pressures of shape (samples, 6); received {lengths.shape} "
            f"and {pressures.shape}"
        )
    check_finite(lengths)
    check_finite(pressures)
    start = lengths[0] if unstrained is None else unstrained
    return Pull(axis, lengths, start, np.asarray(-gigapascals_per_atmosphere() * pressures))


@dataclass(frozen=True)
class BinnedCurve:
    """Means of a curve over bins of strain; all of shape (bins,).

    Attributes:
        strain: mean of the samples in the bin; nan in an empty one.
        stress: GPa; nan in an empty bin.
        stderr: of ``stress``, GPa, accounting for correlated noise; nan in an empty bin.
        samples: in the bin.
    """

    strain: Array
    stress: Array
    stderr: Array
    samples: NDArray[np.int64]


def binned(curve: Curve, edges: Array) -> BinnedCurve:
    """Means over bins of strain, with standard errors.

    The noise is that of the residuals about the smoothed curve (:func:`beadsmith.observe.smoothing.smooth`), with its
    correlation: too few samples lie in one bin to tell.

    Args:
        curve: of one pull.
        edges: of the bins, ascending, shape (bins + 1,); a sample on an edge belongs to the bin above it.

    Raises:
        EstimateError: too few samples, or not finite.
    """
    place = np.searchsorted(edges, curve.strain, side="right") - 1
    bins = len(edges) - 1
    inside = (place >= 0) & (place < bins)
    counts = np.bincount(place[inside], minlength=bins)
    noise = smooth(curve.strain, curve.stress).noise_of_sample
    filled = np.where(counts > 0, counts, np.nan)
    strain, stress = (
        np.bincount(place[inside], one[inside], minlength=bins) / filled for one in (curve.strain, curve.stress)
    )
    return BinnedCurve(strain, stress, noise / np.sqrt(filled), counts)


@dataclass(frozen=True)
class MeanCurve:
    """A stress-strain curve averaged over axes and networks; all of shape (bins,).

    Attributes:
        strain: middle of what the curves had in the bin.
        stress: mean over networks, GPa.
        stderr: of ``stress``, GPa.
        freedom: degrees of freedom behind ``stderr``.
        within: standard deviation between the axes of one network beyond noise, GPa; nan if not known.
        between: standard deviation between networks, GPa; nan with a single one.
    """

    strain: Array
    stress: Array
    stderr: Array
    freedom: Array
    within: Array
    between: Array


def mean_curve(networks: Sequence[Sequence[Curve]], edges: Array) -> MeanCurve:
    """Mean of stress-strain curves, bin by bin, by :func:`beadsmith.observe.random_effects.random_effect`.

    Bins that not all curves reach are left out, so that a curve that ends early does not make a step in the mean.

    Args:
        networks: the curves of each network.
        edges: of the bins of strain, ascending, shape (bins + 1,).

    Raises:
        EstimateError: no curves, one of them too short, or no bin that all of them reach.
    """
    tables = [[binned(curve, edges) for curve in curves] for curves in networks]
    every = [one for table in tables for one in table]
    shared = [number for number in range(len(edges) - 1) if all(one.samples[number] for one in every)]
    if not every or not shared:
        raise EstimateError(f"no bin of strain is reached by all of {len(every)} stress-strain curves")
    effects = [_effect(tables, number) for number in shared]
    return MeanCurve(
        strain=np.mean([one.strain[shared] for one in every], axis=0),
        stress=np.array([one.mean for one in effects]),
        stderr=np.array([one.stderr for one in effects]),
        freedom=np.array([one.freedom for one in effects]),
        within=np.array([math.nan if one.within is None else one.within for one in effects]),
        between=np.array([math.nan if one.between is None else one.between for one in effects]),
    )


def _effect(tables: Sequence[Sequence[BinnedCurve]], number: int) -> RandomEffect:
    return random_effect(
        [
            Measurements(
                np.array([one.stress[number] for one in table]), np.array([one.stderr[number] for one in table])
            )
            for table in tables
        ]
    )
