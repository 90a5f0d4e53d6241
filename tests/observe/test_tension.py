"""Strain, stress, bins, and means of curves."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.tension import Curve, binned, gigapascals_per_atmosphere, mean_curve, pull_from_pressures

LENGTHS = np.array([[40.0, 50.0, 60.0], [40.4, 49.9, 59.82], [42.0, 49.0, 59.4]])


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def voce(strain):
    return 0.12 * (1 - np.exp(-strain / 0.04))


def noisy(autoregressive, shift=0.0, samples=1000, noise=0.02):
    strain = np.linspace(0, 0.2, samples)
    return Curve(strain, voce(strain) + shift + noise * autoregressive(samples, 4))


def test_an_atmosphere_has_its_textbook_value():
    assert gigapascals_per_atmosphere() == pytest.approx(1.01325e-4, rel=1e-12)


def test_strains_and_stresses_have_their_definitions():
    pressures = np.zeros((3, 6))
    pressures[:, 1] = [0.0, -500.0, -900.0]
    pull = pull_from_pressures(1, LENGTHS[:, [1, 0, 2]], pressures)
    assert pull.axial_strain == pytest.approx([0.0, 0.01, 0.05])
    assert pull.lateral_strain == pytest.approx([0.0, -0.0025, -0.015])
    assert pull.curve.stress == pytest.approx([0.0, 0.0506625, 0.0911925])
    assert pull.true_curve.strain == pytest.approx(np.log([1.0, 1.01, 1.05]))
    assert pull.true_curve.stress == pytest.approx(pull.curve.stress)
    # Force over the area of the beginning.
    assert pull.engineering_curve.stress[2] == pytest.approx(0.0911925 * (49.0 * 59.4) / (50.0 * 60.0))
    assert pull.engineering_curve.strain == pytest.approx(pull.axial_strain)


def test_unstrained_lengths_may_be_given():
    pull = pull_from_pressures(0, LENGTHS, np.zeros((3, 6)), np.array([50.0, 50.0, 60.0]))
    assert pull.axial_strain[0] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("axis", "lengths", "pressures", "sentence"),
    [
        (3, LENGTHS, np.zeros((3, 6)), "received 3"),
        (0, LENGTHS, np.zeros((3, 3)), r"received \(3, 3\) and \(3, 3\)"),
        (0, LENGTHS[:2], np.zeros((3, 6)), r"received \(2, 3\) and \(3, 6\)"),
        (0, np.zeros((0, 3)), np.zeros((0, 6)), "needs lengths"),
        (0, LENGTHS, np.full((3, 6), np.nan), "18 of 18 values are NaN"),
        (0, LENGTHS * np.inf, np.zeros((3, 6)), "9 of 9 values are NaN"),
    ],
)
def test_what_is_no_pull_is_refused(axis, lengths, pressures, sentence):
    with pytest.raises(EstimateError, match=sentence):
        pull_from_pressures(axis, lengths, pressures)


def test_bins_hold_the_truth_as_often_as_stated(autoregressive):
    edges = np.linspace(0, 0.2, 11)
    hits = 0
    for _ in range(60):
        curve = noisy(autoregressive)
        found = binned(curve, edges)
        place = np.clip(np.searchsorted(edges, curve.strain, side="right") - 1, 0, 9)
        inside = curve.strain < 0.2
        truth = np.bincount(place[inside], voce(curve.strain[inside])) / np.bincount(place[inside])
        hits += int(np.sum(np.abs(found.stress - truth) < 1.96 * found.stderr))
    assert agrees_with(0.945, hits // 2, 300), hits / 600  # neighbouring bins share their estimate of the noise


def test_a_sample_on_an_edge_belongs_to_the_bin_above(autoregressive):
    strain = np.arange(40) / 40
    found = binned(Curve(strain, strain), np.array([0.0, 0.25, 0.5, 0.75, 2.0, 3.0]))
    assert found.samples.tolist() == [10, 10, 10, 10, 0]
    assert found.stress[:4] == pytest.approx([0.1125, 0.3625, 0.6125, 0.8625])
    assert np.isnan([found.stress[4], found.strain[4], found.stderr[4]]).all()


def test_mean_over_networks_knows_how_they_differ(rng, autoregressive):
    edges = np.linspace(0, 0.2, 6)
    hits, between = 0, []
    for _ in range(25):
        networks = [[noisy(autoregressive, shift, 500) for _ in range(3)] for shift in 0.03 * rng.normal(size=4)]
        mean = mean_curve(networks, edges)
        middle = np.abs(mean.stress[2] - voce(np.linspace(0.08, 0.12, 100)).mean())
        hits += middle < 3.18 * mean.stderr[2]  # Student's 95 % with 3 degrees of freedom
        between.append(mean.between[2] ** 2)
    assert mean.freedom == pytest.approx(np.full(5, 3.0))
    assert agrees_with(0.95, hits, 25)
    assert np.sqrt(np.mean(between)) == pytest.approx(0.03, rel=0.4)


def test_a_curve_that_ends_early_ends_the_mean(autoregressive):
    edges = np.linspace(0, 0.2, 5)
    whole = noisy(autoregressive)
    short = Curve(whole.strain[:600], whole.stress[:600])
    assert len(mean_curve([[whole], [short]], edges).stress) == 3
    assert len(mean_curve([[whole], [whole]], edges).stress) == 4
    alone = mean_curve([[whole]], edges)
    assert alone.stress == pytest.approx(binned(whole, edges).stress)
    assert alone.stderr == pytest.approx(binned(whole, edges).stderr)
    assert np.isnan(alone.between).all()
    assert np.isnan(alone.within).all()
    with pytest.raises(EstimateError, match="no bin of strain is reached by all of 1"):
        mean_curve([[whole]], edges + 1.0)
    with pytest.raises(EstimateError, match="all of 0"):
        mean_curve([], edges)
