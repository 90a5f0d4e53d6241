"""The twin of the epoxy problem: its targets are what they say, and its hidden functions are found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.state import State

EXAMPLE = Path(__file__).parents[2] / "examples" / "epoxy"


def test_the_hidden_functions_are_among_those_that_are_searched():
    problem = load_problem(EXAMPLE / "twin.yaml")
    hidden = load_model(EXAMPLE / "models" / "giuntoli2021.yaml", problem)
    assert len(problem.parameters.free) == 14
    for degree in (0.0, 0.5, 0.95):
        values = hidden.at(State.of(DC=degree))
        assert all(one.low < values[one.name] < one.high for one in problem.parameters.free)


def test_the_targets_are_what_the_script_makes():
    made = subprocess.run(
        [sys.executable, str(EXAMPLE / "make_twin_targets.py")], capture_output=True, text=True, check=True, timeout=100
    )
    stored = yaml.safe_load((EXAMPLE / "twin.yaml").read_text())["targets"]
    assert yaml.safe_load(made.stdout)["targets"] == stored


def test_the_real_study_shares_its_beads_and_its_ranges_with_the_twin():
    twin, real = load_problem(EXAMPLE / "twin.yaml"), load_problem(EXAMPLE / "renormalization.yaml")
    assert real.parameters.free == twin.parameters.free
    assert list(real.experiments) == list(twin.experiments)


@pytest.mark.slow
def test_hidden_functions_are_found_with_half_the_numbers(tmp_path):
    command = [sys.executable, "-m", "beadsmith", "renormalize", str(EXAMPLE / "twin.yaml")]
    command += ["--study", str(tmp_path / "study"), "--json", str(tmp_path / "answer.json")]
    subprocess.run(command, check=True, timeout=1200)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["free_parameters"]["before"] == 43
    assert answer["free_parameters"]["after"] <= 24
    for when in ("before", "after"):
        assert max(error for system in answer["rmspe"][when].values() for error in system.values()) < 5
    assert answer["validated"]
    # What depends on the degree of crosslinking most, and what does not at all.
    assert answer["forms"]["after"]["pair.B3.sigma"] != "constant"
    assert answer["forms"]["after"]["pair.B7.sigma"] == "constant"
