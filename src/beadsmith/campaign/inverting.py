"""Iterative Boltzmann inversion with real LAMMPS: simulate, compare, correct; goes on where it was killed.

Every iteration has a folder, and in it every state one::

    iterations/003/state_1/measured.json

A simulation runs in a folder whose name begins with a dot, which gets its name when all was measured.  What is
simulated next follows from the targets and from what was measured so far, so the same command does the same again and
finds what is finished; a folder made by other options has another hash in it, and is made anew.
"""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beadsmith.build.data_file import data_file
from beadsmith.build.system import System
from beadsmith.campaign.store import write_json
from beadsmith.campaign.waiting import result_of
from beadsmith.errors import StudyError
from beadsmith.inversion.iterative import (
    CONVERGED,
    STANDARD_ERRORS,
    Deviation,
    Distribution,
    Key,
    Pressure,
    Target,
    corrected,
    deviation,
    pressure_converged,
    pressure_deviation,
    ramp_height,
    table_of,
    with_ramp,
)
from beadsmith.inversion.radial import pair_names
from beadsmith.inversion.tables import ROWS, Table, table_file
from beadsmith.inversion.targets import measured, pressure_of
from beadsmith.inversion.trajectory import Trajectory
from beadsmith.observe.boxes import rectangular_edges
from beadsmith.observe.radial import pairs_of
from beadsmith.problem.recording import Array, Bonded, Topology
from beadsmith.problem.schema import ScriptRecording
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, run_simulation
from beadsmith.simulate.outputs import OutputMissing, read_recordings
from beadsmith.simulate.plan import Simulation

_RESULT = "measured.json"
#: Values of a table between which LAMMPS interpolates, evenly spaced in r^2 for pairs.
_LOOKUP = 4 * ROWS
#: Part of a run that comes before it is recorded.
_SETTLING = 0.2
#: Samples of pressure between two frames.
_SERIES_PER_FRAME = 10
#: A ramp is at most so high at once, in parts of kT; Reith et al. (2003) take 0.1 for ramps that they guess.
_HIGHEST_RAMP = 0.5
#: Deviations squared within this factor of the least are hardly worse.
_ALMOST = 1.5
#: Files that are not kept beside what was measured.
_BULKY = ("frames.bin", "series.txt", "system.data")


@dataclass(frozen=True)
class Order:
    """An iteration that is wanted.

    Attributes:
        trajectories: what is to be reproduced, one for each state; a simulation of each begins with its last frame.
        targets: pairs, bonds and angles.
        start: potentials to begin with, on the bins of the targets, kcal/mol.
        pressures: wanted in each state; None where pressure is left alone.
        special_bonds: scaling of pairs one, two and three bonds apart.
        iterations: at most.
        steps: of each simulation that are recorded.
        frames: recorded in each.
        timestep: fs.
        damping: share of each correction that is applied.
        seed: of velocities and thermostats.
        time_limit: of one simulation, seconds.
    """

    trajectories: tuple[Trajectory, ...]
    targets: tuple[Target, ...]
    start: Mapping[Key, Array]
    pressures: tuple[Pressure | None, ...]
    special_bonds: tuple[float, float, float]
    iterations: int
    steps: int
    frames: int
    timestep: float
    damping: float
    seed: int
    time_limit: float

    @property
    def cutoff(self) -> float:
        """Where pair potentials end, angstrom."""
        target = next(one for one in self.targets if one.kind == "pair")
        return float(target.x[-1] + 0.5 * (target.x[1] - target.x[0]))


@dataclass(frozen=True)
class Measurement:
    """What the potentials of one iteration gave in one state.

    Attributes:
        distributions: by interaction.
        pressure: of the simulation.
        core_seconds: of processor time.
    """

    distributions: Mapping[Key, Distribution]
    pressure: Pressure
    core_seconds: float


@dataclass(frozen=True)
class Iteration:
    """One iteration: potentials, and what they gave.

    Attributes:
        number: 1 for the first.
        energies: on the bins of the targets, kcal/mol.
        measurements: by state.
        deviations: by interaction.
        pressure_deviation: largest distance of a pressure to the wanted one, in standard errors; 0 if none is wanted.
    """

    number: int
    energies: Mapping[Key, Array]
    measurements: tuple[Measurement, ...]
    deviations: tuple[Deviation, ...]
    pressure_deviation: float

    @property
    def worst(self) -> Deviation:
        """The interaction that is farthest from what noise allows."""
        return max(self.deviations, key=lambda one: one.ratio)

    @property
    def converged(self) -> bool:
        """Whether all is as wanted, up to noise."""
        return self.pressure_deviation <= STANDARD_ERRORS and all(one.converged for one in self.deviations)


def iterate(
    order: Order,
    folder: Path,
    engine: Engine,
    workers: int,
    stop: Callable[[], bool],
    progress: Callable[[Iteration], None],
) -> tuple[Iteration, ...]:
    """Correct potentials until distributions and pressures are as wanted, or the last iteration is done.

    Args:
        order: what is wanted.
        folder: for iterations; what is finished in it is not simulated again.
        engine: LAMMPS.
        workers: simulations at once.
        stop: asked now and then; True ends the simulation that runs.
        progress: told of every iteration.

    Returns: all iterations.

    Raises:
        StudyError: a simulation failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear_attempts(folder)
    energies = dict(order.start)
    done: list[Iteration] = []
    for number in range(1, order.iterations + 1):
        found = _simulated(order, energies, folder / f"{number:03d}", engine, workers, stop)
        done.append(_compared(order, number, energies, found))
        progress(done[-1])
        if done[-1].converged:
            break
        energies = _next(order, done[-1])
    return tuple(done)


def best_of(iterations: Sequence[Iteration]) -> Iteration:
    """The one to use: converged, or else, of those with almost the best distributions, that of the best pressure."""
    least = min(one.worst.ratio for one in iterations)
    almost = [one for one in iterations if one.worst.ratio <= max(_ALMOST * least, CONVERGED)]
    return min(almost, key=lambda one: (not one.converged, one.pressure_deviation, one.worst.ratio))


def _compared(order: Order, number: int, energies: Mapping[Key, Array], found: tuple[Measurement, ...]) -> Iteration:
    deviations = tuple(
        deviation(target, [one.distributions.get(target.key) for one in found]) for target in order.targets
    )
    apart = [
        pressure_deviation(one.pressure, wanted)
        for one, wanted in zip(found, order.pressures, strict=True)
        if wanted is not None
    ]
    return Iteration(number, dict(energies), found, deviations, max(apart, default=0.0))


def _next(order: Order, last: Iteration) -> dict[Key, Array]:
    height = _ramp(order, last)
    energies = {}
    for target in order.targets:
        gave = [one.distributions.get(target.key) for one in last.measurements]
        energy = corrected(target, last.energies[target.key], gave, order.damping)
        energies[target.key] = with_ramp(target, energy, height) if target.kind == "pair" else energy
    return energies


def _ramp(order: Order, last: Iteration) -> float:
    """Height of the pressure correction: the mean over states whose pressure is not yet met."""
    heights = []
    for trajectory, wanted, found in zip(order.trajectories, order.pressures, last.measurements, strict=True):
        if wanted is None:
            continue
        if pressure_converged(found.pressure, wanted):
            heights.append(0.0)
            continue
        pairs = {
            target.name: (pairs_of(trajectory.topology, target.name, False).number, target.x, gave.value)
            for target in order.targets
            if target.kind == "pair" and (gave := found.distributions.get(target.key)) is not None
        }
        missing = wanted.value - found.pressure.value
        largest = _HIGHEST_RAMP * trajectory.kt
        heights.append(ramp_height(missing, order.cutoff, trajectory.volume, pairs, largest))
    return order.damping * float(np.mean(heights)) if heights else 0.0


def _simulated(
    order: Order, energies: Mapping[Key, Array], folder: Path, engine: Engine, workers: int, stop: Callable[[], bool]
) -> tuple[Measurement, ...]:
    tables = [table_of(target, energies[target.key]) for target in order.targets]
    folder.mkdir(exist_ok=True)
    over = threading.Event()

    def ended() -> bool:
        return over.is_set() or stop()

    with ThreadPoolExecutor(max_workers=max(1, min(workers, len(order.trajectories)))) as pool:
        try:
            running = [
                pool.submit(_one_state, order, number, tables, folder / f"state_{number + 1}", engine, ended)
                for number in range(len(order.trajectories))
            ]
            return tuple(result_of(one) for one in running)
        finally:
            # After a Ctrl-C the pool waits for its threads: they must not wait for their simulations.
            over.set()


def _one_state(
    order: Order, number: int, tables: Sequence[Table], folder: Path, engine: Engine, stop: Callable[[], bool]
) -> Measurement:
    simulation = plan_iteration(order, number, tables, engine.version)
    known = _known(folder / _RESULT, simulation.name)
    if known is not None:
        return known
    shutil.rmtree(folder, ignore_errors=True)
    attempt = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    attempt.mkdir()
    finished = run_simulation(simulation, attempt, engine, stop)
    failure = diagnose(finished.ending, f"iteration {folder.parent.name}")
    if failure is not None:
        kept = folder.with_name(f".failed-{folder.name}")
        shutil.rmtree(kept, ignore_errors=True)
        attempt.rename(kept)
        raise StudyError(f"{kept}: {failure.sentence}; try a shorter --timestep, a smaller --damping, or longer data")
    try:
        (recording,) = read_recordings(simulation, attempt, finished.ending.log)
    except OutputMissing as missing:
        raise StudyError(f"{attempt}: {missing}; run the same command again") from missing
    found = _measured(order, Trajectory(recording, order.trajectories[number].temperature), finished.core_seconds)
    for name in _BULKY:
        (attempt / name).unlink(missing_ok=True)
    write_json(attempt / _RESULT, {"simulation": simulation.name, **_to_json(found)})
    attempt.rename(folder)
    return found


def _measured(order: Order, trajectory: Trajectory, core_seconds: float) -> Measurement:
    distributions = {
        target.key: found
        for target in order.targets
        if (found := measured(target.kind, target.name, target.x, trajectory)) is not None
    }
    pressure = pressure_of(trajectory)
    assert pressure is not None  # our own script records it
    return Measurement(distributions, pressure, core_seconds)


def plan_iteration(order: Order, number: int, tables: Sequence[Table], engine: str) -> Simulation:
    """The simulation of one state with tabulated potentials, at constant volume.

    Args:
        order: what is wanted.
        number: of the state, 0 first.
        tables: of all interactions.
        engine: version of LAMMPS.
    """
    trajectory = order.trajectories[number]
    system = system_of(trajectory)
    kinds = {kind: [one for one in tables if one.kind == kind] for kind in ("pair", "bond", "angle")}
    files = {f"{kind}.table": table_file(of_kind, f"{kind} potentials") for kind, of_kind in kinds.items() if of_kind}
    files["system.data"] = data_file(system, f"last frame at {trajectory.state.label}")
    files["in.lammps"] = _script(order, number, system, tables, trajectory)
    return Simulation(
        experiment="iteration",
        files=files,
        engine=engine,
        timestep=order.timestep,
        time_limit=order.time_limit,
        recordings=(ScriptRecording(series="series.txt", dump="frames.bin", state=trajectory.state.as_dict()),),
        topology=trajectory.topology,
    )


def _every(order: Order) -> int:
    """Steps between frames; a multiple of the samples of pressure in between."""
    return _SERIES_PER_FRAME * max(1, order.steps // order.frames // _SERIES_PER_FRAME)


def _script(order: Order, number: int, system: System, tables: Sequence[Table], trajectory: Trajectory) -> str:
    seed = 1 + (order.seed * 1009 + number * 7919) % 899_999_963
    temperature, damping = trajectory.temperature, 100.0 * order.timestep
    every = _every(order)
    settling = round(_SETTLING * order.steps)
    known = {(one.kind, one.name): one for one in tables}
    lines = [
        "units real",
        "atom_style molecular",
        "boundary p p p",
        "read_data system.data",
        f"pair_style table linear {_LOOKUP}",
        f"special_bonds lj {' '.join(f'{factor:g}' for factor in order.special_bonds)}",
        *_pair_lines(system, tables, order.cutoff, pair_names(order.trajectories, system.bead_names)),
    ]
    for kind, names in (("bond", system.bond_names), ("angle", system.angle_names)):
        if names:
            lines.append(f"{kind}_style table spline {ROWS}")
            lines += [
                f"{kind}_coeff {place} {kind}.table {known[kind, name].keyword}"  # type: ignore[index]
                for place, name in enumerate(names, start=1)
            ]
    lines += [
        "neighbor 2 bin",
        "neigh_modify delay 0 every 1 check yes",
        f"timestep {order.timestep:g}",
        "thermo 1000",
        "thermo_modify lost error flush yes",
        f"velocity all create {temperature:g} {seed} dist gaussian",
        f"fix bath all langevin {temperature:g} {temperature:g} {damping:g} {seed + 1}",
        "fix slow all nve/limit 0.1",
        f"run {max(1, settling // 4)}",
        "unfix slow",
        "fix dynamics all nve",
        f"run {settling}",
        "reset_timestep 0",
        f"fix series all ave/time 1 {every // _SERIES_PER_FRAME} {every // _SERIES_PER_FRAME} c_thermo_temp "
        'c_thermo_press file series.txt format " %.9g"',
        f"dump frames all custom {every} frames.bin id xu yu zu",
        "dump_modify frames sort id first no",
        f"run {every * max(1, order.steps // every)}",
    ]
    return "\n".join(lines) + "\n"


def _pair_lines(system: System, tables: Sequence[Table], cutoff: float, known: Sequence[str]) -> list[str]:
    """A line for every pair of types; those that are never in different molecules get the table of the first."""
    pairs = {one.name: one.keyword for one in tables if one.kind == "pair"}
    lines = []
    for first, bead in enumerate(system.bead_names, start=1):
        for second, other in enumerate(system.bead_names[first - 1 :], start=first):
            name = next((one for one in (f"{bead}-{other}", f"{other}-{bead}") if one in pairs), known[0])
            lines.append(f"pair_coeff {first} {second} pair.table {pairs[name]} {cutoff:.10g}")
    return lines


def system_of(trajectory: Trajectory) -> System:
    """The last frame of a trajectory in a box of its mean size, with the types that it has."""
    topology, frames = trajectory.topology, trajectory.frames
    edges = np.mean([rectangular_edges(box, "an inversion needs") for box in frames.boxes], axis=0)
    scale = edges / np.diag(frames.boxes[-1])
    bonds, bond_names = _numbered(topology.bonds)
    angles, angle_names = _numbered(topology.angles)
    return System(
        positions=frames.positions[-1] * scale,
        topology=topology,
        edges=edges,
        bonds=bonds,
        angles=angles,
        bead_names=topology.bead_names,
        bond_names=bond_names,
        angle_names=angle_names,
        type_masses=tuple(_mass(topology, kind) for kind in range(1, len(topology.bead_names) + 1)),
    )


def _mass(topology: Topology, kind: int) -> float:
    """Mean mass of a type; LAMMPS wants one for those that are not there, too."""
    own = topology.masses[topology.bead_types == kind]
    return float(own.mean()) if len(own) else 1.0


def _numbered(bonded: Bonded | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Types and members as LAMMPS numbers them, without types that nothing has."""
    if bonded is None or not len(bonded.members):
        return np.empty((0, 3), dtype=np.int64), ()
    seen, types = np.unique(bonded.types, return_inverse=True)
    terms = np.column_stack([types + 1, bonded.members + 1]).astype(np.int64)
    return terms, tuple(bonded.names[number] for number in seen.tolist())


def _known(path: Path, name: str) -> Measurement | None:
    """What was measured before, if it was the same simulation."""
    if not path.is_file():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    return _from_json(record) if record["simulation"] == name else None


def _to_json(found: Measurement) -> dict[str, Any]:
    return {
        "distributions": [
            {"kind": kind, "name": name, "value": one.value.tolist(), "stderr": one.stderr.tolist()}
            for (kind, name), one in found.distributions.items()
        ],
        "pressure": [found.pressure.value, found.pressure.stderr],
        "core_seconds": found.core_seconds,
    }


def _from_json(record: Mapping[str, Any]) -> Measurement:
    distributions = {
        (one["kind"], one["name"]): Distribution(np.array(one["value"]), np.array(one["stderr"]))
        for one in record["distributions"]
    }
    return Measurement(distributions, Pressure(*record["pressure"]), float(record["core_seconds"]))


def _clear_attempts(folder: Path) -> None:
    """What a killed run left."""
    for attempt in folder.glob("*/.state_*"):
        shutil.rmtree(attempt, ignore_errors=True)
