"""Gradient steps first, a grey-box search for what remains.

Where observables come with derivatives, Gauss-Newton makes large gains in a few evaluations; it sees neither the
targets without derivatives nor what bends beyond its linear model.  Once it gains nothing more, the grey-box search
goes on with everything evaluated so far: Gaussian processes of all observables about the straight line that the
derivatives give, in a trust region about the best point.  If the first response has no derivatives at all, it begins at
once, as it does alone.  It ends when it promises nothing beyond the noise either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beadsmith.calibrate.response import Response
from beadsmith.problem.schema import PRIOR_WIDTH
from beadsmith.search.box import Array, Box
from beadsmith.search.contract import Foresee, Strategy
from beadsmith.search.gauss_newton import GaussNewton
from beadsmith.search.grey_box import GreyBox
from beadsmith.search.local_model import misfit_of, misfit_stderr

#: So many answers in a row without a gain, failures among them, end the gradient steps.
PATIENCE = 3


class Combined(Strategy):
    """Gauss-Newton, then grey-box."""

    def __init__(
        self,
        box: Box,
        seed: int,
        start: Sequence[Array] = (),
        prior: float = PRIOR_WIDTH,
        foresee: Foresee | None = None,
    ) -> None:
        """Prepare both searches; see :class:`~beadsmith.search.gauss_newton.GaussNewton` for the arguments."""
        self._box = box
        self._steps = GaussNewton(box, seed, list(start), prior, foresee)
        self._grey_box = GreyBox(box, seed, start, gradients=True)
        self._given = len(start)
        self._stepping = True
        self._guided = False
        self._best = np.inf
        self._idle = 0

    @property
    def wants_gradients(self) -> bool:
        """Both searches use them."""
        return True

    @property
    def finished(self) -> bool:
        """Whether the second search, too, expects no gain beyond the noise."""
        return not self._stepping and self._grey_box.finished

    def propose(self, number: int) -> dict[str, float]:
        """What the search at work proposes; the other takes note of it."""
        if not self._stepping:
            return self._grey_box.propose(number)
        point = self._steps.propose(number)
        self._grey_box.note(number, np.clip(self._box.unit(point), 0.0, 1.0))
        return point

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Keep the answer, and judge whether gradient steps still gain."""
        self._grey_box.learn(number, misfit, response)
        if not self._stepping:
            return
        if response is not None and not (self._guided or response.guiding.any()):
            self._stepping = False
            return
        self._guided = self._guided or response is not None
        self._steps.learn(number, misfit, response)
        if response is not None and self._gains(response):
            self._idle = 0
        elif self._guided and number >= self._given:
            self._idle += 1
        if self._idle >= PATIENCE or self._steps.finished:
            self._stepping = False
            self._grey_box.begin()

    def _gains(self, response: Response) -> bool:
        """Whether a response is the best so far, by more than its noise, and steps can go on from it."""
        if not response.guiding.any():
            return False
        known = response.only(response.determined)
        found = misfit_of(known, known.values, known.stderrs)
        gains = found < self._best - misfit_stderr(known, known.values, known.stderrs)
        self._best = found if gains else self._best
        return bool(gains)
