"""Designs: every point once, in whatever order; the same results when resumed or extended."""

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.campaign.renormalization.dataset import known_rows, tabled_rows, write_table
from beadsmith.campaign.renormalization.designing import TABLE, check_design, design_manifest, points_of, run_design
from beadsmith.campaign.renormalization.learning import measurements_of
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import load_problem


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


def bringing(document, write, table):
    """The problem with a table of a user's own."""
    document["design"]["data"] = [str(table)]
    return load_problem(write(document))


def test_points_that_a_table_holds_are_known_and_not_simulated(laboratory, document, write, tmp_path):
    """The table has eight digits: none of its numbers is the one that the sequence gives."""
    first, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 6)
    list(run_design(laboratory, first, systems, 1, 1))
    problem = bringing(document, write, write_table(laboratory.problem, systems, first))
    longer, study = systems_of(problem, 8), Study(tmp_path / "another")
    study.folder.mkdir()
    own = replace(laboratory, problem=problem)
    brought = tabled_rows(problem, longer, study)
    steps = list(run_design(own, study, longer, 1, 1, brought))
    assert [(step.done, step.total) for step in steps] == [(number, 16) for number in range(1, 17)]
    assert [step.known for step in steps] == [True] * 12 + [False] * 4
    assert [(row.label, row.number) for row in study.rows(TABLE)] == [
        (name, number) for name in ("one", "other") for number in (6, 7)
    ]
    assert all(step.known for step in run_design(own, study, longer, 1, 1, brought))
    # Another seed gives other points.
    other = Study(tmp_path / "other")
    other.folder.mkdir()
    assert not any(step.known for step in run_design(own, other, longer, 2, 1, brought))


def test_a_table_without_an_observable_spares_no_run(laboratory, document, write, tmp_path):
    first, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 4)
    list(run_design(laboratory, first, systems, 1, 1))
    lines = [line.split(",") for line in write_table(laboratory.problem, systems, first).read_text().splitlines()]
    left_out = lines[0].index("one_stiffness")
    table = tmp_path / "densities.csv"
    shorter = [",".join(line[:left_out] + line[left_out + 2 :]) for line in lines]
    table.write_text("\n".join(shorter) + "\n")
    problem = bringing(document, write, table)
    study = Study(tmp_path / "another")
    study.folder.mkdir()
    brought = tabled_rows(problem, systems, study)
    steps = run_design(replace(laboratory, problem=problem), study, systems, 1, 1, brought)
    assert {(step.system, step.known) for step in steps} == {("one", False), ("other", True)}


def test_the_same_points_from_a_design_and_from_a_table_are_the_same_places(laboratory, document, write, tmp_path):
    """Another seed of the noise, so that the results differ and the rows are replicates."""
    study, systems = Study(tmp_path / "study"), systems_of(laboratory.problem, 16)
    list(run_design(laboratory, study, systems, 1, 1))
    lines = write_table(laboratory.problem, systems, study).read_text().splitlines()
    value = lines[0].split(",").index("other_density")
    moved = [lines[0]]
    for line in lines[1:]:
        cells = line.split(",")
        if cells[0] == "other":
            moved.append(",".join([*cells[:value], f"{float(cells[value]) + 0.001:.8g}", *cells[value + 1 :]]))
    table = tmp_path / "again.csv"
    table.write_text("\n".join(moved) + "\n")
    rows = [row for row in known_rows(bringing(document, write, table), systems, study) if row.system == "other"]
    data = measurements_of(systems[1], rows, "other_density")
    assert len(data) == 32
    assert len(np.unique(data.places())) == 16


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


def changed(document, write, section, entries):
    document[section] = {**document[section], **entries}
    return load_problem(write(document))


OTHER_TARGETS = {
    "one_density": {"state": {"DC": 0.5}, "value": "1.3 g/cm^3", "uncertainty": "0.01 g/cm^3", "source": "invented"}
}


@pytest.mark.parametrize(
    ("section", "entries"),
    [("targets", OTHER_TARGETS), ("calibration", {"functions": "constant"}), ("design", {"points": 8})],
)
def test_a_design_serves_other_targets_functions_and_seeds(two_systems, document, write, tmp_path, section, entries):
    study = Study(tmp_path / "study")
    check_design(two_systems, study)  # there is none
    study.open_for(design_manifest(two_systems, 5, "another LAMMPS"), two_systems)
    check_design(two_systems, study)
    check_design(changed(document, write, section, entries), study)


@pytest.mark.parametrize(
    ("section", "entries"),
    [("parameters", {"pair.*.sigma": "3.5 to 4.5 angstrom"}), ("design", {"states": {"DC": "0 to 0.9"}})],
)
def test_a_design_of_something_else_is_refused(two_systems, document, write, tmp_path, section, entries):
    study = Study(tmp_path / "study")
    study.open_for(design_manifest(two_systems, 1, "none"), two_systems)
    with pytest.raises(StudyError, match="holds a design with another version of the problem file; undo"):
        check_design(changed(document, write, section, entries), study)
    # A study of a search, with tables of a user's own, is no design.
    searched = Study(tmp_path / "searched")
    searched.open_for(replace(design_manifest(two_systems, 1, "none"), method="tpe"), two_systems)
    check_design(changed(document, write, section, entries), searched)


def test_a_design_of_another_fidelity_is_refused(document, write, tmp_path):
    document["fidelities"] = {"rough": {"experiments": {"one": {"noise": {"density": 0.01}}}}}
    path, study = write(document), Study(tmp_path / "study")
    study.open_for(design_manifest(load_problem(path), 1, "none"), load_problem(path))
    with pytest.raises(StudyError, match="another version of the problem file"):
        check_design(load_problem(path, "rough"), study)
