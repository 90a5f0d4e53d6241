"""What a simulation recorded at one state: series of thermodynamic numbers and frames of positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.problem.state import State

Array = NDArray[np.float64]


#: Components of the pressure of a box that is pulled, in LAMMPS' order; its series calls them pressure_xx and so on.
STRESSES = ("xx", "yy", "zz", "xy", "xz", "yz")

#: Intervals that differ by a smaller part are equal: some programs write times in single precision.
_EQUAL = 1e-2


@dataclass(frozen=True)
class Bonded:
    """All bonds, or all angles, of the beads of a recording.

    Attributes:
        members: beads, 0 first, shape (terms, 2 or 3); the middle one of an angle is its vertex.
        types: type of each, 0 first, shape (terms,).
        names: name of each type, such as T1-T2.
    """

    members: NDArray[np.int64]
    types: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Topology:
    """Which bead belongs to which molecule, and who is bonded to whom.

    Attributes:
        masses: g/mol, shape (beads,).
        bead_types: LAMMPS type of each bead, 1 first, shape (beads,).
        molecule_ids: shape (beads,); beads of one molecule stand together, in the order of its bead sequence.
        molecule_kinds: name of the kind of each molecule, by molecule id.
        bead_names: name of each bead type, type 1 first; empty in recordings that were stored before it was kept.
        bonds, angles: None in recordings that were stored before they were kept.
    """

    masses: Array
    bead_types: NDArray[np.int64]
    molecule_ids: NDArray[np.int64]
    molecule_kinds: Mapping[int, str]
    bead_names: tuple[str, ...] = ()
    bonds: Bonded | None = None
    angles: Bonded | None = None

    def beads_of(self, name: str) -> NDArray[np.intp]:
        """Beads of a type, 0 first; none if there is no such type."""
        return np.flatnonzero(self.bead_types == (self.bead_names.index(name) + 1 if name in self.bead_names else 0))

    def starts(self) -> NDArray[np.intp]:
        """First bead of each molecule, 0 first, shape (molecules,).

        Raises:
            EstimateError: the beads of a molecule do not stand together.
        """
        first = np.flatnonzero(np.diff(self.molecule_ids, prepend=self.molecule_ids[:1] - 1))
        if len(np.unique(self.molecule_ids[first])) < len(first):
            raise EstimateError("beads or atoms of a molecule do not stand together; number them molecule by molecule")
        return first

    def bonded(self, section: str) -> Bonded | None:
        """Its bonds, or its angles."""
        return self.bonds if section == "bond" else self.angles

    def bonded_names(self, section: str) -> tuple[str, ...]:
        """Types of bonds, or of angles, of which there is at least one."""
        bonded = self.bonded(section)
        return () if bonded is None else tuple(bonded.names[number] for number in np.unique(bonded.types).tolist())


@dataclass(frozen=True)
class Series:
    """Numbers sampled at equal intervals.

    Attributes:
        interval: time between samples, fs.
        columns: by name: ``temperature`` K, ``pressure`` atm, ``density`` g/cm^3, ``potential_energy`` kcal/mol,
            ``volume`` angstrom^3, or whatever a user's own script wrote; each of shape (samples,).
    """

    interval: float
    columns: Mapping[str, Array]


@dataclass(frozen=True)
class Frames:
    """Positions sampled at equal intervals.

    Attributes:
        interval: time between frames, fs.
        positions: unwrapped, angstrom, shape (frames, beads, 3), beads sorted by id.
        boxes: edge vectors of the box as rows, angstrom, shape (frames, 3, 3).
    """

    interval: float
    positions: Array
    boxes: Array


@dataclass(frozen=True)
class Recording:
    """What one experiment recorded at one state; parts that were not recorded are None.

    Attributes:
        experiment: its name.
        state: at which it was recorded.
        axis: x, y or z if the box was pulled along it; the series then has strains and pressures by axis.
    """

    experiment: str
    state: State
    series: Series | None = None
    frames: Frames | None = None
    topology: Topology | None = None
    axis: str = ""


def interval_of(times: Array) -> float:
    """The interval between samples or frames, fs; 0 for a single one.

    Args:
        times: fs, ascending, shape (samples,).

    Raises:
        ValueError: saying what the intervals are, which are not equal.
    """
    intervals = np.diff(times)
    if not len(intervals):
        return 0.0
    mean = float(intervals.mean())
    if mean <= 0 or np.abs(intervals - mean).max() > _EQUAL * mean:
        raise ValueError(f"intervals of {intervals.min():g} to {intervals.max():g} fs")
    return mean


def joined(earlier: Sequence[Recording], later: Sequence[Recording]) -> tuple[Recording, ...]:
    """Recordings with what was recorded later at the same states appended.

    Raises:
        ValueError: a later recording has no earlier one to go on from.
    """
    more = {recording.state: recording for recording in later}
    if unknown := more.keys() - {recording.state for recording in earlier}:
        raise ValueError(f"nothing was recorded earlier at {next(iter(unknown)).label}")
    return tuple(
        _continued(recording, more[recording.state]) if recording.state in more else recording for recording in earlier
    )


def _continued(one: Recording, more: Recording) -> Recording:
    series = frames = None
    if one.series is not None and more.series is not None:
        later = more.series.columns
        series = replace(
            one.series,
            columns={name: np.concatenate([column, later[name]]) for name, column in one.series.columns.items()},
        )
    if one.frames is not None and more.frames is not None:
        # LAMMPS writes the frame with which it goes on once more; times along the trajectory would be off by one.
        begin = int(np.array_equal(one.frames.positions[-1:], more.frames.positions[:1]))
        frames = replace(
            one.frames,
            positions=np.concatenate([one.frames.positions, more.frames.positions[begin:]]),
            boxes=np.concatenate([one.frames.boxes, more.frames.boxes[begin:]]),
        )
    return replace(one, series=series, frames=frames)
