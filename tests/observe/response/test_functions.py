"""The chain rule to coefficients, against finite differences of the functions themselves."""

from dataclasses import fields, replace

import pytest

from beadsmith.observe.response import by_coefficients
from beadsmith.observe.response.functions import coefficient_slopes
from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.records import Gradient
from beadsmith.problem.state import State

FUNCTIONS = [
    Constant(0.7),
    Linear("DC", 0.4, 0.5),
    Sigmoid("DC", 0.2, 1.4, 0.45, 0.13),
    Sigmoid("DC", 1.4, 0.2, 0.45, -0.13),
    RadialBasis("DC", (0.0, 0.3, 0.8), (0.5, 1.2, 0.9), 0.4),
    Tabulated("DC", (0.1, 0.4, 0.7), (0.5, 1.2, 0.9)),
]


def with_coefficient(function: Function, name: str, by: float) -> Function:
    name, _, number = name.partition(".")
    if not number:
        return replace(function, **{name: getattr(function, name) + by})
    values = list(getattr(function, name))
    values[int(number)] += by
    return replace(function, **{name: tuple(values)})


@pytest.mark.parametrize("x", [-0.2, 0.0, 0.25, 0.62, 1.1])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_slopes_are_finite_differences(function, x):
    state = State.of(DC=x, T=300)
    for name, slope in coefficient_slopes(function, state).items():
        above, below = (with_coefficient(function, name or "value", by)(state) for by in (1e-5, -1e-5))
        assert slope == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_coefficient_is_forgotten(function):
    found = {name.partition(".")[0] or "value" for name in coefficient_slopes(function, State.of(DC=0.3))}
    assert found == {field.name for field in fields(function)} - {"over", "centres", "points"}


def test_a_gradient_goes_from_values_to_coefficients():
    gradient = Gradient(
        "density", State.of(T=300), {"pair.A.sigma": 2.0, "bond.A-A.k": -1.0}, {"pair.A.sigma": 0.1, "bond.A-A.k": 0.2}
    )
    functions = {"pair.A.sigma": Linear("T", 3.0, -1e-3), "bond.A-A.k": Constant(5.0), "pair.A.epsilon": Constant(1.0)}
    found = by_coefficients(gradient, functions)
    assert found.values == {"pair.A.sigma.intercept": 2.0, "pair.A.sigma.slope": 600.0, "bond.A-A.k": -1.0}
    assert found.stderrs == {"pair.A.sigma.intercept": 0.1, "pair.A.sigma.slope": 30.0, "bond.A-A.k": 0.2}
    assert (found.observable, found.state) == ("density", State.of(T=300))
    # A user's own script gets its coefficients once, at another state than it records.
    assert by_coefficients(gradient, functions, State.of(T=500)).values["pair.A.sigma.slope"] == 1000.0


def test_errors_have_no_sign_and_a_bin_is_no_variable():
    gradient = Gradient("rdf", State.of(T=300, r=4.25), {"pair.A.sigma": 2.0}, {"pair.A.sigma": 0.1})
    found = by_coefficients(gradient, {"pair.A.sigma": Linear("T", 3.0, -1e-3)}, State.of(T=-300))
    assert found.stderrs["pair.A.sigma.slope"] == pytest.approx(30.0)
    assert found.state == State.of(T=300, r=4.25)


def test_a_state_without_the_variable_and_an_unknown_function_are_refused():
    gradient = Gradient("density", State.of(T=300), {"pair.A.sigma": 2.0}, {"pair.A.sigma": 0.1})
    with pytest.raises(KeyError, match="DC"):
        by_coefficients(gradient, {"pair.A.sigma": Linear("DC", 3.0, -1e-3)})
    with pytest.raises(TypeError, match="no derivatives are known for type"):
        coefficient_slopes(int, State())
