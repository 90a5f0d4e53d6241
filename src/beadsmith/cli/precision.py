"""``precision``."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from beadsmith.campaign.advice import Setting, mean_costs, settings
from beadsmith.campaign.fidelity import (
    Finding,
    Measured,
    Protocol,
    findings,
    mean_bias,
    measure_protocol,
    planned_simulations,
    protocols,
    usual_models,
)
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.pool import worker_count
from beadsmith.campaign.study import Study
from beadsmith.campaign.timing import estimate_cost
from beadsmith.cli.answers import units_of, write_answer
from beadsmith.cli.measured import bias_answer, measured_head, observables_answer, setting_answer, write_measured
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    SeedOption,
    WorkersOption,
    coarse_problem,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem, check_fidelity, load_model
from beadsmith.problem.records import Evaluation
from beadsmith.report.fidelity import declaration, finding_table, limits, sentences, setting_table
from beadsmith.report.formatting import core_time, count
from beadsmith.simulate.engine import Engine, find_engine

#: How many times longer the reference is if nothing is said about it.
_LONGER = 4.0


@dataclass(frozen=True)
class _Wanted:
    """What is to be done."""

    problem: Problem
    fidelity: Protocol
    reference: Protocol
    models: Mapping[str, Model]
    replicas: int
    seed: int


def precision(
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    against: Annotated[
        str | None, typer.Option(help="Compare with this fidelity of the file.", metavar="FIDELITY")
    ] = None,
    longer: Annotated[
        float | None,
        typer.Option(
            help="Compare with a protocol whose durations are so many times longer: of the same fidelity (4 if "
            "nothing is said), or of the one named with --against.",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            "-m",
            help="Model to simulate, two or more; left out: those of 'compare', and up to three in all the centre of "
            "the box and points that fill it.",
            metavar="MODEL",
        ),
    ] = None,
    replicas: Annotated[int, typer.Option(min=2, help="Independent runs of each model with either protocol.")] = 3,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study",
            "-s",
            help="Folder for the simulations; studies/PROBLEM-FIDELITY-precision if left out.",
            metavar="FOLDER",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write what the problem file's 'precision: {measured: FILE}' reads; "
            "PROBLEM-FIDELITY-precision.json beside the problem file if left out.",
            metavar="FILE",
        ),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Measure what a fidelity is worth: bias, scatter between runs, honesty of its error bars, relaxation.

    Simulates a few models several times at the fidelity and with a slower protocol, says how the two differ, and which
    number of runs and length of holds would reach the declared tolerances (half of the targets' uncertainty if none is
    declared) most cheaply.  It says what it will cost before it begins, and goes on where it stopped.

    The file that it writes lets evaluations subtract the bias, as far as it is known, and widen their error bars by
    what a single run cannot see.
    """
    started = time.monotonic()
    wanted = _wanted(problem, fidelity, against, longer, model or [], replicas, seed, workers)
    folder = Study(study or _usual_folder(wanted.problem))
    path = output or problem.parent / f"{problem.stem}-{wanted.problem.fidelity}-precision.json"
    console = Console()
    engine = find_engine(wanted.problem.file.compute.lammps)
    _announce(console, wanted, folder, engine)
    reference, own = (_measured(console, wanted, one, folder) for one in (wanted.reference, wanted.fidelity))
    found = findings(own, reference, folder.store)
    chosen = settings(wanted.problem, found, mean_costs(own, folder.store))
    means = {name: mean_bias(name, own, reference) for name in dict.fromkeys(one.observable for one in found)}
    said = [
        *sentences(wanted.problem, found, means, wanted.reference.label),
        *limits(wanted.problem, chosen, wanted.reference.label),
    ]
    head = measured_head(wanted.fidelity, wanted.reference, wanted.models, wanted.replicas, wanted.seed, engine.version)
    write_measured(path, wanted.problem, head, found)
    _print(console, wanted, found, chosen, said, path)
    write_answer(
        json,
        {
            "command": "precision",
            **head,
            "failures": own.failures + reference.failures,
            "observables": observables_answer(found),
            "mean_bias": {name: None if one is None else bias_answer(one) for name, one in means.items()},
            "settings": [setting_answer(setting) for setting in chosen],
            "sentences": said,
            "measured": str(path),
            "core_seconds": own.core_seconds + reference.core_seconds,
            "wall_seconds": time.monotonic() - started,
            "units": units_of(wanted.problem),
        },
    )


def _wanted(
    path: Path,
    fidelity: str | None,
    against: str | None,
    longer: float | None,
    models: Sequence[Path],
    replicas: int,
    seed: int,
    workers: int | None,
) -> _Wanted:
    factor = longer if longer is not None else 1.0 if against is not None else _LONGER
    if not (math.isfinite(factor) and factor >= 1.0):
        raise ProblemError("--longer", f"{factor:g}", "a factor of 1 or more, such as 4")
    problem = with_workers(coarse_problem(path, fidelity, measured=False), workers)
    if against is not None:
        check_fidelity("--against", against, problem.fidelities)
    reference = with_workers(coarse_problem(path, against or problem.fidelity, measured=False), workers)
    chosen = _models(models, problem) if models else usual_models(problem)
    if len(chosen) < 2:
        raise ProblemError("--model", count(len(chosen), "model"), "two models or more: biases differ between models")
    short, long = protocols(problem, reference, factor)
    return _Wanted(problem, short, long, chosen, replicas, seed)


def _models(paths: Sequence[Path], problem: Problem) -> dict[str, Model]:
    if len(set(paths)) < len(paths):
        raise ProblemError("--model", str(next(one for one in paths if paths.count(one) > 1)), "each model once")
    stems = [path.stem for path in paths]
    return {path.stem if stems.count(path.stem) == 1 else str(path): load_model(path, problem) for path in paths}


def _usual_folder(problem: Problem) -> Path:
    usual = study_of(problem, None).folder
    return usual.with_name(f"{usual.name}-precision")


def _announce(console: Console, wanted: _Wanted, study: Study, engine: Engine) -> None:
    """What will run, and what it will cost."""
    total = open_ = 0
    seconds: float | None = 0.0
    for protocol in (wanted.fidelity, wanted.reference):
        names = planned_simulations(protocol, wanted.models, wanted.replicas, wanted.seed, engine.version)
        for experiment, planned in names.items():
            lacking = sum(study.store.result(name) is None for name in planned)
            total, open_ = total + len(planned), open_ + lacking
            if lacking and seconds is not None:
                cost = estimate_cost(protocol.problem, experiment, engine).core_seconds
                seconds = None if cost is None else seconds + lacking * cost
    say(console, f"{wanted.fidelity.label} beside {wanted.reference.label}: {', '.join(wanted.models)}")
    known = f", {total - open_} of them known" if open_ < total else ""
    say(console, f"{count(total, 'simulation')}{known}, {count(wanted.replicas, 'run')} of each model and protocol")
    if open_ and seconds is not None:
        workers = worker_count(wanted.problem.file.compute)
        say(console, f"Estimated: {core_time(seconds)}, {seconds / workers / 60:.1f} min with {workers} at once")


def _measured(console: Console, wanted: _Wanted, protocol: Protocol, study: Study) -> Measured:
    evaluations: dict[str, list[Evaluation]] = {label: [] for label in wanted.models}
    before = set(study.store.names())
    total = len(wanted.models) * wanted.replicas
    with open_laboratory(protocol.problem, study, judge=False) as laboratory, display(console) as shown:
        steps = measure_protocol(laboratory, protocol, wanted.models, wanted.replicas, wanted.seed)
        for done, (label, evaluation) in enumerate(steps, start=1):
            evaluations[label].append(evaluation)
            shown.failures += evaluation.failed
            shown.step(protocol.label, done, total, known=before.issuperset(evaluation.runs))
    for evaluation in (one for each in evaluations.values() for one in each):
        for failure in evaluation.failures:
            say(console, f"failed: {failure.sentence}")
    return Measured(protocol, {label: tuple(each) for label, each in evaluations.items()})


def _print(
    console: Console,
    wanted: _Wanted,
    found: Sequence[Finding],
    chosen: Sequence[Setting],
    said: Sequence[str],
    path: Path,
) -> None:
    for name in dict.fromkeys(one.observable for one in found):
        console.print(finding_table(wanted.problem, [one for one in found if one.observable == name]))
    say(console, "bias: mean over the models, * significant; by model: its standard deviation from model to model")
    say(console, "one run: standard deviation of a single run; claimed: its own error bar; ratio: of scatter to claim")
    say(console, "hold/τ: relaxation times in a hold; flagged: runs that were not equilibrated\n")
    for sentence in said:
        say(console, f"- {sentence}")
    if chosen:
        console.print(setting_table(wanted.problem, chosen))
        where = "" if wanted.problem.fidelity == "base" else f" under fidelities.{wanted.problem.fidelity}"
        say(console, f"To make use of it, in the problem file{where}:")
        for line in declaration(chosen, path.name):
            say(console, f"  {line}")
    say(console, f"Written: {path}")
