"""How far a simulation has come, from what it has written so far."""

from types import SimpleNamespace

import pytest

from beadsmith.campaign.store import RunStore
from beadsmith.campaign.watching import steps_made, steps_planned

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
    return SimpleNamespace(simulation=SimpleNamespace(name="abc", files={"in.lammps": SCRIPT}))


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
