"""The spectrum against its closed forms, its derivatives against differences."""

import numpy as np
import pytest

from beadsmith.search.box import Box
from beadsmith.search.synthetic.dielectric import FREQUENCIES, PARAMETERS, HavriliakNegami, dielectric_spectrum

BOX = Box.of(PARAMETERS)
FREQUENCY = 2 * np.pi * FREQUENCIES


def at(**values):
    """Unit coordinates of a point that is named by its values, the rest being a Debye relaxation in an insulator."""
    point = {
        "permittivity_at_high_frequency": 3.0,
        "relaxation_strength": 4.0,
        "log10_relaxation_time": -4.0,
        "alpha": 1.0,
        "beta": 1.0,
        "log10_conductivity": -np.inf,
    }
    with np.errstate(invalid="ignore"):
        return BOX.unit(point | values)


def permittivity_and_loss(unit):
    return np.split(HavriliakNegami().values(unit), 2)


def test_alpha_and_beta_of_one_are_debyes_relaxation():
    permittivity, loss = permittivity_and_loss(at())
    square = (FREQUENCY * 1e-4) ** 2
    np.testing.assert_allclose(permittivity, 3.0 + 4.0 / (1 + square))
    np.testing.assert_allclose(loss, 4.0 * FREQUENCY * 1e-4 / (1 + square))


@pytest.mark.parametrize("alpha", [0.4, 0.8])
def test_beta_of_one_has_the_peak_of_cole_and_cole(alpha):
    """At w tau = 1 the loss is (d_eps / 2) tan(alpha pi / 4), and the permittivity half way down."""
    log_time = -np.log10(FREQUENCY[5])
    permittivity, loss = permittivity_and_loss(at(alpha=alpha, log10_relaxation_time=log_time))
    assert loss[5] == pytest.approx(2.0 * np.tan(alpha * np.pi / 4))
    assert permittivity[5] == pytest.approx(3.0 + 2.0)


def test_far_above_the_peak_the_loss_falls_with_alpha_beta():
    _, loss = permittivity_and_loss(at(alpha=0.9, beta=0.6, log10_relaxation_time=2.0))
    slope = np.diff(np.log(loss)) / np.diff(np.log(FREQUENCY))
    np.testing.assert_allclose(slope, -0.9 * 0.6, atol=2e-3)


def test_ions_add_conductivity_over_frequency_to_the_loss_only():
    without, with_ions = permittivity_and_loss(at()), permittivity_and_loss(at(log10_conductivity=-11.0))
    np.testing.assert_allclose(with_ions[0], without[0])
    np.testing.assert_allclose((with_ions[1] - without[1]) * FREQUENCY, 1e-11 / 8.8541878e-12, rtol=1e-6)


def test_derivatives_are_those_of_the_values():
    truth, random = HavriliakNegami(), np.random.default_rng(1)
    for _ in range(5):
        unit = random.uniform(0.05, 0.6, 6)
        steps = 1e-6 * np.eye(6)
        differences = [(truth.values(unit + step) - truth.values(unit - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(truth.jacobian(unit), np.transpose(differences), atol=1e-7)


@pytest.mark.parametrize(("beta", "fails"), [(1.2499, False), (1.2501, True)])
def test_it_fails_where_alpha_beta_exceeds_one(beta, fails):
    assert (HavriliakNegami().values(at(alpha=0.8, beta=beta)) is None) == fails


def test_a_good_part_of_the_box_fails_but_neither_its_centre_nor_an_answer():
    random = np.random.default_rng(1)
    truth = HavriliakNegami()
    failed = np.mean([truth.values(unit) is None for unit in random.random((1000, 6))])
    assert 0.1 < failed < 0.3
    assert truth.values(np.full(6, 0.5)) is not None
    for seed in range(50):
        answer = dielectric_spectrum(seed).answer
        assert answer["alpha"] * answer["beta"] < 0.9


def test_the_answer_is_exact_and_far_from_the_centre():
    for seed in range(5):
        problem = dielectric_spectrum(seed)
        assert problem.floor < 1e-20
        assert problem.true_misfit(BOX.point(np.full(6, 0.5))) > 30


def test_another_seed_has_another_answer_and_the_same_seed_the_same():
    assert dielectric_spectrum(1).answer != dielectric_spectrum(2).answer
    assert dielectric_spectrum(1).answer == dielectric_spectrum(1).answer
