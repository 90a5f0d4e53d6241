"""Finished simulations on disk: whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.recording import Frames, Recording, Series, Topology
from beadsmith.problem.records import Failure, FailureKind, Observation
from beadsmith.problem.state import State

RESULT = RunResult("abc", "melt", "q", (Observation("density", State.of(T=300), 1.0, 0.1),), None, 2.0, 3.0)


def recording() -> Recording:
    random = np.random.default_rng(1)
    topology = Topology(np.array([10.0, 12.0]), np.array([1, 2]), np.array([1, 1]), {1: "dimer"})
    series = Series(5.0, {"density": random.normal(size=7), "pressure": random.normal(size=7)})
    frames = Frames(50.0, random.normal(scale=30, size=(3, 2, 3)), np.tile(np.eye(3), (3, 1, 1)))
    return Recording("melt", State.of(T=300), series, frames, topology)


def test_what_is_stored_comes_back(tmp_path):
    store = RunStore(tmp_path)
    store.finish(store.attempt("abc"), RESULT, [recording()])
    assert store.result("abc") == RESULT
    back = store.recordings("abc")[0]
    original = recording()
    np.testing.assert_array_equal(back.series.columns["density"], original.series.columns["density"])
    np.testing.assert_allclose(back.frames.positions, original.frames.positions, atol=1e-5)
    assert back.topology.molecule_kinds == {1: "dimer"}
    assert (back.state, back.series.interval, back.frames.interval) == (original.state, 5.0, 50.0)


def test_a_failure_comes_back(tmp_path):
    store = RunStore(tmp_path)
    failed = RunResult("abc", "melt", "q", (), Failure(FailureKind.TIMEOUT, "melt", "slow", "tail"), 2.0, 3.0)
    store.finish(store.attempt("abc"), failed, ())
    assert store.result("abc") == failed
    assert store.recordings("abc") == ()


def test_an_attempt_is_not_a_result(tmp_path):
    store = RunStore(tmp_path)
    attempt = store.attempt("abc")
    (attempt / "result.json").write_text("half")
    assert store.result("abc") is None
    assert store.names() == []
    store.clear_attempts()
    assert not attempt.exists()


def test_an_attempt_that_can_go_on_waits_for_the_next_driver_and_for_nobody_else(tmp_path):
    store = RunStore(tmp_path)
    first, second = store.attempt("abc"), store.attempt("abc")
    (first / "checkpoint_0.1").write_bytes(b"a restart file")
    # While it may be running, nobody takes it.
    assert not (store.attempt("abc") / "checkpoint_0.1").exists()
    store.clear_attempts()
    store.clear_attempts()
    assert not second.exists()
    assert (store.attempt("abc") / "checkpoint_0.1").exists()
    assert not (store.attempt("abc") / "checkpoint_0.1").exists()
    assert not (store.attempt("xyz") / "checkpoint_0.1").exists()


def test_the_first_of_two_attempts_counts(tmp_path):
    store = RunStore(tmp_path)
    first, second = store.attempt("abc"), store.attempt("abc")
    store.finish(first, RESULT, ())
    store.finish(second, RunResult("abc", "melt", "q", (), None, 9.0, 9.0), ())
    assert store.result("abc") == RESULT
    assert not second.exists()


def test_only_one_driver_at_a_time(tmp_path):
    study = Study(tmp_path / "study")
    with study.driven(), pytest.raises(StudyError, match="another beadsmith"), Study(tmp_path / "study").driven():
        pass
    with study.driven():
        pass


def test_the_lease_ends_with_the_block(tmp_path):
    study = Study(tmp_path)
    with study.lease() as lease:
        assert lease.exists()
    assert not lease.exists()
