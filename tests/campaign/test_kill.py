"""kill -9 at random moments, with real LAMMPS: nothing finished is lost or repeated, and the result is the same."""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.lammps


def with_counted_engine(tiny_file: Path, folder: Path) -> tuple[Path, Path]:
    """The tiny problem with a LAMMPS that notes every simulation it starts, and takes a moment on any machine."""
    from beadsmith.simulate.engine import find_engine

    real = find_engine()
    log = folder / "started.txt"
    wrapper = folder / "lmp-counted"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = "-in" ] && basename "$PWD" >> {log} && sleep 0.3\n'
        f'LD_LIBRARY_PATH="{real.library_path}:$LD_LIBRARY_PATH" exec {real.executable} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    problem = folder / "counted.yaml"
    problem.write_text(
        tiny_file.read_text().replace("compute: {local: {workers: 2}}", f"compute: {{lammps: {wrapper}}}")
    )
    log.touch()
    return problem, log


def command(problem: Path, study: Path) -> list[str]:
    options = ["--search", "tpe", "--seed", "7", "--workers", "2", "--study", str(study)]
    return [sys.executable, "-m", "beadsmith", "run", str(problem), *options]


def finished(study: Path) -> set[str]:
    runs = study / "runs"
    return {entry.name for entry in runs.iterdir() if not entry.name.startswith(".")} if runs.is_dir() else set()


def answers(study: Path, table: str) -> list[dict]:
    rows = [json.loads(line) for line in (study / f"{table}.jsonl").read_text().splitlines()]
    for row in rows:
        row.pop("core_seconds")  # differs from run to run, like all clocks
        row.pop("number" if table == "measurements" else "label")
    return sorted(rows, key=lambda row: (row.get("number", 0), row.get("label", ""), row["seed"]))


def test_a_driver_killed_many_times_ends_with_the_undisturbed_result(tiny_file, tmp_path):
    problem, log = with_counted_engine(tiny_file, tmp_path)
    chance = random.Random(11)
    study = tmp_path / "killed"
    repeated: set[str] = set()
    progress = []
    for new in (0, 1, 2, 0, 1, 2, 1, 0):
        known = finished(study)
        goal = len(known) + new
        log.write_text("")
        driver = subprocess.Popen(
            command(problem, study), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        # Between two answers, not after a time: a driver takes a second here and ten elsewhere.
        assert wait_for(lambda: log.read_text() or driver.poll() is not None)  # noqa: B023
        assert wait_for(lambda: len(finished(study)) >= goal or driver.poll() is not None)  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        repeated |= known & {name.lstrip(".").split("-")[0] for name in log.read_text().split()}
        progress.append(len(finished(study)))
    last = subprocess.run(command(problem, study), capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    assert not repeated
    assert len(set(progress)) >= 4, f"the kills missed the work: {progress}"
    assert not [entry for entry in (study / "runs").iterdir() if entry.name.startswith(".")]

    undisturbed = tmp_path / "undisturbed"
    subprocess.run(command(problem, undisturbed), capture_output=True, check=True)
    assert answers(study, "evaluations") == answers(undisturbed, "evaluations")
    assert answers(study, "measurements") == answers(undisturbed, "measurements")
    best, other = ((folder / "best.yaml").read_text() for folder in (study, undisturbed))
    assert best == other


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel to end orphans")
def test_a_killed_driver_leaves_no_simulation_behind(tiny_file, tmp_path):
    long = tmp_path / "long.yaml"
    long.write_text(tiny_file.read_text().replace("hold: 300 steps", "hold: 100000000 steps"))
    driver = subprocess.Popen(
        command(long, tmp_path / "study"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert wait_for(lambda: simulations_in(tmp_path))
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert wait_for(lambda: not simulations_in(tmp_path))


def to_the_first_thread(driver: subprocess.Popen) -> None:
    """As Ctrl-C nearly always comes."""
    driver.send_signal(signal.SIGINT)


def to_another_thread(driver: subprocess.Popen) -> None:
    """As Ctrl-C may come too: Python hears of it when its first thread does something next."""
    threads = {int(thread.name) for thread in Path(f"/proc/{driver.pid}/task").iterdir()} - {driver.pid}
    assert ctypes.CDLL(None).tgkill(driver.pid, max(threads), signal.SIGINT) == 0


@pytest.mark.parametrize(
    "interrupt",
    [
        to_the_first_thread,
        pytest.param(
            to_another_thread, marks=pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for one thread")
        ),
    ],
)
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(interrupt, tiny_file, tmp_path):
    long = tmp_path / "long.yaml"
    long.write_text(tiny_file.read_text().replace("hold: 300 steps", "hold: 100000000 steps"))
    driver = subprocess.Popen(
        command(long, tmp_path / "study"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that were started in the background of a shell are deaf to Ctrl-C, and would hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (a single system call)
    )
    assert wait_for(lambda: simulations_in(tmp_path))
    interrupt(driver)
    try:
        # The simulations would take days, and their time limit is longer than we wait.
        output, errors = driver.communicate(timeout=120)
    finally:
        driver.kill()
    assert driver.returncode == 130
    assert "The same command goes on from here" in output
    assert "Traceback" not in output + errors
    assert not simulations_in(tmp_path)
    assert finished(tmp_path / "study") == set()


def wait_for(condition, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def simulations_in(folder: Path) -> list[int]:
    """Process numbers of LAMMPS runs below a folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(folder) in str((process / "cwd").readlink()):
                command_line = (process / "cmdline").read_bytes()
                if b"in.lammps" in command_line and (process / "stat").read_text().split()[2] != "Z":
                    found.append(int(process.name))
        except OSError:
            continue  # it ended while we looked
    return found
