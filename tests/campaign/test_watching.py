"""How far a simulation has come, from what it has written so far."""

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from beadsmith.campaign.store import RunStore
from beadsmith.campaign.timing import particle_steps, total_steps
from beadsmith.campaign.watching import advance_of, steps_made, steps_planned
from beadsmith.problem.problem import load_problem

SCRIPT = """fix dynamics all nvt temp 300 300 100
run 2000
unfix dynamics
variable run equal 3
run 3000 start 0 stop 3000
"""
LOG = """run 2000
   Step          Temp          Press
         0   300.0          1.0
      1000   301.5         -2.0
WARNING: 9 things
      2000   299.1          3.0
Loop time of 1.5 on 1 procs for 2000 steps with 10 atoms
run 3000
   Step          Temp          Press
      2000   299.1          3.0
      30"""


@pytest.fixture
def task():
    topology = SimpleNamespace(masses=np.ones(10))
    return SimpleNamespace(simulation=SimpleNamespace(name="abc", files={"in.lammps": SCRIPT}, topology=topology))


def test_all_runs_of_an_input_count(task):
    assert steps_planned(task) == 5000


@pytest.mark.parametrize(
    ("log", "made"),
    [(None, 0), ("LAMMPS\n", 0), (LOG, 2000), (LOG + "00   1.0\n      9000   1.0\n", 5000)],
)
def test_the_last_whole_row_of_a_log_says_how_many_are_made(task, tmp_path, log, made):
    store = RunStore(tmp_path)
    attempt = store.attempt("abc")
    if log is not None:
        (attempt / "log.lammps").write_text(log)
    assert steps_made(store, task) == made


def test_what_has_ended_counts_whole_before_anybody_asks_for_its_result(task, tmp_path):
    """Its folder has its final name by then, so that there is no log to look at."""
    ended: Future[object] = Future()
    pending = [SimpleNamespace(cures=(), chains=(SimpleNamespace(tasks=(task,), results=(), pending=ended),))]
    assert advance_of(RunStore(tmp_path), pending).particle_steps == 0
    ended.set_result(None)
    assert advance_of(RunStore(tmp_path), pending).particle_steps == 10 * 5000


@pytest.mark.parametrize(("name", "particles"), [("melt", 450 * 10), ("vacuum", 10)])
def test_an_experiment_costs_its_steps_times_its_beads(name, particles):
    problem = load_problem(Path("examples/pebax/problem.yaml"), "paper")
    assert particle_steps(problem, name) == particles * total_steps(problem.experiments[name])


def test_a_simulation_that_ends_while_somebody_looks_has_made_nothing_that_is_known(task, tmp_path, monkeypatch):
    """Its folder gets its final name after the log was found and before it is opened."""
    store = RunStore(tmp_path)
    attempt = store.attempt("abc")
    (attempt / "log.lammps").write_text(LOG)
    look = Path.open

    def ends_first(path, *how):
        if attempt.exists():
            attempt.rename(tmp_path / "abc")
        return look(path, *how)

    monkeypatch.setattr(Path, "open", ends_first)
    assert steps_made(store, task) == 0
