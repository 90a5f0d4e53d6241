"""From densities at several temperatures to derived observations."""

import math
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.observe import derive_gradients, derive_observations
from beadsmith.problem.records import Gradient, Observation
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


def answers(how, missing=(), name="rho", stderr=0.0, **state):
    """Gradients of densities: ``how`` gives the derivative by 'x' at a temperature; that by 'y' is always 1."""
    return [
        Gradient(name, State.of(state, T=T), {"x": float(how(T)), "y": 1.0}, {"x": stderr, "y": 0.0})
        for T in LADDER
        if T not in missing
    ]


def moved(observations, how, by):
    return [replace(one, value=one.value + by * how(one.state["T"])) for one in observations]


@pytest.mark.parametrize(
    "how",
    [lambda T: 1e-4 * T, lambda T: 0.01 * np.sin(T / 90), lambda T: 0.02 * (T > 350)],
    ids=["straight", "wave", "melt only"],
)
def test_what_is_derived_answers_as_it_would_from_moved_densities(rng, how):
    scattered = [replace(one, value=one.value + rng.normal(0, 5e-4), stderr=5e-4) for one in densities()]
    found = {one.observable: one for one in derive_gradients(scattered, answers(how), ALL)}
    above, below = (
        {one.observable: one.value for one in derive_observations(moved(scattered, how, by), ALL)}
        for by in (1e-4, -1e-4)
    )
    assert list(found) == ["tg", "tg_h", "alpha"]
    scales = {"tg": 100.0, "tg_h": 100.0, "alpha": 1e-3}
    for name, gradient in found.items():
        difference = (above[name] - below[name]) / 2e-4
        assert gradient.values["x"] == pytest.approx(difference, rel=1e-3, abs=1e-4 * scales[name])
        assert gradient.state == State()


def test_the_crossing_moves_as_its_formula_says():
    # A melt denser by x: Tg = Tg0 + x / (s_cold - s_hot); the same everywhere: no change.
    found = {one.observable: one for one in derive_gradients(densities(), answers(lambda T: T > 350), ALL)}
    assert found["tg"].values["x"] == pytest.approx(1.0 / 4e-4)
    assert found["tg"].values["y"] == pytest.approx(0.0, abs=1e-6)
    # alpha = -s/rho: all densities of the melt grow, the slope stays.
    rho = 1.1 - 7e-4 * 175.0
    assert found["alpha"].values["x"] == pytest.approx(-7e-4 / rho**2)


def test_errors_of_derivatives_are_those_of_the_densities_propagated(rng):
    how = {T: 1e-4 * T for T in LADDER}
    sampled = [
        {one.observable: one.values["x"] for one in derive_gradients(densities(), noisy, ALL)}
        for noisy in (answers(lambda T: how[T] + rng.normal(0, 0.002)) for _ in range(25))
    ]
    for gradient in derive_gradients(densities(), answers(how.__getitem__, stderr=0.002), ALL):
        spread = np.std([one[gradient.observable] for one in sampled])
        assert gradient.stderrs["x"] == pytest.approx(spread, rel=0.45), gradient.observable
        assert gradient.stderrs["y"] == 0.0


def test_only_what_is_determined_has_a_gradient():
    vague = [replace(one, stderr=0.1) for one in densities()]
    assert [one.observable for one in derive_gradients(vague, answers(lambda T: T), ALL)] == ["alpha"]
    parallel = densities(tg=1000.0)
    assert [one.observable for one in derive_gradients(parallel, answers(lambda T: T), ALL)] == ["alpha"]
    assert derive_gradients([], answers(lambda T: T), ALL) == ()


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 0.0), (0.5, 0.1), (3.0, 1.0)])
def test_a_gradient_that_noise_explains_is_none(rng, ratio, kept):
    """Forty parameters: what they do to the hot densities is nothing, small, and large beside the noise."""
    names = [f"p{number}" for number in range(40)]
    error, found = 1e-3, 0
    signal = ratio * np.sqrt(7.0) * error * rng.normal(size=40)

    def gradient(T: float) -> Gradient:
        values = (signal if T > 440 else 0.0) + error * rng.normal(size=40)
        return Gradient(
            "rho", State.of(T=T), dict(zip(names, values.tolist(), strict=True)), dict.fromkeys(names, error)
        )

    for _ in range(20):
        found += len(derive_gradients(densities(), [gradient(T) for T in LADDER], {"tg": LINES}))
    assert found / 20 == pytest.approx(kept, abs=0.1)


def test_every_density_that_is_used_needs_a_gradient():
    """A hyperbola takes the whole ladder, lines and expansion their windows."""
    found = derive_gradients(densities(), answers(lambda T: T, missing=(350.0,)), ALL)
    assert [one.observable for one in found] == ["tg", "alpha"]
    found = derive_gradients(densities(), answers(lambda T: T, missing=(100.0,)), ALL)
    assert [one.observable for one in found] == ["alpha"]
    assert derive_gradients(densities(), answers(lambda T: T, name="other"), ALL) == ()


def test_each_curve_has_its_own_gradient():
    both = densities(330.0, DC=0.2) + densities(370.0, DC=0.8)
    gradients = answers(lambda T: T > 350, DC=0.2) + answers(lambda T: 2 * (T > 350), DC=0.8)
    found = derive_gradients(both, gradients, {"tg": LINES})
    assert [(one.state["DC"], round(one.values["x"])) for one in found] == [(0.2, 2500), (0.8, 5000)]
