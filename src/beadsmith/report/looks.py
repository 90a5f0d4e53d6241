"""How models look, in figures and in tables: the same everywhere, also for eyes and printers that see few colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from beadsmith.report.findings import Subject

LineStyle: TypeAlias = str | tuple[int, tuple[float, ...]]


@dataclass(frozen=True)
class Look:
    """How one model appears in every figure.

    Attributes:
        filled: whether its marker is; the result's is.
    """

    colour: str
    marker: str
    line: LineStyle
    filled: bool = False


TARGET = Look("#000000", "o", "-")
RESULT = Look("#0072B2", "o", "-", filled=True)
START = Look("#7a7a7a", "x", (0, (1.0, 1.6)))

# Of a renormalization: what a calibration predicts, the same with fewer numbers, and what is simulated of it.
CALIBRATED = Look(RESULT.colour, "", "-")
SIMPLIFIED = Look("#C44E00", "", (0, (5.0, 1.8)))
SIMULATED = Look("#00805C", "s", "", filled=True)
PUBLISHED = Look("#8A8A8A", "", (0, (1.0, 1.4)))

# Colours of M. Okabe and K. Ito, "Color Universal Design" (2008), darkened where they are too pale for paper.
_COMPARED = (
    Look("#C44E00", "s", (0, (5.0, 2.0))),
    Look("#00805C", "^", (0, (6.0, 1.6, 1.2, 1.6))),
    Look("#B0568A", "D", (0, (2.5, 1.2))),
    Look("#B07A00", "v", (0, (8.0, 2.0))),
    Look("#3A7CA5", "P", (0, (3.0, 1.2, 1.0, 1.2, 1.0, 1.2))),
    Look("#6B4C93", "<", (0, (1.0, 2.5))),
    Look("#5F6B00", ">", (0, (10.0, 1.5, 2.0, 1.5))),
    Look("#9C1C3C", "h", (0, (5.0, 1.0, 1.0, 1.0, 1.0, 1.0))),
)


#: Colours of systems, none of which stands for a model above.
_SYSTEMS = ("#6B4C93", "#B07A00", "#9C1C3C", "#5F6B00", "#B0568A", "#3A7CA5")


def colour_of_system(place: int) -> str:
    """The colour of the system at this place; they repeat after six."""
    return _SYSTEMS[place % len(_SYSTEMS)]


def look_of(model: Subject) -> Look:
    """The look of a model; those of compared models repeat after eight."""
    if model.result:
        return RESULT
    return START if model.place is None else look_of_place(model.place)


def look_of_place(place: int) -> Look:
    """The look of the compared model at this place."""
    return _COMPARED[place % len(_COMPARED)]
