"""Which beads react, and which bonds and angles this can make."""

import re

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.reactions import reacting_pairs, types_that_arise
from beadsmith.problem.schema import Reactions

BEADS = ("A", "B", "C", "D")


def linear(beads: str) -> MoleculeTopology:
    count = len(beads)
    bonds = tuple((i, i + 1) for i in range(count - 1))
    return MoleculeTopology(tuple(beads), bonds, tuple((i, i + 1, i + 2) for i in range(count - 2)))


MOLECULES = {"resin": linear("ACA"), "hardener": linear("BDDB")}


def reactions(capacities, bonds) -> Reactions:
    return Reactions.model_validate({"capacities": capacities, "bonds": bonds})


@pytest.mark.parametrize(
    ("capacities", "bonds", "pairs"),
    [
        ({"A": 1, "B": 2}, "A-B", (("A", "B"),)),
        ({"A": 3}, "A-A", (("A", "A"),)),
        ({"A": 1, "B": 2, "C": 1}, "A-B C-A C-C", (("A", "B"), ("C", "A"), ("C", "C"))),
        ({"A": 1, "B": 2}, ["B-A", "A-A"], (("B", "A"), ("A", "A"))),
    ],
)
def test_what_can_react_passes(capacities, bonds, pairs):
    assert reacting_pairs(reactions(capacities, bonds), MOLECULES) == pairs


@pytest.mark.parametrize(
    ("capacities", "bonds", "expected"),
    [
        (
            {"A": 1, "B": 2, "E": 1},
            "A-B E-A",
            r"reactions\.capacities\.E: received a reactive bead that none of resin, hardener has, expected one of",
        ),
        ({"A": 1, "B": 2}, "A-C", r"reactions\.bonds: received A-C, expected two of A, B joined by '-'; declare how"),
        ({"A": 1, "B": 2}, "A-B-A", r"reactions\.bonds: received A-B-A, expected two of A, B"),
        ({"A": 1, "B": 2}, "AB", r"reactions\.bonds: received AB, expected two of A, B"),
        ({"A": 1, "B": 2}, "A-B B-A", r"reactions\.bonds: received B-A twice"),
        ({"A": 1, "B": 2}, "A-A", r"reactions\.bonds: received A-A, expected a pair with B; or leave it out"),
    ],
)
def test_what_never_can_gets_one_sentence(capacities, bonds, expected):
    with pytest.raises(ProblemError) as caught:
        reacting_pairs(reactions(capacities, bonds), MOLECULES)
    assert re.match(expected, str(caught.value))
    assert str(caught.value).isprintable()


def test_the_published_epoxy_has_its_published_types():
    # A: epoxide, B: amine, C and D: their neighbours.
    molecules = {"resin": linear("ACCA"), "hardener": linear("BDDB")}
    bonds, angles = types_that_arise({"A": 1, "B": 2}, [("A", "B")], molecules, BEADS)
    assert bonds == ("A-B",)
    assert set(angles) == {"B-A-C", "A-B-D", "A-B-A"}
    once = types_that_arise({"A": 1, "B": 1}, [("A", "B")], molecules, BEADS)
    assert set(once[1]) == {"B-A-C", "A-B-D"}


def test_a_bead_that_reacts_with_itself_makes_angles_of_three_of_its_kind_if_it_reacts_twice():
    alone = {"bead": linear("A")}
    assert types_that_arise({"A": 1}, [("A", "A")], alone, BEADS) == (("A-A",), ())
    assert types_that_arise({"A": 2}, [("A", "A")], alone, BEADS) == (("A-A",), ("A-A-A",))


def test_partners_that_no_molecule_has_make_no_types():
    assert types_that_arise({"A": 1, "B": 2}, [("A", "B")], {"resin": linear("ACA")}, BEADS) == ((), ())


def test_a_bond_that_can_form_needs_parameters_and_so_do_its_angles(load, network_document, complaint):
    assert load(network_document).bond_types == ("E-M", "N-M", "E-N")
    assert set(load(network_document).angle_types) == {"E-M-E", "N-M-N", "N-E-M", "E-N-M", "E-N-E"}
    parameters = network_document["parameters"]
    for pattern in ("angle.*.k", "angle.*.theta0"):
        rule = parameters.pop(pattern)
        for angle in ("E-M-E", "N-M-N", "N-E-M", "E-N-M"):
            parameters[pattern.replace("*", angle)] = rule
    assert complaint(network_document) == (
        "parameters.angle.E-N-E.k: received nothing, expected a range, a fixed value or a tie; "
        "add 'angle.E-N-E.k: ...' under parameters"
    )
    parameters["angle.E-N-E.k"] = {"fixed": "3 kcal/mol/rad^2"}
    parameters["angle.E-N-E.theta0"] = {"fixed": "120 degree"}
    load(network_document)
    for coefficient in ("k", "length"):
        rule = parameters.pop(f"bond.*.{coefficient}")
        parameters |= {f"bond.{bond}.{coefficient}": rule for bond in ("E-M", "N-M")}
    assert complaint(network_document).startswith("parameters.bond.E-N.k: received nothing")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"capacities": {"E": 0, "N": 2}, "bonds": "E-N"}, r"reactions\.capacities\.E: received 0, expected"),
        ({"capacities": {}, "bonds": "E-N"}, r"reactions\.capacities: "),
        ({"capacities": {"E": 1, "N": 2}, "bonds": ""}, r"reactions\.bonds: "),
        ({"capacities": {"E": 1, "X": 2}, "bonds": "E-X"}, r"reactions\.capacities\.X: received a reactive bead that"),
        ({"capacities": {"E": 1, "N": 2}, "bonds": "E-X"}, r"reactions\.bonds: received E-X, expected two of E, N"),
    ],
)
def test_a_file_with_impossible_reactions_is_refused(network_document, complaint, section, expected):
    network_document["reactions"] = section
    assert re.match(expected, complaint(network_document))
