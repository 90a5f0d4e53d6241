from dataclasses import replace

import numpy as np
import pytest

from beadsmith.build.system import System, isolated, melt, topology_of
from beadsmith.problem.functions import Linear
from beadsmith.problem.state import State

AVOGADRO = 6.02214076e23
COUNTS = {"chain": 40, "bead": 30, "star": 20}
SIZES = {"chain": 4, "bead": 1, "star": 4}


@pytest.fixture
def box(mixture) -> System:
    problem, model = mixture
    return melt(problem, model, COUNTS, 0.4, State(), np.random.default_rng(1))


def names_of(system: System, numbers: np.ndarray) -> str:
    """Names of the beads with these numbers, from their types."""
    return "-".join(system.bead_names[system.topology.bead_types[number - 1] - 1] for number in numbers)


def test_the_density_of_a_melt_is_exact(box):
    grams = box.topology.masses.sum() / AVOGADRO
    assert grams / np.prod(1e-8 * box.edges) == pytest.approx(0.4, rel=1e-9)


def test_there_are_as_many_beads_bonds_and_angles_as_molecules_bring(box):
    assert box.positions.shape == (sum(COUNTS[name] * SIZES[name] for name in COUNTS), 3)
    assert len(box.bonds) == 40 * 3 + 20 * 3
    assert len(box.angles) == 40 * 2 + 20 * 2  # the star lists two of its three
    assert (box.bead_names, box.type_masses) == (("A", "B", "C"), (50.0, 61.5, 18.0))


def test_molecules_stand_one_after_the_other_in_the_order_of_the_experiment(mixture):
    problem, _ = mixture
    topology = topology_of(problem, {"bead": 2, "chain": 2})
    assert topology.molecule_ids.tolist() == [1, 2, 3, 3, 3, 3, 4, 4, 4, 4]
    assert topology.bead_types.tolist() == [3, 3, 1, 2, 2, 1, 1, 2, 2, 1]
    assert topology.masses.tolist() == [18, 18, 50, 61.5, 61.5, 50, 50, 61.5, 61.5, 50]
    assert topology.molecule_kinds == {1: "bead", 2: "bead", 3: "chain", 4: "chain"}


def test_every_bond_connects_beads_of_one_molecule_at_the_length_of_its_type(box, expected_lengths):
    owners = box.topology.molecule_ids
    for kind, first, second in box.bonds:
        name = names_of(box, np.array([first, second]))
        assert box.bond_names[kind - 1] in (name, "-".join(reversed(name.split("-"))))
        assert owners[first - 1] == owners[second - 1]
        distance = np.linalg.norm(box.positions[first - 1] - box.positions[second - 1])
        assert distance == pytest.approx(expected_lengths[name], rel=1e-9)


def test_every_angle_is_that_of_its_type_where_the_vertex_was_grown_through(box, expected_angles):
    exact = 0
    for kind, first, vertex, last in box.angles:
        name = names_of(box, np.array([first, vertex, last]))
        assert box.angle_names[kind - 1] in (name, "-".join(reversed(name.split("-"))))
        one = box.positions[first - 1] - box.positions[vertex - 1]
        other = box.positions[last - 1] - box.positions[vertex - 1]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        exact += abs(np.degrees(np.arccos(cosine)) - expected_angles[name]) < 1e-6
    # A star is grown from its middle, so its angles are chance; those of the chains are not.
    assert exact == 40 * 2


def test_molecules_are_spread_over_the_whole_box(box):
    centres = np.array([box.positions[box.topology.molecule_ids == one].mean(axis=0) for one in range(1, 91)])
    assert centres.min() > 0
    assert (centres.max(axis=0) < box.edges).all()
    assert (np.abs(centres.mean(axis=0) / box.edges - 0.5) < 4 / np.sqrt(12 * 90)).all()


def test_the_conformations_are_those_of_the_state(mixture):
    problem, model = mixture
    growing = replace(model, functions={**model.functions, "bond.B-B.length": Linear("T", 3.0, 0.002)})
    for temperature in (100, 500):
        chain = isolated(problem, growing, "chain", 1, State.of(T=temperature), np.random.default_rng(1))
        middle = np.linalg.norm(chain.positions[2] - chain.positions[1])
        assert middle == pytest.approx(3.0 + 0.002 * temperature)


@pytest.mark.parametrize("replicas", [1, 2, 27, 40])
def test_isolated_molecules_begin_farther_apart_than_the_cutoff(mixture, replicas):
    problem, model = mixture
    system = isolated(problem, model, "chain", replicas, State(), np.random.default_rng(2))
    molecules = system.positions.reshape(replicas, 4, 3)
    for number, own in enumerate(molecules):
        others = np.delete(molecules, number, axis=0).reshape(-1, 3)
        apart = own[:, None] - others[None]
        apart -= system.edges * np.round(apart / system.edges)  # the nearest of all periodic images
        assert replicas == 1 or np.linalg.norm(apart, axis=-1).min() > problem.file.forcefield.pair.cutoff


def test_even_a_stretched_molecule_does_not_reach_its_own_image(mixture, expected_lengths):
    problem, model = mixture
    system = isolated(problem, model, "chain", 1, State(), np.random.default_rng(2))
    contour = 2 * expected_lengths["A-B"] + expected_lengths["B-B"]
    assert system.edges.min() - contour >= 2 * problem.file.forcefield.pair.cutoff


def test_a_lopsided_molecule_keeps_its_distance_too(mixture):
    # One long arm on a small head: its end is much farther from the centre than half the contour.
    problem, model = mixture
    lopsided = replace(model, functions={**model.functions, "bond.B-C.length": Linear("T", 0.0, 1.0)})
    # With these random numbers two such arms point at each other.
    system = isolated(problem, lopsided, "star", 64, State.of(T=90), np.random.default_rng(13))
    molecules = system.positions.reshape(64, 4, 3)
    apart = molecules[:, None, :, None] - molecules[None, :, None, :]
    apart -= system.edges * np.round(apart / system.edges)
    distances = np.linalg.norm(apart, axis=-1)
    assert distances[~np.eye(64, dtype=bool)].min() > problem.file.forcefield.pair.cutoff


def test_single_beads_are_a_molecule_too(mixture):
    problem, model = mixture
    system = isolated(problem, model, "bead", 3, State(), np.random.default_rng(1))
    assert system.positions.shape == (3, 3)
    assert (system.bonds.shape, system.angles.shape) == ((0, 3), (0, 4))
    assert (system.edges >= 18).all()


def test_the_same_random_numbers_give_the_same_melt(mixture):
    problem, model = mixture
    one, same, other = (
        melt(problem, model, {"chain": 5}, 0.4, State(), np.random.default_rng(seed)).positions for seed in (1, 1, 2)
    )
    assert (one == same).all()
    assert not np.allclose(one, other)


def test_a_topology_knows_the_bonds_and_angles_that_the_data_file_writes(mixture, box):
    problem, _ = mixture
    topology = topology_of(problem, COUNTS)
    assert topology.bead_names == box.bead_names
    for bonded, terms, names in (
        (topology.bonds, box.bonds, box.bond_names),
        (topology.angles, box.angles, box.angle_names),
    ):
        assert bonded.names == names
        # LAMMPS counts from 1.
        assert np.column_stack([bonded.types, bonded.members]).tolist() == (terms - 1).tolist()
    alone = topology_of(problem, {"bead": 3})
    assert alone.bonds.members.shape == (0, 2)
    assert alone.angles.members.shape == (0, 3)
