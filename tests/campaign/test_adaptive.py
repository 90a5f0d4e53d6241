"""Evaluations that go on until enough is known; LAMMPS is played by runs whose error falls with their length."""

from __future__ import annotations

import math
import textwrap
from concurrent.futures import Executor, Future
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
import yaml

from beadsmith.campaign.driver import measure, search_models
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import question_of
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import load_problem
from beadsmith.problem.records import Failure, FailureKind, Observation
from beadsmith.problem.spread import Spread
from beadsmith.problem.state import State
from beadsmith.search import make_search
from beadsmith.simulate.script import restart_file

AT = State.of(T=300)


@pytest.fixture
def precise(tiny_file, tmp_path):
    """Loads the tiny problem with a section ``precision``."""

    def load(**section):
        document = yaml.safe_load(textwrap.dedent(tiny_file.read_text()))
        document["precision"] = section
        path = tmp_path / "precise.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return load_problem(path)

    return load


class Engine:
    """Answers like LAMMPS would: the error of the length falls with the square root of all steps so far."""

    def __init__(self, first_stderr=0.1, between=0.0, fails=lambda task: False):
        self.first_stderr, self.between, self.fails = first_stderr, between, fails
        self.tasks = []

    def __call__(self, task, engine):
        self.tasks.append(task)
        simulation = task.simulation
        attempt = task.store.attempt(simulation.name)
        own = steps = simulation.stretches[0].steps
        for run, file in simulation.inherited.values():
            task.store.lend(run, file, attempt / "before")
            steps += int((attempt / "before").read_text())
        (attempt / restart_file(0)).write_text(str(steps))
        failure = Failure(FailureKind.TIMEOUT, simulation.experiment, "too slow") if self.fails(task) else None
        observations = () if failure else (self.observation(task, steps),)
        question = question_of(task.observables, simulation.experiment)
        result = RunResult(simulation.name, simulation.experiment, question, observations, failure, own / 300, 1.0)
        task.store.finish(attempt, result, ())
        return result

    def observation(self, task, steps):
        if task.simulation.experiment == "melt":
            return Observation("pressure", AT, 500.0, 1.0)
        random = np.random.default_rng(crc32(task.simulation.name.encode()))
        value = self.length(task) + self.between * random.normal()
        return Observation("length", AT, value, self.first_stderr * math.sqrt(300 / steps))

    def length(self, task):
        return 3.6


class AtOnce(Executor):
    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture
def laboratory_of(tmp_path, no_engine):
    def make(problem, runner, folder="study"):
        study = Study(tmp_path / folder)
        study.folder.mkdir(parents=True, exist_ok=True)
        lease = study.folder / ".lease"
        lease.touch()
        return study, Laboratory(problem, study.store, lease, AtOnce(), no_engine, runner=runner)

    return make


def measured(laboratory, seeds=(5,)):
    space = laboratory.problem.parameters
    model = constant_model("m", space, {one.name: 0.5 * (one.low + one.high) for one in space.free})
    return list(measure(laboratory, None, [("m", model, {})], seeds))


def length_of(evaluation):
    return next(one for one in evaluation.observations if one.observable == "length")


def test_a_run_is_continued_just_until_it_is_precise_enough(precise, laboratory_of):
    engine = Engine(first_stderr=0.1)
    _, laboratory = laboratory_of(precise(tolerance={"length": "0.06 angstrom"}), engine)
    (evaluation,) = measured(laboratory)
    first, more = (task for task in engine.tasks if task.simulation.experiment == "alone")
    assert not first.simulation.inherited
    assert more.earlier == (first.simulation.name,)
    assert more.simulation.stretches[0].steps == 600  # (0.1 / 0.06)^2 = 2.8 times the length: two more of it
    assert length_of(evaluation).stderr == pytest.approx(0.1 / math.sqrt(3))
    assert [task.simulation.experiment for task in engine.tasks].count("melt") == 1
    assert len(evaluation.runs) == 3
    assert evaluation.core_seconds == pytest.approx(1 + 1 + 2)


def test_nothing_is_longer_than_allowed(precise, laboratory_of):
    engine = Engine(first_stderr=1.0)
    _, laboratory = laboratory_of(precise(tolerance={"length": "0.06 angstrom"}, longest=2.5), engine)
    (evaluation,) = measured(laboratory)
    assert length_of(evaluation).stderr == pytest.approx(1.0 / math.sqrt(2))
    assert len(engine.tasks) == 3


def test_without_the_section_every_simulation_runs_once(tiny, laboratory_of):
    engine = Engine(first_stderr=1.0)
    _, laboratory = laboratory_of(tiny, engine)
    measured(laboratory)
    assert len(engine.tasks) == 2
    assert "write_restart" not in engine.tasks[0].simulation.files["in.lammps"]


def test_what_differs_between_runs_is_repeated_and_its_scatter_is_in_the_error(precise, laboratory_of):
    problem = replace(
        precise(tolerance={"length": "0.06 angstrom"}, replicas=6), spreads=(Spread("length", AT, 0.1, 0.0, 0.0),)
    )
    engine = Engine(first_stderr=0.01, between=0.1)
    _, laboratory = laboratory_of(problem, engine)
    (evaluation,) = measured(laboratory)
    alone = [task for task in engine.tasks if task.simulation.experiment == "alone"]
    assert len(alone) == 3  # 0.1 / sqrt(3) = 0.058
    assert len({task.simulation.files["system.data"] for task in alone}) == 3
    assert length_of(evaluation).stderr >= math.hypot(0.1, 0.01) / math.sqrt(3) - 1e-12


def runs_of_the_length(engine):
    """Simulations of the molecule alone: those that begin, and those that go on."""
    alone = [task.simulation for task in engine.tasks if task.simulation.experiment == "alone"]
    return [one for one in alone if not one.inherited], [one for one in alone if one.inherited]


@pytest.mark.parametrize(
    ("replicas", "tolerance", "runs"),
    [
        pytest.param(6, 0.06, 3, id="as many as are needed"),  # (0.1 / 0.06)^2 = 2.8
        pytest.param(2, 0.06, 2, id="at most as many as allowed"),
        pytest.param(1, 0.06, 1, id="none allowed"),
        pytest.param(6, 0.11, 1, id="precise enough"),
    ],
)
def test_what_may_not_be_longer_is_repeated(precise, laboratory_of, replicas, tolerance, runs):
    """Nobody needs to have measured the scatter between runs."""
    engine = Engine(first_stderr=0.1)
    section = {"tolerance": {"length": f"{tolerance} angstrom"}, "longest": 1, "replicas": replicas}
    _, laboratory = laboratory_of(precise(**section), engine)
    (evaluation,) = measured(laboratory)
    begun, continued = runs_of_the_length(engine)
    assert (len(begun), continued) == (runs, [])
    assert len({one.files["system.data"] for one in begun}) == runs
    assert length_of(evaluation).stderr == pytest.approx(0.1 / math.sqrt(runs))
    assert [task.simulation.experiment for task in engine.tasks].count("melt") == 1


@pytest.mark.parametrize(("longest", "begun", "continued"), [(4, 1, 1), (3, 1, 1), (2, 2, 2)])
def test_what_may_be_longer_is_repeated_only_if_that_is_not_enough(precise, laboratory_of, longest, begun, continued):
    """Wanted is 2.8 times the length; two runs of twice the length are enough."""
    engine = Engine(first_stderr=0.1)
    problem = precise(tolerance={"length": "0.06 angstrom"}, longest=longest, replicas=6)
    _, laboratory = laboratory_of(problem, engine)
    (evaluation,) = measured(laboratory)
    assert tuple(map(len, runs_of_the_length(engine))) == (begun, continued)
    assert length_of(evaluation).stderr <= 0.06


def test_what_cannot_be_continued_is_repeated(precise, laboratory_of):
    engine = Engine(first_stderr=0.1, fails=lambda task: bool(task.earlier))
    _, laboratory = laboratory_of(precise(tolerance={"length": "0.06 angstrom"}, replicas=6), engine)
    (evaluation,) = measured(laboratory)
    assert tuple(map(len, runs_of_the_length(engine))) == (3, 1)
    assert not evaluation.failed
    assert length_of(evaluation).stderr == pytest.approx(0.1 / math.sqrt(3))


def test_a_known_bias_is_taken_off_and_repeating_does_not_make_it_better_known(precise, laboratory_of):
    spread = Spread("length", AT, 0.1, bias=-0.5, bias_stderr=0.03)
    problem = replace(precise(tolerance={"length": "0.06 angstrom"}, replicas=3), spreads=(spread,))
    _, laboratory = laboratory_of(problem, Engine(first_stderr=0.0, between=0.0))
    (evaluation,) = measured(laboratory)
    assert length_of(evaluation).value == pytest.approx(4.1)
    assert length_of(evaluation).stderr == pytest.approx(math.sqrt(0.1**2 / 3 + 0.03**2))


def test_a_continuation_that_fails_takes_nothing_away(precise, laboratory_of):
    engine = Engine(first_stderr=0.1, fails=lambda task: bool(task.earlier))
    _, laboratory = laboratory_of(precise(tolerance={"length": "0.06 angstrom"}), engine)
    (evaluation,) = measured(laboratory)
    assert not evaluation.failed
    assert length_of(evaluation).stderr == pytest.approx(0.1)
    assert evaluation.core_seconds == pytest.approx(1 + 1 + 2)


def test_a_first_run_that_fails_is_not_continued(precise, laboratory_of):
    engine = Engine(fails=lambda task: task.simulation.experiment == "alone")
    _, laboratory = laboratory_of(precise(tolerance={"length": "0.06 angstrom"}), engine)
    (evaluation,) = measured(laboratory)
    assert evaluation.failed
    assert len(engine.tasks) == 2


def essence(evaluations):
    return [(one.number, dict(one.point), one.misfit, one.runs) for one in evaluations]


class Varied(Engine):
    """Models differ: the length follows epsilon, 3.6 to 4 angstrom; the target is 3.6."""

    def length(self, task):
        text = task.simulation.files["in.lammps"]
        words = next(line for line in text.splitlines() if line.startswith("pair_coeff 1 1")).split()
        return 3.5 + float(words[3])


def searched(laboratory, study, evaluations, in_flight=2):
    search = make_search("sobol", laboratory.problem.parameters.free, 3)
    return list(search_models(laboratory, search, study, 3, evaluations, in_flight))


def test_a_search_spends_more_only_on_what_could_be_its_best(precise, laboratory_of):
    problem = precise(tolerance={"length": "0.02 angstrom"}, longest=8)
    study, laboratory = laboratory_of(problem, Varied(first_stderr=0.04))
    evaluations = searched(laboratory, study, 16)
    best = math.inf
    for evaluation in evaluations:
        longer = len(evaluation.runs) > 2
        off = abs(length_of(evaluation).value - 3.6)
        hopeful = ((max(0.0, off - 0.08)) ** 2 / (0.1**2 + 0.04**2)) / 2 < best  # two observables count alike
        assert longer == (hopeful and math.isfinite(best))
        best = min(best, evaluation.misfit)
    assert 0 < sum(len(one.runs) > 2 for one in evaluations) < 16


@pytest.mark.parametrize("limits", [{"longest": 8}, {"longest": 2, "replicas": 3}])
def test_an_adaptive_search_in_pieces_is_the_same_and_repeats_nothing(precise, laboratory_of, limits):
    problem = precise(tolerance={"length": "0.02 angstrom"}, **limits)
    study, laboratory = laboratory_of(problem, Varied(first_stderr=0.04), "whole")
    whole = essence(searched(laboratory, study, 12))
    for budget in (3, 7, 12):
        engine = Varied(first_stderr=0.04)
        study, laboratory = laboratory_of(problem, engine, "pieces")
        before = set(study.store.names())
        pieces = essence(searched(laboratory, study, budget))
        assert {task.simulation.name for task in engine.tasks}.isdisjoint(before)
    assert pieces == whole


def test_the_section_is_part_of_what_a_study_is(precise):
    from beadsmith.campaign.study import digest_of

    assert digest_of(precise(longest=2)) != digest_of(precise(longest=4))
