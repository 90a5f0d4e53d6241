from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beadsmith.campaign.study import Study
from beadsmith.problem.functions import Linear
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.problem import Problem
from beadsmith.report.findings import gather
from beadsmith.report.parameters import OUTSIDE, parameter_table, position_in, warning_of

LENGTH = Parameter("bond.A-A.length", 2.0, 4.0, "length")


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        (2.0, "at its lower bound"),
        (2.039, "at its lower bound"),
        (2.041, ""),
        (3.0, ""),
        (3.959, ""),
        (3.961, "at its upper bound"),
        (4.0, "at its upper bound"),
        (1.99, "outside its range"),
        (4.01, "outside its range"),
    ],
)
def test_values_within_two_percent_of_a_bound_are_warned_of(value: float, warning: str):
    assert warning_of(LENGTH, value) == warning


def test_positions_run_from_0_to_1():
    assert [position_in(LENGTH, value) for value in (2.0, 3.0, 4.0)] == [0.0, 0.5, 1.0]


def test_all_free_parameters_with_the_result_and_the_models_beside_it(pebax: Problem, pebax_study: Study):
    findings = gather(pebax, pebax_study)
    table = parameter_table(findings)
    rows = {row.name: row for group in table.groups for row in group.rows}
    assert list(rows) == [parameter.name for parameter in pebax.parameters.free]
    assert [(group.title, group.unit) for group in table.groups][:2] == [
        ("Bond k", "kcal/mol/Å²"),
        ("Bond length", "Å"),
    ]
    assert [label for label, _ in table.others] == ["Hybrid strategy", "CG-BO (published)"]
    best = findings.outcome.best
    assert best is not None
    for name, row in rows.items():
        assert float(row.value) == pytest.approx(best.point[name], rel=1e-4)
    assert rows["angle.T2-T1-T3.k"].others == ("4.8327", "11.997")
    assert table.warnings == (pebax.parameters.free[-1].name,)
    assert table.fixed["pair.T1.attractive_exponent"] == "6"


def test_marks_outside_the_range_are_drawn_beyond_its_end(pebax: Problem, pebax_study: Study):
    table = parameter_table(gather(pebax, pebax_study))
    row = next(row for group in table.groups for row in group.rows if row.name == "pair.T3.repulsive_exponent")
    hybrid = row.marks[0]
    assert hybrid.position == 1 + OUTSIDE
    assert hybrid.title == "Hybrid strategy: 34.774 (outside the range)"
    assert row.marks[-1].look.filled
    assert len({mark.look for mark in row.marks}) == 3


def test_a_parameter_that_depends_on_the_state_has_no_mark(pebax: Problem, pebax_study: Study):
    findings = gather(pebax, pebax_study)
    name = pebax.parameters.free[0].name
    model = findings.compared[0].model
    assert model is not None
    changed = replace(model, functions={**model.functions, name: Linear("T", 1.0, 0.01)})
    findings = replace(findings, compared=(replace(findings.compared[0], model=changed), findings.compared[1]))
    row = parameter_table(findings).groups[0].rows[0]
    assert row.others[0] == "f(T)"
    assert len(row.marks) == 2


def test_without_a_result_only_ranges_and_models_are_left(pebax: Problem, tmp_path: Path):
    table = parameter_table(gather(pebax, Study(tmp_path / "none")))
    assert table.result == ""
    assert table.warnings == ()
    assert {row.value for group in table.groups for row in group.rows} == {"–"}


def test_fixed_and_tied_parameters_are_listed(tiny: Callable[..., Problem], tmp_path: Path):
    problem = tiny(changes={"pair.A.epsilon: 0.3 to 1.5 kcal/mol": "pair.A.epsilon: {fixed: 0.5 kcal/mol}"})
    space = replace(problem.parameters, tied={"pair.A.sigma": "bond.A-A.length"})
    table = parameter_table(gather(replace(problem, parameters=space), Study(tmp_path / "none")))
    assert table.fixed == {"bond.A-A.length": "3 Å", "pair.A.epsilon": "0.5 kcal/mol"}
    assert table.tied == {"pair.A.sigma": "bond.A-A.length"}


def test_a_model_that_cannot_be_read_is_left_out_with_a_reason(tiny: Callable[..., Problem], tmp_path: Path):
    findings = gather(tiny(), Study(tmp_path / "none"))
    assert parameter_table(findings).others == ()
    [compared] = findings.compared
    assert compared.model is None
    assert compared.complaint.startswith("missing.yaml: ")
    # Reports are passed on; where the file lies on this machine is nobody's business.
    assert str(tmp_path) not in compared.complaint
