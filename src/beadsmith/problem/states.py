"""The same problem at other states than its file declares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states, temperatures_of
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Dynamics, Experiment, Formulas, Ladder, Network, Opaque, Stage, Tension
from beadsmith.problem.state import COORDINATES, DEGREE, State, same_state
from beadsmith.problem.targets import check_degrees


def at_states(problem: Problem, wanted: Mapping[str, tuple[float, ...]]) -> list[tuple[State, Problem]]:
    """One problem for every combination of the variables other than temperature; temperatures become its ladder's.

    Where an experiment has several ladders, each takes the temperatures that are nearest to its own.  Targets at
    states that are no longer simulated are dropped.

    Args:
        wanted: values of state variables; temperature is ``T``, K.

    Raises:
        ProblemError: nothing in the problem can take a temperature, one is not positive, there are several for a pull,
            no network can have a degree of crosslinking, or a variable is a coordinate of distributions.
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
    check_degrees(DEGREE, wanted.get(DEGREE, ()), f"--state {DEGREE}")
    others = {name: values for name, values in wanted.items() if name != "T"}
    combinations = itertools.product(*others.values())
    return [_at(problem, State.of(dict(zip(others, values, strict=True))), temperatures) for values in combinations]


def at_all_degrees(problem: Problem, wanted: Mapping[str, tuple[float, ...]]) -> list[Problem]:
    """The same states as those of :func:`at_states`, with all degrees of crosslinking of networks in one problem.

    So they are simulated side by side, and not one after the other.  Empty if there is nothing to be gained: fewer than
    two degrees, or experiments that are no networks and so have one state at a time.

    Raises:
        ProblemError: as :func:`at_states`.
    """
    degrees = wanted.get(DEGREE, ())
    if len(degrees) < 2 or not all(isinstance(one, Network) for one in problem.experiments.values()):
        return []
    first = {**wanted, DEGREE: degrees[:1]}
    return [_with_degrees(restated, tuple(sorted(set(degrees)))) for _, restated in at_states(problem, first)]


def _with_degrees(problem: Problem, degrees: tuple[float, ...]) -> Problem:
    experiments = {
        name: experiment.model_copy(update={"degrees": degrees}) for name, experiment in problem.experiments.items()
    }
    return replace(
        problem, file=problem.file.model_copy(update={"experiments": experiments}), targets=(), tolerances=()
    )


def _at(problem: Problem, state: State, temperatures: tuple[float, ...]) -> tuple[State, Problem]:
    experiments = {
        name: _experiment_at(experiment, state, temperatures) for name, experiment in problem.experiments.items()
    }
    takes_any = any(
        isinstance(experiment, Formulas) or _recorded_stages(experiment) for experiment in problem.experiments.values()
    )
    if temperatures and not takes_any:
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
    kept = [
        (target, tolerance)
        for target, tolerance in zip(problem.targets, problem.tolerances, strict=True)
        if any(same_state(target.state.without(*COORDINATES), own) for own in recorded)
    ]
    targets, tolerances = tuple(one for one, _ in kept), tuple(one for _, one in kept)
    return state, replace(problem, file=file, targets=targets, tolerances=tolerances)


def _experiment_at(experiment: Experiment, state: State, temperatures: tuple[float, ...]) -> Experiment:
    changes: dict[str, object] = {"state": {**experiment.state, **state.as_dict()}}
    if isinstance(experiment, Network) and DEGREE in state:
        changes = {"state": {**experiment.state, **state.without(DEGREE).as_dict()}, "degrees": (state[DEGREE],)}
    if isinstance(experiment, Formulas):
        # They take temperature as any other variable; several values of it stay side by side.
        listed = {"T": " ".join(map(repr, temperatures)) + " K"} if temperatures else {}
        left = {name: text for name, text in experiment.states.items() if name not in (*state, *listed)}
        changes["states"] = {**left, **listed}
    recorded = _recorded_stages(experiment)
    if temperatures and recorded and not isinstance(experiment, Opaque):
        protocol = [_pulled_at(stage, temperatures) for stage in experiment.protocol]
        shares: dict[int, list[float]] = {number: [] for number in recorded}
        for temperature in dict.fromkeys(temperatures):
            nearest = min(recorded, key=lambda number: min(abs(temperature - own) for own in recorded[number]))
            shares[nearest].append(temperature)
        changes["protocol"] = tuple(
            changed
            for number, stage in enumerate(protocol)
            for changed in (_stages_at(stage, shares[number]) if number in shares else [stage])
        )
    return experiment.model_copy(update=changes)


def _recorded_stages(experiment: Experiment) -> dict[int, tuple[float, ...]]:
    """Temperatures of every recorded stage of a protocol, by its index."""
    if isinstance(experiment, Opaque):
        return {}
    found: dict[int, tuple[float, ...]] = {}
    for number, stage in enumerate(experiment.protocol):
        match stage:
            case Ladder():
                found[number] = stage.temperatures
            case Dynamics(record=True):
                found[number] = temperatures_of(stage)
    return found


def _pulled_at(stage: Stage, temperatures: tuple[float, ...]) -> Stage:
    """A pull at the temperature that is asked for; any other stage as it is."""
    if not isinstance(stage, Tension):
        return stage
    if len(temperatures) > 1:
        received = ", ".join(f"{temperature:g}" for temperature in temperatures)
        raise ProblemError("--state T", received, "one temperature", "a protocol that ends with a tension pulls at one")
    return stage.model_copy(update={"temperature": temperatures[0]})


def _stages_at(stage: Stage, temperatures: list[float]) -> list[Stage]:
    """A recorded stage at other temperatures; none of it without any."""
    if isinstance(stage, Dynamics):
        return [stage.model_copy(update={"temperature": f"{temperature!r} K"}) for temperature in temperatures]
    if isinstance(stage, Ladder) and temperatures:
        cooling = stage.temperatures[0] > stage.temperatures[-1]
        return [stage.model_copy(update={"temperatures": tuple(sorted(temperatures, reverse=cooling))})]
    return []
