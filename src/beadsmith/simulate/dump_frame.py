"""One frame of a dump, whatever file it was read from, and the unwrapped positions of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.recording import Array

#: Columns that positions are made of.
POSITION_COLUMNS = frozenset({"id", "x", "y", "z", "xu", "yu", "zu", "ix", "iy", "iz"})


class BrokenDump(ValueError):
    """A dump that cannot be used; says what is wrong with it, without the name of the file."""


@dataclass(frozen=True)
class DumpFrame:
    """The atoms at one step, in the order of the file.

    Attributes:
        step: of the simulation.
        columns: names as LAMMPS has them.
        table: a row for each atom, shape (atoms, columns).
        box: edge vectors as rows, angstrom, shape (3, 3).
    """

    step: int
    columns: tuple[str, ...]
    table: Array
    box: Array


def box_edges(bounds: Sequence[Sequence[float]], tilts: Sequence[float]) -> Array:
    """Edge vectors as rows.

    Args:
        bounds: low and high in x, y and z, angstrom; of the bounding box if the box is tilted, as LAMMPS writes them.
        tilts: xy, xz and yz, angstrom; zeros for a rectangular box.

    Returns: angstrom, shape (3, 3).
    """
    xy, xz, yz = tilts
    # How much wider the bounding box is.
    wider = (max(0.0, xy, xz, xy + xz) - min(0.0, xy, xz, xy + xz), abs(yz), 0.0)
    a, b, c = (high - low - more for (low, high), more in zip(bounds, wider, strict=True))
    return np.array([[a, 0.0, 0.0], [xy, b, 0.0], [xz, yz, c]])


def unwrapped_frames(frames: Sequence[DumpFrame]) -> tuple[NDArray[np.int64], Array, Array]:
    """All frames of a dump.

    Returns: steps, shape (frames,); unwrapped positions, angstrom, (frames, atoms, 3), sorted by id; edge vectors of
        the boxes as rows, (frames, 3, 3).

    Raises:
        BrokenDump: no frames, frames of different sizes or columns, or columns that positions cannot be made of.
    """
    if not frames:
        raise BrokenDump("has no frames")
    if len({len(frame.table) for frame in frames}) != 1:
        raise BrokenDump("has frames with different numbers of atoms, or is cut short")
    if len({frame.columns for frame in frames}) != 1:
        raise BrokenDump("has frames with different columns")
    steps = np.array([frame.step for frame in frames], dtype=np.int64)
    boxes = np.stack([frame.box for frame in frames])
    tables = np.stack([frame.table for frame in frames])
    return steps, _positions(tables, boxes, frames[0].columns), boxes


def _positions(tables: Array, boxes: Array, columns: tuple[str, ...]) -> Array:
    if "id" not in columns:
        raise BrokenDump(f"has no column id among {' '.join(columns)}")

    def chosen(*names: str) -> Array:
        return tables[:, :, [columns.index(name) for name in names]]

    if {"xu", "yu", "zu"} <= set(columns):
        positions = chosen("xu", "yu", "zu")
    elif {"x", "y", "z", "ix", "iy", "iz"} <= set(columns):
        positions = chosen("x", "y", "z") + chosen("ix", "iy", "iz") @ boxes
    else:
        raise BrokenDump("has neither xu yu zu nor x y z ix iy iz; without image flags molecules are cut apart")
    ids = tables[:, :, columns.index("id")]
    if np.all(ids[:, 1:] > ids[:, :-1]):
        return positions
    order = np.argsort(ids, axis=1, kind="stable")
    return np.take_along_axis(positions, order[:, :, None], axis=1)
