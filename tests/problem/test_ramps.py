"""Ramps of temperature and pressure, and how the edges of a box are coupled."""

import re

import pytest


def stage(document, **changes):
    document["experiments"]["melt"]["protocol"][1] |= changes
    return document


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("1 atm", (1, 1)),
        ("100 to 0 atm", (100, 0)),
        ("0 to 100 atm", (0, 100)),
        ("-10 atm", (-10, -10)),
        ("101325 Pa", (1, 1)),
        ("1 to 2 bar", (0.986923, 1.973847)),
    ],
)
def test_pressures_may_change(load, document, text, ends):
    found = load(stage(document, pressure=text)).experiments["melt"].protocol[1]
    assert found.pressure == pytest.approx(ends, rel=1e-6)


def test_a_pressure_stays_unless_said_otherwise_and_edges_change_together(load, document):
    found = load(document).experiments["melt"].protocol[1]
    assert found.pressure == (1, 1)
    assert found.coupling == "isotropic"


@pytest.mark.parametrize("text", ["100 to 0", "100 K", "100 to 0 by 10 atm", "a lot", "1 2 atm", "to 3 atm"])
def test_other_pressures_are_refused(document, complaint, text):
    message = complaint(stage(document, pressure=text))
    assert re.match(r"experiments\.melt\.protocol\.2\.pressure: .*, expected a pressure .*such as '1 atm'", message)


def test_other_couplings_are_refused(document, complaint):
    assert re.match(r"experiments\.melt\.protocol\.2\.coupling", complaint(stage(document, coupling="xyz")))


def test_a_ramp_of_pressure_is_not_recorded(load, document, complaint):
    ramp = stage(document, pressure="100 to 0 atm", record=True)
    expected = "experiments.melt.protocol.2.record: received yes for a ramp, expected one pressure while recording"
    assert complaint(ramp).startswith(expected)
    load(stage(document, pressure="100 to 0 atm", record=False))
    load(stage(document, pressure="100 atm", record=True))
