"""Numbers as a reader wants them: value and error with matching digits, counts with their noun, fitting units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: Significant digits of an error.
ERROR_DIGITS = 2
#: Values from here up, and errors that need more decimals than this, are written with a power of ten.
LARGEST_PLAIN = 1e6
MOST_DECIMALS = 6
#: Stands for a number that does not exist, and for an error that is not known.
ABSENT = "–"
UNKNOWN = "?"
#: A target may show so many decimals more than its error asks for, because it was given with them.
EXTRA_DECIMALS = 1

#: Digits and signs of powers, for :meth:`str.translate`.
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Written:
    """A number ready to print, its parts apart so that a table can align them.

    Attributes:
        value: digits of the value.
        error: digits of its error; empty if it has none.
        power: ``×10⁻⁴`` if both are to be multiplied by it; empty otherwise.
    """

    value: str
    error: str = ""
    power: str = ""

    @property
    def text(self) -> str:
        """``1.234 ± 0.010``, or ``(5.30 ± 0.20)×10⁻⁴``."""
        return self._joined(" ± ")

    @property
    def compact(self) -> str:
        """``1.234±0.010``, for narrow columns."""
        return self._joined("±")

    def _joined(self, sign: str) -> str:
        if not self.error:
            return f"{self.value}{self.power}"
        both = f"{self.value}{sign}{self.error}"
        return f"({both}){self.power}" if self.power else both


def written(value: float, stderr: float) -> Written:
    """A measured value: the error has two significant digits, the value as many decimals.

    An infinite or missing error (measured once, or not determined) is a question mark; a value that is no number is
    a dash.

    >>> written(4.4712, 0.1499).text
    '4.47 ± 0.15'
    >>> written(0.00053, 0.00002).text
    '0.000530 ± 0.000020'
    """
    if not math.isfinite(value):
        return Written(ABSENT)
    if not math.isfinite(stderr):
        return Written(number(value, 3), UNKNOWN)
    if stderr <= 0:
        return Written(number(value, 6), "0")
    decimals = decimals_of_error(stderr)
    if decimals > MOST_DECIMALS or abs(value) >= LARGEST_PLAIN or stderr >= LARGEST_PLAIN:
        return _scientific(value, stderr)
    return _rounded(value, stderr, decimals)


def given(value: float, stderr: float, own: int) -> Written:
    """A value that somebody declared: it keeps its own decimals where its error leaves room for them.

    Args:
        value, stderr: the value and its uncertainty.
        own: decimals with which it was declared (:func:`own_decimals`).

    >>> given(1.2344, 0.01, 4).text
    '1.2344 ± 0.0100'
    """
    plain = written(value, stderr)
    if plain.power or plain.error in ("", "0", UNKNOWN):
        return plain
    decimals = decimals_of_error(stderr)
    return _rounded(value, stderr, max(decimals, 0) + EXTRA_DECIMALS) if own > decimals else plain


def own_decimals(values: Iterable[float]) -> int:
    """The most decimals that any of several values was declared with: 2 for 4.47 and 4.5."""
    return max((len(f"{value:.6g}".partition(".")[2]) for value in values if "e" not in f"{value:.6g}"), default=0)


def number(value: float, digits: int = 4) -> str:
    """A number without error.

    >>> number(-0.25)
    '−0.25'
    >>> number(1.5e-9)
    '1.5×10⁻⁹'
    """
    if math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    return _signed(mantissa) + (_power(int(exponent)) if exponent else "")


def count(amount: int, noun: str) -> str:
    """``1 evaluation``, ``2 evaluations``, ``no evaluations``."""
    return f"{amount or 'no'} {noun}{'' if amount == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """``3 of 60 (5 %)``."""
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else f"{part} of {whole}"


def core_time(seconds: float) -> str:
    """Processor time.

    >>> core_time(42), core_time(900), core_time(9000)
    ('42 core-seconds', '15.0 core-minutes', '2.5 core-hours')
    """
    if seconds < 120:
        return f"{seconds:.0f} core-seconds"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.1f} core-minutes"
    return f"{seconds / 3600:.3g} core-hours" if seconds < 1e3 * 3600 else f"{seconds / 3600:,.0f} core-hours"


def decimals_of_error(stderr: float) -> int:
    """Decimals that show two significant digits of an error; negative where tens or hundreds are rounded.

    Rounding comes first: 0.09996 is 0.10 and needs two decimals, not three.
    """
    exponent = int(f"{stderr:.{ERROR_DIGITS - 1}e}".partition("e")[2])
    return ERROR_DIGITS - 1 - exponent


def _rounded(value: float, stderr: float, decimals: int) -> Written:
    # Zeros in place of digits that were rounded away: 378 ± 80 keeps all its digits, 12340 ± 150 gets a zero.
    shown = max(decimals, 0)
    return Written(_signed(f"{round(value, decimals):.{shown}f}"), f"{round(stderr, decimals):.{shown}f}")


def _scientific(value: float, stderr: float) -> Written:
    exponent = math.floor(math.log10(max(abs(value), stderr)))
    decimals = max(decimals_of_error(stderr) + exponent, 0)
    scale = 10.0**-exponent
    return Written(_signed(f"{value * scale:.{decimals}f}"), f"{stderr * scale:.{decimals}f}", _power(exponent))


def _power(exponent: int) -> str:
    return f"×10{str(exponent).translate(SUPERSCRIPTS)}"


def _signed(digits: str) -> str:
    """With a true minus sign, and none before zero."""
    if digits.startswith("-"):
        return digits[1:] if not digits.strip("-0.") else f"−{digits[1:]}"
    return digits
