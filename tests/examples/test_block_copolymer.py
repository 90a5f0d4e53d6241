"""The example with a hidden model: a search that does not know it finds models that behave like it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beadsmith.problem.problem import load_model, load_problem

EXAMPLE = Path(__file__).parents[2] / "examples" / "block-copolymer"


def calibrated(tmp_path, *words):
    answer = tmp_path / "answer.json"
    command = [sys.executable, "-m", "beadsmith", "run", str(EXAMPLE / "problem.yaml"), "--study", str(tmp_path / "s")]
    subprocess.run([*command, "--json", str(answer), *words], check=True, timeout=1200)
    return json.loads(answer.read_text())


@pytest.mark.parametrize("fidelity", ["quick", "ci", "targets"])
def test_the_hidden_model_is_one_of_those_that_are_searched(fidelity):
    problem = load_problem(EXAMPLE / "problem.yaml", fidelity)
    hidden = load_model(EXAMPLE / "models" / "hidden.yaml", problem).at(problem.targets[0].state)
    assert len(problem.parameters.free) == 12
    for parameter in problem.parameters.free:
        assert parameter.low < hidden[parameter.name] < parameter.high


@pytest.mark.lammps
def test_five_evaluations_come_a_long_way(tmp_path):
    answer = calibrated(tmp_path, "--fidelity", "ci", "--evaluations", "5", "--remeasure", "0", "--seed", "4")
    assert answer["search"] == "gauss-newton"
    first, *_ = answer["misfits"]
    assert min(answer["misfits"]) < 0.1 * first


@pytest.mark.slow
@pytest.mark.lammps
def test_the_model_that_is_found_is_nearly_as_good_as_the_hidden_one(tmp_path):
    answer = calibrated(tmp_path, "--seed", "5")
    (hidden,) = answer["compare"]
    assert answer["best"]["misfit"] < hidden["misfit"] + 2.0
