"""What is not known well enough, and what would help."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.campaign.precision import Missed, could_be_best, missed_tolerances, shortfalls
from beadsmith.problem.records import Observation
from beadsmith.problem.spread import Spread
from beadsmith.problem.state import State

AT = State.of(T=300)
ONE_RUN = {"melt": 1, "alone": 1}


def observed(stderr=0.01, name="length", **changes):
    return Observation(name, AT, 3.6, stderr, **changes)


@pytest.fixture
def problem(tiny):
    """Wanted: the pressure within 100 atm, the length within 0.05 angstrom (targets: 200 atm, 0.1 angstrom)."""
    return replace(tiny, tolerances=(100.0, 0.05))


def the_one(problem, observation, replicas=1):
    (short,) = shortfalls(problem, [observation], {"melt": replicas, "alone": replicas})
    return short


def test_what_is_precise_enough_lacks_nothing(problem):
    assert shortfalls(problem, [observed(0.05), observed(100.0, "pressure")], ONE_RUN) == ()


def test_error_falls_with_the_square_root_of_the_length_and_of_the_number_of_runs(problem):
    short = the_one(problem, observed(0.1))
    assert (short.experiment, short.state) == ("alone", AT)
    assert short.longer == pytest.approx(4.0)
    assert short.replicas == 4
    assert not short.lasting


def test_lengths_from_the_formula_are_just_enough():
    """Two routes: simulated means of n runs, each a run-wide offset plus noise that falls with the length."""
    random = np.random.default_rng(1)
    between, within, tolerance, runs = 0.03, 0.09, 0.04, 3
    mean_error = math.sqrt((between**2 + within**2) / runs)
    assert mean_error > tolerance
    longer = within**2 / (runs * tolerance**2 - between**2)
    offsets = between * random.normal(size=(40000, runs))
    noise = within / math.sqrt(longer) * random.normal(size=(40000, runs))
    assert (offsets + noise).mean(axis=1).std() == pytest.approx(tolerance, rel=0.02)


def test_longer_runs_are_wished_for_until_they_are_precise_enough_together(problem):
    spread = replace(problem, spreads=(Spread("length", AT, 0.03, 0.0, 0.0),), tolerances=(100.0, 0.04))
    # The mean of three runs; each has the error 0.09 of its own.
    short = the_one(spread, observed(0.09 / math.sqrt(3)), replicas=3)
    assert short.longer == pytest.approx(0.09**2 / (3 * 0.04**2 - 0.03**2))
    assert short.replicas == math.ceil((0.09**2 + 0.03**2) / 0.04**2)


def test_what_differs_between_runs_wants_more_of_them(problem):
    """A glass: quiet within a run, different in the next."""
    glass = replace(problem, spreads=(Spread("length", AT, 0.2, 0.0, 0.0),))
    short = the_one(glass, observed(0.001))
    assert short.lasting
    assert short.replicas == 17  # (0.2^2 + 0.001^2) / 0.05^2 is a little above 16
    assert short.longer < 1


def test_a_drifting_property_wants_a_longer_run_however_small_its_error(problem):
    assert the_one(problem, observed(0.001, equilibrated=False)).longer == 2.0
    assert shortfalls(problem, [observed(0.001)], ONE_RUN) == ()


def test_an_unknown_error_wishes_for_any_length(problem):
    assert the_one(problem, observed(math.inf)).longer == math.inf


def test_without_a_tolerance_nothing_is_lacking(problem):
    assert shortfalls(replace(problem, tolerances=(math.inf, math.inf)), [observed(1e9)], ONE_RUN) == ()


def test_tolerances_are_missed_by_larger_errors_alone(problem):
    precise, rough = observed(100.0, "pressure"), observed(0.051)
    assert missed_tolerances(problem, [precise, rough]) == (Missed("length", AT, 0.051, 0.05),)
    assert missed_tolerances(problem, [precise, observed(0.05, equilibrated=False)]) == ()
    assert missed_tolerances(problem, []) == ()


def test_an_unknown_error_misses_every_tolerance_but_none_that_was_not_asked_for(problem):
    (missed,) = missed_tolerances(problem, [observed(math.inf)])
    assert (missed.stderr, missed.tolerance) == (math.inf, 0.05)
    assert missed_tolerances(replace(problem, tolerances=(100.0, math.inf)), [observed(math.inf)]) == ()


@pytest.mark.parametrize(("best", "worth"), [(0.9, True), (0.3, True), (0.2, False), (-math.inf, False), (None, True)])
def test_only_what_could_be_best_is_worth_more(tiny, best, worth):
    """The length 3.8 +- 0.075 is 0.2 above its target; at best 0.05 above it: (0.05 / 0.1)^2 = 0.25."""

    def misfit(observations):
        return ((observations[0].value - 3.6) / 0.1) ** 2

    seen = [replace(observed(0.075), value=3.8)]
    assert could_be_best(seen, tiny.targets, misfit, best) is worth


def test_a_model_within_its_errors_of_the_target_could_be_perfect(tiny):
    seen = [replace(observed(0.2), value=3.8)]
    assert could_be_best(seen, tiny.targets, lambda moved: abs(moved[0].value - 3.6), 1e-12)
