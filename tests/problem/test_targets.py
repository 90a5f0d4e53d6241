import math

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.schema import FromSeries, GlassTransitionHyperbola, Mean, OfMolecules, Precision, TargetRule
from beadsmith.problem.state import State
from beadsmith.problem.targets import KIND_OF_OBSERVABLE, parse_variable, resolve_targets, resolve_tolerances
from beadsmith.units import UNIT_OF_KIND

OBSERVABLES = {
    "density": FromSeries(kind="density", experiment="melt"),
    "size": OfMolecules(kind="radius_of_gyration", experiment="melt"),
    "modulus": Mean(kind="mean", experiment="own", column="E", unit="GPa"),
}


def resolve(name="density", **entries):
    rule = {"value": "0.8 g/cm^3", "uncertainty": "0.01 g/cm^3", "source": "a textbook", **entries}
    return resolve_targets({name: TargetRule.model_validate(rule)}, OBSERVABLES)


def test_a_curve_is_one_target_per_state():
    cold, hot = resolve(state={"T": "300 400 K"}, value="800 700 kg/m^3", uncertainty="10 20 kg/m^3", weight=2)
    assert (cold.state, cold.value, cold.stderr) == (State.of(T=300), pytest.approx(0.8), pytest.approx(0.01))
    assert (hot.state, hot.value, hot.stderr) == (State.of(T=400), pytest.approx(0.7), pytest.approx(0.02))
    assert {cold.weight, hot.weight, cold.source} == {2.0, "a textbook"}


def test_one_uncertainty_serves_all_values():
    targets = resolve(state={"T": "300 to 400 by 50 K"}, value="0.8 0.75 0.7 g/cm^3")
    assert [target.stderr for target in targets] == [0.01] * 3


def test_several_variables_run_together_and_single_values_are_repeated():
    states = [t.state for t in resolve(state={"T": "300 K", "DC": "0 0.5 1"}, value="1 2 3 g/cm^3")]
    assert states == [State.of(T=300, DC=value) for value in (0, 0.5, 1)]


def test_a_target_without_state_is_one_number():
    (target,) = resolve()
    assert target.state == State()


def test_lengths_of_chains_come_in_any_unit_of_length():
    (target,) = resolve("size", value="0.5 nm", uncertainty="1e-2 nm")
    assert (target.value, target.stderr) == (5.0, pytest.approx(0.1))


def test_every_kind_of_observable_has_a_unit():
    assert set(KIND_OF_OBSERVABLE.values()) <= UNIT_OF_KIND.keys()


@pytest.mark.parametrize(
    ("entries", "where", "fragment"),
    [
        ({"uncertainty": "0 g/cm^3"}, "uncertainty", "positive standard deviations"),
        ({"uncertainty": "-0.01 g/cm^3"}, "uncertainty", "positive standard deviations"),
        ({"uncertainty": "0.01 0 g/cm^3", "value": "1 2 g/cm^3", "state": {"T": "1 2 K"}}, "uncertainty", "positive"),
        ({"uncertainty": "0.01"}, "uncertainty", "a density with its unit"),
        ({"uncertainty": "0.01 K"}, "uncertainty", "a density such as"),
        ({"uncertainty": "1 2 g/cm^3"}, "uncertainty", "received 2 values, expected one, or as many as states, 1"),
        ({"value": "0.8 K"}, "value", "received 0.8 K, expected a density"),
        ({"value": "0.8 0.7 g/cm^3"}, "value", "received 2 values, expected as many as states, 1"),
        ({"state": {"T": "300 400 K"}}, "value", "received 1 value, expected as many as states, 2"),
        ({"state": {"T": "300"}}, "state.T", "a temperature with its unit"),
        ({"state": {"T": "300 kg"}}, "state.T", "a temperature such as"),
        ({"state": {"T": "300 400 K", "DC": "0 0.5 1"}}, "state.T", "received 2 values, expected 1 or 3"),
        ({"state": {"DC": "50"}}, "state.DC", "received 50, expected degrees of crosslinking between 0 and 1; divide"),
        ({"state": {"DC": "-0.1"}}, "state.DC", "received -0.1, expected degrees of crosslinking between 0 and 1"),
        ({"state": {"T": "300 300 K"}, "value": "1 2 g/cm^3"}, "state", "T=300 twice"),
    ],
)
def test_targets_that_cannot_be_are_refused(entries, where, fragment):
    with pytest.raises(ProblemError) as caught:
        resolve(**entries)
    assert caught.value.where == f"targets.density.{where}"
    assert fragment in str(caught.value)


def test_a_target_of_nothing_is_refused():
    with pytest.raises(ProblemError, match=r"targets.densty: .* one of density, size, modulus; did you mean 'density'"):
        resolve("densty")


@pytest.mark.parametrize(
    ("name", "text", "values"), [("T", "20 degC", (293.15,)), ("P", "1 bar", (0.986923,)), ("DC", "50 %", (0.5,))]
)
def test_variables_have_the_units_of_their_kind(name, text, values):
    assert parse_variable(name, text, "--state") == pytest.approx(values, rel=1e-6)
    with pytest.raises(ProblemError, match=r"^--state: "):
        parse_variable(name, "3 kg", "--state")


def tolerances(**section):
    derived = {"transition": GlassTransitionHyperbola(kind="glass_transition_hyperbola", density="density")}
    observables = OBSERVABLES | derived
    rules = {
        "density": TargetRule(state={"T": "300 400 K"}, value="1 2 g/cm^3", uncertainty="0.01 0.02 g/cm^3", source="x"),
        "modulus": TargetRule(value="3 GPa", uncertainty="0.4 GPa", source="x"),
        "transition": TargetRule(value="350 K", uncertainty="10 K", source="x"),
    }
    precision = Precision(**section) if section else None
    return resolve_tolerances(precision, resolve_targets(rules, observables), observables)


def test_tolerances_are_a_fraction_of_the_uncertainty_unless_named():
    assert tolerances(of_target=0.25) == pytest.approx((0.0025, 0.005, 0.1, math.inf))
    named = tolerances(tolerance={"density": "3 kg/m^3", "modulus": "0.05 GPa"})
    assert named == pytest.approx((0.003, 0.003, 0.05, math.inf))
    assert tolerances() == (math.inf,) * 4


@pytest.mark.parametrize(
    ("named", "text", "part"),
    [
        ("densty", "1 g/cm^3", "did you mean 'density'"),
        ("transition", "5 K", "as precise as what it is derived from"),
        ("density", "1 K", "g/cm^3"),
        ("density", "0 g/cm^3", "positive"),
        ("modulus", "1 MPa", "GPa"),
    ],
)
def test_tolerances_that_mean_nothing_are_refused(named, text, part):
    with pytest.raises(ProblemError, match=r"precision\.tolerance") as caught:
        tolerances(tolerance={named: text})
    assert part in str(caught.value)
