"""What of an observable is modelled as a Gaussian process: the value itself, or its logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Name = Literal["identity", "log"]


class OutputTransform(Protocol):
    """A monotonic function between natural and latent values.  All arrays have one shape."""

    @property
    def name(self) -> Name:
        """As a user writes it."""

    def latent(self, values: Array, stderrs: Array) -> tuple[Array, Array]:
        """Latent values and their standard errors, to first order."""

    def natural(self, latent: Array) -> Array:
        """Natural values."""

    def slope(self, latent: Array) -> Array:
        """Derivative of :meth:`natural`."""

    def curvature(self, latent: Array) -> Array:
        """Second derivative of :meth:`natural`."""

    def log_jacobian(self, values: Array) -> float:
        """Sum over the natural values of ln(d latent / d natural): turns a density of one into one of the other."""


@dataclass(frozen=True)
class Identity:
    """The value itself."""

    name: Name = "identity"

    def latent(self, values: Array, stderrs: Array) -> tuple[Array, Array]:
        """See the protocol."""
        return values, stderrs

    def natural(self, latent: Array) -> Array:
        """See the protocol."""
        return latent

    def slope(self, latent: Array) -> Array:
        """See the protocol."""
        return np.ones_like(latent)

    def curvature(self, latent: Array) -> Array:
        """See the protocol."""
        return np.zeros_like(latent)

    def log_jacobian(self, values: Array) -> float:
        """See the protocol."""
        return 0.0


@dataclass(frozen=True)
class Log:
    """The natural logarithm; a prediction back in natural units is the median, and always positive."""

    name: Name = "log"

    def latent(self, values: Array, stderrs: Array) -> tuple[Array, Array]:
        """See the protocol."""
        return np.log(values), stderrs / values

    def natural(self, latent: Array) -> Array:
        """See the protocol."""
        return np.asarray(np.exp(latent))

    def slope(self, latent: Array) -> Array:
        """See the protocol."""
        return np.asarray(np.exp(latent))

    def curvature(self, latent: Array) -> Array:
        """See the protocol."""
        return np.asarray(np.exp(latent))

    def log_jacobian(self, values: Array) -> float:
        """See the protocol."""
        return -float(np.log(values).sum())


def transform_named(name: Name) -> OutputTransform:
    """The one of that name."""
    return Log() if name == "log" else Identity()
