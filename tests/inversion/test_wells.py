"""Wells: what is put in comes out, with honest intervals, whatever the measure does."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from beadsmith.inversion.wells import Sample, Well, density_of_well, fit_harmonic, fit_wells, moments
from beadsmith.units import BOLTZMANN

BETA = 1.0 / (BOLTZMANN * 300.0)

#: K (kcal/mol per angstrom^2 or radian^2) and x0 (angstrom or radian), stiff ones and soft ones.
KNOWN = [
    ("bond", 201.0, 3.37),
    ("bond", 3.0, 1.9),
    ("angle", 28.5, math.radians(165)),
    ("angle", 3.5, math.radians(120)),
]


def harmonic(k, centre):
    return lambda x: k * (x - centre) ** 2


def sample(values, beta=BETA, weight=1.0):
    return Sample(beta, float(values.mean()), float(values.var()), weight)


@pytest.mark.parametrize(("section", "k", "centre"), KNOWN)
def test_moments_are_those_of_another_quadrature(section, k, centre):
    well = Well(centre, BETA * k)
    low, high = max(0.0, centre - 8 * well.width), min(math.pi if section == "angle" else 99.0, centre + 8 * well.width)
    jacobian = (lambda x: x * x) if section == "bond" else math.sin

    def integral(power):
        def integrand(x):
            return jacobian(x) * (x - centre) ** power * math.exp(-BETA * k * (x - centre) ** 2)

        return quad(integrand, low, high, points=[centre], epsrel=1e-11)[0]

    found = moments(section, well)
    assert found.log_normalisation == pytest.approx(math.log(integral(0)), abs=1e-9)
    assert found.deviation == pytest.approx(integral(1) / integral(0), abs=1e-9)
    assert found.square == pytest.approx(integral(2) / integral(0), rel=1e-8)


@pytest.mark.parametrize(("section", "k", "centre"), KNOWN)
def test_exact_moments_give_back_the_well_exactly(section, k, centre):
    known = moments(section, Well(centre, BETA * k))
    exact = Sample(BETA, centre + known.deviation, known.square - known.deviation**2)
    fit = fit_harmonic(section, [exact])
    assert fit.k == pytest.approx(k, rel=1e-7)
    assert fit.centre == pytest.approx(centre, rel=1e-9)


@pytest.mark.parametrize(("section", "k", "centre"), KNOWN)
def test_intervals_hold_the_truth_as_often_as_they_claim(section, k, centre, drawn):
    inside = []
    for _ in range(150):
        values = drawn(section, harmonic(k, centre), 400)
        fit = fit_harmonic(section, [sample(values)])
        apart = values - fit.centre
        errors = (fit.influence[0] @ np.stack([apart, apart**2])).std(axis=1) / math.sqrt(len(values))
        inside.append(np.abs([fit.k - k, fit.centre - centre]) < 1.96 * errors)
    # 95 % of 150 intervals; three standard deviations of that are 5 %.
    assert np.all(np.mean(inside, axis=0) > 0.89)


def test_states_at_two_temperatures_share_one_well(drawn):
    states = [
        sample(drawn("bond", harmonic(12.0, 3.0), 100_000, temperature), 1.0 / (BOLTZMANN * temperature))
        for temperature in (200.0, 500.0)
    ]
    fit = fit_harmonic("bond", states)
    assert fit.k == pytest.approx(12.0, rel=0.01)
    assert fit.centre == pytest.approx(3.0, rel=1e-3)


def test_without_its_measure_a_soft_well_would_be_misplaced(drawn):
    """The mean length is beyond x0, by about 1/(beta K x0)."""
    values = drawn("bond", harmonic(3.0, 1.9), 100_000)
    assert values.mean() > 1.9 + 0.5 / (BETA * 3.0 * 1.9)
    assert fit_harmonic("bond", [sample(values)]).centre == pytest.approx(1.9, abs=0.01)


def test_an_angle_is_never_fitted_beyond_180_degrees(drawn):
    values = drawn("angle", lambda x: 2.0 * (x - 3.6) ** 2, 20_000)
    fit = fit_harmonic("angle", [sample(values)])
    assert fit.at_end
    assert fit.centre == math.pi
    below = fit_harmonic("angle", [sample(drawn("angle", harmonic(20.0, 2.9), 20_000))])
    assert not below.at_end


def test_values_that_do_not_vary_are_refused():
    with pytest.raises(ValueError, match="vary"):
        fit_harmonic("bond", [Sample(BETA, 3.0, 0.0)])
    with pytest.raises(ValueError, match="vary"):
        fit_harmonic("bond", [])


@pytest.mark.parametrize(("section", "k", "centre"), KNOWN)
def test_densities_are_normalised(section, k, centre):
    well = Well(centre, BETA * k)
    high = math.pi if section == "angle" else centre + 10 * well.width
    x = np.linspace(max(1e-9, centre - 10 * well.width), high, 20_001)
    assert np.trapezoid(density_of_well(section, well, x), x) == pytest.approx(1.0, abs=1e-5)


class TestSums:
    def histogram(self, values, bins=160):
        counts, edges = np.histogram(values, bins)
        return 0.5 * (edges[1:] + edges[:-1]), counts.astype(float)

    @pytest.mark.parametrize("count", [200, 5000])
    def test_one_well_is_found_to_be_one(self, drawn, count):
        values = drawn("angle", harmonic(28.0, math.radians(165)), count)
        assert len(fit_wells("angle", *self.histogram(values), count).wells) == 1

    def test_two_wells_are_found_with_their_weights(self, drawn):
        one = drawn("angle", harmonic(30.0, math.radians(100)), 3000)
        other = drawn("angle", harmonic(30.0, math.radians(150)), 6000)
        found = fit_wells("angle", *self.histogram(np.concatenate([one, other])), 9000)
        assert len(found.wells) == 2
        assert np.degrees([well.centre for well in found.wells]) == pytest.approx([100, 150], abs=1.0)
        assert found.weights == pytest.approx((1 / 3, 2 / 3), abs=0.02)
        assert [well.curvature / BETA for well in found.wells] == pytest.approx([30.0, 30.0], rel=0.1)

    def test_few_independent_samples_do_not_pay_for_a_second_well(self, drawn):
        one = drawn("bond", harmonic(30.0, 3.0), 4000)
        other = drawn("bond", harmonic(30.0, 3.25), 4000)
        histogram = self.histogram(np.concatenate([one, other]))
        assert len(fit_wells("bond", *histogram, 8000).wells) == 2
        assert len(fit_wells("bond", *histogram, 20).wells) == 1
