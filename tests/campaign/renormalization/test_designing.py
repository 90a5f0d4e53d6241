"""Designs: every point once, in whatever order; the same results when resumed or extended."""

from dataclasses import replace

import pytest

from beadsmith.campaign.renormalization.designing import TABLE, design_manifest, points_of, run_design
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError


def test_every_point_is_measured_once_and_not_again(laboratory, tmp_path):
    study, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 9)
    steps = list(run_design(laboratory, study, systems, 1, 1))
    assert [step.done for step in steps] == list(range(1, 19))
    again = list(run_design(laboratory, study, systems, 1, 1))
    assert all(step.known for step in again)
    assert len(study.rows(TABLE)) == 18


def test_a_longer_design_keeps_what_is_there(laboratory, tmp_path):
    study = Study(tmp_path / "study")
    list(run_design(laboratory, study, systems_of(laboratory.problem, 5), 1, 1))
    before = study.rows(TABLE)
    new = [step for step in run_design(laboratory, study, systems_of(laboratory.problem, 8), 1, 1) if not step.known]
    assert study.rows(TABLE)[:10] == before
    assert [step.evaluation.number for step in new] == [5, 6, 7] * 2


def test_values_are_those_of_the_formulas_at_the_point(laboratory, tmp_path):
    study, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 6)
    points = points_of(systems[1], 1, 1)
    for step in run_design(laboratory, study, systems, 1, 1):
        if step.system == "other":
            point = points[step.evaluation.number]
            b, c = point.parameters["pair.B.epsilon"], point.parameters["pair.C.epsilon"]
            exact = 1.2 - 0.1 * b + 0.2 * c * (1 + point.state["DC"])
            (observed,) = step.evaluation.observations
            assert observed.state == point.state
            assert observed.value == pytest.approx(exact, abs=5 * 0.002)
            assert observed.value != pytest.approx(exact, abs=1e-9)  # there is noise


def test_another_seed_in_the_same_table_is_noticed(laboratory, tmp_path):
    study, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 4)
    list(run_design(laboratory, study, systems, 1, 1))
    with pytest.raises(StudyError, match=r"point 0 of the design: the stored one has pair\.A\.epsilon"):
        list(run_design(laboratory, study, systems, 2, 1))


def test_a_design_does_not_mind_other_targets_but_other_formulas(two_systems):
    file = two_systems.file
    first = design_manifest(two_systems, 1, "none")
    without = replace(two_systems, file=file.model_copy(update={"targets": {}}))
    assert not first.difference_to(design_manifest(without, 1, "none"))
    changed = file.experiments["one"].model_copy(update={"columns": {"density": "1", "stiffness": "2"}})
    experiments = {**file.experiments, "one": changed}
    other = replace(two_systems, file=file.model_copy(update={"experiments": experiments}))
    assert first.difference_to(design_manifest(other, 1, "none")) == "another version of the problem file"
