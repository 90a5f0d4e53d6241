"""Systems of a problem: what varies in the design of each, and the problem of one of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beadsmith.design import StateAxis
from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_range
from beadsmith.problem.schema import Design, Experiment, Formulas, Ladder, Network, Script
from beadsmith.problem.state import COORDINATES, DEGREE, State
from beadsmith.problem.states import at_states
from beadsmith.problem.systems import parameters_of
from beadsmith.problem.targets import KIND_OF_VARIABLE, check_degrees, parse_variable

#: Points per dimension of a design that says no number.
POINTS_PER_DIMENSION = 16


@dataclass(frozen=True)
class System:
    """An experiment of a problem, as something to be learnt.

    Attributes:
        name: of the experiment.
        parameters: free ones that it depends on.
        states: state variables that vary between its runs.
        points: of its design.
        observables: names of what is measured in it, and of what is derived from that.
    """

    name: str
    parameters: tuple[Parameter, ...]
    states: tuple[StateAxis, ...]
    points: int
    observables: tuple[str, ...]

    @property
    def dimension(self) -> int:
        """Coordinates of its design."""
        return len(self.parameters) + len(self.states)


def systems_of(problem: Problem, points: int | None = None) -> tuple[System, ...]:
    """All systems of a problem, in the order of its experiments.

    Args:
        points: of every design, instead of what the problem file says.

    Raises:
        ProblemError: no free parameters, or a design for an experiment or of states that do not exist.
    """
    design = problem.file.design or Design()
    known = (*problem.experiments, "*")
    for name in design.points or {}:
        if name not in known:
            raise ProblemError("design.points", name, f"one of {', '.join(known)}", suggestion(name, known))
    systems = tuple(_system(problem, design, name, points) for name in problem.experiments)
    varied = {axis.name for system in systems for axis in system.states}
    for name in design.states:
        if name not in varied:
            expected = "a state variable of an experiment whose runs can differ in it"
            raise ProblemError(f"design.states.{name}", name, expected, suggestion(name, varied))
    if not any(system.parameters for system in systems):
        raise ProblemError("parameters", "nothing free", "at least one parameter with a range", "there is no design")
    return systems


def system_of(problem: Problem, observable: str) -> str:
    """Name of the system in which an observable is measured, or derived from what is."""
    declared = problem.observables[observable]
    return str(declared.experiment) if hasattr(declared, "experiment") else system_of(problem, declared.density)


def run_problem(problem: Problem, system: str, state: State) -> Problem:
    """The problem of one run: one experiment, at one state, without targets."""
    (_, restated), *_ = at_states(_alone(problem, system), {name: (state[name],) for name in state})
    return restated


def problem_of_cures(problem: Problem, system: System) -> Problem | None:
    """A network at all degrees of crosslinking that its design can ask for; None for anything else."""
    experiment = problem.experiments[system.name]
    axis = next((axis for axis in system.states if axis.name == DEGREE), None)
    if not isinstance(experiment, Network) or axis is None or not axis.values:
        return None
    alone = _alone(problem, system.name)
    degrees = experiment.model_copy(update={"degrees": tuple(sorted(axis.values))})
    return replace(alone, file=alone.file.model_copy(update={"experiments": {system.name: degrees}}))


def _alone(problem: Problem, system: str) -> Problem:
    own = {name: one for name, one in problem.observables.items() if system_of(problem, name) == system}
    experiments = {system: problem.experiments[system]}
    file = problem.file.model_copy(update={"experiments": experiments, "observables": own, "targets": {}})
    return replace(problem, file=file, targets=(), tolerances=(), spreads=())


def _system(problem: Problem, design: Design, name: str, points: int | None) -> System:
    parameters = parameters_of(problem, name)
    states = _state_axes(problem.experiments[name], design)
    observables = tuple(own for own in problem.observables if system_of(problem, own) == name)
    declared = design.points or {}
    count = points or declared.get(name) or declared.get("*") or POINTS_PER_DIMENSION * (len(parameters) + len(states))
    return System(name, parameters, states, count if parameters else 0, observables)


def _state_axes(experiment: Experiment, design: Design) -> tuple[StateAxis, ...]:
    """State variables of the design; those that the experiment itself takes several values of, if it names none."""
    own = _own_states(experiment)
    axes = []
    for variable, text in design.states.items():
        if variable in own:
            axes.append(_axis(variable, text, continuous=isinstance(experiment, Formulas)))
    named = {axis.name for axis in axes}
    for variable, values in own.items():
        if variable not in named and len(values) > 1:
            axes.append(StateAxis(variable, min(values), max(values), values))
    return tuple(axes)


def _axis(variable: str, text: str, *, continuous: bool) -> StateAxis:
    where = f"design.states.{variable}"
    if continuous:
        try:
            low, high = parse_range(text, KIND_OF_VARIABLE.get(variable, "number"))
        except ValueError:
            pass  # a list, then
        else:
            check_degrees(variable, [low, high], where)
            return StateAxis(variable, low, high)
    values = parse_variable(variable, text, where)
    return StateAxis(variable, min(values), max(values), tuple(values))


def _own_states(experiment: Experiment) -> dict[str, tuple[float, ...]]:
    """Values that state variables take in different runs.

    Every run visits all temperatures of a ladder, and all states of a user's own script.
    """
    if isinstance(experiment, Script):
        return {}
    found: dict[str, dict[float, None]] = {}
    for state in recorded_states(experiment):
        for variable in state:
            found.setdefault(variable, {})[state[variable]] = None
    if not isinstance(experiment, Formulas) and any(isinstance(stage, Ladder) for stage in experiment.protocol):
        found.pop("T", None)
    return {variable: tuple(values) for variable, values in found.items()}


def state_variables(problem: Problem, systems: Sequence[System]) -> tuple[str, ...]:
    """Names of all state variables that designs vary, or that experiments or targets name."""
    designed = [axis.name for system in systems for axis in system.states]
    recorded = [name for one in problem.experiments.values() for state in recorded_states(one) for name in state]
    wanted = [name for target in problem.targets for name in target.state]
    return tuple(name for name in dict.fromkeys([*designed, *recorded, *wanted]) if name not in COORDINATES)


def scalars_of(problem: Problem, system: System) -> tuple[str, ...]:
    """Names of the observables of a system that are one number at each state, and no curve."""
    return tuple(name for name in system.observables if not hasattr(problem.observables[name], "coordinate"))
