import numpy as np
import pytest

from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search
from beadsmith.search.box import Box
from beadsmith.search.cma_es import CmaEs

PARAMETERS = [Parameter("x", 0.0, 1.0, "number"), Parameter("y", -10.0, 10.0, "number")]


def test_begins_around_the_centre_of_the_box():
    search = make_search("cma-es", PARAMETERS, 1)
    points = np.array([list(search.ask(number).values()) for number in range(2000)])
    # The standard deviation of a normal distribution cut off at three of its own on each side is 0.987 of it.
    assert np.mean(points, axis=0) == pytest.approx([0.5, 0.0], abs=0.02 * 20)
    assert np.std(points[:, 0]) == pytest.approx(0.987 / 6, rel=0.05)
    assert np.std(points[:, 1]) == pytest.approx(0.987 / 6 * 20, rel=0.05)


def test_begins_around_the_first_start_point():
    start = [{"x": 0.25, "y": 5.0}, {"x": 0.9, "y": -9.0}]
    search = make_search("cma-es", PARAMETERS, 1, start)
    points = np.array([list(search.ask(number).values()) for number in range(1002)])[2:]
    assert np.median(points, axis=0) == pytest.approx([0.25, 5.0], abs=1.0)
    assert abs(np.median(points[:, 0]) - 0.25) < 0.05


def test_learns_after_start_points_too():
    start = [{"x": 0.8, "y": 5.0}, {"x": 0.9, "y": -9.0}]
    search = make_search("cma-es", PARAMETERS, 1, start)
    for number in range(150):
        point = search.ask(number)
        search.tell(number, (point["x"] - 0.3) ** 2 + (point["y"] / 20) ** 2)
    assert point["x"] == pytest.approx(0.3, abs=0.02)
    assert point["y"] == pytest.approx(0.0, abs=0.4)  # a fiftieth of its range, like x


def test_converges_and_then_starts_somewhere_else_with_twice_the_population():
    strategy = CmaEs(Box.of(PARAMETERS), 1, np.array([0.5, 0.5]))
    population = strategy._distribution.population_size
    points = []
    for number in range(1500):
        points.append(strategy.propose(number))
        strategy.learn(number, (points[-1]["x"] - 0.3) ** 2 + points[-1]["y"] ** 2, None)
        if strategy._distribution.population_size > population:
            break
    assert strategy._distribution.population_size == 2 * population
    assert points[-1]["x"] == pytest.approx(0.3, abs=1e-6)
    after = [strategy.propose(number)["x"] for number in range(len(points), len(points) + 20)]
    assert np.std(after) > 0.05


def test_a_restart_forgets_what_was_in_flight():
    strategy = CmaEs(Box.of(PARAMETERS), 1, np.array([0.5, 0.5]))
    strategy.propose(0)
    strategy._begin(np.array([0.2, 0.2]), None)
    strategy.learn(0, 1.0, None)
    assert strategy._generation == []


def test_only_the_order_of_misfits_matters():
    def points(misfit):
        search = make_search("cma-es", PARAMETERS, 1)
        found = []
        for number in range(50):
            found.append(search.ask(number))
            search.tell(number, misfit(found[-1]["x"] ** 2 + found[-1]["y"] ** 2))
        return found

    assert points(lambda value: value) == points(lambda value: np.log(value) * 1e3 - 5e6)


def test_failures_rank_behind_every_success():
    # A failure must act as a success that is worse than all others of its generation, however large those are.
    def points(bad):
        search = make_search("cma-es", PARAMETERS, 1)
        found = []
        for number in range(60):
            found.append(search.ask(number))
            search.tell(number, bad if number % 6 == 0 else 1e8 * (1.0 + found[-1]["x"]))
        return found

    assert points(None) == points(1e12)
