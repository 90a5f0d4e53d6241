import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import interaction_name, resolve_molecule
from beadsmith.problem.schema import Molecule

ORDER = {"A": 0, "B": 1, "C": 2}


def resolve(**entries):
    return resolve_molecule("chain", Molecule(**entries), tuple(ORDER))


def test_a_sequence_is_a_linear_chain():
    chain = resolve(beads="A B C A")
    assert chain.beads == ("A", "B", "C", "A")
    assert chain.bonds == ((0, 1), (1, 2), (2, 3))
    assert chain.angles == ((0, 1, 2), (1, 2, 3))


@settings(max_examples=30)
@given(st.integers(1, 30))
def test_a_linear_chain_has_one_bond_less_and_two_angles_less_than_beads(count):
    chain = resolve(beads=["A"] * count)
    assert (len(chain.bonds), len(chain.angles)) == (count - 1, max(count - 2, 0))


@settings(max_examples=30)
@given(st.integers(2, 12))
def test_a_star_has_an_angle_for_every_pair_of_arms(arms):
    star = resolve(beads=["A"] * (arms + 1), bonds=[f"1-{arm + 2}" for arm in range(arms)])
    assert len(star.angles) == arms * (arms - 1) // 2
    assert {vertex for _, vertex, _ in star.angles} == {0}


def test_a_ring_has_as_many_angles_as_beads():
    assert len(resolve(beads="A A A A A", bonds="1-2 2-3 3-4 4-5 5-1").angles) == 5


def test_listed_angles_are_the_only_ones():
    assert resolve(beads="A B C A", angles="3-2-1").angles == ((2, 1, 0),)
    assert resolve(beads="A B C A", angles=[]).angles == ()


@pytest.mark.parametrize(
    ("entries", "where", "fragment"),
    [
        pytest.param({"beads": "A D"}, "beads", "received D, expected one of A, B, C", id="unknown bead"),
        pytest.param({"bonds": "1-2"}, "bonds", "bonds that leave bead 3, 4 apart", id="disconnected"),
        pytest.param({"bonds": "1-2 3-4"}, "bonds", "expected one connected molecule", id="two pieces"),
        pytest.param({"bonds": []}, "bonds", "bonds that leave bead 2, 3, 4 apart", id="no bonds"),
        pytest.param({"bonds": "1-2 2-3 3-4 2-1"}, "bonds", "bond 2-1 twice", id="bond twice"),
        pytest.param({"bonds": "1-2 2-3 3-5"}, "bonds", "2 different bead numbers between 1 and 4", id="no bead 5"),
        pytest.param({"bonds": "0-1 1-2 2-3"}, "bonds", "between 1 and 4", id="no bead 0"),
        pytest.param({"bonds": "1-2 2-3 3-3 3-4"}, "bonds", "received 3-3", id="bond to itself"),
        pytest.param({"bonds": "1-2-3"}, "bonds", "2 bead numbers joined by '-', such as 1-2", id="three in a bond"),
        pytest.param({"bonds": "a-b"}, "bonds", "2 bead numbers joined", id="names in a bond"),
        pytest.param({"bonds": "1-²"}, "bonds", "2 bead numbers joined", id="digits of another kind"),
        pytest.param({"bonds": f"1-{'9' * 5000}"}, "bonds", "2 bead numbers joined", id="too many digits"),
        pytest.param({"bonds": "1--2"}, "bonds", "2 bead numbers joined", id="negative number"),
        pytest.param({"bonds": [12]}, "bonds", "received 12", id="a number for a bond"),
        pytest.param({"angles": "1-2-4"}, "angles", "beads 2 and 4 are not bonded", id="angle over unbonded beads"),
        pytest.param({"angles": "2-1-3"}, "angles", "beads 1 and 3 are not bonded", id="vertex at the wrong place"),
        pytest.param({"angles": "1-2-3 3-2-1"}, "angles", "angle 3-2-1 twice", id="angle twice"),
        pytest.param({"angles": "1-2-1"}, "angles", "3 different bead numbers", id="angle with one end"),
        pytest.param({"angles": "1-2"}, "angles", "3 bead numbers joined by '-', such as 1-2-3", id="two in an angle"),
    ],
)
def test_molecules_that_cannot_be_are_refused(entries, where, fragment):
    with pytest.raises(ProblemError) as caught:
        resolve(**{"beads": "A B C A", **entries})
    assert caught.value.where == f"molecules.chain.{where}"
    assert fragment in str(caught.value)


@given(st.lists(st.sampled_from("ABC"), min_size=2, max_size=3))
def test_an_interaction_has_one_name_from_either_end(beads):
    name = interaction_name(beads, ORDER)
    assert name == interaction_name(beads[::-1], ORDER)
    assert name.split("-") in (beads, beads[::-1])


@given(st.permutations("ABC"))
def test_the_name_begins_with_the_bead_that_the_file_names_first(order):
    rank = {bead: index for index, bead in enumerate(order)}
    assert interaction_name((order[2], order[1], order[0]), rank) == "-".join(order)
    # With equal ends either direction reads the same.
    assert interaction_name((order[0], order[1], order[0]), rank) == f"{order[0]}-{order[1]}-{order[0]}"
