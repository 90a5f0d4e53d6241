"""Data files and coefficients as text."""

import re

import numpy as np
import pytest

from beadsmith.atomistic.data_file import atomistic_data_file, coefficient_file, style_lines
from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.system import atomistic_system
from beadsmith.problem.smiles import conformation, molecular_graph


@pytest.fixture
def system(system_of):
    return system_of({"dgeba": 1, "sulfone": 1})


def section(text: str, name: str) -> list[list[str]]:
    """Rows of a section, without remarks."""
    after = text.partition(f"\n{name}")[2].partition("\n")[2]
    body = re.split(r"^(?=[A-Z])", after.lstrip("\n"), flags=re.MULTILINE)[0]
    return [line.partition("#")[0].split() for line in body.splitlines() if line.strip()]


def test_counts_and_rows_agree(system):
    text = atomistic_data_file(system, "two\nmolecules")

    assert text.startswith("two molecules\n\n")
    for name, terms in {
        "Bonds": system.terms.bonds,
        "Angles": system.terms.angles,
        "Dihedrals": system.terms.torsions,
        "Impropers": system.terms.inversions,
    }.items():
        rows = section(text, name)
        assert f"\n{len(rows)} {name.lower()}\n" in text
        assert f"\n{len(terms.names)} {name[:-1].lower()} types\n" in text
        assert [[int(each) for each in row[2:]] for row in rows] == (terms.members + 1).tolist()
        assert [int(row[1]) - 1 for row in rows] == terms.types.tolist()
    assert len(section(text, "Masses")) == len(system.type_names)


def test_atoms_carry_molecule_type_charge_and_position(system):
    rows = section(atomistic_data_file(system, "it"), "Atoms  # full")

    assert [int(row[0]) for row in rows] == list(range(1, len(system.positions) + 1))
    assert [int(row[1]) for row in rows] == system.topology.molecule_ids.tolist()
    assert [int(row[2]) - 1 for row in rows] == system.atom_types.tolist()
    assert sum(float(row[3]) for row in rows) == pytest.approx(0, abs=1e-8)
    assert np.array([row[4:] for row in rows], dtype=float) == pytest.approx(system.positions, abs=1e-6)


def test_masses_are_those_of_the_elements(system):
    text = atomistic_data_file(system, "it")
    masses = [float(row[1]) for row in section(text, "Masses")]

    assert masses[0] == 1.008
    assert np.array(masses)[system.atom_types] == pytest.approx(system.topology.masses)
    assert re.search(r"^\d+ 32\.06\d*  # S_3$", text, re.MULTILINE)


def test_every_pair_is_written_once_and_every_term_has_coefficients(system):
    lines = coefficient_file(system).splitlines()

    count = len(system.type_names)
    pairs = [tuple(map(int, line.split()[1:3])) for line in lines if line.startswith("pair_coeff")]
    assert pairs == [(i, j) for i in range(1, count + 1) for j in range(i, count + 1)]
    for name, terms in {
        "bond": system.terms.bonds,
        "angle": system.terms.angles,
        "dihedral": system.terms.torsions,
    }.items():
        mine = [line for line in lines if line.startswith(f"{name}_coeff")]
        assert [int(line.split()[1]) for line in mine] == list(range(1, len(terms.names) + 1))
        assert [line.partition("# ")[2] for line in mine] == list(terms.names)
    # LAMMPS wants whole numbers for the multiplicity and the phase of charmm torsions.
    assert all(
        re.fullmatch(r"[\d.]+ \d+ (0|180) 0", " ".join(line.partition("#")[0].split()[2:]))
        for line in lines
        if line.startswith("dihedral_coeff")
    )
    assert "improper_coeff 1 13.33333333 0  # C_R" in lines


def test_styles_follow_the_options():
    assert style_lines(DreidingOptions(cutoff=9.0, accuracy=1e-5)) == [
        "pair_style buck/coul/long 9",
        "kspace_style pppm 1e-05",
        "pair_modify tail yes",
        "bond_style harmonic",
        "angle_style harmonic",
        "dihedral_style charmm",
        "improper_style umbrella",
        "special_bonds dreiding",
    ]
    for options in (DreidingOptions(charges="none"), DreidingOptions(electrostatics="none")):
        lines = style_lines(options)
        assert lines[0] == "pair_style buck 10"
        assert not any(line.startswith("kspace") for line in lines)


@pytest.mark.lammps
@pytest.mark.parametrize("smiles", ["C", "Cl", "CC#CC"])
def test_molecules_that_lack_some_terms_run(lammps_energies, smiles):
    graph = molecular_graph("it", smiles)
    positions, edges = conformation(graph, 1) + 12.0, np.full(3, 24.0)
    system = atomistic_system({"it": graph}, {"it": 1}, DreidingOptions(), positions, edges)
    energies = lammps_energies(system)

    assert energies["inversions"] == energies["torsions"] == 0
    assert energies["bonds"] > 0
