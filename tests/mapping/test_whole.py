"""Molecules put together along their bonds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.mapping.conftest import wrapped

from beadsmith.errors import EstimateError
from beadsmith.mapping.whole import LONGEST_BOND, bond_tree, whole_images
from beadsmith.problem.recording import Bonded

TILTED = np.array([[26.0, 0.0, 0.0], [7.0, 24.0, 0.0], [-5.0, 9.0, 25.0]])


@pytest.mark.parametrize("box", [np.diag([25.0, 27.0, 30.0]), TILTED], ids=["rectangular", "tilted"])
def test_wrapped_molecules_become_what_they_were_but_for_edges_of_the_box(liquid, box):
    atoms, frames = liquid({"dgeba": 6, "pacm": 6}, frames=3)
    frames = replace(frames, boxes=np.tile(box, (3, 1, 1)))
    inside, _ = wrapped(frames)
    assert np.abs(inside - frames.positions).max() > 20.0
    tree = bond_tree(atoms.topology)
    for positions, original in zip(inside, frames.positions, strict=True):
        whole = positions + whole_images(tree, positions, box) @ box
        shifts = (whole - original) @ np.linalg.inv(box)
        np.testing.assert_allclose(shifts, np.rint(shifts), atol=1e-9)
        for molecule in np.unique(atoms.topology.molecule_ids):
            own = shifts[atoms.topology.molecule_ids == molecule]
            np.testing.assert_allclose(own, own[:1].repeat(len(own), axis=0), atol=1e-9)


def test_whole_molecules_stay_where_they_are(liquid):
    atoms, frames = liquid({"dgeba": 2}, frames=1)
    assert not whole_images(bond_tree(atoms.topology), frames.positions[0], frames.boxes[0]).any()


def test_crosslinks_are_left_alone(liquid, graphs):
    """A bond between molecules at their far ends must not pull one of them through the box."""
    atoms, frames = liquid({"dgeba": 1, "pacm": 1}, frames=1)
    bonds = atoms.topology.bonds
    members = np.concatenate([bonds.members, [[0, len(graphs["dgeba"].names)]]])
    crosslinked = replace(atoms.topology, bonds=Bonded(members, np.zeros(len(members), dtype=np.int64), bonds.names))
    far = frames.positions[0] + np.where(atoms.topology.molecule_ids == 2, 100.0, 0.0)[:, None]
    assert not whole_images(bond_tree(crosslinked), far, frames.boxes[0]).any()


def test_both_sides_of_the_smallest_box(liquid):
    atoms, frames = liquid({"pacm": 1}, frames=1)
    tree, positions = bond_tree(atoms.topology), frames.positions[0]
    whole_images(tree, positions, (2.0 * LONGEST_BOND + 0.01) * np.eye(3))
    with pytest.raises(EstimateError, match="the box is too small"):
        whole_images(tree, positions, (2.0 * LONGEST_BOND - 0.01) * np.eye(3))


def test_a_tilted_box_is_as_small_as_its_faces_are_close(liquid):
    """Its edges are 40, 37 and 40 angstrom long."""
    atoms, frames = liquid({"pacm": 1}, frames=1)
    tree, positions = bond_tree(atoms.topology), frames.positions[0]
    for height in (2.0 * LONGEST_BOND + 0.1, 2.0 * LONGEST_BOND - 0.1):
        box = np.array([[40.0, 0.0, 0.0], [36.0, height, 0.0], [0.0, 0.0, 40.0]])
        if height > 2.0 * LONGEST_BOND:
            assert not whole_images(tree, positions, box).any()
        else:
            with pytest.raises(EstimateError, match=r"the box is too small: 7\.9 angstrom"):
                whole_images(tree, positions, box)


def test_positions_of_other_atoms_are_noticed(liquid):
    atoms, frames = liquid({"dgeba": 2}, frames=1)
    shuffled = frames.positions[0][np.random.default_rng(1).permutation(len(atoms.order))]
    with pytest.raises(EstimateError, match="the atoms stand in another order"):
        whole_images(bond_tree(atoms.topology), shuffled, frames.boxes[0])
    with pytest.raises(EstimateError, match="NaN or infinite"):
        whole_images(bond_tree(atoms.topology), np.full_like(shuffled, np.nan), frames.boxes[0])


def test_a_molecule_in_pieces_is_refused(liquid):
    atoms, _ = liquid({"pacm": 2}, frames=1)
    bonds = atoms.topology.bonds
    fewer = replace(atoms.topology, bonds=Bonded(bonds.members[:-1], bonds.types[:-1], bonds.names))
    with pytest.raises(EstimateError, match="atom 74 is not bonded to the rest of its molecule, a pacm"):
        bond_tree(fewer)
    with pytest.raises(EstimateError, match="bonds are known"):
        bond_tree(replace(atoms.topology, bonds=None))
