"""Properties against the state variable that varies, or the coordinate of their bins: targets, models, result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.glass_transition import NOT_DETERMINED, hyperbola, two_lines
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import GlassTransitionHyperbola, GlassTransitionLines
from beadsmith.problem.state import COORDINATES, DEGREE, State, same_state
from beadsmith.report.figures.family import is_family, varying
from beadsmith.report.figures.style import Picture, draw, legend_beside, legend_label, line_of
from beadsmith.report.findings import Subject
from beadsmith.report.labels import observable_label, observable_unit, state_label, variable_unit, with_unit
from beadsmith.report.looks import RESULT, START, TARGET, Look, look_of
from beadsmith.report.tables import measured_observables

Array = NDArray[np.float64]

#: A line is broken where points lie farther apart than so many times their usual distance.
GAP = 3.0
#: How far neighbouring models are moved sideways, as a part of the axis.
SIDESTEP = 0.004
#: The start may widen the vertical axis to so many times what the other curves need.
START_MAY_WIDEN = 2.0

_HEIGHT = 2.9


@dataclass(frozen=True)
class Curve:
    """One line of a panel.

    Attributes:
        x, y, error: shape (points,), in ascending order of x.
        scatter: standard deviation between networks, NaN where it is not known; None if it is nowhere.
    """

    label: str
    look: Look
    x: Array
    y: Array
    error: Array
    scatter: Array | None = None


@dataclass(frozen=True)
class Panel:
    """One observable against one state variable, all other variables held.

    Attributes:
        observable: its name in the problem file.
        variable: the state variable, or the coordinate, along the horizontal axis.
        rest: the other state variables.
        target: None if there is none here.
        curves: start and models in their order, the result last so that it lies on top.
    """

    observable: str
    variable: str
    rest: State
    target: Curve | None
    curves: tuple[Curve, ...]

    @property
    def all_curves(self) -> tuple[Curve, ...]:
        """Curves of all models, then the target if there is one."""
        return self.curves if self.target is None else (*self.curves, self.target)


def curve_pictures(problem: Problem, start: Subject | None, models: Sequence[Subject]) -> list[Picture]:
    """One picture for each panel, but for those that others draw (:mod:`beadsmith.report.curves`)."""
    found = panels(problem, start, models)
    return [_picture(problem, panel) for panel in found if panel.variable != DEGREE]


def panels(problem: Problem, start: Subject | None, models: Sequence[Subject]) -> list[Panel]:
    """What to draw: every observable that was asked for, or measured, at two states or more."""
    everything = [*models, *([start] if start is not None else [])]
    found = []
    for observable in measured_observables(problem, everything):
        if is_family(problem, observable):
            continue
        states = _states_of(problem, observable, everything)
        variable = varying(states)
        if variable is None:
            continue
        for rest in _rests(states, variable, [one.state for one in problem.targets if one.observable == observable]):
            panel = _panel(problem, observable, variable, rest, start, models)
            if max((len(curve.x) for curve in panel.all_curves), default=0) > 1:
                found.append(panel)
    return found


def _rests(states: Sequence[State], variable: str, targets: Sequence[State]) -> list[State]:
    """States of the panels without their variable.

    Of a distribution, those that have targets; without targets the first and the last, which bracket the others.
    """
    found = sorted({state.without(variable) for state in states if variable in state})
    if variable not in COORDINATES:
        return found
    wanted = [state.without(variable) for state in targets] or [found[0], found[-1]]
    return [rest for rest in found if any(same_state(rest, one) for one in wanted)]


def _states_of(problem: Problem, observable: str, models: Sequence[Subject]) -> list[State]:
    targets = [target.state for target in problem.targets if target.observable == observable]
    return targets + [one.state for model in models for one in model.observations if one.observable == observable]


def _panel(
    problem: Problem, observable: str, variable: str, rest: State, start: Subject | None, models: Sequence[Subject]
) -> Panel:
    def curve(label: str, look: Look, points: Iterable[tuple[State, float, float, float]]) -> Curve:
        here = [
            (state[variable], value, error if math.isfinite(error) else 0.0, scatter)
            for state, value, error, scatter in points
            if variable in state and state.without(variable) == rest and math.isfinite(value)
        ]
        x, y, error, scatter = np.array(sorted(here)).reshape(-1, 4).T
        return Curve(label, look, x, y, error, None if np.isnan(scatter).all() else scatter)

    def of_model(model: Subject) -> Curve:
        observations = (one for one in model.observations if one.observable == observable)
        return curve(model.label, look_of(model), map(_point, observations))

    targets = (target for target in problem.targets if target.observable == observable)
    target = curve("Target ± uncertainty", TARGET, ((one.state, one.value, one.stderr, math.nan) for one in targets))
    curves = [of_model(model) for model in (start, *models) if model is not None]
    return Panel(
        observable,
        variable,
        rest,
        target if len(target.x) else None,
        tuple(one for one in curves if len(one.x)),
    )


def _point(one: Observation) -> tuple[State, float, float, float]:
    return one.state, one.value, one.stderr, math.nan if one.between is None else one.between


def _picture(problem: Problem, panel: Panel) -> Picture:
    name, unit = observable_label(panel.observable), observable_unit(problem, panel.observable)
    where = f" at {state_label(panel.rest)}" if panel.rest.label else ""
    x_label = with_unit(panel.variable, variable_unit(panel.variable))
    low, high = _limits(panel)
    curves = [_labelled(curve, low, high) for curve in panel.curves]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=f"{name}{where}", xlabel=x_label, ylabel=with_unit(name, unit))
        if panel.target is not None:
            _paint_target(axes, panel.target)
        span = _span(panel)
        for number, curve in enumerate(curves):
            step = (number - (len(curves) - 1) / 2) * SIDESTEP * span
            _paint_curve(axes, curve, step, zorder=3 + number)
        for line in transition_lines(problem, panel):
            paint_transition(axes, line)
        axes.set_ylim(low, high)
        legend_beside(figure, axes, [curve.label for curve in (panel.target, *curves) if curve is not None])

    text = f"{name}{where} against {x_label}: {', '.join(curve.label for curve in panel.all_curves)}"
    return draw(paint, _HEIGHT, text)


def _paint_target(axes: Axes, target: Curve) -> None:
    for part in _unbroken(target):
        axes.fill_between(part.x, part.y - part.error, part.y + part.error, color="#d9d9d9", linewidth=0, zorder=1)
    whole = _with_gaps(target)
    look = line_of(target.look, capsize=2.5, elinewidth=0.8, linewidth=1.0, markersize=4)
    axes.errorbar(whole.x, whole.y, whole.error, label=target.label, zorder=2.5, **look)


def _paint_curve(axes: Axes, curve: Curve, step: float, zorder: float) -> None:
    whole = _with_gaps(curve)
    look = line_of(curve.look, capsize=2.0, elinewidth=0.9, linewidth=1.2, markersize=4.2)
    axes.errorbar(whole.x + step, whole.y, whole.error, label=curve.label, zorder=zorder, **look)


def _span(panel: Panel) -> float:
    x = np.concatenate([curve.x for curve in panel.all_curves])
    return float(np.ptp(x)) or 1.0


def _limits(panel: Panel) -> tuple[float, float]:
    """Vertical limits that show all but an outlandish start."""
    starts = [curve for curve in panel.curves if curve.look == START]
    others = [curve for curve in panel.all_curves if curve.look != START] or starts
    low, high = _extent(others)
    span = (high - low) or abs(high) or 1.0
    room = span * (START_MAY_WIDEN - 1)
    for curve in starts:
        start_low, start_high = _extent([curve])
        if start_high > low - room and start_low < high + room:
            low, high = min(low, max(start_low, low - room)), max(high, min(start_high, high + room))
    margin = 0.06 * ((high - low) or span)
    return low - margin, high + margin


def _extent(curves: Sequence[Curve]) -> tuple[float, float]:
    return (
        min(float((curve.y - curve.error).min()) for curve in curves),
        max(float((curve.y + curve.error).max()) for curve in curves),
    )


def _labelled(curve: Curve, low: float, high: float) -> Curve:
    curve = replace(curve, label=legend_label(curve.label))
    outside = (curve.y < low) | (curve.y > high)
    if not outside.any():
        return curve
    part = "all" if outside.all() else f"{int(outside.sum())} of {len(curve.y)} points"
    ends = f"{curve.y.min():.3g} to {curve.y.max():.3g}"
    return replace(curve, label=f"{curve.label},\n{part} off the scale:\n{ends}")


def _unbroken(curve: Curve) -> list[Curve]:
    """Parts of a curve without gaps."""
    steps = np.diff(curve.x)
    cuts = np.flatnonzero(steps > GAP * np.median(steps)) + 1 if len(steps) else np.array([], dtype=np.intp)
    return [
        Curve(curve.label, curve.look, curve.x[part], curve.y[part], curve.error[part])
        for part in np.split(np.arange(len(curve.x)), cuts)
    ]


def _with_gaps(curve: Curve) -> Curve:
    """The same curve with NaN where its line is to be broken."""
    parts = _unbroken(curve)

    def joined(columns: Sequence[Array]) -> Array:
        padded = [np.append(column, np.nan) for column in columns]
        return np.asarray(np.concatenate(padded)[:-1])

    x, y, error = (joined(columns) for columns in zip(*((part.x, part.y, part.error) for part in parts), strict=True))
    return Curve(curve.label, curve.look, x, y, error)


def paint_transition(axes: Axes, line: TransitionLine) -> None:
    """Draw a fit, and a star where glass and melt meet."""
    look: dict[str, Any] = {"color": line.look.colour, "linestyle": line.look.line, "linewidth": 0.9}
    axes.plot(line.x, line.y, label=line.label, zorder=2, **look)
    if line.crossing is not None:
        axes.plot(
            *line.crossing,
            "*",
            markersize=9,
            color=line.look.colour,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=9,
        )


@dataclass(frozen=True)
class TransitionLine:
    """The fit behind a glass transition temperature.

    Attributes:
        x, y: K and the unit of the densities, shape (points,); NaN interrupts.
        crossing: where the glass meets the melt; None if the data do not determine that.
        stderr: standard error of the temperature of the crossing, K.
        note: why there is no crossing, or what to know about it.
    """

    label: str
    look: Look
    x: Array
    y: Array
    crossing: tuple[float, float] | None
    stderr: float
    note: str


def transition_lines(problem: Problem, panel: Panel) -> list[TransitionLine]:
    """The fits behind the glass transition temperatures that rest on this panel, for target and result."""
    if panel.variable != "T":
        return []
    sources = [("target", panel.target)] if panel.target is not None else []
    sources += [(curve.label.lower(), curve) for curve in panel.curves if curve.look == RESULT]
    lines = []
    for observable in problem.observables.values():
        if (
            isinstance(observable, GlassTransitionLines | GlassTransitionHyperbola)
            and observable.density == panel.observable
        ):
            for name, source in sources:
                try:
                    lines.append(transition_line(observable, name, source))
                except EstimateError:  # the table says why there is no transition
                    continue
    return lines


def transition_line(
    observable: GlassTransitionLines | GlassTransitionHyperbola, name: str, source: Curve
) -> TransitionLine:
    """The fit behind a glass transition temperature.

    Args:
        name: of the model or target, for the legend; may be empty.
        source: its densities.

    Raises:
        EstimateError: nothing can be fitted.
    """
    if isinstance(observable, GlassTransitionHyperbola):
        curve = hyperbola(source.x, source.y, source.error)
        x: Array = np.asarray(np.linspace(curve.coldest, curve.hottest, 80), dtype=np.float64)
        meeting = (curve.temperature, float(curve.at(np.array([curve.temperature]))[0]))
        return TransitionLine(
            ", ".join(filter(None, ["Hyperbola", name])),
            replace(source.look, line=(0, (4.0, 1.0, 1.0, 1.0))),
            x,
            curve.at(x),
            None if NOT_DETERMINED in curve.note else meeting,
            curve.stderr,
            curve.note,
        )
    lines = two_lines(source.x, source.y, source.error, observable.cold, observable.hot)
    crossing = lines.temperature
    inside = lines.coldest < crossing < lines.hottest
    glass = np.array([lines.coldest, crossing if inside else observable.cold[1]])
    melt = np.array([crossing if inside else observable.hot[0], lines.hottest])
    y = [lines.cold.intercept + lines.cold.slope * glass, lines.hot.intercept + lines.hot.slope * melt]
    return TransitionLine(
        ", ".join(filter(None, ["Lines of glass and melt", name])),
        replace(source.look, line=(0, (1.0, 1.2))),
        np.array([*glass, np.nan, *melt]),
        np.array([*y[0], np.nan, *y[1]]),
        None if NOT_DETERMINED in lines.note else (crossing, lines.cold.at(crossing)),
        lines.stderr,
        lines.note,
    )
