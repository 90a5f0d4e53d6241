"""Samples of known wells, and trajectories made of them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from beadsmith.inversion.trajectory import Trajectory
from beadsmith.inversion.wells import Section, measure
from beadsmith.problem.recording import Bonded, Frames, Recording, Topology
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

Array = NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250101)


@pytest.fixture
def drawn(rng: np.random.Generator) -> Callable[..., Array]:
    """Independent samples of the stationary density J(x) exp(-beta V(x)), from its cumulative distribution."""

    def draw(section: Section, energy: Callable[[Array], Array], count: int, temperature: float = 300.0) -> Array:
        x = np.linspace(1e-6, 15.0 if section == "bond" else np.pi, 200_001)
        potential = energy(x)
        density = measure(section, x) * np.exp(-(potential - potential.min()) / (BOLTZMANN * temperature))
        cumulative = np.cumsum(density)
        return np.interp(rng.random(count) * cumulative[-1], cumulative, x)

    return draw


def trimers(lengths: Array, angles: Array, temperature: float = 300.0, edge: float = 200.0) -> Trajectory:
    """Molecules A-B-A with bonds and angles of given values, far apart from each other.

    Args:
        lengths: angstrom, shape (frames, molecules, 2).
        angles: radian, shape (frames, molecules).
        temperature: K.
        edge: of the box, angstrom.
    """
    frames, count, _ = lengths.shape
    positions = np.zeros((frames, count, 3, 3))
    positions[:, :, 0, 0] = lengths[:, :, 0]
    positions[:, :, 2, 0] = lengths[:, :, 1] * np.cos(angles)
    positions[:, :, 2, 1] = lengths[:, :, 1] * np.sin(angles)
    positions += np.random.default_rng(1).uniform(0, edge, (count, 1, 3))
    first = 3 * np.arange(count)[:, None]
    bonds = (first[:, :, None] + np.array([[0, 1], [1, 2]])).reshape(-1, 2)
    topology = Topology(
        masses=np.tile([40.0, 60.0, 40.0], count),
        bead_types=np.tile([1, 2, 1], count),
        molecule_ids=np.repeat(np.arange(1, count + 1), 3),
        molecule_kinds=dict.fromkeys(range(1, count + 1), "trimer"),
        bead_names=("A", "B"),
        bonds=Bonded(bonds, np.zeros(len(bonds), dtype=np.int64), ("A-B",)),
        angles=Bonded(first + np.arange(3), np.zeros(count, dtype=np.int64), ("A-B-A",)),
    )
    boxes = np.tile(edge * np.eye(3), (frames, 1, 1))
    recorded = Frames(1000.0, positions.reshape(frames, -1, 3), boxes)
    return Trajectory(Recording("melt", State.of(T=temperature), None, recorded, topology), temperature)
