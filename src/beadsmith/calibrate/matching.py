"""Which observation answers which target."""

from __future__ import annotations

import math
from collections.abc import Sequence

from beadsmith.problem.records import Observation, Target
from beadsmith.problem.state import State, same_state

#: Values from here on are broken, and their squares would overflow.
LARGEST = 1e100


def matching(observations: Sequence[Observation], target: Target) -> list[Observation]:
    """All observations of the target's observable at its state: usually one."""
    return [
        observation
        for observation in observations
        if observation.observable == target.observable and same_state(observation.state, target.state)
    ]


def observation_for(observations: Sequence[Observation], target: Target) -> Observation:
    """The observation that answers a target, undetermined ones (:func:`is_undetermined`) included.

    Raises:
        ValueError: none, or more than one, or a value or standard error that is no number.
    """
    found = matching(observations, target)
    where = described(target.observable, target.state)
    if not found:
        raise ValueError(
            f"{where} was not observed, but there is a target for it; its experiment must record that state"
        )
    if len(found) > 1:
        raise ValueError(
            f"{where} was observed {len(found)} times, expected once: give the observables different names"
        )
    observation = found[0]
    if is_undetermined(observation):
        return observation
    if not abs(observation.value) < LARGEST:
        raise ValueError(f"{where} is {observation.value}, expected a finite number below {LARGEST:g}")
    if math.isnan(observation.stderr) or observation.stderr < 0:
        raise ValueError(f"{where} has the standard error {observation.stderr}, expected a number from 0 upwards")
    return observation


def is_undetermined(observation: Observation) -> bool:
    """Whether the data allow any value: an infinite standard error, as that of the Tg of parallel lines."""
    return observation.stderr == math.inf


def described(observable: str, state: State) -> str:
    """``density at T=150``, or only the name for the empty state."""
    return f"{observable} at {state.label}" if state.label else observable
