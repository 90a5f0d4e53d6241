import numpy as np
import pytest

from beadsmith.crosslink.analysis import analyse, percolation
from beadsmith.crosslink.network import uncured

CELL = np.diag([30.0, 30.0, 30.0])
CAPACITIES = {"A": 1, "B": 2}


def analysis_of(sites, bonds):
    network = uncured(sites).with_bonds(np.array(bonds, dtype=np.int64).reshape(-1, 2), 1)
    return analyse(network, np.zeros((len(sites.bead_types), 3)), CELL)


@pytest.fixture
def sites(toys):
    """Three resins (beads 0-8, 50 g/mol each) and two hardeners (beads 9-14, 80 g/mol each)."""
    return toys.sites({"ACA": 3, "BDB": 2}, CAPACITIES)


def test_an_uncured_system_is_all_sol_but_its_largest_molecule(sites):
    found = analysis_of(sites, [])
    assert found.component_masses.tolist() == [80.0, 80.0, 50.0, 50.0, 50.0]
    assert (found.gel_fraction, found.sol_fraction) == (pytest.approx(80 / 310), pytest.approx(230 / 310))
    assert found.weight_average == pytest.approx((2 * 80**2 + 3 * 50**2) / 310)
    assert (found.cycle_rank, found.percolation, found.degree) == (0, 0, 0.0)
    assert (found.unattached, found.dangling, found.dangling_fraction) == (5, 0, 1.0)
    assert found.unreacted == {"A": 6, "B": 8}
    assert found.groups == {"A": (6, 0), "B": (4, 0, 0)}
    assert (found.backbone.strands, found.backbone_fraction) == (0, 0.0)


def test_a_chain_of_three_molecules_dangles_from_end_to_end(sites):
    # resin 0-2, hardener 9-11, resin 3-5
    found = analysis_of(sites, [[2, 9], [9, 3]])
    assert found.component_masses.tolist() == [180.0, 80.0, 50.0]
    assert found.groups == {"A": (4, 2), "B": (3, 0, 1)}
    assert found.unreacted == {"A": 4, "B": 6}
    assert found.conversions == {"A": pytest.approx(2 / 6), "B": pytest.approx(2 / 8)}
    assert found.degree == pytest.approx(2 / 6)
    assert (found.unattached, found.dangling, found.dangling_fraction) == (2, 2, 1.0)


def test_a_ring_of_two_molecules_with_a_third_on_it(sites):
    # resin 0-2 and hardener 9-11 form a ring; resin 3-5 hangs on it by its end
    found = analysis_of(sites, [[0, 9], [2, 11], [3, 11]])
    assert found.cycle_rank == 1
    assert found.dangling == 1
    assert found.dangling_fraction == pytest.approx(50 / 180)
    assert (found.backbone.strands, found.backbone_fraction) == (0, pytest.approx(130 / 310))
    assert found.percolation == 0


def test_two_junctions_and_three_strands(toys):
    # Two star-like hardeners of one bead, three resins between them.
    sites = toys.sites({"ACCA": 3, "B": 2}, {"A": 1, "B": 3})
    found = analysis_of(sites, [[0, 12], [4, 12], [8, 12], [3, 13], [7, 13], [11, 13]])
    assert found.gel_fraction == 1.0
    assert found.sol_fraction == 0.0
    assert found.cycle_rank == found.backbone.cycle_rank == 2
    assert (found.backbone.junctions, found.backbone.lengths.tolist()) == (2, [5, 5, 5])
    assert (found.backbone_fraction, found.dangling_fraction, found.unattached) == (1.0, 0.0, 0)
    assert found.groups == {"A": (0, 6), "B": (0, 0, 0, 2)}


def test_the_largest_piece_is_that_of_the_largest_mass_and_its_own_percolation_counts(toys):
    # Three light molecules around the box, and one heavy pair that is not endless.
    sites = toys.sites({"AA": 3, "EAE": 2}, {"A": 1}, (("A", "A"),))
    bonds = np.array([[1, 2], [3, 4], [5, 0], [7, 10]])
    network = uncured(sites).with_bonds(bonds, 1)
    positions = np.zeros((12, 3))
    positions[:6, 0] = np.arange(6) * 5.0
    found = analyse(network, positions, CELL)
    assert (found.percolation, found.backbone_fraction, found.dangling_fraction) == (0, 0.0, 1.0)
    assert percolation(network, positions, CELL) == 0
    light = toys.sites({"AA": 3}, {"A": 1}, (("A", "A"),))
    endless = uncured(light).with_bonds(bonds[:3], 1)
    assert analyse(endless, positions[:6], CELL).percolation == 1
    assert percolation(endless, positions[:6], CELL) == 1
    assert analyse(endless, positions[:6], CELL).cycle_rank == 1


def test_molecules_with_rings_of_their_own_do_not_count_as_crosslinked_rings(toys):
    sites = toys.sites({"ACA": 2}, {"A": 1}, (("A", "A"),))
    found = analysis_of(sites, [[2, 3]])
    assert found.cycle_rank == 0
    assert analysis_of(sites, [[2, 3], [0, 5]]).cycle_rank == 1
