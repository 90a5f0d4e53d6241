"""An emulator of the Pebax calibration: 41 parameters, 23 targets, the noise of a quick evaluation.

Density of a melt at 8 temperatures and radius of gyration of an isolated chain at 15, as functions of the 41
parameters of `examples/pebax`.  None of it is invented: a quadratic was fitted to the values and the fluctuation
gradients of 244 real evaluations (`benchmarks/pebax_emulator.py`; :file:`pebax.json` says which, and how well it
predicts 62 others: root mean square and median error, and spread, in g/cm^3 and angstrom).  In unit coordinates x,
counted from the centre of the box,

    ln y(T) = sum_c B_c(T) [a_c + b_c x + x A_c x],

where the eight B_c(T) are a line for the densities of the glass (150 to 225 K), another for those of the melt (425 to
500 K) and a cubic for the radii.  Whatever the 41 parameters do, the targets see eight numbers, about five of which
stand out of the noise.

Each evaluation errs as real ones do.  Errors of the values are shared: a glass keeps the packing in which it was
quenched, so that its four densities are wrong together and by more than their error bars say; the same chains are
cooled from one temperature to the next.  Errors of the derivatives are independent and as large as measured; repeated
evaluations show no more than this (the scatter is 0.8 to 1.2 of the error bars, correlations are below 0.3).

What it is not: a model of Pebax.  At the edges of the box a quadratic is a guess, and no evaluation fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from beadsmith.problem.parameters import Parameter
from beadsmith.search.box import Array, Box
from beadsmith.search.synthetic.problem import (
    Noise,
    SyntheticProblem,
    equal_weights_by_observable,
    nearest_answer,
    stream_of_problem,
)

#: K.
TEMPERATURES_OF_DENSITY = np.array([150.0, 175.0, 200.0, 225.0, 425.0, 450.0, 475.0, 500.0])
TEMPERATURES_OF_RADIUS = np.arange(150.0, 501.0, 25.0)

#: Standard deviations of the targets, g/cm^3 and angstrom, as in the problem file.
UNCERTAINTIES = np.concatenate([np.full(8, 0.010), np.full(15, 0.15)])


@dataclass(frozen=True)
class FittedQuadratic:
    """The observables without noise.

    Attributes:
        basis: B, shape (targets, components).
        constants: a, shape (components,).
        slopes: b, shape (components, parameters).
        bends: A, symmetric, shape (components, parameters, parameters).
    """

    basis: Array
    constants: Array
    slopes: Array
    bends: Array

    def values(self, unit: Array) -> Array:
        """Densities (g/cm^3), then radii of gyration (angstrom), shape (23,); never fails."""
        x = unit - 0.5
        return np.asarray(np.exp(self.basis @ (self.constants + self.slopes @ x + self.bends @ x @ x)))

    def jacobian(self, unit: Array) -> Array:
        """Exact derivatives by the unit coordinates, shape (23, 41)."""
        of_components = self.slopes + 2.0 * self.bends @ (unit - 0.5)
        return np.asarray(self.values(unit)[:, None] * (self.basis @ of_components))


def pebax_emulator(seed: int, *, gradients: bool = True) -> SyntheticProblem:
    """A problem like Pebax, with another hidden polymer.

    The targets are what a random point of the box gives, with an error of their own.  The answer is the point near it
    that fits them best.

    Args:
        seed: non-negative; each has its own hidden point and errors of the targets.
        gradients: whether evaluations tell derivatives.
    """
    random = stream_of_problem(seed)
    document = _document()
    parameters = tuple(Parameter(*entry) for entry in document["parameters"])
    box = Box.of(parameters)
    truth = _truth(document, box.dimension)
    weights = equal_weights_by_observable((8, 15))
    hidden = random.uniform(0.1, 0.9, box.dimension)
    targets = truth.values(hidden) + UNCERTAINTIES * random.normal(size=len(UNCERTAINTIES))
    return SyntheticProblem(
        name="Pebax emulator",
        parameters=parameters,
        targets=targets,
        target_stderrs=UNCERTAINTIES,
        weights=weights,
        truth=truth,
        noise=_noise(document["noise"]),
        answer=box.point(nearest_answer(truth, targets, UNCERTAINTIES, weights, hidden)),
        gradients=gradients,
    )


def basis_functions() -> Array:
    """What each component adds to the logarithm of each target, shape (23, 8)."""
    basis = np.zeros((23, 8))
    for first, window in ((0, slice(0, 4)), (2, slice(4, 8))):
        temperatures = TEMPERATURES_OF_DENSITY[window]
        basis[window, first] = 1.0
        basis[window, first + 1] = (temperatures - temperatures.mean()) / 37.5
    basis[8:, 4:] = np.polynomial.legendre.legvander((TEMPERATURES_OF_RADIUS - 325.0) / 175.0, 3)
    return basis


@cache
def _document() -> dict[str, Any]:
    text = resources.files("beadsmith.search.synthetic").joinpath("pebax.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _truth(document: dict[str, Any], dimension: int) -> FittedQuadratic:
    products = np.zeros((len(document["constants"]), dimension, dimension))
    for component, triangle in document["bends"].items():
        for place, row in enumerate(triangle):  # coefficients of x_i x_j for i <= j
            products[int(component), place, place:] = row
    bends = 0.5 * (products + products.transpose(0, 2, 1))
    constants, slopes = np.array(document["constants"]), np.array(document["slopes"])
    return FittedQuadratic(basis_functions(), constants, slopes, np.asarray(bends))


def _noise(measured: dict[str, Any]) -> Noise:
    glass, melt, radius = measured["glass"], measured["melt"], measured["radius_of_gyration"]
    covariance = np.zeros((23, 23))
    shared = np.full((4, 4), glass["correlation"])
    np.fill_diagonal(shared, 1.0)
    covariance[:4, :4] = glass["scatter"] ** 2 * shared
    covariance[4:8, 4:8] = melt["scatter"] ** 2 * _fading(melt["correlation_of_neighbours"], 4)
    covariance[8:, 8:] = np.outer(radius["scatter"], radius["scatter"]) * _fading(
        radius["correlation_of_neighbours"], 15
    )
    by_parameter = measured["jacobian_stderrs_of_parameters"]
    rows = [by_parameter["density"]] * 8 + [by_parameter["radius_of_gyration"]] * 15
    return Noise(
        scatter=np.asarray(np.linalg.cholesky(covariance), dtype=np.float64),
        stderrs=np.array(measured["stderrs"]),
        jacobian_stderrs=np.array(measured["jacobian_stderrs_of_targets"])[:, None] * np.array(rows),
    )


def _fading(neighbours: float, size: int) -> Array:
    """Correlations that fade with the distance: c, c^2, c^3, ..."""
    places = np.arange(size)
    return np.asarray(neighbours ** np.abs(places[:, None] - places))
