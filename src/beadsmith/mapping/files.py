"""Beads for other programs: a LAMMPS dump, which OVITO and VMD open, and tables of distributions."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from beadsmith.errors import StudyError
from beadsmith.mapping.distributions import BeadDistribution
from beadsmith.problem.recording import Array, Recording


def write_dump(path: Path, recording: Recording) -> None:
    """Write frames of beads as a LAMMPS text dump, unwrapped; steps are femtoseconds.

    Args:
        path: of the file.
        recording: with frames and topology.

    Raises:
        StudyError: the file cannot be written.
    """
    frames, topology = recording.frames, recording.topology
    if frames is None or topology is None:
        raise ValueError("a recording without frames or topology")
    columns = np.column_stack([np.arange(1, len(topology.masses) + 1), topology.molecule_ids, topology.bead_types])
    elements = [topology.bead_names[kind - 1] for kind in topology.bead_types]
    fixed = [f"{one} {molecule} {kind} {name}" for (one, molecule, kind), name in zip(columns, elements, strict=True)]
    # A single frame has no interval.
    interval = frames.interval or 1.0
    try:
        with path.open("w", encoding="utf-8") as file:
            for number, (positions, box) in enumerate(zip(frames.positions, frames.boxes, strict=True)):
                file.write(f"ITEM: TIMESTEP\n{round(number * interval)}\nITEM: NUMBER OF ATOMS\n{len(fixed)}\n")
                file.write(f"{_box(box)}ITEM: ATOMS id mol type element xu yu zu\n")
                for words, (x, y, z) in zip(fixed, positions, strict=True):
                    file.write(f"{words} {x:.5f} {y:.5f} {z:.5f}\n")
    except OSError as error:
        raise StudyError(f"--dump: received {path}, expected a file that can be written ({error.strerror})") from error


def distribution_table(kind: str, found: Sequence[BeadDistribution], recordings: Sequence[Recording]) -> str:
    """All distributions of a kind as CSV: a row for each type, recording and bin, values with their standard errors.

    Args:
        kind: ``bond``, ``angle`` or ``pair``.
        found: distributions, of which those of the kind are taken.
        recordings: that they are of; their states become columns.
    """
    own = [one for one in found if one.kind == kind]
    variables = list(dict.fromkeys(name for recording in recordings for name in recording.state))
    columns = list(own[0].columns) if own else []
    coordinate = own[0].coordinate if own else "r"
    values = [word for column in columns for word in (column, f"{column}_stderr")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([kind, "recording", *variables, coordinate, *values])
    for one in own:
        state = recordings[one.recording].state.as_dict()
        head = [one.name, one.recording + 1, *(state.get(name, "") for name in variables)]
        for place, centre in enumerate(one.centres):
            means = [one.columns[column][place] for column in columns]
            numbers = [f"{number:.6g}" for mean in means for number in (mean.value, mean.stderr)]
            writer.writerow([*head, f"{centre:.10g}", *numbers])
    return text.getvalue()


def _box(box: Array) -> str:
    xy, xz, yz = box[1, 0], box[2, 0], box[2, 1]
    ends = np.array([[0.0, box[0, 0]], [0.0, box[1, 1]], [0.0, box[2, 2]]])
    if not np.any([xy, xz, yz]):
        return "ITEM: BOX BOUNDS pp pp pp\n" + "".join(f"{low:.8g} {high:.8g}\n" for low, high in ends)
    corners = (0.0, xy, xz, xy + xz)
    ends += [[min(corners), max(corners)], [min(0.0, yz), max(0.0, yz)], [0.0, 0.0]]
    rows = zip(ends, (xy, xz, yz), strict=True)
    return "ITEM: BOX BOUNDS xy xz yz pp pp pp\n" + "".join(
        f"{low:.8g} {high:.8g} {tilt:.8g}\n" for (low, high), tilt in rows
    )
