import numpy as np
import pytest

from beadsmith.crosslink.mean_field import (
    Monomers,
    gel_point,
    ideal_network,
    monomers_of,
    most_reacted_sites,
    reacted_sites,
)
from beadsmith.crosslink.network import uncured


def self_reacting(functionality: float, conversion: float) -> tuple[Monomers, np.ndarray]:
    """A_f at some conversion."""
    monomers = Monomers(np.array([1000.0]), np.array([100.0]), np.array([[functionality]]))
    return monomers, monomers.sites[:, None] * conversion


def alternating(counts, masses, functionalities, conversion: float) -> tuple[Monomers, np.ndarray]:
    """Kinds with sites of types A and B; ``conversion`` is that of A."""
    monomers = Monomers(np.array(counts, float), np.array(masses, float), np.array(functionalities, float))
    bonds = monomers.sites[0] * conversion
    return monomers, np.array([[0.0, bonds], [bonds, 0.0]])


@pytest.mark.parametrize("functionality", [3, 4, 7])
def test_a_self_reacting_monomer_gels_where_flory_says(functionality):
    assert gel_point(*self_reacting(functionality, 1.0)) == pytest.approx(1 / (functionality - 1))
    assert gel_point(*self_reacting(functionality, 0.5)) == pytest.approx(2 / (functionality - 1))


def test_chains_never_gel():
    assert gel_point(*self_reacting(2, 0.999)) is None
    assert gel_point(*alternating([100, 100], [1, 1], [[2, 0], [0, 2]], 0.999)) is None


@pytest.mark.parametrize(("f", "g"), [(3, 2), (4, 2), (3, 3), (6, 4)])
@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.4])
def test_two_monomers_gel_where_the_product_of_branching_is_one(f, g, ratio):
    # ratio: sites A over sites B; p_A p_B (f - 1) (g - 1) = 1 with p_B = ratio p_A
    counts = [1000.0 * ratio / f, 1000.0 / g]
    limit = min(1.0, 1.0 / ratio)
    critical = 1.0 / np.sqrt(ratio * (f - 1) * (g - 1))
    found = gel_point(*alternating(counts, [1, 1], [[f, 0], [0, g]], limit))
    assert found == (pytest.approx(critical / limit) if critical < limit else None)


def test_functionalities_enter_as_weight_averages():
    # A mixture of A2, A3, A5 with a B2: f_w = sum n f^2 / sum n f
    counts, f = np.array([30.0, 50.0, 20.0]), np.array([2.0, 3.0, 5.0])
    weight = (counts * f**2).sum() / (counts * f).sum()
    kinds = np.array([[2, 0], [3, 0], [5, 0], [0, 2.0]])
    found = gel_point(*alternating([*counts, (counts * f).sum() / 2], [1, 1, 1, 1], kinds, 1.0))
    assert found == pytest.approx(1 / np.sqrt(weight - 1))


@pytest.mark.parametrize("conversion", [0.1, 0.4, 0.49, 0.51, 0.6, 0.9])
def test_sol_and_mass_of_a_trifunctional_monomer_have_closed_forms(conversion):
    found = ideal_network(*self_reacting(3, conversion))
    beyond = min(1.0, ((1 - conversion) / conversion) ** 2)
    out = 1 - conversion + conversion * beyond  # Macosko and Miller's F(out), whose square is F(in)
    assert found.sol_fraction == pytest.approx(out**3, rel=1e-9)
    if conversion < 0.5:
        assert found.weight_average == pytest.approx(100 * (1 + conversion) / (1 - 2 * conversion))
    else:
        # The sol is again an A3 below its gel point, at the conversion p' = 1 - p.
        dual = 1 - conversion
        assert found.weight_average == pytest.approx(100 * (1 + dual) / (1 - 2 * dual))
    assert found.gel_fraction == pytest.approx(1 - found.sol_fraction)
    assert (found.branching > 1) == (conversion > 0.5)


def test_at_the_gel_point_the_mass_is_infinite_and_there_is_no_gel_yet():
    found = ideal_network(*self_reacting(3, 0.5))
    assert found.weight_average == float("inf")
    assert found.sol_fraction == pytest.approx(1.0)


@pytest.mark.parametrize("conversion", [0.3, 0.55, 0.6, 0.8, 1.0])
def test_four_and_two_functional_monomers_follow_macosko_and_miller(conversion):
    # Stoichiometric A4 + B2: a = F(out) of A is the smallest root of a = 1 - p + p (1 - p + p a^3).
    found = ideal_network(*alternating([100, 200], [210.36, 340.42], [[4, 0], [0, 2]], conversion))
    p = conversion
    roots = np.roots([p**2, 0.0, -1.0, 1 - p**2])
    a = min(root.real for root in roots if abs(root.imag) < 1e-9 and -1e-9 <= root.real <= 1 + 1e-9)
    b = 1 - p + p * a**3
    amine = 100 * 210.36 / (100 * 210.36 + 200 * 340.42)
    assert found.sol_fraction == pytest.approx(amine * a**4 + (1 - amine) * b**2, abs=1e-9)
    assert (found.weight_average is None) == (conversion == 1.0)


def test_stockmayers_mass_of_an_alternating_mixture():
    # Macosko and Miller 1976, Eq. 26, from site averages, below the gel point and off stoichiometry.
    counts, masses, f, g, p = np.array([100.0, 260.0]), np.array([50.0, 80.0]), 3, 2, 0.5
    q = p * counts[0] * f / (counts[1] * g)
    found = ideal_network(*alternating(counts, masses, [[f, 0], [0, g]], p))
    into_b = (masses[1] + q * (g - 1) * masses[0]) / (1 - p * q * (f - 1) * (g - 1))
    into_a = masses[0] + p * (f - 1) * into_b
    weights = counts * masses / (counts @ masses)
    expected = weights[0] * (masses[0] + f * p * into_b) + weights[1] * (masses[1] + g * q * into_a)
    assert found.weight_average == pytest.approx(expected)


def test_the_mass_of_short_chains_is_florys():
    # A2: M_w = m (1 + p) / (1 - p)
    assert ideal_network(*self_reacting(2, 0.8)).weight_average == pytest.approx(100 * 1.8 / 0.2)


def test_two_types_that_react_alike_are_one_type():
    one = ideal_network(*self_reacting(4, 0.45))
    monomers = Monomers(np.array([1000.0]), np.array([100.0]), np.array([[1.0, 3.0]]))
    share = monomers.sites / monomers.sites.sum()
    both = ideal_network(monomers, 0.45 * 4000 * np.outer(share, share))
    assert both.sol_fraction == pytest.approx(one.sol_fraction)
    assert both.weight_average == pytest.approx(one.weight_average)
    assert both.branching == pytest.approx(one.branching)


def test_bystanders_stay_in_the_sol():
    monomers = Monomers(np.array([100.0, 50.0]), np.array([10.0, 20.0]), np.array([[3.0, 0.0], [0.0, 0.0]]))
    found = ideal_network(monomers, np.array([[300.0, 0.0], [0.0, 0.0]]))
    assert found.sol_fraction == pytest.approx(0.5)
    assert found.weight_average == pytest.approx(20.0)


def test_more_than_there_is_cannot_react():
    monomers, reacted = self_reacting(3, 1.0)
    ideal_network(monomers, reacted)
    with pytest.raises(ValueError, match="more than there are"):
        ideal_network(monomers, reacted * 1.01)
    with pytest.raises(ValueError, match="both sides"):
        ideal_network(alternating([9, 9], [1, 1], [[3, 0], [0, 3]], 0.1)[0], np.array([[0, 2.0], [3.0, 0]]))


def test_monomers_of_a_system_are_counted_by_kind(toys):
    sites = toys.sites({"ACA": 20, "BDB": 7, "C": 3}, {"A": 1, "B": 2})
    found = monomers_of(sites)
    assert found.counts.tolist() == [3, 20, 7]
    assert found.masses.tolist() == [30, 50, 80]
    assert found.functionalities[:, :2].tolist() == [[0, 0], [2, 0], [0, 4]]
    assert most_reacted_sites(sites)[:2, :2].tolist() == [[0, 28], [28, 0]]
    network = uncured(sites).with_bonds(np.array([[0, 60], [2, 60], [3, 62]]), 1)
    assert reacted_sites(network)[:2, :2].tolist() == [[0, 3], [3, 0]]


def test_a_bond_within_a_type_takes_two_of_its_sites(toys):
    sites = toys.sites({"A": 5}, {"A": 2}, (("A", "A"),))
    assert reacted_sites(uncured(sites).with_bonds(np.array([[0, 1]]), 1))[0, 0] == 2
    assert most_reacted_sites(sites)[0, 0] == 10
