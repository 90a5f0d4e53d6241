import math

import numpy as np
import pytest

from beadsmith.calibrate import deviations, mean_squared_deviation
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.state import State

COLD, HOT = State.of(T=150), State.of(T=500)
TARGETS = (Target("density", COLD, 1.20, 0.03), Target("density", HOT, 1.00, 0.03), Target("Tg", State(), 378.0, 10.0))


def test_a_row_for_every_target_in_their_order():
    observations = [
        Observation("Tg", State(), 388.0, 0.0),
        Observation("density", HOT, 0.95, 0.04),
        Observation("density", COLD, 1.20, 0.04),
    ]
    rows = deviations(observations, TARGETS)
    assert [(row.observable, row.state) for row in rows] == [("density", COLD), ("density", HOT), ("Tg", State())]
    assert [row.z for row in rows] == pytest.approx([0.0, -1.0, 1.0])
    assert (rows[1].target, rows[1].target_stderr, rows[1].value, rows[1].stderr) == (1.00, 0.03, 0.95, 0.04)


def test_a_gap_for_what_was_not_observed():
    (row,) = deviations([], TARGETS[:1])
    assert (row.target, row.target_stderr) == (1.20, 0.03)
    assert all(math.isnan(value) for value in (row.value, row.stderr, row.z))


@pytest.mark.parametrize("value", [math.nan, 380.0])
def test_what_cannot_be_determined_has_no_z(value):
    (row,) = deviations([Observation("Tg", State(), value, math.inf)], TARGETS[2:])
    assert math.isnan(row.z)
    assert row.stderr == math.inf


@pytest.mark.parametrize(("value", "z"), [(1.0, 0.0), (1.1, math.inf), (0.9, -math.inf)])
def test_two_exact_numbers_agree_or_do_not(value, z):
    (row,) = deviations([Observation("x", State(), value, 0.0)], [Target("x", State(), 1.0, 0.0)])
    assert row.z == z


def test_two_answers_to_one_target_are_refused():
    twice = [Observation("Tg", State(), 380.0, 1.0)] * 2
    with pytest.raises(ValueError, match="Tg was observed 2 times"):
        deviations(twice, TARGETS)


def test_mean_squared_deviation_by_hand():
    observations = [Observation("density", COLD, 1.23, 0.006), Observation("density", HOT, 1.06, 0.003)]
    found = mean_squared_deviation(observations, TARGETS[:2])
    # Deviations of 1 and 2 sigma, errors of 0.2 and 0.1 sigma.
    assert found.value == pytest.approx((1 + 4) / 2)
    assert found.stderr == pytest.approx(math.sqrt(4 * 0.2**2 + 2 * 0.2**4 + 16 * 0.1**2 + 2 * 0.1**4) / 2)
    assert found.noise == pytest.approx((0.04 + 0.01) / 2)
    assert found.points == 2


def test_a_common_unit_of_deviation_can_be_given():
    observations = [Observation("density", COLD, 1.23, 0.006), Observation("Tg", State(), 398.0, 5.0)]
    found = mean_squared_deviation(observations, [TARGETS[0], TARGETS[2]], {"density": 0.01})
    assert found.value == pytest.approx((3**2 + 2**2) / 2)


def test_weights_of_targets_do_not_enter():
    heavy = [Target("density", COLD, 1.20, 0.03, weight=9.0), TARGETS[1]]
    observations = [Observation("density", COLD, 1.23, 0.006), Observation("density", HOT, 1.06, 0.003)]
    assert mean_squared_deviation(observations, heavy) == mean_squared_deviation(observations, TARGETS[:2])


@pytest.mark.parametrize("offset", [0.0, 0.5, 3.0])
def test_standard_error_and_noise_are_those_of_repeated_simulations(offset):
    random = np.random.default_rng(1)
    targets = [Target("x", State.of(T=t), 0.0, 1.0) for t in range(5)]
    errors = np.array([0.1, 0.2, 0.4, 0.8, 0.8])

    def measure(values):
        records = [Observation("x", State.of(T=t), values[t], errors[t]) for t in range(5)]
        return mean_squared_deviation(records, targets)

    exact = measure(np.full(5, offset))
    repeats = np.array([measure(offset + errors * random.normal(size=5)).value for _ in range(3000)])
    assert np.std(repeats) == pytest.approx(exact.stderr, rel=0.06)
    assert np.mean(repeats) - offset**2 == pytest.approx(exact.noise, abs=4 * exact.stderr / math.sqrt(3000))


@pytest.mark.parametrize(
    ("observations", "targets", "sigmas", "sentence"),
    [
        ([], [], None, "needs at least one target"),
        ([], TARGETS[:1], None, "density at T=150 was not observed"),
        ([Observation("Tg", State(), math.nan, math.inf)], TARGETS[2:], None, "Tg could not be determined"),
        ([Observation("Tg", State(), math.nan, 1.0)], TARGETS[2:], None, "Tg is nan"),
        ([Observation("Tg", State(), 380.0, 1.0)], TARGETS[2:], {"Tg": 0.0}, "Tg is counted in units of 0.0"),
        ([Observation("x", State(), 1.0, 1.0)], [Target("x", State(), 1.0, 0.0)], None, "x is counted in units of 0.0"),
    ],
)
def test_refuses_what_has_no_mean(observations, targets, sigmas, sentence):
    with pytest.raises(ValueError, match=sentence):
        mean_squared_deviation(observations, targets, sigmas)
