"""``check``, ``init``, ``schema`` and ``doctor``."""

from __future__ import annotations

import json as json_
import math
import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from beadsmith.atomistic.data_file import type_counts
from beadsmith.build.atoms import unplaced_atoms, users_molecules
from beadsmith.campaign.curing import model_of_cure
from beadsmith.campaign.default_search import search_method
from beadsmith.campaign.pool import available_cores, cluster_of, job_script, worker_count
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.timing import Cost, engine_speed, estimate_cost, simulations_of
from beadsmith.cli.answers import units_of, write_answer
from beadsmith.cli.options import FidelityOption, JsonOption, ProblemArgument
from beadsmith.cli.speech import say
from beadsmith.errors import EngineNotFound, ProblemError
from beadsmith.forcefield.coefficients import interaction_names
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import Problem, load_model, load_problem, problem_schema
from beadsmith.problem.schema import Formulas, Network, OwnForceField, Periodic, Script, Vacuum
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, PAIR_STYLES
from beadsmith.simulate.checkpoints import steps_before_pull, steps_between_restarts
from beadsmith.simulate.engine import find_engine


def check(
    problem: ProblemArgument,
    fidelity: FidelityOption = None,
    timing: Annotated[bool, typer.Option(help="Time a few steps of every experiment to estimate the cost.")] = True,
    json: JsonOption = None,
) -> None:
    """Validate a problem file; print what would run, how many simulations, and what it would cost."""
    loaded = load_problem(problem, fidelity)
    for name in loaded.file.compare.values():
        load_model(loaded.file_named(name), loaded)
    for name, experiment in loaded.experiments.items():
        if isinstance(experiment, Network):
            model_of_cure(loaded, name)
        if isinstance(experiment, Script) and loaded.atomistic:
            users_molecules(loaded, name, experiment)
    console = Console()
    _describe(console, loaded)
    engine = find_engine(loaded.file.compute.lammps) if timing else None
    costs = [estimate_cost(loaded, name, engine) for name in loaded.experiments] if engine is not None else []
    answer = _plan_answer(loaded, costs)
    _print_plan(console, loaded, costs, answer)
    if cluster_of(loaded.file.compute) is not None:
        say(console, f"\nJob script:\n{job_script(loaded.file.compute)}")
    write_answer(json, {"command": "check", **answer})


def init(
    path: Annotated[Path, typer.Argument(help="File to write.", metavar="FILE")] = Path("problem.yaml"),
    force: Annotated[bool, typer.Option(help="Overwrite it if it exists.")] = False,
) -> None:
    """Write a commented problem file to start from: a small polymer melt that runs as it is."""
    if path.exists() and not force:
        raise ProblemError(str(path), "a file that exists", "a new file", "name another, or give --force")
    if not path.parent.is_dir():
        raise ProblemError(str(path), "a folder that does not exist", "a file in an existing folder")
    path.write_text(starting_file(), encoding="utf-8")
    typer.echo(f"Written: {path}.  Next: beadsmith check {path}")


def starting_file() -> str:
    """Text of the commented starting file."""
    return files("beadsmith.cli").joinpath("starting_file.yaml").read_text(encoding="utf-8")


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; standard output if left out.")
    ] = None,
) -> None:
    """Print the JSON schema of the problem file, for editors that complete and check YAML."""
    text = json_.dumps(problem_schema(), indent=1) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def doctor(
    lammps: Annotated[str | None, typer.Option(help="A LAMMPS executable of your own.")] = None,
    json: JsonOption = None,
) -> None:
    """Is all here that Beadsmith needs?  LAMMPS and its styles, MPI, cores, speed, disk.  Exit code 1 if not."""
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2))
    answer: dict[str, Any] = {
        "command": "doctor",
        "python": sys.version.split()[0],
        "cores": available_cores(),
    }
    answer["free_disk_gigabytes"] = round(shutil.disk_usage(Path.cwd()).free / 1e9, 1)
    try:
        engine = find_engine(lammps)
        missing = [
            name for styles in (PAIR_STYLES, BOND_STYLES, ANGLE_STYLES) for name in styles if name not in engine.styles
        ]
        speed = engine_speed(engine)
        answer |= {
            "lammps": engine.version,
            "executable": engine.executable,
            "mpiexec": engine.mpiexec,
            "missing_styles": missing,
            "atom_steps_per_second": speed,
        }
        problem = f"the styles {', '.join(missing)} are missing" if missing else ""
    except EngineNotFound as error:
        answer["lammps"] = None
        problem = str(error)
    answer["problem"] = problem
    for key, value in answer.items():
        if key != "command":
            table.add_row(key.replace("_", " "), _shown(value))
    console.print(table)
    say(console, f"Not well: {problem}" if problem else "All is well.")
    write_answer(json, {**answer, "units": {"atom_steps_per_second": "1/s", "free_disk_gigabytes": "GB"}})
    if problem:
        raise typer.Exit(1)


def _describe(console: Console, problem: Problem) -> None:
    say(console, f"{problem.file.title}  (fidelity {problem.fidelity} of {', '.join(problem.fidelities) or 'base'})")
    say(console, f"{_forcefield_in_words(problem)}; {len(problem.targets)} targets")
    for name, experiment in problem.experiments.items():
        states = "; ".join(state.label for state in recorded_states(experiment))
        say(console, f"  {name} ({experiment.kind}) records at {states or 'its only state'}")
        if problem.atomistic and isinstance(experiment, Periodic):
            cured = " before the cure" if isinstance(experiment, Network) else ""
            say(console, f"    data file{cured}: {_types_in_words(problem, experiment)}")
        if isinstance(experiment, Periodic | Vacuum):
            every = steps_between_restarts(problem, experiment, steps_before_pull(experiment))
            if every is not None:
                say(console, f"    restart files every {every} steps, from which it goes on if it is killed")


def _forcefield_in_words(problem: Problem) -> str:
    if problem.atomistic:
        own = isinstance(problem.file.forcefield, OwnForceField)
        numbers = "those of your own files" if own else "those of DREIDING"
        return f"{len(problem.graphs)} molecules of atoms; parameters: {numbers}"
    space = problem.parameters
    bonds, angles = interaction_names(problem)
    return (
        f"{len(problem.beads)} bead types, {len(bonds)} bond types, {len(angles)} angle types; parameters: "
        f"{len(space.free)} free, {len(space.fixed)} fixed, {len(space.tied)} tied"
    )


def _types_in_words(problem: Problem, experiment: Periodic) -> str:
    # One molecule of each kind has all types that many have.
    one_of_each = unplaced_atoms(problem, dict.fromkeys(experiment.molecules, 1), experiment.initial_density)
    return ", ".join(f"{count} {name} types" for name, count in type_counts(one_of_each).items())


def _plan_answer(problem: Problem, costs: list[Cost]) -> dict[str, Any]:
    search = problem.file.search
    # Nothing is searched for among atoms: 'evaluate' simulates their force field once.
    searched = 1 if problem.atomistic else search.evaluations
    measured = 0 if problem.atomistic else search.remeasure * (search.candidates + len(problem.file.compare))
    evaluations = searched + measured
    known = [cost.core_seconds for cost in costs if cost.core_seconds is not None]
    per_evaluation = sum(known) if known and len(known) == len(costs) else None
    cures = [cost.cure * (1 if _once(problem, cost) else evaluations) for cost in costs if cost.cure is not None]
    return {
        "problem": str(problem.path),
        "fidelity": problem.fidelity,
        "free_parameters": [parameter.name for parameter in problem.parameters.free],
        "targets": len(problem.targets),
        "search": None if problem.atomistic else search_method(problem),
        "evaluations": searched,
        "measurements": measured,
        "simulations": evaluations * sum(simulations_of(one) for one in problem.experiments.values()),
        "workers": worker_count(problem.file.compute),
        "core_seconds_per_evaluation": per_evaluation,
        "core_hours": None if per_evaluation is None else (per_evaluation * evaluations + sum(cures)) / 3600,
        "experiments": {
            cost.experiment: {
                "beads": cost.beads,
                "steps": cost.steps,
                "core_seconds": cost.core_seconds,
                "cure_core_seconds": cost.cure,
                "atom_steps_per_second": cost.rate,
            }
            for cost in costs
        },
        "design": _design_answer(problem, costs),
        "units": {**units_of(problem), "core_hours": "h", "atom_steps_per_second": "1/s"},
    }


def _design_answer(problem: Problem, costs: list[Cost]) -> dict[str, Any] | None:
    """What a design would simulate, and cost; None without a design."""
    if problem.file.design is None:
        return None
    by_experiment = {cost.experiment: cost for cost in costs}
    found: dict[str, Any] = {}
    for system in systems_of(problem):
        cost, experiment = by_experiment.get(system.name), problem.experiments[system.name]
        states = len(experiment.degrees) if isinstance(experiment, Network) else 1
        hours = None
        if cost is not None and cost.core_seconds is not None:
            hours = (system.points * cost.core_seconds / states + (cost.cure or 0.0)) / 3600
        found[system.name] = {"points": system.points, "dimensions": system.dimension, "core_hours": hours}
    return found


def _print_plan(console: Console, problem: Problem, costs: list[Cost], answer: dict[str, Any]) -> None:
    if problem.atomistic:
        say(console, f"Would run: {answer['simulations']} simulations, {answer['workers']} at once")
    else:
        say(
            console,
            f"Would run: {answer['evaluations']} evaluations ({answer['search']}) and "
            f"{answer['measurements']} measurements, {answer['simulations']} simulations, {answer['workers']} at once",
        )
    for name, design in (answer["design"] or {}).items():
        spent = "" if design["core_hours"] is None else f", {design['core_hours']:.3g} core-hours"
        say(console, f"Would design: {design['points']} points of {name} in {design['dimensions']} dimensions{spent}")
    for cost in costs:
        if isinstance(problem.experiments[cost.experiment], Formulas):
            say(console, f"  {cost.experiment}: formulas, nothing to simulate")
        elif cost.core_seconds is None:
            say(console, f"  {cost.experiment}: a script of your own, its cost is not known")
        else:
            particles, rate = f"{problem.particle}s", (cost.rate or math.nan) / 1e6
            size = f"{cost.beads} {particles}, {cost.steps} steps, {cost.core_seconds:.3g} core-seconds"
            say(console, f"  {cost.experiment}: {size} ({rate:.2g} million atom-steps/s)")
        if cost.cure is not None:
            times = "once for all models" if _once(problem, cost) else "for each model"
            say(console, f"    cures: {cost.cure:.3g} core-seconds at least, {times}")
    if answer["core_hours"] is not None:
        wall = answer["core_hours"] / answer["workers"]
        say(console, f"Estimated: {answer['core_hours']:.3g} core-hours, {wall:.3g} h here ({os.cpu_count()} cores)")
    say(console, "The file is valid.")


def _once(problem: Problem, cost: Cost) -> bool:
    """Whether all models share the networks of an experiment."""
    return model_of_cure(problem, cost.experiment) is not None


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
