"""Indices of an emulator: right within intervals that know what the emulator does not."""

import numpy as np
import pytest
from scipy.stats import qmc

from beadsmith.errors import EstimateError
from beadsmith.sensitivity.of_emulator import emulator_indices
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.emulator import fit_emulator
from beadsmith.surrogate.measurements import Measurements

AXES = tuple(Axis(name, -np.pi, np.pi) for name in "xyz")

#: Ishigami's function with a = 7, b = 0.1.
MAIN, TOTAL = np.array([0.3139, 0.4424, 0.0]), np.array([0.5576, 0.4424, 0.2437])


def emulator(number, noise=0.0, seed=1):
    unit = qmc.Sobol(3, rng=seed).random(1 << (number - 1).bit_length())[:number]
    inputs = np.pi * (2 * unit - 1)
    x, y, z = inputs.T
    values = np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)
    values += noise * np.random.default_rng(seed).normal(size=number)
    data = Measurements("toy", "ishigami", AXES, inputs, values, np.full(number, noise))
    return fit_emulator(data, transform="identity", starts=2)


@pytest.fixture(scope="module")
def fine():
    return emulator(256)


@pytest.fixture(scope="module")
def rough():
    return emulator(256, noise=1.0)


def test_known_indices_lie_within_the_intervals(fine):
    found = emulator_indices(fine)
    for shares, expected in ((found.main, MAIN), (found.total, TOTAL)):
        np.testing.assert_allclose(shares.estimates, expected, atol=0.03)
        assert (shares.lows <= expected).all()
        assert (shares.highs >= expected).all()


def test_what_the_emulator_does_not_know_widens_the_intervals(fine, rough):
    """The same points and resamples; only the number of runs and their noise differ."""
    known, unknown = (emulator_indices(one) for one in (fine, rough))
    wider = (unknown.total.highs - unknown.total.lows) / (known.total.highs - known.total.lows)
    assert (wider[1:] > 1.3).all()  # that of the first is nearly all sampling
    assert (unknown.total.lows <= TOTAL).all()
    assert (unknown.total.highs >= TOTAL).all()


def test_groups_and_states(fine):
    found = emulator_indices(fine, groups={"yz": ["y", "z"]}, held={"x": 0.0}, base=256)
    assert found.names == ("yz",)
    conditional = emulator_indices(fine, held={"x": 0.0})
    assert conditional.names == ("y", "z")
    np.testing.assert_allclose(conditional.main.estimates, [1.0, 0.0], atol=0.05)  # sin x = 0: only y is left


def test_a_poor_emulator_is_refused_unless_forced():
    poor = emulator(24)
    with pytest.raises(EstimateError, match=r"toy\.ishigami: .*not good enough.*for sensitivity"):
        emulator_indices(poor)
    forced = emulator_indices(poor, base=256, force=True)
    assert (forced.total.highs - forced.total.lows).max() > 0.1
