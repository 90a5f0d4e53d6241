"""Boxes that are squeezed and pulled, and bonds that break: what LAMMPS does with our lines."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.problem.records import Failure
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulation, plan_tensions
from beadsmith.simulate.script import RELAXED

RATE, STRAIN = 2e-5, 0.1  # per fs
TENSION = {"stage": "tension", "temperature": "300 K", "rate": "2e10 1/s", "strain": STRAIN, "pressure": "300 atm"}


@pytest.fixture
def pulled(document, load, model_of):
    """A melt of trimers, relaxed for a moment; its tension with some changes, and the model."""

    def make(axes="x y z", **changes):
        document["forcefield"]["pair"]["cutoff"] = "6 angstrom"
        document["experiments"] = {
            "melt": {
                **document["experiments"]["melt"],
                "molecules": {"trimer": 40},
                "protocol": [
                    {"stage": "push-off", "temperature": "300 K", "steps": 200},
                    {
                        "stage": "npt",
                        "temperature": "300 K",
                        "pressure": "300 atm",
                        "coupling": "anisotropic",
                        "duration": "10 ps",
                        "pressure_damping": "1 ps",
                    },
                    {**TENSION, "axes": axes, "pressure_damping": "1 ps", **changes},
                ],
            }
        }
        problem = load(document)
        return problem, model_of(problem, **{"pair.A.epsilon": 0.9, "pair.B.epsilon": 0.9})

    return make


@pytest.fixture
def pull(pulled, engine, tmp_path):
    """Relax, then pull along every axis; the recordings, or a failure, by axis; and where each was made."""

    def run(axes="x y z", last="", **changes):
        problem, model = pulled(axes, **changes)
        relaxed = plan_simulation(problem, "melt", model, 1, engine.version)
        home = tmp_path / "relaxed"
        home.mkdir()
        assert diagnose(run_simulation(relaxed, home, engine, stop=lambda: False).ending, "melt") is None
        found = {}
        for axis, simulation in plan_tensions(problem, problem.experiments["melt"], model, relaxed).items():
            folder = tmp_path / axis
            folder.mkdir()
            (folder / RELAXED).hardlink_to(home / RELAXED)
            text = simulation.files["in.lammps"].replace('print "Beads', f'{last}\nprint "Beads')
            ours = replace(simulation, files={"in.lammps": text})
            ending = run_simulation(ours, folder, engine, stop=lambda: False).ending
            failure = diagnose(ending, "melt")
            found[axis] = failure or read_recordings(ours, folder, ending.log)
        return found

    return run


def test_a_ramp_of_pressure_and_the_coupling_reach_the_input(document, load, model_of):
    document["experiments"]["melt"]["protocol"][1] |= {"pressure": "100 to 0 atm", "coupling": "anisotropic"}
    document["experiments"]["melt"]["protocol"][3] = {
        "stage": "npt",
        "temperature": "400 to 350 K",
        "duration": "1 ps",
        "pressure": "-5 atm",
    }
    problem = load(document)
    text = plan_simulation(problem, "melt", model_of(problem), 1, "none").files["in.lammps"]
    assert "fix dynamics all npt temp 400 400 500 aniso 100 0 5000" in text
    assert "fix dynamics all npt temp 350 350 500 iso 1 1 5000" in text  # the ladder's
    assert "fix dynamics all npt temp 400 350 500 iso -5 -5 5000" in text


def test_the_three_pulls_differ_by_nothing_but_names(pulled):
    problem, model = pulled()
    relaxed = plan_simulation(problem, "melt", model, 1, "none")
    pulls = plan_tensions(problem, problem.experiments["melt"], model, relaxed)
    assert list(pulls) == ["x", "y", "z"]
    assert len({one.name for one in pulls.values()} | {relaxed.name}) == 4
    own = {axis: one.files["in.lammps"].splitlines() for axis, one in pulls.items()}
    assert "fix pull all deform 1 x erate 2e-05 units box remap x" in own["x"]
    (x_held,) = (line for line in own["x"] if line.startswith("fix dynamics"))
    (y_held,) = (line for line in own["y"] if line.startswith("fix dynamics"))
    assert x_held == "fix dynamics all npt temp 300 300 500 y 300 300 1000 z 300 300 1000"
    assert y_held == x_held.replace(" y ", " x ")
    different = [(one, other) for one, other in zip(own["x"], own["y"], strict=True) if one != other]
    assert len(different) == 3  # the remark, the pull, and what is held
    assert all(one.inherited == {RELAXED: (relaxed.name, RELAXED)} for one in pulls.values())


@pytest.mark.lammps
def test_edges_change_together_or_each_for_itself(document, load, model_of, attempt, engine):
    document["forcefield"]["pair"]["cutoff"] = "6 angstrom"
    for coupling, alike in (("isotropic", True), ("anisotropic", False)):
        document["experiments"]["melt"]["protocol"][1:] = [
            {
                "stage": "npt",
                "temperature": "350 K",
                "pressure": "5000 atm",
                "coupling": coupling,
                "duration": "5 ps",
                "pressure_damping": "0.5 ps",
                "record": True,
                "frames": 10,
            }
        ]
        problem = load(document)
        (recording,) = attempt(plan_simulation(problem, "melt", model_of(problem), 1, engine.version))
        edges = np.array([np.diag(box) for box in recording.frames.boxes])
        assert (np.ptp(edges[-1]) < 1e-6) == alike


@pytest.mark.lammps
def test_the_pressure_follows_its_ramp(document, load, model_of, attempt, engine):
    document["forcefield"]["pair"]["cutoff"] = "6 angstrom"
    common = {"stage": "npt", "temperature": "350 K", "pressure_damping": "0.5 ps"}
    hold = {"duration": "5 ps", "record": True}
    document["experiments"]["melt"]["protocol"][1:] = [
        {**common, "pressure": "500 atm", "duration": "5 ps"},
        {**common, **hold, "pressure": "500 atm"},
        {**common, "pressure": "500 to 8000 atm", "duration": "5 ps"},
        {**common, **hold, "temperature": "351 K", "pressure": "8000 atm"},
    ]
    problem = load(document)
    low, high = attempt(plan_simulation(problem, "melt", model_of(problem), 1, engine.version))
    # If the ramp were a jump at its end, the box would ring at the beginning of the second hold.
    begin = high.series.columns["pressure"][: len(high.series.columns["pressure"]) // 5].mean()
    assert begin == pytest.approx(8000, rel=0.3)
    assert low.series.columns["pressure"].mean() == pytest.approx(500, abs=500)
    assert high.series.columns["density"].mean() > 1.05 * low.series.columns["density"].mean()


@pytest.mark.lammps
def test_a_pull_reaches_its_strain_while_the_other_edges_keep_their_pressure(pull):
    for axis, recordings in pull().items():
        assert not isinstance(recordings, Failure)
        (recording,) = recordings
        assert (recording.axis, recording.state.as_dict(), recording.frames) == (axis, {"T": 300.0}, None)
        columns = recording.series.columns
        count, interval = len(columns["temperature"]), recording.series.interval
        assert count == pytest.approx(STRAIN / RATE / interval, abs=1)
        # A sample is the mean since the one before: half an interval behind its end.
        times = interval * (np.arange(count) + 0.5)
        assert columns[f"strain_{axis}"] == pytest.approx(RATE * times, abs=1.1 * RATE * interval)
        assert columns[f"strain_{axis}"][-1] == pytest.approx(STRAIN, rel=0.01)
        for other in set("xyz") - {axis}:
            assert abs(columns[f"strain_{other}"][0]) < 0.01
            pressure = columns[f"pressure_{other * 2}"]
            blocks = pressure[: count // 10 * 10].reshape(10, -1).mean(axis=1)
            assert abs(pressure.mean() - 300) < 4 * blocks.std(ddof=1) / math.sqrt(10) + 30
        assert columns["temperature"].mean() == pytest.approx(300, rel=0.1)


@pytest.mark.lammps
def test_bonds_break_at_their_length_with_their_angles(pull, tmp_path):
    """Harmonic bonds of 3.6 angstrom, 0.22 wide: half of them pass 4.0 within the time of the pull, and none 9."""
    (recording,) = pull("x", last="write_data end.data", breaking={"A-B": "4 angstrom"})["x"]
    broken = recording.series.columns["broken_bonds"]
    assert (np.diff(broken) >= 0).all()
    assert 20 < broken[-1] <= 80
    bonds, angles = terms_of(tmp_path / "x" / "end.data")
    assert len(bonds) == 80 - round(float(broken[-1]))
    left = {frozenset(bond[1:]) for bond in bonds}
    intact = [{frozenset(angle[1:3]), frozenset(angle[2:4])} <= left for angle in angles]
    assert all(intact)
    # Of 40 trimers those with both bonds have their angle, and no other.
    vertices = [bead for bond in bonds for bead in bond[1:]]
    whole = sum(vertices.count(3 * number + 2) == 2 for number in range(40))
    assert len(angles) == whole


@pytest.mark.lammps
def test_bonds_that_are_never_so_long_do_not_break(pull, tmp_path):
    (recording,) = pull("x", last="write_data end.data", breaking={"A-B": "9 angstrom"})["x"]
    assert recording.series.columns["broken_bonds"].max() == 0
    bonds, angles = terms_of(tmp_path / "x" / "end.data")
    assert (len(bonds), len(angles)) == (80, 40)


def terms_of(path: Path) -> tuple[list[list[int]], list[list[int]]]:
    """Bonds and angles of a data file: type and beads."""
    text = path.read_text()
    found = []
    for section in ("Bonds", "Angles"):
        match = re.search(rf"^{section}.*?\n\n(.*?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
        found.append([[int(word) for word in line.split()[1:]] for line in match[1].splitlines()] if match else [])
    return found[0], found[1]
