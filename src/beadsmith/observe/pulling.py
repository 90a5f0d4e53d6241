"""Observables of one pull of a box along an axis, by the names that problem files use."""

from __future__ import annotations

import math

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.elasticity import poissons_ratio, youngs_modulus
from beadsmith.observe.strength import strength, yield_point
from beadsmith.observe.tension import Pull, binned, pull_from_pressures
from beadsmith.observe.timeseries import SeriesMean
from beadsmith.problem.recording import STRESSES, Recording, Series
from beadsmith.problem.schema import Breaking, Elastic, OfTension, StressStrain, Yielding
from beadsmith.problem.state import State

#: GPa to MPa.
_MEGA = 1000.0


def means_of_pull(observable: OfTension, recording: Recording) -> list[tuple[State, SeriesMean]]:
    """What one pull says about an observable: one value, or one for each bin of strain.

    A yield point or a break that the curve does not have is not determined: an infinite standard error, and a note
    that says why.

    Raises:
        EstimateError: too few samples, or not finite.
    """
    assert recording.series is not None  # whoever asks has looked
    pull = _pull(recording.series, recording.axis)
    if isinstance(observable, StressStrain):
        return list(zip(observable.states(recording.state), _stresses(observable, pull), strict=True))
    try:
        mean = _mean(observable, pull)
    except EstimateError as error:
        mean = _undetermined(str(error))
    return [(recording.state, mean)]


def _pull(series: Series, axis: str) -> Pull:
    """Lengths in units of those before the pull."""
    columns = series.columns
    lengths = np.stack([1.0 + columns[f"strain_{edge}"] for edge in "xyz"], axis=1)
    pressures = np.stack([columns[f"pressure_{tensor}"] for tensor in STRESSES], axis=1)
    return pull_from_pressures("xyz".index(axis), lengths, pressures, np.ones(3))


def _mean(observable: Elastic | Yielding | Breaking, pull: Pull) -> SeriesMean:
    match observable:
        case Elastic():
            young = observable.kind == "youngs_modulus"
            slope = youngs_modulus(pull.curve, observable.strain) if young else poissons_ratio(pull, observable.strain)
            return SeriesMean(slope.value, slope.stderr, slope.freedom)
        case Yielding():
            return _yield(observable, pull)
        case Breaking():
            return _break(observable, pull)


def _yield(observable: Yielding, pull: Pull) -> SeriesMean:
    found = yield_point(
        pull.curve, youngs_modulus(pull.curve, observable.strain), np.random.default_rng(0), observable.offset
    )
    samples = float(len(pull.lengths))
    if observable.kind == "yield_strain":
        return SeriesMean(found.strain, found.strain_stderr, samples, note=found.note)
    return SeriesMean(_MEGA * found.stress, _MEGA * found.stress_stderr, samples, note=found.note)


def _break(observable: Breaking, pull: Pull) -> SeriesMean:
    most = strength(pull.curve)
    samples = float(len(pull.lengths))
    if observable.kind == "tensile_strength":
        return SeriesMean(_MEGA * most.stress, _MEGA * most.stress_stderr, samples, note=most.note)
    if most.break_strain is None or most.break_stderr is None:
        return _undetermined(most.note)
    return SeriesMean(most.break_strain, most.break_stderr, samples, note=most.note)


def _stresses(observable: StressStrain, pull: Pull) -> list[SeriesMean]:
    """Mean stress in every bin, MPa."""
    found = binned(pull.curve, np.asarray(observable.edges, dtype=np.float64))
    columns = zip(found.stress.tolist(), found.stderr.tolist(), found.samples.tolist(), strict=True)
    return [
        SeriesMean(_MEGA * stress, _MEGA * stderr, float(samples))
        if samples
        else _undetermined("the pull has no sample in this bin of strain: pull further, or choose wider bins")
        for stress, stderr, samples in columns
    ]


def _undetermined(note: str) -> SeriesMean:
    return SeriesMean(math.nan, math.inf, 0.0, note=note)
