"""What every stage of a renormalization needs, and how it remembers what it found.

A stage leaves one document in the study, ``fit.json`` and so on, together with a digest of everything that it depended
on.  Asked again, it answers from there if nothing of that has changed.  It also says what it is ``about``,
by the digest of a calibration or of what was learnt, so that a reader can tell documents that belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.campaign.renormalization.dataset import known_rows, tabled_rows
from beadsmith.campaign.renormalization.learning import Learnt
from beadsmith.campaign.renormalization.surrogates import learnt_in
from beadsmith.campaign.renormalization.systems import System
from beadsmith.campaign.renormalization.table import rows_beyond
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import Problem

#: Says which calibrations are the newest.
_NEWEST = "newest"


class Progress(Protocol):
    """Told what is being done."""

    def __call__(self, phase: str, done: int, total: int, *, known: bool = False) -> None:
        """So much of it is done; ``known`` if that had been done before, and says nothing of the speed."""


def silent(phase: str, done: int, total: int, *, known: bool = False) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Workbench:
    """A problem, its systems, and the study that keeps what is found.

    Attributes:
        seed: everything random derives from it.
        rounds: of validation whose runs are known; None for all.
        progress: see :data:`Progress`.
    """

    problem: Problem
    systems: tuple[System, ...]
    study: Study
    seed: int
    rounds: int | None = None
    progress: Progress = silent

    def learnt(self, refinements: int | None = None) -> tuple[Learnt, str]:
        """Surrogates of all that is known, and a digest of that.

        Args:
            refinements: runs that were added after so many rounds are known; after all ``rounds`` if None.

        Raises:
            StudyError: nothing is known.
            EstimateError: nothing could be learnt of an observable that has a target.
        """
        rows = known_rows(self.problem, self.systems, self.study, self.rounds, refinements)
        total = sum(len(system.observables) for system in self.systems)
        done = _Counter(self.progress, "fit", total)
        return learnt_in(self.problem, self.systems, rows, self.study, seed=self.seed, progress=done.more)

    def remembered(self, name: str, essence: Any, find: Callable[[], dict[str, Any]], about: str) -> dict[str, Any]:
        """The document of a stage: the stored one if it depended on the same, else a new one.

        Args:
            name: of the document.
            essence: all that it depends on, plain types.
            find: makes it.
            about: digest of the calibration, or of what was learnt, that it is about; part of the document.

        Raises:
            StudyError: the stored one cannot be read.
        """
        digest = _digest([essence, about])
        stored = read_stage(self.study, name, self.rounds)
        if stored is not None and stored.get("digest") == digest:
            return stored
        document = {"digest": digest, "about": about, **find()}
        path = document_path(self.study, name, self.rounds)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, document)
        return document


def document_path(study: Study, name: str, rounds: int | None = None) -> Path:
    """Where a stage keeps its document; each round of a closed loop has its own."""
    return study.folder / (f"{name}-{rounds}.json" if rounds else f"{name}.json")


def read_stage(study: Study, name: str, rounds: int | None = None) -> dict[str, Any] | None:
    """The document of a stage; None if it has not run.

    Raises:
        StudyError: it cannot be read.
    """
    path = document_path(study, name, rounds)
    if not path.is_file():
        return None
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(
            f"{path}: received text that is no JSON ({error}), expected what the stage wrote; "
            "remove the file, and run the stage again"
        ) from error
    return document


def digest_of_calibration(found: Calibration) -> str:
    """Digest of what was found: functions and predictions, not the way there."""
    document = found.to_json()
    kept = ("forms", "ranges", "states", "coordinates", "misfit_rule", "prior", "predictions")
    return _digest([document[key] for key in kept])


def note_newest(study: Study, number: int, digest: str) -> None:
    """Note that the calibration of a round was asked for last; those of rounds before it are what it came from.

    Args:
        number: of the round, 0 first.
        digest: see :func:`digest_of_calibration`.
    """
    before = {key: value for key, value in (newest_calibrations(study) or {}).items() if key < number}
    noted = {str(key): value for key, value in {**before, number: digest}.items()}
    write_json(study.folder / f"{_NEWEST}.json", {"calibrations": noted})


def newest_calibrations(study: Study) -> dict[int, str] | None:
    """Digests of the calibrations by round, the last of which is the newest; None if none was noted.

    Raises:
        StudyError: the note cannot be read.
    """
    noted = read_stage(study, _NEWEST)
    if noted is None:
        return None
    return dict(sorted((int(key), value) for key, value in noted["calibrations"].items()))


def targets_of(problem: Problem) -> Sequence[Any]:
    """The targets as plain types, for digests."""
    return [[one.observable, one.state.as_dict(), one.value, one.stderr, one.weight] for one in problem.targets]


def beyond_what_is_declared(bench: Workbench) -> list[str]:
    """Which rows of tables lie outside the ranges and the states of the design, in sentences without full stop."""
    return rows_beyond(bench.systems, tabled_rows(bench.problem, bench.systems, bench.study))


def _digest(essence: Any) -> str:
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]


@dataclass
class _Counter:
    """Counts what a stage reports one by one."""

    progress: Progress
    phase: str
    total: int
    done: int = 0

    def more(self, name: str) -> None:
        self.done += 1
        self.progress(self.phase, self.done, self.total)
