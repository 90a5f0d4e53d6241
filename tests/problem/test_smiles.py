"""Molecules from SMILES, atoms from SMARTS, conformations."""

import math

import numpy as np
import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.smiles import ELEMENTS, conformation, molecular_graph, substructures

DGEBA = "*CC(O)COc1ccc(cc1)C(C)(C)c1ccc(cc1)OCC(O)C*"
PACM = "*N(*)C1CCC(CC1)CC1CCC(CC1)N(*)*"


def test_ethanol():
    graph = molecular_graph("ethanol", "CCO")

    assert graph.names == ("C1", "C2", "O1", "H1", "H2", "H3", "H4", "H5", "H6")
    assert graph.elements == ("C", "C", "O") + 6 * ("H",)
    assert sum(graph.masses) == pytest.approx(46.07, abs=0.01)
    assert graph.bonds[:2] == ((0, 1), (1, 2))
    assert graph.orders == 8 * (1.0,)
    assert graph.hybridisations[:4] == ("sp3", "sp3", "sp3", "")
    assert not any(graph.aromatic)
    assert not any(graph.open_valences)
    assert graph.labels == graph.elements


def test_hydrogens_come_in_the_order_of_the_atoms_that_carry_them():
    graph = molecular_graph("ethanol", "CCO")
    carriers = [first for first, second in graph.bonds if second >= 3]
    assert carriers == sorted(carriers)
    assert [carriers.count(atom) for atom in range(3)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("smiles", "orders", "hybridisations"),
    [
        ("C=C", {2.0}, {"sp2"}),
        ("C#C", {3.0}, {"sp"}),
        ("c1ccccc1", {1.5}, {"sp2"}),
        ("C1=CC=CC=C1", {1.5}, {"sp2"}),
        ("OO", {1.0}, {"sp3"}),
    ],
)
def test_orders_and_hybridisation(smiles, orders, hybridisations):
    graph = molecular_graph("it", smiles)
    heavy = [
        order for (_, second), order in zip(graph.bonds, graph.orders, strict=True) if graph.elements[second] != "H"
    ]

    assert set(heavy) == orders
    assert set(graph.hybridisations) - {""} == hybridisations


def test_lone_pairs_beside_pi_electrons_are_resonant():
    amide = molecular_graph("it", "CC(=O)NC")
    assert amide.resonant[:5] == (False, True, True, True, False)
    assert amide.hybridisations[3] == "sp2"
    assert not any(amide.aromatic)
    assert all(molecular_graph("it", "c1ccccc1").aromatic[:6])


def test_open_valences_are_no_atoms_but_count_as_bonds():
    graph = molecular_graph("pacm", PACM, "amine")

    assert graph.elements.count("N") == 2
    assert graph.elements.count("H") == 22  # none on the nitrogens
    assert [graph.open_valences[graph.names.index(name)] for name in ("N1", "N2", "C1")] == [2, 2, 0]
    assert sum(graph.open_valences) == 4
    assert [label for label in graph.labels if label == "amine"] == ["amine", "amine"]
    assert graph.sites[graph.names.index("N1")] == "amine"
    assert graph.hybridisations[0] == "sp3"
    # An aniline without its hydrogens is planar, as it will be.
    assert molecular_graph("it", "*N(*)c1ccccc1", "amine").hybridisations[0] == "sp2"


def test_two_epoxides_and_a_diamine_have_the_mass_of_their_product():
    # Epoxide rings open, amines without hydrogen: nothing leaves when they bond.
    parts = 2 * sum(molecular_graph("a", DGEBA, "epoxide").masses) + sum(molecular_graph("b", PACM, "amine").masses)
    assert parts == pytest.approx(2 * 340.42 + 210.36, abs=0.05)


@pytest.mark.parametrize("written", ["*CC", "[*]CC", "[*:1]CC", "[1*]CC"])
def test_every_way_to_write_an_open_valence(written):
    graph = molecular_graph("it", written, "site")
    assert graph.elements == ("C", "C") + 5 * ("H",)
    assert graph.open_valences[:2] == (1, 0)


@pytest.mark.parametrize(
    ("smiles", "sites", "complaint"),
    [
        ("CC(", "", r"molecules\.it\.smiles: received 'CC\(', expected a SMILES string"),
        ("", "", r"molecules\.it\.smiles: received '', expected a SMILES string"),
        ("c1ccc1C(", "", "expected a SMILES string"),
        ("C(C)(C)(C)(C)C", "", "expected a SMILES string"),
        ("CC.O", "", "expected one connected molecule"),
        ("[Fe]", "", r"received Fe \(atom 1 of \[Fe\]\), expected one of the elements H B C"),
        ("C[Se]C", "", "received Se"),
        ("C[N+](C)(C)C", "", "expected atoms without formal charge"),
        ("C[N+](=O)[O-]", "", r"N\+ beside O-, expected atoms without formal charge; nitro.*force field of your own"),
        ("CN(=O)=O", "", r"N \(atom 2 of CN\(=O\)=O\), N\+ beside O-.*; nitro, .*also N\(=O\)=O, are not supported"),
        ("C[N+](C)(C)[O-]", "", r"N\+ beside O-.*N-oxide"),
        ("CN=[N+]=[N-]", "", r"N\+ beside N-.*azide"),
        ("C[N+](C)(C)CC(=O)[O-]", "", "expected atoms without formal charge; ions and zwitterions are not supported"),
        ("C[CH2]", "", "expected no radical"),
        ("[2H]C", "", "expected natural isotopes"),
        ("[13CH4]", "", "expected natural isotopes"),
        ("*CC", "", r"molecules\.it\.sites: expected the name of the kind of site that '\*' marks"),
        ("CC", "amine", r"molecules\.it\.smiles: received CC, expected at least one '\*'"),
        ("**", "amine", "not to another"),
        ("*", "amine", "one single bond"),
        ("C*C", "amine", "one single bond"),
        ("*=C", "amine", "one single bond"),
        ("*C(C)(C)(C)C", "amine", "expected a SMILES string"),
        ("CN(C)(C)->[Fe]", "", "received a DATIVE bond"),
        ("C~C", "", "bond, expected single, double, triple or aromatic ones"),
    ],
)
def test_what_is_no_molecule_of_ours_is_one_sentence(smiles, sites, complaint):
    with pytest.raises(ProblemError, match=complaint) as caught:
        molecular_graph("it", smiles, sites)
    assert "\n" not in str(caught.value)


def test_nothing_is_written_to_the_terminal(capfd):
    with pytest.raises(ProblemError):
        molecular_graph("it", "CC(")
    with pytest.raises(ProblemError):
        substructures(molecular_graph("it", "CC"), "[", "mapping")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_every_supported_element_is_read():
    graph = molecular_graph("it", "CB(O)C(N)(F)C(Cl)(Br)C(I)(P)[Si](C)(C)S")
    assert set(graph.elements) == set(ELEMENTS)


class TestSubstructures:
    def test_each_set_of_atoms_once_in_the_order_of_its_first_atom(self):
        graph = molecular_graph("dgeba", DGEBA, "epoxide")
        rings = substructures(graph, "c1ccc(cc1)O", "mapping")
        assert rings == ((4, 5, 6, 7, 8, 9, 10), (14, 15, 16, 17, 18, 19, 20))
        assert [graph.names[atom] for atom in rings[0]] == ["O2", "C4", "C5", "C6", "C7", "C8", "C9"]

    def test_open_valences_count_as_bonds_and_are_never_matched(self):
        graph = molecular_graph("dgeba", DGEBA, "epoxide")
        # The reacting carbon has two hydrogens, not three.
        assert substructures(graph, "[CH2]C(O)C", "mapping") == ((0, 1, 2, 3), (21, 22, 23, 24))
        assert substructures(graph, "[CH3]", "mapping") == ((12,), (13,))
        assert len(substructures(graph, "*", "mapping")) == 25
        assert substructures(graph, "[#0]", "mapping") == ()

    def test_hydrogens_are_not_matched(self):
        assert substructures(molecular_graph("it", "CC"), "[H]C", "mapping") == ()

    def test_more_matches_than_rdkit_would_return_by_itself(self):
        graph = molecular_graph("it", "C" * 60)
        # RDKit stops at 1000 unless told otherwise: pairs of carbons anywhere in the chain.
        assert len(substructures(graph, "C.C", "mapping")) == math.comb(60, 2)

    @pytest.mark.parametrize("smarts", ["[", "", "C(("])
    def test_a_pattern_that_does_not_parse(self, smarts):
        with pytest.raises(ProblemError, match=r"mapping\.molecules\.it: received .*expected a SMARTS pattern"):
            substructures(molecular_graph("it", "CC"), smarts, "mapping.molecules.it")


class TestConformation:
    def test_bonds_have_the_lengths_of_chemistry(self):
        graph = molecular_graph("dgeba", DGEBA, "epoxide")
        positions = conformation(graph, 1)

        assert positions.shape == (len(graph.names), 3)
        assert positions.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
        for (first, second), order in zip(graph.bonds, graph.orders, strict=True):
            length = np.linalg.norm(positions[first] - positions[second])
            pair = {graph.elements[first], graph.elements[second]}
            if "H" in pair:
                assert 0.9 < length < 1.15
            elif order == 1.5:
                assert 1.36 < length < 1.43
            else:
                assert 1.33 < length < 1.6

    def test_it_is_relaxed(self):
        ring = conformation(molecular_graph("it", "c1ccccc1"), 1)[:6]
        lengths = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
        assert np.ptp(lengths) < 1e-3  # distance geometry alone leaves ten times as much

    def test_the_seed_decides(self):
        graph = molecular_graph("pacm", PACM, "amine")
        one, again, other = (conformation(graph, seed) for seed in (7, 7, 8))
        assert (one == again).all()
        assert np.abs(one - other).max() > 0.1
        assert np.isfinite(conformation(graph, 2**40)).all()
        assert (conformation(graph, 0) == conformation(graph, 0)).all()

    @pytest.mark.parametrize("smiles", ["CC(C)(C)B(O)O", "C[Si](C)(C)O", "CS(=O)(=O)C", "CI", "c1cc(Br)ccc1P(C)C"])
    def test_every_kind_of_element(self, smiles):
        graph = molecular_graph("it", smiles)
        positions = conformation(graph, 1)
        gaps = np.linalg.norm(positions[:, None] - positions, axis=2)[np.triu_indices(len(positions), 1)]
        assert gaps.min() > 0.6

    def test_a_molecule_that_fits_into_no_space(self):
        # Norbornane's bridge can only join both its ends from the same side.
        assert conformation(molecular_graph("it", "C1C[C@H]2C[C@@H]1CC2"), 1).shape == (19, 3)
        with pytest.raises(ProblemError, match=r"molecules\.it\.smiles: .*three dimensions"):
            conformation(molecular_graph("it", "C1C[C@@H]2C[C@@H]1CC2"), 1)


def test_without_rdkit_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ProblemError, match=r"molecules\.water\.smiles.*RDKit to be installed; pip install \"\.\[atoms\]\" in"
    ):
        molecular_graph("water", "O")
