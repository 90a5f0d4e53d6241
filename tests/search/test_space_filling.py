import numpy as np
import pytest
from scipy.stats import qmc

from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search

PARAMETERS = [Parameter(f"x{i}", 0.0, 1.0, "number") for i in range(5)]


def design(method, seed, points, parameters=PARAMETERS):
    search = make_search(method, parameters, seed)
    return np.array([list(search.ask(number).values()) for number in range(points)])


@pytest.mark.parametrize("method", ["sobol", "random"])
def test_points_do_not_depend_on_the_budget_or_the_misfits(method):
    search = make_search(method, PARAMETERS, 1)
    told = []
    for number in range(32):
        told.append(list(search.ask(number).values()))
        search.tell(number, None if number % 3 else float(number))
    assert np.array_equal(told, design(method, 1, 100)[:32])


def test_sobol_points_visit_every_stratum_of_every_parameter_once():
    # The one-dimensional property of a (t, m, s)-net in base 2: 64 points, one in each 64th of every axis.
    strata = np.floor(64 * design("sobol", 3, 64)).astype(int)
    assert all(sorted(column) == list(range(64)) for column in strata.T)


def test_random_points_do_not():
    strata = np.floor(64 * design("random", 3, 64)).astype(int)
    assert not any(sorted(column) == list(range(64)) for column in strata.T)


@pytest.mark.parametrize("points", [48, 64, 128])
def test_sobol_points_are_more_even_than_random_ones(points):
    sobol = [qmc.discrepancy(design("sobol", seed, points)) for seed in range(5)]
    random = [qmc.discrepancy(design("random", seed, points)) for seed in range(5)]
    assert max(sobol) < 0.5 * min(random)


def test_sobol_reaches_many_dimensions():
    parameters = [Parameter(f"x{i}", 0.0, 1.0, "number") for i in range(200)]
    assert len(np.unique(design("sobol", 1, 64, parameters))) == 64 * 200


def test_random_points_are_uniform_and_independent_between_evaluations():
    points = design("random", 1, 4000)
    assert np.mean(points, axis=0) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 4000))
    assert np.abs(np.mean((points[1:] - 0.5) * (points[:-1] - 0.5), axis=0)).max() < 4 / 12 / np.sqrt(4000)
