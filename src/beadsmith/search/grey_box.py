"""Grey-box search: Gaussian processes learn the observables; the misfit, whose form is known, is computed from them.

After some points about the centre of the box (or about the start points), each proposal is the point with the largest
expected improvement of the misfit (:mod:`.grey_box_acquisition`) in a region about the best evaluation
(:mod:`.trust_region`), as Gaussian processes of the observables see it (:mod:`.grey_box_model`).  Best is the
evaluation whose misfit they expect to be smallest, not the luckiest measured one.  Evaluations in flight are taken to
come out as expected.  Failures teach where not to go.

A proposal is a function of the evaluations so far, of those in flight, of its number and of the seed: nothing else is
remembered, so that :class:`~beadsmith.search.grey_box_sampler.GreyBoxSampler` can make it from any study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import qmc

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array, Box, in_unit_coordinates
from beadsmith.search.contract import Strategy
from beadsmith.search.grey_box_acquisition import Promise, most_promising
from beadsmith.search.grey_box_model import Evaluated, fit_composite_model
from beadsmith.search.trust_region import trust_region

#: Evaluations before the first model: two for each parameter and two more, but not more than this.
MOST_STARTS = 12

#: Half the width, in unit coordinates, of the boxes about the start points that further ones are drawn from.  In tens
#: of dimensions almost all of the box is near its faces, where observables bend; their noise would allow even less.
ABOUT_START = 0.25

#: So many of the best evaluations are compared with what else could be proposed.
GOOD = 5

#: So many answers in a row of which nothing was expected end the search.
PATIENCE = 5

#: A model needs so many evaluations that did not fail.
LEAST_SUCCESSES = 2


@dataclass(frozen=True)
class Design:
    """Points that are not proposed by a model.

    Attributes:
        dimension: number of parameters.
        seed: of the Sobol sequence.
        starts: how many evaluations come before the first model.
        restarts: how many come before the model looks at a new region.
        given: start points, shape (parameters,) each, at least one.
    """

    dimension: int
    seed: int
    starts: int
    restarts: int
    given: tuple[Array, ...]

    @classmethod
    def of(cls, dimension: int, seed: int, given: Sequence[Array] = ()) -> Design:
        """The usual numbers of points; the first is the centre of the box if none is given."""
        usual = min(MOST_STARTS, 2 * dimension + 2)
        beginning = tuple(given) or (np.full(dimension, 0.5),)
        return cls(dimension, seed, max(usual, len(beginning)), (usual + 1) // 2, beginning)

    def start(self, number: int) -> Array:
        """The point of evaluation ``number`` at the beginning: a given one, or one about them."""
        if number < len(self.given):
            return self.given[number]
        about = self.given[number % len(self.given)]
        return np.clip(about + 2.0 * ABOUT_START * (self.anywhere(number) - 0.5), 0.0, 1.0)

    def anywhere(self, number: int) -> Array:
        """A point of a Sobol sequence."""
        sequence = qmc.Sobol(self.dimension, rng=np.random.default_rng(self.seed))
        if number > 0:  # SciPy cannot go forward by nothing
            sequence.fast_forward(number)
        return np.asarray(sequence.random(1)[0])


def propose(design: Design, number: int, history: Sequence[Evaluated], pending: Sequence[Array]) -> Promise:
    """The point of evaluation ``number``.

    Args:
        history: evaluations that are known, in the order of their numbers.
        pending: points of those that are not.
    """
    if number < design.starts:
        return Promise(design.start(number))
    succeeded = [place for place, one in enumerate(history) if one.response is not None]
    if len(succeeded) < LEAST_SUCCESSES:
        return Promise(design.anywhere(number))
    seed = int(np.random.SeedSequence([design.seed, number]).generate_state(1)[0])
    model = fit_composite_model(history, seed=seed)
    units = np.array([one.unit for one in history])
    misfits = np.full(len(history), np.inf)
    misfits[succeeded] = model.expected_misfit(units[succeeded])
    region = trust_region(misfits, design.starts, design.restarts)
    beginning = region.since > 0 and len(history) + len(pending) < region.since + design.restarts
    if region.best is None or beginning:
        return Promise(design.anywhere(number))
    if pending:
        model = model.believing(np.array(pending))
    believed = model.expected_misfit(np.array(pending)).min() if pending else np.inf
    good = units[np.argsort(misfits, kind="stable")[:GOOD]]
    centre = units[region.best]
    lowest = min(float(misfits[region.best]), float(believed))
    near = most_promising(model, lowest, centre, region.bounds(centre), seed, good)
    if not near.negligible:
        return near
    lowest = min(float(misfits.min()), float(believed))
    far = most_promising(model, lowest, centre, (np.zeros_like(centre), np.ones_like(centre)), seed, good)
    return max(near, far, key=lambda promise: promise.gain)


class GreyBox(Strategy):
    """The search for problems whose evaluations tell their observables."""

    def __init__(self, box: Box, seed: int, start: Sequence[Array] = (), gradients: bool = False) -> None:
        """Prepare the search.

        Args:
            box: ranges of the parameters.
            seed: non-negative.
            start: points to begin with, unit coordinates inside the box.
            gradients: whether to ask for derivatives; those that come are used in any case.
        """
        self._box = box
        self._design = Design.of(box.dimension, seed, start)
        self._gradients = gradients
        self._history: list[Evaluated] = []
        self._pending: dict[int, Promise] = {}
        self._idle = 0

    @property
    def wants_gradients(self) -> bool:
        """See the arguments."""
        return self._gradients

    @property
    def finished(self) -> bool:
        """Whether, for some proposals, no point of the box promised a gain beyond the noise."""
        return self._idle >= PATIENCE

    def propose(self, number: int) -> dict[str, float]:
        """The most promising point."""
        promise = propose(self._design, number, self._history, [one.unit for one in self._pending.values()])
        self._pending[number] = promise
        return self._box.point(promise.unit)

    def note(self, number: int, unit: Array) -> None:
        """Take a point that another search proposed as one's own proposal for evaluation ``number``."""
        self._pending[number] = Promise(unit)

    def begin(self) -> None:
        """Ask the model from the next proposal on: what is known already takes the place of points without one."""
        known = len(self._history) + len(self._pending)
        self._design = replace(self._design, starts=known)

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Keep the evaluation.

        Raises:
            ValueError: an evaluation went well but its observables were not told.
        """
        promise = self._pending.pop(number)
        if misfit is not None and response is None:
            raise ValueError(f"evaluation {number} came without its response; grey-box learns from the observables")
        told = None if misfit is None or response is None else in_unit_coordinates(response, self._box)
        self._history.append(Evaluated(promise.unit, told))
        self._idle = self._idle + 1 if promise.negligible else 0
