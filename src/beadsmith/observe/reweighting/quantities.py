"""Numbers of every frame and group whose means are observables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from beadsmith.observe.distributions import mean_distribution
from beadsmith.observe.experiment import OfPositions
from beadsmith.observe.response.derivatives import Energies
from beadsmith.observe.response.fluctuation import Scaling
from beadsmith.observe.response.frame_values import Array, FrameValues, Integers, of_positions
from beadsmith.observe.response.gradients import DIFFERENTIABLE, binned_average, frame_average
from beadsmith.observe.timeseries import SeriesMean
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import Distribution, FromSeries
from beadsmith.problem.state import State


@dataclass(frozen=True)
class Quantity:
    """An observable, or a bin of one, in the frames of a recording.

    Attributes:
        observable: its name in the problem file.
        state: where; with the middle of the bin.
        values: in every frame and group; their mean over settled frames and groups is the observable.
        first: the first settled frame.
        plain: that mean as :mod:`beadsmith.observe` has it; None if there is too little to say.
        scaling: for the identity of :mod:`beadsmith.observe.response.fluctuation`; None where it does not hold.
        single: what one count adds to ``values``; 0 where nothing is counted.
    """

    observable: str
    state: State
    values: FrameValues
    first: int
    plain: SeriesMean | None
    scaling: Scaling | None = None
    single: float = 0.0


def quantities(recording: Recording, energy: Energies, problem: Problem) -> Iterator[Quantity]:
    """All differentiable observables of the recording's experiment, in the order of the problem file.

    Args:
        recording: with frames, at a state with a temperature.
        energy: of the frames, with the model whose averages are wanted.

    Raises:
        EstimateError: too few frames, or molecules or bonds that are not there.
    """
    for name, observable in problem.observables.items():
        if getattr(observable, "experiment", None) != recording.experiment or observable.kind not in DIFFERENTIABLE:
            continue
        if isinstance(observable, Distribution):
            yield from _bins(name, observable, recording, energy)
        elif isinstance(observable, FromSeries | OfPositions):
            average = frame_average(observable, recording, energy, recording.state["T"], problem)
            yield Quantity(name, recording.state, average.values, average.first, average.plain, average.scaling)


def _bins(name: str, observable: Distribution, recording: Recording, energy: Energies) -> Iterator[Quantity]:
    binned = binned_average(observable, recording, energy)
    plain = mean_distribution(binned.histograms)
    parameters = energy.sampled.slopes.shape[2]
    for number, state in enumerate(observable.states(recording.state)):
        values = of_positions(np.ascontiguousarray(binned.of_bin(number)), parameters)
        yield Quantity(name, state, values, binned.first, plain[number], single=float(binned.single[number]))


def block_error(values: Array, blocks: Integers) -> float:
    """Standard error of the plain mean of samples, from the scatter of blocks.

    Args:
        values: shape (samples,).
        blocks: first sample of each block.
    """
    sizes = np.diff(blocks, append=len(values))
    means = np.add.reduceat(values, blocks) / sizes
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0
