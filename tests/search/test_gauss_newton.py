"""Gauss-Newton on responses with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.schema import PRIOR_WIDTH
from beadsmith.search import make_search
from beadsmith.search.local_model import Answer, local_model, scatter_between

TARGETS = 23
PARAMETERS = 41
SIGMAS = np.where(np.arange(TARGETS) < 8, 0.010, 0.15)
WEIGHTS = np.where(np.arange(TARGETS) < 8, 1 / 16, 1 / 30)


def ranges(count: int, width: float = 1.0) -> list[Parameter]:
    return [Parameter(f"pair.B{i}.sigma", 2.0, 2.0 + width, "length") for i in range(count)]


class Emulator:
    """Twenty-three curves' points that depend on a few hidden combinations of 41 parameters, a little bent."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self._directions = np.linalg.qr(random.normal(size=(PARAMETERS, 5)))[0] * (random.random((PARAMETERS, 1)) < 0.5)
        shapes = np.polynomial.legendre.legvander(np.linspace(-1, 1, TARGETS), 4)
        self._amplitudes = shapes * np.array([1, 0.5, 0.25, 0.1, 0.1]) * SIGMAS[:, None] * 60
        self.hidden = random.uniform(0.1, 0.9, PARAMETERS)
        self.targets = self.values(self.hidden) + 0.8 * SIGMAS * random.normal(size=TARGETS)

    def values(self, unit):
        z = self._directions.T @ (unit - 0.5)
        return self._amplitudes @ (z + 0.4 * z**2)

    def jacobian(self, unit):
        z = self._directions.T @ (unit - 0.5)
        return self._amplitudes @ np.diag(1 + 0.8 * z) @ self._directions.T

    def misfit(self, values):
        return float((WEIGHTS * (values - self.targets) ** 2 / SIGMAS**2).sum())

    def response(self, unit, width, random, noise=1.0):
        exact = self.jacobian(unit) / width
        doubt = noise * (0.3 * np.abs(exact) + SIGMAS[:, None] / width) + 1e-12
        stderrs = noise * 0.5 * SIGMAS + 1e-12
        return Response(
            targets=self.targets,
            target_stderrs=SIGMAS,
            weights=WEIGHTS,
            values=self.values(unit) + stderrs * random.normal(size=TARGETS),
            stderrs=stderrs,
            jacobian=exact + doubt * random.normal(size=exact.shape),
            jacobian_stderrs=doubt,
        )


def calibrated(
    emulator, *, evaluations, seed=1, in_flight=2, width=1.0, noise=1.0, prior=PRIOR_WIDTH, fail=lambda number: False
):
    """Points in unit coordinates that a search proposes, in order, and the search."""
    parameters = ranges(PARAMETERS, width)
    search = make_search("gauss-newton", parameters, seed, prior=prior)
    random = np.random.default_rng(seed)
    points = []
    for told in range(evaluations):
        while len(points) < min(evaluations, told + in_flight):
            point = search.ask(len(points))
            points.append((np.array([point[one.name] for one in parameters]) - 2.0) / width)
        if fail(told):
            search.tell(told, None)
        else:
            response = emulator.response(points[told], width, random, noise)
            search.tell(told, emulator.misfit(response.values), response)
    return points, search


@pytest.mark.parametrize("seed", range(4))
def test_forty_one_noisy_parameters_in_a_dozen_evaluations(seed):
    emulator = Emulator(seed)
    points, _ = calibrated(emulator, evaluations=14, seed=seed)
    first, last = emulator.misfit(emulator.values(points[0])), emulator.misfit(emulator.values(points[-1]))
    floor = emulator.misfit(emulator.values(emulator.hidden))
    assert first > floor + 5
    assert last < floor + 1


def test_exact_linear_responses_lead_to_the_least_squares_solution_in_one_step():
    """Two routes: two parameters, three targets, no noise; the answer is NumPy's least squares."""
    parameters = ranges(2)
    matrix = np.array([[1.0, 0.3], [0.2, 1.0], [0.5, 0.5]])
    hidden = np.array([0.6, 0.45])
    targets = matrix @ hidden + np.array([0.001, -0.002, 0.001])
    sigmas = np.full(3, 1e-3)
    search = make_search("gauss-newton", parameters, 1)
    search.ask(0)
    response = Response(
        targets, sigmas, np.full(3, 1 / 3), matrix @ np.array([0.5, 0.5]), np.zeros(3), matrix, np.zeros((3, 2))
    )
    search.tell(0, 1.0, response)
    point = search.ask(1)
    found = np.array([point[one.name] - 2.0 for one in parameters])
    np.testing.assert_allclose(found, np.linalg.lstsq(matrix, targets, rcond=None)[0], atol=2e-4)


def test_what_the_data_say_nothing_about_stays_where_it_is():
    emulator = Emulator(3)
    silent = np.flatnonzero(np.abs(emulator.jacobian(np.full(PARAMETERS, 0.5))).sum(axis=0) == 0)
    assert len(silent) > 5
    points, _ = calibrated(emulator, evaluations=9, in_flight=1, noise=0.0)
    np.testing.assert_allclose(points[-1][silent], 0.5, atol=1e-9)


def test_noise_does_not_carry_silent_parameters_away():
    """Each step follows the noise of new derivatives a little; only the prior about the beginning bounds the sum."""

    def drift(prior):
        emulator = Emulator(3)
        silent = np.abs(emulator.jacobian(np.full(PARAMETERS, 0.5))).sum(axis=0) == 0
        points, _ = calibrated(emulator, evaluations=25, in_flight=1, prior=prior)
        return np.abs(points[-1] - 0.5)[silent].mean()

    held = drift(PRIOR_WIDTH)
    assert held < 0.15
    assert drift(1e6) > 1.3 * held
    assert drift(0.1 * PRIOR_WIDTH) < 0.5 * held


def test_a_prior_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="expected a positive part of the ranges"):
        make_search("gauss-newton", ranges(2), 1, prior=0.0)


def test_units_of_the_parameters_do_not_matter():
    """Ranges a thousand times as wide, derivatives a thousand times as small: the same points of the box."""
    narrow, _ = calibrated(Emulator(1), evaluations=6, width=1.0)
    wide, _ = calibrated(Emulator(1), evaluations=6, width=1000.0)
    np.testing.assert_allclose(narrow, wide, atol=1e-8)


def test_steps_stay_in_the_trust_region_and_in_the_box():
    points, _ = calibrated(Emulator(2), evaluations=10, in_flight=1)
    assert all(((point >= 0) & (point <= 1)).all() for point in points)
    told = points[:1]
    for point in points[1:]:
        assert min(np.abs(point - earlier).max() for earlier in told) <= 0.25 + 1e-9
        told.append(point)


def test_it_says_when_nothing_more_is_to_be_gained():
    _, search = calibrated(Emulator(2), evaluations=40, in_flight=1)
    assert search.finished
    _, search = calibrated(Emulator(2), evaluations=3, in_flight=1)
    assert not search.finished


def test_failures_shorten_the_steps_and_the_search_goes_on():
    emulator = Emulator(5)
    points, _ = calibrated(emulator, evaluations=16, in_flight=1, fail=lambda number: number in (1, 2))
    assert np.abs(points[2] - points[0]).max() <= 0.125 + 1e-9
    assert np.abs(points[3] - points[0]).max() <= 0.0625 + 1e-9
    assert emulator.misfit(emulator.values(points[-1])) < 0.1 * emulator.misfit(emulator.values(points[0]))


def test_several_in_flight_differ():
    points, _ = calibrated(Emulator(6), evaluations=10, in_flight=4)
    assert len({tuple(np.round(point, 6)) for point in points}) == 10


def test_without_a_response_it_refuses():
    search = make_search("gauss-newton", ranges(2), 1)
    search.ask(0)
    with pytest.raises(ValueError, match="came without its response"):
        search.tell(0, 1.0)


def without_derivatives(response):
    return replace(response, jacobian=np.full_like(response.jacobian, np.nan))


def test_answers_without_derivatives_teach_as_little_as_failures():
    """As where the only target is a glass transition that some models have and others have not."""

    def told(lost, answer):
        emulator, parameters = Emulator(5), ranges(PARAMETERS)
        search = make_search("gauss-newton", parameters, 1)
        random = np.random.default_rng(1)
        units = []
        for number in range(8):
            point = search.ask(number)
            units.append(np.array([point[one.name] for one in parameters]) - 2.0)
            response = emulator.response(units[-1], 1.0, random)
            search.tell(number, *(answer(response) if number in lost else (1.0, response)))
        return np.array(units)

    for lost in ((2, 3), (0, 1)):
        silent = told(lost, lambda response: (1.0, without_derivatives(response)))
        np.testing.assert_array_equal(silent, told(lost, lambda response: (None,)))


class Wall:
    """One target, best at 1; a simulation fails beyond a place."""

    def __init__(self, place, start=0.5):
        self.parameters = ranges(1)
        self.search = make_search("gauss-newton", self.parameters, 1, [{self.parameters[0].name: 2.0 + start}])
        self._place = place
        self.units = []

    def go(self, evaluations):
        while len(self.units) < evaluations and not self.search.finished:
            number = len(self.units)
            self.units.append(self.search.ask(number)[self.parameters[0].name] - 2.0)
            one = np.ones(1)
            response = Response(
                one, 0.1 * one, one, self.units[-1:] * one, 1e-3 * one, np.ones((1, 1)), np.full((1, 1), 1e-3)
            )
            failed = self.units[-1] > self._place
            self.search.tell(number, *((None,) if failed else (1.0, response)))
        return np.array(self.units)


def test_steps_that_fail_shorten_until_the_search_ends():
    wall = Wall(0.5)
    units = wall.go(30)
    assert wall.search.finished
    assert len(units) == 7
    np.testing.assert_allclose(units[1:], 0.5 + 0.25 * 0.5 ** np.arange(6), atol=1e-9)


def test_a_step_that_succeeds_after_failures_may_be_followed_by_a_longer_one():
    units = Wall(0.52).go(30)
    first = int(np.argmax(units[1:] <= 0.52)) + 1
    assert 0.25 * 0.5 ** (first - 1) < 0.03
    assert units[first + 1] - units[first] >= 0.03 - 1e-9


def test_failures_before_the_first_answer_do_not_end_the_search():
    wall = Wall(0.0)
    assert len(wall.go(20)) == 20
    assert not wall.search.finished


@pytest.mark.parametrize("start", [0.1, 0.5, 0.8])
def test_before_the_first_answer_points_lie_about_the_first_one(start):
    units = Wall(-1.0, start).go(20)
    assert units[0] == pytest.approx(start)
    assert np.abs(units - start).max() <= 0.25 + 1e-9
    assert ((units >= 0) & (units <= 1)).all()
    assert len(set(units)) > 8


def without(response, row):
    """A response in which one target was not determined."""
    absent = np.arange(len(response.targets)) == row
    return replace(
        response,
        values=np.where(absent, np.nan, response.values),
        stderrs=np.where(absent, np.inf, response.stderrs),
        jacobian=np.where(absent[:, None], np.nan, response.jacobian),
        jacobian_stderrs=np.where(absent[:, None], np.inf, response.jacobian_stderrs),
    )


def test_a_target_that_one_evaluation_missed_is_known_from_the_others():
    random = np.random.default_rng(1)
    emulator = Emulator(4)
    here = np.full(PARAMETERS, 0.5)
    complete, other = (Answer(here, emulator.response(here, 1.0, random)) for _ in range(2))
    lacking = Answer(here, without(other.response, 7))
    together, both = local_model([complete, lacking], here), local_model([complete, other], here)
    assert together.values[7] == pytest.approx(complete.response.values[7])
    np.testing.assert_allclose(together.jacobian[7], complete.response.jacobian[7])
    others = np.arange(TARGETS) != 7
    np.testing.assert_allclose(together.values[others], both.values[others])
    np.testing.assert_allclose(together.jacobian_stderrs[others], both.jacobian_stderrs[others])


def test_targets_that_nobody_determines_do_not_stop_the_search():
    emulator = Emulator(4)
    parameters = ranges(PARAMETERS)
    search = make_search("gauss-newton", parameters, 1)
    random = np.random.default_rng(1)
    for number in range(3):
        point = search.ask(number)
        unit = np.array([point[one.name] for one in parameters]) - 2.0
        assert np.isfinite(unit).all()
        search.tell(number, 1.0, without(emulator.response(unit, 1.0, random), 7))


def test_neighbours_share_their_noise_but_distant_ones_do_not_count():
    random = np.random.default_rng(1)
    emulator = Emulator(4)
    here = np.full(PARAMETERS, 0.5)
    twins = [Answer(here, emulator.response(here, 1.0, random)) for _ in range(4)]
    assert local_model(twins, here).stderrs == pytest.approx(twins[0].response.stderrs / 2)
    assert local_model(twins, here).jacobian_stderrs == pytest.approx(twins[0].response.jacobian_stderrs / 2)
    far = Answer(np.zeros(PARAMETERS), replace(twins[0].response, values=twins[0].response.values + 100))
    alone, together = local_model(twins[:1], here), local_model([twins[0], far], here)
    np.testing.assert_allclose(together.values, alone.values, rtol=1e-4)


def near_answers(emulator, random, scatter, count=10):
    """Answers close to the middle, whose values scatter by more than their errors say."""
    answers = []
    for _ in range(count):
        unit = 0.5 + random.uniform(-0.05, 0.05, PARAMETERS)
        response = emulator.response(unit, 1.0, random)
        values = response.values + scatter * random.normal(size=TARGETS)
        answers.append(Answer(unit, replace(response, values=values)))
    return answers


@pytest.mark.parametrize("times", [0.0, 5.0])
def test_the_scatter_between_evaluations_is_recovered(times):
    """Mean square over the targets: none of what error bars explain, all of what they do not."""
    emulator, random = Emulator(4), np.random.default_rng(2)
    scatter = times * SIGMAS
    found = scatter_between(near_answers(emulator, random, scatter), np.full(PARAMETERS, 0.5))
    assert np.sqrt(np.mean((found / SIGMAS) ** 2)) == pytest.approx(times, rel=0.15, abs=0.35)


def test_scatter_is_that_of_the_neighbourhood():
    emulator, random = Emulator(4), np.random.default_rng(2)
    quiet = near_answers(emulator, random, 0.0 * SIGMAS)
    loud = [replace(one, unit=one.unit + 0.4) for one in near_answers(emulator, random, 20.0 * SIGMAS)]
    middle = np.full(PARAMETERS, 0.5)
    assert (scatter_between(quiet + loud, middle) < SIGMAS).all()
    assert (scatter_between(quiet + loud, middle + 0.4) > 5.0 * SIGMAS).all()
    assert (scatter_between(quiet[:1], middle) == 0).all()


def test_a_bend_between_two_evaluations_is_no_scatter():
    """Two routes: the mean of both Jacobians carries a parabola exactly, each of them alone does not."""
    emulator, random = Emulator(4), np.random.default_rng(2)
    units = [np.full(PARAMETERS, 0.5), random.uniform(0.4, 0.6, PARAMETERS)]
    answers = [Answer(unit, emulator.response(unit, 1.0, random, noise=0.0)) for unit in units]
    assert (scatter_between(answers, units[0]) < 1e-6 * SIGMAS).all()
    first, second = (one.response for one in answers)
    straight = second.values - first.values - first.jacobian @ (units[1] - units[0])
    assert np.abs(straight / SIGMAS).max() > 0.1


def test_a_target_of_one_evaluation_has_no_scatter():
    emulator, random = Emulator(4), np.random.default_rng(2)
    answers = near_answers(emulator, random, 5.0 * SIGMAS, count=4)
    lacking = [answers[0], *(Answer(one.unit, without(one.response, 7)) for one in answers[1:])]
    found = scatter_between(lacking, np.full(PARAMETERS, 0.5))
    assert found[7] == 0
    assert np.isfinite(found).all()


def test_the_search_gets_through_a_scatter_that_error_bars_do_not_know():
    """As in a glass: eight targets scatter together by fifteen errors, and their derivatives are those of one basin."""
    glassy = np.arange(TARGETS) < 8
    ends = []
    for seed in range(8):
        emulator, parameters = Emulator(seed), ranges(PARAMETERS)
        search = make_search("gauss-newton", parameters, seed)
        random = np.random.default_rng(seed)
        for number in range(25):
            point = search.ask(number)
            unit = np.array([point[one.name] for one in parameters]) - 2.0
            exact = emulator.response(unit, 1.0, random)
            values = exact.values + np.where(glassy, 15.0 * SIGMAS, 0.0) * random.normal()
            jacobian = np.where(glassy[:, None], 0.4, 1.0) * exact.jacobian
            response = replace(exact, values=values, jacobian=jacobian)
            search.tell(number, emulator.misfit(response.values), response)
        floor = emulator.misfit(emulator.values(emulator.hidden))
        ends.append(emulator.misfit(emulator.values(unit)) - floor)
    # Taking the error bars at their word it ends at up to 8.6.
    assert max(ends) < 5.0
    assert np.median(ends) < 1.5
