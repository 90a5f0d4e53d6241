"""``design``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.pool import worker_count
from beadsmith.campaign.renormalization.dataset import add_table, tabled_rows, write_table
from beadsmith.campaign.renormalization.designing import TABLE, design_manifest, run_design
from beadsmith.campaign.renormalization.history import keep_command
from beadsmith.campaign.renormalization.systems import System, systems_of
from beadsmith.campaign.renormalization.table import rows_beyond
from beadsmith.campaign.renormalization.workbench import Progress
from beadsmith.campaign.study import Study
from beadsmith.cli.answers import units_of, write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    SeedOption,
    StudyOption,
    WorkersOption,
    coarse_problem,
    command_given,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.problem.problem import Problem
from beadsmith.simulate.engine import find_engine

PointsOption = Annotated[
    int | None, typer.Option(min=1, help="Models of each system, instead of design.points; raise it later to go on.")
]


def design(
    context: typer.Context,
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    points: PointsOption = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(help="Table (CSV) of runs of your own to learn from, too; may be repeated.", metavar="TABLE"),
    ] = None,
    seed: SeedOption = 1,
    study: StudyOption = None,
    workers: WorkersOption = None,
    json: JsonOption = None,
) -> None:
    """Simulate models spread over all parameters and states, to learn the observables as functions of them.

    Every experiment is a system with a Sobol sequence of its own, over the parameters that it depends on and over its
    states.  The same command goes on after an interruption; more --points extend the design, and lose nothing.  The
    results are in design.csv of the study.
    """
    started = time.monotonic()
    console = Console()
    loaded = with_workers(coarse_problem(problem, fidelity), workers)
    systems, folder = systems_of(loaded, points), study_of(loaded, study)
    begin_design(loaded, folder, seed)
    keep_command(folder, command_given(context, loaded, seed))
    for table in add or []:
        rows = add_table(loaded, systems, folder, table)
        say(console, f"{table}: {len(rows)} rows added")
        for sentence in rows_beyond(systems, rows):
            say(console, f"warning: {sentence}")
    with display(console) as shown:
        brought = simulate_design(loaded, systems, folder, seed, shown.step)
    if brought:
        say(console, f"{brought} points of the design are in tables of your own, and were not simulated")
    say_failures(console, folder)
    say(console, f"Design  {write_table(loaded, systems, folder)}")
    answer = design_answer(systems, folder)
    wall = time.monotonic() - started
    head = {"command": "design", "study": str(folder.folder), "fidelity": loaded.fidelity, "seed": seed}
    write_answer(json, {**head, **answer, "wall_seconds": wall, "units": units_of(loaded)})


def begin_design(problem: Problem, study: Study, seed: int) -> None:
    """Make the study, or see that it is the same.

    Raises:
        StudyError: the folder holds another study.
    """
    engine = find_engine(problem.file.compute.lammps).version
    with study.driven():
        study.open_for(design_manifest(problem, seed, engine), problem)


def simulate_design(problem: Problem, systems: Sequence[System], study: Study, seed: int, progress: Progress) -> int:
    """Simulate what is not known yet; how many points are known from a user's tables."""
    count, brought = worker_count(problem.file.compute), tabled_rows(problem, systems, study)
    elsewhere = 0
    with open_laboratory(problem, study, judge=False) as laboratory:
        for step in run_design(laboratory, study, systems, seed, count, brought):
            elsewhere += step.evaluation is None
            progress("design", step.done, step.total, known=step.known)
    return elsewhere


def say_failures(console: Console, study: Study) -> None:
    """Say which points failed, and why."""
    for row in study.rows(TABLE):
        for failure in row.failures:
            say(console, f"{row.label}, point {row.number} failed: {failure.sentence}")


def design_answer(systems: Sequence[System], study: Study) -> dict[str, Any]:
    """What has been simulated, by system."""
    rows = study.rows(TABLE)
    by_system = {system.name: [row for row in rows if row.label == system.name] for system in systems}
    return {
        "systems": {
            system.name: {
                "dimensions": system.dimension,
                "parameters": [parameter.name for parameter in system.parameters],
                "states": {axis.name: list(axis.values) or [axis.low, axis.high] for axis in system.states},
                "points": len(by_system[system.name]),
                "failures": sum(row.failed for row in by_system[system.name]),
                "core_seconds": sum(row.core_seconds for row in by_system[system.name]),
            }
            for system in systems
        },
        "core_seconds": sum(row.core_seconds for row in rows),
    }
