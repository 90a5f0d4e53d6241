"""Strain, stress, bins, and means of curves."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.tension import Curve, binned, gigapascals_per_atmosphere, pull_from_pressures

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
