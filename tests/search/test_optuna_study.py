import json
import math
import re

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Observation
from beadsmith.problem.state import State
from beadsmith.search.optuna_study import write_optuna_study

PARAMETERS = [Parameter("pair.A.sigma", 2.5, 5.0, "length"), Parameter("pair.A.m", 8.0, 16.0, "number")]

EVALUATIONS = [
    Evaluation(
        number=0,
        point={"pair.A.sigma": 3.0, "pair.A.m": 12.0},
        seed=17,
        observations=(
            Observation("density", State.of(T=150), 1.21, 0.004),
            Observation("Tg", State(), math.nan, math.inf),
            Observation("rdf", State.of(T=150, r=4.25), 1.1, 0.1),  # a bin: there may be hundreds
        ),
        misfit=2.5,
        terms={"density": 2.0},
        core_seconds=12.5,
    ),
    Evaluation(
        number=1,
        point={"pair.A.sigma": 4.0, "pair.A.m": 8.0},
        seed=18,
        observations=(),
        failures=(Failure(FailureKind.LOST_ATOMS, "melt", "ERROR: Lost atoms: original 240 current 239"),),
    ),
    Evaluation(
        number=2,
        point={"pair.A.sigma": 2.5, "pair.A.m": 34.8},
        seed=19,
        observations=(),
        misfit=0.5,
        label="Hybrid strategy",
    ),
]


def load(path, name="try1"):
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(path))))


@pytest.fixture
def study(tmp_path):
    write_optuna_study(tmp_path / "study.journal", "try1", PARAMETERS, EVALUATIONS)
    return load(tmp_path / "study.journal")


def test_optuna_reads_points_and_misfits(study):
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert [trial.value for trial in study.trials] == [2.5, None, 0.5]
    assert study.trials[0].params == {"pair.A.sigma": 3.0, "pair.A.m": 12.0}
    assert study.best_value == 0.5
    assert study.direction == optuna.study.StudyDirection.MINIMIZE


def test_ranges_are_those_of_the_problem(study):
    assert study.trials[0].distributions["pair.A.m"] == optuna.distributions.FloatDistribution(8.0, 16.0)


def test_values_outside_a_range_are_kept_as_an_attribute(study):
    assert study.trials[2].params == {"pair.A.sigma": 2.5}
    assert study.trials[2].user_attrs["outside the range"] == {"pair.A.m": 34.8}
    assert study.trials[2].user_attrs["label"] == "Hybrid strategy"


def test_everything_else_is_a_user_attribute(study):
    assert study.trials[0].user_attrs == {
        "number": 0,
        "seed": 17,
        "core seconds": 12.5,
        "term density": 2.0,
        "density at T=150": 1.21,
        "standard errors": {"density at T=150": 0.004, "Tg": None},
    }


def test_failures_are_told_in_sentences(study):
    (sentence,) = study.trials[1].user_attrs["failures"]
    assert sentence.startswith("melt: lost atoms (ERROR: Lost atoms: original 240 current 239)")


def test_a_misfit_that_is_no_number_is_a_failure(tmp_path):
    bad = Evaluation(0, {"pair.A.sigma": 3.0, "pair.A.m": 9.0}, 1, (), misfit=math.nan)
    write_optuna_study(tmp_path / "s", "try1", PARAMETERS, [bad])
    assert load(tmp_path / "s").trials[0].state == TrialState.FAIL


def test_a_study_without_evaluations_can_be_opened(tmp_path):
    write_optuna_study(tmp_path / "s", "try1", PARAMETERS, [])
    assert load(tmp_path / "s").trials == []


def test_the_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "study.journal"
    write_optuna_study(path, "try1", PARAMETERS, EVALUATIONS[:1])
    write_optuna_study(path, "try1", PARAMETERS, EVALUATIONS)
    assert len(load(path).trials) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_written_once_keeps_its_length(tmp_path):
    # An open dashboard remembers by byte how far it has read.
    write_optuna_study(tmp_path / "first", "try1", PARAMETERS, EVALUATIONS[:2])
    write_optuna_study(tmp_path / "second", "try1", PARAMETERS, EVALUATIONS)
    first, second = (
        re.sub(r'"20\d\d-[^"]{27}"', "time", (tmp_path / name).read_text()) for name in ("first", "second")
    )
    assert second.startswith(first)


def test_a_dashboard_that_is_open_can_read_on(tmp_path):
    path = tmp_path / "study.journal"
    write_optuna_study(path, "try1", PARAMETERS, EVALUATIONS[:1])
    study = load(path)
    assert len(study.trials) == 1
    write_optuna_study(path, "try1", PARAMETERS, EVALUATIONS)
    assert len(study.trials) == 3


def test_the_file_is_json_that_browsers_understand(study, tmp_path):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    for line in (tmp_path / "study.journal").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_nothing_is_said_on_the_terminal(tmp_path, optuna_remarks):
    write_optuna_study(tmp_path / "s", "try1", PARAMETERS, EVALUATIONS)
    assert optuna_remarks == []
