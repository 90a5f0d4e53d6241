"""Distributions in the problem file: their bins, what they speak of, their units and their targets."""

import numpy as np
import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.schema import AngleDistribution, BondDistribution, RadialDistribution
from beadsmith.problem.state import State
from beadsmith.problem.states import at_states
from beadsmith.problem.targets import quantity_of, unit_of
from beadsmith.units import DENSITY_OF_ONE_DALTON, UNIT_OF_KIND

RDF = {"kind": "radial_distribution", "experiment": "melt", "r": "3 to 10 by 0.5 angstrom"}
BONDS = {"kind": "bond_distribution", "experiment": "alone", "bond": "A-B", "r": "2.5 to 4.5 by 0.1 angstrom"}
ANGLES = {"kind": "angle_distribution", "experiment": "alone", "theta": "65 to 175 by 10 degree"}
LENGTH = {"kind": "bond_length", "experiment": "alone"}
ANGLE = {"kind": "bond_angle", "experiment": "melt", "angle": "A-B-B"}
EXPECTED = "the middle of one of the bins, 3 to 10 by 0.5"


@pytest.fixture
def observed(document):
    """The small melt with one observable of each new kind."""
    document["observables"] |= {"rdf": dict(RDF), "bonds": dict(BONDS), "angles": dict(ANGLES)}
    document["observables"] |= {"length": dict(LENGTH), "angle": dict(ANGLE)}
    return document


def target(state, value="1 0.9", uncertainty="0.1"):
    return {"state": state, "value": value, "uncertainty": uncertainty, "source": "a textbook"}


def test_bins_are_said_by_their_centres_and_touch_each_other(load, observed):
    found = load(observed).observables
    rdf, angles = found["rdf"], found["angles"]
    assert isinstance(rdf, RadialDistribution)
    assert isinstance(angles, AngleDistribution)
    assert rdf.centres == pytest.approx(np.arange(3, 10.1, 0.5))
    assert rdf.edges == pytest.approx(np.arange(2.75, 10.3, 0.5))
    assert rdf.states(State.of(T=300))[1] == State.of(T=300, r=3.5)
    assert angles.edges == pytest.approx(np.arange(60, 181, 10))
    assert angles.states(State())[0] == State.of(theta=65)
    assert not rdf.intramolecular


def test_lengths_and_angles_come_in_any_unit(load, observed):
    observed["observables"]["rdf"]["r"] = "0.3 to 1 by 0.05 nm"
    observed["observables"]["angles"]["theta"] = "0.5 1.5 2.5 rad"
    found = load(observed).observables
    assert found["rdf"].centres == pytest.approx(np.arange(3, 10.1, 0.5))
    assert found["angles"].centres == pytest.approx(np.degrees([0.5, 1.5, 2.5]))


@pytest.mark.parametrize(
    ("name", "entries", "fragment"),
    [
        ("rdf", {"r": "0.25 to 2 by 0.5 angstrom"}, None),
        (
            "rdf",
            {"r": "0.2 to 2 by 0.5 angstrom"},
            "rdf.r: received 0.2 to 2 by 0.5 angstrom, expected bins that begin",
        ),
        ("rdf", {"r": "3 angstrom"}, "rdf.r: received 3 angstrom, expected two or more centres of bins, evenly spaced"),
        ("rdf", {"r": "3 4 5.5 angstrom"}, "evenly spaced and increasing, such as '3 to 9 by 0.5 angstrom'"),
        ("rdf", {"r": "5 to 3 by -0.5 angstrom"}, "evenly spaced and increasing"),
        ("rdf", {"r": "3 to 9 by 0.5"}, "rdf.r: received 3 to 9 by 0.5, expected a length with its unit"),
        ("rdf", {"r": "3 to 9 angstrom"}, "expected a step too"),
        ("rdf", {"pair": "A-B"}, None),
        ("rdf", {"pair": "B-A"}, "rdf.pair: received B-A, expected one of A-A, A-B, B-B"),
        ("rdf", {"pair": "A"}, "rdf.pair: received A, expected one of A-A, A-B, B-B"),
        ("rdf", {"experiment": "alone"}, "in vacuum there is no radial distribution"),
        ("rdf", {"bond": "A-B"}, "rdf.bond: received the key 'bond', expected one of experiment, kind, pair"),
        ("bonds", {"bond": "A-A"}, "bonds.bond: received A-A, expected one of A-B, B-B"),
        ("bonds", {"molecule": "chian"}, "bonds.molecule: received chian, expected one of chain; did you mean chain?"),
        ("bonds", {"per": "volume"}, None),
        ("bonds", {"per": "angle"}, "bonds.per: received angle, expected one of length, volume"),
        ("angles", {"angle": "A-B-A"}, "angles.angle: received A-B-A, expected one of A-B-B"),
        ("angles", {"theta": "65 to 180 by 10 degree"}, None),
        ("angles", {"theta": "70 to 180 by 10 degree"}, "bins that end at 180 degrees or below: a last centre of 175"),
        ("angles", {"theta": "65 75 95 degree"}, "evenly spaced and increasing, such as '65 to 175 by 10 degree'"),
        ("angles", {"experiment": "malt"}, "angles.experiment: received malt, expected one of melt, alone"),
        ("length", {"bond": "A-C"}, "length.bond: received A-C, expected one of A-B, B-B; did you mean"),
        ("angle", {"angle": "B-B-A"}, "angle.angle: received B-B-A, expected one of A-B-B"),
    ],
)
def test_what_they_speak_of_must_exist(load, observed, complaint, name, entries, fragment):
    observed["observables"][name] |= entries
    if fragment is None:
        load(observed)
    else:
        message = complaint(observed)
        assert message.startswith("observables.")
        assert fragment in message


@pytest.mark.parametrize(("name", "kind"), [("bonds", "bond"), ("length", "bond"), ("angles", "angle")])
def test_single_beads_have_neither_bonds_nor_angles(document, complaint, name, kind):
    document["molecules"] = {"chain": {"beads": "A"}}
    document["beads"] = {"A": {"mass": "50 g/mol"}}
    document["parameters"] = {"pair.*.epsilon": "0.2 to 1.2 kcal/mol", "pair.*.sigma": "3.5 to 5.5 angstrom"}
    document["experiments"]["melt"]["molecules"] = {"chain": 400}
    document["observables"][name] = {"bonds": BONDS, "length": LENGTH, "angles": ANGLES}[name]
    article = {"bond": "a bond", "angle": "an angle"}[kind]
    assert f"expected molecules of experiment alone that have {article}" in complaint(document)


def test_bonds_are_those_of_the_molecules_of_the_experiment(load, observed, complaint):
    observed["beads"]["C"] = {"mass": "70 g/mol"}
    observed["molecules"]["pair"] = {"beads": "A C"}
    load(observed)
    observed["observables"]["bonds"]["bond"] = "A-C"
    assert "bonds.bond: received A-C, expected one of A-B, B-B" in complaint(observed)
    observed["observables"]["bonds"]["bond"] = "A-B"
    observed["observables"]["rdf"]["pair"] = "A-C"
    assert "rdf.pair: received A-C, expected one of A-A, A-B, B-B" in complaint(observed)
    observed["experiments"]["melt"]["molecules"]["pair"] = 10
    observed["observables"]["length"] |= {"experiment": "melt", "bond": "A-C", "molecule": "pair"}
    load(observed)
    observed["observables"]["length"]["bond"] = "A-B"
    assert "length.bond: received A-B, expected one of A-C" in complaint(observed)
    observed["observables"]["angle"] |= {"molecule": "pair"}
    observed["observables"]["length"]["bond"] = "A-C"
    assert "received A-B-B, expected molecules 'pair' of experiment melt that have an angle" in complaint(observed)


def test_a_radial_distribution_ends_within_half_the_box(load, observed, complaint):
    half = 0.5 * (100 * 220 * DENSITY_OF_ONE_DALTON / 0.8) ** (1 / 3)
    observed["observables"]["rdf"]["r"] = f"{half - 1.01} {half - 0.51} angstrom"
    load(observed)
    observed["observables"]["rdf"]["r"] = f"{half - 0.75} {half - 0.24} angstrom"
    message = complaint(observed)
    assert message.startswith("observables.rdf.r: received bins up to")
    assert f"expected at most half the box of experiment melt, {half:.3g} angstrom at 0.8 g/cm^3" in message
    assert "end earlier, or simulate more molecules (experiments.melt.molecules)" in message


def test_units_follow_the_measure(load, observed):
    found = load(observed).observables
    assert [unit_of(found[name]) for name in ("rdf", "bonds", "angles", "length", "angle")] == [
        "", "1/angstrom", "1/degree", "angstrom", "degree",
    ]  # fmt: skip
    in_space = [
        BondDistribution.model_validate({**BONDS, "per": "volume"}),
        AngleDistribution.model_validate({**ANGLES, "per": "solid_angle"}),
    ]
    assert [unit_of(one) for one in in_space] == ["1/angstrom^3", "1/sr"]
    assert {quantity_of(one) for one in (*found.values(), *in_space)} <= UNIT_OF_KIND.keys()


@pytest.mark.parametrize(
    ("name", "state", "value", "uncertainty", "values"),
    [
        ("rdf", {"T": "300 K", "r": "3 3.5 angstrom"}, "1 0.9", "0.1", (1, 0.9)),
        ("bonds", {"T": "300 K", "r": "0.36 0.37 nm"}, "0.5 0.6 1/angstrom", "1 1/nm", (0.5, 0.6)),
        ("angles", {"T": "300 K", "theta": "95 105 degree"}, "0.01 0.02 1/degree", "0.1 1/rad", (0.01, 0.02)),
        ("length", {"T": "300 K"}, "0.36 nm", "0.1 angstrom", (3.6,)),
        ("angle", {"T": "300 K"}, "120 degree", "0.1 rad", (120,)),
    ],
)
def test_targets_stand_at_the_middle_of_bins(load, observed, name, state, value, uncertainty, values):
    observed["targets"] = {name: target(state, value, uncertainty)}
    found = load(observed).targets
    assert [one.value for one in found] == pytest.approx(values)
    assert all(one.state["T"] == 300 for one in found)


def test_a_whole_curve_of_targets_is_one_line(load, observed):
    values = " ".join(["1"] * 15)
    observed["targets"] = {"rdf": target({"T": "300 K", "r": "3 to 10 by 0.5 angstrom"}, values)}
    found = load(observed).targets
    assert [one.state for one in found] == load(observed).observables["rdf"].states(State.of(T=300))


@pytest.mark.parametrize(
    ("state", "fragment"),
    [
        (
            {"T": "300 K", "r": "3 3.2 angstrom"},
            f"targets.rdf.state.r: received 3.2, expected {EXPECTED}; change it, or r",
        ),
        ({"T": "300 K", "r": "2.5 3 angstrom"}, f"targets.rdf.state.r: received 2.5, expected {EXPECTED}"),
        ({"T": "300 400 K"}, f"targets.rdf.state.r: received nothing, expected {EXPECTED}; add 'r: ...', one for each"),
        ({"T": "350 K", "r": "3 3.5 angstrom"}, "targets.rdf.state: received T=350, expected one of the states that"),
        (
            {"r": "3 3.5 angstrom"},
            "targets.rdf.state: received no state, expected one of the states that experiment melt",
        ),
        ({"T": "300 K", "r": "3 3.5 K"}, "targets.rdf.state.r: received 3 3.5 K, expected a length such as"),
        ({"T": "300 K", "r": "3 3 angstrom"}, "targets.rdf.state: received T=300, r=3 twice, expected each state once"),
        ({"T": "300 K", "theta": "65 75 degree"}, "targets.rdf.state.r: received nothing"),
    ],
)
def test_a_target_between_the_bins_or_at_another_state_is_refused(observed, complaint, state, fragment):
    observed["targets"] = {"rdf": target(state)}
    assert fragment in complaint(observed)


def test_a_coordinate_is_no_state_variable(load, document, complaint, tmp_path):
    document["experiments"]["alone"]["state"] = {"R": 0.5}
    load(document)
    document["experiments"]["alone"]["state"] = {"r": 0.5}
    assert complaint(document).startswith(
        "experiments.alone.state.r: received 0.5, expected a state variable of another"
    )
    del document["experiments"]["alone"]["state"]
    (tmp_path / "in.own").write_text("units real\n")
    own = {
        "kind": "script",
        "script": "in.own",
        "timestep": "1 fs",
        "recordings": [{"state": {"theta": 3}, "log_run": 0}],
    }
    document["experiments"]["own"] = own
    assert complaint(document).startswith(
        "experiments.own.state.theta: received 3, expected a state variable of another"
    )


def test_evaluations_at_another_temperature_keep_the_targets_there(load, observed):
    observed["targets"] = {"rdf": target({"T": "300 400 K", "r": "3 angstrom"})}
    problem = load(observed)
    ((_, hot),) = at_states(problem, {"T": (400.0, 425.0)})
    assert [one.state for one in hot.targets] == [State.of(T=400, r=3)]
    with pytest.raises(ProblemError, match=r"--state r: received 3, expected a variable that a simulation can have"):
        at_states(problem, {"r": (3.0,)})
