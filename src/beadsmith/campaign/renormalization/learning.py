"""From the rows of a design to surrogates of every observable, and from targets to what calibrations are fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.calibrate.functional.systems import Reference
from beadsmith.calibrate.functional.systems import System as CalibratedSystem
from beadsmith.campaign.renormalization.systems import System, scalars_of, system_of
from beadsmith.campaign.renormalization.table import Row
from beadsmith.errors import EstimateError, ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Target
from beadsmith.problem.state import State
from beadsmith.problem.targets import parse_variable
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.emulator import Emulator, fit_emulator
from beadsmith.surrogate.measurements import Measurements
from beadsmith.surrogate.threads import side_by_side

#: Two values of a state variable are the same up to rounding.
_SAME = 1e-9


@dataclass(frozen=True)
class Learnt:
    """What a design taught.

    Attributes:
        emulators: by system and observable.
        held: state variables that never varied, by system, with their value.
        refused: observables that nothing could be learnt of, by name, with the reason.
    """

    emulators: Mapping[str, Mapping[str, Emulator]]
    held: Mapping[str, Mapping[str, float]]
    refused: Mapping[str, str]


def learn(
    problem: Problem,
    systems: Sequence[System],
    rows: Sequence[Row],
    *,
    seed: int,
    progress: Callable[[str], None] = lambda name: None,
) -> Learnt:
    """Fit a surrogate to every observable of every system.

    Args:
        progress: told the name of each observable when it is done.

    Raises:
        EstimateError: nothing could be learnt of any observable that has a target, or of any at all.
    """
    own = {system.name: [row for row in rows if row.system == system.name] for system in systems}
    names = [(system, name) for system in systems for name in scalars_of(problem, system)]

    def learnt(wanted: tuple[System, str]) -> Emulator | EstimateError:
        system, name = wanted
        try:
            return fit_emulator(measurements_of(system, own[system.name], name), seed=seed)
        except EstimateError as error:
            return error

    emulators: dict[str, dict[str, Emulator]] = {}
    refused: dict[str, str] = {}
    for (system, name), found in zip(names, side_by_side(learnt, names), strict=True):
        if isinstance(found, EstimateError):
            refused[name] = str(found)
        else:
            emulators.setdefault(system.name, {})[name] = found
        progress(name)
    wanted = {target.observable for target in problem.targets}
    for name in problem.observables:
        if name in refused and name in wanted:
            raise EstimateError(refused[name])
    if not emulators:
        raise EstimateError(next(iter(refused.values()), "there are no observables with one number at each state"))
    held = {system.name: held_variables(system, own[system.name]) for system in systems}
    return Learnt(emulators, held, refused)


def measurements_of(system: System, rows: Sequence[Row], observable: str) -> Measurements:
    """What is known of one observable.

    Args:
        rows: of the system.
    """
    known = [row for row in rows if observable in row.values]
    axes = _axes(system, rows, known)
    return Measurements(
        system=system.name,
        observable=observable,
        axes=axes,
        inputs=np.array([[row.inputs[axis.name] for axis in axes] for row in known]).reshape(len(known), len(axes)),
        values=np.array([row.values[observable][0] for row in known]),
        stderrs=np.array([row.values[observable][1] for row in known]),
    )


def held_variables(system: System, rows: Sequence[Row]) -> dict[str, float]:
    """State variables that have the same value in all rows."""
    parameters = {parameter.name for parameter in system.parameters}
    found: dict[str, set[float]] = {}
    for row in rows:
        for name, value in row.inputs.items():
            if name not in parameters:
                found.setdefault(name, set()).add(value)
    designed = {axis.name for axis in system.states}
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1 and name not in designed}


def check_held(learnt: Learnt, held: Mapping[str, float]) -> None:
    """See that something was learnt at values of state variables.

    Raises:
        ProblemError: a variable that nothing depends on, or that has another value everywhere.
    """
    axes = {axis.name for one in learnt.emulators.values() for emulator in one.values() for axis in emulator.axes}
    constant = {name: value for own in learnt.held.values() for name, value in own.items()}
    for name, value in held.items():
        where = f"--state {name}"
        if name not in axes and name not in constant:
            known = sorted(one for one in {*axes, *constant} if "." not in one)
            expected = (
                f"a state variable of the design, one of {', '.join(known)}" if known else "no state: none varies"
            )
            raise ProblemError(where, f"{name}={value:g}", expected, suggestion(name, known))
        if name not in axes and not math.isclose(value, constant[name], rel_tol=_SAME, abs_tol=_SAME):
            expected = f"{name} = {constant[name]:g}, at which everything was simulated"
            raise ProblemError(where, f"{name}={value:g}", expected)


def calibrated_systems(problem: Problem, learnt: Learnt) -> tuple[CalibratedSystem, ...]:
    """Systems with their surrogates, and with the targets as what these should be.

    Raises:
        ProblemError: no targets, or one at a value of a state variable that was never simulated.
    """
    by_observable: dict[str, list[Target]] = {}
    for target in scalar_targets(problem):
        if not is_held_out(problem, target.state):
            by_observable.setdefault(target.observable, []).append(target)
    if not by_observable:
        raise ProblemError(f"{problem.path}: targets", "nothing", "at least one target of one number at each state")
    references: dict[str, list[Reference]] = {}
    for name, targets in by_observable.items():
        system = system_of(problem, name)
        references.setdefault(system, []).append(_reference(name, targets, learnt.held.get(system, {})))
    return tuple(
        CalibratedSystem(name, dict(emulators.items()), tuple(references[name]))
        for name, emulators in learnt.emulators.items()
        if name in references
    )


def scalar_targets(problem: Problem) -> list[Target]:
    """Targets of observables that are one number at each state."""
    return [one for one in problem.targets if not hasattr(problem.observables[one.observable], "coordinate")]


def is_held_out(problem: Problem, state: State) -> bool:
    """Whether targets at a state are kept for validation."""
    return any(
        name in state and any(math.isclose(state[name], value, rel_tol=_SAME, abs_tol=_SAME) for value in values)
        for name, text in problem.file.calibration.held_out.items()
        for values in [parse_variable(name, text, f"calibration.held_out.{name}")]
    )


def _reference(observable: str, targets: Sequence[Target], held: Mapping[str, float]) -> Reference:
    """Targets of one observable at states of the variables that vary."""
    for target in targets:
        for name, value in held.items():
            if name in target.state and not math.isclose(target.state[name], value, rel_tol=_SAME, abs_tol=_SAME):
                expected = f"{name} = {value:g}, at which everything was simulated"
                raise ProblemError(f"targets.{observable}.state.{name}", f"{target.state[name]:g}", expected)
    return Reference(
        observable=observable,
        states=tuple(target.state.without(*held) for target in targets),
        values=np.array([target.value for target in targets]),
        stderrs=np.array([target.stderr for target in targets]),
        weight=targets[0].weight,
        source=targets[0].source,
    )


def reference_emulators(systems: Sequence[CalibratedSystem], seed: int) -> dict[str, Emulator]:
    """The targets as Gaussian processes over the state alone, by observable; those of which there are too few are left.

    As Giuntoli et al. (2021) model their atomistic results.
    """
    found = {}
    for system in systems:
        for reference in system.references:
            names = list(reference.states[0])
            inputs = np.array([[state[name] for name in names] for state in reference.states])
            if np.ptp(inputs, axis=0).min(initial=math.inf) <= 0:
                continue
            axes = tuple(
                Axis(name, float(column.min()), float(column.max()))
                for name, column in zip(names, inputs.T, strict=True)
            )
            table = Measurements("reference", reference.observable, axes, inputs, reference.values, reference.stderrs)
            try:
                found[reference.observable] = fit_emulator(table, seed=seed)
            except EstimateError:
                continue  # two values make no curve
    return found


def states_to_validate(problem: Problem, learnt: Learnt) -> dict[str, tuple[State, ...]]:
    """States at which the calibrated model is simulated, by system: those of all its targets, each once."""
    found: dict[str, dict[State, None]] = {}
    for target in scalar_targets(problem):
        system = system_of(problem, target.observable)
        found.setdefault(system, {})[target.state.without(*learnt.held.get(system, {}))] = None
    return {system: tuple(states) for system, states in found.items()}


def _axes(system: System, rows: Sequence[Row], known: Sequence[Row]) -> tuple[Axis, ...]:
    """Parameters, then the state variables that vary; ranges reach as far as the design or the rows do.

    Args:
        rows: of the system.
        known: those that the observable has, which may lack a variable of others, as the glass transition of a ladder
            lacks the temperature.
    """
    held = held_variables(system, rows)
    ranges = {parameter.name: (parameter.low, parameter.high) for parameter in system.parameters}
    ranges |= {axis.name: (axis.low, axis.high) for axis in system.states}
    names = list(dict.fromkeys([*ranges, *(name for row in known for name in row.inputs if name not in held)]))
    axes = []
    for name in names:
        seen = [row.inputs[name] for row in rows if name in row.inputs]
        low, high = ranges.get(name, (math.inf, -math.inf))
        axes.append(Axis(name, min([low, *seen]), max([high, *seen])))
    return tuple(axes)
