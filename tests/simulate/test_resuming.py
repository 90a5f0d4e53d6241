"""A simulation that was killed goes on from its last restart file, as if nothing had been."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from beadsmith.errors import ProblemError
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, Interrupted, find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_continuation, plan_simulation, plan_tensions
from beadsmith.simulate.resuming import checkpoints_of, has_checkpoint, parts_of_dumps, resumed_script
from beadsmith.simulate.script import RELAXED, restart_file


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


@pytest.fixture
def long_melt(document, load, model_of):
    """Dumbbells: a push-off, a ramp, 30,000 steps that are recorded, a pull."""
    melt = document["experiments"]["melt"]
    melt["checkpoint"] = "500 steps"
    melt["protocol"] = [
        {"stage": "minimize", "iterations": 50},
        {"stage": "push-off", "temperature": "400 K", "steps": 200},
        {"stage": "npt", "temperature": "400 to 350 K", "pressure": "2000 atm", "duration": "4000 steps"},
        {
            "stage": "npt",
            "temperature": "350 K",
            "pressure": "2000 atm",
            "duration": "30000 steps",
            "record": True,
            "frames": 120,
        },
        {"stage": "tension", "temperature": "350 K", "rate": "3e9 1/s", "strain": 0.2, "axes": "x"},
    ]
    problem = load(document)
    return problem, model_of(problem)


def killed(simulation, folder: Path, engine: Engine, reached) -> None:
    with pytest.raises(Interrupted):
        run_simulation(simulation, folder, engine, stop=lambda: has_checkpoint(folder) and reached())


def samples(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.is_file() else 0


@pytest.mark.lammps
def test_killed_thrice_it_records_what_it_would_have_recorded(long_melt, engine, tmp_path):
    problem, model = long_melt
    simulation = plan_simulation(problem, "melt", model, 3, engine.version)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    undisturbed = run_simulation(simulation, whole, engine, lambda: False)
    killed(simulation, broken, engine, lambda: samples(broken / "series_0.txt") > 60)
    killed(simulation, broken, engine, lambda: True)
    killed(simulation, broken, engine, lambda: samples(broken / "series_0.txt") > 400)
    finished = run_simulation(simulation, broken, engine, lambda: False)

    assert finished.resumed
    assert not undisturbed.resumed
    assert diagnose(finished.ending, "melt") is None
    (one,) = read_recordings(simulation, whole, undisturbed.ending.log)
    (other,) = read_recordings(simulation, broken, finished.ending.log)
    assert other.frames.positions.shape == one.frames.positions.shape
    assert {name: len(column) for name, column in other.series.columns.items()} == {
        name: len(column) for name, column in one.series.columns.items()
    }

    # Chaos parts the two in the end, but no frame is missing, doubled, or from before the last stop: no bead jumps.
    def farthest(recording):
        return np.abs(np.diff(recording.frames.positions, axis=0)).max()

    assert farthest(other) < 1.5 * farthest(one)
    assert np.mean(other.series.columns["density"]) == pytest.approx(np.mean(one.series.columns["density"]), rel=0.03)
    # Before the first stop both are the same, rounding apart.
    np.testing.assert_allclose(other.frames.positions[:3], one.frames.positions[:3], atol=1e-6)


@pytest.mark.lammps
def test_a_ramp_ends_where_it_should_and_a_pull_goes_on_from_the_first_length(long_melt, engine, tmp_path):
    problem, model = long_melt
    relaxed = plan_simulation(problem, "melt", model, 3, engine.version)
    (tmp_path / "relaxed").mkdir()
    run_simulation(relaxed, tmp_path / "relaxed", engine, lambda: False)
    pull = plan_tensions(problem, problem.experiments["melt"], model, relaxed)["x"]
    strains = []
    for name in ("whole", "broken"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(tmp_path / "relaxed" / RELAXED, folder / RELAXED)
        if name == "broken":
            killed(pull, folder, engine, lambda folder=folder: samples(folder / "series_0.txt") > 300)
        finished = run_simulation(pull, folder, engine, lambda: False)
        assert finished.resumed == (name == "broken")
        (recording,) = read_recordings(pull, folder, finished.ending.log)
        strains.append(recording.series.columns["strain_x"])
    np.testing.assert_allclose(strains[0], strains[1], atol=1e-9)
    assert strains[0][-1] == pytest.approx(0.2, abs=1e-3)


@pytest.mark.lammps
@pytest.mark.parametrize("checkpoint", ["500 steps", "12000 steps"])
def test_a_continuation_of_two_stretches_loses_neither(checkpoint, document, load, model_of, engine, tmp_path):
    """Killed in the second stretch, of which there is a restart file, or only one of the first, at a later step."""
    melt = document["experiments"]["melt"]
    melt["checkpoint"] = checkpoint
    hot, cold = (
        {"stage": "nvt", "temperature": temperature, "duration": "2000 steps", "record": True, "frames": 20}
        for temperature in ("600 K", "300 K")
    )
    melt["protocol"] = [{"stage": "push-off", "temperature": "600 K", "steps": 200}, hot, cold]
    problem = load({**document, "precision": {"longest": 20}})
    model = model_of(problem)
    first = plan_simulation(problem, "melt", model, 3, engine.version)
    (tmp_path / "first").mkdir()
    run_simulation(first, tmp_path / "first", engine, lambda: False)
    ends = {number: (30000, first.name, restart_file(number)) for number in range(2)}
    more = plan_continuation(problem, model, first, ends, 7)
    recorded = []
    for name in ("whole", "broken"):
        folder = tmp_path / name
        folder.mkdir()
        for local, (_, file) in more.inherited.items():
            shutil.copyfile(tmp_path / "first" / file, folder / local)
        if name == "broken":
            killed(more, folder, engine, lambda folder=folder: samples(folder / "series_1.txt") > 50)
        finished = run_simulation(more, folder, engine, lambda: False)
        assert finished.resumed == (name == "broken")
        recorded.append(read_recordings(more, folder, finished.ending.log))
    for one, other in zip(*recorded, strict=True):
        assert other.frames.positions.shape == one.frames.positions.shape
        assert len(other.series.columns["temperature"]) == len(one.series.columns["temperature"])
        for recording in (one, other):
            # The thermostat needs a hundred steps: a stretch that went on from the other's end would begin with its
            # temperature.
            heat = recording.series.columns["temperature"][:20].mean()
            assert heat == pytest.approx(recording.state["T"], rel=0.15)


@pytest.mark.lammps
def test_without_a_whole_restart_file_it_begins_anew(long_melt, engine, tmp_path):
    problem, model = long_melt
    simulation = plan_simulation(problem, "melt", model, 3, engine.version)
    (tmp_path / checkpoints_of(0)[0]).write_bytes(b"LammpS RestartT")
    finished = run_simulation(simulation, tmp_path, engine, lambda: False)

    assert not finished.resumed
    assert diagnose(finished.ending, "melt") is None


SCRIPT = """read_data system.data
timestep 4
restart 100 checkpoint_0.1 checkpoint_0.2
velocity all create 300 1
fix dynamics all npt temp 300 300 400 iso 1 1 4000
run 1000
unfix dynamics
variable strain_x equal lx/$(lx)-1.0
fix dynamics all nvt temp 300 200 400
fix series all ave/time 10 1 10 c_thermo_temp file series_0.txt
dump frames all custom 50 frames_0.bin id xu yu zu
run 2000
unfix series
print "end"
"""
LOG = """LAMMPS
run 1000
   Step          Temp
         7   300.0
Loop time of 1 on 1 procs for 1000 steps with 10 atoms
variable strain_x equal lx/$(lx)-1.0
variable strain_x equal lx/20.5-1.0
run 2000
WARNING: one more line
   Step          Temp
      1007   300.0
"""


def test_what_is_done_is_left_out_and_what_holds_is_kept():
    assert resumed_script(SCRIPT, LOG, 1500, "checkpoint_0.2") == (
        "read_restart checkpoint_0.2 # step 1500\n"
        "timestep 4\n"
        "restart 100 checkpoint_0.1 checkpoint_0.2\n"
        "variable strain_x equal lx/20.5-1.0\n"
        "fix dynamics all nvt temp 300 200 400\n"
        "fix series all ave/time 10 1 10 c_thermo_temp append series_0.txt\n"
        "dump frames all custom 50 frames_0.bin id xu yu zu\n"
        "run 3007 upto start 1007 stop 3007\n"
        "unfix series\n"
        'print "end"\n'
    )


def test_a_run_that_is_complete_is_not_run_again():
    resumed = resumed_script(SCRIPT, LOG.partition("run 2000")[0], 1007, "checkpoint_0.1")
    assert resumed is not None
    assert "run 1000" not in resumed
    assert "upto" not in resumed
    assert resumed.splitlines()[3:5] == ["fix dynamics all npt temp 300 300 400 iso 1 1 4000", "unfix dynamics"]


def test_what_lammps_has_not_begun_is_not_taken_for_done():
    """Killed before LAMMPS opened its log, an input that goes on lies beside the log of the attempt before."""
    runs = ["run 1000", "run 5000"] * 4
    script = (
        "\n".join(["read_data system.data", "restart 100 checkpoint_0.1 checkpoint_0.2", *runs, 'print "end"']) + "\n"
    )
    begins = np.cumsum([0, *[int(run.split()[1]) for run in runs]])
    began = zip(runs[:6], begins[:6], strict=True)
    log = "LAMMPS\n" + "".join(f"{run}\n   Step Temp\n {begin} 300\n" for run, begin in began)
    for step in (16200, 18000):  # within a run, and at its end
        first = resumed_script(script, log, step, "checkpoint_0.1")
        assert first is not None
        assert [line for line in first.splitlines() if line.startswith("run ")][-2:] == runs[6:]
        assert resumed_script(first, log, step, "checkpoint_0.1") == first
        # Once LAMMPS has begun, its log counts.
        begun = f"LAMMPS\n{first.partition('run 1000')[0]}"
        begun = begun.replace("stop 18000\n", "stop 18000\n   Step Temp\n 16200 300\n")
        later = resumed_script(first, f"{begun}run 1000\n   Step Temp\n 18000 300\n", 18500, "checkpoint_0.2")
        assert later is not None
        assert [line for line in later.splitlines() if line.startswith("run ")] == [
            "run 19000 upto start 18000 stop 19000",
            "run 5000",
        ]


def test_before_the_first_run_there_is_nothing_to_go_on_with():
    assert resumed_script(SCRIPT, "LAMMPS\n", 5, "checkpoint_0.1") is None


def test_dumps_come_in_the_order_in_which_they_were_written(tmp_path):
    for name in ("frames_0.bin", "frames_0.001.bin", "frames_0.000.bin", "frames_1.bin", "frames_10.bin", "other.bin"):
        (tmp_path / name).touch()
    first = ["frames_0.000.bin", "frames_0.001.bin", "frames_0.bin"]

    assert [path.name for path in parts_of_dumps(tmp_path, 0)] == first
    assert [path.name for path in parts_of_dumps(tmp_path, 1)] == ["frames_1.bin"]
    assert [path.name for path in parts_of_dumps(tmp_path)] == [*first, "frames_1.bin", "frames_10.bin"]


def test_restart_files_on_the_way_do_not_make_it_another_simulation(document, load, model_of):
    names = set()
    for checkpoint in (None, "500 steps", "1 ps"):
        document["experiments"]["melt"]["checkpoint"] = checkpoint
        problem = load(document)
        names.add(plan_simulation(problem, "melt", model_of(problem), 3, "any").name)
    assert len(names) == 1


def test_an_interval_that_is_no_time_is_refused(document, load):
    document["experiments"]["melt"]["checkpoint"] = "5 K"
    with pytest.raises(ProblemError, match=r"experiments\.melt\.checkpoint: received 5 K"):
        load(document)
