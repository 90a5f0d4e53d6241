"""Small problems with any styles, and the real LAMMPS for a script of a few lines."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from beadsmith.problem.problem import Problem, load_problem
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.plan import Simulation

#: Writing YAML with the C library, where PyYAML has it, is ten times faster.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Forces = Callable[..., Problem]
Lammps = Callable[[str], list[dict[str, float]]]


@pytest.fixture
def forces(tmp_path: Path) -> Forces:
    """A problem with beads A and B, the styles wanted, and molecules by their bead sequences."""

    def problem_with(
        pair: Mapping[str, Any],
        parameters: Mapping[str, Any],
        molecules: tuple[str, ...] = ("A", "B"),
        **more: Any,
    ) -> Problem:
        document = {
            "title": "two kinds of beads",
            "beads": {"A": {"mass": "50 g/mol"}, "B": {"mass": "60 g/mol"}},
            "molecules": {f"molecule{number}": {"beads": beads} for number, beads in enumerate(molecules)},
            "forcefield": {"pair": {"cutoff": "9.5 angstrom", **pair}, **more},
            "parameters": dict(parameters),
            "experiments": {
                "alone": {
                    "kind": "vacuum",
                    "molecule": "molecule0",
                    "timestep": "1 fs",
                    "protocol": [{"stage": "minimize"}],
                }
            },
            "observables": {"energy": {"kind": "potential_energy", "experiment": "alone"}},
        }
        path = tmp_path / "problem.yaml"
        path.write_text(yaml.dump(document, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
        return load_problem(path)

    return problem_with


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()


@pytest.fixture
def lammps(engine: Engine, tmp_path: Path) -> Lammps:
    """Run a script; the answer is what it printed in lines such as ``FOUND energy=1.5 force=2``."""

    def run(text: str) -> list[dict[str, float]]:
        folder = tmp_path / "run"
        folder.mkdir()
        simulation = Simulation("probe", {"in.lammps": text}, engine.version, timestep=1.0, time_limit=60.0)
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        assert ending.exit_code == 0, ending.log[-2000:] + ending.errors
        found = re.findall(r"^FOUND (.*)$", ending.log, re.MULTILINE)
        return [
            {name: float(value) for name, value in (word.split("=") for word in line.split())}
            for line in found
            if "$" not in line
        ]

    return run
