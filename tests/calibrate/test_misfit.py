import math

import numpy as np
import pytest

from beadsmith.calibrate import MisfitValue, make_misfit
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.schema import CombinedVariance, FromSeries, OfMolecules, Relative
from beadsmith.problem.state import State

OBSERVABLES = {
    "density": FromSeries(kind="density", experiment="melt"),
    "Rg": OfMolecules(kind="radius_of_gyration", experiment="gas"),
}
TARGETS = (
    Target("density", State.of(T=150), 1.20, 0.01),
    Target("density", State.of(T=500), 1.00, 0.01),
    Target("Rg", State.of(T=300), 4.0, 0.3, weight=3.0),
)


def observe(cold, hot, gyration, stderr=0.0):
    return [
        Observation("density", State.of(T=150), cold, stderr),
        Observation("density", State.of(T=500), hot, stderr),
        Observation("Rg", State.of(T=300), gyration, stderr),
    ]


def misfit_of(rule, observations, targets=TARGETS):
    return make_misfit(rule, targets, OBSERVABLES)(observations)


BOTH = pytest.mark.parametrize("rule", [CombinedVariance(), Relative(kind="relative")])


@BOTH
def test_zero_at_the_targets(rule):
    assert misfit_of(rule, observe(1.20, 1.00, 4.0)) == MisfitValue(0.0, {"density": 0.0, "Rg": 0.0})


def test_combined_variance_by_hand():
    # Densities are off by 3 and 4 target standard deviations, mean square 12.5; Rg by 2, square 4, weight 3.
    found = misfit_of(CombinedVariance(), observe(1.23, 0.96, 4.6))
    assert found.terms == pytest.approx({"density": 12.5, "Rg": 4.0})
    assert found.total == pytest.approx((1 * 12.5 + 3 * 4.0) / 4)


def test_combined_variance_adds_the_variance_of_the_simulation():
    target = Target("Rg", State.of(T=300), 4.0, 0.3)
    found = misfit_of(CombinedVariance(), [Observation("Rg", State.of(T=300), 5.0, 0.4)], [target])
    assert found.total == pytest.approx(1.0 / 0.5**2)


def test_combined_variance_is_one_on_average_for_a_model_that_agrees():
    random = np.random.default_rng(1)
    target = Target("Rg", State(), 0.0, 0.3)
    misfit = make_misfit(CombinedVariance(), [target], OBSERVABLES)
    scatter = random.normal(0.0, 0.5, 4000)  # of target and simulation together: 0.3 and 0.4
    mean = np.mean([misfit([Observation("Rg", State(), value, 0.4)]).total for value in scatter])
    assert mean == pytest.approx(1.0, abs=4 * math.sqrt(2 / 4000))


def test_relative_by_hand():
    # Densities are off by 10 and 20 %, Rg by 50 %.
    found = misfit_of(Relative(kind="relative"), observe(1.08, 1.20, 6.0, stderr=7.0))
    assert found.terms == pytest.approx({"density": 0.025, "Rg": 0.25})
    assert found.total == pytest.approx((0.025 + 3 * 0.25) / 4)


@BOTH
def test_curves_count_by_weight_and_not_by_points(rule):
    observations = observe(1.23, 0.96, 4.6, stderr=0.02)
    # The same curve sampled twice as densely: a second copy of each point, 1 K away.
    twins = [Observation("density", State.of(T=one.state["T"] + 1), one.value, 0.02) for one in observations[:2]]
    more = [Target("density", State.of(T=one.state["T"] + 1), one.value, one.stderr) for one in TARGETS[:2]]
    plain = misfit_of(rule, observations)
    dense = misfit_of(rule, observations + twins, (*TARGETS, *more))
    assert dense.total == pytest.approx(plain.total, rel=1e-12)
    assert dense.terms == pytest.approx(plain.terms, rel=1e-12)


@BOTH
def test_a_common_factor_of_all_weights_changes_nothing(rule):
    heavier = [Target(one.observable, one.state, one.value, one.stderr, 7 * one.weight) for one in TARGETS]
    observations = observe(1.23, 0.96, 4.6)
    assert misfit_of(rule, observations, heavier).total == pytest.approx(misfit_of(rule, observations).total)


@BOTH
def test_targets_of_weight_zero_are_not_even_looked_at(rule):
    ignored = Target("Rg", State.of(T=300), 0.0, 0.0, weight=0.0)
    found = misfit_of(rule, observe(1.23, 0.96, math.nan)[:2], [*TARGETS[:2], ignored])
    assert set(found.terms) == {"density"}


@BOTH
def test_observations_without_target_are_ignored(rule):
    observations = observe(1.23, 0.96, 4.6)
    extra = [Observation("density", State.of(T=300), 9.0, 0.1), Observation("pressure", State(), math.nan, 0.1)]
    assert misfit_of(rule, extra + observations) == misfit_of(rule, observations)


@BOTH
def test_states_match_within_rounding(rule):
    observations = observe(1.23, 0.96, 4.6)
    rounded = [
        Observation(one.observable, State.of(T=one.state["T"] * (1 + 5e-7)), one.value, 0.0) for one in observations
    ]
    assert misfit_of(rule, rounded) == misfit_of(rule, observations)


@pytest.mark.parametrize("state", [State.of(T=150 * (1 + 2e-6)), State.of(P=150), State.of(T=150, DC=0.5), State()])
def test_other_states_do_not_match(state):
    observations = [Observation("density", state, 1.2, 0.01), *observe(1.2, 1.0, 4.0)[1:]]
    with pytest.raises(ValueError, match="density at T=150 was not observed, but there is a target for it"):
        misfit_of(CombinedVariance(), observations)


def test_a_state_variable_that_is_zero_matches_itself():
    target = Target("Rg", State.of(DC=0.0), 4.0, 0.1)
    assert misfit_of(CombinedVariance(), [Observation("Rg", State.of(DC=0), 4.0, 0.1)], [target]).total == 0.0


@BOTH
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1e200])
def test_a_value_that_is_no_number_is_refused(rule, value):
    with pytest.raises(ValueError, match=r"density at T=150 is .*, expected a finite number below 1e"):
        misfit_of(rule, observe(value, 1.0, 4.0, stderr=0.01))


@BOTH
@pytest.mark.parametrize("stderr", [math.nan, -0.1])
def test_a_standard_error_that_makes_no_sense_is_refused(rule, stderr):
    with pytest.raises(ValueError, match=f"density at T=150 has the standard error {stderr}, expected"):
        misfit_of(rule, observe(1.2, 1.0, 4.0, stderr=stderr))


@BOTH
def test_two_answers_to_one_target_are_refused(rule):
    observations = observe(1.2, 1.0, 4.0)
    with pytest.raises(ValueError, match="Rg at T=300 was observed 2 times, expected once"):
        misfit_of(rule, [*observations, observations[2]])


@BOTH
@pytest.mark.parametrize("value", [math.nan, 378.0])
def test_what_cannot_be_determined_scores_one(rule, value):
    target = Target("Tg", State(), 378.0, 10.0)
    assert misfit_of(rule, [Observation("Tg", State(), value, math.inf)], [target]).total == 1.0


def test_what_cannot_be_determined_is_no_better_than_agreement():
    # Agreement scores 1 on average, also for the largest error bar that is still finite.
    misfit = make_misfit(CombinedVariance(), [Target("Tg", State(), 378.0, 10.0)], OBSERVABLES)
    undetermined = misfit([Observation("Tg", State(), math.nan, math.inf)]).total
    random = np.random.default_rng(1)
    barely = [misfit([Observation("Tg", State(), value, 1e6)]).total for value in random.normal(378.0, 1e6, 4000)]
    assert undetermined == pytest.approx(np.mean(barely), abs=4 * math.sqrt(2 / 4000))


@pytest.mark.parametrize(
    ("rule", "targets", "sentence"),
    [
        (CombinedVariance(), [], "needs at least one target with a weight above 0"),
        (CombinedVariance(), [Target("Rg", State(), 4.0, 0.1, weight=0.0)], "needs at least one target"),
        (CombinedVariance(), [Target("Rg", State(), 4.0, 0.1, weight=-1.0)], "Rg has the weight -1.0, expected"),
        (CombinedVariance(), [Target("Rg", State(), 4.0, 0.1, weight=math.nan)], "Rg has the weight nan"),
        (
            CombinedVariance(),
            [Target("Rg", State.of(T=1), 4.0, 0.1, weight=1.0), Target("Rg", State.of(T=2), 4.0, 0.1, weight=2.0)],
            "Rg has the weights 1 and 2, expected one",
        ),
        (CombinedVariance(), [Target("Rg", State.of(T=1), 4.0, 0.0)], "Rg at T=1 has the uncertainty 0.0"),
        (CombinedVariance(), [Target("Rg", State.of(T=1), 4.0, math.inf)], "Rg at T=1 has the uncertainty inf"),
        (Relative(kind="relative"), [Target("Rg", State.of(T=1), 0.0, 0.1)], "Rg at T=1 is 0, which has no relative"),
    ],
)
def test_targets_that_a_rule_cannot_use_are_refused_at_once(rule, targets, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_misfit(rule, targets, OBSERVABLES)


def test_relative_needs_no_uncertainty():
    exact = [Target("Rg", State.of(T=300), 4.0, 0.0)]
    assert misfit_of(Relative(kind="relative"), observe(1.2, 1.0, 4.4), exact).total == pytest.approx(0.01)
