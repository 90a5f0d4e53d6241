r"""Derivatives of equilibrium averages from the fluctuations of one simulation.

    d<A>/dtheta = <dA/dtheta> - (<A dW/dtheta> - <A> <dW/dtheta>) / kT

where the simulation samples exp(-W/kT) (times what does not depend on theta).  References: Wang et al., J. Phys.
Chem. B 117, 9956 (2013), for its use in fitting force fields; Quenouille, Biometrika 43, 353 (1956), for the jackknife,
and Kuensch, Annals of Statistics 17, 1217 (1989), for that over blocks of time.

Independent molecules (vacuum): each is one block of the jackknife, so the error is right however slowly it relaxes, and
averages run over molecules and frames, so that differences between molecules which hardly relax count too.

Otherwise: about ten blocks of consecutive frames.  The covariance of N correlated samples is too small by a factor of
about 1 - 1/N_eff, because it is taken about the samples' own means; the jackknife takes out most of that.  Blocks of
short series resemble each other, which makes the jackknife's error too small; it is multiplied by
sqrt(N_eff/(N_eff - 4)), in the manner of :mod:`beadsmith.observe.timeseries`, where N_eff is estimated from the frames
of A.  How well this does is measured in ``tests/observe/response`` and tabulated in ``docs/gradients.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.observe.response.frame_values import Array, FrameValues
from beadsmith.observe.timeseries import EXCESS_OF_EFFECTIVE_SAMPLES, FEWEST_SAMPLES, effective_samples
from beadsmith.units import BOLTZMANN

#: Number of time blocks: the one in this range that leaves out the fewest frames, the largest of equals.
_BLOCKS = range(8, 13)


def fluctuation_gradient(observable: FrameValues, sampled: FrameValues, temperature: float) -> tuple[Array, Array]:
    """Derivative of the mean of an observable by each parameter, with standard errors.

    Args:
        observable: A in each frame and group; its mean over both is differentiated.
        sampled: W of the same frames and groups, kcal/mol.
        temperature: K.

    Returns: derivatives and standard errors, each of shape (parameters,).

    Raises:
        EstimateError: fewer than 10 frames of fewer than 8 groups, or results that are not finite.
    """
    if observable.values.shape[1] >= FEWEST_REPLICAS:
        values, errors = _jackknife(_by_group(observable), _by_group(sampled), temperature)
    else:
        frames = len(observable.values)
        if frames < FEWEST_SAMPLES:
            raise EstimateError(f"{frames} frames are too few for a gradient; record at least {FEWEST_SAMPLES}")
        blocks = _time_blocks(frames)
        values, errors = _jackknife(_by_time(observable, blocks), _by_time(sampled, blocks), temperature)
        errors = errors * _inflation(observable.values.mean(axis=1))
    if not (np.isfinite(values).all() and np.isfinite(errors).all()):
        raise EstimateError("a derivative is not finite: beads at the same place, or a mixed well depth of zero")
    return values, errors


def _jackknife(observable: FrameValues, sampled: FrameValues, temperature: float) -> tuple[Array, Array]:
    """The estimate with its leading bias removed, and its standard error.

    Args:
        observable, sampled: of blocks that are independent of each other, shape (blocks, samples, ...).
    """
    count, size = observable.values.shape
    # About their means, so that no digits are lost in the differences of products.
    values = observable.values - observable.values.mean()
    slopes = sampled.slopes - sampled.slopes.mean(axis=(0, 1))
    blocks = _Sums(
        samples=np.full(count, float(size)),
        values=values.sum(axis=1),
        slopes=slopes.sum(axis=1),
        products=np.einsum("bs,bsp->bp", values, slopes),
        own=observable.slopes.sum(axis=1),
    )
    beta = 1.0 / (BOLTZMANN * temperature)
    without = blocks.without_each().estimates(beta)
    mean = without.mean(axis=0)
    estimate = count * blocks.together().estimates(beta)[0] - (count - 1) * mean
    variance = (count - 1) / count * np.square(without - mean).sum(axis=0)
    return np.asarray(estimate), np.asarray(np.sqrt(variance))


@dataclass(frozen=True)
class _Sums:
    """Sums over sets of samples, one row per set: all that an estimate needs.

    Attributes:
        samples, values: shape (sets,).
        slopes, products, own: of dW/dtheta, A dW/dtheta and dA/dtheta, shape (sets, parameters).
    """

    samples: Array
    values: Array
    slopes: Array
    products: Array
    own: Array

    def together(self) -> _Sums:
        """All sets as one."""
        return _Sums(*(getattr(self, one.name).sum(axis=0, keepdims=True) for one in fields(self)))

    def without_each(self) -> _Sums:
        """All sets but one, for each of them."""
        parts = (getattr(self, one.name) for one in fields(self))
        return _Sums(*(part.sum(axis=0) - part for part in parts))

    def estimates(self, beta: float) -> Array:
        """The derivative from each set, shape (sets, parameters)."""
        samples = self.samples[:, None]
        covariance = self.products / samples - self.values[:, None] * self.slopes / samples**2
        return np.asarray(self.own / samples - beta * covariance)


def _by_group(quantity: FrameValues) -> FrameValues:
    return FrameValues(quantity.values.swapaxes(0, 1), quantity.slopes.swapaxes(0, 1))


def _by_time(quantity: FrameValues, blocks: int) -> FrameValues:
    """Blocks of consecutive frames of equal length; the first frames that fill none are left out."""
    size = len(quantity.values) // blocks
    kept = quantity.from_frame(len(quantity.values) - blocks * size)
    return FrameValues(kept.values.reshape(blocks, -1), kept.slopes.reshape(blocks, -1, kept.slopes.shape[2]))


def _time_blocks(frames: int) -> int:
    allowed = [count for count in _BLOCKS if count <= frames] or [frames]
    return max(allowed, key=lambda count: (frames // count * count, count))


def _inflation(series: Array) -> float:
    effective = effective_samples(series)
    return math.sqrt(effective / max(effective - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0)) if effective > 1.0 else 1.0
