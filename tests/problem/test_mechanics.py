"""What is pulled, followed in time, or breathes: what an experiment cannot show is refused before it is simulated."""

import re

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.state import State
from beadsmith.problem.states import at_states

TENSION = {"stage": "tension", "temperature": "300 K", "rate": "1e10 1/s", "strain": 0.2}


@pytest.fixture
def pulled(network_document):
    network_document["experiments"]["network"]["protocol"].append(dict(TENSION))
    return network_document


def observable(document, **what) -> None:
    document["observables"]["asked"] = {"experiment": "network", **what}


PULLS = [
    {"kind": "youngs_modulus"},
    {"kind": "poissons_ratio", "strain": "0 to 0.05"},
    {"kind": "yield_stress", "offset": 0.03},
    {"kind": "yield_strain"},
    {"kind": "tensile_strength"},
    {"kind": "strain_at_break"},
    {"kind": "stress", "strain": "0.05 to 0.15 by 0.05"},
]


@pytest.mark.parametrize("what", PULLS)
def test_what_is_pulled_needs_a_tension(load, network_document, pulled, complaint, what):
    observable(pulled, **what)
    load(pulled)
    pulled["experiments"]["network"]["protocol"].pop()
    expected = "observables.asked.experiment: received network, expected an experiment whose protocol ends with a stage"
    assert complaint(pulled).startswith(expected)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            {"kind": "stress", "strain": "0.05 to 0.25 by 0.05"},
            r"strain: received a strain of 0\.25, expected at most 0\.2",
        ),
        ({"kind": "youngs_modulus", "strain": "0 to 0.21"}, r"strain: received a strain of 0\.21"),
        ({"kind": "yield_stress", "offset": 0.3}, r"offset: received a strain of 0\.3"),
        ({"kind": "youngs_modulus", "strain": "0.02 to 0"}, r"strain: .*the lower end first"),
        ({"kind": "stress", "strain": "0.1"}, r"strain: "),
    ],
)
def test_strains_beyond_the_pull_are_refused(pulled, complaint, what, expected):
    observable(pulled, **what)
    assert re.match(r"observables\.asked\." + expected, complaint(pulled))


def test_experiments_that_are_not_there_are_refused(pulled, complaint):
    for what in (*PULLS, {"kind": "debye_waller_factor"}, {"kind": "bulk_modulus"}):
        pulled["observables"]["asked"] = {"experiment": "networks", **what}
        message = complaint(pulled)
        assert message.startswith("observables.asked.experiment: received networks, expected one of network; did you")


def test_a_pull_has_a_state_of_its_own(load, pulled, complaint):
    pulled["experiments"]["network"]["protocol"][-1]["temperature"] = "350 K"
    recorded = recorded_states(load(pulled).experiments["network"])
    assert set(recorded) == {State.of(DC=dc, T=t) for dc in (0, 0.5, 0.9) for t in (300, 350)}
    observable(pulled, kind="youngs_modulus")
    target = {"value": "3 GPa", "uncertainty": "1 GPa", "source": "a textbook"}
    pulled["targets"] = {"asked": {"state": {"DC": 0.9, "T": "350 K"}, **target}}
    load(pulled)
    pulled["targets"] = {"asked": {"state": {"DC": 0.9, "T": "300 K"}, **target}}
    assert "these are DC=0, T=350; DC=0.5, T=350; DC=0.9, T=350" in complaint(pulled)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"breaking": {"E-N": "5 angstrom"}}, None),
        ({"breaking": {"N-E": "5 angstrom"}}, r"breaking: received N-E, expected one of E-M, N-M, E-N"),
        ({"breaking": {"E-N": "-5 angstrom"}}, r"breaking\.E-N: "),
        ({"axes": "y x"}, None),
        ({"axes": "x x"}, r"axes: "),
        ({"axes": "w"}, r"axes: "),
        ({"rate": "1e10"}, r"rate: .*strain rate"),
        ({"rate": "0 1/s"}, r"rate: "),
        ({"strain": 0}, r"strain: received 0"),
        ({"strain": 1e-5}, r"strain: received 1e-05, expected more than one step reaches"),
        ({"pressure": "1 to 2 atm"}, r"pressure: "),
    ],
)
def test_pulls_that_never_can_be_get_one_sentence(load, pulled, complaint, changes, expected):
    pulled["experiments"]["network"]["protocol"][-1] |= changes
    if expected is None:
        load(pulled)
    else:
        assert re.match(r"experiments\.network\.protocol\.3\." + expected, complaint(pulled))


def test_nothing_comes_after_a_pull_and_dynamics_before_it(load, pulled, complaint):
    network = pulled["experiments"]["network"]
    relaxed = network["protocol"][:2]
    network["protocol"] = [*relaxed, dict(TENSION), {"stage": "minimize"}]
    expected = r"experiments\.network\.protocol\.3: received tension before minimize, expected tension as the last"
    assert re.match(expected, complaint(pulled))
    network["protocol"] = [*relaxed, dict(TENSION), dict(TENSION)]
    assert "tension before tension" in complaint(pulled)
    network["protocol"] = [{"stage": "minimize"}, dict(TENSION)]
    pulled["observables"] = {"asked": {"kind": "youngs_modulus", "experiment": "network"}}
    assert "expected dynamics before" in complaint(pulled)


def test_isolated_molecules_cannot_be_pulled(document, complaint):
    document["experiments"]["alone"]["protocol"].append(dict(TENSION))
    assert re.match(
        r"experiments\.alone\.protocol\.2: received tension, expected a melt; isolated", complaint(document)
    )


def test_a_melt_can_be_pulled(load, document):
    document["experiments"]["melt"]["protocol"].append(dict(TENSION))
    document["observables"]["asked"] = {"kind": "youngs_modulus", "experiment": "melt"}
    assert recorded_states(load(document).experiments["melt"])[-1] == State.of(T=300)


# Recorded: 2,000 steps of 5 fs in 40 frames, that is every 250 fs for 10,000 fs.
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"kind": "debye_waller_factor", "time": "3 ps"}, None),
        ({"kind": "debye_waller_factor", "time": "0.3 ps", "beads": "E N"}, None),
        ({"kind": "mean_squared_displacement", "t": "0.25 0.5 1 5 ps"}, None),
        ({"kind": "debye_waller_factor", "time": "0.2 ps"}, r"time: received 200 fs, expected at least the 250 fs"),
        (
            {"kind": "debye_waller_factor", "time": "5.1 ps"},
            r"time: received 5100 fs, expected at most half of the 10000",
        ),
        ({"kind": "mean_squared_displacement", "t": "1 6 ps"}, r"t: received 6000 fs, expected at most half"),
        (
            {"kind": "mean_squared_displacement", "t": "0.6 1 ps"},
            r"t: received 600 fs, expected a multiple of the 250 fs",
        ),
        ({"kind": "mean_squared_displacement", "t": "2 1 ps"}, r"t: .*increasing"),
        ({"kind": "mean_squared_displacement", "t": "0 1 ps"}, r"t: .*above zero"),
        ({"kind": "debye_waller_factor", "beads": "E X"}, r"beads: received X, expected one of E, N, M"),
    ],
)
def test_times_must_be_told_by_the_frames(load, network_document, complaint, what, expected):
    observable(network_document, **what)
    if expected is None:
        load(network_document)
    else:
        assert re.match(r"observables\.asked\." + expected, complaint(network_document))


def test_a_first_frame_between_two_multiples_is_not_written(load, network_document, complaint):
    observable(network_document, kind="mean_squared_displacement", t="5 ps")
    protocol = network_document["experiments"]["network"]["protocol"]
    protocol[0]["duration"] = "1001 steps"
    assert "at most half of the 9750 fs that are recorded" in complaint(network_document)
    protocol[0] = {"stage": "minimize"}  # nobody knows how many steps it takes
    assert "at most half of the 9750 fs that are recorded" in complaint(network_document)
    protocol[0] = {"stage": "npt", "temperature": "300 K", "duration": "100 steps"}
    load(network_document)


def test_frames_must_be_recorded_at_all(network_document, complaint):
    observable(network_document, kind="debye_waller_factor")
    network_document["experiments"]["network"]["protocol"][1]["record"] = False
    assert "add 'record: yes' to one of its stages" in complaint(network_document)


def test_a_displacement_has_targets_at_its_times(load, network_document, complaint):
    observable(network_document, kind="mean_squared_displacement", t="1 2 ps")
    target = {"value": "1 2 Å^2", "uncertainty": "0.1 Å^2", "source": "a textbook"}
    state = {"DC": 0.5, "T": "300 K"}
    network_document["targets"] = {"asked": {"state": {**state, "t": "1 2 ps"}, **target}}
    assert [one.state["t"] for one in load(network_document).targets] == pytest.approx([1000, 2000])
    network_document["targets"]["asked"]["state"]["t"] = "1 3 ps"
    assert "targets.asked.state.t: received 3000, expected one of its times, 1000, 2000 fs" in complaint(
        network_document
    )
    del network_document["targets"]["asked"]["state"]["t"]
    assert complaint(network_document).startswith("targets.asked.value: ")


def test_a_box_that_does_not_breathe_has_no_bulk_modulus(load, network_document, complaint):
    observable(network_document, kind="bulk_modulus")
    load(network_document)
    network_document["experiments"]["network"]["protocol"][1]["stage"] = "nvt"
    expected = (
        "observables.asked.experiment: received network, which records nvt, expected an experiment that records at"
    )
    assert complaint(network_document).startswith(expected)


def test_nor_do_isolated_molecules(document, complaint):
    document["observables"]["asked"] = {"kind": "bulk_modulus", "experiment": "alone"}
    assert complaint(document).startswith("observables.asked.experiment: received alone, expected a melt")


def test_a_pull_follows_the_temperature_that_is_asked_for(load, pulled):
    pulled["experiments"]["network"]["protocol"][1]["coupling"] = "anisotropic"
    ((_, at),) = at_states(load(pulled), {"T": (350.0,), "DC": (0.7,)})
    network = at.experiments["network"]
    assert recorded_states(network) == (State.of(DC=0.7, T=350),)
    assert network.protocol[-1].temperature == 350
    assert network.protocol[1].coupling == "anisotropic"
    with pytest.raises(ProblemError, match="received 350, 400, expected one temperature; a protocol that ends with a"):
        at_states(load(pulled), {"T": (350.0, 400.0)})


@pytest.mark.parametrize("degree", [-0.1, 1.1, 90.0])
def test_a_network_has_degrees_between_0_and_1(load, network_document, degree):
    with pytest.raises(ProblemError, match=r"--state DC: received .*, expected degrees of crosslinking"):
        at_states(load(network_document), {"DC": (degree,)})
