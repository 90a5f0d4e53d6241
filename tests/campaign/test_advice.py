"""The cheapest setting that is precise enough, against closed forms and against trying all."""

from __future__ import annotations

import math

import pytest

from beadsmith.calibrate.repeats import Scatter
from beadsmith.campaign.advice import Need, cheapest, settings, tolerances
from beadsmith.campaign.fidelity import Finding
from beadsmith.problem.problem import load_problem
from beadsmith.problem.state import State

HOT = State.of(T=300)


def need(between: float, within: float, tolerance: float) -> Need:
    return Need(finding("pressure", between, within), tolerance)


def finding(observable: str, between: float, within: float) -> Finding:
    scatter = Scatter(between**2 + within**2, within**2, 6)
    return Finding(observable, HOT, 9, 3, scatter, None, {}, 0.0, None, None)


def test_what_runs_cannot_see_takes_repetitions():
    assert cheapest([need(3.0, 0.0, 1.0)], hold_share=0.5, longest=100.0) == (9, 1.0)


def test_what_a_run_sees_takes_the_longer_run_unless_holds_are_all_it_costs():
    assert cheapest([need(0.0, 2.0, 1.0)], hold_share=0.5, longest=100.0) == (1, pytest.approx(4.0))
    assert cheapest([need(0.0, 2.0, 1.0)], hold_share=0.5, longest=2.0)[0] == 2
    assert cheapest([need(0.0, 2.0, 1.0)], hold_share=0.5, longest=1.0) == (4, 1.0)


def test_a_run_that_is_precise_enough_stays_as_it_is():
    assert cheapest([need(0.3, 0.3, 1.0)], hold_share=0.5, longest=4.0) == (1, 1.0)
    assert need(0.6, 0.8, 1.0).runs == 1
    assert need(0.6, 0.81, 1.0).runs == 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_choice_is_the_cheapest_of_all_that_reach_every_tolerance(share):
    needs = [need(1.0, 2.0, 0.7), need(0.2, 3.0, 0.9), need(1.5, 0.5, 1.0)]
    runs, longer = cheapest(needs, share, 6.0)

    def reached(n, length):
        return all(
            (one.finding.scatter.between_runs**2 + one.finding.scatter.claimed / length) / n
            <= one.tolerance**2 * (1 + 1e-9)
            for one in needs
        )

    def cost(n, length):
        return n * (1 - share + share * length)

    grid = [(n, 1 + 0.1 * step) for n in range(1, 40) for step in range(51)]
    assert reached(runs, longer)
    assert cost(runs, longer) == pytest.approx(min(cost(*one) for one in grid if reached(*one)))


def test_settings_of_a_problem(tiny_file):
    """Tolerances are half the targets' uncertainties, 100 atm and 0.05 angstrom; the vacuum has 8 copies."""
    problem = load_problem(tiny_file)
    found = [finding("pressure", 200.0, 100.0), finding("length", 0.1, 0.1)]
    melt, alone = settings(problem, found, {"melt": 10.0, "alone": 4.0})
    assert (melt.experiment, melt.copies) == ("melt", None)
    assert melt.runs == 5 or melt.longer > 1
    assert melt.strictest[0].runs == 5
    assert (alone.runs, alone.longer, alone.copies) == (1, 1.0, 64)
    assert alone.core_seconds == pytest.approx(4.0 * 64 / 8)


def test_fewer_copies_are_enough_where_one_run_is_too_precise(tiny_file):
    problem = load_problem(tiny_file)
    (alone,) = settings(problem, [finding("length", 0.0, 0.05)], {"alone": 4.0})
    assert alone.copies == 8
    (fewest,) = settings(problem, [finding("length", 0.0, 0.01)], {"alone": 4.0})
    assert fewest.copies == 8  # fewer have no error bar


def test_tolerances_are_declared_or_half_the_uncertainty(tiny_file):
    assert tolerances(load_problem(tiny_file)) == {("pressure", HOT): 100.0, ("length", HOT): 0.05}
    tiny_file.write_text(tiny_file.read_text() + "precision: {tolerance: {length: 0.02 angstrom}, of_target: 0.1}\n")
    assert tolerances(load_problem(tiny_file)) == {("pressure", HOT): 20.0, ("length", HOT): 0.02}


def test_what_has_no_target_has_no_setting(tiny_file):
    assert settings(load_problem(tiny_file), [], {"melt": 1.0, "alone": 1.0}) == ()
    elsewhere = finding("pressure", 1.0, 1.0)
    moved = Finding(**{**elsewhere.__dict__, "state": State.of(T=400)})
    assert settings(load_problem(tiny_file), [moved], {"melt": 1.0}) == ()


def test_strictest_is_the_state_farthest_from_its_tolerance():
    from beadsmith.campaign.advice import Setting

    needs = (need(1.0, 0.0, 1.0), need(3.0, 0.0, 2.0), need(5.0, 0.0, 9.0))
    setting = Setting("melt", needs, 1, 1.0, None, 1.0, 1.0)
    assert setting.strictest == (needs[1],)
    assert math.isclose(needs[1].finding.scatter.total, 3.0)
