"""Shapes of molecules at their minimum, in LAMMPS."""

import numpy as np
import pytest

pytestmark = pytest.mark.lammps

MINIMIZE = "min_style cg\nminimize 0 1e-6 5000 20000"


def angles_at(positions: np.ndarray, terms, vertex: int) -> np.ndarray:
    """Degrees, of all angles at an atom."""
    rows = terms.angles.members[terms.angles.members[:, 1] == vertex]
    one, other = (positions[rows[:, side]] - positions[vertex] for side in (0, 2))
    cosines = np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return np.degrees(np.arccos(cosines))


def deviations(positions: np.ndarray, terms) -> np.ndarray:
    """How much longer than at rest bonds are, angstrom."""
    ends = positions[terms.bonds.members]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    return lengths - np.array([terms.bonds.coefficients[kind][1] for kind in terms.bonds.types])


def test_ethane_is_staggered_and_has_the_bonds_of_the_paper(system_of, lammps):
    ethane = system_of({"ethane": 1}, charges="none")
    energies, positions = lammps(ethane, MINIMIZE)

    assert energies["torsions"] == pytest.approx(0, abs=1e-4)
    assert np.abs(deviations(positions, ethane.terms)).max() < 0.02
    assert np.abs(angles_at(positions, ethane.terms, 0) - 109.5).max() < 1.5


def test_benzene_is_a_flat_hexagon(system_of, lammps):
    benzene = system_of({"benzene": 1})
    energies, positions = lammps(benzene, MINIMIZE)

    ring = positions[:6]
    assert np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1) == pytest.approx(np.full(6, 1.39), abs=0.02)
    thickness = np.linalg.svd(positions - positions.mean(axis=0))[1][2]
    assert thickness < 0.01
    assert energies["inversions"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", ["dgeba", "pacm", "sulfone", "brominated"])
def test_monomers_keep_their_bonds_and_flat_rings(system_of, lammps, name):
    monomer = system_of({name: 1})
    _, positions = lammps(monomer, MINIMIZE)

    assert np.abs(deviations(positions, monomer.terms)).max() < 0.08
    for centre in set(monomer.terms.inversions.members[:, 0].tolist()):
        assert angles_at(positions, monomer.terms, centre).sum() == pytest.approx(360, abs=1)


def test_a_sulfone_is_tetrahedral_although_its_angles_want_less(system_of, lammps):
    sulfone = system_of({"sulfone": 1})
    _, positions = lammps(sulfone, MINIMIZE)

    sulphur = int(np.flatnonzero(np.array(sulfone.type_names)[sulfone.atom_types] == "S_3")[0])
    found = angles_at(positions, sulfone.terms, sulphur)
    assert len(found) == 6  # all of them at rest at 92.1 degrees, which no six can be
    assert found.mean() == pytest.approx(109.5, abs=1.0)
    assert np.abs(found - 109.5).max() < 12
