"""``identify``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from beadsmith.campaign.freezing import write_frozen
from beadsmith.campaign.identify import Identified, identify_study
from beadsmith.campaign.study import Study
from beadsmith.cli.answers import write_answer
from beadsmith.cli.identified import identify_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    StudyOption,
    coarse_problem,
    study_of,
)
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import Problem
from beadsmith.report.formatting import count
from beadsmith.report.identifiability import INERT, IdentifiabilityTables, identifiability_tables


def identify(
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    study: StudyOption = None,
    prior: Annotated[
        float | None,
        typer.Option(help="Standard deviation of a parameter before anything is known, as a part of its range."),
    ] = None,
    freeze: Annotated[
        float | None,
        typer.Option(help="Hold parameters of whose prior variance a smaller share is gone, such as 0.05."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write the problem with these parameters held.", metavar="FILE"),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Say what the targets tell about the parameters: how many numbers they hold, of which directions, and from where.

    Reads the derivatives that a study recorded, or takes them from its frames; simulates nothing.  Observables under
    'considered' in the problem file are judged by what they would add.
    """
    _check_options(prior, freeze, output)
    loaded, folder = _loaded(problem, fidelity, study)
    found = identify_study(loaded, folder, prior)
    for complaint in found.complaints.values():
        raise complaint
    console = Console()
    say(console, f"{loaded.file.title} (fidelity {loaded.fidelity}, study {folder.folder})")
    _print(console, identifiability_tables(loaded, found))
    answer = identify_answer(loaded, folder, found)
    if freeze is not None and output is not None:
        answer["frozen"] = _freeze(console, loaded, found, freeze, output)
    write_answer(json, {"command": "identify", **answer})


def _check_options(prior: float | None, freeze: float | None, output: Path | None) -> None:
    if prior is not None and not prior > 0:
        raise ProblemError("--prior", f"{prior:g}", "a positive part of the range, such as 0.4")
    if freeze is not None and not 0 < freeze <= 1:
        raise ProblemError("--freeze", f"{freeze:g}", "a share of the prior variance between 0 and 1, such as 0.05")
    if freeze is not None and output is None:
        raise ProblemError("--freeze", f"{freeze:g}", "also the file to write, --output FILE")
    if freeze is None and output is not None:
        raise ProblemError("--output", str(output), "also which parameters to hold, --freeze SHARE")


def _loaded(path: Path, fidelity: str | None, study: Path | None) -> tuple[Problem, Study]:
    """The problem at the fidelity that was asked for, or else at that of the study that was named."""
    manifest = Study(study).manifest() if study is not None and fidelity is None else None
    loaded = coarse_problem(path, fidelity if manifest is None else manifest.fidelity)
    return loaded, study_of(loaded, study)


def _print(console: Console, tables: IdentifiabilityTables) -> None:
    for sentence in (tables.basis, *tables.left_out, "", tables.headline, tables.resolution):
        say(console, sentence)
    if tables.directions:
        say(console, "\nStiff directions (information in units of the prior's: 1 is as much as the prior knows)")
        rows = enumerate(tables.directions, start=1)
        _show(
            console,
            ("", "information", "known", "made of"),
            ((str(place), row.information, row.known, row.words) for place, row in rows),
        )
    if tables.known:
        say(console, "\nParameters (standard deviation now over before; share of the prior variance that is gone)")
        _show(
            console,
            ("parameter", "now / before", "gone", "most from"),
            ((row.name, row.width, row.gone, row.source) for row in tables.known),
        )
        say(console, "\nSloppy directions (how parameters can move together hardly noticed)")
        _show(console, ("", "information", "made of"), (("", row.information, row.words) for row in tables.sloppy))
    if tables.inert:
        names = ", ".join(tables.inert)
        say(console, f"\nInert, less than {INERT:g} of the prior variance gone ({len(tables.inert)}): {names}")
    say(console, "\nTargets (effective numbers of parameters: known from this observable alone, lost without it)")
    _show(
        console,
        ("observable", "targets", "alone", "lost without", "strongest point"),
        ((row.observable, row.targets, row.alone, row.lost, row.strongest) for row in tables.shares),
    )
    if tables.additions:
        say(console, "\nConsidered (numbers they would add; how far they are open among the models that agree)")
        _show(
            console,
            ("observable", "would add", "open within", "uncertainty"),
            ((row.observable, row.gain, row.spread, row.uncertainty) for row in tables.additions),
        )
        for row in tables.additions:
            say(console, f"{row.observable} would narrow most: {row.words}")


def _show(console: Console, titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for place, title in enumerate(titles):
        wordy = place in (0, len(titles) - 1)
        table.add_column(Text(title), justify="left" if wordy else "right", no_wrap=not wordy)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _freeze(console: Console, problem: Problem, found: Identified, threshold: float, path: Path) -> dict[str, Any]:
    """Write the reduced problem, and say what it keeps."""
    answer = found.answer
    names = answer.below(threshold)
    if len(names) == len(answer.parameters):
        raise ProblemError("--freeze", f"{threshold:g}", "a share that leaves a parameter free", "name a smaller one")
    values = {name: found.subject.point[name] for name in names}
    remark = f"held, as the targets say next to nothing of them: beadsmith identify --freeze {threshold:g}"
    kept = write_frozen(problem, values, path, remark)
    left = answer.left(names)
    held, free = count(len(names), "parameter"), len(answer.parameters) - len(names)
    say(
        console,
        f"\n{path}: {held} held at the values of {found.subject.label}, {free} left free; "
        f"the targets still know {left:.2f} of {answer.effective.value:.2f} numbers.",
    )
    if not kept:
        say(console, "The comments of the problem file could not be kept.")
    return {"threshold": threshold, "parameters": values, "effective_number_left": left, "problem": str(path)}
