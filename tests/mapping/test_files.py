"""Dumps of beads and tables, read back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.errors import StudyError
from beadsmith.mapping import mapped, mapping_of
from beadsmith.mapping.distributions import distributions_of
from beadsmith.mapping.files import distribution_table, write_dump
from beadsmith.problem.recording import Recording
from beadsmith.problem.state import State
from beadsmith.simulate.outputs import read_dump


@pytest.fixture
def beads(graphs, mapping, liquid):
    atoms, frames = liquid({"dgeba": 8, "pacm": 8}, edge=30.0, frames=15)
    recording = Recording("melt", State.of(T=300.0, DC=0.5), None, frames, atoms.topology)
    return mapped(recording, mapping_of(graphs, mapping, atoms.topology))


@pytest.mark.parametrize(
    "box",
    [np.diag([30.0, 31.0, 32.0]), np.array([[30.0, 0, 0], [4.0, 28.0, 0], [-6.0, 5.0, 29.0]])],
    ids=["rectangular", "tilted"],
)
def test_a_dump_comes_back(tmp_path, beads, box):
    recording = replace(beads, frames=replace(beads.frames, boxes=np.tile(box, (15, 1, 1))))
    write_dump(tmp_path / "beads.lammpstrj", recording)
    steps, positions, boxes = read_dump(tmp_path / "beads.lammpstrj")
    assert steps.tolist() == [1000 * number for number in range(15)]
    np.testing.assert_allclose(positions, recording.frames.positions, atol=1e-5)
    np.testing.assert_allclose(boxes, recording.frames.boxes, atol=1e-5)
    with pytest.raises(StudyError, match="a file that can be written"):
        write_dump(tmp_path / "none" / "beads.lammpstrj", recording)


def test_a_table_has_a_row_for_each_bin_and_columns_for_the_state(beads):
    found = distributions_of([beads, beads])
    rows = list(csv.DictReader(io.StringIO(distribution_table("bond", found.found, [beads, beads]))))
    assert list(rows[0]) == [
        *("bond", "recording", "DC", "T", "r"),
        *("probability_per_length", "probability_per_length_stderr"),
        *("probability_per_volume", "probability_per_volume_stderr"),
    ]
    chosen = [row for row in rows if row["bond"] == "B1-B2" and row["recording"] == "2"]
    one = next(one for one in found.found if one.kind == "bond" and one.name == "B1-B2" and one.recording == 1)
    assert [float(row["r"]) for row in chosen] == pytest.approx(one.centres.tolist())
    expected = [mean.value for mean in one.columns["probability_per_length"]]
    assert [float(row["probability_per_length"]) for row in chosen] == pytest.approx(expected, rel=1e-5)
    assert {(row["T"], row["DC"]) for row in rows} == {("300.0", "0.5")}
    angles = distribution_table("angle", found.found, [beads, beads]).splitlines()
    assert angles[0].startswith("angle,recording,DC,T,theta,probability_per_angle,")
    assert distribution_table("pair", [], [beads]) == "pair,recording,DC,T,r\n"
