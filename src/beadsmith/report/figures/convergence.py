"""How the search went: every misfit, the best so far, and where the models measured afterwards lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from beadsmith.problem.records import Evaluation
from beadsmith.report.figures.style import Picture, draw, legend_below, legend_label, logarithmic
from beadsmith.report.findings import Number, Subject
from beadsmith.report.formatting import written
from beadsmith.report.looks import Look, look_of

Array = NDArray[np.float64]

#: A range wider than this factor is shown on a logarithmic axis.
LOGARITHMIC = 20.0
#: More points than this are drawn as an image inside the figure, which would be megabytes otherwise.
MOST_VECTORS = 3000

_HEIGHT = 3.2


@dataclass(frozen=True)
class Course:
    """One search as a sequence, shape (evaluations,) each.

    Attributes:
        misfit: NaN where an evaluation failed.
        best: smallest misfit so far; NaN before the first.
        hours: core-hours spent up to and including each evaluation.
    """

    misfit: Array
    best: Array
    hours: Array


def course_of(evaluations: Sequence[Evaluation]) -> Course:
    """The course of a search from its evaluations in order."""
    misfit = np.array([_finite(one.misfit) for one in evaluations], dtype=np.float64)
    best = np.fmin.accumulate(misfit) if len(misfit) else misfit
    hours = np.cumsum([one.core_seconds for one in evaluations]) / 3600.0
    return Course(misfit, best, np.asarray(hours, dtype=np.float64))


def convergence_picture(
    evaluations: Sequence[Evaluation], models: Sequence[Subject], repeats: Sequence[Sequence[Evaluation]] = ()
) -> Picture:
    """Misfit against number of evaluations, and against core-hours.

    Args:
        evaluations: of the search.
        models: whose misfits are drawn as bands; those measured once are left out.
        repeats: evaluations of other searches of the same kind; their best so far and this one's make the band.
    """
    course = course_of(evaluations)
    others = [course_of(one) for one in repeats if len(one)]
    numbers = np.arange(len(evaluations), dtype=np.float64)

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        all_by_number = [(np.arange(len(one.best), dtype=np.float64), one.best) for one in (course, *others)]
        all_by_hours = [(one.hours, one.best) for one in (course, *others)]
        for axes, x, everyone in ((left, numbers, all_by_number), (right, course.hours, all_by_hours)):
            if others:
                _paint_band(axes, everyone)
            _paint_course(axes, x, course)
            _paint_models(axes, models)
        scale_of(left, _values(course, models, others))
        left.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, steps=[1, 2, 5, 10]))
        right.xaxis.set_major_locator(MaxNLocator(nbins=5))
        left.set(xlabel="evaluation", ylabel="misfit", title="By evaluations")
        right.set(xlabel="core-hours of the search", title="By cost")
        right.set_xlim(left=0)
        _paint_failures(left, numbers, course)
        _paint_failures(right, course.hours, course)
        legend_below(figure, (left, right))

    return draw(paint, _HEIGHT, "Misfit of each evaluation and best so far, against evaluation number and core-hours")


def band_over_repeats(curves: Sequence[tuple[Array, Array]]) -> tuple[Array, Array, Array, Array]:
    """Median, smallest and largest of several staircases, where all of them have a value.

    Args:
        curves: x in ascending order and y, each shape (points,), y NaN before the first value.

    Returns: x, median, smallest, largest, shape (points,) each; empty if the curves do not overlap.
    """
    known = [(x[np.isfinite(y)], y[np.isfinite(y)]) for x, y in curves]
    if any(len(x) == 0 for x, _ in known):
        return (np.array([]),) * 4
    first, last = max(x[0] for x, _ in known), min(x[-1] for x, _ in known)
    everywhere = np.unique(np.concatenate([x for x, _ in known]))
    grid = everywhere[(everywhere >= first) & (everywhere <= last)]
    stairs = np.array([y[np.searchsorted(x, grid, side="right") - 1] for x, y in known])
    if not len(grid):
        return (np.array([]),) * 4
    return grid, np.median(stairs, axis=0), stairs.min(axis=0), stairs.max(axis=0)


def scale_of(axes: Axes, values: Array) -> None:
    """A logarithmic vertical axis where the values ask for it; room at the top for the marks of failures."""
    known = values[np.isfinite(values)]
    if not len(known):
        axes.set_ylim(0, 1)
        return
    low, high = float(known.min()), float(known.max())
    if low > 0 and high > LOGARITHMIC * low:
        decades = math.log10(high / low)
        axes.set_ylim(low * 10 ** (-0.06 * decades), high * 10 ** (0.12 * decades))
        logarithmic(axes)
    else:
        span = (high - low) or abs(high) or 1.0
        axes.set_ylim(min(low - 0.06 * span, 0.0 if low >= 0 else low), high + 0.12 * span)


def _paint_course(axes: Axes, x: Array, course: Course) -> None:
    crowded = len(x) > MOST_VECTORS
    axes.plot(
        x,
        course.misfit,
        "o",
        color="#6f6f6f",
        zorder=3,
        markersize=2.6,
        markeredgewidth=0,
        label="each evaluation",
        rasterized=crowded,
    )
    axes.step(x, course.best, where="post", color="#000000", linewidth=1.6, label="best so far")


def _paint_failures(axes: Axes, x: Array, course: Course) -> None:
    failed = x[~np.isfinite(course.misfit)]
    if len(failed):
        place = axes.get_xaxis_transform()
        axes.plot(
            failed,
            np.full(len(failed), 0.975),
            "x",
            color="#C44E00",
            markersize=4.5,
            transform=place,
            label=f"failed ({len(failed)})",
        )


def _paint_models(axes: Axes, models: Sequence[Subject]) -> None:
    for model in models:
        if model.misfit is not None and math.isfinite(model.misfit.stderr):
            _paint_level(axes, model.label, model.misfit, look_of(model))


def _paint_level(axes: Axes, name: str, misfit: Number, look: Look) -> None:
    low, high = misfit.value - misfit.stderr, misfit.value + misfit.stderr
    axes.axhspan(low, high, color=look.colour, alpha=0.22, linewidth=0)
    label = f"{legend_label(name)}: {written(misfit.value, misfit.stderr).text}"
    axes.axhline(misfit.value, color=look.colour, linestyle=look.line, linewidth=1.2, label=label)


def _paint_band(axes: Axes, curves: Sequence[tuple[Array, Array]]) -> None:
    x, median, low, high = band_over_repeats(curves)
    if len(x):
        name = f"{len(curves)} searches"
        axes.fill_between(
            x, low, high, step="post", color="#d5d5d5", linewidth=0, label=f"best so far, range of {name}"
        )
        axes.step(
            x, median, where="post", color="#555555", linestyle=(0, (4.0, 2.0)), label=f"best so far, median of {name}"
        )


def _values(course: Course, models: Sequence[Subject], others: Sequence[Course]) -> Array:
    levels = [model.misfit.value for model in models if model.misfit is not None]
    return np.concatenate([course.misfit, *(one.best for one in others), np.array(levels, dtype=np.float64)])


def _finite(misfit: float | None) -> float:
    return math.nan if misfit is None or not math.isfinite(misfit) else misfit
