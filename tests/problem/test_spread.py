"""What was measured about a protocol, and what it does to observations."""

from __future__ import annotations

import json
import math

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import Vacuum
from beadsmith.problem.spread import Spread, corrected, load_spreads, protocol_digest
from beadsmith.problem.state import State

COLD = State.of(T=150)
SPREAD = Spread("density", COLD, between_runs=0.003, bias=-0.006, bias_stderr=0.004)
RECORD = {"observable": "density", "state": {"T": 150.0}, "between_runs": 0.003, "bias": -0.006, "bias_stderr": 0.004}


@pytest.fixture
def measured(tmp_path, document, load):
    """Writes a file for the problem, as changed, and reads it."""
    problem = load(document)
    path = tmp_path / "measured.json"

    def read(**changes):
        content = {
            "experiments": protocol_digest(problem.experiments),
            "spreads": [RECORD],
            "beadsmith": "1",
            **changes,
        }
        path.write_text(json.dumps(content))
        return load_spreads(path, problem.file)

    return read


def refused(measured, **changes) -> str:
    with pytest.raises(ProblemError) as caught:
        measured(**changes)
    return str(caught.value)


def test_bias_is_taken_off_and_all_errors_are_added_in_squares():
    (one,) = corrected([Observation("density", COLD, 1.2, 0.002)], [SPREAD])
    assert one.value == pytest.approx(1.206)
    assert one.stderr == pytest.approx(math.sqrt(0.002**2 + 0.003**2 + 0.004**2))


def test_only_the_same_observable_at_the_same_state_is_corrected():
    others = [
        Observation("density", State.of(T=175), 1.2, 0.002),
        Observation("radius_of_gyration", COLD, 4.5, 0.1),
        Observation("density", State.of(T=150, DC=0.5), 1.2, 0.002),
    ]
    assert corrected(others, [SPREAD]) == tuple(others)
    almost = Observation("density", State.of(T=150.00001), 1.2, 0.002)
    assert corrected([almost], [SPREAD])[0].value == pytest.approx(1.206)


@pytest.mark.parametrize(("value", "stderr"), [(math.nan, math.inf), (1.2, math.inf)])
def test_what_is_undetermined_stays_so(value, stderr):
    (one,) = corrected([Observation("density", COLD, value, stderr, note="why")], [SPREAD])
    assert one.stderr == math.inf
    assert one.note == "why"
    assert math.isnan(one.value) if math.isnan(value) else one.value == value


def test_a_file_is_read_whatever_else_it_says(measured):
    assert measured(spreads=[{**RECORD, "runs": 9}]) == (SPREAD,)
    assert measured(spreads=[]) == ()


def test_numbers_of_another_protocol_are_refused(measured):
    sentence = refused(measured, experiments="0123456789abcdef")
    assert "another protocol" in sentence
    assert "beadsmith precision" in sentence


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"spreads": 5}, "not iterable"),
        ({"spreads": [{"observable": "density"}]}, "between_runs"),
        ({"spreads": [{**RECORD, "bias": "much"}]}, "much"),
        ({"spreads": [{**RECORD, "bias": None}]}, "NoneType"),
        ({"spreads": [{**RECORD, "bias_stderr": -0.1}]}, "bias_stderr -0.1"),
        ({"spreads": [{**RECORD, "between_runs": -0.1}]}, "between_runs -0.1"),
        ({"spreads": [{**RECORD, "bias": math.nan}]}, "bias nan"),
        ({"spreads": [{**RECORD, "state": 3}]}, "int"),
        ({"spreads": [RECORD, RECORD]}, "twice"),
    ],
)
def test_a_broken_file_gets_one_sentence(measured, changes, fragment):
    sentence = refused(measured, **changes)
    assert fragment in sentence
    assert "a file written by: beadsmith precision" in sentence


def test_a_missing_or_foreign_file_gets_one_sentence(tmp_path, document, load):
    problem = load(document)
    with pytest.raises(ProblemError, match="No such file"):
        load_spreads(tmp_path / "nowhere.json", problem.file)
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(ProblemError, match="a file written by"):
        load_spreads(tmp_path / "list.json", problem.file)
    (tmp_path / "half.json").write_text('{"spreads": [')
    with pytest.raises(ProblemError, match="a file written by"):
        load_spreads(tmp_path / "half.json", problem.file)


def test_a_protocol_is_the_same_as_long_as_it_simulates_the_same(document, load):
    before = protocol_digest(load(document).experiments)
    melt = document["experiments"]["melt"]
    melt |= {"time_limit": "2 h", "processors": 2, "skin": "2 angstrom"}
    document["targets"] = {}
    assert protocol_digest(load(document).experiments) == before
    melt["timestep"] = "8 fs"
    assert protocol_digest(load(document).experiments) != before


def test_a_problem_reads_what_it_names_unless_told_not_to(document, write, tmp_path):
    document["precision"] = {"measured": "measured.json"}
    path = write(document)
    with pytest.raises(ProblemError, match="No such file"):
        load_problem(path)
    problem = load_problem(path, measured=False)
    assert problem.spreads == ()
    content = {"experiments": protocol_digest(problem.experiments), "spreads": [RECORD]}
    (tmp_path / "measured.json").write_text(json.dumps(content))
    assert load_problem(path).spreads == (SPREAD,)


def test_a_digest_outlives_keys_that_the_schema_may_get():
    """Files that were measured once must not be refused because experiments can say more, so defaults do not count."""
    ladder = {"stage": "ladder", "ensemble": "langevin", "temperatures": "300 200 K", "hold": "10 ps"}
    plain = Vacuum.model_validate({"kind": "vacuum", "molecule": "chain", "timestep": "4 fs", "protocol": [ladder]})
    assert protocol_digest({"alone": plain}) == "8bb88c4a4341da78"
