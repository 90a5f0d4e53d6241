"""One observable of one system as a function of parameters and state, learnt from simulations.

The value, or its logarithm, is a Gaussian process over coordinates scaled to the unit box (:mod:`.posterior`), with the
hyperparameters of the largest posterior density given all points (:mod:`.hyperparameters`).  They count as known: with
few points, error bars that ignore their uncertainty are somewhat too narrow, which the coverage in
:mod:`.diagnostics` would show.

A quantity modelled by its logarithm f is predicted as exp(mean of f), the median, with the standard deviation
exp(mean of f) * (standard deviation of f), to first order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.surrogate.axes import Axis, unit_coordinates, widths
from beadsmith.surrogate.hyperparameters import Density, Noise, Optimum, most_probable
from beadsmith.surrogate.measurements import Measurements
from beadsmith.surrogate.output_transform import Identity, Log, OutputTransform
from beadsmith.surrogate.posterior import Hyperparameters, Posterior
from beadsmith.surrogate.threads import one_thread, side_by_side

Array = NDArray[np.float64]

#: Values this many standard errors from zero have a logarithm whose error is symmetric enough.
CLEAR_OF_ZERO = 3.0

#: Values whose spread is less than this part of their size differ by rounding alone.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Slopes:
    """Predictions and their exact derivatives with respect to the natural inputs.

    Attributes:
        mean: natural unit, shape (points,).
        variance: square of that unit, shape (points,).
        mean_slopes: per natural unit of each axis, shape (points, axes).
        variance_slopes: the same of the variance.
    """

    mean: Array
    variance: Array
    mean_slopes: Array
    variance_slopes: Array


@dataclass(frozen=True)
class Emulator:
    """What simulations say of one observable of one system between them.

    Attributes:
        measurements: what it was given, each run once.
        transform: between natural and latent values.
        hyperparameters: of the standardised latent values.
    """

    measurements: Measurements
    transform: OutputTransform
    hyperparameters: Hyperparameters

    @property
    def system(self) -> str:
        """The experiment."""
        return self.measurements.system

    @property
    def observable(self) -> str:
        """Its name."""
        return self.measurements.observable

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Coordinates, in the order of the columns of all inputs."""
        return self.measurements.axes

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the noiseless property.

        Args:
            inputs: natural units, shape (points, axes).

        Returns: natural units, shape (points,) each.
        """
        mean, variance = self.posterior.predict(self._unit(inputs))
        latent = self._latent(mean)
        spread = self.transform.slope(latent) * self._standard.spread * np.sqrt(variance)
        return self.transform.natural(latent), spread

    def mean_slopes(self, inputs: Array) -> tuple[Array, Array]:
        """The mean of the noiseless property and its exact derivatives, far cheaper than :meth:`slopes`.

        Args:
            inputs: natural units, shape (points, axes).

        Returns: natural unit, shape (points,); per natural unit of each axis, shape (points, axes).
        """
        mean, slopes = self.posterior.mean_slopes(self._unit(inputs))
        latent = self._latent(mean)
        bent = self._standard.spread * self.transform.slope(latent)
        return self.transform.natural(latent), bent[:, None] * slopes / widths(self.axes)

    def slopes(self, inputs: Array) -> Slopes:
        """Mean and variance of the noiseless property, and their exact derivatives.

        Args:
            inputs: natural units, shape (points, axes).
        """
        found = self.posterior.slopes(self._unit(inputs))
        latent = self._latent(found.mean)
        bent, curved = self.transform.slope(latent), self.transform.curvature(latent)
        scale = self._standard.spread
        mean_slopes = scale * found.mean_slopes / widths(self.axes)
        variance, variance_slopes = scale**2 * found.variance, scale**2 * found.variance_slopes / widths(self.axes)
        return Slopes(
            self.transform.natural(latent),
            bent**2 * variance,
            bent[:, None] * mean_slopes,
            (bent**2)[:, None] * variance_slopes + (2.0 * bent * curved * variance)[:, None] * mean_slopes,
        )

    def covariance(self, inputs: Array) -> Array:
        """Joint covariance of the noiseless property at several points.

        Args:
            inputs: natural units, shape (points, axes).

        Returns: square of the natural unit, shape (points, points).
        """
        unit = self._unit(inputs)
        bent = self._standard.spread * self.transform.slope(self._latent(self.posterior.mean(unit)))
        return np.asarray(np.outer(bent, bent) * self.posterior.covariance(unit))

    def draws(self, count: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Random functions of the posterior, cheap at many points.

        Args:
            count: how many.
            rng: source of randomness; the functions stay what they are once drawn.

        Returns: a function of inputs in natural units, shape (points, axes), to values in natural units, shape
            (count, points).
        """
        functions = self.posterior.draws(count, rng)

        def natural(inputs: Array) -> Array:
            return self.transform.natural(self._latent(functions(self._unit(inputs))))

        return natural

    @property
    def noise(self) -> Array:
        """Standard deviation of each measurement about the property, as learnt; natural unit, shape (points,)."""
        latent, _ = self.transform.latent(self.measurements.values, self.measurements.stderrs)
        return np.asarray(self.transform.slope(latent) * self.latent_noise)

    @property
    def latent_noise(self) -> Array:
        """The same of what is modelled, value or logarithm, shape (points,)."""
        return np.asarray(self._standard.spread * np.sqrt(self.posterior.noise))

    def usual_noise(self, inputs: Array) -> Array:
        """Standard deviation about the property of a run such as the median one; that of a logarithm is relative.

        Args:
            inputs: natural units, shape (points, axes).

        Returns: natural unit, shape (points,).
        """
        latent = self._latent(self.posterior.mean(self._unit(inputs)))
        return np.asarray(self.transform.slope(latent) * np.median(self.latent_noise))

    def left_out(self) -> tuple[Array, Array]:
        """Mean and variance of each latent value, noise included, from all measurements at other places.

        Returns: shape (points,) each; see :attr:`transform` for natural values.
        """
        mean, variance = self.posterior.left_out(self.measurements.places())
        return self._latent(mean), self._standard.spread**2 * variance

    def without(self, rows: NDArray[np.intp]) -> Array:
        """Predictions of some of the measurements from all others, with the same hyperparameters.

        Args:
            rows: those to be predicted.

        Returns: natural unit, shape (rows,).
        """
        kept = np.setdiff1d(np.arange(len(self.measurements)), rows)
        unit = self._unit(self.measurements.inputs[rows])
        return self.transform.natural(self._latent(self.posterior.of(kept).mean(unit)))

    @cached_property
    def posterior(self) -> Posterior:
        """The Gaussian process of the standardised latent values over unit coordinates."""
        standard = self._standard
        unit = self._unit(self.measurements.inputs)
        centre = unit.mean(axis=0)
        noise = self.hyperparameters.noise(standard.measured)
        with one_thread():  # the same numbers whoever asks first
            return Posterior.given(self.hyperparameters, centre, unit - centre, standard.values, noise)

    @cached_property
    def _standard(self) -> _Standardised:
        return _standardised(self.measurements, self.transform)

    def _unit(self, inputs: Array) -> Array:
        return unit_coordinates(self.axes, inputs)

    def _latent(self, standardised: Array) -> Array:
        return self._standard.middle + self._standard.spread * standardised


@dataclass(frozen=True)
class _Standardised:
    """Latent values with mean 0 and variance 1, the squares of their standard errors, and the way back."""

    values: Array
    measured: Array
    middle: float
    spread: float


def fit_emulator(
    measurements: Measurements,
    *,
    transform: Literal["auto", "identity", "log"] = "auto",
    noise: Noise = "both",
    starts: int = 4,
    seed: int = 0,
) -> Emulator:
    """Learn an observable from its measurements.

    Args:
        measurements: at least one place more than there are axes, for a constant and a slope along each.  Rows that
            agree in every number are one run listed twice, and count once; other rows at one place are replicates.
        transform: what is modelled.  ``auto`` takes the logarithm if all values are positive, by at least three of
            their standard errors, and it makes the values more probable: the largest posterior densities are compared,
            that of the logarithms times the Jacobian (Box and Cox, J. R. Stat. Soc. B 26, 211 (1964)).
        noise: ``measured`` is the square of each standard error times one learnt factor of 1 or more; ``level`` one
            learnt variance for all points, whatever their standard errors; ``both`` the sum, in which a standard
            error that is not known is that of the median point.
        starts: of the optimisation of the hyperparameters, each with all points; from the third on they are random.
        seed: of the random ones.

    Raises:
        EstimateError: too few places, or values that never vary.
        ProblemError: a transform or a noise that these values do not admit.
    """
    with one_thread():
        return _fit(measurements.without_copies(), transform, noise, starts, np.random.default_rng(seed))


def fit_emulators(
    measurements: Sequence[Measurements],
    *,
    transform: Literal["auto", "identity", "log"] = "auto",
    noise: Noise = "both",
    starts: int = 4,
    seed: int = 0,
    workers: int | None = None,
) -> list[Emulator]:
    """Several emulators side by side, each the same as :func:`fit_emulator` alone would give.

    Args:
        measurements, transform, noise, starts, seed: see :func:`fit_emulator`.
        workers: threads; None for as many as this process may use cores.
    """
    learn = partial(fit_emulator, transform=transform, noise=noise, starts=starts, seed=seed)
    return list(side_by_side(learn, measurements, workers))


def _fit(
    once: Measurements,
    transform: Literal["auto", "identity", "log"],
    noise: Noise,
    starts: int,
    rng: np.random.Generator,
) -> Emulator:
    _refuse_too_little(once)
    _refuse_noise(once, noise)
    usual = [_from_the_usual_start(once, candidate, noise, rng) for candidate in _candidates(once, transform)]
    chosen = max(usual, key=lambda fit: fit.log_density_of_values)
    others = [most_probable(chosen.density, chosen.density.start(number, rng)) for number in range(1, starts)]
    best = max([chosen.optimum, *others], key=lambda optimum: optimum.log_density)
    return Emulator(once, chosen.transform, best.hyperparameters)


@dataclass(frozen=True)
class _Fit:
    """Hyperparameters of one transform of the values."""

    transform: OutputTransform
    density: Density
    optimum: Optimum
    log_density_of_values: float


def _from_the_usual_start(
    measurements: Measurements, transform: OutputTransform, noise: Noise, rng: np.random.Generator
) -> _Fit:
    standard = _standardised(measurements, transform)
    unit = unit_coordinates(measurements.axes, measurements.inputs)
    density = Density(unit - unit.mean(axis=0), standard.values, standard.measured, noise)
    optimum = most_probable(density, density.start(0, rng))
    jacobian = transform.log_jacobian(measurements.values) - len(measurements) * math.log(standard.spread)
    return _Fit(transform, density, optimum, optimum.log_density + jacobian)


def _standardised(measurements: Measurements, transform: OutputTransform) -> _Standardised:
    latent, stderrs = transform.latent(measurements.values, measurements.stderrs)
    middle, spread = float(latent.mean()), float(latent.std(ddof=1))
    known = np.isfinite(stderrs)
    usual = float(np.median(stderrs[known])) if known.any() else 0.0
    measured = (np.where(known, stderrs, usual) / spread) ** 2
    return _Standardised((latent - middle) / spread, measured, middle, spread)


def _candidates(measurements: Measurements, transform: Literal["auto", "identity", "log"]) -> list[OutputTransform]:
    if transform == "identity":
        return [Identity()]
    least = float(measurements.values.min())
    if transform == "log":
        if least <= 0:
            raise ProblemError(
                measurements.name, f"the value {least:g}", "positive values only for the transform log", "use identity"
            )
        return [Log()]
    clear = (measurements.values > CLEAR_OF_ZERO * np.nan_to_num(measurements.stderrs)).all()
    return [Identity(), Log()] if clear and least > 0 else [Identity()]


def _refuse_too_little(measurements: Measurements) -> None:
    axes, places = len(measurements.axes), len(np.unique(measurements.places()))
    if places < axes + 1:
        raise EstimateError(
            f"{measurements.name}: received {places} points, expected at least {axes + 1} at different places to learn "
            f"a constant and a slope along each of {axes} axes; run more of the design"
        )
    values = measurements.values
    if np.ptp(values) <= ROUNDING * np.abs(values).max():
        raise EstimateError(
            f"{measurements.name}: received the value {values[0]:g} at all {len(values)} points, expected one that "
            "varies; leave this observable out, or look whether it is measured at all"
        )


def _refuse_noise(measurements: Measurements, noise: Noise) -> None:
    unknown = int(np.isnan(measurements.stderrs).sum())
    if noise == "measured" and unknown:
        raise ProblemError(
            measurements.name,
            f"no standard error at {unknown} of {len(measurements)} points",
            "one at every point for the noise measured",
            "use level or both",
        )
