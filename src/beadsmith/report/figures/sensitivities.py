"""What the variance of each observable comes from: bars for main and total indices, systems side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Mean
from beadsmith.report.figures.grid import ACROSS
from beadsmith.report.figures.style import Picture, draw
from beadsmith.report.labels import observable_label, shortened
from beadsmith.report.looks import colour_of_system
from beadsmith.report.stages import Document

#: More rows than this are not drawn: those with the largest shares are.
MOST_ROWS = 30

#: Inch: one bar, the space between rows, what is above and below the bars of a panel.
_BAR, _GAP, _FRAME = 0.095, 0.07, 0.62
_PALE = 0.35

#: How variables are put together, and what that is called.
WAYS = {"parameters": "one by one", "beads": "bead by bead", "kinds": "by kind"}


@dataclass(frozen=True)
class Bars:
    """Indices of one quantity.

    Attributes:
        quantity: what it is, such as ``density``; systems that measure the same are drawn together.
        by_system: names, main and total indices, each ``{value, low, high}``, by system.
    """

    quantity: str
    by_system: Mapping[str, Document]


def sensitivity_pictures(problem: Problem, sensitivity: Document) -> list[Picture]:
    """One picture for each way to put variables together."""
    return [_picture(problem, sensitivity, way) for way in WAYS]


def bars_of(problem: Problem, sensitivity: Document, way: str) -> list[Bars]:
    """One entry for each quantity, in order of first appearance.

    Args:
        way: one of :data:`WAYS`.
    """
    found: dict[str, dict[str, Document]] = {}
    for system, entries in sensitivity["sensitivity"].items():
        quantities = [quantity_of(problem, name) for name in entries]
        for (name, ways), quantity in zip(entries.items(), quantities, strict=True):
            own = quantity if quantities.count(quantity) == 1 else name
            found.setdefault(own, {})[system] = ways[way]
    return [Bars(quantity, by_system) for quantity, by_system in found.items()]


def quantity_of(problem: Problem, observable: str) -> str:
    """What an observable is whatever its system: its kind, or the column whose mean it is."""
    declared = problem.observables.get(observable)
    if declared is None:
        return observable
    return declared.column if isinstance(declared, Mean) else declared.kind


def _picture(problem: Problem, sensitivity: Document, way: str) -> Picture:
    systems = list(sensitivity["sensitivity"])
    everything = bars_of(problem, sensitivity, way)
    names, left_out = _names(problem, everything, _states(problem, sensitivity))
    lines = [everything[first : first + ACROSS] for first in range(0, len(everything), ACROSS)]
    height = _FRAME + len(names) * (len(systems) * 2 * _BAR * 0.8 + _GAP)

    def paint(figure: Figure) -> None:
        columns = max(2, min(len(everything), ACROSS))
        grid = figure.subplots(len(lines), columns, squeeze=False, sharey=True)
        for line, row in zip(lines, grid, strict=True):
            for axes, bars in zip(row, line, strict=False):
                _paint(axes, bars, names, systems)
            for unused in row[len(line) :]:
                unused.remove()
            row[0].set_yticks(range(len(names)), [shortened(name, 28) for name in names], fontsize=7.0)
        _explain(figure, systems)

    caption = f"Shares of the variance over the whole design, {WAYS[way]}. " + (
        "Strong bars: main index, what fixing it would take away; pale bars: total index, with all its interactions. "
        "Black: 95 % intervals, which hold what the surrogates do not know."
        if way == "parameters"
        else ""
    )
    if left_out:
        caption += f" The {left_out} with the smallest shares are left out."
    quantities = ", ".join(observable_label(bars.quantity) for bars in everything)
    text = f"Main and total Sobol' indices, {WAYS[way]}, of {quantities} for {', '.join(systems)}"
    return draw(paint, height * len(lines), text, caption.strip())


def _names(problem: Problem, everything: Sequence[Bars], states: Collection[str]) -> tuple[list[str], int]:
    """Rows in the order of the problem, state variables last, and how many others are left out."""
    largest: dict[str, float] = {}
    for bars in everything:
        for one in bars.by_system.values():
            for name, total in zip(one["names"], one["total"], strict=True):
                largest[name] = max(largest.get(name, 0.0), total["value"])
    kept = sorted(largest, key=lambda name: -largest[name])[:MOST_ROWS]
    places = {parameter.name: place for place, parameter in enumerate(problem.parameters.free)}
    # Groups have no place of their own: they keep the order in which they came.
    order = sorted(kept, key=lambda name: (name in states, places.get(name, 0), list(largest).index(name)))
    return order, len(largest) - len(kept)


def _states(problem: Problem, sensitivity: Document) -> set[str]:
    """Axes that are no parameters."""
    names = {
        name
        for bars in bars_of(problem, sensitivity, "parameters")
        for one in bars.by_system.values()
        for name in one["names"]
    }
    return {name for name in names if name not in problem.parameters.kinds}


def _paint(axes: Axes, bars: Bars, names: Sequence[str], systems: Sequence[str]) -> None:
    slot = 0.84 / len(systems)
    for place, system in enumerate(systems):
        one = bars.by_system.get(system)
        if one is None:
            continue
        colour = colour_of_system(place)
        rows = {name: row for row, name in enumerate(one["names"])}
        shown = [(height, rows[name]) for height, name in enumerate(names) if name in rows]
        middle = np.array([height for height, _ in shown]) - 0.42 + (place + 0.5) * slot
        for key, shift, strength in (("total", -0.25, _PALE), ("main", 0.25, 1.0)):
            table = np.array([[one[key][row][part] for part in ("value", "low", "high")] for _, row in shown])
            value, low, high = table.T
            where = middle + shift * slot
            axes.barh(where, np.maximum(value, 0.0), 0.46 * slot, color=colour, alpha=strength, linewidth=0)
            ends = np.maximum([value - low, high - value], 0.0)
            axes.errorbar(value, where, xerr=ends, fmt="none", ecolor="#111111", elinewidth=0.9)
    axes.set(xlim=(-0.03, 1.1), ylim=(len(names) - 0.45, -0.55))
    axes.set_title(observable_label(bars.quantity), fontsize=7.8)
    axes.set_xlabel("share of the variance", fontsize=7.2)
    axes.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"], fontsize=7.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for edge in range(1, len(names)):
        axes.axhline(edge - 0.5, color="#eeeeee", linewidth=0.6, zorder=0)


def _explain(figure: Figure, systems: Sequence[str]) -> None:
    handles = [
        Patch(color=colour_of_system(place), alpha=strength, linewidth=0, label=f"{system}, {word}")
        for place, system in enumerate(systems)
        for word, strength in (("main", 1.0), ("total", _PALE))
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, handlelength=1.4)
