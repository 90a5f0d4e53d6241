"""``evaluate`` and ``export``."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from beadsmith.campaign.calibration import Measured, measured_as
from beadsmith.campaign.driver import measure, seed_of
from beadsmith.campaign.evaluate import PendingEvaluation
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.study import Study
from beadsmith.campaign.timing import particle_steps
from beadsmith.campaign.watching import advance_of
from beadsmith.cli.answers import measured_answer, units_of, write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ModelOption,
    OptionalModelOption,
    ProblemArgument,
    ReportOption,
    SeedOption,
    StateOption,
    StudyOption,
    WorkersOption,
    coarse_problem,
    model_for,
    parse_state,
    parse_states,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError
from beadsmith.forcefield.export import lammps_include, range_warnings
from beadsmith.problem.document import write_document
from beadsmith.problem.model import Model, document_from_model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.records import Evaluation
from beadsmith.problem.schema import Network
from beadsmith.problem.state import State
from beadsmith.problem.states import at_all_degrees, at_states
from beadsmith.report import measured_table, write_model_report
from beadsmith.report.networks import stored_networks
from beadsmith.report.tables import missed_sentences
from beadsmith.simulate.engine import find_engine

_MILLION = 1_000_000
#: Sets the seeds of repetitions apart from others that derive from the same seed.
_SEEDS = 2


def evaluate(
    problem: ProblemArgument,
    model: OptionalModelOption = None,
    fidelity: FidelityOption = None,
    state: StateOption = None,
    replicas: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Independent repetitions with different seeds; 2 if left out, or 1 if there are nothing but networks.",
        ),
    ] = None,
    seed: SeedOption = 1,
    study: StudyOption = None,
    workers: WorkersOption = None,
    report: ReportOption = None,
    json: JsonOption = None,
) -> None:
    """Simulate one model and measure every observable, beside the targets.

    Simulations are kept in the study folder: the same command again answers at once.  Exit code 1 if there is a state
    at which nothing could be measured.

    With one replica the error bars cover fluctuations within the run, not how the run was prepared: a glass keeps
    the structure in which it was quenched.
    """
    started = time.monotonic()
    loaded = with_workers(load_problem(problem, fidelity), workers)
    chosen = model_for(loaded, model)
    wanted = parse_states(state)
    folder = study_of(loaded, study)
    console = Console()
    answers: list[dict[str, Any]] = []
    every: list[tuple[Problem, Measured]] = []
    failed = 0
    seeds = seeds_of_repetitions(seed, replicas or _usual_replicas(loaded))
    states = at_states(loaded, wanted)
    for together in at_all_degrees(loaded, wanted):
        # Side by side; below, each state finds its simulations done.
        _measure(together, chosen, folder, seeds, console, judge=False)
    for at, restated in states:
        _warn(console, chosen, at, wanted)
        evaluations = _measure(restated, chosen, folder, seeds, console, judge=not wanted)
        measured = measured_as(chosen.title if model is None else model.stem, evaluations, restated.observables)
        failed += not measured.observations
        every.append((restated, measured))
        _print(console, restated, at, measured)
        spent = sum(evaluation.core_seconds for evaluation in evaluations)
        answers.append({"state": at.as_dict(), **measured_answer(restated, measured), "core_seconds": spent})
    if report is not None:
        _report(loaded, every, chosen, folder, report)
    # One state is the usual case, and then the answer has no list around it.
    answer = answers[0] if len(answers) == 1 else {"states": answers}
    used = chosen.title if model is None else str(model)
    head = {"command": "evaluate", "model": used, "fidelity": loaded.fidelity, "seed": seed}
    wall = time.monotonic() - started
    write_answer(json, {**head, **answer, "wall_seconds": wall, "units": units_of(loaded)})
    if failed:
        raise typer.Exit(1)


def export(
    problem: ProblemArgument,
    model: ModelOption,
    state: StateOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; standard output if left out.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--yaml", help="The whole model as YAML with its citations, for every state.")
    ] = False,
    json: JsonOption = None,
) -> None:
    """Write a model as a LAMMPS include file at a state, or the whole of it as YAML."""
    loaded = coarse_problem(problem)
    chosen = load_model(model, loaded)
    at = State.of(parse_state(state))
    answer: dict[str, Any] = {
        "command": "export",
        "model": str(model),
        "state": at.as_dict(),
        "citations": list(chosen.citations),
    }
    if whole:
        if output is None:
            raise ProblemError("--output", "", "a file to write the YAML to")
        write_document(output, document_from_model(chosen, loaded.parameters))
    else:
        text = lammps_include(loaded, chosen, at)
        answer |= {"include": text, "parameters": chosen.at(at)}
        if output is None:
            typer.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
    write_answer(json, {**answer, "units": units_of(loaded)})


def seeds_of_repetitions(seed: int, count: int) -> list[int]:
    """Seeds of the repetitions of ``evaluate``, other ones than those of a search."""
    return [seed_of(seed, _SEEDS, replica) for replica in range(count)]


def _usual_replicas(problem: Problem) -> int:
    """Two, so that they can differ; networks have repetitions of their own."""
    return 1 if all(isinstance(experiment, Network) for experiment in problem.experiments.values()) else 2


def _measure(
    problem: Problem, model: Model, study: Study, seeds: list[int], console: Console, *, judge: bool
) -> list[Evaluation]:
    wanted = len(seeds) * sum(particle_steps(problem, name) for name in problem.experiments)
    unit = f"million {problem.particle}-steps"
    with open_laboratory(problem, study, judge=judge) as laboratory, display(console) as shown:

        def watch(pending: Sequence[PendingEvaluation]) -> None:
            advance = advance_of(laboratory.store, pending)
            if advance.of_bonds:
                shown.step("bonds", advance.bonds, advance.of_bonds)
            elif wanted >= _MILLION:
                shown.step(unit, advance.particle_steps // _MILLION, wanted // _MILLION)

        evaluations = []
        for evaluation in measure(laboratory, None, [("", model, {})], seeds, watch):
            evaluations.append(evaluation)
            shown.step("evaluate", len(evaluations), len(seeds))
    return evaluations


def _report(
    problem: Problem, every: Sequence[tuple[Problem, Measured]], model: Model, study: Study, path: Path
) -> None:
    """All states on one page, with the networks of those that are crosslinked most."""
    restated, measured = max(every, key=lambda one: _highest_degree(one[0]))
    engine = find_engine(problem.file.compute.lammps).version
    networks = stored_networks(restated, study.folder, model, measured.replicas[0].seed, engine)
    wanted = {
        target: tolerance for own, _ in every for target, tolerance in zip(own.targets, own.tolerances, strict=True)
    }
    shown = replace(problem, targets=tuple(wanted), tolerances=tuple(wanted.values()))
    write_model_report(shown, [one for _, one in every], networks, path)


def _highest_degree(problem: Problem) -> float:
    networks = (one for one in problem.experiments.values() if isinstance(one, Network))
    return max((one.degrees[-1] for one in networks), default=0.0)


def _print(console: Console, problem: Problem, at: State, measured: Measured) -> None:
    if at.variables:
        console.print(at.label, highlight=False)
    if measured.observations:
        console.print(measured_table(problem, [measured]))
    for replica in measured.replicas:
        for failure in replica.failures:
            say(console, f"failed: {failure.sentence}")
    for sentence in missed_sentences(problem, measured.observations):
        say(console, sentence)


def _warn(console: Console, model: Model, at: State, wanted: dict[str, tuple[float, ...]]) -> None:
    for temperature in wanted.get("T", (math.nan,)):
        state = at if math.isnan(temperature) else at.with_(T=temperature)
        for remark in range_warnings(model, state):
            say(console, f"warning: {remark}")
