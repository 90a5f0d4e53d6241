"""Systems: what is simulated, its surrogates, and what should come out at which states."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.family import Family
from beadsmith.calibrate.functional.forms import (
    ConstantForm,
    Form,
    FreeForm,
    LinearForm,
    RadialBasisForm,
    SigmoidForm,
)
from beadsmith.errors import ProblemError
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Names of forms, from simple to free.
FORMS = ("constant", "linear", "sigmoid", "rbf", "free")

#: Beyond the ends of a range by this part of it is still inside: rounding.
_ROUNDING = 1e-9

#: Centres may lie outside the states by so much of their interval: a round number just beyond, such as full
#: crosslinking, is usual; what lies further away is a slip, such as a percentage, and nothing tells its value.
_REACH = 0.5


class Axis(Protocol):
    """One coordinate of a surrogate, and where it was sampled."""

    @property
    def name(self) -> str:
        """A parameter or a state variable."""
        ...

    @property
    def low(self) -> float:
        """Lower end."""
        ...

    @property
    def high(self) -> float:
        """Upper end."""
        ...


class Slopes(Protocol):
    """What a surrogate predicts, with derivatives by its inputs in natural units."""

    @property
    def mean(self) -> Array:
        """Shape (points,)."""
        ...

    @property
    def variance(self) -> Array:
        """Of the property without the simulation's noise, shape (points,)."""
        ...

    @property
    def mean_slopes(self) -> Array:
        """Shape (points, axes)."""
        ...

    @property
    def variance_slopes(self) -> Array:
        """Shape (points, axes)."""
        ...


class Surrogate(Protocol):
    """What a calibration asks of a surrogate of one observable of one system; inputs have shape (points, axes)."""

    @property
    def axes(self) -> Sequence[Axis]:
        """Parameters and state variables, in the order of the columns of inputs."""
        ...

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, shape (points,) each."""
        ...

    def slopes(self, inputs: Array) -> Slopes:
        """Mean and variance with their exact derivatives."""
        ...

    def mean_slopes(self, inputs: Array) -> tuple[Array, Array]:
        """Mean, shape (points,), and its exact derivatives, shape (points, axes): the cheap half of ``slopes``."""
        ...

    def covariance(self, inputs: Array) -> Array:
        """Joint covariance of the predictions, shape (points, points)."""
        ...


@dataclass(frozen=True, eq=False)
class Reference:
    """What one observable should be, at states.

    Attributes:
        observable: its name, as in the system's ``surrogates``.
        states: where.
        values, stderrs: shape (states,), in the observable's unit; stderr 0 where exact.
        weight: how much its misfit counts beside others; 1 for a likelihood.
        source: where the numbers come from.
    """

    observable: str
    states: tuple[State, ...]
    values: Array
    stderrs: Array
    weight: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        where = f"the reference of {self.observable}"
        count = len(self.states)
        if not count or self.values.shape != (count,) or self.stderrs.shape != (count,):
            received = f"{count} states, values of shape {self.values.shape}, stderrs of shape {self.stderrs.shape}"
            raise ProblemError(where, received, "one value and one standard error for each state")
        if not (np.isfinite(self.values).all() and np.isfinite(self.stderrs).all() and (self.stderrs >= 0).all()):
            raise ProblemError(where, "a value or standard error that is no number", "finite numbers")
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ProblemError(where, f"the weight {self.weight}", "a number from 0 upwards")

    def at(self, chosen: Sequence[int]) -> Reference:
        """The same at some of the states."""
        index = list(chosen)
        states = tuple(self.states[i] for i in index)
        return Reference(self.observable, states, self.values[index], self.stderrs[index], self.weight, self.source)


@dataclass(frozen=True, eq=False)
class System:
    """A simulated system with surrogates of its observables, and what these should be.

    Attributes:
        name: of the experiment.
        surrogates: by observable.
        references: observables that are fitted; at most one of each.
    """

    name: str
    surrogates: Mapping[str, Surrogate]
    references: tuple[Reference, ...]

    def __post_init__(self) -> None:
        names = [reference.observable for reference in self.references]
        for name in names:
            if name not in self.surrogates:
                have = ", ".join(self.surrogates) or "none"
                raise ProblemError(f"{self.name}.{name}", "a target", f"an observable with a surrogate ({have})")
            if names.count(name) > 1:
                raise ProblemError(f"{self.name}.{name}", "two references", "one, with all states")

    def only(self, observable: str) -> System | None:
        """The system with the reference of one observable alone; None if it has none."""
        kept = tuple(one for one in self.references if one.observable == observable)
        return System(self.name, self.surrogates, kept) if kept else None


def reference_from_surrogate(
    observable: str, surrogate: Surrogate, states: Sequence[State], *, weight: float = 1.0, source: str = ""
) -> Reference:
    """What a surrogate of the reference model (state variables are its only axes) says at states.

    Raises:
        ProblemError: the surrogate has an axis that is no state variable of the states.
    """
    names = [axis.name for axis in surrogate.axes]
    for name in names:
        if not all(name in state for state in states):
            raise ProblemError(
                f"the surrogate of the reference's {observable}", f"the axis {name}", "state variables only"
            )
    means, deviations = surrogate.predict(np.array([[state[name] for name in names] for state in states]))
    return Reference(observable, tuple(states), means, deviations, weight, source)


def make_forms(
    kind: str | Mapping[str, str],
    systems: Sequence[System],
    *,
    over: str | None = None,
    centres: Sequence[float] | None = None,
) -> dict[str, Form]:
    """A form for every parameter of the systems' surrogates.

    Args:
        kind: one of :data:`FORMS` for all parameters, or by parameter.
        systems: for parameters, states and their intervals.
        over: state variable; may be left out if there is only one.
        centres: of radial basis functions; by default both ends of the interval of states and the middle.

    Raises:
        ProblemError: an unknown form or parameter, a parameter without a form, several state variables and no
            ``over``, or centres far from all states.
    """
    parameters = parameters_of(systems)
    kinds = dict.fromkeys(parameters, kind) if isinstance(kind, str) else dict(kind)
    for name, one in kinds.items():
        if one not in FORMS:
            raise ProblemError(f"functions.{name}", one, f"one of {', '.join(FORMS)}")
        if name not in parameters:
            raise ProblemError(f"functions.{name}", one, f"one of the parameters {', '.join(parameters)}")
    _require_all(parameters, kinds)
    if all(one == "constant" for one in kinds.values()):
        return {name: ConstantForm() for name in parameters}
    variables = state_variables(systems)
    if over is None and len(variables) != 1:
        raise ProblemError("functions.over", "nothing", f"one of {', '.join(variables) or 'the state variables'}")
    variable = over if over is not None else variables[0]
    if variable not in variables:
        raise ProblemError("functions.over", variable, f"one of {', '.join(variables) or 'no state variables'}")
    low, high = state_intervals(systems)[variable]
    nodes = tuple(centres) if centres is not None else (low, 0.5 * (low + high), high)
    _require_near(nodes, variable, low, high)
    visited = {name: _visited(systems, name, variable) for name in parameters}
    makers: dict[str, Callable[[str], Form]] = {
        "constant": lambda name: ConstantForm(),
        "linear": lambda name: LinearForm(variable, low, high),
        "sigmoid": lambda name: SigmoidForm(variable, low, high),
        "rbf": lambda name: RadialBasisForm(variable, nodes),
        "free": lambda name: FreeForm(variable, visited[name]),
    }
    return {name: makers[kinds[name]](name) for name in parameters}


def make_family(
    forms: Mapping[str, Form], systems: Sequence[System], ranges: Mapping[str, tuple[float, float]] | None = None
) -> Family:
    """Forms with the ranges in which all surrogates were trained.

    Args:
        forms: by parameter.
        systems: with their surrogates.
        ranges: by parameter, where a function may be, if that is less; surrogates may know more than is wanted.

    Raises:
        ProblemError: a parameter without a form, a form without a parameter, ranges that do not overlap.
    """
    parameters = parameters_of(systems)
    _require_all(parameters, forms)
    for name in forms:
        if name not in parameters:
            raise ProblemError(f"functions.{name}", "a form", f"one of the parameters {', '.join(parameters)}")
    common = {}
    for name in parameters:
        found = [(axis.low, axis.high) for axis in _axes(systems) if axis.name == name]
        found += [ranges[name]] if ranges is not None and name in ranges else []
        low, high = max(low for low, _ in found), min(high for _, high in found)
        if not low < high:
            raise ProblemError(
                f"parameters.{name}", "designs that do not overlap", "surrogates trained on a common range"
            )
        common[name] = (low, high)
    return Family({name: forms[name] for name in parameters}, common, state_intervals(systems))


def parameters_of(systems: Sequence[System]) -> tuple[str, ...]:
    """Axes of the fitted surrogates that are no state variables, in order of first appearance."""
    variables = state_variables(systems)
    return tuple(dict.fromkeys(axis.name for axis in _axes(systems) if axis.name not in variables))


def state_variables(systems: Sequence[System]) -> tuple[str, ...]:
    """Names of all variables of the references' states, in order of first appearance."""
    return tuple(dict.fromkeys(name for state in _states(systems) for name in state))


def state_intervals(systems: Sequence[System]) -> dict[str, tuple[float, float]]:
    """By state variable: the interval that surrogates and references span together."""
    intervals = {}
    for name in state_variables(systems):
        numbers = [state[name] for state in _states(systems) if name in state]
        numbers += [end for axis in _axes(systems) if axis.name == name for end in (axis.low, axis.high)]
        intervals[name] = (min(numbers), max(numbers))
    return intervals


def check_states(systems: Sequence[System], outside: Literal["refuse", "warn"]) -> tuple[str, ...]:
    """Whether every reference lies at states where its surrogate was trained.

    Args:
        systems: to be calibrated.
        outside: what to do with the others: refuse the first, or fit them all the same and say so.

    Returns: one sentence for each observable that is extrapolated, which are also issued as warnings.

    Raises:
        ProblemError: no references, a state that lacks a variable, or one outside while refusing.
    """
    if not any(True for _ in _states(systems)):
        raise ProblemError("targets", "nothing", "a reference for at least one observable of one system")
    variables = state_variables(systems)
    sentences = []
    for system in systems:
        for reference in system.references:
            _require_variables(system, reference, variables)
            beyond = [
                (state, axis)
                for axis in system.surrogates[reference.observable].axes
                for state in reference.states
                if axis.name in state and not _inside(state[axis.name], axis)
            ]
            if not beyond:
                continue
            state, axis = beyond[0]
            where = f"targets of {reference.observable} of {system.name}"
            if outside == "refuse":
                raise ProblemError(
                    where,
                    f"the state {state.label}",
                    f"{axis.name} from {axis.low:g} to {axis.high:g}, where its surrogate was trained",
                    "extend the design, drop the target, or choose to extrapolate with a warning",
                )
            count = len({one for one, _ in beyond})
            sentences.append(
                f"{where}: {count} of {len(reference.states)} states lie outside {axis.name} from {axis.low:g} to "
                f"{axis.high:g}, where the surrogate was trained; there it extrapolates, such as at {state.label}"
            )
    for sentence in sentences:
        warnings.warn(sentence, UserWarning, stacklevel=3)
    return tuple(sentences)


def _require_variables(system: System, reference: Reference, variables: Sequence[str]) -> None:
    for axis in system.surrogates[reference.observable].axes:
        for state in reference.states:
            if axis.name in variables and axis.name not in state:
                raise ProblemError(
                    f"targets of {reference.observable} of {system.name}",
                    f"the state '{state.label or 'without variables'}'",
                    f"a state that says {axis.name}",
                )


def _require_near(centres: Sequence[float], variable: str, low: float, high: float) -> None:
    """See that the data can tell the values at all centres."""
    reach = _REACH * (high - low)
    for centre in centres:
        if not low - reach <= centre <= high + reach:
            raise ProblemError(
                "calibration.centres", f"{centre:g}", f"values of {variable} near its states, {low:g} to {high:g}"
            )


def _inside(value: float, axis: Axis) -> bool:
    margin = _ROUNDING * (axis.high - axis.low)
    return axis.low - margin <= value <= axis.high + margin


def _visited(systems: Sequence[System], parameter: str, variable: str) -> tuple[float, ...]:
    """Values of a state variable at which references ask for a parameter."""
    values = {
        round(state[variable], 12)
        for system in systems
        for reference in system.references
        if any(axis.name == parameter for axis in system.surrogates[reference.observable].axes)
        for state in reference.states
        if variable in state
    }
    return tuple(sorted(values))


def _states(systems: Sequence[System]) -> Iterable[State]:
    return (state for system in systems for reference in system.references for state in reference.states)


def _axes(systems: Sequence[System]) -> list[Axis]:
    return [
        axis
        for system in systems
        for reference in system.references
        for axis in system.surrogates[reference.observable].axes
    ]


def _require_all(parameters: Iterable[str], given: Iterable[str]) -> None:
    have = set(given)
    for name in parameters:
        if name not in have:
            raise ProblemError(f"functions.{name}", "nothing", f"one of {', '.join(FORMS)}")
