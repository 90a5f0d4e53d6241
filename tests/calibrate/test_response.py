"""Observations and gradients beside their targets."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.calibrate.response import response_of
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.state import State

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
