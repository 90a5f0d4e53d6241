"""Derivatives of an experiment's observables by every free parameter, from the frames it recorded anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.molecular import (
    end_to_end_distance,
    mean_over_molecules,
    molecules_of_kind,
    radius_of_gyration,
)
from beadsmith.observe.response.derivatives import Energies, energies
from beadsmith.observe.response.fluctuation import Scaling, fluctuation_gradient
from beadsmith.observe.response.frame_values import Array, FrameValues, of_positions
from beadsmith.observe.timeseries import FEWEST_SAMPLES, mean_of_series
from beadsmith.problem.checks import temperatures_of
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import Dynamics, FromSeries, Ladder, OfMolecules, Script, Vacuum
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN, DENSITY_OF_ONE_DALTON

#: Observables whose averages are differentiated.
DIFFERENTIABLE = (
    "density",
    "volume",
    "potential_energy",
    "pressure",
    "radius_of_gyration",
    "end_to_end_distance",
)
#: 1 kcal/mol per cubic angstrom, in atm (LAMMPS' ``nktv2p`` of ``units real``).
ATMOSPHERES = 68568.415

#: Those for which the identity of :mod:`~beadsmith.observe.response.fluctuation` is used: they are continuous in the
#: positions (an energy that steps at the cutoff is not), and their answer to scaling is known.
_SCALING = ("density", "volume", "radius_of_gyration", "end_to_end_distance")
_SHAPES = {"radius_of_gyration": radius_of_gyration, "end_to_end_distance": end_to_end_distance}


@dataclass(frozen=True)
class FluctuationGradient:
    """How an observable at one state answers to the parameters.

    Attributes:
        observable: its name in the problem file.
        state: where it was measured.
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

    Returns: gradient after gradient in the order of the observables, then of the recordings.

    Raises:
        EstimateError: no frames, too few of them, a state without temperature, or frames that do not fit the problem.
        ProblemError: a function of the model needs a variable that a state lacks.
    """
    wanted = {
        name: observable
        for name, observable in problem.observables.items()
        if isinstance(observable, FromSeries | OfMolecules)
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
        for name, gradient in _gradients(recording, problem, model, wanted).items():
            found[name].append(gradient)
    return tuple(gradient for gradients in found.values() for gradient in gradients)


def _gradients(
    recording: Recording, problem: Problem, model: Model, wanted: Mapping[str, FromSeries | OfMolecules]
) -> dict[str, FluctuationGradient]:
    where = f"gradients of experiment {recording.experiment} at {recording.state.label or 'its only state'}"
    try:
        temperature = _temperature(recording)
        energy = energies(recording, problem, model)
        return {
            name: _gradient(name, observable, recording, energy, temperature, problem)
            for name, observable in wanted.items()
        }
    except EstimateError as error:
        raise EstimateError(f"{where}: {error}") from error


def _gradient(
    name: str,
    observable: FromSeries | OfMolecules,
    recording: Recording,
    energy: Energies,
    temperature: float,
    problem: Problem,
) -> FluctuationGradient:
    scaling: Scaling | None = None
    if isinstance(observable, OfMolecules):
        values, first = _of_molecules(observable, recording, energy)
        by_volume = values.values / 3.0
    else:
        values = _of_box(observable.kind, recording, energy, temperature)
        first = _first_settled(recording, observable.kind, values)
        by_volume = -values.values if observable.kind == "density" else values.values
    # Too few frames would have no error bar at all.
    first = max(0, min(first, len(values.values) - FEWEST_SAMPLES))
    pressure = constant_pressure(recording, problem)
    if pressure is not None and observable.kind in _SCALING:
        scaling = Scaling(by_volume, _scaling_force(recording, energy, temperature, pressure)).from_frame(first)
    slopes, stderrs = fluctuation_gradient(
        values.from_frame(first), energy.sampled.from_frame(first), temperature, scaling
    )
    parameters = tuple(parameter.name for parameter in problem.parameters.free)
    return FluctuationGradient(name, recording.state, parameters, slopes, stderrs)


def constant_pressure(recording: Recording, problem: Problem) -> float | None:
    """The pressure at which the box of a recording could change, atm; 0 for isolated molecules.

    None if the volume was held, or if that is not known, as for a user's own script.
    """
    experiment = problem.experiments[recording.experiment]
    if isinstance(experiment, Vacuum):
        return 0.0
    if isinstance(experiment, Script):
        return None
    found: set[float | None] = set()
    for stage in experiment.protocol:
        if isinstance(stage, Ladder) and recording.state["T"] in stage.temperatures:
            found.add(stage.pressure if stage.ensemble == "npt" else None)
        elif isinstance(stage, Dynamics) and stage.record and temperatures_of(stage)[1] == recording.state["T"]:
            found.add(stage.pressure if stage.stage == "npt" else None)
    return found.pop() if len(found) == 1 else None


def _scaling_force(recording: Recording, energy: Energies, temperature: float, pressure: float) -> Array:
    """-d/dlnV of what is sampled, in units of kT; see :class:`beadsmith.observe.response.fluctuation.Scaling`."""
    work = energy.virial.values / 3.0
    if pressure:
        assert recording.frames is not None
        work = work - pressure / ATMOSPHERES * np.linalg.det(recording.frames.boxes)[:, None]
    return np.asarray(work / (BOLTZMANN * temperature))


def _of_molecules(observable: OfMolecules, recording: Recording, energy: Energies) -> tuple[FrameValues, int]:
    """A property of molecules in each frame, of each group; and the first settled frame."""
    assert recording.frames is not None  # energies() saw to both
    assert recording.topology is not None
    molecules = molecules_of_kind(recording.topology, observable.molecule)
    each = _SHAPES[observable.kind](recording.frames.positions, molecules)
    first = mean_over_molecules(each).start
    if energy.sampled.values.shape[1] == 1:
        each = each.mean(axis=1, keepdims=True)
    return of_positions(each, energy.sampled.slopes.shape[2]), first


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


def _first_settled(recording: Recording, kind: str, values: FrameValues) -> int:
    """The first frame to use: where the series settled that the observable is the mean of."""
    frames = len(values.values)
    series = values.values.mean(axis=1)
    if recording.series is not None and kind in recording.series.columns:
        series = np.asarray(recording.series.columns[kind], dtype=np.float64)
    if len(series) < FEWEST_SAMPLES:
        return 0
    return -(-mean_of_series(series).start * frames // len(series))


def _temperature(recording: Recording) -> float:
    if "T" not in recording.state:
        raise EstimateError("the state does not say its temperature, T")
    return recording.state["T"]
