"""The states of networks that can be simulated side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import load_problem
from beadsmith.problem.states import at_all_degrees, at_states

EPOXY = Path("examples/epoxy/pacm.yaml")
PEBAX = Path("examples/pebax/problem.yaml")


@pytest.fixture(scope="module")
def epoxy():
    return load_problem(EPOXY, "ci")


def states_of(problems):
    return {state for one in problems for network in one.experiments.values() for state in recorded_states(network)}


@pytest.mark.parametrize("wanted", [{"DC": (0.9, 0.2, 0.5)}, {"DC": (0.2, 0.5), "P": (1.0, 2.0)}])
def test_the_same_states_in_fewer_problems(epoxy, wanted):
    together = at_all_degrees(epoxy, wanted)
    each = [problem for _, problem in at_states(epoxy, wanted)]
    assert len(together) == len(wanted.get("P", (0,)))
    assert states_of(together) == states_of(each)


@pytest.mark.parametrize("wanted", [{}, {"DC": (0.5,)}, {"T": (300.0, 400.0)}])
def test_one_degree_needs_no_company(epoxy, wanted):
    assert at_all_degrees(epoxy, wanted) == []


def test_a_melt_has_one_state_at_a_time():
    assert at_all_degrees(load_problem(PEBAX, "ci"), {"DC": (0.1, 0.2)}) == []
