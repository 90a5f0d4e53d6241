import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beadsmith.crosslink.rules import Crosslinking
from beadsmith.crosslink.stoichiometry import capacity_of_types, check_degree, most_bonds
from beadsmith.errors import ProblemError

RULES = Crosslinking({"A": 1, "B": 2}, (("A", "B"),), 5.0, 1)
PAIRS = list(itertools.combinations_with_replacement(range(3), 2))


def brute_force(capacities: list[int], reactions: list[tuple[int, int]]) -> int:
    """Most bonds by trying every number of bonds of each reaction."""
    best = 0
    for bonds in itertools.product(range(max(capacities) + 1), repeat=len(reactions)):
        used = [0] * len(capacities)
        for number, pair in zip(bonds, reactions, strict=True):
            for kind in pair:
                used[kind] += number
        if all(mine <= allowed for mine, allowed in zip(used, capacities, strict=True)):
            best = max(best, sum(bonds))
    return best


@given(
    st.lists(st.integers(0, 5), min_size=3, max_size=3),
    st.lists(st.sampled_from(PAIRS), min_size=1, max_size=4, unique=True),
)
def test_the_most_bonds_are_those_of_brute_force(capacities, reactions):
    bonds = most_bonds(capacities, reactions)
    assert sum(bonds) == brute_force(capacities, reactions)
    for kind, allowed in enumerate(capacities):
        used = [number * pair.count(kind) for number, pair in zip(bonds, reactions, strict=True)]
        assert sum(used) <= allowed


@pytest.mark.parametrize(("first", "second"), [(400, 400), (400, 399), (1, 1000), (0, 5)])
def test_one_reaction_is_limited_by_the_rarer_side(first, second):
    assert most_bonds([first, second], [(0, 1)]) == (min(first, second),)


@pytest.mark.parametrize(("sites", "bonds"), [(0, 0), (1, 0), (2, 1), (7, 3), (3000, 1500)])
def test_a_type_that_reacts_with_itself_gives_two_sites_to_a_bond(sites, bonds):
    assert most_bonds([sites], [(0, 0)]) == (bonds,)


def test_three_types_in_a_triangle_leave_one_site_over():
    # Half a bond of each reaction would use all sites, but there are no half bonds.
    assert sum(most_bonds([1, 1, 1], [(0, 1), (1, 2), (0, 2)])) == 1


def test_sites_of_a_type_are_counted_over_all_molecules(toys):
    molecules = {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}
    assert capacity_of_types(RULES, molecules, {"resin": 200, "hardener": 100}) == {"A": 400, "B": 400}


@pytest.mark.parametrize("degree", [0.0, 0.5, 1.0])
def test_a_degree_that_can_be_reached_passes(degree, toys):
    molecules = {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}
    check_degree(degree, RULES, molecules, {"resin": 3, "hardener": 1}, "--to")


@pytest.mark.parametrize("degree", [1.01, 95.0, -0.1, float("nan")])
def test_a_degree_beyond_stoichiometry_gets_the_reachable_numbers(degree, toys):
    molecules = {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}
    with pytest.raises(
        ProblemError, match=r"^--to: .* 1 is 4 bonds: 4 of 6 sites of A, 4 of 4 sites of B; give a frac"
    ):
        check_degree(degree, RULES, molecules, {"resin": 3, "hardener": 1}, "--to")


def test_a_system_in_which_nothing_can_react_is_refused(toys):
    molecules = {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}
    with pytest.raises(ProblemError, match="6 on A, 0 on B, expected sites that can react with each other"):
        check_degree(0.5, RULES, molecules, {"resin": 3}, "--to")
