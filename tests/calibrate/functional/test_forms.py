import json

import numpy as np
import pytest

from beadsmith.calibrate.functional.forms import (
    ConstantForm,
    FreeForm,
    LinearForm,
    RadialBasisForm,
    SigmoidForm,
    form_from_json,
    function_to_json,
    least_recordable_shape,
    nearest_coordinates,
)
from beadsmith.calibrate.functional.radial import SharedShape
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.state import State

ENDS = (0.4, 1.6)
POINTS = np.linspace(0.0, 0.95, 20)
FORMS = [
    ConstantForm(),
    LinearForm("DC", 0.0, 1.0),
    SigmoidForm("DC", 0.0, 0.95),
    RadialBasisForm("DC", (0.0, 0.5, 1.0)),
    FreeForm("DC", (0.0, 0.2, 0.5, 0.9)),
]
BY_NAME = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)


@BY_NAME
def test_values_are_those_of_the_record(form):
    coordinates = np.random.default_rng(1).uniform(size=form.size)

    found = form.evaluate(coordinates[None], SharedShape(np.array([-0.44])), POINTS, ENDS).values[0]

    record = form.function(coordinates, -0.44, ENDS)
    np.testing.assert_allclose(found, [record(State.of(DC=point)) for point in POINTS], rtol=1e-9)


@BY_NAME
def test_slopes_are_those_of_finite_differences(form):
    rng, step = np.random.default_rng(2), 1e-6
    coordinates, shapes = rng.uniform(0.1, 0.9, (3, form.size)), np.array([-3.0, -0.44, 1.0])

    found = form.evaluate(coordinates, SharedShape(shapes), POINTS, ENDS)

    for index in range(form.size):
        up, down = (
            form.evaluate(coordinates + sign * step * np.eye(form.size)[index], SharedShape(shapes), POINTS, ENDS)
            for sign in (1, -1)
        )
        np.testing.assert_allclose(found.slopes[:, :, index], (up.values - down.values) / (2 * step), atol=1e-8)
    up, down = (form.evaluate(coordinates, SharedShape(shapes + sign * step), POINTS, ENDS) for sign in (1, -1))
    np.testing.assert_allclose(found.shape_slopes, (up.values - down.values) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "rbf"], ids=lambda form: form.name)
def test_functions_other_than_radial_ones_stay_inside_the_range(form):
    coordinates = np.random.default_rng(3).uniform(size=(500, form.size))

    found = form.evaluate(coordinates, SharedShape(np.zeros(500)), POINTS, ENDS).values

    assert found.min() >= ENDS[0] - 1e-12
    assert found.max() <= ENDS[1] + 1e-12


def test_radial_functions_leave_the_range_between_their_centres():
    found = FORMS[3].evaluate(np.array([[1.0, 1.0, 0.0]]), SharedShape(np.array([-0.44])), POINTS, ENDS).values

    assert found.max() > ENDS[1] + 0.05


@BY_NAME
def test_a_function_of_the_class_is_found_again(form):
    coordinates = np.random.default_rng(4).uniform(0.2, 0.8, form.size)
    record = form.function(coordinates, -0.44, ENDS)

    found = nearest_coordinates(form, record, -0.44, POINTS, ENDS)

    again = form.function(found, -0.44, ENDS)
    np.testing.assert_allclose(
        [again(State.of(DC=x)) for x in POINTS], [record(State.of(DC=x)) for x in POINTS], atol=1e-6
    )


def test_the_nearest_line_to_a_curve_is_that_of_least_squares():
    curve = RadialBasis("DC", (0.0, 0.5, 1.0), (0.6, 1.1, 1.2), -0.44)

    found = LinearForm("DC", 0.0, 1.0).function(nearest_coordinates(FORMS[1], curve, 0.0, POINTS, ENDS), 0.0, ENDS)

    slope, intercept = np.polyfit(POINTS, [curve(State.of(DC=x)) for x in POINTS], 1)
    assert isinstance(found, Linear)
    np.testing.assert_allclose([found.slope, found.intercept], [slope, intercept], rtol=1e-6)


@BY_NAME
def test_forms_survive_json(form):
    assert form_from_json(json.loads(json.dumps(form.to_json()))) == form


@pytest.mark.parametrize(
    "function",
    [
        Constant(1.0),
        Linear("T", 1.0, 2.0),
        Sigmoid("T", 0.0, 1.0, 300.0, 20.0),
        RadialBasis("DC", (0.0, 1.0), (1.0, 2.0), 0.0),
        Tabulated("DC", (0.0, 1.0), (1.0, 2.0)),
    ],
    ids=lambda function: type(function).__name__,
)
def test_functions_have_plain_types(function):
    document = json.loads(json.dumps(function_to_json(function)))

    assert document["function"] in {"constant", "linear", "sigmoid", "radial_basis", "tabulated"}


def test_shapes_that_a_record_cannot_hold_are_not_searched():
    assert least_recordable_shape((0.0, 0.5, 1.0)) == -4.0
    assert -4.0 < least_recordable_shape(tuple(np.linspace(0.0, 1.0, 5))) < 1.0


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        pytest.param("linear", {"low": 1.0, "high": 1.0}, id="no interval"),
        pytest.param("sigmoid", {"low": 1.0, "high": 0.0}, id="swapped ends"),
        pytest.param("rbf", {"centres": [0.0]}, id="one centre"),
        pytest.param("rbf", {"centres": [0.5, 0.0]}, id="falling centres"),
        pytest.param("free", {"points": []}, id="no points"),
        pytest.param("cubic", {}, id="unknown"),
    ],
)
def test_forms_that_cannot_be_are_refused(kind, more):
    with pytest.raises(ProblemError, match="expected"):
        form_from_json({"form": kind, "over": "DC", **more})
