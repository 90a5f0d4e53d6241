"""Which atoms of a molecule make which bead."""

from __future__ import annotations

import numpy as np
import pytest
from tests.mapping.conftest import RULES

from beadsmith.atomistic.molecules import NamedMolecule
from beadsmith.errors import ProblemError
from beadsmith.problem.bead_mapping import bead_molecule, bead_order, beads_of, masses_by_kind, molecule_beads
from beadsmith.problem.molecules import resolve_molecule
from beadsmith.problem.schema import BeadMapping, BeadRule, Molecule
from beadsmith.problem.smiles import molecular_graph


def rules(*sections: dict[str, object]) -> tuple[BeadRule, ...]:
    return tuple(BeadRule.model_validate(section) for section in sections)


def mapping_of(molecules: dict[str, list[dict[str, object]]], **more: object) -> BeadMapping:
    return BeadMapping.model_validate({"molecules": molecules, **more})


@pytest.mark.parametrize(("name", "sequence"), [("dgeba", "B3 B2 B1 B2 B3"), ("pacm", "B5 B4 B4 B5")])
def test_an_epoxy_becomes_the_molecule_that_a_file_of_beads_declares(graphs, mapping, name, sequence):
    declared = resolve_molecule(name, Molecule(beads=tuple(sequence.split())), ("B1", "B2", "B3", "B4", "B5"))
    assert bead_molecule(graphs[name], mapping.molecules[name]) == declared


def test_masses_are_those_of_the_formulas(graphs, mapping):
    beads = molecule_beads(graphs, mapping)
    # C3H6O opened at both ends, C6H4O, C3H6; N without hydrogen, C6H10 and half a CH2.
    expected = {"dgeba": [58.080, 92.097, 42.081, 92.097, 58.080], "pacm": [14.007, 89.159, 89.159, 14.007]}
    for name, masses in expected.items():
        assert beads[name].masses == pytest.approx(masses, abs=2e-3)
        assert beads[name].masses.sum() == pytest.approx(sum(graphs[name].masses))
        np.testing.assert_allclose(beads[name].shares.sum(axis=0), 1.0)


def test_a_shared_atom_is_divided_with_its_hydrogens(graphs, mapping):
    beads = molecule_beads(graphs, mapping)["pacm"]
    divided = [name for name, share in zip(graphs["pacm"].names, beads.shares.max(axis=0), strict=True) if share == 0.5]
    assert len(divided) == 3
    assert sorted(name[0] for name in divided) == ["C", "H", "H"]


@pytest.mark.parametrize("centre", ["mass", "geometry"])
def test_weights_are_those_of_the_centre(graphs, mapping, centre):
    beads = molecule_beads(graphs, mapping)["dgeba"]
    weights = beads.weights(centre)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    own = weights[0, weights[0] > 0]
    assert (np.ptp(own) < 1e-12) == (centre == "geometry")


def test_the_sequence_does_not_depend_on_where_a_smiles_begins():
    # 1-butanol-like chain O-C-C-S, written from its middle.
    forwards, middle = molecular_graph("a", "OCCCS"), molecular_graph("a", "C(CO)CS")
    sections = ({"bead": "O", "smarts": "O"}, {"bead": "C", "smarts": "CCC"}, {"bead": "S", "smarts": "S"})
    assert bead_molecule(forwards, rules(*sections)).beads == ("O", "C", "S")
    assert set(map(bead_molecule(middle, rules(*sections)).beads.index, ("O", "S"))) == {0, 2}


def test_a_star_has_its_branches_beside_its_core():
    graph = molecular_graph("star", "OCC(CS)(CN)CF")
    arms = [{"bead": symbol, "smarts": f"[CH2]{symbol}"} for symbol in "OSNF"]
    star = bead_molecule(graph, rules(*arms, {"bead": "K", "smarts": "[CX4H0]"}))
    assert star.beads == ("O", "K", "S", "N", "F")
    assert star.bonds == ((0, 1), (1, 2), (1, 3), (1, 4))
    assert len(star.angles) == 6


def test_two_beads_bonded_by_two_atoms_are_bonded_once():
    naphthalene = molecular_graph("naphthalene", "c1ccc2ccccc2c1")
    halves = rules({"bead": "L", "atoms": "C1 C2 C3 C4 C10"}, {"bead": "R", "atoms": "C5 C6 C7 C8 C9"})
    assert bead_molecule(naphthalene, halves).bonds == ((0, 1),)


def test_a_ring_of_three_beads_has_three_bonds_and_three_angles():
    ring = molecular_graph("ring", "C1CCCCC1")
    thirds = rules(*({"bead": "A", "atoms": f"C{first} C{first + 1}"} for first in (1, 3, 5)))
    found = bead_molecule(ring, thirds)
    assert found.bonds == ((0, 1), (0, 2), (1, 2))
    assert len(found.angles) == 3


def test_a_hydrogen_that_is_named_goes_where_it_is_named():
    methanol = molecular_graph("methanol", "CO")
    proton = next(name for name, bond in ((f"H{n}", n) for n in (1, 2, 3, 4)) if bond == 4)
    found = beads_of(methanol, rules({"bead": "M", "smarts": "CO"}, {"bead": "H", "atoms": proton}))
    assert found.topology.beads == ("M", "H")
    assert found.masses == pytest.approx([31.034, 1.008], abs=2e-3)


def test_kinds_are_ordered_as_people_count():
    section = {"bead": "B10", "smarts": "C"}, {"bead": "B9", "smarts": "N"}, {"bead": "A", "smarts": "O"}
    assert bead_order(mapping_of({"a": [*section]})) == ("A", "B9", "B10")


def test_masses_of_one_kind_are_told_molecule_by_molecule():
    graphs = {"ethane": molecular_graph("ethane", "CC"), "butane": molecular_graph("butane", "CCCC")}
    section = {
        "ethane": [{"bead": "M", "smarts": "[CH3]"}],
        "butane": [{"bead": "M", "smarts": "[CH3]"}, {"bead": "M", "smarts": "[CH2]"}],
    }
    masses = masses_by_kind(molecule_beads(graphs, mapping_of(section)))
    assert masses["M"]["ethane"] == pytest.approx((15.035,), abs=1e-3)
    assert masses["M"]["butane"] == pytest.approx((14.027, 15.035), abs=1e-3)


def test_a_molecule_that_a_file_describes_needs_no_smiles():
    water = NamedMolecule("SOL", ("OW", "HW1", "HW2"), ("", "H", "H"), (16.0, 1.0, 1.0), ((0, 1), (0, 2)))
    found = beads_of(water, rules({"bead": "W", "atoms": "OW"}))
    assert found.masses == pytest.approx([18.0])
    with pytest.raises(ProblemError, match="SOL, which has no SMILES"):
        beads_of(water, rules({"bead": "W", "smarts": "O"}))


@pytest.mark.parametrize(
    ("molecules", "sentence"),
    [
        pytest.param({"dgeba": RULES["dgeba"][:2]}, "atoms C10 C11 C12 of dgeba in no bead", id="missing"),
        pytest.param(
            {"dgeba": [*RULES["dgeba"][:2], {"bead": "B1", "smarts": "c[CX4](c)([CH3])[CH3]"}]},
            r"atoms C7 C13 of dgeba in several beads \(B2, B1\)",
            id="twice",
        ),
        pytest.param(
            {"dgeba": [*RULES["dgeba"][:2], {"bead": "B1", "smarts": "c[CX4](c)([CH3])[CH3]", "shared": True}]},
            "atoms C7 C13 of dgeba in several beads",
            id="twice, and not all of them share",
        ),
        pytest.param(
            {"dgeba": [{"bead": "B1", "smarts": "S"}]}, r"dgeba\.1\.smarts: received S, expected a pattern", id="none"
        ),
        pytest.param({"dgeba": [{"bead": "B1", "smarts": "C(("}]}, r"dgeba\.1\.smarts", id="no SMARTS"),
        pytest.param(
            {"dgeba": [{"bead": "B1", "atoms": "C1 C99"}]}, r"received C99, .*did you mean 'C9'", id="no atom"
        ),
        pytest.param({"dgeba": [{"bead": "B1", "atoms": ""}]}, "received nothing", id="no names"),
        pytest.param({"dgeba": [{"bead": "B1"}]}, "received neither, expected either smarts or atoms", id="neither"),
        pytest.param({"dgeba": [{"bead": "B1", "smarts": "C", "atoms": "C1"}]}, "received both", id="both"),
        pytest.param({"dgeba": []}, "in no bead", id="no rules"),
        pytest.param({"dgeb": RULES["dgeba"]}, "received dgeb, .*did you mean 'dgeba'", id="unknown molecule"),
        pytest.param({"dgeba": None}, "nothing, expected rules for the molecule dgeba", id="molecule without rules"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(graphs, molecules, sentence):
    declared = {name: own for name, own in {**RULES, **molecules}.items() if own is not None}
    if "dgeb" in declared:
        del declared["dgeba"]
    with pytest.raises(ProblemError, match=sentence):
        molecule_beads(graphs, mapping_of(declared))


def test_both_sides_of_sharing(graphs):
    """One of two claims that shares is not enough; both are."""
    one = [{"bead": "B4", "smarts": "C1CCCCC1[CH2]", "shared": shared} for shared in (True, False)]
    nitrogen = {"bead": "B5", "smarts": "N"}
    assert len(beads_of(graphs["pacm"], rules(one[0], nitrogen)).masses) == 4
    with pytest.raises(ProblemError, match=r"atom C7 of pacm in several beads \(B4\)"):
        beads_of(graphs["pacm"], rules(one[1], nitrogen))
