"""What a simulation recorded at one state: series of thermodynamic numbers and frames of positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.problem.state import State

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Topology:
    """Which bead belongs to which molecule.

    Attributes:
        masses: g/mol, shape (beads,).
        bead_types: LAMMPS type of each bead, 1 first, shape (beads,).
        molecule_ids: shape (beads,); beads of one molecule stand together, in the order of its bead sequence.
        molecule_kinds: name of the kind of each molecule, by molecule id.
    """

    masses: Array
    bead_types: NDArray[np.int64]
    molecule_ids: NDArray[np.int64]
    molecule_kinds: Mapping[int, str]


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
    """What one experiment recorded at one state; parts that were not recorded are None."""

    experiment: str
    state: State
    series: Series | None = None
    frames: Frames | None = None
    topology: Topology | None = None
