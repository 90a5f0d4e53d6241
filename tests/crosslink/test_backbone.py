import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beadsmith.crosslink.backbone import backbone, biconnected_components, without_ends
from beadsmith.crosslink.network import components_of

PAIRS = list(itertools.combinations(range(8), 2))


def same_sets(bonds: np.ndarray, beads: int) -> set[frozenset[frozenset[int]]]:
    """By the definition: two bonds at a bead lie on a ring if their other ends are connected without that bead."""
    together = []
    for one, other in itertools.combinations(range(len(bonds)), 2):
        shared = set(bonds[one].tolist()) & set(bonds[other].tolist())
        if not shared:
            continue
        (vertex,) = shared
        pieces = components_of(bonds[~(bonds == vertex).any(axis=1)], beads)
        ends = [int(bonds[k].sum()) - vertex for k in (one, other)]
        if pieces[ends[0]] == pieces[ends[1]]:
            together.append((one, other))
    groups = components_of(np.array(together, dtype=np.int64).reshape(-1, 2), len(bonds))
    return {frozenset(frozenset(bond) for bond in bonds[groups == g].tolist()) for g in range(groups.max() + 1)}


@given(st.lists(st.sampled_from(PAIRS), min_size=1, max_size=16, unique=True))
def test_biconnected_components_are_those_of_the_definition(pairs):
    bonds = np.array(pairs)
    parts = biconnected_components(bonds, 8)
    assert sum(len(part) for part in parts) == len(bonds)
    found = {frozenset(frozenset(bond) for bond in part.tolist()) for part in parts}
    assert found == same_sets(bonds, 8)


def polyhedron(strand: int, pairs) -> tuple[np.ndarray, int]:
    """Junctions connected in pairs by strands of so many bonds."""
    bonds, beads = [], max(map(max, pairs)) + 1
    for first, last in pairs:
        way = [first, *range(beads, beads + strand - 1), last]
        beads += strand - 1
        bonds += list(itertools.pairwise(way))
    return np.array(bonds), beads


CUBE = [(a, b) for a, b in itertools.combinations(range(8), 2) if (a ^ b) in (1, 2, 4)]


@pytest.mark.parametrize("strand", [1, 2, 5])
def test_a_cube_has_eight_junctions_and_twelve_strands(strand):
    found = backbone(*polyhedron(strand, CUBE))
    assert (found.junctions, found.strands, found.cycle_rank) == (8, 12, 5)
    assert found.functionalities.tolist() == [3] * 8
    assert found.lengths.tolist() == [strand] * 12
    assert len(found.beads) == 8 + 12 * (strand - 1)


def test_what_hangs_on_a_backbone_bears_nothing():
    bonds, beads = polyhedron(3, CUBE)
    end = np.array([[8, beads], [beads, beads + 1]])  # a free end in the middle of a strand
    ring = beads + 2 + np.array([[0, 1], [1, 2], [2, 0]])  # a ring on a stalk
    stalk = np.array([[0, beads + 2]])
    eight = np.array([[1, beads + 5], [beads + 5, beads + 6], [beads + 6, 1]])  # a ring that shares one bead
    dressed = backbone(np.concatenate([end, eight, bonds, ring, stalk]), beads + 7)
    assert dressed.lengths.tolist() == [3] * 12
    assert dressed.functionalities.tolist() == [3] * 8
    assert dressed.beads.tolist() == list(range(beads))


def test_strands_between_the_same_two_junctions_all_count():
    theta = np.array([[0, 1], [0, 2], [2, 1], [0, 3], [3, 4], [4, 1]])
    found = backbone(theta, 5)
    assert (found.junctions, found.lengths.tolist(), found.cycle_rank) == (2, [1, 2, 3], 2)


@pytest.mark.parametrize("bonds", [[], [[0, 1]], [[0, 1], [1, 2], [1, 3]], [[0, 1], [1, 2], [2, 0]]])
def test_trees_and_single_rings_have_no_strands(bonds):
    found = backbone(np.array(bonds, dtype=np.int64).reshape(-1, 2), 4)
    assert (found.junctions, found.strands, found.cycle_rank) == (0, 0, 0)


def test_free_ends_fall_off_until_only_rings_and_what_is_between_them_is_left():
    bonds = np.array([[0, 1], [1, 2], [2, 0], [2, 3], [3, 4], [4, 5], [5, 6], [6, 4], [3, 7], [7, 8]])
    assert without_ends(bonds, 9).tolist() == bonds[:8].tolist()
    assert without_ends(bonds[3:5], 9).tolist() == []


def test_a_long_chain_is_walked_without_recursion():
    size = 20_000
    ring = np.column_stack([np.arange(size), np.roll(np.arange(size), -1)])
    found = backbone(np.concatenate([ring, [[0, size // 2]]]), size)
    assert found.lengths.tolist() == [1, size // 2, size // 2]
