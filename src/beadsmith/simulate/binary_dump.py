"""LAMMPS' binary dumps: ``dump custom`` or ``dump atom`` to a file whose name ends in ``.bin``.

Numbers are doubles as LAMMPS has them, and reading them costs a tenth of reading text.  Frames follow each other
without gaps, in the byte order of the machine that wrote them:

================  ==============================================================================
int64             minus the length of the next string, so that no step number is mistaken for it
characters        ``DUMPCUSTOM`` or ``DUMPATOM``
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
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END
from typing import Any, BinaryIO

import numpy as np

from beadsmith.problem.recording import Array
from beadsmith.simulate.dump_frame import BrokenDump, DumpFrame, box_of

#: How frames of each style begin; nothing else differs.
_MAGICS = (b"DUMPCUSTOM", b"DUMPATOM")
#: Bytes of numbers.
_INT64 = _DOUBLE = 8
#: The byte orders that there are, as :mod:`struct` calls them.
_ORDERS = "<>"
#: The revision that first named its columns.
_NAMED = 2
#: Shapes of the box.
_RECTANGULAR, _TILTED, _GENERAL = 0, 1, 2


def binary_frames(file: BinaryIO, every: int = 1) -> Iterator[tuple[DumpFrame, float]]:
    """Frames of a binary dump, one at a time; of those in between no more is read than where they end.

    Args:
        file: open for reading bytes, at its beginning.
        every: read every so many frames, beginning with the first.

    Yields: a frame, and the part of the file that has been read with it, 0 to 1.

    Raises:
        BrokenDump: something that is not a frame, or a file that ends within one.
    """
    reader = _opened(file)
    number = 0
    try:
        while not reader.ended:
            head = _head(reader)
            if number % every == 0:
                yield _frame(reader, head), reader.place / reader.size
            else:
                _skip(reader, head)
            number += 1
    except BrokenDump:
        raise
    except (struct.error, ValueError) as error:
        raise BrokenDump("holds something that is not a frame, or is cut short") from error


def length_until(file: BinaryIO, step: int) -> int:
    """Bytes of the frames up to a step; what comes after them, or is cut short, does not count.

    Args:
        file: open for reading bytes, at its beginning.
        step: of the simulation.

    Raises:
        BrokenDump: the beginning is not that of a binary dump.
    """
    reader = _opened(file)
    whole = 0
    while not reader.ended:
        try:
            head = _head(reader)
            _skip(reader, head)
        except (struct.error, ValueError):
            break
        if head.step > step:
            break
        whole = reader.place
    return whole


def _opened(file: BinaryIO) -> _Reader:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    order = _byte_order(file.read(_INT64 + max(map(len, _MAGICS)))) if size else "="
    file.seek(0)
    return _Reader(file, size, order)


def _byte_order(content: bytes) -> str:
    for order in _ORDERS:
        if content.startswith(tuple(struct.pack(f"{order}q", -len(magic)) + magic for magic in _MAGICS)):
            return order
    known = " or ".join(magic.decode() for magic in _MAGICS)
    raise BrokenDump(f"does not begin as a binary dump ({known}); it needs LAMMPS of 2021 or newer, with 64-bit steps")


@dataclass
class _Reader:
    """A place in a file; reading moves it on."""

    file: BinaryIO
    size: int
    order: str
    place: int = 0

    @property
    def ended(self) -> bool:
        return self.place >= self.size

    def values(self, kinds: str) -> tuple[Any, ...]:
        """Values by the letters of :mod:`struct`."""
        layout = f"{self.order}{kinds}"
        return struct.unpack(layout, self._read(struct.calcsize(layout)))

    def doubles(self) -> Array:
        """Doubles after their number."""
        return np.frombuffer(self._read(_DOUBLE * self._count()), f"{self.order}f8")

    def pass_over_doubles(self) -> int:
        """Their number."""
        count = self._count()
        self.place += _DOUBLE * count
        self.file.seek(self.place)
        return count

    def string(self) -> str:
        """A string after its length."""
        (length,) = self.values("i")
        (found,) = self.values(f"{max(0, length)}s")
        return str(found, "ascii")

    def _count(self) -> int:
        (count,) = self.values("i")
        if not 0 <= count <= (self.size - self.place) // _DOUBLE:
            raise ValueError(f"{count} numbers are not there")
        return int(count)

    def _read(self, length: int) -> bytes:
        # A damaged length must not ask for more memory than the file has bytes.
        if length > self.size - self.place:
            raise ValueError(f"{length} bytes are not there")
        self.place += length
        return self.file.read(length)


@dataclass(frozen=True)
class _Head:
    """What stands before the numbers of a frame."""

    step: int
    atoms: int
    columns: tuple[str, ...]
    box: Array
    origin: Array
    chunks: int

    def check(self, numbers: int) -> None:
        """Whether these are the numbers of its atoms."""
        if numbers != self.atoms * len(self.columns):
            raise ValueError(f"{numbers} numbers of {self.atoms} atoms in {len(self.columns)} columns")


def _head(reader: _Reader) -> _Head:
    (length,) = reader.values("q")
    magic, endian, revision, step, atoms, shape, *_ = reader.values(f"{max(0, -length)}siiqqi6i")
    if magic not in _MAGICS or endian != 1:
        raise ValueError("no frame begins here")
    if revision < _NAMED:
        raise BrokenDump("does not name its columns; it needs LAMMPS of 2021 or newer")
    box, origin = _box(reader, shape)
    (width,) = reader.values("i")
    reader.string()
    (timed,) = reader.values("b")
    if timed:
        reader.values("d")
    columns = tuple(reader.string().split())
    (chunks,) = reader.values("i")
    if len(columns) != width:
        raise ValueError(f"{width} columns with {len(columns)} names")
    return _Head(step, atoms, columns, box, origin, chunks)


def _frame(reader: _Reader, head: _Head) -> DumpFrame:
    numbers = np.concatenate([reader.doubles() for _ in range(head.chunks)], dtype=np.float64)
    head.check(len(numbers))
    return DumpFrame(head.step, head.columns, numbers.reshape(head.atoms, len(head.columns)), head.box, head.origin)


def _skip(reader: _Reader, head: _Head) -> None:
    head.check(sum(reader.pass_over_doubles() for _ in range(head.chunks)))


def _box(reader: _Reader, shape: int) -> tuple[Array, Array]:
    if shape == _GENERAL:
        numbers = np.array(reader.values("12d"))
        return numbers[:9].reshape(3, 3), numbers[9:]
    if shape not in (_RECTANGULAR, _TILTED):
        raise ValueError(f"no box of shape {shape}")
    bounds = reader.values("6d")
    tilts = reader.values("3d") if shape == _TILTED else (0.0, 0.0, 0.0)
    return box_of([bounds[0:2], bounds[2:4], bounds[4:6]], tilts)
