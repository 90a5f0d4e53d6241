"""Exceptions a user may meet.  Each message is one sentence: where, what was received, what to do."""

from __future__ import annotations


def install(extra: str) -> str:
    """What to do where the libraries of one of Beadsmith's extras are missing; it is on no package index."""
    return f'pip install ".[{extra}]" in the folder of Beadsmith'


class BeadsmithError(Exception):
    """Base of everything that Beadsmith raises on purpose; the command line prints it and exits with 2."""


class ProblemError(BeadsmithError):
    """Something in an input file is wrong.

    Args:
        where: path inside the file, such as ``experiments.melt.timestep``.
        received: what stood there, in the user's words; empty if nothing did.
        expected: what should stand there.
        remedy: what to do; may be empty when ``expected`` already says it.
    """

    def __init__(self, where: str, received: str, expected: str, remedy: str = "") -> None:
        self.where, self.received, self.expected, self.remedy = where, received, expected, remedy
        got = f"received {_shortened(received)}, " if received else ""
        tail = f"; {remedy}" if remedy else ""
        super().__init__(_printable(f"{where}: {got}expected {expected}{tail}"))

    def within(self, prefix: str) -> ProblemError:
        """The same error, seen from the file or the section ``prefix`` around it."""
        return ProblemError(f"{prefix}{self.where}", self.received, self.expected, self.remedy)


class EngineNotFound(BeadsmithError):
    """No usable LAMMPS executable."""


class StudyError(BeadsmithError):
    """A study folder cannot be used: locked by a running driver, or made for another problem."""


class EstimateError(BeadsmithError):
    """An observable cannot be estimated from the data at hand (too few samples, parallel lines, ...)."""


def _printable(text: str) -> str:
    """One line: names in a file may hold line breaks and control characters, a message may not."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _shortened(text: str, limit: int = 120) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."
