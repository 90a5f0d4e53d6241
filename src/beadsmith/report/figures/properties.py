"""Every property against the degree of crosslinking: one small panel each, so that all are seen together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from beadsmith.problem.problem import Problem
from beadsmith.problem.state import DEGREE, State
from beadsmith.report.figures.curves import SIDESTEP, Curve, Panel, panels
from beadsmith.report.figures.style import Picture, draw, legend_below, legend_label, line_of
from beadsmith.report.findings import Subject
from beadsmith.report.labels import observable_label, observable_unit, state_label
from beadsmith.report.looks import START

#: Panels beside each other.
_ACROSS = 3
_HEIGHT = 2.05


def property_pictures(problem: Problem, start: Subject | None, models: Sequence[Subject]) -> list[Picture]:
    """One picture for each set of the other state variables."""
    found = [panel for panel in panels(problem, start, models) if panel.variable == DEGREE]
    rests = dict.fromkeys(panel.rest for panel in found)
    everything = [*models, *([start] if start is not None else [])]
    return [_picture(problem, rest, [one for one in found if one.rest == rest], everything) for rest in rests]


def _picture(problem: Problem, rest: State, own: Sequence[Panel], models: Sequence[Subject]) -> Picture:
    rows, columns = math.ceil(len(own) / _ACROSS), min(len(own), _ACROSS)
    names = [observable_label(panel.observable) for panel in own]
    places = np.concatenate([curve.x for panel in own for curve in panel.all_curves])
    low, high = float(places.min()), float(places.max())
    scatter = any(curve.scatter is not None for panel in own for curve in panel.curves)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, _ACROSS if rows > 1 else max(columns, 2), squeeze=False)
        every = list(grid.flat)
        for axes, panel, name in zip(every, own, names, strict=False):
            _paint(axes, panel)
            axes.set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
            missing = _undetermined(panel, models)
            axes.set_title(f"{name}{missing}", fontsize=7.6)
            axes.set_xlabel(DEGREE)
            axes.set_ylabel(observable_unit(problem, panel.observable))
        for unused in every[len(own) :]:
            unused.remove()
        legend_below(figure, every[: len(own)])

    where = f" at {state_label(rest)}" if rest.label else ""
    caption = f"Properties{where}. Bars are one standard error." + (
        " The pale bars behind them are the standard deviation between networks." if scatter else ""
    )
    if any(_undetermined(panel, models) for panel in own):
        caption += " An asterisk: not determined at some degrees; the table says why."
    curves = dict.fromkeys(curve.label for panel in own for curve in panel.curves)
    return draw(paint, rows * _HEIGHT, f"{', '.join(names)}{where} against {DEGREE}: {', '.join(curves)}", caption)


def _paint(axes: Axes, panel: Panel) -> None:
    span = float(np.ptp(np.concatenate([curve.x for curve in panel.all_curves])))
    if panel.target is not None:
        one = panel.target
        axes.fill_between(one.x, one.y - one.error, one.y + one.error, color="#d9d9d9", linewidth=0, zorder=1)
        look = line_of(one.look, capsize=2.0, elinewidth=0.8, linewidth=0.9, markersize=3.6)
        axes.errorbar(one.x, one.y, one.error, label=one.label, zorder=2, **look)
    for number, curve in enumerate(panel.curves):
        step = (number - (len(panel.curves) - 1) / 2) * 2 * SIDESTEP * span
        _paint_scatter(axes, curve, step)
        thin = 0.8 if curve.look == START else 1.1
        look = line_of(curve.look, capsize=2.2, elinewidth=1.1, linewidth=thin, markersize=4.0)
        axes.errorbar(curve.x + step, curve.y, curve.error, label=legend_label(curve.label), zorder=3 + number, **look)
    axes.tick_params(labelsize=7.2)


def _paint_scatter(axes: Axes, curve: Curve, step: float) -> None:
    if curve.scatter is None:
        return
    known = np.isfinite(curve.scatter)
    axes.errorbar(
        curve.x[known] + step,
        curve.y[known],
        curve.scatter[known],
        fmt="none",
        ecolor=curve.look.colour,
        elinewidth=4.5,
        alpha=0.22,
        zorder=1.5,
    )


def _undetermined(panel: Panel, models: Sequence[Subject]) -> str:
    """An asterisk if a model was asked for this and could not tell."""
    here = [
        one
        for model in models
        for one in model.observations
        if one.observable == panel.observable and one.state.without(DEGREE) == panel.rest
    ]
    return "" if all(math.isfinite(one.value) for one in here) else " *"
