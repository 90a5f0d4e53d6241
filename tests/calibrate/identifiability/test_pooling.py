"""Derivatives of several models as one: errors that are right, and distant models that hardly count."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.calibrate.identifiability import Sample, pooled
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Gradient
from beadsmith.problem.state import State

COLD, HOT = State.of(T=150), State.of(T=500)
PARAMETERS = (Parameter("a", 1.0, 3.0, "length"), Parameter("b", 0.0, 10.0, "energy"))
HERE = np.array([0.5, 0.5])


def gradient(observable, state, values, stderrs=(0.1, 0.1)):
    return Gradient(observable, state, dict(zip("ab", values, strict=True)), dict(zip("ab", stderrs, strict=True)))


def sample(point, *gradients):
    return Sample(np.asarray(point, dtype=float), gradients)


def test_one_model_at_the_point_is_its_own_mean_in_unit_coordinates():
    found = pooled([sample(HERE, gradient("density", COLD, (2.0, 3.0), (0.1, 0.2)))], HERE, PARAMETERS)
    assert found.rows == (("density", COLD),)
    np.testing.assert_allclose(found.values, [[4.0, 30.0]])  # times the ranges, 2 and 10
    np.testing.assert_allclose(found.stderrs, [[0.2, 2.0]])
    assert found.models == {"density": 1.0}


def test_replicas_share_their_noise():
    replicas = [sample(HERE, gradient("density", COLD, (2.0, 3.0))) for _ in range(4)]
    found = pooled(replicas, HERE, PARAMETERS)
    np.testing.assert_allclose(found.stderrs, [[0.1, 0.5]])
    assert found.models == {"density": pytest.approx(4.0)}


def test_a_distant_model_counts_by_how_far_derivatives_change():
    """At distance d its derivative is uncertain by its own size times d: inverse variances tell the weights."""
    near = sample(HERE, gradient("density", COLD, (2.0, 2.0), (1.0, 1.0)))
    far = sample([1.1, 1.3], gradient("density", COLD, (4.0, 4.0), (1.0, 1.0)))
    found = pooled([near, far], HERE, PARAMETERS)
    size = (2.0**2 + 4.0**2) / 2 - 1.0
    weight = 1.0 / (1.0 + (1.0 + size))  # of the far one: 1 / (s^2 + c^2 d^2) over both
    expected = 2.0 + 2.0 * weight
    np.testing.assert_allclose(found.values, [[2 * expected, 10 * expected]])
    variance = (1 - weight) ** 2 + weight**2 * (1.0 + size)
    np.testing.assert_allclose(found.stderrs, [[2 * variance**0.5, 10 * variance**0.5]])


def test_precise_models_far_away_are_ignored_and_noisy_ones_are_not():
    def weight_of_the_far_one(stderr):
        near = sample(HERE, gradient("x", COLD, (1.0, 1.0), (stderr, stderr)))
        far = sample([0.0, 0.5], gradient("x", COLD, (2.0, 2.0), (stderr, stderr)))
        return pooled([near, far], HERE, PARAMETERS).values[0, 0] / 2.0 - 1.0

    assert weight_of_the_far_one(1e-3) < 1e-3
    distant = [sample(point, gradient("x", COLD, (1.0, 1.0), (0.1, 0.1))) for point in ([0, 0.5], [1, 0.5], [0.5, 0])]
    assert pooled(distant, HERE, PARAMETERS).models["x"] < 0.2  # three of them are not worth one at the point
    assert weight_of_the_far_one(30.0) == pytest.approx(0.5, abs=1e-3)


def test_models_without_any_noise_at_the_point_rule():
    exact = sample(HERE, gradient("x", COLD, (1.0, 1.0), (0.0, 0.0)))
    other = sample([0.0, 0.0], gradient("x", COLD, (9.0, 9.0), (0.0, 0.0)))
    np.testing.assert_allclose(pooled([exact, other], HERE, PARAMETERS).values, [[2.0, 10.0]], rtol=1e-4)
    twins = pooled([exact, exact], HERE, PARAMETERS)
    np.testing.assert_array_equal(twins.stderrs, [[0.0, 0.0]])


def test_the_mean_is_unbiased_though_small_estimates_have_small_errors():
    """What weighting each derivative by its own error would get wrong by a third."""
    random = np.random.default_rng(1)
    means = []
    for _ in range(300):
        values = random.normal(1.0, 0.5, size=(12, 2))
        samples = [sample(HERE, gradient("x", COLD, one, 0.1 + 0.5 * np.abs(one))) for one in values]
        means.append(pooled(samples, HERE, PARAMETERS).values[0] / [2.0, 10.0])
    assert np.mean(means) == pytest.approx(1.0, abs=0.05)


def test_a_model_that_many_derivatives_call_noisier_counts_less():
    rows = [State.of(T=temperature) for temperature in range(100, 600, 2)]
    quiet, noisy = (sample(HERE, *(gradient("x", at, (v, v), (s, s)) for at in rows)) for v, s in ((1, 0.1), (2, 0.3)))
    found = pooled([quiet, noisy], HERE, PARAMETERS)
    np.testing.assert_allclose(found.values[0] / [2.0, 10.0], 1.1, atol=0.02)  # 1 : 9


def test_errors_grow_to_what_the_scatter_shows_but_never_shrink():
    random = np.random.default_rng(2)
    rows = [State.of(T=temperature) for temperature in range(100, 600, 50)]

    def found(claimed):
        samples = [
            sample(HERE, *(gradient("x", at, random.normal(size=2), (claimed, claimed)) for at in rows))
            for _ in range(8)
        ]
        return pooled(samples, HERE, PARAMETERS).stderrs.mean(axis=0) / [2.0, 10.0] * 8**0.5

    np.testing.assert_allclose(found(claimed=0.1), 1.0, rtol=0.15)
    np.testing.assert_allclose(found(claimed=5.0), 5.0, rtol=1e-6)


def test_errors_of_the_mean_cover_the_truth():
    random = np.random.default_rng(3)
    inside = []
    for _ in range(200):
        samples = [sample(HERE, gradient("x", COLD, random.normal(5.0, 0.3, size=2), (0.3, 0.3))) for _ in range(5)]
        one = pooled(samples, HERE, PARAMETERS)
        inside.append(np.abs(one.values / [2.0, 10.0] - 5.0) < 2 * one.stderrs / [2.0, 10.0])
    assert np.mean(inside) > 0.93


def test_an_observable_that_some_models_lack_is_pooled_over_the_others():
    both = sample(
        HERE, gradient("x", COLD, (1, 1), (5, 5)), gradient("y", COLD, (5, 5)), gradient("x", HOT, (2, 2), (5, 5))
    )
    one = sample(HERE, gradient("x", HOT, (4, 4), (5, 5)), gradient("x", COLD, (3, 3), (5, 5)))
    found = pooled([both, one], HERE, PARAMETERS)
    assert found.rows == (("x", COLD), ("x", HOT), ("y", COLD))
    np.testing.assert_allclose(found.values[:, 0], [4.0, 6.0, 10.0])
    assert found.models == {"x": pytest.approx(2.0), "y": 1.0}
    assert found.of("y") == slice(2, 3)
    assert found.of("z") == slice(0, 0)


def test_rows_that_not_all_models_have_are_left_out():
    found = pooled(
        [
            sample(HERE, gradient("x", COLD, (1, 1)), gradient("x", HOT, (1, 1))),
            sample(HERE, gradient("x", HOT, (1, 1))),
        ],
        HERE,
        PARAMETERS,
    )
    assert found.rows == (("x", HOT),)
    apart = pooled(
        [sample(HERE, gradient("x", COLD, (1, 1))), sample(HERE, gradient("x", HOT, (1, 1)))], HERE, PARAMETERS
    )
    assert apart.rows == ()
    assert apart.values.shape == (0, 2)


def test_no_models_and_missing_parameters_are_refused():
    with pytest.raises(ValueError, match="at least one model"):
        pooled([], HERE, PARAMETERS)
    incomplete = Gradient("x", COLD, {"a": 1.0}, {"a": 0.1})
    with pytest.raises(ValueError, match="x at T=150 lacks b"):
        pooled([sample(HERE, incomplete)], HERE, PARAMETERS)
