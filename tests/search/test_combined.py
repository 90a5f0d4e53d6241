"""Gradient steps, then the grey-box search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search

TARGETS = 10
PARAMETERS = 12
SIGMAS = np.full(TARGETS, 0.05)


def ranges():
    return [Parameter(f"pair.B{i}.sigma", 2.0, 4.0, "length") for i in range(PARAMETERS)]


class TwoCurves:
    """Two curves of five points; derivatives of the second may be unknown, and it needs other directions."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        self._directions = np.linalg.qr(random.normal(size=(PARAMETERS, 4)))[0].T
        line = np.vander(np.linspace(-1, 1, 5), 2, increasing=True).T
        self._shapes = np.block([[line, np.zeros((2, 5))], [np.zeros((2, 5)), line]])
        self.targets = self.values(random.uniform(0.3, 0.7, PARAMETERS))

    def values(self, unit):
        z = self._directions @ (unit - 0.5)
        return (2.0 * z + z**2) @ self._shapes

    def misfit(self, unit):
        return float(np.mean((self.values(unit) - self.targets) ** 2 / SIGMAS**2))

    def response(self, unit, random, differentiated):
        z = self._directions @ (unit - 0.5)
        noise = 0.3 * SIGMAS
        # Per parameter in its own unit: ranges are 2 wide.
        slopes = self._shapes.T @ np.diag(2.0 + 2.0 * z) @ self._directions / 2.0
        known = np.arange(TARGETS)[:, None] < differentiated
        return Response(
            self.targets,
            SIGMAS,
            np.full(TARGETS, 1 / TARGETS),
            self.values(unit) + noise * random.normal(size=TARGETS),
            noise,
            np.where(known, slopes + 0.05 * random.normal(size=slopes.shape), np.nan),
            np.where(known, np.full_like(slopes, 0.05), np.inf),
        )


def course(curves, method, evaluations, *, differentiated=TARGETS, in_flight=1, fails=()):
    search = make_search(method, ranges(), 1)
    random = np.random.default_rng(1)
    points = []
    for told in range(evaluations):
        while len(points) < min(evaluations, told + in_flight):
            points.append((np.array(list(search.ask(len(points)).values())) - 2.0) / 2.0)
        answer = curves.response(points[told], random, differentiated)
        claimed = float(np.mean((answer.values - answer.targets) ** 2 / (SIGMAS**2 + answer.stderrs**2)))
        search.tell(told, None if told in fails else claimed, None if told in fails else answer)
        if search.finished:
            break
    return np.array(points), search


def test_the_first_steps_are_those_of_gauss_newton():
    combined, _ = course(TwoCurves(1), "combined", 4)
    alone, _ = course(TwoCurves(1), "gauss-newton", 4)
    np.testing.assert_array_equal(combined, alone)


def test_targets_without_derivatives_are_met_after_all():
    for seed in range(3):
        curves = TwoCurves(seed)
        points, _ = course(curves, "combined", 30, differentiated=5)
        alone, _ = course(curves, "gauss-newton", 30, differentiated=5)
        assert min(curves.misfit(point) for point in points) < 0.5
        assert min(curves.misfit(point) for point in alone) > 1.0


def test_without_any_derivatives_it_is_a_grey_box_search():
    curves = TwoCurves(1)
    points, search = course(curves, "combined", 26, differentiated=0)
    assert search.wants_gradients
    assert min(curves.misfit(point) for point in points) < 0.5


def test_it_ends_when_neither_gains():
    curves = TwoCurves(1)
    points, search = course(curves, "combined", 60)
    assert search.finished
    assert len(points) < 40
    assert curves.misfit(points[-1]) < 0.3


def test_several_in_flight_while_the_searches_change():
    points, _ = course(TwoCurves(2), "combined", 16, in_flight=3)
    assert len({tuple(np.round(point, 9)) for point in points}) == 16
    again, _ = course(TwoCurves(2), "combined", 16, in_flight=3)
    np.testing.assert_array_equal(points, again)


def test_failures_are_no_obstacle():
    curves = TwoCurves(1)
    points, _ = course(curves, "combined", 20, fails=(0, 2, 3))
    assert min(curves.misfit(point) for point in points) < 0.5


def told(lost, evaluations, answer, seed=1):
    """Points of a conversation in which some evaluations come out otherwise; each has its own noise."""
    curves = TwoCurves(seed)
    search = make_search("combined", ranges(), 1)
    units = []
    for number in range(evaluations):
        units.append((np.array(list(search.ask(number).values())) - 2.0) / 2.0)
        whole = curves.response(units[-1], np.random.default_rng(number), TARGETS)
        search.tell(number, *(answer(whole) if number in lost else (10.0, whole)))
    return np.array(units), curves


def without_derivatives(response):
    return 10.0, replace(response, jacobian=np.full_like(response.jacobian, np.nan))


def test_one_evaluation_without_derivatives_does_not_end_the_gradient_steps():
    """They go on as after a failure; the grey-box search would begin with points about the start."""
    silent, curves = told((2,), 5, without_derivatives)
    failed, _ = told((2,), 5, lambda response: (None,))
    np.testing.assert_array_equal(silent, failed)
    assert curves.misfit(silent[-1]) < 0.1 * curves.misfit(silent[0])


def test_evaluations_without_derivatives_end_the_gradient_steps_and_what_is_known_remains():
    """Three of them: then the grey-box search goes on from what is known, not from points of a design."""
    units, curves = told(range(2, 30), 12, without_derivatives)
    alone, _ = told(range(30), 12, without_derivatives)
    assert np.median([curves.misfit(unit) for unit in units[5:]]) < 0.3 * np.median(
        [curves.misfit(unit) for unit in alone[5:]]
    )


def test_only_gains_of_the_misfit_that_the_response_tells_count():
    """The number that is told may follow another rule, in another unit: it decides nothing."""

    def points(number):
        curves, random = TwoCurves(1), np.random.default_rng(1)
        search = make_search("combined", ranges(), 1)
        units = []
        for evaluation in range(10):
            units.append((np.array(list(search.ask(evaluation).values())) - 2.0) / 2.0)
            answer = curves.response(units[-1], random, TARGETS)
            search.tell(evaluation, number(answer), answer)
        return np.array(units)

    def declared(response):
        return float(np.mean((response.values - response.targets) ** 2 / (SIGMAS**2 + response.stderrs**2)))

    np.testing.assert_array_equal(points(declared), points(lambda response: 1e-6 * declared(response)))
