"""LAMMPS' text dumps (``dump custom`` and ``dump atom``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beadsmith.problem.recording import Array
from beadsmith.simulate.dump_frame import POSITION_COLUMNS, BrokenDump, DumpFrame, box_of


def text_frames(text: str) -> list[DumpFrame]:
    """Frames of a text dump, with the columns that positions are made of.

    Raises:
        BrokenDump: something that is not a frame, or a file that ends within one.
    """
    blocks = text.split("ITEM: TIMESTEP\n")[1:]
    if blocks and not text.endswith("\n"):
        raise BrokenDump("is cut short")
    return [_frame(block) for block in blocks]


def _frame(block: str) -> DumpFrame:
    try:
        head, _, rest = block.partition("ITEM: ATOMS ")
        columns, _, body = rest.partition("\n")
        lines = head.splitlines()
        count = int(lines[2])
        wanted = {number: name for number, name in enumerate(columns.split()) if name in POSITION_COLUMNS}
        # Time and units may stand between frames.
        rows = body.partition("ITEM:")[0].splitlines()
        if len(rows) != count:
            raise ValueError(f"{len(rows)} atoms of {count}")
        table = np.loadtxt(rows, usecols=list(wanted), comments=None, ndmin=2)
        return DumpFrame(int(lines[0]), tuple(wanted.values()), table, *_box(lines[3], lines[4:7]))
    except (IndexError, ValueError) as error:
        raise BrokenDump("holds something that is not a frame, or is cut short") from error


def _box(header: str, lines: Sequence[str]) -> tuple[Array, Array]:
    rows = [[float(word) for word in line.split()] for line in lines]
    if "abc origin" in header:  # a general triclinic box: its edges themselves
        return np.array(rows)[:, :3], np.array(rows)[:, 3]
    tilts = [row[2] for row in rows] if "xy" in header else (0.0, 0.0, 0.0)
    return box_of([row[:2] for row in rows], tilts)
