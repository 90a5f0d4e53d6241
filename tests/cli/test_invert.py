"""``invert`` on a melt of trimers that real LAMMPS made: what was put in comes out, in files that others read."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from beadsmith.cli.main import app
from beadsmith.errors import BeadsmithError
from beadsmith.inversion.bonded import invert_bonded
from beadsmith.inversion.trajectory import trajectories_of
from beadsmith.problem.functions import Constant
from beadsmith.problem.model import Model
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.recording_file import load_recordings, save_recordings
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulations

pytestmark = pytest.mark.lammps

FILE = """
title: trimers
beads: {A: {mass: 40 g/mol}, B: {mass: 60 g/mol}}
molecules: {trimer: {beads: A B A}}
forcefield: {pair: {style: lj/cut, cutoff: 10 angstrom, mixing: arithmetic}}
parameters:
  pair.A.epsilon: {fixed: 0.4 kcal/mol}
  pair.B.epsilon: {fixed: 0.6 kcal/mol}
  pair.A.sigma: {fixed: 4.0 angstrom}
  pair.B.sigma: {fixed: 4.6 angstrom}
  bond.A-B.k: {fixed: 20 kcal/mol/angstrom^2}
  bond.A-B.length: {fixed: 3.6 angstrom}
  angle.A-B-A.k: {fixed: 6 kcal/mol/rad^2}
  angle.A-B-A.theta0: {fixed: 130 degree}
experiments:
  melt:
    kind: melt
    molecules: {trimer: 120}
    initial_density: 0.5 g/cm^3
    timestep: 4 fs
    protocol:
      - {stage: push-off, temperature: 400 K}
      - {stage: npt, temperature: 400 K, pressure: 100 atm, duration: 12 ps}
      - {stage: npt, temperature: 400 K, pressure: 1 atm, duration: 40 ps, record: yes, frames: 80}
  alone:
    kind: vacuum
    molecule: trimer
    replicas: 200
    timestep: 2 fs
    protocol:
      - {stage: langevin, temperature: 400 K, duration: 4 ps, damping: 0.2 ps}
      - {stage: langevin, temperature: 400 K, duration: 12 ps, damping: 0.2 ps, record: yes, frames: 40}
observables:
  density: {kind: density, experiment: melt}
"""


def beadsmith(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


def refused(*words: object, folder: Path) -> str:
    """The sentence; in this process, for a new one takes longer to start than to refuse."""
    placed = [str(folder / str(word)) if str(word).endswith((".npz", ".yaml")) else str(word) for word in words]
    caught = CliRunner().invoke(app, placed).exception
    assert isinstance(caught, BeadsmithError), caught
    assert "\n" not in str(caught)
    return str(caught)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A melt and molecules in vacuum, as beads.npz and alone.npz."""
    folder = tmp_path_factory.mktemp("invert")
    (folder / "truth.yaml").write_text(FILE)
    problem = load_problem(folder / "truth.yaml")
    model = Model("truth", {name: Constant(value) for name, value in problem.parameters.fixed.items()})
    engine = find_engine()
    for simulation in plan_simulations(problem, model, 3, engine.version):
        run = folder / f"run-{simulation.experiment}"
        run.mkdir()
        finished = run_simulation(simulation, run, engine, lambda: False)
        recordings = read_recordings(simulation, run, finished.ending.log)
        save_recordings(folder / f"{simulation.experiment}.npz", recordings)
    return folder


@pytest.fixture(scope="module")
def answer(folder: Path) -> dict:
    done = beadsmith("invert", "melt.npz", "--output", "out", "--json", "out.json", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "first guesses" in done.stdout
    return json.loads((folder / "out.json").read_text())


def changed(folder: Path, name: str, **changes: object) -> Path:
    """The melt with something else about it."""
    recordings = [replace(one, **changes) for one in load_recordings(folder / "melt.npz")]
    save_recordings(folder / name, recordings)
    return folder / name


def recording(folder: Path) -> Recording:
    return load_recordings(folder / "melt.npz")[0]


def test_values_have_errors_and_are_right(answer):
    parameters = answer["parameters"]
    assert all(set(one) == {"value", "stderr"} for one in parameters.values())
    # In a melt neighbours push bonds and angles a little.
    for name, truth, allowed in (
        ("bond.A-B.k", 20.0, 0.1),
        ("bond.A-B.length", 3.6, 0.01),
        ("angle.A-B-A.k", 6.0, 0.1),
        ("angle.A-B-A.theta0", 130.0, 0.02),
        ("pair.A.sigma", 4.0, 0.05),
        ("pair.B.sigma", 4.6, 0.05),
    ):
        assert parameters[name]["value"] == pytest.approx(truth, rel=allowed)
    for name, truth in (("pair.A.epsilon", 0.4), ("pair.B.epsilon", 0.6)):
        assert abs(parameters[name]["value"] - truth) < 2.0 * parameters[name]["stderr"]
    assert answer["mixing"][0]["name"] == "A-B"
    assert abs(answer["mixing"][0]["sigma_deviation"]) < 3
    assert answer["units"]["bond.A-B.k"] == "kcal/mol/angstrom^2"


def test_molecules_in_vacuum_give_their_terms_back(folder):
    """Bonds of isolated trimers; their pairs are never seen, so only bonded terms can be asked for."""
    trajectories = trajectories_of(load_recordings(folder / "alone.npz"), "alone.npz")
    bond = invert_bonded("bond", "A-B", trajectories)
    angle = invert_bonded("angle", "A-B-A", trajectories)
    assert abs(bond.k - 20.0) < 3.5 * bond.k_stderr
    assert abs(bond.centre - 3.6) < 3.5 * bond.centre_stderr
    assert abs(angle.k - 6.0) < 3.5 * angle.k_stderr
    assert abs(angle.centre - 130.0) < 3.5 * angle.centre_stderr


def test_the_problem_and_its_model_can_be_read(folder, answer):
    problem = load_problem(folder / "out" / "problem.yaml")
    model = load_model(folder / "out" / "model.yaml", problem)
    free = {one.name: one for one in problem.parameters.free}
    assert set(free) == {"pair.A.epsilon", "pair.A.sigma", "pair.B.epsilon", "pair.B.sigma"}
    value = model.at(State.of(T=400.0))["pair.A.sigma"]
    assert (free["pair.A.sigma"].low, free["pair.A.sigma"].high) == pytest.approx((0.8 * value, 1.2 * value), rel=1e-3)
    assert model.uncertainty["bond.A-B.k"] > 0
    assert problem.experiments["melt"].molecules == {"trimer": 120}
    assert problem.targets[0].observable == "density"


def test_ranges_that_are_narrower_than_the_errors_are_told(answer):
    narrow = [
        name
        for name, one in answer["parameters"].items()
        if name.endswith("epsilon") and one["stderr"] > 0.2 * one["value"]
    ]
    assert narrow
    (sentence,) = [one for one in answer["warnings"] if "--spread" in one]
    assert all(name in sentence for name in narrow)


def test_files_for_eyes_and_for_others(folder, answer):
    out = folder / "out"
    for name in ("bonds.png", "angles.png", "radial.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    with (out / "distributions" / "bond.A-B.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"length", "density", "density_stderr", "harmonic", "gaussians", "potential_of_mean_force"} == set(rows[0])
    assert (out / "tables" / "angle.table").is_file()
    assert (out / "distributions" / "radial.A-B.csv").is_file()


def test_a_problem_of_its_own_is_given_the_ranges(folder, answer):
    done = beadsmith(
        "invert",
        "melt.npz",
        "-o",
        "given",
        "--problem",
        "truth.yaml",
        "--cutoff",
        "10 angstrom",
        "--spread",
        0.5,
        folder=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    problem = load_problem(folder / "given" / "problem.yaml")
    model = load_model(folder / "given" / "model.yaml", problem).at(State.of(T=400.0))
    for one in problem.parameters.free:
        assert (one.low, one.high) == pytest.approx((0.5 * model[one.name], 1.5 * model[one.name]), rel=1e-3)
    assert {one.name for one in problem.parameters.free} == {
        f"pair.{bead}.{name}" for bead in "AB" for name in ("epsilon", "sigma")
    }
    assert "alone" in problem.experiments
    load_model(folder / "given" / "model.yaml", problem)


def test_an_iteration_writes_potentials_and_goes_on(folder):
    words = ("invert", "melt.npz", "-o", "it", "--cutoff", "10 angstrom", "--steps", "1000", "--frames", "10")
    done = beadsmith(*words, "--iterate", 1, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    first = (folder / "it" / "iterations" / "001" / "state_1" / "measured.json").stat().st_mtime_ns
    done = beadsmith(*words, "--iterate", 2, "--json", "it.json", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "it" / "iterations" / "001" / "state_1" / "measured.json").stat().st_mtime_ns == first
    answer = json.loads((folder / "it.json").read_text())
    assert [one["iteration"] for one in answer["iterations"]] == [1, 2]
    assert set(answer["tables"]) == {"pair_A-A", "pair_B-B", "pair_A-B", "bond_A-B", "angle_A-B-A"}
    load_problem(folder / "it" / "problem.yaml")


@pytest.mark.slow
def test_what_was_written_is_simulated(folder, answer):
    done = beadsmith("evaluate", "out/problem.yaml", "--model", "out/model.yaml", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "density" in done.stdout.lower()


class TestRefusals:
    def test_unknown_pair_style(self, folder):
        line = refused("invert", "melt.npz", "-o", "no", "--pair", "buck", folder=folder)
        assert "--pair: received buck, expected one of lj/cut, lj/gromacs, mie/cut" in line

    def test_unknown_mixing(self, folder):
        assert "--mixing" in refused("invert", "melt.npz", "-o", "no", "--mixing", "sum", folder=folder)

    def test_a_box_that_is_too_small(self, folder):
        line = refused("invert", "melt.npz", "-o", "no", "--cutoff", "40 angstrom", folder=folder)
        assert "half the shortest edge" in line
        assert "simulate more molecules" in line

    def test_a_missing_file(self, folder):
        assert "nothing.npz" in refused("invert", "nothing.npz", "-o", "no", folder=folder)

    def test_no_frames(self, folder):
        path = changed(folder, "empty.npz", frames=None)
        assert "no frames" in refused("invert", path.name, "-o", "no", folder=folder)

    def test_a_missing_temperature(self, folder):
        path = changed(folder, "cold.npz", state=State.of())
        assert "--temperature" in refused("invert", path.name, "-o", "no", folder=folder)
        assert "--temperature" in refused("invert", path.name, "-o", "no", "--temperature", "warm", folder=folder)

    def test_atoms(self, folder):
        topology = recording(folder).topology
        path = changed(folder, "atoms.npz", topology=replace(topology, masses=topology.masses / 40.0))
        assert "beadsmith map" in refused("invert", path.name, "-o", "no", folder=folder)

    def test_a_bond_that_was_never_seen(self, folder):
        document = yaml.safe_load(FILE)
        document["molecules"]["dimer"] = {"beads": "A A"}
        document["parameters"] |= {
            "bond.A-A.k": {"fixed": "5 kcal/mol/angstrom^2"},
            "bond.A-A.length": {"fixed": "3 angstrom"},
        }
        (folder / "more.yaml").write_text(yaml.safe_dump(document))
        line = refused("invert", "melt.npz", "-o", "no", "--problem", "more.yaml", folder=folder)
        assert "bond A-A" in line
        assert "add a trajectory that has it" in line

    def test_molecules_that_never_meet(self, folder):
        line = refused("invert", "alone.npz", "-o", "no", "--cutoff", "4 angstrom", folder=folder)
        assert "pair" in line
