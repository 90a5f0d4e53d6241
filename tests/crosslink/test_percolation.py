import numpy as np
import pytest

from beadsmith.crosslink.percolation import percolation_rank

CELL = np.diag([10.0, 12.0, 14.0])


def chain(direction, beads: int, closed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Beads along a lattice vector, the last bonded to the first through the boundary if closed."""
    positions = np.arange(beads)[:, None] / beads * (np.asarray(direction) @ CELL)
    bonds = np.column_stack([np.arange(beads), np.roll(np.arange(beads), -1)])
    return positions, bonds if closed else bonds[:-1]


def crossing(*directions, beads: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Endless chains that share their first bead."""
    positions, bonds = [], []
    for number, direction in enumerate(directions):
        own, links = chain(direction, beads)
        positions.append(own)
        bonds.append(np.where(links == 0, 0, links + number * beads))
    return np.concatenate(positions), np.concatenate(bonds)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 1), (2, 0, 0)])
def test_an_endless_chain_has_one_direction_and_a_cut_one_none(direction):
    positions, bonds = chain(direction, 12)
    assert percolation_rank(positions, CELL, bonds, 0) == 1
    assert percolation_rank(positions, CELL, bonds[:-1], 0) == 0


@pytest.mark.parametrize(
    ("directions", "rank"),
    [
        ([(1, 0, 0), (0, 1, 0)], 2),
        ([(1, 0, 0), (2, 0, 0)], 1),
        ([(1, 1, 0), (1, 0, 0), (0, 1, 0)], 2),
        ([(1, 0, 0), (0, 1, 0), (0, 0, 1)], 3),
        ([(1, 1, 0), (0, 1, 1), (1, 0, 1)], 3),
        ([(1, 1, 1), (1, 0, 0), (0, 1, 1)], 2),
    ],
)
def test_the_rank_counts_independent_directions(directions, rank, random):
    positions, bonds = crossing(*directions)
    assert percolation_rank(positions, CELL, bonds, 0) == rank
    # Whichever images of the beads are given, in whichever order and direction the bonds.
    moved = positions + random.integers(-2, 3, size=positions.shape) @ CELL
    shuffled = random.permutation(bonds)[:, ::-1]
    assert percolation_rank(moved, CELL, shuffled, 3) == rank


def test_a_ring_within_the_box_has_no_direction():
    angle = np.arange(8) * np.pi / 4
    ring = np.column_stack([2 * np.cos(angle), 2 * np.sin(angle), np.zeros(8)])
    bonds = np.column_stack([np.arange(8), np.roll(np.arange(8), -1)])
    assert percolation_rank(ring, CELL, bonds, 0) == 0


def test_only_the_piece_of_the_bead_counts():
    endless, links = chain((1, 0, 0), 12)
    positions = np.concatenate([endless, [(5, 5, 5), (6, 5, 5)]])
    bonds = np.concatenate([links, [[12, 13]]])
    assert percolation_rank(positions, CELL, bonds, 0) == 1
    assert percolation_rank(positions, CELL, bonds, 12) == 0


def test_a_sheared_box_is_no_obstacle():
    cell = np.array([[10.0, 0, 0], [4.0, 12.0, 0], [-3.0, 5.0, 14.0]])
    for direction in np.eye(3):
        positions = np.arange(9)[:, None] / 9 * (direction @ cell)
        bonds = np.column_stack([np.arange(9), np.roll(np.arange(9), -1)])
        assert percolation_rank(positions, cell, bonds, 0) == 1
        assert percolation_rank(positions, cell, bonds[:-1], 0) == 0


def test_beads_without_bonds_do_not_percolate():
    assert percolation_rank(np.zeros((3, 3)), CELL, np.empty((0, 2), dtype=np.int64), 1) == 0


def test_bonds_given_twice_change_nothing():
    positions, bonds = crossing((1, 0, 0), (0, 1, 0))
    twice = np.concatenate([bonds, bonds, bonds[:, ::-1]])
    assert percolation_rank(positions, CELL, twice, 5) == 2


def test_a_long_chain_is_followed_to_its_end():
    """A thousand steps along the tree, and the ring closes around the box, or does not."""
    positions, bonds = chain((1, 1, 1), 1000)
    assert percolation_rank(positions, CELL, bonds, 500) == 1
    assert percolation_rank(positions, CELL, bonds[:-1], 500) == 0
