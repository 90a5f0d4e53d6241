"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from beadsmith.campaign.renormalization.history import Command
from beadsmith.campaign.study import Study
from beadsmith.errors import ProblemError
from beadsmith.problem.model import DREIDING, OWN_FORCE_FIELD, Model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.quantity import parse_quantity
from beadsmith.problem.schema import Local, OwnForceField
from beadsmith.problem.targets import KIND_OF_VARIABLE, parse_variable
from beadsmith.units import UNIT_OF_KIND

ProblemArgument = Annotated[Path, typer.Argument(help="Problem file (YAML).", metavar="PROBLEM")]
FidelityOption = Annotated[
    str | None,
    typer.Option("--fidelity", "-f", help="One of the file's fidelities; its default_fidelity if left out."),
]
ModelOption = Annotated[Path, typer.Option("--model", "-m", help="Model file (YAML).", metavar="MODEL")]
OptionalModelOption = Annotated[
    Path | None,
    typer.Option("--model", "-m", help="Model file (YAML); none for a problem of atoms.", metavar="MODEL"),
]
StudyOption = Annotated[
    Path | None,
    typer.Option("--study", "-s", help="Folder of the study; studies/PROBLEM-FIDELITY if left out.", metavar="FOLDER"),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", help="Write the answer here as JSON ('-': standard output).", metavar="FILE"),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", help="Write a page with figures and tables here (HTML).", metavar="FILE"),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Simulations at once; the number of cores if left out.")
]
StateOption = Annotated[
    list[str] | None,
    typer.Option("--state", help="State: T=300, or several: DC=0,0.5,0.9. May be repeated.", metavar="NAME=VALUES"),
]

#: Parameters of commands that say where and how fast, not what; the fidelity and the seed are always said.
_NO_MATTER = ("problem", "study", "json", "workers", "fidelity", "seed")

SeedOption = Annotated[int, typer.Option(min=0, help="Everything random derives from it.")]


def coarse_problem(
    path: Path,
    fidelity: str | None = None,
    *,
    measured: bool = True,
    remedy: str = "the force field of atoms is known: use beadsmith evaluate, map and invert",
) -> Problem:
    """A problem whose force field has something to calibrate.

    Args:
        path, fidelity, measured: see :func:`beadsmith.problem.problem.load_problem`.
        remedy: what to do with a problem of atoms instead.

    Raises:
        ProblemError: it cannot be read, or is one of atoms.
    """
    problem = load_problem(path, fidelity, measured=measured)
    if problem.atomistic:
        raise ProblemError(f"{path}: forcefield", "a problem of atoms", "one of beads", remedy)
    return problem


def model_for(problem: Problem, path: Path | None) -> Model:
    """The model to simulate: the one that is named, or, for a problem of atoms, its force field.

    Raises:
        ProblemError: no model where one is needed, one where none is, or one that cannot be read.
    """
    if problem.atomistic:
        if path is not None:
            raise ProblemError("--model", str(path), "no model for a problem of atoms", "leave it out")
        return OWN_FORCE_FIELD if isinstance(problem.file.forcefield, OwnForceField) else DREIDING
    if path is None:
        raise ProblemError("--model", "nothing", "a model file (YAML)", "give --model MODEL")
    return load_model(path, problem)


def experiment_named(name: str | None, able: list[str], wanted: str) -> str:
    """The experiment that is named, or the only one that will do.

    Args:
        name: None if none is named.
        able: those that will do.
        wanted: what to say if there is none.

    Raises:
        ProblemError: another one is named, or none although there are several.
    """
    if name is None and len(able) == 1:
        return able[0]
    if name not in able:
        expected = f"one of {', '.join(able)}" if able else wanted
        raise ProblemError("--experiment", "nothing" if name is None else name, expected)
    return name


def command_given(context: typer.Context, problem: Problem, seed: int) -> Command:
    """The command that is running, with all options that what it finds depends on."""
    options = [("--fidelity", problem.fidelity), ("--seed", str(seed))]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if (
            name in _NO_MATTER
            or parameter.param_type_name != "option"
            or source is None
            or source.name != "COMMANDLINE"
        ):
            continue
        value = context.params[name]
        for one in value if isinstance(value, list | tuple) else [value]:
            options.append((parameter.opts[0], "" if one is True else str(one)))
    return Command(context.command.name or "", problem.path.name, tuple(options))


def study_of(problem: Problem, folder: Path | None) -> Study:
    """The study that is named, or the usual one of a problem."""
    return Study(folder or usual_folder(problem.path, problem.fidelity))


def usual_folder(path: Path, fidelity: str) -> Path:
    """Where the study of a problem file at a fidelity is, unless somebody names another folder."""
    stem = path.stem if path.stem != "problem" else path.absolute().parent.name
    return Path("studies") / f"{stem}-{fidelity}"


def with_workers(problem: Problem, workers: int | None) -> Problem:
    """The problem with so many simulations at once on this machine; as it is with None."""
    if workers is None:
        return problem
    compute = problem.file.compute.model_copy(update={"local": Local(workers=workers)})
    return replace(problem, file=problem.file.model_copy(update={"compute": compute}))


def parse_option(text: str, kind: str, name: str) -> float:
    """A quantity from the command line, in the unit of its kind; a positive one, unless it is a pressure.

    Raises:
        ProblemError: not one.
    """
    try:
        value = parse_quantity(text, kind)
    except ValueError as error:
        raise ProblemError(name, text, str(error)) from error
    if value <= 0 and kind != "pressure":
        raise ProblemError(name, text, f"a positive {kind}")
    return value


def parse_states(texts: Sequence[str] | None) -> dict[str, tuple[float, ...]]:
    """``["T=300,350", "DC=0.5"]`` to values by name; units may be given and are converted.

    Raises:
        ProblemError: no name, or values that are not numbers.
    """
    wanted: dict[str, tuple[float, ...]] = {}
    for text in texts or []:
        name, found, values = text.partition("=")
        if not found or not name.isidentifier():
            raise ProblemError("--state", text, "NAME=VALUES, such as T=300 or DC=0,0.5,0.9")
        unit = UNIT_OF_KIND[KIND_OF_VARIABLE.get(name, "number")]
        bare = all(word.strip().replace(".", "", 1).lstrip("+-").isdigit() for word in values.split(","))
        wanted[name] = parse_variable(name, f"{values} {unit}".strip() if bare else values, f"--state {name}")
    return wanted


def parse_state(texts: Sequence[str] | None) -> dict[str, float]:
    """Like :func:`parse_states`, with one value of each.

    Raises:
        ProblemError: several values of one name, too.
    """
    wanted = parse_states(texts)
    for name, values in wanted.items():
        if len(values) != 1:
            raise ProblemError(f"--state {name}", f"{len(values)} values", "one value")
    return {name: value for name, (value,) in wanted.items()}
