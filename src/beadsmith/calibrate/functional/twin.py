"""An honest stand-in for surrogates of simulations: formulas with known answers, for tests, examples and benchmarks.

The twin has the structure of the epoxies of Giuntoli et al. 2021: two systems, ``pacm`` (beads 1 to 5) and ``d400``
(beads 1, 2, 3, 5, 6, 7), which share the epsilon and sigma of their beads; four properties each over the degree of
crosslinking; and hidden functions, those of the paper's Table 2 (nine constants, four lines, one of radial basis
functions: 21 numbers).  The formulas are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.systems import Reference, System
from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: A formula of inputs, shape (points, axes), that may be complex; no absolute values, no comparisons.
Formula = Callable[[NDArray[np.complex128]], NDArray[np.complex128]]

#: The imaginary step of derivatives; see :mod:`.radial`.
_STEP = 1e-30

#: Ranges of the parameters, kcal/mol and angstrom.
RANGES: Mapping[str, tuple[float, float]] = {
    "pair.B1.epsilon": (0.8, 1.4),
    "pair.B1.sigma": (4.6, 6.9),
    "pair.B2.epsilon": (0.3, 1.3),
    "pair.B2.sigma": (4.6, 6.8),
    "pair.B3.epsilon": (1.4, 3.8),
    "pair.B3.sigma": (2.6, 4.4),
    "pair.B4.epsilon": (1.3, 2.2),
    "pair.B4.sigma": (4.3, 6.4),
    "pair.B5.epsilon": (0.45, 1.15),
    "pair.B5.sigma": (3.2, 4.8),
    "pair.B6.epsilon": (0.25, 0.55),
    "pair.B6.sigma": (4.1, 6.2),
    "pair.B7.epsilon": (0.06, 0.18),
    "pair.B7.sigma": (3.2, 4.9),
}

#: The hidden truth (Giuntoli et al. 2021, Table 2).
HIDDEN: Mapping[str, Function] = {
    "pair.B1.epsilon": Constant(1.07),
    "pair.B1.sigma": Linear("DC", 5.76, -0.14),
    "pair.B2.epsilon": Linear("DC", 0.47, 0.52),
    "pair.B2.sigma": Constant(5.71),
    "pair.B3.epsilon": RadialBasis("DC", (0.0, 0.5, 1.0), (1.89, 2.21, 3.16), -0.44),
    "pair.B3.sigma": Linear("DC", 3.65, -0.45),
    "pair.B4.epsilon": Constant(1.74),
    "pair.B4.sigma": Constant(5.36),
    "pair.B5.epsilon": Linear("DC", 0.90, -0.26),
    "pair.B5.sigma": Constant(4.04),
    "pair.B6.epsilon": Constant(0.40),
    "pair.B6.sigma": Constant(5.15),
    "pair.B7.epsilon": Constant(0.12),
    "pair.B7.sigma": Constant(4.06),
}

BEADS: Mapping[str, tuple[int, ...]] = {"pacm": (1, 2, 3, 4, 5), "d400": (1, 2, 3, 5, 6, 7)}

#: Value in the middle of the ranges at DC 0, logarithmic change to DC 1, sensitivity to epsilon and to sigma.
_PROPERTIES: Mapping[str, tuple[float, float, float, float]] = {
    "density": (1.1, 0.10, 0.03, -0.25),
    "debye_waller_factor": (1.2, -0.60, -0.45, 0.25),
    "youngs_modulus": (1.5, 0.70, 0.40, 0.35),
    "yield_stress": (80.0, 0.50, 0.45, -0.30),
}


@dataclass(frozen=True)
class SampledAxis:
    """One coordinate of a surrogate, and where it was sampled."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class ExactSlopes:
    """See :class:`.Slopes`."""

    mean: Array
    variance: Array
    mean_slopes: Array
    variance_slopes: Array


@dataclass(frozen=True)
class FormulaSurrogate:
    """A formula that behaves like a Gaussian process: errors are correlated, and larger towards the ends of the ranges.

    The standard deviation is ``spread * (1 + mean over axes of (2 u - 1)^2)`` with u in [0, 1] along each axis;
    errors at two points correlate by exp(-|u - v|^2 / (2 length^2)).

    Attributes:
        formula: of the inputs, in natural units.
        axes: of the inputs.
        spread: in the unit of the property.
        length: in units of the ranges.
    """

    formula: Formula
    axes: tuple[SampledAxis, ...]
    spread: float
    length: float = 0.5

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, shape (points,) each; inputs of shape (points, axes)."""
        unit, _ = self._unit(inputs)
        return self.formula(inputs.astype(np.complex128)).real, self._deviations(unit)

    def mean_slopes(self, inputs: Array) -> tuple[Array, Array]:
        """Mean, and its derivatives by the inputs."""
        mean = self.formula(inputs.astype(np.complex128)).real
        steps = 1j * _STEP * np.eye(inputs.shape[1])
        columns = [self.formula(inputs + step).imag / _STEP for step in steps]
        return mean, np.stack(columns, axis=-1)

    def slopes(self, inputs: Array) -> ExactSlopes:
        """Mean and variance with their derivatives."""
        mean, mean_slopes = self.mean_slopes(inputs)
        unit, spans = self._unit(inputs)
        deviations = self._deviations(unit)
        along = 2.0 * deviations[:, None] * self.spread * 4.0 * (2.0 * unit - 1.0) / spans / len(self.axes)
        return ExactSlopes(mean, deviations**2, mean_slopes, along)

    def covariance(self, inputs: Array) -> Array:
        """Joint covariance of the errors, shape (points, points)."""
        unit, _ = self._unit(inputs)
        squares = ((unit[:, None] - unit) ** 2).sum(-1)
        deviations = self._deviations(unit)
        return np.asarray(np.outer(deviations, deviations) * np.exp(-0.5 * squares / self.length**2))

    def _unit(self, inputs: Array) -> tuple[Array, Array]:
        low = np.array([axis.low for axis in self.axes])
        spans = np.array([axis.high for axis in self.axes]) - low
        return (inputs - low) / spans, spans

    def _deviations(self, unit: Array) -> Array:
        return np.asarray(self.spread * (1.0 + ((2.0 * unit - 1.0) ** 2).mean(-1)))


@dataclass(frozen=True)
class Twin:
    """Systems with targets, and the truth behind them.

    Attributes:
        systems: ready to be calibrated.
        hidden: functions by parameter.
        exact: properties of the hidden model without noise, by system and observable, shape (states,).
    """

    systems: tuple[System, ...]
    hidden: Mapping[str, Function]
    exact: Mapping[str, Mapping[str, Array]]


def make_twin(*, noise: float = 0.01, spread: float = 0.01, states: int = 20, seed: int = 0) -> Twin:
    """The twin of two epoxies.

    Args:
        noise: standard deviation of the targets, as a part of their value; also their declared uncertainty.
        spread: standard deviation of the surrogates in the middle of their ranges, as a part of the property's value
            there.
        states: degrees of crosslinking from 0 to 0.95.
        seed: of the noise; the formulas are always the same.
    """
    rng = np.random.default_rng(seed)
    degrees = np.linspace(0.0, 0.95, states)
    at = tuple(State.of(DC=float(degree)) for degree in degrees)
    systems, exact = [], {}
    for name, beads in BEADS.items():
        parameters = tuple(f"pair.B{bead}.{kind}" for bead in beads for kind in ("epsilon", "sigma"))
        axes = (*(SampledAxis(one, *RANGES[one]) for one in parameters), SampledAxis("DC", 0.0, 0.95))
        inputs = np.array([[*(HIDDEN[one](state) for one in parameters), state["DC"]] for state in at])
        surrogates, references, truth = {}, [], {}
        for observable, (value, *_) in _PROPERTIES.items():
            formula = twin_formula(name, observable)
            truth[observable] = formula(inputs.astype(np.complex128)).real
            surrogates[observable] = FormulaSurrogate(formula, axes, spread * value)
            stderrs = noise * truth[observable]
            values = truth[observable] + stderrs * rng.standard_normal(states)
            references.append(Reference(observable, at, values, stderrs, source="hidden functions and noise"))
        exact[name] = truth
        systems.append(System(name, surrogates, tuple(references)))
    return Twin(tuple(systems), HIDDEN, exact)


def twin_formula(system: str, observable: str) -> Formula:
    """A property over its system's parameters and DC: log-linear with some curvature, different for every parameter.

    Args:
        system: ``pacm`` or ``d400``.
        observable: one of ``density``, ``debye_waller_factor``, ``youngs_modulus``, ``yield_stress``.

    Returns: a formula of inputs whose columns are epsilon and sigma of each bead in turn, then DC.
    """
    value, change, by_epsilon, by_sigma = _PROPERTIES[observable]
    beads = BEADS[system]
    names = [f"pair.B{bead}.{kind}" for bead in beads for kind in ("epsilon", "sigma")]
    low = np.array([RANGES[name][0] for name in names])
    spans = np.array([RANGES[name][1] - RANGES[name][0] for name in names])
    # Different parameters must be told apart: each has its own share, drawn once and for all.
    rng = np.random.default_rng([len(beads), list(_PROPERTIES).index(observable)])
    shares = rng.uniform(0.3, 1.7, len(names))
    steps = np.tile([by_epsilon, by_sigma], len(beads)) * shares
    growth, curvature = rng.uniform(-0.5, 1.0, len(names)), rng.uniform(-0.2, 0.2, len(names))

    def formula(inputs: NDArray[np.complex128]) -> NDArray[np.complex128]:
        centred = (inputs[:, :-1] - low) / spans - 0.5
        degree = inputs[:, -1]
        effect = centred @ steps + degree * (centred @ (steps * growth)) + centred**2 @ (steps * curvature)
        return np.asarray(value * np.exp(change * degree + effect))

    return formula
