"""The loop: the search proposes, the laboratory measures, the study remembers.

**Determinism.** The search is told of evaluation ``k`` before it proposes ``k + in_flight``, and never earlier, in
whatever order simulations happen to end.  So the proposals depend on the seed alone, not on the speed of the workers.
While it waits for ``k``, the others that are open go on as far as they do without it: what only follows from their own
simulations is submitted at once, what depends on the best misfit so far when it is their turn.

**Going on.** To resume, the search is asked and told all over again; what has been measured is taken from the table,
what has been simulated from the store.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from beadsmith.calibrate.response import Response, response_of
from beadsmith.campaign.evaluate import PendingEvaluation, follow, settle, submit
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import Study
from beadsmith.campaign.waiting import until_one_ends
from beadsmith.errors import StudyError
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.records import Evaluation
from beadsmith.search import Search

#: A replayed proposal may differ from the stored one by rounding only.
_SAME = 1e-9
#: How often those who watch are told what is under way, seconds.
_WATCH = 5.0


def search_models(
    laboratory: Laboratory,
    search: Search,
    study: Study,
    seed: int,
    evaluations: int,
    in_flight: int,
    deadline: float | None = None,
    know: Callable[[Evaluation], None] | None = None,
) -> Iterator[Evaluation]:
    """Run a search to its budget; yields every evaluation once, in order of number.

    Args:
        evaluations: budget.
        in_flight: how many evaluations are open at once.
        deadline: value of ``time.monotonic()`` after which nothing new is proposed; None for never.
        know: called with each evaluation of which the search has just been told; nobody if None.

    Raises:
        StudyError: if the stored proposals are not what this search proposes.
    """
    recorded = {evaluation.number: evaluation for evaluation in study.rows("evaluations")}
    open_: dict[int, PendingEvaluation | Evaluation] = {}
    asked = told = 0
    best = -math.inf  # the first model beats nothing: it is not worth more than its first simulations
    try:
        while told < evaluations:
            while asked < min(evaluations, told + in_flight):
                if deadline is not None and asked not in recorded and time.monotonic() > deadline:
                    evaluations = asked
                    break
                open_[asked] = _next(laboratory, search, recorded, asked, seed)
                asked += 1
            if told == asked:
                break
            evaluation = _finished(laboratory, open_, told, best)
            if evaluation.misfit is not None:
                best = evaluation.misfit if math.isinf(best) else min(best, evaluation.misfit)
            if told not in recorded:
                study.append("evaluations", evaluation)
            search.tell(told, evaluation.misfit, _response(laboratory, evaluation))
            if know is not None:
                know(evaluation)
            del open_[told]
            told += 1
            yield evaluation
            if search.finished:
                evaluations = asked  # what is in flight still counts
    finally:
        for pending in open_.values():
            if isinstance(pending, PendingEvaluation):
                pending.cancel()


def measure(
    laboratory: Laboratory,
    study: Study | None,
    models: Sequence[tuple[str, Model, Mapping[str, float]]],
    seeds: Sequence[int],
    watch: Callable[[Sequence[PendingEvaluation]], None] | None = None,
) -> Iterator[Evaluation]:
    """Measure models beside the search, each with every seed; yields each measurement once, as they end.

    What has been simulated before comes from the store at once.

    Args:
        study: where each measurement is noted; None for measurements that belong to no search.
        models: label, model, and its point (for the record).
        watch: called now and then with what is under way; nobody if None.
    """
    submissions = [(label, model, point, seed) for label, model, point in models for seed in seeds]
    pending = (
        (laboratory, submit(laboratory, model, number, seed, point, label))
        for number, (label, model, point, seed) in enumerate(submissions)
    )
    for evaluation in as_they_end(pending, watch=watch):
        if study is not None:
            study.append("measurements", evaluation)
        yield evaluation


def as_they_end(
    submissions: Iterable[tuple[Laboratory, PendingEvaluation]],
    at_once: int | None = None,
    watch: Callable[[Sequence[PendingEvaluation]], None] | None = None,
) -> Iterator[Evaluation]:
    """Evaluations in the order in which they end; what has not ended when nobody asks any more is cancelled.

    Args:
        submissions: evaluations under way, each with its laboratory; taken, and so submitted, when there is room.
        at_once: how many are open at once; all if None.
        watch: called now and then with what is under way; nobody if None.
    """
    waiting = iter(submissions)
    pending: list[tuple[Laboratory, PendingEvaluation]] = []
    try:
        while True:
            pending += itertools.islice(waiting, None if at_once is None else at_once - len(pending))
            if not pending:
                return
            _wait_for_any([one for _, one in pending], watch)
            for laboratory, one in [entry for entry in pending if entry[1].done]:
                pending.remove((laboratory, one))
                settled = settle(laboratory, one)
                if isinstance(settled, PendingEvaluation):
                    pending.append((laboratory, settled))
                else:
                    yield settled
    finally:
        for _, one in pending:
            one.cancel()


def seed_of(seed: int, *where: int) -> int:
    """An independent seed for each place, derived from the study's."""
    return int(np.random.SeedSequence([seed, *where]).generate_state(1, np.uint64)[0] >> 2)


def _next(
    laboratory: Laboratory, search: Search, recorded: Mapping[int, Evaluation], number: int, seed: int
) -> PendingEvaluation | Evaluation:
    point = search.ask(number)
    known = recorded.get(number)
    if known is not None:
        _check_same(known, point)
        return known
    model = constant_model(f"evaluation {number}", laboratory.problem.parameters, point)
    return submit(laboratory, model, number, seed_of(seed, 0, number), point)


def _response(laboratory: Laboratory, evaluation: Evaluation) -> Response | None:
    if evaluation.misfit is None:
        return None
    names = [parameter.name for parameter in laboratory.problem.parameters.free]
    targets = laboratory.problem.targets
    return response_of(evaluation.observations, evaluation.gradients, targets, names, laboratory.forms)


def _check_same(known: Evaluation, point: Mapping[str, float]) -> None:
    if (name := first_difference(known.point, point)) is not None:
        raise StudyError(
            f"evaluation {known.number}: the stored proposal has {name} = {known.point.get(name)}, "
            f"the search now proposes {point[name]:g}; the study was made with other versions or settings: "
            "name another --study"
        )


def first_difference(stored: Mapping[str, float], point: Mapping[str, float]) -> str | None:
    """Name of the first number of a point that was not stored, or otherwise by more than rounding; None without any."""
    return next(
        (
            name
            for name, value in point.items()
            if name not in stored or abs(stored[name] - value) > _SAME * max(1.0, abs(value))
        ),
        None,
    )


def _finished(
    laboratory: Laboratory, open_: dict[int, PendingEvaluation | Evaluation], number: int, best: float
) -> Evaluation:
    """Wait until an evaluation is complete; the others go on meanwhile."""
    while isinstance(pending := open_[number], PendingEvaluation):
        if pending.done:
            open_[number] = settle(laboratory, pending, best)
            continue
        # Those without futures wait for their turn.
        going = {key: one for key, one in open_.items() if isinstance(one, PendingEvaluation) and one.futures}
        _wait_for_any(list(going.values()), None)
        open_.update({key: follow(laboratory, one) for key, one in going.items() if key != number and one.done})
    return pending


def _wait_for_any(
    pending: Sequence[PendingEvaluation], watch: Callable[[Sequence[PendingEvaluation]], None] | None
) -> None:
    while not any(one.done for one in pending):
        if watch is not None:
            watch(pending)
        futures = [future for one in pending for future in one.futures if not future.done()]
        if until_one_ends(futures, math.inf if watch is None else _WATCH):
            return
