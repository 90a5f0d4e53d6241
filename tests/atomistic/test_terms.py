"""Bonds, angles, torsions and inversions: how many, of which kind, and the barriers that they make."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.atomistic.dreiding import TYPES
from beadsmith.atomistic.terms import bonded_terms, torsion
from beadsmith.atomistic.typing import dreiding_types
from beadsmith.problem.smiles import molecular_graph

NAMES = tuple(TYPES)


def terms_of(smiles: str, order=None, sites: str = ""):
    """All terms of a molecule, its atoms numbered anew by ``order``."""
    graph = molecular_graph("it", smiles, sites)
    order = np.arange(len(graph.names)) if order is None else np.asarray(order)
    number = np.argsort(order)
    types = dreiding_types(graph)
    return bonded_terms(
        NAMES,
        np.array([NAMES.index(types[atom]) for atom in order]),
        np.array([graph.aromatic[atom] for atom in order]),
        number[np.array(graph.bonds, dtype=np.int64).reshape(-1, 2)],
        np.array(graph.orders),
    )


def listed(terms, order=None) -> Counter:
    """Every term as its atoms, read from the end with the lower number, and its coefficients."""
    found = Counter()
    for members, kind in zip(terms.members.tolist(), terms.types.tolist(), strict=True):
        atoms = tuple(members if order is None else [int(order[atom]) for atom in members])
        found[min(atoms, atoms[::-1]), terms.coefficients[kind]] += 1
    return found


def barrier(smiles: str, placed: dict[tuple[int, int], float]) -> np.ndarray:
    """Torsion energy of a turn about one bond, kcal/mol, at 0, 1, ... 359 degrees.

    Args:
        placed: angle of each torsion at a turn of 0, degrees, by its outer atoms; others do not take part.
    """
    torsions = terms_of(smiles).torsions
    turns, energy = np.radians(np.arange(360)), np.zeros(360)
    for members, kind in zip(torsions.members.tolist(), torsions.types.tolist(), strict=True):
        ends = (members[0], members[3])
        k, fold, phase, _ = torsions.coefficients[kind]
        start = placed.get(ends, placed.get(ends[::-1]))
        if start is not None:
            energy += k * (1 + np.cos(fold * (turns + math.radians(start)) - math.radians(phase)))
    return energy


def test_ethane_turns_over_a_barrier_of_two():
    # Carbons are atoms 0 and 1; hydrogens 2 - 4 and 5 - 7 stand 120 degrees apart.
    ends = itertools.product(enumerate((2, 3, 4)), enumerate((5, 6, 7)))
    placed = {(one, other): 120.0 * (b - a) for (a, one), (b, other) in ends}
    energy = barrier("CC", placed)

    assert len(terms_of("CC").torsions.members) == 9
    assert energy.max() - energy.min() == pytest.approx(2.0)
    assert energy.argmin() % 120 == 60  # staggered
    assert energy.min() == pytest.approx(0, abs=1e-9)


def test_propene_prefers_a_hydrogen_eclipsed_with_its_double_bond():
    # C0 is the methyl group with hydrogens 3 - 5, C1 has hydrogen 6, opposite to C2.
    graph = molecular_graph("it", "CC=C")
    assert graph.bonds[-1] == (2, 8)
    turns = {3: 0.0, 4: 120.0, 5: 240.0}
    placed = {(2, h): turn for h, turn in turns.items()} | {(6, h): 180 + turn for h, turn in turns.items()}
    energy = barrier("CC=C", placed)

    kinds = dict(zip(terms_of("CC=C").torsions.names, terms_of("CC=C").torsions.coefficients, strict=True))
    assert kinds["X-C_3-C_2-X shared by 6"] == pytest.approx((1 / 6, 3, 0, 0))  # (j): beside hydrogen
    assert kinds["X-C_3-C_2-P shared by 6"] == pytest.approx((1 / 12, 6, 180, 0))  # (b): beside the double bond
    assert energy[0] == pytest.approx(energy.min())
    # (j) alone: three torsions of 2/6 kcal/mol; the sixfold ones are at their minimum at 0 and at 60 degrees.
    assert energy[60] - energy[0] == pytest.approx(1.0)


def test_a_double_bond_and_a_ring_stay_flat():
    ends = itertools.product(enumerate((2, 3)), enumerate((4, 5)))
    ethene = {(one, other): 180.0 * (a != b) for (a, one), (b, other) in ends}
    energy = barrier("C=C", ethene)
    assert energy.max() - energy.min() == pytest.approx(45)
    assert energy.argmin() % 180 == 0

    benzene = terms_of("c1ccccc1").torsions
    assert len(benzene.members) == 24
    assert benzene.coefficients == ((25 / 2 / 4, 2, 180, 0),)


def test_peroxide_and_disulfide_stand_at_right_angles():
    for smiles in ("OO", "SS"):
        energy = barrier(smiles, {(2, 3): 0.0})
        assert energy.argmin() % 180 == 90
        assert energy.max() - energy.min() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("j", "k", "order", "rings", "ends", "expected"),
    [
        pytest.param("C_3", "C_3", 1, False, (False, False), (2.0, 3, 180), id="a"),
        pytest.param("C_3", "O_3", 1, False, (False, False), (2.0, 3, 180), id="a, one of the oxygen column"),
        pytest.param("N_3", "C_3", 1, False, (True, True), (2.0, 3, 180), id="a, whatever is beside it"),
        pytest.param("C_2", "C_3", 1, False, (True, False), (1.0, 6, 0), id="b"),
        pytest.param("C_3", "C_R", 1, False, (False, True), (1.0, 6, 0), id="b, read backwards"),
        pytest.param("C_2", "C_2", 2, False, (True, True), (45.0, 2, 180), id="c"),
        pytest.param("N_2", "N_2", 2, False, (False, False), (45.0, 2, 180), id="c, azo"),
        pytest.param("C_R", "C_R", 1.5, True, (True, True), (25.0, 2, 180), id="d"),
        pytest.param("C_2", "C_2", 1, False, (True, True), (5.0, 2, 180), id="e, butadiene"),
        pytest.param("C_2", "N_R", 1, False, (True, False), (5.0, 2, 180), id="e, amide"),
        pytest.param("C_R", "O_R", 1, False, (True, False), (5.0, 2, 180), id="e, aryl ether"),
        pytest.param("C_R", "C_R", 1, True, (True, True), (10.0, 2, 180), id="f, biphenyl"),
        pytest.param("C_1", "C_3", 1, False, (False, False), None, id="g, sp"),
        pytest.param("C_3", "Cl", 1, False, (False, False), None, id="g, monovalent"),
        pytest.param("O_3", "O_3", 1, False, (False, False), (2.0, 2, 90), id="h"),
        pytest.param("S_3", "O_3", 1, False, (False, False), (2.0, 2, 90), id="h, mixed"),
        pytest.param("O_3", "C_R", 1, False, (False, True), (2.0, 2, 180), id="i"),
        pytest.param("C_2", "S_3", 1, False, (False, False), (2.0, 2, 180), id="i, where j would hold otherwise"),
        pytest.param("C_2", "C_3", 1, False, (False, True), (2.0, 3, 180), id="j"),
        pytest.param("C_3", "N_R", 1, False, (True, False), (2.0, 3, 180), id="j, read backwards"),
    ],
)
def test_the_ten_rules(j, k, order, rings, ends, expected):
    assert torsion(j, k, order, rings, ends) == expected
    assert torsion(k, j, order, rings, ends[::-1]) == expected


def test_rules_meet_the_molecules_they_are_made_for():
    def coefficients(smiles: str, part: str):
        terms = terms_of(smiles).torsions
        return {c for name, c in zip(terms.names, terms.coefficients, strict=True) if part in name}

    assert coefficients("c1ccccc1-c1ccccc1", "between rings") == {(10 / 2 / 4, 2, 180, 0)}
    assert coefficients("C=CC=C", "C_2-C_2") == {(5 / 2 / 4, 2, 180, 0)}
    assert coefficients("COc1ccccc1", "C_R-O_R") == {(5 / 2 / 2, 2, 180, 0)}
    assert coefficients("COc1ccccc1", "C_3-O_R") == {(1 / 2 / 3, 6, 180, 0)}
    # Either of the two in the middle may be the planar one, whichever type stands first in the table.
    assert coefficients("C=C[Si](C)(C)C", "P-C_2-Si3-X") == {(1 / 2 / 6, 6, 180, 0)}
    assert coefficients("C=C[Si](C)(C)C", "X-C_2-Si3-X") == {(2 / 2 / 6, 3, 0, 0)}
    assert coefficients("CP(C)c1ccccc1", "C_R-P_3") == {(1 / 2 / 4, 6, 180, 0)}
    assert len(terms_of("CC#CC").torsions.members) == 0


@pytest.mark.parametrize(
    ("smiles", "lengths"),
    [
        ("CC", {"C_3-C_3": (350, 1.53), "H_-C_3": (350, 1.09)}),
        ("C=C", {"C_2=C_2": (700, 1.33), "H_-C_2": (350, 0.99)}),
        ("C#C", {"C_1#C_1": (1050, 1.194), "H_-C_1": (350, 0.922)}),
        ("c1ccccc1", {"C_R:C_R": (525, 1.39), "H_-C_R": (350, 1.02)}),
        ("CBr", {"C_3-Br": (350, 1.927), "H_-C_3": (350, 1.09)}),
    ],
)
def test_bonds(smiles, lengths):
    bonds = terms_of(smiles).bonds

    assert dict(zip(bonds.names, bonds.coefficients, strict=True)) == {k: pytest.approx(v) for k, v in lengths.items()}


def test_angles_take_their_rest_from_the_vertex():
    angles = terms_of("CCO").angles

    assert dict(zip(angles.names, angles.coefficients, strict=True)) == {
        "X-C_3-X": (50.0, 109.471),
        "X-O_3-X": (50.0, 104.51),
    }
    assert len(angles.members) == 2 * 6 + 1


def test_inversions_are_three_for_each_planar_atom_with_three_neighbours():
    for smiles, centres in {
        "C=C": 2,
        "c1ccccc1": 6,
        "CC(=O)C": 1,
        "Nc1ccccc1": 7,
        "NC": 0,
        "CN=NC": 0,
        "FB(F)F": 1,
    }.items():
        inversions = terms_of(smiles).inversions
        assert len(inversions.members) == 3 * centres
        assert set(inversions.coefficients) <= {(40 / 3, 0.0)}
        for centre in set(inversions.members[:, 0].tolist()):
            mine = inversions.members[inversions.members[:, 0] == centre]
            assert len({int(row[3]) for row in mine}) == 3  # every neighbour is lifted once
            assert all(set(row[1:]) == set(mine[0, 1:]) for row in mine)


def test_molecules_too_small_for_some_terms_have_none():
    methane = terms_of("C")
    assert (len(methane.bonds.members), len(methane.angles.members)) == (4, 6)
    assert methane.torsions.members.shape == (0, 4)
    assert methane.torsions.names == methane.inversions.names == ()
    assert len(terms_of("Cl").angles.members) == 0
    alone = bonded_terms(NAMES, np.array([3]), np.array([False]), np.empty((0, 2), dtype=np.int64), np.empty(0))
    assert [len(each.members) for each in (alone.bonds, alone.angles, alone.torsions, alone.inversions)] == [0, 0, 0, 0]


def test_a_ring_of_three_has_no_torsion_from_an_atom_to_itself():
    torsions = terms_of("C1CC1").torsions

    assert all(len(set(row)) == 4 for row in torsions.members.tolist())
    # Each of three bonds: two hydrogens on either side; the ring atom is beside both.
    assert len(torsions.members) == 3 * (3 * 3 - 1)


@settings(max_examples=30)
@given(st.sampled_from(["CC(=O)Nc1ccccc1", "C1CC1C=C", "CS(=O)(=O)c1ccccc1OC"]), st.randoms(use_true_random=False))
def test_numbering_of_atoms_does_not_matter(smiles, random):
    order = list(range(len(molecular_graph("it", smiles).names)))
    random.shuffle(order)
    plain, shuffled = terms_of(smiles), terms_of(smiles, order)

    for part in ("bonds", "angles", "torsions"):
        assert listed(getattr(plain, part)) == listed(getattr(shuffled, part), order)
    lifted = [
        Counter((int(renamed[row[0]]), int(renamed[row[3]])) for row in terms.inversions.members)
        for terms, renamed in ((plain, range(len(order))), (shuffled, order))
    ]
    assert lifted[0] == lifted[1]


@pytest.mark.parametrize("smiles", ["CC(=O)Nc1ccccc1", "CC(C)(C)c1ccc(cc1)OCC(O)CN(C)C", "CS(=O)(=O)c1ccccc1OC"])
def test_torsions_about_a_bond_share_its_barrier(smiles):
    torsions = terms_of(smiles).torsions
    shares = {}
    for row, kind in zip(torsions.members.tolist(), torsions.types.tolist(), strict=True):
        shares.setdefault(tuple(sorted(row[1:3])), []).append(torsions.coefficients[kind])

    for found in shares.values():
        for k, fold, *_ in found:
            barrier = round(2 * k * len(found), 9)
            assert barrier in {2: {2, 5, 10, 25, 45}, 3: {2}, 6: {1}}[fold]
