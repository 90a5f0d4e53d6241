"""A smooth curve through a noisy, correlated series, with the error of its value and slope.

Local quadratic regression (J. Fan, I. Gijbels, Local Polynomial Modelling and Its Applications, Chapman & Hall, 1996):
at each place a parabola is fitted to the neighbours within a bandwidth, the nearer ones counting more.  A wide
bandwidth averages more noise away and bends the curve more.  It is chosen by cross-validation: how well each point is
foreseen by the others.  Neighbours share the noise of correlated series and would foresee it by following it, so those
within a correlation time are left out together with the point (C.-K. Chu, J. S. Marron, Ann. Stat. 19, 1906 (1991)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import (
    EXCESS_OF_EFFECTIVE_SAMPLES,
    Array,
    block_averages,
    check_finite,
    effective_samples,
    is_constant,
)

#: Fewer points have no shape to speak of.
FEWEST_POINTS = 20
#: How many bandwidths are tried, from a few points to the whole curve.
_BANDWIDTHS = 12
#: A parabola and some to spare on each side.
_FEWEST_NEIGHBOURS = 4
#: Degree of the polynomial whose residuals tell how far noise is correlated.
_PILOT_DEGREE = 8


@dataclass(frozen=True)
class Smooth:
    """A smoothed curve.

    Attributes:
        x, y: points that were smoothed, shape (points,); averages over blocks of a long series.
        bandwidth: in the unit of x; points farther away do not count.
        noise: standard deviation that each point would have if points were independent and averages as uncertain as
            they are: sd sqrt(g).
        samples: of the original series in each point.
        freedom: effective number of samples less that of the parameters of the smoother.
    """

    x: Array
    y: Array
    bandwidth: float
    noise: float
    samples: int
    freedom: float

    def at(self, place: float) -> tuple[float, float, float]:
        """Value, slope and curvature (second derivative) of the curve."""
        value, slope, curvature = (float(one) for one in self._weights_at(place) @ self.y)
        return value, slope, curvature

    def stderrs_at(self, place: float) -> tuple[float, float, float]:
        """Standard errors of :meth:`at` by noise; of what smoothing bends, slope and curvature have more than this."""
        value, slope, curvature = (float(one) for one in self.noise * np.linalg.norm(self._weights_at(place), axis=1))
        return value, slope, curvature

    def along(self, places: Array) -> Array:
        """Values of the curve at many places, same shape."""
        scaled = (self.x - places[:, None]) / self.bandwidth
        return np.asarray(_weights(scaled, _kernel(scaled)) @ self.y)

    def errors_along(self, places: Array, draws: int, random: np.random.Generator) -> Array:
        """Errors that the curve may have at several places, drawn from the noise of the points.

        Returns: unit of y, shape (draws, places).
        """
        scaled = (self.x - places[:, None]) / self.bandwidth
        weights = _weights(scaled, _kernel(scaled))
        return np.asarray(self.noise * random.normal(size=(draws, len(self.x))) @ weights.T)

    @property
    def noise_of_sample(self) -> float:
        """The :attr:`noise` that a sample of the original series would have."""
        return self.noise * math.sqrt(self.samples)

    def _weights_at(self, place: float) -> Array:
        """What each point counts in value, slope and curvature, shape (3, points)."""
        scaled = (self.x - place) / self.bandwidth
        terms = np.stack([np.ones_like(scaled), scaled, scaled**2])
        weighted = terms * _kernel(scaled)
        weights = np.linalg.solve(weighted @ terms.T, weighted)
        return np.asarray(weights / np.array([1.0, self.bandwidth, self.bandwidth**2 / 2])[:, None])


def smooth(x: Array, y: Array, bandwidth: float | None = None) -> Smooth:
    """Smooth a series of equally spaced samples.

    Args:
        x: ascending at about equal distances, any unit, shape (samples,).
        y: any unit, shape (samples,), with noise of the same strength everywhere.
        bandwidth: in the unit of x; chosen by cross-validation if left out.

    Raises:
        EstimateError: too few samples, x does not ascend evenly, or values that are not finite.
    """
    check_finite(np.stack([x, y]))
    if len(x) < FEWEST_POINTS:
        raise EstimateError(f"{len(x)} samples are too few for a smooth curve; record at least {FEWEST_POINTS}")
    points, heights = block_averages(x), block_averages(y)
    spacing = float(np.ptp(points)) / (len(points) - 1)
    steps = np.diff(points)
    if np.any(steps <= 0.0) or np.any(steps > 2.0 * spacing):
        raise EstimateError("the samples of the curve do not ascend at about equal distances, so it cannot be smoothed")
    wanted = _chosen(points, heights, spacing) if bandwidth is None else bandwidth
    width = max(wanted, _FEWEST_NEIGHBOURS * spacing)
    scaled = (points - points[:, None]) / width
    weights = _weights(scaled, _kernel(scaled))
    residuals = np.asarray(heights - weights @ heights)
    if is_constant(residuals, scale=float(np.abs(heights).max())):
        return Smooth(points, heights, width, 0.0, len(x) // len(points), math.inf)
    # Parameters take up the slow part of the noise, which is what an average suffers from: N_eff less their number.
    freedom = max(effective_samples(residuals) - float(np.trace(weights)) - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0)
    noise = math.sqrt(float(residuals @ residuals) / freedom)
    return Smooth(points, heights, width, noise, len(x) // len(points), freedom)


def _chosen(x: Array, y: Array, spacing: float) -> float:
    """The bandwidth that foresees points best."""
    residuals = np.asarray(y - np.polynomial.Polynomial.fit(x, y, _PILOT_DEGREE)(x), dtype=np.float64)
    if is_constant(residuals, scale=float(np.abs(y).max())):
        return _FEWEST_NEIGHBOURS * spacing
    gap = min(math.ceil(len(x) / effective_samples(residuals)) - 1, len(x) // 5)  # or there is nothing to foresee from
    narrowest = (_FEWEST_NEIGHBOURS + 2 + gap) * spacing
    tried = np.geomspace(narrowest, max(float(np.ptp(x)), narrowest), _BANDWIDTHS)
    # At the ends the parabola would have to foresee beyond its points.  A hundred others are enough.
    ends = len(x) // 20 + gap
    tested = np.arange(ends, len(x) - ends, math.ceil(len(x) / 100))
    scores = [float(np.mean((y[tested] - _foreseen(x, y, one, gap, tested)) ** 2)) for one in tried]
    return float(tried[int(np.argmin(scores))])


def _foreseen(x: Array, y: Array, bandwidth: float, gap: int, tested: NDArray[np.intp]) -> Array:
    """The curve at some points as all points but their neighbours up to ``gap`` places away foresee it."""
    scaled = (x - x[tested, None]) / bandwidth
    kernel = np.where(np.abs(np.arange(len(x)) - tested[:, None]) > gap, _kernel(scaled), 0.0)
    return np.asarray(_weights(scaled, kernel) @ y)


def _weights(scaled: Array, kernel: Array) -> Array:
    """What each point counts in the value of the parabola that is fitted about each of several places.

    Args:
        scaled: distance of each point from each place over the bandwidth, shape (places, points).
        kernel: what each point counts in the fit there, same shape.

    Returns: shape (places, points).
    """
    terms = [kernel]
    for _ in range(4):
        terms.append(terms[-1] * scaled)  # many times faster than powers
    moments = np.stack([one.sum(axis=1) for one in terms], axis=1)
    matrices = moments[:, np.arange(3)[:, None] + np.arange(3)]
    value = np.tile([[1.0], [0.0], [0.0]], (len(scaled), 1, 1))
    parabola = np.linalg.solve(matrices, value)
    return np.asarray(sum(one * terms[power] for power, one in enumerate(parabola.transpose(1, 0, 2))))


def _kernel(scaled: Array) -> Array:
    """Epanechnikov's kernel."""
    return np.asarray(np.maximum(1.0 - scaled**2, 0.0))
