"""The same protocol, slower."""

from __future__ import annotations

import math

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.longer import lengthened, single_runs
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.spread import protocol_digest


def durations(experiment):
    """Steps of every stage that has a duration."""
    return [
        parse_duration(text, experiment.timestep)
        for stage in experiment.protocol
        for text in (getattr(stage, key, None) for key in ("duration", "ramp", "hold"))
        if text is not None
    ]


def test_all_durations_and_nothing_else_become_longer(document, load):
    problem = load(document)
    longer = lengthened(problem, 4.0)
    for name, experiment in problem.experiments.items():
        slow = longer.experiments[name]
        assert durations(slow) == [4 * steps for steps in durations(experiment)]
        assert slow.time_limit == 4 * experiment.time_limit
        assert slow.timestep == experiment.timestep
    fast, slow = problem.experiments["melt"].protocol, longer.experiments["melt"].protocol
    assert slow[0] == fast[0]
    assert slow[2].temperatures == fast[2].temperatures
    assert slow[2].frames == 4 * fast[2].frames
    assert longer.targets == problem.targets


def test_steps_are_rounded_to_whole_ones(document, load):
    document["experiments"]["alone"]["protocol"][0]["duration"] = "3 steps"
    assert durations(lengthened(load(document), 1.5).experiments["alone"]) == [4]


def test_another_length_is_another_protocol(document, load):
    problem = load(document)
    assert protocol_digest(lengthened(problem, 2.0).experiments) != protocol_digest(problem.experiments)


def test_a_script_of_ones_own_cannot_be_made_longer(document, load, tmp_path):
    (tmp_path / "in.mine").write_text("run 10\n")
    script = {"kind": "script", "script": "in.mine", "timestep": "4 fs", "recordings": [{"log_run": 0}]}
    document["experiments"]["mine"] = script
    with pytest.raises(ProblemError, match="--against"):
        lengthened(load(document), 4.0)


def test_single_runs_want_no_precision(document, load):
    document["precision"] = {"replicas": 4}
    problem = load(document)
    assert min(problem.tolerances) < math.inf
    bare = single_runs(problem)
    assert bare.file.precision is None
    assert bare.tolerances == (math.inf,) * len(problem.targets)
