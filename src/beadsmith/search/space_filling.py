"""Searches that fill the box without looking at the misfits: baselines, and designs for surrogates.

Point k depends on the seed and on k alone, so a design can be extended later without repeating a simulation.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Box
from beadsmith.search.contract import Strategy


class SobolPoints(Strategy):
    """A scrambled Sobol sequence: more even than random points, most of all at powers of two.

    References:
        A. B. Owen, J. Complexity 14, 466 (1998), doi:10.1006/jcom.1998.0487.
        S. Joe, F. Y. Kuo, SIAM J. Sci. Comput. 30, 2635 (2008), doi:10.1137/070709359 (direction numbers).
    """

    def __init__(self, box: Box, seed: int) -> None:
        self._box = box
        self._sequence = qmc.Sobol(box.dimension, scramble=True, rng=np.random.default_rng(seed))

    def propose(self, number: int) -> dict[str, float]:
        """The next point of the sequence."""
        return self._box.point(self._sequence.random(1)[0])

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Nothing is learnt."""


class RandomPoints(Strategy):
    """Independent, uniform points."""

    def __init__(self, box: Box, seed: int) -> None:
        self._box = box
        self._seed = seed

    def propose(self, number: int) -> dict[str, float]:
        """A point from a random stream of its own."""
        return self._box.point(np.random.default_rng((self._seed, number)).random(self._box.dimension))

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Nothing is learnt."""
