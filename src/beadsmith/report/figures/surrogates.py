"""What surrogates say of runs that they were not shown, beside what these gave."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from beadsmith.problem.problem import Problem
from beadsmith.report.figures.grid import panels, rows_of_panels
from beadsmith.report.figures.style import Picture, draw
from beadsmith.report.labels import observable_label, observable_unit, with_unit
from beadsmith.report.looks import colour_of_system
from beadsmith.report.renormalization_tables import quality
from beadsmith.report.stages import Document

Array = NDArray[np.float64]

_HEIGHT = 2.0
#: Thousands of points are drawn as pixels, finer than the page's.
_DOTS_PER_INCH = 170
_OUTSIDE = "#D00000"


def parity_picture(problem: Problem, fit: Document) -> Picture:
    """Predicted against measured, one panel for each observable, one or more rows for each system."""
    systems = list(fit["surrogates"])
    rows = rows_of_panels(
        {
            system: [(system, name, one) for name, one in entries.items()]
            for system, entries in fit["surrogates"].items()
        }
    )

    def paint(figure: Figure) -> None:
        figure.set_dpi(_DOTS_PER_INCH)
        for axes, (system, name, one) in panels(figure, rows):
            _paint(axes, one, colour_of_system(systems.index(system)))
            axes.set_title(observable_label(name), fontsize=7.6)
            unit = observable_unit(problem, name)
            axes.set_xlabel(with_unit("measured", unit), fontsize=7.4)
            axes.set_ylabel(with_unit("predicted", unit), fontsize=7.4)
        _explain(figure, systems)

    names = [observable_label(name) for entries in fit["surrogates"].values() for name in entries]
    return draw(
        paint,
        _HEIGHT * len(rows) + 0.2,
        f"Predicted against measured values: {', '.join(names)}",
        "Every run as its surrogate predicts it from all others, against what it gave. Bars are 95 % intervals, the "
        "noise of a run included. Red: runs outside their interval; 1 of 20 is expected there.",
    )


def _paint(axes: Axes, one: Document, colour: str) -> None:
    measured, predicted = np.array(one["values"]), np.array(one["predicted"])
    low, high = np.array(one["intervals"])
    outside = (measured < low) | (measured > high)
    # Many bars would make one blot.
    strength = float(np.clip(25.0 / len(measured), 0.06, 0.5))
    axes.vlines(measured, low, high, color=colour, alpha=strength, linewidth=0.8, rasterized=True, zorder=2)
    for chosen, own, above in ((~outside, colour, 3), (outside, _OUTSIDE, 4)):
        axes.plot(
            measured[chosen],
            predicted[chosen],
            "o",
            color=own,
            markersize=2.2 if len(measured) > 60 else 3.6,
            markeredgewidth=0,
            alpha=0.75,
            rasterized=True,
            zorder=above,
        )
    _frame(axes, np.concatenate([measured, predicted]))
    axes.text(
        0.04, 0.95, f"Q² {quality(one['q2'])}", transform=axes.transAxes, va="top", fontsize=7.2, zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )  # fmt: skip
    axes.tick_params(labelsize=6.8)


def _frame(axes: Axes, values: Array) -> None:
    """The same range on both axes, and the line on which all would lie."""
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    ends = (low - margin, high + margin)
    axes.plot(ends, ends, color="#222222", linewidth=0.8, zorder=5)
    axes.set(xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4))


def _explain(figure: Figure, systems: list[str]) -> None:
    marks = [(colour_of_system(place), f"runs of {system}") for place, system in enumerate(systems)]
    marks.append((_OUTSIDE, "outside the 95 % interval"))
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", markersize=4, label=label) for colour, label in marks
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), handlelength=1.0)
