"""The finalists of ``run``: what was asked for, what it will cost, how it goes, what came out."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from beadsmith.campaign.calibration import outcome_of
from beadsmith.campaign.finalists import (
    Estimate,
    Finalists,
    estimate,
    finalists_of,
    finalists_problem,
    measure_finalists,
)
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.pool import worker_count
from beadsmith.campaign.study import Study
from beadsmith.cli.options import with_workers
from beadsmith.cli.progress import display
from beadsmith.cli.speech import say
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import Problem
from beadsmith.report.formatting import core_time, count
from beadsmith.report.terminal import terminal_table


@dataclass(frozen=True)
class Wanted:
    """Finalists that were asked for.

    Attributes:
        problem: the problem at their fidelity.
        replicas: how often each is measured.
    """

    problem: Problem
    replicas: int


def wanted_finalists(
    problem: Problem, fidelity: str | None, replicas: int | None, remeasure: int, workers: int | None
) -> Wanted | None:
    """What the options ask for, or else the problem file; None for no finalists.

    Args:
        problem: at the fidelity of the search.
        remeasure: how often the best models are measured again.

    Raises:
        ProblemError: there is no such fidelity, or it makes no sense.
    """
    declared = problem.file.search
    number = declared.finalist_replicas if replicas is None else replicas
    name = fidelity or declared.finalists
    # A file that declares its finalists may still be searched at their fidelity.
    if name is None or number == 0 or (fidelity is None and name == problem.fidelity):
        return None
    where = "--finalists" if fidelity else f"{problem.path}: search.finalists"
    other = with_workers(finalists_problem(problem, name, where), workers)
    if remeasure == 0:
        raise ProblemError(
            where,
            name,
            "a search whose best models are measured again, or there is no best one",
            "raise --remeasure",
        )
    return Wanted(other, number)


def measure_wanted(problem: Problem, wanted: Wanted, study: Study, seed: int, console: Console) -> None:
    """Measure the finalists of a study whose search has ended; say beforehand what it will cost.

    Args:
        problem: at the fidelity of the search.
        seed: of the study.
    """
    best = outcome_of(study, problem).best
    if best is None:
        say(console, "No finalists: every attempt to measure the best models again has failed.")
        return
    finalists = finalists_of(problem, wanted.problem, best)
    with open_laboratory(wanted.problem, study) as laboratory:
        cost = estimate(laboratory, finalists, seed, wanted.replicas)
        if cost.simulations:
            where = f"{count(len(finalists), 'model')} at fidelity {wanted.problem.fidelity}"
            price = _cost(cost, worker_count(wanted.problem.file.compute))
            say(console, f"Finalists: {where}, {wanted.replicas} times each: {price}")
        with display(console) as shown:
            for step in measure_finalists(laboratory, study, finalists, seed, wanted.replicas):
                shown.failures += step.evaluation.failed
                shown.step("finalists", step.done, step.total, known=step.known)


def show_finalists(console: Console, finalists: Finalists) -> None:
    """Print the table of finalists, and why any failed."""
    problem, outcome = finalists.problem, finalists.outcome
    say(console, f"\nFinalists at fidelity {problem.fidelity} ({core_time(outcome.core_seconds)})")
    console.print(terminal_table(problem, outcome))
    for model in outcome.measured:
        for failure in (failure for replica in model.replicas for failure in replica.failures):
            say(console, f"{model.label} failed: {failure.sentence}")


def _cost(cost: Estimate, workers: int) -> str:
    still = f"{count(cost.simulations, 'simulation')} to run"
    if cost.core_seconds is None:
        return f"{still}, of unknown cost"
    minutes = cost.core_seconds / workers / 60
    return f"{still}, about {core_time(cost.core_seconds)}, {minutes:.0f} min here or more"
