"""Kish's fraction: one for the same model, nothing left far away; its closed form stands in test_closed_forms."""

from dataclasses import replace

import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.response import remaining_fraction
from beadsmith.problem.model import constant_model
from beadsmith.problem.state import State

PAIR = "style: lj/cut, cutoff: 6 angstrom"


def test_the_same_model_loses_nothing_and_a_far_one_all(make_problem, model_of, record):
    problem = make_problem(PAIR)
    model, recording = model_of(problem), record(problem, frames=20)
    point = model.at(recording.state)
    assert remaining_fraction(recording, problem, model, model) == pytest.approx(1.0)
    far = constant_model("far", problem.parameters, {**point, "pair.A.sigma": 1.3 * point["pair.A.sigma"]})
    assert remaining_fraction(recording, problem, model, far) == pytest.approx(1 / 20, rel=0.05)
    with pytest.raises(EstimateError, match="temperature"):
        remaining_fraction(replace(recording, state=State()), problem, model, model)
