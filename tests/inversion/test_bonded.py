"""Bonds and angles of molecules whose terms are known."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from tests.inversion.conftest import trimers

from beadsmith.errors import EstimateError
from beadsmith.inversion.bonded import invert_bonded
from beadsmith.units import BOLTZMANN

K_BOND, LENGTH, K_ANGLE, ANGLE = 20.0, 3.6, 6.0, math.radians(130)


@pytest.fixture
def make(drawn):
    def build(frames=40, molecules=60, angle_energy=None, temperature=300.0):
        lengths = drawn("bond", lambda x: K_BOND * (x - LENGTH) ** 2, frames * molecules * 2, temperature)
        energy = angle_energy or (lambda x: K_ANGLE * (x - ANGLE) ** 2)
        angles = drawn("angle", energy, frames * molecules, temperature)
        return trimers(lengths.reshape(frames, molecules, 2), angles.reshape(frames, molecules), temperature)

    return build


def test_terms_are_recovered_within_their_errors(make):
    trajectories = [make(temperature=300.0), make(temperature=450.0)]
    bond = invert_bonded("bond", "A-B", trajectories)
    angle = invert_bonded("angle", "A-B-A", trajectories)
    for found, truth, stderr in (
        (bond.k, K_BOND, bond.k_stderr),
        (bond.centre, LENGTH, bond.centre_stderr),
        (angle.k, K_ANGLE, angle.k_stderr),
        (angle.centre, math.degrees(ANGLE), angle.centre_stderr),
    ):
        assert abs(found - truth) < 3.0 * stderr
        assert stderr < 0.05 * truth
    assert bond.harmonic
    assert "harmonic" in bond.quality
    assert len(bond.peaks) == len(angle.peaks) == 1


def test_errors_know_that_frames_resemble_each_other(rng, drawn):
    """Frames that repeat themselves ten times are worth a tenth."""
    lengths = drawn("bond", lambda x: K_BOND * (x - LENGTH) ** 2, 40 * 12 * 2).reshape(40, 12, 2)
    angles = drawn("angle", lambda x: K_ANGLE * (x - ANGLE) ** 2, 40 * 12).reshape(40, 12)
    once = invert_bonded("bond", "A-B", [trimers(lengths, angles)])
    often = invert_bonded("bond", "A-B", [trimers(np.repeat(lengths, 10, axis=0), np.repeat(angles, 10, axis=0))])
    assert often.k_stderr == pytest.approx(once.k_stderr, rel=0.4)
    assert often.samples < 2.0 * once.samples


def test_intervals_of_correlated_bonds_hold_the_truth(rng):
    """Lengths that follow an autoregressive series in time; Gaussian, for r^2 hardly varies over a stiff bond."""
    beta, stiff = 1.0 / (BOLTZMANN * 300.0), 200.0
    width = math.sqrt(0.5 / (beta * stiff))
    inside = []
    for _ in range(24):
        noise = rng.normal(size=(60, 20, 2))
        noise[1:] *= math.sqrt(1 - 0.5**2)
        lengths = 4.0 + width * lfilter([1.0], [1.0, -0.5], noise, axis=0)
        term = invert_bonded("bond", "A-B", [trimers(lengths, np.full((60, 20), 2.0) + 0.1 * noise[:, :, 0])])
        inside.append((term.k - stiff) / term.k_stderr)
    assert np.mean(np.abs(inside) < 1.96) > 0.81  # 95 % of 24, less three standard deviations


def test_two_peaks_are_reported_and_tabulated(make):
    def two(x):
        kt = BOLTZMANN * 300.0
        first = 0.3 * np.exp(-20.0 * (x - math.radians(95)) ** 2 / kt)
        return -kt * np.log(first + 0.7 * np.exp(-20.0 * (x - math.radians(150)) ** 2 / kt) + 1e-12)

    term = invert_bonded("angle", "A-B-A", [make(angle_energy=two)])
    assert not term.harmonic
    assert [peak.centre for peak in term.peaks] == pytest.approx([150, 95], abs=3.0)
    assert term.peaks[0].weight < 0.7  # the measure sin(theta) favours the peak at 95 degrees
    assert term.centre == pytest.approx(150, abs=3.0)
    assert term.k == pytest.approx(20.0, rel=0.25)
    assert any("2 peaks" in sentence and "table" in sentence for sentence in term.warnings)
    # The table is the potential that was sampled, where it was.
    x = np.radians(np.linspace(85, 165, 60))
    truth = two(x)
    table = term.table(np.degrees(x))
    likely = truth - truth.min() < 1.5
    assert np.abs((table - table.min()) - (truth - truth.min()))[likely].max() < 0.15


def test_a_skewed_peak_is_not_called_harmonic(make):
    def skewed(x):  # steep on the left, soft on the right
        return np.where(x < 2.0, 60.0, 1.5) * (x - 2.0) ** 2

    term = invert_bonded("angle", "A-B-A", [make(angle_energy=skewed)])
    assert len(term.peaks) == 1
    assert not term.harmonic
    assert "table" in term.quality


def test_too_few_values_are_refused_with_how_many_more(make):
    with pytest.raises(EstimateError, match=r"received 10 values, expected at least 20; record 2 times as long"):
        invert_bonded("angle", "A-B-A", [make(frames=10, molecules=1)])
    assert invert_bonded("angle", "A-B-A", [make(frames=10, molecules=2)]).k > 0


def test_what_is_worth_few_samples_is_said_to_be_known_poorly(make):
    poor = invert_bonded("angle", "A-B-A", [make(frames=10, molecules=2)])
    rich = invert_bonded("angle", "A-B-A", [make(frames=40, molecules=4)])
    assert any("is known poorly" in sentence and "times as long" in sentence for sentence in poor.warnings)
    assert not any("is known poorly" in sentence for sentence in rich.warnings)


def test_a_type_that_is_not_there_is_named(make):
    with pytest.raises(EstimateError, match="there is no bond X-Y"):
        invert_bonded("bond", "X-Y", [make()])


def test_rigid_bonds_have_no_potential(drawn):
    angles = drawn("angle", lambda x: K_ANGLE * (x - ANGLE) ** 2, 400).reshape(20, 20)
    with pytest.raises(EstimateError, match="do not vary"):
        invert_bonded("angle", "A-B-A", [trimers(np.full((20, 20, 2), 3.0), np.full((20, 20), 2.0))])
    assert invert_bonded("angle", "A-B-A", [trimers(np.full((20, 20, 2), 3.0), angles)]).k > 0
