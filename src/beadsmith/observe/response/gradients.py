"""Derivatives of an experiment's observables by every free parameter, from the frames it recorded anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.distributions import Histograms, histograms
from beadsmith.observe.experiment import OfPositions, molecular_values
from beadsmith.observe.molecular import mean_over_molecules
from beadsmith.observe.response.derivatives import Energies, energies
from beadsmith.observe.response.fluctuation import Scaling, fluctuation_gradient, histogram_gradients
from beadsmith.observe.response.frame_values import Array, FrameValues, of_positions
from beadsmith.observe.timeseries import FEWEST_SAMPLES, SeriesMean, mean_of_series
from beadsmith.problem.checks import temperatures_of
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import BondAngle, Distribution, Dynamics, FromSeries, Ladder, Opaque, Vacuum
from beadsmith.problem.state import State
from beadsmith.units import ATMOSPHERES, BOLTZMANN, DENSITY_OF_ONE_DALTON

#: Observables whose averages are differentiated.
DIFFERENTIABLE = (
    "density",
    "volume",
    "potential_energy",
    "pressure",
    "radius_of_gyration",
    "end_to_end_distance",
    "bond_length",
    "bond_angle",
    "radial_distribution",
    "bond_distribution",
    "angle_distribution",
)
#: Those for which the identity of :mod:`~beadsmith.observe.response.fluctuation` is used: they are continuous in the
#: positions (an energy that steps at the cutoff is not, and a histogram steps at the ends of its bins), and their
#: answer to scaling is known.
_SCALING = ("density", "volume", "radius_of_gyration", "end_to_end_distance", "bond_length", "bond_angle")


@dataclass(frozen=True)
class FluctuationGradient:
    """How an observable at one state answers to the parameters.

    Attributes:
        observable: its name in the problem file.
        state: where it was measured; for a distribution with the middle of the bin.
        parameters: names as in :attr:`beadsmith.problem.parameters.ParameterSpace.free`.
        values: d(observable)/d(parameter), in the unit of the one over that of the other, shape (parameters,).  A
            parameter that others are tied to moves them too.  Where a parameter is a function of the state, this is
            the derivative by its value at ``state``.
        stderrs: standard errors, same shape.
    """

    observable: str
    state: State
    parameters: tuple[str, ...]
    values: Array
    stderrs: Array


def observable_gradients(
    recordings: Sequence[Recording], problem: Problem, model: Model, experiment: str
) -> tuple[FluctuationGradient, ...]:
    """Gradients of all observables of an experiment that are equilibrium averages (:data:`DIFFERENTIABLE`).

    The temperature is left out, because the thermostat alone decides it, and so are columns of a user's own.  The
    part of a recording that was not equilibrated is discarded as
    :func:`beadsmith.observe.experiment.observe_recordings` does; where that flags an observation as not equilibrated,
    its gradient deserves no more trust.

    Args:
        recordings: of one simulation of ``experiment``; those without frames are passed over.
        model: the one that was simulated.

    Returns: gradient after gradient in the order of the observables, then of the recordings, then of the bins of
        distributions.

    Raises:
        EstimateError: no frames, too few of them, a state without temperature, or frames that do not fit the problem.
        ProblemError: a function of the model needs a variable that a state lacks.
    """
    wanted = {
        name: observable
        for name, observable in problem.observables.items()
        if isinstance(observable, FromSeries | OfPositions | Distribution)
        and observable.experiment == experiment
        and observable.kind in DIFFERENTIABLE
    }
    if not wanted:
        return ()
    usable = [recording for recording in recordings if recording.frames is not None]
    if not usable:
        raise EstimateError(f"experiment {experiment} recorded no frames of positions; gradients need them")
    found: dict[str, list[FluctuationGradient]] = {name: [] for name in wanted}
    for recording in usable:
        for name, gradients in _gradients(recording, problem, model, wanted).items():
            found[name] += gradients
    return tuple(gradient for gradients in found.values() for gradient in gradients)


def _gradients(
    recording: Recording, problem: Problem, model: Model, wanted: Mapping[str, FromSeries | OfPositions | Distribution]
) -> dict[str, list[FluctuationGradient]]:
    where = f"gradients of experiment {recording.experiment} at {recording.state.label or 'its only state'}"
    try:
        temperature = _temperature(recording)
        energy = energies(recording, problem, model)
        return {
            name: _of_bins(name, observable, recording, energy, temperature, problem)
            if isinstance(observable, Distribution)
            else [_gradient(name, observable, recording, energy, temperature, problem)]
            for name, observable in wanted.items()
        }
    except EstimateError as error:
        raise EstimateError(f"{where}: {error}") from error


def _of_bins(
    name: str,
    observable: Distribution,
    recording: Recording,
    energy: Energies,
    temperature: float,
    problem: Problem,
) -> list[FluctuationGradient]:
    """One gradient for each bin."""
    binned = binned_average(observable, recording, energy)
    sampled = energy.sampled.from_frame(binned.first)
    bins = (binned.of_bin(number)[binned.first :] for number in range(len(binned.single)))
    slopes, stderrs = histogram_gradients(bins, binned.single, sampled, temperature)
    parameters = tuple(parameter.name for parameter in problem.parameters.free)
    return [
        FluctuationGradient(name, state, parameters, *both)
        for state, *both in zip(observable.states(recording.state), slopes, stderrs, strict=True)
    ]


def _gradient(
    name: str,
    observable: FromSeries | OfPositions,
    recording: Recording,
    energy: Energies,
    temperature: float,
    problem: Problem,
) -> FluctuationGradient:
    average = frame_average(observable, recording, energy, temperature, problem)
    first, scaling = average.first, average.scaling
    slopes, stderrs = fluctuation_gradient(
        average.values.from_frame(first),
        energy.sampled.from_frame(first),
        temperature,
        None if scaling is None else scaling.from_frame(first),
    )
    parameters = tuple(parameter.name for parameter in problem.parameters.free)
    return FluctuationGradient(name, recording.state, parameters, slopes, stderrs)


@dataclass(frozen=True)
class FrameAverage:
    """An observable as a mean over frames and groups.

    Attributes:
        values: in each frame and group; their mean over groups and settled frames is the observable.
        first: the first settled frame.
        plain: that mean as :mod:`beadsmith.observe` has it; None if there is too little to say.
        scaling: for the identity of :mod:`~beadsmith.observe.response.fluctuation`; None where it does not hold.
    """

    values: FrameValues
    first: int
    plain: SeriesMean | None
    scaling: Scaling | None


@dataclass(frozen=True)
class BinnedAverage:
    """A distribution as a mean over frames and groups, bin by bin.

    Attributes:
        of_bin: by the number of a bin, its values, shape (frames, groups).
        first: the first settled frame.
        single: what one count adds to the values of each bin, shape (bins,).
        histograms: of whose values these are the means over what makes a group.
    """

    of_bin: Callable[[int], Array]
    first: int
    single: Array
    histograms: Histograms


def frame_average(
    observable: FromSeries | OfPositions,
    recording: Recording,
    energy: Energies,
    temperature: float,
    problem: Problem,
) -> FrameAverage:
    """What a differentiable observable is the mean of.

    Args:
        energy: of the frames, with the model whose average is wanted.
    """
    plain: SeriesMean | None
    scaling: Scaling | None = None
    if isinstance(observable, OfPositions):
        values, plain = _of_positions(observable, recording, energy)
        first = plain.start
        by_volume = 0.0 * values.values if isinstance(observable, BondAngle) else values.values / 3.0
    else:
        values = _of_box(observable.kind, recording, energy, temperature)
        plain, first = _settled(recording, observable.kind, values)
        by_volume = -values.values if observable.kind == "density" else values.values
    pressure = constant_pressure(recording, problem)
    if pressure is not None and observable.kind in _SCALING:
        scaling = Scaling(by_volume, _scaling_force(recording, energy, temperature, pressure))
    return FrameAverage(values, _enough(first, len(values.values)), plain, scaling)


def binned_average(observable: Distribution, recording: Recording, energy: Energies) -> BinnedAverage:
    """What a distribution is the mean of; arguments as for :func:`frame_average`."""
    found = histograms(observable, recording)
    frames, molecules = found.marker.shape
    first = _enough(mean_over_molecules(found.marker).start, frames)
    if energy.sampled.values.shape[1] > 1:
        return BinnedAverage(found.of_bin, first, found.single, found)
    return BinnedAverage(
        lambda bin_: found.of_bin(bin_).mean(axis=1, keepdims=True), first, found.single / molecules, found
    )


def _enough(first: int, frames: int) -> int:
    """The first frame to use: too few frames would have no error bar at all."""
    return max(0, min(first, frames - FEWEST_SAMPLES))


def constant_pressure(recording: Recording, problem: Problem) -> float | None:
    """The pressure at which the box of a recording could change, atm; 0 for isolated molecules.

    None if the volume was held, or if that is not known, as for a user's own script.
    """
    experiment = problem.experiments[recording.experiment]
    if isinstance(experiment, Vacuum):
        return 0.0
    if isinstance(experiment, Opaque):
        return None
    found: set[float | None] = set()
    for stage in experiment.protocol:
        if isinstance(stage, Ladder) and recording.state["T"] in stage.temperatures:
            found.add(stage.pressure if stage.ensemble == "npt" else None)
        elif isinstance(stage, Dynamics) and stage.record and temperatures_of(stage)[1] == recording.state["T"]:
            found.add(stage.pressure[1] if stage.stage == "npt" else None)
    return found.pop() if len(found) == 1 else None


def _scaling_force(recording: Recording, energy: Energies, temperature: float, pressure: float) -> Array:
    """-d/dlnV of what is sampled, in units of kT; see :class:`beadsmith.observe.response.fluctuation.Scaling`."""
    work = energy.virial.values / 3.0
    if pressure:
        assert recording.frames is not None
        work = work - pressure / ATMOSPHERES * np.linalg.det(recording.frames.boxes)[:, None]
    return np.asarray(work / (BOLTZMANN * temperature))


def _of_positions(observable: OfPositions, recording: Recording, energy: Energies) -> tuple[FrameValues, SeriesMean]:
    """A property of molecules in each frame, of each group; and its mean over all."""
    assert recording.frames is not None  # energies() saw to both
    assert recording.topology is not None
    each = molecular_values(observable, recording.topology, recording.frames)
    plain = mean_over_molecules(each)
    if energy.sampled.values.shape[1] == 1:
        each = each.mean(axis=1, keepdims=True)
    return of_positions(each, energy.sampled.slopes.shape[2]), plain


def _of_box(kind: str, recording: Recording, energy: Energies, temperature: float) -> FrameValues:
    """A property of the whole simulation in each frame, such that the mean over groups is the property."""
    assert recording.frames is not None
    assert recording.topology is not None
    groups, parameters = energy.sampled.slopes.shape[1:]
    if kind == "potential_energy":
        return energy.printed.times(float(groups))
    volumes = np.linalg.det(recording.frames.boxes)[:, None]
    match kind:
        case "volume":
            return of_positions(volumes, parameters)
        case "density":
            mass = recording.topology.masses.sum() * DENSITY_OF_ONE_DALTON
            return of_positions(mass / volumes, parameters)
        case "pressure":
            # The centre of mass does not move, and LAMMPS' pressure counts its freedom out.
            ideal = (len(recording.topology.masses) - 1) * BOLTZMANN * temperature / volumes * ATMOSPHERES
            return energy.virial.times(ATMOSPHERES / (3.0 * volumes)) + of_positions(ideal, parameters)
    raise ValueError(f"no derivative is known for observables of kind {kind}")


def _settled(recording: Recording, kind: str, values: FrameValues) -> tuple[SeriesMean | None, int]:
    """The mean of the series behind an observable, None if it is too short; and the first frame where it settled."""
    frames = len(values.values)
    series = values.values.mean(axis=1)
    if recording.series is not None and kind in recording.series.columns:
        series = np.asarray(recording.series.columns[kind], dtype=np.float64)
    if len(series) < FEWEST_SAMPLES:
        return None, 0
    plain = mean_of_series(series)
    return plain, -(-plain.start * frames // len(series))


def _temperature(recording: Recording) -> float:
    if "T" not in recording.state:
        raise EstimateError("the state does not say its temperature, T")
    return recording.state["T"]
