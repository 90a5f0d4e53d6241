"""Envelopes: what is known of every function, from weighted sets of coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.calibration import family_from_json
from beadsmith.calibrate.functional.family import Family

Array = NDArray[np.float64]

#: Quantiles of every envelope: the median and the intervals of 68 % and 95 %.
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)

#: States of each envelope.
_POINTS = 21


@dataclass(frozen=True)
class Envelope:
    """What is known of one function over its state variable, natural units.

    Attributes:
        parameter: its name.
        over: the state variable; of a constant, that of the others; None if there is none.
        points: values of the state variable.
        mean, stderr: first two moments at each point.
        quantiles: by probability, such as 0.025.
    """

    parameter: str
    over: str | None
    points: tuple[float, ...]
    mean: tuple[float, ...]
    stderr: tuple[float, ...]
    quantiles: Mapping[float, tuple[float, ...]]

    @property
    def width(self) -> float:
        """Mean standard deviation over the states."""
        return float(np.mean(self.stderr))

    def to_json(self) -> dict[str, Any]:
        """``{parameter, over, points, mean, stderr, quantiles}``; quantiles by ``"0.025"`` and so on."""
        return {
            "parameter": self.parameter,
            "over": self.over,
            "points": list(self.points),
            "mean": list(self.mean),
            "stderr": list(self.stderr),
            "quantiles": {f"{level:g}": list(values) for level, values in self.quantiles.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Envelope:
        """The inverse of :meth:`to_json`."""
        quantiles = {float(level): tuple(values) for level, values in document["quantiles"].items()}
        rows = {key: tuple(document[key]) for key in ("points", "mean", "stderr")}
        return cls(parameter=document["parameter"], over=document["over"], quantiles=quantiles, **rows)


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What is known of all functions.

    Attributes:
        method: ``giuntoli2021``, ``randomised``, or ``posterior`` (NUTS).
        family: of the functions.
        envelopes: by parameter.
        draws: sets of coordinates, shape (draws, size); at most a few hundred are kept.
        weights: of the draws, shape (draws,); they add up to 1.
        diagnostics: numbers by name; which, is said by the function that made it.
        sentences: the same in words: whether the numbers can be trusted.
    """

    method: str
    family: Family
    envelopes: Mapping[str, Envelope]
    draws: Array
    weights: Array
    diagnostics: Mapping[str, float]
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types.

        Keys: ``method``, ``forms``, ``ranges``, ``states`` (as in :meth:`.Calibration.to_json`), ``envelopes`` (by
            parameter, see
        :meth:`Envelope.to_json`), ``draws``, ``weights``, ``diagnostics`` (null where undefined), ``sentences``.
        """
        return {
            "method": self.method,
            "forms": {name: form.to_json() for name, form in self.family.forms.items()},
            "ranges": {name: list(ends) for name, ends in self.family.ranges.items()},
            "states": {name: list(ends) for name, ends in self.family.states.items()},
            "envelopes": {name: envelope.to_json() for name, envelope in self.envelopes.items()},
            "draws": self.draws.tolist(),
            "weights": self.weights.tolist(),
            "diagnostics": {
                name: float(value) if np.isfinite(value) else None for name, value in self.diagnostics.items()
            },
            "sentences": list(self.sentences),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Uncertainty:
        """The inverse of :meth:`to_json`."""
        return cls(
            method=document["method"],
            family=family_from_json(document),
            envelopes={name: Envelope.from_json(one) for name, one in document["envelopes"].items()},
            draws=np.array(document["draws"], dtype=np.float64),
            weights=np.array(document["weights"], dtype=np.float64),
            diagnostics={
                name: float("nan") if value is None else value for name, value in document["diagnostics"].items()
            },
            sentences=tuple(document["sentences"]),
        )


@dataclass(frozen=True)
class WidthComparison:
    """How two envelopes of one function differ.

    Attributes:
        parameter: its name.
        first, second: mean standard deviations over the states, natural units.
        ratio: first over second.
        shift: mean distance of the two means over the states, in units of the second's standard deviation.
    """

    parameter: str
    first: float
    second: float
    ratio: float
    shift: float

    def to_json(self) -> dict[str, float | str]:
        """``{parameter, first, second, ratio, shift}``."""
        return {
            "parameter": self.parameter,
            "first": self.first,
            "second": self.second,
            "ratio": self.ratio,
            "shift": self.shift,
        }


def envelopes_of(family: Family, draws: Array, weights: Array) -> dict[str, Envelope]:
    """Weighted moments and quantiles of every function over its interval of states.

    Args:
        family: of the functions.
        draws: coordinates, shape (draws, size).
        weights: shape (draws,), not all 0.
    """
    weights = weights / weights.sum()
    shape = family.shared_shape(draws)
    common = next(iter(family.states), None)
    found = {}
    for name, form in family.forms.items():
        over = form.over or common
        points: Array = np.zeros(1)
        if over is not None:
            points = np.linspace(*family.states[over], _POINTS, dtype=np.float64)
        values = form.evaluate(draws[:, family.slices[name]], shape, points, family.ranges[name]).values
        mean = weights @ values
        stderr = np.sqrt(weights @ (values - mean) ** 2)
        quantiles = weighted_quantiles(values, weights, QUANTILES)
        found[name] = Envelope(
            name,
            over,
            _numbers(points),
            _numbers(mean),
            _numbers(stderr),
            {level: _numbers(row) for level, row in zip(QUANTILES, quantiles, strict=True)},
        )
    return found


def compare_widths(first: Uncertainty, second: Uncertainty) -> tuple[tuple[WidthComparison, ...], tuple[str, ...]]:
    """Where two ways to the uncertainty differ, as numbers and in words.

    Args:
        first: usually by the published likelihood.
        second: usually the posterior.

    Returns: one comparison for each parameter, and sentences.
    """
    rows = []
    for name, one in first.envelopes.items():
        other = second.envelopes[name]
        spread = np.maximum(other.stderr, 1e-300)
        shift = float(np.mean(np.abs(np.subtract(one.mean, other.mean)) / spread))
        ratio = one.width / other.width if other.width > 0 else float("inf")
        rows.append(WidthComparison(name, one.width, other.width, ratio, shift))
    wider = [row for row in rows if row.ratio > 1.5]
    narrower = [row for row in rows if row.ratio < 1.0 / 1.5]
    median = float(np.median([row.ratio for row in rows]))
    sentences = [
        f"{first.method} against {second.method}: standard deviations of {len(rows) - len(wider) - len(narrower)} of "
        f"{len(rows)} functions agree within a factor of 1.5; the median ratio is {median:.2g}."
    ]
    for group, word in ((wider, "wider"), (narrower, "narrower")):
        if group:
            named = ", ".join(f"{row.parameter} ({row.ratio:.2g})" for row in group)
            sentences.append(f"{first.method} is {word} for {named}.")
    apart = [row.parameter for row in rows if row.shift > 2.0]
    if apart:
        sentences.append(f"The two centres differ by more than two standard deviations for {', '.join(apart)}.")
    return tuple(rows), (*sentences, *first.sentences)


def weighted_quantiles(values: Array, weights: Array, levels: Sequence[float]) -> Array:
    """Quantiles of each column, shape (levels, columns): between the middles of the weights' steps, linearly.

    Args:
        values: shape (draws, columns).
        weights: shape (draws,), adding up to 1.
        levels: probabilities.
    """
    order = np.argsort(values, axis=0)
    found = np.empty((len(levels), values.shape[1]))
    for column in range(values.shape[1]):
        own = weights[order[:, column]]
        middles = np.cumsum(own) - 0.5 * own
        found[:, column] = np.interp(levels, middles, values[order[:, column], column])
    return found


def _numbers(row: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in row)
