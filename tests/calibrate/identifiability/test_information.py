"""The linear Gaussian model against dense linear algebra, and in its limits."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.calibrate.identifiability import Information


@pytest.fixture(params=[(3, 5), (7, 4), (1, 6), (6, 1), (4, 4)], ids=lambda shape: f"{shape[0]}x{shape[1]}")
def jacobian(request):
    """Targets by parameters, rows of very different size."""
    random = np.random.default_rng(2)
    targets, parameters = request.param
    return random.normal(size=(targets, parameters)) * 10.0 ** random.uniform(-2, 2, (targets, 1))


def dense(jacobian):
    """Posterior covariance by inversion."""
    return np.linalg.inv(np.eye(jacobian.shape[1]) + jacobian.T @ jacobian)


def test_the_posterior_is_that_of_bayes_in_the_units_of_the_user():
    """(J^T S^-1 J + P^-1)^-1 with everything in physical units, and our reduced units: two routes."""
    random = np.random.default_rng(1)
    physical = random.normal(size=(5, 3))
    errors, priors = np.array([0.01, 0.15, 80.0, 2.0, 0.3]), np.array([1.0, 0.48, 44.0])
    expected = np.linalg.inv(physical.T @ np.diag(errors**-2) @ physical + np.diag(priors**-2))
    reduced = Information(physical * priors / errors[:, None])
    np.testing.assert_allclose(reduced.covariance * np.outer(priors, priors), expected, rtol=1e-9)


def test_spectrum_covariance_and_information_agree_with_dense_algebra(jacobian):
    information = Information(jacobian)
    matrix = jacobian.T @ jacobian
    expected = np.sort(np.linalg.eigvalsh(matrix))[::-1][: min(jacobian.shape)]
    np.testing.assert_allclose(information.eigenvalues, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(information.covariance, dense(jacobian), atol=1e-9)
    assert information.nats == pytest.approx(0.5 * np.linalg.slogdet(np.eye(len(matrix)) + matrix)[1])
    for value, direction in zip(information.eigenvalues, information.directions, strict=True):
        np.testing.assert_allclose(matrix @ direction, value * direction, atol=1e-7 * max(expected))
        assert information.along(direction) == pytest.approx(value)


def test_the_effective_number_is_a_sum_over_directions_parameters_and_targets(jacobian):
    information = Information(jacobian)
    matrix = jacobian.T @ jacobian
    expected = np.trace(matrix @ np.linalg.inv(np.eye(len(matrix)) + matrix))
    assert information.effective_number == pytest.approx(expected)
    assert information.reductions.sum() == pytest.approx(expected)
    assert information.leverages.sum() == pytest.approx(expected)
    np.testing.assert_allclose(information.reductions, 1 - np.diag(dense(jacobian)), atol=1e-9)
    hat = jacobian @ dense(jacobian) @ jacobian.T
    np.testing.assert_allclose(information.leverages, np.diag(hat), atol=1e-9)


def test_no_information_leaves_the_prior_and_endless_information_counts_the_rank():
    nothing = Information(np.zeros((3, 4)))
    assert (nothing.effective_number, nothing.nats) == (0.0, 0.0)
    np.testing.assert_array_equal(nothing.covariance, np.eye(4))
    everything = Information(1e9 * np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]))
    assert everything.effective_number == pytest.approx(2.0)
    np.testing.assert_allclose(everything.reductions, [1, 1, 0, 0], atol=1e-12)
    assert np.isfinite(everything.only_theirs).all()


def test_of_two_identical_parameters_only_the_sum_is_known():
    information = Information(np.array([[30.0, 30.0], [40.0, 40.0]]))
    assert information.effective_number == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(np.abs(information.directions[0]), np.sqrt(0.5))
    np.testing.assert_allclose(information.unnoticed(0), [np.sqrt(0.5), -np.sqrt(0.5)], atol=1e-3)
    assert information.along(information.unnoticed(0)) < 1e-3
    np.testing.assert_allclose(information.reductions, 0.5, atol=1e-3)  # each alone is only half known


def test_a_parameter_by_itself_is_unnoticed_where_the_targets_are_silent():
    np.testing.assert_array_equal(Information(np.array([[5.0, 0.0]])).unnoticed(1), [0.0, 1.0])


def test_a_further_target_is_an_update_of_rank_one(jacobian):
    """Sherman and Morrison's formula and the determinant lemma against starting over."""
    row = np.random.default_rng(3).normal(size=jacobian.shape[1])
    before, after = Information(jacobian), Information(jacobian).with_(row[None])
    moved = before.covariance @ row
    surprise = 1.0 + row @ moved
    np.testing.assert_allclose(after.covariance, before.covariance - np.outer(moved, moved) / surprise, atol=1e-9)
    assert after.nats - before.nats == pytest.approx(0.5 * np.log(surprise))
    assert after.effective_number - before.effective_number == pytest.approx(moved @ moved / surprise, abs=1e-9)
    np.testing.assert_allclose(before.spread(row[None]), [np.sqrt(row @ moved)])
    direction = before.newly_known(row[None])
    assert abs(direction @ moved) == pytest.approx(np.linalg.norm(moved))  # parallel: that is where it narrows


def test_what_is_lost_without_a_target_by_two_routes(jacobian):
    """From the leverage alone, and by leaving the target out."""
    information = Information(jacobian)
    for place, lost in enumerate(information.only_theirs):
        others = np.arange(len(jacobian)) != place
        assert information.nats - information.of(others).nats == pytest.approx(lost, rel=1e-6, abs=1e-9)


def test_a_target_that_says_nothing_new_narrows_nothing():
    information = Information(np.array([[2.0, 1.0]]))
    np.testing.assert_array_equal(information.newly_known(np.zeros((2, 2))), [0.0, 0.0])
    assert information.with_(np.zeros((1, 2))).effective_number == pytest.approx(information.effective_number)


def test_the_order_of_targets_and_a_rotation_of_parameters_do_not_matter(jacobian):
    random = np.random.default_rng(4)
    rotation = np.linalg.qr(random.normal(size=(jacobian.shape[1],) * 2))[0]
    shuffled = random.permutation(len(jacobian))
    one, other = Information(jacobian), Information(jacobian[shuffled] @ rotation)
    assert other.effective_number == pytest.approx(one.effective_number)
    np.testing.assert_allclose(other.leverages, one.leverages[shuffled], atol=1e-9)


def test_parameters_that_are_held_leave_what_the_others_are_worth():
    information = Information(np.diag([3.0, 2.0, 0.1]))
    assert information.within(np.array([True, True, False])).effective_number == pytest.approx(0.9 + 0.8)
