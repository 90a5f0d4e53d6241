"""The published way to the uncertainty: overlaps of predictive densities, quasi-random sampling, two moments.

Eq. 1 of Giuntoli et al. 2021: with the surrogate's prediction N(m, v) and the reference's N(r, s^2) for the same
property at the same state, the probability density that both are one value is their overlap

    integral N(y; m, v) N(y; r, s^2) dy = N(m - r; 0, v + s^2),

and L is the integral over the state of the product over properties of the overlaps, added up over the systems.  Two
things follow from that form.  The integral over states and the sum over systems are those of a likelihood in which
*some* state of *some* system must match, not all of them: it is far wider than a likelihood of independent targets.
And a uniform sample of 43 coordinates hits the region that matters so rarely that a few points carry all the weight:
the effective sample size, which is reported, says how many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import qmc

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Uncertainty, envelopes_of
from beadsmith.calibrate.functional.prediction import Block, Predictor
from beadsmith.calibrate.functional.systems import System
from beadsmith.errors import ProblemError
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Sets of coordinates that are predicted at a time: bounds the memory.
_TOGETHER = 64

#: Draws that are kept, those of the largest weights.
_KEPT = 400

#: Effective samples below which the moments are called unreliable: with 100, a mean is known to a tenth of the width
#: of an envelope, and the width to 7 %; with a dozen, the envelope is as wide as the few points happen to lie apart.
ENOUGH = 100.0


def published_uncertainty(
    calibration: Calibration,
    systems: Sequence[System],
    *,
    samples: int = 4096,
    seed: int = 0,
    within: float | None = None,
    systems_as: Literal["sum", "product"] = "sum",
) -> Uncertainty:
    """First two moments of every function under Eq. 1, by a Sobol' sequence over the hypercube.

    Args:
        calibration: whose family is sampled.
        systems: that it was made with.
        samples: how many; rounded up to a power of 2.
        seed: of the scrambling.
        within: sample only so far around the calibrated coordinates, in units of the range; None samples all of it.
        systems_as: ``sum`` as published; ``product`` lets all systems match.

    Returns: diagnostics ``samples``, ``effective_samples`` ((sum w)^2 / sum w^2), ``largest_weight``, ``within`` (nan
        if all).

    Raises:
        ProblemError: numbers that are not positive, systems whose properties differ (a sum of their densities has no
            meaning), or properties of one system that share no state.
    """
    if samples < 2 or (within is not None and not within > 0):
        raise ProblemError("uncertainty", f"{samples} samples within {within}", "two samples or more, a positive part")
    predictor = Predictor(calibration.family, tuple(systems))
    unit = qmc.Sobol(calibration.family.size, scramble=True, rng=seed).random_base2((samples - 1).bit_length())
    centre = np.asarray(calibration.coordinates)
    low = np.zeros_like(centre) if within is None else np.clip(centre - within, 0.0, 1.0)
    high = np.ones_like(centre) if within is None else np.clip(centre + within, 0.0, 1.0)
    places = low + (high - low) * unit
    logarithms = np.concatenate(
        [
            log_likelihood(predictor, places[first : first + _TOGETHER], systems_as=systems_as)
            for first in range(0, len(places), _TOGETHER)
        ]
    )
    weights = np.exp(logarithms - logsumexp(logarithms))
    effective = 1.0 / float((weights**2).sum())
    kept = np.argsort(-weights)[:_KEPT]
    return Uncertainty(
        method="giuntoli2021",
        family=calibration.family,
        envelopes=envelopes_of(calibration.family, places, weights),
        draws=places[kept],
        weights=weights[kept] / weights[kept].sum(),
        diagnostics={
            "samples": float(len(places)),
            "effective_samples": effective,
            "largest_weight": float(weights.max()),
            "within": math.nan if within is None else within,
        },
        sentences=(
            _verdict(effective, len(places), calibration.free_parameters, float(weights.max())),
            *_of_region(within),
        ),
    )


def log_likelihood(predictor: Predictor, coordinates: Array, *, systems_as: Literal["sum", "product"] = "sum") -> Array:
    """Logarithm of Eq. 1, shape (B,); the integral over the state is the trapezoidal rule over the references' states.

    Args:
        predictor: of all targets.
        coordinates: shape (B, size).
        systems_as: see :func:`published_uncertainty`.

    Raises:
        ProblemError: see :func:`published_uncertainty`.
    """
    mean, variance = predictor.predict(coordinates)
    overlaps = log_overlap(mean, variance, predictor.targets, predictor.target_variances)
    by_system: dict[str, list[Block]] = {}
    for block in predictor.blocks:
        by_system.setdefault(block.system, []).append(block)
    if systems_as == "sum" and len({frozenset(b.observable for b in blocks) for blocks in by_system.values()}) > 1:
        raise ProblemError(
            "uncertainty",
            "systems with different targets",
            "the same observables in all systems: the published likelihood adds densities up over systems",
            "choose the product over systems, or the posterior",
        )
    parts = np.stack([_of_system(blocks, overlaps) for blocks in by_system.values()])
    return np.asarray(logsumexp(parts, axis=0) if systems_as == "sum" else parts.sum(axis=0))


def log_overlap(mean: Array, variance: Array, other_mean: Array, other_variance: Array) -> Array:
    """Logarithm of the overlap of two normal densities, ``log N(mean - other_mean; 0, variance + other_variance)``."""
    total = variance + other_variance
    return np.asarray(-0.5 * ((mean - other_mean) ** 2 / total + np.log(2.0 * math.pi * total)))


def _of_system(blocks: Sequence[Block], overlaps: Array) -> Array:
    shared = [state for state in blocks[0].reference.states if all(state in b.reference.states for b in blocks)]
    if not shared:
        raise ProblemError(
            f"targets of {blocks[0].system}",
            "observables that share no state",
            "states with all observables: the published likelihood multiplies them state by state",
        )
    total = np.zeros((len(overlaps), len(shared)))
    for block in blocks:
        total += overlaps[:, block.rows][:, [block.reference.states.index(state) for state in shared]]
    return np.asarray(logsumexp(total + np.log(_quadrature(shared)), axis=1))


def _quadrature(states: Sequence[State]) -> Array:
    """Weights of the states, adding up to 1: trapezoidal over one variable, equal over several or for one state."""
    moving = [name for name in states[0] if len({state[name] for state in states}) > 1]
    if len(moving) != 1:
        return np.full(len(states), 1.0 / len(states))
    points = np.array([state[moving[0]] for state in states])
    order = np.argsort(points)
    gaps = np.diff(points[order])
    weights = np.zeros(len(states))
    weights[order[:-1]] += 0.5 * gaps
    weights[order[1:]] += 0.5 * gaps
    return np.asarray(weights / weights.sum())


def _of_region(within: float | None) -> tuple[str, ...]:
    if within is None:
        return ()
    return (
        f"Only coordinates within {within:g} of the calibrated ones, in units of their ranges, were sampled: no "
        "envelope can be wider than that, whatever the data say.",
    )


def _verdict(effective: float, samples: int, dimensions: int, largest: float) -> str:
    share = f"{samples} quasi-random samples of {dimensions} coordinates are worth {effective:.3g} independent ones"
    if effective >= ENOUGH:
        return f"{share}, enough for two moments."
    return (
        f"{share} (the largest carries {100 * largest:.2g} % of the weight): moments and envelopes are those of a "
        "handful of points and say little; trust the posterior, or sample a smaller region."
    )
