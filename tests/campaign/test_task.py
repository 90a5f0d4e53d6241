"""What a worker makes of recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.task import Task, known_result, run_task
from beadsmith.problem.model import constant_model
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.records import FailureKind
from beadsmith.problem.state import State
from beadsmith.simulate.engine import Engine, Interrupted
from beadsmith.simulate.plan import plan_simulation


@pytest.fixture
def task(tiny, tmp_path) -> Task:
    """A simulation of isolated dimers, whose length is wanted."""
    point = {parameter.name: parameter.low for parameter in tiny.parameters.free}
    simulation = plan_simulation(tiny, "alone", constant_model("low", tiny.parameters, point), 1, "none")
    return Task(simulation, tiny.observables, RunStore(tmp_path / "runs"), tmp_path / "lease")


@pytest.fixture
def recording(task) -> Recording:
    """Twenty frames of independent dimers."""
    positions = np.random.default_rng(5).normal(scale=3.0, size=(20, 16, 3))
    frames = Frames(75.0, positions, np.tile(100.0 * np.eye(3), (20, 1, 1)))
    return Recording("alone", State.of(T=300), None, frames, task.simulation.topology)


def looked_at(task: Task, recording: Recording) -> RunResult:
    """The result of a simulation that recorded this and was asked for something else at first."""
    name = task.simulation.name
    task.store.finish(task.store.attempt(name), RunResult(name, "alone", "other", (), None, 1.0, 1.0), [recording])
    result = known_result(task)
    assert result is not None
    return result


def test_numbers_are_measured(task, recording):
    result = looked_at(task, recording)
    assert result.failure is None
    assert [one.observable for one in result.observations] == ["length"]


@pytest.mark.parametrize("what", ["positions", "boxes"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_positions_and_boxes_that_are_no_numbers_are_a_failure(task, recording, what, number):
    damaged = getattr(recording.frames, what).copy()
    damaged[3, 2, 1] = number
    result = looked_at(task, replace(recording, frames=replace(recording.frames, **{what: damaged})))
    assert result.failure is not None
    assert (result.failure.kind, result.failure.detail) == (FailureKind.NOT_A_NUMBER, "at T=300")


@pytest.fixture
def engine_that(tmp_path) -> Callable[[str], Engine]:
    """Engines that do what a line of shell says."""

    def make(line: str) -> Engine:
        script: Path = tmp_path / "lmp"
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        return Engine(str(script), "none", "", None, frozenset())

    return make


def ended(task: Task, engine: Engine, **changes: float) -> FailureKind | None:
    """The failure of a task, run or known, with other limits."""
    task.lease.touch()
    result = run_task(replace(task, simulation=replace(task.simulation, **changes)), engine)
    return None if result.failure is None else result.failure.kind


def test_what_was_stopped_at_its_limit_is_run_again_with_a_longer_one_only(task, engine_that):
    assert ended(task, engine_that("sleep 60"), time_limit=0.2) is FailureKind.TIMEOUT
    broken = engine_that("exit 20")
    for limit in (0.1, 0.2):
        assert ended(task, broken, time_limit=limit) is FailureKind.TIMEOUT
    assert ended(task, broken, time_limit=20.0) is FailureKind.ENGINE_ERROR
    # The new answer has taken the place of the old one, and is as final as any.
    assert task.store.result(task.simulation.name).failure.kind is FailureKind.ENGINE_ERROR
    assert ended(task, engine_that("sleep 60"), time_limit=99.0) is FailureKind.ENGINE_ERROR
    assert [entry.name for entry in task.store.root.iterdir()] == [task.simulation.name]


def test_what_was_killed_is_run_again(task, engine_that):
    assert ended(task, engine_that("kill -9 $$")) is FailureKind.KILLED
    assert known_result(task) is None
    assert ended(task, engine_that("exit 20")) is FailureKind.ENGINE_ERROR


def test_until_it_has_been_run_again_the_old_failure_stays_where_the_report_says(task, engine_that):
    ended(task, engine_that("kill -9 $$"))
    task.lease.unlink()
    with pytest.raises(Interrupted):
        run_task(task, engine_that("sleep 60"))
    assert task.store.result(task.simulation.name).failure.kind is FailureKind.KILLED
