"""Gaussian processes against closed forms, GPyTorch's own posterior and likelihood, and limits."""

import subprocess
import sys

import gpytorch
import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, qmc

from beadsmith.surrogate.gaussian_process import (
    Covariance,
    Hyperparameters,
    fit_gaussian_processes,
    log_likelihood,
    most_probable,
)


def points(number, dimension, seed=1):
    return np.random.default_rng(seed).random((number, dimension))


def wave(inputs):
    """Two outputs of very different size."""
    return np.column_stack([np.sin(5 * inputs[:, 0]) + inputs[:, 1], 1000 * inputs[:, 0] * inputs[:, 1]])


def test_exact_values_are_interpolated():
    inputs = points(15, 2)
    mean, variance = fit_gaussian_processes(inputs, wave(inputs), np.zeros((15, 2))).at(inputs)
    np.testing.assert_allclose(mean, wave(inputs), rtol=5e-3, atol=5e-3)
    assert (np.sqrt(variance) < 5e-3 * wave(inputs).std(axis=0)).all()


def test_predictions_are_as_good_as_they_say():
    inputs, others = points(40, 2), points(200, 2, seed=2)
    mean, variance = fit_gaussian_processes(inputs, wave(inputs), np.zeros((40, 2))).at(others)
    deviations = (mean - wave(others)) / np.sqrt(variance)
    assert np.abs(mean - wave(others)).max() < 0.05 * np.ptp(wave(inputs))
    assert np.mean(np.abs(deviations) < 2) > 0.8


class TheirProcess(gpytorch.models.ExactGP):
    """The same model in GPyTorch's words."""

    def __init__(self, inputs, values, variances, length, straightness, constant):
        super().__init__(inputs, values, gpytorch.likelihoods.FixedNoiseGaussianLikelihood(variances))
        self.mean_module = gpytorch.means.ConstantMean()
        self.smooth = gpytorch.kernels.RBFKernel(ard_num_dims=length.shape[-1])
        self.straight = gpytorch.kernels.LinearKernel()
        self.double()
        self.mean_module.constant.data = constant
        self.smooth.lengthscale, self.straight.variance = length, straightness

    def forward(self, inputs):
        covariance = self.smooth(inputs).to_dense() + self.straight(inputs).to_dense()
        return gpytorch.distributions.MultivariateNormal(self.mean_module(inputs), covariance)


@pytest.mark.parametrize("output", [0, 1])
def test_gpytorch_predicts_the_same(output):
    """Two routes from the same hyperparameters."""
    inputs, others = points(12, 3), torch.from_numpy(points(4, 3, seed=2))
    stderrs = np.tile([0.1, 30.0], (12, 1))
    ours = fit_gaussian_processes(inputs, wave(inputs), stderrs)
    theirs = TheirProcess(
        ours.inputs,
        ours.residuals[output],
        ours.noise[output],
        ours.covariance.lengths[output],
        ours.covariance.straightness[output],
        torch.zeros((), dtype=torch.float64),
    ).eval()
    with torch.no_grad():
        found = theirs(others - ours.centre)
    mean, variance = (one[output] for one in ours.moments(others))
    np.testing.assert_allclose(mean, ours.offset[output] + ours.scale[output] * found.mean, rtol=1e-6)
    np.testing.assert_allclose(variance, ours.scale[output] ** 2 * found.variance, rtol=1e-5)


def likely(inputs, values, noise, length=0.7, straightness=2.0, excess=1.5):
    """Hyperparameters of one output, and their likelihood."""
    as_tensor = torch.tensor([[[length]]]), torch.tensor([[[straightness]]])
    found = Hyperparameters(Covariance(*(one.double() for one in as_tensor)), torch.tensor([[excess]]).double())
    return found, float(log_likelihood(found, inputs, values, noise)[0])


def test_the_likelihood_is_that_of_a_normal_distribution_at_its_most_probable_constant():
    inputs = torch.from_numpy(points(10, 2) - 0.5)
    values = torch.from_numpy(wave(points(10, 2)).T[:1])
    noise = torch.full((1, 10), 0.04, dtype=torch.float64)
    found, ours = likely(inputs, values, noise)
    covariance = (found.covariance.between(inputs, inputs)[0] + 1.5 * 0.04 * torch.eye(10)).numpy()
    theirs = max(
        multivariate_normal(np.full(10, constant), covariance).logpdf(values[0].numpy())
        for constant in np.linspace(-3, 3, 6001)
    )
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_no_other_hyperparameters_are_more_probable():
    """The likelihood and the prior together, from many other beginnings than the optimiser's."""
    inputs = torch.from_numpy(points(25, 1) - 0.5)
    values = torch.from_numpy(np.sin(9 * inputs.numpy()).T)
    noise = torch.full((1, 25), 0.01, dtype=torch.float64)
    found = most_probable(inputs, values, noise)
    best = likely(inputs, values, noise, *(float(one) for one in (*_flat(found.covariance), found.excess.squeeze())))[1]
    random = np.random.default_rng(1)
    for length, straightness in np.exp(random.normal([-1.0, 1.0], 1.0, (200, 2))):
        assert likely(inputs, values, noise, length, straightness, 1.0)[1] < best + 5.0


def _flat(covariance):
    return covariance.lengths.squeeze(), covariance.straightness.squeeze()


@pytest.mark.parametrize(("truth", "low", "high"), [(1.0, 1.0, 1.8), (9.0, 4.0, 14.0)])
def test_error_bars_that_are_too_small_are_noticed(truth, low, high):
    """A line and noise whose variance is so many times the claimed one."""
    random = np.random.default_rng(8)
    inputs = points(60, 2)
    line = inputs.sum(axis=1, keepdims=True) + 0.1 * np.sqrt(truth) * random.normal(size=(60, 1))
    process = fit_gaussian_processes(inputs, line, np.full((60, 1), 0.1))
    assert low <= process.usual_noise[0] / 0.1**2 <= high


def test_repeats_at_one_point_are_averaged():
    """Far more noise than signal: the variance of the mean of n repeats is that of one over n."""
    random = np.random.default_rng(3)
    inputs = np.vstack([np.tile([0.2], (50, 1)), np.tile([0.8], (50, 1))])
    truth = np.where(inputs < 0.5, -5.0, 5.0)
    mean, variance = fit_gaussian_processes(inputs, truth + random.normal(size=truth.shape), np.ones_like(truth)).at(
        np.array([[0.2], [0.8]])
    )
    np.testing.assert_allclose(mean[:, 0], [-5.0, 5.0], atol=3 / np.sqrt(50))
    np.testing.assert_allclose(variance, 1 / 50, rtol=0.25)  # the scatter of these very values adds to it


def test_known_noise_is_not_taken_for_signal():
    random = np.random.default_rng(4)
    inputs = points(30, 4)
    stderrs = np.ones((30, 1))
    mean, _ = fit_gaussian_processes(inputs, random.normal(size=(30, 1)), stderrs).at(points(100, 4, seed=5))
    assert mean.std() < 0.5
    mean, _ = fit_gaussian_processes(inputs, random.normal(size=(30, 1)), 1e-3 * stderrs).at(inputs)
    assert mean.std() > 0.8  # were it exact, it would all be signal


def test_a_straight_function_of_many_parameters_takes_few_points():
    """41 slopes and a constant: from 60 points it is known everywhere, also far outside the points."""
    random = np.random.default_rng(5)
    slopes = random.normal(size=41)
    inputs, others = 0.25 + 0.5 * points(60, 41), points(50, 41, seed=2)
    line = (inputs @ slopes)[:, None] + 0.01 * random.normal(size=(60, 1))
    mean, variance = fit_gaussian_processes(inputs, line, np.full((60, 1), 0.01)).at(others)
    assert np.corrcoef(mean[:, 0], others @ slopes)[0, 1] > 0.98
    assert np.sqrt(variance).mean() < 0.5 * (others @ slopes).std()


def test_with_many_points_parameters_without_effect_are_recognised():
    inputs, others = points(80, 6), points(50, 6, seed=2)

    def function(inputs):
        return np.sin(6 * inputs[:, :1])

    process = fit_gaussian_processes(inputs, function(inputs), np.zeros((80, 1)))
    mean, _ = process.at(others)
    np.testing.assert_allclose(mean, function(others), atol=0.1)


def test_far_from_all_points_little_is_known():
    inputs = 0.2 * points(12, 2)
    process = fit_gaussian_processes(inputs, wave(inputs), np.full((12, 2), 1e-3))
    _, near = process.at(inputs)
    _, far = process.at(np.array([[1.0, 1.0]]))
    assert (far > 10 * near.max(axis=0)).all()


def test_units_do_not_matter():
    inputs, others = points(12, 2), points(5, 2, seed=2)
    stderrs = np.full((12, 2), 0.05)
    one = fit_gaussian_processes(inputs, wave(inputs), stderrs).at(others)
    thousand = fit_gaussian_processes(inputs, 1000 * wave(inputs) + 7, 1000 * stderrs).at(others)
    np.testing.assert_allclose(thousand[0], 1000 * one[0] + 7, rtol=1e-4)
    np.testing.assert_allclose(thousand[1], 1e6 * one[1], rtol=1e-3)


def test_believing_what_is_expected_changes_only_the_doubt():
    inputs, awaited, others = points(12, 2), points(2, 2, seed=2), points(20, 2, seed=3)
    process = fit_gaussian_processes(inputs, wave(inputs), np.full((12, 2), 0.05))
    before, after = process.at(others), process.believing(awaited).at(others)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-6)
    assert (after[1] <= before[1] * (1 + 1e-9)).all()
    assert (process.believing(awaited).at(awaited)[1] < 0.9 * process.at(awaited)[1]).all()


def test_gradients_are_those_of_finite_differences():
    inputs = points(12, 3)
    process = fit_gaussian_processes(inputs, wave(inputs), np.full((12, 2), 0.05))
    here = torch.tensor([[0.3, 0.6, 0.2]], dtype=torch.float64, requires_grad=True)
    for which in (0, 1):
        for output in (0, 1):
            (slope,) = torch.autograd.grad(process.moments(here)[which][output, 0], here)
            for axis in range(3):
                ends = [here.detach().numpy().copy(), here.detach().numpy().copy()]
                ends[0][0, axis] -= 1e-5
                ends[1][0, axis] += 1e-5
                low, high = (process.at(end)[which][0, output] for end in ends)
                assert float(slope[0, axis]) == pytest.approx((high - low) / 2e-5, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("outputs", [1, 3])
def test_outputs_that_never_vary(outputs):
    inputs = points(6, 2)
    mean, variance = fit_gaussian_processes(inputs, np.full((6, outputs), 2.5), np.zeros((6, outputs))).at(inputs)
    np.testing.assert_allclose(mean, 2.5)
    assert np.isfinite(variance).all()


def test_more_points_than_decide_on_hyperparameters_are_all_used():
    inputs = qmc.Sobol(2, rng=1).random(256)
    process = fit_gaussian_processes(inputs, wave(inputs), np.zeros((256, 2)))
    deviations = process.at(inputs)[0] - wave(inputs)
    assert (np.abs(deviations).max(axis=0) < 5e-3 * wave(inputs).std(axis=0)).all()


def test_the_usual_noise_is_in_the_unit_of_the_output():
    inputs = points(12, 2)
    stderrs = np.tile([0.05, 20.0], (12, 1))
    stderrs[0] = 1e4
    assert fit_gaussian_processes(inputs, wave(inputs), stderrs).usual_noise == pytest.approx([0.05**2, 20.0**2])


def test_nothing_of_pytorch_is_left_changed():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    fit_gaussian_processes(points(5, 2), wave(points(5, 2)), np.zeros((5, 2)))
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


SCRIPT = """
import numpy as np, torch, sys
from beadsmith.surrogate.gaussian_process import fit_gaussian_processes
torch.manual_seed(int(sys.argv[1])); torch.set_num_threads(int(sys.argv[1]))
inputs = np.random.default_rng(1).random((30, 8))
process = fit_gaussian_processes(inputs, np.sin(5 * inputs[:, :3]), np.full((30, 3), 0.01), seed=3)
print(process.at(inputs[:4] * 0.9)[0].tobytes().hex())
"""


def test_another_process_with_other_threads_gets_the_same_bits():
    def run(number):
        return subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT, number], capture_output=True, check=True)

    first, second = run("1"), run("2")
    assert first.stdout == second.stdout
    assert len(first.stdout) > 100


@pytest.mark.parametrize(
    ("inputs", "values", "stderrs", "sentence"),
    [
        (np.zeros((1, 2)), np.zeros((1, 1)), np.zeros((1, 1)), "1 points, expected at least 2"),
        (np.zeros((3, 2)), np.zeros((2, 1)), np.zeros((2, 1)), r"inputs \(3, 2\), values \(2, 1\)"),
        (np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((3, 2)), r"standard errors \(3, 2\)"),
        (np.zeros((3, 2)), np.full((3, 1), np.nan), np.zeros((3, 1)), "not finite"),
        (np.zeros((3, 2)), np.zeros((3, 1)), np.full((3, 1), np.inf), "not finite"),
    ],
)
def test_refusals(inputs, values, stderrs, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_gaussian_processes(inputs, values, stderrs)
