"""Gauss-Newton on noisy responses: a few steps where a search that sees only the misfit needs dozens.

Every evaluation brings the observables and, from the fluctuations of the same trajectories, their derivatives
(:mod:`beadsmith.observe.response`).  Around the best point so far the observables are taken as linear, with values and
Jacobians averaged over the evaluations near it, and the next point minimises

    sum_i w_i [(y_i + B_i d - t_i)^2 + sum_j s(B_ij)^2 d_j^2] / (sigma_i^2 + s(y_i)^2)
        + (|d|^2 / step^2 + |u + d - u_0|^2 / prior^2) / N

over the step d in unit coordinates, inside a trust region and the box (N targets, u the point, u_0 the first one).  The
second term is what the linear model's own noise adds to the expected misfit: it damps just the directions whose
derivatives are not known well (errors in variables).  s(y_i) includes the scatter between evaluations that error bars
do not know (:func:`~beadsmith.search.local_model.scatter_between`).  The last is a normal prior about the beginning:
without it the parameters that the data say nothing about would wander off with the noise.  In misfits other than
combined variance s(y_i) is no part of the denominator, and i counts what is squared in them.

**Failures** shorten the steps, if need be to where noise hides what they do, until one succeeds or the search ends.

**Inner steps.**  Where responses can be foreseen without simulations (:data:`~beadsmith.search.contract.Foresee`), the
linear model is made again where a step would lead, with what is foreseen there as one more answer, and the step is
taken again, until it stays or nothing is foreseen.  Targets that are not foreseen keep the linear model of the
simulated points.

References:
    K. Levenberg, Q. Appl. Math. 2, 164 (1944); D. Marquardt, SIAM J. Appl. Math. 11, 431 (1963).
    J. Nocedal, S. Wright, Numerical Optimization (2006), chapters 4 and 10 (trust regions, least squares).
    W. Fuller, Measurement Error Models (1987), section 2 (errors in variables).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear
from scipy.stats import qmc

from beadsmith.calibrate.response import Response
from beadsmith.problem.schema import PRIOR_WIDTH
from beadsmith.search.box import Array, Box, in_unit_coordinates
from beadsmith.search.contract import Foresee, Strategy
from beadsmith.search.local_model import (
    Answer,
    LocalModel,
    local_model,
    misfit_of,
    misfit_stderr,
    of_common_rows,
    scatter_between,
    scattered,
)

#: Standard deviation, in unit coordinates, of a step that the data say nothing about.
PRIOR_STEP = 0.25

#: Trust region at the beginning and at most: the largest change of any parameter in one step.
LARGEST_STEP = 0.25

#: Trust region at least, unless steps fail: shorter ones could not be told from noise.
SMALLEST_STEP = 0.03

#: Half the width of the box about the first start point that points are drawn from before the first answer.
ABOUT_START = 0.25

#: Proposals that wait for their answers get a stronger damping each, so that they differ.
DAMPING_OF_COMPANIONS = 6.0

#: So many steps in a row that failed, or neither gained nor promised anything beyond the noise, end the search.
PATIENCE = 6

#: Inner steps at most, and the largest change of a parameter at which they have come to rest, in unit coordinates.
INNER_STEPS = 3
AT_REST = 0.005


@dataclass(frozen=True)
class Region:
    """Where a step may lead, and what holds it back; all in unit coordinates.

    Attributes:
        centre: the point from which it is taken, shape (parameters,).
        radius: the largest change of any parameter.
        damping: how many times as strongly the errors of the linear model and the length of the step count.
        first: where the search began, shape (parameters,).
        prior: standard deviation of a parameter about its first value.
    """

    centre: Array
    radius: float
    damping: float
    first: Array
    prior: float


@dataclass(frozen=True)
class Expectation:
    """What was hoped for when a point was proposed.

    Attributes:
        unit: the point.
        before, after: misfit where the step began, and where it leads if the model is right.
        scatter: of the targets between evaluations, as both misfits take it into account, shape (targets,).
    """

    unit: Array
    before: float
    after: float
    scatter: Array


class GaussNewton(Strategy):
    """Levenberg-Marquardt steps from the best point so far, in a trust region that follows their success."""

    def __init__(
        self, box: Box, seed: int, start: list[Array], prior: float = PRIOR_WIDTH, foresee: Foresee | None = None
    ) -> None:
        """Prepare the search.

        Args:
            box: ranges of the parameters.
            seed: non-negative; only points proposed before the first answer depend on it.
            start: points to begin with, unit coordinates inside the box; the centre of the box if empty.
            prior: standard deviation, in unit coordinates, of a parameter about its first value before anything was
                measured.
            foresee: for inner steps; it may know what the search has been told, and nothing later.
        """
        self._box = box
        self._foresee = foresee
        self._prior = prior
        self._start = start or [np.full(box.dimension, 0.5)]
        self._spread = qmc.Sobol(box.dimension, rng=np.random.default_rng(seed))
        self._all: list[Answer] = []
        self._answers: list[Answer] = []
        self._pending: dict[int, Expectation | Array] = {}
        self._scatter: Array = np.zeros(0)
        self._radius = LARGEST_STEP
        self._idle = 0

    @property
    def wants_gradients(self) -> bool:
        """It lives on them."""
        return True

    @property
    def finished(self) -> bool:
        """Whether the last steps failed, or neither gained nor promised anything beyond the noise."""
        return self._idle >= PATIENCE

    def propose(self, number: int) -> dict[str, float]:
        """A step from the best point; before the first answer, the start points and points about the first one."""
        if number < len(self._start):
            self._pending[number] = self._start[number]
        elif not self._answers:
            about = self._start[0] + 2.0 * ABOUT_START * (self._spread.random(1)[0] - 0.5)
            self._pending[number] = np.clip(about, 0.0, 1.0)
        else:
            self._pending[number] = self._step()
        waiting = self._pending[number]
        return self._box.point(waiting.unit if isinstance(waiting, Expectation) else waiting)

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Keep the answer, and follow the trust region; without derivatives it teaches as little as a failure.

        Raises:
            ValueError: an evaluation went well but its observables were not told.
        """
        waiting = self._pending.pop(number)
        unit = waiting.unit if isinstance(waiting, Expectation) else waiting
        if misfit is not None and response is None:
            raise ValueError(f"evaluation {number} came without its response; gauss-newton learns from its derivatives")
        if misfit is None or response is None or not response.guiding.any():
            self._shorten(isinstance(waiting, Expectation))
            return
        answer = Answer(unit, in_unit_coordinates(response, self._box))
        self._all.append(answer)
        self._scatter = scatter_between(self._all, _best_of(of_common_rows(self._all)).unit)
        self._answers = of_common_rows([scattered(one, self._scatter) for one in self._all])
        if isinstance(waiting, Expectation):
            self._follow(waiting, answer)

    def _shorten(self, stepped: bool) -> None:
        """After an evaluation that taught nothing: a step of the same length would only lead there again."""
        if stepped:
            self._radius *= 0.5
            self._idle += 1
        else:
            self._radius = max(SMALLEST_STEP, 0.5 * self._radius)

    def _step(self) -> Expectation:
        centre = _best_of(self._answers)
        companions = sum(isinstance(one, Expectation) for one in self._pending.values())
        damping = DAMPING_OF_COMPANIONS**companions
        region = Region(centre.unit, self._radius, damping, self._start[0], self._prior)
        model, goal = centre, self._answers[0].response
        point = _levenberg_marquardt(model, goal, region)
        for _ in range(INNER_STEPS):
            answers = self._foreseen(point)
            if not answers:
                break
            model, goal = local_model(answers, point), answers[0].response
            point = _levenberg_marquardt(model, goal, region)
            if np.abs(point - model.unit).max() < AT_REST:
                break
        expected = misfit_of(goal, model.values + model.jacobian @ (point - model.unit), model.stderrs)
        return Expectation(point, centre.misfit, expected, self._scatter)

    def _foreseen(self, unit: Array) -> list[Answer]:
        """All answers with one more, what is foreseen at a point; empty if nothing is."""
        response = None if self._foresee is None else self._foresee(self._box.point(unit))
        if response is None or not response.guiding.any():
            return []
        answers = [*self._all, Answer(unit, in_unit_coordinates(response, self._box))]
        return of_common_rows([scattered(one, self._scatter) for one in answers])

    def _follow(self, hoped: Expectation, answer: Answer) -> None:
        """Widen the trust region after a step that kept its promise, narrow it after one that did harm."""
        response = scattered(answer, hoped.scatter).response
        response = response.only(response.guiding)
        found = misfit_of(response, response.values, response.stderrs)
        noise = misfit_stderr(response, response.values, response.stderrs)
        self._radius = max(SMALLEST_STEP, self._radius)
        gained, promised = hoped.before - found, hoped.before - hoped.after
        # A promise counts until the shortest steps have proved it empty.
        hopeful = promised > noise and self._radius > SMALLEST_STEP
        self._idle = 0 if hopeful or gained > 2.0 * noise else self._idle + 1
        if gained < -2.0 * noise:
            self._radius = max(SMALLEST_STEP, 0.5 * self._radius)
        elif gained > 0.5 * promised:
            self._radius = min(LARGEST_STEP, 1.5 * self._radius)


def _best_of(answers: list[Answer]) -> LocalModel:
    """The evaluated point with the smallest misfit, as its neighbours see it too."""
    return min((local_model(answers, one.unit) for one in answers), key=lambda one: one.misfit)


def _levenberg_marquardt(model: LocalModel, goal: Response, region: Region) -> Array:
    """The point of a region with the smallest expected misfit, in unit coordinates, shape (parameters,)."""
    scale = np.sqrt(goal.weights / goal.variances(model.stderrs))
    step, prior = (1.0 / (len(goal.targets) * width**2) for width in (PRIOR_STEP, region.prior))
    doubt = ((scale[:, None] * model.jacobian_stderrs) ** 2).sum(axis=0)
    # The linear model errs with the distance from its own point, which is the centre if nothing was foreseen.
    away = model.unit - region.centre
    held = np.sqrt(region.damping * (doubt + step))
    identity = np.eye(len(away))
    matrix = np.vstack([scale[:, None] * model.jacobian, held * identity, np.sqrt(prior) * identity])
    wanted = np.concatenate(
        [
            scale * (goal.targets - model.values + model.jacobian @ away),
            held * doubt / (doubt + step) * away,
            np.sqrt(prior) * (region.first - region.centre),
        ]
    )
    low = np.maximum(-region.radius, -region.centre)
    high = np.minimum(region.radius, 1.0 - region.centre)
    # A coordinate at its bound has no room on one side; the solver wants some between the bounds.
    change = lsq_linear(matrix, wanted, bounds=(low - 1e-12, high + 1e-12)).x
    return np.asarray(np.clip(region.centre + change, 0.0, 1.0))
