"""What is not known well enough, and the cheapest way to know it better: more of the same run, or another one.

A longer run lessens what fluctuates within it; its error falls with the square root of the length.  It does not lessen
what a run never forgets, such as the structure in which a glass was quenched: that takes independent repetitions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.spread import Spread
from beadsmith.problem.state import State, same_state

#: A property that still drifts wants at least so many times the length.
_DRIFTING = 2.0

#: How favourable a model's errors are taken when it is asked whether it could be the best.
_STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Shortfall:
    """An observation that is not precise enough.

    Attributes:
        experiment, state: where it is measured.
        longer: how many times as long its stretch should be, all replicas alike: until it is precise enough, or until
            what fluctuates within a run adds no more than what differs between runs.
        replicas: how many independent repetitions would be enough.
        lasting: whether most of the error is what a longer run does not lessen.
    """

    experiment: str
    state: State
    longer: float
    replicas: int
    lasting: bool


@dataclass(frozen=True)
class Missed:
    """A tolerance that was not reached.

    Attributes:
        observable, state: of what.
        stderr: standard error of the observation, in its unit; infinite if that is not known.
        tolerance: the largest that was wanted, in the same unit.
    """

    observable: str
    state: State
    stderr: float
    tolerance: float


def missed_tolerances(problem: Problem, observations: Sequence[Observation]) -> tuple[Missed, ...]:
    """Which observations have a larger standard error than the problem tolerates, in the order of its targets.

    Args:
        observations: as they are reported, with all that is known of their errors.
    """
    return tuple(
        Missed(target.observable, target.state, observation.stderr, tolerance)
        for target, observation, tolerance in _tolerated(problem, observations)
        if observation.stderr > tolerance
    )


def shortfalls(
    problem: Problem, observations: Sequence[Observation], replicas: Mapping[str, int]
) -> tuple[Shortfall, ...]:
    """Which targets' observations are not known within their tolerance.

    Only of what is measured in a simulation; what is derived is as precise as what it is derived from.

    Args:
        observations: with the standard errors of what fluctuates within the runs alone.
        replicas: how many runs the observations of each experiment are the mean of.
    """
    found = []
    for target, observation, tolerance in _tolerated(problem, observations):
        experiment = getattr(problem.observables[target.observable], "experiment", "")
        between = math.sqrt(sum(one.between_runs**2 for one in problem.spreads if _answers(one, target)))
        short = _shortfall(observation, tolerance, between, replicas[experiment])
        if short is not None:
            found.append(replace(short, experiment=experiment))
    return tuple(found)


def could_be_best(
    observations: Sequence[Observation],
    targets: Sequence[Target],
    misfit: Callable[[Sequence[Observation]], float],
    best: float | None,
) -> bool:
    """Whether a model would beat the best if its errors were as favourable as can be expected.

    Args:
        misfit: of observations.
        best: misfit of the best model so far; None if there is none, or if every model is worth its price.
    """
    if best is None:
        return True
    return misfit([_favoured(one, targets) for one in observations]) < best


def _tolerated(problem: Problem, observations: Sequence[Observation]) -> Iterator[tuple[Target, Observation, float]]:
    """Targets that were observed and have a tolerance, with both."""
    for target, tolerance in zip(problem.targets, problem.tolerances, strict=True):
        observed = next((one for one in observations if _answers(one, target)), None)
        if observed is not None and math.isfinite(tolerance):
            yield target, observed, tolerance


def _shortfall(observation: Observation, tolerance: float, between: float, replicas: int) -> Shortfall | None:
    """A shortfall of a mean over replicas; None if it is precise enough."""
    within = observation.stderr**2 * replicas
    variance = (within + between**2) / replicas
    if variance <= tolerance**2 and observation.equilibrated:
        return None
    longer = within / max(replicas * tolerance**2 - between**2, between**2)
    return Shortfall(
        experiment="",
        state=observation.state,
        longer=longer if observation.equilibrated else max(longer, _DRIFTING),
        replicas=math.ceil((within + between**2) / tolerance**2) if math.isfinite(within) else replicas,
        lasting=between**2 > within,
    )


def _favoured(observation: Observation, targets: Sequence[Target]) -> Observation:
    for target in targets:
        if _answers(observation, target) and math.isfinite(observation.stderr):
            off = target.value - observation.value
            return replace(
                observation,
                value=observation.value + math.copysign(min(abs(off), _STANDARD_ERRORS * observation.stderr), off),
            )
    return observation


def _answers(one: Observation | Spread, target: Target) -> bool:
    return one.observable == target.observable and same_state(one.state, target.state)
