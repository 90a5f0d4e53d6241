"""Targets, and how deviations from them become one number."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from beadsmith.problem.schema.section import Name, QuantityText, Section


class TargetRule(Section):
    """What an observable should be."""

    state: dict[Name, QuantityText] = {}
    """Where: 'T: 150 175 200 K'; several variables have lists of equal length or single values."""
    value: QuantityText
    """One number per state and the unit: '1.23 1.22 g/cm^3'."""
    uncertainty: QuantityText
    """Standard deviation of the target: one for all, or one per state."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of this observable in the misfit, whatever its number of points."""
    source: str
    """Where the numbers come from."""


class ConsideredRule(Section):
    """A target that is only thought of: what would it tell about the parameters?"""

    state: dict[Name, QuantityText] = {}
    """Where, as for targets."""
    uncertainty: QuantityText
    """Standard deviation that its value would have: one for all states, or one per state."""
    source: str = ""
    """Where the value could come from."""


class CombinedVariance(Section):
    """Mean squared deviation over the variances of target and simulation; curves count by weight, not by points."""

    kind: Literal["combined_variance"] = "combined_variance"


class Relative(Section):
    """Mean squared relative deviation; curves count by weight, not by points."""

    kind: Literal["relative"]


def _weights(value: object) -> object:
    numbers = [weight for weight in value if isinstance(weight, int | float)] if isinstance(value, list | tuple) else []
    if value in ("w", "w2", "w3") or (len(numbers) == 3 and min(numbers) >= 0):
        return value
    raise ValueError("w, w2, w3, or three numbers that are not negative, for density, Rg and Tg")


class Martins2025(Section):
    """The loss of Martins et al. (2025): density through two lines on a fine grid, their slopes, and Rg."""

    kind: Literal["martins2025"]
    weights: Annotated[Literal["w", "w2", "w3"] | tuple[float, float, float], BeforeValidator(_weights)] = "w"
    """w = [1, 1875, 1.5e4], w2 = [10, 1875, 1.5e3], w3 = [5, 18750, 1.5e3], or three numbers: density, Rg, Tg."""


def _misfit(value: object) -> object:
    if not isinstance(value, str | dict | CombinedVariance | Relative | Martins2025):
        raise ValueError("one of combined_variance, relative, martins2025")
    return {"kind": value} if isinstance(value, str) else value


Misfit = Annotated[
    Annotated[CombinedVariance | Relative | Martins2025, Field(discriminator="kind")],
    BeforeValidator(_misfit),
]
