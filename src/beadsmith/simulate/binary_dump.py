"""LAMMPS' binary dumps: ``dump custom`` to a file whose name ends in ``.bin``.

Numbers are doubles as LAMMPS has them, and reading them costs a tenth of reading text.  Frames follow each other
without gaps, in the byte order of the machine that wrote them:

================  ==============================================================================
int64             minus the length of the next string, so that no step number is mistaken for it
characters        ``DUMPCUSTOM``
int32             1, whose bytes show their order
int32             revision of the format, 2
int64             step
int64             number of atoms
int32             shape of the box: 0 rectangular, 1 tilted, 2 general
6 int32           boundary conditions
6, 9, 12 doubles  bounds in pairs; the same and xy, xz, yz; three edges and the origin
int32             number of columns
int32, string     its length, and the unit style; empty unless ``dump_modify units yes``
1 byte, double    whether ``dump_modify time yes``, and only then the time
int32, string     its length, and the names of the columns
int32             number of chunks, one for each process that wrote
================  ==============================================================================

and then, chunk after chunk, an int32 that counts the numbers in it, and these numbers (doubles), atom after atom.
With ``dump_modify sort id`` atoms are sorted across the chunks too.  LAMMPS' manual describes the file only through
the program that converts it to text, ``tools/binary2txt.cpp``; tests compare both kinds of dump of the same runs.

Revision 1, and the files without the string that LAMMPS wrote before 2021, do not name their columns and are refused;
so is the rare LAMMPS built with 32-bit step numbers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from beadsmith.problem.recording import Array
from beadsmith.simulate.dump_frame import BrokenDump, DumpFrame, box_edges

_MAGIC = b"DUMPCUSTOM"
#: The byte orders that there are, as :mod:`struct` calls them.
_ORDERS = "<>"
#: The revision that first named its columns.
_NAMED = 2
#: Shapes of the box.
_RECTANGULAR, _TILTED, _GENERAL = 0, 1, 2


def binary_frames(content: bytes) -> list[DumpFrame]:
    """Frames of a binary dump.

    Raises:
        BrokenDump: something that is not a frame, or a file that ends within one.
    """
    if not content:
        return []
    reader = _Reader(content, _byte_order(content))
    frames = []
    try:
        while not reader.ended:
            frames.append(_frame(reader))
    except BrokenDump:
        raise
    except (struct.error, ValueError) as error:
        raise BrokenDump("holds something that is not a frame, or is cut short") from error
    return frames


def length_until(content: bytes, step: int) -> int:
    """Bytes of the frames up to a step; what comes after them, or is cut short, does not count.

    Raises:
        BrokenDump: the beginning is not that of a binary dump.
    """
    if not content:
        return 0
    reader = _Reader(content, _byte_order(content))
    whole = 0
    while not reader.ended:
        try:
            frame = _frame(reader)
        except (struct.error, ValueError):
            break
        if frame.step > step:
            break
        whole = reader.place
    return whole


def _byte_order(content: bytes) -> str:
    for order in _ORDERS:
        if content.startswith(struct.pack(f"{order}q", -len(_MAGIC)) + _MAGIC):
            return order
    raise BrokenDump(
        f"does not begin as a binary dump ({_MAGIC.decode()}); it needs LAMMPS of 2021 or newer, with 64-bit steps"
    )


@dataclass
class _Reader:
    """A place in a file; reading moves it on."""

    content: bytes
    order: str
    place: int = 0

    @property
    def ended(self) -> bool:
        return self.place >= len(self.content)

    def values(self, kinds: str) -> tuple[Any, ...]:
        """Values by the letters of :mod:`struct`."""
        layout = f"{self.order}{kinds}"
        found = struct.unpack_from(layout, self.content, self.place)
        self.place += struct.calcsize(layout)
        return found

    def doubles(self) -> Array:
        """Doubles after their number."""
        (count,) = self.values("i")
        if not 0 <= count <= (len(self.content) - self.place) // 8:
            raise ValueError(f"{count} numbers are not there")
        found = np.frombuffer(self.content, f"{self.order}f8", count, self.place)
        self.place += 8 * count
        return found

    def string(self) -> str:
        """A string after its length."""
        (length,) = self.values("i")
        (found,) = self.values(f"{max(0, length)}s")
        return str(found, "ascii")


def _frame(reader: _Reader) -> DumpFrame:
    length, magic, endian, revision, step, atoms, shape, *_ = reader.values(f"q{len(_MAGIC)}siiqqi6i")
    if (length, magic, endian) != (-len(_MAGIC), _MAGIC, 1):
        raise ValueError("no frame begins here")
    if revision < _NAMED:
        raise BrokenDump("does not name its columns; it needs LAMMPS of 2021 or newer")
    box = _box(reader, shape)
    (width,) = reader.values("i")
    reader.string()
    (timed,) = reader.values("b")
    if timed:
        reader.values("d")
    columns = tuple(reader.string().split())
    (chunks,) = reader.values("i")
    numbers = np.concatenate([reader.doubles() for _ in range(chunks)], dtype=np.float64)
    if len(columns) != width or len(numbers) != atoms * width:
        raise ValueError(f"{len(numbers)} numbers of {atoms} atoms in {width} columns with {len(columns)} names")
    return DumpFrame(step, columns, numbers.reshape(atoms, width), box)


def _box(reader: _Reader, shape: int) -> Array:
    if shape == _GENERAL:
        return np.array(reader.values("12d")[:9]).reshape(3, 3)
    if shape not in (_RECTANGULAR, _TILTED):
        raise ValueError(f"no box of shape {shape}")
    bounds = reader.values("6d")
    tilts = reader.values("3d") if shape == _TILTED else (0.0, 0.0, 0.0)
    return box_edges([bounds[0:2], bounds[2:4], bounds[4:6]], tilts)
