"""A search at work on a synthetic problem, as the campaign's driver would have it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.calibrate.response import Response
from beadsmith.search.contract import Search
from beadsmith.search.synthetic.problem import SyntheticProblem, stream_of_evaluation


@dataclass(frozen=True)
class Exchange:
    """One evaluation.

    Attributes:
        point: what the search asked for.
        misfit: what it was told; None for a failure.
    """

    point: Mapping[str, float]
    misfit: float | None


def converse(
    search: Search, problem: SyntheticProblem, evaluations: int, *, seed: int, in_flight: int = 1
) -> list[Exchange]:
    """Ask and tell until the budget is spent or the search is finished.

    Searches that do not want gradients are told none, as in a campaign, where they would cost.

    Args:
        evaluations: budget.
        seed: of the noise; evaluation k has the same noise for every search.
        in_flight: how many evaluations are open at once: number k is proposed when those up to k - in_flight are known.

    Returns: one entry for each evaluation, in order.
    """
    exchanges: list[Exchange] = []
    answers: list[tuple[float, Response] | None] = []
    told = 0
    while told < evaluations:
        while len(answers) < min(evaluations, told + in_flight):
            number = len(answers)
            point = search.ask(number)
            answers.append(problem.respond(point, stream_of_evaluation(seed, number)))
            answer = answers[number]
            exchanges.append(Exchange(point, None if answer is None else answer[0]))
        answer = answers[told]
        if answer is None:
            search.tell(told, None)
        else:
            misfit, response = answer
            search.tell(told, misfit, response if search.wants_gradients else without_derivatives(response))
        told += 1
        if search.finished:
            evaluations = len(answers)  # what is in flight still counts
    return exchanges


def true_misfits_of_incumbents(problem: SyntheticProblem, exchanges: list[Exchange]) -> list[float]:
    """After each evaluation, how good the point with the smallest claimed misfit truly is.

    Infinite as long as everything failed.
    """
    best, truth = math.inf, math.inf
    found = []
    for exchange in exchanges:
        if exchange.misfit is not None and exchange.misfit < best:
            best, truth = exchange.misfit, problem.true_misfit(exchange.point)
        found.append(truth)
    return found


def without_derivatives(response: Response) -> Response:
    """The same values, nothing known of how they respond."""
    return replace(
        response,
        jacobian=np.full_like(response.jacobian, np.nan),
        jacobian_stderrs=np.full_like(response.jacobian_stderrs, np.inf),
    )
