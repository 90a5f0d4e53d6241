"""Evaluate models: plan their simulations, submit what has not been run, gather the answers."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.task import Differentiated, Task, known_result
from beadsmith.observe.derived import derive_observations
from beadsmith.problem.model import Model
from beadsmith.problem.records import Evaluation, Failure, FailureKind
from beadsmith.simulate.plan import plan_simulations


@dataclass(frozen=True)
class PendingEvaluation:
    """An evaluation under way: finished simulations, and futures of the others."""

    number: int
    point: Mapping[str, float]
    seed: int
    label: str
    results: tuple[RunResult | Future[RunResult], ...]

    @property
    def futures(self) -> list[Future[RunResult]]:
        """What is still to come, or has just come."""
        return [result for result in self.results if isinstance(result, Future)]

    @property
    def done(self) -> bool:
        """Whether all simulations have ended."""
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
    results: list[RunResult | Future[RunResult]] = []
    problem = laboratory.problem
    differentiated = Differentiated(problem, model) if laboratory.gradients else None
    for simulation in plan_simulations(problem, model, seed, laboratory.engine.version):
        task = Task(
            simulation=simulation,
            observables=problem.observables,
            store=laboratory.store,
            lease=laboratory.lease,
            keep_frames=laboratory.keep_frames,
            differentiated=differentiated,
        )
        known = known_result(task)
        results.append(known or laboratory.executor.submit(laboratory.runner, task, laboratory.engine))
    return PendingEvaluation(number, dict(point), seed, label, tuple(results))


def gather(laboratory: Laboratory, pending: PendingEvaluation) -> Evaluation:
    """Wait for the simulations of an evaluation and put the answers together.

    Raises:
        Interrupted: if the campaign is ending.
    """
    results = [result.result() if isinstance(result, Future) else result for result in pending.results]
    direct = tuple(observation for result in results for observation in result.observations)
    observations = direct + derive_observations(direct, laboratory.problem.observables)
    failures = tuple(result.failure for result in results if result.failure is not None)
    evaluation = Evaluation(
        number=pending.number,
        point=pending.point,
        seed=pending.seed,
        observations=observations,
        failures=failures,
        core_seconds=sum(result.core_seconds for result in results),
        runs=tuple(result.name for result in results),
        gradients=tuple(gradient for result in results for gradient in result.gradients or ()),
        label=pending.label,
    )
    return judged(evaluation, laboratory)


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
