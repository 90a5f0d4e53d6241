"""LAMMPS data files, atom style ``molecular``."""

from __future__ import annotations

import numpy as np

from beadsmith.build.system import Integers, System


def data_file(system: System, title: str) -> str:
    """Text of the data file; coefficients are left to the input script.

    Args:
        title: first line of the file, which LAMMPS ignores.
    """
    counts = [("atoms", len(system.positions)), ("bonds", len(system.bonds)), ("angles", len(system.angles))]
    types = [("atom", system.bead_names), ("bond", system.bond_names), ("angle", system.angle_names)]
    lines = [title.replace("\n", " "), ""]
    lines += [f"{count} {name}" for name, count in counts]
    lines += [f"{len(names)} {section} types" for section, names in types]
    lines += [f"0 {edge:.8f} {axis}lo {axis}hi" for axis, edge in zip("xyz", system.edges.tolist(), strict=True)]
    lines += ["", "Masses", ""]
    named = zip(system.type_masses, system.bead_names, strict=True)
    lines += [f"{number} {mass:.8g}  # {name}" for number, (mass, name) in enumerate(named, start=1)]
    lines += ["", "Atoms  # molecular", "", *_atoms(system)]
    for name, terms in (("Bonds", system.bonds), ("Angles", system.angles)):
        if len(terms):
            lines += ["", name, "", *_numbered(terms)]
    return "\n".join(lines) + "\n"


def _atoms(system: System) -> list[str]:
    topology = system.topology
    rows = zip(topology.molecule_ids.tolist(), topology.bead_types.tolist(), system.positions.tolist(), strict=True)
    return [f"{i} {owner} {kind} {x:.5f} {y:.5f} {z:.5f}" for i, (owner, kind, (x, y, z)) in enumerate(rows, start=1)]


def _numbered(terms: Integers) -> list[str]:
    numbered = np.column_stack([np.arange(1, len(terms) + 1), terms])
    return [" ".join(map(str, row)) for row in numbered.tolist()]
