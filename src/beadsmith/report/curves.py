"""Which figures show the properties of models, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beadsmith.problem.problem import Problem
from beadsmith.report.findings import Subject

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture


def pictures_of_curves(problem: Problem, start: Subject | None, models: Sequence[Subject]) -> list[Picture]:
    """Properties against the degree of crosslinking together, others one by one, then curves along time or strain."""
    from beadsmith.report.figures.curves import curve_pictures  # Matplotlib is slow to import
    from beadsmith.report.figures.family import family_pictures
    from beadsmith.report.figures.properties import property_pictures

    return [
        *property_pictures(problem, start, models),
        *curve_pictures(problem, start, models),
        *family_pictures(problem, models),
    ]
