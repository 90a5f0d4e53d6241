"""Frames of atoms from files from elsewhere, one at a time, and the beads in them.

LAMMPS' dumps say where every atom is, in angstrom or in parts of the box, and in which image of the box, unless nobody
asked for that (as in ``dump atom``); GROMACS' xtc and trr never do.  Positions without it are only where atoms are
modulo the edges of the box.  Two things can be made of them, and which of them is right nobody but the user knows:

- ``whole``: in each frame by itself, every molecule is put together along its bonds.  Lengths, angles and neighbours
  are right; displacements are not, since nothing says in which box a molecule is.
- ``follow``: from frame to frame, every atom takes the shortest step.  Displacements are right too, as long as no atom
  moves by almost half the box between two frames, which is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from beadsmith.atomistic.molecules import AtomsInOrder
from beadsmith.atomistic.topologies import INSTALL, MISSING
from beadsmith.errors import EstimateError, ProblemError
from beadsmith.mapping.centres import BeadCentres
from beadsmith.mapping.whole import BondTree, Integers, bond_tree, whole_images
from beadsmith.observe.unwrapping import unwrapped_by_steps
from beadsmith.problem.recording import Array, Frames, interval_of
from beadsmith.simulate.binary_dump import binary_frames
from beadsmith.simulate.dump_frame import BrokenDump, DumpFrame, taken_as_unwrapped, unwrapped_frames
from beadsmith.simulate.text_dump import text_frames

#: How positions without image flags are read; they are refused if nothing is said.
Wrapped: TypeAlias = Literal["refuse", "whole", "follow"]

_HEAD = b"ITEM: TIMESTEP\n"
_CHUNK = 1 << 24
_GROMACS = (".xtc", ".trr")
_NANOMETRE, _PICOSECOND = 10.0, 1000.0


@dataclass(frozen=True)
class AtomFrame:
    """All atoms at one time.

    Attributes:
        time: fs.
        positions: angstrom, shape (atoms, 3), in the order of the file, or of the ids in a dump.
        box: edge vectors as rows, angstrom, shape (3, 3).
        unwrapped: whether the file says in which image of the box every atom is.
        read: part of the file that has been read with this frame, 0 to 1.
    """

    time: float
    positions: Array
    box: Array
    unwrapped: bool
    read: float


def atom_frames(path: Path, timestep: float, every: int = 1) -> Iterator[AtomFrame]:
    """Frames of a trajectory: a LAMMPS dump, text or binary (``.bin``), or GROMACS' xtc or trr.

    Args:
        path: of the file.
        timestep: of a LAMMPS simulation, fs, whose dump counts steps.
        every: read every so many frames, beginning with the first.

    Raises:
        ProblemError: a file that is not there, cannot be read or is cut short, positions that are not known, no
            periodic box; or MDAnalysis is not installed.
    """
    if not path.is_file():
        raise ProblemError("--trajectory", str(path), "a file that exists")
    if path.suffix.lower() in _GROMACS:
        yield from _gromacs_frames(path, every)
        return
    try:
        blocks = _binary_dump(path, every) if path.suffix == ".bin" else _text_dump(path, every)
        for frame, read in blocks:
            yield _of_dump(frame, timestep, read)
    except BrokenDump as error:
        expected = (
            "frames of LAMMPS' 'dump custom' or 'dump atom', text or .bin, with id xu yu zu, or GROMACS' .xtc or .trr"
        )
        raise ProblemError(str(path), f"a file that {error}", expected) from error


def bead_frames(
    frames: Iterable[AtomFrame],
    atoms: AtomsInOrder,
    centres: BeadCentres,
    wrapped: Wrapped = "refuse",
    progress: Callable[[float], None] = lambda read: None,
) -> Frames:
    """The beads in every frame.

    Args:
        frames: of atoms, as their file has them.
        atoms: which of them is which.
        centres: of the beads, for the atoms in order.
        wrapped: how positions without image flags are read.
        progress: told which part of the file has been read.

    Raises:
        EstimateError: no frames, another number of atoms, wrapped positions that are to be refused, steps that are too
            long to be followed, atoms in another order, a box that is too small, or times that are not equally far
            apart.
    """
    paths = _Paths(bond_tree(atoms.topology), wrapped)
    times: list[float] = []
    positions, boxes = [], []
    for frame in frames:
        if len(frame.positions) != len(atoms.order):
            raise EstimateError(
                f"the trajectory has {len(frame.positions)} atoms, the molecules have {len(atoms.order)}: "
                "declare the molecules that it holds, or name its own topology file"
            )
        if times and frame.time == times[-1]:
            continue  # LAMMPS appends that of the step with which a run goes on again
        inside = replace(frame, positions=frame.positions[atoms.order])
        positions.append(centres.positions(paths.continued(inside)))
        times.append(frame.time)
        boxes.append(frame.box)
        progress(frame.read)
    if not times:
        raise EstimateError("the trajectory has no frames")
    return Frames(_interval(times), np.stack(positions), np.stack(boxes))


class _Paths:
    """Unwrapped positions, frame after frame, of molecules that are whole."""

    def __init__(self, tree: BondTree, wrapped: Wrapped) -> None:
        self._tree, self._wrapped = tree, wrapped
        self._images: Integers | None = None
        self._last: tuple[Array, Array] | None = None

    def continued(self, frame: AtomFrame) -> Array:
        """Positions in the next frame, angstrom, shape (atoms, 3)."""
        if frame.unwrapped:
            # Also unwrapped positions may have begun with molecules that the box cut apart.
            if self._images is None:
                self._images = whole_images(self._tree, frame.positions, frame.box)
            return np.asarray(frame.positions + self._images @ frame.box)
        if self._wrapped == "refuse":
            raise EstimateError(
                "the trajectory has no image flags, so molecules may be cut apart by the faces of the box: give "
                "--whole, which puts them together frame by frame and is right for distributions but not for "
                "displacements, or --follow, which follows atoms from frame to frame, or dump xu yu zu"
            )
        if self._wrapped == "whole" or self._last is None:
            positions = frame.positions + whole_images(self._tree, frame.positions, frame.box) @ frame.box
        else:
            earlier, box = self._last
            positions = unwrapped_by_steps(np.stack([earlier, frame.positions]), np.stack([box, frame.box]))[1]
        self._last = (positions, frame.box)
        return np.asarray(positions)


def _interval(times: Sequence[float]) -> float:
    """Time between frames, fs; 0 for a single one."""
    try:
        return interval_of(np.array(times))
    except ValueError as error:
        raise EstimateError(f"the trajectory has {error}: record frames at equal intervals") from error


def _of_dump(frame: DumpFrame, timestep: float, read: float) -> AtomFrame:
    _, positions, boxes = unwrapped_frames([taken_as_unwrapped(frame)])
    return AtomFrame(frame.step * timestep, positions[0], boxes[0], frame.unwrapped, read)


def _text_dump(path: Path, every: int) -> Iterator[tuple[DumpFrame, float]]:
    """Frames of a text dump; those in between are passed over unread."""
    size, number = max(path.stat().st_size, 1), 0
    with path.open("rb") as file:
        rest = b""
        while chunk := file.read(_CHUNK):
            rest += chunk
            *whole, rest = rest.split(_HEAD)
            for block in whole:
                yield from _text_frame(block, number, every, (file.tell() - len(rest)) / size)
                number += 1
        yield from _text_frame(rest, number, every, 1.0)


def _text_frame(block: bytes, number: int, every: int, read: float) -> Iterator[tuple[DumpFrame, float]]:
    # The first block is what stands before the first frame: nothing, or units.
    if number == 0 and block.strip() and not block.startswith(b"ITEM:"):
        raise BrokenDump("does not begin with a frame of a text dump")
    if number and (number - 1) % every == 0:
        for frame in text_frames((_HEAD + block).decode("utf-8", errors="replace")):
            yield frame, read


def _binary_dump(path: Path, every: int) -> Iterator[tuple[DumpFrame, float]]:
    with path.open("rb") as file:
        yield from binary_frames(file, every)


def _gromacs_frames(path: Path, every: int) -> Iterator[AtomFrame]:
    try:
        with _opened(path) as file:
            count = len(file)
            for number, frame in enumerate(file):
                if number % every == 0:
                    yield _of_gromacs(frame, path, (number + 1) / count)
    except OSError as error:
        raise ProblemError(str(path), f"a file that cannot be read ({error})", "a whole .xtc or .trr file") from error


def _opened(path: Path) -> Any:
    try:
        from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile
    except ImportError as error:
        raise ProblemError("--trajectory", str(path), MISSING, INSTALL) from error
    return (XTCFile if path.suffix.lower() == ".xtc" else TRRFile)(str(path))


def _of_gromacs(frame: Any, path: Path, read: float) -> AtomFrame:
    if not getattr(frame, "hasx", True):
        raise ProblemError(str(path), "a frame without positions", "positions in every frame", "see nstxout")
    box = np.asarray(frame.box, dtype=np.float64) * _NANOMETRE
    if not abs(np.linalg.det(box)) > 0:
        raise ProblemError(str(path), "a frame without box", "a periodic box in every frame")
    positions = np.asarray(frame.x, dtype=np.float64) * _NANOMETRE
    return AtomFrame(float(frame.time) * _PICOSECOND, positions, box, False, read)
