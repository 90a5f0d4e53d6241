"""The published loss against a loop over its grid, written down as in the authors' public description."""

import math
import time

import numpy as np
import pytest

from beadsmith.calibrate import MisfitValue, make_misfit
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.schema import FromSeries, GlassTransitionLines, Martins2025, OfMolecules
from beadsmith.problem.state import State

COLD, HOT = (150.0, 225.0), (425.0, 500.0)
TEMPERATURES = np.array([150.0, 175, 200, 225, 425, 450, 475, 500])
DENSITIES = np.array([1.2344, 1.2288, 1.2187, 1.2115, 1.1297, 1.1164, 1.0961, 1.0793])
VACUUM_TEMPERATURES = np.arange(150.0, 501, 25)
RADII = np.array(
    [4.471, 4.470, 4.492, 4.214, 4.021, 4.313, 4.479, 4.360, 4.300, 4.394, 4.957, 4.912, 5.068, 5.186, 4.969]
)

OBSERVABLES = {
    "rho": FromSeries(kind="density", experiment="melt"),
    "size": OfMolecules(kind="radius_of_gyration", experiment="gas"),
    "Tg": GlassTransitionLines(kind="glass_transition_lines", density="rho", cold="150 to 225 K", hot="425 to 500 K"),
}


def curve(record, name, temperatures, values, stderr=0.01):
    return [record(name, State.of(T=float(t)), float(v), stderr) for t, v in zip(temperatures, values, strict=True)]


TARGETS = curve(Target, "rho", TEMPERATURES, DENSITIES) + curve(Target, "size", VACUUM_TEMPERATURES, RADII)


def observe(densities, radii):
    rho = curve(Observation, "rho", TEMPERATURES, densities)
    return rho + curve(Observation, "size", VACUUM_TEMPERATURES, radii)


def loss(densities, radii, weights="w", targets=TARGETS, observables=OBSERVABLES):
    return make_misfit(Martins2025(kind="martins2025", weights=weights), targets, observables)(
        observe(densities, radii)
    )


def scattered(seed):
    random = np.random.default_rng(seed)
    return DENSITIES + random.normal(0, 0.03, 8), RADII + random.normal(0, 0.4, 15)


def brute_force(densities, radii, weights):
    """Sums over every point of the grid, with the published weights standing for the counts 1, 1000 and 7500."""
    density = transition = 0.0
    for (low, high), part in ((COLD, slice(0, 4)), (HOT, slice(4, 8))):
        found = np.polyfit(TEMPERATURES[part], densities[part], 1)
        expected = np.polyfit(TEMPERATURES[part], DENSITIES[part], 1)
        for i in range(round((high - low) * 100)):
            t = low + i / 100
            density += ((np.polyval(found, t) - np.polyval(expected, t)) / np.polyval(expected, t)) ** 2
        transition += 7500 * ((found[0] - expected[0]) / expected[0]) ** 2
    gyration = 1000 * np.sum(((radii - RADII) / RADII) ** 2)
    return {
        "density": weights[0] * density,
        "radius_of_gyration": weights[1] / 1875 * gyration,
        "glass_transition": weights[2] / 1.5e4 * transition,
    }


@pytest.mark.parametrize(
    ("name", "weights"),
    [("w", (1, 1875, 1.5e4)), ("w2", (10, 1875, 1.5e3)), ("w3", (5, 18750, 1.5e3)), ((2.0, 0.0, 7.0), (2, 0, 7))],
)
def test_agrees_with_the_loop_over_the_grid(name, weights):
    densities, radii = scattered(1)
    found, expected = loss(densities, radii, name), brute_force(densities, radii, weights)
    assert found.terms == pytest.approx(expected, rel=1e-9)
    assert found.total == pytest.approx(sum(expected.values()), rel=1e-9)


def test_zero_at_the_targets():
    assert loss(DENSITIES, RADII) == MisfitValue(
        0.0, {"density": 0.0, "radius_of_gyration": 0.0, "glass_transition": 0.0}
    )


def test_terms_add_up_to_the_total():
    found = loss(*scattered(2), "w3")
    assert found.total == pytest.approx(sum(found.terms.values()), rel=1e-14)


def test_densities_one_percent_too_high_cost_their_share():
    # Both lines are 1 % too high everywhere, their slopes 1 % too steep: 15,000 and 2 x 7,500 times 1e-4.
    found = loss(1.01 * DENSITIES, RADII)
    assert found.terms == pytest.approx({"density": 1.5, "radius_of_gyration": 0.0, "glass_transition": 1.5}, rel=1e-9)


def test_radii_one_percent_too_large_cost_their_share():
    assert loss(DENSITIES, 1.01 * RADII).terms["radius_of_gyration"] == pytest.approx(1000 * 15 * 1e-4)


def test_scatter_around_the_same_lines_costs_nothing():
    # Residuals that least squares does not see: second differences of four equidistant points.
    scatter = 0.01 * np.array([1, -1, -1, 1])
    found = loss(DENSITIES + np.concatenate([scatter, -scatter]), RADII)
    assert found.total == pytest.approx(0.0, abs=1e-15)


def test_densities_between_the_windows_do_not_enter():
    between = Target("rho", State.of(T=300), 1.2, 0.01)
    densities, radii = scattered(3)
    assert loss(densities, radii, targets=[*TARGETS, between]) == loss(densities, radii)


def test_other_targets_and_all_weights_and_uncertainties_do_not_enter():
    other = [Target(one.observable, one.state, one.value, 7.0, 5.0) for one in TARGETS]
    densities, radii = scattered(3)
    assert loss(densities, radii, targets=[*other, Target("Tg", State(), 378.0, 9.0)]) == loss(densities, radii)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("stderr", [0.01, math.inf])
@pytest.mark.parametrize("index", [0, 9])
def test_refuses_values_that_are_no_numbers(value, stderr, index):
    observations = observe(DENSITIES, RADII)
    bad = observations[index]
    observations[index] = Observation(bad.observable, bad.state, value, stderr)
    with pytest.raises(
        ValueError, match=rf"{bad.observable} at {bad.state.label} (is {value}|could not be determined)"
    ):
        make_misfit(Martins2025(kind="martins2025"), TARGETS, OBSERVABLES)(observations)


@pytest.mark.parametrize("index", [0, 7, 8, 22])
def test_refuses_observations_that_are_missing(index):
    observations = observe(DENSITIES, RADII)
    gone = observations.pop(index)
    with pytest.raises(ValueError, match=f"{gone.observable} at {gone.state.label} was not observed"):
        make_misfit(Martins2025(kind="martins2025"), TARGETS, OBSERVABLES)(observations)


def changed(**more):
    return {**OBSERVABLES, **more}


def without(name):
    return {key: value for key, value in OBSERVABLES.items() if key != name}


@pytest.mark.parametrize(
    ("targets", "observables", "sentence"),
    [
        (TARGETS, without("Tg"), "exactly one observable of kind glass_transition_lines.*the problem has 0"),
        (TARGETS, changed(Tg2=OBSERVABLES["Tg"]), "exactly one observable of kind glass_transition_lines.*has 2"),
        (TARGETS[:8], OBSERVABLES, "needs targets of an observable of kind radius_of_gyration"),
        (TARGETS, changed(size=OBSERVABLES["rho"]), "needs targets of an observable of kind radius_of_gyration"),
        (TARGETS[3:], OBSERVABLES, "a line from 150 to 225 K and needs targets of rho at two temperatures.* has 1"),
        (TARGETS[:4] + TARGETS[8:], OBSERVABLES, "a line from 425 to 500 K .* has 0"),
        ([*TARGETS, TARGETS[0]], OBSERVABLES, "from 150 to 225 K rho has targets twice at one temperature"),
        (
            [*TARGETS, Target("rho", State.of(T=160, DC=0.5), 1.2, 0.01)],
            OBSERVABLES,
            "or at states that differ in more than that",
        ),
        ([*TARGETS, Target("size", State.of(T=9), 0.0, 0.1)], OBSERVABLES, "size at T=9 is 0, which has no relative"),
        (
            curve(Target, "rho", TEMPERATURES, np.full(8, 1.1)) + TARGETS[8:],
            OBSERVABLES,
            "rho from 150 to 225 K is level or passes through 0",
        ),
        (
            curve(Target, "rho", TEMPERATURES, TEMPERATURES - 180.0) + TARGETS[8:],
            OBSERVABLES,
            "rho from 150 to 225 K is level or passes through 0",
        ),
    ],
)
def test_says_what_it_needs(targets, observables, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_misfit(Martins2025(kind="martins2025"), targets, observables)


@pytest.mark.parametrize("weights", [(1.0, -1.0, 1.0), (1.0, math.nan, 1.0), (math.inf, 1.0, 1.0)])
def test_refuses_weights_that_make_no_sense(weights):
    rule = Martins2025.model_construct(kind="martins2025", weights=weights)  # past the checks of the schema
    with pytest.raises(ValueError, match="expected three finite numbers from 0 upwards"):
        make_misfit(rule, TARGETS, OBSERVABLES)


def test_is_fast_enough_for_every_evaluation():
    misfit = make_misfit(Martins2025(kind="martins2025"), TARGETS, OBSERVABLES)
    observations = observe(*scattered(1))
    start = time.process_time()
    for _ in range(10):
        misfit(observations)
    assert (time.process_time() - start) / 10 < 0.01  # s; the loop over the grid takes a hundred times longer
