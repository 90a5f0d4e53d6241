import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from beadsmith.campaign.calibration import outcome_of
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation
from beadsmith.problem.state import State
from beadsmith.report.findings import Subject, subjects
from beadsmith.report.tables import Cell, FootRow, direct_targets, missed_sentences, property_table


def subject(observations: Sequence[Observation], label: str = "model", result: bool = False) -> Subject:
    return Subject(label, "", tuple(observations), None, {}, {}, result)


def exact(problem: Problem, stderr: float = 0.1) -> list[Observation]:
    """Every target, met."""
    return [Observation(one.observable, one.state, one.value, stderr * one.stderr) for one in problem.targets]


def only_cell(problem: Problem, observation: Observation) -> Cell:
    table = property_table(problem, [subject([observation])])
    [cell] = [cell for row in table.rows for cell in row.cells if cell is not None]
    return cell


def foot(table_foot: Sequence[FootRow], title: str) -> FootRow:
    return next(row for row in table_foot if row.title == title)


def test_every_target_has_a_row_in_the_order_of_the_problem(pebax: Problem):
    table = property_table(pebax, [])
    assert [group.title for group in table.groups] == [
        "Density (g/cm³)",
        "Radius of gyration (Å)",
        "Glass transition (K)",
    ]
    assert [len(group.rows) for group in table.groups] == [8, 15, 1]
    assert [row.label for row in table.groups[0].rows][:2] == ["T = 150 K", "T = 175 K"]
    assert table.groups[2].rows[0].label == ""


def test_numbers_are_those_that_were_stored(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    table = property_table(pebax, subjects(pebax, outcome))
    assert outcome.best is not None
    assert [column.title for column in table.columns] == ["Hybrid strategy", "CG-BO (published)", "Calibrated"]
    stored = {(one.observable, one.state): one for one in outcome.best.observations}
    for row in table.rows:
        cell = row.cells[-1]
        assert cell is not None
        assert (cell.value, cell.stderr) == (
            stored[row.observable, row.state].value,
            stored[row.observable, row.state].stderr,
        )
    targets = [(one.value, one.stderr) for one in pebax.targets]
    assert [(row.target.value, row.target.stderr) for row in table.rows if row.target] == targets


@pytest.mark.parametrize(
    ("sigmas", "mark"),
    [(2.05, "▲"), (1.95, ""), (-1.95, ""), (-2.05, "▼")],
)
def test_deviations_beyond_two_combined_errors_are_marked(pebax: Problem, sigmas: float, mark: str):
    target = pebax.targets[0]
    stderr = 0.75 * target.stderr
    combined = math.hypot(target.stderr, stderr)
    cell = only_cell(pebax, Observation(target.observable, target.state, target.value + sigmas * combined, stderr))
    assert cell.mark == mark
    assert cell.z == pytest.approx(sigmas)


def test_a_value_that_still_drifts_is_marked_too(pebax: Problem):
    target = pebax.targets[0]
    drifting = Observation(target.observable, target.state, 99.0, 0.1, equilibrated=False, note="still drifting")
    assert only_cell(pebax, drifting).mark == "▲†"
    table = property_table(pebax, [subject([drifting], result=True)])
    assert table.marks == {"▲", "†"}
    assert table.remarks == (("Density (g/cm³) at T = 150 K", "still drifting"),)
    assert property_table(pebax, [subject([drifting])]).remarks == ()


def test_what_the_data_do_not_determine_is_not_marked(pebax: Problem):
    nothing = Observation("glass_transition", State(), math.nan, math.inf, equilibrated=False, note="parallel")
    assert only_cell(pebax, nothing).written.text == "not determined"
    assert only_cell(pebax, nothing).mark == "†"
    vague = Observation("glass_transition", State(), 900.0, math.inf)
    assert only_cell(pebax, vague).mark == ""
    assert property_table(pebax, [subject([vague])]).has_unknown_errors


def test_states_without_a_target_are_shown(pebax: Problem):
    table = property_table(pebax, [subject([Observation("density", State.of(T=300.0), 1.17, 0.01)])])
    rows = table.groups[0].rows
    assert [row.state["T"] for row in rows] == [150, 175, 200, 225, 300, 425, 450, 475, 500]
    assert rows[4].target is None
    assert rows[4].cells[0] is not None
    assert rows[0].cells == (None,)


def test_a_missed_tolerance_is_said_once_for_each_observable(pebax: Problem):
    rough = replace(pebax, tolerances=tuple(0.5 * one.stderr for one in pebax.targets))
    assert missed_sentences(rough, exact(pebax, 0.49)) == []
    observations = exact(pebax, 0.49)
    observations[0] = replace(observations[0], stderr=0.0123)
    observations[1] = replace(observations[1], stderr=0.0061)
    observations[-1] = replace(observations[-1], stderr=math.inf)
    found = property_table(rough, [subject(exact(pebax)), subject(observations, "mine")]).missed
    assert [model for model, _ in found] == ["mine", "mine"]
    assert found[0][1] == (
        "Density misses its tolerance of 0.005 g/cm³: standard error 0.012 g/cm³ at T = 150 K (the worst of 2 states)"
    )
    assert found[1][1].endswith(" K: standard error not known")
    assert missed_sentences(pebax, observations) == []


def test_states_agree_up_to_rounding(pebax: Problem):
    table = property_table(pebax, [subject([Observation("density", State.of(T=150.000001), 1.23, 0.01)])])
    assert len(table.groups[0].rows) == 8
    assert table.groups[0].rows[0].cells[0] is not None


def test_an_observable_that_the_problem_does_not_know_comes_last(pebax: Problem):
    table = property_table(pebax, [subject([Observation("colour", State(), 1.0, 0.1)])])
    assert table.groups[-1].title == "Colour"


def test_two_observations_of_one_target_leave_no_deviation_but_a_table(pebax: Problem):
    target = pebax.targets[0]
    twice = [Observation(target.observable, target.state, 99.0, 0.01)] * 2
    assert property_table(pebax, [subject(twice)]).cells[0].mark == ""


def test_the_foot_has_misfit_terms_and_squared_deviation(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    table = property_table(pebax, subjects(pebax, outcome))
    assert [row.title for row in table.foot] == [
        "Misfit",
        "Density",
        "Radius of gyration",
        "Glass transition",
        "Squared deviation",
        "of which noise",
    ]
    best = outcome.best
    assert best is not None
    terms = [replica.terms["density"] for replica in best.replicas]
    density = foot(table.foot, "Density").cells[-1]
    assert density is not None
    assert float(density.value) == pytest.approx(sum(terms) / 3, abs=0.51 * 10 ** -len(density.value.partition(".")[2]))


def test_squared_deviation_of_a_perfect_model_is_its_noise_only(pebax: Problem):
    table = property_table(pebax, [subject(exact(pebax, stderr=0.2))])
    shown = foot(table.foot, "Squared deviation").cells[0]
    assert shown is not None
    assert float(shown.value) == 0
    noise = foot(table.foot, "of which noise").cells[0]
    assert noise is not None
    assert noise.text == "0.04"


def test_squared_deviation_leaves_out_what_derives_from_other_targets(pebax: Problem):
    assert {target.observable for target in direct_targets(pebax)} == {"density", "radius_of_gyration"}
    assert "23 points" in foot(property_table(pebax, []).foot, "Squared deviation").remark


def test_a_missing_observation_leaves_the_squared_deviation_open(pebax: Problem):
    table = property_table(pebax, [subject(exact(pebax)[1:]), subject(exact(pebax))])
    assert [cell is None for cell in foot(table.foot, "Squared deviation").cells] == [True, False]


def test_the_table_before_any_measurement_shows_the_best_so_far(
    pebax: Problem, make_study: Callable[..., Study], tmp_path
):
    outcome = outcome_of(make_study(pebax, tmp_path / "s", total=12, replicas=0), pebax)
    [column] = property_table(pebax, subjects(pebax, outcome)).columns
    assert column.title == "Best so far"
    assert "measured once" in column.remark


def test_compared_models_stand_in_the_order_of_the_problem_file(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    turned = replace(outcome, measured=tuple(reversed(outcome.measured)))
    assert [one.label for one in subjects(pebax, turned)] == ["Hybrid strategy", "CG-BO (published)", "Calibrated"]
    assert [one.place for one in subjects(pebax, turned)] == [0, 1, None]
