"""Calibrated parameters as functions of the state, with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.special import ndtri

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Envelope
from beadsmith.problem.functions import Function
from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.report.figures.grid import panels, rows_of_panels
from beadsmith.report.figures.style import Picture, draw, legend_below
from beadsmith.report.labels import pretty_unit, shortened, variable_unit, with_unit
from beadsmith.report.looks import CALIBRATED, PUBLISHED, SIMPLIFIED, Look
from beadsmith.report.stages import Stages
from beadsmith.units import UNIT_OF_KIND

Array = NDArray[np.float64]

_HEIGHT = 1.55
_POINTS = 81
#: Half a 95 % interval of a normal density, in standard deviations.
_WIDE = float(ndtri(0.975))
#: A function may widen the axis by so many times its range before it is cut off.
_BEYOND = 0.25


@dataclass(frozen=True)
class FunctionPanel:
    """One parameter.

    Attributes:
        name, unit: of the parameter.
        over: the state variable along the axis; empty if there is none.
        interval: of it.
        ends: range of the parameter.
        curves: label, look and function of each model.
        envelopes: label, look and what is known.
    """

    name: str
    unit: str
    over: str
    interval: tuple[float, float]
    ends: tuple[float, float]
    curves: tuple[tuple[str, Look, Function], ...]
    envelopes: tuple[tuple[str, Look, Envelope], ...]


def functions_picture(problem: Problem, stages: Stages) -> Picture | None:
    """One panel for each parameter; None without a calibration."""
    own = function_panels(problem, stages)
    if not own:
        return None
    groups = dict.fromkeys(_group(panel) for panel in own)
    rows = rows_of_panels({" ".join(group): [one for one in own if _group(one) == group] for group in groups})

    def paint(figure: Figure) -> None:
        drawn = panels(figure, rows)
        for axes, panel in drawn:
            _paint(axes, panel)
        legend_below(figure, [axes for axes, _ in drawn])

    caption = "Lines: functions as they were fitted. Grey areas: outside the range of the parameter."
    if any(panel.envelopes for panel in own):
        caption += (
            " Bands and dotted lines: how far they are known, those of the simplified ones given their simpler forms; "
            "dotted lines that are out of sight lie beyond the panel."
        )
    names = ", ".join(panel.name for panel in own)
    return draw(paint, _HEIGHT * len(rows), f"Parameters as functions of the state: {names}", caption)


def function_panels(problem: Problem, stages: Stages) -> list[FunctionPanel]:
    """What to draw, in the order of the problem."""
    models = [
        (f"{title}, {one.free_parameters} numbers", look, one)
        for title, look, one in (
            ("calibrated", CALIBRATED, stages.calibration),
            ("simplified", SIMPLIFIED, stages.simplified),
        )
        if one is not None
    ]
    if not models:
        return []
    first = models[0][2]
    envelopes = (
        ("published likelihood, mean ± 1.96 deviations", PUBLISHED, stages.published),
        ("posterior", CALIBRATED, stages.posterior),
        ("posterior of the simplified", SIMPLIFIED, stages.posterior_simplified),
    )
    places = {parameter.name: place for place, parameter in enumerate(problem.parameters.free)}
    names = sorted(first.family.parameters, key=lambda name: places.get(name, len(places)))
    return [_panel(problem, name, first, models, envelopes) for name in names]


def _group(panel: FunctionPanel) -> tuple[str, str]:
    """What stands together: all ``pair`` ``sigma``, for example."""
    section, _, rest = panel.name.partition(".")
    return section, rest.rpartition(".")[2]


def _panel(
    problem: Problem,
    name: str,
    first: Calibration,
    models: Sequence[tuple[str, Look, Calibration]],
    envelopes: Sequence[tuple[str, Look, Mapping[str, Envelope]]],
) -> FunctionPanel:
    family = first.family
    over = family.forms[name].over or next(iter(family.states), "")
    return FunctionPanel(
        name=name,
        unit=_unit(problem, name),
        over=over,
        interval=family.states.get(over, (0.0, 1.0)),
        ends=family.ranges[name],
        curves=tuple((label, look, one.functions[name]) for label, look, one in models if name in one.functions),
        envelopes=tuple((label, look, found[name]) for label, look, found in envelopes if name in found),
    )


def _unit(problem: Problem, name: str) -> str:
    kind = problem.parameters.kinds.get(name)
    return "" if kind is None else pretty_unit(UNIT_OF_KIND[kind])


def _paint(axes: Axes, panel: FunctionPanel) -> None:
    low, high = panel.ends
    points = np.linspace(*panel.interval, _POINTS)
    for label, look, envelope in panel.envelopes:
        _paint_envelope(axes, label, look, envelope, panel.interval)
    seen = [low, high]
    for place, (label, look, function) in enumerate(panel.curves):
        values = np.array([function(State.of({panel.over: point})) for point in points])
        axes.plot(points, values, color=look.colour, linestyle=look.line, linewidth=1.6, label=label, zorder=5 + place)
        seen += [float(values.min()), float(values.max())]
    span = high - low
    bottom = max(min(seen), low - _BEYOND * span) - 0.08 * span
    top = min(max(seen), high + _BEYOND * span) + 0.08 * span
    for begin, end in ((bottom, low), (high, top)):
        axes.axhspan(begin, end, color="#ececec", linewidth=0, zorder=0.5)
    axes.set(ylim=(bottom, top), xlim=panel.interval)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.set_title(shortened(panel.name, 26), fontsize=7.4)
    axes.set_ylabel(panel.unit, fontsize=7.0)
    axes.set_xlabel(with_unit(panel.over, variable_unit(panel.over)), fontsize=7.0, labelpad=1.0)
    axes.tick_params(labelsize=6.6)
    if not panel.over:
        axes.set_xticks([])


def _paint_envelope(axes: Axes, label: str, look: Look, envelope: Envelope, interval: tuple[float, float]) -> None:
    # A function that has no state to depend on has one point.
    alone = len(envelope.points) < 2
    points = np.array(interval if alone else envelope.points)

    def along(values: Sequence[float]) -> Array:
        return np.repeat(values, 2) if alone else np.array(values)

    if look == PUBLISHED:
        # Two moments are what was published, and all that a few effective samples can give.
        mean, deviation = along(envelope.mean), along(envelope.stderr)
        for sign, name in ((-1.0, label), (1.0, "_the other edge")):
            edge = mean + sign * _WIDE * deviation
            axes.plot(points, edge, color=look.colour, linestyle=look.line, linewidth=1.2, zorder=4, label=name)
        return
    for low, high, strength, share in ((0.025, 0.975, 0.16, "95 %"), (0.16, 0.84, 0.26, "68 %")):
        ends = along(envelope.quantiles[low]), along(envelope.quantiles[high])
        look_of_band: dict[str, Any] = {"color": look.colour, "alpha": strength, "linewidth": 0.0}
        axes.fill_between(points, *ends, zorder=2, label=f"{label}, {share}", **look_of_band)
