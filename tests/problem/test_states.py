import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.state import State, same_state
from beadsmith.problem.states import at_states

values = st.dictionaries(st.sampled_from(["T", "DC", "P"]), st.floats(-1e6, 1e6))


@settings(max_examples=40)
@given(values)
def test_a_state_is_the_same_however_it_was_put_together(mapping):
    backward = dict(reversed(mapping.items()))
    assert State.of(mapping) == State.of(backward)
    assert hash(State.of(mapping)) == hash(State.of(backward))
    assert State.of(mapping).as_dict() == mapping
    assert list(State.of(mapping)) == sorted(mapping)


def test_a_state_says_what_it_knows():
    state = State.of(T=300, DC=0.5)
    assert (state["T"], state["DC"]) == (300.0, 0.5)
    assert "T" in state
    assert "P" not in state
    assert state.label == "DC=0.5, T=300"
    assert state.with_(T=400) == State.of(T=400, DC=0.5)
    assert state == State.of(T=300, DC=0.5)
    assert State().label == ""
    with pytest.raises(KeyError):
        state["P"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (State.of(T=300), State.of(T=300 + 1e-5), True),
        (State.of(T=300), State.of(T=300.1), False),
        (State.of(DC=0), State.of(DC=1e-13), True),
        (State.of(DC=0), State.of(DC=1e-3), False),
        (State.of(T=300), State.of(T=300, DC=0), False),
        (State(), State(), True),
    ],
)
def test_states_agree_up_to_rounding(one, other, same):
    assert same_state(one, other) is same
    assert same_state(other, one) is same


def temperatures(problem, experiment) -> list[float]:
    return [state["T"] for state in recorded_states(problem.experiments[experiment])]


def test_ladders_and_recorded_stretches_take_the_temperatures_wanted(load, document):
    ((state, problem),) = at_states(load(document), {"T": (500.0, 350.0, 200.0)})
    assert state == State()
    # The ladder cooled, so it still does.
    assert temperatures(problem, "melt") == [500, 350, 200]
    assert temperatures(problem, "alone") == [500, 350, 200]
    # Nothing is recorded where the densities were given, and the glass transition has no temperature.
    assert {target.observable for target in problem.targets} == {"tg"}


def test_targets_keep_their_tolerances_at_other_states(load, document):
    document["precision"] = {"of_target": 0.5}
    document["targets"]["density"]["uncertainty"] = "0.01 0.02 g/cm^3"
    ((_, problem),) = at_states(load(document), {"T": (400.0, 350.0)})
    kept = {target.observable: tolerance for target, tolerance in zip(problem.targets, problem.tolerances, strict=True)}
    assert kept == {"density": 0.01, "tg": math.inf}  # of 400 K alone


def test_the_temperatures_that_are_there_already_may_be_asked_for(load, document):
    problem = load(document)
    ((_, again),) = at_states(problem, {"T": (300.0, 325.0, 375.0, 400.0)})
    assert temperatures(again, "melt") == temperatures(problem, "melt") == [400, 375, 325, 300]
    assert again.targets == problem.targets


def test_each_temperature_is_recorded_once_by_the_ladder_nearest_to_it(load, document):
    protocol = document["experiments"]["melt"]["protocol"]
    ladder = protocol.pop()
    cooling = {"stage": "npt", "temperature": "375 to 325 K", "duration": "10 ps"}
    protocol += [{**ladder, "temperatures": "400 375 K"}, cooling, {**ladder, "temperatures": "325 300 K"}]
    problem = load(document)
    for wanted, recorded in {
        (280.0, 420.0): [420, 280],
        (340.0,): [340],
        (360.0,): [360],
        (340.0, 340.0): [340],
        (300.0, 325.0, 375.0, 400.0): [400, 375, 325, 300],
    }.items():
        ((_, restated),) = at_states(problem, {"T": wanted})
        assert temperatures(restated, "melt") == recorded
        # A ladder that got none is gone; an empty one could not say where it begins.
        ladders = [stage for stage in restated.experiments["melt"].protocol if stage.stage == "ladder"]
        assert all(ladder.temperatures for ladder in ladders)


def test_other_variables_make_one_problem_for_every_combination(load, document):
    problem = load(document)
    found = at_states(problem, {"DC": (0.0, 0.5), "P": (1.0, 2.0)})
    assert [state for state, _ in found] == [State.of(DC=dc, P=p) for dc in (0, 0.5) for p in (1, 2)]
    for state, restated in found:
        assert all(same_state(one, state.with_(T=one["T"])) for one in recorded_states(restated.experiments["melt"]))
    assert at_states(problem, {}) == [(State(), problem)]


def test_an_experiment_of_the_users_own_keeps_its_temperature(load, document, tmp_path):
    (tmp_path / "in.own").write_text("units real\n")
    own = {
        "kind": "script",
        "script": "in.own",
        "timestep": "1 fs",
        "state": {"T": 310},
        "recordings": [{"log_run": 0}],
    }
    document["experiments"] = {"own": own}
    document["observables"] = {"density": {"kind": "density", "experiment": "own"}}
    document["targets"] = {}
    with pytest.raises(ProblemError, match=r"^--state T: received 300, expected an experiment that records"):
        at_states(load(document), {"T": (300.0,)})
    ((_, restated),) = at_states(load(document), {"DC": (0.5,)})
    assert recorded_states(restated.experiments["own"]) == (State.of(T=310, DC=0.5),)


def test_temperatures_must_be_positive(load, document):
    with pytest.raises(ProblemError, match=r"^--state T: received 0, expected positive temperatures"):
        at_states(load(document), {"T": (0.0,)})
