"""Points of a scrambled Sobol sequence over parameters and states.

Point k depends on the seed and on k alone, so a design is extended without losing what was simulated before.  It is
more even than random points are, most of all at powers of two.

References:
    A. B. Owen, J. Complexity 14, 466 (1998), doi:10.1006/jcom.1998.0487.
    S. Joe, F. Y. Kuo, SIAM J. Sci. Comput. 30, 2635 (2008), doi:10.1137/070709359 (direction numbers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from beadsmith.problem.parameters import Parameter
from beadsmith.problem.state import State


@dataclass(frozen=True)
class StateAxis:
    """A state variable of a design.

    Attributes:
        low, high: ends of its range.
        values: those that it may take; anything between the ends if empty.
    """

    name: str
    low: float
    high: float
    values: tuple[float, ...] = ()

    def at(self, coordinate: float) -> float:
        """Its value at a unit coordinate; each of a list has an equal share of them."""
        if not self.values:
            return self.low + coordinate * (self.high - self.low)
        return self.values[min(int(coordinate * len(self.values)), len(self.values) - 1)]


@dataclass(frozen=True)
class DesignPoint:
    """A model at a state.

    Attributes:
        number: in the sequence, 0 first.
        parameters: by name.
        state: the design's state variables.
    """

    number: int
    parameters: Mapping[str, float]
    state: State


def design_points(
    parameters: Sequence[Parameter], states: Sequence[StateAxis], seed: int, count: int
) -> tuple[DesignPoint, ...]:
    """The first points of a design.

    Args:
        parameters: those that vary.
        states: state variables that vary.
        seed: scrambles the sequence.
        count: how many points.
    """
    dimension = len(parameters) + len(states)
    if not dimension or not count:
        return ()
    # A whole power of two is drawn, for which the sequence is balanced, and the rest is left for later.
    sequence = qmc.Sobol(dimension, scramble=True, rng=np.random.default_rng(seed))
    rows = sequence.random_base2((count - 1).bit_length())[:count]
    return tuple(_point(number, row.tolist(), parameters, states) for number, row in enumerate(rows))


def _point(
    number: int, coordinates: list[float], parameters: Sequence[Parameter], states: Sequence[StateAxis]
) -> DesignPoint:
    first, rest = coordinates[: len(parameters)], coordinates[len(parameters) :]
    values = {
        parameter.name: parameter.low + coordinate * (parameter.high - parameter.low)
        for parameter, coordinate in zip(parameters, first, strict=True)
    }
    state = State.of({axis.name: axis.at(coordinate) for axis, coordinate in zip(states, rest, strict=True)})
    return DesignPoint(number, values, state)
