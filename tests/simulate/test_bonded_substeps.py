"""Bonds in shorter steps than all else (r-RESPA): equipartition holds at a step that is too long without."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import load_problem
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulation
from beadsmith.units import BOLTZMANN

#: Bonds that oscillate within 33 fs: an explicit step may be a third of that, at most.
STIFF = """
title: Stiff dimers
beads: {{A: {{mass: 14 g/mol}}}}
molecules: {{dimer: {{beads: A A}}}}
forcefield: {{pair: {{style: lj/cut, cutoff: 8 angstrom}}, special_bonds: [0, 0, 0]}}
parameters:
  pair.A.epsilon: {{fixed: 0.1 kcal/mol}}
  pair.A.sigma: {{fixed: 3 angstrom}}
  bond.A-A.k: {{fixed: 300 kcal/mol/angstrom^2}}
  bond.A-A.length: {{fixed: 1.5 angstrom}}
experiments:
  dimers:
    kind: vacuum
    molecule: dimer
    replicas: 200
    timestep: 12 fs
    bonded_substeps: {substeps}
    protocol:
      - {{stage: langevin, temperature: 300 K, duration: 6 ps}}
      - {{stage: langevin, temperature: 300 K, duration: 24 ps, record: yes}}
observables:
  energy: {{kind: potential_energy, experiment: dimers}}
"""


def simulated(folder: Path, substeps: int):
    (folder / "problem.yaml").write_text(STIFF.format(substeps=substeps))
    problem = load_problem(folder / "problem.yaml")
    engine = find_engine()
    model = constant_model("stiff", problem.parameters, {})
    simulation = plan_simulation(problem, "dimers", model, 3, engine.version)
    run = folder / "run"
    run.mkdir()
    return simulation, run, run_simulation(simulation, run, engine, lambda: False)


@pytest.mark.lammps
def test_stiff_bonds_have_half_kT_each(tmp_path):
    simulation, folder, finished = simulated(tmp_path, substeps=6)
    assert diagnose(finished.ending, "dimers") is None
    (recording,) = read_recordings(simulation, folder, finished.ending.log)
    energies = recording.series.columns["potential_energy"] / 200

    # Of 200 oscillators and a few independent samples; the bond's measure r^2 adds kT/(K r0^2), 0.1 %.
    assert np.mean(energies) == pytest.approx(0.5 * BOLTZMANN * 300, rel=0.05)


@pytest.mark.lammps
def test_the_same_step_without_substeps_fails(tmp_path):
    _, _, finished = simulated(tmp_path, substeps=1)
    assert diagnose(finished.ending, "dimers") is not None


def test_atoms_have_torsions_and_a_long_range_solver_in_the_outer_step(tmp_path):
    atoms = {
        "title": "Ethane",
        "forcefield": {"atomistic": "dreiding", "cutoff": "8 angstrom"},
        "molecules": {"ethane": {"smiles": "CC"}},
        "experiments": {
            "melt": {
                "kind": "melt",
                "molecules": {"ethane": 60},
                "initial_density": "0.3 g/cm^3",
                "timestep": "3 fs",
                "bonded_substeps": 3,
                "protocol": [{"stage": "push-off"}, {"stage": "npt", "temperature": "300 K", "duration": "3 ps"}],
            }
        },
        "observables": {"density": {"kind": "density", "experiment": "melt"}},
    }
    (tmp_path / "atoms.yaml").write_text(yaml.safe_dump(atoms))
    problem = load_problem(tmp_path / "atoms.yaml")
    script = plan_simulation(problem, "melt", constant_model("", problem.parameters, {}), 1, "any").files["in.lammps"]

    assert "run_style respa 2 3 bond 1 angle 1 dihedral 2 improper 2 pair 2 kspace 2" in script
    # Packed without overlaps, atoms need no soft repulsion first.
    assert "pair_style soft" not in script
