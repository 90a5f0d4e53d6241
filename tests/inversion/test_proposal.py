"""What is proposed of ranges: how wide they are, and which are narrower than what is known."""

import pytest

from beadsmith.inversion.proposal import SPREAD, Parameters, rules_of, too_narrow

PARAMETERS = Parameters(
    values={"pair.A.epsilon": 0.5, "pair.A.sigma": 4.0, "pair.B.epsilon": 0.206, "bond.A-B.k": 20.0},
    stderrs={"pair.A.epsilon": 0.15, "pair.A.sigma": 0.1, "pair.B.epsilon": 0.306, "bond.A-B.k": 15.0},
    kinds={
        "pair.A.epsilon": "energy",
        "pair.A.sigma": "length",
        "pair.B.epsilon": "energy",
        "bond.A-B.k": "bond stiffness",
    },
)


def test_ranges_are_as_wide_as_asked_for():
    assert rules_of(PARAMETERS, SPREAD)["pair.A.sigma"] == "3.2 to 4.8 angstrom"
    wide = rules_of(PARAMETERS, 0.5)
    assert wide["pair.A.sigma"] == "2 to 6 angstrom"
    assert "fixed" in wide["bond.A-B.k"]


def test_ranges_that_are_narrower_than_the_errors_are_named_with_what_to_do():
    sentence = too_narrow(PARAMETERS, SPREAD)
    assert "pair.A.epsilon (0.5 ± 0.15), pair.B.epsilon (0.206 ± 0.31);" in sentence
    assert "sigma" not in sentence
    assert "bond" not in sentence  # it is held, and has no range
    assert "--spread 0.95" in sentence  # no range may hold 0
    assert "longer trajectories" in sentence


@pytest.mark.parametrize(("error", "advised"), [(0.13, 0.3), (0.34, 0.7)])
def test_what_is_advised_is_enough(error, advised):
    one = Parameters({"pair.A.epsilon": 0.5}, {"pair.A.epsilon": error}, {"pair.A.epsilon": "energy"})
    assert f"--spread {advised:g})" in too_narrow(one, SPREAD)
    assert too_narrow(one, advised) == ""
