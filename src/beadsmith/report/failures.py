"""Failures by kind: how many, what to do, and one example with the tail of its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from beadsmith.problem.records import Evaluation, Failure, FailureKind

#: Longer tails are cut at the front: the decisive lines come last.
MOST_LINES = 40


@dataclass(frozen=True)
class FailureGroup:
    """All failures of one kind.

    Attributes:
        kind: with its sentence and remedy.
        count: how many.
        experiments: how many in each experiment.
        example: the first.
        where: which evaluation the example is from.
    """

    kind: FailureKind
    count: int
    experiments: tuple[tuple[str, int], ...]
    example: Failure
    where: str

    @property
    def remedy(self) -> str:
        """What happened and what to do, as a sentence."""
        sentence = self.kind.value
        return f"{sentence[:1].upper()}{sentence[1:]}."

    @property
    def log_tail(self) -> str:
        """The last lines of the example's log; empty if none was kept."""
        lines = self.example.log_tail.rstrip().splitlines()
        return "\n".join(lines[-MOST_LINES:])


def failure_groups(evaluations: Sequence[Evaluation]) -> tuple[FailureGroup, ...]:
    """Failures of all evaluations by kind, the most frequent first."""
    found: dict[FailureKind, list[tuple[Evaluation, Failure]]] = {}
    for evaluation in evaluations:
        for failure in evaluation.failures:
            found.setdefault(failure.kind, []).append((evaluation, failure))
    groups = [_group(kind, cases) for kind, cases in found.items()]
    return tuple(sorted(groups, key=lambda group: -group.count))


def _group(kind: FailureKind, cases: Sequence[tuple[Evaluation, Failure]]) -> FailureGroup:
    # An example that has a log says more than one without.
    evaluation, failure = next((case for case in cases if case[1].log_tail), cases[0])
    experiments = Counter(failure.experiment for _, failure in cases)
    what = evaluation.label or f"evaluation {evaluation.number}"
    return FailureGroup(kind, len(cases), tuple(experiments.most_common()), failure, f"{what}, seed {evaluation.seed}")
