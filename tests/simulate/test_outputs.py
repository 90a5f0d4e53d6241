"""Reading LAMMPS' files, whole ones and such as a crash leaves behind."""

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.problem.recording import Topology
from beadsmith.problem.schema import Dynamics, ScriptRecording
from beadsmith.problem.state import State
from beadsmith.simulate.outputs import OutputMissing, read_dump, read_log_table, read_recordings, read_series_file
from beadsmith.simulate.plan import Simulation
from beadsmith.simulate.script import COMPLETE, Stretch

SERIES = """\
# T=300
# step temperature density
0 300.5 0.71
10 301.25 0.72
20 299 0.73
"""
AVE_TIME = """\
# Time-averaged data for fix averages
# TimeStep c_thermo_temp v_density
100 300.5 0.71
200 301.25 0.72
"""


def frame(step: int, *atoms: str, columns: str = "id xu yu zu", box: str = "pp pp pp\n0 10\n0 20\n0 30") -> str:
    head = (
        f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS {box}\nITEM: ATOMS {columns}\n"
    )
    return head + "".join(f"{atom}\n" for atom in atoms)


@pytest.fixture
def write(tmp_path):
    def write_file(text: str, name: str = "file.txt"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


class TestSeries:
    def test_columns_are_named_by_the_last_comment(self, write):
        names, rows = read_series_file(write(SERIES))
        assert names == ["step", "temperature", "density"]
        assert rows.tolist() == [[0, 300.5, 0.71], [10, 301.25, 0.72], [20, 299, 0.73]]

    def test_the_usual_head_of_ave_time_is_known(self, write):
        names, rows = read_series_file(write(AVE_TIME))
        assert names == ["TimeStep", "c_thermo_temp", "v_density"]
        assert rows[:, 0].tolist() == [100, 200]

    def test_numbers_that_are_none_are_read_as_such(self, write):
        _, rows = read_series_file(write("# step x y z\n0 nan -nan inf\n10 1 2 -inf\n"))
        assert np.isnan(rows[0, 1:3]).all()
        assert rows[:, 3].tolist() == [np.inf, -np.inf]

    @pytest.mark.parametrize(
        ("text", "fragment"),
        [
            pytest.param("", "has no samples", id="empty"),
            pytest.param("# T=300\n# step x\n", "has no samples", id="head only"),
            pytest.param("0 1\n10 2\n", "has no samples", id="no head"),
            pytest.param(SERIES[:-10], "is cut short", id="cut within a row"),
            pytest.param(SERIES[:-3], "is cut short", id="cut within the last number"),
            pytest.param(SERIES[:-1], "is cut short", id="cut before the last line break"),
            pytest.param(SERIES + "30 1 2 3\n", "rows of different lengths", id="row too long"),
            pytest.param(SERIES + "30 1 two\n", "something that is not a number", id="words"),
        ],
    )
    def test_files_that_are_not_whole_are_refused(self, write, text, fragment):
        with pytest.raises(OutputMissing, match=fragment) as caught:
            read_series_file(write(text))
        assert "file.txt" in str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(OutputMissing, match=r"series_0.txt is missing"):
            read_series_file(tmp_path / "series_0.txt")


class TestDump:
    def test_beads_are_sorted_by_their_numbers(self, write):
        steps, positions, boxes = read_dump(write(frame(0, "2 4 5 6", "1 1 2 3") + frame(50, "1 1 2 3.5", "2 4 5 6")))
        assert steps.tolist() == [0, 50]
        assert positions.tolist() == [[[1, 2, 3], [4, 5, 6]], [[1, 2, 3.5], [4, 5, 6]]]
        assert boxes.shape == (2, 3, 3)
        assert boxes[0].tolist() == np.diag([10.0, 20.0, 30.0]).tolist()

    def test_other_columns_in_any_order_do_no_harm(self, write):
        text = frame(0, "C 3 1 7 2", columns="element zu xu id yu")
        assert read_dump(write(text))[1].tolist() == [[[1, 2, 3]]]

    def test_times_and_units_between_frames_do_no_harm(self, write):
        text = "ITEM: UNITS\nreal\nITEM: TIME\n0\n" + frame(0, "1 1 2 3") + "ITEM: TIME\n50\n" + frame(50, "1 4 5 6")
        assert read_dump(write(text))[1][:, 0].tolist() == [[1, 2, 3], [4, 5, 6]]

    def test_wrapped_coordinates_are_unwrapped_by_their_images(self, write):
        text = frame(0, "1 1 2 3 0 -1 2", columns="id x y z ix iy iz")
        assert read_dump(write(text))[1].tolist() == [[[1, 2 - 20, 3 + 60]]]

    def test_in_a_tilted_box_images_are_shifted_along_its_edges(self, write):
        # Edges (10, 0, 0), (2, 20, 0) and (-1, 3, 30); LAMMPS prints the bounds of the box around them.
        tilted = "xy xz yz pp pp pp\n-1 12 2\n0 23 -1\n0 30 3"
        text = frame(0, "1 1 2 3 1 1 1", columns="id x y z ix iy iz", box=tilted)
        _, positions, boxes = read_dump(write(text))
        assert boxes[0].tolist() == [[10, 0, 0], [2, 20, 0], [-1, 3, 30]]
        assert positions[0, 0].tolist() == [1 + 10 + 2 - 1, 2 + 20 + 3, 3 + 30]

    def test_a_general_box_gives_its_edges_itself(self, write):
        text = frame(0, "1 1 2 3", box="abc origin pp pp pp\n9 1 0 0\n-1 9 0 0\n0 0 8 0")
        assert read_dump(write(text))[2][0].tolist() == [[9, 1, 0], [-1, 9, 0], [0, 0, 8]]

    @pytest.mark.parametrize(
        ("text", "fragment"),
        [
            pytest.param("", "has no frames", id="empty"),
            pytest.param(frame(0, "1 1 2 3")[:20], "not a frame, or is cut short|is cut short", id="cut in the head"),
            pytest.param(frame(0, "1 1 2 3", "2 1 2 3")[:-8], "is cut short", id="an atom missing"),
            pytest.param(frame(0, "1 1 2 3", "2 1 2 3")[:-5], "is cut short", id="numbers missing"),
            pytest.param(frame(0, "1 1 2 3")[:-1], "is cut short", id="cut before the last line break"),
            pytest.param(
                frame(0, "1 1 2 3") + frame(9, "1 1 2 3", "2 1 2 3"), "different numbers of atoms", id="grown"
            ),
            pytest.param(
                frame(0, "1 1 2 3") + frame(9, "1 2 3 1", columns="xu yu zu id"),
                "different columns",
                id="other columns",
            ),
            pytest.param(frame(0, "1 1 2 x"), "not a frame", id="words"),
            pytest.param(frame(0, "1 2 3", columns="xu yu zu"), "no column id", id="no numbers of beads"),
            pytest.param(frame(0, "1 1 2 3", columns="id x y z"), "molecules are cut apart", id="wrapped"),
        ],
    )
    def test_files_that_are_not_whole_are_refused(self, write, text, fragment):
        with pytest.raises(OutputMissing, match=fragment):
            read_dump(write(text))


LOG = """\
LAMMPS (22 Jul 2025)
thermo_style custom step temp press
minimize 1e-4 1e-6 100 1000
   Step          Temp          Press
         0   0             -5.5
        13   0              2.25e+03
Loop time of 0.01 on 1 procs for 13 steps with 2 atoms
run 20
Per MPI rank memory allocation (min/avg/max) = 5 | 5 | 5 Mbytes
   Step          Temp          Press
         0   300           100
WARNING: Inconsistent image flags (src/domain.cpp:1)
        10   301           -nan
        20   302           102
Loop time of 0.02 on 1 procs for 20 steps with 2 atoms
run 1000
   Step          Temp          Press
         0   300           100
        10   301           10"""


class TestLog:
    def test_each_run_has_its_table(self):
        names, rows = read_log_table(LOG, 0)
        assert names == ["Step", "Temp", "Press"]
        assert rows.tolist() == [[0, 0, -5.5], [13, 0, 2250]]

    @pytest.mark.parametrize("run", [1, -1])
    def test_warnings_between_rows_are_passed_over_and_the_last_finished_run_is_minus_one(self, run):
        _, rows = read_log_table(LOG, run)
        assert rows[:, 0].tolist() == [0, 10, 20]
        assert np.isnan(rows[1, 2])

    @pytest.mark.parametrize("run", [2, -3])
    def test_a_run_that_is_not_there_or_did_not_end_is_missing(self, run):
        with pytest.raises(OutputMissing, match=f"2 finished thermo tables that begin with Step, none of number {run}"):
            read_log_table(LOG, run)

    def test_a_damaged_row_is_refused(self):
        with pytest.raises(OutputMissing, match="rows of different lengths"):
            read_log_table(LOG.replace("20   302           102", "20   302"), 1)

    def test_a_table_without_rows_is_refused(self):
        with pytest.raises(OutputMissing, match="is empty"):
            read_log_table("   Step          Temp\nLoop time of 1\n", 0)


HOLD = Dynamics.model_validate({"stage": "nvt", "temperature": "300 K", "duration": "20 steps", "record": True})
STRETCH = Stretch(State.of(T=300), steps=20, series_every=10, frames_every=20, stage=HOLD)


@pytest.fixture
def simulation() -> Simulation:
    """One recorded stretch of 20 steps of 2 fs."""
    return Simulation("melt", {}, "22 Jul 2025", timestep=2.0, time_limit=1.0, stretches=(STRETCH,))


class TestStretches:
    @pytest.fixture
    def dump(self, binary_frame):
        """Two frames of one bead."""
        return binary_frame(0, [(1, 1, 2, 3)]) + binary_frame(20, [(1, 4, 5, 6)])

    @pytest.fixture
    def read(self, simulation, write, dump):
        def read(simulation=simulation, series=SERIES, dump=dump, log=f"{COMPLETE}\n"):
            path = write(series, "series_0.txt")
            (path.parent / "frames_0.bin").write_bytes(dump)
            return read_recordings(simulation, path.parent, log)

        return read

    def test_numbers_and_frames_come_with_their_state_and_interval(self, read):
        (recording,) = read()
        assert (recording.experiment, recording.state) == ("melt", State.of(T=300))
        # The sample at the very beginning belongs to what was before.
        assert recording.series.columns["density"].tolist() == [0.72, 0.73]
        assert recording.series.columns.keys() == {"temperature", "density"}
        assert (recording.series.interval, recording.frames.interval) == (20.0, 40.0)
        assert recording.frames.positions.shape == (2, 1, 3)

    def test_a_frame_at_which_it_went_on_counts_once(self, simulation, read, write, binary_frame):
        """LAMMPS writes the frame of a checkpoint again when it goes on from there."""

        def frames(*steps):
            return b"".join(binary_frame(step, [(1, step, 0, 0)]) for step in steps)

        folder = write("", "none.txt").parent
        (folder / "frames_0.000.bin").write_bytes(frames(0, 5, 10))
        (folder / "frames_0.001.bin").write_bytes(frames(10))  # killed once more before the next checkpoint
        often = replace(simulation, stretches=(replace(STRETCH, frames_every=5),))
        (recording,) = read(often, dump=frames(10, 15, 20))
        assert recording.frames.positions[:, 0, 0].tolist() == [0, 5, 10, 15, 20]
        assert len(recording.frames.boxes) == 5

    def test_a_log_that_does_not_end_as_planned_is_no_success(self, read):
        with pytest.raises(OutputMissing, match="the log ends before the last stage"):
            read(log="Loop time of 1\n")

    @pytest.mark.parametrize("missing", [1, 100])
    def test_a_dump_that_is_cut_short_is_told_with_its_name(self, read, dump, missing):
        with pytest.raises(OutputMissing, match=r"frames_0.bin holds something that is not a frame, or is cut short"):
            read(dump=dump[:-missing])

    def test_a_dump_without_frames_is_told(self, read):
        with pytest.raises(OutputMissing, match=r"frames_0.bin has no frames"):
            read(dump=b"")

    def test_a_dump_of_other_atoms_than_the_molecules_have_is_refused(self, simulation, read):
        def of_beads(count: int):
            ones = np.ones(count, dtype=np.int64)
            return replace(simulation, topology=Topology(np.ones(count), ones, ones, {1: "chain"}))

        assert len(read(of_beads(1))) == 1
        with pytest.raises(OutputMissing, match=r"frames_0.bin has 1 atoms; the molecules of the experiment have 2"):
            read(of_beads(2))

    def test_fewer_samples_or_frames_than_planned_are_counted(self, simulation, read):
        short = "".join(SERIES.splitlines(keepends=True)[:3])
        with pytest.raises(OutputMissing, match=r"series_0.txt has 1 samples of 2"):
            read(series=short)
        longer = replace(simulation, stretches=(replace(STRETCH, steps=20, frames_every=5),))
        with pytest.raises(OutputMissing, match=r"frames_0.bin has 2 frames of 4"):
            read(longer)


class TestUsersOwn:
    def read(self, simulation, write, log=LOG, steps=(0, 20), averages=AVE_TIME, **recording):
        folder = write(averages, "averages.txt").parent
        write(
            "".join(frame(step, f"1 {1 + 3 * n} {2 + 3 * n} {3 + 3 * n}") for n, step in enumerate(steps)), "own.dump"
        )
        own = replace(
            simulation,
            stretches=(),
            recordings=(ScriptRecording(**recording),),
            script_state=State.of(T=300, DC=0.5),
        )
        (found,) = read_recordings(own, folder, log)
        return found

    def test_usual_columns_of_the_log_are_known(self, simulation, write):
        found = self.read(simulation, write, log_run=1)
        assert found.series.columns["temperature"].tolist() == [300, 301, 302]
        assert found.series.columns.keys() == {"temperature", "pressure"}
        assert found.series.interval == 20.0
        assert (found.frames, found.state) == (None, State.of(T=300, DC=0.5))

    def test_usual_columns_of_an_ave_time_file_are_known_and_others_may_be_named(self, simulation, write):
        found = self.read(simulation, write, series="averages.txt", columns={"own": "v_density"}, state={"T": 310})
        assert found.series.columns["density"].tolist() == found.series.columns["own"].tolist() == [0.71, 0.72]
        assert found.series.columns["temperature"].tolist() == [300.5, 301.25]
        assert found.series.interval == 200.0
        assert found.state == State.of(T=310, DC=0.5)

    def test_a_named_column_goes_before_the_usual_one(self, simulation, write):
        found = self.read(simulation, write, log_run=0, columns={"temperature": "Press"})
        assert found.series.columns["temperature"].tolist() == [-5.5, 2250]

    def test_a_dump_alone_is_a_recording_too(self, simulation, write):
        found = self.read(simulation, write, dump="own.dump")
        assert found.series is None
        assert found.frames.interval == 40.0
        assert found.frames.positions[:, 0].tolist() == [[1, 2, 3], [4, 5, 6]]

    def test_frames_at_unequal_steps_are_refused(self, simulation, write):
        with pytest.raises(OutputMissing, match=r"own.dump has intervals of 2 to 180 fs; write it at equal intervals"):
            self.read(simulation, write, dump="own.dump", steps=(0, 1, 10, 100))
        with pytest.raises(OutputMissing, match=r"own.dump has intervals of -40 to 40 fs"):
            self.read(simulation, write, dump="own.dump", steps=(0, 20, 0, 20))

    def test_a_frame_that_was_written_twice_counts_once(self, simulation, write):
        found = self.read(simulation, write, dump="own.dump", steps=(0, 20, 20, 40))
        assert found.frames.interval == 40.0
        assert found.frames.positions[:, 0, 0].tolist() == [1, 4, 10]

    def test_samples_at_unequal_steps_are_refused(self, simulation, write):
        with pytest.raises(OutputMissing, match=r"averages.txt has intervals of 200 to 1600 fs"):
            self.read(simulation, write, series="averages.txt", averages=f"{AVE_TIME}1000 300 0.7\n")

    def test_a_run_may_begin_and_end_between_two_rows_of_its_table(self, simulation, write):
        def table(*steps):
            rows = "".join(f"{step} {step} 1\n" for step in steps)
            return f"Step Temp Press\n{rows}Loop time of 1\n"

        found = self.read(simulation, write, log=table(7, 10, 20, 30, 33), log_run=0)
        assert found.series.columns["temperature"].tolist() == [10, 20, 30]
        assert found.series.interval == 20.0
        with pytest.raises(OutputMissing, match=r"thermo table 0 of the log has intervals of 20 to 40 fs"):
            self.read(simulation, write, log=table(7, 10, 20, 40, 50, 60, 63), log_run=0)

    def test_a_dump_may_be_binary_if_its_name_says_so(self, simulation, write, binary_frame):
        folder = write("", "none.txt").parent
        (folder / "own.bin").write_bytes(binary_frame(0, [(1, 1, 2, 3)]) + binary_frame(20, [(1, 4, 5, 6)]))
        assert self.read(simulation, write, dump="own.bin").frames.positions[:, 0].tolist() == [[1, 2, 3], [4, 5, 6]]
        (folder / "own.bin").rename(folder / "own.data")
        with pytest.raises(OutputMissing, match=r"own.data has no frames"):
            self.read(simulation, write, dump="own.data")

    def test_a_column_that_is_not_there_is_named_with_those_that_are(self, simulation, write):
        with pytest.raises(OutputMissing, match="no column 'v_rho' among TimeStep, c_thermo_temp, v_density"):
            self.read(simulation, write, series="averages.txt", columns={"density": "v_rho"})

    def test_a_file_that_is_not_there_is_named(self, simulation, write):
        with pytest.raises(OutputMissing, match=r"other.txt is missing"):
            self.read(simulation, write, series="other.txt")
