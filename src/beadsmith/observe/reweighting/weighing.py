"""Observables of a model from frames of others at one state: weights, means, derivatives, and whether they can be had.

Ensembles enter a mixture only if they are connected with the one whose frames are worth most: free energies between
others would be guesses, and their weights with them.

A standard error is at least what the plain mean of the same frames has by the rules of :mod:`beadsmith.observe`, which
know more than blocks do: motions of all molecules together, and the shortness of a series.  So each block's influence
is stretched by the ratio of the two errors of its recordings' plain mean, where that is above 1.  Derivatives are
stretched only where blocks are stretches of time; independent molecules are all that they need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy.sparse.csgraph import connected_components

from beadsmith.observe.response.derivatives import Energies
from beadsmith.observe.response.fluctuation import Scaling
from beadsmith.observe.response.frame_values import Array
from beadsmith.observe.response.gradients import FluctuationGradient
from beadsmith.observe.reweighting.estimate import Centred, Ensemble, Estimate, Scaled, derivative
from beadsmith.observe.reweighting.mixture import divergences, kish, mixture_of
from beadsmith.observe.reweighting.quantities import Quantity, block_error, quantities
from beadsmith.observe.reweighting.samples import Layout
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Observation
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

#: With fewer effective blocks an average and its error say nothing; measured in ``docs/reweighting.md``.
FEWEST_BLOCKS = 5.0

#: Ensembles further apart are not connected (:func:`~beadsmith.observe.reweighting.mixture.divergences`).
_FARTHEST = 16.0


@dataclass(frozen=True)
class Prediction:
    """An observable of a model, from frames of others.

    Attributes:
        observable: its name in the problem file.
        state: where; with the middle of the bin for a distribution.
        samples: effective number of samples (Kish): of molecules and frames, which may be correlated.
        blocks: effective number of independent blocks: of molecules in vacuum, of stretches of time in a melt.
        observation: None if there are fewer than :data:`FEWEST_BLOCKS`.
        gradient: None likewise.
    """

    observable: str
    state: State
    samples: float
    blocks: float
    observation: Observation | None = None
    gradient: FluctuationGradient | None = None


@dataclass(frozen=True)
class Look:
    """The frames of one simulated model, looked at for another.

    Attributes:
        recordings: of the model at the state.
        wanted: their energies with the other model.
        simulated: energies that they sample, kcal/mol, with the model of every look: one tuple for each, in it one
            array of shape (frames, groups) for each recording.
    """

    recordings: tuple[Recording, ...]
    wanted: tuple[Energies, ...]
    simulated: tuple[tuple[Array, ...], ...]


def predictions(looks: Sequence[Look], problem: Problem, state: State) -> Iterator[Prediction]:
    """Weigh the frames of several simulated models for one that was not.

    Args:
        looks: at one state, at least one.

    Raises:
        EstimateError: an observable cannot be had from such frames at all.
    """
    beta = 1.0 / (BOLTZMANN * state["T"])
    rows = [
        [list(quantities(*both, problem)) for both in zip(look.recordings, look.wanted, strict=True)] for look in looks
    ]
    # Observables that settled at the same frames share their weights.
    known: dict[tuple[Layout, ...], _Weighed] = {}
    for number in range(len(rows[0][0])):
        parts = [[recording[number] for recording in own] for own in rows]
        layouts = tuple(_layout(own) for own in parts)
        if layouts not in known:
            known[layouts] = _weighed(looks, layouts, beta)
        yield _prediction(parts, known[layouts], problem)


#: One observable in the recordings of each look.
_Parts: TypeAlias = Sequence[Sequence[Quantity]]


@dataclass(frozen=True)
class _Weighed:
    """Samples and their weights.

    Attributes:
        ensemble: of the wanted model.
        looks: numbers of those that entered the mixture.
        layouts: of these.
        slopes: derivatives of the energy with the wanted model by each parameter.
        beta: 1/kT, mol/kcal.
    """

    ensemble: Ensemble
    looks: tuple[int, ...]
    layouts: tuple[Layout, ...]
    slopes: Centred
    beta: float

    def samples(self, parts: _Parts, number: Callable[[Quantity], Array]) -> Array:
        """A number of all samples, shape (samples, ...)."""
        return np.concatenate(
            [
                layout.samples([number(one) for one in parts[look]])
                for look, layout in zip(self.looks, self.layouts, strict=True)
            ]
        )

    def stretches(self, parts: _Parts) -> Array:
        """By how much errors from blocks are too small, shape (blocks,)."""
        return np.concatenate(
            [_stretches(parts[look], layout) for look, layout in zip(self.looks, self.layouts, strict=True)]
        )


def _layout(own: Sequence[Quantity]) -> Layout:
    lengths = tuple(len(quantity.values.values) for quantity in own)
    return Layout(lengths, tuple(quantity.first for quantity in own), own[0].values.values.shape[1])


def _weighed(looks: Sequence[Look], layouts: Sequence[Layout], beta: float) -> _Weighed:
    """Weights of all looks, or of those connected with the best one."""
    everyone = range(len(looks))
    apart = divergences(*_potentials(looks, layouts, everyone, beta))
    connected = _connected(apart, _worth(looks, layouts, beta))
    mixture = mixture_of(*_potentials(looks, layouts, connected, beta))
    chosen = tuple(layouts[number] for number in connected)
    wanted, slopes = (
        np.concatenate([layouts[number].samples(part(looks[number])) for number in connected])
        for part in (_energies, _slopes)
    )
    begins = np.cumsum([0, *(layout.count for layout in chosen[:-1])])
    blocks = np.concatenate([begin + layout.blocks for begin, layout in zip(begins, chosen, strict=True)])
    ensemble = Ensemble(mixture, mixture.weights(beta * wanted), blocks)
    return _Weighed(ensemble, connected, chosen, ensemble.centred(slopes), beta)


def _energies(look: Look) -> list[Array]:
    return [energy.sampled.values for energy in look.wanted]


def _slopes(look: Look) -> list[Array]:
    return [energy.sampled.slopes for energy in look.wanted]


def _potentials(
    looks: Sequence[Look], layouts: Sequence[Layout], chosen: Sequence[int], beta: float
) -> tuple[Array, list[int]]:
    """Reduced potentials of all samples in all chosen ensembles, and the number of samples of each."""
    potentials = [
        np.concatenate([layouts[number].samples(looks[number].simulated[model]) for number in chosen])
        for model in chosen
    ]
    return beta * np.array(potentials), [layouts[number].count for number in chosen]


def _worth(looks: Sequence[Look], layouts: Sequence[Layout], beta: float) -> list[float]:
    """Effective number of samples that each look would give alone."""
    found = []
    for number, (look, layout) in enumerate(zip(looks, layouts, strict=True)):
        exponents = -beta * (layout.samples(_energies(look)) - layout.samples(look.simulated[number]))
        found.append(kish(np.exp(exponents - exponents.max())))
    return found


def _connected(apart: Array, worth: Sequence[float]) -> tuple[int, ...]:
    """The ensembles connected with the one that is worth most."""
    _, labels = connected_components(apart <= _FARTHEST, directed=False)
    return tuple(np.flatnonzero(labels == labels[int(np.argmax(worth))]).tolist())


def _prediction(parts: _Parts, weighed: _Weighed, problem: Problem) -> Prediction:
    quantity, ensemble = parts[0][0], weighed.ensemble
    bare = Prediction(quantity.observable, quantity.state, ensemble.effective_samples, ensemble.effective_blocks)
    if bare.blocks < FEWEST_BLOCKS:
        return bare
    stretches = weighed.stretches(parts)
    # Nothing counted is not nothing there: one count of the average weight is the least error.
    single = quantity.single / bare.samples
    names = tuple(parameter.name for parameter in problem.parameters.free)
    slopes = _derivative(parts, weighed)
    if not weighed.layouts[0].by_group:
        slopes = slopes.stretched(stretches)
    errors = np.maximum(slopes.stderrs, single * weighed.beta * _spread(ensemble, weighed.slopes))
    return replace(
        bare,
        observation=_observation(bare, parts, weighed, stretches, single),
        gradient=FluctuationGradient(bare.observable, bare.state, names, slopes.values, errors),
    )


def _observation(bare: Prediction, parts: _Parts, weighed: _Weighed, stretches: Array, least: float) -> Observation:
    values = weighed.ensemble.centred(weighed.samples(parts, lambda one: one.values.values)[:, None])
    mean = values.mean.stretched(stretches)
    stderr = max(float(mean.stderrs[0]), least)
    spread = float(_spread(weighed.ensemble, values)[0])
    return Observation(
        observable=bare.observable,
        state=bare.state,
        value=float(mean.values[0]),
        stderr=stderr,
        samples=float(np.clip((spread / stderr) ** 2, 1.0, bare.samples)) if stderr else 1.0,
        equilibrated=all(one.plain is None or one.plain.equilibrated for look in weighed.looks for one in parts[look]),
        note=f"reweighted: {bare.samples:.3g} effective samples",
    )


def _derivative(parts: _Parts, weighed: _Weighed) -> Estimate:
    scaled = None
    if all(one.scaling is not None for look in weighed.looks for one in parts[look]):
        scaled = Scaled(
            observable=weighed.samples(parts, lambda one: _scaling(one).observable),
            force=weighed.samples(parts, lambda one: _scaling(one).force),
        )
    values = weighed.samples(parts, lambda one: one.values.values)
    own = weighed.samples(parts, lambda one: one.values.slopes)
    return derivative(weighed.ensemble, values, weighed.slopes, weighed.beta, own if own.any() else None, scaled)


def _scaling(quantity: Quantity) -> Scaling:
    assert quantity.scaling is not None
    return quantity.scaling


def _spread(ensemble: Ensemble, values: Centred) -> Array:
    """Standard deviation of quantities in an ensemble, shape (quantities,)."""
    return np.asarray(np.sqrt(ensemble.weights @ np.square(values.deviations)))


def _stretches(own: Sequence[Quantity], layout: Layout) -> Array:
    """The same for every block of a look."""
    blocks = layout.blocks
    plain = [one.plain for one in own]
    if any(one is None for one in plain):
        return np.ones(len(blocks))
    values = layout.samples([one.values.values for one in own])
    counts = [length - first for length, first in zip(layout.lengths, layout.firsts, strict=True)]
    stderr = math.sqrt(sum((count * one.stderr) ** 2 for count, one in zip(counts, plain, strict=True) if one))
    among = block_error(values, blocks)
    return np.full(len(blocks), max(1.0, stderr / sum(counts) / among) if among else 1.0)
