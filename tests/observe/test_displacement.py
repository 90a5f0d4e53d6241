"""Mean squared displacements against a loop, a Fourier transform, and closed forms."""

import numpy as np
import pytest
from scipy import fft
from scipy.signal import lfilter
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.displacement import (
    MeanSquaredDisplacement,
    beads_of_types,
    debye_waller_factor,
    mean_squared_displacement,
)
from beadsmith.observe.unwrapping import about_centre_of_mass
from beadsmith.problem.recording import Topology

SEEDS = 200


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def brownian(rng, frames, beads, diffusion=0.5):
    """Free diffusion, one step a unit of time: MSD(t) = 6 D t."""
    return np.cumsum(rng.normal(size=(frames, beads, 3)) * np.sqrt(2 * diffusion), axis=0)


def harmonic(rng, frames, beads, time):
    """Ornstein-Uhlenbeck motion of unit variance along each axis: MSD(t) = 6 (1 - exp(-t/time))."""
    phi = np.exp(-1 / time)
    noise = rng.normal(size=(frames, beads, 3))
    noise[1:] *= np.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise, axis=0)


def times(frames, interval=1.0):
    return np.arange(frames) * interval


def spaced(times):
    """Lags between the first frame and others up to half of all time, spaced evenly in the logarithm."""
    possible = times[1:] - times[0]
    wanted = np.geomspace(possible[0], 0.5 * possible[-1], 25)
    return np.unique(possible[np.abs(np.log(possible[:, None] / wanted)).argmin(axis=0)])


def each(beads):
    return np.arange(beads)


def by_fourier_transform(positions):
    """All lags at once, through the autocorrelation of positions."""
    frames = len(positions)
    transformed = fft.rfft(positions, 2 * frames, axis=0)
    products = fft.irfft(np.abs(transformed) ** 2, 2 * frames, axis=0)[:frames].sum(axis=2)
    squares = np.concatenate([[np.zeros(positions.shape[1])], np.cumsum((positions**2).sum(axis=2), axis=0)])
    lag = np.arange(frames)
    sums = squares[frames - lag] + squares[-1] - squares[lag] - 2 * products
    return (sums / (frames - lag)[:, None]).mean(axis=1)


def test_it_is_what_a_loop_over_origins_and_beads_gives(rng):
    positions = brownian(rng, 30, 9)
    lags = np.array([1.0, 4.0, 29.0])
    found = mean_squared_displacement(positions, times(30), each(9), lags)
    for value, origins, lag in zip(found.values, found.origins, (1, 4, 29), strict=True):
        squares = [
            np.sum((positions[origin + lag, bead] - positions[origin, bead]) ** 2)
            for origin in range(30 - lag)
            for bead in range(9)
        ]
        assert value == pytest.approx(np.mean(squares), rel=1e-12)
        assert origins == 30 - lag


def test_it_is_what_a_fourier_transform_gives(rng):
    positions = harmonic(rng, 500, 10, 20.0)
    found = mean_squared_displacement(positions, times(500, 4.0), each(10), spaced(times(500, 4.0)))
    assert len(found.lags) > 12
    assert np.allclose(found.values, by_fourier_transform(positions)[np.rint(found.lags / 4.0).astype(int)])


def test_many_origins_are_summed_in_pieces(rng, monkeypatch):
    positions = brownian(rng, 200, 9)
    whole = mean_squared_displacement(positions, times(200), each(9), spaced(times(200)))
    monkeypatch.setattr("beadsmith.observe.displacement._MOST_NUMBERS", 500)
    pieces = mean_squared_displacement(positions, times(200), each(9), spaced(times(200)))
    assert np.allclose(whole.values, pieces.values)
    assert np.allclose(whole.stderrs, pieces.stderrs)


@pytest.mark.parametrize(
    ("frames", "beads", "motion", "coverage"),
    [
        (200, 20, "brownian", (0.966, 0.966, 0.93, 0.93)),
        (2000, 4, "brownian", (0.957, 0.958, 0.942, 0.942)),
        (300, 20, "harmonic", (0.962, 0.97, 0.962, 0.925)),
        (2000, 4, "harmonic", (0.966, 0.952, 0.94, 0.934)),
    ],
)
def test_intervals_hold_the_closed_form_as_often_as_stated(rng, frames, beads, motion, coverage):
    lags = np.array([1.0, 5.0, 25.0, 80.0])
    make, exact = {
        "brownian": (lambda: brownian(rng, frames, beads), 3.0 * lags),
        "harmonic": (lambda: harmonic(rng, frames, beads, 10.0), 6.0 * (1.0 - np.exp(-lags / 10.0))),
    }[motion]
    found = [mean_squared_displacement(make(), times(frames), each(beads), lags) for _ in range(SEEDS)]
    values, stderrs = np.array([one.values for one in found]), np.array([one.stderrs for one in found])
    held = np.sum(np.abs(values - exact) < 1.96 * stderrs, axis=0)
    assert np.abs(values.mean(axis=0) / exact - 1).max() < 0.05
    assert all(agrees_with(share, hits, SEEDS) for share, hits in zip(coverage, held, strict=True)), held / SEEDS


def test_beads_that_move_together_need_to_be_grouped(rng):
    molecules = np.repeat(np.arange(12), 10)
    lags = np.array([20.0])
    hits = {"molecules": 0, "beads": 0}
    for _ in range(SEEDS):
        positions = brownian(rng, 60, 12)[:, molecules]
        for name, groups in (("molecules", molecules), ("beads", each(120))):
            one = mean_squared_displacement(positions, times(60), groups, lags)
            hits[name] += int(abs(one.values[0] - 60.0) < 1.96 * one.stderrs[0])
    assert agrees_with(0.93, hits["molecules"], SEEDS)
    assert hits["beads"] < 0.6 * SEEDS


def test_groups_that_move_together_are_noticed_in_time(rng):
    """All beads follow one path, and every bead trembles on its own: the scatter of beads says nothing of the path."""
    lags = np.array([1.0])
    hits = 0
    for _ in range(SEEDS):
        positions = brownian(rng, 400, 1) + 0.1 * rng.normal(size=(400, 10, 3))
        one = mean_squared_displacement(positions, times(400), each(10), lags)
        hits += int(abs(one.values[0] - 3.06) < 1.96 * one.stderrs[0])
    assert agrees_with(0.95, hits, SEEDS)


def test_all_beads_count_alike_in_groups_of_any_size(rng):
    positions = harmonic(rng, 50, 60, 5.0) * np.linspace(0.5, 2.0, 60)[:, None]
    sizes = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 15])
    shuffled = rng.permutation(60)
    one = mean_squared_displacement(positions, times(50), np.repeat(each(10), sizes), np.array([3.0]))
    other = mean_squared_displacement(
        positions[:, shuffled], times(50), np.repeat(each(10), sizes)[shuffled], np.array([3.0])
    )
    assert one.values[0] == pytest.approx(np.square(positions[3:] - positions[:-3]).sum(axis=2).mean())
    assert (other.values[0], other.stderrs[0]) == (pytest.approx(one.values[0]), pytest.approx(one.stderrs[0]))


def test_blocks_of_log_spaced_dumps_cover_decades_of_time(rng):
    period, blocks = 1000, 40
    offsets = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    dumped = (np.arange(blocks)[:, None] * period + offsets).ravel()
    path = brownian(rng, blocks * period, 30)
    found = mean_squared_displacement(path[dumped], dumped.astype(float), each(30), spaced(dumped.astype(float)))
    assert found.lags[0] == 1.0
    assert found.lags[-1] > 10000.0
    assert len(found.lags) > 12
    pull = (found.values - 3.0 * found.lags) / found.stderrs
    assert np.abs(pull).max() < 4.0
    assert found.origins[0] >= blocks
    whole = mean_squared_displacement(path, times(blocks * period), each(30), np.array([64.0]))
    assert found.values[np.flatnonzero(found.lags == 64.0)[0]] == pytest.approx(whole.values[0], rel=0.1)


def test_without_drift_the_motion_of_n_beads_is_less_by_one_nth(rng):
    values = []
    for _ in range(100):
        free = about_centre_of_mass(brownian(rng, 100, 10), np.ones(10))
        values.append(mean_squared_displacement(free, times(100), each(10), np.array([1.0])).values[0])
    assert np.mean(values) == pytest.approx(3.0 * 0.9, rel=0.01)


def test_a_collective_drift_does_not_count(rng):
    still = harmonic(rng, 200, 12, 3.0)
    drifting = still + np.arange(200)[:, None, None] * 0.5
    one, other = (
        mean_squared_displacement(about_centre_of_mass(each_, np.ones(12)), times(200), each(12), spaced(times(200)))
        for each_ in (still, drifting)
    )
    assert np.allclose(one.values, other.values)


def test_few_groups_and_few_origins_give_no_error_bar(rng):
    found = mean_squared_displacement(brownian(rng, 40, 3), times(40), each(3), np.array([1.0, 20.0]))
    assert np.isfinite(found.stderrs[0])
    assert np.isinf(found.stderrs[1])
    enough = mean_squared_displacement(brownian(rng, 40, 8), times(40), each(8), np.array([20.0]))
    assert np.isfinite(enough.stderrs[0])


@pytest.mark.parametrize("bad", [np.array([0.0]), np.array([0.0, 1.0, 1.0]), np.array([])])
def test_times_must_ascend(bad):
    with pytest.raises(EstimateError, match="ascending times"):
        mean_squared_displacement(np.zeros((len(bad), 2, 3)), bad, each(2), np.array([1.0]))


def test_what_cannot_be_measured_is_said(rng):
    positions = brownian(rng, 20, 3)
    with pytest.raises(EstimateError, match=r"no two frames are 2\.5 fs apart"):
        mean_squared_displacement(positions, times(20), each(3), np.array([2.5]))
    with pytest.raises(EstimateError, match="no beads were chosen"):
        mean_squared_displacement(positions[:, :0], times(20), each(0), spaced(times(20)))
    with pytest.raises(EstimateError, match="do not match 19 times"):
        mean_squared_displacement(positions, times(19), each(3), spaced(times(19)))
    positions[3, 1, 0] = np.nan
    with pytest.raises(EstimateError, match="1 of 180 values are NaN"):
        mean_squared_displacement(positions, times(20), each(3), spaced(times(20)))


def of(lags, values, stderrs):
    lags = np.array(lags)
    return MeanSquaredDisplacement(
        lags, np.array(values), np.array(stderrs), np.full(len(lags), 50.0), lags.astype(int)
    )


def test_the_debye_waller_factor_is_exact_on_power_laws_and_at_lags():
    lags = np.array([1000.0, 2000.0, 5000.0])
    power = of(lags, 0.2 * (lags / 1000) ** 0.37, 0.01 * (lags / 1000) ** 0.37)
    found = debye_waller_factor(power)
    assert found.value == pytest.approx(0.2 * 3**0.37)
    assert found.stderr == pytest.approx(0.05 * found.value)
    assert found.samples == pytest.approx(50.0)
    assert debye_waller_factor(power, 2000.0).value == pytest.approx(power.values[1])
    assert debye_waller_factor(power, 1000.0).value == pytest.approx(0.2)
    assert debye_waller_factor(power, 5000.0).stderr == pytest.approx(power.stderrs[2])
    assert debye_waller_factor(of([3000.0], [0.4], [0.1])).value == pytest.approx(0.4)


def test_an_unknown_error_spoils_only_its_own_lag():
    half_known = of([1000.0, 3000.0, 5000.0], [0.2, 0.3, 0.4], [0.01, 0.02, np.inf])
    assert debye_waller_factor(half_known).stderr == pytest.approx(0.02)
    assert np.isinf(debye_waller_factor(half_known, 4000.0).stderr)


@pytest.mark.parametrize("time", [999.0, 5001.0])
def test_the_debye_waller_factor_is_not_extrapolated(time):
    with pytest.raises(EstimateError, match=f"does not include {time:g} fs"):
        debye_waller_factor(of([1000.0, 5000.0], [0.2, 0.3], [0.01, 0.01]), time)


def test_beads_that_do_not_move_have_none():
    with pytest.raises(EstimateError, match="do not move"):
        debye_waller_factor(of([1000.0, 5000.0], [0.0, 0.0], [0.0, 0.0]))


def test_the_debye_waller_factor_of_harmonic_motion_has_its_closed_form(rng):
    hits = 0
    for _ in range(SEEDS):
        positions = harmonic(rng, 120, 30, 5.0) * 0.4
        found = debye_waller_factor(
            mean_squared_displacement(positions, times(120, 500.0), each(30), spaced(times(120, 500.0)))
        )
        hits += int(abs(found.value - 6 * 0.16 * (1 - np.exp(-6 / 5))) < 1.96 * found.stderr)
    assert agrees_with(0.96, hits, SEEDS)


def test_beads_are_chosen_by_the_names_of_their_types():
    topology = Topology(np.ones(4), np.array([1, 2, 3, 2]), np.array([1, 1, 1, 1]), {1: "m"}, ("A", "B", "C", "D"))
    assert beads_of_types(topology, ("B", "C")).tolist() == [False, True, True, True]
    for absent in ("X", "D"):
        with pytest.raises(EstimateError, match=f"there is no bead '{absent}'; beads recorded: A, B, C, D"):
            beads_of_types(topology, ("A", absent))
