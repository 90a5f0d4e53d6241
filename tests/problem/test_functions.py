import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.problem.functions import Constant, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.state import State

# Giuntoli et al. 2021, Table 2: the well depth of bead 3, kcal/mol, at degrees of crosslinking of 0, 1/2 and 1.
EPSILON_3 = RadialBasis("DC", (0.0, 0.5, 1.0), (1.89, 2.21, 3.16), -0.44)

numbers = st.floats(-1e3, 1e3)


@pytest.mark.parametrize(("crosslinking", "value"), [(0.0, 1.89), (0.5, 2.21), (1.0, 3.16)])
def test_radial_basis_functions_go_through_the_published_points(crosslinking, value):
    assert EPSILON_3(State.of(DC=crosslinking)) == pytest.approx(value, rel=1e-9)


def test_radial_basis_functions_by_hand():
    # Two centres: K = [[1, q], [q, 1]], so the weights follow from the 2 x 2 inverse.
    first, second, shape = 2.0, 5.0, 10**0.3
    q = math.exp(-shape)
    weights = ((first - q * second) / (1 - q * q), (second - q * first) / (1 - q * q))
    at = 0.3
    expected = weights[0] * math.exp(-shape * at**2) + weights[1] * math.exp(-shape * (1 - at) ** 2)
    assert RadialBasis("x", (0.0, 1.0), (first, second), 0.3)(State.of(x=at)) == pytest.approx(expected, rel=1e-12)


def test_both_readings_of_the_published_shape_nearly_agree():
    # The paper may mean w = omega and not w = 10**omega: that curve is at most 0.07 kcal/mol away.
    centres, values = np.array(EPSILON_3.centres), np.array(EPSILON_3.values)
    weights = np.linalg.solve(np.exp(0.44 * (centres[:, None] - centres) ** 2), values)
    apart = [EPSILON_3(State.of(DC=at)) - np.exp(0.44 * (at - centres) ** 2) @ weights for at in np.linspace(0, 1, 101)]
    assert 0.001 < np.abs(apart).max() < 0.07


@settings(max_examples=40)
@given(numbers, numbers, numbers)
def test_a_line_is_a_line(intercept, slope, x):
    line = Linear("T", intercept, slope)
    assert line(State.of(T=0)) == intercept
    assert line(State.of(T=x + 1)) - line(State.of(T=x)) == pytest.approx(slope, abs=1e-8)


def test_a_sigmoid_has_its_limits_and_its_middle():
    curve = Sigmoid("T", low=1.0, high=3.0, midpoint=300.0, width=20.0)
    assert curve(State.of(T=300)) == pytest.approx(2.0)
    assert curve(State.of(T=320)) == pytest.approx(1.0 + 2.0 / (1.0 + math.exp(-1)))
    assert curve(State.of(T=-1e9)) == pytest.approx(1.0)
    assert curve(State.of(T=1e9)) == pytest.approx(3.0)


@settings(max_examples=40)
@given(st.floats(-1e3, 1e3))
def test_a_sigmoid_is_symmetric_about_its_middle(distance):
    curve = Sigmoid("x", 0.0, 1.0, 5.0, 2.0)
    assert curve(State.of(x=5 + distance)) + curve(State.of(x=5 - distance)) == pytest.approx(1.0)


def test_a_table_is_straight_between_points_and_constant_beyond():
    table = Tabulated("T", (100.0, 200.0, 400.0), (1.0, 2.0, 6.0))
    assert [table(State.of(T=t)) for t in (0, 100, 150, 200, 300, 400, 1000)] == pytest.approx([1, 1, 1.5, 2, 4, 6, 6])


def test_a_constant_needs_no_state_and_the_others_say_what_they_need():
    assert Constant(2.5)(State()) == 2.5
    functions = [Constant(1.0), Linear("T", 0, 1), Sigmoid("DC", 0, 1, 0, 1), EPSILON_3]
    assert [set(function.variables) for function in functions] == [set(), {"T"}, {"DC"}, {"DC"}]
    for function in functions[1:]:
        with pytest.raises(KeyError):
            function(State.of(P=1))
