"""Principal components of values with individual error bars, against known answers."""

import numpy as np
import pytest

from beadsmith.surrogate.components import principal_components

OUTPUTS = 23


def curves(random, points=20, rank=3, noise=0.0, offset=0.0):
    """Values of low rank about an offset, their standard errors, and the axes that made them."""
    axes = np.linalg.qr(random.normal(size=(OUTPUTS, rank)))[0].T
    scores = random.normal(size=(points, rank)) * np.array([10.0, 4.0, 2.0])[:rank]
    values = offset + scores @ axes + noise * random.normal(size=(points, OUTPUTS))
    return values, np.full_like(values, noise), axes


def test_exact_values_of_low_rank_are_reproduced():
    values, stderrs, _ = curves(np.random.default_rng(1), offset=5.0)
    found = principal_components(values, stderrs)
    assert len(found.axes) in (3, 4)  # the offset may need a direction of its own
    np.testing.assert_allclose(found.mean + found.scores @ found.axes, values, atol=1e-4)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(len(found.axes)), atol=1e-12)


def test_sums_of_squares_need_only_the_scores():
    """|mean + s axes|^2 = |s - goal|^2 + remainder, for any scores."""
    random = np.random.default_rng(2)
    found = principal_components(*curves(random, noise=0.5, offset=1.0)[:2])
    for scores in random.normal(size=(5, len(found.axes))) * 10:
        whole = found.mean + scores @ found.axes
        assert whole @ whole == pytest.approx(((scores - found.goal) ** 2).sum() + found.remainder)


def test_what_varies_beyond_the_noise_is_found_and_no_more():
    values, stderrs, axes = curves(np.random.default_rng(3), points=40, noise=0.5)
    found = principal_components(values, stderrs)
    assert len(found.axes) in (3, 4)
    assert np.linalg.svd(found.axes[:3] @ axes.T)[1].min() > 0.95


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_has_no_components(seed):
    random = np.random.default_rng(seed)
    stderrs = random.uniform(0.5, 2.0, (30, OUTPUTS))
    found = principal_components(stderrs * random.normal(size=(30, OUTPUTS)), stderrs)
    assert len(found.axes) == 1  # the direction of the mean


def test_an_offset_that_never_varies_is_still_in_the_scores():
    """The misfit can only be lowered along it, so it must not be called a constant."""
    random = np.random.default_rng(4)
    values, stderrs, axes = curves(random, noise=0.3)
    away = random.normal(size=OUTPUTS)
    away -= axes.T @ (axes @ away)
    found = principal_components(values + 3.0 * away / np.linalg.norm(away), stderrs)
    assert found.remainder < 1e-20
    assert np.linalg.norm(found.axes @ away) == pytest.approx(np.linalg.norm(away), rel=0.05)


def test_errors_of_scores_are_those_of_repeats():
    """Unit weights: a score is a projection, and its error that of one value."""
    random = np.random.default_rng(5)
    values, stderrs, _ = curves(random, points=30, noise=0.5)
    found = principal_components(values, stderrs)
    np.testing.assert_allclose(found.stderrs[:, :3], 0.5, rtol=0.1)
    again = values + 0.5 * random.normal(size=values.shape)
    apart = (again - values) @ found.axes[:3].T
    assert apart.std() == pytest.approx(0.5, rel=0.15)


def test_a_wild_value_with_a_wide_error_bar_turns_no_axis():
    random = np.random.default_rng(6)
    values, stderrs, axes = curves(random, points=30, noise=0.5)
    values[7, 4], stderrs[7, 4] = 4000.0, 2000.0
    found = principal_components(values, stderrs)
    assert np.linalg.svd(found.axes[:3] @ axes.T)[1].min() > 0.95
    stderrs[7, 4] = 0.5  # the same value, if it were true, is what varies most
    believed = principal_components(values, stderrs)
    assert abs(believed.axes[0, 4]) > 0.99


def test_values_that_are_not_known_are_told_by_the_others():
    random = np.random.default_rng(7)
    values, stderrs, _ = curves(random, points=30, noise=0.1, offset=3.0)
    complete = principal_components(values, stderrs)
    lacking, unsure = values.copy(), stderrs.copy()
    lacking[3, :5], unsure[3, :5] = np.nan, np.inf
    found = principal_components(lacking, unsure)
    np.testing.assert_allclose(found.scores[3] @ found.axes, complete.scores[3] @ complete.axes, atol=1.0)
    assert (found.stderrs[3, :3] > complete.stderrs[3, :3]).all()
    np.testing.assert_allclose(found.stderrs[4, :3], complete.stderrs[4, :3], rtol=0.1)


def test_a_point_of_which_nothing_is_known_has_scores_of_which_nothing_is_known():
    random = np.random.default_rng(8)
    values, stderrs, _ = curves(random, points=30, noise=0.1)
    values[3], stderrs[3] = np.nan, np.inf
    found = principal_components(values, stderrs)
    assert np.isfinite(found.scores).all()
    assert (found.stderrs[3] > 3 * np.abs(found.scores[4:]).std(axis=0)).all()


def test_the_unit_of_the_values_does_not_matter():
    values, stderrs, _ = curves(np.random.default_rng(9), noise=0.5, offset=1.0)
    one, thousand = principal_components(values, stderrs), principal_components(1000 * values, 1000 * stderrs)
    np.testing.assert_allclose(np.abs(one.axes), np.abs(thousand.axes), atol=1e-9)
    np.testing.assert_allclose(1000 * np.abs(one.scores), np.abs(thousand.scores), rtol=1e-6)


@pytest.mark.parametrize("values", [np.zeros((5, 1)), np.ones((5, 1)), np.zeros((2, 3)), np.ones((4, 3))])
def test_values_that_never_vary_are_no_trouble(values):
    found = principal_components(values, np.zeros_like(values))
    assert len(found.axes) >= 1
    np.testing.assert_allclose(found.mean + found.scores @ found.axes, values, atol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match="asked of 1 points, expected at least 2"):
        principal_components(np.zeros((1, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="known at no point"):
        principal_components(np.array([[1.0, np.nan], [2.0, np.nan]]), np.array([[1.0, np.inf], [1.0, np.inf]]))
