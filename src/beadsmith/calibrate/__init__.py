"""How far a model is from its targets.

- One number for a search: :func:`make_misfit` (:mod:`.misfit`), :class:`MisfitValue` (:mod:`.value`).
- The rules: :mod:`.by_observable` (combined variance, relative), :mod:`.martins2025`.
- What is squared in it, for searches that look: :mod:`.forms`; with values and derivatives: :mod:`.response`.
- Tables and reports: :func:`deviations`, :func:`mean_squared_deviation` (:mod:`.comparison`).
- What repeated runs say about a protocol, scatter and bias: :mod:`.repeats`.
- Which observation answers which target: :mod:`.matching`.
- What targets say about parameters: :mod:`.identifiability`.
"""

from beadsmith.calibrate.comparison import (
    Deviation,
    MeanSquaredDeviation,
    deviations,
    mean_squared_deviation,
)
from beadsmith.calibrate.misfit import Misfit, MisfitValue, make_misfit

__all__ = [
    "Deviation",
    "MeanSquaredDeviation",
    "Misfit",
    "MisfitValue",
    "deviations",
    "make_misfit",
    "mean_squared_deviation",
]
