"""Small problems to simulate, and the way from a simulation to what it recorded or why it failed."""

import copy
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Failure
from beadsmith.simulate.diagnosis import diagnose, incomplete
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.outputs import OutputMissing, read_recordings
from beadsmith.simulate.plan import Simulation

#: Writing YAML with the C library, where PyYAML has it, is ten times faster.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

DUMBBELLS = yaml.safe_load("""
title: dumbbells
beads: {A: {mass: 40 g/mol}, B: {mass: 60 g/mol}}
molecules: {dumbbell: {beads: A B}, trimer: {beads: A B A}}
forcefield: {pair: {style: lj/cut, cutoff: 8 angstrom}}
parameters:
  pair.*.epsilon: 0.1 to 1 kcal/mol
  pair.*.sigma: {fixed: 3.5 angstrom}
  bond.*.k: {fixed: 6 kcal/mol/angstrom^2}
  bond.*.length: {fixed: 3.6 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.*.theta0: {fixed: 150 degree}
experiments:
  melt:
    kind: melt
    molecules: {dumbbell: 60}
    initial_density: 0.5 g/cm^3
    timestep: 5 fs
    time_limit: 2 min
    protocol:
      - {stage: push-off, temperature: 400 K, steps: 200}
      - {stage: npt, temperature: 400 K, pressure: 1 atm, duration: 2 ps}
      - {stage: ladder, ensemble: npt, temperatures: 400 350 K, ramp: 1 ps, hold: 5 ps, frames: 10}
      - {stage: nvt, temperature: 350 K, duration: 200 steps, record: yes, frames: 5}
  alone:
    kind: vacuum
    molecule: trimer
    replicas: 10
    timestep: 5 fs
    time_limit: 2 min
    protocol:
      - {stage: langevin, temperature: 300 to 400 K, duration: 1 ps}
      - {stage: ladder, ensemble: langevin, temperatures: 400 450 K, hold: 2 ps, damping: 1 ps}
observables:
  density: {kind: density, experiment: melt}
""")

Load = Callable[[Any], Problem]
Attempt = Callable[[Simulation], "Failure | tuple[Recording, ...]"]


@pytest.fixture
def document() -> dict[str, Any]:
    """A problem with a melt and isolated molecules, to be changed."""
    return copy.deepcopy(DUMBBELLS)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_document(document: Any) -> Problem:
        path = tmp_path / "problem.yaml"
        path.write_text(yaml.dump(document, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
        return load_problem(path)

    return load_document


def middle(problem: Problem, **values: float) -> Model:
    """The model in the middle of all ranges, some parameters set otherwise."""
    point = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in problem.parameters.free}
    return constant_model("middle", problem.parameters, point | values)


@pytest.fixture
def model_of() -> Callable[..., Model]:
    return middle


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for one run."""
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.fixture
def attempt(engine: Engine, folder: Path) -> Attempt:
    """Run, diagnose, read: what it recorded, or its failure."""

    def run(simulation: Simulation) -> Failure | tuple[Recording, ...]:
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        failure = diagnose(ending, simulation.experiment)
        if failure is not None:
            return failure
        try:
            return read_recordings(simulation, folder, ending.log)
        except OutputMissing as missing:
            return incomplete(simulation.experiment, str(missing), ending)

    return run


@pytest.fixture
def script(engine: Engine) -> Callable[..., Simulation]:
    """A simulation from a script of a few lines."""

    def simulation_of(
        text: str, time_limit: float = 60.0, files: Mapping[str, str] | None = None, **more: Any
    ) -> Simulation:
        inputs = {"in.lammps": text, **(files or {})}
        return Simulation("own", inputs, engine.version, timestep=1.0, time_limit=time_limit, **more)

    return simulation_of


@pytest.fixture
def processes_in() -> Callable[[Path], list[int]]:
    """Processes that live in a folder: all that a simulation may have left behind (Linux)."""

    def find(folder: Path) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    return find


def bytes_of_frame(
    step: int,
    *chunks: Sequence[Sequence[float]],
    columns: str = "id xu yu zu",
    shape: int = 0,
    box: Sequence[float] = (0, 10, 0, 20, 0, 30),
    order: str = "<",
    units: str = "",
    time: float | None = None,
    revision: int = 2,
    magic: bytes | None = b"DUMPCUSTOM",
) -> bytes:
    """A frame of a binary dump as LAMMPS writes it, a chunk of rows for each process."""

    def packed(kinds: str, *values: Any) -> bytes:
        return struct.pack(f"{order}{kinds}", *values)

    def string(text: str) -> bytes:
        return packed("i", len(text)) + text.encode()

    width = len(columns.split())
    parts = [] if magic is None else [packed("q", -len(magic)), magic, packed("ii", 1, revision)]
    parts += [packed("qq", step, sum(map(len, chunks))), packed("i6i", shape, *[0] * 6)]
    parts += [packed(f"{len(box)}d", *box), packed("i", width)]
    if magic is not None and revision >= 2:
        parts += [string(units), packed("b", time is not None), packed("d", time) if time is not None else b""]
        parts.append(string(columns))
    parts.append(packed("i", len(chunks)))
    for chunk in chunks:
        parts.append(packed(f"i{len(chunk) * width}d", len(chunk) * width, *(value for row in chunk for value in row)))
    return b"".join(parts)


@pytest.fixture
def binary_frame() -> Callable[..., bytes]:
    """Bytes of a frame of a binary dump."""
    return bytes_of_frame
