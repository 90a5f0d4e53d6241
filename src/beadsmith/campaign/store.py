"""Finished simulations on disk, each under the hash of its inputs.

A simulation runs in a folder of its own whose name begins with a dot; only when all is written is that folder renamed
to the hash.  So a folder without a dot is complete, one with a dot is never read, and ``kill -9`` loses at most what
was running; where restart files are written, only what came after the last one.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beadsmith.problem.recording import Recording
from beadsmith.problem.recording_file import load_recordings, save_recordings
from beadsmith.problem.records import Failure, Gradient, Observation
from beadsmith.problem.replacing import replace_text
from beadsmith.simulate.resuming import has_checkpoint

_RESULT = "result.json"
_RECORDINGS = "recordings.npz"


@dataclass(frozen=True)
class RunResult:
    """What one simulation gave.

    Attributes:
        name: hash of its inputs, and of its folder.
        experiment: name of the experiment.
        question: digest of the observables that were asked for; another question wants another look at the recordings.
        observations: empty if it failed.
        failure: None if it went well.
        core_seconds, wall_seconds: cost of LAMMPS.
        gradients: derivatives of the observations; None if nobody asked for them.
        time_limit: wall-clock seconds it was allowed; part of neither inputs nor name, but one that was stopped says
            nothing of what a longer one would give.
    """

    name: str
    experiment: str
    question: str
    observations: tuple[Observation, ...]
    failure: Failure | None
    core_seconds: float
    wall_seconds: float
    gradients: tuple[Gradient, ...] | None = None
    time_limit: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        return {
            "name": self.name,
            "experiment": self.experiment,
            "question": self.question,
            "observations": [observation.to_json() for observation in self.observations],
            "failure": None if self.failure is None else self.failure.to_json(),
            "core_seconds": self.core_seconds,
            "wall_seconds": self.wall_seconds,
            "gradients": None if self.gradients is None else [gradient.to_json() for gradient in self.gradients],
            "time_limit": self.time_limit,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> RunResult:
        """The inverse of :meth:`to_json`."""
        failure, gradients = record["failure"], record["gradients"]
        return cls(
            **{
                **record,
                "observations": tuple(Observation.from_json(entry) for entry in record["observations"]),
                "failure": None if failure is None else Failure.from_json(failure),
                "gradients": None if gradients is None else tuple(Gradient.from_json(entry) for entry in gradients),
            }
        )


@dataclass(frozen=True)
class RunStore:
    """The folder of all finished simulations of a study."""

    root: Path

    def result(self, name: str) -> RunResult | None:
        """Result of a finished simulation; None if it has not been run."""
        path = self.root / name / _RESULT
        if not path.is_file():
            return None
        return RunResult.from_json(json.loads(path.read_text(encoding="utf-8")))

    def recordings(self, name: str) -> tuple[Recording, ...]:
        """What a finished simulation recorded; empty if it failed."""
        path = self.root / name / _RECORDINGS
        return load_recordings(path) if path.is_file() else ()

    def holds(self, name: str, file: str) -> bool:
        """Whether a finished simulation left a file."""
        return (self.root / name / file).is_file()

    def lend(self, name: str, file: str, destination: Path) -> None:
        """Put a file of a finished simulation where another one needs it."""
        shutil.copyfile(self.root / name / file, destination)

    def attempt(self, name: str) -> Path:
        """A folder to run in: that of an attempt which an earlier driver left and which can go on, or a fresh one."""
        folder = self.root / f".{name}-{uuid.uuid4().hex[:8]}"
        try:
            self._left(name).rename(folder)
        except OSError:
            folder.mkdir(parents=True)
        return folder

    def _left(self, name: str) -> Path:
        return self.root / f".{name}-left"

    def finish(self, attempt: Path, result: RunResult, recordings: Sequence[Recording]) -> None:
        """Make an attempt the finished simulation, at once and as a whole."""
        if recordings:
            save_recordings(attempt / _RECORDINGS, recordings)
        write_json(attempt / _RESULT, result.to_json())
        try:
            attempt.rename(self.root / result.name)
        except OSError:
            # Somebody else finished the same simulation first; both results are the same.
            shutil.rmtree(attempt, ignore_errors=True)

    def discard(self, name: str) -> None:
        """Forget a finished simulation, at once and as a whole."""
        gone = self.root / f".{name}-{uuid.uuid4().hex[:8]}"
        with suppress(FileNotFoundError):
            (self.root / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def answer(self, result: RunResult) -> None:
        """Replace the result of a finished simulation after another look at its recordings."""
        write_json(self.root / result.name / _RESULT, result.to_json())

    def names(self) -> list[str]:
        """Hashes of all finished simulations."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if not entry.name.startswith(".") and entry.is_dir())

    def clear_attempts(self) -> None:
        """Remove what interrupted simulations left, but for one of each that can go on.

        Only while no other driver works here: what can go on must not be running.
        """
        entries = [] if not self.root.is_dir() else list(self.root.iterdir())
        for entry in entries:
            if not entry.name.startswith(".") or not entry.is_dir():
                continue
            left = self._left(entry.name[1:].rpartition("-")[0])
            if has_checkpoint(entry) and not left.exists():
                entry.rename(left)
            elif entry != left:
                shutil.rmtree(entry, ignore_errors=True)


def write_json(path: Path, record: Any) -> None:
    """Write JSON so that the file appears whole or not at all."""
    replace_text(path, json.dumps(record, indent=1) + "\n")
