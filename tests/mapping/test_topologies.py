"""Atoms of files from elsewhere."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from beadsmith.atomistic.molecules import identified_molecules
from beadsmith.atomistic.topologies import read_atoms
from beadsmith.errors import ProblemError


def data_file(atoms, positions, box, *, bonds=True) -> str:
    """A LAMMPS data file, one atom type for each mass."""
    topology = atoms.topology
    masses = sorted({round(mass, 3) for mass in topology.masses.tolist()})
    members = topology.bonds.members + 1
    lines = ["made by a test", "", f"{len(positions)} atoms", f"{len(masses)} atom types"]
    lines += [f"{len(members)} bonds", "1 bond types"] if bonds else []
    lines += [f"0 {edge:g} {axis}lo {axis}hi" for axis, edge in zip("xyz", np.diag(box), strict=True)]
    lines += ["", "Masses", "", *(f"{number} {mass}" for number, mass in enumerate(masses, 1)), "", "Atoms # full", ""]
    for number, (position, mass, owner) in enumerate(
        zip(positions, topology.masses, topology.molecule_ids, strict=True), 1
    ):
        kind = masses.index(round(float(mass), 3)) + 1
        lines.append(f"{number} {owner} {kind} 0.0 " + " ".join(f"{x:.6f}" for x in position))
    if bonds:
        lines += ["", "Bonds", "", *(f"{n} 1 {one} {other}" for n, (one, other) in enumerate(members.tolist(), 1))]
    return "\n".join(lines) + "\n"


def gro_file(names, residues, positions, box) -> str:
    rows = [
        f"{number % 100000:5d}{kind:<5s}{name:>5s}{place % 100000:5d}" + "".join(f"{x / 10:8.3f}" for x in position)
        for place, (name, (number, kind), position) in enumerate(zip(names, residues, positions, strict=True), 1)
    ]
    edges = " ".join(f"{edge / 10:.5f}" for edge in np.diag(box))
    return "\n".join(["made by a test", str(len(rows)), *rows, edges]) + "\n"


def test_a_data_file_says_who_is_bonded_to_whom(tmp_path, graphs, liquid):
    atoms, frames = liquid({"dgeba": 2, "pacm": 1}, frames=1)
    path = tmp_path / "system.data"
    path.write_text(data_file(atoms, frames.positions[0], frames.boxes[0]))
    read = read_atoms(path)
    assert set(map(tuple, np.sort(read.bonds, axis=1).tolist())) == set(
        map(tuple, np.sort(atoms.topology.bonds.members, axis=1).tolist())
    )
    np.testing.assert_allclose(read.masses, atoms.topology.masses, atol=1e-3)
    found = identified_molecules(read, graphs)
    assert found.topology.molecule_kinds == {1: "dgeba", 2: "dgeba", 3: "pacm"}
    assert read.names[51:54] == ("1", "2", "3")


def test_atoms_of_a_data_file_without_smiles_are_numbered(tmp_path, liquid):
    """A model of one's own: molecules are named in order, atoms called 1, 2, 3, ... in each."""
    atoms, frames = liquid({"pacm": 2, "dgeba": 1}, frames=1)
    (tmp_path / "own.data").write_text(data_file(atoms, frames.positions[0], frames.boxes[0]))
    found = identified_molecules(read_atoms(tmp_path / "own.data"), {}, {"amine": 2, "epoxide": 1})
    assert found.topology.molecule_kinds == {1: "amine", 2: "amine", 3: "epoxide"}
    assert found.molecules["amine"].names == tuple(str(number) for number in range(1, 38))
    assert found.molecules["epoxide"].names[-1] == "51"
    with pytest.raises(ProblemError, match="expected molecules with names"):
        identified_molecules(read_atoms(tmp_path / "own.data"), {})


def test_a_gro_file_names_molecules_and_atoms_and_bonds_are_guessed(tmp_path, graphs, liquid):
    """The bonds that the distances say are those of the SMILES, also across the face of the box."""
    atoms, frames = liquid({"dgeba": 3, "pacm": 2}, frames=1)
    names = [name for kind in ("dgeba",) * 3 + ("pacm",) * 2 for name in graphs[kind].names]
    residues = [(int(one), atoms.topology.molecule_kinds[int(one)].upper()) for one in atoms.topology.molecule_ids]
    box = frames.boxes[0]
    inside = frames.positions[0] - np.floor(frames.positions[0] @ np.linalg.inv(box)) @ box
    path = tmp_path / "system.gro"
    path.write_text(gro_file(names, residues, inside, box))
    read = read_atoms(path)
    assert list(read.molecule_kinds.values()) == ["DGEBA"] * 3 + ["PACM"] * 2
    assert set(map(tuple, np.sort(read.bonds, axis=1).tolist())) == set(
        map(tuple, np.sort(atoms.topology.bonds.members, axis=1).tolist())
    )
    assert identified_molecules(read, {}).molecules["PACM"].names == graphs["pacm"].names


def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path, liquid, monkeypatch):
    atoms, frames = liquid({"pacm": 1}, frames=1)

    def refused(name: str, text: str, sentence: str) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(ProblemError, match=sentence):
            read_atoms(tmp_path / name)

    refused("text.data", "Dear reader\n", r"expected a LAMMPS data file \(atom_style full\)")
    refused("text.gro", "Dear reader\n", "expected a LAMMPS data file")
    refused("bare.data", data_file(atoms, frames.positions[0], frames.boxes[0], bonds=False), "no bonds, expected the")
    unknown = gro_file(["QQ", "QX"], [(1, "QQQ")] * 2, frames.positions[0][:2], frames.boxes[0])
    refused("unknown.gro", unknown, r"atom 1 \(QQ\) without mass")
    with pytest.raises(ProblemError, match="a file that exists"):
        read_atoms(tmp_path / "missing.gro")
    monkeypatch.setitem(sys.modules, "MDAnalysis", None)
    with pytest.raises(ProblemError, match="pip install MDAnalysis"):
        read_atoms(tmp_path / "text.gro")
