"""What may be inverted, and what is refused in one sentence."""

from dataclasses import replace

import numpy as np
import pytest
from tests.inversion.conftest import trimers

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.inversion.trajectory import evenly, masses, trajectories_of, with_common_names
from beadsmith.problem.state import State


@pytest.fixture
def recording():
    return trimers(np.full((20, 4, 2), 3.0), np.full((20, 4), 2.0)).recording


def refused(recordings, *fragments, temperature=None):
    with pytest.raises(ProblemError) as caught:
        trajectories_of(recordings, "beads.npz", temperature)
    for fragment in ("beads.npz", *fragments):
        assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mapped_trajectory_is_taken(recording):
    (one,) = trajectories_of([recording], "beads.npz")
    assert one.temperature == 300.0
    assert one.density == pytest.approx(4 * 140 * 1.66053906660 / 200.0**3)
    assert one.names("bond") == ("A-B",)


def test_no_frames(recording):
    refused([replace(recording, frames=None)], "no frames")
    refused([], "no frames")


def test_few_frames(recording):
    few = replace(recording.frames, positions=recording.frames.positions[:4], boxes=recording.frames.boxes[:4])
    refused([replace(recording, frames=few)], "4 frames", "at least 10", "3 times")


def test_no_topology(recording):
    refused([replace(recording, topology=None)], "without names")
    refused([replace(recording, topology=replace(recording.topology, bonds=None))], "beadsmith map")


def test_atoms_that_nobody_mapped(recording):
    hydrogen = replace(recording.topology, masses=np.where(recording.topology.bead_types == 1, 1.008, 12.0))
    refused([replace(recording, topology=hydrogen)], "hydrogen atoms", "beadsmith map")


def test_no_temperature(recording):
    bare = replace(recording, state=State.of(DC=0.5))
    refused([bare], "without temperature", "--temperature")
    (told,) = trajectories_of([bare], "beads.npz", 350.0)
    assert told.state == State.of(T=350.0, DC=0.5)


def test_names_are_those_of_the_first_file(recording):
    topology = recording.topology
    turned = replace(
        topology,
        bead_names=("B", "A"),
        bead_types=3 - topology.bead_types,
        bonds=replace(topology.bonds, names=("B-A",)),
    )
    both = trajectories_of([recording, replace(recording, topology=turned)], "beads.npz")
    named, beads = with_common_names(both)
    assert beads == ("A", "B")
    assert [one.names("bond") for one in named] == [("A-B",), ("A-B",)]
    assert masses(named) == {"A": 40.0, "B": 60.0}


def test_a_bead_has_one_mass(recording):
    heavier = replace(recording.topology, masses=2.0 * recording.topology.masses)
    both = trajectories_of([recording, replace(recording, topology=heavier)], "beads.npz")
    with pytest.raises(EstimateError, match="bead A has 40 g/mol"):
        with_common_names(both)


@pytest.mark.parametrize(
    ("low", "high", "wanted", "end"),
    [(3.1, 4.2, 0.07, None), (60.0, 179.9, 7.0, 180.0), (0.4, 180.0, 11.0, 180.0), (3.0, 3.05, 0.04, None)],
)
def test_bins_cover_the_values(low, high, wanted, end):
    centres, width = evenly(low, high, wanted, end)
    assert centres[0] - 0.5 * width <= low + 1e-9
    assert centres[-1] + 0.5 * width >= high - 1e-9
    assert width <= wanted * (1 + 1e-9)
    assert np.diff(centres) == pytest.approx(width)
    if end is not None:
        assert centres[-1] + 0.5 * width <= end * (1 + 1e-9)
