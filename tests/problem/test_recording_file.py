"""Recordings in a file: what is saved comes back, whatever parts there are."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.recording import Bonded, Frames, Recording, Series, Topology
from beadsmith.problem.recording_file import load_recordings, save_recordings
from beadsmith.problem.state import State


def topology(bonds: list[tuple[int, int]]) -> Topology:
    bonded = Bonded(np.array(bonds, dtype=np.int64).reshape(-1, 2), np.zeros(len(bonds), dtype=np.int64), ("A-B",))
    none = Bonded(np.empty((0, 3), dtype=np.int64), np.empty(0, dtype=np.int64), ())
    kinds = {1: "dimer", 2: "dimer"}
    return Topology(
        np.arange(1.0, 5.0), np.array([1, 2, 1, 2]), np.array([1, 1, 2, 2]), kinds, ("A", "B"), bonded, none
    )


def frames(seed: int) -> Frames:
    random = np.random.default_rng(seed)
    return Frames(50.0, random.normal(scale=30, size=(3, 4, 3)), np.tile(20 * np.eye(3), (3, 1, 1)))


def test_recordings_of_several_topologies_come_back_each_with_its_own(tmp_path):
    uncured, cured = topology([(0, 1), (2, 3)]), topology([(0, 1), (1, 2), (2, 3)])
    series = Series(5.0, {"density": np.array([1.0, 1.1])})
    saved = [
        Recording("network", State.of(T=300, DC=0), series, frames(1), uncured),
        Recording("network", State.of(T=300, DC=0.5), None, frames(2), cured),
        Recording("network", State.of(T=350, DC=0), series, None, uncured, "x"),
        Recording("script", State.of(), None, frames(3), None),
    ]
    save_recordings(tmp_path / "all.npz", saved)
    back = load_recordings(tmp_path / "all.npz")
    assert [(one.experiment, one.state, one.axis) for one in back] == [
        (one.experiment, one.state, one.axis) for one in saved
    ]
    for one, original in zip(back, saved, strict=True):
        assert (one.series is None, one.frames is None) == (original.series is None, original.frames is None)
        if one.frames is not None and original.frames is not None:
            np.testing.assert_allclose(one.frames.positions, original.frames.positions, atol=1e-5)
            np.testing.assert_array_equal(one.frames.boxes, original.frames.boxes)
    assert back[3].topology is None
    assert back[0].topology is back[2].topology
    for one, original in zip(back[:3], saved, strict=False):
        np.testing.assert_array_equal(one.topology.bonds.members, original.topology.bonds.members)
        np.testing.assert_array_equal(one.topology.masses, original.topology.masses)
        assert one.topology.bonds.names == ("A-B",)
        assert one.topology.angles.members.shape == (0, 3)
        assert one.topology.molecule_kinds == {1: "dimer", 2: "dimer"}
        assert one.topology.bead_names == ("A", "B")
    assert back[0].series.columns["density"].tolist() == [1.0, 1.1]


def test_another_file_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ProblemError, match="expected a file of recordings"):
        load_recordings(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(ProblemError, match=r"text\.npz: received a file that cannot be read"):
        load_recordings(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", numbers=np.arange(3))
    with pytest.raises(ProblemError, match="beadsmith map"):
        load_recordings(tmp_path / "other.npz")
    np.save(tmp_path / "single.npy", np.arange(3))
    with pytest.raises(ProblemError, match="beadsmith map"):
        load_recordings(tmp_path / "single.npy")
