"""The reference dataset of this folder: densities, displacements, moduli of all-atom networks, with their errors.

    python examples/epoxy-atomistic/make_reference.py pacm --replicas 1 --workers 2

A replica is a network of its own.  Finished simulations stay in studies/reference-SYSTEM: the command goes on where it
stopped, and with more replicas it simulates only those that are missing.
"""

import argparse
import csv
import json
import math
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from beadsmith import __version__
from beadsmith.campaign.driver import measure
from beadsmith.campaign.laboratory import Laboratory, open_laboratory
from beadsmith.campaign.replicas import pooled_networks
from beadsmith.campaign.study import Study
from beadsmith.cli.evaluating import seeds_of_repetitions
from beadsmith.cli.options import model_for, with_workers
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.problem.state import DEGREE

HERE = Path(__file__).parent
SCALARS = ("density", "debye_waller_factor", "debye_waller_factor_of_atoms", "youngs_modulus", "yield_stress")


def main() -> None:
    """Simulate what is missing, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["pacm", "d400"])
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--fidelity", default="quick")
    parser.add_argument("--study", type=Path)
    arguments = parser.parse_args()
    problem = with_workers(load_problem(HERE / f"{arguments.system}.yaml", arguments.fidelity), arguments.workers)
    study = Study(arguments.study or Path("studies") / f"reference-{arguments.system}")
    rows, curves, spent, engine = [], [], 0.0, ""
    known: set[str] = set()
    for replica in range(1, arguments.replicas + 1):
        several = with_networks(problem, replica)
        with open_laboratory(several, study, judge=False) as laboratory:
            (evaluation,) = measure(laboratory, None, [("", model_for(several, None), {})], seeds_of_repetitions(1, 1))
            new = [name for name in evaluation.runs if name not in known]
            known.update(new)
            found = observations(laboratory, new)
            engine = laboratory.engine.version
        report_failures(evaluation)
        spent = evaluation.core_seconds
        rows += list(rows_of(arguments.system, replica, found))
        curves += list(curve_of(arguments.system, replica, found))
    folder = HERE / "reference"
    folder.mkdir(exist_ok=True)
    write(folder / f"{arguments.system}.csv", rows)
    write(folder / f"{arguments.system}-displacements.csv", curves)
    provenance = {
        "command": f"python examples/epoxy-atomistic/make_reference.py {arguments.system} --replicas {replica}",
        "problem": f"examples/epoxy-atomistic/{arguments.system}.yaml",
        "fidelity": arguments.fidelity,
        "atoms": sum(count * len(problem.graphs[name].names) for name, count in molecules_of(problem).items()),
        "core_hours": round(spent / 3600, 2),
        "lammps": engine,
        "beadsmith": __version__,
        "python": platform.python_version(),
        "units": {
            "density": "g/cm^3",
            "debye_waller_factor": "angstrom^2",
            "youngs_modulus": "GPa",
            "yield_stress": "MPa",
        },
    }
    text = json.dumps(provenance, indent=1) + "\n"
    (folder / f"{arguments.system}.json").write_text(text, encoding="utf-8")


def molecules_of(problem: Problem) -> dict[str, int]:
    """How many of each molecule."""
    return dict(problem.experiments["network"].molecules)


def with_networks(problem: Problem, count: int) -> Problem:
    """The problem with so many independent networks."""
    network = problem.experiments["network"].model_copy(update={"networks": count})
    return replace(problem, file=problem.file.model_copy(update={"experiments": {"network": network}}))


def observations(laboratory: Laboratory, runs: Sequence[str]) -> tuple[Observation, ...]:
    """What the simulations of one network say: three pulls of one network are one measurement of it."""
    results = [result for name in runs if (result := laboratory.store.result(name)) is not None]
    degrees = sorted({one.state[DEGREE] for result in results for one in result.observations})
    found: tuple[Observation, ...] = ()
    for degree in degrees:
        here = [one.observations for one in results if any(own.state[DEGREE] == degree for own in one.observations)]
        pulls = [own for own in here if any(one.observable == "youngs_modulus" for one in own)]
        rest = [own for own in here if own not in pulls]
        found += tuple(one for part in (rest, pulls) for one in pooled_networks([part]))
    return found


def rows_of(system: str, replica: int, found: Sequence[Observation]) -> Iterator[dict[str, object]]:
    """A row for each degree of crosslinking."""
    for degree in sorted({one.state[DEGREE] for one in found}):
        row: dict[str, object] = {"system": system, "DC": f"{degree:g}", "replica": replica}
        for name in SCALARS:
            one = next((own for own in found if own.observable == name and own.state[DEGREE] == degree), None)
            row[name] = "" if one is None or math.isnan(one.value) else f"{one.value:.5g}"
            row[f"{name}_stderr"] = "" if one is None or not math.isfinite(one.stderr) else f"{one.stderr:.3g}"
        yield row


def curve_of(system: str, replica: int, found: Sequence[Observation]) -> Iterator[dict[str, object]]:
    """A row for each degree of crosslinking and time."""
    for one in found:
        if one.observable == "mean_squared_displacement":
            yield {
                "system": system,
                "DC": f"{one.state[DEGREE]:g}",
                "replica": replica,
                "time_ps": f"{one.state['t'] / 1000:g}",
                "mean_squared_displacement": f"{one.value:.5g}",
                "mean_squared_displacement_stderr": f"{one.stderr:.3g}",
            }


def report_failures(evaluation: Evaluation) -> None:
    """Say what went wrong; its rows stay empty."""
    for failure in evaluation.failures:
        print(failure.sentence)


def write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """A CSV table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
