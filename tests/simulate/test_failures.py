"""Each kind of failure, provoked with the real LAMMPS."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beadsmith.problem.records import Failure, FailureKind
from beadsmith.problem.schema import ScriptRecording
from beadsmith.simulate.diagnosis import TAIL, diagnose
from beadsmith.simulate.engine import Interrupted, run_simulation
from beadsmith.simulate.plan import plan_simulation
from beadsmith.simulate.script import COMPLETE

pytestmark = pytest.mark.lammps

#: A gas that keeps LAMMPS busy for much longer than any test.
LONG = """\
units real
lattice sc 5
region box block 0 8 0 8 0 8
create_box 1 box
create_atoms 1 box
mass 1 40
velocity all create 300 1
pair_style lj/cut 8
pair_coeff 1 1 0.2 3.4
fix dynamics all nve
thermo 1000000
thermo_modify flush yes
run 100000000
"""

#: Two beads at the same place: an infinite force times no distance.
OVERLAPPING = """\
units real
region box block 0 30 0 30 0 30
create_box 1 box
create_atoms 1 single 5 5 5
create_atoms 1 single 5 5 5
mass 1 40
pair_style lj/cut 8
pair_coeff 1 1 0.2 3.4
neigh_modify exclude none
thermo_modify lost error
fix dynamics all npt temp 300 300 100 iso 1 1 1000
run 1000
"""


def assert_told(failure: object, kind: FailureKind, detail: str, log: str) -> None:
    """A failure names what happened, keeps the end of the log, and says what to do in one sentence."""
    assert isinstance(failure, Failure), failure
    assert failure.kind is kind, failure
    assert detail in failure.detail
    assert log in failure.log_tail
    assert 0 < len(failure.log_tail.splitlines()) <= TAIL
    assert failure.detail in failure.sentence
    assert failure.sentence.endswith(kind.value)
    assert failure.sentence.isprintable()


@pytest.fixture
def melt_of(document, load, model_of, engine):
    """The simulation of our own melt, with the entries of its experiment changed."""

    def simulation(seed: int = 1, **entries):
        document["experiments"]["melt"] |= entries
        problem = load(document)
        return plan_simulation(problem, "melt", model_of(problem), seed, engine.version)

    return simulation


def test_an_error_of_lammps(attempt, script):
    failure = attempt(script("units real\nfrobnicate 1\n"))
    assert_told(failure, FailureKind.ENGINE_ERROR, "ERROR: Unknown command: frobnicate 1", "frobnicate 1")


def test_a_style_that_this_lammps_lacks(attempt, script):
    failure = attempt(script("units real\nregion b block 0 1 0 1 0 1\ncreate_box 1 b\npair_style no/such/style 3\n"))
    assert_told(failure, FailureKind.ENGINE_ERROR, "no/such/style", "pair_style no/such/style 3")


def test_a_kill_from_outside(script, folder, engine, processes_in):
    asked = []

    def kill_when_running() -> bool:
        log = folder / "log.lammps"
        if not asked and log.is_file() and "Step" in log.read_text():
            asked.extend(processes_in(folder))
            for number in asked:
                os.kill(number, signal.SIGKILL)
        return False

    finished = run_simulation(script(LONG), folder, engine, stop=kill_when_running)
    assert_told(diagnose(finished.ending, "own"), FailureKind.KILLED, "SIGKILL", "Step")
    assert finished.core_seconds > 0


def test_a_simulation_that_takes_too_long(attempt, script, folder, processes_in):
    failure = attempt(script(LONG, time_limit=1.0))
    assert_told(failure, FailureKind.TIMEOUT, "stopped after 1 s", "Step")
    assert processes_in(folder) == []


def test_beads_at_the_same_place(attempt, script):
    failure = attempt(script(OVERLAPPING))
    assert_told(failure, FailureKind.NOT_A_NUMBER, "Non-numeric", "ERROR")


def test_overlapping_beads_with_a_huge_timestep(attempt, melt_of, document):
    document["molecules"]["bead"] = {"beads": "A"}
    stage = {"stage": "npt", "temperature": "400 K", "duration": "1000 steps"}
    failure = attempt(melt_of(molecules={"bead": 200}, timestep="100 fs", protocol=[stage]))
    # Which of the two LAMMPS notices first is chance.
    assert isinstance(failure, Failure)
    assert failure.kind in (FailureKind.NOT_A_NUMBER, FailureKind.LOST_ATOMS)


def test_bonds_that_fly_apart(attempt, melt_of):
    stage = {"stage": "nvt", "temperature": "400 K", "duration": "1000 steps"}
    failure = attempt(melt_of(timestep="200 fs", protocol=[stage]))
    assert_told(failure, FailureKind.LOST_ATOMS, "missing on proc 0", "ERROR")


def test_beads_that_leave_the_box(attempt, melt_of, document):
    document["molecules"]["bead"] = {"beads": "A"}
    stage = {"stage": "nvt", "temperature": "400 K", "duration": "1000 steps"}
    failure = attempt(melt_of(molecules={"bead": 200}, timestep="100 fs", protocol=[stage]))
    assert_told(failure, FailureKind.LOST_ATOMS, "Lost atoms: original 200", "ERROR")


def test_a_box_that_shrinks_below_twice_the_cutoff(attempt, melt_of, document):
    document["experiments"]["melt"]["protocol"][1] |= {
        "pressure": "200000 atm",
        "duration": "20 ps",
        "pressure_damping": "0.5 ps",
    }
    failure = attempt(melt_of())
    assert_told(failure, FailureKind.BOX_TOO_SMALL, "box_guard", "ERROR: Fix halt condition")


def test_a_script_that_writes_nothing(attempt, script, document, load, tmp_path, model_of, engine):
    (tmp_path / "own.in").write_text("units real\nprint 'I was here'\n")
    document["experiments"] = {
        "own": {"kind": "script", "script": "own.in", "timestep": "1 fs", "recordings": [{"series": "averages.txt"}]}
    }
    document["observables"] = {"density": {"kind": "density", "experiment": "own"}}
    problem = load(document)
    failure = attempt(plan_simulation(problem, "own", model_of(problem), 1, engine.version))
    assert_told(failure, FailureKind.NO_OUTPUT, "averages.txt is missing", "I was here")


def test_a_script_that_quits_early_although_it_says_well(attempt, melt_of):
    simulation = melt_of()
    text = simulation.files["in.lammps"].replace("# npt, 350", "quit 0\n# npt, 350", 1)
    simulation.files["in.lammps"] = text
    failure = attempt(simulation)
    assert_told(failure, FailureKind.NO_OUTPUT, "the log ends before the last stage", "quit 0")


def test_a_binary_dump_that_is_cut_short(attempt, melt_of):
    simulation = melt_of()
    text = simulation.files["in.lammps"]
    simulation.files["in.lammps"] = text.replace(
        f'print "{COMPLETE}"', f'shell truncate -s -5 frames_1.bin\nprint "{COMPLETE}"'
    )
    assert_told(
        attempt(simulation), FailureKind.NO_OUTPUT, "frames_1.bin holds something that is not a frame", COMPLETE
    )


@pytest.mark.parametrize("name", ["own.dump", "own.bin"])
def test_a_users_dump_that_is_cut_short(name, attempt, script):
    text = LONG.replace("run 100000000", f"dump own all custom 10 {name} id xu yu zu\nrun 20\nundump own\n")
    whole = script(text, recordings=(ScriptRecording(dump=name),))
    (recording,) = attempt(whole)
    assert recording.frames.positions.shape == (3, 512, 3)
    whole.files["in.lammps"] += f"shell truncate -s -5 {name}\n"
    assert_told(attempt(whole), FailureKind.NO_OUTPUT, f"{name} ", f"truncate -s -5 {name}")


def test_a_full_output_is_no_failure(attempt, melt_of):
    recordings = attempt(melt_of())
    assert [recording.state["T"] for recording in recordings] == [400, 350, 350]


def test_stopping_ends_a_long_simulation_and_leaves_nothing_behind(script, folder, engine, processes_in):
    def stop() -> bool:
        return bool(processes_in(folder) and (folder / "log.lammps").is_file())

    with pytest.raises(Interrupted):
        run_simulation(script(LONG), folder, engine, stop)
    assert processes_in(folder) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_driver_that_is_killed_takes_its_simulation_with_it(folder, tmp_path, processes_in):
    (tmp_path / "long.in").write_text(LONG)
    program = (
        "import sys; from pathlib import Path\n"
        "from beadsmith.simulate.engine import find_engine, run_simulation\n"
        "from beadsmith.simulate.plan import Simulation\n"
        "engine = find_engine()\n"
        "text = Path(sys.argv[1]).read_text()\n"
        "simulation = Simulation('own', {'in.lammps': text}, engine.version, timestep=1.0, time_limit=600.0)\n"
        "run_simulation(simulation, Path(sys.argv[2]), engine, stop=lambda: False)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "long.in"), str(folder)])
    try:
        assert eventually(lambda: processes_in(folder) and "Step" in text_of(folder / "log.lammps"), 60)
    finally:
        driver.kill()
        driver.wait()
    assert eventually(lambda: not processes_in(folder), 60)


def eventually(condition, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def text_of(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
