"""Systems of molecules: periodic melts, and isolated molecules side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.build.growth import Array, grow
from beadsmith.forcefield.coefficients import bond_lengths, equilibrium_angles, interaction_names
from beadsmith.problem.model import Model
from beadsmith.problem.molecules import MoleculeTopology, interaction_name
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Bonded, Topology
from beadsmith.problem.state import State
from beadsmith.units import DENSITY_OF_ONE_DALTON

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class System:
    """Beads in a box, with their bonds and angles.

    Attributes:
        positions: angstrom, shape (beads, 3); may lie outside the box, which is periodic.
        edges: of the box, which begins at the origin and is rectangular, angstrom, shape (3,).
        bonds: shape (bonds, 3): type, bead, bead; numbers from 1.
        angles: shape (angles, 4): type, bead, vertex, bead.
        bead_names, bond_names, angle_names: names of the types, type 1 first.
        type_masses: g/mol, one per bead type.
    """

    positions: Array
    topology: Topology
    edges: Array
    bonds: Integers
    angles: Integers
    bead_names: tuple[str, ...]
    bond_names: tuple[str, ...]
    angle_names: tuple[str, ...]
    type_masses: tuple[float, ...]


def melt(
    problem: Problem,
    model: Model,
    molecules: Mapping[str, int],
    density: float,
    state: State,
    random: np.random.Generator,
) -> System:
    """A periodic cube of ``molecules`` at ``density`` (g/cm^3), placed at random as ideal chains."""
    topology = topology_of(problem, molecules)
    edge = float(topology.masses.sum() * DENSITY_OF_ONE_DALTON / density) ** (1 / 3)
    conformations = [_grown(problem, model, name, count, state, random) for name, count in molecules.items()]
    placed = [shape + random.uniform(0, edge, size=(len(shape), 1, 3)) for shape in conformations]
    return _system(problem, molecules, topology, placed, edge)


def isolated(
    problem: Problem, model: Model, molecule: str, replicas: int, state: State, random: np.random.Generator
) -> System:
    """Copies of one molecule on a cubic grid, so far apart that none meets another at the start."""
    molecules = {molecule: replicas}
    topology = topology_of(problem, molecules)
    conformations = _grown(problem, model, molecule, replicas, state, random)
    lengths = bond_lengths(problem, model, state)
    contour = sum(lengths[name] for name in _bond_names(problem, problem.molecules[molecule]))
    cutoff = problem.forcefield.pair.cutoff
    reach = float(np.linalg.norm(conformations, axis=-1).max())
    # Even a stretched molecule must not reach its own periodic image, and a lopsided one not its neighbour.
    spacing = max(contour + 2.0 * cutoff, 2.0 * reach + cutoff)
    per_edge = math.ceil(replicas ** (1 / 3))
    cells = np.stack(np.unravel_index(np.arange(replicas), (per_edge,) * 3), axis=1)
    placed = conformations + ((cells + 0.5) * spacing)[:, None, :]
    return _system(problem, molecules, topology, [placed], per_edge * spacing)


def topology_of(problem: Problem, molecules: Mapping[str, int]) -> Topology:
    """Masses, types, molecule numbers, bonds and angles of ``molecules``, kind after kind."""
    type_of = {name: number for number, name in enumerate(problem.beads, start=1)}
    types: list[int] = []
    owners: list[int] = []
    kinds: dict[int, str] = {}
    for name, count in molecules.items():
        beads = problem.molecules[name].beads
        for _ in range(count):
            kinds[len(kinds) + 1] = name
            types += [type_of[bead] for bead in beads]
            owners += [len(kinds)] * len(beads)
    masses = np.array([bead.mass for bead in problem.beads.values()])
    bead_types = np.array(types, dtype=np.int64)
    bonds, angles = (
        _bonded(_terms(problem, molecules, names, size), names)
        for names, size in zip(interaction_names(problem), (2, 3), strict=True)
    )
    identities = np.array(owners, dtype=np.int64)
    return Topology(masses[bead_types - 1], bead_types, identities, kinds, tuple(problem.beads), bonds, angles)


def _bonded(terms: Integers, names: tuple[str, ...]) -> Bonded:
    """From LAMMPS' numbers, which begin at 1, to indices."""
    return Bonded(terms[:, 1:] - 1, terms[:, 0] - 1, names)


def _grown(problem: Problem, model: Model, name: str, count: int, state: State, random: np.random.Generator) -> Array:
    molecule = problem.molecules[name]
    order = {bead: index for index, bead in enumerate(problem.beads)}
    lengths = bond_lengths(problem, model, state)
    angles = equilibrium_angles(problem, model, state)

    def bond_length(first: int, second: int) -> float:
        return lengths[interaction_name((molecule.beads[first], molecule.beads[second]), order)]

    def angle(first: int, vertex: int, last: int) -> float:
        names = interaction_name([molecule.beads[index] for index in (first, vertex, last)], order)
        # A molecule may declare fewer angles than it has: those torsion-free joints are grown at the ideal-chain mean.
        return math.radians(angles.get(names, 110.0))

    return grow(molecule, count, bond_length, angle, random)


def _bond_names(problem: Problem, molecule: MoleculeTopology) -> list[str]:
    order = {bead: index for index, bead in enumerate(problem.beads)}
    return [interaction_name([molecule.beads[index] for index in bond], order) for bond in molecule.bonds]


def _system(
    problem: Problem, molecules: Mapping[str, int], topology: Topology, placed: list[Array], edge: float
) -> System:
    bond_names, angle_names = interaction_names(problem)
    return System(
        positions=np.concatenate([shape.reshape(-1, 3) for shape in placed]),
        topology=topology,
        edges=np.full(3, edge),
        bonds=_terms(problem, molecules, bond_names, 2),
        angles=_terms(problem, molecules, angle_names, 3),
        bead_names=tuple(problem.beads),
        bond_names=bond_names,
        angle_names=angle_names,
        type_masses=tuple(bead.mass for bead in problem.beads.values()),
    )


def _terms(problem: Problem, molecules: Mapping[str, int], names: tuple[str, ...], size: int) -> Integers:
    """Bonds (size 2) or angles (size 3) of all molecules: type, then bead numbers."""
    order = {bead: index for index, bead in enumerate(problem.beads)}
    type_of = {name: number for number, name in enumerate(names, start=1)}
    blocks = []
    offset = 1
    for name, count in molecules.items():
        molecule = problem.molecules[name]
        members = molecule.bonds if size == 2 else molecule.angles
        length = len(molecule.beads)
        if members:
            types = [type_of[interaction_name([molecule.beads[i] for i in member], order)] for member in members]
            one = np.column_stack([types, np.array(members)])
            block = np.repeat(one[None], count, axis=0)
            block[:, :, 1:] += offset + length * np.arange(count)[:, None, None]
            blocks.append(block.reshape(-1, size + 1))
        offset += count * length
    return np.concatenate(blocks).astype(np.int64) if blocks else np.empty((0, size + 1), dtype=np.int64)
