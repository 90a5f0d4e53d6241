"""Pictures of an inversion: every bond, every angle and every radial distribution function, with what was fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from beadsmith.inversion.bonded import BondedTerm
from beadsmith.inversion.radial import PairGuess, Radial
from beadsmith.problem.recording import Array
from beadsmith.report.looks import CALIBRATED, RESULT, SIMPLIFIED

#: Panels in a row.
_COLUMNS = 4
_TARGET = "#222222"


def draw_bonded(path: Path, terms: Sequence[BondedTerm]) -> None:
    """Distributions of bonds or of angles with their harmonic fits and sums of wells; nothing for no terms."""

    def panel(axes: Any, number: int) -> None:
        term, curve = terms[number], terms[number].curve
        _band(axes, curve.x, curve.density, curve.stderr, "trajectory, ±1 standard error")
        axes.plot(curve.x, curve.fit, color=RESULT.colour, label="harmonic")
        if term.wells > 1:
            axes.plot(curve.x, curve.mixture, color=SIMPLIFIED.colour, ls=SIMPLIFIED.line, label="sum of Gaussians")
        unit, stiffness = ("Å", "kcal/mol/Å²") if term.section == "bond" else ("°", "kcal/mol/rad²")
        axes.set_title(f"{term.name}: K = {term.k:.3g} {stiffness}, {term.centre:.4g} {unit}", fontsize=8)
        axes.set_xlabel("length / Å" if term.section == "bond" else "angle / °")
        axes.set_ylabel("density / Å⁻¹" if term.section == "bond" else "density / degree⁻¹")
        axes.set_ylim(bottom=0, top=1.45 * float(max(curve.density.max(), curve.fit.max())))

    _draw(path, len(terms), panel)


def draw_radial(
    path: Path, found: Sequence[tuple[str, Sequence[tuple[str, Radial]], PairGuess | None, Array | None]]
) -> None:
    """Radial distribution functions between molecules.

    Args:
        path: PNG to write.
        found: for each pair: its name; label and function in every state; its guess; what an iteration gave in the
            first state.
    """

    def panel(axes: Any, number: int) -> None:
        name, functions, guess, iterated = found[number]
        for place, (label, one) in enumerate(functions):
            colour = _TARGET if place == 0 else f"C{place}"
            _band(axes, one.r, one.g, one.stderr, label, colour)
        if iterated is not None:
            axes.plot(functions[0][1].r, iterated, color=CALIBRATED.colour, ls="--", label="iterated")
        if guess is not None:
            axes.axvline(guess.sigma, color=SIMPLIFIED.colour, ls=SIMPLIFIED.line, lw=1, label="σ")
            title = f"{name}: ε = {guess.epsilon:.2g} ± {guess.epsilon_stderr:.1g} kcal/mol, σ = {guess.sigma:.3g} Å"
            axes.set_title(title, fontsize=8)
        axes.axhline(1.0, color="#bbbbbb", lw=0.6, zorder=0)
        axes.set_xlabel("distance / Å")
        axes.set_ylabel("g(r) between molecules")
        shown = functions[0][1]
        axes.set_xlim(0.8 * float(shown.r[int(np.argmax(shown.g > 0.01 * shown.g.max()))]), float(shown.r[-1]))
        axes.set_ylim(bottom=0, top=1.35 * max(float(one.g.max()) for _, one in functions))

    _draw(path, len(found), panel)


def _band(axes: Any, x: Array, value: Array, stderr: Array, label: str, colour: str = _TARGET) -> None:
    axes.fill_between(x, value - stderr, value + stderr, color=colour, alpha=0.25, lw=0)
    axes.plot(x, value, color=colour, lw=1, label=label)


def _draw(path: Path, panels: int, panel: Callable[[Any, int], None]) -> None:
    if not panels:
        return
    columns = min(_COLUMNS, panels)
    rows = math.ceil(panels / columns)
    with matplotlib.rc_context({"font.size": 8, "legend.fontsize": 7, "legend.frameon": False}):
        figure = Figure(figsize=(3.6 * columns, 2.7 * rows), layout="constrained")
        for number in range(panels):
            axes = figure.add_subplot(rows, columns, number + 1)
            panel(axes, number)
        # Some panels have more curves than others: what each of them is called stands once, above all.
        named = {
            label: handle
            for axes in figure.axes
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(named.values(), named.keys(), loc="outside upper left", ncols=len(named))
        figure.savefig(path, dpi=150)
