"""Simulations of one evaluation, from the cures that some begin with to the pulls that some end with.

A *chain* is a simulation and its continuations.  Chains of a network begin when its cure has ended, one at each degree
of crosslinking; pulls begin when what they pull has been relaxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from beadsmith.campaign.curing import CureResult, CureTask, known_cure, run_cure_task
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.task import Differentiated, Task, known_result
from beadsmith.campaign.waiting import result_of
from beadsmith.crosslink.cure import cured_experiment, kept, system_of
from beadsmith.mapping import BeadCentres, mapping_of
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Network, OfTension
from beadsmith.simulate.plan import Simulation, plan_simulation, plan_system, plan_tensions, seed_of_experiment

#: Degrees of crosslinking are told apart to so many parts of 1 when seeds are made.
_PARTS = 1_000_000


@dataclass(frozen=True)
class Cure:
    """A network that simulations of an experiment start from.

    Attributes:
        task: which one.
        sample: number of the network, 0 first.
        result: None before it has ended.
        pending: until it has ended.
    """

    task: CureTask
    sample: int
    result: CureResult | None = None
    pending: Future[CureResult] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.result is not None and self.result.failure is None

    @property
    def settled(self) -> Cure:
        """The same with the result that was pending; waits for it."""
        return self if self.pending is None else replace(self, result=result_of(self.pending), pending=None)


@dataclass(frozen=True)
class Origin:
    """Where a simulation comes from.

    Attributes:
        sample: number of the independent repetition, or of the network.
        degree: degree of crosslinking; None for what was not cured.
        axis: along which it is pulled; empty if it is not.
    """

    sample: int = 0
    degree: float | None = None
    axis: str = ""


@dataclass(frozen=True)
class Chain:
    """A simulation and its continuations.

    Attributes:
        origin: where it comes from.
        seed: of the simulation.
        tasks: in the order they were submitted; each answers for all before it, too.
        results: of the tasks that have ended.
        pending: of the last task, if it has not.
    """

    origin: Origin
    seed: int
    tasks: tuple[Task, ...]
    results: tuple[RunResult, ...] = ()
    pending: Future[RunResult] | None = None

    @property
    def settled(self) -> Chain:
        """The same with the result that was pending; waits for it."""
        if self.pending is None:
            return self
        return replace(self, results=(*self.results, result_of(self.pending)), pending=None)

    @property
    def best(self) -> RunResult:
        """The last result that went well; the first one if none did."""
        return next((result for result in reversed(self.results) if result.failure is None), self.results[0])

    @property
    def experiment(self) -> str:
        """Its name in the problem file."""
        return self.tasks[0].simulation.experiment


def started(laboratory: Laboratory, model: Model, experiment: str, seed: int, replica: int) -> Chain:
    """The chain of an experiment that needs no cure.

    Args:
        seed: of the evaluation.
        replica: number of the independent repetition, 0 first.

    Raises:
        ProblemError: the model needs a state variable that the experiment does not fix.
    """
    own = seed_of_experiment(laboratory.problem, experiment, seed, replica)
    simulation = plan_simulation(laboratory.problem, experiment, model, own, laboratory.engine.version)
    return _begun(laboratory, model, Origin(replica), own, simulation)


def cures_of(laboratory: Laboratory, model: Model, experiment: str, seed: int) -> list[Cure]:
    """The cures of all networks of an experiment.

    Args:
        seed: of the evaluation; networks that all models share have a seed of their own.

    Raises:
        ProblemError: a model that cannot be read, or that needs a state variable which the experiment does not fix.
    """
    tasks = laboratory.shared_cures.get(experiment) or laboratory.cures(experiment, model, seed)
    return [_cured(laboratory, task, sample) for sample, task in enumerate(tasks)]


def chains_of_networks(
    laboratory: Laboratory, model: Model, seed: int, cures: Sequence[Cure], chains: Sequence[Chain]
) -> list[Chain]:
    """Simulations of the networks that have been cured and not yet been simulated, at every degree.

    Args:
        seed: of the evaluation.
        cures: those of the evaluation.
        chains: that have begun.
    """
    begun = {(chain.experiment, chain.origin.sample) for chain in chains}
    return [
        _of_network(laboratory, model, seed, cure, degree)
        for cure in cures
        if cure.succeeded and (cure.task.order.experiment, cure.sample) not in begun
        for degree in cure.task.order.degrees
    ]


def pulls_of(laboratory: Laboratory, model: Model, chains: Sequence[Chain]) -> list[Chain]:
    """Pulls of everything that has been relaxed for it and not yet been pulled."""
    pulled = {(chain.experiment, replace(chain.origin, axis="")) for chain in chains if chain.origin.axis}
    return [
        pull
        for chain in chains
        if not chain.origin.axis
        and chain.results
        and chain.results[0].failure is None
        and (chain.experiment, chain.origin) not in pulled
        for pull in _pulls(laboratory, model, chain)
    ]


def extended(laboratory: Laboratory, chain: Chain, task: Task) -> Chain:
    """The chain with one more task, known or submitted."""
    tasks = (*chain.tasks, task)
    if (known := known_result(task)) is not None:
        return replace(chain, tasks=tasks, results=(*chain.results, known))
    return replace(chain, tasks=tasks, pending=laboratory.executor.submit(laboratory.runner, task, laboratory.engine))


def _cured(laboratory: Laboratory, task: CureTask, sample: int) -> Cure:
    if (known := known_cure(task)) is not None:
        return Cure(task, sample, known)
    return Cure(task, sample, pending=laboratory.executor.submit(run_cure_task, task, laboratory.engine))


def _of_network(laboratory: Laboratory, model: Model, seed: int, cure: Cure, degree: float) -> Chain:
    problem, order = laboratory.problem, cure.task.order
    cured = kept(order, cure.task.folder, degree)
    assert cured is not None  # the cure said so
    # The same network at the same degree is the same simulation, whatever other degrees are asked for.
    place = (1 + cure.sample) * 2 * _PARTS + round(degree * _PARTS)
    own = seed_of_experiment(problem, order.experiment, seed, place)
    experiment = cured_experiment(order.network, degree)
    simulation = plan_system(
        problem, order.experiment, experiment, model, system_of(order, cured), own, laboratory.engine.version
    )
    return _begun(laboratory, model, Origin(cure.sample, degree), own, simulation)


def _pulls(laboratory: Laboratory, model: Model, chain: Chain) -> list[Chain]:
    experiment = laboratory.problem.experiments[chain.experiment]
    if isinstance(experiment, Network) and chain.origin.degree is not None:
        experiment = cured_experiment(experiment, chain.origin.degree)
    planned = plan_tensions(laboratory.problem, experiment, model, chain.tasks[0].simulation)
    return [
        _begun(laboratory, model, replace(chain.origin, axis=axis), chain.seed, simulation)
        for axis, simulation in planned.items()
    ]


def _begun(laboratory: Laboratory, model: Model, origin: Origin, seed: int, simulation: Simulation) -> Chain:
    return extended(laboratory, Chain(origin, seed, ()), _task(laboratory, model, simulation))


def _task(laboratory: Laboratory, model: Model, simulation: Simulation) -> Task:
    differentiated = Differentiated(laboratory.problem, model) if laboratory.gradients else None
    pulled = simulation.pulled
    return Task(
        simulation=simulation,
        observables={
            name: observable
            for name, observable in laboratory.problem.observables.items()
            if isinstance(observable, OfTension) == pulled
        },
        store=laboratory.store,
        lease=laboratory.lease,
        keep_frames=laboratory.keep_frames,
        differentiated=None if pulled else differentiated,
        centres=_centres(laboratory.problem, simulation),
    )


def _centres(problem: Problem, simulation: Simulation) -> BeadCentres | None:
    """Where beads are among the atoms that are simulated, if atoms are."""
    if problem.file.mapping is None or simulation.topology is None:
        return None
    return mapping_of(problem.graphs, problem.file.mapping, simulation.topology)
