"""All that is known of the systems of a problem: simulated in a study, added to it, or named by the problem file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from beadsmith.campaign.renormalization.designing import TABLE
from beadsmith.campaign.renormalization.systems import System
from beadsmith.campaign.renormalization.table import Row, read_rows, rows_of, unique, write_rows
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import Problem

#: Folder of a study that holds tables that were added to it.
_ADDED = "added"

_VALIDATION, _REFINEMENT = "validation-", "refinement-"


def known_rows(problem: Problem, systems: Sequence[System], study: Study, rounds: int | None = None) -> list[Row]:
    """Every row that is known, each once.

    Args:
        rounds: so many rounds of validation count; all of them if None.

    Raises:
        ProblemError: a table that cannot be read.
        StudyError: there is nothing.
    """
    declared = () if problem.file.design is None else problem.file.design.data
    tables = [problem.file_named(name) for name in declared] + sorted((study.folder / _ADDED).glob("*.csv"))
    rows = [row for table in tables for row in read_rows(problem, systems, table)]
    for table in (TABLE, *validation_tables(study)[:rounds], *_tables(study, _REFINEMENT)[:rounds]):
        rows += rows_of(problem, systems, study.rows(table))
    if not rows:
        failed = sum(row.failed for row in study.rows(TABLE))
        reason = f"all of its {failed} runs failed" if failed else "it holds no runs"
        raise StudyError(
            f"{study.folder}: nothing to learn from, {reason}; "
            "run 'beadsmith design', or name tables of runs under design.data in the problem file"
        )
    return unique(rows)


def validation_table(number: int) -> str:
    """Table of a study that holds the runs of a calibrated model.

    Args:
        number: of the round, 1 first.
    """
    return f"{_VALIDATION}{number}"


def validation_tables(study: Study) -> list[str]:
    """Tables of all rounds, the first one first."""
    return _tables(study, _VALIDATION)


def refinement_table(number: int) -> str:
    """Table of a study that holds the runs that were added after a round of validation.

    Args:
        number: of the round, 1 first.
    """
    return f"{_REFINEMENT}{number}"


def _tables(study: Study, kind: str) -> list[str]:
    names = [path.stem for path in study.folder.glob(f"{kind}*.jsonl")]
    return sorted(names, key=lambda name: int(name.removeprefix(kind)))


def add_table(problem: Problem, systems: Sequence[System], study: Study, path: Path) -> int:
    """Add a table of a user's own runs to a study; how many rows it has.

    Raises:
        ProblemError: it cannot be read.
    """
    rows = read_rows(problem, systems, path)
    (study.folder / _ADDED).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, study.folder / _ADDED / f"{path.stem}.csv")
    return len(rows)


def write_table(problem: Problem, systems: Sequence[System], study: Study) -> Path:
    """Write what was simulated in a study as CSV."""
    path = study.folder / "design.csv"
    write_rows(path, rows_of(problem, systems, study.rows(TABLE)))
    return path
