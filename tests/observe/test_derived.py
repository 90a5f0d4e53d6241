"""From densities at several temperatures to derived observations."""

import math

import numpy as np
import pytest

from beadsmith.observe import derive_observations
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import (
    FromSeries,
    GlassTransitionHyperbola,
    GlassTransitionLines,
    ThermalExpansion,
)
from beadsmith.problem.state import State

LADDER = tuple(np.arange(100.0, 601.0, 25.0))
LINES = GlassTransitionLines(kind="glass_transition_lines", density="rho", cold="100 to 250 K", hot="450 to 600 K")
HYPERBOLA = GlassTransitionHyperbola(kind="glass_transition_hyperbola", density="rho")
EXPANSION = ThermalExpansion(kind="thermal_expansion", density="rho", temperatures="450 to 600 K")
ALL = {"rho": FromSeries(kind="density", experiment="melt"), "tg": LINES, "tg_h": HYPERBOLA, "alpha": EXPANSION}


def densities(tg=350.0, temperatures=LADDER, drifting=(), name="rho", **state):
    slope = {True: -3e-4, False: -7e-4}
    return [
        Observation(name, State.of(state, T=T), 1.1 + slope[tg > T] * (T - tg), 1e-4, 50.0, T not in drifting)
        for T in temperatures
    ]


def test_each_derived_observable_is_computed_once_at_the_state_without_temperature():
    found = {one.observable: one for one in derive_observations(densities(), ALL)}
    assert list(found) == ["tg", "tg_h", "alpha"]
    assert {one.state for one in found.values()} == {State()}
    assert found["tg"].value == pytest.approx(350.0)
    assert found["tg_h"].value == pytest.approx(350.0, abs=3.0)
    assert found["alpha"].value == pytest.approx(7e-4 / (1.1 - 7e-4 * 175.0))
    assert all(one.equilibrated and one.stderr > 0 for one in found.values())
    assert (found["tg"].samples, found["tg_h"].samples, found["alpha"].samples) == (14, 21, 7)


def test_other_state_variables_make_separate_curves():
    both = densities(330.0, DC=0.2) + densities(370.0, DC=0.8) + densities(999.0, name="other")
    found = derive_observations(both, {"tg": LINES})
    assert {one.state: round(one.value) for one in found} == {State.of(DC=0.2): 330, State.of(DC=0.8): 370}


@pytest.mark.parametrize(
    ("observations", "reason"),
    [
        (densities(temperatures=(100.0, 600.0)), "holds 1 temperature"),
        (densities(tg=1000.0), "parallel"),
        ([], "no density 'rho' was observed at any temperature"),
        (densities(name="other"), "no density 'rho'"),
        ([Observation("rho", State.of(DC=0.5), 1.0, 0.1)], "no density 'rho'"),
    ],
)
def test_what_cannot_be_computed_is_an_observation_that_says_why(observations, reason):
    (found,) = derive_observations(observations, {"tg": LINES})
    assert math.isnan(found.value)
    assert (found.stderr, found.samples, found.equilibrated, found.state) == (math.inf, 0.0, False, State())
    assert reason in found.note


def test_a_hyperbola_of_five_temperatures_is_not_computed():
    (found,) = derive_observations(densities(temperatures=LADDER[::5]), {"tg": HYPERBOLA})
    assert math.isnan(found.value)
    assert "got 5" in found.note


def test_densities_that_drift_pass_their_flag_on_to_what_rests_on_them():
    found = {one.observable: one for one in derive_observations(densities(drifting=(100.0, 350.0)), ALL)}
    assert found["alpha"].equilibrated
    assert not found["tg"].equilibrated
    assert found["tg"].note == "rests on densities that were not equilibrated, at 100 K"
    assert found["tg_h"].note.endswith("at 100, 350 K")
    assert math.isfinite(found["tg"].value)


def test_densities_that_are_not_numbers_are_left_out():
    spoilt = [*densities(), Observation("rho", State.of(T=125.5), math.nan, math.inf)]
    (found,) = derive_observations(spoilt, {"tg": LINES})
    assert found.value == pytest.approx(350.0)
    assert found.samples == 14


def test_a_crossing_that_is_not_determined_keeps_its_value_and_gets_a_note():
    vague = [Observation(one.observable, one.state, one.value, 0.1) for one in densities()]
    (found,) = derive_observations(vague, {"tg": LINES})
    assert math.isfinite(found.value)
    assert "not determined" in found.note


def test_without_derived_observables_there_is_nothing():
    assert derive_observations(densities(), {"rho": FromSeries(kind="density", experiment="melt")}) == ()
