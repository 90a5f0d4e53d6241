"""Atoms of a file from elsewhere: a LAMMPS data file, or GROMACS' gro and tpr, or pdb, psf, through MDAnalysis."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beadsmith.atomistic.molecules import AtomsOfFile
from beadsmith.errors import ProblemError

Integers = NDArray[np.int64]

#: Files that name atoms and residues; any other is taken for a LAMMPS data file.
NAMED_FORMATS = (".gro", ".pdb", ".tpr", ".psf")

MISSING = "the package MDAnalysis, which reads it"
INSTALL = "pip install MDAnalysis"


def read_atoms(path: Path, where: str = "--topology") -> AtomsOfFile:
    """The atoms of a file, their masses and bonds, and to which molecule they belong.

    Molecules are residues, their kinds the names of these; in a LAMMPS data file they are the molecules, whose kinds
    have no names and whose atoms are called 1, 2, 3, ...  A file without bonds has those that MDAnalysis guesses from
    the distances of the atoms in the first residue of each kind.

    Args:
        path: of the file.
        where: what named it, for messages.

    Raises:
        ProblemError: no such file, one that cannot be read, masses or bonds that are not known; or MDAnalysis is not
            installed.
    """
    if not path.is_file():
        raise ProblemError(where, str(path), "a file that exists")
    universe = _universe(path, where)
    named = path.suffix.lower() in NAMED_FORMATS
    groups = universe.atoms.resindices if named else universe.atoms.resids
    masses = np.asarray(universe.atoms.masses, dtype=np.float64)
    if not (masses > 0).all():
        atom = universe.atoms[int(np.argmin(masses))]
        received = f"atom {atom.ix + 1}{f' ({atom.name})' if named else ''} without mass"
        remedy = "name a file that has them, such as tpr" if named else "add its section Masses"
        raise ProblemError(str(path), received, "atoms whose masses are known", remedy)
    ids = np.asarray(groups, dtype=np.int64)
    names = tuple(map(str, universe.atoms.names)) if named else _numbered(ids)
    kinds = dict(enumerate(map(str, universe.residues.resnames))) if named else {}
    bonds = _bonds(universe, path, named)
    return AtomsOfFile(str(path), names, masses, ids, kinds, bonds)


def _universe(path: Path, where: str) -> Any:
    try:
        with warnings.catch_warnings():
            # What MDAnalysis says of columns that are missing does not matter here.
            warnings.simplefilter("ignore")
            from MDAnalysis import Universe

            if path.suffix.lower() in NAMED_FORMATS:
                return Universe(str(path))
            return Universe(str(path), topology_format="DATA", format="DATA")
    except ImportError as error:
        raise ProblemError(where, str(path), MISSING, INSTALL) from error
    except Exception as error:  # its readers raise whatever they stumble over
        expected = "a LAMMPS data file (atom_style full), gro, pdb, tpr or psf"
        raise ProblemError(str(path), f"a file that cannot be read ({error})", expected) from error


def _bonds(universe: Any, path: Path, named: bool) -> Integers:
    known = np.asarray(universe.bonds.indices, dtype=np.int64) if hasattr(universe, "bonds") else np.empty((0, 2))
    if len(known):
        return known.reshape(-1, 2).astype(np.int64)
    if not named and len(universe.residues) < len(universe.atoms):
        raise ProblemError(str(path), "no bonds", "the bonds of its molecules", "add its section Bonds")
    return _guessed_bonds(universe, path)


def _guessed_bonds(universe: Any, path: Path) -> Integers:
    """Bonds of the first residue of each kind, in all residues of that kind."""
    templates: dict[tuple[str, ...], Integers] = {}
    found = [np.empty((0, 2), dtype=np.int64)]
    for residue in universe.residues:
        own = residue.atoms
        names = tuple(own.names) if hasattr(own, "names") else ()
        if len(own) < 2:
            continue
        if names not in templates:
            templates[names] = np.searchsorted(own.indices, _near(own, path))
        found.append(own.indices[templates[names]])
    return np.concatenate(found).astype(np.int64)


def _near(group: Any, path: Path) -> Integers:
    """Pairs of atoms of a residue that are as near as bonded ones."""
    from MDAnalysis.guesser.default_guesser import DefaultGuesser

    try:
        pairs = DefaultGuesser(group.universe, box=group.dimensions).guess_bonds(group, group.positions)
    except ValueError as error:
        remedy = "name a file that has them, such as tpr or psf"
        raise ProblemError(str(path), f"no bonds, and atoms of unknown elements ({error})", "bonds", remedy) from error
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _numbered(ids: Integers) -> tuple[str, ...]:
    """Names 1, 2, 3, ... of the atoms of each molecule."""
    counts: dict[int, int] = {}
    names = []
    for one in ids.tolist():
        counts[one] = counts.get(one, 0) + 1
        names.append(str(counts[one]))
    return tuple(names)
