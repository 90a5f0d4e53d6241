"""A misfit as a sum of squares, for searches that look at what is squared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Forms:
    """M = sum_r w_r (R_r (y - t))^2, with the values y and the targets t in the order of the targets.

    Attributes:
        rows: the linear forms R, each in one over the units of the targets that enter it, shape (forms, targets).
        weights: w, not negative and not all zero, without unit, shape (forms,).
    """

    rows: Array
    weights: Array
