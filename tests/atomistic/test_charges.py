"""Charges: Gasteiger's, increments of bonds, and molecules inside their network."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdPartialCharges

from beadsmith.atomistic.charges import gasteiger, no_charges, site_charges
from beadsmith.errors import ProblemError
from beadsmith.problem.smiles import molecular_graph

EPOXIDE_AMINE = [("epoxide", "amine")]


@pytest.mark.parametrize(
    "smiles",
    ["CCO", "c1ccccc1", "CC(=O)NC", "c1cc[nH]c1", "c1cnc[nH]1", "CS(=O)(=O)c1ccccc1", "CC#N", "C[Si](C)(C)O", "CB(O)O"],
)
def test_plain_molecules_have_the_charges_that_rdkit_gives_their_smiles(smiles):
    graph = molecular_graph("it", smiles)
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdPartialCharges.ComputeGasteigerCharges(molecule)
    expected = [atom.GetDoubleProp("_GasteigerCharge") for atom in molecule.GetAtoms()]

    found = gasteiger(graph.elements, graph.bonds, graph.orders, graph.aromatic)

    assert found == pytest.approx(np.array(expected), abs=1e-9)
    neutral = site_charges({"it": graph}, []).uncured["it"]
    assert neutral == pytest.approx(found, abs=1e-3)
    assert abs(neutral.sum()) < 1e-14


def test_epoxide_and_amine_exchange_a_tenth_of_a_charge_per_bond(graph_of):
    charges = site_charges({name: graph_of(name) for name in ("dgeba", "pacm")}, EPOXIDE_AMINE)

    # Residues of +0.197 per DGEBA (two bonds) and -0.394 per PACM (four).
    assert charges.increments["epoxide", "amine"] == pytest.approx(0.0986, abs=5e-4)
    assert charges.increments["amine", "epoxide"] == -charges.increments["epoxide", "amine"]


def test_uncured_molecules_are_neutral_and_resemble_themselves(graph_of):
    graphs = {name: graph_of(name) for name in ("dgeba", "brominated", "pacm", "sulfone", "ether", "benzene")}
    charges = site_charges(graphs, EPOXIDE_AMINE)

    for name, graph in graphs.items():
        found = charges.uncured[name]
        assert found.shape == (len(graph.names),)
        assert abs(found.sum()) < 1e-12
        for element, sign in {"O": -1, "Br": -1, "S": 1}.items():
            mine = [q for q, each in zip(found, graph.elements, strict=True) if each == element]
            assert all(np.sign(mine) == sign), (name, element)


def test_the_order_of_the_molecules_does_not_matter(graph_of):
    graphs = {name: graph_of(name) for name in ("dgeba", "brominated", "pacm", "sulfone")}
    plain = site_charges(graphs, EPOXIDE_AMINE)
    turned = site_charges(dict(reversed(graphs.items())), [("amine", "epoxide")])

    assert turned.increments["epoxide", "amine"] == pytest.approx(plain.increments["epoxide", "amine"], abs=1e-12)
    for name in graphs:
        assert turned.uncured[name] == pytest.approx(plain.uncured[name], abs=1e-12)


def test_several_partners_are_averaged(graph_of):
    epoxide, one, other = (graph_of(name) for name in ("dgeba", "pacm", "sulfone"))
    alone = [site_charges({"e": epoxide, "a": amine}, EPOXIDE_AMINE) for amine in (one, other)]
    both = site_charges({"e": epoxide, "one": one, "other": other}, EPOXIDE_AMINE)

    increments = [each.increments["epoxide", "amine"] for each in alone]
    assert both.increments["epoxide", "amine"] == pytest.approx(np.mean(increments), abs=1e-6)
    assert increments[0] != pytest.approx(increments[1], abs=0.005)
    assert min(increments) < both.increments["epoxide", "amine"] < max(increments)


def test_a_kind_that_reacts_with_itself_moves_no_charge():
    vinyl = molecular_graph("vinyl", "*CC(*)c1ccccc1", "carbon")
    charges = site_charges({"vinyl": vinyl}, [("carbon", "carbon")])

    assert charges.increments == {("carbon", "carbon"): 0.0}
    assert abs(charges.uncured["vinyl"].sum()) < 1e-12


def test_without_charges_everything_is_zero(graph_of):
    charges = no_charges({name: graph_of(name) for name in ("dgeba", "pacm")}, EPOXIDE_AMINE)

    assert not any(each.any() for each in charges.uncured.values())
    assert charges.increments == {("epoxide", "amine"): 0.0, ("amine", "epoxide"): 0.0}


def test_a_site_without_partner_is_refused(graph_of):
    with pytest.raises(
        ProblemError, match=r"molecules\.pacm\.sites: received amine, expected a kind of site that reacts"
    ):
        site_charges({"pacm": graph_of("pacm")}, EPOXIDE_AMINE)


def test_what_gasteiger_has_no_numbers_for_is_refused():
    borane = molecular_graph("it", "CB=C")

    with pytest.raises(ProblemError, match=r"molecules\.it\.smiles: received CB=C, .*charges: none"):
        site_charges({"it": borane}, [])
    reactive = molecular_graph("it", "*CB=C", "carbon")
    with pytest.raises(ProblemError, match=r"molecules\.it\.smiles: received \*CB=C"):
        site_charges({"it": reactive}, [("carbon", "carbon")])
    assert not no_charges({"it": borane}, []).uncured["it"].any()


def test_hydrogen_alone_is_neutral():
    graph = molecular_graph("it", "[H][H]")

    assert site_charges({"it": graph}, []).uncured["it"] == pytest.approx(np.zeros(2), abs=1e-12)
