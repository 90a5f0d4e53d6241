"""Relaxation times of series whose correlation and drift are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from beadsmith.errors import EstimateError
from beadsmith.observe.relaxation import (
    LONGEST,
    SHORTEST,
    Samples,
    relaxation_of,
    samples_of,
    variance_of_average,
)
from beadsmith.problem.recording import Frames, Recording, Series, Topology
from beadsmith.problem.schema import FromSeries, OfMolecules
from beadsmith.problem.state import State

INTERVAL = 10.0


def chains(rng, samples: int, time: float, members: int) -> np.ndarray:
    """Stationary AR(1) series with correlation exp(-t/time), variance 1, shape (samples, members)."""
    phi = np.exp(-1.0 / time)
    noise = rng.normal(size=(samples, members))
    noise[1:] *= np.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise, axis=0)


def models(rng, samples, time, members=1, models=3, replicas=3, course=0.0):
    """Runs of models that have different means, and what all of them do in common."""
    shared = np.broadcast_to(course, samples)[:, None]
    return [
        [Samples(INTERVAL, 5.0 * m + shared + chains(rng, samples, time, members)) for _ in range(replicas)]
        for m in range(models)
    ]


@pytest.mark.parametrize("times", [0.02, 0.5, 3.0, 40.0])
def test_variance_of_an_average_is_the_double_integral_of_the_correlation(times):
    grid = (np.arange(1500) + 0.5) / 1500
    integral = np.exp(-times * np.abs(grid[:, None] - grid)).mean()
    assert variance_of_average(times) == pytest.approx(integral, rel=1e-4)


def test_variance_of_an_average_has_its_limits():
    assert variance_of_average(1e-6) == pytest.approx(1.0, abs=1e-6)
    assert variance_of_average(1e-3 * (1 - 1e-9)) == pytest.approx(variance_of_average(1e-3), rel=1e-6)
    assert variance_of_average(1e4) == pytest.approx(2e-4, rel=1e-3)


@pytest.mark.parametrize(
    ("samples", "time", "members"),
    [(120, 12, 1), (120, 60, 1), (120, 150, 1), (36, 36, 40), (36, 360, 40), (120, 2, 1)],
)
def test_the_number_of_relaxation_times_is_found_from_runs_much_shorter_than_one(rng, samples, time, members):
    found = [relaxation_of(models(rng, samples, time, members)) for _ in range(150 if members == 1 else 40)]
    true = samples / time
    assert np.median([one.relaxation_times for one in found]) == pytest.approx(true, rel=0.2)
    inside = np.mean([one.lowest <= true <= one.highest for one in found])
    assert inside > 0.8
    assert found[0].hold == INTERVAL * samples
    assert found[0].members == members


def test_a_single_run_underestimates_a_time_longer_than_itself(rng):
    found = [relaxation_of(models(rng, 120, 150)) for _ in range(30)]
    assert np.mean([one.correlation_time for one in found]) < 0.2 * 150 * INTERVAL
    quick = [relaxation_of(models(rng, 2000, 5)) for _ in range(10)]
    assert np.mean([one.correlation_time for one in quick]) == pytest.approx(5 * INTERVAL, rel=0.25)


def test_frozen_runs_have_no_relaxation_time_in_them(rng):
    frozen = [[Samples(INTERVAL, np.full((50, 1), value)) for value in (1.0, 2.0, 3.0)]]
    assert relaxation_of(frozen).relaxation_times == SHORTEST
    still = [[Samples(INTERVAL, np.ones((50, 1))) for _ in range(3)]]
    assert relaxation_of(still).relaxation_times == LONGEST


def test_a_known_drift_is_measured_and_is_no_fluctuation(rng):
    course = np.linspace(0.0, 4.0, 120)
    found = [relaxation_of(models(rng, 120, 4, members=20, course=course)) for _ in range(15)]
    assert np.mean([one.drift for one in found]) == pytest.approx(2.0, rel=0.05)
    assert all(one.drift_probability < 1e-6 for one in found)
    assert np.median([one.relaxation_times for one in found]) == pytest.approx(30.0, rel=0.15)


def test_drifts_that_are_not_there_are_rarely_seen(rng):
    found = [relaxation_of(models(rng, 60, 10)) for _ in range(300)]
    assert np.mean([one.drift_probability < 0.05 for one in found]) < 0.1
    drifts = np.array([one.drift for one in found])
    assert np.std(drifts) == pytest.approx(np.mean([one.drift_stderr for one in found]), rel=0.15)


def test_one_run_of_one_molecule_says_nothing_and_runs_must_be_alike(rng):
    with pytest.raises(EstimateError, match="two runs"):
        relaxation_of([[Samples(INTERVAL, chains(rng, 50, 5, 1))]])
    with pytest.raises(EstimateError, match="differ"):
        relaxation_of([[Samples(INTERVAL, np.ones((50, 1))), Samples(INTERVAL, np.ones((40, 1)))]])


def test_a_sample_more_or_less_is_no_difference(rng):
    runs = [Samples(INTERVAL, chains(rng, samples, 5, 1)) for samples in (60, 59, 60)]
    assert relaxation_of([runs]).hold == 59 * INTERVAL


def test_samples_come_from_series_or_from_molecules():
    topology = Topology(np.ones(4), np.ones(4, dtype=np.int64), np.array([1, 1, 2, 2]), {1: "dimer", 2: "dimer"})
    positions = np.zeros((3, 4, 3))
    positions[:, 1, 0], positions[:, 3, 0] = 2.0, 4.0
    recording = Recording(
        "melt",
        State.of(T=300.0),
        Series(5.0, {"density": np.array([1.0, 1.1])}),
        Frames(50.0, positions, np.zeros((3, 3, 3))),
        topology,
    )
    density = samples_of(FromSeries(kind="density", experiment="melt"), recording)
    assert density is not None
    assert density.interval == 5.0
    assert density.values.tolist() == [[1.0], [1.1]]
    ends = samples_of(OfMolecules(kind="end_to_end_distance", experiment="melt"), recording)
    assert ends is not None
    assert ends.interval == 50.0
    assert ends.values.tolist() == [[2.0, 4.0]] * 3
    assert samples_of(FromSeries(kind="pressure", experiment="melt"), recording) is None
    bare = Recording("melt", State.of(T=300.0))
    assert samples_of(OfMolecules(kind="end_to_end_distance", experiment="melt"), bare) is None
