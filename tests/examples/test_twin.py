"""The twin of the epoxy problem: its targets are what they say, and its hidden functions are found."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from beadsmith.problem.functions import Constant, Linear, RadialBasis
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


def test_what_real_simulations_hide_lies_inside_the_envelopes(tmp_path):
    """250 runs of real LAMMPS, and what the published model gave on networks that none of them has seen."""
    command = [sys.executable, "-m", "beadsmith", "calibrate", str(EXAMPLE / "renormalization.yaml")]
    subprocess.run([*command, "--study", str(tmp_path / "study")], check=True, timeout=1200)
    problem = load_problem(EXAMPLE / "renormalization.yaml")
    hidden = load_model(EXAMPLE / "models" / "giuntoli2021.yaml", problem)
    envelopes = json.loads((tmp_path / "study" / "uncertainty.json").read_text())["posterior"]["envelopes"]
    deviations = np.concatenate([_deviations(hidden, name, one) for name, one in envelopes.items()])
    assert np.abs(deviations).max() < 3.0
    assert (np.abs(deviations) < 2.0).mean() > 0.9
    # Densities know the sizes of the beads that fill most of the boxes: far better than "somewhere in the range".
    for one in problem.parameters.free:
        if one.name in ("pair.B2.sigma", "pair.B6.sigma"):
            assert np.mean(envelopes[one.name]["stderr"]) < 0.6 * (one.high - one.low) / math.sqrt(12)


@pytest.mark.slow
def test_hidden_functions_are_found_and_their_classes_too(tmp_path):
    """Exactly the class of each of the fourteen: nine constants, four lines, one of radial basis functions."""
    command = [sys.executable, "-m", "beadsmith", "renormalize", str(EXAMPLE / "twin.yaml")]
    command += ["--study", str(tmp_path / "study"), "--json", str(tmp_path / "answer.json")]
    subprocess.run(command, check=True, timeout=1200)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["free_parameters"] == {"before": 43, "after": 21}
    for when in ("before", "after"):
        assert max(error for system in answer["rmspe"][when].values() for error in system.values()) < 5
    assert answer["validated"]
    problem = load_problem(EXAMPLE / "twin.yaml")
    hidden = load_model(EXAMPLE / "models" / "giuntoli2021.yaml", problem)
    classes = {Constant: "constant", Linear: "linear", RadialBasis: "rbf"}
    assert answer["forms"]["after"] == {
        one.name: classes[type(hidden.functions[one.name])] for one in problem.parameters.free
    }
    # Each hidden function lies within three standard deviations of the posterior's mean at every state, and most of
    # what they say within two.
    posterior = json.loads((tmp_path / "study" / "uncertainty.json").read_text())["posterior"]
    deviations = np.concatenate([_deviations(hidden, name, one) for name, one in posterior["envelopes"].items()])
    assert np.abs(deviations).max() < 3.0
    assert (np.abs(deviations) < 2.0).mean() > 0.9
    # What is simplified is as close: 3 % of the range of each function, at every state.
    simplified = load_model(tmp_path / "study" / "simplified.yaml", problem)
    for degree in (0.0, 0.5, 0.95):
        found, wanted = (model.at(State.of(DC=degree)) for model in (simplified, hidden))
        for one in problem.parameters.free:
            assert abs(found[one.name] - wanted[one.name]) < 0.03 * (one.high - one.low), one.name


def _deviations(hidden, name, envelope):
    """Of a hidden function from the mean of its envelope, in standard deviations."""
    truth = [hidden.functions[name](State.of(DC=point)) for point in envelope["points"]]
    return (np.array(truth) - envelope["mean"]) / envelope["stderr"]
