"""Formulas: arithmetic as Python's own, names of parameters, and nothing that is no formula."""

import math

import pytest

from beadsmith.problem.formula import parse_formula


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.06 + 0.11 * DC", 1.06 + 0.11 * 0.5),
        ("2 - 3 - 4", -5.0),
        ("-DC ** 2", -0.25),
        ("2 ** 3 ** 2", 512.0),
        ("exp(-DC) / (1 + tanh(DC))", math.exp(-0.5) / (1 + math.tanh(0.5))),
        ("pair.B1.sigma * 2", 11.0),
        ("'bond.B1-B2.length' - 3", 0.25),
        ("7", 7.0),
    ],
)
def test_arithmetic_is_the_usual_one(text: str, value: float):
    values = {"DC": 0.5, "pair.B1.sigma": 5.5, "bond.B1-B2.length": 3.25}

    assert parse_formula(text)(values) == pytest.approx(value, rel=1e-15)


def test_names_are_found_in_order_and_once_also_behind_a_division_by_zero():
    assert parse_formula("1 / (DC - DC) + pair.B1.sigma * T + 'a-b' + DC").names == ("DC", "pair.B1.sigma", "T", "a-b")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "[1, 2]",
        "DC if DC else 1",
        "lambda: 1",
        "exp(1, 2)",
        "open('x')",
        "DC and 1",
        "True",
        "1 +",
        "",
        "f(x).y",
        "1" + "+1" * 6000,
    ],
)
def test_what_is_no_formula_is_refused(text: str):
    with pytest.raises(ValueError, match=r"formula|numbers, names|a name"):
        parse_formula(text)


@pytest.mark.parametrize(
    "text", ["1 / DC", "log(DC)", "sqrt(DC - 1)", "exp(1000 + DC)", "9.9 ** 999", "(DC - 1) ** 0.5"]
)
def test_what_is_no_number_is_no_value(text: str):
    with pytest.raises(ArithmeticError, match="no finite number"):
        parse_formula(text)({"DC": 0.0})
