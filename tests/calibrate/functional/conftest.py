"""Small problems with known answers."""

import numpy as np
import pytest

from beadsmith.calibrate.functional import Reference, System, make_twin
from beadsmith.calibrate.functional.twin import FormulaSurrogate, SampledAxis
from beadsmith.problem.state import State


def states(count: int, low: float = 0.0, high: float = 1.0) -> tuple[State, ...]:
    return tuple(State.of(DC=float(degree)) for degree in np.linspace(low, high, count))


def linear_system(
    hidden, weights, *, count=6, noise=0.05, spread=0.02, seed=0, scale=1.0, sampled=(0.0, 1.0), asked=(0.0, 1.0)
) -> System:
    """Observables that are weighted sums of two parameters, a and b, each between 1 and 3."""
    axes = (SampledAxis("a", 1.0, 3.0), SampledAxis("b", 1.0, 3.0), SampledAxis("DC", *sampled))
    rng = np.random.default_rng(seed)
    at = states(count, *asked)
    surrogates, references = {}, []
    for index, row in enumerate(weights):
        name = f"observable{index}"
        columns = scale * np.asarray([*row, 0.0])
        surrogates[name] = FormulaSurrogate(lambda inputs, columns=columns: inputs @ columns, axes, spread * scale)
        exact = scale * np.array([row[0] * hidden[0](state) + row[1] * hidden[1](state) for state in at])
        stderrs = np.full(count, noise * scale)
        references.append(Reference(name, at, exact + stderrs * rng.standard_normal(count), stderrs))
    return System("toy", surrogates, tuple(references))


@pytest.fixture(scope="session")
def twin():
    """Fourteen hidden functions, two systems; noise and surrogates of 1 %."""
    return make_twin()


@pytest.fixture(scope="session")
def make_linear_system():
    return linear_system


@pytest.fixture(scope="session")
def make_states():
    return states
