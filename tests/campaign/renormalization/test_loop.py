"""When a closed loop goes on: on predictions and targets whose deviations are known."""

import numpy as np
import pytest

from beadsmith.campaign.renormalization.loop import is_worth_another_round
from beadsmith.campaign.renormalization.stages import validation_document
from beadsmith.campaign.renormalization.validating import Comparison
from beadsmith.problem.state import State


def comparison(simulated: float, predicted: float = 1.0, target: float | None = 1.0, noise: float = 0.0) -> Comparison:
    """A property whose prediction and target are known to 0.03, and whose simulation to 0.04: together 0.05."""
    known = None if target is None else 0.03
    return Comparison("one", "density", State.of(DC=0.5), predicted, 0.03, simulated, 0.04, noise, target, known)


def round_of(*comparisons: Comparison) -> dict:
    return validation_document(1, (), comparisons)


def test_distances_from_targets_count_both_errors():
    assert comparison(1.1).from_target == pytest.approx(2.0)
    assert comparison(0.9).from_target == pytest.approx(-2.0)
    # The scatter of single runs, where it is larger than what the run says of itself.
    assert comparison(1.1, noise=0.4).from_target == pytest.approx(0.1 / np.hypot(0.03, 0.4))
    assert comparison(1.1, target=None).from_target is None
    assert [comparison(value).misses for value in (1.09, 1.1, 0.9)] == [False, True, True]
    assert not comparison(2.0, target=None).misses


def test_a_round_says_how_many_targets_are_missed():
    found = round_of(*[comparison(1.0)] * 3, comparison(1.2, predicted=1.2), comparison(5.0, 5.0, target=None))
    assert (found["targets"], found["missed"]) == (4, 1)
    # One of four lies outside by chance in 17 of 100 cases.
    assert found["targets_met"]
    assert found["misfit"] == pytest.approx(16.0 / 4)
    two = round_of(*[comparison(1.0)] * 2, *[comparison(1.2, predicted=1.2)] * 2)
    assert not two["targets_met"]
    assert two["passed"]


def test_without_targets_none_is_missed():
    found = round_of(comparison(1.0, target=None))
    assert (found["targets"], found["missed"], found["targets_met"], found["misfit"]) == (0, 0, True, None)


def far(times: float) -> dict:
    """Predictions hold, targets are missed by so many combined standard deviations."""
    return round_of(*[comparison(1.0 + 0.05 * times, predicted=1.0 + 0.05 * times)] * 4)


def test_rounds_go_on_while_predictions_fail():
    wrong = round_of(*[comparison(1.0, predicted=1.5)] * 4)
    assert wrong["targets_met"]
    assert is_worth_another_round([wrong])
    assert is_worth_another_round([wrong] * 5)


def test_rounds_end_when_predictions_and_targets_hold():
    assert not is_worth_another_round([far(0.0)])
    assert not is_worth_another_round([far(8.0), far(1.0)])


def test_missed_targets_are_worth_a_round_as_long_as_they_come_closer():
    assert is_worth_another_round([far(8.0)])
    assert is_worth_another_round([far(8.0), far(6.0)])
    assert not is_worth_another_round([far(8.0), far(7.8)])
    assert not is_worth_another_round([far(6.0), far(8.0)])
