"""The section ``considered`` and the prior: the shape of targets without values, and no part of the misfit."""

from __future__ import annotations

import pytest

from beadsmith.problem.problem import problem_schema
from beadsmith.problem.schema import PRIOR_WIDTH
from beadsmith.problem.state import State
from beadsmith.problem.targets import resolve_considered


def considered(problem):
    return resolve_considered(problem.file.considered, problem.observables)


def test_one_entry_for_each_state_with_its_uncertainty(load, document):
    document["considered"] = {
        "density": {"state": {"T": "300 400 K"}, "uncertainty": "10 20 kg/m^3", "source": "a dilatometer"},
        "tg": {"uncertainty": "10 K"},
    }
    problem = load(document)
    cold, hot, transition = considered(problem)
    assert (cold.observable, cold.state, cold.source) == ("density", State.of(T=300), "a dilatometer")
    assert [cold.stderr, hot.stderr] == pytest.approx([0.01, 0.02])
    assert (transition.observable, transition.state, transition.stderr) == ("tg", State(), 10.0)
    assert len(problem.targets) == len(load({**document, "considered": {}}).targets)


def test_nothing_is_considered_unless_said(load, document):
    assert considered(load(document)) == ()


@pytest.mark.parametrize(
    ("name", "entry", "where", "fragment"),
    [
        ("densty", {"uncertainty": "1 K"}, "considered.densty", "did you mean 'density'?"),
        (
            "density",
            {"state": {"T": "350 K"}, "uncertainty": "0.1 g/cm^3"},
            "considered.density.state",
            "received T=350",
        ),
        ("tg", {"state": {"T": "350 K"}, "uncertainty": "10 K"}, "considered.tg.state", "no temperature"),
        ("density", {"state": {"T": "300 K"}, "uncertainty": "1 K"}, "considered.density.uncertainty", "density"),
        ("density", {"state": {"T": "300 K"}, "uncertainty": "0 g/cm^3"}, "considered.density.uncertainty", "positive"),
        (
            "density",
            {"state": {"T": "300 K"}, "uncertainty": "1 2 g/cm^3"},
            "considered.density.uncertainty",
            "as many as states, 1",
        ),
        ("density", {"state": {"T": "300 300 K"}, "uncertainty": "1 g/cm^3"}, "considered.density.state", "twice"),
        ("density", {"state": {"T": "300 K"}}, "considered.density.uncertainty", "this key"),
        ("density", {"value": "1 g/cm^3", "uncertainty": "1 g/cm^3"}, "considered.density.value", "remove it"),
    ],
)
def test_what_cannot_be_considered_gets_one_sentence(document, complaint, name, entry, where, fragment):
    document["considered"] = {name: entry}
    message = complaint(document)
    assert message.startswith(f"{where}: ")
    assert fragment in message


def test_the_prior_is_a_part_of_the_range(load, document, complaint):
    assert load(document).file.search.prior == PRIOR_WIDTH
    document["search"] = {"prior": 0.1}
    assert load(document).file.search.prior == 0.1
    document["search"] = {"prior": 0}
    assert complaint(document).startswith("search.prior: received 0, expected a number above 0")


def test_editors_know_both():
    schema = problem_schema()
    assert "considered" in schema["properties"]
    assert "prior" in schema["$defs"]["Search"]["properties"]
