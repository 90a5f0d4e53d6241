"""A study: a folder that holds a calibration, from its first simulation to its report.

=====================  =====================================================================
``study.json``         what is calibrated, with which search, seed and versions
``problem.yaml``       the problem file as it was
``evaluations.jsonl``  one line per proposal of the search, in order; written by the driver only
``measurements.jsonl`` one line per model that was measured beside the search
``finished.json``      what was spent, once the best models were measured again and nothing was searched since
``finalists-F.jsonl``  one line per finalist that was measured at fidelity F; ``finalists-F.json`` says of which problem
``runs/``              finished simulations (:mod:`beadsmith.campaign.store`)
``best.yaml``          the calibrated model
=====================  =====================================================================
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from beadsmith import __version__
from beadsmith.campaign.store import RunStore, write_json
from beadsmith.errors import StudyError
from beadsmith.problem.document import read_document, write_document
from beadsmith.problem.problem import Problem, read_problem
from beadsmith.problem.records import Evaluation
from beadsmith.problem.schema import Network

#: ``evaluations``, ``measurements``, or :func:`finalists_table` of a fidelity.
Table: TypeAlias = str

_FINALISTS = "finalists-"


@dataclass(frozen=True)
class Manifest:
    """What makes a study what it is; a study is only continued with the same.

    Attributes:
        problem: digest of everything in the problem that determines results.
        problem_file: name of the problem file.
        fidelity, method, seed: of the search.
        start: digest of the models that were evaluated first; empty without any.
        in_flight: how many evaluations the search has open at once; part of the result's identity because the search
            learns of an evaluation only when so many later ones have been proposed.
        engine: LAMMPS version.
        start_files: names of the models that were evaluated first.
        problem_folder: where the problem file lay on the machine that made the study.
        beadsmith, python, machine, libraries: who made it, for the record.
    """

    title: str
    problem: str
    problem_file: str
    fidelity: str
    method: str
    seed: int
    in_flight: int
    engine: str
    start: str = ""
    start_files: Sequence[str] = ()
    problem_folder: str = ""
    beadsmith: str = __version__
    python: str = platform.python_version()
    machine: str = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def essence(self) -> dict[str, Any]:
        """What must agree for a study to be continued."""
        return {key: getattr(self, key) for key in ("problem", "fidelity", "method", "seed", "start", "engine")}

    @property
    def original(self) -> Path:
        """Where the problem file lay."""
        return Path(self.problem_folder) / self.problem_file

    def difference_to(self, other: Manifest) -> str:
        """What of the essence differs, in words; empty if nothing does."""
        for key, value in self.essence.items():
            theirs = other.essence[key]
            if value == theirs:
                continue
            if key == "problem":
                return "another version of the problem file"
            if key == "start":
                ours, others = (", ".join(one.start_files) or "none" for one in (self, other))
                return f"start {ours}, not {others}" if ours != others else f"another version of its start {ours}"
            return f"{key} {value!r}, not {theirs!r}"
        return ""


@dataclass(frozen=True)
class Finished:
    """What a calibration had spent when its best models had been measured again.

    Attributes:
        evaluations: of the search.
        remeasure: how often each of the best was measured again.
        out_of_time: whether the search ended for its time alone, with evaluations left.
    """

    evaluations: int
    remeasure: int
    out_of_time: bool = False


@dataclass(frozen=True)
class FinalistsRecord:
    """Which problem finalists were measured at.

    Attributes:
        problem: its digest.
        engine: LAMMPS version.
        replicas: how often each was measured.
    """

    problem: str
    engine: str
    replicas: int


@dataclass(frozen=True)
class Study:
    """A study folder."""

    folder: Path

    @property
    def store(self) -> RunStore:
        """Its finished simulations."""
        return RunStore(self.folder / "runs")

    @property
    def best_model(self) -> Path:
        """Path of the calibrated model."""
        return self.folder / "best.yaml"

    @property
    def report(self) -> Path:
        """Path of the report."""
        return self.folder / "report.html"

    @property
    def optuna_journal(self) -> Path:
        """Path of the copy that optuna-dashboard opens."""
        return self.folder / "optuna.log"

    def manifest(self) -> Manifest | None:
        """What it is; None if nothing was ever searched here."""
        path = self.folder / "study.json"
        if not path.is_file():
            return None
        try:
            return Manifest(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise StudyError(
                f"{path}: is not a study's manifest ({error}); name another folder with --study"
            ) from error

    def open_for(self, manifest: Manifest, problem: Problem) -> Manifest:
        """Begin the study, or check that it is the same and go on; the manifest in force.

        Raises:
            StudyError: if the folder holds another study.
        """
        old = self.manifest()
        if old is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            _copy_problem(problem.path, self.folder / "problem.yaml")
            write_json(self.folder / "study.json", asdict(manifest))
            return manifest
        if what := old.difference_to(manifest):
            raise StudyError(
                f"{self.folder}: holds a study with {what}; name another folder with --study, or remove this one"
            )
        return old

    def finished(self) -> Finished | None:
        """What was spent; None if the search goes on, or the best models have not been measured again since."""
        record = _read_json(self._finished)
        return None if record is None else Finished(**record)

    def finish(self, spent: Finished | None) -> None:
        """Note that the calibration has come to its end; or, with None, that it goes on."""
        if spent is None:
            self._finished.unlink(missing_ok=True)
        else:
            write_json(self._finished, asdict(spent))

    def begin_finalists(self, fidelity: str, record: FinalistsRecord) -> None:
        """Empty the table of finalists at a fidelity and note what will be in it; their simulations stay."""
        self.clear(finalists_table(fidelity))
        write_json(self._finalists(fidelity), asdict(record))

    def finalists(self) -> dict[str, FinalistsRecord]:
        """Finalists that were measured, or are being measured, by fidelity."""
        found = {path.stem.removeprefix(_FINALISTS): path for path in sorted(self.folder.glob(f"{_FINALISTS}*.json"))}
        records = {fidelity: _read_json(path) for fidelity, path in found.items()}
        return {fidelity: FinalistsRecord(**record) for fidelity, record in records.items() if record is not None}

    def rows(self, table: Table) -> list[Evaluation]:
        """All complete lines of a table."""
        path = self._table(table)
        if not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        return [Evaluation.from_json(json.loads(line)) for line in lines[:-1] if line]

    def append(self, table: Table, evaluation: Evaluation) -> None:
        """Add a line, and see it on disk; half a line that a crash left is overwritten first."""
        path = self._table(table)
        with path.open("ab+") as file:
            _drop_half_line(file)
            file.write(json.dumps(evaluation.to_json()).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def clear(self, table: Table) -> None:
        """Empty a table; its simulations stay in the store."""
        self._table(table).unlink(missing_ok=True)

    @contextmanager
    def driven(self) -> Iterator[None]:
        """Be the only driver of this study while the block lasts.

        Raises:
            StudyError: another driver is at work.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                f"{self.folder}: cannot be a study folder ({error.strerror}); name another with --study"
            ) from error
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StudyError(
                    f"{self.folder}: another beadsmith is at work here; wait for it, or name another --study"
                ) from error
            self.store.clear_attempts()
            yield

    @contextmanager
    def lease(self) -> Iterator[Path]:
        """A file that exists while the block lasts; running simulations end themselves when it is gone."""
        lease = self.folder / ".lease"
        lease.touch()
        try:
            yield lease
        finally:
            lease.unlink(missing_ok=True)

    @property
    def _finished(self) -> Path:
        return self.folder / "finished.json"

    def _finalists(self, fidelity: str) -> Path:
        return self.folder / f"{finalists_table(fidelity)}.json"

    def _table(self, table: Table) -> Path:
        return self.folder / f"{table}.jsonl"


def finalists_table(fidelity: str) -> Table:
    """Table of the finalists at a fidelity."""
    return f"{_FINALISTS}{fidelity}"


def _read_json(path: Path) -> dict[str, Any] | None:
    """A file that :func:`write_json` wrote; None if there is none."""
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _drop_half_line(file: BinaryIO) -> None:
    """Cut an open table after its last complete line."""
    if file.seek(0, os.SEEK_END) == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _copy_problem(path: Path, copy: Path) -> None:
    """The problem file as it is; or, if it extends another one, what the two of them say."""
    if "extends" in read_document(path):
        write_document(copy, read_problem(path))
    else:
        shutil.copyfile(path, copy)


def digest_of(problem: Problem) -> str:
    """Digest of what determines the results of a search: not its budget, nor where it runs and how long it may."""
    essence = problem.file.model_dump(
        mode="json",
        include={
            "beads",
            "molecules",
            "forcefield",
            "reactions",
            "parameters",
            "observables",
            "targets",
            "misfit",
            "precision",
        },
    )
    essence["experiments"] = {
        name: experiment.model_dump(mode="json", exclude={"time_limit", "processors"})
        for name, experiment in problem.file.experiments.items()
    }
    if models := _models_of_cures(problem):
        essence["models_of_cures"] = models
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]


def _models_of_cures(problem: Problem) -> dict[str, Any]:
    """What stands in the model files that networks are cured with, by experiment."""
    named = {
        name: experiment.cure.model
        for name, experiment in problem.experiments.items()
        if isinstance(experiment, Network) and experiment.cure.model is not None
    }
    return {name: read_document(problem.file_named(model)) for name, model in named.items()}
