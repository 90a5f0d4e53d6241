"""Small systems on a jittered lattice, and their energies by the plainest possible route."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from beadsmith.build.system import topology_of
from beadsmith.forcefield import energies as styles
from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.observe.response.wiring import bonds_apart
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.molecules import interaction_name
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.schema import Vacuum
from beadsmith.problem.state import State

FILE = """
title: Branched molecules and dimers
beads:
  A: {mass: 40 g/mol}
  B: {mass: 50 g/mol}
  C: {mass: 60 g/mol}
molecules:
  branched: {beads: A B C A B A, bonds: 1-2 2-3 3-4 3-5 5-6}
  dimer: {beads: A C}
forcefield:
  pair: {PAIR}
  bond: {style: BOND}
  angle: {style: ANGLE}
  special_bonds: SPECIAL
parameters:
  bond.*.length: 2.5 to 4.5 angstrom
  angle.*.theta0: 90 to 170 degree
  pair.*.epsilon: 0.3 to 1.5 kcal/mol
  pair.*.sigma: 2.8 to 4 angstrom
MORE
experiments:
  melt:
    kind: melt
    molecules: {branched: 16, dimer: 14}
    initial_density: 0.05 g/cm^3
    timestep: 5 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 300 K, hold: 300 steps}]
  vacuum:
    kind: vacuum
    molecule: branched
    replicas: 10
    timestep: 5 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps}]
observables:
  density: {kind: density, experiment: melt}
  volume: {kind: volume, experiment: melt}
  pressure: {kind: pressure, experiment: melt}
  energy: {kind: potential_energy, experiment: melt}
  temperature: {kind: temperature, experiment: melt}
  size: {kind: radius_of_gyration, experiment: melt, molecule: branched}
  size_alone: {kind: radius_of_gyration, experiment: vacuum}
  energy_alone: {kind: potential_energy, experiment: vacuum}
"""
BONDS = {
    "harmonic": {"bond.*.k": "1 to 12 kcal/mol/angstrom^2"},
    "morse": {"bond.*.depth": "1 to 9 kcal/mol", "bond.*.alpha": "0.5 to 2 1/angstrom"},
}
ANGLES = {
    "harmonic": {"angle.*.k": "1 to 12 kcal/mol/rad^2"},
    "cosine/squared": {"angle.*.k": "1 to 12 kcal/mol"},
}
EXPONENTS = {"pair.*.repulsive_exponent": "9 to 15", "pair.*.attractive_exponent": "5 to 7"}
CROSS = {
    "pair.A-B.epsilon": "0.3 to 1.5 kcal/mol",
    "pair.A-B.sigma": "2.8 to 4 angstrom",
    "pair.B-C.sigma": "2.8 to 4 angstrom",
}
FORCEFIELDS = [
    pytest.param({}, id="mie geometric tail"),
    pytest.param({"pair": "style: mie/cut, cutoff: 6 angstrom, mixing: arithmetic, tail: yes"}, id="mie arithmetic"),
    pytest.param(
        {"pair": "style: mie/cut, cutoff: 6 angstrom, mixing: sixthpower", "more": CROSS}, id="mie sixthpower"
    ),
    pytest.param({"pair": "style: mie/cut, cutoff: 6 angstrom, tail: yes", "more": CROSS}, id="mie unlike pairs"),
    pytest.param({"pair": "style: lj/cut, cutoff: 6 angstrom, mixing: sixthpower, tail: yes"}, id="lj sixthpower"),
    pytest.param({"pair": "style: lj/cut, cutoff: 6 angstrom, shift: yes"}, id="lj shifted"),
    pytest.param(
        {"pair": "style: lj/gromacs, inner_cutoff: 4 angstrom, cutoff: 6 angstrom", "bond": "morse"},
        id="gromacs, morse",
    ),
    pytest.param({"angle": "cosine/squared", "special": "[0, 0.5, 1]"}, id="cosine, 1-3 halved"),
    pytest.param({"bond": "morse", "special": "[0.2, 0.3, 0.7]"}, id="morse, all scaled"),
]
TEMPERATURE = 300.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)

Array = NDArray[np.float64]


@pytest.fixture(params=FORCEFIELDS)
def forcefield(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Styles, mixing rules and special bonds in turn: arguments of ``make_problem``."""
    return dict(request.param)


@pytest.fixture
def make_problem(tmp_path: Path) -> Callable[..., Problem]:
    """A problem with given styles; ``more`` are further parameter rules."""

    def make(
        pair: str = "style: mie/cut, cutoff: 6 angstrom, tail: yes",
        bond: str = "harmonic",
        angle: str = "harmonic",
        special: str = "[0, 0, 1]",
        more: Mapping[str, str] | None = None,
    ) -> Problem:
        rules = {**BONDS[bond], **ANGLES[angle], **(EXPONENTS if "mie" in pair else {}), **(more or {})}
        lines = textwrap.indent("\n".join(f"{name}: {rule}" for name, rule in rules.items()), "  ")
        text = FILE.replace("PAIR", pair).replace("BOND", bond).replace("ANGLE", angle)
        path = tmp_path / "problem.yaml"
        path.write_text(text.replace("SPECIAL", special).replace("MORE", lines))
        return load_problem(path)

    return make


@pytest.fixture
def model_of(rng: np.random.Generator) -> Callable[[Problem], Model]:
    """A model anywhere in the middle of the ranges."""

    def make(problem: Problem) -> Model:
        inside = {p.name: p.low + (p.high - p.low) * rng.uniform(0.2, 0.8) for p in problem.parameters.free}
        return constant_model("random", problem.parameters, inside)

    return make


def lattice(rng: np.random.Generator, beads: int, spacing: float) -> tuple[np.ndarray, float]:
    """Beads one after the other along a winding path through a cubic lattice, jittered; and the edge of the box."""
    side = math.ceil(beads ** (1 / 3))
    sites = []
    for x in range(side):
        for y in range(side) if x % 2 == 0 else reversed(range(side)):
            flip = (x * side + y) % 2
            sites += [(x, y, z) for z in (reversed(range(side)) if flip else range(side))]
    positions = spacing * np.array(sites[:beads], dtype=float) + rng.uniform(-0.15, 0.15, (beads, 3)) * spacing
    return positions, side * spacing


def _on_the_edge(positions: Array, edge: float, cutoff: float) -> bool:
    """Whether a pair lies so near the cutoff that a finite difference would cross it."""
    apart = positions[:, None] - positions[None, :]
    distances = np.linalg.norm(apart - edge * np.round(apart / edge), axis=2)
    return bool(np.any(np.abs(distances - cutoff) < 2e-4))


@pytest.fixture
def record(rng: np.random.Generator) -> Callable[..., Recording]:
    """Frames of an experiment, positions rounded as a data file has them; whole molecules sit in any image."""

    def make(problem: Problem, experiment: str = "melt", frames: int = 2, spacing: float = 3.6) -> Recording:
        own = problem.experiments[experiment]
        molecules = {own.molecule: own.replicas} if isinstance(own, Vacuum) else own.molecules
        topology = topology_of(problem, molecules)
        beads = len(topology.masses)
        positions, boxes = [], []
        for number in range(frames):
            shape, edge = lattice(rng, beads, spacing + 0.1 * number)
            while _on_the_edge(shape, edge, problem.file.forcefield.pair.cutoff):
                shape, edge = lattice(rng, beads, spacing + 0.1 * number)
            if isinstance(own, Vacuum):
                # Far from the faces of a large box, where LAMMPS would look for images of bonded beads.
                shape, edge = shape + 4.0 * edge, 10.0 * edge
            images = edge * rng.integers(-2, 3, (int(topology.molecule_ids.max()), 3))
            positions.append(np.round(shape + images[topology.molecule_ids - 1], 5))
            boxes.append(edge * np.eye(3))
        recorded = Frames(100.0, np.array(positions), np.array(boxes))
        return Recording(experiment, State.of(T=TEMPERATURE), None, recorded, topology)

    return make


class Plain:
    """Energies of frames from all pairs of beads and :mod:`beadsmith.forcefield.energies`; tails by quadrature."""

    def __init__(self, problem: Problem, recording: Recording) -> None:
        self.problem, self.recording = problem, recording
        self.pair = problem.file.forcefield.pair
        self.isolated = isinstance(problem.experiments[recording.experiment], Vacuum)
        self.beads = [list(problem.beads)[kind - 1] for kind in recording.topology.bead_types]
        self.order = {bead: index for index, bead in enumerate(problem.beads)}
        self.kinds = list(combinations_with_replacement(problem.beads, 2))
        frames = range(len(recording.frames.positions))
        self.pairs = [self._pairs_of(frame) for frame in frames]
        self.shapes = [self._shapes_of(frame) for frame in frames]

    def energies(self, model: Model, frame: int) -> Array:
        """What LAMMPS prints, and what it samples."""
        values = model.at(self.recording.state)
        bonded = self._bonded(values, frame)
        printed = self._nonbonded(values, frame, self.pair.shift) + self._tail(values, frame, "energy")
        sampled = self._nonbonded(values, frame, True) + self._tail(values, frame, "work")
        return bonded + np.array([printed, sampled])

    def _coefficients(self, one: str, other: str, values: Mapping[str, float]) -> list[float]:
        exponents = ["repulsive_exponent", "attractive_exponent"] if "mie" in self.pair.style else []
        sigmas = [values[f"pair.{bead}.sigma"] for bead in (one, other)]
        found = []
        for name in ["epsilon", "sigma", *exponents]:
            own = f"pair.{one}-{other}.{name}"
            like = [values[f"pair.{bead}.{name}"] for bead in (one, other)]
            rule = self.pair.mixing
            mixed = mix_energy(*like, *sigmas, rule) if name == "epsilon" else mix_distance(*like, rule)
            found.append(like[0] if one == other else values.get(own, mixed))
        return found

    def _potential(self, one: str, other: str, values: Mapping[str, float]) -> Callable[[Array], Array]:
        numbers = self._coefficients(one, other, values)
        if self.pair.style == "mie/cut":
            return lambda r: styles.mie(r, *numbers)
        if self.pair.style == "lj/cut":
            return lambda r: styles.lennard_jones(r, *numbers)
        return lambda r: styles.lennard_jones_gromacs(r, *numbers, self.pair.inner_cutoff, self.pair.cutoff)

    def _pairs_of(self, frame: int) -> dict[tuple[str, str], tuple[Array, Array]]:
        """Distances within the cutoff and factors, by kind of pair."""
        ids = self.recording.topology.molecule_ids
        edges = np.diag(self.recording.frames.boxes[frame])
        found: dict[tuple[str, str], list[tuple[float, float]]] = {kind: [] for kind in self.kinds}
        for first, second in combinations(range(len(self.beads)), 2):
            apart = self.recording.frames.positions[frame, first] - self.recording.frames.positions[frame, second]
            if self.isolated and ids[first] != ids[second]:
                continue
            if not self.isolated:
                apart = apart - edges * np.round(apart / edges)
            distance = math.sqrt(apart @ apart)
            if distance < self.pair.cutoff:
                kind = sorted((self.beads[first], self.beads[second]), key=self.order.__getitem__)
                found[kind[0], kind[1]].append((distance, self._factor(first, second)))
        return {kind: tuple(np.array(pairs).reshape(-1, 2).T) for kind, pairs in found.items()}

    def _nonbonded(self, values: Mapping[str, float], frame: int, shift: bool) -> float:
        total = 0.0
        for kind, (distances, factors) in self.pairs[frame].items():
            potential = self._potential(*kind, values)
            offset = potential(np.array(self.pair.cutoff)) if shift else 0.0
            total += float(factors @ (potential(distances) - offset))
        return total

    def _factor(self, first: int, second: int) -> float:
        ids = self.recording.topology.molecule_ids
        if ids[first] != ids[second]:
            return 1.0
        start = int(np.flatnonzero(ids == ids[first])[0])
        molecule = self.problem.molecules[self.recording.topology.molecule_kinds[int(ids[first])]]
        distance = bonds_apart(molecule).get((first - start, second - start))
        return 1.0 if distance is None else self.problem.file.forcefield.special_bonds[distance - 1]

    def _tail(self, values: Mapping[str, float], frame: int, which: str) -> float:
        """Integrals of r^2 u, or of -r^3 u' by central differences, beyond the cutoff; r = rc/t makes them finite."""
        if not self.pair.tail or self.isolated:
            return 0.0
        t = 0.5 * (NODES + 1.0)
        r, measure = self.pair.cutoff / t, 0.5 * WEIGHTS * self.pair.cutoff**3 / t**4
        total = 0.0
        for one, other in self.kinds:
            potential = self._potential(one, other, values)
            stretch = 1.0001
            work = -(potential(r * stretch) - potential(r / stretch)) / (2.0 * math.log(stretch))
            integral = potential(r) @ measure if which == "energy" else work @ measure / 3.0
            number = self.beads.count(one) * self.beads.count(other) * (1 if one == other else 2)
            total += 2.0 * math.pi * number * float(integral)
        return total / float(np.linalg.det(self.recording.frames.boxes[frame]))

    def _shapes_of(self, frame: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """Name and length of each bond, name and angle of each angle."""
        positions = self.recording.frames.positions[frame]
        ids = self.recording.topology.molecule_ids
        bonds, angles = [], []
        for identity, kind in self.recording.topology.molecule_kinds.items():
            molecule = self.problem.molecules[kind]
            own = positions[ids == identity]
            for bond in molecule.bonds:
                name = "bond." + interaction_name([molecule.beads[i] for i in bond], self.order)
                bonds.append((name, float(np.linalg.norm(own[bond[0]] - own[bond[1]]))))
            for angle in molecule.angles:
                name = "angle." + interaction_name([molecule.beads[i] for i in angle], self.order)
                one, other = own[angle[0]] - own[angle[1]], own[angle[2]] - own[angle[1]]
                cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
                angles.append((name, math.acos(cosine)))
        return bonds, angles

    def _bonded(self, values: Mapping[str, float], frame: int) -> float:
        forcefield = self.problem.file.forcefield
        bonds, angles = self.shapes[frame]
        total = 0.0
        for name, r in bonds:
            if forcefield.bond.style == "harmonic":
                total += styles.harmonic(r, values[f"{name}.k"], values[f"{name}.length"])
            else:
                total += styles.morse(r, *(values[f"{name}.{part}"] for part in ("depth", "alpha", "length")))
        for name, theta in angles:
            energy = styles.harmonic if forcefield.angle.style == "harmonic" else styles.cosine_squared
            total += energy(theta, values[f"{name}.k"], math.radians(values[f"{name}.theta0"]))
        return float(total)


@pytest.fixture
def plain() -> type[Plain]:
    """The plainest route to an energy."""
    return Plain


def moved(problem: Problem, model: Model, name: str, by: float) -> Model:
    """The model with one free parameter, and those tied to it, changed."""
    values = model.at(State.of(T=TEMPERATURE))
    point = {parameter.name: values[parameter.name] for parameter in problem.parameters.free}
    return constant_model("moved", problem.parameters, {**point, name: point[name] + by})


@pytest.fixture
def slope() -> Callable[..., float]:
    """Derivative of a function of a model by one parameter: central differences, their leading error taken out."""

    def difference(function: Callable[[Model], Any], problem: Problem, model: Model, name: str) -> Any:
        value = model.at(State.of(T=TEMPERATURE))[name]

        def central(step: float) -> Any:
            near = partial(moved, problem, model, name)
            return (function(near(step)) - function(near(-step))) / (2.0 * step)

        small = 1e-4 * value
        return (4.0 * central(small) - central(2.0 * small)) / 3.0

    return difference
