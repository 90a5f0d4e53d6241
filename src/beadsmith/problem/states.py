"""The same problem at other states than its file declares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states, temperatures_of
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Dynamics, Experiment, Ladder, Script
from beadsmith.problem.state import COORDINATES, State, same_state


def at_states(problem: Problem, wanted: Mapping[str, tuple[float, ...]]) -> list[tuple[State, Problem]]:
    """One problem for every combination of the variables other than temperature; temperatures become its ladder's.

    Where an experiment has several ladders, each takes the temperatures that are nearest to its own.  Targets at
    states that are no longer simulated are dropped.

    Args:
        wanted: values of state variables; temperature is ``T``, K.

    Raises:
        ProblemError: nothing in the problem can take a temperature, one is not positive, or a variable is a coordinate
            of distributions.
    """
    for name in COORDINATES:
        if name in wanted:
            received = ", ".join(f"{value:g}" for value in wanted[name])
            raise ProblemError(
                f"--state {name}", received, "a variable that a simulation can have", f"{name} is a coordinate of bins"
            )
    temperatures = wanted.get("T", ())
    if any(temperature <= 0 for temperature in temperatures):
        received = ", ".join(f"{value:g}" for value in temperatures)
        raise ProblemError("--state T", received, "positive temperatures")
    others = {name: values for name, values in wanted.items() if name != "T"}
    combinations = itertools.product(*others.values())
    return [_at(problem, State.of(dict(zip(others, values, strict=True))), temperatures) for values in combinations]


def _at(problem: Problem, state: State, temperatures: tuple[float, ...]) -> tuple[State, Problem]:
    experiments = {
        name: _experiment_at(experiment, state, temperatures) for name, experiment in problem.experiments.items()
    }
    if temperatures and not any(_recorded_stages(experiment) for experiment in problem.experiments.values()):
        received = ", ".join(f"{value:g}" for value in temperatures)
        raise ProblemError(
            "--state T",
            received,
            "an experiment that records at a temperature",
            "it has none that can be changed",
        )
    file = problem.file.model_copy(update={"experiments": experiments})
    recorded = {own for experiment in experiments.values() for own in recorded_states(experiment)}
    # What is derived from a whole ladder, such as the glass transition, has the state of the ladder.
    recorded |= {own.without("T") for own in recorded}
    targets = tuple(
        target
        for target in problem.targets
        if any(same_state(target.state.without(*COORDINATES), own) for own in recorded)
    )
    return state, replace(problem, file=file, targets=targets)


def _experiment_at(experiment: Experiment, state: State, temperatures: tuple[float, ...]) -> Experiment:
    changes: dict[str, object] = {"state": {**experiment.state, **state.as_dict()}}
    recorded = _recorded_stages(experiment)
    if temperatures and recorded and not isinstance(experiment, Script):
        shares: dict[int, list[float]] = {number: [] for number in recorded}
        for temperature in dict.fromkeys(temperatures):
            nearest = min(recorded, key=lambda number: min(abs(temperature - own) for own in recorded[number]))
            shares[nearest].append(temperature)
        changes["protocol"] = tuple(
            _stage_at(stage, shares[number]) if number in shares else stage
            for number, stage in enumerate(experiment.protocol)
            if shares.get(number) != []
        )
    return experiment.model_copy(update=changes)


def _recorded_stages(experiment: Experiment) -> dict[int, tuple[float, ...]]:
    """Temperatures of every recorded stage of a protocol, by its index."""
    if isinstance(experiment, Script):
        return {}
    found: dict[int, tuple[float, ...]] = {}
    for number, stage in enumerate(experiment.protocol):
        match stage:
            case Ladder():
                found[number] = stage.temperatures
            case Dynamics(record=True):
                found[number] = temperatures_of(stage)
    return found


def _stage_at(stage: object, temperatures: list[float]) -> object:
    match stage:
        case Ladder():
            cooling = stage.temperatures[0] > stage.temperatures[-1]
            return stage.model_copy(update={"temperatures": tuple(sorted(temperatures, reverse=cooling))})
        case Dynamics(record=True):
            kept = {name: getattr(stage, name) for name in ("pressure", "damping", "pressure_damping", "frames")}
            return Ladder.model_construct(
                stage="ladder",
                ensemble=stage.stage,
                temperatures=tuple(temperatures),
                ramp=None,
                hold=stage.duration,
                **kept,
            )
        case _:
            return stage
