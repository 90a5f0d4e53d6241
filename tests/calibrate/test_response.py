"""Observations and gradients beside their targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.calibrate.misfit import make_forms, make_misfit
from beadsmith.calibrate.response import response_of
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.schema import (
    CombinedVariance,
    FromSeries,
    GlassTransitionLines,
    Martins2025,
    OfMolecules,
    Relative,
)
from beadsmith.problem.state import State
from beadsmith.search.local_model import misfit_of

COLD, HOT = State.of(T=150), State.of(T=500)
TARGETS = (
    Target("density", COLD, 1.2, 0.01, weight=1.0),
    Target("density", HOT, 1.1, 0.01, weight=1.0),
    Target("radius", COLD, 4.5, 0.15, weight=3.0),
    Target("transition", State(), 378.0, 80.0, weight=1.0),
)
OBSERVATIONS = (
    Observation("radius", COLD, 4.4, 0.03),
    Observation("density", HOT, 1.12, 0.004),
    Observation("density", COLD, 1.19, 0.002),
    Observation("transition", State(), 350.0, 30.0),
)


def gradient(observable: str, state: State, a: float, b: float) -> Gradient:
    return Gradient(observable, state, {"b": b, "a": a}, {"b": 0.1, "a": 0.2})


GRADIENTS = (gradient("density", COLD, 1, 2), gradient("density", HOT, 3, 4), gradient("radius", COLD, 5, 6))


def test_rows_follow_the_targets_and_columns_the_parameters():
    response = response_of(OBSERVATIONS, GRADIENTS, TARGETS, ("a", "b"))
    assert response.values.tolist() == [1.19, 1.12, 4.4, 350.0]
    assert response.targets.tolist() == [1.2, 1.1, 4.5, 378.0]
    np.testing.assert_array_equal(response.jacobian[:3], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(response.jacobian_stderrs[:3], [[0.2, 0.1]] * 3)


def test_an_observable_counts_by_its_weight_not_by_its_points():
    response = response_of(OBSERVATIONS, GRADIENTS, TARGETS, ("a", "b"))
    assert response.weights.tolist() == pytest.approx([0.1, 0.1, 0.6, 0.2])
    assert response.only(response.differentiated).weights.tolist() == pytest.approx([0.125, 0.125, 0.75])


def test_what_has_no_gradient_is_known_as_a_value_only():
    response = response_of(OBSERVATIONS, GRADIENTS, TARGETS, ("a", "b"))
    assert response.determined.tolist() == [True, True, True, True]
    assert response.differentiated.tolist() == [True, True, True, False]
    assert np.isnan(response.jacobian[3]).all()
    assert np.isinf(response.jacobian_stderrs[3]).all()


def test_an_undetermined_observable_says_nothing():
    undetermined = (Observation("radius", COLD, 4.4, float("inf")), *OBSERVATIONS[1:])
    response = response_of(undetermined, GRADIENTS, TARGETS, ("a", "b"))
    assert response.determined.tolist() == [True, True, False, True]
    assert response.differentiated.tolist() == [True, True, False, False]
    assert response.stderrs[2] == np.inf


def test_an_evaluation_that_failed_in_part_has_no_value_where_nothing_was_observed():
    response = response_of(OBSERVATIONS[1:], GRADIENTS, TARGETS, ("a", "b"))
    assert response.determined.tolist() == [True, True, False, True]


WINDOWS = GlassTransitionLines(
    kind="glass_transition_lines", density="density", cold="150 to 200 K", hot="450 to 500 K"
)
OBSERVABLES = {
    "density": FromSeries(kind="density", experiment="melt"),
    "radius": OfMolecules(kind="radius_of_gyration", experiment="gas"),
    "transition": WINDOWS,
}
#: The targets of a whole curve; of the transition without a weight, so that its value of 0 harms nobody.
CURVES = (
    *(Target("density", State.of(T=t), 1.3 - 4e-4 * t, 0.01) for t in (150, 175, 200, 450, 475, 500)),
    *(Target("radius", State.of(T=t), 4.0 + t / 1000, 0.15, weight=3.0) for t in (150, 500)),
    Target("transition", State(), 0.0, 80.0, weight=0.0),
)
RULES = [
    pytest.param(CombinedVariance(), id="combined_variance"),
    pytest.param(Relative(kind="relative"), id="relative"),
    pytest.param(Martins2025(kind="martins2025"), id="martins2025"),
    pytest.param(Martins2025(kind="martins2025", weights=(0.0, 3.0, 2.0)), id="martins2025, no densities"),
]


def observed(seed: int) -> tuple[Observation, ...]:
    random = np.random.default_rng(seed)
    return tuple(
        Observation(one.observable, one.state, one.value * random.uniform(0.8, 1.2), random.uniform(0.0, one.stderr))
        for one in CURVES
    )


def responded(rule, observations, gradients=()):
    return response_of(observations, gradients, CURVES, ("a", "b"), make_forms(rule, CURVES, OBSERVABLES))


def misfit_of_response(rule, observations) -> float:
    response = responded(rule, observations)
    return misfit_of(response, response.values, response.stderrs)


@pytest.mark.parametrize("rule", RULES)
def test_the_squares_of_a_response_add_up_to_the_declared_misfit(rule):
    """Two routes, but for the unit: the sum that the report shows, and the rows that searches look at."""
    misfit = make_misfit(rule, CURVES, OBSERVABLES)
    ratios = [misfit_of_response(rule, observed(seed)) / misfit(observed(seed)).total for seed in range(5)]
    assert ratios == pytest.approx([ratios[0]] * 5, rel=1e-9)
    if isinstance(rule, CombinedVariance):
        assert ratios[0] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("rule", RULES[1:])
def test_the_forms_add_up_to_the_misfit_itself(rule):
    forms, misfit = make_forms(rule, CURVES, OBSERVABLES), make_misfit(rule, CURVES, OBSERVABLES)
    for seed in range(5):
        off = np.array([one.value - target.value for one, target in zip(observed(seed), CURVES, strict=True)])
        assert forms.weights @ (forms.rows @ off) ** 2 == pytest.approx(misfit(observed(seed)).total, rel=1e-9)


@pytest.mark.parametrize("rule", RULES[1:])
def test_without_errors_to_count_in_a_deviation_of_one_percent_everywhere_is_a_misfit_of_one(rule):
    for stderr in (0.0, 5.0):
        off = [Observation(one.observable, one.state, 1.01 * one.value, stderr) for one in CURVES]
        assert misfit_of_response(rule, off) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_a_response_bends_as_its_values_do(rule):
    """Two routes: derivatives and standard errors carried by the forms, and values that are moved."""
    slopes = [gradient(one.observable, one.state, 0.3 * one.value, -0.1) for one in CURVES]
    moved = [
        replace(one, value=one.value + 0.3 * target.value) for one, target in zip(observed(1), CURVES, strict=True)
    ]
    here, there = responded(rule, observed(1), slopes), responded(rule, moved)
    assert here.guiding.any()
    np.testing.assert_allclose(here.jacobian[:, 0], there.values - here.values, rtol=1e-8, atol=1e-12)
    random = np.random.default_rng(1)
    noise = [one.stderr * random.normal(size=400) for one in observed(1)]
    scattered = [
        responded(
            rule, [replace(one, value=one.value + error[k]) for one, error in zip(observed(1), noise, strict=True)]
        )
        for k in range(400)
    ]
    found = np.std([one.values for one in scattered], axis=0)
    np.testing.assert_allclose(found[here.weights > 0], here.stderrs[here.weights > 0], rtol=0.15)


def test_a_form_says_nothing_if_a_target_that_enters_it_does_not():
    rule = Martins2025(kind="martins2025")
    slopes = [gradient(one.observable, one.state, 1.0, 2.0) for one in CURVES]
    complete = responded(rule, observed(1), slopes)
    assert complete.differentiated.all()
    lacking = responded(rule, observed(1)[1:], slopes)
    # Two rows on the grid and the slope of the cold line; then those of the hot one, and two radii.
    assert lacking.determined.tolist() == [False] * 3 + [True] * 5
    np.testing.assert_array_equal(lacking.values[3:], complete.values[3:])
    assert np.isinf(lacking.stderrs[:3]).all()
    flat = responded(rule, observed(1), slopes[:-2])
    assert flat.determined.all()
    assert flat.differentiated.tolist() == [True] * 7 + [False]
    assert np.isinf(flat.jacobian_stderrs[7]).all()


def test_weights_of_which_none_counts_are_refused():
    rule = Martins2025.model_construct(kind="martins2025", weights=(0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="one of them above it"):
        make_forms(rule, CURVES, OBSERVABLES)
