"""One exam for every search method."""

import math
import os
import subprocess
import sys

import numpy as np
import optuna
import pytest

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.schema import SEARCH_METHODS
from beadsmith.search import make_search

LEARNING = ("tpe", "tpe-martins2025", "cma-es")
FILLING = ("sobol", "random")
ON_DERIVATIVES = ("gauss-newton", "combined")
ON_OBSERVABLES = ("grey-box", *ON_DERIVATIVES)
#: Those that think about every proposal are asked for few.
THOUGHTFUL = (*ON_OBSERVABLES, "optuna-gp")

# Ranges as different as lengths, stiffnesses, angles and a charge.
PARAMETERS = (
    Parameter("pair.A.sigma", 2.5, 5.0, "length"),
    Parameter("bond.A-B.k", 1.0, 12.0, "bond stiffness"),
    Parameter("angle.A-B-A.theta0", 70.0, 180.0, "angle"),
    Parameter("pair.A.charge", -1e-3, 1e-3, "number"),
)


def unit_coordinates(point, parameters=PARAMETERS):
    return np.array([(point[each.name] - each.low) / (each.high - each.low) for each in parameters])


def bowl(point, parameters=PARAMETERS):
    """A quadratic with its minimum at 0.3 of every range."""
    return float(np.sum((unit_coordinates(point, parameters) - 0.3) ** 2))


def response(point, parameters=PARAMETERS):
    """Observables whose distance from their targets is that of the bowl, exact, with derivatives."""
    unit, widths = unit_coordinates(point, parameters), np.array([each.high - each.low for each in parameters])
    sigmas = np.full(len(unit), 0.1)
    return Response(
        targets=np.full(len(unit), 0.3),
        target_stderrs=sigmas,
        weights=np.full(len(unit), 1 / len(unit)),
        values=unit,
        stderrs=0.1 * sigmas,
        jacobian=np.diag(1.0 / widths),
        jacobian_stderrs=np.diag(0.1 / widths),
    )


def converse(search, evaluations, misfit=bowl, lag=1, parameters=PARAMETERS):
    """Ask and tell as the driver does, with `lag` evaluations in flight; all points."""
    points, misfits = [], []
    for number in range(evaluations):
        if number >= lag:
            told = misfits[number - lag]
            search.tell(number - lag, told, None if told is None else response(points[number - lag], parameters))
        points.append(search.ask(number))
        misfits.append(misfit(points[-1]))
    return points


def budget(method, evaluations):
    return min(evaluations, 14) if method in THOUGHTFUL else evaluations


def sometimes_failing(point):
    return None if unit_coordinates(point)[0] > 0.8 else bowl(point)


def test_there_is_a_search_for_every_name_of_the_schema():
    for method in SEARCH_METHODS:
        assert make_search(method, PARAMETERS, 1).wants_gradients == (method in ON_DERIVATIVES)


@pytest.mark.parametrize("method", SEARCH_METHODS)
class TestEverySearch:
    @pytest.mark.parametrize("lag", [1, 5])
    def test_proposes_every_parameter_inside_its_range(self, method, lag):
        points = converse(make_search(method, PARAMETERS, 1), budget(method, 60), sometimes_failing, lag)
        for point in points:
            assert list(point) == [each.name for each in PARAMETERS]
            assert all(type(value) is float for value in point.values())
            assert all(each.low <= point[each.name] <= each.high for each in PARAMETERS)

    @pytest.mark.parametrize("lag", [1, 5])
    def test_repeats_itself_bit_for_bit(self, method, lag):
        first = converse(make_search(method, PARAMETERS, 3), budget(method, 40), sometimes_failing, lag)
        np.random.seed(99)  # noqa: NPY002  (what others do with the global stream must not matter)
        again = converse(make_search(method, PARAMETERS, 3), budget(method, 40), sometimes_failing, lag)
        assert first == again

    def test_goes_on_from_the_dataset_as_if_it_had_never_stopped(self, method):
        """The driver tells a new search what the killed one was told, with as many in flight, and asks for more."""
        points = converse(make_search(method, PARAMETERS, 2), 14, sometimes_failing, lag=3)
        search = make_search(method, PARAMETERS, 2)
        for number in range(11):
            if number >= 3:
                told = sometimes_failing(points[number - 3])
                search.tell(number - 3, told, None if told is None else response(points[number - 3]))
            search.ask(number)
        told = sometimes_failing(points[8])
        search.tell(8, told, None if told is None else response(points[8]))
        assert search.ask(11) == points[11]

    def test_evaluations_in_flight_together_differ(self, method):
        points = converse(make_search(method, PARAMETERS, 2), 14, lag=4)
        assert len({tuple(point.values()) for point in points}) == 14

    def test_accepts_one_parameter_only(self, method):
        one = PARAMETERS[:1]
        points = converse(make_search(method, one, 1), budget(method, 40), lambda point: bowl(point, one), 1, one)
        distinct = len({point["pair.A.sigma"] for point in points})
        assert distinct > (3 if method in THOUGHTFUL else 30)

    def test_goes_on_when_everything_failed(self, method):
        points = converse(make_search(method, PARAMETERS, 1), 80, lambda _: None, lag=3)
        coordinates = np.array([unit_coordinates(point) for point in points[40:]])
        assert np.all(np.std(coordinates, axis=0) > 0.08)

    @pytest.mark.parametrize("lag", [1, 12])
    def test_begins_with_the_start_points(self, method, lag):
        start = [{each.name: each.low + part * (each.high - each.low) for each in PARAMETERS} for part in (0.25, 0.5)]
        points = converse(make_search(method, PARAMETERS, 1, start), budget(method, 20), lag=lag)
        assert points[0] == pytest.approx(start[0], rel=1e-15)
        assert points[1] == pytest.approx(start[1], rel=1e-15)
        assert points[2] not in start

    def test_whole_numbers_and_numpy_numbers_are_numbers(self, method):
        number = budget(method, 30)
        plain = converse(make_search(method, PARAMETERS, 1), number, lambda point: float(round(9 * bowl(point))))
        whole = converse(make_search(method, PARAMETERS, 1), number, lambda point: round(9 * bowl(point)))
        numpy = converse(make_search(method, PARAMETERS, 1), number, lambda point: np.float64(round(9 * bowl(point))))
        assert plain == whole == numpy

    def test_refuses_to_be_asked_out_of_order(self, method):
        search = make_search(method, PARAMETERS, 1)
        with pytest.raises(ValueError, match="evaluation 1 was asked for, expected 0"):
            search.ask(1)
        search.ask(0)
        with pytest.raises(ValueError, match="evaluation 0 was asked for, expected 1"):
            search.ask(0)

    def test_refuses_to_be_told_out_of_order(self, method):
        search = make_search(method, PARAMETERS, 1)
        search.ask(0)
        search.ask(1)
        with pytest.raises(ValueError, match="evaluation 1 was told, expected 0"):
            search.tell(1, 1.0)
        search.tell(0, None)
        with pytest.raises(ValueError, match="evaluation 0 was told, expected 1"):
            search.tell(0, 1.0)

    def test_refuses_to_be_told_before_it_was_asked(self, method):
        with pytest.raises(ValueError, match="told before it was asked for"):
            make_search(method, PARAMETERS, 1).tell(0, 1.0)

    @pytest.mark.parametrize("misfit", [math.nan, math.inf, -math.inf])
    def test_refuses_misfits_that_are_no_numbers_and_goes_on_unharmed(self, method, misfit):
        search = make_search(method, PARAMETERS, 1)
        point = search.ask(0)
        with pytest.raises(ValueError, match=f"misfit {misfit}, expected a finite number, or None if it failed"):
            search.tell(0, misfit)
        search.tell(0, bowl(point), response(point))
        assert search.ask(1) == converse(make_search(method, PARAMETERS, 1), 2)[1]

    def test_is_quiet_and_leaves_the_verbosity_of_optuna_alone(self, method, optuna_remarks):
        converse(make_search(method, PARAMETERS, 1), budget(method, 15))
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
        assert optuna_remarks == []

    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_refuses_seeds_that_it_cannot_use(self, method, seed):
        with pytest.raises(ValueError, match=f"seed of a search is {seed}, expected a whole number from 0"):
            make_search(method, PARAMETERS, seed)

    def test_accepts_the_largest_seed(self, method):
        converse(make_search(method, PARAMETERS, 2**32 - 1), 12)


@pytest.mark.parametrize("method", [method for method in SEARCH_METHODS if method not in ON_OBSERVABLES])
def test_another_seed_gives_other_points(method):
    first = converse(make_search(method, PARAMETERS, 0), budget(method, 20))
    second = converse(make_search(method, PARAMETERS, 1), budget(method, 20))
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_another_seed_gives_other_points_after_the_centre():
    first = converse(make_search("grey-box", PARAMETERS, 0), 9)
    second = converse(make_search("grey-box", PARAMETERS, 1), 9)
    assert first[0] == second[0]
    assert all(a != b for a, b in zip(first[1:], second[1:], strict=True))


@pytest.mark.parametrize("method", ON_OBSERVABLES)
def test_a_misfit_without_its_response_is_refused(method):
    search = make_search(method, PARAMETERS, 1)
    search.ask(0)
    with pytest.raises(ValueError, match=r"without its response|needs a target whose observable has a fluctuation"):
        search.tell(0, 1.0)


@pytest.mark.parametrize("method", [*LEARNING, *THOUGHTFUL])
def test_learning_searches_pull_start_points_into_the_box(method):
    outside = {each.name: each.high + 1.0 for each in PARAMETERS}
    corner = {each.name: each.high for each in PARAMETERS}
    assert make_search(method, PARAMETERS, 1, [outside]).ask(0) == pytest.approx(corner, rel=1e-15)


@pytest.mark.parametrize("method", FILLING)
def test_filling_searches_propose_start_points_as_they_are(method):
    outside = {each.name: each.high + 1.0 for each in PARAMETERS}
    assert make_search(method, PARAMETERS, 1, [outside]).ask(0) == outside


@pytest.mark.parametrize("method", FILLING)
def test_start_points_do_not_shift_a_design(method):
    middle = {each.name: (each.low + each.high) / 2 for each in PARAMETERS}
    plain = converse(make_search(method, PARAMETERS, 1), 8)
    assert converse(make_search(method, PARAMETERS, 1, [middle]), 9)[1:] == plain


@pytest.mark.parametrize("method", LEARNING)
@pytest.mark.parametrize("lag", [1, 4])
def test_learning_searches_avoid_a_half_space_that_fails(method, lag):
    # The misfit does not depend on the first parameter, so only the failures can teach it.
    def misfit(point):
        coordinates = unit_coordinates(point)
        return None if coordinates[0] > 0.5 else float(np.sum((coordinates[1:] - 0.4) ** 2))

    shares = []
    for seed in range(3):
        points = converse(make_search(method, PARAMETERS, seed), 90, misfit, lag)
        shares.append(np.mean([unit_coordinates(point)[0] > 0.5 for point in points[30:]]))
    assert np.median(shares) < 0.25  # by chance: one half


@pytest.mark.parametrize("method", LEARNING)
@pytest.mark.parametrize("lag", [1, 8])
def test_learning_searches_beat_random_on_a_quadratic(method, lag):
    parameters = [Parameter(f"x{i}", -1.0, 1.0 + i, "number") for i in range(10)]

    def best(name, seed):
        search = make_search(name, parameters, seed)
        points = converse(search, 100, lambda point: bowl(point, parameters), lag, parameters)
        return min(bowl(point, parameters) for point in points)

    found = np.median([best(method, seed) for seed in range(3)])
    by_chance = np.median([best("random", seed) for seed in range(9)])
    assert found < 0.7 * by_chance


def test_refuses_an_unknown_method():
    with pytest.raises(ValueError, match=r"search method 'anneal' is not known, expected one of .*tpe, "):
        make_search("anneal", PARAMETERS, 1)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ([], "needs at least one free parameter"),
        ([PARAMETERS[0], PARAMETERS[0]], r"pair.A.sigma appears twice"),
        ([Parameter("x", 2.0, 1.0, "number")], "x has the range 2 to 1, expected two finite ends, the lower one first"),
        ([Parameter("x", 1.0, 1.0, "number")], "expected two finite ends"),
        ([Parameter("x", 0.0, math.inf, "number")], "expected two finite ends"),
    ],
)
def test_refuses_impossible_boxes(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_search("random", parameters, 1)


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ({"x": 0.5}, "start point 0 has no value for y"),
        ({"x": 0.5, "y": math.nan}, "start point 0 has nan for y, expected a finite number"),
        ({"x": 0.5, "y": 0.5, "z": 0.5}, "start point 0 has a value for z, which is not a free parameter"),
    ],
)
def test_refuses_impossible_start_points(start, sentence):
    parameters = [Parameter("x", 0.0, 1.0, "number"), Parameter("y", 0.0, 1.0, "number")]
    with pytest.raises(ValueError, match=sentence):
        make_search("tpe", parameters, 1, [start])


IN_ANOTHER_PROCESS = """
import numpy as np
from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search
parameters = [Parameter(name, 0.0, 1.0, "number") for name in ("sigma", "epsilon", "m", "k", "theta")]
one, slopes = np.ones(5), np.eye(5)
for method in {methods}:
    search = make_search(method, parameters, 1)
    for number in range(14):
        point = search.ask(number)
        values = np.array(list(point.values())) ** 2
        response = Response(0.3 * one, 0.1 * one, 0.2 * one, values, 0.01 * one, slopes, 0.1 * slopes)
        search.tell(number, *((None,) if point["m"] > 0.9 else (point["k"] - point["theta"] ** 2, response)))
    print(method, point)
"""


def test_another_process_proposes_the_same():
    # Python's hashes of strings differ between processes; a resumed study must not notice.
    def run(hash_seed):
        script = IN_ANOTHER_PROCESS.format(methods=SEARCH_METHODS)
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)

    first, second = run("1"), run("2")
    assert first.stdout == second.stdout
    assert len(first.stdout.splitlines()) == len(SEARCH_METHODS)
