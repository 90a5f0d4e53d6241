"""Whole systems: who is what, and what a new bond changes, against the product written down in one piece."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.atomistic.charges import gasteiger
from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.system import atomistic_system, crosslinked_atoms
from beadsmith.errors import ProblemError
from beadsmith.problem.smiles import molecular_graph

REACTIONS = [("epoxide", "amine")]


def system(molecules, counts, reactions=REACTIONS, **chosen):
    """Atoms, all at the origin: where they are does not matter here."""
    atoms = sum(count * len(molecules[name].names) for name, count in counts.items())
    return atomistic_system(
        molecules, counts, DreidingOptions(**chosen), np.zeros((atoms, 3)), np.full(3, 30.0), reactions
    )


def sites(whole, kind: str) -> np.ndarray:
    names = np.array(whole.topology.bead_names)
    return np.flatnonzero(names[whole.topology.bead_types - 1] == kind)


def to_one_site(others, site) -> np.ndarray:
    """Bonds between one site and each of the others."""
    return np.array([[each, site] for each in others], dtype=np.int64).reshape(-1, 2)


@pytest.fixture
def resin(graph_of):
    return {"dgeba": graph_of("dgeba"), "pacm": graph_of("pacm")}


@pytest.fixture
def whole(resin):
    return system(resin, {"dgeba": 4, "pacm": 2})


def test_topology_follows_the_counts(whole, resin):
    topology = whole.topology
    sizes = [len(resin[name].names) for name in ("dgeba", "pacm")]

    assert topology.molecule_kinds == {1: "dgeba", 2: "dgeba", 3: "dgeba", 4: "dgeba", 5: "pacm", 6: "pacm"}
    assert np.bincount(topology.molecule_ids)[1:].tolist() == 4 * sizes[:1] + 2 * sizes[1:]
    assert topology.bead_names == ("epoxide", "C", "O", "H", "amine")
    assert topology.masses.sum() == pytest.approx(4 * 342.435 + 2 * 206.333)
    assert len(sites(whole, "epoxide")) == 8
    assert len(sites(whole, "amine")) == 4
    assert topology.bonds.members.shape == (4 * len(resin["dgeba"].bonds) + 2 * len(resin["pacm"].bonds), 2)
    # No bond leaves its molecule.
    owners = topology.molecule_ids[topology.bonds.members]
    assert (owners[:, 0] == owners[:, 1]).all()


def test_bonds_and_angles_are_named_by_kinds_of_atoms_in_the_order_of_the_problem(whole):
    topology = whole.topology
    assert {"epoxide-C", "epoxide-H", "C-amine", "O-H"} < set(topology.bonds.names)
    assert "C-epoxide" not in topology.bonds.names
    assert "epoxide-C-O" in topology.angles.names
    for bonded in (topology.bonds, topology.angles):
        for members, kind in zip(bonded.members[:200], bonded.types[:200], strict=True):
            names = [topology.bead_names[each - 1] for each in topology.bead_types[members]]
            assert bonded.names[kind] in {"-".join(names), "-".join(reversed(names))}


def test_kinds_and_types_do_not_depend_on_which_molecules_of_the_problem_are_there(resin):
    both, alone = system(resin, {"dgeba": 1, "pacm": 1}), system(resin, {"pacm": 1})
    atoms = len(resin["dgeba"].names)

    assert alone.type_names == both.type_names
    assert alone.topology.bead_names == both.topology.bead_names
    assert (alone.atom_types == both.atom_types[atoms:]).all()
    assert (alone.charges == both.charges[atoms:]).all()


def test_positions_must_fit_the_molecules(resin):
    with pytest.raises(ValueError, match="3 positions for 37 atoms"):
        atomistic_system(resin, {"pacm": 1}, DreidingOptions(), np.zeros((3, 3)), np.full(3, 30.0), REACTIONS)


# One diamine with three epoxides on it, two of them at one nitrogen.
EPOXIDE = "CC(O)COc1ccc(cc1)C(C)(C)c1ccc(cc1)OCC(O)C*"


def matched(one, other) -> np.ndarray:
    """Atom of ``other`` for each atom of ``one``, both (elements, bonds), by RDKit."""
    from rdkit import Chem

    drawn = []
    for elements, bonds in (one, other):
        molecule = Chem.RWMol()
        for element in elements:
            atom = Chem.Atom(element)
            atom.SetNoImplicit(True)
            molecule.AddAtom(atom)
        for first, second in bonds:
            molecule.AddBond(int(first), int(second), Chem.BondType.SINGLE)
        drawn.append(molecule)
    return np.array(drawn[1].GetSubstructMatch(drawn[0]))


def listed(terms, names: np.ndarray) -> Counter:
    found = Counter()
    for members, kind in zip(terms.members.tolist(), terms.types.tolist(), strict=True):
        atoms = tuple(int(names[atom]) for atom in members)
        found[min(atoms, atoms[::-1]), terms.coefficients[kind]] += 1
    return found


def lifted(terms, names: np.ndarray) -> Counter:
    """Inversions: centre and the atom out of the plane; the order of the two others means nothing."""
    return Counter((int(names[row[0]]), int(names[row[3]])) for row in terms.members)


@pytest.fixture(params=["pacm", "sulfone", "ether"])
def cured_and_product(request, graph_of):
    """A diamine with three epoxides bonded to it, and the same molecule from its own SMILES; the match of atoms."""
    graphs = {"dgeba": graph_of("dgeba"), "amine": graph_of(request.param)}
    uncured = system(graphs, {"amine": 1, "dgeba": 3})
    first, second = sites(uncured, "amine")
    ends = sites(uncured, "epoxide")[::2]
    cured = crosslinked_atoms(uncured, np.array([[ends[0], first], [first, ends[1]], [ends[2], second]]))
    smiles = graphs["amine"].smiles
    # The first nitrogen takes two epoxides, the last one takes one and keeps an open valence.
    head, _, tail = smiles.replace("*N(*)", f"N({EPOXIDE})({EPOXIDE})", 1).rpartition("N(*)*")
    assert not tail
    product = molecular_graph("product", f"{head}N({EPOXIDE})*", "any")
    elements = [element for name, count in (("amine", 1), ("dgeba", 3)) for element in graphs[name].elements * count]
    match = matched((elements, cured.topology.bonds.members), (product.elements, product.bonds))
    assert len(match) == len(product.names)
    return uncured, cured, product, match


def test_terms_after_new_bonds_are_those_of_the_product_in_one_piece(cured_and_product):
    _, cured, product, match = cured_and_product
    whole = system({"product": product}, {"product": 1}, [("any", "any")])
    same = np.arange(len(product.names))

    assert [cured.type_names[each] for each in cured.atom_types] == [
        whole.type_names[whole.atom_types[each]] for each in match
    ]
    for part in ("bonds", "angles", "torsions"):
        assert listed(getattr(cured.terms, part), match) == listed(getattr(whole.terms, part), same), part
    assert lifted(cured.terms.inversions, match) == lifted(whole.terms.inversions, same)


def test_a_new_bond_changes_how_many_torsions_share_a_barrier(whole):
    amine, epoxides = sites(whole, "amine")[0], sites(whole, "epoxide")[:2]
    carbon = next(int(b if a == amine else a) for a, b in whole.topology.bonds.members if amine in (a, b))
    shared = []
    for bonds in (0, 1, 2):
        cured = crosslinked_atoms(whole, to_one_site(epoxides[:bonds], amine))
        torsions = cured.terms.torsions
        middle = [set(row[1:3]) == {amine, carbon} for row in torsions.members.tolist()]
        shared.append([torsions.coefficients[kind] for kind in torsions.types[middle]])

    # C-N of an amine without hydrogens: nothing to turn, then 3, then 6 torsions, always 2 kcal/mol together.
    assert [len(each) for each in shared] == [0, 3, 6]
    assert {each[:2] for each in shared[1]} == {(1 / 3, 3)}
    assert {each[:2] for each in shared[2]} == {(1 / 6, 3)}


def test_an_aniline_becomes_planar_when_its_second_bond_forms(graph_of):
    graphs = {"dgeba": graph_of("dgeba"), "sulfone": graph_of("sulfone")}
    uncured = system(graphs, {"dgeba": 2, "sulfone": 1})
    amine, epoxides = sites(uncured, "amine")[0], sites(uncured, "epoxide")
    for bonds, inversions in ((0, 0), (1, 0), (2, 3)):
        cured = crosslinked_atoms(uncured, to_one_site(epoxides[:bonds], amine))
        assert (cured.terms.inversions.members[:, 0] == amine).sum() == inversions


def test_a_new_bond_leaves_positions_types_and_molecules_alone(whole):
    cured = crosslinked_atoms(whole, np.array([[sites(whole, "epoxide")[0], sites(whole, "amine")[0]]]))

    assert (cured.atom_types == whole.atom_types).all()
    assert (cured.topology.molecule_ids == whole.topology.molecule_ids).all()
    assert (cured.topology.bead_types == whole.topology.bead_types).all()
    assert len(cured.topology.bonds.members) == len(whole.topology.bonds.members) + 1
    assert "epoxide-amine" in cured.topology.bonds.names
    assert "epoxide-amine" not in whole.topology.bonds.names
    assert {"C-epoxide-amine", "epoxide-amine-C"} & set(cured.topology.angles.names)


def test_no_new_bond_changes_nothing(whole):
    same = crosslinked_atoms(whole, np.empty((0, 2), dtype=np.int64))

    assert (same.charges == whole.charges).all()
    assert same.terms.torsions.coefficients == whole.terms.torsions.coefficients
    assert (same.topology.bonds.members == whole.topology.bonds.members).all()


def test_sites_that_do_not_react_with_each_other_are_refused(whole):
    with pytest.raises(ProblemError, match=r"reactions\.bonds: received a new bond epoxide-epoxide"):
        crosslinked_atoms(whole, sites(whole, "epoxide")[None, :2])


@settings(max_examples=25)
@given(st.data())
def test_a_system_is_neutral_at_every_degree_of_crosslinking(data):
    smiles = {
        "dgeba": molecular_graph("dgeba", f"*{EPOXIDE}", "epoxide"),
        "pacm": molecular_graph("pacm", "*N(*)C1CCC(CC1)CC1CCC(CC1)N(*)*", "amine"),
        "sulfone": molecular_graph("sulfone", "*N(*)c1ccc(cc1)S(=O)(=O)c1ccc(cc1)N(*)*", "amine"),
        "plain": molecular_graph("plain", "CC(=O)OC", ""),
    }
    uncured = system(smiles, {"dgeba": 5, "pacm": 2, "sulfone": 1, "plain": 1})
    epoxides = data.draw(st.permutations(sites(uncured, "epoxide").tolist()))
    amines = data.draw(st.permutations(2 * sites(uncured, "amine").tolist()))
    count = data.draw(st.integers(0, len(epoxides)))
    bonds = np.array(list(zip(epoxides, amines, strict=False))[:count], dtype=np.int64).reshape(-1, 2)
    flipped = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    bonds = np.where(np.array(flipped, dtype=bool).reshape(-1, 1), bonds[:, ::-1], bonds)

    cured = crosslinked_atoms(uncured, bonds)

    assert abs(cured.charges.sum()) < 1e-10
    assert abs(uncured.charges.sum()) < 1e-10
    for molecule in uncured.topology.molecule_kinds:
        assert abs(uncured.charges[uncured.topology.molecule_ids == molecule].sum()) < 1e-10
    # Carbon becomes more positive and nitrogen more negative, whichever end of the bond comes first.
    moved = cured.charges - uncured.charges
    assert moved[sites(uncured, "epoxide")].sum() == pytest.approx(-moved[sites(uncured, "amine")].sum())
    assert (moved[sites(uncured, "epoxide")] >= 0).all()


def test_a_fully_reacted_molecule_has_the_charges_that_it_has_in_the_product(graph_of):
    graphs = {"dgeba": graph_of("dgeba"), "pacm": graph_of("pacm")}
    uncured = system(graphs, {"pacm": 1, "dgeba": 4})
    ends, (first, second) = sites(uncured, "epoxide")[::2], sites(uncured, "amine")
    cured = crosslinked_atoms(uncured, np.concatenate([to_one_site(ends[:2], first), to_one_site(ends[2:], second)]))
    epoxide = EPOXIDE.replace("*", "N")
    product = molecular_graph("product", f"N({epoxide})({epoxide})C1CCC(CC1)CC1CCC(CC1)N({epoxide}){epoxide}")
    elements = [element for name, count in (("pacm", 1), ("dgeba", 4)) for element in graphs[name].elements * count]
    match = matched((elements, cured.topology.bonds.members), (product.elements, product.bonds))
    charges = gasteiger(product.elements, product.bonds, product.orders, product.aromatic)

    amine = len(graphs["pacm"].names)
    difference = cured.charges[:amine] - charges[match[:amine]]
    assert np.abs(difference).max() < 2e-4
    assert np.abs(cured.charges[:amine]).max() > 0.2
