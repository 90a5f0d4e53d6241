"""What evaluations say about the misfit elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from beadsmith.calibrate.response import Response
from beadsmith.search.grey_box_acquisition import log_expected_improvement
from beadsmith.search.grey_box_model import CompositeModel, Evaluated, Trend, fit_composite_model

TARGETS = np.array([1.0, -2.0, 0.5])
SIGMAS = np.array([0.1, 0.5, 0.2])
WEIGHTS = np.array([0.5, 0.25, 0.25])
MATRIX = np.array([[1.0, 0.5], [-1.0, 2.0], [0.3, 0.1]])


def values(unit):
    return MATRIX @ unit + np.array([0.5, -2.0, 0.4]) + 0.2 * unit[0] ** 2


def response(unit, noise=0.02, random=None, slopes=False):
    stderrs = noise * SIGMAS
    found = values(unit) + (stderrs * random.normal(size=3) if random is not None else 0.0)
    jacobian = MATRIX + 0.4 * np.outer(np.ones(3), [unit[0], 0.0]) if slopes else np.full((3, 2), np.nan)
    return Response(TARGETS, SIGMAS, WEIGHTS, found, stderrs, jacobian, np.full((3, 2), 1e-3 if slopes else np.inf))


def history(number=12, **settings):
    random = np.random.default_rng(1)
    return [Evaluated(unit, response(unit, **settings)) for unit in random.random((number, 2))]


def misfit(unit, noise=0.02):
    return (WEIGHTS * (values(unit) - TARGETS) ** 2 / (SIGMAS**2 * (1 + noise**2))).sum()


class Known:
    """Scores with given means and variances at every point, measured with given noise."""

    def __init__(self, mean, variance, noise=0.0):
        self.mean, self.variance = np.array(mean), np.array(variance)
        self.usual_noise = np.full(len(mean), float(noise))

    def moments(self, units):
        ones = torch.ones(len(units), dtype=torch.float64)
        return torch.from_numpy(self.mean)[:, None] * ones, torch.from_numpy(self.variance)[:, None] * ones

    def at(self, units):
        return np.tile(self.mean, (len(units), 1)), np.tile(self.variance, (len(units), 1))


def known_model(mean, variance, goal, remainder=0.0, noise=0.0):
    flat = Trend(np.zeros(2), np.zeros((len(mean), 2)))
    return CompositeModel(Known(mean, variance, noise), flat, np.array(goal), remainder, None)


HERE = np.zeros((1, 2))


def test_the_mean_of_a_square_is_the_square_of_the_mean_and_the_variance():
    """E[(c - g)^2] = (m - g)^2 + v, in closed form and by brute force."""
    model = known_model([1.0, -0.5], [0.3, 2.0], [0.2, 0.4], remainder=0.7)
    expected = 0.8**2 + 0.9**2 + 0.3 + 2.0 + 0.7
    assert model.expected_misfit(HERE)[0] == pytest.approx(expected)
    random = np.random.default_rng(1)
    samples = np.array([1.0, -0.5]) + np.sqrt([0.3, 2.0]) * random.normal(size=(400_000, 2))
    brute = ((samples - np.array([0.2, 0.4])) ** 2).sum(axis=1) + 0.7
    assert brute.mean() == pytest.approx(expected, rel=0.01)


def test_the_error_of_one_misfit_is_that_of_a_sum_of_squares():
    model = known_model([1.0, -0.5], [0.0, 0.0], [0.2, 0.4], noise=0.3)
    random = np.random.default_rng(2)
    samples = np.array([0.8, -0.9]) + np.sqrt(0.3) * random.normal(size=(400_000, 2))
    assert model.misfit_stderr(HERE[0]) == pytest.approx((samples**2).sum(axis=1).std(), rel=0.01)


def improvement(model, best, samples=4096):
    random = np.random.default_rng(3)
    normal = torch.from_numpy(random.normal(size=(samples, len(model.goal))))
    return best * float(log_expected_improvement(model, torch.from_numpy(HERE), normal, best).exp()[0])


def test_expected_improvement_is_that_of_brute_force():
    model = known_model([1.0, -0.5], [0.3, 0.5], [0.2, 0.4], remainder=0.1)
    random = np.random.default_rng(4)
    samples = np.array([0.8, -0.9]) + np.sqrt([0.3, 0.5]) * random.normal(size=(400_000, 2))
    brute = np.maximum(0.0, 1.5 - ((samples**2).sum(axis=1) + 0.1)).mean()
    assert improvement(model, 1.5, samples=100_000) == pytest.approx(brute, rel=0.02)


def test_a_certain_improvement_is_its_difference():
    assert improvement(known_model([0.5], [1e-12], [0.0]), 1.0) == pytest.approx(0.75, rel=1e-2)


def test_what_one_noisy_evaluation_cannot_tell_is_no_gain():
    """Without noise all of the variance is learnt; with much, none, and the misfit expected there stays as it is."""
    exact = improvement(known_model([1.0], [1.0], [0.0], noise=0.0), 1.0)
    noisy = improvement(known_model([1.0], [1.0], [0.0], noise=100.0), 1.0)
    assert exact > 0.1
    assert noisy < 0.02 * exact
    # Half of it, by brute force: the mean after the evaluation has the variance v^2 / (v + n), v n / (v + n) remains.
    half = 1.0 + np.sqrt(0.5) * np.random.default_rng(5).normal(size=400_000)
    brute = np.maximum(0.0, 1.0 - (half**2 + 0.5)).mean()
    found = improvement(known_model([1.0], [1.0], [0.0], noise=1.0), 1.0, samples=100_000)
    assert found == pytest.approx(brute, rel=0.03)


def test_the_misfit_is_known_where_it_was_measured_and_near():
    told = history()
    model = fit_composite_model(told, seed=1)
    units = np.array([one.unit for one in told])
    expected = [misfit(unit) for unit in units]
    np.testing.assert_allclose(model.expected_misfit(units), expected, rtol=0.02, atol=0.02)
    others = np.random.default_rng(2).random((30, 2))
    np.testing.assert_allclose(model.expected_misfit(others), [misfit(unit) for unit in others], rtol=0.1, atol=0.3)


def test_noise_does_not_make_a_lucky_evaluation_the_best():
    """Thirty evaluations of nearly the same model: the luckiest claims far less than the model expects of it."""
    random = np.random.default_rng(3)
    units = 0.5 + 0.01 * random.normal(size=(30, 2))
    told = [Evaluated(unit, response(unit, noise=2.0, random=random)) for unit in units]
    claimed = np.array([(WEIGHTS * (one.response.values - TARGETS) ** 2 / SIGMAS**2 / 5.0).sum() for one in told])
    expected = fit_composite_model(told, seed=1).expected_misfit(units)
    assert np.ptp(expected) < 0.3 * np.ptp(claimed)


def test_derivatives_make_a_model_of_two_points_right():
    told = history(2, slopes=True)
    others = told[0].unit + 0.15 * np.random.default_rng(2).normal(size=(30, 2))
    truth = np.array([misfit(unit) for unit in others])

    def error(told):
        return np.abs(fit_composite_model(told, seed=1).expected_misfit(others) - truth).mean()

    plain = [Evaluated(one.unit, response(one.unit)) for one in told]
    assert error(told) < 0.5 * error(plain)


def test_derivatives_that_are_all_noise_are_ignored():
    told = [
        Evaluated(
            one.unit, replace(one.response, jacobian=1e4 * one.response.jacobian, jacobian_stderrs=np.full((3, 2), 1e6))
        )
        for one in history(6, slopes=True)
    ]
    assert (fit_composite_model(told, seed=1).trend.slopes == 0).all()


def test_derivatives_of_some_targets_only():
    told = []
    for one in history(8, slopes=True):
        jacobian, errors = one.response.jacobian.copy(), one.response.jacobian_stderrs.copy()
        jacobian[1], errors[1] = np.nan, np.inf
        told.append(Evaluated(one.unit, replace(one.response, jacobian=jacobian, jacobian_stderrs=errors)))
    model = fit_composite_model(told, seed=1)
    assert np.isfinite(model.trend.slopes).all()
    assert (model.trend.slopes != 0).any()
    units = np.array([one.unit for one in told])
    np.testing.assert_allclose(model.expected_misfit(units), [misfit(unit) for unit in units], rtol=0.1, atol=0.1)


def without(one, row):
    found, stderrs = one.response.values.copy(), one.response.stderrs.copy()
    found[row], stderrs[row] = np.nan, np.inf
    return Evaluated(one.unit, replace(one.response, values=found, stderrs=stderrs))


def test_a_value_that_one_evaluation_lacks_is_no_obstacle():
    told = history()
    told[4] = without(told[4], 1)
    units = np.array([one.unit for one in told])
    expected = np.array([misfit(unit) for unit in units])
    found = fit_composite_model(told, seed=1).expected_misfit(units)
    known = np.arange(len(told)) != 4
    np.testing.assert_allclose(found[known], expected[known], rtol=0.05, atol=0.05)
    assert np.isfinite(found[4])


def test_a_target_that_nobody_determines_is_left_out():
    told = [without(one, 1) for one in history()]
    model = fit_composite_model(told, seed=1)
    units = np.array([one.unit for one in told])
    deviations = np.array([values(unit) - TARGETS for unit in units])
    rest = (WEIGHTS * deviations**2 / SIGMAS**2)[:, [0, 2]].sum(axis=1)
    np.testing.assert_allclose(model.expected_misfit(units), rest, rtol=0.05, atol=0.05)


def test_without_any_determined_target_it_says_so():
    told = [without(without(without(one, 0), 1), 2) for one in history(3)]
    with pytest.raises(ValueError, match="no target was determined by 2 of 3 evaluations"):
        fit_composite_model(told, seed=1)


def test_targets_of_weight_zero_do_not_count():
    told = [Evaluated(one.unit, replace(one.response, weights=np.array([1.0, 0.0, 0.0]))) for one in history()]
    model = fit_composite_model(told, seed=1)
    units = np.array([one.unit for one in told])
    first = [((values(unit) - TARGETS)[0] / SIGMAS[0]) ** 2 for unit in units]
    np.testing.assert_allclose(model.expected_misfit(units), first, rtol=0.05, atol=0.05)


def test_failures_teach_where_not_to_go():
    random = np.random.default_rng(6)
    units = random.random((40, 2))
    told = [Evaluated(unit, None if unit[0] > 0.6 else response(unit)) for unit in units]
    feasibility = fit_composite_model(told, seed=1).feasibility
    assert feasibility.probability(np.array([[0.9, 0.5]]))[0] < 0.3
    assert feasibility.probability(np.array([[0.2, 0.5]]))[0] > 0.7
    assert fit_composite_model(history(), seed=1).feasibility is None


def test_one_parameter_and_one_target():
    def single(unit):
        value = np.array([3.0 * unit[0]])
        slope = np.full((1, 1), np.nan)
        return Response(np.array([1.0]), np.array([0.1]), np.ones(1), value, np.array([0.01]), slope, slope + np.inf)

    units = np.linspace(0.05, 0.95, 6)[:, None]
    model = fit_composite_model([Evaluated(unit, single(unit)) for unit in units], seed=1)
    truth = (3.0 * units[:, 0] - 1.0) ** 2 / (0.1**2 + 0.01**2)
    np.testing.assert_allclose(model.expected_misfit(units), truth, rtol=0.02, atol=0.1)
