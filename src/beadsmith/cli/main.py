"""The application, and how errors are told: one sentence, exit code 2."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from beadsmith import __version__
from beadsmith.cli import (
    building,
    calibrating,
    curing,
    designing,
    evaluating,
    identifying,
    inverting,
    mapping,
    precision,
    predicting,
    preparing,
    renormalizing,
)
from beadsmith.errors import BeadsmithError, ProblemError

app = typer.Typer(
    name="beadsmith",
    help=(
        "Calibrate coarse-grained polymer force fields on real LAMMPS simulations.\n\n"
        "Begin with 'beadsmith doctor' (is everything here?), 'beadsmith init' (a commented problem file), "
        "'beadsmith check FILE' (what would run, what it costs), then 'beadsmith run FILE'. "
        "Every command that computes takes --json FILE."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(calibrating.run)
app.command()(evaluating.evaluate)
app.command()(building.build)
app.command()(curing.cure)
app.command()(predicting.predict)
app.command()(designing.design)
app.command()(renormalizing.fit)
app.command()(renormalizing.sensitivity)
app.command()(renormalizing.calibrate)
app.command()(renormalizing.validate)
app.command()(renormalizing.renormalize)
app.command()(calibrating.status)
app.command()(calibrating.report)
app.command()(identifying.identify)
app.command("map")(mapping.map_beads)
app.command()(inverting.invert)
app.command()(precision.precision)
app.command()(evaluating.export)
app.command()(preparing.check)
app.command()(preparing.init)
app.command()(preparing.schema)
app.command()(preparing.doctor)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    if version:
        typer.echo(f"beadsmith {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Entry point of the command line."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        _run()
    except BrokenPipeError:
        # Whoever read has seen enough, as in "beadsmith schema | head": no mistake, and nothing to say.
        _forget_output()
        sys.exit(1)
    except OSError as error:
        _tell(_refused_by_the_system(error))
    except BeadsmithError as error:
        _tell(error)


def _run() -> NoReturn:
    """The command; what it says is written out here, so that a full disk is heard of."""
    try:
        app(standalone_mode=True)  # leaves by SystemExit, with 130 after a Ctrl-C
    except SystemExit:
        # None where a shell closed it.
        if sys.stdout is not None:
            sys.stdout.flush()
        raise
    sys.exit(0)


def _tell(error: BeadsmithError) -> NoReturn:
    _forget_output()
    print(f"beadsmith: {error}", file=sys.stderr)
    sys.exit(2)


def _refused_by_the_system(error: OSError) -> ProblemError:
    where = "a file, or the output" if error.filename is None else str(error.filename)
    expected = "a path that can be read or written"
    return ProblemError(where, error.strerror or str(error), expected, "check its folder, permissions and free space")


def _forget_output() -> None:
    """What cannot be written to standard output any more goes nowhere: Python would complain of it at its end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill is a Ctrl-C: simulations are stopped, the study stays whole."""
    raise KeyboardInterrupt
