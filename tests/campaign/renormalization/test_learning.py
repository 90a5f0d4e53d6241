"""From rows to surrogates, and from targets to references."""

import numpy as np
import pytest

from beadsmith.campaign.renormalization.learning import (
    calibrated_systems,
    held_variables,
    learn,
    measurements_of,
    reference_emulators,
    states_to_validate,
)
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.renormalization.table import Row
from beadsmith.errors import EstimateError, ProblemError
from beadsmith.problem.problem import load_problem
from beadsmith.problem.state import State


def rows(count: int = 30, **more: float) -> list[Row]:
    """Both systems, without noise; ``more`` are further state variables."""
    rng = np.random.default_rng(1)
    found = []
    for a, b, c, dc in zip(*rng.uniform(0.2, 1.2, (3, count)), rng.uniform(0, 1, count), strict=True):
        one = {"one_density": (1 + 0.1 * a + (0.3 - 0.1 * dc) * b + 0.1 * dc, 0.001)}
        one["one_stiffness"] = (float(np.exp(0.4 * a - 0.2 * b + 0.5 * dc)), 0.001)
        other = {"other_density": (1.2 - 0.1 * b + 0.2 * c * (1 + dc), 0.001)}
        found.append(Row("one", {"DC": dc, "pair.A.epsilon": a, "pair.B.epsilon": b, **more}, one))
        found.append(Row("other", {"DC": dc, "pair.B.epsilon": b, "pair.C.epsilon": c, **more}, other))
    return found


def test_surrogates_know_what_they_were_taught(two_systems):
    learnt = learn(two_systems, systems_of(two_systems), rows(60), seed=1)
    emulator = learnt.emulators["one"]["one_density"]
    assert [axis.name for axis in emulator.axes] == ["pair.A.epsilon", "pair.B.epsilon", "DC"]
    mean, stderr = emulator.predict(np.array([[0.5, 0.7, 0.3]]))
    assert mean[0] == pytest.approx(1 + 0.05 + 0.27 * 0.7 + 0.03, abs=0.003)
    assert stderr[0] < 0.003


def test_what_never_varies_is_no_axis(two_systems):
    one = systems_of(two_systems)[0]
    own = [row for row in rows(T=300.0) if row.system == "one"]
    assert held_variables(one, own) == {"T": 300.0}
    assert "T" not in [axis.name for axis in measurements_of(one, own, "one_density").axes]


def test_what_varies_in_a_users_table_is_an_axis(two_systems):
    one = systems_of(two_systems)[0]
    own = [row for row in (*rows(4, T=300.0), *rows(4, T=350.0)) if row.system == "one"]
    axes = {axis.name: (axis.low, axis.high) for axis in measurements_of(one, own, "one_density").axes}
    assert axes["T"] == (300.0, 350.0)
    assert axes["pair.A.epsilon"] == (0.2, 1.2)


def test_what_other_observables_vary_with_is_no_axis(two_systems):
    """As a glass transition, which is derived from all temperatures of a ladder, has none."""
    one = systems_of(two_systems)[0]
    own = [row for row in (*rows(4, T=300.0), *rows(4, T=350.0)) if row.system == "one"]
    split = [Row("one", row.inputs, {"one_density": row.values["one_density"]}) for row in own]
    without = [{name: value for name, value in row.inputs.items() if name != "T"} for row in own[:4]]
    split += [Row("one", inputs, {"one_stiffness": (1.0 + inputs["DC"], 0.1)}) for inputs in without]
    axes = [axis.name for axis in measurements_of(one, split, "one_stiffness").axes]
    assert axes == ["pair.A.epsilon", "pair.B.epsilon", "DC"]
    assert "T" in [axis.name for axis in measurements_of(one, split, "one_density").axes]


def test_rows_beyond_the_design_widen_the_range(two_systems):
    one = systems_of(two_systems)[0]
    own = [Row("one", {"DC": 1.3, "pair.A.epsilon": 2.0, "pair.B.epsilon": 0.1}, {"one_density": (1.0, 0.1)})]
    axes = {axis.name: (axis.low, axis.high) for axis in measurements_of(one, own, "one_density").axes}
    assert axes == {"pair.A.epsilon": (0.2, 2.0), "pair.B.epsilon": (0.1, 1.2), "DC": (0.0, 1.3)}


def test_too_few_runs_for_a_target_are_refused(two_systems):
    with pytest.raises(EstimateError, match=r"one\.one_density: received 3 points, expected at least 4"):
        learn(two_systems, systems_of(two_systems), rows(3), seed=1)


def test_a_constant_observable_with_a_target_is_refused_and_without_one_left_out(two_systems, document, write):
    flat = [
        Row(row.system, row.inputs, {name: (2.0, 0.1) if name == "one_stiffness" else value})
        for row in rows()
        for name, value in row.values.items()
    ]
    with pytest.raises(EstimateError, match="one_stiffness: received the value 2"):
        learn(two_systems, systems_of(two_systems), flat, seed=1)
    del document["targets"]["one_stiffness"]
    free = load_problem(write(document))
    learnt = learn(free, systems_of(free), flat, seed=1)
    assert list(learnt.emulators["one"]) == ["one_density"]
    assert "expected one that varies" in learnt.refused["one_stiffness"]


def test_targets_become_references_at_the_states_that_vary(two_systems):
    learnt = learn(two_systems, systems_of(two_systems), rows(), seed=1)
    one, other = calibrated_systems(two_systems, learnt)
    assert [reference.observable for reference in one.references] == ["one_density", "one_stiffness"]
    assert other.references[0].states == (State.of(DC=0), State.of(DC=0.5), State.of(DC=1))
    assert other.references[0].values.tolist() == [1.30, 1.35, 1.40]
    assert states_to_validate(two_systems, learnt)["one"] == other.references[0].states


def test_targets_that_are_held_out_are_simulated_but_not_fitted(document, write):
    document["calibration"]["held_out"] = {"DC": "0.5"}
    problem = load_problem(write(document))
    learnt = learn(problem, systems_of(problem), rows(), seed=1)
    _, other = calibrated_systems(problem, learnt)
    assert other.references[0].states == (State.of(DC=0), State.of(DC=1))
    assert State.of(DC=0.5) in states_to_validate(problem, learnt)["other"]


def test_a_target_at_a_temperature_that_was_never_simulated_is_refused(document, write):
    document["experiments"]["one"]["states"] = {"DC": "0 0.5 1", "T": "350 K"}
    for name in ("one_density", "one_stiffness"):
        document["targets"][name]["state"] = {"DC": "0 0.5 1", "T": "350 K"}
    problem = load_problem(write(document))
    learnt = learn(problem, systems_of(problem), rows(T=300.0), seed=1)
    with pytest.raises(ProblemError, match=r"targets\.one_density\.state\.T: received 350, expected T = 300"):
        calibrated_systems(problem, learnt)


def test_references_are_smoothed_over_the_state(two_systems):
    learnt = learn(two_systems, systems_of(two_systems), rows(), seed=1)
    smooth = reference_emulators(calibrated_systems(two_systems, learnt), seed=1)
    mean, _ = smooth["other_density"].predict(np.array([[0.25]]))
    assert mean[0] == pytest.approx(1.325, abs=0.004)
