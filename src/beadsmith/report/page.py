"""The page: all parts put together, rendered, and written as one file that needs no other."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beadsmith.campaign.study import Study, digest_of
from beadsmith.problem.problem import Problem
from beadsmith.report.curves import pictures_of_curves
from beadsmith.report.failures import failure_groups
from beadsmith.report.finalists import finalist_sections
from beadsmith.report.findings import Findings, Subject, gather, start_of, subjects, well
from beadsmith.report.formatting import ABSENT, Written, core_time, count, number, share, written
from beadsmith.report.html import filled, write_page
from beadsmith.report.identifiability import identifiability_section
from beadsmith.report.labels import observable_label
from beadsmith.report.networks import network_sections
from beadsmith.report.parameters import parameter_table
from beadsmith.report.provenance import made_with, sources_of_targets
from beadsmith.report.references import citations
from beadsmith.report.summary import meaning_of, summary
from beadsmith.report.tables import has_transition, property_table

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture

#: Outlines of the markers of the figures, around the origin, for the pictures inside tables.
_MARKERS = {
    "o": "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
    "s": "M-3.1 -3.1h6.2v6.2h-6.2z",
    "^": "M0 -3.8L3.6 2.9H-3.6z",
    "v": "M0 3.8L3.6 -2.9H-3.6z",
    "D": "M0 -4.1L3.4 0L0 4.1L-3.4 0z",
    "<": "M-3.8 0L2.9 -3.6V3.6z",
    ">": "M3.8 0L-2.9 -3.6V3.6z",
    "h": "M0 -4L3.5 -2V2L0 4L-3.5 2V-2z",
    "P": "M-1.3 -3.8h2.6v2.5h2.5v2.6h-2.5v2.5h-2.6v-2.5h-2.5v-2.6h2.5z",
}


@dataclass(frozen=True)
class Tile:
    """One of the few numbers at the head of the page."""

    title: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class CandidateRow:
    """A candidate: what the search claimed, and what it measures again."""

    number: int
    chosen: bool
    claimed: str
    measured: Written | None
    repeats: str
    change: str


@dataclass(frozen=True)
class RepeatRow:
    """One of several searches: where it ended."""

    name: str
    seed: str
    evaluations: int
    failed: int
    incumbent: str
    best: str
    remark: str


def write_report(problem: Problem, study: Study, path: Path | None = None, others: Sequence[Study] = ()) -> Path:
    """Write the report of a study as one HTML file.

    Nothing is simulated, and nothing in the study is changed but the report itself.

    Args:
        problem: what was calibrated, at the fidelity of the study.
        study: finished, still running, or not yet begun.
        path: where to write; the study's own place if None.
        others: repeats of the same search with other seeds, for the band in the figure of convergence.

    Returns: where it was written.

    Raises:
        StudyError: a manifest cannot be read.
    """
    target = study.report if path is None else path
    write_page(target, rendered(gather(problem, study, others)))
    return target


def rendered(findings: Findings) -> str:
    """The page as text."""
    return filled("report.html", context_of(findings))


def context_of(findings: Findings) -> dict[str, Any]:
    """What the template needs, by name."""
    problem, outcome = findings.problem, findings.outcome
    models = subjects(problem, outcome)
    return {
        "findings": findings,
        "title": problem.file.title,
        "sentences": summary(findings),
        "meaning": meaning_of(problem.file.misfit) if problem.targets else "",
        "tiles": _tiles(findings),
        "table": property_table(problem, models),
        "has_transition": has_transition(problem),
        "curves": pictures_of_curves(problem, start_of(outcome), models),
        "networks": network_sections(problem, findings.networks),
        **_pictures_of_search(findings, models),
        "candidates": _candidates(findings),
        "finalists": finalist_sections(findings),
        "repeats": _repeats(findings),
        "parameters": parameter_table(findings),
        "identifiability": identifiability_section(findings),
        "failures": failure_groups(_everything(findings)),
        "failed_share": share(findings.failed, len(outcome.evaluations)),
        "facts": _facts(findings),
        "command": _command(findings),
        "sources": sources_of_targets(problem),
        "changed": findings.manifest is not None and findings.manifest.problem != digest_of(problem),
        "citations": citations(findings),
        "markers": _MARKERS,
        "observable_label": observable_label,
        "number": number,
        "count": count,
    }


def _tiles(findings: Findings) -> list[Tile]:
    outcome = findings.outcome
    best, incumbent = outcome.best, outcome.incumbent
    if best is not None and best.misfit is not None:
        misfit = Tile("Misfit, re-measured", written(best.misfit, best.stderr).text, f"evaluation {best.number}")
    elif incumbent is not None and incumbent.misfit is not None:
        misfit = Tile(
            "Lowest misfit so far", number(incumbent.misfit, 3), f"evaluation {incumbent.number}, measured once"
        )
    else:
        misfit = Tile("Misfit", ABSENT)
    amount, _, unit = core_time(outcome.core_seconds).partition(" ")
    total = len(outcome.evaluations)
    return [
        misfit,
        Tile("Evaluations", str(total), f"{findings.failed or 'none'} failed" if total else ""),
        Tile("Simulations", str(findings.simulations), "different ones"),
        Tile("Processor time", amount, unit),
    ]


def _pictures_of_search(findings: Findings, models: Sequence[Subject]) -> dict[str, Picture | None]:
    """Figures that need a misfit; None where there is none."""
    from beadsmith.report.figures.convergence import convergence_picture
    from beadsmith.report.figures.terms import distribution_picture, terms_picture

    evaluations = findings.outcome.evaluations
    if all(one.misfit is None for one in evaluations):
        return {"convergence": None, "terms": None, "distribution": None}
    repeats = [repeat.outcome.evaluations for repeat in findings.repeats if repeat.same_problem]
    return {
        "convergence": convergence_picture(evaluations, models, repeats),
        "terms": terms_picture(evaluations, models),
        "distribution": distribution_picture(evaluations, models),
    }


def _candidates(findings: Findings) -> list[CandidateRow]:
    best = findings.outcome.best
    claims = {one.number: one.misfit for one in findings.outcome.evaluations}
    rows = []
    for one in findings.outcome.measured:
        if one.number is None:
            continue
        claim = claims.get(one.number)
        known = claim is not None and one.misfit is not None
        rows.append(
            CandidateRow(
                number=one.number,
                chosen=best is not None and one.number == best.number,
                claimed=ABSENT if claim is None else number(claim, 3),
                measured=None if one.misfit is None else written(one.misfit, one.stderr),
                repeats=f"{len(well(one))} of {len(one.replicas)}",
                change=written((one.misfit or 0.0) - (claim or 0.0), one.stderr).text if known else ABSENT,
            )
        )
    return sorted(rows, key=lambda row: claims.get(row.number) or math.inf)


def _repeats(findings: Findings) -> list[RepeatRow]:
    if not findings.repeats:
        return []
    own = (findings.name, findings.manifest, findings.outcome, True)
    others = [(one.name, one.manifest, one.outcome, one.same_problem) for one in findings.repeats]
    return [
        RepeatRow(
            name=name,
            seed=ABSENT if manifest is None else str(manifest.seed),
            evaluations=len(outcome.evaluations),
            failed=sum(one.failed for one in outcome.evaluations),
            incumbent=ABSENT if outcome.incumbent is None else number(outcome.incumbent.misfit or 0.0, 3),
            best=ABSENT if outcome.best is None else written(outcome.best.misfit or 0.0, outcome.best.stderr).text,
            remark="" if same else "another problem, fidelity or method: left out of the figure",
        )
        for name, manifest, outcome, same in (own, *others)
    ]


def _everything(findings: Findings) -> list[Any]:
    outcome = findings.outcome
    return [*outcome.evaluations, *(replica for model in outcome.measured for replica in model.replicas)]


def _facts(findings: Findings) -> Mapping[str, str]:
    """What another person needs to know to do it again."""
    manifest, outcome = findings.manifest, findings.outcome
    facts = {
        "Study": findings.name,
        "Simulations": str(findings.simulations),
        "Processor time": core_time(outcome.core_seconds),
    }
    if manifest is None:
        return {**facts, "Fidelity": findings.problem.fidelity}
    return {
        "Study": findings.name,
        "Problem file": Path(manifest.problem_file).name,
        **({"Started from": ", ".join(manifest.start_files)} if manifest.start_files else {}),
        "Digest of the problem": manifest.problem,
        "Fidelity": manifest.fidelity,
        "Search": manifest.method,
        "Seed": str(manifest.seed),
        "Evaluations open at once": str(manifest.in_flight),
        **made_with(manifest),
        **facts,
    }


def _command(findings: Findings) -> list[str]:
    """The command that does it again, in parts that stay together on a line; empty if nothing was searched."""
    manifest = findings.manifest
    if manifest is None:
        return []
    options = {
        "--fidelity": manifest.fidelity,
        "--search": manifest.method,
        "--evaluations": str(len(findings.outcome.evaluations)),
        "--seed": str(manifest.seed),
        "--study": f"{findings.name}-again",
    }
    starts = [("--start", file) for file in manifest.start_files]
    words = (("beadsmith", "run", Path(manifest.problem_file).name), *options.items(), *starts)
    return [shlex.join(part) for part in words]
