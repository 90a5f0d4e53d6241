"""A cure with LAMMPS: bonds form, the system relaxes, and again; interrupted, it goes on after its last cycle.

A cure has a folder of its own, named by the hash of all that determines it but the degree of crosslinking at which it
is to end: a cure that is asked for more goes on.  After each cycle ``cure.npz`` is replaced as a whole; at every
multiple of 5 % and at every degree asked for, a copy is kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from beadsmith.atomistic.system import AtomisticSystem, crosslinked_atoms
from beadsmith.build.atoms import packed_atoms, unplaced_atoms
from beadsmith.build.growth import Array
from beadsmith.build.system import Integers, System, melt
from beadsmith.crosslink.network import Network, Sites, sites_of, uncured
from beadsmith.crosslink.periodic import fits, separations, widths
from beadsmith.crosslink.rules import Crosslinking, rules_of
from beadsmith.crosslink.schedule import (
    Outcome,
    Plan,
    Progress,
    Reason,
    Transition,
    run_cycle,
    snapshot_degrees,
    snapshots_due,
)
from beadsmith.crosslink.topology import crosslinked
from beadsmith.forcefield.coefficients import coefficient_lines
from beadsmith.problem import schema
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Failure, FailureKind
from beadsmith.problem.replacing import replacing
from beadsmith.problem.state import DEGREE, State
from beadsmith.simulate.checkpoints import OFF
from beadsmith.simulate.diagnosis import diagnose, incomplete
from beadsmith.simulate.engine import Engine, run_simulation
from beadsmith.simulate.outputs import OutputMissing, read_dump
from beadsmith.simulate.plan import Simulation, plan_system, script_of, system_files
from beadsmith.simulate.script import first_temperature

#: Goes into every name: raise it when the meaning of the inputs changes.
FORMAT = 1

_STATE = "cure.npz"
_END = "end.bin"


@dataclass(frozen=True)
class CureOrder:
    """What is to be cured, and how far.

    Attributes:
        problem: its reactions and its force field.
        model: to cure with.
        experiment: name of the network in the problem file.
        seed: of the packing and of all velocities.
        engine: version of LAMMPS that will run it.
        target: degree of crosslinking at which the cure ends.
        degrees: at which the system is kept, beside the multiples of 5 %; those above the target wait for a cure that
            goes on.
    """

    problem: Problem
    model: Model
    experiment: str
    seed: int
    engine: str
    target: float
    degrees: tuple[float, ...] = ()

    @property
    def network(self) -> schema.Network:
        """The experiment."""
        found = self.problem.experiments[self.experiment]
        if not isinstance(found, schema.Network):
            raise ValueError(f"experiment {self.experiment} is of kind {found.kind}, not a network")
        return found

    @cached_property
    def rules(self) -> Crosslinking:
        """How bonds form."""
        reactions = self.problem.file.reactions
        assert reactions is not None  # a network is not accepted without
        return rules_of(reactions, self.problem.pairs, self.network.cure)

    @cached_property
    def sites(self) -> Sites:
        """The beads as a crosslinker sees them."""
        return sites_of(self.uncured.topology, self.rules)

    @cached_property
    def uncured(self) -> System | AtomisticSystem:
        """The system before everything; where atoms are is left to :attr:`packed`, which takes time."""
        if self.problem.atomistic:
            return unplaced_atoms(self.problem, self.network.molecules, self.network.initial_density)
        return self.packed

    @cached_property
    def packed(self) -> System | AtomisticSystem:
        """The system before everything, ready for the preparation."""
        network = self._at(0.0, self.network.cure.preparation)
        if self.problem.atomistic:
            where = f"experiments.{self.experiment}.initial_density"
            return packed_atoms(self.problem, network.molecules, network.initial_density, self.seed, where)
        state = State.of(network.state).with_(T=first_temperature(network))
        random = np.random.default_rng(self.seed)
        return melt(self.problem, self.model, network.molecules, network.initial_density, state, random)

    @cached_property
    def plan(self) -> Plan:
        """What the schedule aims at."""
        grid = snapshot_degrees(self.target)
        kept = sorted({*grid, *(degree for degree in self.degrees if degree <= self.target)})
        return Plan(self.rules, self.target, tuple(kept))

    @cached_property
    def name(self) -> str:
        """Hash of all that determines the networks on the way."""
        network = self.network
        every = snapshot_degrees(1.0)
        stops = {*self.degrees, self.target}
        temperature = first_temperature(self._at(0.0, network.cure.relaxation))
        state = State.of(network.state).with_(T=temperature)
        essence = [
            FORMAT,
            self.engine,
            network.processors,
            self._script(network.cure.preparation),
            self._script(network.cure.relaxation),
            *system_files(self.uncured, "").values(),
            [] if self.problem.atomistic else self._coefficients(state, every),
            asdict(self.rules),
            self.seed,
            # Bonds stop at every degree that is kept, so those off the grid change what comes after them.
            sorted(stops.difference(every)),
        ]
        return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:24]

    def _coefficients(self, state: State, degrees: Sequence[float]) -> list[list[str]]:
        """What the model says at each degree."""
        return [coefficient_lines(self.problem, self.model, state.with_(**{DEGREE: degree})) for degree in degrees]

    def step(
        self, system: System | AtomisticSystem, degree: float, stages: Sequence[schema.CureStage], seed: int
    ) -> Simulation:
        """The simulation that relaxes a system."""
        network = self._at(degree, stages)
        return plan_system(self.problem, self.experiment, network, self.model, system, seed, self.engine, end=_END)

    def _script(self, stages: Sequence[schema.CureStage]) -> str:
        """What :meth:`step` runs at the beginning."""
        return script_of(self.problem, self._at(0.0, stages), self.model, 0, end=_END).text

    def _at(self, degree: float, stages: Sequence[schema.CureStage]) -> schema.Network:
        """The experiment at a degree, with other stages for its protocol; a cure goes on after a cycle, not within."""
        changes = {"protocol": tuple(stages), "checkpoint": OFF}
        return cured_experiment(self.network, degree).model_copy(update=changes)


@dataclass(frozen=True)
class Cycle:
    """What one cycle did; the preparation is number 0.

    Attributes:
        number, degree: of the cycle, and the degree of crosslinking it reached.
        bonds: that formed.
        longest: of them, when they formed, angstrom; 0 if none did.
        core_seconds: of LAMMPS.
        relaxing: wall-clock seconds of LAMMPS.
        seconds: wall-clock seconds in all.
    """

    number: int
    degree: float
    bonds: int
    longest: float
    core_seconds: float
    relaxing: float
    seconds: float


@dataclass(frozen=True)
class Cured:
    """A system in the course of its cure, relaxed after its last cycle.

    Attributes:
        network: its bonds.
        positions: angstrom, unwrapped, shape (beads, 3).
        cell: edge vectors as rows, angstrom.
        progress: of the schedule.
        cycles: what each cycle did, the preparation first.
    """

    network: Network
    positions: Array
    cell: Array
    progress: Progress
    cycles: tuple[Cycle, ...]


class CureFailed(Exception):
    """LAMMPS failed in a cycle.

    Attributes:
        failure: how.
        core_seconds: of LAMMPS in this cycle.
    """

    def __init__(self, failure: Failure, core_seconds: float = 0.0) -> None:
        super().__init__(failure.sentence)
        self.failure = failure
        self.core_seconds = core_seconds


def run_cure(order: CureOrder, folder: Path, engine: Engine, stop: Callable[[], bool]) -> Cured:
    """Cure until the degree of crosslinking is reached, or cannot be.

    Args:
        folder: of this cure; what it holds is gone on with.
        stop: asked now and then; True when the campaign was interrupted.

    Raises:
        Interrupted: if ``stop`` said so before the end.
        CureFailed: LAMMPS failed, or did not write what it should have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cured = last_state(order, folder)
    if cured is None:
        cured = _prepared(order, folder, engine, stop)
        _keep(order, folder, None, cured)
    if cured.progress.outcome is Outcome.TARGET:
        cured = replace(cured, progress=replace(cured.progress, outcome=None))
    while cured.progress.outcome is None:
        before = cured.network
        cured = _cycle(order, cured, folder, engine, stop)
        _keep(order, folder, before, cured)
    return cured


def cured_experiment(network: schema.Network, degree: float) -> schema.Network:
    """The experiment at one degree of crosslinking."""
    return network.model_copy(update={"state": {**network.state, DEGREE: degree}})


def kept(order: CureOrder, folder: Path, degree: float) -> Cured | None:
    """The system that a cure kept at a degree; None if it has not come so far."""
    return _load(folder / _snapshot(degree), order.sites)


def keeps(folder: Path, degree: float) -> bool:
    """Whether a cure has kept the system at a degree: files appear whole or not at all."""
    return (folder / _snapshot(degree)).is_file()


def last_state(order: CureOrder, folder: Path) -> Cured | None:
    """The system after the last cycle; None before the first."""
    return _load(folder / _STATE, order.sites)


def system_of(order: CureOrder, cured: Cured) -> System | AtomisticSystem:
    """A system as it can be simulated, with all its bonds and all that follows from them."""
    uncured, edges = order.uncured, np.linalg.norm(cured.cell, axis=1)
    if isinstance(uncured, AtomisticSystem):
        return replace(crosslinked_atoms(uncured, cured.network.bonds), positions=cured.positions, edges=edges)
    return replace(crosslinked(uncured, cured.network.bonds), positions=cured.positions, edges=edges)


def _prepared(order: CureOrder, folder: Path, engine: Engine, stop: Callable[[], bool]) -> Cured:
    started = time.monotonic()
    simulation = order.step(order.packed, 0.0, order.network.cure.preparation, _seed(order, 0))
    relaxed = _relaxed(simulation, folder, engine, stop)
    cycle = Cycle(0, 0.0, 0, 0.0, relaxed.core_seconds, relaxed.wall_seconds, time.monotonic() - started)
    return Cured(uncured(order.sites), relaxed.positions, relaxed.cell, Progress(), (cycle,))


def _cycle(order: CureOrder, cured: Cured, folder: Path, engine: Engine, stop: Callable[[], bool]) -> Cured:
    """Bonds, then relaxation; the same if the cure is at its end."""
    started = time.monotonic()
    _check_box(order, cured)
    progress, network = run_cycle(order.plan, cured.progress, cured.network, cured.positions, cured.cell)
    if progress.cycle == cured.progress.cycle:
        return replace(cured, progress=progress)
    new = network.bonds[len(cured.network.bonds) :]
    bonded = replace(cured, network=network, progress=progress)
    simulation = order.step(
        system_of(order, bonded), network.degree, order.network.cure.relaxation, _seed(order, progress.cycle)
    )
    relaxed = _relaxed(simulation, folder, engine, stop)
    cycle = Cycle(
        number=progress.cycle,
        degree=network.degree,
        bonds=len(new),
        longest=_longest(cured, new),
        core_seconds=relaxed.core_seconds,
        relaxing=relaxed.wall_seconds,
        seconds=time.monotonic() - started,
    )
    return Cured(network, relaxed.positions, relaxed.cell, progress, (*cured.cycles, cycle))


def _check_box(order: CureOrder, cured: Cured) -> None:
    """Raise CureFailed if beads may see two images of the same neighbour."""
    cutoff = order.rules.cutoff
    if not fits(cutoff, cured.cell):
        detail = (
            f"bonds form within {cutoff:g} angstrom, and half the box is {0.5 * widths(cured.cell).min():.3g} angstrom"
        )
        raise CureFailed(Failure(FailureKind.BOX_TOO_SMALL, order.experiment, detail))


def _longest(cured: Cured, bonds: Integers) -> float:
    if not len(bonds):
        return 0.0
    apart = separations(cured.positions[bonds[:, 0]], cured.positions[bonds[:, 1]], cured.cell)
    return float(np.linalg.norm(apart, axis=1).max())


@dataclass(frozen=True)
class _Relaxed:
    positions: Array
    cell: Array
    core_seconds: float
    wall_seconds: float


def _relaxed(simulation: Simulation, folder: Path, engine: Engine, stop: Callable[[], bool]) -> _Relaxed:
    attempt = folder / "cycle"
    shutil.rmtree(attempt, ignore_errors=True)
    attempt.mkdir()
    finished = run_simulation(simulation, attempt, engine, stop)
    failure = diagnose(finished.ending, simulation.experiment)
    if failure is not None:
        raise CureFailed(failure, finished.core_seconds)
    try:
        _, positions, boxes = read_dump(attempt / _END)
    except OutputMissing as missing:
        failure = incomplete(simulation.experiment, str(missing), finished.ending)
        raise CureFailed(failure, finished.core_seconds) from missing
    shutil.rmtree(attempt)
    return _Relaxed(positions[-1], boxes[-1], finished.core_seconds, finished.wall_seconds)


def _seed(order: CureOrder, cycle: int) -> int:
    return int(np.random.SeedSequence([order.seed, cycle]).generate_state(1)[0])


def _keep(order: CureOrder, folder: Path, before: Network | None, cured: Cured) -> None:
    """Write the state; what is due for keeping first, so that the state never runs ahead of it."""
    for degree in snapshots_due(order.plan, before, cured.network):
        _save(folder / _snapshot(degree), cured)
    _save(folder / _STATE, cured)


def _snapshot(degree: float) -> str:
    return f"DC={degree:.6g}.npz"


def _save(path: Path, cured: Cured) -> None:
    """Appears whole or not at all; no pickle."""
    notes = {"progress": _progress_document(cured.progress), "cycles": [asdict(cycle) for cycle in cured.cycles]}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            positions=cured.positions,
            cell=cured.cell,
            bonds=cured.network.bonds,
            bond_cycles=cured.network.cycles,
            notes=np.array(json.dumps(notes)),
        )


def _load(path: Path, sites: Sites) -> Cured | None:
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        notes = json.loads(str(arrays["notes"]))
        return Cured(
            Network(sites, arrays["bonds"], arrays["bond_cycles"]),
            arrays["positions"],
            arrays["cell"],
            _progress(notes["progress"]),
            tuple(Cycle(**cycle) for cycle in notes["cycles"]),
        )


def _progress_document(progress: Progress) -> dict[str, Any]:
    return {
        "cycle": progress.cycle,
        "stage": progress.stage,
        "empty": progress.empty,
        "transitions": [[one.stage, one.cycle, one.degree, one.reason.name] for one in progress.transitions],
        "outcome": None if progress.outcome is None else progress.outcome.name,
    }


def _progress(document: Mapping[str, Any]) -> Progress:
    transitions = [
        Transition(stage, cycle, degree, Reason[reason]) for stage, cycle, degree, reason in document["transitions"]
    ]
    outcome = document["outcome"]
    return Progress(
        document["cycle"],
        document["stage"],
        document["empty"],
        tuple(transitions),
        None if outcome is None else Outcome[outcome],
    )
