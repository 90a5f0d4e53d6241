"""Iterative Boltzmann inversion with real LAMMPS: a liquid of known beads is simulated, inverted, and found again."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.inverting import Order, best_of, iterate, plan_iteration, system_of
from beadsmith.campaign.waiting import until_one_ends
from beadsmith.errors import StudyError
from beadsmith.inversion.iterative import Pressure, inverted, pressure_converged, table_of
from beadsmith.inversion.radial import fit_style, guess, pair_energy, radial, radial_bins
from beadsmith.inversion.targets import pair_target, pressure_of
from beadsmith.inversion.trajectory import Trajectory
from beadsmith.problem.recording import Bonded, Topology
from beadsmith.problem.schema import ScriptRecording
from beadsmith.problem.state import State
from beadsmith.simulate.engine import Engine, Interrupted, find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import Simulation

pytestmark = pytest.mark.lammps

BEADS, SIGMA, EPSILON, TEMPERATURE, CUTOFF = 500, 4.0, 0.45, 300.0, 10.0
LIQUID = """
units real
atom_style atomic
region box block 0 {edge} 0 {edge} 0 {edge}
create_box 1 box
lattice fcc {constant}
create_atoms 1 box
mass 1 40
pair_style lj/cut {cutoff}
pair_coeff 1 1 {epsilon} {sigma}
velocity all create 600 123
fix 1 all nve
fix 2 all langevin {temperature} {temperature} 400 77
timestep 4
run 5000
reset_timestep 0
dump frames all custom 200 frames.bin id xu yu zu
dump_modify frames sort id first no
fix series all ave/time 1 20 20 c_thermo_temp c_thermo_press file series.txt
run {steps}
"""


def nothing(size: int) -> Bonded:
    return Bonded(np.empty((0, size), dtype=np.int64), np.empty(0, dtype=np.int64), ())


def simulated(folder: Path, engine: Engine, density: float, steps: int) -> Trajectory:
    """A Lennard-Jones liquid at a reduced density."""
    edge = (BEADS * SIGMA**3 / density) ** (1 / 3)
    text = LIQUID.format(
        edge=edge,
        constant=edge / 5,
        cutoff=CUTOFF,
        epsilon=EPSILON,
        sigma=SIGMA,
        temperature=TEMPERATURE,
        steps=steps,
    )
    topology = Topology(
        np.full(BEADS, 40.0),
        np.ones(BEADS, dtype=np.int64),
        np.arange(1, BEADS + 1),
        dict.fromkeys(range(1, BEADS + 1), "bead"),
        ("A",),
        nothing(2),
        nothing(3),
    )
    recorded = ScriptRecording(series="series.txt", dump="frames.bin", state={"T": TEMPERATURE})
    simulation = Simulation(
        "liquid", {"in.lammps": text}, engine.version, 4.0, 600.0, recordings=(recorded,), topology=topology
    )
    folder.mkdir()
    finished = run_simulation(simulation, folder, engine, lambda: False)
    (recording,) = read_recordings(simulation, folder, finished.ending.log)
    return Trajectory(recording, TEMPERATURE)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


@pytest.fixture(scope="module")
def liquid(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Trajectory:
    return simulated(tmp_path_factory.mktemp("liquid") / "run", engine, 0.5, 16000)


@pytest.fixture(scope="module")
def order_of() -> Callable[..., Order]:
    def make(*trajectories: Trajectory, **more: object) -> Order:
        r = radial_bins(CUTOFF, 0.1)
        target = pair_target([radial(one, "A-A", r) for one in trajectories], trajectories)
        usual = Order(
            trajectories=trajectories,
            targets=(target,),
            start={target.key: inverted(target)},
            pressures=tuple(pressure_of(one) for one in trajectories),
            special_bonds=(0.0, 0.0, 1.0),
            iterations=3,
            steps=4000,
            frames=40,
            timestep=4.0,
            damping=1.0,
            seed=1,
            time_limit=300.0,
        )
        return replace(usual, **more)

    return make


def well_depth_error(order: Order, energy: np.ndarray, number: int = 0) -> float:
    """Deviation from the true potential, averaged over the pairs that are there, kT."""
    target = order.targets[0]
    g = target.states[number].value
    truth = pair_energy("lj/cut", target.x, EPSILON, SIGMA, (8.0, CUTOFF))
    seen = g > 0.1
    return float(np.sqrt(np.average((energy - truth)[seen] ** 2, weights=g[seen]))) / order.trajectories[0].kt


def test_the_first_guess_of_a_liquid_is_within_its_errors(liquid):
    found = guess([radial(liquid, "A-A", radial_bins(CUTOFF, 0.1))], bonded=False)
    assert abs(found.sigma / SIGMA - 1) < 0.02
    assert abs(found.epsilon - EPSILON) < 2.0 * found.epsilon_stderr


def test_ctrl_c_ends_the_simulations_and_not_only_the_waiting(liquid, order_of, engine, tmp_path, monkeypatch):
    def interrupted(future: Future) -> None:
        while not list(tmp_path.rglob("log.lammps")) and not future.done():
            until_one_ends([future], 0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr("beadsmith.campaign.inverting.result_of", interrupted)
    order = order_of(liquid, steps=10**9, time_limit=20.0)
    with pytest.raises(KeyboardInterrupt):
        iterate(order, tmp_path / "it", engine, 1, lambda: False, lambda one: None)
    # Nothing was waited for, or it would have failed at its time limit.
    assert not list(tmp_path.rglob(".failed-*"))


def test_iterations_go_on_where_they_were_stopped(liquid, order_of, engine, tmp_path):
    order = order_of(liquid, iterations=2, steps=1000, frames=20)
    told: list[int] = []
    first = iterate(order, tmp_path / "it", engine, 1, lambda: False, lambda one: told.append(one.number))
    assert told == [1, 2]
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("measured.json")}
    assert len(stamps) == 2
    # As a kill leaves it: an attempt that did not end.
    left = tmp_path / "it" / "003" / ".state_1-abc"
    left.mkdir(parents=True)
    more = iterate(replace(order, iterations=3), tmp_path / "it", engine, 1, lambda: False, lambda one: None)
    assert not left.exists()
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert [one.worst for one in more[:2]] == [one.worst for one in first]
    assert (tmp_path / "it" / "003" / "state_1" / "measured.json").is_file()
    # Other options are another simulation.
    other = iterate(replace(order, seed=2, iterations=1), tmp_path / "it", engine, 1, lambda: False, lambda one: None)
    assert other[0].worst.relative != first[0].worst.relative


def test_a_stop_leaves_nothing_that_could_be_read(liquid, order_of, engine, tmp_path):
    with pytest.raises(Interrupted):
        iterate(order_of(liquid), tmp_path / "it", engine, 1, lambda: True, lambda one: None)
    assert not list(tmp_path.rglob("measured.json"))


def test_a_failure_is_told_with_its_folder(liquid, order_of, engine, tmp_path):
    with pytest.raises(StudyError, match=r"\.failed-state_1: .*--timestep"):
        iterate(order_of(liquid, time_limit=0.01), tmp_path / "it", engine, 1, lambda: False, lambda one: None)


def test_the_true_potential_gives_the_distribution_back(liquid, order_of, engine, tmp_path):
    """A second route: the target's own potential, through tables, agrees with the target up to noise."""
    order = order_of(liquid, iterations=1, steps=8000)
    target = order.targets[0]
    truth = pair_energy("lj/cut", np.maximum(target.x, 2.5), EPSILON, SIGMA, (8.0, CUTOFF))
    exact = replace(order, start={target.key: truth})
    (one,) = iterate(exact, tmp_path / "it", engine, 1, lambda: False, lambda each: None)
    assert one.worst.converged
    assert one.pressure_deviation < 4.0
    (wrong,) = iterate(
        replace(exact, start={target.key: 1.5 * truth}), tmp_path / "wrong", engine, 1, lambda: False, lambda each: None
    )
    assert not wrong.worst.converged


def test_what_is_simulated_is_the_last_frame_with_its_bonds(liquid, order_of, engine):
    order = order_of(liquid)
    tables = [table_of(target, order.start[target.key]) for target in order.targets]
    simulation = plan_iteration(order, 0, tables, engine.version)
    assert set(simulation.files) == {"in.lammps", "system.data", "pair.table"}
    system = system_of(liquid)
    assert system.edges == pytest.approx(np.diag(liquid.frames.boxes[0]), rel=1e-6)
    assert system.positions == pytest.approx(liquid.frames.positions[-1])
    again = plan_iteration(order, 0, tables, engine.version)
    assert again.name == simulation.name


@pytest.mark.slow
def test_a_liquid_is_recovered_and_its_pressure_met(engine, order_of, tmp_path):
    target = simulated(tmp_path / "run", engine, 0.5, 40000)
    order = order_of(target, iterations=20, steps=16000, frames=80)
    done = iterate(order, tmp_path / "it", engine, 1, lambda: False, lambda one: None)
    best = best_of(done)
    assert best.converged
    assert pressure_converged(best.measurements[0].pressure, order.pressures[0])
    energy = best.energies["pair", "A-A"]
    assert well_depth_error(order, energy) < 0.15
    g = radial(target, "A-A", order.targets[0].x)
    fit = fit_style("lj/cut", g, energy, guess([g], bonded=False), (8.0, CUTOFF))
    assert abs(fit.epsilon - EPSILON) < 2.0 * fit.epsilon_stderr
    assert abs(fit.sigma - SIGMA) < 2.0 * fit.sigma_stderr


@pytest.mark.slow
def test_a_pressure_that_was_never_there_is_reached(liquid, order_of, engine, tmp_path):
    wanted = Pressure(pressure_of(liquid).value + 150.0, 10.0)
    order = order_of(liquid, iterations=12, steps=8000, pressures=(wanted,))
    done = iterate(order, tmp_path / "it", engine, 1, lambda: False, lambda one: None)
    assert min(one.pressure_deviation for one in done) <= 2.0


@pytest.mark.slow
def test_two_densities_share_one_potential(liquid, order_of, engine, tmp_path):
    other = simulated(tmp_path / "run", engine, 0.3, 16000)
    order = order_of(liquid, other, iterations=10, steps=8000, pressures=(None, None))
    done = iterate(order, tmp_path / "it", engine, 2, lambda: False, lambda one: None)
    assert done[-1].worst.ratio < 0.3 * done[0].worst.ratio
    assert well_depth_error(order, best_of(done).energies["pair", "A-A"]) < 0.2
    record = json.loads((tmp_path / "it" / "001" / "state_2" / "measured.json").read_text())
    assert record["distributions"][0]["name"] == "A-A"
    assert State.of(T=300.0) == other.state
