"""Binary dumps: bytes as LAMMPS' manual and its converter to text describe them, and as LAMMPS itself writes them."""

import struct
import tracemalloc
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beadsmith.observe.experiment import observe_recordings
from beadsmith.simulate.binary_dump import binary_frames
from beadsmith.simulate.dump_frame import BrokenDump, DumpFrame
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.outputs import read_dump, read_recordings
from beadsmith.simulate.plan import plan_simulation
from beadsmith.simulate.text_dump import text_frames

ROWS = ((1, 1.5, 2.25, -3.125), (2, 4.0, 5.0, 1e-17))
#: What LAMMPS writes of the same box into text and into binary dumps.
BOXES = {
    "rectangular": (0, (0, 10, -1, 19, 0.5, 30), "pp pp pp\n0 10\n-1 19\n0.5 30"),
    "tilted": (1, (-1, 12, 0, 23, 0, 30, 2, -1, 3), "xy xz yz pp pp pp\n-1 12 2\n0 23 -1\n0 30 3"),
    "general": (2, (9, 1, 0, -1, 9, 0.5, 0, 0, 8, 7, 7, 7), "abc origin pp pp pp\n9 1 0 7\n-1 9 0.5 7\n0 0 8 7"),
}


def frames_in(content: bytes, every: int = 1) -> list[DumpFrame]:
    return [frame for frame, _ in binary_frames(BytesIO(content), every)]


def test_a_frame_is_what_lammps_put_into_it(binary_frame):
    first, second = frames_in(binary_frame(0, ROWS) + binary_frame(50, ROWS[::-1]))
    assert (first.step, second.step) == (0, 50)
    assert first.columns == ("id", "xu", "yu", "zu")
    assert first.table.tolist() == [list(row) for row in ROWS]
    assert second.table.tolist() == [list(row) for row in ROWS[::-1]]
    assert first.box.tolist() == np.diag([10.0, 20.0, 30.0]).tolist()


@pytest.mark.parametrize("shape", BOXES)
def test_boxes_are_those_of_a_text_dump(binary_frame, shape):
    number, box, text = BOXES[shape]
    (binary,) = frames_in(binary_frame(0, ROWS, shape=number, box=box))
    head = f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS {text}\nITEM: ATOMS id xu yu zu\n"
    (written,) = text_frames(head + "1 1 2 3\n")
    assert binary.box.tolist() == written.box.tolist()
    assert binary.origin.tolist() == written.origin.tolist()


@pytest.mark.parametrize("more", [{}, {"units": "real"}, {"time": 7.5}, {"units": "real", "time": 7.5}])
def test_units_and_times_do_no_harm(binary_frame, more):
    frames = frames_in(binary_frame(0, ROWS, **more) + binary_frame(50, ROWS))
    assert [frame.step for frame in frames] == [0, 50]
    assert frames[0].table.tolist() == frames[1].table.tolist() == [list(row) for row in ROWS]


def test_dumps_of_the_style_atom_are_read_too(binary_frame):
    (frame,) = frames_in(binary_frame(0, [(1, 2, 0.1, 0.2, 0.3)], columns="id type xs ys zs", magic=b"DUMPATOM"))
    assert frame.columns == ("id", "type", "xs", "ys", "zs")
    assert frame.table.tolist() == [[1, 2, 0.1, 0.2, 0.3]]


def test_frames_in_between_are_passed_over(binary_frame):
    content = b"".join(binary_frame(step, [ROWS[0]], [ROWS[1]]) for step in range(7))
    assert [frame.step for frame in frames_in(content, every=3)] == [0, 3, 6]
    assert [part for _, part in binary_frames(BytesIO(content), 3)] == pytest.approx([1 / 7, 4 / 7, 1])
    with pytest.raises(BrokenDump, match="cut short"):
        frames_in(content[:-5], every=4)


@pytest.mark.parametrize("every", [1, 5])
def test_no_more_than_a_frame_or_two_is_held_at_a_time(binary_frame, tmp_path, every):
    path = tmp_path / "frames.bin"
    one = binary_frame(0, [(number, 1, 2, 3) for number in range(5000)])
    path.write_bytes(30 * one)
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            assert sum(1 for _ in binary_frames(file, every)) == 30 // every
        assert tracemalloc.get_traced_memory()[1] < 4 * len(one)
    finally:
        tracemalloc.stop()


def test_the_other_byte_order_is_noticed(binary_frame):
    little = binary_frame(7, ROWS, units="real", time=0.5)
    big = binary_frame(7, ROWS, units="real", time=0.5, order=">")
    assert little != big
    one, other = frames_in(little)[0], frames_in(big)[0]
    assert (one.step, one.columns) == (other.step, other.columns)
    assert one.table.tolist() == other.table.tolist()
    assert other.table.dtype.isnative


def test_the_chunks_of_all_processes_are_put_together(binary_frame, tmp_path):
    path = tmp_path / "frames.bin"
    path.write_bytes(binary_frame(0, [ROWS[1]], [], [(3, 7, 8, 9), ROWS[0]]) + binary_frame(9, [(3, 7, 8, 9)], ROWS))
    steps, positions, _ = read_dump(path)
    assert steps.tolist() == [0, 9]
    expected = [list(ROWS[0][1:]), list(ROWS[1][1:]), [7, 8, 9]]
    assert positions.tolist() == [expected, expected]


def test_wrapped_positions_are_unwrapped_by_their_images(binary_frame, tmp_path):
    path = tmp_path / "frames.bin"
    path.write_bytes(binary_frame(0, [(0, -1, 2, 1, 1, 2, 3)], columns="ix iy iz id x y z"))
    assert read_dump(path)[1].tolist() == [[[1, 2 - 20, 3 + 60]]]


def test_numbers_that_are_none_are_read_as_such(binary_frame):
    (frame,) = frames_in(binary_frame(0, [(1, np.nan, np.inf, 0)]))
    assert np.isnan(frame.table[0, 1])
    assert frame.table[0, 2] == np.inf


def test_a_file_cut_at_any_byte_is_refused_unless_frames_are_whole(binary_frame):
    one, other = binary_frame(0, ROWS, units="real"), binary_frame(50, ROWS)
    whole = {0: 0, len(one): 1, len(one) + len(other): 2}
    for length in range(len(one) + len(other) + 1):
        content = (one + other)[:length]
        if length in whole:
            assert len(frames_in(content)) == whole[length]
        else:
            with pytest.raises(BrokenDump, match=r"cut short|does not begin"):
                frames_in(content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(at=st.integers(0, 400), damage=st.binary(min_size=1, max_size=8))
def test_damage_is_told_or_harmless_but_never_a_crash(binary_frame, at, damage):
    content = bytearray(binary_frame(0, ROWS) + binary_frame(50, ROWS))
    content[at : at + len(damage)] = damage
    try:
        frames = frames_in(bytes(content))
    except BrokenDump:
        return
    assert all(len(frame.table[0]) == len(frame.columns) for frame in frames if len(frame.table))


@pytest.mark.parametrize(
    ("more", "fragment"),
    [
        pytest.param({"magic": None}, "needs LAMMPS of 2021 or newer", id="before there was a header"),
        pytest.param({"magic": b"DUMPLOCAL"}, "does not begin as a binary dump", id="dump local"),
        pytest.param({"revision": 1}, "does not name its columns", id="revision 1"),
        pytest.param({"shape": 3}, "not a frame", id="no such box"),
    ],
)
def test_what_is_not_such_a_dump_is_told(binary_frame, more, fragment):
    with pytest.raises(BrokenDump, match=fragment):
        frames_in(binary_frame(0, ROWS, **more))


def test_text_is_no_binary_dump():
    with pytest.raises(BrokenDump, match="does not begin as a binary dump"):
        frames_in(b"ITEM: TIMESTEP\n0\n")


@pytest.mark.parametrize("atoms", [3, 1, -1])
def test_numbers_of_atoms_that_do_not_fit_are_refused(binary_frame, atoms):
    content = bytearray(binary_frame(0, ROWS))
    content[34:42] = struct.pack("<q", atoms)  # after 8 + 10 + 4 + 4 + 8 bytes: the number of atoms
    with pytest.raises(BrokenDump, match="not a frame, or is cut short"):
        frames_in(bytes(content))


LIQUID = """\
units real
{box}
mass 1 40
velocity all create 3000 5
pair_style lj/cut 6
pair_coeff 1 1 0.2 3.0
pair_modify shift yes
minimize 1e-4 1e-6 100 1000
timestep 4
fix dynamics all npt temp 3000 3000 100 {barostat} 500 500 500
dump binary all custom 40 frames.bin id xu yu zu
dump_modify binary sort id first no
dump unsorted all custom 40 unsorted.bin vx id type x y z ix iy iz
dump_modify unsorted time yes units yes
dump scaled all atom 40 scaled.bin
dump_modify scaled image yes
dump parts all custom 40 parts.dump id xsu ysu zsu
dump_modify parts format float %.12g
dump text all custom 40 frames.dump id xu yu zu
dump_modify text sort id first no format float %.3f
{modify}
run 400
"""


IN_REGION = """\
region box {region}
create_box 1 box
create_atoms 1 random 60 11 box overlap 3.0"""
GENERAL = """\
lattice custom 1 a1 4.5 1 0.5 a2 -1 4.5 0 a3 0.5 0 4.5 basis 0 0 0 triclinic/general
create_box 1 NULL 0 4 0 4 0 4
create_atoms 1 box"""
AS_GENERAL = "\n".join(
    f"dump_modify {name} triclinic/general yes" for name in ("binary", "text", "unsorted", "parts", "scaled")
)


@pytest.mark.lammps
@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("box", "barostat", "modify"),
    [
        pytest.param(IN_REGION.format(region="block 0 20 0 22 0 24"), "iso", "", id="rectangular"),
        pytest.param(IN_REGION.format(region="prism 0 20 0 22 0 24 6 -4 5"), "tri", "", id="tilted"),
        pytest.param(GENERAL, "tri", AS_GENERAL, id="general"),
    ],
)
def test_lammps_writes_the_same_into_both_kinds_of_dumps(script, folder, engine, processors, box, barostat, modify):
    text = LIQUID.format(box=box, barostat=barostat, modify=modify)
    ending = run_simulation(script(text, processors=processors), folder, engine, stop=lambda: False).ending
    assert ending.exit_code == 0, ending.log[-1000:]
    steps, written, boxes = read_dump(folder / "frames.dump")
    assert len(steps) >= 10
    for name in ("frames.bin", "unsorted.bin", "scaled.bin", "parts.dump"):
        same, positions, edges = read_dump(folder / name)
        assert same.tolist() == steps.tolist()
        # The text has three decimals; bounds are printed with 17 digits.
        np.testing.assert_allclose(positions, written, rtol=0, atol=5.1e-4)
        np.testing.assert_allclose(edges, boxes, rtol=1e-14)
    assert np.abs(written).max() > 30  # beads did cross the borders


@pytest.mark.lammps
@pytest.mark.parametrize("name", ["melt", "alone"])
def test_observables_are_those_of_a_text_dump_of_the_same_run(name, document, load, model_of, folder, engine):
    """The golden check: what our scripts record in binary, recorded as text beside it."""
    document["observables"] = {
        "density": {"kind": "density", "experiment": "melt"},
        "size": {"kind": "radius_of_gyration", "experiment": "melt", "molecule": "dumbbell"},
        "alone": {"kind": "radius_of_gyration", "experiment": "alone", "molecule": "trimer"},
    }
    problem = load(document)
    simulation = plan_simulation(problem, name, model_of(problem), 3, engine.version)
    lines = []
    for line in simulation.files["in.lammps"].splitlines():
        lines.append(line.replace("undump frames", "undump frames\nundump text"))
        if line.startswith("dump frames"):
            lines.append(line.replace("dump frames", "dump text").replace(".bin", ".dump"))
        if line.startswith("dump_modify frames"):
            lines.append(line.replace("frames", "text") + ' format float "%.3f"')
    simulation.files["in.lammps"] = "\n".join(lines) + "\n"
    ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
    assert ending.exit_code == 0, ending.log[-1000:]
    binary = read_recordings(simulation, folder, ending.log)

    text = []
    for number, recording in enumerate(binary):
        _, positions, boxes = read_dump(folder / f"frames_{number}.dump")
        np.testing.assert_allclose(recording.frames.positions, positions, rtol=0, atol=5.1e-4)
        np.testing.assert_allclose(recording.frames.boxes, boxes, rtol=1e-14)
        text.append(replace(recording, frames=replace(recording.frames, positions=positions)))
    exact = observe_recordings(binary, problem.observables, name)
    assert len(exact) >= len(binary)
    for one, other in zip(exact, observe_recordings(text, problem.observables, name), strict=True):
        assert (one.observable, one.state) == (other.observable, other.state)
        assert one.value == pytest.approx(other.value, abs=1e-3)
        assert one.stderr == pytest.approx(other.stderr, abs=1e-3)
