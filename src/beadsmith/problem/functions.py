"""How a force-field parameter depends on the state: constant, linear, sigmoid, radial basis functions, tabulated.

Every class is a frozen record of its coefficients and can be called with a :class:`State`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from beadsmith.problem.state import State


class Function(Protocol):
    """A parameter as a function of the state."""

    def __call__(self, state: State) -> float:
        """Value at ``state``; KeyError if the state lacks the variable."""
        ...

    @property
    def variables(self) -> frozenset[str]:
        """Names of the state variables it depends on."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same value at every state."""

    value: float

    def __call__(self, state: State) -> float:
        return self.value

    @property
    def variables(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True)
class Linear:
    """``intercept + slope * x``, x being the state variable ``over``."""

    over: str
    intercept: float
    slope: float

    def __call__(self, state: State) -> float:
        return self.intercept + self.slope * state[self.over]

    @property
    def variables(self) -> frozenset[str]:
        return frozenset({self.over})


@dataclass(frozen=True)
class Sigmoid:
    """``low + (high - low) / (1 + exp(-(x - midpoint) / width))``."""

    over: str
    low: float
    high: float
    midpoint: float
    width: float

    def __call__(self, state: State) -> float:
        reduced = (state[self.over] - self.midpoint) / self.width
        return self.low + (self.high - self.low) * 0.5 * (1.0 + float(np.tanh(0.5 * reduced)))

    @property
    def variables(self) -> frozenset[str]:
        return frozenset({self.over})


@dataclass(frozen=True)
class RadialBasis:
    """Gaussian radial basis functions through ``values`` at ``centres`` (Giuntoli et al. 2021, Eq. 2).

    ``f(x) = k(x)^T K^-1 c`` with ``k_i = exp(-w (x - z_i)^2)`` and ``w = 10**log10_shape``.
    """

    over: str
    centres: tuple[float, ...]
    values: tuple[float, ...]
    log10_shape: float

    def __call__(self, state: State) -> float:
        centres = np.asarray(self.centres)
        shape = 10.0**self.log10_shape
        kernel = np.exp(-shape * (centres[:, None] - centres[None, :]) ** 2)
        near = np.exp(-shape * (state[self.over] - centres) ** 2)
        return float(near @ np.linalg.solve(kernel, np.asarray(self.values)))

    @property
    def variables(self) -> frozenset[str]:
        return frozenset({self.over})


@dataclass(frozen=True)
class Tabulated:
    """Straight lines between ``values`` at increasing ``points``; constant beyond the ends."""

    over: str
    points: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, state: State) -> float:
        return float(np.interp(state[self.over], self.points, self.values))

    @property
    def variables(self) -> frozenset[str]:
        return frozenset({self.over})
