"""Types of atoms: hybridisation, resonance, open valences, what DREIDING does not know."""

import pytest

from beadsmith.atomistic.typing import dreiding_types
from beadsmith.errors import ProblemError
from beadsmith.problem.smiles import molecular_graph


def heavy(smiles: str, sites: str = "", **chosen: str) -> list[str]:
    graph = molecular_graph("it", smiles, sites)
    return [each for each in dreiding_types(graph, **chosen) if each != "H_"]


@pytest.mark.parametrize(
    ("smiles", "types"),
    [
        ("CCO", "C_3 C_3 O_3"),
        ("CC(=O)C", "C_3 C_2 O_2 C_3"),
        ("CC#N", "C_3 C_1 N_1"),
        ("c1ccccc1", "C_R " * 6),
        ("n1ccccc1", "N_R" + " C_R" * 5),
        ("c1ccoc1", "C_R C_R C_R O_R C_R"),
        ("c1ccsc1", "C_R C_R C_R S_3 C_R"),
        ("CC(=O)NC", "C_3 C_2 O_2 N_R C_3"),
        ("CC(=O)OC", "C_3 C_2 O_2 O_R C_3"),
        ("Nc1ccccc1", "N_R" + " C_R" * 6),
        ("NC1CCCCC1", "N_3" + " C_3" * 6),
        ("Oc1ccccc1", "O_R" + " C_R" * 6),
        ("C=CC=C", "C_2 C_2 C_2 C_2"),
        ("CN=NC", "C_3 N_2 N_2 C_3"),
        ("CN=C=O", "C_3 N_2 C_1 O_2"),
        ("CS(=O)(=O)C", "C_3 S_3 O_2 O_2 C_3"),
        ("CP(=O)(OC)OC", "C_3 P_3 O_2 O_3 C_3 O_3 C_3"),
        ("C[Si](C)(C)O[Si](C)(C)C", "C_3 Si3 C_3 C_3 O_3 Si3 C_3 C_3 C_3"),
        ("FB(F)F", "F_ B_2 F_ F_"),
        ("ClC(Br)I", "Cl C_3 Br I_"),
    ],
)
def test_types_of_atoms(smiles, types):
    assert heavy(smiles) == types.split()


def test_hydrogen_is_always_plain():
    for smiles in ("O", "N", "C", "CO", "CC(=O)O"):
        graph = molecular_graph("it", smiles)
        types = dreiding_types(graph)
        assert {each for each, element in zip(types, graph.elements, strict=True) if element == "H"} == {"H_"}


def test_an_open_valence_counts_as_the_bond_that_will_be_there():
    # Without it, this nitrogen would have one neighbour, and this carbon be a radical.
    assert heavy("*N(*)c1ccccc1", "amine") == ["N_R"] + 6 * ["C_R"]
    assert heavy("*N(*)C", "amine") == ["N_3", "C_3"]
    assert heavy("*CC(O)C", "epoxide") == ["C_3", "C_3", "O_3", "C_3"]
    assert heavy("*C=C", "vinyl") == ["C_2", "C_2"]


@pytest.mark.parametrize(
    ("smiles", "changes"),
    [
        ("COc1ccccc1", True),
        ("c1ccccc1Oc1ccccc1", True),
        ("Oc1ccccc1", False),  # a phenol
        ("CC(=O)Oc1ccccc1", False),  # an ester
        ("COC", False),  # no aromatic ring; O_3 anyway
        ("c1ccc2c(c1)oc1ccccc12", False),  # inside the aromatic system
    ],
)
def test_only_the_oxygen_of_aryl_ethers_may_be_chosen(smiles, changes):
    resonant, tetrahedral = heavy(smiles), heavy(smiles, aryl_ether_oxygen="O_3")

    different = [pair for pair in zip(resonant, tetrahedral, strict=True) if pair[0] != pair[1]]
    assert different == ([("O_R", "O_3")] if changes else [])


@pytest.mark.parametrize("smiles", ["FS(F)(F)(F)(F)F", "FP(F)(F)(F)F", "FI(F)F"])
def test_an_atom_without_type_is_refused(smiles):
    with pytest.raises(
        ProblemError, match=r"molecules\.it\.smiles: received atom .*neighbours.*DREIDING has a type for"
    ):
        heavy(smiles)


def test_four_neighbours_are_enough_for_sulphur_and_phosphorus():
    assert "S_3" in heavy("CS(=O)(=O)C")
    assert "P_3" in heavy("CP(C)(C)=O")
