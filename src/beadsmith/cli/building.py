"""``build``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from beadsmith.cli.answers import write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    OptionalModelOption,
    ProblemArgument,
    SeedOption,
    experiment_named,
    model_for,
)
from beadsmith.cli.speech import say
from beadsmith.crosslink.cure import cured_experiment
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.schema import Formulas, Network, Script
from beadsmith.simulate.engine import find_engine
from beadsmith.simulate.plan import Simulation, plan_simulation, seed_of_experiment


def build(
    problem: ProblemArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.", metavar="FOLDER")],
    model: OptionalModelOption = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Which one; may be left out if there is one.")
    ] = None,
    fidelity: FidelityOption = None,
    seed: SeedOption = 1,
    json: JsonOption = None,
) -> None:
    """Write a starting configuration and its LAMMPS input, to look at or to run elsewhere.

    'lmp -in in.lammps' in the folder runs the protocol; that of a network is the cure's preparation and what follows,
    without bonds that would have formed between them.
    """
    loaded = load_problem(problem, fidelity)
    chosen = model_for(loaded, model)
    able = [own for own, one in loaded.experiments.items() if not isinstance(one, Formulas | Script)]
    name = experiment_named(experiment, able, "a problem with an experiment that Beadsmith writes")
    own = seed_of_experiment(loaded, name, seed)
    simulation = plan_simulation(
        _uncured(loaded, name), name, chosen, own, find_engine(loaded.file.compute.lammps).version
    )
    output.mkdir(parents=True, exist_ok=True)
    for file, text in simulation.files.items():
        (output / file).write_text(text, encoding="utf-8")
    answer = _answer(simulation, output)
    console = Console()
    counts = ", ".join(f"{count} {what}" for what, count in answer["counts"].items())
    say(console, f"{name}: {counts}; {answer['mass']:.6g} g/mol; written to {output}")
    head = {"command": "build", "experiment": name, "fidelity": loaded.fidelity, "seed": seed}
    write_answer(json, {**head, **answer, "units": {"mass": "g/mol"}})


def _uncured(problem: Problem, name: str) -> Problem:
    """The problem with a network at degree 0 that is prepared before its protocol begins."""
    experiment = problem.experiments[name]
    if not isinstance(experiment, Network):
        return problem
    protocol = (*experiment.cure.preparation, *experiment.protocol)
    melt = cured_experiment(experiment, 0.0).model_copy(update={"protocol": protocol})
    return replace(problem, file=problem.file.model_copy(update={"experiments": {**problem.experiments, name: melt}}))


def _answer(simulation: Simulation, folder: Path) -> dict[str, Any]:
    topology = simulation.topology
    assert topology is not None  # every system that Beadsmith writes has one
    bonds = 0 if topology.bonds is None else len(topology.bonds.members)
    angles = 0 if topology.angles is None else len(topology.angles.members)
    particles = len(topology.masses)
    molecules = list(topology.molecule_kinds.values())
    return {
        "folder": str(folder),
        "files": sorted(simulation.files),
        "counts": {"molecules": len(molecules), "particles": particles, "bonds": bonds, "angles": angles},
        "molecules": {kind: molecules.count(kind) for kind in dict.fromkeys(molecules)},
        "mass": float(topology.masses.sum()),
    }
