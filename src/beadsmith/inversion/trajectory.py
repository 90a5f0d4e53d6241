"""What is inverted: frames of beads with their topology, at a temperature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.observe.distributions import round_width
from beadsmith.problem.molecules import interaction_name
from beadsmith.problem.recording import Array, Bonded, Frames, Recording, Topology
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN, DENSITY_OF_ONE_DALTON

#: Beads lighter than this are hydrogen atoms that nobody mapped, g/mol.
_LIGHTEST = 1.5
#: Fewer frames say nothing about their own correlation.
FEWEST_FRAMES = 10


@dataclass(frozen=True)
class Trajectory:
    """A recording of beads that can be inverted.

    Attributes:
        recording: with frames and topology.
        temperature: K.
    """

    recording: Recording
    temperature: float

    @property
    def frames(self) -> Frames:
        """Its positions."""
        assert self.recording.frames is not None
        return self.recording.frames

    @property
    def topology(self) -> Topology:
        """Its beads, bonds and angles."""
        assert self.recording.topology is not None
        return self.recording.topology

    @property
    def state(self) -> State:
        """At which it was recorded, temperature and all."""
        return self.recording.state.with_(T=self.temperature)

    @property
    def kt(self) -> float:
        """Boltzmann's constant times temperature, kcal/mol."""
        return BOLTZMANN * self.temperature

    @property
    def volume(self) -> float:
        """Mean volume of the box, cubic angstrom."""
        return float(np.linalg.det(self.frames.boxes).mean())

    @property
    def density(self) -> float:
        """Mass over mean volume, g/cm^3."""
        return float(self.topology.masses.sum()) * DENSITY_OF_ONE_DALTON / self.volume

    def names(self, section: str) -> tuple[str, ...]:
        """Types of bonds or angles of which it has at least one."""
        return self.topology.bonded_names(section)


def trajectories_of(
    recordings: Sequence[Recording], source: str, temperature: float | None = None
) -> tuple[Trajectory, ...]:
    """Check recordings that are to be inverted.

    Args:
        recordings: as :mod:`beadsmith.problem.recording_file` reads them.
        source: name of their file, for messages.
        temperature: K, where the recordings do not say.

    Raises:
        ProblemError: no frames, no topology, no temperature, atoms instead of beads.
    """
    with_frames = [one for one in recordings if one.frames is not None and len(one.frames.positions)]
    if not with_frames:
        raise ProblemError(
            source, "no frames of positions", "a trajectory of beads", "record frames, then: beadsmith map"
        )
    return tuple(_trajectory(one, source, temperature) for one in with_frames)


def _trajectory(recording: Recording, source: str, temperature: float | None) -> Trajectory:
    topology, frames = recording.topology, recording.frames
    assert frames is not None
    if topology is None or not topology.bead_names or topology.bonds is None or topology.angles is None:
        raise ProblemError(source, "positions without names, bonds and angles", "beads that 'beadsmith map' wrote")
    if topology.masses.min() < _LIGHTEST:
        raise ProblemError(
            source,
            f"beads of {topology.masses.min():.3g} g/mol, which are hydrogen atoms",
            "a trajectory of beads",
            "map the atoms to beads first: beadsmith map",
        )
    if len(frames.positions) < FEWEST_FRAMES:
        raise ProblemError(
            source,
            f"{len(frames.positions)} frames at {recording.state.label or 'its state'}",
            f"at least {FEWEST_FRAMES}",
            f"record {math.ceil(FEWEST_FRAMES / len(frames.positions))} times as many",
        )
    if "T" not in recording.state and temperature is None:
        raise ProblemError(source, "a state without temperature", "a temperature", "give --temperature '300 K'")
    return Trajectory(recording, recording.state["T"] if "T" in recording.state else float(temperature or 0.0))


def with_common_names(trajectories: Sequence[Trajectory]) -> tuple[tuple[Trajectory, ...], tuple[str, ...]]:
    """The trajectories with types of bonds and angles named alike, and the names of all beads in order.

    The name of a bond depends on the order of beads, which may differ from file to file.

    Raises:
        EstimateError: a bead has two masses.
    """
    beads = tuple(dict.fromkeys(name for one in trajectories for name in one.topology.bead_names))
    order = {name: place for place, name in enumerate(beads)}
    masses(trajectories)
    return tuple(_renamed(one, order) for one in trajectories), beads


def _renamed(trajectory: Trajectory, order: dict[str, int]) -> Trajectory:
    def renamed(bonded: Bonded | None) -> Bonded | None:
        if bonded is None:
            return None
        return replace(bonded, names=tuple(interaction_name(name.split("-"), order) for name in bonded.names))

    topology = trajectory.topology
    changed = replace(topology, bonds=renamed(topology.bonds), angles=renamed(topology.angles))
    return replace(trajectory, recording=replace(trajectory.recording, topology=changed))


def masses(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """Mean mass of each kind of bead, g/mol.

    Raises:
        EstimateError: its mass differs between trajectories by more than a tenth.
    """
    found: dict[str, float] = {}
    for one in trajectories:
        for number, name in enumerate(one.topology.bead_names, start=1):
            own = one.topology.masses[one.topology.bead_types == number]
            if not len(own):
                continue
            mass = float(own.mean())
            known = found.setdefault(name, mass)
            if abs(known - mass) > 0.1 * known:
                raise EstimateError(f"bead {name} has {known:.4g} g/mol in one trajectory and {mass:.4g} in another")
    return found


def evenly(low: float, high: float, wanted: float, end: float | None = None) -> tuple[Array, float]:
    """Centres of bins that cover a range, as wide as 1, 2 or 5 times a power of ten, and their width.

    Args:
        low, high: of the values, not below zero.
        wanted: width that is aimed at; the bins are not wider.
        end: where values end, if they do; no bin reaches beyond.
    """
    width = round_width(wanted)
    first = math.floor(low / width + 1e-9)
    last = math.ceil(high / width - 1e-9)
    if end is not None and last * width > end:
        width = end / math.ceil(end / width)
        first, last = math.floor(low / width), min(math.ceil(high / width), round(end / width))
    last = max(last, first + 2)
    return np.asarray(width * (np.arange(first, last) + 0.5), dtype=np.float64), width
