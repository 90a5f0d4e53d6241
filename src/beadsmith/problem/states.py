"""The same problem at other states than its file declares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states, same_state
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Dynamics, Experiment, Ladder, Script
from beadsmith.problem.state import State


def at_states(problem: Problem, wanted: Mapping[str, tuple[float, ...]]) -> list[tuple[State, Problem]]:
    """One problem for every combination of the variables other than temperature; temperatures become its ladder's.

    Targets at states that are no longer simulated are dropped.

    Args:
        wanted: values of state variables; temperature is ``T``, K.

    Raises:
        ProblemError: nothing in the problem can take a temperature.
    """
    temperatures = wanted.get("T", ())
    others = {name: values for name, values in wanted.items() if name != "T"}
    combinations = itertools.product(*others.values())
    return [_at(problem, State.of(dict(zip(others, values, strict=True))), temperatures) for values in combinations]


def _at(problem: Problem, state: State, temperatures: tuple[float, ...]) -> tuple[State, Problem]:
    experiments = {
        name: _experiment_at(experiment, state, temperatures) for name, experiment in problem.experiments.items()
    }
    if temperatures and experiments == dict(problem.experiments):
        received = ", ".join(f"{value:g}" for value in temperatures)
        raise ProblemError(
            "--state T",
            received,
            "an experiment that records at a temperature",
            "it has none that can be changed",
        )
    file = problem.file.model_copy(update={"experiments": experiments})
    recorded = [own for experiment in experiments.values() for own in recorded_states(experiment)]
    targets = tuple(target for target in problem.targets if any(same_state(target.state, own) for own in recorded))
    return state, replace(problem, file=file, targets=targets)


def _experiment_at(experiment: Experiment, state: State, temperatures: tuple[float, ...]) -> Experiment:
    changes: dict[str, object] = {"state": {**experiment.state, **state.as_dict()}}
    if temperatures and not isinstance(experiment, Script):
        changes["protocol"] = tuple(_stage_at(stage, temperatures) for stage in experiment.protocol)
    return experiment.model_copy(update=changes)


def _stage_at(stage: object, temperatures: tuple[float, ...]) -> object:
    match stage:
        case Ladder():
            cooling = stage.temperatures[0] > stage.temperatures[-1]
            return stage.model_copy(update={"temperatures": tuple(sorted(temperatures, reverse=cooling))})
        case Dynamics(record=True):
            kept = {name: getattr(stage, name) for name in ("pressure", "damping", "pressure_damping", "frames")}
            return Ladder.model_construct(
                stage="ladder",
                ensemble=stage.stage,
                temperatures=temperatures,
                ramp=None,
                hold=stage.duration,
                **kept,
            )
        case _:
            return stage
