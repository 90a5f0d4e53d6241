"""``run``, ``status`` and ``report``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from beadsmith.campaign.calibration import Plan, Step, calibrate, outcome_of
from beadsmith.campaign.default_search import search_method
from beadsmith.campaign.finalists import measured_finalists
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.pool import worker_count
from beadsmith.campaign.renormalization.designing import METHOD as DESIGN
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.start import load_start
from beadsmith.campaign.study import Manifest, Study
from beadsmith.cli.answers import run_answer, units_of, write_answer
from beadsmith.cli.designing import design_answer, say_failures
from beadsmith.cli.finalists import measure_wanted, show_finalists, wanted_finalists
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    SeedOption,
    StudyOption,
    WorkersOption,
    coarse_problem,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import Display, display
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError, StudyError
from beadsmith.problem.problem import Problem, read_problem
from beadsmith.problem.schema import SEARCH_METHODS
from beadsmith.report.findings import result_of
from beadsmith.report.page import write_report
from beadsmith.report.renormalization import write_renormalization_report
from beadsmith.report.tables import missed_sentences
from beadsmith.report.terminal import terminal_table
from beadsmith.search.optuna_study import write_optuna_study


def run(
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    search: Annotated[str | None, typer.Option(help=f"Search method: {', '.join(SEARCH_METHODS)}.")] = None,
    evaluations: Annotated[int | None, typer.Option(min=1, help="Models to simulate; raise it later to go on.")] = None,
    study: StudyOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    remeasure: Annotated[int | None, typer.Option(min=0, help="How often the best models are measured again.")] = None,
    start: Annotated[
        list[Path] | None,
        typer.Option(help="Model file to evaluate first, instead of the file's search.start; may be repeated."),
    ] = None,
    finalists: Annotated[
        str | None,
        typer.Option(help="Fidelity at which the best model and the compared ones are measured at the end."),
    ] = None,
    finalist_replicas: Annotated[
        int | None, typer.Option(min=0, help="How often each finalist is measured; 0 for no finalists.")
    ] = None,
    json: JsonOption = None,
) -> None:
    """Calibrate: search, measure the best models again, compare, report.

    The study folder holds everything.  The same command after an interruption, even kill -9, goes on where it stopped:
    no finished simulation is repeated.  Raising --evaluations continues a finished study; a finished study that is
    given --finalists measures these and nothing else.
    """
    started = time.monotonic()
    console = Console()
    loaded = with_workers(coarse_problem(problem, fidelity), workers)
    if not loaded.targets:
        raise ProblemError(
            f"{problem}: targets",
            "",
            "at least one target to calibrate against",
            "or use: beadsmith evaluate",
        )
    folder = study_of(loaded, study)
    if finalists is not None and (spent := folder.finished()) is not None:
        evaluations = evaluations or spent.evaluations
        remeasure = spent.remeasure if remeasure is None else remeasure
    plan = _plan(loaded, search, evaluations, seed, remeasure, start)
    wanted = wanted_finalists(loaded, finalists, finalist_replicas, plan.remeasure, workers)
    for one in plan.start:
        if one.remark:
            say(console, one.remark)
    try:
        _calibrate(loaded, folder, plan, console)
        if wanted is not None:
            measure_wanted(loaded, wanted, folder, plan.seed, console)
    except KeyboardInterrupt:
        kept = len(folder.rows("evaluations"))
        say(console, f"\nStopped. {kept} evaluations and all finished simulations are kept in {folder.folder}.")
        say(console, "The same command goes on from here.")
        raise
    if (spent := folder.finished()) is not None and spent.out_of_time:
        ended = f"search.time was up after {spent.evaluations} of {plan.evaluations} evaluations"
        say(console, f"{ended}; the same command goes on for as long again.")
    outcome = outcome_of(folder, loaded)
    write_optuna_study(folder.optuna_journal, loaded.file.title, loaded.parameters.free, outcome.evaluations)
    report_path = write_report(loaded, folder)
    wall = time.monotonic() - started
    console.print(terminal_table(loaded, outcome))
    for finals in measured_finalists(folder, loaded):
        show_finalists(console, finals)
    result = result_of(outcome)
    for sentence in missed_sentences(loaded, () if result is None else result.observations):
        say(console, sentence)
    if outcome.best is not None:
        say(console, f"Calibrated model  {folder.best_model}")
    say(console, f"Report            {report_path}")
    say(console, f"Spent             {outcome.core_seconds:.0f} core-seconds of LAMMPS, {wall:.0f} s here")
    write_answer(json, {"command": "run", **run_answer(loaded, folder, outcome, wall)})


def status(
    study: Annotated[Path, typer.Argument(help="Folder of the study.", metavar="STUDY")],
    problem: Annotated[Path | None, typer.Option(help="Problem file; the study's own copy if left out.")] = None,
    json: JsonOption = None,
) -> None:
    """Say how far a study is, also while it runs."""
    folder, manifest, loaded = _stored(study, problem)
    console = Console()
    say(console, f"{manifest.title}: {manifest.method}, fidelity {manifest.fidelity}, seed {manifest.seed}")
    if manifest.method == DESIGN:
        answer = _design_answer(folder, manifest, loaded)
        for name, system in answer["systems"].items():
            say(console, f"{name}: {system['points']} points, {system['failures']} failed")
        say(console, f"{answer['core_seconds']:.0f} core-seconds; {len(folder.store.names())} finished simulations")
        say_failures(console, folder)
        write_answer(json, {"command": "status", **answer})
        return
    outcome = outcome_of(folder, loaded)
    failed = sum(evaluation.failed for evaluation in outcome.evaluations)
    say(console, f"{len(outcome.evaluations)} evaluations, {failed} failed, {outcome.core_seconds:.0f} core-seconds")
    say(console, f"{len(folder.store.names())} finished simulations")
    if outcome.incumbent is not None:
        say(console, f"best so far: evaluation {outcome.incumbent.number}, misfit {outcome.incumbent.misfit:.4g}")
    if outcome.best is not None:
        text = f"misfit {outcome.best.misfit:.4g} +- {outcome.best.stderr:.2g}"
        say(console, f"best re-measured: evaluation {outcome.best.number}, {text}")
    for finals in measured_finalists(folder, loaded):
        done = sum(len(model.replicas) for model in finals.outcome.measured)
        say(console, f"finalists at fidelity {finals.problem.fidelity}: {done} measurements")
    for evaluation in outcome.evaluations:
        for failure in evaluation.failures:
            say(console, f"evaluation {evaluation.number} failed: {failure.sentence}")
    write_answer(json, {"command": "status", **run_answer(loaded, folder, outcome, 0.0)})


def report(
    study: Annotated[Path, typer.Argument(help="Folder of the study.", metavar="STUDY")],
    problem: Annotated[Path | None, typer.Option(help="Problem file; the study's own copy if left out.")] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option("--repeat", help="Study with another seed, for the band over repeats."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write; report.html in the study if left out.")] = None,
    json: JsonOption = None,
) -> None:
    """Write the report of a study again, from what is stored; of a design, the page of its renormalization."""
    folder, manifest, loaded = _stored(study, problem)
    if manifest.method == DESIGN:
        if others:
            raise ProblemError("--repeat", str(others[0]), "nothing for the study of a design", "leave it out")
        path = write_renormalization_report(loaded, folder, output)
        say(Console(), f"Report  {path}")
        answer = _design_answer(folder, manifest, loaded)
        write_answer(json, {"command": "report", **answer, "report": str(path)})
        return
    path = write_report(loaded, folder, output, others=[Study(other) for other in others or []])
    say(Console(), f"Report  {path}")
    write_answer(
        json,
        {"command": "report", **run_answer(loaded, folder, outcome_of(folder, loaded), 0.0), "report": str(path)},
    )


def _plan(
    problem: Problem,
    method: str | None,
    evaluations: int | None,
    seed: int,
    remeasure: int | None,
    start: list[Path] | None,
) -> Plan:
    declared = problem.file.search
    return Plan(
        method=search_method(problem, method),
        evaluations=declared.evaluations if evaluations is None else evaluations,
        seed=seed,
        workers=worker_count(problem.file.compute),
        remeasure=declared.remeasure if remeasure is None else remeasure,
        candidates=declared.candidates,
        time=declared.time,
        start=tuple(load_start(path, problem) for path in start or map(problem.file_named, declared.start)),
    )


def _calibrate(problem: Problem, study: Study, plan: Plan, console: Console) -> None:
    with open_laboratory(problem, study) as laboratory, display(console) as shown:
        for step in calibrate(laboratory, study, plan):
            _show(shown, step)


def _show(shown: Display, step: Step) -> None:
    misfit = step.evaluation.misfit
    if step.phase == "search":
        shown.failures += step.evaluation.failed
        if misfit is not None and (shown.best is None or misfit < shown.best):
            shown.best = misfit
    shown.step(step.phase, step.done, step.total, known=step.known)


def _design_answer(study: Study, manifest: Manifest, problem: Problem) -> dict[str, Any]:
    """Answer of ``status`` and ``report`` for a design."""
    head = {"study": str(study.folder), "fidelity": manifest.fidelity, "seed": manifest.seed, "lammps": manifest.engine}
    return {**head, **design_answer(systems_of(problem), study), "units": units_of(problem)}


def _stored(folder: Path, problem: Path | None) -> tuple[Study, Manifest, Problem]:
    study = Study(folder)
    manifest = study.manifest()
    if manifest is None:
        raise StudyError(f"{folder}: holds no study; give the folder that 'beadsmith run' was given as --study")
    return study, manifest, coarse_problem(problem or _problem_of(study, manifest.original), manifest.fidelity)


def _problem_of(study: Study, original: Path) -> Path:
    """The problem file of a study: the original if it is still there and says the same, else the study's copy.

    Files that it names lie beside the original; what it extends has become part of the copy.
    """
    copy = study.folder / "problem.yaml"
    try:
        same = read_problem(original) == read_problem(copy)
    except ProblemError:
        same = False
    return original if same else copy
