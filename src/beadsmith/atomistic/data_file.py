"""LAMMPS data files of atoms (atom style ``full``), and the lines that give the force field."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.system import AtomisticSystem
from beadsmith.atomistic.terms import Terms


def atomistic_data_file(system: AtomisticSystem, title: str) -> str:
    """Text of the data file; its types of terms are those of the :func:`coefficient_file` of the same system.

    Args:
        title: first line of the file, which LAMMPS ignores.
    """
    sections = _sections(system)
    lines = [title.replace("\n", " "), "", f"{len(system.positions)} atoms"]
    lines += [f"{len(terms.members)} {name}s" for name, terms in sections.items()]
    lines += [f"{count} {name} types" for name, count in type_counts(system).items()]
    lines += [f"0 {edge:.8f} {axis}lo {axis}hi" for axis, edge in zip("xyz", system.edges.tolist(), strict=True)]
    lines += ["", "Masses", ""]
    named = zip(system.type_masses, system.type_names, strict=True)
    lines += [f"{number} {mass:.8g}  # {name}" for number, (mass, name) in enumerate(named, start=1)]
    lines += ["", "Atoms  # full", "", *_atoms(system)]
    for name, terms in sections.items():
        if len(terms.members):
            lines += ["", f"{name.capitalize()}s", "", *_rows(terms)]
    return "\n".join(lines) + "\n"


def type_counts(system: AtomisticSystem) -> dict[str, int]:
    """How many types of atoms, bonds, angles, dihedrals and impropers the data file of a system has."""
    return {"atom": len(system.type_names)} | {name: len(terms.names) for name, terms in _sections(system).items()}


def coefficient_file(system: AtomisticSystem) -> str:
    """LAMMPS commands that give every coefficient, each pair of atom types written out."""
    return "\n".join([*_pair_lines(system), *_term_lines(system)]) + "\n"


def style_lines(options: DreidingOptions) -> list[str]:
    """LAMMPS commands that choose the forms, to stand before the data file is read."""
    pairs = [f"pair_style buck {options.cutoff:g}"]
    if options.coulomb:
        pairs = [f"pair_style buck/coul/long {options.cutoff:g}", f"kspace_style pppm {options.accuracy:g}"]
    return [
        *pairs,
        f"pair_modify tail {'yes' if options.tail else 'no'}",
        "bond_style harmonic",
        "angle_style harmonic",
        "dihedral_style charmm",
        "improper_style umbrella",
        "special_bonds dreiding",
    ]


def _sections(system: AtomisticSystem) -> dict[str, Terms]:
    terms = system.terms
    return {"bond": terms.bonds, "angle": terms.angles, "dihedral": terms.torsions, "improper": terms.inversions}


def _atoms(system: AtomisticSystem) -> list[str]:
    rows = zip(
        system.topology.molecule_ids.tolist(),
        (system.atom_types + 1).tolist(),
        system.charges.tolist(),
        system.positions.tolist(),
        strict=True,
    )
    return [
        f"{number} {molecule} {kind} {charge:.10f} {x:.6f} {y:.6f} {z:.6f}"
        for number, (molecule, kind, charge, (x, y, z)) in enumerate(rows, start=1)
    ]


def _rows(terms: Terms) -> list[str]:
    numbered = np.column_stack([np.arange(1, len(terms.members) + 1), terms.types + 1, terms.members + 1])
    return [" ".join(map(str, row)) for row in numbered.tolist()]


def _pair_lines(system: AtomisticSystem) -> Iterator[str]:
    pairs = system.pairs
    for first, one in enumerate(pairs.names):
        for second in range(first, len(pairs.names)):
            numbers = [table[first, second] for table in (pairs.prefactors, pairs.ranges, pairs.dispersions)]
            coefficients = " ".join(f"{number:.10g}" for number in numbers)
            yield f"pair_coeff {first + 1} {second + 1} {coefficients}  # {one} {pairs.names[second]}"


def _term_lines(system: AtomisticSystem) -> Iterator[str]:
    for section, terms in _sections(system).items():
        for number, (name, values) in enumerate(zip(terms.names, terms.coefficients, strict=True), start=1):
            yield f"{section}_coeff {number} {' '.join(f'{value:.10g}' for value in values)}  # {name}"
