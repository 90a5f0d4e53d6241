"""Finalists on the stand-in: their own table, nothing simulated twice, kill -9, and what makes no sense."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from beadsmith.campaign.calibration import Plan, calibrate, outcome_of
from beadsmith.campaign.finalists import (
    Estimate,
    estimate,
    finalists_of,
    finalists_problem,
    measure_finalists,
    measured_finalists,
)
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import Finished, Study, finalists_table
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem
from beadsmith.simulate.engine import Interrupted

PLAN = Plan(method="tpe", evaluations=6, seed=1, workers=2, remeasure=2, candidates=2)

# Another length of the melt; a force field with another parameter; one that only searches longer.
FIDELITIES = """
compare: {Somebody: somebody.yaml}
fidelities:
  long:
    experiments:
      melt:
        protocol:
          - {stage: push-off, steps: 50}
          - {stage: ladder, ensemble: nvt, temperatures: 300 K, hold: 900 steps, frames: 10}
    targets: {length: {uncertainty: 0.05 angstrom}}
  mie:
    forcefield: {pair: {style: mie/cut}}
    parameters: {pair.A.repulsive_exponent: {fixed: 12}}
  patient:
    search: {evaluations: 99}
"""

SOMEBODY = """
title: Somebody's model
parameters: {pair.A.epsilon: 0.2 kcal/mol, pair.A.sigma: 3.5 angstrom}
"""


@pytest.fixture
def file(tiny_file: Path) -> Path:
    tiny_file.write_text(tiny_file.read_text() + FIDELITIES)
    (tiny_file.parent / "somebody.yaml").write_text(SOMEBODY)
    return tiny_file


@pytest.fixture
def problem(file):
    return load_problem(file, "base")


@pytest.fixture
def run(problem, tmp_path, no_engine, stand_in, monkeypatch):
    """A calibration and its finalists; abandoned after so many of their steps, if that is asked for."""

    def run(folder="study", plan=PLAN, replicas=2, stop=None, ran=None):
        # Two simulations make a measurement; further ones wait, and are interrupted when the loop is abandoned.
        permits, abandoned = threading.Semaphore(2 * (stop or 1_000)), threading.Event()

        def noted(task, engine):
            if ran is not None:
                ran.append(task.simulation.name)
            return stand_in(task, engine)

        def limited(task, engine):
            permits.acquire()
            if abandoned.is_set():
                raise Interrupted
            return noted(task, engine)

        study = Study(tmp_path / folder)
        with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
            laboratory = Laboratory(problem, study.store, lease, executor, no_engine, runner=noted)
            list(calibrate(laboratory, study, plan))
        other = finalists_problem(problem, "long", "--finalists")
        finalists = finalists_of(problem, other, outcome_of(study, problem).best)
        steps = []
        with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
            laboratory = Laboratory(other, study.store, lease, executor, no_engine, runner=limited)
            monkeypatch.setattr("beadsmith.campaign.finalists.estimate_cost", lambda *_: pytest.fail("not asked for"))
            loop = measure_finalists(laboratory, study, finalists, plan.seed, replicas)
            for step in loop:
                steps.append(step)
                if len(steps) == stop:
                    loop.close()
                    abandoned.set()
                    permits.release()
                    break
        return study, steps

    return run


def essence(rows):
    return sorted((row.label, row.seed, row.misfit, row.runs) for row in rows)


def test_the_best_and_the_compared_are_measured_at_the_other_fidelity_with_fresh_seeds(run, problem):
    study, steps = run()
    assert [step.phase for step in steps] == ["finalists"] * 4
    assert [step.done for step in steps] == [1, 2, 3, 4]
    outcome = outcome_of(study, problem)
    (finalists,) = measured_finalists(study, problem)
    assert finalists.problem.fidelity == "long"
    assert finalists.outcome.best.number == outcome.best.number
    assert finalists.outcome.best.point == outcome.best.point
    assert [one.label for one in finalists.outcome.measured] == [outcome.best.label, "Somebody"]
    used = {row.seed for table in ("evaluations", "measurements") for row in study.rows(table)}
    assert len({row.seed for row in study.rows(finalists_table("long"))} - used) == 2
    # The stand-in answers the same at every fidelity; the judge is that of the finalists.
    best = finalists.outcome.best
    assert best.observations[0].value == outcome.best.observations[0].value
    assert best.misfit > outcome.best.misfit


def test_what_belongs_to_the_search_is_left_alone(run, problem):
    study, _ = run()
    (finalists,) = measured_finalists(study, problem)
    assert outcome_of(study, problem).core_seconds == 2 * (6 + 3 * 2)
    assert finalists.outcome.core_seconds == 2 * 2 * 2
    assert study.best_model.is_file()
    assert study.finished() == Finished(evaluations=6, remeasure=2)


def test_finalists_of_a_finished_study_are_all_that_runs(run):
    ran: list[str] = []
    run(ran=ran)
    first = len(ran)
    assert first == len(set(ran))
    again: list[str] = []
    run(ran=again)
    assert again == []
    more: list[str] = []
    study, _ = run(ran=more, replicas=3)
    assert len(more) == 2 * 2  # one more replica of two models, two experiments each
    assert len(study.rows(finalists_table("long"))) == 6


@pytest.mark.parametrize("stop", [1, 3])
def test_an_abandoned_phase_goes_on_and_repeats_nothing(run, stop):
    undisturbed, _ = run("undisturbed")
    ran: list[str] = []
    study, _ = run(stop=stop, ran=ran)
    assert len(undisturbed.store.names()) - len(study.store.names()) == 2 * (4 - stop)
    with (study.folder / f"{finalists_table('long')}.jsonl").open("a") as table:
        table.write('{"number": 3, "poi')  # a crash in the middle of a line
    assert len(study.rows(finalists_table("long"))) == stop
    study, _ = run(ran=ran)
    assert len(ran) == len(set(ran)) == len(undisturbed.store.names())
    assert essence(study.rows(finalists_table("long"))) == essence(undisturbed.rows(finalists_table("long")))


def test_a_longer_search_changes_the_finalist_with_the_best_model(run, problem):
    study, _ = run(plan=replace(PLAN, evaluations=2))
    old = outcome_of(study, problem).best.number
    study, _ = run(plan=replace(PLAN, evaluations=14))
    new = outcome_of(study, problem).best.number
    assert new != old
    (finalists,) = measured_finalists(study, problem)
    assert [one.number for one in finalists.outcome.measured] == [new, None]
    assert study.finished() == Finished(evaluations=14, remeasure=2)


def test_a_search_that_goes_on_is_not_finished(run, problem, tmp_path, no_engine, stand_in):
    study, _ = run()
    assert study.finished() is not None
    with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
        laboratory = Laboratory(problem, study.store, lease, executor, no_engine, runner=stand_in)
        loop = calibrate(laboratory, study, replace(PLAN, evaluations=9))
        for _ in range(PLAN.evaluations):
            next(loop)
        assert study.finished() is not None  # all of this was known
        next(loop)
        assert study.finished() is None
        loop.close()


def test_a_changed_fidelity_is_noticed(run, file, problem):
    study, _ = run()
    assert [one.current for one in measured_finalists(study, problem)] == [True]
    file.write_text(file.read_text().replace("hold: 900 steps", "hold: 800 steps"))
    assert [one.current for one in measured_finalists(study, load_problem(file, "base"))] == [False]
    file.write_text(file.read_text().replace("  long:", "  longer:"))
    assert measured_finalists(study, load_problem(file, "base")) == ()


@pytest.mark.parametrize(
    ("fidelity", "fragments"),
    [
        ("cooling", ("--finalists", "received cooling", "base, long, mie, patient")),
        ("lang", ("did you mean 'long'?",)),
        ("base", ("otherwise than that of the search, base", "--remeasure")),
        ("patient", ("otherwise than that of the search",)),
        ("mie", ("parameters of fidelity base", "pair.A.repulsive_exponent")),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(problem, fidelity, fragments):
    with pytest.raises(ProblemError) as refusal:
        finalists_problem(problem, fidelity, "--finalists")
    for fragment in fragments:
        assert fragment in str(refusal.value)


def test_a_model_to_compare_with_must_fit_the_other_fidelity_before_anything_runs(problem, file):
    (file.parent / "somebody.yaml").write_text(SOMEBODY.replace("pair.A.sigma: 3.5 angstrom", ""))
    with pytest.raises(ProblemError, match=r"somebody.yaml: parameters.pair.A.sigma: received nothing"):
        finalists_problem(problem, "long", "--finalists")


def test_a_file_that_names_an_unknown_fidelity_is_refused_when_it_is_read(file):
    file.write_text(file.read_text().replace("search: {", "search: {finalists: lang, "))
    with pytest.raises(ProblemError, match=r"search.finalists: received lang, expected one of base, long"):
        load_problem(file, "base")


def test_the_cost_is_that_of_what_has_not_been_simulated(run, problem, no_engine, stand_in, deferred, monkeypatch):
    study, _ = run()
    other = finalists_problem(problem, "long", "--finalists")
    finalists = finalists_of(problem, other, outcome_of(study, problem).best)
    laboratory = Laboratory(other, study.store, study.folder / ".lease", deferred(len), no_engine, runner=stand_in)
    price = {"melt": 100.0, "alone": 1.0}
    monkeypatch.setattr(
        "beadsmith.campaign.finalists.estimate_cost",
        lambda problem, name, *_: SimpleNamespace(core_seconds=price[name]),
    )
    assert estimate(laboratory, finalists, PLAN.seed, 2) == Estimate(0, 0)
    assert estimate(laboratory, finalists, PLAN.seed, 3) == Estimate(4, 202.0)
    shutil.rmtree(study.store.root / study.rows(finalists_table("long"))[0].runs[0])
    assert estimate(laboratory, finalists, PLAN.seed, 2) == Estimate(1, 100.0)
    price["melt"] = None  # a script of the user's own
    assert estimate(laboratory, finalists, PLAN.seed, 2) == Estimate(1, None)


# A driver of its own process, whose runner kills it before, or after, the so-many-th simulation is stored.
DRIVER = """
import importlib.util, os, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from beadsmith.campaign import calibration, finalists
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import load_problem
from beadsmith.simulate.engine import Engine

conftest, file, folder, log, last = sys.argv[1:]
spec = importlib.util.spec_from_file_location("stand_in", conftest)
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)
left = int(last)

def runner(task, engine):
    global left
    with open(log, "a") as started:
        started.write(task.simulation.name + "\\n")
    left -= 1
    if left == 0 and int(last) % 2:
        task.store.attempt(task.simulation.name)
        os.kill(os.getpid(), signal.SIGKILL)
    result = stand_in.analytic(task, engine)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

engine = Engine("/nowhere/lmp", "none", "", None, frozenset())
problem, study = load_problem(Path(file), "base"), Study(Path(folder))
plan = calibration.Plan(method="tpe", evaluations=6, seed=1, workers=2, remeasure=2, candidates=2)
with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
    list(calibration.calibrate(Laboratory(problem, study.store, lease, executor, engine, runner=runner), study, plan))
other = finalists.finalists_problem(problem, "long", "--finalists")
chosen = finalists.finalists_of(problem, other, calibration.outcome_of(study, problem).best)
with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
    laboratory = Laboratory(other, study.store, lease, executor, engine, runner=runner)
    list(finalists.measure_finalists(laboratory, study, chosen, 1, 2))
"""


def test_a_driver_killed_again_and_again_ends_with_the_undisturbed_finalists(run, file, tmp_path):
    undisturbed, _ = run("undisturbed")
    total = len(undisturbed.store.names())
    study, log = Study(tmp_path / "killed"), tmp_path / "started.txt"
    conftest = Path(__file__).parent / "conftest.py"

    def drive(last):
        words = [sys.executable, "-c", DRIVER, conftest, file, study.folder, log, str(last)]
        return subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)

    # Through the search and the measurements to the last eight simulations, which are those of the finalists.
    for last in (total - 8, 1, 2):
        known = set(study.store.names())
        log.write_text("")
        assert drive(last).returncode == -signal.SIGKILL
        assert not known & set(log.read_text().split())
    tables = {path.name for path in study.folder.glob("finalists-*")}
    assert "finalists-long.json" in tables
    assert 0 < len(set(undisturbed.store.names()) - set(study.store.names())) < 8
    done = drive(0)
    assert done.returncode == 0, done.stderr
    assert set(study.store.names()) == set(undisturbed.store.names())
    assert essence(study.rows(finalists_table("long"))) == essence(undisturbed.rows(finalists_table("long")))
    record = json.loads((study.folder / "finalists-long.json").read_text())
    assert record == json.loads((undisturbed.folder / "finalists-long.json").read_text())
    assert not [entry for entry in (study.folder / "runs").iterdir() if entry.name.startswith(".")]
