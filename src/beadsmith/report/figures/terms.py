"""What the misfit is made of, term by term, and how sampled misfits are distributed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from beadsmith.problem.records import Evaluation
from beadsmith.report.figures.convergence import course_of, scale_of
from beadsmith.report.figures.style import Picture, draw, legend_below, legend_beside, legend_label
from beadsmith.report.findings import Subject
from beadsmith.report.labels import observable_label
from beadsmith.report.looks import look_of

Array = NDArray[np.float64]

_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 2.2
_FEWEST_BINS, _MOST_BINS = 8, 40


def terms_picture(evaluations: Sequence[Evaluation], models: Sequence[Subject]) -> Picture | None:
    """Each term against the number of the evaluation; None if no evaluation has terms."""
    names = list(dict.fromkeys(name for one in evaluations for name in one.terms))
    if not names:
        return None
    columns = min(len(names), _PANELS_IN_A_ROW)
    rows = math.ceil(len(names) / columns)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        panels = list(grid.flat)
        for name, axes in zip(names, panels, strict=False):
            sampled = np.array([one.terms.get(name, math.nan) for one in evaluations])
            levels = [(model, look_of(model)) for model in models if name in model.terms]
            axes.plot(
                sampled, "o", color="#6f6f6f", zorder=3, markersize=2.4, markeredgewidth=0, label="each evaluation"
            )
            axes.step(
                np.arange(len(sampled)),
                term_of_best(evaluations, name),
                where="post",
                color="#000000",
                label="of the best so far",
            )
            for model, look in levels:
                label = f"{legend_label(model.label)} ({model.remark})"
                axes.axhline(
                    model.terms[name].value, color=look.colour, linestyle=look.line, linewidth=1.2, label=label
                )
            scale_of(axes, np.append(sampled, [model.terms[name].value for model, _ in levels]))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4, steps=[1, 2, 5, 10]))
            axes.set(title=observable_label(name), xlabel="evaluation")
        for row in grid:
            row[0].set_ylabel("term of the misfit")
        for unused in panels[len(names) :]:
            unused.remove()
        legend_below(figure, panels[: len(names)])

    text = f"Terms of the misfit against evaluation number: {', '.join(observable_label(name) for name in names)}"
    return draw(paint, rows * _PANEL_HEIGHT, text)


def distribution_picture(evaluations: Sequence[Evaluation], models: Sequence[Subject]) -> Picture | None:
    """Histogram of log10 of the misfits; None with fewer than two positive ones."""
    misfit = course_of(evaluations).misfit
    sampled = np.log10(misfit[misfit > 0])
    if len(sampled) < 2:
        return None

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.hist(
            sampled,
            _bins(sampled),
            color="#c9c9c9",
            edgecolor="#555555",
            linewidth=0.6,
            label=f"{len(sampled)} evaluations",
        )
        for model in models:
            look = look_of(model)
            if model.misfit is not None and model.misfit.value > 0:
                where = math.log10(model.misfit.value)
                axes.axvline(
                    where, color=look.colour, linestyle=look.line, linewidth=1.6, label=legend_label(model.label)
                )
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="log₁₀ of the misfit", ylabel="evaluations")
        legend_beside(figure, axes)

    return draw(paint, 2.3, "Histogram of the logarithm of the misfits that the search saw")


def term_of_best(evaluations: Sequence[Evaluation], name: str) -> Array:
    """The term, at each evaluation, of the one with the smallest misfit so far; NaN before the first."""
    best, term = math.inf, math.nan
    values = []
    for one in evaluations:
        if one.misfit is not None and one.misfit < best:
            best, term = one.misfit, one.terms.get(name, math.nan)
        values.append(term)
    return np.array(values)


def _bins(sampled: Array) -> list[float]:
    suggested = len(np.histogram_bin_edges(sampled, "auto")) - 1
    edges = np.histogram_bin_edges(sampled, int(np.clip(suggested, _FEWEST_BINS, _MOST_BINS)))
    return [float(edge) for edge in edges]
