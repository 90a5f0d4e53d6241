"""Going on where a simulation ended is the same as never having stopped."""

import shutil

import numpy as np
import pytest

from beadsmith.problem.recording import Frames, Recording, joined
from beadsmith.problem.schema import Script
from beadsmith.problem.state import State
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_continuation, plan_simulation
from beadsmith.simulate.script import restart_file

ENGINE = "22 Jul 2025"


@pytest.fixture
def kept(document, load):
    """Loads the document with ends of stretches kept."""

    def kept_document(**changes):
        return load({**document, **changes, "precision": {"longest": 4}})

    return kept_document


def continuation(problem, model, first, *numbers, steps=400):
    return plan_continuation(problem, model, first, {n: (steps, first.name, restart_file(n)) for n in numbers}, 7)


def test_ends_are_kept_only_where_they_may_be_needed(kept, document, load, model_of):
    def restarts(problem):
        text = plan_simulation(problem, "melt", model_of(problem), 1, ENGINE).files["in.lammps"]
        return [line for line in text.splitlines() if "restart" in line]

    assert restarts(kept()) == [f"write_restart {restart_file(number)}" for number in range(3)]
    assert restarts(load(document)) == restarts(load({**document, "precision": {"longest": 1}})) == []


def test_a_continuation_is_named_by_what_it_continues(kept, model_of):
    problem = kept()
    model = model_of(problem)
    firsts = [plan_simulation(problem, "melt", model, seed, ENGINE) for seed in (1, 2)]
    names = {
        one.name
        for first in firsts
        for one in (
            first,
            continuation(problem, model, first, 0),
            continuation(problem, model, first, 1),
            continuation(problem, model, first, 0, 1),
            continuation(problem, model, first, 0, steps=200),
        )
    }
    assert len(names) == 10
    assert continuation(problem, model, firsts[0], 0).name == continuation(problem, model, firsts[0], 0).name


def test_a_users_own_script_is_not_continued(kept, model_of, monkeypatch):
    problem = kept()
    first = plan_simulation(problem, "melt", model_of(problem), 1, ENGINE)
    own = Script(kind="script", script="x", timestep="1 fs", recordings=[{"dump": "d", "state": {"T": 1}}])
    monkeypatch.setattr(type(problem), "experiments", {"melt": own})
    with pytest.raises(ValueError, match="own script"):
        continuation(problem, model_of(problem), first, 0)


def test_later_recordings_need_earlier_ones():
    with pytest.raises(ValueError, match="T=300"):
        joined([Recording("melt", State.of(T=350))], [Recording("melt", State.of(T=300))])


def test_the_frame_with_which_a_simulation_goes_on_counts_once():
    """A straight walk, cut in two: its frames stay equally far apart in time."""

    def walked(steps):
        positions = np.array(steps, dtype=float)[:, None, None] * np.ones((1, 4, 3))
        return Recording(
            "melt", State.of(T=350), frames=Frames(50.0, positions, np.tile(20.0 * np.eye(3), (len(steps), 1, 1)))
        )

    for later in ([3, 4, 5], [4, 5]):
        (together,) = joined([walked([0, 1, 2, 3])], [walked(later)])
        np.testing.assert_array_equal(together.frames.positions[:, 0, 0], [0, 1, 2, 3, 4, 5])
        assert len(together.frames.boxes) == 6


@pytest.fixture
def run_in(engine, tmp_path):
    """Runs a simulation, given the folders of those it inherits from: what it recorded, and its folder."""

    def run(simulation, folders):
        folder = tmp_path / simulation.name
        folder.mkdir()
        for local, (name, file) in simulation.inherited.items():
            shutil.copyfile(folders[name] / file, folder / local)
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        return read_recordings(simulation, folder, ending.log), folder

    return run


@pytest.mark.lammps
@pytest.mark.parametrize("ensemble", ["nvt", "npt"])
def test_two_halves_are_the_whole(ensemble, kept, document, model_of, engine, run_in):
    """Newton's equations with a Nose-Hoover thermostat know no chance: the same trajectory, cut or not."""
    stage = {"stage": "ladder", "ensemble": ensemble, "temperatures": "400 K", "frames": 20}
    before = [
        {"stage": "push-off", "temperature": "400 K", "steps": 200},
        {"stage": "npt", "temperature": "400 K", "duration": "400 steps"},
    ]

    def planned(steps):
        document["experiments"]["melt"]["protocol"] = [*before, {**stage, "hold": f"{steps} steps"}]
        problem = kept()
        return problem, plan_simulation(problem, "melt", model_of(problem), 3, engine.version)

    _, whole = planned(200)
    problem, half = planned(100)
    (complete,), _ = run_in(whole, {})
    (first,), folder = run_in(half, {})
    more = continuation(problem, model_of(problem), half, 0, steps=100)
    (second,), _ = run_in(more, {half.name: folder})
    (together,) = joined([first], [second])
    end = complete.frames.positions[-1]
    # Halves have frames twice as often.
    np.testing.assert_allclose(together.frames.positions[::2], complete.frames.positions, atol=5e-3)
    np.testing.assert_allclose(together.frames.boxes[-1], complete.frames.boxes[-1], atol=1e-3)
    assert len(together.series.columns["density"]) == len(complete.series.columns["density"])
    np.testing.assert_allclose(
        together.series.columns["potential_energy"], complete.series.columns["potential_energy"], rtol=1e-3
    )
    # The end is not where it began.
    assert np.abs(end - complete.frames.positions[0]).max() > 0.5


@pytest.mark.lammps
def test_isolated_molecules_go_on_with_other_random_forces_at_their_temperature(kept, model_of, engine, run_in):
    problem = kept()
    model = model_of(problem)
    first = plan_simulation(problem, "alone", model, 3, engine.version)
    cold_and_hot, folder = run_in(first, {})
    more = continuation(problem, model, first, 1, steps=800)
    (longer,), _ = run_in(more, {first.name: folder})
    assert longer.state == cold_and_hot[1].state == State.of(T=450)
    together = joined(cold_and_hot, [longer])
    frames = [one.frames.positions.shape[0] for one in together]
    assert frames[0] == cold_and_hot[0].frames.positions.shape[0]
    assert frames[1] == frames[0] + longer.frames.positions.shape[0] - 1
    # Molecules start where they were, and drift as free ones do.
    step = np.linalg.norm(longer.frames.positions[0] - cold_and_hot[1].frames.positions[-1], axis=-1)
    assert step.max() < 3.0
    assert longer.series.columns["temperature"].mean() == pytest.approx(450, rel=0.2)
