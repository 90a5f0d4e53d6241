"""Trajectories from elsewhere: every file gives the beads that the positions say."""

from __future__ import annotations

import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest
from tests.mapping.conftest import wrapped, write_lammps
from tests.simulate.conftest import bytes_of_frame

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.mapping import mapping_of
from beadsmith.mapping.trajectories import atom_frames, bead_frames

COUNTS = {"dgeba": 4, "pacm": 2}


@pytest.fixture
def known(graphs, mapping, liquid):
    """Atoms, their frames, the beads, and where these are."""
    atoms, frames = liquid(COUNTS)
    centres = mapping_of(graphs, mapping, atoms.topology)
    return atoms, frames, centres, np.stack([centres.positions(one) for one in frames.positions])


def write_gromacs(path, frames):
    """As ``gmx mdrun`` leaves it: nanometres, picoseconds, wrapped."""
    inside, _ = wrapped(frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile
    writer = XTCFile if path.suffix == ".xtc" else TRRFile
    with writer(str(path), "w") as file:
        for number, (positions, box) in enumerate(zip(inside, frames.boxes, strict=True)):
            numbers = (positions / 10).astype(np.float32), (box / 10).astype(np.float32)
            if path.suffix == ".xtc":
                file.write(*numbers, number, float(number), 10000)
            else:
                file.write(numbers[0], None, None, numbers[1], number, float(number), 0.0, len(positions))


def same_modulo_box(found, expected, boxes, topology, tolerance):
    """Whether molecules differ by whole edges of the box only."""
    shifts = (found - expected) @ np.linalg.inv(boxes)
    for molecule in np.unique(topology.molecule_ids):
        own = shifts[:, topology.molecule_ids == molecule]
        np.testing.assert_allclose(own, np.rint(own[:, :1]).repeat(own.shape[1], axis=1), atol=tolerance)


@pytest.mark.parametrize(
    "columns", ["id xu yu zu", "id x y z ix iy iz", "x y z id ix iy iz", "id x y z xu yu zu"], ids=str
)
def test_a_dump_that_knows_images_gives_the_beads(tmp_path, known, columns):
    atoms, frames, centres, expected = known
    write_lammps(tmp_path / "a.lammpstrj", frames, columns)
    found = bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, centres)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)
    np.testing.assert_allclose(found.boxes, frames.boxes)
    assert found.interval == 1000.0


def test_a_wrapped_dump_is_refused_unless_the_user_says_how_to_read_it(tmp_path, known):
    atoms, frames, centres, expected = known
    path = tmp_path / "a.lammpstrj"
    write_lammps(path, frames, "id x y z")
    with pytest.raises(EstimateError, match=r"no image flags.*--whole.*--follow"):
        bead_frames(atom_frames(path, 1.0), atoms, centres)
    whole = bead_frames(atom_frames(path, 1.0), atoms, centres, "whole")
    same_modulo_box(whole.positions, expected, frames.boxes, centres.topology, 1e-6)
    followed = bead_frames(atom_frames(path, 1.0), atoms, centres, "follow")
    # Followed paths differ from the true ones by what the first frame left open.
    moved = followed.positions - expected
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:1], moved.shape), atol=1e-6)
    same_modulo_box(followed.positions, expected, frames.boxes, centres.topology, 1e-6)
    jumps = np.abs(np.diff(whole.positions, axis=0)).max(), np.abs(np.diff(followed.positions, axis=0)).max()
    assert jumps[0] > 20.0
    assert jumps[1] < 10.0


@pytest.fixture(params=["rectangular", "tilted"])
def elsewhere(request, known):
    """Frames in boxes that do not begin at the origin, and may be tilted."""
    atoms, frames, centres, expected = known
    boxes = frames.boxes.copy()
    if request.param == "tilted":
        boxes[:, 1, 0], boxes[:, 2, 0], boxes[:, 2, 1] = 4.0, -3.0, 2.0
    return atoms, replace(frames, boxes=boxes), centres, expected


CORNER = (-7.0, 3.0, 11.0)


@pytest.mark.parametrize("columns", ["id xs ys zs ix iy iz", "xsu ysu zsu id", "id xs ys zs xsu ysu zsu"], ids=str)
def test_scaled_coordinates_say_the_same_as_others(tmp_path, elsewhere, columns):
    atoms, frames, centres, expected = elsewhere
    write_lammps(tmp_path / "scaled.lammpstrj", frames, columns, corner=CORNER)
    write_lammps(tmp_path / "plain.lammpstrj", frames, "id x y z ix iy iz", corner=CORNER)
    scaled, plain = (
        bead_frames(atom_frames(tmp_path / f"{name}.lammpstrj", 1.0), atoms, centres) for name in ("scaled", "plain")
    )
    np.testing.assert_allclose(scaled.positions, plain.positions, atol=1e-7)
    np.testing.assert_allclose(scaled.positions, expected, atol=1e-7)
    np.testing.assert_allclose(scaled.boxes, frames.boxes, atol=1e-9)


@pytest.mark.parametrize("how", ["whole", "follow"])
def test_scaled_coordinates_without_images_are_read_as_the_user_says(tmp_path, elsewhere, how):
    """LAMMPS' ``dump atom``, as it is if nobody changes it."""
    atoms, frames, centres, _ = elsewhere
    write_lammps(tmp_path / "scaled.lammpstrj", frames, "id xs ys zs", corner=CORNER)
    write_lammps(tmp_path / "plain.lammpstrj", frames, "id x y z", corner=CORNER)
    with pytest.raises(EstimateError, match=r"no image flags.*--whole.*--follow"):
        bead_frames(atom_frames(tmp_path / "scaled.lammpstrj", 1.0), atoms, centres)
    scaled, plain = (
        bead_frames(atom_frames(tmp_path / f"{name}.lammpstrj", 1.0), atoms, centres, how)
        for name in ("scaled", "plain")
    )
    np.testing.assert_allclose(scaled.positions, plain.positions, atol=1e-7)


def test_steps_of_half_the_box_are_not_followed(tmp_path, graphs, mapping, liquid):
    atoms, frames = liquid({"pacm": 3}, step=12.0)
    write_lammps(tmp_path / "a.lammpstrj", frames, "id x y z")
    centres = mapping_of(graphs, mapping, atoms.topology)
    with pytest.raises(EstimateError, match="between two frames"):
        bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, centres, "follow")


def test_unwrapped_molecules_that_began_cut_apart_are_put_together_once(tmp_path, known):
    """As LAMMPS leaves them when a data file without image flags begins with wrapped atoms."""
    atoms, frames, centres, expected = known
    _, images = wrapped(frames)
    cut = replace(frames, positions=frames.positions - images[:1] @ frames.boxes)
    write_lammps(tmp_path / "a.lammpstrj", cut, "id xu yu zu")
    found = bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, centres)
    moved = found.positions - expected
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:1], moved.shape), atol=1e-6)
    same_modulo_box(found.positions, expected, frames.boxes, centres.topology, 1e-6)


@pytest.mark.parametrize(("name", "tolerance"), [("a.xtc", 2e-3), ("a.trr", 1e-5)])
def test_gromacs_trajectories_give_the_beads(tmp_path, known, name, tolerance):
    atoms, frames, centres, expected = known
    write_gromacs(tmp_path / name, frames)
    with pytest.raises(EstimateError, match="no image flags"):
        bead_frames(atom_frames(tmp_path / name, 1.0), atoms, centres)
    found = bead_frames(atom_frames(tmp_path / name, 1.0), atoms, centres, "follow")
    moved = found.positions - expected
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:1], moved.shape), atol=10 * tolerance)
    assert found.interval == pytest.approx(1000.0)
    np.testing.assert_allclose(found.boxes, frames.boxes, rtol=1e-6)


def test_atoms_of_a_file_are_taken_in_the_order_of_the_molecules(tmp_path, known):
    atoms, frames, centres, expected = known
    mixed = np.random.default_rng(4).permutation(len(atoms.order))
    write_lammps(tmp_path / "a.lammpstrj", replace(frames, positions=frames.positions[:, mixed]), "id xu yu zu")
    found = bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), replace(atoms, order=np.argsort(mixed)), centres)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)


def test_frames_are_skipped_and_progress_is_told(tmp_path, known):
    atoms, frames, centres, expected = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    write_gromacs(tmp_path / "a.xtc", frames)
    told: list[float] = []
    found = bead_frames(atom_frames(tmp_path / "a.lammpstrj", 2.0, 5), atoms, centres, progress=told.append)
    np.testing.assert_allclose(found.positions, expected[::5], atol=1e-6)
    assert found.interval == 2.0 * 5 * 1000.0
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1
    assert len(list(atom_frames(tmp_path / "a.xtc", 1.0, 5))) == 3


def test_a_dump_larger_than_what_is_read_at_once(tmp_path, known, monkeypatch):
    """Frames that lie across the pieces in which a file is read."""
    atoms, frames, centres, expected = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    monkeypatch.setattr("beadsmith.mapping.trajectories._CHUNK", 1009)
    found = bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, centres)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)


def test_units_may_stand_at_the_head_of_a_dump(tmp_path, known):
    atoms, frames, centres, expected = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    (tmp_path / "b.lammpstrj").write_text("ITEM: UNITS\nreal\n" + (tmp_path / "a.lammpstrj").read_text())
    found = bead_frames(atom_frames(tmp_path / "b.lammpstrj", 1.0), atoms, centres)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)


def test_another_number_of_atoms_is_refused(tmp_path, known, graphs, mapping, liquid):
    _, frames, *_ = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    atoms, _ = liquid({"dgeba": 4, "pacm": 1})
    with pytest.raises(EstimateError, match="the trajectory has 278 atoms, the molecules have 241"):
        bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, mapping_of(graphs, mapping, atoms.topology))


def test_molecules_in_another_order_are_noticed(tmp_path, known, graphs, mapping, liquid):
    _, frames, *_ = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    atoms, _ = liquid({"pacm": 2, "dgeba": 4})
    with pytest.raises(EstimateError, match="the atoms stand in another order"):
        bead_frames(atom_frames(tmp_path / "a.lammpstrj", 1.0), atoms, mapping_of(graphs, mapping, atoms.topology))


def test_frames_at_unequal_times_are_refused(tmp_path, known):
    atoms, frames, centres, _ = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    text = (tmp_path / "a.lammpstrj").read_text()
    (tmp_path / "b.lammpstrj").write_text(text.replace("TIMESTEP\n3000\n", "TIMESTEP\n3100\n"))
    with pytest.raises(EstimateError, match="at equal intervals"):
        bead_frames(atom_frames(tmp_path / "b.lammpstrj", 1.0), atoms, centres)


def test_a_frame_that_was_written_twice_counts_once(tmp_path, known):
    atoms, frames, centres, expected = known
    write_lammps(tmp_path / "a.lammpstrj", frames, "id xu yu zu")
    head, *blocks = (tmp_path / "a.lammpstrj").read_text().split("ITEM: TIMESTEP\n")
    twice = [*blocks[:2], *blocks[1:]]
    (tmp_path / "b.lammpstrj").write_text(head + "".join(f"ITEM: TIMESTEP\n{block}" for block in twice))
    found = bead_frames(atom_frames(tmp_path / "b.lammpstrj", 1.0), atoms, centres)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)
    assert found.interval == 1000.0


def test_a_binary_dump_is_not_read_as_a_whole(tmp_path):
    path = tmp_path / "a.bin"
    one = bytes_of_frame(0, [(number, 1, 2, 3) for number in range(5000)])
    path.write_bytes(30 * one)
    tracemalloc.start()
    try:
        assert len(list(atom_frames(path, 1.0, every=15))) == 2
        assert tracemalloc.get_traced_memory()[1] < 8 * len(one)
    finally:
        tracemalloc.stop()


def test_files_that_cannot_be_read_are_refused_in_one_sentence(tmp_path, known):
    atoms, frames, centres, _ = known
    path = tmp_path / "a.lammpstrj"
    write_lammps(path, frames, "id xu yu zu")
    whole = path.read_bytes()

    def refused(name: str, content: bytes, sentence: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises((ProblemError, EstimateError), match=sentence):
            bead_frames(atom_frames(tmp_path / name, 1.0), atoms, centres, "whole")

    refused("cut.lammpstrj", whole[:-20], "is cut short|holds something")
    refused("text.lammpstrj", b"Dear reader,\n", "does not begin with a frame")
    refused("empty.lammpstrj", b"", "has no frames")
    refused("binary.bin", b"nonsense that is long enough", "does not begin as a binary dump")
    refused("text.xtc", b"nonsense that is long enough", "expected a whole .xtc or .trr file")
    write_lammps(path, frames, "id ix iy iz")
    refused("none.lammpstrj", path.read_bytes(), "has neither xu yu zu nor")
    write_gromacs(tmp_path / "a.xtc", frames)
    refused("cut.xtc", (tmp_path / "a.xtc").read_bytes()[:-30], "expected a whole .xtc or .trr file")
    with pytest.raises(ProblemError, match="a file that exists"):
        list(atom_frames(tmp_path / "missing.xtc", 1.0))
