"""What went wrong, from the exit code and what LAMMPS left behind."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from beadsmith.problem.records import Failure, FailureKind

#: In this order: the first pattern found in the error line decides.
_PATTERNS = (
    (FailureKind.BOX_TOO_SMALL, re.compile(r"fix-id box_guard", re.IGNORECASE)),
    (FailureKind.NOT_A_NUMBER, re.compile(r"non-numeric|\bnan\b|simulation unstable|domain too large", re.IGNORECASE)),
    (
        FailureKind.LOST_ATOMS,
        re.compile(r"lost atoms|atoms? missing|out of range atoms|bond atoms|angle atoms", re.IGNORECASE),
    ),
)
#: A process that does not know of the others; each of them writes over what the others write.
_ALONE = re.compile(r"^ *1 by 1 by 1 MPI processor grid", re.MULTILINE)
_ERROR = re.compile(r"^ERROR.*", re.MULTILINE)

_SIGNALS_OF_LAUNCHERS = {
    int(number): number.name
    for number in (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
}

#: Lines of the log that go with a failure.
TAIL = 30


@dataclass(frozen=True)
class Ending:
    """How the process ended.

    Attributes:
        exit_code: of the process; negative for a signal.
        timed_out: whether we stopped it.
        time_limit: wall-clock seconds it was given.
        log: text of its log.
        errors: text of its standard error.
        processors: that it was to run on.
    """

    exit_code: int
    timed_out: bool
    time_limit: float
    log: str
    errors: str
    processors: int = 1


def diagnose(ending: Ending, experiment: str) -> Failure | None:
    """The failure behind an ending; None if it ended well."""
    if ending.timed_out:
        return _failure(FailureKind.TIMEOUT, experiment, f"stopped after {ending.time_limit:g} s", ending)
    if ending.processors > 1 and _ALONE.search(ending.log):
        detail = f"LAMMPS ran {ending.processors} times by itself: mpiexec is not that of the MPI it was built with"
        return _failure(FailureKind.ENGINE_ERROR, experiment, detail, ending)
    if ending.exit_code < 0:
        return _failure(FailureKind.KILLED, experiment, _signal_name(-ending.exit_code), ending)
    if ending.exit_code > 0:
        error = _error_line(ending)
        # The launcher of a parallel run hands on the signal that killed a process as a plain exit code.
        if not error and (name := _SIGNALS_OF_LAUNCHERS.get(ending.exit_code % 128)):
            return _failure(FailureKind.KILLED, experiment, name, ending)
        kind = next((kind for kind, pattern in _PATTERNS if pattern.search(error)), FailureKind.ENGINE_ERROR)
        return _failure(kind, experiment, error or f"exit code {ending.exit_code}", ending)
    return None


def incomplete(experiment: str, detail: str, ending: Ending) -> Failure:
    """The process ended well, but what it should have written is not there."""
    return _failure(FailureKind.NO_OUTPUT, experiment, detail, ending)


def _failure(kind: FailureKind, experiment: str, detail: str, ending: Ending) -> Failure:
    lines = (ending.log or ending.errors).splitlines()[-TAIL:]
    return Failure(kind, experiment, detail, "\n".join(lines))


def _error_line(ending: Ending) -> str:
    found = _ERROR.findall(ending.log) or _ERROR.findall(ending.errors)
    return (
        " ".join(found[-1].split())
        if found
        else ending.errors.strip().splitlines()[-1]
        if ending.errors.strip()
        else ""
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
