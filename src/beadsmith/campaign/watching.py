"""How far evaluations have come that are under way: bonds of their cures, steps of their simulations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beadsmith.campaign.chains import Chain
from beadsmith.campaign.evaluate import PendingEvaluation
from beadsmith.campaign.store import RunStore
from beadsmith.campaign.task import Task
from beadsmith.crosslink.cure import last_state
from beadsmith.crosslink.schedule import bonds_at

#: The end of a log, in which the last line of numbers stands.
_TAIL = 4096
_ROW = re.compile(r"^ *(\d+) +[-\d.]", re.MULTILINE)
_RUN = re.compile(r"^run (\d+)\b", re.MULTILINE)


@dataclass(frozen=True)
class Advance:
    """What has been done.

    Attributes:
        bonds, of_bonds: that have formed in cures which have not ended, and that are wanted there.
        particle_steps: steps of simulations, finished or not, each times its beads or atoms: what they cost.
    """

    bonds: int
    of_bonds: int
    particle_steps: int


def advance_of(store: RunStore, pending: Sequence[PendingEvaluation]) -> Advance:
    """Look at the files of everything that is under way."""
    cures = [cure.task for one in pending for cure in one.cures if cure.result is None]
    states = [last_state(task.order, task.folder) for task in cures]
    return Advance(
        bonds=sum(len(state.network.bonds) for state in states if state is not None),
        of_bonds=sum(bonds_at(task.order.target, task.order.sites.most) for task in cures),
        particle_steps=sum(
            _particles_of(task) * (steps_planned(task) if number < _ended(chain) else steps_made(store, task))
            for one in pending
            for chain in one.chains
            for number, task in enumerate(chain.tasks)
        ),
    )


def _ended(chain: Chain) -> int:
    """How many of its simulations have ended; nobody may have asked for the last result yet."""
    return len(chain.results) + (chain.pending is not None and chain.pending.done())


def _particles_of(task: Task) -> int:
    """Beads or atoms of a simulation that we wrote; 0 for a user's own script."""
    topology = task.simulation.topology
    return 0 if topology is None else len(topology.masses)


def steps_planned(task: Task) -> int:
    """Steps of dynamics of a simulation that we wrote."""
    return sum(map(int, _RUN.findall(task.simulation.files["in.lammps"])))


def steps_made(store: RunStore, task: Task) -> int:
    """Steps that a simulation which has not ended has made, as its log says now and then."""
    rows = [row for log in store.root.glob(f".{task.simulation.name}-*/log.lammps") for row in _ROW.findall(_end(log))]
    return min(int(rows[-1]), steps_planned(task)) if rows else 0


def _end(log: Path) -> str:
    """The last of what a log says; nothing if its simulation has just ended and its folder been renamed."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
