"""The course of a cure, and the strands at its end, beside the ideal random network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from beadsmith.report.figures.style import Picture, draw, legend_below, logarithmic
from beadsmith.report.formatting import count, number
from beadsmith.report.looks import RESULT, TARGET
from beadsmith.report.networks import GrownNetwork, Theory, theory_of

#: Lines of groups, from no bond to the most: pale to dark, with line styles that differ in grey, too.
_GROUPS = (
    ("#9a9a9a", "-"),
    ("#E69F00", (0, (5.0, 1.6))),
    ("#00805C", (0, (1.2, 1.2))),
    ("#7b3294", (0, (6, 1.5, 1, 1.5))),
)
_STAGE = "#b07a00"
#: Strands longer than this share of all are in the last bar.
_LONGEST = 0.99


def course_picture(networks: Sequence[GrownNetwork]) -> Picture:
    """Degree against cycle, gel against degree, masses of the other pieces, and functional groups.

    Args:
        networks: one or more, each with a bond at least.
    """
    theory = theory_of(networks[0].examined.cured.network.sites)

    def paint(figure: Figure) -> None:
        figure.set_figheight(5.2)
        (cycles, gel), (masses, groups) = figure.subplots(2, 2)
        _paint_cycles(cycles, networks)
        _paint_gel(gel, networks, theory)
        _paint_masses(masses, networks, theory)
        _paint_groups(groups, networks)
        legend_below(figure, [cycles, gel, masses, groups])

    point = "no gel point" if theory.gel_point is None else f"gel point at DC = {number(theory.gel_point, 3)}"
    text = f"Course of the cure of {count(len(networks), 'network')}, beside the ideal random network ({point})"
    caption = (
        "Each network is a line of its own. The ideal network: all sites of a type alike, no rings, all bonds at "
        "proportional rates, infinitely large; in a small box the transition is rounded. Full circles: the largest "
        "piece percolates, so it is a gel; open ones: it does not, where the system was kept."
    )
    return draw(paint, 5.2, text, caption)


def strands_picture(networks: Sequence[GrownNetwork]) -> Picture:
    """How long the strands of the backbone are at the end, all networks together."""
    lengths = [one.examined.analysis.backbone.lengths for one in networks]
    every = np.concatenate(lengths)
    last = max(int(np.quantile(every, _LONGEST)), 2)
    places = np.arange(1, last + 1)
    counts = np.array([np.bincount(np.minimum(one, last), minlength=last + 1)[1:] for one in lengths])

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        error = counts.std(axis=0, ddof=1) / np.sqrt(len(counts)) if len(counts) > 1 else None
        axes.bar(places, counts.mean(axis=0), 0.8, color=RESULT.colour, alpha=0.75, yerr=error, capsize=2)
        axes.set(xlabel="bonds of a strand", ylabel="strands of a network", xlim=(0.3, last + 0.7))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=16))
        axes.grid(visible=False, axis="x")

    bars = " Error bars: standard error of the mean over networks." if len(networks) > 1 else ""
    beyond = f" The last bar counts all longer ones, too, up to {int(every.max())}." if every.max() > last else ""
    caption = f"Strands are chains between junctions of the backbone, the part that can bear stress.{beyond}{bars}"
    return draw(paint, 2.0, f"Distribution of the lengths of {len(every)} strands", caption)


def _paint_cycles(axes: Axes, networks: Sequence[GrownNetwork]) -> None:
    for place, one in enumerate(networks):
        cycles = one.examined.cured.cycles
        label = "networks" if len(networks) > 1 else "network"
        axes.plot(
            [cycle.number for cycle in cycles],
            [cycle.degree for cycle in cycles],
            color=RESULT.colour,
            drawstyle="steps-post",
            linewidth=1.1,
            label="" if place else label,
        )
        ends = one.examined.cured.progress.transitions
        axes.plot(
            [end.cycle for end in ends],
            [end.degree for end in ends],
            "D",
            color=_STAGE,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label="" if place or not ends else "a stage ends",
            zorder=5,
        )
        if len(networks) == 1:
            for end in ends:
                axes.annotate(
                    f"stage {end.stage + 1} ends:\n{end.reason.name.lower()}",
                    (end.cycle, end.degree),
                    xytext=(5, -14),
                    textcoords="offset points",
                    fontsize=6.8,
                    color="#6b4a00",
                )
    axes.set(title="Degree of crosslinking", xlabel="cycle", ylabel="DC", ylim=(0.0, 1.02))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _paint_gel(axes: Axes, networks: Sequence[GrownNetwork], theory: Theory) -> None:
    _paint_gel_point(axes, theory)
    axes.plot(theory.degrees, theory.gel, color=TARGET.colour, linewidth=1.1, label="ideal network")
    for one in networks:
        course = one.course
        axes.plot(course.degrees, course.largest, color=RESULT.colour, linewidth=1.1)
        for spans in (False, True):
            degrees = [degree for degree, directions in one.spanning.items() if bool(directions) == spans]
            axes.plot(
                degrees,
                np.interp(degrees, course.degrees, course.largest),
                "o",
                color=RESULT.colour,
                markersize=3.8,
                markerfacecolor=RESULT.colour if spans else "white",
            )
    axes.set(title="Largest piece", xlabel="DC", ylabel="mass fraction", xlim=(0.0, 1.0), ylim=(0.0, 1.03))


def _paint_masses(axes: Axes, networks: Sequence[GrownNetwork], theory: Theory) -> None:
    _paint_gel_point(axes, theory)
    finite = np.where(np.isfinite(theory.finite), theory.finite, np.nan) / 1000.0
    highest = max(float(np.nanmax(one.course.reduced, initial=0.0)) for one in networks) / 1000.0
    for one in networks:
        axes.plot(one.course.degrees, one.course.reduced / 1000.0, color=RESULT.colour, linewidth=1.1)
    shown = np.where(finite <= 4.0 * (highest or 1.0), finite, np.nan)
    axes.plot(theory.degrees, shown, color=TARGET.colour, linewidth=1.1)
    logarithmic(axes)
    axes.set(title="All other pieces", xlabel="DC", ylabel="weight-average mass (kg/mol)", xlim=(0.0, 1.0))


def _paint_groups(axes: Axes, networks: Sequence[GrownNetwork]) -> None:
    names = list(networks[0].course.groups)
    # Of most interest is the type with most states; one that reacts once says no more than the degree.
    name = max(names, key=lambda one: networks[0].course.groups[one].shape[1])
    for place, one in enumerate(networks):
        shares = one.course.groups[name]
        for bonds in range(shares.shape[1]):
            colour, line = _GROUPS[bonds % len(_GROUPS)]
            label = "" if place else f"{name} with {count(bonds, 'crosslink')}"
            axes.plot(one.course.degrees, shares[:, bonds], color=colour, linestyle=line, label=label)
    axes.set(title=f"Functional groups {name}", xlabel="DC", ylabel="share of sites", xlim=(0, 1), ylim=(0, 1.02))


def _paint_gel_point(axes: Axes, theory: Theory) -> None:
    if theory.gel_point is not None:
        look = {"color": "#555555", "linestyle": (0, (4.0, 2.0)), "linewidth": 0.9}
        axes.axvline(theory.gel_point, label="gel point of the ideal network", **look)  # type: ignore[arg-type]
