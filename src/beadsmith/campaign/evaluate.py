"""Evaluate models: plan their simulations, submit what has not been run, go on until enough is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.precision import Shortfall, could_be_best, shortfalls
from beadsmith.campaign.replicas import pooled, pooled_gradients
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.task import Differentiated, Task, known_result
from beadsmith.observe.derived import derive_gradients, derive_observations
from beadsmith.problem.model import Model
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Observation
from beadsmith.problem.schema import Script
from beadsmith.problem.spread import corrected
from beadsmith.simulate.plan import plan_continuation, plan_simulation, seed_of_experiment
from beadsmith.simulate.script import restart_file


@dataclass(frozen=True)
class Chain:
    """A simulation and its continuations.

    Attributes:
        seed: of the simulation.
        tasks: in the order they were submitted; each answers for all before it, too.
        results: of the tasks that have ended.
        pending: of the last task, if it has not.
    """

    seed: int
    tasks: tuple[Task, ...]
    results: tuple[RunResult, ...] = ()
    pending: Future[RunResult] | None = None

    @property
    def settled(self) -> Chain:
        """The same with the result that was pending; waits for it."""
        if self.pending is None:
            return self
        return replace(self, results=(*self.results, self.pending.result()), pending=None)

    @property
    def best(self) -> RunResult:
        """The last result that went well; the first one if none did."""
        return next((result for result in reversed(self.results) if result.failure is None), self.results[0])

    @property
    def experiment(self) -> str:
        """Its name in the problem file."""
        return self.tasks[0].simulation.experiment


@dataclass(frozen=True)
class PendingEvaluation:
    """An evaluation under way.

    Attributes:
        number, label, point: for the record.
        model: what is simulated.
        seed: of the evaluation.
        chains: one per experiment and independent repetition.
    """

    number: int
    point: Mapping[str, float]
    model: Model
    seed: int
    label: str
    chains: tuple[Chain, ...]

    @property
    def futures(self) -> list[Future[RunResult]]:
        """What is still to come, or has just come."""
        return [chain.pending for chain in self.chains if chain.pending is not None]

    @property
    def done(self) -> bool:
        """Whether all simulations have ended that were submitted."""
        return all(future.done() for future in self.futures)

    def cancel(self) -> None:
        """Do not start what has not started."""
        for future in self.futures:
            future.cancel()


def submit(
    laboratory: Laboratory, model: Model, number: int, seed: int, point: Mapping[str, float], label: str = ""
) -> PendingEvaluation:
    """Submit all simulations of a model that have not been run.

    Args:
        number, label: for the record.
        seed: of this evaluation.
        point: free parameters of the model, for the record.

    Raises:
        ProblemError: if the model needs a state variable that an experiment does not fix.
    """
    chains = tuple(_new_chain(laboratory, model, name, seed, 0) for name in laboratory.problem.experiments)
    return PendingEvaluation(number, dict(point), model, seed, label, chains)


def settle(
    laboratory: Laboratory, pending: PendingEvaluation, best: float | None = None
) -> Evaluation | PendingEvaluation:
    """Wait for what was submitted; the evaluation, or, if it is worth knowing better, what was submitted for that.

    Args:
        best: the smallest misfit so far: only what could beat it is worth more than its first simulations; None if
            every model is.

    Raises:
        Interrupted: if the campaign is ending.
    """
    pending = replace(pending, chains=tuple(chain.settled for chain in pending.chains))
    evaluation = _evaluation(laboratory, pending)
    if evaluation.failed or not _worth_more(laboratory, evaluation, best):
        return evaluation
    chains = _further(laboratory, pending)
    return evaluation if chains == pending.chains else replace(pending, chains=chains)


def gather(laboratory: Laboratory, pending: PendingEvaluation, best: float | None = None) -> Evaluation:
    """Wait until the evaluation is complete; see :func:`settle`."""
    while isinstance(settled := settle(laboratory, pending, best), PendingEvaluation):
        pending = settled
    return settled


def judged(evaluation: Evaluation, laboratory: Laboratory) -> Evaluation:
    """The evaluation with its misfit, if there are targets and nothing failed."""
    if evaluation.failed or laboratory.misfit is None:
        return replace(evaluation, misfit=None, terms={})
    try:
        value = laboratory.misfit(evaluation.observations)
    except ValueError as error:
        failure = Failure(FailureKind.NOT_OBSERVABLE, "misfit", str(error))
        return replace(evaluation, misfit=None, terms={}, failures=(*evaluation.failures, failure))
    return replace(evaluation, misfit=value.total, terms=value.terms)


def _evaluation(laboratory: Laboratory, pending: PendingEvaluation) -> Evaluation:
    chains = pending.chains
    names = list(dict.fromkeys(chain.experiment for chain in chains))
    direct = tuple(one for name in names for one in _observed(laboratory, _of(chains, name)))
    gradients = tuple(
        gradient
        for name in names
        for gradient in pooled_gradients([chain.best.gradients or () for chain in _of(chains, name)])
    )
    evaluation = Evaluation(
        number=pending.number,
        point=pending.point,
        seed=pending.seed,
        observations=direct + derive_observations(direct, laboratory.problem.observables),
        failures=tuple(chain.best.failure for chain in chains if chain.best.failure is not None),
        core_seconds=sum(result.core_seconds for chain in chains for result in chain.results),
        runs=tuple(result.name for chain in chains for result in chain.results),
        gradients=gradients + derive_gradients(direct, gradients, laboratory.problem.observables),
        label=pending.label,
    )
    return judged(evaluation, laboratory)


def _observed(laboratory: Laboratory, chains: Sequence[Chain]) -> tuple[Observation, ...]:
    """What the repetitions of one experiment say together."""
    # All repetitions have the same bias: pooling must not average its error away.
    spreads = [replace(one, bias_stderr=math.sqrt(len(chains)) * one.bias_stderr) for one in laboratory.problem.spreads]
    replicas = [corrected(chain.best.observations, spreads) for chain in chains]
    return replicas[0] if len(replicas) == 1 else pooled(replicas)


def _worth_more(laboratory: Laboratory, evaluation: Evaluation, best: float | None) -> bool:
    precision, misfit = laboratory.problem.file.precision, laboratory.misfit
    if precision is None or (precision.longest <= 1 and precision.replicas <= 1):
        return False
    if misfit is None or evaluation.misfit is None:
        return best is None
    targets = laboratory.problem.targets
    return could_be_best(evaluation.observations, targets, lambda moved: misfit(moved).total, best)


def _further(laboratory: Laboratory, pending: PendingEvaluation) -> tuple[Chain, ...]:
    """The chains, longer or more of them where that helps; the same if nothing does."""
    problem, chains = laboratory.problem, pending.chains
    names = list(problem.experiments)
    within = tuple(one for name in names for one in _pooled_alone([chain.best for chain in _of(chains, name)]))
    short = shortfalls(problem, within, {name: len(_of(chains, name)) for name in names})
    grown: list[Chain] = []
    for name in names:
        own = _of(chains, name)
        lacking = [one for one in short if one.experiment == name]
        more = _more_replicas(laboratory, len(own), lacking)
        if more:
            added = range(len(own), len(own) + more)
            grown += [*own, *(_new_chain(laboratory, pending.model, name, pending.seed, number) for number in added)]
        else:
            grown += [_continued(laboratory, pending.model, chain, lacking) for chain in own]
    return tuple(grown)


def _more_replicas(laboratory: Laboratory, present: int, lacking: Sequence[Shortfall]) -> int:
    precision = laboratory.problem.file.precision
    lasting = [one.replicas for one in lacking if one.lasting]
    if precision is None or not lasting:
        return 0
    return max(0, min(precision.replicas, max(lasting)) - present)


def _new_chain(laboratory: Laboratory, model: Model, experiment: str, seed: int, replica: int) -> Chain:
    own = seed_of_experiment(laboratory.problem, experiment, seed, replica)
    simulation = plan_simulation(laboratory.problem, experiment, model, own, laboratory.engine.version)
    task = Task(
        simulation=simulation,
        observables=laboratory.problem.observables,
        store=laboratory.store,
        lease=laboratory.lease,
        keep_frames=laboratory.keep_frames,
        differentiated=Differentiated(laboratory.problem, model) if laboratory.gradients else None,
    )
    return _with(laboratory, Chain(own, ()), task)


def _continued(laboratory: Laboratory, model: Model, chain: Chain, lacking: Sequence[Shortfall]) -> Chain:
    """The chain with a continuation of the stretches that are too short; itself if none can or may be longer."""
    first, precision = chain.tasks[0].simulation, laboratory.problem.file.precision
    broken = any(result.failure is not None for result in chain.results)
    if precision is None or broken or isinstance(laboratory.problem.experiments[first.experiment], Script):
        return chain
    wanted: dict[int, tuple[int, str, str]] = {}
    states = [stretch.state for stretch in first.stretches]
    for number, stretch in enumerate(first.stretches):
        # A bin of a distribution is a state within that of its stretch.
        here = [one.longer for one in lacking if stretch.state.as_dict().items() <= one.state.as_dict().items()]
        if not here or states.count(stretch.state) > 1:
            continue
        present = _length(chain, number)
        end = _end(laboratory, chain, number)
        # An error that is not known is infinite.
        wished = max(here) * present
        length = math.floor(min(precision.longest, math.ceil(wished) if math.isfinite(wished) else math.inf))
        if (more := length - present) > 0 and end is not None:
            wanted[number] = (more * stretch.steps, *end)
    if not wanted:
        return chain
    seed = seed_of_experiment(laboratory.problem, first.experiment, chain.seed, len(chain.tasks))
    simulation = plan_continuation(laboratory.problem, model, first, wanted, seed)
    earlier = tuple(result.name for result in chain.results)
    return _with(laboratory, chain, replace(chain.tasks[0], simulation=simulation, earlier=earlier))


def _length(chain: Chain, number: int) -> int:
    """How long a stretch is by now, in units of its first length."""
    first = chain.tasks[0].simulation.stretches[number]
    return sum(
        stretch.steps // first.steps
        for task in chain.tasks
        for stretch in task.simulation.stretches
        if stretch.state == first.state
    )


def _end(laboratory: Laboratory, chain: Chain, number: int) -> tuple[str, str] | None:
    """Simulation and file that hold the end of a stretch; None if it was not kept."""
    state = chain.tasks[0].simulation.stretches[number].state
    for task in reversed(chain.tasks):
        for position, stretch in enumerate(task.simulation.stretches):
            if stretch.state == state:
                file = restart_file(position)
                return (task.simulation.name, file) if laboratory.store.holds(task.simulation.name, file) else None
    return None


def _with(laboratory: Laboratory, chain: Chain, task: Task) -> Chain:
    """The chain with one more task, known or submitted."""
    tasks = (*chain.tasks, task)
    if (known := known_result(task)) is not None:
        return replace(chain, tasks=tasks, results=(*chain.results, known))
    return replace(chain, tasks=tasks, pending=laboratory.executor.submit(laboratory.runner, task, laboratory.engine))


def _pooled_alone(results: Sequence[RunResult]) -> tuple[Observation, ...]:
    """Means over repetitions, with the errors that the runs themselves claim."""
    count = len(results)
    return tuple(
        replace(
            one[0],
            stderr=math.sqrt(sum(observation.stderr**2 for observation in one)) / count,
            equilibrated=all(observation.equilibrated for observation in one),
        )
        for one in zip(*(result.observations for result in results), strict=True)
    )


def _of(chains: Sequence[Chain], experiment: str) -> list[Chain]:
    return [chain for chain in chains if chain.experiment == experiment]
