"""One frame of a dump, whatever file it was read from, and the unwrapped positions of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.recording import Array

_AXES = "xyz"
#: What follows the axis in the names of columns: positions inside the box and unwrapped ones, each in angstrom, and
#: scaled, in parts of the edges of the box.
_WRAPPED, _UNWRAPPED = ("", "s"), ("u", "su")
_IMAGES = ("ix", "iy", "iz")
#: Columns that positions are made of.
POSITION_COLUMNS = frozenset(
    {"id", *_IMAGES, *(f"{axis}{ending}" for axis in _AXES for ending in (*_WRAPPED, *_UNWRAPPED))}
)


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
        origin: the corner of the box where they begin, angstrom, shape (3,).
    """

    step: int
    columns: tuple[str, ...]
    table: Array
    box: Array
    origin: Array

    @property
    def unwrapped(self) -> bool:
        """Whether it says in which image of the box every atom is."""
        return set(_IMAGES) <= set(self.columns) or any(_has(self.columns, ending) for ending in _UNWRAPPED)


def box_of(bounds: Sequence[Sequence[float]], tilts: Sequence[float]) -> tuple[Array, Array]:
    """Edge vectors of a box, and where they begin.

    Args:
        bounds: low and high in x, y and z, angstrom; of the bounding box if the box is tilted, as LAMMPS writes them.
        tilts: xy, xz and yz, angstrom; zeros for a rectangular box.

    Returns: edges as rows, angstrom, shape (3, 3); the corner, angstrom, shape (3,).
    """
    xy, xz, yz = tilts
    # How much farther the bounding box reaches, down and up.
    below = np.array([min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0])
    above = np.array([max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0])
    low, high = np.array(bounds, dtype=np.float64).T
    a, b, c = (high - above) - (low - below)
    return np.array([[a, 0.0, 0.0], [xy, b, 0.0], [xz, yz, c]]), low - below


def taken_as_unwrapped(frame: DumpFrame) -> DumpFrame:
    """A frame that says nothing of images, read as if no atom had ever left the box; any other as it is."""
    if frame.unwrapped:
        return frame
    names = {f"{axis}{ending}": f"{axis}{ending}u" for axis in _AXES for ending in _WRAPPED}
    return replace(frame, columns=tuple(names.get(name, name) for name in frame.columns))


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
    origins = np.stack([frame.origin for frame in frames])
    return steps, _positions(tables, boxes, origins, frames[0].columns), boxes


def _positions(tables: Array, boxes: Array, origins: Array, columns: tuple[str, ...]) -> Array:
    if "id" not in columns:
        raise BrokenDump(f"has no column id among {' '.join(columns)}")

    def chosen(names: Sequence[str]) -> Array:
        return tables[:, :, [columns.index(name) for name in names]]

    def along(ending: str) -> Array:
        """Columns of positions in angstrom."""
        values = chosen([f"{axis}{ending}" for axis in _AXES])
        return values @ boxes + origins[:, None] if ending.startswith("s") else values

    flagged = _WRAPPED if set(_IMAGES) <= set(columns) else ()
    ending = next((one for one in (*_UNWRAPPED, *flagged) if _has(columns, one)), None)
    if ending is None:
        raise BrokenDump(
            "has neither xu yu zu nor x y z ix iy iz, nor the same scaled (xsu ysu zsu, xs ys zs ix iy iz); without "
            "image flags molecules are cut apart"
        )
    positions = along(ending) if ending in _UNWRAPPED else along(ending) + chosen(_IMAGES) @ boxes
    ids = tables[:, :, columns.index("id")]
    if np.all(ids[:, 1:] > ids[:, :-1]):
        return positions
    order = np.argsort(ids, axis=1, kind="stable")
    return np.take_along_axis(positions, order[:, :, None], axis=1)


def _has(columns: Sequence[str], ending: str) -> bool:
    return {f"{axis}{ending}" for axis in _AXES} <= set(columns)
