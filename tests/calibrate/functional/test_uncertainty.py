import json

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from beadsmith.calibrate.functional import (
    Reference,
    System,
    Uncertainty,
    calibrate,
    compare_widths,
    make_forms,
    make_twin,
    posterior_uncertainty,
    published_uncertainty,
    randomised_uncertainty,
)
from beadsmith.calibrate.functional.density import make_density
from beadsmith.calibrate.functional.envelopes import weighted_quantiles
from beadsmith.calibrate.functional.forms import ConstantForm, LinearForm
from beadsmith.calibrate.functional.objective import Objective
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.published import log_likelihood, log_overlap
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.state import State

HIDDEN = (Linear("DC", 1.5, 0.8), Constant(2.0))
FORMS = {"a": LinearForm("DC", 0.0, 1.0), "b": ConstantForm()}


@pytest.fixture(scope="module")
def linear(make_linear_system):
    """A linear problem that the data decide: three coordinates, far from the ends of their ranges."""
    return (make_linear_system(HIDDEN, [(1.0, 0.5), (0.2, 1.0)], noise=0.08, spread=0.03),)


@pytest.fixture(scope="module")
def calibrated(linear):
    return calibrate(linear, FORMS, starts=8)


def closed_form(calibration, systems, precision):
    """Mean and covariance of the coordinates of a linear problem under a normal prior about 1/2."""
    predictor = Predictor(calibration.family, systems)
    place = np.asarray(calibration.coordinates)
    mean, slopes = (one[0] for one in predictor.linearised_means(place[None]))
    information = precision * np.eye(len(place))
    pull = precision * (0.5 - place)
    for block, covariance in zip(predictor.blocks, predictor.covariances(place), strict=True):
        inverse = np.linalg.inv(covariance + np.diag(block.reference.stderrs**2))
        information += slopes[block.rows].T @ inverse @ slopes[block.rows]
        pull += slopes[block.rows].T @ inverse @ (predictor.targets - mean)[block.rows]
    covariance = np.linalg.inv(information)
    return place + covariance @ pull, covariance


def test_overlap_of_two_normal_densities_is_its_integral():
    for mean, variance, other, other_variance in ((0.0, 1.0, 0.5, 2.0), (1.1, 1e-4, 1.12, 4e-4), (0.0, 0.5, 0.0, 0.5)):
        exact, _ = quad(
            lambda y, m=mean, v=variance, o=other, w=other_variance: norm.pdf(y, m, v**0.5) * norm.pdf(y, o, w**0.5),
            min(mean, other) - 10 * max(variance, other_variance) ** 0.5,
            max(mean, other) + 10 * max(variance, other_variance) ** 0.5,
            points=[mean, other],
        )
        found = log_overlap(np.array(mean), np.array(variance), np.array(other), np.array(other_variance))
        assert np.exp(found) == pytest.approx(exact, rel=1e-8)


def test_published_likelihood_is_equation_1(linear, calibrated):
    predictor = Predictor(calibrated.family, linear)
    place = np.array([[0.2, 0.7, 0.6]])
    mean, variance = (one[0] for one in predictor.predict(place))
    degrees = np.array([state["DC"] for state in linear[0].references[0].states])
    total = variance + predictor.target_variances
    overlap = norm.pdf(mean - predictor.targets, 0.0, np.sqrt(total)).reshape(2, len(degrees)).prod(axis=0)

    expected = np.trapezoid(overlap, degrees)

    assert log_likelihood(predictor, place)[0] == pytest.approx(np.log(expected))
    twice = Predictor(calibrated.family, (linear[0], System("other", linear[0].surrogates, linear[0].references)))
    assert log_likelihood(twice, place)[0] == pytest.approx(np.log(2 * expected))
    assert log_likelihood(twice, place, systems_as="product")[0] == pytest.approx(2 * np.log(expected))


def test_published_likelihood_is_larger_where_targets_are_met(linear, calibrated):
    predictor = Predictor(calibrated.family, linear)

    found = log_likelihood(predictor, np.array([calibrated.coordinates, (0.9, 0.1, 0.1)]))

    assert found[0] > found[1] + 5.0


def test_systems_with_different_observables_are_not_added_up(linear):
    first, second = linear[0].references
    systems = (System("x", linear[0].surrogates, (first,)), System("y", linear[0].surrogates, (second,)))
    found = calibrate(systems, FORMS, starts=4)

    with pytest.raises(ProblemError, match="the same observables in all systems"):
        published_uncertainty(found, systems, samples=8)

    assert published_uncertainty(found, systems, samples=8, systems_as="product").method == "giuntoli2021"


def test_observables_without_a_common_state_are_refused(linear):
    first, second = linear[0].references
    apart = (System("x", linear[0].surrogates, (first.at([0, 1]), second.at([2, 3]))),)

    with pytest.raises(ProblemError, match="states with all observables"):
        published_uncertainty(calibrate(apart, FORMS, starts=4), apart, samples=8)


def test_effective_samples_are_few_in_many_dimensions_and_said_to_be(twin):
    found = calibrate(twin.systems, make_forms("rbf", twin.systems, centres=(0.0, 0.5, 1.0)), starts=8)

    all_of_it = published_uncertainty(found, twin.systems, samples=256)
    near = published_uncertainty(found, twin.systems, samples=256, within=0.03)

    assert all_of_it.diagnostics["effective_samples"] < 30
    assert "trust the posterior" in all_of_it.sentences[0]
    assert near.diagnostics["effective_samples"] > 100
    assert "enough" in near.sentences[0]
    assert "no envelope can be wider" in near.sentences[1]


@pytest.mark.parametrize("moving", [False, True])
def test_slopes_of_the_density_are_those_of_finite_differences(twin, moving):
    found = calibrate(twin.systems, make_forms("rbf", twin.systems, centres=(0.0, 0.5, 1.0)), starts=4)
    objective = Objective(Predictor(found.family, twin.systems), found.rule, found.prior)
    density = make_density(objective, np.asarray(found.coordinates), moving=moving)
    place, step = np.random.default_rng(1).uniform(-0.02, 1.02, found.free_parameters), 1e-6
    # The margin of the surrogates has a corner, and so have ranges: keep away from both.
    place = np.where(np.abs(place - 0.5) > 0.48, np.sign(place - 0.5) * 0.51 + 0.5, np.clip(place, 0.1, 0.9))

    _, slopes = density.value_and_gradient(place)

    moved = [
        [density.value_and_gradient(place + sign * step * unit)[0] for sign in (1, -1)] for unit in np.eye(len(place))
    ]
    expected = np.array([(up - down) / (2 * step) for up, down in moved])
    np.testing.assert_allclose(slopes, expected, atol=2e-6 * np.abs(expected).max())


def test_randomised_optima_of_a_linear_problem_are_the_normal_posterior(linear, calibrated):
    objective = Objective(Predictor(calibrated.family, linear), calibrated.rule, calibrated.prior)
    density = make_density(objective, np.asarray(calibrated.coordinates), moving=False)

    draws = density.randomised(4000, np.random.default_rng(1), np.asarray(calibrated.coordinates))

    mean, covariance = closed_form(calibrated, linear, 12.0 + calibrated.prior**-2)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((draws.mean(axis=0) - mean) / spread, 0.0, atol=0.06)
    np.testing.assert_allclose(
        np.cov(draws.T) / np.outer(spread, spread), covariance / np.outer(spread, spread), atol=0.08
    )


def test_randomised_optima_fit_precise_targets_as_well_as_these_are_known():
    """Whatever the parameters do, no property can be less known than its target: predictions scatter by its error."""
    precise = make_twin(noise=0.001, spread=0.0005, states=8)
    forms = make_forms("rbf", precise.systems, centres=(0.0, 0.5, 1.0))
    found = calibrate(precise.systems, forms, starts=16)

    uncertainty = randomised_uncertainty(found, precise.systems, draws=24)

    predictor = Predictor(found.family, precise.systems)
    mean, variance = predictor.predict(np.asarray(uncertainty.draws))
    known = predictor.target_variances + variance.mean(0)
    assert (mean.var(0) / known).mean() < 1.0


def test_nuts_draws_the_closed_form_of_a_linear_problem(linear, calibrated):
    found = posterior_uncertainty(calibrated, linear, draws=200, warmup=40, chains=2, seed=1)

    mean, covariance = closed_form(calibrated, linear, calibrated.prior**-2)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found.draws.mean(axis=0) - mean) / spread, 0.0, atol=0.25)
    np.testing.assert_allclose(found.draws.std(axis=0) / spread, 1.0, atol=0.2)
    assert found.diagnostics["divergences"] == 0
    assert found.diagnostics["largest_r_hat"] < 1.05
    assert found.sentences[0].startswith("The chains agree")


def test_the_same_seed_gives_the_same_draws(linear, calibrated):
    first, second = (posterior_uncertainty(calibrated, linear, draws=8, warmup=4, chains=2, seed=5) for _ in range(2))

    np.testing.assert_array_equal(first.draws, second.draws)


def test_short_chains_are_said_not_to_agree(linear, calibrated):
    found = posterior_uncertainty(calibrated, linear, draws=8, warmup=4, chains=2)

    assert found.sentences[0].startswith("The chains do not agree")


def test_neighbouring_states_do_not_average_the_surrogates_error_away(make_linear_system):
    """Twenty states within one length of the surrogate's errors tell no more than a few of them."""
    spread = {}
    for count in (5, 40):
        systems = (make_linear_system(HIDDEN, [(1.0, 0.0), (0.0, 1.0)], count=count, noise=1e-3, spread=0.05),)
        found = randomised_uncertainty(
            calibrate(systems, {"a": ConstantForm(), "b": ConstantForm()}, starts=4), systems
        )
        spread[count] = found.envelopes["b"].width

    assert spread[40] > 0.7 * spread[5]
    assert spread[40] > 0.5 * 0.05


@pytest.mark.slow
def test_hidden_functions_lie_inside_their_envelopes_at_the_stated_rate(twin):
    """Over several noises, at all states of all functions."""
    inside = []
    for seed in range(4):
        other = make_twin(seed=seed, states=8)
        found = calibrate(other.systems, make_forms("rbf", other.systems, centres=(0.0, 0.5, 1.0)), starts=8)
        uncertainty = randomised_uncertainty(found, other.systems, draws=128)
        for name, envelope in uncertainty.envelopes.items():
            hidden = np.array([other.hidden[name](State.of(DC=point)) for point in envelope.points])
            inside.append((hidden >= envelope.quantiles[0.025]) & (hidden <= envelope.quantiles[0.975]))

    assert np.mean(inside) > 0.9


def test_what_data_do_not_determine_keeps_the_width_of_its_range(make_linear_system):
    systems = (make_linear_system(HIDDEN, [(1.0, 0.0)]),)
    found = randomised_uncertainty(calibrate(systems, FORMS, starts=4), systems, draws=512)

    assert found.envelopes["b"].width == pytest.approx(2.0 / np.sqrt(13.0), rel=0.15)
    assert found.envelopes["a"].width < 0.1


def test_two_ways_are_compared_in_numbers_and_words(linear, calibrated):
    posterior = randomised_uncertainty(calibrated, linear)
    published = published_uncertainty(calibrated, linear, samples=512)

    rows, sentences = compare_widths(published, posterior)

    assert [row.parameter for row in rows] == ["a", "b"]
    assert all(row.ratio > 1.0 for row in rows), "some state of one system is enough for the published likelihood"
    assert "giuntoli2021 is wider for" in " ".join(sentences)
    same, _ = compare_widths(posterior, posterior)
    assert [(row.ratio, row.shift) for row in same] == [(1.0, 0.0)] * 2


def test_uncertainties_survive_json(linear, calibrated):
    found = published_uncertainty(calibrated, linear, samples=16)

    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    again = Uncertainty.from_json(document)

    assert again.to_json() == found.to_json()
    assert again.envelopes == found.envelopes
    assert document["diagnostics"]["within"] is None


def test_quantiles_of_equal_weights_are_those_of_numpy():
    values = np.random.default_rng(1).normal(size=(1000, 2))

    found = weighted_quantiles(values, np.full(1000, 1e-3), (0.16, 0.5, 0.84))

    np.testing.assert_allclose(found, np.quantile(values, (0.16, 0.5, 0.84), axis=0), atol=0.01)


def test_a_rule_that_is_no_likelihood_has_no_posterior(linear):
    found = calibrate(linear, FORMS, misfit="relative", starts=4)

    for way in (posterior_uncertainty, randomised_uncertainty):
        with pytest.raises(ProblemError, match="one that is a likelihood"):
            way(found, linear)


@pytest.mark.parametrize(
    ("way", "options"),
    [
        pytest.param(posterior_uncertainty, {"chains": 1}, id="one chain"),
        pytest.param(posterior_uncertainty, {"draws": 3}, id="draws"),
        pytest.param(posterior_uncertainty, {"warmup": 0}, id="warm-up"),
        pytest.param(randomised_uncertainty, {"draws": 7}, id="optima"),
        pytest.param(published_uncertainty, {"samples": 1}, id="samples"),
        pytest.param(published_uncertainty, {"within": 0.0}, id="within"),
    ],
)
def test_too_little_is_refused(linear, calibrated, way, options):
    with pytest.raises(ProblemError, match="uncertainty: received"):
        way(calibrated, linear, **options)


@pytest.mark.slow
def test_nuts_and_randomised_optima_agree_on_the_twin(twin):
    kinds = "linear"
    found = calibrate(twin.systems, make_forms(kinds, twin.systems), starts=16)

    nuts = posterior_uncertainty(found, twin.systems, draws=150, warmup=100, chains=2)
    rows, _ = compare_widths(randomised_uncertainty(found, twin.systems), nuts)

    assert np.median([row.ratio for row in rows]) == pytest.approx(1.0, abs=0.35)


def test_a_weight_of_two_is_a_target_twice(linear, calibrated):
    first, second = linear[0].references
    doubled = Reference(first.observable, first.states, first.values, first.stderrs, weight=2.0)
    place = np.array([0.3, 0.6, 0.4])

    def density(references, name="s"):
        objective = Objective(
            Predictor(calibrated.family, (System(name, linear[0].surrogates, references),)), "combined_variance", None
        )
        return make_density(objective, place, moving=False).value_and_gradient(place)[0]

    assert density((doubled, second)) - density((first, second)) == pytest.approx(density((first,)))
