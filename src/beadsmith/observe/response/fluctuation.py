r"""Derivatives of equilibrium averages from the fluctuations of one simulation.

    d<A>/dtheta = <dA/dtheta> - cov(A, dW/dtheta)/kT

where the simulation samples exp(-W/kT), times what does not depend on theta (Wang et al., J. Phys. Chem. B 117, 9956
(2013), use it to fit force fields).

**Less noise from an exact identity.**  Let all positions scale with the box, or those of an isolated molecule about its
centre.  Integration by parts over the scale gives, for any A that is continuous in the positions,

    cov(A, Y) = -<dA/dlnV>,      Y = (X - P V)/kT,      X = -dW/dlnV

X being a third of the virial; P V is absent for isolated molecules, and the identity fails at constant volume, where V
has no distribution.  So for any number c

    cov(A, dW/dtheta) = cov(A, dW/dtheta) - c (cov(A, Y) + <dA/dlnV>)

holds on average, and the right-hand side fluctuates less if c takes out of dW/dtheta what goes with Y: the coefficient
of the regression of dW/dtheta on Y.  This makes the answer to all lengths growing together about ten times more
precise, and that to single parameters somewhat.  (The best c would also know how fast each fluctuation decays.
Regressing on Y and A together was worse on 138 pieces of a long simulation of a Lennard-Jones liquid, regressing the
products of A - <A> with both no better.)  A c taken from the same samples costs a bias of order 1/N_eff, as the
covariance itself has one.

**Errors.**  A jackknife, which also takes out these biases to leading order: Quenouille, Biometrika 43, 353 (1956), and
over blocks of time Kuensch, Annals of Statistics 17, 1217 (1989).

Independent molecules: each is one block, so the error is right however slowly it relaxes; averages run over molecules
and frames, so that differences between molecules which hardly relax count too.

Otherwise: about ten blocks of consecutive frames.  Blocks of short series resemble each other, which makes the error
too small; it is multiplied by sqrt(N_eff/(N_eff - 4)), in the manner of :mod:`beadsmith.observe.timeseries`, where
N_eff is estimated from the frames of A.  How well this does is measured in ``tests/observe/response`` and told in
``docs/gradients.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.observe.response.frame_values import Array, FrameValues, of_positions
from beadsmith.observe.timeseries import EXCESS_OF_EFFECTIVE_SAMPLES, FEWEST_SAMPLES, effective_samples
from beadsmith.units import BOLTZMANN

#: Number of time blocks: the one in this range that leaves out the fewest frames, the largest of equals.
_BLOCKS = range(8, 13)


@dataclass(frozen=True)
class Scaling:
    """What the identity of the head of the module needs; each of shape (frames, groups).

    Attributes:
        observable: dA/dlnV.
        force: Y, without unit.
    """

    observable: Array
    force: Array

    def from_frame(self, first: int) -> Scaling:
        """Without the frames before ``first``."""
        return Scaling(self.observable[first:], self.force[first:])


def fluctuation_gradient(
    observable: FrameValues, sampled: FrameValues, temperature: float, scaling: Scaling | None = None
) -> tuple[Array, Array]:
    """Derivative of the mean of an observable by each parameter, with standard errors.

    Args:
        observable: A in each frame and group; its mean over both is differentiated.
        sampled: W of the same frames and groups, kcal/mol.
        temperature: K.
        scaling: for the identity; None where it does not hold.

    Returns: derivatives and standard errors, each of shape (parameters,).

    Raises:
        EstimateError: fewer than 10 frames of fewer than 8 groups, or results that are not finite.
    """
    samples = _Samples.of(observable, sampled, scaling)
    beta = 1.0 / (BOLTZMANN * temperature)
    frames, groups = observable.values.shape
    if groups >= FEWEST_REPLICAS:
        values, errors = _jackknife(samples.by_group(), beta)
    elif frames < FEWEST_SAMPLES:
        raise EstimateError(f"{frames} frames are too few for a gradient; record at least {FEWEST_SAMPLES}")
    else:
        values, errors = _jackknife(samples.by_time(_time_blocks(frames)), beta)
        errors = errors * _inflation(observable.values.mean(axis=1))
    if not (np.isfinite(values).all() and np.isfinite(errors).all()):
        raise EstimateError("a derivative is not finite: beads at the same place, or a mixed well depth of zero")
    return values, errors


def histogram_gradients(
    bins: Iterable[Array], single: Array, sampled: FrameValues, temperature: float
) -> tuple[Array, Array]:
    """:func:`fluctuation_gradient` of every bin of a histogram, which the positions alone decide.

    The identity of the head of the module does not hold for it, because bins have sharp ends.  An error is at least
    what a single count could have made: nothing seen in a bin is not nothing there.

    Args:
        bins: for each bin its values in each frame and group, shape (frames, groups).
        single: what one count adds to the values of each bin, shape (bins,).
        sampled: W of the same frames and groups, kcal/mol.
        temperature: K.

    Returns: derivatives and standard errors, each of shape (bins, parameters).

    Raises:
        EstimateError: as :func:`fluctuation_gradient`.
    """
    frames, groups, parameters = sampled.slopes.shape
    slopes = sampled.slopes - sampled.slopes.mean(axis=(0, 1))
    spread = np.sqrt(np.square(slopes).mean(axis=(0, 1)))
    least = np.outer(single, spread) / (frames * groups * BOLTZMANN * temperature)
    found = [fluctuation_gradient(of_positions(one, parameters), sampled, temperature) for one in bins]
    derivatives, errors = (np.array(column) for column in zip(*found, strict=True))
    return derivatives, np.maximum(errors, least)


@dataclass(frozen=True)
class _Samples:
    """What is averaged over; the first two axes are (frames, groups), or (blocks, samples of each).

    Attributes:
        values: A less its mean; forces: Y less its mean; known: -dA/dlnV.
        slopes: dW/dtheta less their means; own: dA/dtheta; with an axis of parameters.
    """

    values: Array
    forces: Array
    known: Array
    slopes: Array
    own: Array

    @classmethod
    def of(cls, observable: FrameValues, sampled: FrameValues, scaling: Scaling | None) -> _Samples:
        # About their means, so that no digits are lost in the differences of products.
        nothing = np.zeros_like(observable.values)
        return cls(
            values=observable.values - observable.values.mean(),
            forces=nothing if scaling is None else scaling.force - scaling.force.mean(),
            known=nothing if scaling is None else -scaling.observable,
            slopes=sampled.slopes - sampled.slopes.mean(axis=(0, 1)),
            own=observable.slopes,
        )

    def by_group(self) -> _Samples:
        """One block for each group."""
        return _Samples(*(getattr(self, one.name).swapaxes(0, 1) for one in fields(self)))

    def by_time(self, blocks: int) -> _Samples:
        """Blocks of consecutive frames of equal length; the first frames that fill none are left out."""
        size = len(self.values) // blocks
        first = len(self.values) - blocks * size
        parts = (getattr(self, one.name)[first:] for one in fields(self))
        return _Samples(*(part.reshape(blocks, -1, *part.shape[2:]) for part in parts))


def _jackknife(blocks: _Samples, beta: float) -> tuple[Array, Array]:
    """The estimate with its leading bias removed, and its standard error."""
    sums = _sums(blocks)
    without = sums.without_each().estimates(beta)
    count, mean = len(without), without.mean(axis=0)
    estimate = count * sums.together().estimates(beta)[0] - (count - 1) * mean
    variance = (count - 1) / count * np.square(without - mean).sum(axis=0)
    return np.asarray(estimate), np.asarray(np.sqrt(variance))


@dataclass(frozen=True)
class _Sums:
    """Sums over sets of samples, one row per set: all that an estimate needs.

    Attributes:
        count, a, y, known, ay, yy: numbers of samples, sums of A, Y, -dA/dlnV and of products, shape (sets, 1).
        d, ad, yd, own: of dW/dtheta, of its products with A and Y, and of dA/dtheta, shape (sets, parameters).
    """

    count: Array
    a: Array
    y: Array
    known: Array
    ay: Array
    yy: Array
    d: Array
    ad: Array
    yd: Array
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

        def covariance(products: Array, one: Array, other: Array) -> Array:
            return np.asarray(products / self.count - one * other / self.count**2)

        ay, ad = covariance(self.ay, self.a, self.y), covariance(self.ad, self.a, self.d)
        yy, yd = covariance(self.yy, self.y, self.y), covariance(self.yd, self.y, self.d)
        coefficient = np.divide(yd, yy, out=np.zeros_like(yd), where=yy > 0.0)
        return np.asarray(self.own / self.count - beta * (ad - coefficient * (ay - self.known / self.count)))


def _sums(blocks: _Samples) -> _Sums:
    def column(values: Array) -> Array:
        return np.asarray(values.sum(axis=1)[:, None])

    a, y = blocks.values, blocks.forces
    return _Sums(
        count=np.full((len(a), 1), float(a.shape[1])),
        a=column(a),
        y=column(y),
        known=column(blocks.known),
        ay=column(a * y),
        yy=column(y * y),
        d=blocks.slopes.sum(axis=1),
        ad=_products(a, blocks.slopes),
        yd=_products(y, blocks.slopes),
        own=blocks.own.sum(axis=1),
    )


def _products(values: Array, slopes: Array) -> Array:
    return np.asarray((values[:, None, :] @ slopes)[:, 0])


def _time_blocks(frames: int) -> int:
    allowed = [count for count in _BLOCKS if count <= frames]
    return max(allowed, key=lambda count: (frames // count * count, count))


def _inflation(series: Array) -> float:
    effective = effective_samples(series)
    return math.sqrt(effective / max(effective - EXCESS_OF_EFFECTIVE_SAMPLES, 1.0))
