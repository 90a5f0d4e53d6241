"""Read back what LAMMPS wrote: the log, ``fix ave/time`` files and dumps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.recording import Array, Frames, Recording, Series, interval_of
from beadsmith.problem.schema import ScriptRecording
from beadsmith.problem.state import State
from beadsmith.simulate.binary_dump import binary_frames
from beadsmith.simulate.dump_frame import BrokenDump, unwrapped_frames
from beadsmith.simulate.plan import Simulation
from beadsmith.simulate.resuming import parts_of_dumps
from beadsmith.simulate.script import COMPLETE
from beadsmith.simulate.text_dump import text_frames

#: What LAMMPS calls the numbers that our observables use.
USUAL_COLUMNS = {
    "temperature": ("Temp", "temp", "c_thermo_temp"),
    "pressure": ("Press", "press", "c_thermo_press"),
    "density": ("Density", "density", "v_density"),
    "potential_energy": ("PotEng", "pe", "c_thermo_pe"),
    "volume": ("Volume", "vol", "v_volume", "v_vol"),
}


_STEP = re.compile(r"^-?\d+$")
#: LAMMPS writes a binary dump if it is named so.
_BINARY = ".bin"


class OutputMissing(Exception):
    """An expected output is not there, or cut short."""


def read_recordings(simulation: Simulation, folder: Path, log: str) -> tuple[Recording, ...]:
    """All that a finished simulation recorded.

    Raises:
        OutputMissing: with the file and what is wrong with it.
    """
    if simulation.recordings:
        return tuple(_read_users(simulation, recording, folder, log) for recording in simulation.recordings)
    if COMPLETE not in log:
        raise OutputMissing("the log ends before the last stage")
    return tuple(_read_stretch(simulation, number, folder) for number in range(len(simulation.stretches)))


def read_series_file(path: Path) -> tuple[list[str], Array]:
    """A ``fix ave/time`` file of scalars: names of its columns, and the numbers, one row per sample.

    Raises:
        OutputMissing: no file, no samples, or a last line that is cut short.
    """
    text = _text(path)
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    names = comments[-1].lstrip("# ").split() if comments else []
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    if not names or not rows:
        raise OutputMissing(f"{path.name} has no samples")
    return names, _table(rows, len(names), path.name, whole=text.endswith("\n"))


def read_dump(path: Path) -> tuple[NDArray[np.int64], Array, Array]:
    """Frames of a dump with columns ``id`` and ``xu yu zu`` (or ``x y z ix iy iz``).

    Args:
        path: a binary dump if its name ends in ``.bin``, as LAMMPS has it, else a text dump.

    Returns: steps, shape (frames,); unwrapped positions, angstrom, (frames, beads, 3), sorted by id; edge vectors of
        the boxes as rows, (frames, 3, 3).

    Raises:
        OutputMissing: no file, no frames, other columns, or frames of different sizes.
    """
    try:
        if path.suffix == _BINARY:
            with _existing(path).open("rb") as file:
                return unwrapped_frames([frame for frame, _ in binary_frames(file)])
        return unwrapped_frames(text_frames(_text(path)))
    except BrokenDump as error:
        raise OutputMissing(f"{path.name} {error}") from error


def read_log_table(log: str, run: int) -> tuple[list[str], Array]:
    """The thermo table of one run of a log; -1 is the last.

    Raises:
        OutputMissing: fewer runs, or an empty table.
    """
    tables = re.findall(r"^ *(Step\b.*)\n((?:.*\n)*?)(?=Loop time of)", log, re.MULTILINE)
    if not -len(tables) <= run < len(tables):
        raise OutputMissing(
            f"the log has {len(tables)} finished thermo tables that begin with Step, none of number {run}"
        )
    head, body = tables[run]
    # Warnings may stand between the rows.
    rows = [words for line in body.splitlines() if (words := line.split()) and _STEP.match(words[0])]
    if not rows:
        raise OutputMissing(f"the thermo table {run} of the log is empty")
    return head.split(), _table(rows, len(head.split()), f"the thermo table {run} of the log", whole=True)


def _read_stretch(simulation: Simulation, number: int, folder: Path) -> Recording:
    stretch = simulation.stretches[number]
    names, rows = read_series_file(folder / f"series_{number}.txt")
    # A simulation that went on after it was killed has two samples of the step where it did.
    rows = rows[np.unique(rows[:, names.index("step")], return_index=True)[1]]
    expected = stretch.steps // stretch.series_every
    if len(rows) < expected:
        raise OutputMissing(f"series_{number}.txt has {len(rows)} samples of {expected}")
    series = Series(
        stretch.series_every * simulation.timestep,
        {name: rows[0 if stretch.averaged else 1 :, index] for index, name in enumerate(names) if name != "step"},
    )
    if not stretch.frames_every:
        return Recording(simulation.experiment, stretch.state, series, None, simulation.topology, stretch.axis)
    written = [path for path in parts_of_dumps(folder, number) if path.stat().st_size]
    parts = [_read_positions(path, simulation) for path in written or [folder / f"frames_{number}.bin"]]
    _, positions, boxes = _once(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    if len(positions) < stretch.steps // stretch.frames_every:
        raise OutputMissing(
            f"frames_{number}.bin has {len(positions)} frames of {stretch.steps // stretch.frames_every}"
        )
    frames = Frames(stretch.frames_every * simulation.timestep, positions, boxes)
    return Recording(simulation.experiment, stretch.state, series, frames, simulation.topology)


def _read_users(simulation: Simulation, recording: ScriptRecording, folder: Path, log: str) -> Recording:
    state = State.of(simulation.script_state.as_dict(), **recording.state)
    series = None
    if recording.series is not None:
        names, rows = read_series_file(folder / recording.series)
        series = _series(names, rows, recording.columns, simulation.timestep, recording.series)
    elif recording.log_run is not None:
        names, rows = read_log_table(log, recording.log_run)
        table = f"the thermo table {recording.log_run} of the log"
        series = _series(names, _regular(rows), recording.columns, simulation.timestep, table)
    frames = None
    if recording.dump is not None:
        steps, positions, boxes = _once(*_read_positions(folder / recording.dump, simulation))
        frames = Frames(_interval(steps, simulation.timestep, recording.dump), positions, boxes)
    return Recording(simulation.experiment, state, series, frames, simulation.topology)


def _read_positions(path: Path, simulation: Simulation) -> tuple[NDArray[np.int64], Array, Array]:
    """A dump that holds the beads of the simulation, if these are known."""
    steps, positions, boxes = read_dump(path)
    if simulation.topology is not None and positions.shape[1] != len(simulation.topology.masses):
        raise OutputMissing(
            f"{path.name} has {positions.shape[1]} atoms; the molecules of the experiment have "
            f"{len(simulation.topology.masses)}"
        )
    return steps, positions if simulation.order is None else positions[:, simulation.order], boxes


def _once(steps: NDArray[np.int64], positions: Array, boxes: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Every frame once: LAMMPS writes that of the step with which a run goes on again."""
    new = _new(steps)
    return steps[new], positions[new], boxes[new]


def _new(steps: Array | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which samples or frames are of another step than those before."""
    return np.asarray(np.diff(steps, prepend=steps[0] - 1) != 0)


def _interval(steps: Array | NDArray[np.int64], timestep: float, name: str) -> float:
    """Time between samples or frames, fs."""
    try:
        return interval_of(np.asarray(steps * timestep, dtype=np.float64))
    except ValueError as error:
        raise OutputMissing(f"{name} has {error}; write it at equal intervals") from error


def _regular(rows: Array) -> Array:
    """A thermo table without its first or last row where the run begins or ends between two samples."""
    intervals = np.diff(rows[:, 0])
    if not len(intervals):
        return rows
    usual = intervals.max()
    return rows[int(intervals[0] < usual) : len(rows) - int(intervals[-1] < usual)]


def _series(names: Sequence[str], rows: Array, wanted: Mapping[str, str], timestep: float, source: str) -> Series:
    rows = rows[_new(rows[:, 0])]
    columns = {name: rows[:, index] for index, name in enumerate(names)}
    found = {ours: columns[theirs] for ours, theirs in wanted.items() if theirs in columns}
    if missing := [theirs for theirs in wanted.values() if theirs not in columns]:
        raise OutputMissing(f"no column {missing[0]!r} among {', '.join(names)}")
    for ours, usual in USUAL_COLUMNS.items():
        for theirs in usual:
            if theirs in columns:
                found.setdefault(ours, columns[theirs])
    return Series(_interval(rows[:, 0], timestep, source), found)


def _table(rows: Sequence[Sequence[str]], columns: int, name: str, *, whole: bool) -> Array:
    """Numbers of a table, nan and inf among them.

    Raises:
        OutputMissing: rows of other lengths, words that are no numbers, or a file that ends within a line.
    """
    if not whole or any(len(row) != columns for row in rows):
        raise OutputMissing(f"{name} is cut short, or has rows of different lengths")
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise OutputMissing(f"{name} holds something that is not a number") from error


def _text(path: Path) -> str:
    return _existing(path).read_text(encoding="utf-8", errors="replace")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise OutputMissing(f"{path.name} is missing")
    return path
