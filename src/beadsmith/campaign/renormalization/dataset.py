"""All that is known of the systems of a problem: simulated in a study, added to it, or named by the problem file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from beadsmith.campaign.renormalization.designing import TABLE
from beadsmith.campaign.renormalization.systems import System
from beadsmith.campaign.renormalization.table import (
    Row,
    check_state_variables,
    read_rows,
    rows_of,
    unique,
    write_rows,
)
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import Problem
from beadsmith.problem.replacing import replacing

#: Folder of a study that holds tables that were added to it.
_ADDED = "added"

_VALIDATION, _REFINEMENT = "validation-", "refinement-"


def known_rows(
    problem: Problem,
    systems: Sequence[System],
    study: Study,
    rounds: int | None = None,
    refinements: int | None = None,
) -> list[Row]:
    """Every row that is known, each once.

    Args:
        rounds: runs of so many rounds of validation count; of all if None.
        refinements: runs that were added after so many of them count; after all of ``rounds`` if None.

    Raises:
        ProblemError: a table that cannot be read, or a state variable that not all rows say.
        StudyError: there is nothing.
    """
    rows = _every_row(problem, systems, study, rounds, rounds if refinements is None else refinements)
    check_state_variables(systems, rows)
    if not rows:
        failed = sum(row.failed for row in study.rows(TABLE))
        reason = f"all of its {failed} runs failed" if failed else "it holds no runs"
        raise StudyError(
            f"{study.folder}: nothing to learn from, {reason}; "
            "run 'beadsmith design', or name tables of runs under design.data in the problem file"
        )
    return rows


def tabled_rows(problem: Problem, systems: Sequence[System], study: Study) -> list[Row]:
    """Every row of the tables that the problem file names or that were added to a study, each once.

    Raises:
        ProblemError: a table that cannot be read.
    """
    declared = () if problem.file.design is None else problem.file.design.data
    tables = [problem.file_named(name) for name in declared] + sorted((study.folder / _ADDED).glob("*.csv"))
    return unique(row for table in tables for row in read_rows(problem, systems, table))


def _every_row(
    problem: Problem, systems: Sequence[System], study: Study, rounds: int | None, refinements: int | None
) -> list[Row]:
    rows = tabled_rows(problem, systems, study)
    for table in (TABLE, *_tables(study, _VALIDATION, rounds), *_tables(study, _REFINEMENT, refinements)):
        rows += rows_of(problem, systems, study.rows(table))
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


def _tables(study: Study, kind: str, last: int | None = None) -> list[str]:
    """Tables of the rounds up to the last one that counts."""
    numbers = sorted(int(path.stem.removeprefix(kind)) for path in study.folder.glob(f"{kind}*.jsonl"))
    return [f"{kind}{number}" for number in numbers if last is None or number <= last]


def add_table(problem: Problem, systems: Sequence[System], study: Study, path: Path) -> list[Row]:
    """Add a table of a user's own runs to a study; its rows.

    Its copy is named after its content, too: tables of equal name are different tables, and one that is there already
    is not added again.

    Raises:
        ProblemError: it cannot be read, or cannot be learnt together with what is known.  Nothing is added then.
    """
    rows = read_rows(problem, systems, path)
    check_state_variables(systems, [*_every_row(problem, systems, study, None, None), *rows])
    content, folder = path.read_bytes(), study.folder / _ADDED
    digest = hashlib.sha256(content).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    if not any(one.stem.endswith(f"-{digest}") for one in folder.glob("*.csv")):
        with replacing(folder / f"{path.stem}-{digest}.csv") as partial:
            partial.write_bytes(content)
    return rows


def write_table(problem: Problem, systems: Sequence[System], study: Study) -> Path:
    """Write what was simulated in a study as CSV."""
    path = study.folder / "design.csv"
    write_rows(path, rows_of(problem, systems, study.rows(TABLE)))
    return path
