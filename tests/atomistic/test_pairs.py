"""Exp-6: its minimum, its inner maximum, and Buckingham's coefficients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beadsmith.atomistic.dreiding import TYPES
from beadsmith.atomistic.pairs import pair_table

TABLE = pair_table(tuple(TYPES))
TYPE = st.integers(0, len(TYPES) - 1)


def slope(r: float, first: int, second: int) -> float:
    ends = TABLE.energy(np.array([r - 1e-5, r + 1e-5]), first, second)
    return float(ends[1] - ends[0]) / 2e-5


@given(TYPE, TYPE)
def test_the_minimum_lies_at_the_mean_distance_and_has_the_geometric_mean_depth(first, second):
    one, other = list(TYPES.values())[first], list(TYPES.values())[second]
    distance, depth = (one.distance + other.distance) / 2, np.sqrt(one.depth * other.depth)

    assert TABLE.energy(np.array(distance), first, second) == pytest.approx(-depth, rel=1e-9)
    assert slope(distance, first, second) == pytest.approx(0, abs=1e-6)
    curvature = (slope(distance + 1e-3, first, second) - slope(distance - 1e-3, first, second)) / 2e-3
    zeta = (one.steepness + other.steepness) / 2
    # The second derivative of exp-6 at its minimum, by hand.
    assert curvature == pytest.approx(6 * depth * zeta * (zeta - 7) / (zeta - 6) / distance**2, rel=1e-3)


@given(TYPE, TYPE)
def test_atoms_attract_each_other_below_the_turnover_and_nowhere_else_inside(first, second):
    turnover = TABLE.turnovers[first, second]

    assert 0.3 < turnover < 1.7
    assert slope(turnover, first, second) == pytest.approx(0, abs=0.05)
    assert slope(turnover - 0.05, first, second) > 1  # energy falls towards zero distance: a collapse
    assert slope(turnover + 0.05, first, second) < -1
    inside = np.linspace(turnover + 1e-3, TABLE.distances[first, second], 200)
    assert (np.diff(TABLE.energy(inside, first, second)) < 0).all()


@given(TYPE, TYPE)
def test_the_table_is_symmetric(first, second):
    for table in (TABLE.prefactors, TABLE.ranges, TABLE.dispersions, TABLE.turnovers):
        assert table[first, second] == table[second, first]


def test_carbon_by_hand():
    table = pair_table(("C_3",))

    assert table.prefactors[0, 0] == pytest.approx(0.0951 * 6 / 8.034 * np.exp(14.034))
    assert table.ranges[0, 0] == pytest.approx(3.8983 / 14.034)
    assert table.dispersions[0, 0] == pytest.approx(0.0951 * 14.034 / 8.034 * 3.8983**6)
