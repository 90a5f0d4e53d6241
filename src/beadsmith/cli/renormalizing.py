"""``fit``, ``sensitivity``, ``calibrate``, ``validate`` and ``renormalize``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from beadsmith.calibrate.functional.baselines import Baselines
from beadsmith.calibrate.functional.calibration import Calibration, mean_rmspe
from beadsmith.calibrate.functional.envelopes import Uncertainty
from beadsmith.campaign.renormalization.dataset import write_table
from beadsmith.campaign.renormalization.designing import check_design
from beadsmith.campaign.renormalization.functions import Fit, simplification_declared
from beadsmith.campaign.renormalization.history import keep_command
from beadsmith.campaign.renormalization.loop import Renormalized
from beadsmith.campaign.renormalization.loop import renormalize as run_stages
from beadsmith.campaign.renormalization.stages import (
    SAMPLES,
    baselines,
    calibration,
    judged_surrogates,
    last_round,
    newest_model,
    next_round,
    sensitivities,
    uncertainty,
    validation,
    write_model,
)
from beadsmith.campaign.renormalization.surrogates import poor_surrogates
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.renormalization.workbench import Workbench, beyond_what_is_declared
from beadsmith.cli.answers import units_of, write_answer
from beadsmith.cli.designing import PointsOption, begin_design, simulate_design
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    SeedOption,
    StateOption,
    StudyOption,
    WorkersOption,
    coarse_problem,
    command_given,
    parse_state,
    study_of,
    with_workers,
)
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_model
from beadsmith.problem.schema import CALIBRATION_MISFITS, FUNCTION_FORMS, POSTERIORS, SIMPLIFICATIONS
from beadsmith.problem.state import State
from beadsmith.report.renormalization import write_renormalization_report
from beadsmith.report.renormalization_tables import apart_of, missed_of

#: What ``renormalize`` answers of each round of validation.
_OF_ROUND = (
    "round",
    "runs",
    "disagreements",
    "explained_by_chance",
    "passed",
    "targets",
    "missed",
    "targets_met",
    "misfit",
    "rmspe",
    "rmspe_held_out",
)

#: What ``renormalize`` answers of each surrogate.
_OF_SURROGATE = ("points", "q2", "q2_beyond_noise", "q2_interval", "coverage_95", "usable", "warnings")

FunctionsOption = Annotated[
    str | None,
    typer.Option(
        help=f"Form of all functions, instead of calibration.functions: {', '.join(FUNCTION_FORMS)}.", metavar="FORM"
    ),
]
MisfitOption = Annotated[
    str | None,
    typer.Option(help=f"Instead of calibration.misfit: {', '.join(CALIBRATION_MISFITS)}.", metavar="MISFIT"),
]


def fit(
    context: typer.Context,
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    seed: SeedOption = 1,
    study: StudyOption = None,
    json: JsonOption = None,
) -> None:
    """Learn every observable as a function of parameters and state from a design, and say how well it is known.

    Learns from what 'beadsmith design' simulated in the study, from tables that were added to it, and from those that
    the problem file names under design.data.  Each observable of each system gets a Gaussian process.
    """
    console = Console()
    with workbench(console, problem, fidelity, study, seed) as (bench, answer):
        document = judged_surrogates(bench)
        keep_command(bench.study, command_given(context, bench.problem, seed))
        _print_surrogates(console, document)
        warnings = _warned(console, beyond_what_is_declared(bench))
        write_answer(json, {"command": "fit", **answer(), **_without_digest(document), "warnings": warnings})


def sensitivity(
    context: typer.Context,
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    state: StateOption = None,
    force: Annotated[bool, typer.Option("--force", help="Use surrogates that are not good enough, too.")] = False,
    seed: SeedOption = 1,
    study: StudyOption = None,
    json: JsonOption = None,
) -> None:
    """Say which parameters the variance of each observable comes from: Sobol' indices with 95 % intervals.

    Over all states of the design, or at one of them: --state DC=0.5.
    """
    console = Console()
    held = parse_state(state)
    with workbench(console, problem, fidelity, study, seed) as (bench, answer):
        document = sensitivities(bench, held, force=force)
        keep_command(bench.study, command_given(context, bench.problem, seed))
        _print_sensitivities(console, document)
        write_answer(json, {"command": "sensitivity", **answer(), **_without_digest(document)})


def calibrate(
    context: typer.Context,
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    functions: FunctionsOption = None,
    misfit: MisfitOption = None,
    with_baselines: Annotated[
        bool,
        typer.Option(
            "--baselines", help="Compare with constants, sigmoids, free functions, and each observable fitted alone."
        ),
    ] = False,
    seed: SeedOption = 1,
    study: StudyOption = None,
    json: JsonOption = None,
) -> None:
    """Fit functions of the state to the targets of all systems together, through the surrogates.

    Writes the model to calibrated.yaml of the study.  Nothing is simulated: 'beadsmith validate' does that.
    """
    console = Console()
    with workbench(console, problem, fidelity, study, seed) as (bench, answer):
        fit = Fit.declared(bench.problem, seed, functions, misfit)
        document, found = calibration(bench, fit)
        keep_command(bench.study, command_given(context, bench.problem, seed))
        title = f"{bench.problem.file.title}, calibrated"
        write_model(bench, "calibrated", title, found, _known(console, bench, fit, found))
        warnings = _warned(console, [*found.warnings, *_of_surrogates(bench, judged_surrogates(bench))])
        beside = _beside(baselines(bench, fit)) if with_baselines else {}
        print_rmspe(console, {f"{found.free_parameters} numbers": found.rmspe, **_columns(beside)})
        path = bench.study.folder / "calibrated.yaml"
        say(console, f"Calibrated model  {path}")
        found_and_said = {**_without_digest(document), **beside, "warnings": warnings, "model": str(path)}
        write_answer(json, {"command": "calibrate", **answer(), **found_and_said})


def validate(
    context: typer.Context,
    problem: ProblemArgument,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="Model file; if left out, the one that the study wrote last.", metavar="MODEL"
        ),
    ] = None,
    fidelity: FidelityOption = None,
    seed: SeedOption = 1,
    study: StudyOption = None,
    workers: WorkersOption = None,
    json: JsonOption = None,
) -> None:
    """Simulate the calibrated model at the states of its targets, beside what the surrogates predict.

    The runs become part of what is known: 'beadsmith calibrate' afterwards learns from them.  Exit code 1 if more of
    them disagree with their predictions than chance explains.
    """
    console = Console()
    with workbench(console, problem, fidelity, study, seed, workers) as (bench, answer):
        path = model or newest_model(bench)
        document = validation(bench, load_model(path, bench.problem), next_round(bench.study))
        keep_command(bench.study, command_given(context, bench.problem, seed))
        print_validation(console, document)
        write_answer(json, {"command": "validate", **answer(), "model": str(path), **_without_digest(document)})
    if not document["passed"]:
        raise typer.Exit(1)


def renormalize(
    context: typer.Context,
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    points: PointsOption = None,
    functions: FunctionsOption = None,
    misfit: MisfitOption = None,
    posterior: Annotated[
        str | None, typer.Option(help=f"Instead of calibration.posterior: {', '.join(POSTERIORS)}.", metavar="SAMPLER")
    ] = None,
    simplify: Annotated[
        str | None,
        typer.Option(
            help=f"Instead of calibration.simplify: {', '.join(SIMPLIFICATIONS)}, or how many numbers to keep.",
            metavar="CHOICE",
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=0, help="Rounds of validation at most, instead of calibration.rounds.")
    ] = None,
    seed: SeedOption = 1,
    study: StudyOption = None,
    workers: WorkersOption = None,
    json: JsonOption = None,
) -> None:
    """Design, surrogates, calibration, uncertainty, simplification, validation, sensitivity and report, in one go.

    The simplified model is simulated at the states of its targets; while more of these runs disagree with their
    predictions than chance explains, or miss their targets and come closer to them from round to round, they are learnt
    and all is calibrated anew.  The study folder holds everything: the same command goes on after an interruption, even
    kill -9.
    """
    console = Console()
    with workbench(console, problem, fidelity, study, seed, workers, points) as (bench, answer):
        fit = Fit.declared(bench.problem, seed, functions, misfit, posterior)
        wanted = simplification_declared(bench.problem, fit, simplify)
        begin_design(bench.problem, bench.study, seed)
        keep_command(bench.study, command_given(context, bench.problem, seed))
        known = bench.problem.file.design is not None and bool(bench.problem.file.design.data)
        if points is not None or not known:
            simulate_design(bench.problem, bench.systems, bench.study, seed, bench.progress)
            write_table(bench.problem, bench.systems, bench.study)
        found = run_stages(bench, fit, bench.problem.file.calibration.rounds if rounds is None else rounds, wanted)
        report = write_renormalization_report(bench.problem, bench.study)
        for document in found.validations:
            print_validation(console, document)
        before, after = (f"{one.free_parameters} numbers" for one in (found.calibrated, found.simplified))
        columns = {before: found.calibrated.rmspe, f"{after}, simplified": found.simplified.rmspe}
        if found.validations:
            columns["simulated"] = found.validations[-1]["rmspe"]
        print_rmspe(console, columns)
        _print_path(console, found.simplification)
        paths = {name: bench.study.folder / f"{name}.yaml" for name in ("calibrated", "simplified")}
        say(console, f"Calibrated model  {paths['calibrated']}")
        say(console, f"Simplified model  {paths['simplified']}")
        say(console, f"Report            {report}")
        of_fits = dict.fromkeys([*found.calibrated.warnings, *found.simplified.warnings])
        warnings = _warned(console, [*of_fits, *_of_surrogates(bench, found.surrogates)])
        found_and_said = {**_renormalized(found, paths), "warnings": warnings, "report": str(report)}
        write_answer(json, {"command": "renormalize", **answer(), **found_and_said})


@contextmanager
def workbench(
    console: Console,
    problem: Path,
    fidelity: str | None,
    study: Path | None,
    seed: int,
    workers: int | None = None,
    points: int | None = None,
) -> Iterator[tuple[Workbench, Callable[[], dict[str, Any]]]]:
    """A workbench with a progress display, and what begins every answer.

    Raises:
        ProblemError: the problem cannot be read.
        StudyError: the study holds the design of another one.
    """
    started = time.monotonic()
    loaded = with_workers(coarse_problem(problem, fidelity), workers)
    folder = study_of(loaded, study)
    check_design(loaded, folder)
    folder.folder.mkdir(parents=True, exist_ok=True)
    with display(console) as shown:

        def answer() -> dict[str, Any]:
            wall = time.monotonic() - started
            head = {"study": str(folder.folder), "fidelity": loaded.fidelity, "seed": seed}
            return {**head, "wall_seconds": wall, "units": units_of(loaded)}

        yield Workbench(loaded, systems_of(loaded, points), folder, seed, last_round(folder), shown.step), answer


def _known(console: Console, bench: Workbench, fit: Fit, found: Calibration) -> Uncertainty | None:
    """How far calibrated functions are known; None, with a warning, where their misfit says nothing of it."""
    try:
        return uncertainty(bench, fit, found, sampler=fit.posterior, samples=SAMPLES)[1]
    except ProblemError as error:
        say(console, f"warning: without uncertainty: {error}")
        return None


def _of_surrogates(bench: Workbench, surrogates: Mapping[str, Any]) -> list[str]:
    """What to know of the surrogates that targets rely on, and of the tables that they learnt from."""
    return [*poor_surrogates(bench.problem, surrogates), *beyond_what_is_declared(bench)]


def _warned(console: Console, sentences: Sequence[str]) -> list[str]:
    """The sentences, after they were said."""
    for sentence in sentences:
        say(console, f"warning: {sentence}")
    return list(sentences)


def print_rmspe(console: Console, columns: dict[str, Any]) -> None:
    """Root mean squared percentage errors, by system and observable."""
    table = Table(title="Root mean squared percentage error", title_justify="left")
    table.add_column("system")
    table.add_column("observable")
    for name in columns:
        table.add_column(name, justify="right")
    first = next(iter(columns.values()))
    for system, errors in first.items():
        for observable in errors:
            cells = [columns[name].get(system, {}).get(observable) for name in columns]
            table.add_row(system, observable, *("–" if cell is None else f"{cell:.2f}" for cell in cells))
    console.print(table)


def print_validation(console: Console, document: Mapping[str, Any]) -> None:
    """How many simulations agree with their predictions, and those that do not."""
    for failure in document["failures"]:
        say(console, f"failed: {failure['experiment']}: {failure['detail']}")
    for one in document["comparisons"]:
        if not one["agrees"]:
            state = State.of(one["state"]).label
            predicted = f"predicted {one['predicted']:.4g} +- {one['predicted_stderr']:.2g}"
            say(console, f"{one['observable']} at {state}: {predicted}, simulated {one['value']:.4g}")
    chance = f"chance explains up to {document['explained_by_chance']}"
    head = f"Round {document['round']}:"
    say(console, f"{head} {apart_of(document)} simulations disagree with their predictions; {chance}")
    if document["targets"]:
        say(console, f"{head} {missed_of(document)} miss their targets by more than both errors explain")


def _print_surrogates(console: Console, document: dict[str, Any]) -> None:
    table = Table(title="Surrogates", title_justify="left")
    for name in ("system", "observable", "runs", "Q2", "beyond noise", "in 95 %"):
        table.add_column(name, justify="left" if name in ("system", "observable") else "right")
    for system, entries in document["surrogates"].items():
        for name, entry in entries.items():
            shares = ["–" if one is None else f"{one:.3f}" for one in (entry["q2_beyond_noise"], *entry["q2_interval"])]
            beyond = "{} ({} to {})".format(*shares)
            table.add_row(
                system, name, str(entry["points"]), f"{entry['q2']:.3f}", beyond, f"{entry['coverage_95']:.0%}"
            )
    console.print(table)
    for entries in document["surrogates"].values():
        for name, entry in entries.items():
            for sentence in entry["warnings"]:
                say(console, f"{name}: {sentence}")
    for sentence in document["refused"].values():
        say(console, f"left out: {sentence}")


def _print_sensitivities(console: Console, document: dict[str, Any]) -> None:
    for system, entries in document["sensitivity"].items():
        for name, ways in entries.items():
            found = ways["parameters"]
            order = sorted(range(len(found["names"])), key=lambda one: -found["total"][one]["value"])
            table = Table(title=f"{system}: {name}", title_justify="left")
            table.add_column("parameter")
            table.add_column("main", justify="right")
            table.add_column("total", justify="right")
            for one in order[:8]:
                shares = [found[kind][one] for kind in ("main", "total")]
                cells = [f"{share['value']:.3f} ({share['low']:.3f} to {share['high']:.3f})" for share in shares]
                table.add_row(found["names"][one], *cells)
            console.print(table)
    for sentence in document["refused"].values():
        say(console, f"left out: {sentence}")


def _beside(found: Baselines) -> dict[str, Any]:
    """What ``calibrate --baselines`` answers of them."""
    alone = found.one_response_at_a_time
    merged: dict[str, dict[str, float]] = {}
    for one in alone.values():
        for system, errors in one.rmspe.items():
            merged.setdefault(system, {}).update(errors)
    by_form = {"constant": found.constant, "sigmoid": found.sigmoid, "free": found.free}
    numbers = {name: one.free_parameters for name, one in alone.items()}
    answer = {
        name: {"rmspe": one.rmspe, "mean_rmspe": one.mean_rmspe, "free_parameters": one.free_parameters}
        for name, one in by_form.items()
    }
    together = {"rmspe": merged, "mean_rmspe": mean_rmspe(merged), "free_parameters": numbers}
    return {"baselines": {**answer, "one_response_at_a_time": together}}


def _columns(beside: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the table of errors."""
    return {name.replace("_", " "): one["rmspe"] for name, one in beside.get("baselines", {}).items()}


def _print_path(console: Console, document: Mapping[str, Any]) -> None:
    """Which step of the path was taken, and what else there is."""
    path = document["path"]
    if path is not None:
        numbers = [step["free_parameters"] for step in path["steps"]]
        found = f"lowest {path['criterion']} at {numbers[path['best']]} numbers, knee at {numbers[path['knee']]}"
        say(console, f"Simplified to {numbers[document['chosen']]} numbers ({found}); --simplify takes another step")


def _path_of(document: Mapping[str, Any]) -> dict[str, Any] | None:
    path = document["path"]
    if path is None:
        return None
    numbers = [step["free_parameters"] for step in path["steps"]]
    places = {"lowest": path["best"], "knee": path["knee"], "chosen": document["chosen"]}
    shown = ("free_parameters", "parameter", "form", "score", "mean_rmspe")
    return {
        "criterion": path["criterion"],
        **{name: numbers[place] for name, place in places.items()},
        "steps": [{key: step[key] for key in shown} for step in path["steps"]],
    }


def _renormalized(found: Renormalized, paths: Mapping[str, Path]) -> dict[str, Any]:
    """What ``renormalize`` answers besides the head."""
    calibrations = {"before": found.calibrated, "after": found.simplified}
    simulated = found.validations[-1]["rmspe"] if found.validations else None
    return {
        "rmspe": {**{name: one.rmspe for name, one in calibrations.items()}, "simulated": simulated},
        "mean_rmspe": {name: one.mean_rmspe for name, one in calibrations.items()},
        "free_parameters": {name: one.free_parameters for name, one in calibrations.items()},
        "forms": {name: {key: form.name for key, form in one.forms.items()} for name, one in calibrations.items()},
        "misfit": {name: one.misfit for name, one in calibrations.items()},
        "models": {name: str(path) for name, path in paths.items()},
        "surrogates": {
            name: {key: entry[key] for key in _OF_SURROGATE}
            for entries in found.surrogates["surrogates"].values()
            for name, entry in entries.items()
        },
        "simplification": _path_of(found.simplification),
        "uncertainty": found.uncertainty["sentences"],
        "validated": found.validated,
        "rounds": [{key: one[key] for key in _OF_ROUND} for one in found.validations],
    }


def _without_digest(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("digest", "about")}
