"""The beads of a whole system: sums that must be kept, motions that commute, networks built by hand."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.mapping import mapped, mapping_of
from beadsmith.problem.recording import Bonded, Frames, Recording, Series, Topology
from beadsmith.problem.schema import BeadMapping
from beadsmith.problem.state import State

STATE = State.of(T=300.0)


def with_bonds(topology: Topology, more: list[tuple[int, int]]) -> Topology:
    bonds = topology.bonds
    assert bonds is not None
    members = np.concatenate([bonds.members, np.array(more, dtype=np.int64).reshape(-1, 2)])
    return replace(topology, bonds=Bonded(members, np.zeros(len(members), dtype=np.int64), bonds.names))


def test_mass_and_first_moment_are_kept(graphs, mapping, liquid):
    atoms, frames = liquid({"dgeba": 4, "pacm": 3})
    found = mapped(Recording("melt", STATE, None, frames, atoms.topology), mapping_of(graphs, mapping, atoms.topology))
    assert found.topology.masses.sum() == pytest.approx(atoms.topology.masses.sum())
    np.testing.assert_allclose(
        np.einsum("fbx,b->fx", found.frames.positions, found.topology.masses),
        np.einsum("fbx,b->fx", frames.positions, atoms.topology.masses),
        rtol=1e-12,
    )
    np.testing.assert_array_equal(found.frames.boxes, frames.boxes)
    assert found.frames.interval == frames.interval


def test_a_bead_across_the_face_of_the_box_is_at_the_mean_of_its_atoms(graphs, mapping, liquid):
    atoms, frames = liquid({"pacm": 1}, frames=1)
    # The two halves of the molecule on either side of the face x = 0, and unwrapped.
    frames = replace(frames, positions=frames.positions - frames.positions.mean(axis=1))
    found = mapped(Recording("melt", STATE, None, frames, atoms.topology), mapping_of(graphs, mapping, atoms.topology))
    graph = graphs["pacm"]
    nitrogen = frames.positions[0, graph.names.index("N1")]
    np.testing.assert_allclose(found.frames.positions[0, 0], nitrogen)
    np.testing.assert_allclose(found.frames.positions[0].mean(axis=0), 0.0, atol=3.0)


@pytest.mark.parametrize("centre", ["mass", "geometry"])
def test_mapping_commutes_with_motions_of_a_rigid_body(graphs, mapping, liquid, centre):
    atoms, frames = liquid({"dgeba": 1}, frames=1)
    centres = mapping_of(graphs, mapping.model_copy(update={"centre": centre}), atoms.topology)
    turn, shift = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix(), np.array([13.0, -40.0, 7.0])
    moved = centres.positions(frames.positions[0] @ turn + shift)
    np.testing.assert_allclose(moved, centres.positions(frames.positions[0]) @ turn + shift, atol=1e-10)


def test_a_network_is_bonded_as_one_built_by_hand(graphs, mapping, liquid):
    """One diamine that holds two epoxides with one nitrogen and one with the other."""
    atoms, _ = liquid({"dgeba": 3, "pacm": 1}, frames=1)
    carbon, nitrogens = graphs["dgeba"].names.index("C1"), [graphs["pacm"].names.index(name) for name in ("N1", "N2")]
    size = len(graphs["dgeba"].names)
    bonds = [(carbon, 3 * size + nitrogens[0]), (carbon + size, 3 * size + nitrogens[0])]
    bonds.append((3 * size + nitrogens[1], carbon + 2 * size))
    found = mapping_of(graphs, mapping, with_bonds(atoms.topology, bonds)).topology
    chain = [(0, 1), (1, 2), (2, 3), (3, 4)]
    expected = {(first + 5 * n, last + 5 * n) for n in range(3) for first, last in chain}
    # The beads of C1 are the first of each DGEBA, those of the nitrogens the ends of PACM, whose beads are 15 to 18.
    expected |= {(15, 16), (16, 17), (17, 18), (0, 15), (5, 15), (10, 18)}
    assert set(map(tuple, found.bonds.members.tolist())) == expected
    assert len(found.bonds.members) == len(expected)
    neighbours = {bead: {other for bond in expected for other in bond if bead in bond} - {bead} for bead in range(19)}
    triples = {
        (min(one, other), bead, max(one, other))
        for bead, own in neighbours.items()
        for one in own
        for other in own
        if one != other
    }
    assert set(map(tuple, found.angles.members.tolist())) == triples
    assert len(found.angles.members) == len(triples)
    names = [found.bonds.names[kind] for kind in found.bonds.types]
    assert found.bonds.names == ("B1-B2", "B2-B3", "B3-B5", "B4-B4", "B4-B5")
    assert names.count("B3-B5") == 3
    of_angles = [found.angles.names[kind] for kind in found.angles.types]
    assert of_angles.count("B3-B5-B3") == 1
    assert of_angles.count("B3-B5-B4") == 3
    assert of_angles.count("B2-B3-B5") == 3


def test_two_bonds_between_the_same_beads_are_one(graphs, mapping, liquid):
    atoms, _ = liquid({"pacm": 2}, frames=1)
    size = len(graphs["pacm"].names)
    ring = [graphs["pacm"].names.index(name) for name in ("C1", "C2")]
    found = mapping_of(graphs, mapping, with_bonds(atoms.topology, [(one, size + one) for one in ring])).topology
    assert len(found.bonds.members) == 2 * 3 + 1


def test_molecules_and_types_are_those_of_the_atoms(graphs, mapping, liquid):
    atoms, _ = liquid({"pacm": 1, "dgeba": 2}, frames=1)
    found = mapping_of(graphs, mapping, atoms.topology).topology
    assert found.bead_names == ("B1", "B2", "B3", "B4", "B5")
    assert [found.bead_names[kind - 1] for kind in found.bead_types[:4]] == ["B5", "B4", "B4", "B5"]
    assert found.molecule_ids.tolist() == [1] * 4 + [2] * 5 + [3] * 5
    assert found.molecule_kinds == {1: "pacm", 2: "dgeba", 3: "dgeba"}


def test_single_beads_have_neither_bonds_nor_angles(graphs, liquid):
    atoms, frames = liquid({"pacm": 2}, frames=1)
    everything = {"pacm": [{"bead": "P", "atoms": " ".join(name for name in graphs["pacm"].names if name[0] != "H")}]}
    whole = BeadMapping.model_validate({"molecules": everything})
    found = mapping_of({"pacm": graphs["pacm"]}, whole, atoms.topology)
    assert found.topology.bonds.members.shape == (0, 2)
    assert found.topology.angles.members.shape == (0, 3)
    centre = np.average(frames.positions[0, : len(graphs["pacm"].names)], axis=0, weights=graphs["pacm"].masses)
    np.testing.assert_allclose(found.positions(frames.positions[0])[0], centre)


def test_a_recording_without_frames_keeps_its_series(graphs, mapping, liquid):
    atoms, _ = liquid({"pacm": 1}, frames=1)
    series = Series(5.0, {"density": np.ones(3)})
    found = mapped(Recording("melt", STATE, series, None, atoms.topology), mapping_of(graphs, mapping, atoms.topology))
    assert found.series is series
    assert len(found.topology.masses) == 4


def test_atoms_that_are_not_those_of_the_molecules_are_refused(graphs, mapping, liquid):
    atoms, frames = liquid({"dgeba": 1, "pacm": 1}, frames=1)
    topology = atoms.topology
    with pytest.raises(ProblemError, match=r"dgeba: received a molecule of \d+ atoms, expected the 51 atoms of dgeba"):
        mapping_of(graphs, mapping, replace(topology, molecule_kinds={1: "dgeba", 2: "dgeba"}))
    with pytest.raises(ProblemError, match="nothing, expected rules for the molecule water"):
        mapping_of(graphs, mapping, replace(topology, molecule_kinds={1: "dgeba", 2: "water"}))
    with pytest.raises(ProblemError, match="its atoms stand in another order"):
        mapping_of(graphs, mapping, replace(topology, masses=topology.masses[::-1]))
    with pytest.raises(EstimateError, match="bonds of the atoms are not known"):
        mapping_of(graphs, mapping, replace(topology, bonds=None))
    with pytest.raises(EstimateError, match="do not stand together"):
        mapping_of(
            graphs,
            mapping,
            replace(topology, molecule_ids=topology.molecule_ids % 2 + np.arange(len(topology.masses)) % 2),
        )
    fewer = Recording("melt", STATE, None, replace(frames, positions=frames.positions[:, 1:]), topology)
    with pytest.raises(EstimateError, match="the mapping 8"):
        mapped(fewer, mapping_of(graphs, mapping, topology))


def test_mapping_a_thousand_frames_of_four_thousand_atoms_takes_well_under_a_second(graphs, mapping, liquid):
    atoms, frames = liquid({"dgeba": 58, "pacm": 29}, frames=1, edge=40.0)
    recording = Recording(
        "melt",
        STATE,
        None,
        Frames(1.0, np.repeat(frames.positions, 1000, axis=0), np.repeat(frames.boxes, 1000, axis=0)),
        atoms.topology,
    )
    started = time.process_time()
    centres = mapping_of(graphs, mapping, atoms.topology)
    mapped(recording, centres)
    assert len(atoms.order) > 4000 - 100
    assert time.process_time() - started < 1.0
