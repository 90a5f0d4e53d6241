"""A few numbers instead of a curve: principal components of values with individual error bars.

Values are given in units in which a deviation counts alike for every output.  Each output has a mean and a variance
over the points beyond what its noise explains.  The axes are the singular vectors of the deviations from the mean, kept
if their variance exceeds what noise alone would give the largest one of as many points.  A value whose noise outweighs
that variance is drawn towards what the axes say of it, in a few rounds, so that a wild one with a wide error bar turns
no axis.  One more axis is the direction in which the mean is off after all that: what a misfit |value|^2 still can gain
or lose lies there, however little the points vary along it.  Scores are weighted least squares of the values
themselves, with their own standard errors; a value that is not known (an infinite standard error) takes no part.

References:
    R. C. Paule, J. Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982) (variance beyond known errors).
    I. M. Johnstone, Ann. Stat. 29, 295 (2001) (the largest eigenvalue of pure noise: the edge of Marchenko and Pastur).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Rounds of the fixed point for the variance beyond the noise, and of filling in what is not known well.
ROUNDS, FILLINGS = 30, 8

#: Prior variance of a score in units of what its outputs vary: next to none where a value is known at all.
ALMOST_FREE = 100.0

#: What is left of the mean has no direction if it is shorter than this part of it.
NO_DIRECTION = 1e-9


@dataclass(frozen=True)
class Components:
    """Values as ``mean + scores @ axes``.

    Attributes:
        mean: shape (outputs,).
        axes: orthonormal rows, shape (components, outputs).
        scores: shape (points, components).
        stderrs: standard errors of the scores, same shape.
    """

    mean: Array
    axes: Array
    scores: Array
    stderrs: Array

    @property
    def goal(self) -> Array:
        """The scores at which ``mean + scores @ axes`` is shortest, shape (components,)."""
        return np.asarray(-self.axes @ self.mean)

    @property
    def remainder(self) -> float:
        """|mean + goal @ axes|^2: what no score can change."""
        left = self.mean + self.goal @ self.axes
        return float(left @ left)


def principal_components(values: Array, stderrs: Array) -> Components:
    """Axes along which values vary beyond their noise, and the one along which their mean is off.

    Args:
        values: zero where they should be, shape (points, outputs); those that are not known may be NaN.
        stderrs: same shape; infinite for values that are not known.

    Raises:
        ValueError: fewer than two points, or an output that no point knows.
    """
    known = np.isfinite(stderrs) & np.isfinite(values)
    if len(values) < 2:
        raise ValueError(f"principal components were asked of {len(values)} points, expected at least 2")
    if not known.any(axis=0).all():
        raise ValueError("an output is known at no point; leave it out")
    found = np.where(known, values, 0.0)
    noise = np.where(known, stderrs, 0.0) ** 2
    floor = _floor(noise[known])
    mean, variance = _beyond_noise(found, noise, known, floor)
    trust = np.where(known, variance / (variance + noise), 0.0)
    weights = np.where(known, 1.0 / (noise + floor), 0.0)
    deviations, explained = found - mean, np.zeros_like(found)
    for rank in range(1, FILLINGS + 1):
        # One axis more in each round: an axis of its own would otherwise explain what is not known as nothing.
        axes = _axes_above_noise(explained + trust * (deviations - explained), trust**2 * noise)[:rank]
        scores, _ = _least_squares(deviations, weights, axes, _prior(axes, variance, floor))
        explained = scores @ axes
    axes = _axes_above_noise(explained + trust * (deviations - explained), trust**2 * noise)
    axes = _with_direction(axes, mean)
    scores, errors = _least_squares(deviations, weights, axes, _prior(axes, variance, floor))
    return Components(mean, axes, scores, errors)


def _prior(axes: Array, variance: Array, floor: float) -> Array:
    """Prior variance of each score, next to none."""
    return np.asarray(ALMOST_FREE * np.maximum((axes**2) @ variance, floor))


def _floor(noise: Array) -> float:
    """A variance that keeps weights finite where some, or all, values are exact."""
    return float(0.1 * np.median(noise)) or 1e-12


def _beyond_noise(values: Array, noise: Array, known: Mask, floor: float) -> tuple[Array, Array]:
    """Mean of each output and its variance beyond the noise, never quite nothing; shape (outputs,) each.

    Fixed point of v = sum_i w_i^2 [(y_i - m)^2 - n_i] / sum_i w_i^2 with the weights w_i = 1 / (v + n_i) and their
    mean m.
    """
    columns = list(zip(values.T, noise.T, known.T, strict=True))
    typical = np.array([np.median(noises[there]) for _, noises, there in columns])
    variance = np.maximum([np.var(column[there]) for column, _, there in columns], floor) + typical
    least = 1e-2 * np.maximum(typical, floor)
    mean = np.zeros(len(columns))
    for _ in range(ROUNDS):
        weights = np.where(known, 1.0 / (variance + noise), 0.0)
        mean = (weights * values).sum(axis=0) / weights.sum(axis=0)
        excess = weights**2 * ((values - mean) ** 2 - noise)
        variance = np.maximum(excess.sum(axis=0) / (weights**2).sum(axis=0), least)
    return mean, variance


def _axes_above_noise(deviations: Array, noise: Array) -> Array:
    """Right singular vectors whose variance exceeds the edge of pure noise, shape (components, outputs)."""
    points, outputs = deviations.shape
    _, singular, axes = np.linalg.svd(deviations, full_matrices=False)
    edge = (axes**2 @ noise.mean(axis=0)) * (1.0 + np.sqrt(outputs / points)) ** 2
    above = singular**2 / (points - 1) > np.maximum(edge, 1e-12 * singular[0] ** 2)
    return np.asarray(axes[above][: points - 1])


def _with_direction(axes: Array, mean: Array) -> Array:
    """The axes and, if it has a direction, what of the mean is orthogonal to them."""
    left = mean - axes.T @ (axes @ mean)
    length = np.linalg.norm(left)
    if len(axes) == len(mean) or length < NO_DIRECTION * max(1.0, float(np.linalg.norm(mean))):
        return axes if len(axes) else np.eye(1, len(mean))
    return np.vstack([axes, left / length])


def _least_squares(deviations: Array, weights: Array, axes: Array, prior: Array) -> tuple[Array, Array]:
    """Scores of each point with the weights of its own values, and their standard errors."""
    inverse = np.linalg.inv(np.einsum("ko,po,lo->pkl", axes, weights, axes) + np.diag(1.0 / prior))
    scores = np.einsum("pkl,lo,po->pk", inverse, axes, weights * deviations)
    return scores, np.sqrt(np.einsum("pkk->pk", inverse))
