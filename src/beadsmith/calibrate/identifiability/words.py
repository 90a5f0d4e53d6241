"""Directions of parameter space in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: So many components at most are named.
MOST = 4

#: Components below this share of the largest are not named.
LEAST = 0.2


#: Components that are known worse than so many standard errors are not named.
SURE = 2.0


def in_words(direction: Array, names: Sequence[str], stderrs: Array | None = None, most: int = MOST) -> str:
    """``pair.T5.sigma +0.71, pair.T1.sigma -0.40``: the largest components, the largest first.

    A direction and its opposite say the same; the one is named in which the first component is positive.

    Args:
        direction: shape (parameters,).
        names: of the parameters.
        stderrs: of the components; None if they are exact.
        most: how many at most.

    Returns: empty for a direction of zeros, and where no component is known.
    """
    sure = np.abs(direction) > SURE * (np.zeros(len(direction)) if stderrs is None else stderrs)
    order = [place for place in np.argsort(-np.abs(direction), kind="stable") if sure[place]]
    if not order:
        return ""
    largest = float(direction[order[0]])
    sign = math.copysign(1.0, largest)
    named = [place for place in order[:most] if abs(direction[place]) >= LEAST * abs(largest)]
    return ", ".join(f"{names[place]} {sign * direction[place]:+.2f}" for place in named)
