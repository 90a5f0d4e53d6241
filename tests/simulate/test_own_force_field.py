"""Atoms with a force field of the user's own: a data file and an input, and molecules found in it by their SMILES."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from beadsmith.errors import ProblemError
from beadsmith.mapping import mapped, mapping_of
from beadsmith.problem.model import OWN_FORCE_FIELD
from beadsmith.problem.smiles import conformation, molecular_graph
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import Simulation, plan_simulation

PROBLEM = """
title: a liquid with a force field of its own
forcefield: {atomistic: own}
molecules: {methanol: {smiles: CO}, ethane: {smiles: CC}}
mapping: {molecules: {methanol: [{bead: M, smarts: CO}], ethane: [{bead: E, smarts: "[CH3]"}]}}
experiments:
  liquid:
    kind: script
    script: own.lammps
    data: own.data
    timestep: 1 fs
    state: {T: 300}
    recordings: [{dump: own.dump}]
observables:
  u2: {kind: debye_waller_factor, experiment: liquid, time: 10 fs}
"""
SMILES = {"methanol": "CO", "ethane": "CC"}
KINDS = ("methanol", "ethane", "methanol")
MASSES = {"H": 1.008, "C": 12.011, "O": 15.999}
EDGE = 30.0


@pytest.fixture(scope="module")
def molecules():
    """Symbols, positions and bonds of each molecule, far from each other, atoms in the order of their SMILES."""
    found = []
    for place, kind in enumerate(KINDS):
        graph = molecular_graph(kind, SMILES[kind])
        found.append((graph.elements, conformation(graph, 1) + 10.0 * place, graph.bonds))
    return found


@pytest.fixture
def numbered(tmp_path: Path, molecules) -> Callable[..., None]:
    """Writes a data file and a dump of two frames whose atoms are numbered in a given way."""
    atoms = [(number, symbol) for number, (symbols, _, _) in enumerate(molecules, 1) for symbol in symbols]
    positions = np.concatenate([shape for _, shape, _ in molecules])
    starts = np.cumsum([0, *(len(shape) for _, shape, _ in molecules)])
    bonds = [
        (start + one, start + two) for start, (_, _, own) in zip(starts, molecules, strict=False) for one, two in own
    ]

    def write(order: np.ndarray, masses: bool = True) -> None:
        number = np.argsort(order) + 1
        types = list(MASSES)
        weights = ["Masses", "", *(f"{types.index(one) + 1} {mass}" for one, mass in MASSES.items()), ""]
        rows = [f"{number[n]} {owner} {types.index(one) + 1} 0 " for n, (owner, one) in enumerate(atoms)]
        lines = [
            *["made by a test", "", f"{len(atoms)} atoms", f"{len(bonds)} bonds", "3 atom types", "1 bond types"],
            *[f"0 {EDGE} {axis}lo {axis}hi" for axis in "xyz"],
            *["", *(weights if masses else []), "Atoms  # full", ""],
            *(row + " ".join(map(str, place)) for row, place in zip(rows, positions.tolist(), strict=True)),
            *["", "Bonds", "", *(f"{n} 1 {number[a]} {number[b]}" for n, (a, b) in enumerate(bonds, 1))],
        ]
        (tmp_path / "own.data").write_text("\n".join(lines) + "\n")
        frames = [
            f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n"
            + f"0 {EDGE}\n" * 3
            + "ITEM: ATOMS id xu yu zu\n"
            + "".join(f"{n} {x} {y} {z}\n" for n, (x, y, z) in zip(number, (positions + step).tolist(), strict=True))
            for step in (0, 10)
        ]
        (tmp_path / "own.dump").write_text("".join(frames))

    (tmp_path / "own.lammps").write_text("units real\nread_data ${data}\n")
    write(np.arange(len(atoms)))
    return write


@pytest.fixture
def document():
    return yaml.safe_load(PROBLEM)


@pytest.fixture
def plan(load) -> Callable[[object], Simulation]:
    return lambda document: plan_simulation(load(document), "liquid", OWN_FORCE_FIELD, 1, "test")


def test_the_script_gets_no_coefficients_of_ours(numbered, document, plan):
    simulation = plan(document)
    assert set(simulation.files) == {"in.lammps", "system.data"}
    assert dict(simulation.variables).keys() == {"data", "seed"}


def test_however_the_file_numbers_its_atoms_every_one_is_found(numbered, document, load, molecules, tmp_path):
    """Positions, masses, kinds and bonds belong together; so do beads."""
    problem = load(document)
    expected = np.concatenate([shape for _, shape, _ in molecules])
    for seed in range(3):
        numbered(np.random.default_rng(seed).permutation(len(expected)))
        simulation = plan_simulation(problem, "liquid", OWN_FORCE_FIELD, 1, "test")
        (recording,) = read_recordings(simulation, tmp_path, "")
        topology, first = recording.topology, recording.frames.positions[0]
        assert sorted(topology.molecule_kinds.values()) == sorted(KINDS)
        names = [topology.bead_names[kind - 1] for kind in topology.bead_types]
        assert [MASSES[name] for name in names] == pytest.approx(topology.masses.tolist())
        lengths = np.linalg.norm(np.diff(first[topology.bonds.members], axis=1)[:, 0], axis=1)
        assert len(lengths) == 5 + 7 + 5
        assert lengths.max() < 1.7
        assert {"C-O", "C-C", "C-H"} <= set(topology.bonded_names("bond"))
        beads = mapped(recording, mapping_of(problem.graphs, problem.file.mapping, topology))
        alcohol = beads.topology.beads_of("M")
        centres = beads.frames.positions[0][alcohol]
        assert sorted(np.round(centres[:, 0], 3)) == sorted(
            round(float(np.average(shape[:, 0], weights=[MASSES[one] for one in symbols])), 3)
            for (symbols, shape, _), kind in zip(molecules, KINDS, strict=True)
            if kind == "methanol"
        )


def test_another_order_of_the_smiles_is_another_simulation(numbered, document, plan):
    """What was recorded in one order cannot be taken for the other."""
    names = set()
    for smiles in ("CO", "OC"):
        document["molecules"]["methanol"]["smiles"] = smiles
        names.add(plan(document).name)
    assert len(names) == 2


def test_numbers_of_molecules_may_be_declared(numbered, document, plan):
    document["experiments"]["liquid"]["molecules"] = {"methanol": 2, "ethane": 1}
    assert plan(document).topology.molecule_kinds == dict(enumerate(KINDS, 1))


def test_without_a_data_file_the_declared_molecules_stand_in_the_order_of_their_smiles(numbered, document, plan):
    del document["experiments"]["liquid"]["data"]
    document["experiments"]["liquid"]["molecules"] = {"methanol": 2}
    simulation = plan(document)
    assert simulation.order is None
    assert len(simulation.topology.masses) == 12


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"molecules": {"methanol": {"smiles": "CO"}, "ethane": {"smiles": "C=C"}}},
            "experiments.liquid.data: received molecule 2 with 8 atoms (C2 H6), expected methanol (C1 H4 O1) or ethane "
            "(C2 H4); its atoms and bonds must be those of a SMILES",
        ),
        (
            {"experiments": {"liquid": {"molecules": {"methanol": 3}}}},
            "experiments.liquid.molecules: received 3 methanol, expected the molecules of own.data, 2 methanol, "
            "1 ethane; change it, or leave it out",
        ),
    ],
)
def test_other_molecules_than_declared_are_refused(numbered, document, plan, change, sentence):
    document["experiments"]["liquid"] |= change.pop("experiments", {}).get("liquid", {})
    document["mapping"]["molecules"]["ethane"] = [{"bead": "E", "smarts": "[#6]"}]
    with pytest.raises(ProblemError, match=re.escape(sentence)):
        plan(document | change)


def test_a_data_file_without_masses_is_refused(numbered, document, plan):
    numbered(np.arange(20), masses=False)
    with pytest.raises(ProblemError, match="without mass, expected atoms whose masses are known; add its section"):
        plan(document)


def test_beadsmith_writes_no_input_for_a_force_field_that_it_does_not_know(numbered, document, load):
    document["experiments"]["liquid"] = {
        "kind": "melt",
        "molecules": {"methanol": 40},
        "initial_density": "0.4 g/cm^3",
        "timestep": "1 fs",
        "protocol": [{"stage": "minimize"}],
    }
    with pytest.raises(ProblemError, match=r"experiments\.liquid\.kind: received melt, expected script; a force field"):
        load(document)


def test_a_misspelt_force_field_is_told_from_both(numbered, document, load):
    document["forcefield"] = {"atomistic": "owm"}
    with pytest.raises(ProblemError, match=r"received owm, expected one of dreiding, own; did you mean 'own'\?"):
        load(document)


def test_bonds_between_molecules_are_kept_and_named_by_the_sites_that_formed_them(tmp_path, plan):
    """Ethanol as a network of two: ethyl and hydroxyl, bonded to each other in the data file."""
    document = yaml.safe_load(PROBLEM)
    document["molecules"] = {"ethyl": {"smiles": "*CC", "sites": "alkyl"}, "hydroxyl": {"smiles": "*O", "sites": "oxy"}}
    document["reactions"] = {"capacities": {"alkyl": 1, "oxy": 1}, "bonds": "alkyl-oxy"}
    document["mapping"]["molecules"] = {
        "ethyl": [{"bead": "E", "smarts": "[CH2][CH3]"}],
        "hydroxyl": [{"bead": "O", "smarts": "[OH]"}],
    }
    symbols, owners = ("O", "H", "C", "C", *["H"] * 5), (1, 1, *[2] * 7)
    bonds = ((1, 2), (1, 3), (3, 4), (3, 5), (3, 6), (4, 7), (4, 8), (4, 9))
    rows = [
        f"{n} {owner} {list(MASSES).index(one) + 1} 0 {n} 0 0"
        for n, (one, owner) in enumerate(zip(symbols, owners, strict=True), 1)
    ]
    lines = [
        *["ethanol", "", "9 atoms", "8 bonds", "3 atom types", "1 bond types"],
        *[f"0 {EDGE} {axis}lo {axis}hi" for axis in "xyz"],
        *["", "Masses", "", *(f"{n} {mass}" for n, mass in enumerate(MASSES.values(), 1))],
        *["", "Atoms  # full", "", *rows, "", "Bonds", ""],
        *(f"{n} 1 {one} {other}" for n, (one, other) in enumerate(bonds, 1)),
    ]
    (tmp_path / "own.data").write_text("\n".join(lines) + "\n")
    (tmp_path / "own.lammps").write_text("")
    topology = plan(document).topology
    assert topology.molecule_kinds == {1: "hydroxyl", 2: "ethyl"}
    assert topology.bonded_names("bond").count("alkyl-oxy") == 1
    assert "C-alkyl-oxy" in {"-".join(sorted(name.split("-"))) for name in topology.bonded_names("angle")}
