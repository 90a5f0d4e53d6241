"""What every search promises, and the wrappers that keep the promise for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from beadsmith.calibrate.response import Response

#: Tells the response at a point without a simulation, targets that it cannot tell being NaN; None if it can tell none.
Foresee: TypeAlias = Callable[[Mapping[str, float]], Response | None]


class Search(Protocol):
    """Proposes models and learns from their misfits.

    Evaluations are numbered 0, 1, 2, ... and both methods are called once for each, in that order; asks may
    run ahead of tells, so several evaluations can be in flight.  The same calls in the same order with the
    same seed give the same proposals, bit for bit: a study goes on after a crash by repeating the calls from
    its dataset.
    """

    @property
    def wants_gradients(self) -> bool:
        """Whether the responses that evaluations are told with should hold derivatives."""
        ...

    @property
    def finished(self) -> bool:
        """Whether further evaluations would gain nothing beyond the noise; most methods never know."""
        ...

    def ask(self, number: int) -> dict[str, float]:
        """The point of evaluation ``number``: a value for every free parameter, in the unit of the parameter.

        Raises:
            ValueError: ``number`` is not the next one.
        """
        ...

    def tell(self, number: int, misfit: float | None, response: Response | None = None) -> None:
        """How well evaluation ``number`` did: the smaller the better; None if it failed.

        Args:
            response: the observables behind the misfit, for the methods that look at them.

        Raises:
            ValueError: ``number`` is not the next one or was never asked for, or ``misfit`` is NaN or
                infinite.
        """
        ...


class Strategy(Protocol):
    """A search without the bookkeeping: how to propose, and what to learn."""

    @property
    def wants_gradients(self) -> bool:
        """See :attr:`Search.wants_gradients`."""
        return False

    @property
    def finished(self) -> bool:
        """See :attr:`Search.finished`."""
        return False

    def propose(self, number: int) -> dict[str, float]:
        """A point for evaluation ``number``; called in order of number."""
        ...

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Take note of a finite misfit, or of a failure; called in order of number."""
        ...


class InOrder:
    """Makes a strategy a :class:`Search`: refuses calls out of order and misfits that are not numbers."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._asked = 0
        self._told = 0

    @property
    def wants_gradients(self) -> bool:
        """See :attr:`Search.wants_gradients`."""
        return self._strategy.wants_gradients

    @property
    def finished(self) -> bool:
        """See :attr:`Search.finished`."""
        return self._strategy.finished

    def ask(self, number: int) -> dict[str, float]:
        """See :meth:`Search.ask`."""
        if number != self._asked:
            raise ValueError(f"evaluation {number} was asked for, expected {self._asked}: ask in order, once for each")
        point = self._strategy.propose(number)
        self._asked += 1
        return point

    def tell(self, number: int, misfit: float | None, response: Response | None = None) -> None:
        """See :meth:`Search.tell`."""
        if number != self._told:
            raise ValueError(f"evaluation {number} was told, expected {self._told}: tell in order, each once")
        if number >= self._asked:
            raise ValueError(f"evaluation {number} was told before it was asked for: ask first")
        if misfit is not None and not math.isfinite(misfit):
            raise ValueError(
                f"evaluation {number} has the misfit {misfit}, expected a finite number, or None if it failed"
            )
        self._strategy.learn(number, None if misfit is None else float(misfit), response)
        self._told += 1


class BeginWith(Strategy):
    """Proposes given points first, then what another strategy proposes, which never hears of those points."""

    def __init__(self, points: Sequence[Mapping[str, float]], then: Strategy) -> None:
        self._points = tuple(dict(point) for point in points)
        self._then = then

    def propose(self, number: int) -> dict[str, float]:
        """The given point of that number, while there is one."""
        if number < len(self._points):
            return dict(self._points[number])
        return self._then.propose(number - len(self._points))

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Passed on for the proposals of the other strategy."""
        if number >= len(self._points):
            self._then.learn(number - len(self._points), misfit, response)
