"""Gradients against differences of long simulations, each a minute or less of real LAMMPS."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from beadsmith.observe import observe_recordings
from beadsmith.observe.response import FluctuationGradient, observable_gradients
from beadsmith.observe.response.derivatives import energies
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Observation
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulation
from beadsmith.units import BOLTZMANN

pytestmark = [pytest.mark.lammps, pytest.mark.slow]

# A plain cutoff at 1.76 sigma, where the energy steps by an eighth of the well's depth: what is sampled differs from
# what is printed as much as it ever will.
LIQUID = """
title: Lennard-Jones liquid
beads: {A: {mass: 40 g/mol}}
molecules: {atom: {beads: A}}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom, tail: yes}}
parameters: {pair.A.epsilon: 0.1 to 0.5 kcal/mol, pair.A.sigma: 3 to 4 angstrom}
experiments:
  liquid:
    kind: melt
    molecules: {atom: 216}
    initial_density: 1.0 g/cm^3
    timestep: 5 fs
    protocol:
      - {stage: push-off, temperature: 110 K, steps: 500}
      - {stage: npt, temperature: 110 K, pressure: 300 atm, duration: 50 ps, pressure_damping: 1 ps, damping: 0.5 ps}
      - {stage: ladder, ensemble: npt, temperatures: 110 K, pressure: 300 atm, hold: 1500 ps, frames: 4000,
         pressure_damping: 1 ps, damping: 0.5 ps}
observables:
  density: {kind: density, experiment: liquid}
  energy: {kind: potential_energy, experiment: liquid}
  pressure: {kind: pressure, experiment: liquid}
  rdf: {kind: radial_distribution, experiment: liquid, r: 3.05 to 9.05 by 0.3 angstrom}
"""

# Above its critical temperature, in a box that is held: here the pressure answers, with what its virial says outright.
FLUID = """
title: Lennard-Jones fluid at constant volume
beads: {A: {mass: 40 g/mol}}
molecules: {atom: {beads: A}}
forcefield: {pair: {style: mie/cut, cutoff: 8 angstrom, tail: yes}}
parameters:
  pair.A.epsilon: 0.1 to 0.5 kcal/mol
  pair.A.sigma: 3 to 4 angstrom
  pair.A.repulsive_exponent: 8 to 16
experiments:
  fluid:
    kind: melt
    molecules: {atom: 216}
    initial_density: 1.2 g/cm^3
    timestep: 5 fs
    protocol:
      - {stage: push-off, temperature: 200 K, steps: 500}
      - {stage: nvt, temperature: 200 K, duration: 20 ps, damping: 0.5 ps}
      - {stage: ladder, ensemble: nvt, temperatures: 200 K, hold: 400 ps, frames: 1500, damping: 0.5 ps}
observables:
  pressure: {kind: pressure, experiment: fluid}
  energy: {kind: potential_energy, experiment: fluid}
  rdf: {kind: radial_distribution, experiment: fluid, r: 3.05 to 9.05 by 0.3 angstrom}
"""

CHAINS = """
title: Chains in vacuum
beads: {A: {mass: 40 g/mol}, B: {mass: 50 g/mol}}
molecules: {chain: {beads: A B A A B A B}}
forcefield: {pair: {style: mie/cut, cutoff: 9 angstrom, mixing: arithmetic}}
parameters:
  bond.*.k: 1 to 12 kcal/mol/angstrom^2
  bond.*.length: 2.5 to 5 angstrom
  angle.*.k: 1 to 12 kcal/mol/rad^2
  angle.*.theta0: 70 to 180 degree
  pair.*.epsilon: 0.3 to 1.5 kcal/mol
  pair.*.sigma: 2.5 to 5 angstrom
  pair.*.repulsive_exponent: 8 to 16
experiments:
  vacuum:
    kind: vacuum
    molecule: chain
    replicas: 200
    timestep: 5 fs
    protocol:
      - {stage: push-off, temperature: 300 K, steps: 200}
      - {stage: langevin, temperature: 300 K, duration: 50 ps, damping: 1 ps}
      - {stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 ps, damping: 1 ps, frames: 300}
observables:
  size: {kind: radius_of_gyration, experiment: vacuum}
  ends: {kind: end_to_end_distance, experiment: vacuum}
  energy: {kind: potential_energy, experiment: vacuum}
  length: {kind: bond_length, experiment: vacuum, bond: A-B}
  bend: {kind: bond_angle, experiment: vacuum, angle: A-A-B}
  lengths: {kind: bond_distribution, experiment: vacuum, bond: A-B, r: 3 to 4.6 by 0.2 angstrom}
  bends: {kind: angle_distribution, experiment: vacuum, angle: A-A-B, theta: 75 to 175 by 10 degree}
"""

#: An observable, and the middle of a bin; the one temperature is left out.
Key = tuple[str, State]


@dataclass(frozen=True)
class Answer:
    recording: Recording
    values: Mapping[Key, float]
    stderrs: Mapping[Key, float]
    gradients: Mapping[Key, FluctuationGradient]


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[[Problem, Mapping[str, float], int], Answer]:
    engine = find_engine()

    def run(problem: Problem, point: Mapping[str, float], seed: int) -> Answer:
        (name,) = problem.experiments
        model = constant_model("test", problem.parameters, point)
        simulation = plan_simulation(problem, name, model, seed, engine.version)
        folder = tmp_path / str(seed)
        folder.mkdir()
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        assert ending.exit_code == 0, ending.log[-2000:]
        (recording,) = read_recordings(simulation, folder, ending.log)
        observations = observe_recordings([recording], problem.observables, name)
        return Answer(
            recording,
            {key(one): one.value for one in observations},
            {key(one): one.stderr for one in observations},
            {key(one): one for one in observable_gradients([recording], problem, model, name)},
        )

    return run


def key(one: Observation | FluctuationGradient) -> Key:
    return one.observable, one.state.without("T")


def compare(
    problem: Problem, point: Mapping[str, float], steps: Mapping[str, float], simulate, allowed: float
) -> Answer:
    """Central differences of two simulations for each step against the gradient of one; prints them."""
    middle = simulate(problem, point, 1)
    for seed, (name, step) in enumerate(steps.items(), start=1):
        above = simulate(problem, {**point, name: point[name] + step}, 2 * seed)
        below = simulate(problem, {**point, name: point[name] - step}, 2 * seed + 1)
        deviations: dict[str, list[float]] = {}
        for where, gradient in middle.gradients.items():
            difference = (above.values[where] - below.values[where]) / (2 * step)
            error = np.hypot(above.stderrs[where], below.stderrs[where]) / (2 * step)
            column = gradient.parameters.index(name)
            value, own = gradient.values[column], gradient.stderrs[column]
            label = f"{where[0]} {where[1].label}".strip()
            print(f"d<{label}>/d {name}: {value:.4g} +- {own:.2g}; differences {difference:.4g} +- {error:.2g}")
            scale = max(abs(one.values[column]) for other, one in middle.gradients.items() if other[0] == where[0])
            excess = max(0.0, abs(value - difference) - allowed * scale)
            deviations.setdefault(where[0], []).append(excess / np.hypot(error, own))
        for observable, found in deviations.items():
            # Bins are many: one in two hundred may be off by more than 3.5, all together may not.
            assert max(found) < (3.5 if len(found) == 1 else 4.5), (observable, name)
            assert len(found) == 1 or np.sqrt(np.mean(np.square(found))) < 1.5, (observable, name)
    return middle


def test_a_lennard_jones_liquid_at_constant_pressure(tmp_path, simulate):
    path = tmp_path / "liquid.yaml"
    path.write_text(textwrap.dedent(LIQUID))
    problem = load_problem(path)
    point = {"pair.A.epsilon": 0.238, "pair.A.sigma": 3.4}
    liquid = compare(problem, point, {"pair.A.epsilon": 0.012, "pair.A.sigma": 0.05}, simulate, 0.02)
    # The identity that makes the second so precise: cov(density, Y) = <density>.
    model = constant_model("test", problem.parameters, point)
    virial = energies(liquid.recording, problem, model).virial.values[:, 0]
    volumes = np.linalg.det(liquid.recording.frames.boxes)
    force = (virial / 3.0 - 300.0 / 68568.415 * volumes) / (BOLTZMANN * 110.0)
    density = 1.0 / volumes
    assert np.cov(density, force)[0, 1] == pytest.approx(density.mean(), rel=0.15)
    # The barostat holds the pressure, whatever the interactions are.
    pressure = liquid.gradients["pressure", State()]
    assert np.all(np.abs(pressure.values) < 4 * pressure.stderrs)


def test_a_fluid_at_constant_volume(tmp_path, simulate):
    path = tmp_path / "fluid.yaml"
    path.write_text(textwrap.dedent(FLUID))
    problem = load_problem(path)
    point = {"pair.A.epsilon": 0.25, "pair.A.sigma": 3.4, "pair.A.repulsive_exponent": 12.0}
    steps = {"pair.A.epsilon": 0.02, "pair.A.sigma": 0.04, "pair.A.repulsive_exponent": 1.0}
    compare(problem, point, steps, simulate, 0.02)


def test_chains_in_vacuum(tmp_path, simulate):
    path = tmp_path / "chains.yaml"
    path.write_text(textwrap.dedent(CHAINS))
    problem = load_problem(path)
    middle = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in problem.parameters.free}
    # Small beside the widths of the distributions, 0.2 angstrom and 12 degrees, or their bins answer in curves.
    steps = {
        "bond.A-B.k": 1.5,
        "bond.A-B.length": 0.06,
        "angle.A-B-A.k": 2.0,
        "angle.A-A-B.theta0": 3.0,
        "pair.A.epsilon": 0.15,
        "pair.B.sigma": 0.2,
        "pair.B.repulsive_exponent": 2.0,
    }
    compare(problem, middle, steps, simulate, 0.05)
