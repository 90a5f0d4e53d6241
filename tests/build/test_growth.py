import math

import numpy as np
import pytest
from scipy import stats

from beadsmith.build.growth import grow
from beadsmith.problem.molecules import MoleculeTopology, resolve_molecule
from beadsmith.problem.schema import Molecule

#: Tests of chance run with one seed each: this is how unlikely a false alarm was before it was fixed.
UNLIKELY = 1e-3


def molecule(count: int, bonds: str | None = None) -> MoleculeTopology:
    return resolve_molecule("molecule", Molecule(beads=["A"] * count, bonds=bonds), ("A",))


def length(first: int, second: int) -> float:
    """Every bond has its own length, the same from either end."""
    return 2.5 + 0.1 * min(first, second) + 0.01 * max(first, second)


def angle(first: int, vertex: int, last: int) -> float:
    """Every triple has its own angle, from 60 to 175 degrees, the same from either end."""
    return math.radians(60 + (31 * vertex + 17 * (first + last)) % 115)


def grown(shape: MoleculeTopology, copies: int = 50, seed: int = 1) -> np.ndarray:
    return grow(shape, copies, length, angle, np.random.default_rng(seed))


def angles_at(positions: np.ndarray, first: int, vertex: int, last: int) -> np.ndarray:
    one, other = positions[:, first] - positions[:, vertex], positions[:, last] - positions[:, vertex]
    cosines = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return np.arccos(np.clip(cosines, -1, 1))


def torsions(positions: np.ndarray) -> np.ndarray:
    first, second, third = np.moveaxis(np.diff(positions, axis=1), 1, 0)
    normals = np.cross(first, second), np.cross(second, third)
    axis = second / np.linalg.norm(second, axis=-1, keepdims=True)
    across = (np.cross(normals[0], normals[1]) * axis).sum(-1)
    return np.arctan2(across, (normals[0] * normals[1]).sum(-1))


SHAPES = {
    "linear": molecule(12),
    "branched": molecule(9, "1-2 2-3 3-4 2-5 5-6 5-7 3-8 8-9"),
    "grown backwards": molecule(4, "4-3 3-2 2-1"),
    "star": molecule(5, "3-1 3-2 3-4 3-5"),
    "ring": molecule(5, "1-2 2-3 3-4 4-5 5-1"),
    "pair": molecule(2),
    "single": molecule(1),
}


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "ring"])
def test_every_bond_has_its_length(name):
    shape = SHAPES[name]
    positions = grown(shape)
    assert positions.shape == (50, len(shape.beads), 3)
    for first, second in shape.bonds:
        found = np.linalg.norm(positions[:, first] - positions[:, second], axis=-1)
        assert found == pytest.approx(length(first, second), rel=1e-12)


@pytest.mark.parametrize("name", ["linear", "grown backwards"])
def test_every_angle_of_a_linear_chain_is_right(name):
    positions = grown(SHAPES[name])
    assert SHAPES[name].angles
    for triple in SHAPES[name].angles:
        assert angles_at(positions, *triple) == pytest.approx(angle(*triple), abs=1e-7)


def test_at_a_branch_the_angles_with_the_bead_before_are_right_and_those_between_branches_are_chance():
    # Bead 2 grows towards 3 and 5; both see the angle with bead 1, but not each other.
    positions = grown(SHAPES["branched"], copies=400)
    for triple in ((0, 1, 2), (0, 1, 4), (1, 4, 5), (1, 4, 6), (1, 2, 3), (1, 2, 7), (2, 7, 8)):
        assert angles_at(positions, *triple) == pytest.approx(angle(*triple), abs=1e-7)
    assert angles_at(positions, 2, 1, 4).std() > 0.2


def test_the_bond_that_closes_a_ring_is_left_to_minimisation():
    positions = grown(SHAPES["ring"])
    lengths = {
        bond: np.linalg.norm(positions[:, bond[0]] - positions[:, bond[1]], axis=-1) for bond in SHAPES["ring"].bonds
    }
    stretched = [bond for bond, found in lengths.items() if found.std() > 1e-6]
    assert len(stretched) == 1
    assert len(lengths) == 5


def test_molecules_are_centred():
    assert grown(SHAPES["branched"]).mean(axis=1) == pytest.approx(0.0, abs=1e-12)


def test_torsions_are_uniform_and_independent():
    positions = grown(molecule(5), copies=4000)
    first, second = torsions(positions[:, :4]), torsions(positions[:, 1:])
    for angles in (first, second, np.angle(np.exp(1j * (first - second)))):
        assert stats.kstest(angles, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > UNLIKELY


def test_molecules_point_in_all_directions():
    bonds = grown(molecule(2), copies=4000)
    directions = (bonds[:, 1] - bonds[:, 0]) / length(0, 1)
    # The height on a sphere is uniform, for every axis.
    for axis in range(3):
        assert stats.kstest(directions[:, axis], stats.uniform(-1, 2).cdf).pvalue > UNLIKELY


def test_a_freely_rotating_chain_has_its_textbook_size():
    # <R^2> = n l^2 ((1 + c)/(1 - c) - 2 c (1 - c^n) / (n (1 - c)^2)) for n bonds of length l and angles with -cos = c.
    count, bond, cosine = 20, 3.0, -math.cos(math.radians(110))
    ends = grow(molecule(count + 1), 4000, lambda *_: bond, lambda *_: math.radians(110), np.random.default_rng(3))
    squares = ((ends[:, -1] - ends[:, 0]) ** 2).sum(-1)
    correction = 2 * cosine * (1 - cosine**count) / (count * (1 - cosine) ** 2)
    expected = count * bond**2 * ((1 + cosine) / (1 - cosine) - correction)
    assert abs(squares.mean() - expected) < 4 * squares.std() / math.sqrt(len(squares))


@pytest.mark.parametrize("degrees", [0.0, 180.0])
def test_straight_and_folded_angles_are_no_exception(degrees):
    positions = grow(molecule(4), 3, lambda *_: 3.0, lambda *_: math.radians(degrees), np.random.default_rng(1))
    distances = np.linalg.norm(positions[:, 2] - positions[:, 0], axis=-1)
    assert distances == pytest.approx(6.0 if degrees == 180 else 0.0, abs=1e-9)
    assert np.isfinite(positions).all()


def test_the_same_seed_gives_the_same_molecules_and_copies_differ():
    shape = SHAPES["branched"]
    assert (grown(shape, seed=5) == grown(shape, seed=5)).all()
    assert not np.allclose(grown(shape, seed=5), grown(shape, seed=6))
    assert len(np.unique(grown(shape)[:, 0, 0])) == 50
