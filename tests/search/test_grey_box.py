"""The grey-box search as a whole, on responses with known answers; the contract is in test_contract.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search
from beadsmith.search.box import Box
from beadsmith.search.grey_box import Design, GreyBox
from beadsmith.search.grey_box_acquisition import most_promising
from beadsmith.search.grey_box_model import Evaluated, fit_composite_model

TARGETS = 8
SIGMAS = np.full(TARGETS, 0.05)


def ranges(count, low=2.0, width=1.0):
    return [Parameter(f"pair.B{i}.sigma", low, low + width, "length") for i in range(count)]


class Curve:
    """Eight points of a curve whose level and slope depend on many parameters, a little bent."""

    def __init__(self, parameters, seed=1):
        random = np.random.default_rng(seed)
        self._directions = random.normal(size=(2, parameters)) / np.sqrt(parameters)
        self._shapes = np.vander(np.linspace(-1, 1, TARGETS), 2, increasing=True).T
        self.hidden = random.uniform(0.2, 0.8, parameters)
        self.targets = self.values(self.hidden)

    def values(self, unit):
        z = self._directions @ (unit - 0.5)
        return (3.0 * z + z**2) @ self._shapes

    def misfit(self, unit):
        return float(np.mean((self.values(unit) - self.targets) ** 2 / SIGMAS**2))

    def response(self, unit, random, noise=0.3):
        unknown = np.full((TARGETS, len(unit)), np.nan)
        return Response(
            targets=self.targets,
            target_stderrs=SIGMAS,
            weights=np.full(TARGETS, 1 / TARGETS),
            values=self.values(unit) + noise * SIGMAS * random.normal(size=TARGETS),
            stderrs=noise * SIGMAS,
            jacobian=unknown,
            jacobian_stderrs=np.full_like(unknown, np.inf),
        )


def calibrated(curve, parameters, evaluations, *, seed=1, in_flight=1, noise=0.3, width=1.0, start=(), fails=None):
    """Points in unit coordinates, in order, and the search; stops when it is finished."""
    search = make_search("grey-box", ranges(parameters, width=width), seed, start)
    random = np.random.default_rng(seed)
    points = []
    for told in range(evaluations):
        while len(points) < min(evaluations, told + in_flight):
            point = search.ask(len(points))
            points.append((np.array(list(point.values())) - 2.0) / width)
        answer = curve.response(points[told], random, noise)
        failed = fails is not None and fails(points[told])
        search.tell(told, None if failed else 1.0, None if failed else answer)
        if search.finished:
            break
    return np.array(points), search


@pytest.mark.parametrize("seed", range(3))
def test_a_dozen_parameters_in_a_few_evaluations_after_the_beginning(seed):
    curve = Curve(12, seed)
    points, _ = calibrated(curve, 12, 20, seed=seed)
    assert np.median([curve.misfit(point) for point in points[:12]]) > 10
    assert min(curve.misfit(point) for point in points[12:]) < 0.5


def test_units_of_the_parameters_do_not_matter():
    curve = Curve(4)
    narrow, _ = calibrated(curve, 4, 11)
    wide, _ = calibrated(curve, 4, 11, width=1000.0)
    np.testing.assert_allclose(narrow, wide, atol=1e-3)  # last digits differ, and an optimiser turns them into others


def test_points_in_flight_together_differ():
    points, _ = calibrated(Curve(4), 4, 18, in_flight=4)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.eye(len(points))
    assert apart.min() > 1e-4


def test_everything_is_in_the_box_even_if_the_answer_is_at_its_edge():
    curve = Curve(3)
    curve.targets = curve.values(np.array([1.2, -0.2, 1.1]))
    points, _ = calibrated(curve, 3, 14)
    assert (points >= 0).all()
    assert (points <= 1).all()


def test_the_most_promising_point_stays_in_the_region_it_was_given():
    curve, random = Curve(3), np.random.default_rng(1)
    told = [Evaluated(unit, curve.response(unit, random)) for unit in random.random((8, 3))]
    model = fit_composite_model(told, seed=1)
    low, high = np.array([0.1, 0.3, 0.0]), np.array([0.2, 0.6, 1.0])
    found = most_promising(
        model, 10.0, np.array([0.15, 0.5, 0.5]), (low, high), 1, np.random.default_rng(2).random((2, 3))
    )
    assert (found.unit >= low).all()
    assert (found.unit <= high).all()
    assert found.gain > 0


def test_it_knows_when_nothing_more_is_to_be_gained():
    curve = Curve(4)
    points, search = calibrated(curve, 4, 60)
    assert search.finished
    assert len(points) < 40
    assert curve.misfit(points[-1]) < 0.3
    _, search = calibrated(curve, 4, 10)
    assert not search.finished


def test_exact_responses_are_followed_to_the_end():
    curve = Curve(2)
    points, _ = calibrated(curve, 2, 20, noise=0.0)
    assert min(curve.misfit(point) for point in points) < 1e-3


def test_given_points_come_first_and_the_others_lie_about_them():
    start = [{f"pair.B{i}.sigma": 2.9 for i in range(5)}]
    points, _ = calibrated(Curve(5), 5, 12, start=start)
    np.testing.assert_allclose(points[0], 0.9, atol=1e-12)
    assert (np.abs(points[1:] - 0.9) <= 0.25 + 1e-12).all()
    assert np.ptp(points[1:], axis=0).min() > 0.2


def test_the_beginning_has_fewer_points_for_fewer_parameters():
    assert [Design.of(count, 1).starts for count in (1, 2, 4, 5, 41)] == [4, 6, 10, 12, 12]
    assert Design.of(2, 1, [np.zeros(2)] * 9).starts == 9


def test_without_start_points_it_begins_at_the_centre_and_about_it():
    points, _ = calibrated(Curve(5), 5, 12)
    np.testing.assert_allclose(points[0], 0.5, atol=1e-12)
    assert (np.abs(points - 0.5) <= 0.25 + 1e-12).all()
    assert np.ptp(points, axis=0).min() > 0.3


def test_failures_are_avoided():
    """The better half fails; the rest still has an answer that meets the targets."""
    curve = Curve(4, seed=3)

    def fails(unit):
        return unit[0] > 0.5

    points, _ = calibrated(curve, 4, 30, fails=fails)
    assert np.mean([fails(point) for point in points[14:]]) < 0.35


def test_with_too_few_successes_it_goes_on_looking():
    points, _ = calibrated(Curve(3), 3, 20, fails=lambda unit: True)
    assert np.ptp(points[8:], axis=0).min() > 0.7


def test_without_the_observables_it_says_what_it_needs():
    search = make_search("grey-box", ranges(2), 1)
    search.ask(0)
    with pytest.raises(ValueError, match="came without its response; grey-box learns from the observables"):
        search.tell(0, 1.0)


def test_derivatives_are_asked_for_only_on_demand_and_used_when_they_come():
    box = Box.of(ranges(30))
    assert not GreyBox(box, 1).wants_gradients
    assert GreyBox(box, 1, gradients=True).wants_gradients

    curve = Curve(30)

    def first_by_a_model(slopes):
        search, random = GreyBox(box, 1), np.random.default_rng(1)
        found = []
        for number in range(13):
            unit = box.unit(search.propose(number))
            answer = curve.response(unit, random)
            if slopes:
                z = curve._directions @ (unit - 0.5)
                exact = curve._shapes.T @ np.diag(3.0 + 2.0 * z) @ curve._directions
                answer = replace(answer, jacobian=exact, jacobian_stderrs=np.full_like(exact, 0.1))
            search.learn(number, 1.0, answer)
            found.append(curve.misfit(unit))
        return found[12]

    assert first_by_a_model(slopes=True) < 0.5 * first_by_a_model(slopes=False)
