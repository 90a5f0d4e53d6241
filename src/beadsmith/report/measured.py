"""Pages about less than a calibration: networks that were cured, and one model that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from beadsmith.campaign.calibration import Measured
from beadsmith.problem.problem import Problem
from beadsmith.report.curves import pictures_of_curves
from beadsmith.report.findings import Subject, measured_subject
from beadsmith.report.formatting import core_time, count
from beadsmith.report.html import filled, write_page
from beadsmith.report.networks import GrownNetwork, network_sections
from beadsmith.report.tables import has_transition, property_table


def write_cure_report(problem: Problem, networks: Sequence[GrownNetwork], path: Path) -> None:
    """Write a page about networks: pictures, the course of the cure, their structure.

    Args:
        problem: whose networks.
        networks: one or more.
        path: of the HTML file.

    Raises:
        StudyError: the file cannot be written.
    """
    context = {
        "title": problem.file.title,
        "fidelity": problem.fidelity,
        "networks": network_sections(problem, networks),
        "count": count,
    }
    write_page(path, filled("cure.html", context))


def write_model_report(
    problem: Problem, measured: Sequence[Measured], networks: Sequence[GrownNetwork], path: Path
) -> None:
    """Write a page about one model: its properties, curves, and the networks it was measured on.

    Args:
        problem: as declared, with all its targets.
        measured: the model, once or at one state after the other.
        networks: may be empty.
        path: of the HTML file.

    Raises:
        StudyError: the file cannot be written.
    """
    model = _together(measured)
    replicas = [replica for one in measured for replica in one.replicas]
    context = {
        "title": problem.file.title,
        "model": model.label,
        "fidelity": problem.fidelity,
        "cost": f"{count(len(replicas), 'evaluation')}, {core_time(sum(one.core_seconds for one in replicas))}",
        "table": property_table(problem, [model]),
        "curves": pictures_of_curves(problem, None, [model]),
        "has_transition": has_transition(problem),
        "networks": network_sections(problem, networks),
        "failures": [failure.sentence for replica in replicas for failure in replica.failures],
        "count": count,
    }
    write_page(path, filled("model.html", context))


def _together(measured: Sequence[Measured]) -> Subject:
    """One subject with what was observed at all states; it has a misfit only if it was measured once."""
    parts = [replace(measured_subject(one, one.label), result=True) for one in measured]
    if len(parts) == 1:
        return parts[0]
    observations = tuple(one for part in parts for one in part.observations)
    return replace(parts[0], observations=observations, misfit=None, terms={})
