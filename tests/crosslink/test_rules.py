import pytest

from beadsmith.crosslink.rules import Crosslinking, Rule, Stage, rules_of
from beadsmith.problem.schema import Cure, Reactions

CURE = {
    "cutoff": "15 angstrom",
    "preparation": [{"stage": "minimize"}],
    "relaxation": [{"stage": "minimize"}],
}


def test_what_is_declared_is_what_a_cure_is_told():
    reactions = Reactions.model_validate({"capacities": {"A": 1, "B": 2}, "bonds": "A-B", "within_molecules": True})
    rules = [{"virgin": "B", "until": 0.5}, {"different_networks": True, "until": 0.75}, {}]
    cure = Cure.model_validate({**CURE, "bonds_per_cycle": 7, "empty_cycles": 3, "rules": rules})
    stages = (Stage(Rule(virgin=("B",)), 0.5), Stage(Rule(different_networks=True), 0.75), Stage())
    expected = Crosslinking({"A": 1, "B": 2}, (("A", "B"),), 15.0, 7, stages, 3, True)
    assert rules_of(reactions, [("A", "B")], cure) == expected


def test_what_is_left_out_is_free_and_between_molecules():
    reactions = Reactions.model_validate({"capacities": {"A": 1}, "bonds": "A-A"})
    rules = rules_of(reactions, [("A", "A")], Cure.model_validate(CURE))
    assert rules.stages == (Stage(Rule(), None),)
    assert not rules.within_molecules


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(("B",)), "only virgin B"),
        (Rule(different_networks=True), "only between different networks"),
        (Rule(), "free"),
        (Rule(("A", "B"), True), "only virgin A and B, only between different networks"),
    ],
)
def test_rules_have_words(rule, words):
    assert rule.description == words
