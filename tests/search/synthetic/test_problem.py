"""What every synthetic problem promises, asked of a straight line whose answer is known, and of the shipped ones."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from beadsmith.calibrate.by_observable import make_combined_variance
from beadsmith.calibrate.response import response_of
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.state import State
from beadsmith.search.box import Box
from beadsmith.search.synthetic import SyntheticProblem, dielectric_spectrum, pebax_emulator
from beadsmith.search.synthetic.problem import Noise, equal_weights_by_observable, nearest_answer

PARAMETERS = (Parameter("slope", -2.0, 3.0, "number"), Parameter("height", 10.0, 20.0, "number"))
PLACES = np.array([0.0, 1.0, 2.0])
SIGMAS = np.array([0.1, 0.2, 0.3])
WEIGHTS = equal_weights_by_observable((2, 1))
SHIPPED: list[Callable[..., SyntheticProblem]] = [pebax_emulator, dielectric_spectrum]


class Line:
    """Two heights, and a third one, of a straight line; no line may fall by more than one."""

    matrix = np.column_stack([PLACES, np.ones(3)]) * np.array([5.0, 10.0])
    offset = np.column_stack([PLACES, np.ones(3)]) @ np.array([-2.0, 10.0])

    def values(self, unit):
        return None if 5.0 * unit[0] - 2.0 < -1.0 else self.offset + self.matrix @ unit

    def jacobian(self, unit):
        return self.matrix


def a_line(gradients: bool = True) -> SyntheticProblem:
    truth = Line()
    targets = np.array([15.0, 16.0, 17.5])
    unit = nearest_answer(truth, targets, SIGMAS, WEIGHTS, np.array([0.5, 0.5]))
    return SyntheticProblem(
        name="line",
        parameters=PARAMETERS,
        targets=targets,
        target_stderrs=SIGMAS,
        weights=WEIGHTS,
        truth=truth,
        noise=Noise(np.diag([0.1, 0.1, 0.2]) + 0.05, np.array([0.1, 0.1, 0.2]), np.full((3, 2), 0.5)),
        answer=Box.of(PARAMETERS).point(unit),
        gradients=gradients,
    )


def evaluations(problem, point, count):
    random = np.random.default_rng(1)
    return [problem.respond(point, random) for _ in range(count)]


def test_the_answer_is_the_weighted_least_squares_line():
    """Two routes: NumPy's polynomial fit with the weights of the misfit."""
    slope, height = np.polyfit(PLACES, [15.0, 16.0, 17.5], 1, w=np.sqrt(WEIGHTS) / SIGMAS)
    assert a_line().answer == pytest.approx({"slope": slope, "height": height}, abs=1e-6)


def test_the_misfit_is_the_one_of_the_package_and_the_response_the_one_of_the_campaign():
    """Two routes: the same numbers as observations and gradients of a campaign."""
    problem = a_line()
    point = {"slope": 0.7, "height": 14.0}
    misfit, response = problem.respond(point, np.random.default_rng(3))
    places = [("a", 0.0), ("a", 1.0), ("b", 2.0)]
    states = [State.of({"x": place}) for _, place in places]
    targets = [
        Target(name, state, value, sigma, 1.0, "test")
        for (name, _), state, value, sigma in zip(places, states, problem.targets, SIGMAS, strict=True)
    ]
    observations = [
        Observation(name, state, value, stderr)
        for (name, _), state, value, stderr in zip(places, states, response.values, response.stderrs, strict=True)
    ]
    gradients = [
        Gradient(name, state, dict(zip(point, values, strict=True)), dict(zip(point, stderrs, strict=True)))
        for (name, _), state, values, stderrs in zip(
            places, states, response.jacobian, response.jacobian_stderrs, strict=True
        )
    ]
    assert misfit == pytest.approx(make_combined_variance(targets)(observations).total)
    campaign = response_of(observations, gradients, targets, list(point))
    for name in ("targets", "target_stderrs", "weights", "values", "stderrs", "jacobian", "jacobian_stderrs"):
        np.testing.assert_allclose(getattr(response, name), getattr(campaign, name))


def test_noise_has_the_scatter_it_should_have():
    problem = a_line()
    point = {"slope": 0.7, "height": 14.0}
    responses = [response for _, response in evaluations(problem, point, 4000)]
    values = np.array([response.values for response in responses])
    np.testing.assert_allclose(values.mean(axis=0), 14.0 + 0.7 * PLACES, atol=4 * 0.27 / math.sqrt(4000))
    scatter = problem.noise.scatter
    np.testing.assert_allclose(np.cov(values.T), scatter @ scatter.T, atol=0.004)
    # Per unit of the parameters: the slope's range is 5, the height's 10.
    jacobians = np.array([response.jacobian for response in responses])
    np.testing.assert_allclose(jacobians.mean(axis=0), np.column_stack([PLACES, np.ones(3)]), atol=0.007)
    np.testing.assert_allclose(jacobians.std(axis=0), responses[0].jacobian_stderrs, rtol=0.05)
    np.testing.assert_allclose(responses[0].jacobian_stderrs, [[0.1, 0.05]] * 3)


def test_the_true_misfit_is_that_of_a_measurement_without_error():
    problem = a_line()
    point = {"slope": 0.7, "height": 14.0}
    deviations = (14.0 + 0.7 * PLACES - problem.targets) / SIGMAS
    assert problem.true_misfit(point) == pytest.approx(deviations[:2] @ deviations[:2] / 4 + deviations[2] ** 2 / 2)
    assert problem.floor == problem.true_misfit(problem.answer)


def test_failures_are_no_answers_and_infinitely_bad():
    problem = a_line()
    failing, going_well = {"slope": -1.01, "height": 15.0}, {"slope": -0.99, "height": 15.0}
    assert problem.respond(failing, np.random.default_rng(1)) is None
    assert problem.true_misfit(failing) == math.inf
    assert problem.respond(going_well, np.random.default_rng(1)) is not None
    assert math.isfinite(problem.true_misfit(going_well))


def test_an_answer_is_not_sought_across_failures():
    with pytest.raises(ValueError, match="simulations fail between the given point and the answer; begin nearer"):
        nearest_answer(Line(), np.array([15.0, 12.0, 9.0]), SIGMAS, WEIGHTS, np.array([0.9, 0.5]))


@pytest.mark.parametrize("make", [*SHIPPED, lambda seed, gradients: a_line(gradients)])
def test_without_gradients_only_the_derivatives_are_missing(make):
    with_, without = make(1, gradients=True), make(1, gradients=False)
    (misfit, known), (same, unknown) = (
        problem.respond(problem.answer, np.random.default_rng(1)) for problem in (with_, without)
    )
    assert misfit == same
    np.testing.assert_array_equal(known.values, unknown.values)
    assert known.differentiated.all()
    assert not unknown.differentiated.any()
    assert np.isinf(unknown.jacobian_stderrs).all()


@pytest.mark.parametrize("make", SHIPPED)
class TestShipped:
    def test_the_same_seeds_say_the_same(self, make):
        first, again = make(3), make(3)
        assert first.answer == again.answer
        one, two = (problem.respond(problem.answer, np.random.default_rng(5)) for problem in (first, again))
        assert one[0] == two[0]
        np.testing.assert_array_equal(one[1].jacobian, two[1].jacobian)

    def test_the_answer_lies_in_the_box_and_the_weights_sum_to_one(self, make):
        problem = make(2)
        unit = problem.box.unit(problem.answer)
        assert ((unit >= 0) & (unit <= 1)).all()
        assert problem.weights.sum() == pytest.approx(1.0)
        assert len(problem.weights) == len(problem.targets) == len(problem.noise.stderrs)

    def test_nothing_is_better_than_the_answer(self, make):
        """Descents from elsewhere in the box end no lower."""
        problem = make(2)
        random = np.random.default_rng(1)
        ends = []
        while len(ends) < 8:
            begin = 0.5 * problem.box.unit(problem.answer) + 0.5 * random.uniform(0.1, 0.9, problem.box.dimension)
            if problem.truth.values(begin) is None:
                continue
            try:
                end = nearest_answer(problem.truth, problem.targets, problem.target_stderrs, problem.weights, begin)
            except ValueError:
                continue
            ends.append(problem.true_misfit(problem.box.point(end)))
        assert min(ends) >= problem.floor * (1 - 1e-6) - 1e-9

    def test_an_evaluation_of_the_answer_scores_about_one(self, make):
        """Targets and evaluations err by what they say: each squared deviation is one on average, or less."""
        problem = make(4)
        misfits = [misfit for misfit, _ in evaluations(problem, problem.answer, 300)]
        assert 0.1 < np.mean(misfits) < 1.5
