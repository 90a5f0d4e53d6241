"""Probability of success, from successes and failures."""

import numpy as np
import pytest
import torch

from beadsmith.surrogate.feasibility import fit_feasibility


def test_a_half_space_that_fails_is_learnt():
    random = np.random.default_rng(1)
    inputs, others = random.random((60, 3)), random.random((200, 3))
    feasibility = fit_feasibility(inputs, inputs[:, 0] < 0.5)
    probability = feasibility.probability(others)
    assert probability[others[:, 0] < 0.4].min() > 0.6
    assert probability[others[:, 0] > 0.6].max() < 0.4


def test_a_curved_border_is_learnt_too():
    random = np.random.default_rng(2)
    inputs, others = random.random((80, 2)), random.random((200, 2))
    feasibility = fit_feasibility(inputs, inputs.prod(axis=1) < 0.3)
    right = (feasibility.probability(others) > 0.5) == (others.prod(axis=1) < 0.3)
    assert right.mean() > 0.9


def test_nothing_is_forbidden_for_ever_because_of_what_failed_elsewhere():
    inputs = 0.1 * np.random.default_rng(3).random((20, 2))
    probability = fit_feasibility(inputs, inputs[:, 0] < 0.05).probability(np.array([[1.0, 1.0], [0.0, 0.05]]))
    assert 0.01 <= probability[0] < 0.5 < probability[1] <= 0.99


@pytest.mark.parametrize("succeeded", [np.ones(5, bool), np.zeros(5, bool)])
def test_nothing_is_learnt_from_all_alike(succeeded):
    assert fit_feasibility(np.random.default_rng(1).random((5, 2)), succeeded) is None


def test_the_logarithm_is_that_of_the_probability():
    inputs = np.random.default_rng(4).random((30, 2))
    feasibility = fit_feasibility(inputs, inputs[:, 0] < 0.5)
    others = np.random.default_rng(5).random((10, 2))
    logarithm = feasibility.log_probability(torch.from_numpy(others)).numpy()
    np.testing.assert_allclose(np.exp(logarithm), feasibility.probability(others), rtol=1e-9)
