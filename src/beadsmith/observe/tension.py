"""One pull of a box along an axis: its stress-strain curve.

Stress is positive in tension and in GPa; it is LAMMPS' pressure tensor with the other sign, hence the true (Cauchy)
stress, force over the area as it is now.  Strain is the engineering strain L/L0 - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
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
