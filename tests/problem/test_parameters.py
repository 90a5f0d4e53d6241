import re

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import resolve_molecule
from beadsmith.problem.parameters import ParameterSpace, interactions, resolve_parameters
from beadsmith.problem.schema import ForceField, Molecule, ParameterRule

BEADS = ("A", "B")
MIE = {"style": "mie/cut", "cutoff": "10 angstrom"}
RULES = {
    "bond.*.k": "1 to 12 kcal/mol/angstrom^2",
    "bond.*.length": "2.5 to 5 angstrom",
    "angle.*.k": {"fixed": "3 kcal/mol/rad^2"},
    "angle.*.theta0": {"fixed": "150 degree"},
    "pair.*.epsilon": "0.2 to 1.2 kcal/mol",
    "pair.*.sigma": "3.5 to 5.5 angstrom",
}


def resolve(rules, **pair) -> ParameterSpace:
    return resolve_only({**RULES, **rules}, **pair)


def resolve_only(rules, beads="A B B", **pair) -> ParameterSpace:
    forcefield = ForceField.model_validate({"pair": {"style": "lj/cut", "cutoff": "10 angstrom", **pair}})
    molecule = resolve_molecule("chain", Molecule(beads=beads), BEADS)
    parsed = {
        name: ParameterRule.model_validate({"range": rule} if isinstance(rule, str) else rule)
        for name, rule in rules.items()
    }
    return resolve_parameters(parsed, forcefield, BEADS, *interactions(BEADS, (molecule,)))


def test_every_number_of_the_force_field_has_a_name_and_a_kind():
    kinds = resolve({}).kinds
    assert kinds == {
        "bond.A-B.k": "bond stiffness",
        "bond.B-B.k": "bond stiffness",
        "bond.A-B.length": "length",
        "bond.B-B.length": "length",
        "angle.A-B-B.k": "angle stiffness",
        "angle.A-B-B.theta0": "angle",
        "pair.A.epsilon": "energy",
        "pair.B.epsilon": "energy",
        "pair.A.sigma": "length",
        "pair.B.sigma": "length",
    }


def test_interactions_are_numbered_by_their_first_appearance():
    first = resolve_molecule("one", Molecule(beads="B B A"), BEADS)
    second = resolve_molecule("two", Molecule(beads="A A B B"), BEADS)
    assert interactions(BEADS, [first, second]) == (("B-B", "A-B", "A-A"), ("A-B-B", "A-A-B"))


def test_wild_cards_reach_all_and_later_rules_overrule_earlier_ones():
    space = resolve({"pair.B.sigma": "4 to 5 angstrom", "pair.A.epsilon": {"fixed": "0.5 kcal/mol"}})
    ranges = {parameter.name: (parameter.low, parameter.high) for parameter in space.free}
    assert ranges["pair.A.sigma"] == (3.5, 5.5)
    assert ranges["pair.B.sigma"] == (4.0, 5.0)
    assert space.fixed["pair.A.epsilon"] == 0.5
    assert "pair.A.epsilon" not in ranges

    overruled = {"pair.B.sigma": "4 to 5 angstrom", "pair.?.sigma": "3 to 4 angstrom"}
    assert {p.low for p in resolve(overruled).free if p.name.endswith("sigma")} == {3.0}


def test_free_parameters_keep_one_order_whatever_the_order_of_the_rules():
    names = [parameter.name for parameter in resolve({}).free]
    again = resolve({"bond.B-B.k": "2 to 3 kcal/mol/angstrom^2", "pair.B.sigma": "4 to 5 angstrom"})
    assert [parameter.name for parameter in again.free] == names


def test_units_of_ranges_are_converted():
    (bond,) = (p for p in resolve({"bond.A-B.length": "0.25 to 0.5 nm"}).free if p.name == "bond.A-B.length")
    assert (bond.low, bond.high, bond.kind) == (2.5, 5.0, "length")


def test_a_point_is_completed_by_what_is_fixed_and_tied():
    space = resolve({"pair.B.*": {"fixed": "4 angstrom"}, "pair.B.epsilon": {"tied": "pair.A.epsilon"}})
    point = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in space.free}
    complete = space.complete(point)
    assert list(complete) == list(space.kinds)
    assert complete["pair.B.epsilon"] == complete["pair.A.epsilon"] == 0.7
    assert complete["pair.B.sigma"] == 4.0
    with pytest.raises(KeyError):
        space.complete({})


def test_ties_may_form_a_chain():
    space = resolve(
        {
            "bond.B-B.length": {"tied": "pair.B.sigma"},
            "pair.B.sigma": {"tied": "pair.A.sigma"},
            "bond.A-B.length": {"tied": "bond.B-B.length"},
        }
    )
    assert space.tied == dict.fromkeys(("bond.A-B.length", "bond.B-B.length", "pair.B.sigma"), "pair.A.sigma")


def test_an_exponent_has_its_usual_value_if_nothing_is_said():
    space = resolve({"pair.*.repulsive_exponent": "8 to 16"}, **MIE)
    assert space.fixed["pair.A.attractive_exponent"] == 6.0
    assert resolve(
        {"pair.*.repulsive_exponent": "8 to 16", "pair.*.attractive_exponent": "5 to 7"}, **MIE
    ).fixed.keys() == {"angle.A-B-B.k", "angle.A-B-B.theta0"}


def test_a_pair_of_unlike_beads_is_there_only_if_it_is_named():
    assert not any(name.startswith("pair.A-B") for name in resolve({}).kinds)
    space = resolve({"pair.A-B.epsilon": "0.1 to 0.3 kcal/mol"})
    assert space.kinds["pair.A-B.epsilon"] == "energy"
    assert "pair.A-B.sigma" not in space.kinds


@pytest.mark.parametrize(
    ("rules", "pair", "where", "fragment"),
    [
        pytest.param(
            {"pair.*.sigma": "5.5 to 3.5 angstrom"},
            {},
            "pair.*.sigma",
            "lower end first, '3.5 to 5.5 angstrom'",
            id="swapped",
        ),
        pytest.param({"pair.*.sigma": "4 to 4 angstrom"}, {}, "pair.*.sigma", "two different ends", id="no width"),
        pytest.param({"pair.*.sigma": "3 to 4 K"}, {}, "pair.*.sigma", "a length such as", id="unit of a range"),
        pytest.param(
            {"pair.*.sigma": "4 angstrom"}, {}, "pair.*.sigma", "write {fixed: 4 angstrom}", id="one value for a range"
        ),
        pytest.param({"pair.*.sigma": "0 to 4 angstrom"}, {}, "pair.*.sigma", "a length above zero", id="no size"),
        pytest.param(
            {"bond.*.k": {"fixed": "-8 kcal/mol/angstrom^2"}},
            {},
            "bond.*.k.fixed",
            "not negative",
            id="negative spring",
        ),
        pytest.param(
            {"angle.*.theta0": "70 to 200 degree"}, {}, "angle.*.theta0", "between 0 and 180 degrees", id="wide angle"
        ),
        pytest.param({"bond.*.k": {"fixed": "8"}}, {}, "bond.*.k.fixed", "bond stiffness with its unit", id="no unit"),
        pytest.param(
            {"pair.A.sigma": {"fixed": "4 angstrom", "tied": "pair.B.sigma"}},
            {},
            "pair.A.sigma",
            "exactly one of",
            id="both",
        ),
        pytest.param({"pair.A.sigma": {}}, {}, "pair.A.sigma", "received nothing, expected exactly one", id="neither"),
        pytest.param(
            {"pair.A.sigmaa": "4 to 5 angstrom"}, {}, "pair.A.sigmaa", "did you mean pair.A.sigma?", id="misspelt"
        ),
        pytest.param({"zzz": "4 to 5 angstrom"}, {}, "zzz", "for example bond.A-B.k", id="nothing like it"),
        pytest.param(
            {"pair.*.repulsive_exponent": "8 to 16"},
            {},
            "pair.*.repulsive_exponent",
            "of this force field",
            id="other style",
        ),
        pytest.param(
            {"pair.B-A.sigma": "4 to 5 angstrom"}, {}, "pair.B-A.sigma", "expected pair.A-B.sigma", id="order of beads"
        ),
        pytest.param(
            {"pair.A-C.sigma": "4 to 5 angstrom"}, {}, "pair.A-C.sigma", "of this force field", id="no bead C"
        ),
        pytest.param(
            {"pair.A-A.sigma": "4 to 5 angstrom"}, {}, "pair.A-A.sigma", "of this force field", id="like pair"
        ),
        pytest.param(
            {"pair.A.sigma": {"tied": "pair.A.epsilon"}},
            {},
            "pair.A.sigma.tied",
            "that is a length too",
            id="other kind",
        ),
        pytest.param(
            {"pair.A.sigma": {"tied": "pair.B.sigmaa"}},
            {},
            "pair.A.sigma.tied",
            "did you mean pair.B.sigma?",
            id="no leader",
        ),
        pytest.param(
            {"pair.A.sigma": {"tied": "pair.A.sigma"}},
            {},
            "pair.A.sigma.tied",
            "ends at a free or fixed",
            id="to itself",
        ),
        pytest.param(
            {"pair.A.sigma": {"tied": "pair.B.sigma"}, "pair.B.sigma": {"tied": "pair.A.sigma"}},
            {},
            "pair.A.sigma.tied",
            "ends at a free or fixed",
            id="circle",
        ),
        pytest.param(
            {"pair.*.repulsive_exponent": "5 to 16"},
            MIE,
            "pair.A.repulsive_exponent",
            "attractive exponent, 6",
            id="Mie",
        ),
        pytest.param(
            {"pair.*.repulsive_exponent": "8 to 16", "pair.B.attractive_exponent": "6 to 9"},
            MIE,
            "pair.B.repulsive_exponent",
            "received 8, expected more than the attractive exponent, 9",
            id="Mie ranges that overlap",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(rules, pair, where, fragment):
    with pytest.raises(ProblemError) as caught:
        resolve(rules, **pair)
    assert caught.value.where == f"parameters.{where}"
    assert fragment in str(caught.value)


def test_a_number_without_a_rule_is_missed():
    rules = {name: rule for name, rule in RULES.items() if name != "angle.*.k"}
    with pytest.raises(ProblemError, match=re.escape("parameters.angle.A-B-B.k: received nothing")) as caught:
        resolve_only(rules)
    assert "add 'angle.A-B-B.k: ...' under parameters" in str(caught.value)
    # Without angles nothing is missed.
    assert "angle.A-B-B.k" not in resolve_only({k: v for k, v in rules.items() if "angle" not in k}, "A B").kinds


@pytest.mark.parametrize(
    "name",
    ["pair.A.sigma; rm -rf /", "$(reboot)", "`id`", "pair.A\n.sigma", "pair.A.sigma &", "${x}", "../x", "", "a" * 200],
)
def test_names_that_a_shell_or_lammps_would_read_are_refused(name):
    with pytest.raises(ProblemError) as caught:
        resolve({name: "3 to 4 angstrom"})
    assert "a name of letters, digits, '_', '.', '-', with '*' as wild card" in str(caught.value)
    assert str(caught.value).isprintable()
