"""What a calibration makes small: squared residuals of targets, ranges and a mild prior, with exact derivatives.

Rules:

- ``combined_variance``: -2 log of the normal likelihood, sum_i w_i (d_i^2 / v_i + log(v_i / s_i^2)), d_i = prediction
  - target, v_i = s_i^2 + variance of the surrogate, s_i the target's standard error.  The logarithm belongs to the
  density; without it, a model at which the surrogate knows nothing would be rewarded.  It is never negative, so it is
  a square too.
- ``relative``: sum over observables and systems of w times the mean over states of (d_i / target)^2.
- ``giuntoli2021``: the same of d_i^2, Eq. 3 as published.  It depends on the units of the observables: the one with
  the largest numbers decides, unless weights say otherwise.

Two more terms, in units of the rule (1 for ``combined_variance``, else what a deviation of 1 % of all targets costs):
for each function outside its range, the mean over states of (excursion / 3 % of the range)^2; and sum_k (z_k - 1/2)^2
/ width^2, a prior towards the centre for what data leave open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.prediction import Predicted, Predictor
from beadsmith.errors import ProblemError

Array = NDArray[np.float64]

#: From B sets of coordinates to residuals, shape (B, residuals), and their derivatives, shape (B, residuals,
#: coordinates).
Residuals = Callable[[Array], tuple[Array, Array]]

Rule = Literal["combined_variance", "relative", "giuntoli2021"]
RULES: tuple[Rule, ...] = ("combined_variance", "relative", "giuntoli2021")

#: Excursion of a function that costs one unit, in units of its range.
_FREE_EXCURSION = 0.03

#: Prior of ``combined_variance``: the standard deviation of a coordinate is the whole range, so 0 and 1 cost 1/4 each.
DEFAULT_PRIOR = 1.0


@dataclass(frozen=True, eq=False)
class Objective:
    """Residuals of a rule; their sum of squares is what is made small.

    Attributes:
        predictor: of all targets.
        rule: see the module.
        prior: width of the prior in units of the range; None for none.
    """

    predictor: Predictor
    rule: Rule
    prior: float | None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ProblemError("misfit", str(self.rule), f"one of {', '.join(RULES)}")
        if self.prior is not None and not (math.isfinite(self.prior) and self.prior > 0):
            raise ProblemError("prior", str(self.prior), "a positive width in units of the parameter's range, or none")
        if not (self.predictor.weights > 0).any():
            raise ProblemError("weights", "0 for all observables", "at least one that is positive")
        for block in self.predictor.blocks:
            where = f"targets of {block.observable} of {block.system}"
            if self.rule == "combined_variance" and not (block.reference.stderrs > 0).all():
                remedy = "give the target its uncertainty, or choose misfit: relative"
                raise ProblemError(where, "the uncertainty 0", "a positive one: the misfit divides by it", remedy)
            if self.rule == "relative" and not (block.reference.values != 0).all():
                raise ProblemError(
                    where, "the value 0", "values other than 0: the misfit divides by them", "choose combined_variance"
                )

    @cached_property
    def unit(self) -> float:
        """What one unit of excursion or prior costs."""
        return (
            1.0
            if self.rule == "combined_variance"
            else 1e-4 * float((self._scales * self.predictor.targets) @ (self._scales * self.predictor.targets))
        )

    @cached_property
    def _scales(self) -> Array:
        """What deviations are multiplied by; of ``combined_variance``, before the division by their spread."""
        counts = np.concatenate([np.full(size, size) for size in self._sizes])
        roots = np.sqrt(self.predictor.weights)
        match self.rule:
            case "combined_variance":
                return roots
            case "relative":
                return np.asarray(roots / np.sqrt(counts) / np.abs(self.predictor.targets))
            case "giuntoli2021":
                return np.asarray(roots / np.sqrt(counts))

    @property
    def _sizes(self) -> list[int]:
        return [len(block.reference.states) for block in self.predictor.blocks]

    def value(self, coordinates: Array) -> Array:
        """Sum of squares, shape (B,)."""
        mean, variance = self.predictor.predict(coordinates)
        deviations = self._scales * (mean - self.predictor.targets)
        if self.rule == "combined_variance":
            known = self.predictor.target_variances
            total = known + variance
            data = (deviations**2 / total + self.predictor.weights * np.log(total / known)).sum(-1)
        else:
            data = (deviations**2).sum(-1)
        beside, _ = self.beside(coordinates)
        return np.asarray(data + (beside**2).sum(-1))

    def residuals(self, coordinates: Array) -> tuple[Array, Array]:
        """All residuals with full derivatives; see :data:`Residuals`."""
        if self.rule != "combined_variance":
            return self.frozen(np.zeros((len(coordinates), len(self.predictor.targets))))(coordinates)
        found = self.predictor.linearised(coordinates)
        return _joined(_standardised(found, self.predictor, self._scales), self.beside(coordinates))

    def frozen(self, variances: Array) -> Residuals:
        """Residuals of deviations whose surrogates' variances are held: cheap, for the way to a minimum.

        Args:
            variances: shape (B, targets), one row for each row of the coordinates to come.
        """
        spreads = self._scales / np.sqrt(self.predictor.target_variances + variances)
        scales = spreads if self.rule == "combined_variance" else np.broadcast_to(self._scales, variances.shape)

        def residuals(coordinates: Array) -> tuple[Array, Array]:
            mean, slopes = self.predictor.linearised_means(coordinates)
            data = (scales * (mean - self.predictor.targets), scales[:, :, None] * slopes)
            return _joined(data, self.beside(coordinates))

        return residuals

    def beside(self, coordinates: Array) -> tuple[Array, Array]:
        """Residuals of ranges and prior."""
        excursion = self.leaving(coordinates)
        if self.prior is None:
            return excursion
        pull = math.sqrt(self.unit) / self.prior
        identity = np.broadcast_to(pull * np.eye(coordinates.shape[1]), (*coordinates.shape, coordinates.shape[1]))
        return _joined(excursion, (pull * (coordinates - 0.5), identity))

    def leaving(self, coordinates: Array) -> tuple[Array, Array]:
        """Residuals of functions outside their ranges."""
        away, slopes = self.predictor.excursions(coordinates)
        functions = sum(form.name == "rbf" for form in self.predictor.family.forms.values())
        cost = math.sqrt(self.unit * max(functions, 1) / max(away.shape[1], 1)) / _FREE_EXCURSION
        return cost * away, cost * slopes


def _standardised(found: Predicted, predictor: Predictor, scales: Array) -> tuple[Array, Array]:
    """Deviations in units of their spread, and roots of the logarithms of their variances."""
    known = predictor.target_variances
    total = known + found.variance
    deviations = scales * (found.mean - predictor.targets)
    root = np.sqrt(total)
    first = deviations / root
    first_slopes = (scales / root)[:, :, None] * found.mean_slopes
    first_slopes = first_slopes - (0.5 * first / total)[:, :, None] * found.variance_slopes
    logarithm = np.sqrt(np.log1p(found.variance / known))
    second = scales * logarithm
    # At variance 0 the root has no derivative; a surrogate that is certain there stays so nearby.
    steep = np.divide(scales, 2.0 * total * logarithm, out=np.zeros_like(total), where=logarithm > 1e-9)
    return _joined((first, first_slopes), (second, steep[:, :, None] * found.variance_slopes))


def _joined(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.concatenate([first[0], second[0]], axis=1), np.concatenate([first[1], second[1]], axis=1)
