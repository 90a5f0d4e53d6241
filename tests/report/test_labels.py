import pytest

from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.report.labels import observable_label, observable_unit, pretty_unit, shortened, state_label, with_unit


def test_names_read_like_words():
    assert observable_label("radius_of_gyration") == "Radius of gyration"
    assert observable_label("Tg_slow") == "Tg slow"
    assert observable_label("youngs_modulus") == "Young's modulus"
    assert observable_label("debye_waller_factor") == "Debye-Waller factor"
    assert observable_label("") == ""


@pytest.mark.parametrize(
    ("unit", "pretty"),
    [("kcal/mol/angstrom^2", "kcal/mol/Å²"), ("g/cm^3", "g/cm³"), ("degree", "°"), ("s^-1", "s⁻¹"), ("", "")],
)
def test_units_read_like_print(unit: str, pretty: str):
    assert pretty_unit(unit) == pretty


def test_units_of_observables(pebax: Problem):
    assert observable_unit(pebax, "density") == "g/cm³"
    assert observable_unit(pebax, "radius_of_gyration") == "Å"
    assert observable_unit(pebax, "glass_transition") == "K"
    assert observable_unit(pebax, "unheard_of") == ""
    assert with_unit("Density", "g/cm³") == "Density (g/cm³)"
    assert with_unit("Number", "") == "Number"


def test_states_carry_units_where_their_variables_have_them():
    assert state_label(State.of(T=150.0, DC=0.5)) == "DC = 0.5, T = 150 K"
    assert state_label(State()) == ""


def test_long_names_are_cut():
    assert shortened("a  b\nc") == "a b c"
    assert len(shortened("x" * 100)) == 36
