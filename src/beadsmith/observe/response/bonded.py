"""Energies of bonds and angles with their derivatives, frame by frame.

Each style is a function from distances or angles and coefficients to rows: the energy, then its derivative by each
coefficient in LAMMPS' order.  Bonds give as many rows again for -r dU/dr, their virial; angles have none, because
stretching a molecule uniformly changes no angle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from beadsmith.observe.bonded import bond_vectors
from beadsmith.observe.response.coefficients import Coefficients
from beadsmith.observe.response.frame_values import Array, FrameValues, weighted_sums
from beadsmith.observe.response.wiring import Terms
from beadsmith.problem.recording import Frames

#: theta0 is a parameter in degrees.
_DEGREE = math.pi / 180.0


def harmonic_bond(distance: Array, k: Array, length: Array) -> list[Array]:
    """``k (r - r0)^2``, its virial ``-2 k r (r - r0)``, and the derivatives of both by k and r0."""
    off = distance - length
    energy = [k * off**2, off**2, -2.0 * k * off]
    virial = [-2.0 * k * distance * off, -2.0 * distance * off, 2.0 * k * distance]
    return energy + virial


def morse_bond(distance: Array, depth: Array, alpha: Array, length: Array) -> list[Array]:
    """``D (1 - e)^2`` with ``e = exp(-alpha (r - r0))``; its virial is ``-2 D alpha r e (1 - e)``."""
    off = distance - length
    decay = np.exp(-alpha * off)
    rise = 1.0 - decay
    bend = decay * (2.0 * decay - 1.0)  # d(e (1 - e))/d(off) = alpha * bend
    energy = [depth * rise**2, rise**2, 2.0 * depth * rise * decay * off, -2.0 * depth * alpha * rise * decay]
    virial = [
        -2.0 * depth * alpha * distance * decay * rise,
        -2.0 * alpha * distance * decay * rise,
        -2.0 * depth * distance * (decay * rise + alpha * off * bend),
        2.0 * depth * alpha**2 * distance * bend,
    ]
    return energy + virial


def harmonic_angle(cosine: Array, k: Array, theta0: Array) -> list[Array]:
    """``k (theta - theta0)^2``, theta0 in degrees, and its derivatives by k and theta0."""
    off = np.arccos(cosine) - theta0 * _DEGREE
    return [k * off**2, off**2, -2.0 * k * off * _DEGREE]


def cosine_squared_angle(cosine: Array, k: Array, theta0: Array) -> list[Array]:
    """``k (cos theta - cos theta0)^2``, theta0 in degrees, and its derivatives by k and theta0."""
    off = cosine - np.cos(theta0 * _DEGREE)
    return [k * off**2, off**2, 2.0 * k * off * np.sin(theta0 * _DEGREE) * _DEGREE]


BOND_ROWS: Mapping[str, Callable[..., list[Array]]] = {"harmonic": harmonic_bond, "morse": morse_bond}
ANGLE_ROWS: Mapping[str, Callable[..., list[Array]]] = {
    "harmonic": harmonic_angle,
    "cosine/squared": cosine_squared_angle,
}


def bond_values(
    style: str, frames: Frames, bonds: Terms, groups: int, coefficients: Coefficients
) -> tuple[FrameValues, FrameValues]:
    """Energy and virial of the bonds, kcal/mol.

    Args:
        frames: positions, and the boxes whose nearest images crosslinks lead to.
        groups: number of groups; 1 for a melt, the number of molecules in vacuum.
    """
    first, second = bonds.members[:, 0], bonds.members[:, 1]
    apart = bond_vectors(frames, first, second, across=bonds.across)
    rows = BOND_ROWS[style](_lengths(apart), *coefficients.values[bonds.types].T)
    half = len(rows) // 2
    return _summed(rows[:half], bonds, groups, coefficients), _summed(rows[half:], bonds, groups, coefficients)


def angle_values(style: str, frames: Frames, angles: Terms, groups: int, coefficients: Coefficients) -> FrameValues:
    """Energy of the angles, kcal/mol; arguments as for :func:`bond_values`."""
    first, vertex, last = angles.members.T
    one, other = (bond_vectors(frames, end, vertex, across=angles.across) for end in (first, last))
    cosine = np.einsum("ftk,ftk->ft", one, other) / (_lengths(one) * _lengths(other))
    rows = ANGLE_ROWS[style](np.clip(cosine, -1.0, 1.0), *coefficients.values[angles.types].T)
    return _summed(rows, angles, groups, coefficients)


def _lengths(vectors: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ftk,ftk->ft", vectors, vectors)))


def _summed(rows: list[Array], terms: Terms, groups: int, coefficients: Coefficients) -> FrameValues:
    """Rows of shape (frames, terms) to sums over the terms of each group, and through the chain rule."""
    frames = len(rows[0])
    kinds = len(terms.names)
    group = terms.groups if groups > 1 else np.zeros_like(terms.groups)
    bins = (np.arange(frames)[:, None] * groups + group) * kinds + terms.types
    flat = np.stack([np.broadcast_to(row, bins.shape).ravel() for row in rows])
    sums = weighted_sums(flat, bins.ravel(), frames * groups * kinds).reshape(frames, groups, kinds, len(rows))
    slopes = coefficients.slopes.reshape(-1, coefficients.slopes.shape[2])
    return FrameValues(
        values=sums[..., 0].sum(axis=2),
        slopes=(sums[..., 1:].reshape(frames * groups, -1) @ slopes).reshape(frames, groups, -1),
    )
