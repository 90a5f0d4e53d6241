"""Systems of atoms from a problem file: molecules by DREIDING, packed by Packmol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.packing import packed
from beadsmith.atomistic.system import AtomisticSystem, atomistic_system
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Dreiding
from beadsmith.units import DENSITY_OF_ONE_DALTON


def dreiding_options(problem: Problem) -> DreidingOptions:
    """What the user chose of the force field."""
    chosen = problem.file.forcefield
    assert isinstance(chosen, Dreiding)  # or it would not be a problem of atoms
    return DreidingOptions(
        charges=chosen.charges,
        aryl_ether_oxygen=chosen.aryl_ether_oxygen,
        cutoff=chosen.cutoff,
        electrostatics=chosen.electrostatics,
        accuracy=chosen.accuracy,
        tail=chosen.tail,
    )


def unplaced_atoms(problem: Problem, molecules: Mapping[str, int], density: float) -> AtomisticSystem:
    """Molecules in a cubic box of a density (g/cm^3), all at the origin: who they are, but not where."""
    graphs = problem.graphs
    mass = sum(count * sum(graphs[name].masses) for name, count in molecules.items())
    atoms = sum(count * len(graphs[name].names) for name, count in molecules.items())
    edge = (mass * DENSITY_OF_ONE_DALTON / density) ** (1 / 3)
    return atomistic_system(
        graphs, molecules, dreiding_options(problem), np.zeros((atoms, 3)), np.full(3, edge), problem.pairs
    )


def packed_atoms(
    problem: Problem, molecules: Mapping[str, int], density: float, seed: int, where: str
) -> AtomisticSystem:
    """Molecules packed into a cubic box of a density (g/cm^3), without overlaps.

    Args:
        where: path of the density in the problem file.

    Raises:
        ProblemError: they do not fit, or Packmol is missing.
    """
    unplaced = unplaced_atoms(problem, molecules, density)
    return replace(unplaced, positions=packed(problem.graphs, molecules, unplaced.edges, seed, where))
