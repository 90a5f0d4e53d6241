import doctest
import math

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from beadsmith.report import formatting
from beadsmith.report.formatting import core_time, count, decimals_of_error, given, number, own_decimals, share, written


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        pytest.param(4.4712, 0.1499, "4.47 ± 0.15", id="two digits of error"),
        pytest.param(1.23456, 0.0100, "1.235 ± 0.010", id="a zero is a digit"),
        pytest.param(1.23456, 0.09996, "1.23 ± 0.10", id="rounding up to the next decade"),
        pytest.param(1.23456, 0.0994, "1.235 ± 0.099", id="just not rounding up"),
        pytest.param(378.1, 80.0, "378 ± 80", id="tens"),
        pytest.param(12345.0, 150.0, "12340 ± 150", id="hundreds: rounded digits become zeros"),
        pytest.param(-0.004, 0.02, "−0.004 ± 0.020", id="a true minus"),
        pytest.param(-0.0004, 0.02, "0.000 ± 0.020", id="no minus before zero"),
        pytest.param(0.00053, 0.00002, "0.000530 ± 0.000020", id="small but plain"),
        pytest.param(5.3e-7, 2.1e-8, "(5.30 ± 0.21)×10⁻⁷", id="power of ten"),
        pytest.param(1.234e8, 5.6e6, "(1.234 ± 0.056)×10⁸", id="large power of ten"),
        pytest.param(0.0, 3.2e-9, "(0.0 ± 3.2)×10⁻⁹", id="zero with a tiny error"),
        pytest.param(1.25, 0.0, "1.25 ± 0", id="no error at all"),
        pytest.param(1.25, math.inf, "1.25 ± ?", id="error infinite"),
        pytest.param(1.25, math.nan, "1.25 ± ?", id="error not a number"),
        pytest.param(math.nan, 0.1, "–", id="value not a number"),
        pytest.param(math.inf, 0.1, "–", id="value infinite"),
        pytest.param(math.nan, math.inf, "–", id="nothing known"),
    ],
)
def test_value_and_error_have_matching_digits(value: float, stderr: float, text: str):
    assert written(value, stderr).text == text


def test_the_compact_form_has_no_spaces():
    assert written(4.4712, 0.1499).compact == "4.47±0.15"
    assert written(5.3e-7, 2.1e-8).compact == "(5.30±0.21)×10⁻⁷"


@pytest.mark.parametrize(
    ("value", "stderr", "own", "text"),
    [
        pytest.param(1.2344, 0.01, 4, "1.2344 ± 0.0100", id="own digits"),
        pytest.param(4.47, 0.15, 3, "4.470 ± 0.150", id="those of its siblings"),
        pytest.param(4.47, 0.15, 2, "4.47 ± 0.15", id="as many as its error"),
        pytest.param(1.05, 0.001, 2, "1.0500 ± 0.0010", id="fewer than its error"),
        pytest.param(298.149999, 12.0, 6, "298.1 ± 12.0", id="never many more than its error"),
        pytest.param(378.1, 80.0, 1, "378.1 ± 80.0", id="tens"),
        pytest.param(5.3e-7, 2.1e-8, 8, "(5.30 ± 0.21)×10⁻⁷", id="power of ten"),
        pytest.param(1.2344, math.inf, 4, "1.23 ± ?", id="error unknown"),
    ],
)
def test_a_declared_value_keeps_its_digits(value: float, stderr: float, own: int, text: str):
    assert given(value, stderr, own).text == text


def test_own_decimals_are_the_most_of_all():
    assert own_decimals([4.47, 4.471, 5.0]) == 3
    assert own_decimals([]) == 0
    assert own_decimals([1e-9, 3.0]) == 0


@examples(
    st.floats(-1e5, 1e5),
    st.floats(1e-5, 1e4),
)
def test_what_is_printed_is_what_is_meant(value: float, stderr: float):
    shown = written(value, stderr)
    if shown.power:
        return
    assert abs(float(shown.value.replace("−", "-")) - value) <= 0.06 * stderr
    assert float(shown.error) == pytest.approx(stderr, rel=0.051)
    assert len(shown.value.partition(".")[2]) == len(shown.error.partition(".")[2]) == max(decimals_of_error(stderr), 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.25"), (-0.25, "−0.25"), (1.5e-9, "1.5×10⁻⁹"), (-2e12, "−2×10¹²"), (math.inf, "∞"), (-math.inf, "−∞")],
)
def test_numbers_without_error(value: float, text: str):
    assert number(value) == text


def test_not_a_number_is_a_dash():
    assert number(math.nan) == "–"


def test_counts_and_shares():
    assert [count(n, "evaluation") for n in (0, 1, 2)] == ["no evaluations", "1 evaluation", "2 evaluations"]
    assert share(3, 60) == "3 of 60 (5 %)"
    assert share(0, 0) == "0 of 0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 core-seconds"),
        (119.6, "120 core-seconds"),
        (120, "2.0 core-minutes"),
        (7200, "2 core-hours"),
        (7.2e7, "20,000 core-hours"),
    ],
)
def test_times_have_fitting_units(seconds: float, text: str):
    assert core_time(seconds) == text


def test_examples_in_the_docstrings():
    failed, tried = doctest.testmod(formatting)
    assert tried
    assert not failed
