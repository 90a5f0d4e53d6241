"""A cure of points that lie elsewhere in every cycle is the ideal random network: theory has to come out.

Every bead can form one bond, so all sites are equally reactive.  Bonds within a molecule are forbidden, and theory
neglects them; rings of few molecules vanish as one over the number of molecules.
"""

import numpy as np
import pytest

from beadsmith.crosslink.analysis import analyse
from beadsmith.crosslink.mean_field import (
    MeanField,
    gel_point,
    ideal_network,
    monomers_of,
    most_reacted_sites,
    reacted_sites,
)
from beadsmith.crosslink.network import Network, Sites, uncured
from beadsmith.crosslink.rules import Crosslinking
from beadsmith.crosslink.schedule import Plan, Progress, run_cycle

EDGE = 100.0
CELL = np.diag([EDGE, EDGE, EDGE])
MOLECULES = 20_000
#: Every so often around the gel point, 0.5.
AROUND = [0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56]


def cured(sites: Sites, rules: Crosslinking, degrees: list[float], seed: int) -> dict[float, Network]:
    """Networks at some degrees of crosslinking, from one cure."""
    random = np.random.default_rng(seed)
    network, networks = uncured(sites), {}
    for degree in degrees:
        plan, progress = Plan(rules, degree), Progress()
        while progress.outcome is None:
            positions = random.uniform(0, EDGE, size=(len(sites.bead_types), 3))
            progress, network = run_cycle(plan, progress, network, positions, CELL)
        networks[degree] = network
    return networks


@pytest.fixture(scope="module")
def trifunctional(toys) -> dict[float, Network]:
    """Molecules of three sites that react with each other."""
    rules = Crosslinking({"A": 1}, (("A", "A"),), 25.0, 2500)
    sites = toys.sites({"AAA": MOLECULES}, {"A": 1}, (("A", "A"),))
    return cured(sites, rules, [0.4, *AROUND, 0.6, 0.7, 0.9], 1)


@pytest.fixture(scope="module")
def resin_and_hardener(toys) -> dict[float, Network]:
    """A4 + B2 with a fifth too many B."""
    rules = Crosslinking({"A": 1, "B": 1}, (("A", "B"),), 25.0, 2500)
    sites = toys.sites({"AACAA": 6000, "BCB": 14_400}, {"A": 1, "B": 1})
    return cured(sites, rules, [0.5, 0.7, 0.8, 0.95], 2)


def masses_of(network: Network) -> np.ndarray:
    """Masses of all pieces, largest first."""
    return np.sort(np.bincount(network.components, weights=network.sites.molecule_masses))[::-1]


def theory_of(network: Network) -> MeanField:
    return ideal_network(monomers_of(network.sites), reacted_sites(network))


def spread_of_the_gel(network: Network, theory: MeanField) -> float:
    """Standard deviation of the gel fraction from one random network to another, up to a factor of order one.

    Whether each molecule is in the sol has the variance s (1 - s); clusters of the sol hold several molecules at a
    time, as many as their weight average.
    """
    molecules = network.sites.molecule_count
    mass = network.sites.masses.sum() / molecules
    return float(np.sqrt(theory.sol_fraction * theory.gel_fraction * theory.weight_average / mass / molecules))


def test_gel_fractions_beyond_the_gel_point_are_those_of_theory(trifunctional, resin_and_hardener):
    beyond = [trifunctional[degree] for degree in (0.54, 0.56, 0.6, 0.7, 0.9)]
    for network in beyond + [resin_and_hardener[degree] for degree in (0.7, 0.8, 0.95)]:
        theory, masses = theory_of(network), masses_of(network)
        spread = spread_of_the_gel(network, theory)
        assert spread < 0.02
        assert masses[0] / masses.sum() == pytest.approx(theory.gel_fraction, abs=3 * spread)


def test_masses_below_the_gel_point_and_of_the_sol_beyond_it_are_those_of_theory(trifunctional, resin_and_hardener):
    below = [trifunctional[0.4], resin_and_hardener[0.5]]
    beyond = [trifunctional[0.6], trifunctional[0.7], resin_and_hardener[0.8], resin_and_hardener[0.95]]
    for network in below + beyond:
        theory, masses = theory_of(network), masses_of(network)
        finite = masses if theory.branching < 1 else masses[1:]
        stderr = np.sqrt((finite**4).sum()) / finite.sum()
        assert stderr < 0.13 * theory.weight_average
        assert (finite**2).sum() / finite.sum() == pytest.approx(theory.weight_average, abs=3 * stderr)


def test_the_sol_is_heaviest_at_the_gel_point_of_theory(trifunctional):
    sol = [masses_of(trifunctional[degree])[1:] for degree in AROUND]
    averages = [(masses**2).sum() / masses.sum() for masses in sol]
    sites = trifunctional[0.5].sites
    expected = gel_point(monomers_of(sites), most_reacted_sites(sites))
    assert expected == pytest.approx(0.5)
    # The transition is as wide as N^(-1/3) = 0.037 in the branching, which is twice the degree.
    assert AROUND[int(np.argmax(averages))] == pytest.approx(expected, abs=0.021)


def test_no_piece_is_large_below_the_gel_point(trifunctional):
    # At the gel point the largest holds N^(2/3) molecules; below it far fewer.
    masses = masses_of(trifunctional[0.4])
    assert masses[0] / masses.sum() < MOLECULES ** (-1 / 3) / 3


def test_rings_begin_at_the_gel_point_and_theory_counts_them(trifunctional):
    positions = np.zeros((3 * MOLECULES, 3))
    assert analyse(trifunctional[0.4], positions, CELL).cycle_rank < 10
    found, theory = analyse(trifunctional[0.7], positions, CELL), theory_of(trifunctional[0.7])
    # The sol is made of trees, at the conversion 1 - p of its own: 3 (1 - p)/2 bonds a molecule.
    sol = theory.sol_fraction * MOLECULES
    expected = 1.05 * MOLECULES - MOLECULES + 1 + sol * (1 - 1.5 * 0.3)
    assert found.cycle_rank == pytest.approx(expected, rel=0.03)


def test_the_backbone_of_a_random_network_is_that_of_macosko_and_miller(trifunctional):
    # Junctions are molecules with three ways to infinity, each with the probability 1 - F(out) = 1 - (1 - p)/p.
    found = analyse(trifunctional[0.7], np.zeros((3 * MOLECULES, 3)), CELL).backbone
    junctions = MOLECULES * (1 - 0.3 / 0.7) ** 3
    assert found.junctions == pytest.approx(junctions, rel=0.05)
    assert found.strands == pytest.approx(1.5 * junctions, rel=0.05)


def test_sites_react_independently_of_each_other(trifunctional):
    # Reacted sites of a molecule are binomial.
    reacted = trifunctional[0.6].used.reshape(-1, 3).sum(axis=1)
    expected = MOLECULES * np.array([0.4**3, 3 * 0.6 * 0.4**2, 3 * 0.6**2 * 0.4, 0.6**3])
    assert np.bincount(reacted, minlength=4) == pytest.approx(expected, abs=4 * np.sqrt(MOLECULES / 4))
