"""How figures are drawn: sizes, letters, legends; which model has which look is in :mod:`beadsmith.report.looks`."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from beadsmith.report.formatting import number
from beadsmith.report.labels import shortened
from beadsmith.report.looks import Look

#: Width of the text of a page, inch; figures are drawn at this width so that their letters keep their size.
WIDTH = 7.3


# Room of a legend, inch: a letter, what stands beside a label, a row.
_LETTER, _HANDLE, _ROW = 0.066, 0.6, 0.17

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
        settings: Any = mpl.rcParams  # its type lists every name that this Matplotlib knows
        settings.update({key: value for key, value in mpl.rcParamsDefault.items() if key not in _NOT_STYLE})
        settings.update(_SETTINGS)
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


def legend_label(text: str, limit: int = 36) -> str:
    """A label that a legend shows: at most so many characters, and not hidden for its leading underscore."""
    short = shortened(text, limit)
    return f" {short}" if short.startswith("_") else short


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for several axes, underneath them; the figure grows by what it needs."""
    entries: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    longest = max(len(label) for label in entries)
    columns = max(1, int(figure.get_figwidth() / (_LETTER * longest + _HANDLE)))
    rows = -(-len(entries) // columns)
    figure.set_figheight(figure.get_figheight() + _ROW * rows)
    figure.legend(entries.values(), entries.keys(), loc="outside lower left", ncols=columns)


def legend_beside(figure: Figure, axes: Axes, order: Sequence[str] = ()) -> None:
    """A legend right of the axes.

    Args:
        figure, axes: what to explain, and where.
        order: labels to begin with; Matplotlib would sort them by kind of mark.
    """
    handles, labels = axes.get_legend_handles_labels()
    places = sorted(range(len(labels)), key=lambda i: order.index(labels[i]) if labels[i] in order else len(order))
    if places:
        figure.legend([handles[i] for i in places], [labels[i] for i in places], loc="outside right upper")


def logarithmic(axes: Axes) -> None:
    """A logarithmic vertical axis; its labels need no formulas, which :data:`_SETTINGS` switches off."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    between = LogLocator(subs=(2.0, 5.0)) if high < 300 * low else NullLocator()
    axes.yaxis.set_minor_locator(between)
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.yaxis.set_minor_formatter(FuncFormatter(_tick))


def _tick(value: float, _: int | None = None) -> str:
    """``0.01``, ``1000``, ``10⁵``, ``2×10⁵``."""
    return f"{value:g}" if 1e-4 <= value < 1e5 else number(value, 1).removeprefix("1×")


_NOT_STYLE = {"backend", "backend_fallback", "toolbar", "interactive", "webagg.open_in_browser"}
