"""The glass transition of each model by itself: densities, the fits through them, and where glass and melt meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from beadsmith.errors import EstimateError
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import GlassTransitionHyperbola, GlassTransitionLines
from beadsmith.report.figures.curves import (
    Curve,
    Panel,
    TransitionLine,
    paint_transition,
    panels,
    transition_line,
)
from beadsmith.report.figures.style import Picture, draw, legend_below, legend_label, line_of
from beadsmith.report.findings import Subject
from beadsmith.report.formatting import written
from beadsmith.report.labels import observable_label, observable_unit, with_unit

Transition: TypeAlias = GlassTransitionLines | GlassTransitionHyperbola

#: Panels beside each other.
_ACROSS = 3
_HEIGHT = 2.6
#: Room for words above the curves, as a part of the axis.
_HEADROOM = 0.16


def transition_pictures(problem: Problem, models: Sequence[Subject]) -> list[Picture]:
    """One picture for each curve of densities that a glass transition rests on, with a panel for each model."""
    return [
        _picture(problem, panel, observables)
        for panel in panels(problem, None, models)
        if panel.variable == "T" and panel.curves and (observables := _resting_on(problem, panel.observable))
    ]


def result_in_words(name: str, line: TransitionLine | None) -> str:
    """``lines 306.2 ± 5.9 K``, or that the data do not determine it."""
    if line is None or line.crossing is None:
        return f"{name}: not determined"
    return f"{name}: {written(line.crossing[0], line.stderr).text} K"


def _resting_on(problem: Problem, density: str) -> list[Transition]:
    return [one for one in problem.observables.values() if isinstance(one, Transition) and one.density == density]


def _picture(problem: Problem, panel: Panel, observables: Sequence[Transition]) -> Picture:
    rows = math.ceil(len(panel.curves) / _ACROSS)
    label = with_unit(observable_label(panel.observable), observable_unit(problem, panel.observable))
    fits = [[_fitted(one, curve) for one in observables] for curve in panel.curves]

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, min(len(panel.curves), _ACROSS), squeeze=False)
        axes = list(grid.flat)
        for one, curve, own in zip(axes, panel.curves, fits, strict=False):
            _paint(one, panel.target, curve, [line for _, line in own if line is not None])
            words = "\n".join(result_in_words(name, line) for name, line in own)
            # Densities fall from the upper left to the lower right: the other corner is free, with a little room more.
            low, high = one.get_ylim()
            one.set_ylim(low, high + _HEADROOM * (high - low))
            one.text(0.99, 0.98, words, transform=one.transAxes, ha="right", va="top", fontsize=7)
            one.set(title=legend_label(curve.label), xlabel="T (K)")
        for row in grid:
            row[0].set_ylabel(label)
        for unused in axes[len(panel.curves) :]:
            unused.remove()
        legend_below(figure, axes[: len(panel.curves)])

    said = "; ".join(
        f"{curve.label}: {', '.join(result_in_words(name, line) for name, line in own)}"
        for curve, own in zip(panel.curves, fits, strict=True)
    )
    return draw(paint, rows * _HEIGHT, f"{label} against T with the fits of the glass transition. {said}")


def _fitted(observable: Transition, curve: Curve) -> tuple[str, TransitionLine | None]:
    name = "Tg by lines" if isinstance(observable, GlassTransitionLines) else "Tg by hyperbola"
    try:
        return name, transition_line(observable, "", curve)
    except EstimateError:
        return name, None


def _paint(axes: Axes, target: Curve | None, curve: Curve, lines: Sequence[TransitionLine]) -> None:
    if target is not None:
        look = line_of(target.look, linestyle="none", markersize=3, capsize=0, elinewidth=0.6)
        axes.errorbar(target.x, target.y, target.error, label=target.label, zorder=2, alpha=0.6, **look)
    look = line_of(curve.look, linestyle="none", markersize=3.6, capsize=1.6, elinewidth=0.8)
    axes.errorbar(curve.x, curve.y, curve.error, zorder=3, **look)
    for line in lines:
        paint_transition(axes, line)
        if line.crossing is not None:
            axes.errorbar(
                *line.crossing, xerr=line.stderr, color=curve.look.colour, capsize=2.5, elinewidth=1.2, zorder=8
            )
