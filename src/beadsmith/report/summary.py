"""The result in plain words, honest about what the measurements can tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from beadsmith.campaign.calibration import Measured
from beadsmith.problem.schema import CombinedVariance, Martins2025, Misfit, Relative
from beadsmith.report.findings import Findings, Number, well
from beadsmith.report.formatting import core_time, count, number, written

#: Differences that chance alone would make in one of twenty comparisons are not called differences.
CONFIDENCE = 0.95


class Verdict(Enum):
    """How the result stands to another model."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "not told apart"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Contrast:
    """The result against one compared model.

    Attributes:
        label: the compared model.
        other: its misfit.
        difference: misfit of the result less that of the other; negative if the result is better.
        least: the smallest difference that these measurements could tell from chance; infinite if the errors are not
            known.
    """

    label: str
    other: Number
    difference: Number
    least: float

    @property
    def verdict(self) -> Verdict:
        """Whether the difference can be told from chance, and which way it goes."""
        if not math.isfinite(self.least):
            return Verdict.UNKNOWN
        if abs(self.difference.value) <= self.least:
            return Verdict.SAME
        return Verdict.BETTER if self.difference.value < 0 else Verdict.WORSE

    @property
    def sentence(self) -> str:
        """One sentence, without the name of the result."""
        other = f"{self.label}, {written(self.other.value, self.other.stderr).text}"
        gap = written(abs(self.difference.value), self.difference.stderr).text
        match self.verdict:
            case Verdict.BETTER:
                return f"It lies below that of {other}: by {gap}, more than chance explains."
            case Verdict.WORSE:
                return (
                    f"It lies above that of {other}: by {gap}, more than chance explains. "
                    "The search found nothing better."
                )
            case Verdict.SAME:
                return (
                    f"It cannot be told apart from that of {other}: the difference of {gap} is within the errors. "
                    "More repeats or longer simulations would decide."
                )
            case Verdict.UNKNOWN:
                return (
                    f"It cannot be ranked against that of {other}: "
                    "the difference has no known error, because one of the two was measured only once."
                )


def contrast(label: str, result: Measured, other: Measured) -> Contrast | None:
    """Compare two re-measured misfits by Welch's t-test; None if one of them has none.

    Few repeats make the errors themselves uncertain: Student's distribution allows for that, two standard errors would
    not.
    """
    if result.misfit is None or other.misfit is None:
        return None
    stderr = math.hypot(result.stderr, other.stderr)
    difference = Number(result.misfit - other.misfit, stderr)
    return Contrast(label, Number(other.misfit, other.stderr), difference, _least_difference(result, other, stderr))


def contrasts(findings: Findings) -> tuple[Contrast, ...]:
    """The result against every measured model of the problem's ``compare`` section."""
    best = findings.outcome.best
    if best is None:
        return ()
    others = {one.label: one for one in findings.outcome.measured if one.number is None}
    found = [contrast(label, best, others[label]) for label in others]
    return tuple(one for one in found if one is not None)


def summary(findings: Findings) -> tuple[str, ...]:
    """Sentences that say what came out, what it cost, and what is not known yet."""
    outcome = findings.outcome
    if not outcome.evaluations and not outcome.measured:
        return (
            "Nothing has been evaluated in this study yet, so there is nothing to show. Start it with: beadsmith run.",
        )
    return (*_result(findings), _cost(findings))


def meaning_of(misfit: Misfit) -> str:
    """How to read the number, for the misfit that the problem file chose."""
    match misfit:
        case CombinedVariance():
            return (
                "A misfit is the mean squared deviation from the targets in units of the combined variance of target "
                "and simulation, averaged over observables by weight: 1 means agreement within the errors, on average."
            )
        case Relative():
            return (
                "A misfit is the mean squared relative deviation from the targets, averaged over observables by weight."
            )
        case Martins2025():
            return (
                "A misfit is the loss of Martins et al. (2025): a weighted sum of squared relative errors of density "
                "lines, their slopes, and radius of gyration."
            )


def _result(findings: Findings) -> list[str]:
    outcome = findings.outcome
    if outcome.best is not None and outcome.best.misfit is not None:
        return [
            _of_best(findings, outcome.best),
            *(one.sentence for one in contrasts(findings)),
            *_unmeasured(findings),
        ]
    if not findings.problem.targets:
        return ["The problem file has no targets, so nothing was judged: the tables show what was measured."]
    if not outcome.evaluations:
        return ["The search has not begun; only models to compare with were measured."]
    if outcome.incumbent is None:
        total = len(outcome.evaluations)
        every = "The only evaluation" if total == 1 else f"All {total} evaluations"
        return [f"{every} failed, so there is no result. The section on failures says why, and what to do."]
    best, tried = outcome.incumbent, count(len(outcome.evaluations), "evaluation")
    sentences = [
        f"The lowest misfit so far is {number(best.misfit or 0.0, 3)}, of evaluation {best.number} of the search. "
        f"It was measured once and is the luckiest of {tried}, so the true one is probably higher."
    ]
    if any(one.number is not None for one in outcome.measured):
        sentences.append("Every attempt to measure the best models again has failed so far, so there is no result yet.")
    else:
        sentences.append("Nothing has been measured again with fresh seeds yet, so there is no result to compare.")
    return sentences


def _of_best(findings: Findings, best: Measured) -> str:
    misfit = written(best.misfit or 0.0, best.stderr).text
    good = len(well(best))
    claimed = next((one.misfit for one in findings.outcome.evaluations if one.number == best.number), None)
    sentence = f"The calibrated model, evaluation {best.number} of the search, has a misfit of {misfit}"
    if good == 1:
        sentence += ", measured once with a fresh seed, so its error is not known"
    else:
        sentence += f", the mean of {good} measurements with fresh seeds"
    return sentence + (f"; during the search it had shown {number(claimed, 3)}." if claimed is not None else ".")


def _unmeasured(findings: Findings) -> list[str]:
    measured = {one.label for one in findings.outcome.measured if one.misfit is not None}
    missing = [label for label in findings.problem.file.compare if label not in measured]
    if not missing:
        return [] if findings.problem.file.compare else ["The problem file names no other model to compare with."]
    return [f"Not measured here, so not compared: {', '.join(missing)}."]


def _cost(findings: Findings) -> str:
    outcome = findings.outcome
    total, failed = len(outcome.evaluations), findings.failed
    sentence = f"The search made {count(total, 'evaluation')}"
    if total:
        sentence += f", of which {failed or 'none'} failed"
    simulations = f" in {count(findings.simulations, 'simulation')}" if findings.simulations else ""
    return f"{sentence}; everything together took {core_time(outcome.core_seconds)}{simulations}."


def _least_difference(result: Measured, other: Measured, stderr: float) -> float:
    if not math.isfinite(stderr):
        return math.inf
    if stderr == 0:
        return 0.0
    from scipy.special import stdtrit  # slow to import

    freedom = stderr**4 / sum(one.stderr**4 / max(_count(one) - 1, 1) for one in (result, other))
    return float(stdtrit(freedom, 0.5 + 0.5 * CONFIDENCE)) * stderr


def _count(measured: Measured) -> int:
    return sum(replica.misfit is not None for replica in well(measured))
