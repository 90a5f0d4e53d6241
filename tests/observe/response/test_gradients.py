"""The entry point: what it answers, in which order, what it discards and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe.response import observable_gradients
from beadsmith.observe.response.derivatives import coefficient_state
from beadsmith.observe.response.gradients import constant_pressure
from beadsmith.observe.response.pairs import kinds_of_pairs
from beadsmith.observe.response.wiring import bonds_apart
from beadsmith.problem.functions import Linear
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.recording import Frames, Recording, Series, Topology
from beadsmith.problem.schema import Dynamics, Script
from beadsmith.problem.state import State

LJ = "style: lj/cut, cutoff: 6 angstrom, tail: yes"


def shaken(recording: Recording, rng: np.random.Generator, frames: int) -> Recording:
    """Many frames like the first one: beads moved by a tenth of an angstrom, the box by a hundredth."""
    first, box = recording.frames.positions[0], recording.frames.boxes[0]
    scale = 1.0 + 0.01 * rng.normal(size=(frames, 1, 1))
    positions = (first + 0.1 * rng.normal(size=(frames, *first.shape))) * scale
    return replace(recording, frames=Frames(100.0, positions, box * scale))


def with_script(problem, **changes):
    """The same problem, its melt being a user's own script."""
    recordings = ({"state": {"T": 300.0}, "log_run": 0, "dump": "frames.dump"},)
    script = Script(kind="script", script="in.lammps", timestep="1 fs", recordings=recordings, **changes)
    return replace(
        problem, file=problem.file.model_copy(update={"experiments": {**problem.experiments, "melt": script}})
    )


def test_observables_come_in_the_order_of_the_file_then_of_the_recordings(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    model = model_of(problem)
    warm = shaken(record(problem), rng, 12)
    cold = replace(shaken(record(problem), rng, 12), state=State.of(T=250))
    series_only = replace(warm, frames=None, series=Series(1.0, {"density": np.ones(20)}))
    found = observable_gradients([warm, series_only, cold], problem, model, "melt")
    names = ["density", "volume", "pressure", "energy", "size"]  # the temperature is the thermostat's
    assert [one.observable for one in found] == [name for name in names for _ in range(2)]
    assert [one.state["T"] for one in found] == [300, 250] * 5
    free = tuple(parameter.name for parameter in problem.parameters.free)
    for one in found:
        assert one.parameters == free
        assert one.values.shape == one.stderrs.shape == (len(free),)
        assert np.all(one.stderrs >= 0)
    assert observable_gradients([warm], make_problem(LJ), model, "nothing of the kind") == ()


def test_vacuum_energy_is_that_of_all_replicas(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    model, recording = model_of(problem), shaken(record(problem, "vacuum"), rng, 12)
    # Ten molecules, and the same ten once more: twice the energy, and so twice the answer.
    ids = recording.topology
    doubled = replace(
        recording,
        frames=replace(recording.frames, positions=np.tile(recording.frames.positions, (1, 2, 1))),
        topology=Topology(
            np.tile(ids.masses, 2),
            np.tile(ids.bead_types, 2),
            np.concatenate([ids.molecule_ids, ids.molecule_ids + 10]),
            dict.fromkeys(range(1, 21), "branched"),
        ),
    )
    _, once = observable_gradients([recording], problem, model, "vacuum")
    _, twice = observable_gradients([doubled], problem, model, "vacuum")
    assert once.observable == "energy_alone"
    assert twice.values == pytest.approx(2.0 * once.values, rel=0.2, abs=0.05 * np.abs(once.values).max())


def test_a_beginning_that_was_not_equilibrated_is_left_out(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    model, recording = model_of(problem), shaken(record(problem), rng, 40)
    noise = 0.01 * rng.normal(size=400)
    drift = np.where(np.arange(400) < 100, 1.0, 0.0)
    drifting = replace(recording, series=Series(10.0, {"density": 1.0 + noise + drift}))
    settled = replace(recording, series=Series(10.0, {"density": 1.0 + noise}))

    def of(one: Recording) -> np.ndarray:
        return observable_gradients([one], problem, model, "melt")[0].values

    frames = recording.frames
    later = [
        replace(recording, frames=Frames(1.0, frames.positions[first:], frames.boxes[first:]))
        for first in range(10, 14)
    ]
    assert any(np.allclose(of(drifting), of(one), rtol=1e-10) for one in later)
    assert not np.allclose(of(drifting), of(settled), rtol=1e-3)


def test_ten_frames_are_kept_however_much_was_not_equilibrated(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    recording = shaken(record(problem), rng, 11)
    drift = np.where(np.arange(400) < 100, 1.0, 0.0) + 0.01 * rng.normal(size=400)
    drifting = replace(recording, series=Series(10.0, {"density": drift}))
    density = observable_gradients([drifting], problem, model_of(problem), "melt")[0]
    assert np.isfinite(density.values).all()


def test_a_box_that_is_held_has_no_answer_in_density(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    recording = shaken(record(problem), rng, 20)
    boxes = np.tile(recording.frames.boxes[:1], (20, 1, 1))
    held = replace(recording, frames=replace(recording.frames, boxes=boxes))
    script = with_script(problem, molecules={"branched": 16, "dimer": 14})
    density = observable_gradients([held], script, model_of(problem), "melt")[0]
    assert density.values == pytest.approx(np.zeros(len(density.values)), abs=1e-10)


def test_functions_of_the_state_are_taken_where_the_coefficients_were_written(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    model = model_of(problem)
    line = Linear("T", intercept=0.2, slope=0.002)
    hot = replace(model, functions={**model.functions, "pair.A.epsilon": line})
    recording = shaken(record(problem), rng, 12)
    at_300 = replace(model, functions={**model.functions, "pair.A.epsilon": Linear("T", 0.8, 0.0)})
    one, other = (observable_gradients([recording], problem, m, "melt")[0].values for m in (hot, at_300))
    assert one == pytest.approx(other)
    script = with_script(problem, molecules={"branched": 16, "dimer": 14}, state={"T": 350.0})
    assert coefficient_state(recording, script) == State.of(T=350)
    assert coefficient_state(recording, problem) == State.of(T=300)


def test_the_pressure_is_known_where_we_wrote_the_protocol(make_problem, record):
    problem = make_problem(LJ)
    melt = record(problem, frames=1)
    assert constant_pressure(melt, problem) == 1.0
    assert constant_pressure(record(problem, "vacuum", frames=1), problem) == 0.0
    assert constant_pressure(replace(melt, state=State.of(T=299)), problem) is None
    assert constant_pressure(melt, with_script(problem, molecules={"dimer": 1})) is None
    held = Dynamics(stage="nvt", temperature="300 K", duration="30 steps", record=True)
    experiment = problem.experiments["melt"].model_copy(update={"protocol": (held,)})
    file = problem.file.model_copy(update={"experiments": {"melt": experiment}})
    assert constant_pressure(melt, replace(problem, file=file)) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frames": None}, "experiment melt recorded no frames of positions"),
        ({"topology": None}, "at T=300: the molecules are not known; a script of your own needs 'molecules'"),
        ({"state": State()}, "the state does not say its temperature, T"),
    ],
)
def test_recordings_that_lack_something_are_refused(make_problem, model_of, record, rng, change, sentence):
    problem = make_problem(LJ)
    recording = replace(shaken(record(problem), rng, 12), **change)
    with pytest.raises(EstimateError, match=sentence):
        observable_gradients([recording], problem, model_of(problem), "melt")


def test_too_few_frames_are_refused(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    with pytest.raises(EstimateError, match="gradients of experiment melt at T=300: 5 frames are too few"):
        observable_gradients([shaken(record(problem), rng, 5)], problem, model_of(problem), "melt")


def test_molecules_that_are_not_those_of_the_problem_are_refused(make_problem, model_of, record, rng):
    problem = make_problem(LJ)
    recording = shaken(record(problem), rng, 12)
    swapped = replace(recording.topology, molecule_kinds=dict.fromkeys(recording.topology.molecule_kinds, "dimer"))
    with pytest.raises(EstimateError, match="a molecule 'dimer' of 6 beads was recorded; the problem says 2"):
        observable_gradients([replace(recording, topology=swapped)], problem, model_of(problem), "melt")
    cut = replace(recording, frames=replace(recording.frames, positions=recording.frames.positions[:, 1:]))
    with pytest.raises(EstimateError, match="123 beads were recorded; the molecules of the experiment have 124"):
        observable_gradients([cut], problem, model_of(problem), "melt")
    scattered = replace(recording.topology, molecule_ids=np.tile([1, 2], 62))
    with pytest.raises(EstimateError, match="do not stand together"):
        observable_gradients([replace(recording, topology=scattered)], problem, model_of(problem), "melt")


def test_bonds_apart_takes_the_shortest_way_around_a_ring():
    ring = MoleculeTopology(tuple("AAAAA"), ((0, 1), (1, 2), (2, 3), (3, 4), (0, 4)), ())
    assert bonds_apart(ring) == {
        (0, 1): 1, (1, 2): 1, (2, 3): 1, (3, 4): 1, (0, 4): 1,
        (0, 2): 2, (0, 3): 2, (1, 3): 2, (1, 4): 2, (2, 4): 2,
    }  # fmt: skip
    chain = MoleculeTopology(tuple("AAAAAA"), tuple((i, i + 1) for i in range(5)), ())
    assert [bonds_apart(chain).get((0, bead)) for bead in range(1, 6)] == [1, 2, 3, None, None]


def test_kinds_of_pairs_count_the_upper_triangle():
    assert kinds_of_pairs(3).tolist() == [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
