"""Tables of runs: written and read again, and all the ways in which a user's own table can be wrong."""

import math

import pytest

from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.renormalization.table import (
    Row,
    check_state_variables,
    read_rows,
    rows_beyond,
    rows_of,
    unique,
    write_rows,
)
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Observation
from beadsmith.problem.state import State

HEADER = "system,DC,pair.A.epsilon,pair.B.epsilon,pair.C.epsilon,one_density,one_density_stderr,other_density\n"


@pytest.fixture
def read(two_systems, tmp_path):
    def rows(text: str):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return read_rows(two_systems, systems_of(two_systems), path)

    return rows


def test_what_was_written_is_read(two_systems, tmp_path):
    rows = [
        Row("one", {"DC": 0.5, "pair.A.epsilon": 0.3, "pair.B.epsilon": 0.4}, {"one_density": (1.25, 0.01)}),
        Row("other", {"DC": 0.0, "pair.B.epsilon": 0.4, "pair.C.epsilon": 1.1}, {"other_density": (1.5, math.nan)}),
    ]
    write_rows(tmp_path / "table.csv", rows)
    back = read_rows(two_systems, systems_of(two_systems), tmp_path / "table.csv")
    assert [(row.system, row.inputs) for row in back] == [(row.system, row.inputs) for row in rows]
    assert back[0].values == rows[0].values
    assert back[1].values["other_density"][0] == 1.5
    assert math.isnan(back[1].values["other_density"][1])


def test_a_row_twice_counts_once_and_replicates_count_each(read):
    row = "one,0.5,0.3,0.4,,1.2,0.01,\n"
    assert len(read(HEADER + row + row + "one,0.5,0.3,0.4,,1.3,0.01,\n")) == 2


def test_rows_without_any_result_are_passed_over(read):
    assert read(HEADER + "one,0.5,0.3,0.4,,,,\n") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER + "one,0.5,0.3,0.4,,nan,0.01,\n", "line 2: one_density: received nan, expected a finite number"),
        (HEADER + "one,0.5,0.3,0.4,,1.2,-1,\n", "line 2: one_density_stderr: received -1, expected a standard error"),
        (HEADER + "one,0.5,0.3,,,1.2,0.01,\n", "line 2: pair.B.epsilon: received nothing, expected a number"),
        (HEADER + "one,,0.3,0.4,,1.2,0.01,\n", "line 2: DC: received nothing, expected a number"),
        (HEADER + "one,0.5,0.3,0.4,,much,0.01,\n", "line 2: one_density: received much, expected a number"),
        (HEADER + "onne,0.5,0.3,0.4,,1.2,0.01,\n", "system: received onne, expected one of one, other; did you mean"),
        ("DC,pair.A.epsilon\n0,1\n", "expected a column named system"),
        (HEADER.replace("one_density,", "one_densty,"), "column one_densty"),
        (HEADER.replace("pair.A.epsilon", "pair.D.epsilon"), "column pair.D.epsilon"),
        (HEADER.replace("DC", "one_density"), "the column twice"),
        ("", "expected a column named system"),
        (
            HEADER.replace("DC,", "") + "one,0.3,0.4,,1.2,0.01,\n",
            "line 2: DC: received no such column, expected a number",
        ),
        (
            HEADER.replace("DC", "run,DC") + "one,7,0.5,0.3,0.4,,1.2,0.01,\n",
            "column run: received run, expected system",
        ),
        (HEADER + "one,50,0.3,0.4,,1.2,0.01,\n", "line 2: DC: received 50, expected degrees of crosslinking between 0"),
        (HEADER + "one,-0.1,0.3,0.4,,1.2,0.01,\n", "line 2: DC: received -0.1, expected degrees of crosslinking"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_the_place(read, text, sentence):
    with pytest.raises(ProblemError) as caught:
        read(text)
    assert sentence in str(caught.value)


def test_a_table_that_excel_wrote_is_read(two_systems, tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text(HEADER + "one,0.5,0.3,0.4,,1.2,0.01,\n", encoding="utf-8-sig")
    (row,) = read_rows(two_systems, systems_of(two_systems), path)
    assert row.inputs["DC"] == 0.5


def test_a_state_variable_of_an_experiment_or_a_target_may_be_a_column(document, write, tmp_path):
    document["experiments"]["one"]["states"] = {"DC": "0 0.5 1", "T": "300 K"}
    for name in ("one_density", "one_stiffness"):
        document["targets"][name]["state"] = {"DC": "0 0.5 1", "T": "300 K"}
    problem = load_problem(write(document))
    path = tmp_path / "table.csv"
    path.write_text(HEADER.replace("DC", "T,DC") + "one,300,0.5,0.3,0.4,,1.2,0.01,\n")
    (row,) = read_rows(problem, systems_of(problem), path)
    assert row.inputs["T"] == 300


def states(*values: float | None, observable: str = "one_density") -> list[Row]:
    """Rows at temperatures; None does not say which."""
    return [Row("one", {} if value is None else {"T": value}, {observable: (1.0, 0.1)}) for value in values]


def test_a_state_variable_that_only_some_rows_say_is_refused(two_systems):
    systems = systems_of(two_systems)
    with pytest.raises(
        ProblemError, match="one: T: received 1 of 3 rows with one_density without T, expected it in all"
    ):
        check_state_variables(systems, states(300, 350, None))
    check_state_variables(systems, states(300, 350))
    check_state_variables(systems, states(300, 300, None))
    # What is derived from a whole ladder has no temperature.
    check_state_variables(systems, [*states(300, 350), *states(None, observable="one_stiffness")])


def test_rows_beyond_what_is_declared_are_said(two_systems):
    systems = systems_of(two_systems)
    inside = {"DC": 0.5, "pair.A.epsilon": 0.2 - 1e-9, "pair.B.epsilon": 1.2}
    rows = [Row("one", {**inside, "pair.A.epsilon": value}, {}) for value in (0.3, 5.0, 5.14)]
    (sentence,) = rows_beyond(systems, rows)
    assert sentence.startswith("one: 2 of 3 rows of tables have pair.A.epsilon = 5 to 5.14, outside 0.2 to 1.2")
    (sentence,) = rows_beyond(systems, [Row("one", {**inside, "DC": 1.3}, {})])
    assert "DC = 1.3, outside 0 to 1, the states of the design" in sentence
    assert rows_beyond(systems, [Row("one", inside, {})]) == []


def test_a_table_that_is_not_there_is_refused(two_systems, tmp_path):
    with pytest.raises(ProblemError, match="a table \\(CSV\\) that can be read"):
        read_rows(two_systems, systems_of(two_systems), tmp_path / "nowhere.csv")


def evaluation(*observations: Observation, failures=()) -> Evaluation:
    point = {"pair.A.epsilon": 0.3, "pair.B.epsilon": 0.4, "DC": 0.5}
    return Evaluation(0, point, 1, observations, failures, label="one")


def test_evaluations_become_rows_state_by_state(two_systems):
    one = Observation("one_density", State.of(DC=0.5, T=300), 1.2, 0.01)
    two = Observation("one_density", State.of(DC=0.5, T=400), 1.1, math.inf)
    rows = rows_of(two_systems, systems_of(two_systems), [evaluation(one, two)])
    assert [row.inputs["T"] for row in rows] == [300, 400]
    assert rows[0].values == {"one_density": (1.2, 0.01)}
    assert math.isnan(rows[1].values["one_density"][1])


def test_failures_and_what_is_no_number_are_left_out(two_systems):
    systems = systems_of(two_systems)
    broken = evaluation(failures=(Failure(FailureKind.TIMEOUT, "one", "late"),))
    none = evaluation(Observation("one_density", State.of(DC=0.5), math.nan, math.inf))
    assert rows_of(two_systems, systems, [broken]) == []
    assert [row.values for row in rows_of(two_systems, systems, [none])] == [{}]


def test_a_run_and_its_row_in_a_table_are_one(two_systems, tmp_path):
    third = 1.0 / 3.0
    run = Row("one", {"DC": third, "pair.A.epsilon": third, "pair.B.epsilon": 0.4}, {"one_density": (third, 0.01)})
    write_rows(tmp_path / "table.csv", [run])
    (read,) = read_rows(two_systems, systems_of(two_systems), tmp_path / "table.csv")
    assert read != run
    assert unique([run, read]) == [run]


def test_unique_keeps_the_order():
    rows = [Row("one", {"x": value}, {"y": (1.0, math.nan)}) for value in (3.0, 1.0, 3.0, 2.0)]
    assert [row.inputs["x"] for row in unique(rows)] == [3.0, 1.0, 2.0]
