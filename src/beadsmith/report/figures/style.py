"""One look for all figures: colours that the colour-blind can tell apart, and markers and line styles that grey can."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from beadsmith.report.labels import shortened

LineStyle: TypeAlias = str | tuple[int, tuple[float, ...]]

#: Width of the text of a page, inch; figures are drawn at this width so that their letters keep their size.
WIDTH = 7.3


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

# Colours of M. Okabe and K. Ito, "Color Universal Design" (2008), darkened where they are too pale for paper.
_COMPARED = (
    Look("#C44E00", "s", (0, (5.0, 2.0))),
    Look("#00805C", "^", (0, (6.0, 1.6, 1.2, 1.6))),
    Look("#B0568A", "D", (0, (2.5, 1.2))),
    Look("#B07A00", "v", (0, (8.0, 2.0))),
    Look("#3A7CA5", "P", (0, (3.0, 1.2, 1.0, 1.2, 1.0, 1.2))),
)

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 3.2,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    # Names come from users: a dollar sign in them is no formula.
    "text.parse_math": False,
    # Letters as outlines: the figure looks the same wherever it is opened.
    "svg.fonttype": "path",
    "svg.hashsalt": "beadsmith",
}


@dataclass(frozen=True)
class Picture:
    """A figure for a page.

    Attributes:
        source: data URI of an SVG image.
        text: what it shows, for those who do not see it.
        caption: what to know when reading it.
    """

    source: str
    text: str
    caption: str = ""


def looks_of_compared(number: int) -> Look:
    """The look of the compared model with this index; they repeat after five."""
    return _COMPARED[number % len(_COMPARED)]


def draw(paint: Callable[[Figure], None], height: float, text: str, caption: str = "", width: float = WIDTH) -> Picture:
    """Draw on a fresh figure, without touching what the caller's program draws.

    Args:
        paint: draws.
        height, width: inch.
        text, caption: see :class:`Picture`.
    """
    # What the defaults of this machine say must not matter, and is not changed.
    with mpl.rc_context(), warnings.catch_warnings():
        # A name in letters that the font lacks shows boxes; that is no reason to have no report.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        mpl.rcParams.update({key: value for key, value in mpl.rcParamsDefault.items() if key not in _NOT_STYLE})
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return Picture(f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}", text, caption)


def line_of(look: Look, **more: Any) -> dict[str, Any]:
    """Arguments of a line in this look."""
    face = look.colour if look.filled else "white"
    return {
        "color": look.colour,
        "linestyle": look.line,
        "marker": look.marker,
        "markerfacecolor": face,
        "markeredgecolor": look.colour,
        **more,
    }


def legend_label(text: str) -> str:
    """A label that a legend shows: short, and not hidden for its leading underscore."""
    short = shortened(text)
    return f" {short}" if short.startswith("_") else short


def legend_below(figure: Figure, axes: Sequence[Axes], columns: int = 3) -> None:
    """One legend for several axes, underneath them."""
    entries: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        figure.legend(entries.values(), entries.keys(), loc="outside lower left", ncols=columns)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """A legend right of the axes."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right upper")


_NOT_STYLE = {"backend", "backend_fallback", "toolbar", "interactive", "webagg.open_in_browser"}
