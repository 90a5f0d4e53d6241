"""Direct observables: what one recording at one state says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.bonded import by_molecule, terms_of, values_of
from beadsmith.observe.distributions import histograms, mean_distribution
from beadsmith.observe.elasticity import bulk_modulus
from beadsmith.observe.mobility import means_of_displacements
from beadsmith.observe.molecular import (
    Molecules,
    end_to_end_distance,
    mean_over_molecules,
    molecules_of_kind,
    radius_of_gyration,
)
from beadsmith.observe.pulling import means_of_pull
from beadsmith.observe.timeseries import Array, SeriesMean, mean_of_series
from beadsmith.problem.recording import Frames, Recording, Series, Topology
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import (
    AngleDistribution,
    BondAngle,
    BondDistribution,
    BondLength,
    BulkModulus,
    DebyeWallerFactor,
    Distribution,
    FromSeries,
    Mean,
    MeanSquaredDisplacement,
    Observable,
    OfMolecules,
    OfTension,
    RadialDistribution,
)
from beadsmith.problem.state import State

OfPositions: TypeAlias = OfMolecules | BondLength | BondAngle
OfDisplacements: TypeAlias = DebyeWallerFactor | MeanSquaredDisplacement
OfFrames: TypeAlias = OfPositions | RadialDistribution | BondDistribution | AngleDistribution | OfDisplacements
Direct: TypeAlias = FromSeries | Mean | BulkModulus | OfFrames | OfTension

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

    Returns: observation after observation in the order of the observables, then of the recordings, then of the bins of
        distributions.

    Raises:
        EstimateError: an observable cannot be estimated; the sentence names it, the state, and the reason.
    """
    return tuple(
        observation
        for name, observable in observables.items()
        if isinstance(observable, Direct) and observable.experiment == experiment
        for recording in _suitable(recordings, name, observable)
        for observation in _observe(name, observable, recording)
    )


def molecular_values(observable: OfPositions, topology: Topology, frames: Frames) -> Array:
    """A property of molecules in each frame, such that its mean over molecules is the observable.

    Args:
        observable: which property, of which molecules.
        topology: of the recording.
        frames: of the recording.

    Returns: angstrom or degrees, shape (frames, molecules).

    Raises:
        EstimateError: there are no such molecules, bonds or angles.
    """
    if isinstance(observable, OfMolecules):
        molecules = molecules_of_kind(topology, observable.molecule)
        return _OF_MOLECULES[observable.kind](frames.positions, molecules)
    terms = terms_of(topology, observable)
    return by_molecule(values_of(frames, terms), terms)


def _suitable(recordings: Sequence[Recording], name: str, observable: Direct) -> list[Recording]:
    if isinstance(observable, OfTension):
        chosen = [one for one in recordings if one.series is not None and one.axis]
        missing = "tension"
    elif isinstance(observable, OfFrames):
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


def _observe(name: str, observable: Direct, recording: Recording) -> list[Observation]:
    try:
        means = _means(observable, recording)
    except EstimateError as error:
        where = f" at {recording.state.label}" if recording.state.label else ""
        raise EstimateError(f"{name} of experiment {observable.experiment}{where}: {error}") from error
    return [
        Observation(name, state, mean.value, mean.stderr, mean.samples, mean.equilibrated, mean.note)
        for state, mean in means
    ]


def _means(observable: Direct, recording: Recording) -> list[tuple[State, SeriesMean]]:
    if isinstance(observable, OfTension):
        return means_of_pull(observable, recording)
    if isinstance(observable, OfDisplacements):
        return means_of_displacements(observable, recording)
    if isinstance(observable, BulkModulus):
        return [(recording.state, _bulk_modulus(recording))]
    if isinstance(observable, Distribution):
        means = mean_distribution(histograms(observable, recording))
        return list(zip(observable.states(recording.state), means, strict=True))
    if isinstance(observable, OfPositions):
        return [(recording.state, _of_positions(observable, recording))]
    return [(recording.state, _of_series(observable, recording))]


def _bulk_modulus(recording: Recording) -> SeriesMean:
    assert recording.series is not None  # _suitable saw to it
    return bulk_modulus(_column(recording.series, "volume"), recording.state["T"])


def _of_series(observable: FromSeries | Mean, recording: Recording) -> SeriesMean:
    assert recording.series is not None  # _suitable saw to it
    return mean_of_series(_column(recording.series, _column_of(observable)))


def _column_of(observable: FromSeries | Mean | BulkModulus) -> str:
    if isinstance(observable, BulkModulus):
        return "volume"
    return observable.column if isinstance(observable, Mean) else observable.kind


def _of_positions(observable: OfPositions, recording: Recording) -> SeriesMean:
    assert recording.frames is not None  # _suitable saw to it
    assert recording.topology is not None
    return mean_over_molecules(molecular_values(observable, recording.topology, recording.frames))


def _column(series: Series, name: str) -> Array:
    try:
        return np.asarray(series.columns[name], dtype=np.float64)
    except KeyError:
        existing = ", ".join(sorted(series.columns)) or "none"
        raise EstimateError(f"no column {name!r} was recorded; columns recorded: {existing}") from None
