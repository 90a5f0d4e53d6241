"""Small panels in rows: those of one system stay together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

#: Panels beside each other.
ACROSS = 4

#: Around each panel, inch: labels of neighbours must not meet.
_PAD = 0.06

Entry = TypeVar("Entry")


def rows_of_panels(groups: Mapping[str, Sequence[Entry]], across: int = ACROSS) -> list[list[Entry]]:
    """Panels row by row; every group begins a new one."""
    return [list(own[first : first + across]) for own in groups.values() for first in range(0, len(own), across)]


def panels(figure: Figure, rows: Sequence[Sequence[Entry]]) -> list[tuple[Axes, Entry]]:
    """Axes for each panel, those in one column below each other; places without a panel stay empty."""
    columns = max(len(row) for row in rows)
    # A lone panel as wide as the page would look like another kind of figure.
    grid = figure.subplots(len(rows), max(columns, 2), squeeze=False)
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        engine.set(w_pad=_PAD, h_pad=_PAD, wspace=0.0, hspace=0.0)
    found = []
    for row, line in zip(rows, grid, strict=True):
        found += list(zip(line, row, strict=False))
        for unused in line[len(row) :]:
            unused.remove()
    return found
