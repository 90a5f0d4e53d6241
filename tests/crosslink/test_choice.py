import time

import numpy as np
import pytest

from beadsmith.crosslink.choice import choose_bonds
from beadsmith.crosslink.network import Network, components_of, uncured
from beadsmith.crosslink.periodic import separations, widths
from beadsmith.crosslink.rules import Rule

FREE, NETWORKS = Rule(), Rule(different_networks=True)
REACTIONS = (("A", "B"), ("C", "C"))
CAPACITIES = {"A": 1, "B": 2, "C": 3}


@pytest.fixture
def sites(toys):
    return toys.sites({"ADA": 30, "BDB": 15, "C": 10, "ABC": 5, "ADB": 5}, CAPACITIES, REACTIONS)


def one_by_one(
    positions, cell, network: Network, rule: Rule, cutoff: float, most: int, within: bool
) -> list[list[int]]:
    """The definition, with no cleverness: the nearest pair that is allowed, then the next, each from a full search."""
    sites, chosen = network.sites, []
    reacting = {frozenset(pair) for pair in sites.reactions}
    first, second = np.triu_indices(len(positions), 1)
    distance = np.linalg.norm(separations(positions[first], positions[second], cell), axis=1)
    near = [k for k in np.argsort(distance, kind="stable") if distance[k] <= cutoff]
    order = [k for k in near if frozenset(sites.bead_types[[first[k], second[k]]].tolist()) in reacting]
    while len(chosen) < most:
        now = network.with_bonds(np.array(chosen, dtype=int).reshape(-1, 2), 1)
        bonded = {frozenset(bond) for bond in now.all_bonds.tolist()}
        virgin = [sites.names.index(name) for name in rule.virgin]
        for k in order:
            i, j = int(first[k]), int(second[k])
            owners = sites.molecules[[i, j]]
            if (
                now.room[i] > 0
                and now.room[j] > 0
                and frozenset((i, j)) not in bonded
                and (within or owners[0] != owners[1])
                and not any(sites.bead_types[b] in virgin and now.used[b] for b in (i, j))
                and not (rule.different_networks and now.components[owners[0]] == now.components[owners[1]])
            ):
                chosen.append([i, j])
                break
        else:
            break
    return chosen


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("rule", [FREE, Rule(("B",)), Rule(("C", "B")), NETWORKS, Rule(("B",), True)])
def test_bonds_are_those_of_the_definition_cycle_after_cycle(sites, cell, rule, within, random):
    network = uncured(sites)
    for cycle, most in enumerate([1, 7, 20, 100], start=1):
        positions = random.uniform(0, 1, size=(len(sites.bead_types), 3)) @ cell
        bonds = choose_bonds(positions, cell, network, rule, 3.5, most, within_molecules=within)
        assert bonds.tolist() == one_by_one(positions, cell, network, rule, 3.5, most, within)
        network = network.with_bonds(bonds, cycle)
    assert len(network.bonds) > 15


def test_no_bead_gets_more_bonds_than_it_can_form_nor_two_with_the_same_bead(sites, cell, random):
    network = uncured(sites)
    for cycle in range(1, 30):
        positions = random.uniform(0, 1, size=(len(sites.bead_types), 3)) @ cell
        network = network.with_bonds(choose_bonds(positions, cell, network, FREE, 4.0, 50), cycle)
    assert (np.bincount(network.bonds.ravel(), minlength=len(network.used)) <= sites.capacities).all()
    assert len({frozenset(bond) for bond in network.all_bonds.tolist()}) == len(network.all_bonds)
    assert len(network.bonds) > 0.9 * sites.most
    assert (sites.molecules[network.bonds[:, 0]] != sites.molecules[network.bonds[:, 1]]).all()


@pytest.mark.parametrize("most", [0, 1, 10, 33])
def test_there_are_never_more_bonds_than_asked_for(sites, cell, most, random):
    positions = random.uniform(0, 1, size=(len(sites.bead_types), 3)) @ cell
    assert len(choose_bonds(positions, cell, uncured(sites), FREE, 4.0, most)) == most


def test_more_than_a_network_without_rings_has_never_form_between_different_networks(sites, cell, random):
    positions = random.uniform(0, 1, size=(len(sites.bead_types), 3)) @ cell
    bonds = choose_bonds(positions, cell, uncured(sites), NETWORKS, 4.0, 1000)
    pieces = len(np.unique(components_of(sites.molecules[bonds], sites.molecule_count)))
    assert len(bonds) == sites.molecule_count - pieces
    assert len(choose_bonds(positions, cell, uncured(sites), FREE, 4.0, 1000)) > len(bonds)


def test_two_bonds_of_one_cycle_do_not_join_the_same_two_networks(toys):
    sites = toys.sites({"AA": 1, "BB": 1}, {"A": 1, "B": 1})
    positions = np.array([[0.0, 0, 0], [2.0, 0, 0], [0.0, 1.0, 0], [2.0, 0.9, 0]])
    cell = np.diag([20.0, 20.0, 20.0])
    assert choose_bonds(positions, cell, uncured(sites), FREE, 5.0, 10).tolist() == [[1, 3], [0, 2]]
    assert choose_bonds(positions, cell, uncured(sites), NETWORKS, 5.0, 10).tolist() == [[1, 3]]


def test_two_beads_of_one_molecule_react_only_if_that_is_allowed_and_never_along_a_bond(toys):
    apart = uncured(toys.sites({"ADB": 1}, {"A": 1, "B": 1}))
    bonded = uncured(toys.sites({"AB": 1}, {"A": 1, "B": 1}))
    for network, within, expected in [(apart, False, []), (apart, True, [[0, 2]]), (bonded, True, [])]:
        positions = np.arange(len(network.used))[:, None] * np.ones(3)
        bonds = choose_bonds(positions, np.diag([9.0] * 3), network, FREE, 4.0, 5, within_molecules=within)
        assert bonds.tolist() == expected


def test_the_search_goes_on_where_all_near_pairs_are_forbidden(toys):
    # Each molecule lies on one spot, so the nearest pairs are within molecules; molecules are 4 apart.
    network = uncured(toys.sites({"ADB": 125}, {"A": 1, "B": 1}))
    grid = 4.0 * np.stack(np.unravel_index(np.arange(125), (5, 5, 5)), axis=1)
    positions, cell = np.repeat(grid, 3, axis=0), np.diag([20.0] * 3)
    assert choose_bonds(positions, cell, network, FREE, 4.5, 1).tolist() == [[0, 5]]
    assert choose_bonds(positions, cell, network, FREE, 3.5, 1).tolist() == []


def test_a_virgin_site_is_one_no_more_after_its_first_bond_of_the_cycle(toys):
    sites = toys.sites({"A": 2, "B": 1}, {"A": 1, "B": 2})
    positions = np.array([[1.0, 0, 0], [-1.1, 0, 0], [0.0, 0, 0]])
    cell = np.diag([20.0, 20.0, 20.0])
    assert choose_bonds(positions, cell, uncured(sites), Rule(("B",)), 5.0, 10).tolist() == [[0, 2]]
    assert choose_bonds(positions, cell, uncured(sites), Rule(("A",)), 5.0, 10).tolist() == [[0, 2], [1, 2]]
    assert choose_bonds(positions, cell, uncured(sites), FREE, 5.0, 10).tolist() == [[0, 2], [1, 2]]


def test_equal_distances_are_taken_in_the_order_of_the_beads(toys):
    sites = toys.sites({"B": 2, "A": 2}, {"A": 1, "B": 1})
    square = np.array([[0.0, 0, 0], [1.0, 1, 0], [1.0, 0, 0], [0.0, 1, 0]])
    bonds = choose_bonds(square, np.diag([20.0, 20, 20]), uncured(sites), FREE, 5.0, 10)
    assert bonds.tolist() == [[0, 2], [1, 3]]


def test_the_cutoff_itself_is_within_reach_and_across_the_boundary(toys):
    sites = toys.sites({"A": 1, "B": 1}, {"A": 1, "B": 1})
    positions = np.array([[0.5, 5, 5], [8.5, 5, 5]])
    cell = np.diag([10.0, 10.0, 10.0])
    assert len(choose_bonds(positions, cell, uncured(sites), FREE, 2.0, 1)) == 1
    assert len(choose_bonds(positions, cell, uncured(sites), FREE, 1.99, 1)) == 0


def test_nothing_free_forms_nothing(toys):
    sites = toys.sites({"A": 1, "B": 1}, {"A": 1, "B": 1})
    done = uncured(sites).with_bonds(np.array([[0, 1]]), 1)
    assert choose_bonds(np.zeros((2, 3)), np.eye(3), done, FREE, 0.3, 5).shape == (0, 2)


def test_a_sheared_cell_of_the_same_lattice_gives_the_same_bonds(sites, random):
    straight = np.diag([10.0, 11.0, 9.0])
    sheared = straight + np.array([[0, 0, 0], [10.0, 0, 0], [0, 0, 0]])
    positions = random.uniform(0, 1, size=(len(sites.bead_types), 3)) @ straight
    bonds = [choose_bonds(positions, one, uncured(sites), FREE, 3.0, 60).tolist() for one in (straight, sheared)]
    assert bonds[0] == bonds[1]
    assert len(bonds[0]) == 60


def test_a_cutoff_beyond_half_the_box_is_refused(sites, cell):
    positions = np.zeros((len(sites.bead_types), 3))
    choose_bonds(positions, cell, uncured(sites), FREE, float(widths(cell).min()) / 2, 1)
    with pytest.raises(ValueError, match="half"):
        choose_bonds(positions, cell, uncured(sites), FREE, float(widths(cell).min()) / 1.9, 1)


def test_a_bead_too_many_is_noticed(toys):
    network = uncured(toys.sites({"A": 2, "B": 2}, {"A": 1, "B": 1}))
    with pytest.raises(ValueError, match="bead 0 has 2 bonds, but can form 1"):
        network.with_bonds(np.array([[0, 2], [0, 3]]), 1)


@pytest.mark.parametrize("rule", [FREE, Rule(("B",)), NETWORKS])
def test_fourteen_thousand_beads_take_a_few_milliseconds(toys, rule, random):
    sites = toys.sites({"ACDCA": 2000, "BEEB": 1000}, {"A": 1, "B": 2})
    cell = np.diag([110.0] * 3)
    network = uncured(sites)
    times = []
    for cycle in range(1, 9):
        positions = random.uniform(0, 110, size=(14_000, 3))
        begin = time.process_time()
        bonds = choose_bonds(positions, cell, network, rule, 15.0, 10)
        times.append(time.process_time() - begin)
        network = network.with_bonds(bonds, cycle)
    assert len(network.bonds) == 80
    assert min(times) < 0.05
