import numpy as np
import pytest

from beadsmith.calibrate.functional import make_family, make_forms
from beadsmith.calibrate.functional.descent import descend
from beadsmith.calibrate.functional.twin import HIDDEN
from beadsmith.problem.state import State


def line(target, matrix):
    """Residuals of linear problems, one target for each start."""
    return lambda place: (place @ matrix.T - target, np.broadcast_to(matrix, (len(place), *matrix.shape)))


def test_linear_problems_are_solved_from_every_start():
    rng = np.random.default_rng(1)
    matrix, truth = rng.normal(size=(9, 5)), rng.uniform(0.2, 0.8, (16, 5))

    found = descend(line(truth @ matrix.T, matrix), rng.uniform(size=(16, 5)), 30, tolerance=1e-12)

    np.testing.assert_allclose(found.coordinates, truth, atol=1e-5)
    assert found.values.max() < 1e-8


def test_a_minimum_outside_is_met_at_the_bound_where_the_others_make_up_for_it():
    matrix = np.array([[1.0, 0.5], [0.0, 1.0], [0.3, 0.0]])
    truth = np.array([1.4, 0.5])

    found = descend(line(matrix @ truth, matrix), np.array([[0.2, 0.9], [0.9, 0.1]]), 40, tolerance=1e-12)

    rest = matrix @ truth - matrix[:, 0]
    second = (matrix[:, 1] @ rest) / (matrix[:, 1] @ matrix[:, 1])
    np.testing.assert_allclose(found.coordinates, [[1.0, second]] * 2, atol=1e-6)


def test_a_curved_valley_is_followed():
    """Rosenbrock's function, moved into the hypercube."""

    def residuals(place):
        x, y = 4.0 * place[:, 0] - 2.0, 4.0 * place[:, 1] - 2.0
        slopes = np.zeros((len(place), 2, 2))
        slopes[:, 0, 0], slopes[:, 0, 1], slopes[:, 1, 0] = -80.0 * x, 40.0, -4.0
        return np.stack([10.0 * (y - x**2), 1.0 - x], axis=-1), slopes

    found = descend(residuals, np.array([[0.2, 0.75], [0.9, 0.1]]), 100, tolerance=1e-12)

    np.testing.assert_allclose(found.coordinates, 0.75, atol=1e-4)


def test_the_value_never_rises_and_stays_inside():
    rng = np.random.default_rng(2)
    matrix, target = rng.normal(size=(6, 4)), rng.normal(size=(8, 6)) * 5
    begin = rng.uniform(size=(8, 4))

    values = [descend(line(target, matrix), begin, count).values for count in range(6)]

    assert (np.diff(values, axis=0) <= 1e-12).all()
    found = descend(line(target, matrix), begin, 6).coordinates
    assert found.min() >= 0.0
    assert found.max() <= 1.0


def test_a_published_model_has_coordinates_that_give_it_back(twin):
    family = make_family(make_forms("rbf", twin.systems, centres=(0.0, 0.5, 1.0)), twin.systems)

    found = family.nearest(HIDDEN)

    assert family.log10_shapes(found[None])[0] == pytest.approx(-0.44)
    state = State.of(DC=0.3)
    assert family.functions(found)["pair.B3.epsilon"](state) == pytest.approx(
        HIDDEN["pair.B3.epsilon"](state), abs=1e-5
    )
    lines = {name: "constant" if not one.variables else "linear" for name, one in HIDDEN.items()}
    exact = make_family(
        make_forms(lines | {"pair.B3.epsilon": "rbf"}, twin.systems, centres=(0.0, 0.5, 1.0)), twin.systems
    )
    again = exact.functions(exact.nearest(HIDDEN))
    for name, one in HIDDEN.items():
        assert again[name](state) == pytest.approx(one(state), rel=1e-5), name
