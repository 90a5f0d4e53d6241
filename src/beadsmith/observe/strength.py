"""Yield and fracture: where a stress-strain curve leaves its elastic line, and where it drops for good.

Both are read off a smoothed curve (``smoothing``).  On raw samples the first one below a line, and the highest one, are
events of the noise: the more samples there are, the earlier the one and the higher the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.elasticity import Slope
from beadsmith.observe.smoothing import Smooth, smooth
from beadsmith.observe.tension import Curve
from beadsmith.observe.timeseries import Array

#: Strain by which the elastic line is shifted.
OFFSET = 0.03
#: A curve is broken where it stays below this part of its maximum.
BROKEN = 0.5
#: Chance that an interval holds the truth.
LEVEL = 0.95
#: How finely the smoothed curve is searched; between places it is a straight line.
_PLACES = 301
#: How often errors are drawn.
_DRAWS = 400
_BEYOND = "the interval of the yield strain reaches beyond the curve: pull further"


@dataclass(frozen=True)
class Yield:
    """Where the curve meets the offset line.

    Attributes:
        strain, strain_stderr: of the crossing.
        stress, stress_stderr: of the smoothed curve there, GPa.
        strain_interval, stress_interval: that hold the truth with 95 %; not symmetric where the curve bends.
        bandwidth: of the smoothing, in strain.
        note: a remark; empty if all is well.
    """

    strain: float
    strain_stderr: float
    stress: float
    stress_stderr: float
    strain_interval: tuple[float, float]
    stress_interval: tuple[float, float]
    bandwidth: float
    note: str = ""


def yield_point(curve: Curve, modulus: Slope, random: np.random.Generator, offset: float = OFFSET) -> Yield:
    """Yield by the offset method.

    The elastic line, with its intercept, is shifted by ``offset`` along strain,

        line(e) = intercept + E (e - offset),

    and the first place after the offset where the smoothed curve comes down to it is the yield point.

    Errors are those of a parametric bootstrap: errors of the smoothed curve, drawn from its noise, and of the line,
    drawn from its covariance (Student's distribution), are added to both, and the crossing is looked for again.  They
    are taken as independent, being of different samples.  A formula to first order would not do: the slope of the
    curve changes within the error of the crossing.

    Args:
        curve: of one pull.
        modulus: of the same curve.
        random: for the bootstrap.
        offset: strain, at least 0.

    Raises:
        EstimateError: the modulus is not known to be positive, the curve ends before the offset, lies below the line
            from its beginning, or stays above it to the end.
    """
    low, high = modulus.interval()
    if low <= 0.0:
        raise EstimateError(
            f"the modulus is not known to be positive ({low:.3g} to {high:.3g} GPa), so it has no offset line"
        )
    curved, line = smooth(curve.strain, curve.stress), modulus.line
    last = float(curved.x[-1])
    if last <= offset:
        raise EstimateError(f"the curve ends at a strain of {last:.3g}, before the offset line begins at {offset:g}")
    places = np.asarray(np.linspace(max(offset, float(curved.x[0])), last, _PLACES), dtype=np.float64)
    heights = curved.along(places)
    gaps = heights - line.intercept - line.slope * (places - offset)
    _check_meeting(places, gaps, line.slope)
    strain = float(_crossings(places, gaps[None, :])[0])
    errors = curved.errors_along(places, _DRAWS, random)
    strains = _crossings(places, gaps + errors - _errors_of_line(modulus, places - offset, random))
    never = np.isnan(strains)
    strains = np.where(never, last, strains)
    drawn = [float(np.interp(place, places, heights + error)) for place, error in zip(strains, errors, strict=True)]
    return Yield(
        strain,
        float(strains.std()),
        float(np.interp(strain, places, heights)),
        float(np.std(drawn)),
        _central(strains),
        _central(np.array(drawn)),
        curved.bandwidth,
        note=_BEYOND if never.mean() > (1.0 - LEVEL) / 2 else "",
    )


@dataclass(frozen=True)
class Strength:
    """The highest stress, and where the curve breaks.

    Attributes:
        stress, stress_stderr: maximum of the smoothed curve, GPa.
        strain, strain_stderr: where it is; the error is infinite if the maximum is at an end of the curve.
        break_strain, break_stderr: where the smoothed curve comes below a part of its maximum for good; None if it
            does not.
        note: what could not be told; empty if all could.
    """

    stress: float
    stress_stderr: float
    strain: float
    strain_stderr: float
    break_strain: float | None
    break_stderr: float | None
    note: str = ""


def strength(curve: Curve, broken: float = BROKEN) -> Strength:
    """Ultimate stress, and strain at break.

    Args:
        curve: of one pull.
        broken: part of the maximum, between 0 and 1, below which the curve must stay.

    Raises:
        EstimateError: too few samples, or a curve that is nowhere in tension.
    """
    curved = smooth(curve.strain, curve.stress)
    places = np.asarray(np.linspace(curved.x[0], curved.x[-1], _PLACES), dtype=np.float64)
    heights = curved.along(places)
    top = int(np.argmax(heights))
    stress, _, curvature = curved.at(float(places[top]))
    stress_stderr, slope_stderr, _ = curved.stderrs_at(float(places[top]))
    if stress <= 0.0:
        raise EstimateError(f"the highest stress is {stress:.3g} GPa: the curve is nowhere in tension")
    at_end = top in (0, _PLACES - 1)
    notes = ["the highest stress is at an end of the curve: pull further"] if at_end else []
    # Before an abrupt drop the place of the maximum is told no finer than the smoothing: evenly within a bandwidth.
    resolution = curved.bandwidth / math.sqrt(12.0)
    strain_stderr = math.inf if at_end or curvature >= 0.0 else math.hypot(slope_stderr / curvature, resolution)
    broke = _break(curved, places, heights, broken * stress, broken * stress_stderr)
    if broke is None:
        notes.append(f"the stress does not stay below {100 * broken:g} % of its maximum, so nothing broke")
    break_strain, break_stderr = broke or (None, None)
    return Strength(
        stress, stress_stderr, float(places[top]), strain_stderr, break_strain, break_stderr, "; ".join(notes)
    )


def _check_meeting(places: Array, gaps: Array, slope: float) -> None:
    """Let a curve pass that comes from above the line down to it."""
    if gaps[0] <= 0.0:
        raise EstimateError(
            f"the curve lies below the line of {slope:.3g} GPa already where that begins, at a strain of "
            f"{places[0]:.3g}; fit the modulus in a narrower window, or to more samples"
        )
    if (gaps > 0.0).all():
        raise EstimateError(
            f"the curve stays above the line of {slope:.3g} GPa from a strain of {places[0]:.3g} up to its end at "
            f"{places[-1]:.3g}, so it has no yield point; pull further"
        )


def _crossings(places: Array, gaps: Array) -> Array:
    """Where each row first comes down to zero, shape (rows,): nan if never, the first place if it begins below."""
    below = gaps <= 0.0
    first = below.argmax(axis=1)
    before = np.maximum(first - 1, 0)
    row = np.arange(len(gaps))
    high, low = gaps[row, before], gaps[row, first]
    part = np.where(first > 0, high / np.where(high > low, high - low, 1.0), 0.0)
    crossing = places[before] + (places[first] - places[before]) * part
    return np.asarray(np.where(below.any(axis=1), crossing, np.nan))


def _errors_of_line(modulus: Slope, distances: Array, random: np.random.Generator) -> Array:
    """Errors that the line may have at several distances from its origin, GPa, shape (draws, distances)."""
    errors = random.multivariate_normal(np.zeros(2), modulus.line.covariance, _DRAWS, method="eigh")
    if math.isfinite(modulus.freedom):
        errors *= np.sqrt(modulus.freedom / random.chisquare(modulus.freedom, _DRAWS))[:, None]
    return np.asarray(errors[:, :1] * distances + errors[:, 1:])


def _central(drawn: Array) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2, (1.0 + LEVEL) / 2])
    return float(low), float(high)


def _break(
    curved: Smooth, places: Array, heights: Array, level: float, level_stderr: float
) -> tuple[float, float] | None:
    """Where the curve comes below a level for good, and the error of that strain; None if it does not."""
    last = int(np.flatnonzero(heights >= level)[-1])
    if last == len(places) - 1:
        return None
    downward = float((heights[last] - heights[last + 1]) / (places[last + 1] - places[last]))
    strain = float(places[last] + (heights[last] - level) / downward)
    return strain, math.hypot(curved.stderrs_at(strain)[0], level_stderr) / downward
