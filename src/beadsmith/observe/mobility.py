"""Observables of how far beads move, by the names that problem files use."""

from __future__ import annotations

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.displacement import beads_of_types, debye_waller_factor, mean_squared_displacement
from beadsmith.observe.timeseries import SeriesMean
from beadsmith.observe.unwrapping import in_mean_box
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import DebyeWallerFactor, MeanSquaredDisplacement
from beadsmith.problem.state import State


def means_of_displacements(
    observable: DebyeWallerFactor | MeanSquaredDisplacement, recording: Recording
) -> list[tuple[State, SeriesMean]]:
    """The Debye-Waller factor, or the mean squared displacement at every time that is asked for, angstrom^2.

    Beads are followed relative to the centre of mass of all, in the mean box; errors take molecules as independent
    groups, or time origins, whichever gives the larger one.

    Raises:
        EstimateError: no such beads, times that were not recorded, or beads that do not move.
    """
    frames, topology = recording.frames, recording.topology
    assert frames is not None  # whoever asks has looked
    assert topology is not None
    wanted = beads_of_types(topology, observable.beads) if observable.beads else np.ones(len(topology.masses), bool)
    paths = in_mean_box(frames.positions, topology.masses, frames.boxes)[:, wanted]
    times = np.asarray(frames.interval * np.arange(len(paths)), dtype=np.float64)
    groups = topology.molecule_ids[wanted]
    if isinstance(observable, MeanSquaredDisplacement):
        _check_times(observable.t, frames.interval, float(times[-1]))
        found = mean_squared_displacement(paths, times, groups, np.array(observable.t))
        means = [
            SeriesMean(value, stderr, samples)
            for value, stderr, samples in zip(
                found.values.tolist(), found.stderrs.tolist(), found.samples.tolist(), strict=True
            )
        ]
        return list(zip(observable.states(recording.state), means, strict=True))
    _check_times((observable.time,), None, float(times[-1]))
    below = frames.interval * max(1.0, np.floor(observable.time / frames.interval + 1e-9))
    lags = np.unique([below, below if abs(below - observable.time) < 1e-6 * below else below + frames.interval])
    if frames.interval > observable.time * (1 + 1e-9):
        raise EstimateError(
            f"frames are {frames.interval:g} fs apart, which is too far for a time of {observable.time:g} fs; "
            "record more frames"
        )
    found = mean_squared_displacement(paths, times, groups, lags)
    return [(recording.state, debye_waller_factor(found, observable.time))]


def _check_times(times: tuple[float, ...], interval: float | None, longest: float) -> None:
    for time in times:
        if time > 0.5 * longest * (1 + 1e-9):
            raise EstimateError(
                f"a time of {time:g} fs is more than half of the {longest:g} fs that were recorded, so that all time "
                "origins share the middle; record longer"
            )
        if interval is not None and abs(time / interval - round(time / interval)) > 1e-3:
            raise EstimateError(
                f"frames are {interval:g} fs apart, of which {time:g} fs is not a multiple; change the number of "
                "frames, or the times"
            )
