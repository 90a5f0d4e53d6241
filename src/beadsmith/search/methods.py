"""The methods by the names that problem files use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from beadsmith.problem.parameters import Parameter
from beadsmith.problem.schema import PRIOR_WIDTH, SEARCH_METHODS
from beadsmith.search.box import Array, Box
from beadsmith.search.contract import BeginWith, Foresee, InOrder, Search, Strategy
from beadsmith.surrogate.available import require_gaussian_processes

Start = Sequence[Mapping[str, float]]


def make_search(
    method: str,
    parameters: Sequence[Parameter],
    seed: int,
    start: Sequence[Mapping[str, float]] = (),
    prior: float = PRIOR_WIDTH,
    foresee: Foresee | None = None,
) -> Search:
    """A search by name.

    Args:
        method: one of :data:`beadsmith.problem.schema.SEARCH_METHODS`.
        parameters: the free parameters; proposals are by name and inside their ranges.
        seed: 0 to 2^32 - 1; the same seed and the same tells give the same proposals.
        start: points to propose first, in this order, each with a value for every free parameter.  Published
            models may lie outside the ranges: ``sobol`` and ``random`` propose such a point as it is;
            the others know nothing outside and propose the nearest point of the box.  All that learn do so
            from these points, except CMA-ES, whose distribution begins at the first of them (without any: at the
            centre of the box) and which hears of none.
        prior: how far parameters may be from the first point, a standard deviation in parts of their ranges; only the
            gradient steps of ``gauss-newton`` and ``combined`` have a use for it.
        foresee: tells responses without simulations, from what the search has been told and nothing later; only the
            gradient steps of ``gauss-newton`` and ``combined`` have a use for it.

    Raises:
        ValueError: an unknown method, a seed outside its range, a prior that is not positive, an impossible box or
            start point.
        ProblemError: the method needs optional libraries that are not installed.
    """
    if method not in SEARCH_METHODS:
        raise ValueError(f"search method {method!r} is not known, expected one of {', '.join(SEARCH_METHODS)}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"the seed of a search is {seed}, expected a whole number from 0 to 4294967295")
    if not prior > 0:
        raise ValueError(f"the prior of a search is {prior:g}, expected a positive part of the ranges, such as 0.4")
    box = Box.of(parameters)
    points = [box.checked(point, f"start point {number}") for number, point in enumerate(start)]
    if method in _ON_GAUSSIAN_PROCESSES:
        require_gaussian_processes("search.method", method)
    if method in _ON_DERIVATIVES:
        return InOrder(_ON_DERIVATIVES[method](box, seed, points, prior, foresee))
    return InOrder(_ON_ANSWERS[method](box, seed, points))


def _tpe(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search import tpe  # Optuna is slow to import

    return tpe.Tpe(box, tpe.sampler_of_today(seed), [box.clipped(point) for point in start])


def _tpe_martins2025(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search import tpe

    return tpe.Tpe(box, tpe.sampler_of_martins2025(seed), [box.clipped(point) for point in start])


def _cma_es(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search.cma_es import CmaEs

    inside = [box.clipped(point) for point in start]
    mean = box.unit(inside[0]) if inside else np.full(box.dimension, 0.5)
    return BeginWith(inside, CmaEs(box, seed, np.clip(mean, 0.0, 1.0)))


def _sobol(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search.space_filling import SobolPoints  # SciPy's statistics are slow to import

    return BeginWith(start, SobolPoints(box, seed))


def _random(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search.space_filling import RandomPoints

    return BeginWith(start, RandomPoints(box, seed))


def _grey_box(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search.grey_box import GreyBox  # PyTorch is slow to import, and optional

    return GreyBox(box, seed, _units(box, start))


def _optuna_gp(box: Box, seed: int, start: Start) -> Strategy:
    from beadsmith.search.optuna_gp import OptunaGp

    return OptunaGp(box, seed, [box.clipped(point) for point in start])


def _gauss_newton(box: Box, seed: int, start: Start, prior: float, foresee: Foresee | None) -> Strategy:
    from beadsmith.search.gauss_newton import GaussNewton

    return GaussNewton(box, seed, _units(box, start), prior, foresee)


def _combined(box: Box, seed: int, start: Start, prior: float, foresee: Foresee | None) -> Strategy:
    from beadsmith.search.combined import Combined

    return Combined(box, seed, _units(box, start), prior, foresee)


def _units(box: Box, start: Start) -> list[Array]:
    """The nearest points of the box, in unit coordinates."""
    return [box.unit(box.clipped(point)) for point in start]


_ON_ANSWERS: dict[str, Callable[[Box, int, Start], Strategy]] = {
    "grey-box": _grey_box,
    "tpe": _tpe,
    "tpe-martins2025": _tpe_martins2025,
    "optuna-gp": _optuna_gp,
    "cma-es": _cma_es,
    "sobol": _sobol,
    "random": _random,
}

_ON_DERIVATIVES: dict[str, Callable[[Box, int, Start, float, Foresee | None], Strategy]] = {
    "gauss-newton": _gauss_newton,
    "combined": _combined,
}

_ON_GAUSSIAN_PROCESSES = ("grey-box", "combined", "optuna-gp")

#: Methods whose steps lead on from the last answer, by its derivatives.
STEPPING_METHODS = tuple(_ON_DERIVATIVES)
