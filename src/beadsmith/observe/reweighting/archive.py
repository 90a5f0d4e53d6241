"""Frames of simulated models, kept to be asked about models that were not simulated.

In vacuum every molecule of every frame is a sample, because molecules do not see each other: the weights of small
systems, which overlap far.  Of a melt only whole frames are samples, and their energies differ by so much that weights
carry over tiny steps only.

Models are compared at one state, so pressure and temperature drop out of the weights, and the reduced potential is
u = W/kT with the energy W that a simulation samples (:mod:`beadsmith.observe.response.derivatives`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.observe.response.derivatives import coefficient_state, energies
from beadsmith.observe.response.frame_values import Array, FrameValues
from beadsmith.observe.reweighting.mixture import kish
from beadsmith.observe.reweighting.weighing import Look, Prediction, predictions
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

#: So many simulated models are weighed together, those whose frames overlap most with the wanted one: more add little,
#: and cost the energies of their frames.
MOST_SOURCES = 3

#: A source is not looked at if weights made with the first-order change of its energies leave fewer samples.  Those of
#: molecules leave up to ten times fewer than exact ones do; those of whole frames are about right, and cost more.
FEWEST_MOLECULES = 1.5
FEWEST_FRAMES = 4.0


@dataclass(frozen=True)
class _Source:
    """What was recorded of one model at one state.

    Attributes:
        model: the one that was simulated.
        recordings: with frames.
        sampled: their energies with that model.
        point: its free parameters at the state, shape (parameters,).
    """

    model: Model
    recordings: tuple[Recording, ...]
    sampled: tuple[FrameValues, ...]
    point: Array

    def worth(self, point: Array, temperature: float) -> float:
        """Effective number of samples at other parameters, their energies changed to first order."""
        change = np.concatenate([(own.slopes @ (point - self.point)).ravel() for own in self.sampled])
        exponents = -change / (BOLTZMANN * temperature)
        return kish(np.exp(exponents - exponents.max()))


class Archive:
    """Frames of simulated models of one experiment.

    Energies of frames with the models that were simulated are computed once and kept.
    """

    def __init__(self, problem: Problem, experiment: str, most_frames: int | None = None) -> None:
        """Begin without frames.

        Args:
            most_frames: of a recording with more, so many are kept, evenly spaced; all with None.  Neighbouring frames
                resemble each other, so half of them know nearly as much at half the cost.
        """
        self._problem = problem
        self._experiment = experiment
        self._most_frames = most_frames
        self._sources: dict[State, list[_Source]] = {}
        self._crossed: dict[tuple[State, int, int], tuple[Array, ...]] = {}

    def add(self, model: Model, recordings: Sequence[Recording]) -> None:
        """Keep what was recorded of a model.

        Args:
            recordings: several at one state are taken together; those of other experiments, or without frames or
                temperature, are passed over.

        Raises:
            EstimateError: frames that do not fit the problem.
        """
        ours = [one for one in recordings if one.experiment == self._experiment]
        usable = [self._thinned(one) for one in ours if one.frames is not None and "T" in one.state]
        for state in dict.fromkeys(one.state for one in usable):
            own = tuple(one for one in usable if one.state == state)
            sampled = tuple(energies(one, self._problem, model).sampled for one in own)
            self._sources.setdefault(state, []).append(_Source(model, own, sampled, self._point(model, own[0])))

    def predict(self, model: Model) -> tuple[Prediction, ...]:
        """Observables of the experiment at every state, as far as the frames know them.

        Returns: state after state; nothing for states from which all frames are too far.

        Raises:
            EstimateError: an observable cannot be had from such frames at all.
            ProblemError: a function of the model needs a variable that a state lacks.
        """
        return tuple(one for state in self._sources for one in self._at(state, model))

    def _at(self, state: State, model: Model) -> Iterator[Prediction]:
        near = self._near(state, model)
        sources = self._sources[state]
        looks = [
            Look(
                recordings=sources[number].recordings,
                wanted=tuple(energies(one, self._problem, model) for one in sources[number].recordings),
                simulated=tuple(self._energies(state, number, other) for other in near),
            )
            for number in near
        ]
        return predictions(looks, self._problem, state) if looks else iter(())

    def _near(self, state: State, model: Model) -> list[int]:
        """The sources that are worth most."""
        sources = self._sources[state]
        point = self._point(model, sources[0].recordings[0])
        worth = [source.worth(point, state["T"]) for source in sources]
        least = FEWEST_FRAMES if sources[0].sampled[0].values.shape[1] == 1 else FEWEST_MOLECULES
        enough = [number for number in range(len(sources)) if worth[number] >= least]
        return sorted(sorted(enough, key=lambda number: -worth[number])[:MOST_SOURCES])

    def _energies(self, state: State, number: int, other: int) -> tuple[Array, ...]:
        """Energies of the frames of one source with the model of another."""
        key = (state, number, other)
        if key not in self._crossed:
            source, model = self._sources[state][number], self._sources[state][other].model
            found = source.sampled if number == other else [self._sampled(one, model) for one in source.recordings]
            self._crossed[key] = tuple(one.values for one in found)
        return self._crossed[key]

    def _thinned(self, recording: Recording) -> Recording:
        frames = recording.frames
        if frames is None or self._most_frames is None or len(frames.positions) <= self._most_frames:
            return recording
        step = math.ceil(len(frames.positions) / self._most_frames)
        # The last frames, which have had the longest time to settle.
        kept = slice((len(frames.positions) - 1) % step, None, step)
        return replace(recording, frames=Frames(step * frames.interval, frames.positions[kept], frames.boxes[kept]))

    def _sampled(self, recording: Recording, model: Model) -> FrameValues:
        return energies(recording, self._problem, model).sampled

    def _point(self, model: Model, recording: Recording) -> Array:
        values = model.at(coefficient_state(recording, self._problem))
        return np.array([values[parameter.name] for parameter in self._problem.parameters.free])
