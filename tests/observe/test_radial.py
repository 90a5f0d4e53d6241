"""Radial distribution functions: ideal gases, lattices, and all pairs one by one."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe import radial
from beadsmith.observe.radial import pairs_of, radial_values
from beadsmith.problem.recording import Bonded, Frames, Topology
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_dump
from beadsmith.simulate.plan import Simulation

EDGES = np.arange(0.0, 5.1, 0.5)


def topology(beads_per_molecule: int, molecules: int, types: str = "AB") -> Topology:
    """Molecules whose beads take the types in turn."""
    kinds = np.tile(np.arange(beads_per_molecule) % len(types) + 1, molecules)
    return Topology(
        masses=np.ones(len(kinds)),
        bead_types=kinds,
        molecule_ids=np.repeat(np.arange(1, molecules + 1), beads_per_molecule),
        molecule_kinds=dict.fromkeys(range(1, molecules + 1), "chain"),
        bead_names=tuple(types),
    )


def in_boxes(positions: np.ndarray, edges: np.ndarray) -> Frames:
    """Frames in boxes with given edges, shape (frames, 3)."""
    return Frames(1.0, positions, np.array([np.diag(one) for one in edges]))


def gas(rng: np.random.Generator, frames: int, molecules: int, beads: int) -> Frames:
    """Molecules as small random clouds anywhere in boxes of different shapes and volumes, in any image."""
    edges = rng.uniform(10.0, 14.0, (frames, 3))
    centres = (rng.uniform(-1.0, 2.0, (frames, molecules, 3)) * edges[:, None])[:, :, None]
    clouds = rng.normal(scale=0.7, size=(frames, molecules, beads, 3))
    return in_boxes((centres + clouds).reshape(frames, -1, 3), edges)


@pytest.mark.parametrize("pair", [None, "A-A", "A-B", "B-B"])
@pytest.mark.parametrize(("molecules", "count"), [(3, 1000), (60, 40)])
def test_an_ideal_gas_of_molecules_gives_one_whatever_its_size_and_volume(rng, pair, molecules, count):
    frames = gas(rng, count, molecules, 4)
    found, single = radial_values(frames, pairs_of(topology(4, molecules), pair, False), EDGES)
    # Beads of one molecule move together, which the scatter of frames knows.
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - 1.0) < 4.5 * error + 1e-12)
    # Every count is a whole number of pairs.
    assert found / single == pytest.approx(np.round(found / single), abs=1e-9)
    assert error[-1] < 0.1


@pytest.mark.parametrize("most", [0, 10**6], ids=["by trees", "one by one"])
def test_pairs_are_those_of_a_loop_over_all_of_them(rng, monkeypatch, most):
    monkeypatch.setattr(radial, "MOST_LISTED", most)
    frames = gas(rng, 3, 5, 4)
    own = topology(4, 5)
    names = np.array(["A", "B"])[own.bead_types - 1]
    for pair, intramolecular in ((None, False), (None, True), ("A-A", True), ("A-B", False), ("A-B", True)):
        counts = np.zeros((3, len(EDGES) - 1))
        number = 0
        for one, other in combinations(range(20), 2):
            kind = "-".join(sorted((names[one], names[other])))
            if pair not in (None, kind) or not (intramolecular or own.molecule_ids[one] != own.molecule_ids[other]):
                continue
            number += 1
            for frame in range(3):
                edge = np.diag(frames.boxes[frame])
                apart = frames.positions[frame, one] - frames.positions[frame, other]
                distance = np.linalg.norm(apart - edge * np.round(apart / edge))
                counts[frame] += (distance > EDGES[:-1]) & (distance <= EDGES[1:])
        shells = 4 / 3 * np.pi * np.diff(EDGES**3)
        volumes = np.array([np.linalg.det(box) for box in frames.boxes])
        expected = counts * volumes[:, None] / (number * shells)
        pairs = pairs_of(own, pair, intramolecular)
        assert pairs.number == number
        assert radial_values(frames, pairs, EDGES)[0] == pytest.approx(expected)


def test_both_ways_of_counting_agree_in_a_large_box(rng, monkeypatch):
    frames = in_boxes(rng.uniform(-20, 60, (2, 900, 3)), np.array([[21.0, 25.0, 23.0], [22.0, 20.0, 24.0]]))
    for pair, intramolecular in ((None, False), ("A-B", True), ("B-B", False)):
        pairs, found = pairs_of(topology(9, 100), pair, intramolecular), []
        for most in (0, 10**6):
            monkeypatch.setattr(radial, "MOST_LISTED", most)
            found.append(radial_values(frames, pairs, np.linspace(0.0, 10.0, 21))[0])
        assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_cubic_lattice_has_six_and_twelve_and_eight_neighbours():
    sites = np.stack(np.unravel_index(np.arange(512), (8, 8, 8)), axis=1) * 1.5
    frames = in_boxes(sites[None] + 0.3, np.full((1, 3), 12.0))
    edges = np.array([1.4, 1.6, 2.0, 2.2, 2.5, 2.7])
    found, single = radial_values(frames, pairs_of(topology(1, 512, "A"), "A-A", False), edges)
    assert 2 * found[0] / single[0] / 512 == pytest.approx([6, 0, 12, 0, 8])


def test_pairs_within_molecules_count_only_if_wanted(rng):
    centres = rng.uniform(0, 12, (1, 30, 1, 3))
    dimers = (centres + np.array([[-0.6, 0, 0], [0.6, 0, 0]])).reshape(1, 60, 3)
    frames, edges = in_boxes(dimers, np.full((1, 3), 12.0)), np.array([1.15, 1.25])
    own = topology(2, 30, "A")
    apart, _ = radial_values(frames, pairs_of(own, None, False), edges)
    together, _ = radial_values(frames, pairs_of(own, None, True), edges)
    shell = 4 / 3 * np.pi * (1.25**3 - 1.15**3)
    # 60 * 59 / 2 pairs, of which 30 are bonded.
    bonded = (together * 1770 - apart * 1740) * shell / 12.0**3
    assert bonded == pytest.approx(30)


@pytest.mark.parametrize("most", [0, 10**6], ids=["by trees", "one by one"])
@pytest.mark.parametrize(("pair", "joined"), [(None, [(1, 4), (4, 9), (0, 4), (1, 9)]), ("A-B", [(1, 4), (4, 9)])])
def test_what_a_crosslink_joins_is_no_neighbour(rng, monkeypatch, most, pair, joined):
    """Bonds 1-4 and 4-9 between molecules make the angles 0-1-4 and 1-4-9; bead 5 is within the molecule of 4."""
    monkeypatch.setattr(radial, "MOST_LISTED", most)
    frames, plain = gas(rng, 3, 5, 4), topology(4, 5)
    bonds, angles = np.array([(0, 1), (1, 4), (4, 5), (4, 9)]), np.array([(0, 1, 4), (1, 4, 9), (1, 4, 5)])
    network = replace(
        plain,
        bonds=Bonded(bonds, np.zeros(4, dtype=np.int64), ("A-B",)),
        angles=Bonded(angles, np.zeros(3, dtype=np.int64), ("A-B-A",)),
    )
    joined = [*joined, *([(1, 5)] if pair is None else [])]
    without, with_ = pairs_of(network, pair, False), pairs_of(plain, pair, False)
    assert without.number == with_.number - len(joined)
    assert pairs_of(network, pair, True).number == pairs_of(plain, pair, True).number

    counts = [
        np.rint(value / single) for value, single in (radial_values(frames, one, EDGES) for one in (without, with_))
    ]
    expected = np.zeros_like(counts[0])
    for one, other in joined:
        for frame in range(3):
            edge = np.diag(frames.boxes[frame])
            apart = frames.positions[frame, one] - frames.positions[frame, other]
            distance = np.linalg.norm(apart - edge * np.round(apart / edge))
            expected[frame] += (distance > EDGES[:-1]) & (distance <= EDGES[1:])
    np.testing.assert_array_equal(counts[1] - counts[0], expected)


def test_bins_reach_up_to_half_the_smallest_box(rng):
    frames = in_boxes(rng.uniform(0, 10, (2, 40, 3)), np.array([[11.0, 12.0, 13.0], [10.5, 9.98, 11.0]]))
    pairs = pairs_of(topology(1, 40, "A"), None, False)
    radial_values(frames, pairs, np.array([1.0, 4.99]))
    with pytest.raises(EstimateError, match=r"bins reach 5 angstrom, more than half an edge of the box, 4.99 angstrom"):
        radial_values(frames, pairs, np.array([1.0, 5.0]))


def test_a_tilted_box_is_refused(rng):
    box = np.array([[10.0, 0, 0], [1.0, 10, 0], [0, 0, 10]])
    frames = Frames(1.0, rng.uniform(0, 10, (1, 40, 3)), box[None])
    with pytest.raises(EstimateError, match="not rectangular"):
        radial_values(frames, pairs_of(topology(1, 40, "A"), None, False), EDGES[:5])


@pytest.mark.parametrize(
    ("own", "pair", "intramolecular", "sentence"),
    [
        (topology(4, 1), "A-B", False, "there is no pair A-B of beads between different molecules"),
        (topology(1, 1), None, True, "there is no pair of beads in this simulation"),
        (topology(4, 3), "A-C", True, "there is no pair A-C of beads in this simulation"),
        (topology(1, 2), "B-B", False, "there is no pair B-B"),
    ],
)
def test_pairs_that_are_not_there_are_refused(own, pair, intramolecular, sentence):
    with pytest.raises(EstimateError, match=sentence):
        pairs_of(own, pair, intramolecular)


def test_what_was_stored_without_names_of_beads_must_be_run_again():
    own = topology(4, 3)
    bare = Topology(own.masses, own.bead_types, own.molecule_ids, own.molecule_kinds)
    assert pairs_of(bare, None, False).number == 48
    with pytest.raises(EstimateError, match=r"names of beads were not stored .* run it again"):
        pairs_of(bare, "A-B", False)


LIQUID = """
units real
atom_style atomic
lattice fcc 5.5
region box block 0 5 0 5 0 5
create_box 2 box
create_atoms 1 box
set type 1 type/fraction 2 0.4 12345
mass * 40
pair_style lj/cut 9
pair_coeff * * 0.24 3.4
pair_coeff 1 2 0.40 3.6
velocity all create 240 4711
fix npt all npt temp 120 120 200 iso 200 200 1000
timestep 5
run 400
reset_timestep 0
compute rdf all rdf 60 1 1 1 2 2 2
fix rdf all ave/time 50 10 500 c_rdf[*] file rdf.txt mode vector
dump frames all custom 50 frames.dump id type xu yu zu
dump_modify frames sort id first no format float %.8f
run 500
"""


@pytest.mark.lammps
def test_a_liquid_at_constant_pressure_has_the_distributions_that_lammps_counts(tmp_path):
    engine = find_engine()
    simulation = Simulation("liquid", {"in.lammps": LIQUID}, engine.version, 5.0, 120.0)
    ending = run_simulation(simulation, tmp_path, engine, stop=lambda: False).ending
    assert ending.exit_code == 0, ending.log[-2000:]
    steps, positions, boxes = (part[1:] for part in read_dump(tmp_path / "frames.dump"))
    assert steps.tolist() == list(range(50, 501, 50))
    assert np.ptp(boxes[:, 0, 0]) > 0.1
    # One table of 60 rows: number, r, and for each pair g and the coordination number.
    rows = [line.split() for line in (tmp_path / "rdf.txt").read_text().splitlines() if not line.startswith("#")]
    table = np.array([row for row in rows if len(row) > 2], dtype=float)
    lines = (tmp_path / "frames.dump").read_text().splitlines()
    types = np.array([line.split()[1] for line in lines[9:509]], dtype=np.int64)
    own = Topology(np.ones(500), types, np.arange(1, 501), dict.fromkeys(range(1, 501), "atom"), ("A", "B"))
    edges = np.linspace(0.0, 9.0, 61)
    assert table[:, 1] == pytest.approx(0.5 * (edges[1:] + edges[:-1]))
    for pair, column in (("A-A", 2), ("A-B", 4), ("B-B", 6)):
        found, single = radial_values(Frames(1.0, positions, boxes), pairs_of(own, pair, False), edges)
        # The dump has eight decimals: a pair on an edge may fall on its other side.
        assert found.mean(axis=0) == pytest.approx(table[:, column], rel=1e-5, abs=2 * single[:, 20].mean() / 10)
        assert found.mean(axis=0).max() > 2
