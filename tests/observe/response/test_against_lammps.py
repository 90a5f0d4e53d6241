"""Energies, pressures and derivatives against real LAMMPS: the same configuration, ``run 0``, coefficients moved."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.build.data_file import data_file
from beadsmith.build.system import melt
from beadsmith.forcefield.coefficients import coefficient_lines, style_lines
from beadsmith.observe.response.derivatives import energies
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.schema import Vacuum
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import Simulation, plan_simulation
from beadsmith.units import ATMOSPHERES

pytestmark = pytest.mark.lammps

PEBAX = Path(__file__).parents[3] / "examples" / "pebax"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


def script(problem: Problem, recording: Recording, models: Sequence[Model], styles: Sequence[str]) -> str:
    isolated = isinstance(problem.experiments[recording.experiment], Vacuum)
    lines = [
        "units real",
        "atom_style molecular",
        "read_data system.data extra/special/per/atom 8",
        *styles,
        *(["neigh_modify exclude molecule/inter all"] if isolated else []),
        "thermo_style custom step pe press",
    ]
    for model in models:
        lines += coefficient_lines(problem, model, recording.state)
        lines += ["run 0", 'print "answer $(pe:%.16g) $(press:%.16g)"']
    return "\n".join(lines) + "\n"


@pytest.fixture
def lammps(engine: Engine, tmp_path: Path) -> Callable[..., np.ndarray]:
    """Potential energy (kcal/mol) and pressure (atm) of one frame for each of several models, shape (models, 2)."""

    def run(
        problem: Problem, recording: Recording, models: Sequence[Model], frame: int = 0, shifted: bool = False
    ) -> np.ndarray:
        isolated = isinstance(problem.experiments[recording.experiment], Vacuum)
        styles = style_lines(problem, periodic=not isolated)
        if shifted:
            styles = [re.sub("tail .*", "tail no shift yes", line) for line in styles]
        kinds = list(recording.topology.molecule_kinds.values())
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        box = melt(problem, models[0], counts, 0.1, recording.state, np.random.default_rng(0))
        edges = np.diag(recording.frames.boxes[frame])
        system = replace(box, positions=recording.frames.positions[frame], edges=edges, topology=recording.topology)
        files = {"in.lammps": script(problem, recording, models, styles), "system.data": data_file(system, "test")}
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        simulation = Simulation("test", files, engine.version, 1.0, 120.0)
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        assert ending.exit_code == 0, ending.log[-2000:]
        answers = re.findall(r"^answer (\S+) (\S+)$", ending.log, re.MULTILINE)
        assert len(answers) == len(models)
        return np.array(answers, dtype=float)

    return run


@pytest.mark.parametrize("experiment", ["melt", "vacuum"])
def test_energy_and_pressure_are_those_of_lammps(make_problem, model_of, record, lammps, forcefield, experiment):
    problem = make_problem(**forcefield)
    model, recording = model_of(problem), record(problem, experiment, frames=1)
    energy = energies(recording, problem, model)
    expected, pressure = lammps(problem, recording, [model])[0]
    assert energy.printed.values.sum() == pytest.approx(expected, rel=1e-8)
    if experiment == "melt":
        volume = np.linalg.det(recording.frames.boxes[0])
        assert energy.virial.values[0, 0] / (3 * volume) * ATMOSPHERES == pytest.approx(pressure, rel=1e-7)


@pytest.fixture(scope="module")
def pebax() -> Problem:
    return load_problem(PEBAX / "problem.yaml", "ci")


@pytest.fixture(scope="module")
def published(pebax: Problem) -> Model:
    return load_model(PEBAX / "models" / "martins2025-bo.yaml", pebax)


@pytest.fixture(scope="module")
def simulated(pebax: Problem, published: Model, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The Pebax melt at one temperature, from real molecular dynamics; lengths as a data file rounds them."""
    folder = tmp_path_factory.mktemp("melt")
    simulation = plan_simulation(pebax, "melt", published, 11, engine.version)
    ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
    recording = read_recordings(simulation, folder, ending.log)[3]
    positions, boxes = np.round(recording.frames.positions, 5), np.round(recording.frames.boxes, 8)
    return replace(recording, frames=replace(recording.frames, positions=positions, boxes=boxes))


def test_energies_of_frames_of_the_pebax_melt_are_those_of_lammps(pebax, published, simulated, lammps):
    energy = energies(simulated, pebax, published)
    volumes = np.linalg.det(simulated.frames.boxes)
    for frame in (0, 4, 9):
        potential, pressure = lammps(pebax, simulated, [published], frame)[0]
        assert energy.printed.values[frame, 0] == pytest.approx(potential, rel=1e-9)
        assert energy.virial.values[frame, 0] / (3 * volumes[frame]) * ATMOSPHERES == pytest.approx(pressure, rel=1e-7)


def test_what_is_sampled_is_the_shifted_energy_and_the_work_of_the_tail_pressure(pebax, published, simulated, lammps):
    sampled = energies(simulated, pebax, published).sampled.values[:, 0]
    for frame in (0, 9):
        volume = np.linalg.det(simulated.frames.boxes[frame])
        [[_, pressure]] = lammps(pebax, simulated, [published], frame)
        [[shifted, without_tail]] = lammps(pebax, simulated, [published], frame, shifted=True)
        # The tail's pressure is E/V^2: its work from V to infinity is E/V.
        work = (pressure - without_tail) / ATMOSPHERES * volume
        assert sampled[frame] == pytest.approx(shifted + work, rel=1e-8)


def test_derivatives_by_all_41_parameters_are_finite_differences_of_lammps(pebax, published, simulated, lammps):
    names = [parameter.name for parameter in pebax.parameters.free]
    assert len(names) == 41
    values = published.at(simulated.state)
    # Powers of ten, so that LAMMPS reads exactly the numbers we mean.
    steps = {name: 10.0 ** (math.floor(math.log10(values[name])) - 4) for name in names}
    models = [
        constant_model("moved", pebax.parameters, {**values, name: values[name] + count * steps[name]})
        for name in names
        for count in (-2, -1, 1, 2)
    ]
    found = lammps(pebax, simulated, models)
    far_below, below, above, far_above = found.reshape(41, 4, 2).transpose(1, 2, 0)
    widths = np.array(list(steps.values()))
    slopes = (8.0 * (above - below) - (far_above - far_below)) / (12.0 * widths)
    energy = energies(simulated, pebax, published)
    assert energy.printed.slopes[0, 0] == pytest.approx(slopes[0], rel=1e-6)
    volume = np.linalg.det(simulated.frames.boxes[0])
    assert energy.virial.slopes[0, 0] / (3 * volume) * ATMOSPHERES == pytest.approx(slopes[1], rel=1e-6, abs=1e-5)
    worst = np.abs(energy.printed.slopes[0, 0] / slopes[0] - 1.0).max()
    print(f"largest relative deviation of 41 derivatives of the energy: {worst:.1e}")
