"""``cure``."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from beadsmith.campaign.curing import (
    CURES,
    SHARED_SEED,
    CureResult,
    CureTask,
    Examined,
    cure_all,
    cure_task,
    examine,
    model_of_cure,
)
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.cli.answers import failure_answer, write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    ReportOption,
    SeedOption,
    StudyOption,
    WorkersOption,
    experiment_named,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.crosslink.cure import last_state
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.schema import Network
from beadsmith.report import write_cure_report
from beadsmith.report.networks import grown


def cure(
    problem: ProblemArgument,
    to: Annotated[
        float | None,
        typer.Option("--to", help="Degree of crosslinking at which to end; the highest of the experiment if left out."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Model to cure with (YAML); the one of the cure if left out.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Which network; may be left out if there is one.")
    ] = None,
    networks: Annotated[
        int | None, typer.Option("--networks", min=1, help="Independent cures; as many as the experiment has.")
    ] = None,
    fidelity: FidelityOption = None,
    seed: SeedOption = SHARED_SEED,
    study: StudyOption = None,
    workers: WorkersOption = None,
    report: ReportOption = None,
    json: JsonOption = None,
) -> None:
    """Crosslink the molecules of an experiment, and look at the network that this makes.

    Bonds form between reactive beads that are near, a few at a time, and the system relaxes between them.  Systems are
    kept at every 5 % in the study folder, where 'evaluate' and 'run' find them.  The same command after an
    interruption goes on after the last cycle; with a higher --to it goes on where the cure ended.  Exit code 1 if a
    network stops short.
    """
    started = time.monotonic()
    loaded = with_workers(load_problem(problem, fidelity), workers)
    able = [own for own, one in loaded.experiments.items() if isinstance(one, Network)]
    name = experiment_named(experiment, able, "a problem with an experiment of kind network")
    chosen = model_of_cure(loaded, name) if model is None else load_model(model, loaded)
    count = networks or loaded.experiments[name].networks  # type: ignore[union-attr]
    folder = study_of(loaded, study)
    console = Console()
    with open_laboratory(loaded, folder, judge=False) as laboratory, display(console) as shown:
        version, lease = laboratory.engine.version, laboratory.lease
        tasks = [
            cure_task(loaded, name, chosen, sample, seed, version, folder.folder / CURES, lease, to)
            for sample in range(count)
        ]
        results = cure_all(
            tasks,
            laboratory.executor,
            laboratory.engine,
            lambda formed, wanted: shown.step("bonds", formed, wanted),
        )
    examined = [_examined(task) for task in tasks]
    _print(console, tasks, results, examined)
    if report is not None:
        grown_networks = [one for sample, task in enumerate(tasks) if (one := grown(task, sample)) is not None]
        write_cure_report(loaded, grown_networks, report)
    answer = {
        "command": "cure",
        "experiment": name,
        "fidelity": loaded.fidelity,
        "seed": seed,
        "networks": [_answer(*one) for one in zip(tasks, results, examined, strict=True)],
        "wall_seconds": time.monotonic() - started,
        "units": {"core_seconds": "s", "wall_seconds": "s", "longest": "angstrom", "masses": "g/mol"},
    }
    write_answer(json, answer)
    if any(result.failure is not None for result in results):
        raise typer.Exit(1)


def _examined(task: CureTask) -> Examined | None:
    """None if the system could not even be prepared."""
    cured = last_state(task.order, task.folder)
    return None if cured is None else examine(task.order, cured)


def _print(console: Console, tasks: list[CureTask], results: list[CureResult], examined: list[Examined | None]) -> None:
    table = Table(title=None)
    for column in ("network", "degree", "cycles", "pieces", "gel", "ideal gel", "rings closed", "dangling", "speared"):
        table.add_column(column, justify="right")
    for number, one in enumerate(examined, start=1):
        if one is None:
            continue
        analysis = one.analysis
        table.add_row(
            str(number),
            f"{analysis.degree:.3f}",
            str(one.cured.progress.cycle),
            str(len(analysis.component_masses)),
            f"{analysis.gel_fraction:.3f}" if analysis.percolation else "none",
            f"{one.ideal.gel_fraction:.3f}",
            str(analysis.cycle_rank),
            str(analysis.dangling),
            str(len(one.spearings)),
        )
    console.print(table)
    for number, (task, result, one) in enumerate(zip(tasks, results, examined, strict=True), start=1):
        for sentence in () if one is None else one.history:
            say(console, f"network {number}: {sentence}")
        if result.failure is not None:
            say(console, f"network {number} failed: {result.failure.sentence}")
        say(console, f"network {number} is kept in {task.folder}")


def _answer(task: CureTask, result: CureResult, one: Examined | None) -> dict[str, Any]:
    head = {
        "target": task.order.target,
        "folder": str(task.folder),
        "failure": None if result.failure is None else failure_answer(result.failure),
    }
    if one is None:
        return head
    analysis, cycles = one.analysis, one.cured.cycles
    return {
        **head,
        "degree": analysis.degree,
        "outcome": None if one.cured.progress.outcome is None else one.cured.progress.outcome.name.lower(),
        "history": list(one.history),
        "cycles": [asdict(cycle) for cycle in cycles],
        "core_seconds": sum(cycle.core_seconds for cycle in cycles),
        "overhead": 1.0 - sum(cycle.relaxing for cycle in cycles) / sum(cycle.seconds for cycle in cycles),
        "components": len(analysis.component_masses),
        "masses": analysis.component_masses.tolist(),
        "gel_fraction": analysis.gel_fraction if analysis.percolation else 0.0,
        "largest_fraction": analysis.gel_fraction,
        "percolation": analysis.percolation,
        "cycle_rank": analysis.cycle_rank,
        "conversions": dict(analysis.conversions),
        "unreacted": dict(analysis.unreacted),
        "groups": {name: list(counts) for name, counts in analysis.groups.items()},
        "unattached": analysis.unattached,
        "dangling": analysis.dangling,
        "dangling_fraction": analysis.dangling_fraction,
        "partners_in_reach": {name: counts.tolist() for name, counts in one.in_reach.items()},
        "strands": analysis.backbone.lengths.tolist(),
        "junctions": analysis.backbone.junctions,
        "mean_field": {"gel_fraction": one.ideal.gel_fraction, "gel_point": one.gel_point},
        "spearings": [{"bond": list(spearing.bond), "ring": list(spearing.ring)} for spearing in one.spearings],
    }
