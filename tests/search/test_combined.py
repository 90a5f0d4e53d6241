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


def test_an_evaluation_without_derivatives_ends_the_gradient_steps():
    curves = TwoCurves(1)
    search = make_search("combined", ranges(), 1)
    random = np.random.default_rng(1)
    for number in range(16):
        unit = (np.array(list(search.ask(number).values())) - 2.0) / 2.0
        answer = curves.response(unit, random, TARGETS if number < 2 else 0)
        search.tell(number, 10.0, replace(answer))
