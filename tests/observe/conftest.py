"""Series and molecules whose answers are known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

Array = NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250101)


@pytest.fixture
def autoregressive(rng: np.random.Generator) -> Callable[..., Array]:
    """Makes stationary AR(1) series of mean 0 and variance 1 with a given statistical inefficiency.

    x[n+1] = phi x[n] + noise has the autocorrelation phi^lag, hence g = (1 + phi) / (1 - phi).
    """

    def make(samples: int, inefficiency: float) -> Array:
        phi = (inefficiency - 1) / (inefficiency + 1)
        noise = rng.normal(size=samples)
        noise[1:] *= np.sqrt(1 - phi**2)  # the first one starts the series in its stationary state
        return np.asarray(lfilter([1.0], [1.0, -phi], noise))

    return make
