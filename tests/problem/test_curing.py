"""Cures that can never work are refused before anything is simulated."""

import re

import pytest

from beadsmith.problem.checks import recorded_states
from beadsmith.problem.state import State
from beadsmith.units import DENSITY_OF_ONE_DALTON


def test_degrees_become_states(load, network_document):
    problem = load(network_document)
    assert recorded_states(problem.experiments["network"]) == tuple(State.of(DC=dc, T=300) for dc in (0, 0.5, 0.9))


@pytest.mark.parametrize(
    ("given", "degrees"),
    [
        ("0 0.5 0.9", (0, 0.5, 0.9)),
        (0.7, (0.7,)),
        ("0 to 0.3 by 0.1", (0, 0.1, 0.2, 0.3)),
        ([0.9, 0, 0.9], (0, 0.9)),
        ("50 %", (0.5,)),
    ],
)
def test_degrees_are_sorted_fractions(load, network_document, given, degrees):
    network_document["experiments"]["network"]["degrees"] = given
    assert load(network_document).experiments["network"].degrees == pytest.approx(degrees)


@pytest.mark.parametrize("given", ["0 50 90", "-0.1", "", "much", "1.01", "0.5 K", []])
def test_other_degrees_are_refused(network_document, complaint, given):
    network_document["experiments"]["network"]["degrees"] = given
    assert complaint(network_document).startswith("experiments.network.degrees: ")


@pytest.mark.parametrize(
    "rules",
    [
        [{}],
        [{"virgin": "E N"}],
        [{"until": 1.0}, {}],
        [{"virgin": "N", "different_networks": True, "until": 0.2}, {"until": 0.3}, {}],
    ],
)
def test_rules_that_can_work_pass(load, network_document, rules):
    network_document["experiments"]["network"]["cure"]["rules"] = rules
    load(network_document)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], r"cure\.rules: "),
        ([{"until": 0.9}], r"cure\.rules\.1\.until: received 0\.9, expected nothing for the last rule"),
        ([{}, {}], r"cure\.rules\.1\.until: received nothing, expected the degree of crosslinking that ends this rule"),
        ([{"until": 0.5}, {"until": 0.5}, {}], r"cure\.rules\.2\.until: received 0\.5, expected more than 0\.5"),
        ([{"until": 50}, {}], r"cure\.rules\.1\.until: received 50"),
        ([{"until": 0}, {}], r"cure\.rules\.1\.until: received 0"),
        ([{"virgin": "M"}], r"cure\.rules\.1\.virgin: received M, expected one of E, N"),
        ([{"virgn": "N"}], r"cure\.rules\.1\.virgn: .*did you mean 'virgin'"),
    ],
)
def test_rules_that_never_can_get_one_sentence(network_document, complaint, rules, expected):
    network_document["experiments"]["network"]["cure"]["rules"] = rules
    assert re.match(r"experiments\.network\." + expected, complaint(network_document))


def test_bonds_reach_at_most_half_the_box(load, network_document, complaint):
    half = 0.5 * ((12 * 170 + 6 * 190) * DENSITY_OF_ONE_DALTON / 0.5) ** (1 / 3)
    cure = network_document["experiments"]["network"]["cure"]
    cure["cutoff"] = f"{half - 0.01} angstrom"
    load(network_document)
    cure["cutoff"] = f"{half + 0.01} angstrom"
    message = complaint(network_document)
    assert message.startswith("experiments.network.cure.cutoff: received ")
    assert f"expected at most half the box, {half:.3g} angstrom at 0.5 g/cm^3" in message
    assert message.endswith("simulate more molecules (experiments.network.molecules)")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"molecules": {"resin": 20}}, r"molecules: received resin, expected molecules that react by E-N"),
        ({"state": {"DC": 0.5}}, r"state\.DC: received 0\.5, .*; name it under degrees"),
        ({"state": {"T": 300}}, r"state\.T: received 300"),
        ({"networks": 0}, r"networks: received 0"),
    ],
)
def test_networks_that_never_can_be_get_one_sentence(network_document, complaint, changes, expected):
    network_document["experiments"]["network"] |= changes
    assert re.match(r"experiments\.network\." + expected, complaint(network_document))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cutoff": "0 angstrom"}, r"cutoff: "),
        ({"cutoff": "-3 angstrom"}, r"cutoff: "),
        ({"bonds_per_cycle": 0}, r"bonds_per_cycle: received 0"),
        ({"empty_cycles": 0}, r"empty_cycles: received 0"),
        ({"relaxation": []}, r"relaxation: "),
        (
            {"preparation": [{"stage": "npt", "temperature": "300", "duration": "1 ps"}]},
            r"preparation\.1\.temperature: ",
        ),
        ({"relaxation": [{"stage": "tension", "temperature": "3 K", "rate": "1 1/s", "strain": 1}]}, r"relaxation\.1"),
    ],
)
def test_cures_that_never_can_work_get_one_sentence(network_document, complaint, changes, expected):
    network_document["experiments"]["network"]["cure"] |= changes
    assert re.match(r"experiments\.network\.cure\." + expected, complaint(network_document))


def test_a_network_needs_reactions(network_document, complaint):
    del network_document["reactions"]
    expected = "experiments.network.kind: received network, expected a section 'reactions'"
    assert complaint(network_document).startswith(expected)


def test_observables_may_name_bonds_that_only_a_cure_makes(load, network_document, complaint):
    observables = network_document["observables"]
    observables["length"] = {"kind": "bond_length", "experiment": "network", "bond": "E-N"}
    observables["bend"] = {"kind": "bond_angle", "experiment": "network", "angle": "E-N-E"}
    load(network_document)
    observables["length"]["molecule"] = "resin"
    assert complaint(network_document).startswith("observables.length.bond: received E-N, expected one of E-M")
    observables["length"] = {"kind": "bond_length", "experiment": "network", "bond": "E-E"}
    assert complaint(network_document).startswith("observables.length.bond: received E-E")


def test_targets_hold_at_degrees(load, network_document, complaint):
    target = {"value": "1 1.1 g/cm^3", "uncertainty": "0.01 g/cm^3", "source": "a textbook"}
    network_document["targets"] = {"density": {"state": {"DC": "0 0.9", "T": "300 K"}, **target}}
    assert [one.state["DC"] for one in load(network_document).targets] == [0, 0.9]
    network_document["targets"]["density"]["state"]["DC"] = "0 0.8"
    assert "DC=0.8" in complaint(network_document)
