"""Calibration problems whose simulations are formulas, with known answers: to test and to compare searches.

A real evaluation says a misfit and a :class:`~beadsmith.calibrate.response.Response`; a synthetic problem says the
same, in microseconds, and can also be asked what no real problem tells: how good a point truly is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.optimize import least_squares

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.search.box import Array, Box


class Truth(Protocol):
    """What endless simulations would measure, in unit coordinates of the box."""

    def values(self, unit: Array) -> Array | None:
        """Every observable, shape (targets,); None where simulations fail.

        Args:
            unit: shape (parameters,).
        """
        ...

    def jacobian(self, unit: Array) -> Array:
        """Derivatives of the values by the unit coordinates, shape (targets, parameters)."""
        ...


@dataclass(frozen=True)
class Noise:
    """How precise one evaluation is.

    Attributes:
        scatter: errors of the values are ``scatter @ z`` with independent standard normal z, shape (targets, targets).
        stderrs: what the evaluation says of its own errors, shape (targets,).  A glass scatters by more than it knows.
        jacobian_stderrs: errors of the derivatives by the unit coordinates, independent, shape (targets, parameters).
    """

    scatter: Array
    stderrs: Array
    jacobian_stderrs: Array


@dataclass(frozen=True)
class SyntheticProblem:
    """A formula in the place of simulations, with targets, noise and a known answer.

    Attributes:
        name: what it is called in tables.
        parameters: the free parameters.
        targets, target_stderrs: what should come out, shape (targets,).
        weights: share of each target in the misfit; they sum to 1, shape (targets,).
        truth: the formula.
        noise: of one evaluation.
        answer: the point with the smallest true misfit.
        gradients: whether evaluations tell derivatives.
    """

    name: str
    parameters: tuple[Parameter, ...]
    targets: Array
    target_stderrs: Array
    weights: Array
    truth: Truth
    noise: Noise
    answer: Mapping[str, float]
    gradients: bool = True

    @cached_property
    def box(self) -> Box:
        """Where the parameters may be."""
        return Box.of(self.parameters)

    @cached_property
    def floor(self) -> float:
        """The true misfit of the answer: no point of the box has a smaller one."""
        return self.true_misfit(self.answer)

    def true_misfit(self, point: Mapping[str, float]) -> float:
        """What endless simulations of a point would score; infinite where they fail.

        sum_i w_i (y_i - t_i)^2 / sigma_i^2, the combined variance of a measurement without error.

        Args:
            point: a value for every parameter, in its own unit.
        """
        values = self.truth.values(self.box.unit(point))
        if values is None:
            return math.inf
        return float((self.weights * ((values - self.targets) / self.target_stderrs) ** 2).sum())

    def respond(self, point: Mapping[str, float], random: np.random.Generator) -> tuple[float, Response] | None:
        """One evaluation, as a campaign would report it to a search; None if it failed.

        Args:
            point: a value for every parameter, in its own unit.
            random: source of the noise; an evaluation that does not fail takes the same amount of it everywhere.

        Returns: misfit by combined variance, and response with derivatives by the parameters in their own units.
        """
        unit = self.box.unit(point)
        truth = self.truth.values(unit)
        if truth is None:
            return None
        noise = self.noise
        values = truth + noise.scatter @ random.normal(size=len(truth))
        jacobian_noise = noise.jacobian_stderrs * random.normal(size=noise.jacobian_stderrs.shape)
        widths = np.array(self.box.high) - np.array(self.box.low)
        jacobian = (self.truth.jacobian(unit) + jacobian_noise) / widths
        known = self.gradients
        response = Response(
            targets=self.targets,
            target_stderrs=self.target_stderrs,
            weights=self.weights,
            values=values,
            stderrs=noise.stderrs,
            jacobian=jacobian if known else np.full_like(jacobian, np.nan),
            jacobian_stderrs=noise.jacobian_stderrs / widths if known else np.full_like(jacobian, np.inf),
        )
        variances = self.target_stderrs**2 + noise.stderrs**2
        return float((self.weights * (values - self.targets) ** 2 / variances).sum()), response


def stream_of_problem(seed: int) -> np.random.Generator:
    """Randomness that decides what a problem is.

    Searches draw from streams of their own seeds.  Were this one among them, a search with the seed of the problem
    would know the answer: the first point of a random search would be it.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))


def stream_of_evaluation(seed: int, number: int) -> np.random.Generator:
    """Randomness of the noise of one evaluation, with nothing in common with that of searches either."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))


def equal_weights_by_observable(sizes: tuple[int, ...]) -> Array:
    """Weights of targets that belong to observables of so many points each, as in the package's own misfits."""
    return np.concatenate([np.full(size, 1.0 / (size * len(sizes))) for size in sizes])


def nearest_answer(truth: Truth, targets: Array, target_stderrs: Array, weights: Array, begin: Array) -> Array:
    """The least-squares solution in the box that is reached from a point near it, in unit coordinates.

    Scatter of the targets moves the best point away from the one that made them.

    Args:
        begin: unit coordinates of a point that does not fail and has no failures between it and the solution,
            shape (parameters,).
    """
    scale = np.sqrt(weights) / target_stderrs

    def residuals(unit: Array) -> Array:
        values = truth.values(unit)
        if values is None:
            raise ValueError("simulations fail between the given point and the answer; begin nearer to it")
        return np.asarray(scale * (values - targets))

    found = least_squares(
        residuals,
        begin,
        jac=lambda unit: scale[:, None] * truth.jacobian(unit),
        bounds=(0.0, 1.0),
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    return np.asarray(found.x)
