"""Cures as tasks: a worker cures one network, and leaves the systems from which simulations start."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

from beadsmith.build.system import Integers
from beadsmith.crosslink.analysis import Analysis, analyse, partners_in_reach
from beadsmith.crosslink.cure import Cured, CureFailed, CureOrder, Cycle, keeps, last_state, run_cure
from beadsmith.crosslink.mean_field import (
    MeanField,
    gel_point,
    ideal_network,
    monomers_of,
    most_reacted_sites,
    reacted_sites,
)
from beadsmith.crosslink.periodic import widths
from beadsmith.crosslink.rings import Spearing, rings_through, spearings
from beadsmith.crosslink.schedule import bonds_at, history
from beadsmith.crosslink.stoichiometry import check_degree
from beadsmith.errors import ProblemError
from beadsmith.problem.model import DREIDING, Model
from beadsmith.problem.problem import Problem, load_model
from beadsmith.problem.records import Failure, FailureKind
from beadsmith.problem.schema import Network
from beadsmith.simulate.engine import Engine
from beadsmith.simulate.plan import seed_of_experiment

#: Folder of a study that holds its cures.
CURES = "cures"

#: Seed of the networks that all models share, unless another one is asked for.
SHARED_SEED = 1

#: Seconds between two looks at how far cures have come.
_LOOK = 1.0


@dataclass(frozen=True)
class CureTask:
    """One network to be cured.

    Attributes:
        order: what to cure, and how far.
        folder: of this cure.
        lease: file that exists as long as the driver wants the answer.
    """

    order: CureOrder
    folder: Path
    lease: Path


@dataclass(frozen=True)
class CureResult:
    """What a cure gave.

    Attributes:
        degree: degree of crosslinking that it reached.
        core_seconds: of LAMMPS, in all cycles of the cure; 0 if there was nothing left to do.  Of a cure in which
            LAMMPS failed, what was spent this time: the next one begins where it failed, and would count it again.
        failure: None if the degree asked for was reached.
    """

    degree: float
    core_seconds: float
    failure: Failure | None


def cure_task(
    problem: Problem,
    name: str,
    model: Model | None,
    sample: int,
    seed: int,
    engine: str,
    cures: Path,
    lease: Path,
    target: float | None = None,
) -> CureTask:
    """The cure of one of the networks of an experiment.

    Args:
        name: of the experiment.
        model: to cure with.
        sample: number of the network, 0 first.
        seed: of the cure, or of the evaluation it is for.
        engine: version of LAMMPS.
        cures: folder of all cures of the study.
        lease: see :class:`CureTask`.
        target: degree of crosslinking at which it ends; the highest that the experiment measures at if None.

    Raises:
        ProblemError: no model, or a degree of crosslinking that stoichiometry does not allow.
    """
    network = network_of(problem, name)
    if model is None:
        remedy = f"give --model, or add experiments.{name}.cure.model"
        raise ProblemError("--model", "nothing", "a model to cure with", remedy)
    own = seed_of_experiment(problem, name, seed, sample)
    ends = network.degrees[-1] if target is None else target
    order = CureOrder(problem, model, name, own, engine, ends, network.degrees)
    where = f"{problem.path}: experiments.{name}.degrees" if target is None else "--to"
    check_degree(ends, order.rules, problem.molecules, network.molecules, where)
    return CureTask(order, cures / order.name, lease)


def network_of(problem: Problem, name: str) -> Network:
    """The experiment, which must be a network.

    Raises:
        ValueError: it is something else.
    """
    network = problem.experiments[name]
    if not isinstance(network, Network):
        raise ValueError(f"experiment {name} is of kind {network.kind}, not a network")
    return network


def model_of_cure(problem: Problem, name: str) -> Model | None:
    """The model that all networks of an experiment are cured with; None if each model cures its own.

    Raises:
        ProblemError: it cannot be read.
    """
    if problem.atomistic:
        return DREIDING
    own = network_of(problem, name).cure.model
    return None if own is None else load_model(problem.file_named(own), problem)


def known_cure(task: CureTask) -> CureResult | None:
    """The answer, if every system that is asked for was kept; nothing was spent for it."""
    order = task.order
    wanted = {*(degree for degree in order.degrees if degree <= order.target), order.target}
    if all(keeps(task.folder, degree) for degree in wanted):
        return CureResult(order.target, 0.0, None)
    return None


def run_cure_task(task: CureTask, engine: Engine) -> CureResult:
    """Cure, unless that was done before; one worker at a time in a folder.

    Raises:
        Interrupted: if the lease ended first; the next one goes on after the last cycle.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    with (task.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (known := known_cure(task)) is not None:
            return known
        name, before = task.order.experiment, _cycles(last_state(task.order, task.folder))
        try:
            cured = run_cure(task.order, task.folder, engine, stop=lambda: not task.lease.exists())
        except CureFailed as error:
            reached = last_state(task.order, task.folder)
            new = _cycles(reached)[len(before) :]
            degree = 0.0 if reached is None else reached.network.degree
            return CureResult(degree, _spent(new) + error.core_seconds, error.failure)
    spent = _spent(cured.cycles)
    if known_cure(task) is not None:
        return CureResult(cured.network.degree, spent, None)
    said = history(task.order.plan, cured.progress)[-1]
    detail = f"{cured.network.degree:.3f} of {task.order.target:g}: {said}"
    return CureResult(cured.network.degree, spent, Failure(FailureKind.NOT_CURED, name, detail))


def _cycles(state: Cured | None) -> tuple[Cycle, ...]:
    return () if state is None else state.cycles


def _spent(cycles: Sequence[Cycle]) -> float:
    """Core-seconds of LAMMPS."""
    return sum(cycle.core_seconds for cycle in cycles)


def cure_all(
    tasks: list[CureTask], executor: Executor, engine: Engine, shown: Callable[[int, int], None]
) -> list[CureResult]:
    """Cure several networks side by side.

    Args:
        shown: told how many bonds have formed, and how many are wanted, now and then.

    Raises:
        Interrupted: a lease ended first.
    """
    futures: list[Future[CureResult]] = [executor.submit(run_cure_task, task, engine) for task in tasks]
    wanted = sum(bonds_at(task.order.target, task.order.sites.most) for task in tasks)
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=_LOOK)
        states = [last_state(task.order, task.folder) for task in tasks]
        formed = sum(len(state.network.bonds) for state in states if state is not None)
        shown(formed, wanted)
    return [future.result() for future in futures]


@dataclass(frozen=True)
class Examined:
    """A network, and what it should be compared with.

    Attributes:
        cured: the system.
        analysis: its structure.
        ideal: the ideal random network with as many bonds.
        gel_point: degree of crosslinking at which that becomes a gel; None if it never does.
        in_reach: for each reactive type, with how many partners each site that is left could react at once, shape
            (sites that are left,).
        spearings: bonds that pass through rings.
        history: stages and their ends, in words.
    """

    cured: Cured
    analysis: Analysis
    ideal: MeanField
    gel_point: float | None
    in_reach: Mapping[str, Integers]
    spearings: tuple[Spearing, ...]
    history: tuple[str, ...]


def examine(order: CureOrder, cured: Cured) -> Examined:
    """Look at what a cure has made."""
    network = cured.network
    monomers = monomers_of(network.sites)
    bonds = network.all_bonds
    rings = rings_through(bonds, bonds, len(network.sites.bead_types))
    reach = min(order.rules.cutoff, 0.5 * float(widths(cured.cell).min()))
    return Examined(
        cured,
        analyse(network, cured.positions, cured.cell),
        ideal_network(monomers, reacted_sites(network)),
        gel_point(monomers, most_reacted_sites(network.sites)),
        partners_in_reach(network, cured.positions, cured.cell, reach),
        spearings(cured.positions, cured.cell, bonds, rings),
        tuple(history(order.plan, cured.progress)),
    )
