"""Direct observables: what one recording at one state says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import (
    Molecules,
    end_to_end_distance,
    mean_over_molecules,
    molecules_of_kind,
    radius_of_gyration,
)
from beadsmith.observe.timeseries import Array, SeriesMean, mean_of_series
from beadsmith.problem.recording import Recording, Series
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import FromSeries, Mean, Observable, OfMolecules

Direct: TypeAlias = FromSeries | Mean | OfMolecules

_OF_MOLECULES: Mapping[str, Callable[[Array, Molecules], Array]] = {
    "radius_of_gyration": radius_of_gyration,
    "end_to_end_distance": end_to_end_distance,
}


def observe_recordings(
    recordings: Sequence[Recording], observables: Mapping[str, Observable], experiment: str
) -> tuple[Observation, ...]:
    """Every direct observable that names the experiment, at the state of every recording.

    A recording without series, or without frames, is passed over by the observables that need them, because a
    user's own script may leave its log and its trajectory as separate recordings; if none of the recordings
    has them, it is an error.

    Args:
        recordings: of this experiment, one or more per state.
        observables: by name; derived ones and those of other experiments are passed over.
        experiment: name of the experiment.

    Returns: observation after observation in the order of the observables, then of the recordings.

    Raises:
        EstimateError: an observable cannot be estimated; the sentence names it, the state, and the reason.
    """
    return tuple(
        _observe(name, observable, recording)
        for name, observable in observables.items()
        if isinstance(observable, Direct) and observable.experiment == experiment
        for recording in _suitable(recordings, name, observable)
    )


def _suitable(recordings: Sequence[Recording], name: str, observable: Direct) -> list[Recording]:
    if isinstance(observable, OfMolecules):
        chosen = [one for one in recordings if one.frames is not None and one.topology is not None]
        missing = "frames of positions with known molecules; a script of your own needs 'dump' and 'molecules'"
    else:
        series = [one for one in recordings if one.series is not None]
        # A user's own script may leave its columns in several files of one state; none with ours: let the error say so.
        chosen = [one for one in series if one.series and _column_of(observable) in one.series.columns] or series
        missing = "series of numbers; a script of your own needs 'log_run' or 'series'"
    if not chosen:
        raise EstimateError(f"{name}: experiment {observable.experiment} recorded no {missing}")
    return chosen


def _observe(name: str, observable: Direct, recording: Recording) -> Observation:
    try:
        mean = (
            _of_molecules(observable, recording)
            if isinstance(observable, OfMolecules)
            else _of_series(observable, recording)
        )
    except EstimateError as error:
        where = f" at {recording.state.label}" if recording.state.label else ""
        raise EstimateError(f"{name} of experiment {observable.experiment}{where}: {error}") from error
    return Observation(name, recording.state, mean.value, mean.stderr, mean.samples, mean.equilibrated, mean.note)


def _of_series(observable: FromSeries | Mean, recording: Recording) -> SeriesMean:
    assert recording.series is not None  # _suitable saw to it
    return mean_of_series(_column(recording.series, _column_of(observable)))


def _column_of(observable: FromSeries | Mean) -> str:
    return observable.column if isinstance(observable, Mean) else observable.kind


def _of_molecules(observable: OfMolecules, recording: Recording) -> SeriesMean:
    assert recording.frames is not None  # _suitable saw to it
    assert recording.topology is not None
    molecules = molecules_of_kind(recording.topology, observable.molecule)
    return mean_over_molecules(_OF_MOLECULES[observable.kind](recording.frames.positions, molecules))


def _column(series: Series, name: str) -> Array:
    try:
        return np.asarray(series.columns[name], dtype=np.float64)
    except KeyError:
        existing = ", ".join(sorted(series.columns)) or "none"
        raise EstimateError(f"no column {name!r} was recorded; columns recorded: {existing}") from None
