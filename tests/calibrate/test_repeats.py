"""Runs drawn from a known hierarchy: models, protocols, runs, errors within them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from beadsmith.calibrate.repeats import (
    BORROWED,
    Runs,
    bias_of,
    scatter_of_runs,
    shrunk_towards_zero,
    shrunk_variances,
)
from beadsmith.errors import EstimateError

DOCS = Path(__file__).parents[2] / "docs"

#: What a run claims, and what it cannot see; the same in both protocols.
CLAIMED, BETWEEN = 0.5, 1.0


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250301)


def runs(values, claimed=CLAIMED) -> Runs:
    values = np.asarray(values, dtype=float)
    return Runs(values, np.full(len(values), claimed))


def drawn(rng, means, replicas=3, between=BETWEEN):
    """Runs at each state of each model whose true values are ``means``, shape (models, states)."""
    noise = rng.normal(size=(*means.shape, replicas)) * math.hypot(between, CLAIMED)
    return [[runs(means[m, k] + noise[m, k]) for m in range(len(means))] for k in range(means.shape[1])]


def protocols(rng, bias, between_models, models=3, replicas=3):
    """Short and long runs of some models, and the true bias of one more; a model is off alike at all its states."""
    own = np.asarray(bias) + between_models * rng.normal(size=(models + 1, 1))
    truth = rng.normal(size=own.shape)
    return drawn(rng, (truth + own)[:-1], replicas), drawn(rng, truth[:-1], replicas), own[-1]


def test_scatter_of_one_state_is_that_of_the_analysis_of_variance():
    models = [[1.0, 2.0, 6.0], [10.0, 14.0], [5.0]]
    (found,) = scatter_of_runs([[runs(values) for values in models]])
    squares = 14.0 + 8.0
    assert found.freedom == 3
    assert found.variance == pytest.approx(squares / 3)
    assert found.between_runs == pytest.approx(math.sqrt(squares / 3 - CLAIMED**2))
    assert found.ratio == pytest.approx(math.sqrt(squares / 3) / CLAIMED)


def test_between_runs_and_within_are_told_apart(rng):
    states = drawn(rng, np.zeros((3, 8)), replicas=400)
    for found in scatter_of_runs(states):
        assert found.between_runs == pytest.approx(BETWEEN, rel=0.1)
        assert found.total == pytest.approx(math.hypot(BETWEEN, CLAIMED), rel=0.1)


def test_honest_runs_leave_nothing_between_them(rng):
    honest = drawn(rng, np.zeros((3, 1)), replicas=4000, between=0.0)
    (found,) = scatter_of_runs(honest)
    assert found.ratio == pytest.approx(1.0, rel=0.03)
    cautious = scatter_of_runs([[runs([1.0, 1.1, 0.9], claimed=5.0)]])[0]
    assert cautious.between_runs == 0.0
    assert cautious.total == 5.0


def test_runs_that_claim_no_error_have_no_ratio():
    assert math.isnan(scatter_of_runs([[runs([1.0, 2.0], claimed=0.0)]])[0].ratio)


def test_scatter_needs_two_runs_of_one_model():
    with pytest.raises(EstimateError, match="two runs"):
        scatter_of_runs([[runs([1.0]), runs([2.0])]])


def test_a_variance_is_averaged_with_those_of_other_states_by_degrees_of_freedom():
    first, second = shrunk_variances([1.0, 3.0], [4, 0], BORROWED)
    assert first == pytest.approx(1.5)
    assert second == pytest.approx(2.0)
    assert shrunk_variances([7.0], [2], BORROWED) == [7.0]


def test_bias_of_a_single_state_is_the_paired_difference_of_means():
    """With many models and no shrinkage over states, the classical one-sample t interval of the differences."""
    rng = np.random.default_rng(3)
    truth = rng.normal(scale=10.0, size=(40, 1))
    own = 2.0 + 3.0 * rng.normal(size=(40, 1))
    short, long = drawn(rng, truth + own), drawn(rng, truth)
    (found,) = bias_of(short, long)
    differences = [a.values.mean() - b.values.mean() for a, b in zip(short[0], long[0], strict=True)]
    assert found.mean == pytest.approx(np.mean(differences))
    assert found.stderr == pytest.approx(stats.sem(differences))
    assert found.probability == pytest.approx(stats.ttest_1samp(differences, 0.0).pvalue)
    assert found.between_models == pytest.approx(3.0, rel=0.3)


def test_balanced_formula_agrees_with_the_likelihood_of_the_hierarchy(rng):
    """Two routes: moments here, restricted maximum likelihood of the two-level normal model by numerical search."""
    from scipy.optimize import minimize_scalar

    short, long, _ = protocols(rng, [2.0], 3.0, models=300, replicas=4)
    (found,) = bias_of(short, long)
    differences = np.array([a.values.mean() - b.values.mean() for a, b in zip(short[0], long[0], strict=True)])
    noise = (scatter_of_runs(short)[0].variance + scatter_of_runs(long)[0].variance) / 4

    def minus_log_likelihood(tau):
        variance = tau**2 + noise
        centred = differences - differences.mean()
        return (len(differences) - 1) * math.log(variance) + (centred**2).sum() / variance

    best = minimize_scalar(minus_log_likelihood, bounds=(0.0, 10.0), method="bounded").x
    assert found.between_models == pytest.approx(best, rel=1e-3)
    assert found.stderr == pytest.approx(math.sqrt((best**2 + noise) / 300), rel=1e-3)


def test_a_bias_needs_two_models(rng):
    short, long, _ = protocols(rng, [1.0], 0.0, models=1)
    with pytest.raises(EstimateError, match="at least two models"):
        bias_of(short, long)


@pytest.mark.parametrize("between_models", [0.0, 1.0, 3.0])
def test_biases_that_are_not_there_are_called_significant_in_one_curve_of_twenty_at_most(rng, between_models):
    alarms = [
        any(one.significant for one in bias_of(*protocols(rng, np.zeros(8), between_models)[:2])) for _ in range(600)
    ]
    assert stats.binom.sf(sum(alarms) - 1, 600, 0.05) > 0.001


def test_a_large_bias_is_found(rng):
    found = [bias_of(*protocols(rng, np.full(8, 4.0), 0.0)[:2]) for _ in range(100)]
    assert np.mean([one.significant for each in found for one in each]) > 0.85


def test_where_models_agree_runs_say_how_well_a_single_bias_is_known(rng):
    """Two degrees of freedom of three models would find a bias of 2 in 38 % of cases."""
    found = [bias_of(*protocols(rng, [2.0], 0.0)[:2])[0].significant for _ in range(300)]
    assert np.mean(found) > 0.55


@pytest.mark.parametrize(
    ("bias", "between_models", "models", "coverage"),
    [
        # The bias is the same for all models: none, as small as the noise, large, only in the glass.
        (np.zeros(8), 0.0, 3, 0.95),
        (np.full(8, 0.5), 0.0, 3, 0.95),
        (np.full(8, 3.0), 0.0, 3, 0.95),
        (np.repeat([0.0, 3.0], 4), 0.0, 3, 0.95),
        # It differs between models: three or five of them hardly tell by how much.
        (np.full(8, 2.0), 1.0, 3, 0.93),
        (np.full(8, 3.0), 3.0, 3, 0.86),
        (np.full(8, 3.0), 3.0, 5, 0.89),
        # A single state has no others to borrow from.
        (np.full(1, 3.0), 1.0, 3, 0.93),
    ],
)
def test_corrected_values_hold_the_truth_as_often_as_stated(rng, bias, between_models, models, coverage):
    """docs/precision.md states these numbers: one more model, one short run, its truth at the long protocol."""
    before, after, hits = [], [], []
    for _ in range(500):
        short, long, own = protocols(rng, bias, between_models, models)
        scatter, found = scatter_of_runs(short), bias_of(short, long)
        off = own + rng.normal(size=len(own)) * math.hypot(BETWEEN, CLAIMED)
        left = off - [one.correction for one in found]
        between = np.array([one.between_runs for one in scatter])
        stderr = np.sqrt(CLAIMED**2 + between**2 + np.array([one.correction_stderr for one in found]) ** 2)
        before.append(off**2)
        after.append(left**2)
        hits.append(np.abs(left) < 1.96 * stderr)
    assert np.mean(hits) > coverage - 0.015
    if np.any(bias > 1):
        assert np.mean(after) < 0.8 * np.mean(before)
    else:
        # What is not there, or hardly, must not be made worse by the correction of it.
        assert np.mean(after) < 1.08 * np.mean(before)


def test_full_correction_would_do_harm_where_there_is_no_bias(rng):
    full, shrunk = [], []
    for _ in range(500):
        short, long, _ = protocols(rng, np.zeros(8), 0.0)
        found = bias_of(short, long)
        full.append(np.mean([one.mean**2 for one in found]))
        shrunk.append(np.mean([one.correction**2 for one in found]))
    assert np.mean(shrunk) < 0.3 * np.mean(full)


def test_shrinkage_keeps_what_is_far_from_zero_and_takes_away_most_of_what_is_not():
    far, error = shrunk_towards_zero(np.full(8, 50.0), np.ones(8))
    assert far == pytest.approx(np.full(8, 50.0), rel=0.01)
    assert error == pytest.approx(np.ones(8), rel=0.01)
    near, error = shrunk_towards_zero(np.full(8, 0.1), np.ones(8))
    assert np.all(np.abs(near) < 0.03)
    assert np.all(error > 0.3)


def test_shrinkage_of_equal_errors_agrees_with_its_integral():
    """For equal errors s the posterior of B = s^2/(s^2 + A) is proportional to B^(k/2) exp(-B sum z^2/2) on (0, 1)."""
    from scipy.integrate import quad

    means = np.array([0.5, -1.5, 2.0])
    k, sum_of_squares = 3, float((means**2).sum())
    moments = [quad(lambda b, n=n: b ** (k / 2 + n) * math.exp(-b * sum_of_squares / 2), 0, 1)[0] for n in range(3)]
    mean_b, mean_b2 = moments[1] / moments[0], moments[2] / moments[0]
    found, errors = shrunk_towards_zero(means, np.ones(3))
    assert found == pytest.approx((1 - mean_b) * means, rel=1e-4)
    assert errors == pytest.approx(np.sqrt(1 - mean_b + (mean_b2 - mean_b**2) * means**2), rel=1e-4)


def test_exact_means_are_not_shrunk():
    means, errors = shrunk_towards_zero(np.array([1.0, 2.0]), np.zeros(2))
    assert means.tolist() == [1.0, 2.0]
    assert errors.tolist() == [0.0, 0.0]


def test_examples_of_the_documentation_run(capsys):
    examples = re.findall(r"```python\n(.*?)```", (DOCS / "precision.md").read_text(encoding="utf-8"), re.DOTALL)
    for example in examples:
        exec(compile(example, "precision.md", "exec"), {})
    assert len(examples) == 2
    assert "0.78 of the variance" in capsys.readouterr().out
