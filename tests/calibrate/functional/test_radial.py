import numpy as np
import pytest

from beadsmith.calibrate.functional.radial import MOST_CENTRES, radial_weights
from beadsmith.problem.functions import RadialBasis
from beadsmith.problem.state import State

SHAPES = np.linspace(-4.0, 4.0, 33)


def equally_spaced(centres, points, shape):
    """Closed form for equal distances h: Lagrange's polynomials in exp(2 w h x), in logarithms."""
    width, step = 10.0**shape, centres[1] - centres[0]
    here, nodes = points - centres.mean(), centres - centres.mean()

    def log_sinh(value):
        size = np.maximum(np.abs(value), 1e-300)
        return size + np.log(-np.expm1(-2.0 * size) / 2.0)

    weights = np.empty((len(points), len(centres)))
    for i, node in enumerate(nodes):
        logarithm, sign = -width * (here**2 - node**2), np.ones_like(here)
        for j, other in enumerate(nodes):
            if j != i:
                top, bottom = width * step * (here - other), width * step * (node - other)
                logarithm = logarithm + log_sinh(top) - log_sinh(bottom)
                sign = sign * np.sign(top) * np.sign(bottom)
        weights[:, i] = sign * np.exp(logarithm)
    return weights


@pytest.mark.parametrize("centres", [(0.0, 0.5, 1.0), (0.0, 50.0, 100.0), tuple(np.linspace(0.0, 1.0, 8))])
def test_weights_are_those_of_the_closed_form_at_every_shape(centres):
    centres = np.array(centres)
    points = np.linspace(centres[0], centres[-1], 23)

    found = radial_weights(centres, points, SHAPES).values

    expected = np.array([equally_spaced(centres, points, shape) for shape in SHAPES])
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_flat_functions_are_the_polynomial_through_the_centres():
    centres, points = np.array([0.0, 0.3, 0.95]), np.linspace(0.0, 1.0, 11)
    values = np.array([1.89, 2.21, 3.16])

    found = radial_weights(centres, points, np.array([-9.0])).values[0] @ values

    np.testing.assert_allclose(found, np.polyval(np.polyfit(centres, values, 2), points), atol=1e-8)


def test_narrow_functions_are_their_values_at_the_centres_and_nothing_between():
    found = radial_weights(np.array([0.0, 50.0, 100.0]), np.array([50.0, 25.0]), np.array([4.0])).values[0]

    np.testing.assert_allclose(found, [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("shape", [-2.0, -0.44, 0.6, 2.0])
def test_weights_give_the_record_of_the_model_file(shape):
    record = RadialBasis("DC", (0.0, 0.5, 1.0), (1.89, 2.21, 3.16), shape)
    points = np.linspace(0.0, 1.0, 7)

    found = radial_weights(np.array(record.centres), points, np.array([shape])).values[0] @ np.array(record.values)

    np.testing.assert_allclose(found, [record(State.of(DC=point)) for point in points], rtol=1e-9)


@pytest.mark.parametrize("centres", [(0.0, 0.5, 1.0), (0.0, 50.0, 100.0), (0.0, 0.25, 0.6, 0.9)])
def test_slopes_by_the_shape_are_those_of_finite_differences(centres):
    centres, step = np.array(centres), 1e-5
    points = np.linspace(centres[0], centres[-1], 9)

    found = radial_weights(centres, points, SHAPES).slopes

    after, before = (radial_weights(centres, points, SHAPES + sign * step).values for sign in (1, -1))
    np.testing.assert_allclose(found, (after - before) / (2 * step), atol=1e-7)


@pytest.mark.parametrize("centres", [(), (0.0, 0.0), tuple(range(MOST_CENTRES + 1))])
def test_centres_that_cannot_be_used_are_refused(centres):
    with pytest.raises(ValueError, match="different centres"):
        radial_weights(np.array(centres), np.zeros(1), np.zeros(1))


def test_as_many_centres_as_allowed_are_used():
    centres = np.linspace(0.0, 1.0, MOST_CENTRES)

    found = radial_weights(centres, centres, np.array([-4.0, 0.0, 2.0])).values

    np.testing.assert_allclose(found, np.broadcast_to(np.eye(MOST_CENTRES), found.shape), atol=1e-6)
