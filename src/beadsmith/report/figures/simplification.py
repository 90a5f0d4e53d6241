"""Accuracy against the number of numbers: the whole path, with its knee."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.report.figures.style import Picture, draw, legend_below, logarithmic
from beadsmith.report.looks import CALIBRATED, PUBLISHED, SIMPLIFIED, TARGET
from beadsmith.report.stages import SimplificationPath

Array = NDArray[np.float64]

#: How criteria are called.
CRITERIA = {
    "bic": "Bayesian information criterion",
    "aicc": "Akaike's information criterion, corrected",
    "cross_validated": "−2 log predictive density, cross-validated",
}
_HEIGHT = 2.7
#: Values that spread over more than this factor are drawn on a logarithmic axis.
_WIDE = 8.0


def path_picture(path: SimplificationPath, by_rule: Calibration | None = None) -> Picture:
    """Mean error and score of every place on the path, and what the published rule gives."""
    steps = path.candidates
    numbers = np.array([one.numbers for one in steps], dtype=np.float64)
    title = CRITERIA.get(path.criterion, path.criterion)

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        _paint(left, path, numbers, np.array([one.mean_rmspe for one in steps]), "mean RMSPE (%)")
        _paint(right, path, numbers, np.array([one.score for one in steps]), title)
        if by_rule is not None:
            numbers_and_error = by_rule.free_parameters, by_rule.mean_rmspe
            left.plot(*numbers_and_error, "s", color=PUBLISHED.colour, markersize=6, zorder=4, label="published rule")
        legend_below(figure, [left, right])

    best, knee = steps[path.best], steps[path.knee]
    return draw(
        paint,
        _HEIGHT,
        f"Mean percentage error and {title} against the number of fitted numbers",
        "From right to left, one function at a time becomes simpler and all are fitted again. The knee, "
        f"{knee.numbers} numbers, is where the logarithm of the objective lies furthest below the straight line "
        f"between the ends of the path; the score is lowest at {best.numbers}.",
    )


def _paint(axes: Axes, path: SimplificationPath, numbers: Array, values: Array, title: str) -> None:
    axes.plot(numbers, values, "o-", color=CALIBRATED.colour, markersize=3.6, linewidth=1.2, label="path")
    marks = (
        (path.knee, "D", 7.5, "white", SIMPLIFIED.colour, "knee"),
        (path.best, "*", 11.0, SIMPLIFIED.colour, "white", "lowest score"),
    )
    for place, marker, size, face, edge, label in marks:
        style: dict[str, Any] = {
            "markerfacecolor": face,
            "markeredgecolor": edge,
            "markersize": size,
            "linestyle": "none",
        }
        width = 1.4 if face == "white" else 0.6
        axes.plot(numbers[place], values[place], marker, markeredgewidth=width, zorder=5, label=label, **style)
    axes.axvline(numbers[path.knee], color=TARGET.colour, linewidth=0.6, linestyle=(0, (1.0, 2.0)), zorder=1)
    known = values[np.isfinite(values)]
    if len(known) and known.min() > 0 and known.max() > _WIDE * known.min():
        logarithmic(axes)
    elif len(known) and known.min() > 0:
        axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.set(xlabel="numbers fitted", ylabel=title)
