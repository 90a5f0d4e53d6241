import re
import signal
from dataclasses import replace

import pytest

from beadsmith.problem.records import Failure, FailureKind
from beadsmith.simulate.diagnosis import TAIL, Ending, diagnose, incomplete


def ending(exit_code: int = 1, log: str = "", errors: str = "", timed_out: bool = False) -> Ending:
    return Ending(exit_code, timed_out, 60.0, log, errors)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ERROR: Unknown command: frobnicate 1 (src/input.cpp:314)", FailureKind.ENGINE_ERROR),
        ("ERROR on proc 0: Neighbor list overflow, boost neigh_modify one (src/npair.cpp:1)", FailureKind.ENGINE_ERROR),
        ("ERROR: Lost atoms: original 320 current 319 (src/thermo.cpp:494)", FailureKind.LOST_ATOMS),
        ("ERROR on proc 0: Bond atoms 3 4 missing on proc 0 at step 17 (src/ntopo.cpp:59)", FailureKind.LOST_ATOMS),
        ("ERROR on proc 0: Angle atoms 1 2 3 missing on proc 0 at step 5", FailureKind.LOST_ATOMS),
        ("ERROR: Out of range atoms - cannot compute PPPM (src/KSPACE/pppm.cpp:1)", FailureKind.LOST_ATOMS),
        ("ERROR: Non-numeric pressure - simulation unstable (src/fix_nh.cpp:1)", FailureKind.NOT_A_NUMBER),
        ("ERROR on proc 0: Non-numeric atom coords - simulation unstable", FailureKind.NOT_A_NUMBER),
        ("ERROR: Domain too large for neighbor bins (src/nbin_standard.cpp:1)", FailureKind.NOT_A_NUMBER),
        ("ERROR: Fix halt condition for fix-id box_guard met on step 20 with value 15", FailureKind.BOX_TOO_SMALL),
    ],
)
def test_the_error_line_decides(error, kind):
    log = f"Step Temp\n0 300\n{error}\nLast command: run 1000\n"
    for found in (diagnose(ending(log=log), "melt"), diagnose(ending(errors=log), "melt")):
        assert found.kind is kind
        assert found.detail == error
        assert found.log_tail == log.strip()
        assert found.experiment == "melt"


def test_the_last_error_counts_and_stands_on_one_line():
    log = "ERROR: first\nERROR:   second \t one\n"
    assert diagnose(ending(log=log), "melt").detail == "ERROR: second one"


def test_without_an_error_line_the_exit_code_or_the_last_word_is_told():
    assert diagnose(ending(exit_code=3), "melt").detail == "exit code 3"
    assert diagnose(ending(errors="first\nmpi: no such device\n"), "melt").detail == "mpi: no such device"


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV"), (200, "signal 200")]
)
def test_a_signal_is_named(number, name):
    found = diagnose(ending(exit_code=-number, log="ERROR: left over"), "melt")
    assert (found.kind, found.detail) == (FailureKind.KILLED, name)


@pytest.mark.parametrize("exit_code", [9, 128 + 9])
def test_a_process_of_a_parallel_run_that_was_killed_is_known_by_its_launchers_exit_code(exit_code):
    found = diagnose(ending(exit_code=exit_code), "melt")
    assert (found.kind, found.detail) == (FailureKind.KILLED, "SIGKILL")
    # But an error that LAMMPS told itself goes before.
    assert diagnose(ending(exit_code=exit_code, log="ERROR: Lost atoms\n"), "melt").kind is FailureKind.LOST_ATOMS


def test_a_time_out_goes_before_the_signal_with_which_we_ended_it():
    found = diagnose(ending(exit_code=-9, timed_out=True), "melt")
    assert (found.kind, found.detail) == (FailureKind.TIMEOUT, "stopped after 60 s")


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_launcher_of_another_mpi_is_told(exit_code):
    """Then every process believes to be the only one, and all of them write into the same files."""
    log = "  1 by 1 by 1 MPI processor grid\nLoop time of 1 on 1 procs\n"
    found = diagnose(replace(ending(exit_code, log=log), processors=4), "melt")
    assert found.kind is FailureKind.ENGINE_ERROR
    assert found.detail == "LAMMPS ran 4 times by itself: mpiexec is not that of the MPI it was built with"
    assert diagnose(replace(ending(0, log=log.replace("1 by 1 by 1", "1 by 2 by 2")), processors=4), "melt") is None
    assert diagnose(ending(0, log=log), "melt") is None


def test_a_good_ending_is_no_failure():
    assert diagnose(ending(exit_code=0, log="ERROR: is only talked about"), "melt") is None


def test_what_is_missing_is_a_failure_with_its_log():
    found = incomplete("melt", "series_0.txt is missing", ending(exit_code=0, log="all well\n"))
    assert (found.kind, found.detail, found.log_tail) == (FailureKind.NO_OUTPUT, "series_0.txt is missing", "all well")


def test_the_tail_of_a_long_log_is_kept():
    found = diagnose(ending(log="\n".join(str(number) for number in range(1000))), "melt")
    assert found.log_tail.splitlines() == [str(number) for number in range(1000 - TAIL, 1000)]


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_is_a_sentence_with_a_remedy_and_survives_storage(kind):
    failure = Failure(kind, "melt", "the detail", "tail\nof the log", "runs/abc")
    assert failure.sentence.startswith(f"melt: {kind.label} (the detail): ")
    assert failure.sentence.isprintable()
    assert len(kind.value.split()) > 5
    assert re.search("; |, but|could not", kind.value)
    assert Failure.from_json(failure.to_json()) == failure
