"""Tabulated potentials: smooth, continued beyond what was sampled, written as LAMMPS tables.

Outside the range that samples reach nothing is known but that beads do not go there.  A bonded potential goes on along
its slope at the end of that range; a pair potential rises towards the core as A + B r^-12, with the value and the slope
that it has at its innermost known point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline

from beadsmith.errors import EstimateError
from beadsmith.problem.recording import Array

Kind = Literal["pair", "bond", "angle"]

#: A continued bonded potential pushes back at least so hard, in parts of kT over the width of its sampled range.
_LEAST_SLOPE = 4.0
#: Points at the end of the sampled range that its slope is taken from.
_FOR_SLOPE = 4
#: A pair table begins at this part of the distance at which pairs are first seen.
_CORE = 0.4
#: A core is at least so steep where it begins, kcal/mol/angstrom; noise must not make it flat.
_SOFTEST_CORE = 1.0
#: Rows of a table in a file.
ROWS = 1001


@dataclass(frozen=True)
class Table:
    """A tabulated potential.

    Attributes:
        kind: pair, bond or angle.
        name: of the interaction, such as B1-B2.
        x: angstrom, or degree for angles; increasing, shape (points,).
        energy: kcal/mol, shape (points,).
    """

    kind: Kind
    name: str
    x: Array
    energy: Array

    @property
    def keyword(self) -> str:
        """What LAMMPS finds it by in its file."""
        return f"{self.kind}_{self.name}"

    def __call__(self, x: Array) -> Array:
        """Energy at any place, kcal/mol, by a cubic spline."""
        return np.asarray(CubicSpline(self.x, self.energy)(x))

    def force(self, x: Array) -> Array:
        """Minus its slope, kcal/mol/angstrom or kcal/mol/degree."""
        return np.asarray(-CubicSpline(self.x, self.energy)(x, 1))


def bonded_table(
    kind: Literal["bond", "angle"], name: str, x: Array, energy: Array, sampled: tuple[float, float], kt: float
) -> Table:
    """A bond's or an angle's potential over all values that it may come to have.

    Args:
        kind: bond or angle.
        name: of the interaction.
        x: where the energy is known, angstrom or degree, increasing, shape (points,).
        energy: kcal/mol, shape (points,).
        sampled: range in which it is believed; elsewhere it is continued.
        kt: kcal/mol.

    Returns: lowest energy zero; from almost zero to three times the longest bond, or from 0 to 180 degrees.

    Raises:
        EstimateError: fewer than four points are believed.
    """
    believed = (x >= sampled[0]) & (x <= sampled[1])
    known, values = x[believed], energy[believed]
    if len(known) < _FOR_SLOPE:
        raise EstimateError(
            f"{kind} {name}: its distribution stands out of the noise in {len(known)} bins, and a table needs "
            f"{_FOR_SLOPE}; record longer"
        )
    least = _LEAST_SLOPE * kt / (known[-1] - known[0])
    below, above = _slopes(known, values)
    low, high = (1e-3, 3.0 * float(known[-1])) if kind == "bond" else (0.0, 180.0)
    grid = np.linspace(low, high, ROWS, dtype=np.float64)
    inner = CubicSpline(known, values)(np.clip(grid, known[0], known[-1]))
    rising = max(above, least) * np.clip(grid - known[-1], 0.0, None)
    falling = max(-below, least) * np.clip(known[0] - grid, 0.0, None)
    full = inner + rising + falling
    return Table(kind, name, grid, np.asarray(full - full.min()))


def pair_table(name: str, x: Array, energy: Array, first: float) -> Table:
    """A pair's potential from the core to its cutoff, where it is zero.

    Args:
        name: of the pair.
        x: angstrom, evenly spaced up to the cutoff, shape (points,).
        energy: kcal/mol, shape (points,).
        first: distance from which on it is known.
    """
    known, values = x[x >= first], energy[x >= first]
    slope = min(_slopes(known, values)[0], -_SOFTEST_CORE)
    start = float(known[0])
    steep = -slope * start**13 / 12.0
    spacing = float(x[1] - x[0])
    core = np.arange(_CORE * start, start - 0.5 * spacing, spacing)
    inside = values[0] + steep * (core**-12.0 - start**-12.0)
    return Table("pair", name, np.concatenate([core, known]), np.concatenate([inside, values]) - values[-1])


def _slopes(x: Array, energy: Array) -> tuple[float, float]:
    """Slopes at both ends, from straight lines through a few points."""
    count = min(_FOR_SLOPE, len(x))
    return (
        float(np.polyfit(x[:count], energy[:count], 1)[0]),
        float(np.polyfit(x[-count:], energy[-count:], 1)[0]),
    )


def table_file(tables: Sequence[Table], remark: str) -> str:
    """Text of a LAMMPS table file with several tables of one kind.

    Args:
        tables: all pairs, all bonds or all angles.
        remark: first line.
    """
    lines = [f"# {' '.join(remark.split())}", ""]
    for table in tables:
        x = np.linspace(float(table.x[0]), float(table.x[-1]), ROWS, dtype=np.float64)
        head = f"N {ROWS} R {x[0]:.10g} {x[-1]:.10g}" if table.kind == "pair" else f"N {ROWS}"
        rows = zip(x.tolist(), table(x).tolist(), table.force(x).tolist(), strict=True)
        lines += [table.keyword, head, ""]
        lines += [
            f"{number} {at:.10g} {energy:.10g} {force:.10g}" for number, (at, energy, force) in enumerate(rows, 1)
        ]
        lines.append("")
    return "\n".join(lines) + "\n"
