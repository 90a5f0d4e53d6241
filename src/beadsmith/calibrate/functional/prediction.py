"""Predictions of all observables of all systems at their references' states, as functions of the coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.family import Family, ParameterValues
from beadsmith.calibrate.functional.systems import Reference, Surrogate, System
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: States between which functions are watched for leaving their range, beside those of the references.
_WATCHED = 11

#: How far outside a range a surrogate is still asked, in units of the range: a smooth function goes on a little.
_MARGIN = 0.05


@dataclass(frozen=True)
class Predicted:
    """All predictions in a row, for B sets of coordinates; slopes are by the coordinates.

    Attributes:
        mean: shape (B, targets), each in its observable's unit.
        mean_slopes: shape (B, targets, coordinates).
        variance: shape (B, targets).
        variance_slopes: shape (B, targets, coordinates).
    """

    mean: Array
    mean_slopes: Array
    variance: Array
    variance_slopes: Array


@dataclass(frozen=True)
class Block:
    """One observable of one system: a stretch of the row of targets.

    Attributes:
        system, observable: names.
        reference: what should come out.
        rows: where it lies among all targets.
    """

    system: str
    observable: str
    reference: Reference
    rows: slice


@dataclass(frozen=True, eq=False)
class Predictor:
    """From coordinates to predictions, with exact derivatives through the surrogates.

    Surrogates are asked at most a little outside the ranges in which they were trained: a parameter that goes further
    is held at the margin (and :meth:`excursions` says how far it went).

    Attributes:
        family: of the functions.
        systems: with references.
    """

    family: Family
    systems: tuple[System, ...]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """In the order of systems and their references."""
        found, begin = [], 0
        for system in self.systems:
            for reference in system.references:
                end = begin + len(reference.states)
                found.append(Block(system.name, reference.observable, reference, slice(begin, end)))
                begin = end
        return tuple(found)

    @cached_property
    def targets(self) -> Array:
        """Shape (targets,)."""
        return np.concatenate([block.reference.values for block in self.blocks])

    @cached_property
    def target_variances(self) -> Array:
        """Shape (targets,)."""
        return np.concatenate([block.reference.stderrs**2 for block in self.blocks])

    @cached_property
    def weights(self) -> Array:
        """Shape (targets,)."""
        return np.concatenate([np.full(len(block.reference.states), block.reference.weight) for block in self.blocks])

    def predict(self, coordinates: Array) -> tuple[Array, Array]:
        """Means and variances, shape (B, targets) each."""
        mean, variance = self._empty(coordinates)
        for block, surrogate, asked in self._asked(coordinates):
            means, deviations = surrogate.predict(asked.inputs)
            mean[:, block.rows] = means.reshape(len(coordinates), -1)
            variance[:, block.rows] = (deviations**2).reshape(len(coordinates), -1)
        return mean, variance

    def linearised_means(self, coordinates: Array) -> tuple[Array, Array]:
        """Means, shape (B, targets), and their derivatives, shape (B, targets, coordinates)."""
        mean, _ = self._empty(coordinates)
        slopes = np.empty((*mean.shape, self.family.size))
        for block, surrogate, asked in self._asked(coordinates):
            means, along = surrogate.mean_slopes(asked.inputs)
            mean[:, block.rows] = means.reshape(len(coordinates), -1)
            slopes[:, block.rows] = asked.chained(along)
        return mean, slopes

    def linearised(self, coordinates: Array) -> Predicted:
        """Means and variances with their derivatives."""
        mean, variance = self._empty(coordinates)
        mean_slopes = np.empty((*mean.shape, self.family.size))
        variance_slopes = np.empty_like(mean_slopes)
        for block, surrogate, asked in self._asked(coordinates):
            found = surrogate.slopes(asked.inputs)
            mean[:, block.rows] = found.mean.reshape(len(coordinates), -1)
            variance[:, block.rows] = found.variance.reshape(len(coordinates), -1)
            mean_slopes[:, block.rows] = asked.chained(found.mean_slopes)
            variance_slopes[:, block.rows] = asked.chained(found.variance_slopes)
        return Predicted(mean, mean_slopes, variance, variance_slopes)

    def covariances(self, coordinates: Array) -> tuple[Array, ...]:
        """Joint covariance of the surrogate's errors over the states of each block; coordinates of shape (size,)."""
        return tuple(surrogate.covariance(asked.inputs) for _, surrogate, asked in self._asked(coordinates[None]))

    def excursions(self, coordinates: Array) -> tuple[Array, Array]:
        """How far functions are outside their ranges, in units of these, with derivatives.

        Looked at on a grid over the interval of each state variable, since states between references count too.
        Only radial basis functions can leave.

        Returns: shape (B, watched) and (B, watched, coordinates).
        """
        leaving = [
            (index, form)
            for index, form in enumerate(self.family.forms.values())
            if form.name == "rbf" and form.over is not None
        ]
        found: list[Array] = [np.zeros((len(coordinates), 0))]
        slopes: list[Array] = [np.zeros((len(coordinates), 0, self.family.size))]
        shape = self.family.shared_shape(coordinates)
        low_shape, high_shape = self.family.shape_ends
        for index, form in leaving:
            name = self.family.parameters[index]
            low, high = self.family.ranges[name]
            grid = np.linspace(*self.family.states[form.over or ""], _WATCHED, dtype=np.float64)
            own = form.evaluate(coordinates[:, self.family.slices[name]], shape, grid, (low, high))
            sign = np.where(own.values > high, 1.0, np.where(own.values < low, -1.0, 0.0)) / (high - low)
            along = np.zeros((*own.values.shape, self.family.size))
            along[:, :, self.family.slices[name]] = own.slopes
            along[:, :, -1] = (high_shape - low_shape) * own.shape_slopes
            found.append(np.where(sign > 0, own.values - high, own.values - low) * sign)
            slopes.append(along * sign[:, :, None])
        return np.concatenate(found, axis=1), np.concatenate(slopes, axis=1)

    def _empty(self, coordinates: Array) -> tuple[Array, Array]:
        shape = (len(coordinates), len(self.targets))
        return np.empty(shape), np.empty(shape)

    def _asked(self, coordinates: Array) -> list[tuple[Block, Surrogate, _Asked]]:
        found = []
        blocks = iter(self.blocks)
        for system in self.systems:
            states = tuple(dict.fromkeys(state for one in system.references for state in one.states))
            values = self.family.evaluate(coordinates, states)
            known: dict[tuple[tuple[str, ...], tuple[State, ...]], _Asked] = {}
            for reference in system.references:
                surrogate = system.surrogates[reference.observable]
                key = (tuple(axis.name for axis in surrogate.axes), reference.states)
                if key not in known:
                    chosen = [states.index(state) for state in reference.states]
                    known[key] = self._inputs(surrogate, reference.states, values, chosen)
                found.append((next(blocks), surrogate, known[key]))
        return found

    def _inputs(
        self, surrogate: Surrogate, states: Sequence[State], parameters: ParameterValues, chosen: list[int]
    ) -> _Asked:
        batch = len(parameters.values)
        inputs = np.empty((batch, len(states), len(surrogate.axes)))
        slopes = np.zeros((*inputs.shape, self.family.size))
        names = self.family.parameters
        for column, axis in enumerate(surrogate.axes):
            if axis.name in names:
                index = names.index(axis.name)
                low, high = self.family.ranges[axis.name]
                low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
                values = parameters.values[:, chosen, index]
                inputs[:, :, column] = np.clip(values, low, high)
                inside = (values >= low) & (values <= high)
                slopes[:, :, column] = parameters.slopes[:, chosen, index] * inside[:, :, None]
            else:
                inputs[:, :, column] = [state[axis.name] for state in states]
        return _Asked(inputs.reshape(batch * len(states), -1), slopes)


@dataclass(frozen=True)
class _Asked:
    """What a surrogate is asked.

    Attributes:
        inputs: shape (B * states, axes).
        slopes: their derivatives by the coordinates, shape (B, states, axes, coordinates).
    """

    inputs: Array
    slopes: Array

    def chained(self, along: Array) -> Array:
        """From derivatives by inputs, shape (B * states, axes), to those by coordinates."""
        batch, states, axes, _ = self.slopes.shape
        return np.asarray((along.reshape(batch, states, 1, axes) @ self.slopes)[:, :, 0])
