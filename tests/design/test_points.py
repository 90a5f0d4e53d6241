"""Points of a design: in their ranges, even, the same when there are more of them."""

import numpy as np
import pytest

from beadsmith.design.points import StateAxis, design_points
from beadsmith.problem.parameters import Parameter

PARAMETERS = (Parameter("pair.A.epsilon", 0.5, 1.5, "energy"), Parameter("pair.A.sigma", 3.0, 5.0, "length"))
DEGREE = StateAxis("DC", 0.0, 0.9)


def test_a_longer_design_begins_with_the_shorter_one():
    assert design_points(PARAMETERS, [DEGREE], 7, 100)[:33] == design_points(PARAMETERS, [DEGREE], 7, 33)


def test_every_interval_of_each_coordinate_has_its_share():
    points = design_points(PARAMETERS, [DEGREE], 3, 64)
    columns = np.array([[*point.parameters.values(), point.state["DC"]] for point in points])
    lows, highs = np.array([0.5, 3.0, 0.0]), np.array([1.5, 5.0, 0.9])
    cells = np.floor(64 * (columns - lows) / (highs - lows))

    # 64 points, one in each 64th of every coordinate: so even that random points would never be.
    assert all(sorted(column) == list(range(64)) for column in cells.T)


def test_seeds_scramble_differently():
    first, second = (design_points(PARAMETERS, [DEGREE], seed, 8) for seed in (1, 2))
    assert all(one.parameters != other.parameters for one, other in zip(first, second, strict=True))


def test_the_values_of_a_list_are_taken_equally_often():
    states = StateAxis("DC", 0.0, 0.9, (0.0, 0.5, 0.9, 0.7))
    taken = [point.state["DC"] for point in design_points(PARAMETERS, [states], 1, 128)]
    assert {value: taken.count(value) for value in set(taken)} == dict.fromkeys(states.values, 32)


@pytest.mark.parametrize(("parameters", "count"), [((), 5), (PARAMETERS, 0)])
def test_nothing_to_vary_or_no_point_gives_none(parameters, count):
    assert design_points(parameters, (), 1, count) == ()
