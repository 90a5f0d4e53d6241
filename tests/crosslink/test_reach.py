"""How many partners each functional group that is left has near it."""

from __future__ import annotations

import numpy as np

from beadsmith.crosslink.analysis import partners_in_reach
from beadsmith.crosslink.network import uncured

CELL = np.diag([30.0, 40.0, 30.0])
CAPACITIES = {"A": 1, "B": 2}


def reach(sites, positions, bonds=(), cutoff=5.0):
    network = uncured(sites).with_bonds(np.array(bonds, dtype=np.int64).reshape(-1, 2), 1)
    found = partners_in_reach(network, positions, CELL, cutoff)
    return {name: counts.tolist() for name, counts in found.items()}


def test_a_hand_made_box(toys):
    sites = toys.sites({"A": 3, "B": 2}, CAPACITIES)
    # Two A at one B, one of them through the periodic image; the third A and the second B far from everything.
    positions = np.array([[3.0, 1, 1], [29.0, 1, 1], [15, 20, 15], [1.0, 1, 1], [15, 1, 15]])
    assert reach(sites, positions) == {"A": [1, 1, 0], "B": [2, 0]}
    assert reach(sites, positions, cutoff=1.9) == {"A": [0, 0, 0], "B": [0, 0]}


def test_what_has_reacted_is_not_counted(toys):
    sites = toys.sites({"A": 3, "B": 2}, CAPACITIES)
    positions = np.ones((5, 3))
    assert reach(sites, positions) == {"A": [2, 2, 2], "B": [3, 3]}
    # One A is used up, one B has room for a second bond.
    assert reach(sites, positions, [[0, 3]]) == {"A": [2, 2], "B": [2, 2]}
    assert reach(sites, positions, [[0, 3], [1, 3]]) == {"A": [1], "B": [1]}


def test_partners_within_the_molecule_are_not_counted(toys):
    sites = toys.sites({"AB": 2}, CAPACITIES)
    assert reach(sites, np.ones((4, 3))) == {"A": [1, 1], "B": [1, 1]}


def test_the_same_by_brute_force(toys):
    sites = toys.sites({"ACA": 40, "BDB": 20}, CAPACITIES)
    positions = np.random.default_rng(1).uniform(-20, 60, size=(len(sites.bead_types), 3))
    found = reach(sites, positions, cutoff=9.0)
    kinds = np.array(sites.names)[sites.bead_types]
    apart = positions[:, None] - positions[None]
    apart -= np.round(apart / CELL.diagonal()) * CELL.diagonal()
    near = (np.linalg.norm(apart, axis=-1) <= 9.0) & (sites.molecules[:, None] != sites.molecules)
    assert found["A"] == near[kinds == "A"][:, kinds == "B"].sum(axis=1).tolist()
    assert found["B"] == near[kinds == "B"][:, kinds == "A"].sum(axis=1).tolist()


def test_a_type_that_reacts_with_itself(toys):
    sites = toys.sites({"A": 4}, {"A": 1}, reactions=(("A", "A"),))
    assert reach(sites, np.ones((4, 3))) == {"A": [3, 3, 3, 3]}
