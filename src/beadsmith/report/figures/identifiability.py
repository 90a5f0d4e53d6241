"""How many numbers the targets hold, of which parameters, and which target holds which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from beadsmith.calibrate.identifiability import Estimates, Goal, Identifiability
from beadsmith.report.figures.style import Picture, draw, legend_beside, logarithmic
from beadsmith.report.labels import observable_label, shortened, state_label
from beadsmith.report.looks import RESULT, TARGET

Array = NDArray[np.float64]

#: More directions than this are not drawn: the noise of hundreds looks like that of two dozen.
MOST_DIRECTIONS = 24
#: More parameters than this are not drawn one by one: the best known ones are.
MOST_PARAMETERS = 60
#: With more targets than this, only whole observables are drawn.
MOST_TARGETS = 60
#: Eigenvalues below this part of what the prior knows say nothing, and are not drawn.
LEAST_INFORMATION = 1e-2

_BAR, _LINE = 0.125, 0.14


def spectrum_picture(answer: Identifiability) -> Picture:
    """Information of each direction, with and without the noise of the derivatives, and of noise alone."""
    shown = min(len(answer.raw), MOST_DIRECTIONS)
    numbers = np.arange(1, shown + 1)
    resolved = min(answer.resolved, shown)
    values, errors = answer.eigenvalues.values[:resolved], answer.eigenvalues.stderrs[:resolved]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        noise, high = (np.maximum(one[:shown], LEAST_INFORMATION) for one in (answer.noise, answer.noise_high))
        if answer.noise_high.max(initial=0.0) > LEAST_INFORMATION:
            axes.fill_between(numbers, LEAST_INFORMATION, high, color="#e3e3e3", label="noise alone, 19 of 20 times")
            axes.plot(numbers, noise, color="#9a9a9a", linewidth=1.0, label="noise alone, on average")
            raw = np.where(answer.raw[:shown] > LEAST_INFORMATION, answer.raw[:shown], np.nan)
            axes.plot(numbers, raw, "o", markersize=4, markerfacecolor="white", color="#777777", label="with the noise")
        lower = np.minimum(errors, values - np.minimum(0.999 * values, LEAST_INFORMATION))
        axes.errorbar(
            numbers[:resolved],
            values,
            np.array([lower, errors]),
            fmt="o",
            markersize=5.5,
            color=RESULT.colour,
            capsize=2.5,
            zorder=5,
            label="without the noise",
        )
        axes.axhline(1.0, color=TARGET.colour, linestyle=(0, (4.0, 2.0)), linewidth=0.9, label="as much as the prior")
        highest = max(float(answer.raw.max(initial=1.0)), float((values + errors).max(initial=1.0)))
        axes.set_ylim(LEAST_INFORMATION, 3.0 * highest)
        axes.set_xlim(0.4, shown + 0.6)
        logarithmic(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
        axes.set(xlabel="direction of parameter space", ylabel="information")
        legend_beside(figure, axes, ["without the noise", "with the noise"])

    return draw(
        paint,
        2.9,
        "Information that the targets hold along each direction of parameter space",
        "Eigenvalues of the information matrix in units of the prior's. Directions far above 1 are known, far below 1 "
        "free. What is noise of the derivatives is judged observable by observable, so a direction that a precise one "
        "shows may stand below the noise of all of them together.",
    )


def parameters_picture(answer: Identifiability) -> Picture:
    """Standard deviation of every parameter after over before, the best known ones first."""
    order = np.argsort(-answer.reductions.values, kind="stable")[:MOST_PARAMETERS]
    widths = answer.widths[order]
    # Of sqrt(1 - r), to first order in the error of r.
    errors = 0.5 * answer.reductions.stderrs[order] / np.maximum(widths, 1e-9)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        places = np.arange(len(order))
        axes.barh(places, np.ones(len(order)), 0.76, color="#ececec")
        axes.barh(places, widths, 0.76, color=RESULT.colour, alpha=0.75)
        ends = np.array([np.minimum(errors, widths), np.minimum(errors, np.maximum(1.0 - widths, 0.0))])
        axes.errorbar(widths, places, xerr=ends, fmt="none", ecolor="#222222", elinewidth=0.9, capsize=1.6)
        axes.set_yticks(places, [shortened(answer.parameters[place]) for place in order], fontsize=6.6)
        axes.set(xlim=(0.0, 1.0), ylim=(len(order) - 0.4, -0.6), xlabel="standard deviation, now over before")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")

    return draw(
        paint,
        0.7 + _BAR * len(order),
        "Posterior over prior standard deviation of each parameter",
        "Shorter bars are better known. A parameter by itself may be free although a combination of several is known "
        "exactly: the sloppy directions below say which.",
    )


def sources_picture(answer: Identifiability) -> Picture:
    """Which target tells of which parameter: what each alone would take of the prior variance."""
    order = np.argsort(-answer.reductions.values, kind="stable")[:MOST_PARAMETERS]
    columns = np.sort(order)
    labels, shares, numbers, title = _rows(answer)
    many = len(answer.targets) > MOST_TARGETS
    observables = [] if many else [goal.observable for goal in answer.targets]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(6.0, 1.0))
        image = left.imshow(shares[:, columns], aspect="auto", cmap="Blues", vmin=0.0, interpolation="nearest")
        left.set_yticks(range(len(labels)), labels, fontsize=6.4)
        left.set_xticks(
            range(len(columns)), [shortened(answer.parameters[place]) for place in columns], fontsize=5.6, rotation=90
        )
        left.grid(visible=False)
        left.tick_params(length=0)
        _separate(left, observables)
        right.barh(range(len(labels)), numbers.values, 0.7, color=RESULT.colour, alpha=0.75)
        bars = np.array([np.minimum(numbers.stderrs, numbers.values), numbers.stderrs])
        right.errorbar(numbers.values, range(len(labels)), xerr=bars, fmt="none", ecolor="#222222", elinewidth=0.7)
        right.set(xlim=(0.0, None), xlabel=title)
        right.tick_params(axis="y", length=0)
        right.grid(visible=False, axis="y")
        figure.colorbar(image, ax=left, location="top", shrink=0.5, aspect=40, label="share of the prior variance gone")

    return draw(
        paint,
        2.3 + _LINE * len(labels),
        "Share of each parameter's prior variance that each target alone would take away, and each target's leverage",
        "Leverages sum to the effective number of parameters: a target near 0 repeats what others say, or says little.",
    )


def _rows(answer: Identifiability) -> tuple[list[str], Array, Estimates, str]:
    """Labels, shares, and numbers of the rows: targets, or whole observables if there are many targets."""
    if len(answer.targets) > MOST_TARGETS:
        lost = [share.lost for share in answer.shares]
        numbers = Estimates(np.array([one.value for one in lost]), np.array([one.stderr for one in lost]))
        labels = [observable_label(share.observable) for share in answer.shares]
        return labels, np.array([share.reductions_alone.values for share in answer.shares]), numbers, "lost without"
    squares = np.square(answer.information.jacobian)
    shares = squares / (1.0 + squares.sum(axis=1, keepdims=True))
    return [_label(goal) for goal in answer.targets], shares, answer.leverages, "leverage"


def _label(goal: Goal) -> str:
    where = state_label(goal.state)
    return shortened(f"{observable_label(goal.observable)}, {where}" if where else observable_label(goal.observable))


def _separate(axes: Axes, observables: Sequence[str]) -> None:
    """Lines between observables."""
    for place in range(1, len(observables)):
        if observables[place] != observables[place - 1]:
            axes.axhline(place - 0.5, color="#444444", linewidth=0.7)
