"""Gauss-Newton on noisy responses: a few steps where a search that sees only the misfit needs dozens.

Every evaluation brings the observables and, from the fluctuations of the same trajectories, their derivatives
(:mod:`beadsmith.observe.response`).  Around the best point so far the observables are taken as linear, with values and
Jacobians averaged over the evaluations near it, and the next point minimises

    sum_i w_i [(y_i + B_i d - t_i)^2 + sum_j s(B_ij)^2 d_j^2] / (sigma_i^2 + s(y_i)^2)
        + (|d|^2 / step^2 + |u + d - u_0|^2 / prior^2) / N

over the step d in unit coordinates, inside a trust region and the box (N targets, u the point, u_0 the first one).  The
second term is what the linear model's own noise adds to the expected misfit: it damps just the directions whose
derivatives are not known well (errors in variables).  The last is a normal prior about the beginning: without it the
parameters that the data say nothing about would wander off with the noise.

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

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import lsq_linear
from scipy.stats import qmc

from beadsmith.calibrate.response import Response
from beadsmith.problem.schema import PRIOR_WIDTH
from beadsmith.search.box import Array, Box, in_unit_coordinates
from beadsmith.search.contract import Foresee, Strategy

#: Standard deviation, in unit coordinates, of a step that the data say nothing about.
PRIOR_STEP = 0.25

#: Trust region at the beginning and at most: the largest change of any parameter in one step.
LARGEST_STEP = 0.25

#: Trust region at least: shorter steps could not be told from noise.
SMALLEST_STEP = 0.03

#: Distance over which evaluations share one linear model.
SHARING_DISTANCE = 0.25

#: Proposals that wait for their answers get a stronger damping each, so that they differ.
DAMPING_OF_COMPANIONS = 6.0

#: So many answers in a row without a gain beyond the noise end the search.
PATIENCE = 6

#: Inner steps at most, and the largest change of a parameter at which they have come to rest, in unit coordinates.
INNER_STEPS = 3
AT_REST = 0.005


@dataclass(frozen=True)
class Answer:
    """One evaluation in unit coordinates: its point, shape (parameters,), and its response."""

    unit: Array
    response: Response


@dataclass(frozen=True)
class LocalModel:
    """Observables around a point, as the evaluations near it see them together.

    Attributes:
        unit: the point, shape (parameters,).
        values, stderrs: at the point, shape (targets,).
        jacobian, jacobian_stderrs: per unit coordinate, shape (targets, parameters).
        misfit, misfit_stderr: at the point.
    """

    unit: Array
    values: Array
    stderrs: Array
    jacobian: Array
    jacobian_stderrs: Array
    misfit: float
    misfit_stderr: float


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
    """

    unit: Array
    before: float
    after: float


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
        self._radius = LARGEST_STEP
        self._best = np.inf
        self._idle = 0

    @property
    def wants_gradients(self) -> bool:
        """It lives on them."""
        return True

    @property
    def finished(self) -> bool:
        """Whether the last steps gained nothing beyond the noise."""
        return self._idle >= PATIENCE

    def propose(self, number: int) -> dict[str, float]:
        """A step from the best point; before the first answer, the start points and points about the centre."""
        if number < len(self._start):
            self._pending[number] = self._start[number]
        elif not self._answers:
            self._pending[number] = 0.25 + 0.5 * self._spread.random(1)[0]
        else:
            self._pending[number] = self._step()
        waiting = self._pending[number]
        return self._box.point(waiting.unit if isinstance(waiting, Expectation) else waiting)

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Keep the answer, and follow the trust region.

        Raises:
            ValueError: an evaluation went well but has no derivatives: this search cannot work on the problem.
        """
        waiting = self._pending.pop(number)
        unit = waiting.unit if isinstance(waiting, Expectation) else waiting
        if misfit is None:
            self._radius = max(SMALLEST_STEP, 0.5 * self._radius)
            return
        if response is None or not (response.differentiated & (response.weights > 0)).any():
            raise ValueError("gauss-newton needs a target whose observable has a fluctuation gradient")
        answer = Answer(unit, in_unit_coordinates(response, self._box))
        self._all.append(answer)
        self._answers = _of_common_rows(self._all)
        if isinstance(waiting, Expectation):
            self._follow(waiting, answer)
        self._count_idle()

    def _step(self) -> Expectation:
        centre = self._best_so_far()
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
        expected = _misfit_of(goal, model.values + model.jacobian @ (point - model.unit), model.stderrs)
        return Expectation(point, centre.misfit, expected)

    def _foreseen(self, unit: Array) -> list[Answer]:
        """All answers with one more, what is foreseen at a point; empty if nothing is."""
        response = None if self._foresee is None else self._foresee(self._box.point(unit))
        if response is None or not (response.differentiated & (response.weights > 0)).any():
            return []
        return _of_common_rows([*self._all, Answer(unit, in_unit_coordinates(response, self._box))])

    def _best_so_far(self) -> LocalModel:
        """The evaluated point with the smallest misfit, as its neighbours see it too."""
        return min((local_model(self._answers, one.unit) for one in self._answers), key=lambda one: one.misfit)

    def _follow(self, hoped: Expectation, answer: Answer) -> None:
        """Widen the trust region after a step that kept its promise, narrow it after one that did harm."""
        response = answer.response.only(answer.response.differentiated & (answer.response.weights > 0))
        found = _misfit_of(response, response.values, response.stderrs)
        noise = misfit_stderr(response, response.values, response.stderrs)
        gained, promised = hoped.before - found, hoped.before - hoped.after
        if gained < -2.0 * noise:
            self._radius = max(SMALLEST_STEP, 0.5 * self._radius)
        elif gained > 0.5 * promised:
            self._radius = min(LARGEST_STEP, 1.5 * self._radius)

    def _count_idle(self) -> None:
        best = self._best_so_far()
        if best.misfit < self._best - max(best.misfit_stderr, 0.02 * best.misfit):
            self._best, self._idle = best.misfit, 0
        else:
            self._idle += 1


def local_model(answers: list[Answer], unit: Array) -> LocalModel:
    """Average values and Jacobians over the evaluations near a point, values carried there by the Jacobian.

    Args:
        answers: at least one.
        unit: the point, shape (parameters,).
    """
    distances = np.array([np.linalg.norm(one.unit - unit) for one in answers])
    nearness = np.exp(-0.5 * (distances / SHARING_DISTANCE) ** 2)[:, None]
    known = np.array([one.response.differentiated for one in answers])
    # A target that only distant evaluations determined takes what they say.
    shares = np.where(known, np.maximum(nearness, 1e-100), 0.0)
    shares /= shares.sum(axis=0)
    jacobians = np.where(known[:, :, None], [one.response.jacobian for one in answers], 0.0)
    variances = np.where(known[:, :, None], [one.response.jacobian_stderrs for one in answers], 0.0) ** 2
    jacobian = np.einsum("ki,kij->ij", shares, jacobians)
    jacobian_stderrs = np.sqrt(np.einsum("ki,kij->ij", shares**2, variances))
    carried = np.array([one.response.values + jacobian @ (unit - one.unit) for one in answers])
    # What was carried far is known less well: the linear model errs with the square of the distance.
    doubt = 1.0 + (distances / SHARING_DISTANCE) ** 4
    stderrs = np.maximum(np.array([one.response.stderrs for one in answers]), 1e-12)
    precision = shares / shares.max(axis=0) / (stderrs**2 * doubt[:, None])
    values = (precision * np.where(known, carried, 0.0)).sum(axis=0) / precision.sum(axis=0)
    together = 1.0 / np.sqrt(precision.sum(axis=0))
    response = answers[0].response
    return LocalModel(
        unit,
        values,
        together,
        jacobian,
        jacobian_stderrs,
        _misfit_of(response, values, together),
        misfit_stderr(response, values, together),
    )


def _levenberg_marquardt(model: LocalModel, goal: Response, region: Region) -> Array:
    """The point of a region with the smallest expected misfit, in unit coordinates, shape (parameters,)."""
    scale = np.sqrt(goal.weights / (goal.target_stderrs**2 + model.stderrs**2))
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


def _misfit_of(goal: Response, values: Array, stderrs: Array) -> float:
    return float((goal.weights * (values - goal.targets) ** 2 / (goal.target_stderrs**2 + stderrs**2)).sum())


def misfit_stderr(goal: Response, values: Array, stderrs: Array) -> float:
    """Standard error of a misfit, as far as errors are independent.

    First order in the deviations, second order where they vanish.

    Args:
        goal: targets, their errors and weights.
        values, stderrs: of the observables, shape (targets,).
    """
    variance = goal.target_stderrs**2 + stderrs**2
    first = 4.0 * (values - goal.targets) ** 2 * stderrs**2 / variance**2
    second = 2.0 * stderrs**4 / variance**2
    return float(np.sqrt((goal.weights**2 * (first + second)).sum()))


def _of_common_rows(answers: list[Answer]) -> list[Answer]:
    """The answers with the targets that count and that at least one of them determined, with derivatives."""
    rows = np.any([one.response.differentiated for one in answers], axis=0) & (answers[0].response.weights > 0)
    return [replace(one, response=one.response.only(rows)) for one in answers]
