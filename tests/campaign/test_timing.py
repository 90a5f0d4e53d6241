"""What a model would cost, from a short run: of the dynamics, whatever else the protocol has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from beadsmith.campaign.timing import estimate_cost, total_steps
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Stage
from beadsmith.simulate.engine import Engine, find_engine

PUSH_OFF = {"stage": "push-off", "steps": 300}
LANGEVIN = {"stage": "langevin", "temperature": "300 K", "duration": "30000 steps", "record": True}
NVT = {"stage": "nvt", "temperature": "500 to 300 K", "duration": "30000 steps", "record": True}

#: Says of every run how long it took: 1 s a step while displacements are limited, 1 ms a step of true dynamics.
CLOCK = """#!/bin/sh
awk '/^fix dynamics/ {each = /limit/ ? 1 : 0.001} $1 == "run" {
    printf "Loop time of %g on 1 procs for %d steps with 16 atoms\\n\\n100.0%% CPU use\\n", each * $2, $2
}' in.lammps > log.lammps
"""


def with_protocol(problem: Problem, name: str, *stages: dict[str, Any]) -> Problem:
    protocol = tuple(TypeAdapter(Stage).validate_python(stage) for stage in stages)
    changed = problem.experiments[name].model_copy(update={"protocol": protocol})
    return replace(problem, file=problem.file.model_copy(update={"experiments": {name: changed}}))


@pytest.fixture
def clock(tmp_path: Path) -> Engine:
    """An engine whose speed is known."""
    script = tmp_path / "lmp"
    script.write_text(CLOCK)
    script.chmod(0o755)
    return Engine(str(script), "none", "", None, frozenset())


@pytest.mark.parametrize(
    ("name", "stages"),
    [("alone", [LANGEVIN]), ("alone", [PUSH_OFF, LANGEVIN]), ("melt", [PUSH_OFF, NVT]), ("melt", [PUSH_OFF, NVT, NVT])],
)
def test_what_is_timed_are_dynamics(tiny, clock, name, stages):
    problem = with_protocol(tiny, name, *stages)
    cost = estimate_cost(problem, name, clock)
    assert cost.steps == total_steps(problem.experiments[name])
    assert cost.core_seconds == pytest.approx(0.001 * cost.steps)


@pytest.mark.lammps
def test_a_single_stretch_of_dynamics_is_timed_with_lammps(tiny):
    cost = estimate_cost(with_protocol(tiny, "alone", LANGEVIN), "alone", find_engine())
    assert cost.beads == 16
    assert cost.core_seconds > 0
