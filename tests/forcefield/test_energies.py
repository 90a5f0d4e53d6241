"""Our energies against closed forms; the LAMMPS runs beside them take them as the second route."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.forcefield.energies import cosine_squared, harmonic, lennard_jones, lennard_jones_gromacs, mie, morse

repulsive = st.floats(7.0, 30.0)
attractive = st.floats(3.0, 6.9)


def one(energy: np.ndarray) -> float:
    return float(energy)


def slope(function, at: float, step: float = 1e-5) -> float:
    return (one(function(np.array(at + step))) - one(function(np.array(at - step)))) / (2 * step)


@settings(max_examples=40)
@given(repulsive, attractive)
def test_a_mie_potential_has_its_minimum_at_the_closed_form_and_its_depth_is_epsilon(n, m):
    sigma, epsilon = 3.7, 0.8
    bottom = sigma * (n / m) ** (1 / (n - m))
    assert one(mie(np.array(bottom), epsilon, sigma, n, m)) == pytest.approx(-epsilon, rel=1e-12)
    around = mie(bottom * np.array([0.99, 0.999, 1.001, 1.01]), epsilon, sigma, n, m)
    assert (around > -epsilon).all()
    assert one(mie(np.array(sigma), epsilon, sigma, n, m)) == pytest.approx(0.0, abs=1e-12)


def test_mie_12_6_is_lennard_jones():
    r = np.linspace(2.5, 20.0, 50)
    assert mie(r, 0.7, 3.4, 12, 6) == pytest.approx(lennard_jones(r, 0.7, 3.4), rel=1e-12)
    assert one(lennard_jones(np.array(3.4 * 2 ** (1 / 6)), 0.7, 3.4)) == pytest.approx(-0.7)


@pytest.mark.parametrize(("n", "m"), [(6, 6), (5, 6), (12, 0), (12, -1)])
def test_exponents_without_a_minimum_are_refused(n, m):
    with pytest.raises(ValueError, match="must exceed the attractive one"):
        mie(np.array(4.0), 1.0, 3.0, n, m)


@settings(max_examples=40)
@given(st.floats(2.5, 5.0), st.floats(0.1, 2.0), st.floats(6.0, 9.0), st.floats(0.5, 4.0))
def test_smoothed_lennard_jones_is_continuous_with_its_force_at_both_cutoffs(sigma, epsilon, inner, width):
    outer = inner + width

    def energy(r):
        return lennard_jones_gromacs(np.asarray(r), epsilon, sigma, inner, outer)

    near = 1e-7
    assert one(energy(inner + near)) == pytest.approx(one(energy(inner - near)), abs=1e-5 * epsilon)
    assert one(energy(outer - near)) == pytest.approx(0.0, abs=1e-6 * epsilon)
    # Slopes on either side, each from its own side, agree; at the outer cutoff force and stiffness vanish.
    step = 1e-4
    left = (one(energy(inner)) - one(energy(inner - step))) / step
    right = (one(energy(inner + step)) - one(energy(inner))) / step
    assert right == pytest.approx(left, abs=1e-2 * epsilon)
    last = (one(energy(outer - step)) - one(energy(outer - 2 * step))) / step
    assert last == pytest.approx(0.0, abs=1e-4 * epsilon)
    assert one(energy(outer)) == 0.0
    assert one(energy(2 * outer)) == 0.0


def test_smoothed_lennard_jones_has_the_plain_force_inside_the_inner_cutoff():
    for r in (3.0, 4.0, 8.9):
        plain = slope(lambda x: lennard_jones(x, 0.5, 3.5), r)
        assert slope(lambda x: lennard_jones_gromacs(x, 0.5, 3.5, 9.0, 12.0), r) == pytest.approx(plain, rel=1e-6)


def test_smoothed_lennard_jones_becomes_the_plain_one_as_its_cutoffs_go_to_infinity():
    far = lennard_jones_gromacs(np.array([3.5, 5.0]), 0.5, 3.5, 900.0, 1000.0)
    assert far == pytest.approx(lennard_jones(np.array([3.5, 5.0]), 0.5, 3.5), abs=1e-12)


def test_springs_have_no_factor_of_one_half():
    assert one(harmonic(np.array(4.0), 6.0, 3.5)) == 1.5
    assert one(harmonic(np.array(3.5), 6.0, 3.5)) == 0.0


def test_a_morse_bond_is_a_spring_at_its_bottom_and_breaks_at_its_depth():
    depth, alpha, length = 20.0, 1.5, 3.6
    small = 1e-3
    expected = one(harmonic(np.array(length + small), depth * alpha**2, length))
    assert one(morse(np.array(length + small), depth, alpha, length)) == pytest.approx(expected, rel=3e-3)
    assert one(morse(np.array(length), depth, alpha, length)) == 0.0
    assert one(morse(np.array(100.0), depth, alpha, length)) == pytest.approx(depth)
    assert one(morse(np.array(length - 0.5), depth, alpha, length)) > one(
        morse(np.array(length + 0.5), depth, alpha, length)
    )


def test_a_cosine_angle_is_a_spring_near_its_bottom_but_softer_when_stretched():
    k, bottom = 5.0, math.radians(110)
    small = 1e-3
    expected = one(harmonic(np.array(bottom + small), k * math.sin(bottom) ** 2, bottom))
    assert one(cosine_squared(np.array(bottom + small), k, bottom)) == pytest.approx(expected, rel=1e-2)
    assert one(cosine_squared(np.array(math.pi), k, bottom)) == pytest.approx(k * (1 - math.cos(math.pi - bottom)) ** 2)
    # At a right angle the energy is the squared cosine itself.
    assert one(cosine_squared(np.array(math.pi / 2), k, bottom)) == pytest.approx(k * math.cos(bottom) ** 2)
