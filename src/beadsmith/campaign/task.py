"""What a worker does: run one simulation, look at what it recorded, store the answer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.errors import EstimateError
from beadsmith.mapping import BeadCentres, mapped
from beadsmith.observe.experiment import observe_recordings
from beadsmith.observe.response.gradients import FluctuationGradient, observable_gradients
from beadsmith.problem.atomistic import is_of_atoms
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Array, Recording, joined
from beadsmith.problem.records import Failure, FailureKind, Gradient, Observation
from beadsmith.problem.schema import Observable
from beadsmith.simulate.diagnosis import diagnose, incomplete
from beadsmith.simulate.engine import Engine, Finished, Interrupted, run_simulation
from beadsmith.simulate.outputs import OutputMissing, read_recordings
from beadsmith.simulate.plan import Simulation
from beadsmith.simulate.resuming import clear_checkpoints, has_checkpoint, parts_of_dumps


@dataclass(frozen=True)
class Differentiated:
    """That derivatives are wanted, and what they need.

    Attributes:
        problem: form of the force field, and the free parameters.
        model: the model that is simulated.
    """

    problem: Problem
    model: Model


@dataclass(frozen=True)
class Task:
    """One simulation to run, and the question to it.

    Attributes:
        simulation: what to run.
        observables: what to measure in it.
        store: where finished simulations are.
        lease: file that exists as long as the driver wants the answer.
        keep_frames: whether positions are kept after they were looked at.
        differentiated: None if derivatives are not wanted.
        earlier: simulations that this one continues, the first one first; it answers for all of them together.
        centres: where beads are among the atoms; None if beads are simulated, or atoms that no mapping makes beads of.
    """

    simulation: Simulation
    observables: Mapping[str, Observable]
    store: RunStore
    lease: Path
    keep_frames: bool = True
    differentiated: Differentiated | None = None
    earlier: tuple[str, ...] = ()
    centres: BeadCentres | None = None


def question_of(observables: Mapping[str, Observable], experiment: str) -> str:
    """Digest of the observables of an experiment."""
    asked = {
        name: observable.model_dump(mode="json")
        for name, observable in observables.items()
        if getattr(observable, "experiment", None) == experiment
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def known_result(task: Task) -> RunResult | None:
    """The result, if the simulation has been run; what was not asked for then is measured now.

    None also if that cannot be done any more because positions were not kept, and if it was ended from outside in a way
    that need not happen again.
    """
    result = task.store.result(task.simulation.name)
    if result is None or _may_end_otherwise(result, task):
        return None
    if _answers(result, task):
        return result
    recordings = _with_earlier(task, task.store.recordings(result.name))
    renewed = _answered(replace(result, question=_question(task)), task, recordings)
    if renewed.failure is not None and not all(recording.frames for recording in recordings):
        return None
    task.store.answer(renewed)
    return renewed


def run_task(task: Task, engine: Engine) -> RunResult:
    """Run, read, observe, store.

    Raises:
        Interrupted: if the lease ended first; nothing is stored then.
    """
    known = known_result(task)
    if known is not None:
        return known
    attempt = task.store.attempt(task.simulation.name)
    try:
        result, recordings = _attempted(task, attempt, engine)
        if recordings:
            _discard_raw(task.simulation, attempt)
        if not task.keep_frames:
            recordings = tuple(replace(recording, frames=None) for recording in recordings)
        clear_checkpoints(attempt)
        if known_result(task) is None:
            # What was stored and does not answer makes room only now that there is something better.
            task.store.discard(task.simulation.name)
        task.store.finish(attempt, result, recordings)
    finally:
        if not has_checkpoint(attempt):
            shutil.rmtree(attempt, ignore_errors=True)
    return result


def _attempted(task: Task, attempt: Path, engine: Engine) -> tuple[RunResult, tuple[Recording, ...]]:
    """Run in a folder, where an earlier attempt may have left something to go on with, and read.

    Raises:
        Interrupted: if the lease ended first.
    """
    for local, (name, file) in task.simulation.inherited.items():
        task.store.lend(name, file, attempt / local)
    finished = run_simulation(task.simulation, attempt, engine, stop=lambda: not task.lease.exists())
    if not task.lease.exists():
        # The end of the campaign may have been the end of LAMMPS: that is no failure of its own.
        raise Interrupted
    result, recordings = _read(task, attempt, finished)
    if result.failure is not None and finished.resumed:
        # What was left may have been broken; what fails from the beginning fails for a reason.
        clear_checkpoints(attempt)
        return _attempted(task, attempt, engine)
    return result, recordings


def _read(task: Task, folder: Path, finished: Finished) -> tuple[RunResult, tuple[Recording, ...]]:
    """What a simulation that has ended says; no recordings if it failed."""
    simulation = task.simulation
    bare = RunResult(
        name=simulation.name,
        experiment=simulation.experiment,
        question=_question(task),
        observations=(),
        failure=diagnose(finished.ending, simulation.experiment),
        core_seconds=finished.core_seconds,
        wall_seconds=finished.wall_seconds,
        time_limit=simulation.time_limit,
    )
    if bare.failure is not None:
        return _failed(bare, bare.failure), ()
    try:
        recordings = read_recordings(simulation, folder, finished.ending.log)
    except OutputMissing as missing:
        return _failed(bare, incomplete(simulation.experiment, str(missing), finished.ending)), ()
    return _answered(bare, task, _with_earlier(task, recordings)), recordings


def _with_earlier(task: Task, own: Sequence[Recording]) -> tuple[Recording, ...]:
    """What the simulations that this one continues recorded, and what it added itself."""
    recordings: tuple[Recording, ...] = ()
    for name in task.earlier:
        more = task.store.recordings(name)
        recordings = joined(recordings, more) if recordings else more
    return joined(recordings, own) if recordings else tuple(own)


def _answered(result: RunResult, task: Task, recordings: Sequence[Recording]) -> RunResult:
    """The result with everything that the task asks for."""
    experiment = task.simulation.experiment
    for recording in recordings:
        if not _finite(recording):
            where = f"at {recording.state.label or 'its only state'}"
            return _failed(result, Failure(FailureKind.NOT_A_NUMBER, experiment, where))
    try:
        observations = _observed(task, recordings)
        gradients = _gradients(task, recordings)
    except EstimateError as error:
        return _failed(result, Failure(FailureKind.NOT_OBSERVABLE, experiment, str(error)))
    return replace(result, observations=observations, gradients=gradients, failure=None)


def _observed(task: Task, recordings: Sequence[Recording]) -> tuple[Observation, ...]:
    """Everything that is asked for: of beads, where atoms make beads, but for what is said to be of atoms."""
    experiment = task.simulation.experiment
    if task.centres is None:
        return observe_recordings(recordings, task.observables, experiment)
    of_atoms = {name: one for name, one in task.observables.items() if is_of_atoms(one)}
    of_beads = {name: one for name, one in task.observables.items() if name not in of_atoms}
    beads = [mapped(recording, task.centres) for recording in recordings]
    return (
        *observe_recordings(beads, of_beads, experiment),
        *observe_recordings(recordings, of_atoms, experiment),
    )


def _finite(recording: Recording) -> bool:
    """Whether all that was recorded are numbers."""
    arrays = [] if recording.series is None else list(recording.series.columns.values())
    if recording.frames is not None:
        arrays += [recording.frames.positions, recording.frames.boxes]
    return all(np.isfinite(array).all() for array in arrays)


def _gradients(task: Task, recordings: Sequence[Recording]) -> tuple[Gradient, ...] | None:
    wanted = task.differentiated
    if wanted is None:
        return None
    return gradient_records(observable_gradients(recordings, wanted.problem, wanted.model, task.simulation.experiment))


def gradient_records(found: Sequence[FluctuationGradient]) -> tuple[Gradient, ...]:
    """Fluctuation gradients as records to be stored."""
    return tuple(
        Gradient(
            one.observable,
            one.state,
            dict(zip(one.parameters, _rounded(one.values), strict=True)),
            dict(zip(one.parameters, _rounded(one.stderrs), strict=True)),
        )
        for one in found
    )


def _rounded(values: Array) -> list[float]:
    """Six significant digits, more than a fluctuation gradient has, in an eighth of the space.

    Rounded here and not on the way to disk: a search must see the same numbers when it is replayed.
    """
    return [float(f"{value:.6g}") for value in values.tolist()]


def _failed(result: RunResult, failure: Failure) -> RunResult:
    return replace(result, observations=(), gradients=None, failure=replace(failure, folder=f"runs/{result.name}"))


def _may_end_otherwise(result: RunResult, task: Task) -> bool:
    """Whether the same simulation may go further today: with more memory, or with more time than it had."""
    if result.failure is None:
        return False
    if result.failure.kind is FailureKind.TIMEOUT:
        return result.time_limit < task.simulation.time_limit
    return result.failure.kind is FailureKind.KILLED


def _answers(result: RunResult, task: Task) -> bool:
    """Whether a stored result says all that the task asks for; most failures say all there is to say."""
    if result.failure is not None and result.failure.kind is not FailureKind.NOT_OBSERVABLE:
        return True
    complete = task.differentiated is None or result.gradients is not None or result.failure is not None
    return complete and result.question == _question(task)


def _question(task: Task) -> str:
    return question_of(task.observables, task.simulation.experiment)


def _discard_raw(simulation: Simulation, folder: Path) -> None:
    """Raw outputs that are now in the recordings, three times smaller, and what was lent; a user's own files stay."""
    for name in simulation.inherited:
        (folder / name).unlink(missing_ok=True)
    for number in range(len(simulation.stretches)):
        (folder / f"series_{number}.txt").unlink(missing_ok=True)
        for part in parts_of_dumps(folder, number):
            part.unlink()
