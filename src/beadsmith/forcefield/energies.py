"""Pair and bonded energies as LAMMPS defines them: the second route by which its numbers are checked.

All energies in kcal/mol, distances in angstrom, angles in radians.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mie(r: Array, epsilon: float, sigma: float, repulsive: float, attractive: float) -> Array:
    """Mie potential; ``repulsive = 12, attractive = 6`` is Lennard-Jones.

    E = C epsilon ((sigma/r)^n - (sigma/r)^m), C = n/(n-m) (n/m)^(m/(n-m)) (Avendano et al. 2011, Eq. 1).

    Raises:
        ValueError: unless the repulsive exponent is the larger one.
    """
    if not repulsive > attractive > 0:
        raise ValueError(
            f"repulsive exponent {repulsive:g} must exceed the attractive one, {attractive:g}, and both be positive"
        )
    ratio = repulsive / (repulsive - attractive)
    prefactor = ratio * (repulsive / attractive) ** (attractive / (repulsive - attractive))
    return np.asarray(prefactor * epsilon * ((sigma / r) ** repulsive - (sigma / r) ** attractive))


def lennard_jones(r: Array, epsilon: float, sigma: float) -> Array:
    """12-6 Lennard-Jones potential."""
    reduced = (sigma / r) ** 6
    return np.asarray(4.0 * epsilon * reduced * (reduced - 1.0))


def lennard_jones_gromacs(r: Array, epsilon: float, sigma: float, inner: float, outer: float) -> Array:
    """Lennard-Jones smoothed between two cutoffs, so that force and slope vanish at the outer one (lj/gromacs)."""
    width = outer - inner
    reduced = (sigma / outer) ** 6
    energy = 4.0 * epsilon * reduced * (reduced - 1.0)
    slope = -24.0 * epsilon * reduced * (2.0 * reduced - 1.0) / outer
    curvature = 24.0 * epsilon * reduced * (26.0 * reduced - 7.0) / outer**2
    cubic = (-3.0 * slope + width * curvature) / width**2
    quartic = (2.0 * slope - width * curvature) / width**3
    constant = -energy + 0.5 * width * slope - width**2 * curvature / 12.0
    beyond = np.clip(r - inner, 0.0, None)
    switched = lennard_jones(r, epsilon, sigma) + cubic / 3.0 * beyond**3 + quartic / 4.0 * beyond**4 + constant
    return np.where(r < outer, switched, 0.0)


def harmonic(x: Array, k: float, x0: float) -> Array:
    """``k (x - x0)^2``: LAMMPS has no factor 1/2."""
    return np.asarray(k * (x - x0) ** 2)


def morse(r: Array, depth: float, alpha: float, length: float) -> Array:
    """``D (1 - exp(-alpha (r - r0)))^2``."""
    return np.asarray(depth * (1.0 - np.exp(-alpha * (r - length))) ** 2)


def cosine_squared(theta: Array, k: float, theta0: float) -> Array:
    """``k (cos theta - cos theta0)^2``."""
    return np.asarray(k * (np.cos(theta) - np.cos(theta0)) ** 2)
