"""What a misfit is: a number, its parts, and the function that yields them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beadsmith.problem.records import Observation


@dataclass(frozen=True)
class MisfitValue:
    """A misfit and its parts, all without unit.

    Attributes:
        total: the smaller the better; 0 is perfect.
        terms: parts by name.  ``combined_variance`` and ``relative``: the mean of each observable, of which
            ``total`` is the weighted mean.  ``martins2025``: three weighted parts, of which ``total`` is the
            sum.
    """

    total: float
    terms: dict[str, float]


#: From the observations of one model to its misfit.  Raises ValueError, naming observable and state, if the
#: observation of a target is missing, ambiguous or not a number.
Misfit = Callable[[Sequence[Observation]], MisfitValue]
