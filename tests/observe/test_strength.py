"""Yield and fracture of curves whose answers are known."""

import numpy as np
import pytest
from scipy.special import lambertw
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.elasticity import youngs_modulus
from beadsmith.observe.strength import strength, yield_point
from beadsmith.observe.tension import Curve

MODULUS, HARDENING, PROPORTIONAL, OFFSET = 3.0, 0.1, 0.02, 0.03
SEEDS = 100


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def voce(strain):
    """Linear up to 2 % strain, then saturating exponentially with the same slope at first."""
    beyond = np.maximum(strain - PROPORTIONAL, 0)
    return MODULUS * np.minimum(strain, PROPORTIONAL) + HARDENING * (1 - np.exp(-beyond * MODULUS / HARDENING))


def exact_yield():
    """H (1 - exp(-a u)) = E (u - offset) for u = e - e0, a = E/H: 1 + a offset - a u = -W(-exp(-1 - a offset))."""
    shift = 1 + MODULUS * OFFSET / HARDENING
    u = (shift + float(lambertw(-np.exp(-shift)).real)) * HARDENING / MODULUS
    strain = PROPORTIONAL + u
    return strain, MODULUS * (strain - OFFSET)


def noisy(autoregressive, shape, end, samples, inefficiency, noise):
    strain = np.linspace(0, end, samples)
    return Curve(strain, shape(strain) + noise * autoregressive(samples, inefficiency))


def broken(strain):
    """Hardens up to 30 % strain, then comes down to 20 MPa over 4 %."""
    top = voce(0.3) + 0.3 * 0.28
    rising = voce(strain) + 0.3 * np.maximum(strain - PROPORTIONAL, 0)
    return np.where(strain < 0.3, rising, top + (0.02 - top) * np.clip((strain - 0.3) / 0.04, 0, 1))


TOP = voce(0.3) + 0.3 * 0.28
BREAK = 0.3 + 0.04 * 0.5 * TOP / (TOP - 0.02)


def test_without_noise_yield_has_its_closed_form(rng):
    strain = np.linspace(0, 0.15, 1000)
    curve = Curve(strain, voce(strain) - 0.036)  # residual stress shifts curve and line alike
    found = yield_point(curve, youngs_modulus(curve), rng)
    place, stress = exact_yield()
    assert found.strain == pytest.approx(place, abs=2e-4)
    assert found.stress == pytest.approx(stress - 0.036, abs=3e-4)
    assert found.note == ""


@pytest.mark.parametrize("offset", [0.01, 0.05])
def test_another_offset_crosses_on_another_line(rng, offset):
    strain = np.linspace(0, 0.2, 1000)
    curve = Curve(strain, voce(strain))
    found = yield_point(curve, youngs_modulus(curve), rng, offset)
    assert found.stress == pytest.approx(MODULUS * (found.strain - offset), abs=1e-6)
    assert found.stress == pytest.approx(float(voce(found.strain)), abs=5e-4)


@pytest.mark.parametrize(
    ("samples", "inefficiency", "noise", "coverage"),
    [(600, 1, 0.01, 0.95), (600, 4, 0.01, 0.915), (2000, 10, 0.01, 0.93)],
)
def test_intervals_hold_the_yield_point_as_often_as_stated(rng, autoregressive, samples, inefficiency, noise, coverage):
    place, stress = exact_yield()
    hits, found = np.zeros(2, dtype=int), []
    for _ in range(SEEDS):
        curve = noisy(autoregressive, voce, 0.15, samples, inefficiency, noise)
        found.append(yield_point(curve, youngs_modulus(curve), rng))
        (low, high), (weak, strong) = found[-1].strain_interval, found[-1].stress_interval
        hits += np.array([low < place < high, weak < stress < strong])
    assert all(agrees_with(coverage, one, SEEDS) for one in hits), hits
    strains, stresses = [one.strain for one in found], [one.stress for one in found]
    assert np.median([one.strain_stderr for one in found]) == pytest.approx(np.std(strains), rel=0.3)
    assert np.median([one.stress_stderr for one in found]) == pytest.approx(np.std(stresses), rel=0.3)


def test_the_first_crossing_of_raw_samples_is_biased_and_ours_is_not(rng, autoregressive):
    place, _ = exact_yield()
    ours, raw = [], []
    for _ in range(60):
        curve = noisy(autoregressive, voce, 0.15, 1500, 1, 0.02)
        modulus = youngs_modulus(curve)
        below = curve.stress < modulus.line.intercept + modulus.line.slope * (curve.strain - OFFSET)
        raw.append(curve.strain[(curve.strain > OFFSET) & below][0])
        ours.append(yield_point(curve, modulus, rng).strain)
    error = np.std(ours) / np.sqrt(60)
    assert abs(np.mean(ours) - place) < 4 * error
    assert np.mean(raw) - place < -20 * error


def test_the_same_random_numbers_give_the_same_error(autoregressive):
    curve = noisy(autoregressive, voce, 0.15, 500, 2, 0.01)
    one, other = (yield_point(curve, youngs_modulus(curve), np.random.default_rng(3)) for _ in range(2))
    assert one == other


def test_a_curve_that_stays_above_the_line_has_no_yield_point(rng, autoregressive):
    curve = noisy(autoregressive, lambda strain: 3.0 * strain, 0.15, 500, 1, 0.002)
    with pytest.raises(EstimateError, match=r"stays above the line .* up to its end at 0\.15.*pull further"):
        yield_point(curve, youngs_modulus(curve), rng)


def test_a_curve_that_barely_meets_the_line_says_so(rng, autoregressive):
    place, _ = exact_yield()
    short = noisy(autoregressive, voce, place + 0.002, 600, 1, 0.005)
    assert "reaches beyond the curve" in yield_point(short, youngs_modulus(short), rng).note
    long = noisy(autoregressive, voce, 0.15, 600, 1, 0.005)
    assert yield_point(long, youngs_modulus(long), rng).note == ""


def test_a_curve_that_ends_before_the_offset_is_refused(rng):
    strain = np.linspace(0, 0.029, 200)
    curve = Curve(strain, voce(strain))
    with pytest.raises(EstimateError, match=r"before the offset line begins at 0\.03"):
        yield_point(curve, youngs_modulus(curve), rng)


def test_a_curve_below_the_line_from_its_beginning_is_refused(rng):
    strain = np.linspace(0, 0.15, 600)
    curve = Curve(strain, np.where(strain <= 0.02, 3.0 * strain, -0.1 + 0.2 * strain))
    with pytest.raises(EstimateError, match="already where that begins"):
        yield_point(curve, youngs_modulus(curve), rng)


def test_without_a_modulus_there_is_no_offset_line(rng, autoregressive):
    """An uncured melt: the slope is lost in the noise."""
    curve = noisy(autoregressive, lambda strain: 0.1 * strain, 0.15, 500, 5, 0.03)
    with pytest.raises(EstimateError, match="not known to be positive"):
        yield_point(curve, youngs_modulus(curve), rng)


@pytest.mark.parametrize(("samples", "inefficiency", "noise"), [(800, 1, 0.01), (2000, 5, 0.02)])
def test_strength_and_break_lie_where_they_should(autoregressive, samples, inefficiency, noise):
    found = [strength(noisy(autoregressive, broken, 0.4, samples, inefficiency, noise)) for _ in range(SEEDS // 2)]
    pulls = {
        "stress": [(one.stress - TOP) / one.stress_stderr for one in found],
        "break": [(one.break_strain - BREAK) / one.break_stderr for one in found],
        "strain": [(one.strain - 0.3) / one.strain_stderr for one in found],
    }
    for name, pull in pulls.items():
        assert np.mean(np.abs(pull) < 1.96) > 0.8, (name, pull)
    assert np.mean([one.stress for one in found]) == pytest.approx(TOP, rel=0.02)
    assert np.mean([one.break_strain for one in found]) == pytest.approx(BREAK, abs=0.002)
    assert all(one.note == "" for one in found)


def test_the_highest_sample_is_biased_and_the_strength_is_not(autoregressive):
    curves = [noisy(autoregressive, broken, 0.4, 1500, 1, 0.02) for _ in range(30)]
    found = np.array([strength(curve).stress for curve in curves])
    raw = np.array([curve.stress.max() for curve in curves])
    assert abs(found.mean() - TOP) < 0.1 * (raw.mean() - TOP)


def test_a_curve_that_does_not_drop_did_not_break(autoregressive):
    hardening = strength(noisy(autoregressive, lambda strain: voce(strain) + 0.5 * strain, 0.4, 600, 1, 0.01))
    assert hardening.break_strain is None
    assert hardening.break_stderr is None
    assert np.isinf(hardening.strain_stderr)
    assert "at an end of the curve" in hardening.note
    assert "nothing broke" in hardening.note


def test_a_drop_that_recovers_is_no_break(autoregressive):
    def recovering(strain):
        return 0.1 - 0.09 * np.exp(-(((strain - 0.2) / 0.03) ** 2))

    found = strength(noisy(autoregressive, recovering, 0.4, 600, 1, 0.003))
    assert found.break_strain is None
    # The part of the maximum that counts as broken is the caller's choice.
    assert strength(noisy(autoregressive, broken, 0.4, 800, 1, 0.005), broken=0.05).break_strain is None


def test_a_curve_in_compression_has_no_strength(autoregressive):
    with pytest.raises(EstimateError, match="nowhere in tension"):
        strength(noisy(autoregressive, lambda strain: -0.1 - strain, 0.4, 100, 1, 0.001))
