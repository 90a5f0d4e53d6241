"""Two nearby models simulated by real LAMMPS, each foretold from the frames of the other.

That the energies behind the weights are those of LAMMPS is seen in ``tests/observe/response/test_against_lammps.py``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from beadsmith.observe import observe_recordings
from beadsmith.observe.reweighting import Archive
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Observation
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulation

pytestmark = pytest.mark.lammps

FILE = """
title: Chains alone, and a small Lennard-Jones liquid
beads: {A: {mass: 40 g/mol}}
molecules: {chain: {beads: A A A A A}, atom: {beads: A}}
forcefield: {pair: {style: lj/cut, cutoff: 7 angstrom, tail: yes}}
parameters:
  bond.*.k: 1 to 12 kcal/mol/angstrom^2
  bond.*.length: 2.5 to 5 angstrom
  angle.*.k: 1 to 12 kcal/mol/rad^2
  angle.*.theta0: 70 to 180 degree
  pair.*.epsilon: 0.05 to 1.5 kcal/mol
  pair.*.sigma: 2.5 to 5 angstrom
experiments:
  alone:
    kind: vacuum
    molecule: chain
    replicas: 60
    timestep: 5 fs
    time_limit: 30 min
    protocol:
      - {stage: langevin, temperature: 300 K, duration: 15 ps, damping: 0.5 ps}
      - {stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 30 ps, damping: 0.5 ps, frames: 40}
  liquid:
    kind: melt
    molecules: {atom: 120}
    initial_density: 1.0 g/cm^3
    timestep: 5 fs
    time_limit: 30 min
    protocol:
      - {stage: push-off, temperature: 120 K, steps: 300}
      - {stage: npt, temperature: 120 K, pressure: 300 atm, duration: 15 ps, pressure_damping: 1 ps, damping: 0.5 ps}
      - {stage: ladder, ensemble: npt, temperatures: 120 K, pressure: 300 atm, hold: 120 ps, frames: 150,
         pressure_damping: 1 ps, damping: 0.5 ps}
observables:
  size: {kind: radius_of_gyration, experiment: alone}
  ends: {kind: end_to_end_distance, experiment: alone}
  energy_alone: {kind: potential_energy, experiment: alone}
  density: {kind: density, experiment: liquid}
  energy: {kind: potential_energy, experiment: liquid}
"""
ONE = {
    "bond.A-A.k": 4.0,
    "bond.A-A.length": 3.5,
    "angle.A-A-A.k": 3.0,
    "angle.A-A-A.theta0": 120.0,
    "pair.A.epsilon": 0.24,
    "pair.A.sigma": 3.5,
}
#: Far for an atom of a liquid, near for a chain of five.
OTHER_CHAIN = {**ONE, "bond.A-A.k": 5.0, "angle.A-A-A.theta0": 125.0, "pair.A.epsilon": 0.4}
OTHER_LIQUID = {**ONE, "pair.A.epsilon": 0.245}


@dataclass(frozen=True)
class Simulated:
    model: Model
    recordings: tuple[Recording, ...]
    observations: Mapping[str, Observation]


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    path = tmp_path / "problem.yaml"
    path.write_text(textwrap.dedent(FILE))
    return load_problem(path)


@pytest.fixture
def simulate(problem: Problem, tmp_path: Path):
    engine = find_engine()

    def run(experiment: str, point: Mapping[str, float], seed: int) -> Simulated:
        model = constant_model("test", problem.parameters, point)
        simulation = plan_simulation(problem, experiment, model, seed, engine.version)
        folder = tmp_path / f"{experiment}-{seed}"
        folder.mkdir()
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        assert ending.exit_code == 0, ending.log[-2000:]
        recordings = read_recordings(simulation, folder, ending.log)
        observations = observe_recordings(recordings, problem.observables, experiment)
        return Simulated(model, recordings, {one.observable: one for one in observations})

    return run


@pytest.mark.parametrize(
    ("experiment", "other", "names", "fewest"),
    [
        pytest.param("alone", OTHER_CHAIN, {"size", "ends", "energy_alone"}, 400, id="molecules in vacuum"),
        pytest.param("liquid", OTHER_LIQUID, {"density", "energy"}, 15, id="frames of a liquid"),
    ],
)
def test_each_of_two_models_is_foretold_from_the_other(problem, simulate, experiment, other, names, fewest):
    here, there = simulate(experiment, ONE, 1), simulate(experiment, other, 2)
    for known, wanted in ((here, there), (there, here)):
        archive = Archive(problem, experiment)
        archive.add(known.model, known.recordings)
        found = {one.observable: one for one in archive.predict(wanted.model)}
        assert found.keys() == names
        for name, prediction in found.items():
            observation, truth = prediction.observation, wanted.observations[name]
            print(
                f"{name}: {observation.value:.4f} +- {observation.stderr:.4f} foretold, {truth.value:.4f} "
                f"+- {truth.stderr:.4f} simulated, {known.observations[name].value:.4f} there; "
                f"{prediction.samples:.0f} samples, {prediction.blocks:.1f} blocks"
            )
            assert prediction.samples > fewest
            error = np.hypot(observation.stderr, truth.stderr)
            assert abs(observation.value - truth.value) < 4 * error
    # The step is one that matters: without weights some average would be wrong.
    moved = [
        abs(here.observations[name].value - there.observations[name].value)
        / np.hypot(here.observations[name].stderr, there.observations[name].stderr)
        for name in names
    ]
    assert max(moved) > 4
