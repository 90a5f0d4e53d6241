import itertools

import numpy as np
import pytest

from beadsmith.crosslink.choice import choose_bonds
from beadsmith.crosslink.network import sites_of, uncured
from beadsmith.crosslink.rules import Crosslinking, Rule
from beadsmith.crosslink.topology import crosslinked, new_angles
from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.reactions import types_that_arise

RULES = Crosslinking({"A": 1, "B": 2, "D": 3}, (("A", "B"), ("D", "A"), ("D", "D")), 5.0, 1)
CELL = np.diag([10.0, 10.0, 10.0])


@pytest.fixture
def molecules(toys) -> dict[str, MoleculeTopology]:
    star = MoleculeTopology(("D", "A", "B", "C"), ((0, 1), (0, 2), (0, 3)), ((1, 0, 2),))
    return {"resin": toys.linear("ACA"), "hardener": toys.linear("BECB"), "star": star, "bead": toys.linear("D")}


@pytest.fixture
def system(molecules, toys):
    counts = {"resin": 90, "hardener": 30, "star": 30, "bead": 40}
    return toys.system(molecules, counts, toys.all_names(2), toys.all_names(3))


@pytest.fixture
def bonds(system, random) -> np.ndarray:
    """Of a random cure with every reaction, until nearly all sites have reacted."""
    network = uncured(sites_of(system.topology, RULES))
    for cycle in range(1, 40):
        positions = random.uniform(0, 10, size=(len(system.positions), 3))
        network = network.with_bonds(choose_bonds(positions, CELL, network, Rule(), 4.0, 20), cycle)
    return network.bonds


def name_of(system, beads) -> str:
    names = [system.bead_names[system.topology.bead_types[bead - 1] - 1] for bead in beads]
    return min("-".join(names), "-".join(reversed(names)))  # these names are in alphabetical order


def test_angles_are_those_of_brute_force(system, bonds):
    old = {frozenset(bond) for bond in (system.bonds[:, 1:] - 1).tolist()}
    new = {frozenset(bond) for bond in bonds.tolist()}
    expected = set()
    for one, other in itertools.combinations(old | new, 2):
        if len(one & other) == 1 and (one in new or other in new):
            expected.add((one & other, one ^ other))
    angles = new_angles(system.bonds[:, 1:] - 1, bonds, len(system.positions))
    assert len(angles) == len(expected) > 300
    assert {(frozenset((v,)), frozenset((a, b))) for a, v, b in angles.tolist()} == expected


def test_a_crosslinked_system_has_the_old_terms_and_the_new_ones(system, bonds):
    cured = crosslinked(system, bonds)
    assert (cured.bonds[: len(system.bonds)] == system.bonds).all()
    assert (cured.angles[: len(system.angles)] == system.angles).all()
    assert (cured.bonds[len(system.bonds) :, 1:] - 1 == bonds).all()
    for terms, names in ((cured.bonds, cured.bond_names), (cured.angles, cured.angle_names)):
        assert terms.dtype == np.int64
        for kind, *beads in terms.tolist():
            assert names[kind - 1] == name_of(cured, beads)
    assert cured.topology.bonds.members.tolist() == (cured.bonds[:, 1:] - 1).tolist()
    assert cured.topology.angles.types.tolist() == (cured.angles[:, 0] - 1).tolist()
    assert (cured.topology.molecule_ids == system.topology.molecule_ids).all()
    assert cured.positions is system.positions


def test_molecules_keep_the_angles_that_they_declare(system, bonds):
    # The star declares one of its three angles; the other two never appear.
    cured = crosslinked(system, bonds)
    inside = cured.topology.molecule_ids[cured.topology.angles.members]
    own = (inside == inside[:, :1]).all(axis=1)
    assert own.sum() == len(system.angles)


def test_two_arms_of_a_ring_of_three_make_an_angle_at_each_corner():
    angles = new_angles(np.array([[0, 1]]), np.array([[1, 2], [0, 2]]), 3)
    assert angles.tolist() == [[1, 0, 2], [0, 1, 2], [0, 2, 1]]


def test_no_new_bonds_change_nothing(system):
    same = crosslinked(system, np.empty((0, 2), dtype=np.int64))
    assert (same.bonds.tolist(), same.angles.tolist()) == (system.bonds.tolist(), system.angles.tolist())


def test_types_that_arise_are_those_of_a_random_cure(system, bonds, molecules, toys):
    cured = crosslinked(system, bonds)
    found = [
        {names[kind - 1] for kind in terms[len(old) :, 0].tolist()}
        for terms, old, names in (
            (cured.bonds, system.bonds, cured.bond_names),
            (cured.angles, system.angles, cured.angle_names),
        )
    ]
    arise = types_that_arise(RULES.capacities, RULES.reactions, molecules, toys.beads)
    assert found == [set(arise[0]), set(arise[1])]
    assert all(len(set(names)) == len(names) for names in arise)


def test_an_undeclared_type_is_refused_when_it_forms(toys):
    molecules = {"resin": toys.linear("AC"), "hardener": toys.linear("BD")}
    counts = {"resin": 1, "hardener": 1}
    bond = np.array([[0, 2]])
    known = ("A-C", "B-D", "A-B")
    crosslinked(toys.system(molecules, counts, known, ("B-A-C", "A-B-D")), bond)
    with pytest.raises(ProblemError, match=r"^bonds: received a new bond A-B, expected one of A-C, B-D; give bond A-B"):
        crosslinked(toys.system(molecules, counts, known[:2], ()), bond)
    with pytest.raises(ProblemError, match=r"^angles: received a new angle B-A-C, expected one of no angle at all"):
        crosslinked(toys.system(molecules, counts, known, ()), bond)
