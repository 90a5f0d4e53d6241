"""Quantities as people write them: ``"4 fs"``, ``"2.5 to 5 angstrom"``, ``"150 175 200 K"``, ``"150 to 500 by 25 K"``.

The only door through which text becomes a number with a meaning.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from beadsmith.units import EXAMPLE_OF_KIND, UNIT_OF_KIND, convert

# Digits are matched in one way only: "\d+\.?\d*" would try all splits of a long run of them.
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"(?P<unit>[A-Za-zµμÅ°%1][A-Za-zµμÅ°%0-9*/^.() -]{0,40})?"
_ONE = re.compile(rf"\s*(?P<number>{_NUMBER})\s*{_UNIT}\s*$")
_RANGE = re.compile(rf"\s*(?P<low>{_NUMBER})\s+to\s+(?P<high>{_NUMBER})(?:\s+by\s+(?P<step>{_NUMBER}))?\s*{_UNIT}\s*$")
_LIST = re.compile(rf"\s*(?P<numbers>{_NUMBER}(?:\s*,\s*|\s+)(?:{_NUMBER}(?:\s*,\s*|\s+))*{_NUMBER})\s*{_UNIT}\s*$")
_STEPS = re.compile(r"\s*(?P<steps>\d+(?:[eE]\+?\d+)?)\s+steps?\s*$")

#: No list in a problem file is longer than this; "0 to 1e9 by 1e-9 K" is a mistake, not a wish.
LONGEST_LIST = 100_000


def parse_quantity(text: object, kind: str) -> float:
    """One number with a unit.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    words = _as_text(text)
    match = _ONE.match(words)
    # "6 1" is two numbers, and not six of the unit 1.
    if match is None or _LIST.match(words):
        raise ValueError(f"{article(kind)} such as '{EXAMPLE_OF_KIND[kind]}'")
    return _finite(float(match["number"]), match["unit"], kind)


def parse_range(text: object, kind: str) -> tuple[float, float]:
    """``"2.5 to 5 angstrom"``: the two ends of a range, lower one first.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    match = _RANGE.match(_as_text(text))
    if match is None or match["step"]:
        raise ValueError(f"two ends of {article(kind)} and the unit, such as '{_range_example(kind)}'")
    low, high = (_finite(float(match[end]), match["unit"], kind) for end in ("low", "high"))
    if not low < high:
        turned = f"{match['high']} to {match['low']} {match['unit'] or ''}".strip()
        raise ValueError(f"the lower end first, '{turned}'" if high < low else f"two different ends of {article(kind)}")
    return low, high


def parse_ramp(text: object, kind: str) -> tuple[float, float]:
    """``"500 to 300 K"``: what a number is at first and at last, in either order; ``"300 K"`` stays as it is.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    match = _RANGE.match(_as_text(text))
    if match is None or match["step"]:
        try:
            value = parse_quantity(text, kind)
        except ValueError as error:
            high, low = _ends_example(kind)[::-1]
            examples = f"'{EXAMPLE_OF_KIND[kind]}', or a ramp such as '{high:g} to {low:g} {UNIT_OF_KIND[kind]}'"
            raise ValueError(f"{article(kind)} such as {examples}") from error
        return value, value
    first, last = (_finite(float(match[end]), match["unit"], kind) for end in ("low", "high"))
    return first, last


def parse_quantities(text: object, kind: str) -> tuple[float, ...]:
    """``"150 175 200 K"`` or ``"150 to 500 by 25 K"``: several numbers with one unit.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    words = _as_text(text)
    if (match := _RANGE.match(words)) and match["step"]:
        numbers = _steps(float(match["low"]), float(match["high"]), float(match["step"]))
    elif match:
        raise ValueError(f"a step too, such as '{_steps_example(kind)}'")
    elif match := _LIST.match(words):
        numbers = [float(number) for number in re.split(r"[\s,]+", match["numbers"])]
    elif match := _ONE.match(words):
        numbers = [float(match["number"])]
    else:
        raise ValueError(f"one or more numbers and the unit, such as '{_list_example(kind)}'")
    if len(numbers) > LONGEST_LIST:
        raise ValueError(f"at most {LONGEST_LIST} numbers")
    return tuple(_finite(number, match["unit"], kind) for number in numbers)


def parse_duration(text: object, timestep: float) -> int:
    """Number of steps in ``"36 ps"`` or ``"2500 steps"``, at a time step in fs; at least 1.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    if match := _STEPS.match(_as_text(text)):
        steps = float(match["steps"])
    else:
        try:
            steps = parse_quantity(text, "time") / timestep
        except ValueError as error:
            raise ValueError("a time such as '36 ps' or a number of steps such as '2500 steps'") from error
    if not 0 < steps < 2**53:
        raise ValueError("a positive time such as '36 ps' or a number of steps such as '2500 steps'")
    return max(1, round(steps))


def format_quantity(value: float, kind: str, digits: int = 6) -> str:
    """The inverse of :func:`parse_quantity`, rounded to ``digits`` significant digits."""
    return f"{value:.{digits}g} {UNIT_OF_KIND[kind]}".strip()


def check_coefficient(value: float, kind: str) -> None:
    """Force-field numbers that no interaction can have: negative ones, sizes of zero, angles beyond 180 degrees.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    if kind == "angle" and not 0 <= value <= 180:
        raise ValueError("an angle between 0 and 180 degrees")
    if value < 0:
        raise ValueError(f"{article(kind)} that is not negative")
    if value == 0 and kind in ("length", "wave number", "number"):
        raise ValueError(f"{article(kind)} above zero")


def article(kind: str) -> str:
    """``a time``, ``an angle``."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    # Runs of spaces become one: they mean nothing, and patterns would try all ways to split them.
    return " ".join(str(value).split())


def _finite(number: float, unit: str | None, kind: str) -> float:
    if kind != "number" and not unit:
        raise ValueError(f"{article(kind)} with its unit, such as '{EXAMPLE_OF_KIND[kind]}'")
    try:
        value = convert(number, (unit or "").strip(), kind)
    except ValueError as error:
        raise ValueError(f"{article(kind)} such as '{EXAMPLE_OF_KIND[kind]}'") from error
    if not math.isfinite(value):
        raise ValueError(f"a finite number, {article(kind)} such as '{EXAMPLE_OF_KIND[kind]}'")
    return value


def _steps(low: float, high: float, step: float) -> list[float]:
    count = (high - low) / step if step else math.inf
    if not 0 <= count < LONGEST_LIST:
        raise ValueError(f"a step that leads from {low:g} to {high:g} in at most {LONGEST_LIST} points")
    return [low + i * step for i in range(math.floor(count + 1e-9) + 1)]


def _ends_example(kind: str) -> tuple[float, float]:
    number = float(EXAMPLE_OF_KIND[kind].split()[0])
    return number, 1.5 * number


def _range_example(kind: str) -> str:
    low, high = _ends_example(kind)
    return f"{low:g} to {high:g} {UNIT_OF_KIND[kind]}".strip()


def _list_example(kind: str) -> str:
    low, high = _ends_example(kind)
    return f"{low:g} {high:g} {UNIT_OF_KIND[kind]}".strip()


def _steps_example(kind: str) -> str:
    low, high = _ends_example(kind)
    return f"{low:g} to {high:g} by {(high - low) / 5:g} {UNIT_OF_KIND[kind]}".strip()


def _one(kind: str, minimum: float = -math.inf, exclusive: bool = False) -> Any:
    def validate(value: object) -> float:
        number = parse_quantity(value, kind)
        if number < minimum or (exclusive and number == minimum):
            raise ValueError(f"a positive {kind} such as '{EXAMPLE_OF_KIND[kind]}'")
        return number

    schema = {
        "type": ["string", "number"],
        "description": f"{article(kind)}, for example '{EXAMPLE_OF_KIND[kind]}'",
    }
    return Annotated[float, BeforeValidator(validate), WithJsonSchema(schema)]


def _several(kind: str) -> Any:
    schema = {
        "type": ["string", "number"],
        "description": f"one or more numbers with the unit of {article(kind)}: '{_list_example(kind)}'",
    }
    return Annotated[
        tuple[float, ...],
        BeforeValidator(lambda value: parse_quantities(value, kind)),
        WithJsonSchema(schema),
    ]


def _range(kind: str) -> Any:
    schema = {"type": "string", "description": f"a range of {kind}: '{_range_example(kind)}'"}
    return Annotated[
        tuple[float, float], BeforeValidator(lambda value: parse_range(value, kind)), WithJsonSchema(schema)
    ]


def _ramp(kind: str) -> Any:
    schema = {
        "type": ["string", "number"],
        "description": f"{article(kind)}, or a ramp between two: '{EXAMPLE_OF_KIND[kind]}', '{_range_example(kind)}'",
    }
    return Annotated[
        tuple[float, float], BeforeValidator(lambda value: parse_ramp(value, kind)), WithJsonSchema(schema)
    ]


if TYPE_CHECKING:  # what a reader of the types should see
    Length = float
    Time = float
    WallTime = float
    Mass = float
    Density = float
    Temperature = float
    Pressure = float
    PressureRamp = tuple[float, float]
    StrainRate = float
    Temperatures = tuple[float, ...]
    Lengths = tuple[float, ...]
    Times = tuple[float, ...]
    Angles = tuple[float, ...]
    TemperatureRange = tuple[float, float]
else:
    Length = _one("length", 0.0, exclusive=True)
    Time = _one("time", 0.0, exclusive=True)
    WallTime = _one("wall-clock time", 0.0, exclusive=True)
    Mass = _one("mass", 0.0, exclusive=True)
    Density = _one("density", 0.0, exclusive=True)
    Temperature = _one("temperature", 0.0, exclusive=True)
    Pressure = _one("pressure")
    PressureRamp = _ramp("pressure")
    StrainRate = _one("strain rate", 0.0, exclusive=True)
    Temperatures = _several("temperature")
    Lengths = _several("length")
    Times = _several("time")
    Angles = _several("angle")
    TemperatureRange = _range("temperature")
