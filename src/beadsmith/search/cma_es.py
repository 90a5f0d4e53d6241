"""CMA-ES: a normal distribution that moves, stretches and turns towards better points.

The package `cmaes`, which also stands behind Optuna's sampler, is used directly.  Optuna's sampler draws the
first points at random instead of from the distribution, and throws away every evaluation that was in flight
while a generation ended; with several at a time that is many of them.  On quadratics in 10 dimensions (300
evaluations) and 41 (600), 8 and 16 in flight, keeping them ended at 0.2 to 0.6 of the misfit that throwing
them away gives.

References:
    N. Hansen, The CMA evolution strategy: a tutorial (2016), arXiv:1604.00772.
    T. Glasmachers, GECCO 2013, doi:10.1145/2463372.2463424 (updates while evaluations are in flight).
    A. Auger, N. Hansen, CEC 2005, doi:10.1109/CEC.2005.1554902 (restarts with twice the population).
"""

from __future__ import annotations

import cmaes
import numpy as np

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array, Box
from beadsmith.search.contract import Strategy

#: First standard deviation, in unit coordinates: the box is 3 of them on each side of its centre, so that
#: in 41 dimensions nine of ten draws lie inside.  1/4 and 0.3 did worse on quadratics in 10 and 41
#: dimensions.
FIRST_STEP = 1.0 / 6.0


class CmaEs(Strategy):
    """CMA-ES in unit coordinates, with restarts, for evaluations in flight and failures.

    A point counts in the generation in which it is told, even if it was drawn in the one before.  A failure
    ranks behind all successes of its generation.  When the distribution has shrunk to nothing, a new one
    with twice the population starts somewhere else.
    """

    def __init__(self, box: Box, seed: int, mean: Array) -> None:
        """Prepare the first generation.

        Args:
            box: ranges of the parameters.
            seed: non-negative.
            mean: where to begin, unit coordinates inside the box, shape (dimension,).
        """
        self._box = box
        self._random = np.random.default_rng(seed)
        self._begin(mean, None)

    def _begin(self, mean: Array, population: int | None) -> None:
        dimension = self._box.dimension
        self._distribution = cmaes.CMA(
            mean=mean,
            sigma=FIRST_STEP,
            bounds=np.array([[0.0, 1.0]] * dimension),
            n_max_resampling=10 * dimension,
            seed=int(self._random.integers(2**31)),
            population_size=population,
        )
        self._in_flight: dict[int, Array] = {}
        self._generation: list[tuple[Array, float | None]] = []

    def propose(self, number: int) -> dict[str, float]:
        """A draw from the distribution, drawn again while outside the box."""
        unit = self._distribution.ask()
        self._in_flight[number] = unit
        return self._box.point(unit)

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Update the distribution whenever a generation is complete."""
        unit = self._in_flight.pop(number, None)
        if unit is None:
            return  # drawn before a restart, from a distribution that is gone
        self._generation.append((unit, misfit))
        if len(self._generation) < self._distribution.population_size:
            return
        self._distribution.tell(_with_failures_last(self._generation))
        self._generation = []
        if self._distribution.should_stop():
            self._begin(self._random.random(self._box.dimension), 2 * self._distribution.population_size)


def _with_failures_last(generation: list[tuple[Array, float | None]]) -> list[tuple[Array, float]]:
    """Finite numbers for failures: only ranks matter, and the stopping rule subtracts misfits."""
    behind_all = max((misfit for _, misfit in generation if misfit is not None), default=0.0) + 1.0
    return [(unit, behind_all if misfit is None else misfit) for unit, misfit in generation]
