"""Gaussian radial basis functions as weights of the values at their centres, safe at any shape.

f(x) = k(x)^T K^-1 c = sum_i L_i(x) c_i with k_i(x) = exp(-w (x - z_i)^2), K_ij = k_i(z_j), w = 10**log10_shape
(Giuntoli et al. 2021, Eq. 4).  Where w is small, K is singular to rounding although the weights L_i have a limit,
those of the polynomial through the centres (Driscoll and Fornberg 2002).  There K is never built: with centres in
[-1, 1],

    k_i(x) = exp(-w x^2) exp(-w z_i^2) sum_k (2 w)^k / k! x^k z_i^k,

and functions that span the same space as exp(2 w x z_i) without their likeness are had by dividing the powers of w out
before anything is added (the idea of Fornberg and Piret 2007, in one dimension, where powers of x will do).

Derivatives by log10_shape are those of an imaginary step, exact to rounding (Squire and Trapp 1998).

References:
    T. A. Driscoll, B. Fornberg, Comput. Math. Appl. 43, 413 (2002).  B. Fornberg, C. Piret, SIAM J. Sci. Comput. 30,
    60 (2007). W. Squire, G. Trapp, SIAM Rev. 40, 110 (1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

#: Centres from which even the polynomial through them is too ill-conditioned to be of use.
MOST_CENTRES = 12

#: Shape, for centres in [-1, 1], up to which the series is used; beyond it K is well enough conditioned.
_SERIES_UP_TO = 4.0

#: Terms of the series: (2 w |x|)^k / k! is below rounding for w = 4 and |x| up to 1.5.
_TERMS = 64

#: k! for all terms.
_FACTORIALS = np.array([float(math.factorial(k)) for k in range(_TERMS)])

#: The imaginary step; nothing is subtracted, so it may be as small as it likes.
_STEP = 1e-30


@dataclass(frozen=True)
class Weights:
    """Of the values at the centres.

    Attributes:
        values: L_i(x), shape (shapes, points, centres).
        slopes: their derivatives by log10_shape, same shape.
    """

    values: Array
    slopes: Array


@dataclass(frozen=True)
class SharedShape:
    """The shape that all radial basis functions of a family share: weights that several ask for are computed once.

    Attributes:
        log10: its logarithm for each set of coordinates, shape (B,).
    """

    log10: Array
    _known: dict[tuple[tuple[float, ...], bytes], Weights] = field(default_factory=dict, repr=False, compare=False)

    def weights(self, centres: tuple[float, ...], points: Array) -> Weights:
        """See :func:`radial_weights`."""
        key = (centres, points.tobytes())
        if key not in self._known:
            self._known[key] = radial_weights(np.asarray(centres), points, self.log10)
        return self._known[key]


def radial_weights(centres: Array, points: Array, log10_shapes: Array) -> Weights:
    """Weights L_i(x) of the values at the centres.

    Args:
        centres: distinct, shape (centres,), at most :data:`MOST_CENTRES`.
        points: where the function is wanted, shape (points,).
        log10_shapes: logarithms of w, which has the unit of 1 / x^2; shape (shapes,).

    Raises:
        ValueError: centres that are not distinct, none, or too many.
    """
    if not 1 <= len(centres) <= MOST_CENTRES or len(np.unique(centres)) < len(centres):
        raise ValueError(f"radial basis functions need 1 to {MOST_CENTRES} different centres, received {centres}")
    middle = 0.5 * (centres.max() + centres.min())
    half = 0.5 * (centres.max() - centres.min()) or 1.0
    nodes, places = (centres - middle) / half, (points - middle) / half
    shapes = 10.0**log10_shapes * half**2
    stepped = shapes * (1.0 + 1j * _STEP * math.log(10.0))
    # Beyond the centres the series needs more terms: the direct way takes over earlier.
    reach = max(1.0, float(np.abs(places).max(initial=0.0)))
    flat = shapes * reach <= _SERIES_UP_TO
    found = np.empty((len(shapes), len(points), len(centres)), dtype=np.complex128)
    found[flat] = _by_series(nodes, places, stepped[flat])
    found[~flat] = _directly(nodes, places, stepped[~flat])
    return Weights(np.ascontiguousarray(found.real), np.ascontiguousarray(found.imag / _STEP))


def _directly(nodes: Array, places: Array, shapes: Complex) -> Complex:
    kernel = np.exp(-shapes[:, None, None] * (nodes[:, None] - nodes) ** 2)
    near = np.exp(-shapes[:, None, None] * (places[:, None] - nodes) ** 2)
    # K is symmetric: K^-1 k is the row of weights.
    return np.asarray(np.linalg.solve(kernel, near.transpose(0, 2, 1)).transpose(0, 2, 1))


def _by_series(nodes: Array, places: Array, shapes: Complex) -> Complex:
    count = len(nodes)
    powers = np.arange(_TERMS)
    low, high = powers[:count], powers[count:]
    vandermonde = np.vander(nodes, _TERMS, increasing=True)
    mixing = np.linalg.solve(vandermonde[:, :count], vandermonde[:, count:])
    factorials = _FACTORIALS[:count, None] / _FACTORIALS[count:]
    # (2 w)^(k - i) has positive powers only: nothing blows up as w goes to 0.
    scaled = mixing * factorials * (2.0 * shapes[:, None, None]) ** (high - low[:, None])

    def basis(at: Array) -> Complex:
        """Shape (shapes, count, len(at))."""
        table = np.vander(at, _TERMS, increasing=True).T
        return np.asarray(table[:count] + scaled @ table[count:])

    inner = np.linalg.solve(basis(nodes), basis(places)).transpose(0, 2, 1)
    return np.asarray(inner * np.exp(-shapes[:, None, None] * (places[:, None] ** 2 - nodes**2)))
