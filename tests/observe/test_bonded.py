"""Bonds and angles of known shapes, and which of them an observable speaks of."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beadsmith.errors import EstimateError
from beadsmith.observe.bonded import Terms, by_molecule, terms_of, values_of
from beadsmith.observe.molecular import mean_over_molecules
from beadsmith.problem.recording import Bonded, Frames, Topology
from beadsmith.problem.schema import AngleDistribution, BondAngle, BondDistribution, BondLength

# Two chains A-B-A, then a dimer B-B: bonds A-B (type 0) and B-B (type 1), angles A-B-A (type 0).
TOPOLOGY = Topology(
    masses=np.ones(8),
    bead_types=np.array([1, 2, 1, 1, 2, 1, 2, 2]),
    molecule_ids=np.array([1, 1, 1, 2, 2, 2, 3, 3]),
    molecule_kinds={1: "chain", 2: "chain", 3: "dimer"},
    bead_names=("A", "B"),
    bonds=Bonded(np.array([[0, 1], [1, 2], [3, 4], [4, 5], [6, 7]]), np.array([0, 0, 0, 0, 1]), ("A-B", "B-B")),
    angles=Bonded(np.array([[0, 1, 2], [3, 4, 5]]), np.array([0, 0]), ("A-B-A",)),
)


def angle(degrees: float) -> np.ndarray:
    """One frame of three beads that make an angle, arms 2 and 3 long."""
    other = [3 * np.cos(np.radians(degrees)), 3 * np.sin(np.radians(degrees)), 0.0]
    return np.array([[[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], other]])


def terms(*members: tuple[int, ...], across: bool = False) -> Terms:
    return Terms(np.array(members), np.zeros(len(members), dtype=np.int64), across)


def frames_of(positions: np.ndarray, boxes: np.ndarray | None = None) -> Frames:
    """Frames in a box so small that whoever looked for images would get other numbers."""
    return Frames(1.0, positions, np.tile(np.eye(3), (len(positions), 1, 1)) if boxes is None else boxes)


@pytest.mark.parametrize("degrees", [0.0, 1e-5, 60.0, 90.0, 123.4, 180.0 - 1e-5, 180.0])
def test_an_angle_is_that_of_its_arms_however_flat(degrees, rng):
    turned = Rotation.random(rng=rng).apply(angle(degrees)[0])[None] + 7.0
    assert values_of(frames_of(turned), terms((0, 1, 2))) == pytest.approx(degrees, abs=1e-11)


def test_a_right_triangle():
    triangle = np.array([[[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, 4.0, 0.0]]])
    assert values_of(frames_of(triangle), terms((0, 1), (1, 2), (0, 2))) == pytest.approx(np.array([[3.0, 4.0, 5.0]]))
    angles = values_of(frames_of(triangle), terms((0, 1, 2), (1, 2, 0), (2, 0, 1)))
    assert angles == pytest.approx(np.array([[90.0, np.degrees(np.arctan2(3, 4)), np.degrees(np.arctan2(4, 3))]]))
    assert angles.sum() == pytest.approx(180.0)


def test_the_mean_over_molecules_is_the_mean_over_bonds_however_many_each_has(rng):
    uneven = Terms(np.zeros((6, 2), dtype=np.int64), np.array([0, 0, 0, 1, 2, 2]))
    values = rng.normal(size=(5, 6))
    assert by_molecule(values, uneven).shape == (5, 3)
    assert by_molecule(values, uneven).mean() == pytest.approx(values.mean())
    assert by_molecule(np.ones((1, 6)), uneven) == pytest.approx(np.ones((1, 3)))
    one_off = np.array([[2.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    # Of a mean of 7/6, and 2 terms in a molecule on average.
    expected = 7 / 6 + np.array([[(2 - 7 / 6) + 2 * (1 - 7 / 6), 1 - 7 / 6, 2 * (1 - 7 / 6)]]) / 2
    assert by_molecule(one_off, uneven) == pytest.approx(expected)


def test_how_bonds_are_shared_out_among_molecules_is_no_scatter_of_their_lengths(rng):
    """Crosslinks: some molecules have four, others one; lengths of 2.5 that hardly vary are known as well as ever."""
    owners = np.repeat(np.arange(40), np.tile([1, 2, 3, 4], 10))
    shared_out = Terms(np.zeros((100, 2), dtype=np.int64), owners)
    lengths = 2.5 + rng.normal(scale=0.1, size=(200, 100))
    found = mean_over_molecules(by_molecule(lengths, shared_out))
    assert found.value == pytest.approx(lengths.mean())
    assert found.stderr == pytest.approx(0.1 / np.sqrt(200 * 100), rel=0.4)


@pytest.mark.parametrize(
    ("observable", "members", "owners"),
    [
        (BondLength(kind="bond_length", experiment="melt"), [[0, 1], [1, 2], [3, 4], [4, 5], [6, 7]], [0, 0, 1, 1, 2]),
        (BondLength(kind="bond_length", experiment="melt", bond="B-B"), [[6, 7]], [0]),
        (BondLength(kind="bond_length", experiment="melt", molecule="dimer"), [[6, 7]], [0]),
        (
            BondDistribution(kind="bond_distribution", experiment="melt", bond="A-B", r="1 2 angstrom"),
            [[0, 1], [1, 2], [3, 4], [4, 5]],
            [0, 0, 1, 1],
        ),
        (BondAngle(kind="bond_angle", experiment="melt", angle="A-B-A"), [[0, 1, 2], [3, 4, 5]], [0, 1]),
        (
            AngleDistribution(kind="angle_distribution", experiment="melt", theta="10 20 degree"),
            [[0, 1, 2], [3, 4, 5]],
            [0, 1],
        ),
    ],
)
def test_an_observable_speaks_of_its_own_bonds(observable, members, owners):
    found = terms_of(TOPOLOGY, observable)
    assert found.members.tolist() == members
    assert found.owners.tolist() == owners


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"bond": "A-A"}, "there is no bond 'A-A' in this simulation"),
        ({"bond": "A-B", "molecule": "dimer"}, "there is no bond 'A-B' in molecules 'dimer' in this simulation"),
        ({"molecule": "other"}, "there is no bond in molecules 'other'"),
    ],
)
def test_bonds_that_are_not_there_are_refused(entries, sentence):
    with pytest.raises(EstimateError, match=sentence):
        terms_of(TOPOLOGY, BondLength(kind="bond_length", experiment="melt", **entries))


def test_what_was_stored_without_bonds_must_be_run_again():
    bare = Topology(TOPOLOGY.masses, TOPOLOGY.bead_types, TOPOLOGY.molecule_ids, TOPOLOGY.molecule_kinds)
    with pytest.raises(EstimateError, match=r"the angles were not stored .* run it again in a new study"):
        terms_of(bare, BondAngle(kind="bond_angle", experiment="melt"))


def test_bonds_may_be_listed_in_any_order(rng):
    order = rng.permutation(5)
    bonds = Bonded(TOPOLOGY.bonds.members[order], TOPOLOGY.bonds.types[order], TOPOLOGY.bonds.names)
    shuffled = replace(TOPOLOGY, bonds=bonds)
    positions = rng.normal(size=(6, 8, 3))
    observable = BondLength(kind="bond_length", experiment="melt")
    sums = [
        by_molecule(values_of(frames_of(positions), terms), terms)
        for terms in (terms_of(one, observable) for one in (TOPOLOGY, shuffled))
    ]
    assert sums[0] == pytest.approx(sums[1])
    assert sums[0].shape == (6, 3)


def test_crosslinks_lead_to_the_nearest_image_of_another_molecule():
    random = np.random.default_rng(3)
    boxes = np.array([np.diag([10.0, 12.0, 9.0]), [[10.0, 0, 0], [3.0, 12.0, 0], [-2.0, 2.0, 9.0]]])
    wrapped = random.uniform(-2, 2, size=(2, 3, 3))
    images = random.integers(-3, 4, size=(2, 3, 3))
    far = wrapped + images @ boxes  # each bead anywhere
    near = frames_of(wrapped)
    for members in ([(0, 1), (1, 2)], [(0, 1, 2)]):
        expected = values_of(near, terms(*members))
        assert values_of(frames_of(far, boxes), terms(*members, across=True)) == pytest.approx(expected, abs=1e-7)
        assert not np.allclose(values_of(frames_of(far, boxes), terms(*members)), expected)


def test_terms_know_whether_some_lead_from_molecule_to_molecule():
    bonds = Bonded(
        np.append(TOPOLOGY.bonds.members, [[2, 6]], axis=0), np.append(TOPOLOGY.bonds.types, 0), TOPOLOGY.bonds.names
    )
    cured = replace(TOPOLOGY, bonds=bonds)
    length = BondLength(kind="bond_length", experiment="network")
    assert not terms_of(TOPOLOGY, length).across
    assert terms_of(cured, length).across
    assert not terms_of(cured, length.model_copy(update={"bond": "B-B"})).across
