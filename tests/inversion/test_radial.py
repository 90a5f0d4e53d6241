"""First guesses from g(r): exact in the limit of low density, honest elsewhere."""

import math

import numpy as np
import pytest
from tests.inversion.conftest import trimers

from beadsmith.errors import EstimateError
from beadsmith.inversion.radial import (
    EPSILON_BIAS,
    PairGuess,
    Radial,
    compare_with_mixing,
    farthest,
    fit_style,
    guess,
    pair_energy,
    pair_names,
    radial,
    radial_bins,
)

KT = 0.6


def dilute(epsilon=0.9, sigma=4.0, noise=0.0, rng=None, name="A-A"):
    """g(r) of a gas: exp(-u/kT)."""
    r = radial_bins(10.0, 0.1)
    g = np.exp(-pair_energy("lj/cut", r, epsilon, sigma, (8.0, 10.0)) / KT)
    if rng is not None:
        g = np.maximum(g + noise * rng.normal(size=len(r)), 0.0)
    return Radial(name, r, g, np.full(len(r), max(noise, 1e-4)), KT, 1000, 1e5)


@pytest.mark.parametrize(("epsilon", "sigma"), [(0.9, 4.0), (0.4, 3.5)])
def test_a_gas_gives_its_depth_and_place(epsilon, sigma):
    found = guess([dilute(epsilon, sigma)], bonded=False)
    assert found.epsilon == pytest.approx(epsilon, rel=0.03)
    assert found.sigma == pytest.approx(sigma, rel=0.02)
    assert found.peak[0] == pytest.approx(2 ** (1 / 6) * sigma, abs=0.1)


def test_statistical_errors_are_those_of_repetitions(rng):
    found = [guess([dilute(noise=0.03, rng=rng)], bonded=False) for _ in range(100)]
    for place, name in enumerate(("epsilon", "sigma")):
        scatter = np.std([getattr(one, name) for one in found])
        claimed = np.mean([one.statistical[place] for one in found])
        assert 0.5 < claimed / scatter < 2.0


def test_errors_hold_what_the_method_is_off_by():
    found = guess([dilute()], bonded=False)
    assert found.epsilon_stderr >= EPSILON_BIAS * KT
    assert guess([dilute()], bonded=True).epsilon_stderr > found.epsilon_stderr
    assert found.sigma_stderr >= 0.025 * found.sigma


def test_several_states_are_averaged_and_their_scatter_counts():
    found = guess([dilute(0.8), dilute(1.0)], bonded=False)
    assert found.epsilon == pytest.approx(0.9, rel=0.03)
    assert found.statistical[0] == pytest.approx(0.1 * math.sqrt(2) / math.sqrt(2), rel=0.1)


def test_a_shielded_bead_has_a_size_but_no_depth():
    shielded = dilute(0.3)
    found = guess([Radial("A-A", shielded.r, 0.6 * shielded.g, shielded.stderr, KT, 1000, 1e5)], bonded=True)
    assert "says nothing" in found.warnings[0]
    assert found.epsilon > 0
    assert found.sigma == pytest.approx(4.0, rel=0.05)


def test_nothing_seen_is_refused():
    empty = dilute()
    with pytest.raises(EstimateError, match="does not rise"):
        guess([Radial("A-A", empty.r, 0.01 * empty.g, empty.stderr, KT, 1000, 1e5)], bonded=False)


def test_mixing_is_compared_in_standard_errors():
    def one(name, epsilon, sigma):
        return PairGuess(name, epsilon, 0.05, sigma, 0.1, (0.0, 0.0), (4.0, 2.0))

    likes = [one("A-A", 0.4, 4.0), one("B-B", 0.9, 5.0)]
    (good,) = compare_with_mixing([*likes, one("A-B", 0.6, 4.5)], "arithmetic")
    assert (good.epsilon, good.sigma) == pytest.approx((0.6, 4.5))
    assert (good.epsilon_deviation, good.sigma_deviation) == pytest.approx((0.0, 0.0), abs=1e-9)
    (bad,) = compare_with_mixing([*likes, one("A-B", 1.0, 5.5)], "arithmetic")
    assert min(bad.epsilon_deviation, bad.sigma_deviation) > 5
    assert compare_with_mixing(likes, "arithmetic") == ()


@pytest.mark.parametrize("style", ["lj/cut", "lj/gromacs", "mie/cut"])
def test_a_style_is_recovered_from_its_own_table(style):
    found = dilute()
    energy = pair_energy(style, found.r, 0.7, 4.2, (8.0, 10.0))
    fit = fit_style(style, found, energy, guess([found], bonded=False), (8.0, 10.0))
    assert (fit.epsilon, fit.sigma) == pytest.approx((0.7, 4.2), rel=1e-4)


def test_every_pair_between_molecules_is_known(rng):
    one = trimers(np.full((12, 30, 2), 3.0), np.full((12, 30), 2.0), edge=24.0)
    assert pair_names([one], ("A", "B")) == ("A-A", "B-B", "A-B")
    found = radial(one, "A-B", radial_bins(10.0, 1.0))
    assert found.pairs == 60 * 30 - 60  # less those within molecules
    assert found.g[3:].mean() == pytest.approx(1.0, abs=0.2)  # placed at random
    assert pair_names([trimers(np.full((12, 1, 2), 3.0), np.full((12, 1), 2.0))], ("A", "B")) == ()


def test_bins_up_to_half_of_any_box_are_counted(rng):
    """As they are by default: neither edges of boxes nor widths of bins are round numbers."""
    angles = np.full((10, 3), 2.0)
    for edge in rng.uniform(20.0, 60.0, 200):
        gas = trimers(rng.normal(3.0, 0.01, (10, 3, 2)), angles, edge=float(edge))
        for width in (0.1, 0.37):
            bins = radial_bins(farthest([gas]), width)
            assert bins[-1] + 0.5 * (bins[1] - bins[0]) == pytest.approx(0.5 * edge, rel=1e-12)
            assert radial(gas, "A-A", bins) is not None


def test_bins_beyond_half_the_box_are_refused(rng):
    gas = trimers(rng.normal(3.0, 0.01, (10, 3, 2)), np.full((10, 3), 2.0), edge=20.0)
    with pytest.raises(EstimateError, match=r"reach 10.001 angstrom, more than half an edge of the box, 10 angstrom"):
        radial(gas, "A-A", radial_bins(10.001, 0.1))
