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
from beadsmith.observe.experiment import observe_recordings
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Failure, FailureKind, Observation
from beadsmith.problem.schema import Observable
from beadsmith.simulate.diagnosis import diagnose, incomplete
from beadsmith.simulate.engine import Engine, Interrupted, run_simulation
from beadsmith.simulate.outputs import OutputMissing, read_recordings
from beadsmith.simulate.plan import Simulation

#: Raised through to the driver when it asked for the end; named here for those who submit tasks.
__all__ = ["Interrupted", "Task", "question_of", "run_task"]


@dataclass(frozen=True)
class Task:
    """One simulation to run, and the question to it.

    Attributes:
        simulation: what to run.
        observables: what to measure in it.
        store: where finished simulations are.
        lease: file that exists as long as the driver wants the answer.
        keep_frames: whether positions are kept after they were looked at.
    """

    simulation: Simulation
    observables: Mapping[str, Observable]
    store: RunStore
    lease: Path
    keep_frames: bool = True


def question_of(observables: Mapping[str, Observable], experiment: str) -> str:
    """Digest of the observables of an experiment."""
    asked = {
        name: observable.model_dump(mode="json")
        for name, observable in observables.items()
        if getattr(observable, "experiment", None) == experiment
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def known_result(task: Task) -> RunResult | None:
    """The result, if the simulation has been run; observables asked for since then are measured now.

    None also if they cannot be measured any more because positions were not kept.
    """
    result = task.store.result(task.simulation.name)
    question = question_of(task.observables, task.simulation.experiment)
    if result is None or result.question == question:
        return result
    if result.failure is not None and result.failure.kind is not FailureKind.NOT_OBSERVABLE:
        return result
    recordings = task.store.recordings(result.name)
    answer = _observe(task, recordings)
    if isinstance(answer, Failure) and not all(recording.frames for recording in recordings):
        return None
    renewed = replace(_answered(result, answer), question=question)
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
    simulation = task.simulation
    attempt = task.store.attempt(simulation.name)
    try:
        finished = run_simulation(simulation, attempt, engine, stop=lambda: not task.lease.exists())
        failure = diagnose(finished.ending, simulation.experiment)
        recordings: tuple[Recording, ...] = ()
        if failure is None:
            try:
                recordings = read_recordings(simulation, attempt, finished.ending.log)
            except OutputMissing as missing:
                failure = incomplete(simulation.experiment, str(missing), finished.ending)
        bare = RunResult(
            name=simulation.name,
            experiment=simulation.experiment,
            question=question_of(task.observables, simulation.experiment),
            observations=(),
            failure=None,
            core_seconds=finished.core_seconds,
            wall_seconds=finished.wall_seconds,
        )
        result = _answered(bare, failure or _observe(task, recordings))
        if failure is None:
            _discard_text(simulation, attempt)
        if not task.keep_frames:
            recordings = tuple(replace(recording, frames=None) for recording in recordings)
        if not task.lease.exists():
            # A process group shares its Ctrl-C: this may be the end of LAMMPS and not its own failure.
            raise Interrupted
        task.store.finish(attempt, result, recordings)
    finally:
        shutil.rmtree(attempt, ignore_errors=True)
    return result


def _observe(task: Task, recordings: Sequence[Recording]) -> tuple[Observation, ...] | Failure:
    experiment = task.simulation.experiment
    for recording in recordings:
        if recording.series is not None and not all(np.isfinite(c).all() for c in recording.series.columns.values()):
            return Failure(FailureKind.NOT_A_NUMBER, experiment, f"at {recording.state.label or 'its only state'}")
    try:
        return observe_recordings(recordings, task.observables, experiment)
    except EstimateError as error:
        return Failure(FailureKind.NOT_OBSERVABLE, experiment, str(error))


def _answered(result: RunResult, answer: tuple[Observation, ...] | Failure) -> RunResult:
    if isinstance(answer, Failure):
        return replace(result, observations=(), failure=replace(answer, folder=f"runs/{result.name}"))
    return replace(result, observations=answer, failure=None)


def _discard_text(simulation: Simulation, folder: Path) -> None:
    """Raw text that is now in the recordings, ten times smaller; a user's own files are left alone."""
    for number in range(len(simulation.stretches)):
        (folder / f"series_{number}.txt").unlink(missing_ok=True)
        (folder / f"frames_{number}.dump").unlink(missing_ok=True)
