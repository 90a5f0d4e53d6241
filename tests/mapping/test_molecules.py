"""Which atoms of a file are which of a molecule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.atomistic.molecules import AtomsOfFile, counted_molecules, identified_molecules
from beadsmith.errors import ProblemError
from beadsmith.mapping import mapping_of
from beadsmith.problem.smiles import molecular_graph


def file_of(atoms, order, *, names=None, kinds=None, crosslinks=()):
    """The same atoms as a file that numbers them in another order, ``order`` telling which stands where."""
    topology = atoms.topology
    place = np.argsort(order)
    bonds = np.concatenate([topology.bonds.members, np.array(crosslinks, dtype=np.int64).reshape(-1, 2)])
    return AtomsOfFile(
        "atoms.data",
        tuple(names or ["x"] * len(order)),
        topology.masses[order] + 0.01,
        topology.molecule_ids[order],
        kinds or {},
        place[bonds],
    )


def test_molecules_are_found_whatever_the_order_of_their_atoms(graphs, mapping, liquid):
    """Two routes: beads of atoms in order, and of shuffled atoms that were identified by their graph."""
    atoms, frames = liquid({"dgeba": 3, "pacm": 2}, frames=1)
    link = (0, 3 * 51 + graphs["pacm"].names.index("N1"))
    random = np.random.default_rng(9)
    order = random.permutation(len(atoms.order))
    found = identified_molecules(file_of(atoms, order, crosslinks=[link]), graphs)
    shuffled = frames.positions[0][order][found.order]
    centres = mapping_of(found.molecules, mapping, found.topology)
    expected = mapping_of(graphs, mapping, atoms.topology).positions(frames.positions[0])
    # Molecules stand in the order in which the file first mentions them, and symmetric ones may begin at either end.
    positions = centres.positions(shuffled)
    nearest = np.linalg.norm(positions[:, None] - expected[None], axis=2)
    assert nearest.min(axis=1).max() < 1e-3
    assert sorted(nearest.argmin(axis=1)) == list(range(len(expected)))
    assert sorted(found.topology.molecule_kinds.values()) == ["dgeba"] * 3 + ["pacm"] * 2
    names = [centres.topology.bonds.names[kind] for kind in centres.topology.bonds.types]
    assert sorted(names) == sorted(["B1-B2", "B2-B3"] * 6 + ["B4-B5", "B4-B4", "B4-B5"] * 2 + ["B3-B5"])


def test_kinds_may_be_declared(graphs, liquid):
    atoms, _ = liquid({"dgeba": 1, "pacm": 1}, frames=1)
    file = file_of(atoms, np.arange(len(atoms.order)))
    assert identified_molecules(file, graphs, {"dgeba": 1, "pacm": 1}).topology.molecule_kinds == {
        1: "dgeba",
        2: "pacm",
    }
    with pytest.raises(ProblemError, match=r"molecule 1 with 51 atoms.*expected pacm"):
        identified_molecules(file, graphs, {"pacm": 1, "dgeba": 1})
    with pytest.raises(ProblemError, match=r"received 2 dgeba, 1 pacm, expected the 2 molecules"):
        identified_molecules(file, graphs, {"dgeba": 2, "pacm": 1})


def test_an_isomer_is_another_molecule(liquid):
    """The same formula and as many bonds, but other neighbours."""
    normal, branched = molecular_graph("normal", "CCCO"), molecular_graph("branched", "CC(O)C")
    atoms = counted_molecules({"branched": branched}, {"branched": 2})
    file = file_of(atoms, np.arange(len(atoms.order)))
    with pytest.raises(ProblemError, match=r"12 atoms \(C3 H8 O1\), expected normal \(C3 H8 O1\)"):
        identified_molecules(file, {"normal": normal})
    found = identified_molecules(file, {"normal": normal, "branched": branched})
    assert set(found.topology.molecule_kinds.values()) == {"branched"}


def test_a_molecule_with_hydrogens_at_its_open_valences_is_told_apart(graphs):
    diamine = molecular_graph("pacm", "NC1CCC(CC1)CC1CCC(CC1)N")
    atoms = counted_molecules({"pacm": diamine}, {"pacm": 1})
    with pytest.raises(ProblemError, match=r"C13 H26 N2.*C13 H22 N2.*without hydrogens at open valences"):
        identified_molecules(file_of(atoms, np.arange(len(atoms.order))), {"pacm": graphs["pacm"]})


def test_molecules_without_smiles_are_what_the_file_says(liquid):
    atoms, _ = liquid({"pacm": 2}, frames=1)
    names = [f"A{n}" for n in range(37)] * 2
    file = file_of(atoms, np.arange(74), names=names, kinds={1: "DAM", 2: "DAM"})
    found = identified_molecules(file, {})
    assert found.molecules["DAM"].names == tuple(names[:37])
    assert found.molecules["DAM"].elements.count("H") == 22
    assert found.topology.molecule_kinds == {1: "DAM", 2: "DAM"}
    with pytest.raises(ProblemError, match="DAM 2 with other atoms or bonds than the first DAM"):
        identified_molecules(replace(file, names=(*names[:73], "other")), {})
    with pytest.raises(ProblemError, match="two atoms A0 in a DAM"):
        identified_molecules(replace(file, names=("A0", "A0", *names[2:])), {})


def test_counted_molecules_stand_one_after_the_other(graphs):
    found = counted_molecules(graphs, {"pacm": 2, "dgeba": 1})
    assert found.topology.molecule_kinds == {1: "pacm", 2: "pacm", 3: "dgeba"}
    assert found.topology.masses.sum() == pytest.approx(2 * sum(graphs["pacm"].masses) + sum(graphs["dgeba"].masses))
    assert len(found.topology.bonds.members) == 2 * len(graphs["pacm"].bonds) + len(graphs["dgeba"].bonds)
    with pytest.raises(ProblemError, match="received water, expected kinds with SMILES: dgeba, pacm"):
        counted_molecules(graphs, {"water": 3})
