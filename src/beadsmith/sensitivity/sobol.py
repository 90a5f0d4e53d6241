"""Main and total Sobol' indices of any function, with intervals, through SALib.

The variance of f over a box, uniform and independent in each coordinate, is shared out among groups g of coordinates:

    main index  S_g = Var(E[f | x_g]) / Var(f),        total index  T_g = E[Var(f | all but x_g)] / Var(f).

S_g is what fixing the group would take away on average, T_g what would be left if all others were fixed; their
difference is the group's part in interactions.  Main indices are estimated as in Saltelli et al. (2010) and total ones
after Jansen, from quasi-random points; estimates of small indices may be a little below 0.

Intervals are percentiles over resampled points.  A resampling treats quasi-random points as random ones, so it rather
exaggerates their error.  Where a function comes as random draws of itself, as from an emulator, each draw is
analysed and resampled, the estimate is the mean over the draws, and the interval holds both errors (Le Gratiet et al.).

References:
    I. M. Sobol', Math. Comput. Simul. 55, 271 (2001).
    A. Saltelli et al., Comput. Phys. Commun. 181, 259 (2010).
    L. Le Gratiet, C. Cannamela, B. Iooss, SIAM/ASA J. Uncertain. Quantif. 2, 336 (2014).
    T. Iwanaga, W. Usher, J. Herman, Socio-Environ. Syst. Model. 4, 18155 (2022) (SALib).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError, ProblemError, install
from beadsmith.surrogate.axes import Axis

Array = NDArray[np.float64]

#: Share of the resampled indices that an interval holds.
LEVEL = 0.95

#: A deviation below this part of the values is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Shares:
    """Shares of a variance with their 95 % intervals, shape (groups,) each."""

    estimates: Array
    lows: Array
    highs: Array


@dataclass(frozen=True)
class SobolIndices:
    """What a variance comes from.

    Attributes:
        names: of the groups; an axis that belongs to none is one by itself.
        main: what fixing the group would take away.
        total: what would be left if all others were fixed.
        deviation: standard deviation of the function over the box, in its own unit.
        held: coordinates that did not vary, and where they were.
    """

    names: tuple[str, ...]
    main: Shares
    total: Shares
    deviation: float
    held: Mapping[str, float]


def sobol_indices(
    function: Callable[[Array], Array],
    axes: Sequence[Axis],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    held: Mapping[str, float] | None = None,
    base: int = 4096,
    resamples: int = 200,
    seed: int = 0,
) -> SobolIndices:
    """Indices of a function over a box.

    Args:
        function: of inputs, shape (points, axes), natural units; to values, shape (points,), or to several random
            draws of them, shape (draws, points).
        axes: the box; one for each column.
        groups: by name, the names of the axes that count as one; no axis in two of them.
        held: by name, the values of axes that do not vary, such as a state; inside their ranges.
        base: points of the design, a power of 2; the function is asked base * (groups + 2) times.
        resamples: of the points, for each draw; at least 2.
        seed: of the points and of the resampling.

    Raises:
        ProblemError: groups or held axes that do not fit the axes, or SALib is not installed.
        EstimateError: the function does not vary over the box, or is not finite.
    """
    if importlib.util.find_spec("SALib") is None:
        raise ProblemError("sensitivity", "Sobol' indices", "the optional SALib to be installed", install("gp"))
    held = dict(held or {})
    free = _free(axes, held)
    labels = _labels(free, groups or {}, held)
    problem = {
        "num_vars": len(free),
        "names": [axis.name for axis in free],
        "bounds": [[axis.low, axis.high] for axis in free],
        "groups": labels,
    }
    rng = np.random.default_rng(seed)
    inputs = _with_held(_sample(problem, base, rng), axes, held)
    values = np.atleast_2d(function(inputs))
    _refuse_flat(values)
    names = tuple(dict.fromkeys(labels))
    if len(names) == 1:  # it has the whole variance, which SALib does not answer
        whole = Shares(*np.ones((3, 1)))
        return SobolIndices(names, whole, whole, _deviation(values), held)
    analyses = [_analysed(problem, draw, resamples, rng) for draw in values]
    return SobolIndices(names, _shares(analyses, "S1"), _shares(analyses, "ST"), _deviation(values), held)


def _free(axes: Sequence[Axis], held: Mapping[str, float]) -> list[Axis]:
    known = {axis.name: axis for axis in axes}
    for name, value in held.items():
        if name not in known:
            raise ProblemError("held", name, f"one of the axes {', '.join(known)}")
        axis = known[name]
        if not axis.low <= value <= axis.high:
            raise ProblemError(f"held.{name}", f"{value:g}", f"a value from {axis.low:g} to {axis.high:g}")
    free = [axis for axis in axes if axis.name not in held]
    if not free:
        raise ProblemError("held", ", ".join(held), "at least one axis that varies")
    return free


def _labels(free: Sequence[Axis], groups: Mapping[str, Sequence[str]], held: Mapping[str, float]) -> list[str]:
    """The name of the group of each axis."""
    names = [axis.name for axis in free]
    group_of: dict[str, str] = {}
    for group, members in groups.items():
        for name in members:
            if name not in names and name not in held:
                raise ProblemError(f"groups.{group}", name, f"one of the axes {', '.join(names)}")
            if name in group_of:
                raise ProblemError(
                    f"groups.{group}", name, f"an axis that is not in {group_of[name]} already", "ask twice"
                )
            group_of[name] = group
    labels = [group_of.get(name, name) for name in names]
    alone = {name for name in names if name not in group_of}
    if taken := alone & set(groups):
        raise ProblemError("groups", ", ".join(sorted(taken)), "names that are not those of axes outside the group")
    return labels


def _sample(problem: dict[str, Any], base: int, rng: np.random.Generator) -> Array:
    from SALib.sample.sobol import sample

    if base < 2 or base & (base - 1):
        raise ValueError(f"the design has {base} points, expected a power of 2")
    return np.asarray(sample(problem, base, calc_second_order=False, seed=int(rng.integers(2**31))))


def _with_held(inputs: Array, axes: Sequence[Axis], held: Mapping[str, float]) -> Array:
    columns = iter(inputs.T)
    return np.column_stack(
        [np.full(len(inputs), held[axis.name]) if axis.name in held else next(columns) for axis in axes]
    )


def _refuse_flat(values: Array) -> None:
    if not np.isfinite(values).all():
        raise EstimateError("sensitivity: received a function with values that are not finite, expected finite ones")
    if (values.std(axis=1) <= ROUNDING * np.abs(values).max(axis=1)).any():
        raise EstimateError(
            "sensitivity: received a function that does not vary over the box, expected one that does; "
            "what never varies answers to nothing"
        )


def _deviation(values: Array) -> float:
    return math.sqrt(float(values.var(axis=1).mean()))


def _analysed(problem: dict[str, Any], values: Array, resamples: int, rng: np.random.Generator) -> dict[str, Any]:
    from SALib.analyze.sobol import analyze

    # A seed of 0 would be taken for none.
    seed = int(rng.integers(1, 2**31))
    found: dict[str, Any] = analyze(
        problem, values, calc_second_order=False, num_resamples=resamples, keep_resamples=True, seed=seed
    )
    return found


def _shares(analyses: Sequence[dict[str, Any]], key: str) -> Shares:
    estimates = np.mean([one[key] for one in analyses], axis=0)
    resampled = np.concatenate([one[f"{key}_conf_all"] for one in analyses])
    lows, highs = np.quantile(resampled, [0.5 - 0.5 * LEVEL, 0.5 + 0.5 * LEVEL], axis=0)
    return Shares(estimates, lows, highs)
