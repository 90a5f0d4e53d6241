"""How far from the best point a model learnt from few points is asked for advice.

A box about the best point that widens after successes, narrows after failures and, once it cannot narrow any more,
starts anew elsewhere.  It is read off the expected misfits of all evaluations in the order of their proposal: every one
of them is judged again whenever more is known, and nothing has to be remembered.

Reference:
    D. Eriksson et al., NeurIPS 2019, arXiv:1910.01739 (TuRBO).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beadsmith.search.box import Array

#: Half the width, in unit coordinates: at first, at most, at least.
FIRST, LARGEST, SMALLEST = 0.25, 0.5, 0.02

#: Successes in a row that double it; failures in a row that halve it.
SUCCESSES, FAILURES = 2, 3

#: A success lowers the expected misfit by this part at least.
LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class TrustRegion:
    """Where to look.

    Attributes:
        since: number of evaluations that belong to earlier regions, which had narrowed to nothing.
        best: which evaluation is its centre; None before one of its own succeeded.
        radius: largest change of any coordinate.
    """

    since: int
    best: int | None
    radius: float

    def bounds(self, centre: Array) -> tuple[Array, Array]:
        """Lower and upper ends of the region within the unit box, shape (parameters,) each."""
        return np.maximum(centre - self.radius, 0.0), np.minimum(centre + self.radius, 1.0)


def trust_region(misfits: Array, starts: int, restarts: int) -> TrustRegion:
    """The region after some evaluations.

    Args:
        misfits: expected, in the order of proposal, infinite for failures, shape (evaluations,).
        starts, restarts: how many evaluations, of the first region and of each later one, were not proposed by a model
            and so are neither successes nor failures.
    """
    since, free = 0, starts
    radius, successes, failures = FIRST, 0, 0
    best, lowest = None, np.inf
    for number, misfit in enumerate(misfits):
        better = bool(misfit < lowest - LEAST_GAIN * lowest) if np.isfinite(lowest) else bool(misfit < lowest)
        if better:
            best, lowest = number, misfit
        if number < since + free:
            continue
        successes, failures = (successes + 1, 0) if better else (0, failures + 1)
        if successes == SUCCESSES:
            radius, successes = min(LARGEST, 2.0 * radius), 0
        if failures == FAILURES:
            radius, failures = 0.5 * radius, 0
        if radius < SMALLEST:
            since, free = number + 1, restarts
            radius, successes, failures = FIRST, 0, 0
            best, lowest = None, np.inf
    return TrustRegion(since, best, radius)
