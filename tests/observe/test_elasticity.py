"""Elastic constants of curves and volumes whose answers are known."""

import numpy as np
import pytest
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe.elasticity import bulk_modulus, gigapascals_per_energy_density, poissons_ratio, youngs_modulus
from beadsmith.observe.tension import Curve, Pull

SEEDS = 300


def agrees_with(share: float, successes: int, trials: int) -> bool:
    low, high = binom.interval(0.999, trials, share)
    return bool(low <= successes <= high)


def pull(strain, lateral):
    """A pull along y; lateral strains of x and z as given."""
    unstrained = np.array([40.0, 50.0, 60.0])
    strains = np.stack([lateral[0], strain, lateral[1]], axis=1)
    return Pull(1, unstrained * (1 + strains), unstrained, np.zeros((len(strain), 6)))


@pytest.mark.parametrize(
    ("samples", "inefficiency", "coverage"),
    [(100, 1, 0.95), (1000, 1, 0.95), (100, 3, 0.95), (300, 10, 0.945), (2000, 20, 0.95), (100, 10, 0.92)],
)
def test_the_interval_holds_the_modulus_as_often_as_stated(autoregressive, samples, inefficiency, coverage):
    strain = np.linspace(0, 0.02, samples)
    found = [
        youngs_modulus(Curve(strain, 0.036 + 2.8 * strain + 0.02 * autoregressive(samples, inefficiency)))
        for _ in range(SEEDS)
    ]
    held = sum(low < 2.8 < high for low, high in (one.interval() for one in found))
    assert agrees_with(coverage, held, SEEDS), held / SEEDS
    assert np.mean([one.value for one in found]) == pytest.approx(2.8, abs=0.25)


def test_independent_noise_gives_the_textbook_error(rng):
    strain = np.linspace(0, 0.02, 200)
    exact = 0.02 / np.sqrt(np.sum((strain - strain.mean()) ** 2))
    found = [youngs_modulus(Curve(strain, 3 * strain + 0.02 * rng.normal(size=200))).stderr for _ in range(100)]
    assert np.median(found) == pytest.approx(exact, rel=0.1)


def test_correlated_noise_widens_it_by_the_root_of_the_inefficiency(autoregressive):
    strain = np.linspace(0, 0.02, 2000)
    independent = 0.02 / np.sqrt(np.sum((strain - strain.mean()) ** 2))
    found = [youngs_modulus(Curve(strain, 3 * strain + 0.02 * autoregressive(2000, 16))).stderr for _ in range(100)]
    assert np.median(found) == pytest.approx(4 * independent, rel=0.15)


def test_residual_stress_goes_to_the_intercept_and_the_window_is_kept():
    strain = np.linspace(0, 0.1, 501)
    stress = np.where(strain <= 0.02, -0.036 + 2.5 * strain, 1.0)
    found = youngs_modulus(Curve(strain, stress))
    assert (found.value, found.stderr, found.window) == (pytest.approx(2.5), 0.0, (0.0, 0.02))
    assert found.line.intercept == pytest.approx(-0.036)
    assert found.interval() == (pytest.approx(2.5), pytest.approx(2.5))
    assert youngs_modulus(Curve(strain, stress), (0.03, 0.1)).value == pytest.approx(0.0, abs=1e-9)


def test_ten_samples_within_the_window_are_enough_and_nine_are_not(rng):
    for count, enough in ((10, True), (9, False)):
        strain = np.concatenate([np.linspace(0, 0.02, count), np.linspace(0.03, 0.1, 50)])
        curve = Curve(strain, 3 * strain + 0.01 * rng.normal(size=len(strain)))
        if enough:
            assert np.isfinite(youngs_modulus(curve).stderr)
        else:
            with pytest.raises(EstimateError, match=r"9 samples lie within strains of 0 to 0\.02"):
                youngs_modulus(curve)


def test_values_that_are_not_finite_are_refused():
    strain = np.linspace(0, 0.02, 50)
    with pytest.raises(EstimateError, match="NaN or infinite"):
        youngs_modulus(Curve(strain, np.where(strain > 0.015, np.nan, strain)))


def test_poissons_ratio_is_that_of_an_isotropic_and_of_an_incompressible_body():
    strain = np.linspace(0, 0.02, 100)
    found = poissons_ratio(pull(strain, (0.004 - 0.3 * strain, -0.001 - 0.4 * strain)))  # unstrained lengths are off
    assert found.value == pytest.approx(0.35)
    incompressible = poissons_ratio(pull(strain, ((1 + strain) ** -0.5 - 1,) * 2), (0.0, 0.002))
    assert incompressible.value == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("samples", "inefficiency"), [(200, 1), (400, 8)])
def test_the_interval_holds_poissons_ratio_as_often_as_stated(autoregressive, samples, inefficiency):
    strain = np.linspace(0, 0.02, samples)
    held = 0
    for _ in range(SEEDS):
        lateral = [-0.38 * strain + 0.002 * autoregressive(samples, inefficiency) for _ in range(2)]
        low, high = poissons_ratio(pull(strain, lateral)).interval()
        held += low < 0.38 < high
    assert agrees_with(0.95, held, SEEDS), held / SEEDS


VOLUME, DEVIATION, TEMPERATURE = 60000.0, 300.0, 300.0
#: kT <V> / var(V) by hand: 4.14195e-21 J * 60000e-30 m^3 / (300e-30 m^3)^2, in GPa.
BULK = 4.14195e-21 * 60000e-30 / 300e-30**2 / 1e9


def test_a_kilocalorie_per_mole_and_cubic_angstrom_is_seven_gigapascals():
    assert gigapascals_per_energy_density() == pytest.approx(6.94770, rel=1e-5)


@pytest.mark.parametrize(
    ("samples", "inefficiency", "coverage"), [(500, 1, 0.95), (2000, 5, 0.945), (2000, 20, 0.925), (400, 10, 0.89)]
)
def test_bulk_modulus_has_its_closed_form_as_often_as_stated(autoregressive, samples, inefficiency, coverage):
    found = [
        bulk_modulus(VOLUME + DEVIATION * autoregressive(samples, inefficiency), TEMPERATURE) for _ in range(SEEDS)
    ]
    held = sum(abs(one.value - BULK) < 1.96 * one.stderr for one in found)
    assert agrees_with(coverage, held, SEEDS), held / SEEDS
    assert np.median([one.value for one in found]) == pytest.approx(BULK, rel=0.05)
    assert np.mean([one.equilibrated for one in found]) > 0.97


def test_independent_volumes_give_the_textbook_error_of_a_variance(rng):
    found = [bulk_modulus(VOLUME + DEVIATION * rng.normal(size=1000), TEMPERATURE) for _ in range(50)]
    assert np.median([one.stderr / one.value for one in found]) == pytest.approx(np.sqrt(2 / 1000), rel=0.15)
    assert 200 < np.median([one.samples for one in found]) <= 1000


def test_a_drifting_volume_is_flagged(rng):
    drifting = VOLUME + DEVIATION * (rng.normal(size=400) + np.linspace(0, 8, 400))
    found = bulk_modulus(drifting, TEMPERATURE)
    assert not found.equilibrated
    assert "simulate longer" in found.note


@pytest.mark.parametrize(
    ("volumes", "temperature", "sentence"),
    [
        (np.full(50, 1000.0), 300.0, "does not change"),
        (np.linspace(900, 1000, 9), 300.0, "9 samples are too few"),
        (np.where(np.arange(50) == 3, np.nan, 1.0), 300.0, "NaN"),
    ],
)
def test_what_does_not_tell_a_bulk_modulus_is_refused(volumes, temperature, sentence):
    with pytest.raises(EstimateError, match=sentence):
        bulk_modulus(volumes, temperature)


def test_volume_and_temperature_must_be_positive(rng):
    volumes = VOLUME + rng.normal(size=50)
    assert bulk_modulus(volumes, 1.0).value > 0
    for wrong, temperature in ((volumes, 0.0), (volumes - VOLUME, 300.0)):
        with pytest.raises(EstimateError, match="must be positive"):
            bulk_modulus(wrong, temperature)
