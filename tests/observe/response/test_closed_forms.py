"""Whole gradients of systems whose averages are integrals over one variable."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from beadsmith.build.system import topology_of
from beadsmith.forcefield.energies import harmonic, mie
from beadsmith.observe.response import FluctuationGradient, observable_gradients
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

KT = 300.0 * BOLTZMANN
DIMERS = """
title: Dimers
beads: {A: {mass: 30 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: mie/cut, cutoff: 1.2 angstrom, tail: yes}}
parameters:
  bond.*.k: 1 to 9 kcal/mol/angstrom^2
  bond.*.length: 1 to 4 angstrom
  pair.*.epsilon: 0.1 to 1 kcal/mol
  pair.*.sigma: 0.5 to 1.5 angstrom
  pair.*.repulsive_exponent: 9 to 15
  pair.*.attractive_exponent: 5 to 7
experiments:
  vacuum:
    kind: vacuum
    molecule: dimer
    replicas: 40
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps}]
  gas:
    kind: melt
    molecules: {dimer: 216}
    initial_density: 0.1 g/cm^3
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 300 K, pressure: 200 atm, hold: 300 steps}]
observables:
  length: {kind: end_to_end_distance, experiment: vacuum}
  size: {kind: radius_of_gyration, experiment: vacuum}
  energy: {kind: potential_energy, experiment: vacuum}
  density: {kind: density, experiment: gas}
  volume: {kind: volume, experiment: gas}
  gas_energy: {kind: potential_energy, experiment: gas}
"""
POINT = {
    "bond.A-A.k": 2.0,
    "bond.A-A.length": 2.0,
    "pair.A.epsilon": 0.3,
    "pair.A.sigma": 1.0,
    "pair.A.repulsive_exponent": 12.0,
    "pair.A.attractive_exponent": 6.0,
}


@pytest.fixture
def dimers(tmp_path: Path) -> Problem:
    path = tmp_path / "dimers.yaml"
    path.write_text(textwrap.dedent(DIMERS))
    return load_problem(path)


def weighted_mean(values: np.ndarray, logarithms: np.ndarray) -> float:
    weights = np.exp(logarithms - logarithms.max())
    return float((values * weights).sum() / weights.sum())


def exact(mean: Callable[[dict[str, float]], float], name: str) -> float:
    step = 1e-4 * POINT[name]
    return (mean({**POINT, name: POINT[name] + step}) - mean({**POINT, name: POINT[name] - step})) / (2 * step)


def lengths_at(point: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Grid of bond lengths, and the logarithm of their density r^2 exp(-U/kT)."""
    r = np.linspace(1e-3, 8.0, 20001)
    return r, 2.0 * np.log(r) - harmonic(r, point["bond.A-A.k"], point["bond.A-A.length"]) / KT


def volumes_at(point: dict[str, float], molecules: int) -> tuple[np.ndarray, np.ndarray]:
    """Grid of volumes, and the logarithm of their density V^N exp(-(E_w/V + P V)/kT)."""
    volumes = np.linspace(8e3, 6e4, 40001)
    pressure = 200.0 / 68568.415
    t = np.linspace(1e-6, 1.0, 20001)
    r = 1.2 / t
    numbers = [point[f"pair.A.{name}"] for name in ("epsilon", "sigma", "repulsive_exponent", "attractive_exponent")]
    # -r u' r^2 dr, integrated by parts: r^3 u at the cutoff, and three times the integral of r^2 u.
    integral = np.trapezoid(mie(r, *numbers) * r**4 / 1.2, t)
    work = 1.2**3 * float(mie(np.array(1.2), *numbers)) + 3.0 * integral
    energy = 2.0 * np.pi / 3.0 * (2 * molecules) ** 2 * work
    return volumes, molecules * np.log(volumes) - (energy / volumes + pressure * volumes) / KT


def drawn(grid: np.ndarray, logarithms: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Samples of a density on a grid, from standard normal numbers (which may be correlated)."""
    weights = np.exp(logarithms - logarithms.max())
    return np.interp(ndtr(normal), (np.cumsum(weights) - 0.5 * weights) / weights.sum(), grid)


def dimers_in_vacuum(problem: Problem, normal: np.ndarray, rng: np.random.Generator) -> Recording:
    """Frames of dimers whose lengths are sampled exactly; ``normal`` has the shape (frames, molecules)."""
    lengths = drawn(*lengths_at(POINT), normal)
    directions = rng.normal(size=(*lengths.shape, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    centres = rng.uniform(0, 50, size=(*lengths.shape, 1, 3))
    ends = centres + 0.5 * (lengths[..., None] * directions)[:, :, None] * np.array([[-1.0], [1.0]])
    frames, molecules = lengths.shape
    positions = ends.reshape(frames, 2 * molecules, 3)
    boxes = np.tile(1e3 * np.eye(3), (frames, 1, 1))
    topology = topology_of(problem, {"dimer": molecules})
    return Recording("vacuum", State.of(T=300), None, Frames(1.0, positions, boxes), topology)


def gradients_of(problem: Problem, recording: Recording) -> dict[str, FluctuationGradient]:
    model = constant_model("known", problem.parameters, POINT)
    return {one.observable: one for one in observable_gradients([recording], problem, model, recording.experiment)}


def test_a_harmonic_bond_answers_as_its_integral_says(dimers, autoregressive, rng):
    truths = {}
    for name in ("bond.A-A.k", "bond.A-A.length"):

        def mean_of(what: str, name: str = name) -> float:
            def mean(point: dict[str, float]) -> float:
                r, logarithms = lengths_at(point)
                energy = harmonic(r, point["bond.A-A.k"], point["bond.A-A.length"])
                return weighted_mean({"length": r, "size": 0.5 * r, "energy": 40 * energy}[what], logarithms)

            return exact(mean, name)

        truths[name] = {what: mean_of(what) for what in ("length", "size", "energy")}
    covered = {(what, name): 0 for what in ("length", "size", "energy") for name in truths}
    sums = dict.fromkeys(covered, 0.0)
    spreads = dict.fromkeys(covered, 0.0)
    times = 150
    for _ in range(times):
        normal = np.stack([autoregressive(36, 3.0) for _ in range(40)], axis=1)
        found = gradients_of(dimers, dimers_in_vacuum(dimers, normal, rng))
        for (what, name), count in covered.items():
            column = found[what].parameters.index(name)
            value, error = found[what].values[column], found[what].stderrs[column]
            covered[what, name] = count + (abs(value - truths[name][what]) < 1.96 * error)
            sums[what, name] += value / times
            spreads[what, name] += error**2 / times
    low, _ = binom.interval(0.9999, times, 0.94)
    for key, count in covered.items():
        what, name = key
        assert count >= low, key
        assert sums[key] == pytest.approx(truths[name][what], abs=4 * np.sqrt(spreads[key] / times)), key
    for name, truth in truths.items():
        # Not honest by being useless.
        assert np.sqrt(spreads["length", name]) < 0.15 * abs(truth["length"])


def test_pairs_that_never_meet_have_no_influence(dimers, rng):
    found = gradients_of(dimers, dimers_in_vacuum(dimers, rng.normal(size=(36, 40)), rng))
    assert found["length"].values[2:] == pytest.approx(np.zeros(4), abs=1e-14)


def gas(problem: Problem, normal: np.ndarray, rng: np.random.Generator) -> Recording:
    """Dimers on a lattice that swells and shrinks with the box: only their tails know the volume."""
    volumes = drawn(*volumes_at(POINT, 216), normal)
    edges = volumes ** (1 / 3)
    sites = (np.stack(np.unravel_index(np.arange(216), (6, 6, 6)), axis=1) + 0.5) / 6.0
    lengths = drawn(*lengths_at(POINT), rng.normal(size=(len(volumes), 216)))
    along = 0.5 * lengths[..., None, None] * np.array([[-1.0, 0, 0], [1.0, 0, 0]])
    # Sites are 5 angstrom apart and bonds 2 long: no bead comes within the cutoff of another molecule's.
    centres = sites[None] * edges[:, None, None]
    positions = (centres[:, :, None, :] + along).reshape(len(volumes), 432, 3)
    boxes = edges[:, None, None] * np.eye(3)
    topology = topology_of(problem, {"dimer": 216})
    return Recording("gas", State.of(T=300), None, Frames(1.0, positions, boxes), topology)


def test_a_gas_held_together_by_its_tail_answers_as_its_integral_says(dimers, autoregressive, rng):
    names = list(POINT)
    mass = 432 * 30.0 * 1.66053906660

    def mean_of(kind: str) -> Callable[[dict[str, float]], float]:
        def mean(point: dict[str, float]) -> float:
            volumes, logarithms = volumes_at(point, 216)
            return weighted_mean(volumes if kind == "volume" else mass / volumes, logarithms)

        return mean

    truths = {kind: np.array([exact(mean_of(kind), name) for name in names]) for kind in ("density", "volume")}
    assert truths["density"][:2] == pytest.approx([0.0, 0.0], abs=1e-10)
    found = [gradients_of(dimers, gas(dimers, autoregressive(72, 2.0), rng)) for _ in range(60)]
    for kind, truth in truths.items():
        values = np.array([one[kind].values for one in found])
        errors = np.array([one[kind].stderrs for one in found])
        columns = [found[0][kind].parameters.index(name) for name in names]
        values, errors = values[:, columns], errors[:, columns]
        # A bias of a few percent is left of the covariance of 36 independent samples.
        allowed = 4 * values.std(axis=0) / np.sqrt(60) + 0.03 * np.abs(truth)
        assert np.all(np.abs(values.mean(axis=0) - truth) < allowed), kind
        low, _ = binom.interval(0.9999, 60, 0.88)
        assert np.all(np.sum(np.abs(values - truth) < 1.96 * errors, axis=0) >= low), kind
