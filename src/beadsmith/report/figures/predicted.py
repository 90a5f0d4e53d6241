"""Properties against the state: what they should be, what is predicted of the calibrated model, what it gives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.special import ndtri

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.report.figures.family import varying
from beadsmith.report.figures.grid import panels, rows_of_panels
from beadsmith.report.figures.style import Picture, draw, legend_below, line_of
from beadsmith.report.labels import observable_label, observable_unit, state_label, variable_unit, with_unit
from beadsmith.report.looks import CALIBRATED, SIMPLIFIED, SIMULATED, TARGET, Look
from beadsmith.report.stages import Stages

Array = NDArray[np.float64]

_HEIGHT = 2.0
#: Half a 95 % interval in standard deviations.
_WIDE = float(ndtri(0.975))


@dataclass(frozen=True)
class Points:
    """Values of one property along a state variable.

    Attributes:
        x, y, error: shape (points,), ascending in x; one standard error, 0 where it is not known.
    """

    label: str
    look: Look
    x: Array
    y: Array
    error: Array


@dataclass(frozen=True)
class PropertyPanel:
    """One observable of one system, along one state variable.

    Attributes:
        variable: along the axis; empty if nothing varies.
        rest: the other state variables.
        reference: what it should be.
        predictions: of models, by the surrogates.
        simulated: None if nothing was.
    """

    system: str
    observable: str
    variable: str
    rest: State
    reference: Points
    predictions: tuple[Points, ...]
    simulated: Points | None


def properties_picture(problem: Problem, stages: Stages) -> Picture | None:
    """All panels in one picture, those of one system together; None if nothing was predicted or simulated."""
    own = property_panels(stages)
    if not own:
        return None
    systems = dict.fromkeys(panel.system for panel in own)
    rows = rows_of_panels({system: [panel for panel in own if panel.system == system] for system in systems})

    def paint(figure: Figure) -> None:
        drawn = panels(figure, rows)
        for axes, panel in drawn:
            _paint(axes, problem, panel)
        legend_below(figure, [axes for axes, _ in drawn])

    names = ", ".join(dict.fromkeys(observable_label(panel.observable) for panel in own))
    return draw(
        paint,
        _HEIGHT * len(rows),
        f"Reference, prediction and simulation against the state: {names}",
        "Bars: one standard error. Bands: 95 % intervals of what the surrogates predict.",
    )


def property_panels(stages: Stages) -> list[PropertyPanel]:
    """What to draw: every observable that has targets, in the order of the calibration."""
    entries = _entries(stages)
    found = []
    for system, observable in dict.fromkeys((one.system, one.observable) for one in entries):
        here = [one for one in entries if (one.system, one.observable) == (system, observable)]
        variable = varying(one.state for one in here) or next(iter(here[0].state), "")
        for rest in sorted({one.state.without(variable) for one in here}):
            found.append(
                _panel(system, observable, variable, rest, [e for e in here if e.state.without(variable) == rest])
            )
    return found


@dataclass(frozen=True)
class _Entry:
    """One number of one model, or of the reference."""

    system: str
    observable: str
    state: State
    label: str
    look: Look
    value: float
    stderr: float


_REFERENCE, _SIMULATION = "reference", "simulation"


def _entries(stages: Stages) -> list[_Entry]:
    found = []
    for title, look, one in (
        ("calibrated", CALIBRATED, stages.calibration),
        ("simplified", SIMPLIFIED, stages.simplified),
    ):
        if one is not None:
            found += _predicted(one, f"prediction, {title}", look)
    for one in () if stages.validation is None else stages.validation["comparisons"]:
        names = one["system"], one["observable"], State.of(one["state"])
        found.append(_Entry(*names, _SIMULATION, SIMULATED, one["value"], one["stderr"]))
        if one["target"] is not None:
            found.append(_Entry(*names, _REFERENCE, TARGET, one["target"], one["target_stderr"]))
    return found


def _predicted(calibration: Calibration, label: str, look: Look) -> list[_Entry]:
    found = []
    for one in calibration.predictions:
        names = one.system, one.observable, one.state
        found.append(_Entry(*names, label, look, one.value, one.stderr))
        found.append(_Entry(*names, _REFERENCE, TARGET, one.target, one.target_stderr))
    return found


def _panel(system: str, observable: str, variable: str, rest: State, own: Sequence[_Entry]) -> PropertyPanel:
    labels = dict.fromkeys((one.label, one.look) for one in own)
    curves = {
        label: _points(label, look, variable, [one for one in own if one.label == label]) for label, look in labels
    }
    reference = curves.pop(_REFERENCE, _points(_REFERENCE, TARGET, variable, ()))
    simulated = curves.pop(_SIMULATION, None)
    return PropertyPanel(system, observable, variable, rest, reference, tuple(curves.values()), simulated)


def _points(label: str, look: Look, variable: str, entries: Iterable[_Entry]) -> Points:
    # Models before and after simplification repeat the same target.
    table = {
        (one.state[variable] if variable else 0.0, one.value): one.stderr if math.isfinite(one.stderr) else 0.0
        for one in entries
    }
    x, y, error = np.array(sorted((x, y, error) for (x, y), error in table.items())).reshape(-1, 3).T
    return Points(label, look, x, y, error)


def _paint(axes: Axes, problem: Problem, panel: PropertyPanel) -> None:
    for place, one in enumerate(panel.predictions):
        reach = _WIDE * one.error
        axes.fill_between(one.x, one.y - reach, one.y + reach, color=one.look.colour, alpha=0.2, linewidth=0, zorder=2)
        lonely = {"marker": "_", "markersize": 12} if len(one.x) == 1 else {}
        style: dict[str, Any] = {"color": one.look.colour, "linestyle": one.look.line, "linewidth": 1.4, **lonely}
        axes.plot(one.x, one.y, zorder=9 + place, label=one.label, **style)
    bars = {"elinewidth": 0.8, "capsize": 1.6, "linestyle": "none", "markersize": 2.9, "markeredgewidth": 0.7}
    one = panel.reference
    if len(one.x):
        axes.errorbar(one.x, one.y, one.error, label=one.label, zorder=3, **line_of(one.look, **bars))
    if panel.simulated is not None:
        one = panel.simulated
        axes.errorbar(one.x, one.y, one.error, label=one.label, zorder=8, **line_of(one.look, **bars))
    name, unit = observable_label(panel.observable), observable_unit(problem, panel.observable)
    where = state_label(panel.rest)
    axes.set_title(f"{name}\n{where}" if where else name, fontsize=7.6)
    axes.set_ylabel(unit, fontsize=7.2)
    axes.set_xlabel(with_unit(panel.variable, variable_unit(panel.variable)), fontsize=7.2, labelpad=1.0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(labelsize=6.8)
    if not panel.variable:
        axes.set_xticks([])
