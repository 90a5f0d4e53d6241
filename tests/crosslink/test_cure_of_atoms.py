"""All-atom cures with real LAMMPS: what a new bond changes, and what it must not change."""

import numpy as np
import pytest
import yaml

from beadsmith.atomistic.system import AtomisticSystem
from beadsmith.crosslink.cure import Cured, CureOrder, run_cure, system_of
from beadsmith.mapping import mapping_of
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.plan import plan_system

pytestmark = pytest.mark.lammps

ATOMS = yaml.safe_load("""
title: Phenyl glycidyl ether and ethylenediamine
forcefield: {atomistic: dreiding, cutoff: 6 angstrom, accuracy: 1e-3}
molecules:
  epoxy: {smiles: "*CC(O)COc1ccccc1", sites: epoxide}
  diamine: {smiles: "*N(*)CCN(*)*", sites: amine}
reactions: {capacities: {epoxide: 1, amine: 2}, bonds: epoxide-amine}
mapping:
  molecules:
    epoxy: [{bead: G, smarts: "[CH2][CH]([OH])[CH2]"}, {bead: P, smarts: c1ccccc1O}]
    diamine: [{bead: A, smarts: N}, {bead: E, smarts: "[CH2][CH2]"}]
experiments:
  network:
    kind: network
    molecules: {epoxy: 12, diamine: 3}
    initial_density: 0.4 g/cm^3
    timestep: 3 fs
    bonded_substeps: 3
    cure:
      cutoff: 5 angstrom
      bonds_per_cycle: 6
      preparation:
        - {stage: minimize, iterations: 100}
        - {stage: push-off, temperature: 500 K, steps: 100}
        - {stage: npt, temperature: 500 K, pressure: 3000 atm, pressure_damping: 500 fs, duration: 1.5 ps}
      relaxation:
        - {stage: minimize, iterations: 100}
        - {stage: push-off, temperature: 500 K, steps: 50}
        - {stage: npt, temperature: 500 K, pressure: 100 atm, pressure_damping: 500 fs, duration: 0.3 ps}
    degrees: 0.5
    protocol:
      - {stage: npt, temperature: 300 K, pressure: 1 atm, duration: 0.9 ps, record: yes, frames: 30}
      - {stage: tension, temperature: 300 K, rate: 2e11 1/s, strain: 0.02, axes: x}
observables:
  density: {kind: density, experiment: network}
""")


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()


@pytest.fixture(scope="module")
def half_cured(tmp_path_factory, engine) -> tuple[Problem, CureOrder, Cured]:
    folder = tmp_path_factory.mktemp("atoms")
    path = folder / "atoms.yaml"
    path.write_text(yaml.safe_dump(ATOMS, sort_keys=False))
    problem = load_problem(path)
    model = constant_model("DREIDING", problem.parameters, {})
    order = CureOrder(problem, model, "network", 5, engine.version, 0.5)
    return problem, order, run_cure(order, folder / "cure", engine, lambda: False)


def test_the_cure_arrives_with_bonds_of_the_length_of_bonds(half_cured):
    """C-N is 1.462 angstrom in DREIDING; at 500 K it oscillates by sqrt(kT / 700) = 0.04."""
    _, _, cured = half_cured
    first, second = cured.network.bonds.T
    apart = cured.positions[first] - cured.positions[second]
    cell = np.diag(cured.cell)
    lengths = np.linalg.norm(apart - cell * np.round(apart / cell), axis=1)

    assert cured.network.degree == pytest.approx(0.5)
    assert len(lengths) == 6
    assert np.abs(lengths - 1.462).max() < 6 * 0.04


def test_only_sites_form_bonds_and_none_more_than_it_can(half_cured):
    _, order, cured = half_cured
    topology = order.uncured.topology
    kinds = [topology.bead_names[kind - 1] for kind in topology.bead_types]
    ends = [sorted(kinds[atom] for atom in bond) for bond in cured.network.bonds.tolist()]

    assert ends == [["amine", "epoxide"]] * 6
    assert np.bincount(cured.network.bonds.ravel()).max() <= 2


def test_nothing_but_bonds_and_charges_beside_them_changes(half_cured):
    _, order, cured = half_cured
    before, after = order.uncured, system_of(order, cured)
    assert isinstance(before, AtomisticSystem)
    assert isinstance(after, AtomisticSystem)
    changed = np.flatnonzero(np.abs(after.charges - before.charges) > 1e-12)

    assert abs(before.charges.sum()) < 1e-9
    assert abs(after.charges.sum()) < 1e-9
    assert set(changed) == set(cured.network.bonds.ravel().tolist())
    np.testing.assert_array_equal(before.atom_types, after.atom_types)
    assert len(after.terms.bonds.members) == len(before.terms.bonds.members) + 6


def test_beads_of_the_network_are_bonded_where_their_atoms_are(half_cured):
    problem, order, cured = half_cured
    centres = mapping_of(problem.graphs, problem.file.mapping, system_of(order, cured).topology)
    bonds = centres.topology.bonds
    between = [name for name in bonds.names if set(name.split("-")) == {"A", "G"}]

    assert len(between) == 1
    assert np.count_nonzero(bonds.types == bonds.names.index(between[0])) == 6


def test_the_network_runs_on_and_can_be_pulled(half_cured, tmp_path, engine):
    """The protocol from the cured system, box and velocities anew; the files hold all that LAMMPS needs."""
    problem, order, cured = half_cured
    experiment = order.network.model_copy(update={"state": {"DC": 0.5}})
    simulation = plan_system(problem, "network", experiment, order.model, system_of(order, cured), 1, engine.version)
    finished = run_simulation(simulation, tmp_path, engine, lambda: False)

    assert diagnose(finished.ending, "network") is None
    assert (tmp_path / "relaxed.restart").is_file()
    assert "C_3-N_3" in simulation.files["coefficients.lammps"]
