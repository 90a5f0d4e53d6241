"""Curves along a time or a strain, one for each state, in one picture with a scale of colours for the state.

Stress against strain shows, too, what moduli and yield points say about it; mean squared displacements show the time of
the Debye-Waller factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import DebyeWallerFactor, Elastic, MeanSquaredDisplacement, StressStrain, Yielding
from beadsmith.problem.state import COORDINATES, State, same_state
from beadsmith.report.figures.style import WIDTH, Picture, draw, legend_label
from beadsmith.report.findings import Subject
from beadsmith.report.formatting import number
from beadsmith.report.labels import observable_label, observable_unit, state_label, variable_unit, with_unit
from beadsmith.report.tables import measured_observables

Array = NDArray[np.float64]

#: Panels beside each other.
_ACROSS = 2
_HEIGHT = 3.1
#: With more curves than this, only the first and the last have their elastic and offset lines.
_MOST_LINES = 4
#: How strong bands are; weaker where there are many.
_BAND, _FAINT_BAND = 0.22, 0.12
#: Room around curves on logarithmic axes, as a factor.
_ROOM = 1.2
#: Lines that help to read are drawn up to so many times the highest stress.
_UP_TO = 1.08
_FS_PER_PS = 1000.0
_MPA_PER_GPA = 1000.0


@dataclass(frozen=True)
class Member:
    """One curve.

    Attributes:
        value: of the variable that tells the curves apart; NaN if none does.
        state: all variables but the coordinate.
        x, y, error: shape (points,), increasing in x; the error is 0 where it is not known.
    """

    value: float
    state: State
    x: Array
    y: Array
    error: Array


@dataclass(frozen=True)
class Family:
    """Curves of one model.

    Attributes:
        observable: its name in the problem file.
        variable: that tells the curves apart; empty if there is but one curve.
        rest: the variables that all have in common.
        model: whose curves.
        members: in ascending order of the variable.
    """

    observable: str
    variable: str
    rest: State
    model: Subject
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Guides:
    """Straight lines that belong to a stress-strain curve.

    Attributes:
        modulus: MPa.
        intercept: stress of the elastic line without strain, MPa.
        offset: strain by which the other line is shifted; None if no yield was asked for.
        yield_point: strain, its error, stress and its error, MPa; None if it is not determined.
    """

    modulus: float
    intercept: float
    offset: float | None
    yield_point: tuple[float, float, float, float] | None


def is_family(problem: Problem, observable: str) -> bool:
    """Whether an observable is drawn here, rather than with one picture for each state."""
    return isinstance(problem.observables.get(observable), StressStrain | MeanSquaredDisplacement)


def family_pictures(problem: Problem, models: Sequence[Subject]) -> list[Picture]:
    """One picture for each observable and each set of common variables, with a panel for each model."""
    return [_picture(problem, own) for own in families(problem, models)]


def families(problem: Problem, models: Sequence[Subject]) -> list[list[Family]]:
    """What to draw: for each picture, the families of the models that have been measured there."""
    found = []
    for name in measured_observables(problem, models):
        if not is_family(problem, name):
            continue
        coordinate = _coordinate(problem, name)
        observed = [one for model in models for one in model.observations if one.observable == name]
        variable = varying(one.state.without(coordinate) for one in observed if math.isfinite(one.value)) or ""
        rests = sorted({one.state.without(coordinate, variable) for one in observed})
        for rest in rests:
            own = [family for model in models if (family := _family(problem, name, variable, rest, model)).members]
            if own:
                found.append(own)
    return found


def varying(states: Iterable[State]) -> str | None:
    """The state variable with the most different values, of a distribution its coordinate; None if none takes two."""
    values: dict[str, set[float]] = {}
    for state in states:
        for name, value in state.variables:
            values.setdefault(name, set()).add(value)
    several = [name for name in values if len(values[name]) > 1]
    return max(several, key=lambda name: (name in COORDINATES, len(values[name])), default=None)


def guides(problem: Problem, model: Subject, observable: StressStrain, member: Member) -> Guides | None:
    """The elastic line and what follows from it; None if no modulus is determined.

    The line has the slope that was measured, and goes through the mean of the bins within the range of strain that it
    was fitted in: that is where a fitted line goes through.
    """
    elastic = _named(problem, model, Elastic, "youngs_modulus", observable.experiment, member.state)
    if elastic is None or not _determined(elastic[1]):
        return None
    setting, modulus = elastic
    assert isinstance(setting, Elastic)
    inside = (member.x >= setting.strain[0]) & (member.x <= setting.strain[1])
    if not inside.any():
        return None
    slope = _MPA_PER_GPA * modulus.value
    intercept = float(member.y[inside].mean() - slope * member.x[inside].mean())
    stress = _named(problem, model, Yielding, "yield_stress", observable.experiment, member.state)
    if stress is None:
        return Guides(slope, intercept, None, None)
    wanted, yielded = stress
    assert isinstance(wanted, Yielding)
    if not _determined(yielded):
        return Guides(slope, intercept, wanted.offset, None)
    strain = _named(problem, model, Yielding, "yield_strain", observable.experiment, member.state)
    place, error = (yielded.value - intercept) / slope + wanted.offset, 0.0
    if strain is not None and _determined(strain[1]):
        place, error = strain[1].value, strain[1].stderr
    return Guides(slope, intercept, wanted.offset, (place, error, yielded.value, yielded.stderr))


def _named(
    problem: Problem, model: Subject, kind: type[Elastic | Yielding], name: str, experiment: str, state: State
) -> tuple[Elastic | Yielding, Observation] | None:
    for one in model.observations:
        setting = problem.observables.get(one.observable)
        if (
            isinstance(setting, kind)
            and setting.kind == name
            and setting.experiment == experiment
            and same_state(one.state, state)
        ):
            return setting, one
    return None


def _determined(one: Observation) -> bool:
    return math.isfinite(one.value) and math.isfinite(one.stderr)


def _coordinate(problem: Problem, name: str) -> str:
    observable = problem.observables[name]
    assert isinstance(observable, StressStrain | MeanSquaredDisplacement)
    return observable.coordinate


def _family(problem: Problem, name: str, variable: str, rest: State, model: Subject) -> Family:
    coordinate = _coordinate(problem, name)
    curves: dict[State, list[tuple[float, float, float]]] = {}
    for one in model.observations:
        if one.observable == name and math.isfinite(one.value):
            state = one.state.without(coordinate)
            if state.without(variable) == rest:
                error = one.stderr if math.isfinite(one.stderr) else 0.0
                curves.setdefault(state, []).append((one.state[coordinate], one.value, error))
    members = [
        Member(state.as_dict().get(variable, math.nan), state, *np.array(sorted(points)).T)
        for state, points in sorted(curves.items())
    ]
    return Family(name, variable, rest, model, tuple(members))


def _picture(problem: Problem, own: Sequence[Family]) -> Picture:
    first = own[0]
    observable = problem.observables[first.observable]
    rows, columns = math.ceil(len(own) / _ACROSS), min(len(own), _ACROSS)
    values = sorted({member.value for family in own for member in family.members if math.isfinite(member.value)})
    colours = _Colours(tuple(values))
    label = with_unit(observable_label(first.observable), observable_unit(problem, first.observable))
    where = f" at {state_label(first.rest)}" if first.rest.label else ""

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        every = list(grid.flat)
        for axes, family in zip(every, own, strict=False):
            if isinstance(observable, StressStrain):
                _paint_stresses(axes, problem, observable, family, colours, _extent(own))
            else:
                _paint_displacements(axes, problem, family, colours, _limits(own))
            axes.set_title(legend_label(family.model.label) if len(own) > 1 else f"{_heading(first)}{where}")
        for row in grid:
            row[0].set_ylabel(label)
        for unused in every[len(own) :]:
            unused.remove()
        _explain(figure, every[: len(own)], colours, first.variable)

    x = "strain" if isinstance(observable, StressStrain) else "time"
    curves = f", one curve for each of {len(values)} values of {first.variable}" if values else ""
    text = f"{label}{where} against {x}{curves}: {', '.join(family.model.label for family in own)}"
    return draw(paint, rows * _HEIGHT, text, _caption(problem, own), WIDTH)


def _heading(family: Family) -> str:
    return observable_label(family.observable)


def _caption(problem: Problem, own: Sequence[Family]) -> str:
    networks = any(one.between is not None for family in own for one in family.model.observations)
    over = ", over axes and networks" if networks else ""
    if any(one.observable == own[0].observable for one in problem.targets):
        over += "; open circles: targets ± their uncertainty"
    if not isinstance(problem.observables[own[0].observable], StressStrain):
        return f"Bands: one standard error{over}. Dotted: the time of the Debye-Waller factor, with its value."
    few = all(len(family.members) <= _MOST_LINES for family in own)
    which = "" if few else ", of the first and the last curve"
    return (
        f"Bands: one standard error{over}. Dashed: the elastic line{which}, with the modulus of the table through the "
        "mean of the bins it was fitted in. Dotted: the same, shifted to the offset of the yield. Stars: yield, where "
        "it is determined."
    )


@dataclass(frozen=True)
class _Colours:
    """A colour for each value of the variable: dark to bright, and in grey as well."""

    values: tuple[float, ...]

    @property
    def map(self) -> Colormap:
        # The brightest colours of the map would not be seen on white.
        return LinearSegmentedColormap.from_list("states", mpl.colormaps["viridis"](np.linspace(0.0, 0.88, 128)))

    @property
    def scale(self) -> Normalize:
        return Normalize(self.values[0], self.values[-1]) if len(self.values) > 1 else Normalize(0.0, 1.0)

    def of(self, value: float) -> tuple[float, float, float, float]:
        red, green, blue, alpha = self.map(self.scale(value) if math.isfinite(value) else 0.0)
        return float(red), float(green), float(blue), float(alpha)


def _explain(figure: Figure, panels: Sequence[Axes], colours: _Colours, variable: str) -> None:
    if len(colours.values) < 2:
        return
    scale = figure.colorbar(
        ScalarMappable(colours.scale, colours.map), ax=list(panels), aspect=30, pad=0.02, fraction=0.05
    )
    if len(colours.values) <= 11:
        scale.set_ticks(list(colours.values), labels=[f"{value:g}" for value in colours.values])
    scale.set_label(with_unit(variable, variable_unit(variable)))


def _extent(own: Sequence[Family]) -> tuple[float, float]:
    """Lowest and highest end of all bands: panels share their axes."""
    members = [member for family in own for member in family.members]
    return (
        min(float((member.y - member.error).min()) for member in members),
        max(float((member.y + member.error).max()) for member in members),
    )


def _paint_stresses(
    axes: Axes,
    problem: Problem,
    observable: StressStrain,
    family: Family,
    colours: _Colours,
    extent: tuple[float, float],
) -> None:
    lowest, highest = extent
    most, band = len(family.members) <= _MOST_LINES, _band(family)
    for place, member in enumerate(family.members):
        colour = colours.of(member.value)
        axes.fill_between(member.x, member.y - member.error, member.y + member.error, color=colour, alpha=band, lw=0)
        axes.plot(member.x, member.y, color=colour, linewidth=1.5, zorder=3)
        found = guides(problem, family.model, observable, member)
        if found is None:
            continue
        if most or place in (0, len(family.members) - 1):
            for strains, style in _lines(found, highest, float(member.x[-1])):
                stresses = found.intercept + found.modulus * (strains - strains[0])
                axes.plot(strains, stresses, color=colour, linestyle=style, linewidth=0.9, zorder=2)
        if found.yield_point is not None:
            strain, strain_error, stress, stress_error = found.yield_point
            axes.errorbar(
                strain,
                stress,
                stress_error,
                strain_error or None,
                fmt="*",
                color=colour,
                markersize=10,
                markeredgecolor="white",
                markeredgewidth=0.6,
                elinewidth=1.0,
                capsize=2,
                zorder=6,
            )
    _paint_targets(axes, problem, family, colours, 1.0)
    axes.axhline(0.0, color="#888888", linewidth=0.6, zorder=1)
    margin = 0.06 * ((highest - min(lowest, 0.0)) or 1.0)
    axes.set(xlabel="engineering strain", ylim=(min(lowest, 0.0) - margin, highest + 2 * margin))
    axes.set_xlim(left=0.0)


def _lines(found: Guides, highest: float, last: float) -> Iterator[tuple[Array, tuple[float, tuple[float, float]]]]:
    """Strains at the ends of each line, from where it begins to where it leaves the picture, and its style."""
    if found.modulus <= 0.0:
        return
    rise = (_UP_TO * highest - found.intercept) / found.modulus
    begins = [0.0] if found.offset is None else [0.0, found.offset]
    for begin, style in zip(begins, ((0, (4.0, 2.0)), (0, (1.0, 1.5))), strict=False):
        end = min(begin + rise, last)
        if end > begin:
            yield np.array([begin, end]), style


def _band(family: Family) -> float:
    return _BAND if len(family.members) <= 2 * _MOST_LINES else _FAINT_BAND


def _paint_targets(axes: Axes, problem: Problem, family: Family, colours: _Colours, unit: float) -> None:
    """Circles in the colours of their curves; ``unit`` is that of the horizontal axis."""
    coordinate = _coordinate(problem, family.observable)
    for member in family.members:
        own = [
            one
            for one in problem.targets
            if one.observable == family.observable and same_state(one.state.without(coordinate), member.state)
        ]
        if own:
            x = [one.state[coordinate] / unit for one in own]
            look: dict[str, Any] = {"color": colours.of(member.value), "markerfacecolor": "white", "markersize": 4.5}
            bars: dict[str, Any] = {"elinewidth": 0.9, "capsize": 2, "zorder": 4}
            axes.errorbar(x, [one.value for one in own], [one.stderr for one in own], fmt="o", **look, **bars)


def _limits(own: Sequence[Family]) -> dict[str, tuple[float, float]]:
    """Of logarithmic axes that several panels share: left to themselves they would show far too much."""
    members = [member for family in own for member in family.members]
    times = np.concatenate([member.x for member in members]) / _FS_PER_PS
    values = np.concatenate([value for member in members for value in (member.y, member.y + member.error)])
    positive = values[values > 0.0]
    if not len(positive) or times.min() <= 0.0:
        return {}
    return {
        "xlim": (float(times.min()) / _ROOM, float(times.max()) * _ROOM),
        "ylim": (float(positive.min()) / _ROOM, float(positive.max()) * _ROOM),
    }


def _paint_displacements(
    axes: Axes, problem: Problem, family: Family, colours: _Colours, limits: Mapping[str, Any]
) -> None:
    band = _band(family)
    for member in family.members:
        colour, times = colours.of(member.value), member.x / _FS_PER_PS
        # A logarithm knows no zero: a band that reaches below is cut off there.
        low = np.maximum(member.y - member.error, 1e-3 * member.y)
        axes.fill_between(times, low, member.y + member.error, color=colour, alpha=band, lw=0)
        axes.plot(times, member.y, "o-", color=colour, linewidth=1.4, markersize=3, zorder=3)
    _paint_targets(axes, problem, family, colours, _FS_PER_PS)
    for time, at in debye_waller_factors(problem, family):
        axes.axvline(time, color="#666666", linestyle=(0, (1.0, 1.5)), linewidth=0.9, zorder=1)
        for value, one in at:
            axes.errorbar(
                time,
                one.value,
                one.stderr if math.isfinite(one.stderr) else None,
                fmt="D",
                color=colours.of(value),
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                capsize=2,
                zorder=5,
            )
        words = f" Debye-Waller\n factor, {number(time, 3)} ps"
        axes.text(time, 0.985, words, transform=axes.get_xaxis_transform(), va="top", fontsize=7, color="#444444")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(**limits)
    for axis in (axes.xaxis, axes.yaxis):
        begin, end = axis.get_view_interval()
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        few = end < 300 * begin
        axis.set_minor_locator(LogLocator(subs=(2.0, 5.0) if few else (1.0,)))
        axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}") if few else NullFormatter())
    axes.set_xlabel("time (ps)")


def _moving(observable: DebyeWallerFactor | MeanSquaredDisplacement) -> tuple[object, ...]:
    """What it is that moves: the same for both, or their values are not those of one curve."""
    return observable.experiment, observable.beads, observable.of


def debye_waller_factors(problem: Problem, family: Family) -> list[tuple[float, list[tuple[float, Observation]]]]:
    """Times of the Debye-Waller factors of what moves in a family, ps, with their values by its variable."""
    own = problem.observables[family.observable]
    assert isinstance(own, MeanSquaredDisplacement)
    found = []
    for name, one in problem.observables.items():
        if isinstance(one, DebyeWallerFactor) and _moving(one) == _moving(own):
            observed = [
                (member.value, observation)
                for member in family.members
                for observation in family.model.observations
                if observation.observable == name
                and same_state(observation.state, member.state)
                and math.isfinite(observation.value)
            ]
            found.append((one.time / _FS_PER_PS, observed))
    return found
