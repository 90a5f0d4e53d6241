"""What a worker makes of recordings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.task import Task, known_result
from beadsmith.problem.model import constant_model
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.records import FailureKind
from beadsmith.problem.state import State
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
