"""Evaluate models: plan their simulations, submit what has not been run, go on until enough is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beadsmith.campaign.chains import Chain, Cure, chains_of_networks, cures_of, extended, pulls_of, started
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.precision import Shortfall, could_be_best, shortfalls
from beadsmith.campaign.replicas import pooled, pooled_gradients, pooled_networks
from beadsmith.campaign.store import RunResult
from beadsmith.errors import EstimateError
from beadsmith.observe.derived import derive_gradients, derive_observations
from beadsmith.observe.formulas import observe_formulas
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Gradient, Observation
from beadsmith.problem.schema import Formulas, Network, Opaque
from beadsmith.problem.spread import corrected
from beadsmith.simulate.plan import plan_continuation, seed_of_experiment
from beadsmith.simulate.script import restart_file


@dataclass(frozen=True)
class Computed:
    """What formulas say of a model."""

    observations: tuple[Observation, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class PendingEvaluation:
    """An evaluation under way.

    Attributes:
        number, label, point: for the record.
        model: what is simulated.
        seed: of the evaluation.
        chains: one per experiment and independent repetition; for networks one per degree of crosslinking, too, and
            one per axis that is pulled.
        cures: networks that are wanted.
        computed: what formulas say; nothing is simulated for them.

    One without futures has nothing left to begin that follows from its own simulations.
    """

    number: int
    point: Mapping[str, float]
    model: Model
    seed: int
    label: str
    chains: tuple[Chain, ...]
    cures: tuple[Cure, ...] = ()
    computed: Computed = Computed()

    @property
    def futures(self) -> list[Future[Any]]:
        """What is still to come, or has just come."""
        under_way: tuple[Chain | Cure, ...] = (*self.chains, *self.cures)
        return [one.pending for one in under_way if one.pending is not None]

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
    experiments = laboratory.problem.experiments
    networks = [name for name, experiment in experiments.items() if isinstance(experiment, Network)]
    formulas = [name for name, experiment in experiments.items() if isinstance(experiment, Formulas)]
    simulated = [name for name in experiments if name not in (*networks, *formulas)]
    computed = _computed(laboratory.problem, model, seed)
    chains = tuple(started(laboratory, model, name, seed, 0) for name in simulated)
    cures = tuple(cure for name in networks for cure in cures_of(laboratory, model, name, seed))
    pending = PendingEvaluation(number, dict(point), model, seed, label, chains, cures, computed)
    return pending if pending.futures else follow(laboratory, pending)


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
    followed = follow(laboratory, pending)
    if len(followed.chains) > len(pending.chains):
        return followed
    evaluation = _evaluation(laboratory, followed)
    if evaluation.failed or not _worth_more(laboratory, evaluation, best):
        return evaluation
    further = _further(laboratory, followed)
    return evaluation if further == followed.chains else replace(followed, chains=further)


def follow(laboratory: Laboratory, pending: PendingEvaluation) -> PendingEvaluation:
    """Wait for what was submitted; the evaluation with all that begins now whatever becomes of other evaluations.

    Those are simulations of networks that have been cured, and pulls of what has been relaxed.

    Raises:
        Interrupted: if the campaign is ending.
    """
    chains = tuple(chain.settled for chain in pending.chains)
    cures = tuple(cure.settled for cure in pending.cures)
    following = chains_of_networks(laboratory, pending.model, pending.seed, cures, chains)
    following += pulls_of(laboratory, pending.model, chains)
    followed = replace(pending, chains=(*chains, *following), cures=cures)
    # What is known already may have something that follows in its turn.
    return follow(laboratory, followed) if following and not followed.futures else followed


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


def _computed(problem: Problem, model: Model, seed: int) -> Computed:
    """What formulas say."""
    observations: tuple[Observation, ...] = ()
    failures: tuple[Failure, ...] = ()
    for name, experiment in problem.experiments.items():
        if isinstance(experiment, Formulas):
            noise = np.random.default_rng(seed_of_experiment(problem, name, seed))
            try:
                observations += observe_formulas(name, experiment, model, problem.observables, noise)
            except EstimateError as error:
                failures += (Failure(FailureKind.NOT_OBSERVABLE, name, str(error)),)
    return Computed(observations, failures)


def _evaluation(laboratory: Laboratory, pending: PendingEvaluation) -> Evaluation:
    chains, parts = pending.chains, _parts(pending.chains)
    direct = tuple(one for part in parts for one in _observed(laboratory, part)) + pending.computed.observations
    gradients = tuple(one for part in parts for one in _gradients(part))
    cures = [cure.result for cure in pending.cures if cure.result is not None]
    failures = [*pending.computed.failures, *[cure.failure for cure in cures]]
    failures += [chain.best.failure for chain in chains]
    spent = [cure.core_seconds for cure in cures]
    spent += [result.core_seconds for chain in chains for result in chain.results]
    evaluation = Evaluation(
        number=pending.number,
        point=pending.point,
        seed=pending.seed,
        observations=direct + derive_observations(direct, laboratory.problem.observables),
        failures=tuple(failure for failure in failures if failure is not None),
        core_seconds=sum(spent),
        runs=tuple(result.name for chain in chains for result in chain.results),
        gradients=gradients + derive_gradients(direct, gradients, laboratory.problem.observables),
        label=pending.label,
    )
    return judged(evaluation, laboratory)


def _parts(chains: Sequence[Chain]) -> list[list[Chain]]:
    """Chains that measure the same: those of an experiment at one degree of crosslinking, pulls for themselves."""
    parts: dict[tuple[str, float | None, bool], list[Chain]] = {}
    for chain in chains:
        parts.setdefault((chain.experiment, chain.origin.degree, bool(chain.origin.axis)), []).append(chain)
    # Experiment by experiment, in the order in which each appears first.
    names = list(dict.fromkeys(chain.experiment for chain in chains))
    return [part for _, part in sorted(parts.items(), key=lambda item: names.index(item[0][0]))]


def _gradients(chains: Sequence[Chain]) -> tuple[Gradient, ...]:
    return pooled_gradients([chain.best.gradients or () for chain in chains])


def _observed(laboratory: Laboratory, chains: Sequence[Chain]) -> tuple[Observation, ...]:
    """What the repetitions of one experiment say together; pulls of one network first among themselves."""
    if chains[0].origin.axis or chains[0].origin.degree is not None:
        samples = {chain.origin.sample: None for chain in chains}
        each = [[chain for chain in chains if chain.origin.sample == sample] for sample in samples]
        measured = [[chain.best.observations for chain in own] for own in each]
        return pooled_networks(measured, cured=chains[0].origin.degree is not None)
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
    problem = laboratory.problem
    chains = tuple(chain for chain in pending.chains if _can_grow(laboratory, chain))
    others = tuple(chain for chain in pending.chains if not _can_grow(laboratory, chain))
    names = list(problem.experiments)
    within = tuple(one for name in names for one in _pooled_alone([chain.best for chain in _of(chains, name)]))
    short = shortfalls(problem, within, {name: len(_of(chains, name)) for name in names})
    grown: list[Chain] = []
    for name in names:
        own = _of(chains, name)
        lacking = [one for one in short if one.experiment == name]
        more = _more_replicas(laboratory, len(own), [one for one in lacking if one.lasting])
        if not more:
            continued = [_continued(laboratory, pending.model, chain, lacking) for chain in own]
            # Where no run can or may be longer, more of them lessen what fluctuates within each, too.
            more = _more_replicas(laboratory, len(own), lacking) if continued == own else 0
            own = continued
        added = range(len(own), len(own) + more)
        grown += [*own, *(started(laboratory, pending.model, name, pending.seed, number) for number in added)]
    return (*grown, *others) if others else tuple(grown)


def _can_grow(laboratory: Laboratory, chain: Chain) -> bool:
    """Whether a chain may be continued or repeated: not from a network, and not after a pull."""
    experiment = laboratory.problem.experiments[chain.experiment]
    return not isinstance(experiment, Network) and not chain.origin.axis


def _more_replicas(laboratory: Laboratory, present: int, lacking: Sequence[Shortfall]) -> int:
    precision = laboratory.problem.file.precision
    if precision is None or not lacking:
        return 0
    return max(0, min(precision.replicas, max(one.replicas for one in lacking)) - present)


def _continued(laboratory: Laboratory, model: Model, chain: Chain, lacking: Sequence[Shortfall]) -> Chain:
    """The chain with a continuation of the stretches that are too short; itself if none can or may be longer."""
    first, precision = chain.tasks[0].simulation, laboratory.problem.file.precision
    broken = any(result.failure is not None for result in chain.results)
    if precision is None or broken or isinstance(laboratory.problem.experiments[first.experiment], Opaque):
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
    return extended(laboratory, chain, replace(chain.tasks[0], simulation=simulation, earlier=earlier))


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
