import json

import numpy as np
import pytest

from beadsmith.calibrate.functional import (
    Calibration,
    Reference,
    System,
    calibrate,
    calibrate_baselines,
    make_family,
    make_forms,
    make_twin,
    reference_from_surrogate,
)
from beadsmith.calibrate.functional.baselines import Baselines
from beadsmith.calibrate.functional.objective import RULES, Objective
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.twin import HIDDEN, FormulaSurrogate, SampledAxis
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.state import State

CENTRES = (0.0, 0.5, 1.0)
HIDDEN_LINES = (Linear("DC", 1.5, 0.8), Constant(2.0))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["sigmoid", "rbf"])
def test_slopes_of_all_residuals_are_those_of_finite_differences(twin, rule, kind):
    family = make_family(make_forms(kind, twin.systems, centres=CENTRES if kind == "rbf" else None), twin.systems)
    objective = Objective(Predictor(family, twin.systems), rule, 0.7)
    place, step = np.random.default_rng(1).uniform(0.1, 0.9, family.size), 1e-6

    _, slopes = objective.residuals(place[None])

    moved = [
        [objective.residuals((place + sign * step * unit)[None])[0][0] for sign in (1, -1)]
        for unit in np.eye(family.size)
    ]
    expected = np.array([(up - down) / (2 * step) for up, down in moved]).T
    np.testing.assert_allclose(slopes[0], expected, atol=1e-6 * np.abs(expected).max())


def test_centres_lie_where_the_data_can_tell_their_values(twin):
    make_forms("rbf", twin.systems, centres=(-0.05, 0.5, 1.05))
    with pytest.raises(ProblemError, match=r"calibration\.centres: received 50, expected values of DC near its states"):
        make_forms("rbf", twin.systems, centres=(0.0, 50.0, 100.0))


def test_functions_may_be_kept_to_less_than_the_surrogates_know(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)]),)
    name, *others = make_family(make_forms("constant", systems), systems).ranges
    low, high = make_family(make_forms("constant", systems), systems).ranges[name]
    narrow = make_family(make_forms("constant", systems), systems, {name: (low + 0.1, high + 9)})
    assert narrow.ranges[name] == (low + 0.1, high)
    assert set(narrow.ranges) == {name, *others}
    with pytest.raises(ProblemError, match="do not overlap"):
        make_family(make_forms("constant", systems), systems, {name: (high + 1, high + 2)})


@pytest.mark.parametrize("rule", RULES)
def test_the_sum_of_squares_is_the_value(twin, rule):
    family = make_family(make_forms("rbf", twin.systems, centres=CENTRES), twin.systems)
    objective = Objective(Predictor(family, twin.systems), rule, 1.0)
    places = np.random.default_rng(2).uniform(size=(3, family.size))

    residuals, _ = objective.residuals(places)

    np.testing.assert_allclose((residuals**2).sum(-1), objective.value(places), rtol=1e-9)


def test_combined_variance_is_minus_two_log_likelihood(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)]),)
    family = make_family(make_forms("constant", systems), systems)
    predictor = Predictor(family, systems)
    place = np.array([[0.3, 0.8]])
    mean, variance = (one[0] for one in predictor.predict(place))
    total = variance + predictor.target_variances

    likelihood = -0.5 * ((mean - predictor.targets) ** 2 / total + np.log(2 * np.pi * total)).sum()

    exact = -0.5 * np.log(2 * np.pi * predictor.target_variances).sum()
    assert Objective(predictor, "combined_variance", None).value(place)[0] == pytest.approx(-2 * (likelihood - exact))


def test_a_surrogate_that_knows_nothing_is_no_reward():
    axes = (SampledAxis("a", 0.0, 1.0), SampledAxis("DC", 0.0, 1.0))
    at = (State.of(DC=0.5),)
    systems = tuple(
        System(
            "s", {"o": FormulaSurrogate(lambda inputs: inputs[:, 0], axes, spread)}, (_reference("o", at, [5.0], 0.1),)
        )
        for spread in (5.0, 50.0)
    )
    values = [
        Objective(
            Predictor(make_family(make_forms("constant", [one]), [one]), (one,)), "combined_variance", None
        ).value(np.array([[0.5]]))[0]
        for one in systems
    ]

    assert values[0] < values[1]


def test_every_observable_counts_alike_in_relative_misfit_whatever_its_unit(make_linear_system):
    found = [
        calibrate(
            (make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)], scale=scale),), _lines(), misfit=rule, starts=4
        )
        for rule in ("relative", "giuntoli2021")
        for scale in (1.0, 1000.0)
    ]

    assert found[0].misfit == pytest.approx(found[1].misfit)
    assert found[3].misfit == pytest.approx(1e6 * found[2].misfit, rel=1e-6)


def test_giuntoli_2021_is_equation_3(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)]),)

    found = calibrate(systems, _lines(), misfit="giuntoli2021", starts=4)

    squares = np.array([(one.value - one.target) ** 2 for one in found.predictions]).reshape(2, 6)
    assert found.misfit == pytest.approx(squares.sum() / 6)
    assert found.objective == pytest.approx(found.misfit)


def test_a_linear_problem_has_the_answer_of_least_squares(make_linear_system):
    system = make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)])

    found = calibrate((system,), _lines(), misfit="giuntoli2021", starts=4)

    degrees = np.array([state["DC"] for state in system.references[0].states])
    table = np.concatenate(
        [np.stack([a * np.ones(6), a * degrees, b * np.ones(6)], axis=-1) for a, b in ((1.0, 0.5), (0.2, 1.0))]
    )
    intercept, slope, constant = np.linalg.lstsq(table, np.concatenate([one.values for one in system.references]))[0]
    line = found.functions["a"]
    np.testing.assert_allclose([line.intercept, line.slope], [intercept, slope], rtol=1e-5)
    assert found.functions["b"].value == pytest.approx(constant, rel=1e-5)


def test_an_observable_of_weight_zero_is_not_fitted(make_linear_system):
    system = make_linear_system(HIDDEN_LINES, [(1.0, 0.0), (0.0, 1.0)])
    first, second = system.references
    silent = Reference(second.observable, second.states, second.values + 7.0, second.stderrs, weight=0.0)

    found = calibrate((System("s", system.surrogates, (first, silent)),), _lines(), starts=4)

    assert found.rmspe["s"]["observable0"] < 5.0
    assert found.functions["b"].value == pytest.approx(2.0, abs=1e-3), "the prior's centre"


def test_the_twin_is_recovered_in_its_predictions(twin):
    found = calibrate(twin.systems, make_forms("rbf", twin.systems, centres=CENTRES))

    assert found.free_parameters == 43
    assert max(value for row in found.rmspe.values() for value in row.values()) < 5.0
    assert found.misfit < 1.0
    assert found.excursion < 0.03
    exact = np.concatenate([twin.exact[system][name] for system in twin.exact for name in twin.exact[system]])
    away = np.array([one.value for one in found.predictions]) / exact - 1.0
    assert np.sqrt((away**2).mean()) < 0.01, "closer to the truth than the noise of the targets"


def test_more_freedom_fits_better_and_one_response_alone_best():
    twin = make_twin(states=8)
    found = calibrate_baselines(twin.systems, centres=CENTRES, starts=8)

    assert found.constant.free_parameters == 14
    assert found.sigmoid.free_parameters == 56
    assert found.free.free_parameters == 14 * 8
    assert found.constant.mean_rmspe > 3.0
    assert 1.0 > found.sigmoid.mean_rmspe > found.free.mean_rmspe
    assert set(found.one_response_at_a_time) == {"density", "debye_waller_factor", "youngs_modulus", "yield_stress"}
    together = calibrate(twin.systems, make_forms("rbf", twin.systems, centres=CENTRES), starts=8)
    for name, alone in found.one_response_at_a_time.items():
        assert set(alone.rmspe["pacm"]) == {name}
        assert alone.rmspe["pacm"][name] < together.rmspe["pacm"][name] + 0.1
    assert Baselines.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_forms_may_be_mixed_by_parameter(twin):
    kinds = dict.fromkeys(HIDDEN, "constant") | {
        "pair.B3.epsilon": "rbf", "pair.B2.epsilon": "linear", "pair.B5.epsilon": "linear",
        "pair.B1.sigma": "linear", "pair.B3.sigma": "linear",
    }  # fmt: skip

    found = calibrate(twin.systems, make_forms(kinds, twin.systems, centres=CENTRES), starts=16)

    assert found.free_parameters == 9 + 4 * 2 + 3 + 1
    assert found.mean_rmspe < 1.2


def test_hidden_functions_are_where_the_way_may_begin(twin):
    forms = make_forms("rbf", twin.systems, centres=CENTRES)
    begin = make_family(forms, twin.systems).nearest(HIDDEN)

    found = calibrate(twin.systems, forms, starts=0, begin=[begin])

    best = calibrate(twin.systems, forms)
    assert found.starts == 1
    assert found.objective == pytest.approx(best.objective, rel=0.05)
    assert found.log10_shape == pytest.approx(-0.44, abs=2.0)


def test_a_calibration_is_the_same_again_and_survives_json(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5), (0.2, 1.0)]),)
    forms = make_forms("rbf", systems)
    found = calibrate(systems, forms, starts=8, seed=3)

    assert calibrate(systems, forms, starts=8, seed=3) == found
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Calibration.from_json(document) == found
    assert document["free_parameters"] == len(document["labels"]) == len(document["coordinates"]) == 7


def test_percentages_of_a_target_of_zero_are_left_open(make_linear_system):
    system = make_linear_system(HIDDEN_LINES, [(1.0, 0.5)])
    zero = Reference("observable0", system.references[0].states, np.zeros(6), np.full(6, 0.1))

    found = calibrate((System("s", system.surrogates, (zero,)),), _lines(), starts=4)

    assert np.isnan(found.rmspe["s"]["observable0"])
    assert found.to_json()["rmspe"] == {"s": {"observable0": None}}


def test_a_reference_may_come_from_a_surrogate_of_the_state_alone(make_states):
    surrogate = FormulaSurrogate(lambda inputs: 2.0 + inputs[:, 0], (SampledAxis("DC", 0.0, 1.0),), 0.1)

    found = reference_from_surrogate("o", surrogate, make_states(3))

    np.testing.assert_allclose(found.values, [2.0, 2.5, 3.0])
    np.testing.assert_allclose(found.stderrs, [0.2, 0.1, 0.2])
    with pytest.raises(ProblemError, match="the axis DC"):
        reference_from_surrogate("o", surrogate, [State.of(T=300.0)])


def test_targets_outside_the_design_are_refused(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5)], sampled=(0.0, 0.9), asked=(0.0, 1.0)),)

    with pytest.raises(ProblemError, match=r"observable0 of toy: received the state DC=1, expected DC from 0 to 0\.9"):
        calibrate(systems, _lines(), starts=4)


def test_targets_outside_the_design_are_fitted_with_a_warning_by_choice(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5)], sampled=(0.0, 0.9), asked=(0.0, 1.0)),)

    with pytest.warns(UserWarning, match="1 of 6 states lie outside DC from 0 to 0.9"):
        found = calibrate(systems, _lines(), starts=4, outside="warn")

    assert len(found.warnings) == 1


def test_targets_at_the_ends_of_the_design_are_inside(make_linear_system):
    systems = (make_linear_system(HIDDEN_LINES, [(1.0, 0.5)], sampled=(0.0, 0.9), asked=(0.0, 0.9)),)

    assert calibrate(systems, _lines(), starts=4).warnings == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"misfit": "squares"}, "misfit: received squares", id="unknown rule"),
        pytest.param({"prior": -1.0}, "prior: received -1.0", id="prior"),
        pytest.param({"starts": 0}, "at least one start", id="no starts"),
        pytest.param({"starts": 0, "begin": [np.zeros(7)]}, "expected 3 coordinates", id="wrong start"),
    ],
)
def test_options_that_cannot_be_are_refused(make_linear_system, change, message):
    with pytest.raises(ProblemError, match=message):
        calibrate((make_linear_system(HIDDEN_LINES, [(1.0, 0.5)]),), _lines(), **change)


@pytest.mark.parametrize(
    ("values", "stderr", "rule", "message"),
    [
        pytest.param([1.0, 2.0], 0.0, "combined_variance", "the uncertainty 0", id="no uncertainty"),
        pytest.param([0.0, 2.0], 0.1, "relative", "the value 0", id="zero"),
        pytest.param([np.nan, 2.0], 0.1, "relative", "no number", id="nan"),
        pytest.param([1.0, 2.0], -0.1, "relative", "no number", id="negative"),
    ],
)
def test_targets_that_a_rule_cannot_use_are_refused(make_linear_system, make_states, values, stderr, rule, message):
    system = make_linear_system(HIDDEN_LINES, [(1.0, 0.5)])

    def calibrated():
        reference = _reference("observable0", make_states(2), values, stderr)
        calibrate((System("s", system.surrogates, (reference,)),), _lines(), misfit=rule)

    with pytest.raises(ProblemError, match=message):
        calibrated()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param("cubic", "functions.a: received cubic", id="unknown form"),
        pytest.param({"a": "linear"}, "functions.b: received nothing", id="missing"),
        pytest.param({"a": "linear", "b": "rbf", "c": "rbf"}, "functions.c: received rbf", id="unknown parameter"),
    ],
)
def test_forms_must_match_the_parameters(make_linear_system, kind, message):
    with pytest.raises(ProblemError, match=message):
        make_forms(kind, (make_linear_system(HIDDEN_LINES, [(1.0, 0.5)]),))


def test_nothing_to_fit_is_said(make_linear_system):
    system = make_linear_system(HIDDEN_LINES, [(1.0, 0.5)])

    with pytest.raises(ProblemError, match="targets: received nothing"):
        calibrate((System("s", system.surrogates, ()),), {})
    with pytest.raises(ProblemError, match="an observable with a surrogate"):
        System("s", {}, system.references)
    with pytest.raises(ProblemError, match="two references"):
        System("s", system.surrogates, system.references * 2)


def _lines():
    from beadsmith.calibrate.functional.forms import ConstantForm, LinearForm

    return {"a": LinearForm("DC", 0.0, 1.0), "b": ConstantForm()}


def _reference(observable, at, values, stderr):
    return Reference(observable, at, np.array(values), np.full(len(at), stderr))
