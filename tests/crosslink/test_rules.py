import re
from dataclasses import replace

import pytest

from beadsmith.crosslink.rules import Crosslinking, Rule, Stage, check_crosslinking
from beadsmith.errors import ProblemError

STAGES = (Stage(Rule(virgin=("B",)), 0.5), Stage(Rule(different_networks=True), 0.75), Stage())
RULES = Crosslinking({"A": 1, "B": 2}, (("A", "B"),), 15.0, 10, STAGES)


def complaint(rules: Crosslinking, toys) -> str:
    molecules = {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}
    with pytest.raises(ProblemError) as caught:
        check_crosslinking(rules, molecules, "experiments.cure.crosslinking")
    message = str(caught.value)
    assert message.startswith("experiments.cure.crosslinking.")
    assert message.isprintable()
    assert "expected" in message
    return message.removeprefix("experiments.cure.crosslinking.")


@pytest.mark.parametrize(
    "rules",
    [
        RULES,
        replace(RULES, stages=(Stage(),)),
        replace(RULES, stages=(Stage(until=1.0), Stage())),
        replace(RULES, capacities={"A": 3}, reactions=(("A", "A"),), stages=(Stage(),)),
        replace(RULES, capacities={"A": 1, "B": 2, "C": 1}, reactions=(("A", "B"), ("C", "A"), ("C", "C"))),
        replace(RULES, bonds_per_cycle=1, empty_cycles=1),
    ],
)
def test_what_can_work_passes(rules: Crosslinking, toys):
    check_crosslinking(rules, {"resin": toys.linear("ACA"), "hardener": toys.linear("BDB")}, "x")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"capacities": {"A": 0, "B": 2}}, r"capacities\.A: received 0, expected at least 1 bond; leave out"),
        ({"capacities": {"A": 1, "B": 2, "E": 1}}, r"capacities\.E: received a reactive bead that none of resin, hard"),
        ({"capacities": {}}, r"capacities: expected at least one type"),
        ({"reactions": ()}, r"reactions: expected at least one pair"),
        ({"reactions": (("A", "C"),)}, r"reactions: received A-C, expected a pair of A, B; declare how many bonds a"),
        ({"reactions": (("A", "B"), ("B", "A"))}, r"reactions: received B-A twice"),
        ({"reactions": (("A", "A"),)}, r"reactions: expected a reaction of B, which has a capacity"),
        ({"cutoff": 0.0}, r"cutoff: received 0 angstrom, expected a positive distance"),
        ({"cutoff": float("inf")}, r"cutoff: received inf"),
        ({"bonds_per_cycle": 0}, r"bonds_per_cycle: received 0"),
        ({"empty_cycles": 0}, r"empty_cycles: received 0"),
        ({"stages": ()}, r"stages: expected at least one stage"),
        ({"stages": (Stage(until=0.9),)}, r"stages\.1\.until: received 0\.9, expected no end for the last stage"),
        ({"stages": (Stage(), Stage())}, r"stages\.1\.until: expected a degree of crosslinking that ends the stage"),
        ({"stages": (Stage(until=0.5), Stage(until=0.5), Stage())}, r"stages\.2\.until: received 0\.5, expected more"),
        ({"stages": (Stage(until=50), Stage())}, r"stages\.1\.until: received 50, .* \(a fraction, not per cent\)"),
        ({"stages": (Stage(Rule(("D",))),)}, r"stages\.1\.virgin: received D, expected one of A, B"),
    ],
)
def test_what_never_can_gets_one_sentence(changes, expected, toys):
    assert re.match(expected, complaint(replace(RULES, **changes), toys))


def test_rules_have_words():
    assert [stage.rule.description for stage in STAGES] == ["only virgin B", "only between different networks", "free"]
    assert Rule(("A", "B"), True).description == "only virgin A and B, only between different networks"
