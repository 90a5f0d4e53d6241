"""Systems of atoms from a problem file: molecules by DREIDING, packed by Packmol; or a user's own data file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.molecules import AtomsInOrder, identified_molecules
from beadsmith.atomistic.packing import packed
from beadsmith.atomistic.system import AtomisticSystem, atomistic_system, named_terms
from beadsmith.atomistic.topologies import read_atoms
from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import all_angles, neighbours_of
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Dreiding, Script
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


def users_molecules(problem: Problem, name: str, experiment: Script) -> AtomsInOrder | None:
    """The molecules of a data file that comes with a user's own script, found in it by their SMILES.

    The file may number molecules and atoms as it likes; bonds between molecules are kept.

    Args:
        problem: one of atoms.
        name: of the experiment.
        experiment: whose data file is read.

    Returns: the atoms molecule by molecule, each molecule's in the order of its SMILES, called as the problem calls
        them; None if there is no data file, or nothing that is read depends on who is who.

    Raises:
        ProblemError: a file that cannot be read, a molecule that has no SMILES in the problem, other numbers of
            molecules than declared; or MDAnalysis is not installed.
    """
    positions = any(recording.dump is not None for recording in experiment.recordings)
    if experiment.data is None or not (positions or experiment.molecules):
        return None
    where = f"{problem.path}: experiments.{name}"
    atoms = read_atoms(problem.file_named(experiment.data), f"{where}.data")
    try:
        found = identified_molecules(atoms, problem.graphs)
    except ProblemError as error:
        remedy = "its atoms and bonds must be those of a SMILES of the problem, without hydrogens at open valences"
        raise ProblemError(f"{where}.data", error.received, error.expected, remedy) from error
    kinds = tuple(found.topology.molecule_kinds.values())
    if experiment.molecules and Counter(kinds) != Counter(experiment.molecules):
        held = f"the molecules of {experiment.data}, {_counted(Counter(kinds))}"
        raise ProblemError(f"{where}.molecules", _counted(experiment.molecules), held, "change it, or leave it out")
    return _called(problem, found, kinds)


def _called(problem: Problem, found: AtomsInOrder, kinds: Iterable[str]) -> AtomsInOrder:
    """Atoms in order, with the names of their kinds, and the bonds and angles that follow."""
    assert found.topology.bonds is not None  # they have been compared with those of the SMILES
    number_of = {label: number for number, label in enumerate(problem.beads, start=1)}
    labels = [label for kind in kinds for label in problem.graphs[kind].labels]
    types = np.array([number_of[label] for label in labels], dtype=np.int64)
    topology = replace(found.topology, bead_types=types, bead_names=tuple(problem.beads))
    bonds = found.topology.bonds.members
    angles = np.array(all_angles(neighbours_of(bonds.tolist(), len(types))), dtype=np.int64).reshape(-1, 3)
    named = replace(topology, bonds=named_terms(bonds, topology), angles=named_terms(angles, topology))
    return replace(found, topology=named)


def _counted(molecules: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in molecules.items())
