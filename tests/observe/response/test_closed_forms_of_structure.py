"""Gradients of distributions, their means, pressures and energies, where every average is an integral."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom

from beadsmith.build.system import topology_of
from beadsmith.forcefield.energies import harmonic, mie
from beadsmith.observe.response import FluctuationGradient, observable_gradients
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State
from beadsmith.units import ATMOSPHERES, BOLTZMANN

Array = NDArray[np.float64]
Point = Mapping[str, float]

KT = 300.0 * BOLTZMANN
TRIMERS = """
title: Trimers without pair interactions
beads: {A: {mass: 40 g/mol}}
molecules: {trimer: {beads: A A A}}
forcefield: {pair: {style: lj/cut, cutoff: 3 angstrom}}
parameters:
  bond.*.k: 1 to 9 kcal/mol/angstrom^2
  bond.*.length: 1 to 4 angstrom
  angle.*.k: 1 to 9 kcal/mol/rad^2
  angle.*.theta0: 60 to 180 degree
  pair.*.epsilon: {fixed: 0 kcal/mol}
  pair.*.sigma: {fixed: 1 angstrom}
experiments:
  vacuum:
    kind: vacuum
    molecule: trimer
    replicas: 40
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps}]
  gas:
    kind: melt
    molecules: {trimer: 20}
    initial_density: 1 g/cm^3
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: nvt, temperatures: 300 K, hold: 300 steps}]
observables:
  bonds: {kind: bond_distribution, experiment: vacuum, bond: A-A, r: 1.3 to 3.1 by 0.2 angstrom}
  bonds_in_space: {kind: bond_distribution, experiment: vacuum, r: 1.3 to 3.1 by 0.2 angstrom, per: volume}
  angles: {kind: angle_distribution, experiment: vacuum, angle: A-A-A, theta: 65 to 175 by 10 degree}
  angles_in_space:
    {kind: angle_distribution, experiment: vacuum, theta: 65 to 175 by 10 degree, per: solid_angle}
  length: {kind: bond_length, experiment: vacuum}
  angle: {kind: bond_angle, experiment: vacuum}
  energy: {kind: potential_energy, experiment: vacuum}
  gas_bonds: {kind: bond_distribution, experiment: gas, r: 1.3 to 3.1 by 0.2 angstrom}
  pressure: {kind: pressure, experiment: gas}
  gas_energy: {kind: potential_energy, experiment: gas}
  together: {kind: radial_distribution, experiment: gas, r: 1.3 to 3.1 by 0.2 angstrom, intramolecular: yes}
  apart: {kind: radial_distribution, experiment: gas, pair: A-A, r: 1.3 to 3.1 by 0.2 angstrom}
"""
TRIMER = {"bond.A-A.k": 2.0, "bond.A-A.length": 2.0, "angle.A-A-A.k": 2.0, "angle.A-A-A.theta0": 120.0}

PAIR = """
title: Two beads in a box
beads: {A: {mass: 40 g/mol}}
molecules: {atom: {beads: A}}
forcefield: {pair: {style: mie/cut, cutoff: 4.2 angstrom, tail: yes}}
parameters:
  pair.*.epsilon: 0.1 to 1 kcal/mol
  pair.*.sigma: 2 to 3 angstrom
  pair.*.repulsive_exponent: 9 to 15
  pair.*.attractive_exponent: 5 to 7
experiments:
  box:
    kind: melt
    molecules: {atom: 2}
    initial_density: 0.2 g/cm^3
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: nvt, temperatures: 300 K, hold: 300 steps}]
observables:
  rdf: {kind: radial_distribution, experiment: box, r: 2.25 to 4.0 by 0.25 angstrom}
  pressure: {kind: pressure, experiment: box}
  energy: {kind: potential_energy, experiment: box}
"""
ATOMS = {
    "pair.A.epsilon": 0.6,
    "pair.A.sigma": 2.5,
    "pair.A.repulsive_exponent": 12.0,
    "pair.A.attractive_exponent": 6.0,
}
EDGE = 8.7


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Problem]:
    def problem(text: str) -> Problem:
        path = tmp_path / "problem.yaml"
        path.write_text(textwrap.dedent(text))
        return load_problem(path)

    return problem


def slope_of(mean: Callable[[Point], Array], point: Point, name: str) -> Array:
    """Derivative of an exact average."""
    step = 1e-4 * point[name]
    above, below = (np.asarray(mean({**point, name: point[name] + by})) for by in (step, -step))
    return (above - below) / (2 * step)


def gradients_of(problem: Problem, recording: Recording, point: Point) -> dict[str, list[FluctuationGradient]]:
    model = constant_model("known", problem.parameters, point)
    found: dict[str, list[FluctuationGradient]] = {}
    for one in observable_gradients([recording], problem, model, recording.experiment):
        found.setdefault(one.observable, []).append(one)
    return found


def check(
    problem: Problem,
    recordings: Sequence[Recording],
    point: Point,
    means: Mapping[str, Callable[[Point], Array]],
    bias: float = 0.0,
    coverage: float = 0.85,
) -> None:
    """Means of many gradients are exact, and their errors hold the truth as often as they should.

    Args:
        means: exact averages by observable, a number or one for each bin.
        bias: what is allowed, as a part of the largest derivative of the observable by the parameter.
        coverage: least share of intervals of 1.96 standard errors that hold the truth.
    """
    found = [gradients_of(problem, recording, point) for recording in recordings]
    names = [parameter.name for parameter in problem.parameters.free]
    times = len(recordings)
    for observable, mean in means.items():
        truth = np.array([np.atleast_1d(slope_of(mean, point, name)) for name in names]).T
        values = np.array([[one.values for one in each[observable]] for each in found])
        errors = np.array([[one.stderrs for one in each[observable]] for each in found])
        assert values.shape[1:] == truth.shape, observable
        allowed = 4.5 * values.std(axis=0) / np.sqrt(times) + bias * np.abs(truth).max(axis=0) + 1e-12
        assert np.all(np.abs(values.mean(axis=0) - truth) < allowed), observable
        inside = np.abs(values - truth) <= 1.96 * errors + 1e-12
        low, _ = binom.interval(0.9999, inside.size // 3, coverage)  # bins and parameters are not independent
        assert inside.sum() >= 3 * low, (observable, inside.mean())
        # Not honest by being useless, nor with errors that are far too large.
        assert np.median(np.sqrt(np.mean(errors**2, axis=0)) / (values.std(axis=0) + 1e-12)) < 1.6, observable


# -- trimers ------------------------------------------------------------------------------------------------------

LENGTHS = np.linspace(1e-3, 6.0, 12_001)
ANGLES = np.linspace(1e-3, 180.0 - 1e-3, 18_001)
BOND_EDGES = np.linspace(1.2, 3.2, 11)
ANGLE_EDGES = np.linspace(60.0, 180.0, 13)


def normalised(weights: Array) -> Array:
    return weights / weights.sum()


def lengths_at(point: Point) -> Array:
    energy = harmonic(LENGTHS, point["bond.A-A.k"], point["bond.A-A.length"])
    return normalised(LENGTHS**2 * np.exp(-energy / KT))


def angles_at(point: Point) -> Array:
    energy = harmonic(np.radians(ANGLES), point["angle.A-A-A.k"], np.radians(point["angle.A-A-A.theta0"]))
    return normalised(np.sin(np.radians(ANGLES)) * np.exp(-energy / KT))


def shares(grid: Array, weights: Array, edges: Array) -> Array:
    """Probability of each bin; by differences of the cumulative one, so that no point of the grid jumps."""
    middle = 0.5 * (grid[1:] + grid[:-1])
    return np.diff(np.interp(edges, middle, np.cumsum(weights)[:-1]))


def bond_shares(point: Point) -> Array:
    return shares(LENGTHS, lengths_at(point), BOND_EDGES)


def angle_shares(point: Point) -> Array:
    return shares(ANGLES, angles_at(point), ANGLE_EDGES)


def energy_at(point: Point) -> float:
    """Of one trimer."""
    bond = harmonic(LENGTHS, point["bond.A-A.k"], point["bond.A-A.length"]) @ lengths_at(point)
    bend = harmonic(np.radians(ANGLES), point["angle.A-A-A.k"], np.radians(point["angle.A-A-A.theta0"]))
    return float(2.0 * bond + bend @ angles_at(point))


SHELLS = 4.0 / 3.0 * np.pi * np.diff(BOND_EDGES**3)
SOLID_ANGLES = -2.0 * np.pi * np.diff(np.cos(np.radians(ANGLE_EDGES)))


def drawn(grid: Array, weights: Array, normal: Array) -> Array:
    return np.interp(ndtr(normal), np.cumsum(weights) - 0.5 * weights, grid)


def trimers(problem: Problem, experiment: str, normal: Array, edge: float, rng: np.random.Generator) -> Recording:
    """Frames of trimers anywhere in the box; ``normal`` has the shape (3, frames, molecules)."""
    first, last = (drawn(LENGTHS, lengths_at(TRIMER), one) for one in normal[:2])
    bend = np.radians(drawn(ANGLES, angles_at(TRIMER), normal[2]))
    frames, count = bend.shape
    along, across = rng.normal(size=(2, frames, count, 3))
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    across -= (across * along).sum(axis=2, keepdims=True) * along
    across /= np.linalg.norm(across, axis=2, keepdims=True)
    middle = rng.uniform(0, edge, (frames, count, 3))
    other = np.cos(bend)[..., None] * along + np.sin(bend)[..., None] * across
    beads = np.stack([middle + first[..., None] * along, middle, middle + last[..., None] * other], axis=2)
    boxes = np.tile(edge * np.eye(3), (frames, 1, 1))
    topology = topology_of(problem, {"trimer": count})
    return Recording(
        experiment, State.of(T=300), None, Frames(1.0, beads.reshape(frames, 3 * count, 3), boxes), topology
    )


def test_bonds_and_angles_of_isolated_molecules_answer_as_their_integrals_say(load, autoregressive, rng):
    problem = load(TRIMERS)

    def recording() -> Recording:
        series = [autoregressive(40, 3.0) for _ in range(3 * 40)]
        return trimers(problem, "vacuum", np.stack(series, axis=1).reshape(40, 40, 3).transpose(2, 0, 1), 1e3, rng)

    check(
        problem,
        [recording() for _ in range(24)],
        TRIMER,
        {
            "bonds": lambda point: bond_shares(point) / 0.2,
            "bonds_in_space": lambda point: bond_shares(point) / SHELLS,
            "angles": lambda point: angle_shares(point) / 10.0,
            "angles_in_space": lambda point: angle_shares(point) / SOLID_ANGLES,
            "length": lambda point: LENGTHS @ lengths_at(point),
            "angle": lambda point: ANGLES @ angles_at(point),
            "energy": lambda point: 40.0 * energy_at(point),
        },
    )


def test_a_gas_of_trimers_has_the_pressure_of_its_molecules_whatever_their_springs(load, rng):
    """<r U'> = 3 kT for any spring: what the virial says outright is what its fluctuations take back."""
    problem = load(TRIMERS)
    edge, count = 14.0, 20
    pairs = 60 * 59 / 2

    def recording() -> Recording:
        return trimers(problem, "gas", rng.normal(size=(3, 80, count)), edge, rng)

    def ends(point: Point) -> Array:
        """Shares of the distance between the ends of a trimer: bins of r31 given both bonds and the angle."""
        random = np.random.default_rng(7)
        first, last = (drawn(LENGTHS, lengths_at(point), random.normal(size=60_000)) for _ in range(2))
        bend = np.radians(drawn(ANGLES, angles_at(point), random.normal(size=60_000)))
        distance = np.sqrt(first**2 + last**2 - 2 * first * last * np.cos(bend))
        # Smooth in the parameters: the same random numbers, and a bin's edge of 0.01 angstrom.
        below = ndtr((BOND_EDGES[:, None] - distance) / 0.01).mean(axis=1)
        return np.diff(below)

    def together(point: Point) -> Array:
        return count * (2.0 * bond_shares(point) + ends(point)) * edge**3 / (pairs * SHELLS)

    check(
        problem,
        [recording() for _ in range(24)],
        TRIMER,
        {
            "gas_bonds": lambda point: bond_shares(point) / 0.2,
            "pressure": lambda point: np.array(0.0),
            "gas_energy": lambda point: np.array(count * energy_at(point)),
            "together": together,
            "apart": lambda point: np.zeros(10),
        },
        bias=0.03,
        coverage=0.82,
    )


# -- two beads ----------------------------------------------------------------------------------------------------

CUTOFF = 4.2
DISTANCES = np.linspace(1.2, CUTOFF, 30_001)
RADIAL_EDGES = np.linspace(2.125, 4.125, 9)


def inside(point: Point) -> tuple[Array, float]:
    """Probabilities of distances within the cutoff, on the grid, and of being beyond it."""
    numbers = [point[f"pair.A.{name}"] for name in ("epsilon", "sigma", "repulsive_exponent", "attractive_exponent")]
    # Forces of a plain cutoff are those of the energy shifted to zero there.
    shifted = mie(DISTANCES, *numbers) - mie(np.array(CUTOFF), *numbers)
    weights = 4.0 * np.pi * DISTANCES**2 * np.exp(-shifted / KT) * (DISTANCES[1] - DISTANCES[0])
    outside = EDGE**3 - 4.0 / 3.0 * np.pi * CUTOFF**3
    total = weights.sum() + outside
    return weights / total, outside / total


def radial(point: Point) -> Array:
    weights, _ = inside(point)
    return shares(DISTANCES, weights, RADIAL_EDGES) * EDGE**3 / (4.0 / 3.0 * np.pi * np.diff(RADIAL_EDGES**3))


def pair_energy(point: Point, distances: Array = DISTANCES) -> Array:
    numbers = [point[f"pair.A.{name}"] for name in ("epsilon", "sigma", "repulsive_exponent", "attractive_exponent")]
    return mie(distances, *numbers)


def beyond(function: Callable[[Array], Array]) -> float:
    """What a function of the distance adds up to over evenly spread beads beyond the cutoff; each counts the other."""
    nodes, weights = np.polynomial.legendre.leggauss(100)
    t = 0.5 * (nodes + 1.0)
    distances = CUTOFF / t
    return float(2.0 * np.pi * 2**2 / EDGE**3 * (function(distances) * distances**2) @ (0.5 * weights * CUTOFF / t**2))


def energy(point: Point) -> float:
    return float(pair_energy(point) @ inside(point)[0] + beyond(lambda r: pair_energy(point, r)))


def pressure(point: Point) -> float:
    def work(distances: Array) -> Array:
        """-r du/dr."""
        stretch = 1.0001
        change = pair_energy(point, distances * stretch) - pair_energy(point, distances / stretch)
        return -change / (2.0 * np.log(stretch))

    virial = work(DISTANCES) @ inside(point)[0] + beyond(work)
    return float((KT + virial / 3.0) / EDGE**3 * ATMOSPHERES)


def two_beads(problem: Problem, frames: int, rng: np.random.Generator) -> Recording:
    weights, outside = inside(ATOMS)
    directions = rng.normal(size=(frames, 3))
    near = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    near *= drawn(DISTANCES, normalised(weights), rng.normal(size=frames))[:, None]
    far = rng.uniform(-0.5 * EDGE, 0.5 * EDGE, (8 * frames + 100, 3))
    far = far[np.linalg.norm(far, axis=1) > CUTOFF][:frames]
    apart = np.where(rng.uniform(size=(frames, 1)) < outside, far, near)
    one = rng.uniform(0, EDGE, (frames, 3))
    positions = np.stack([one, one + apart], axis=1)
    boxes = np.tile(EDGE * np.eye(3), (frames, 1, 1))
    topology = topology_of(problem, {"atom": 2})
    return Recording("box", State.of(T=300), None, Frames(1.0, positions, boxes), topology)


def test_two_beads_in_a_box_answer_as_their_integrals_say(load, rng):
    """Radial distribution, pressure and energy by depth, size and both exponents of a Mie potential with a tail."""
    problem = load(PAIR)
    check(
        problem,
        [two_beads(problem, 400, rng) for _ in range(24)],
        ATOMS,
        {
            "rdf": radial,
            "pressure": lambda point: np.array(pressure(point)),
            "energy": lambda point: np.array(energy(point)),
        },
        bias=0.03,
        coverage=0.82,
    )
