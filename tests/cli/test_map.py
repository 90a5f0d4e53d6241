"""``beadsmith map`` on studies and on files from elsewhere."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from beadsmith.atomistic.molecules import counted_molecules
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.study import Study
from beadsmith.cli.main import app
from beadsmith.errors import BeadsmithError
from beadsmith.problem.recording import Bonded, Frames, Recording
from beadsmith.problem.recording_file import load_recordings
from beadsmith.problem.smiles import conformation, molecular_graph
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine
from beadsmith.simulate.outputs import read_dump

PROBLEM = """
title: Small alcohols
molecules:
  diol: {smiles: "OCCO"}
  thiol: {smiles: "*CCS", sites: carbon}
mapping:
  molecules:
    diol: [{bead: A, smarts: "[CH2]O"}]
    thiol: [{bead: C, smarts: "[CH2][CH2]"}, {bead: S, smarts: S}]
"""
BY_NAMES = """
mapping:
  molecules:
    DIO:
      - {bead: A, atoms: C1 O1}
      - {bead: A, atoms: C2 O2}
    THI:
      - {bead: C, atoms: C1 C2}
      - {bead: S, atoms: S1}
"""
COUNTS = {"diol": 14, "thiol": 10}
EDGE, FRAMES = 22.0, 15
GRAPHS = {
    "diol": molecular_graph("diol", "OCCO"),
    "thiol": molecular_graph("thiol", "*CCS", "carbon"),
}


@pytest.fixture(scope="module")
def atoms():
    return counted_molecules(GRAPHS, COUNTS)


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Rigid molecules that tumble and drift, unwrapped."""
    random = np.random.default_rng(2)
    paths = []
    for name, count in COUNTS.items():
        shape = conformation(GRAPHS[name], 1)
        for _ in range(count):
            centre = random.uniform(0, EDGE, 3) + np.cumsum(random.normal(size=(FRAMES, 3)), axis=0)
            turns = np.linalg.qr(random.normal(size=(FRAMES, 3, 3)))[0]
            paths.append(shape @ turns * random.normal(1, 0.02, size=(FRAMES, 1, 1)) + centre[:, None])
    return Frames(500.0, np.concatenate(paths, axis=1), np.tile(EDGE * np.eye(3), (FRAMES, 1, 1)))


@pytest.fixture
def folder(tmp_path, frames, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alcohols.yaml").write_text(PROBLEM)
    (tmp_path / "names.yaml").write_text(BY_NAMES)
    write_dump(tmp_path / "unwrapped.lammpstrj", frames, "xu yu zu", frames.positions)
    write_dump(tmp_path / "wrapped.lammpstrj", frames, "x y z", np.mod(frames.positions, EDGE))
    return tmp_path


def write_dump(path: Path, frames: Frames, columns: str, positions) -> None:
    with path.open("w") as file:
        for number, one in enumerate(positions):
            file.write(f"ITEM: TIMESTEP\n{number * 500}\nITEM: NUMBER OF ATOMS\n{len(one)}\n")
            file.write(
                f"ITEM: BOX BOUNDS pp pp pp\n{f'0 {EDGE}' + chr(10)}{f'0 {EDGE}' + chr(10)}{f'0 {EDGE}' + chr(10)}"
            )
            file.write(f"ITEM: ATOMS id {columns}\n")
            np.savetxt(file, np.column_stack([np.arange(1, len(one) + 1), one]), fmt="%.8g")


def beadsmith(*words: object, folder: Path) -> str:
    """What the command says, in a process of its own as a user starts it."""
    command = [sys.executable, "-m", "beadsmith", "map", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(*words: object) -> str:
    """The same within this process, which is faster by the seconds that a start takes."""
    done = CliRunner().invoke(app, ["map", *map(str, words)])
    assert done.exit_code == 0, done.exception
    return done.output


def refused(*words: object) -> str:
    """The sentence with which it refuses."""
    done = CliRunner().invoke(app, ["map", *map(str, words)])
    assert isinstance(done.exception, BeadsmithError), done.exception
    return str(done.exception)


def beads_by_hand(frames: Frames) -> np.ndarray:
    """Centres of mass, atom by atom: in each diol of C2 H6 O2, two CH2OH; in each thiol, C2H4 and SH."""
    found = []
    start = 0
    for name, count in COUNTS.items():
        graph = GRAPHS[name]
        near = {atom: atom for atom, element in enumerate(graph.elements) if element != "H"}
        near |= {max(bond): min(bond) for bond in graph.bonds if graph.elements[max(bond)] == "H"}
        heavy = {"diol": [("O1", "C1"), ("C2", "O2")], "thiol": [("C1", "C2"), ("S1",)]}[name]
        for _ in range(count):
            for names in heavy:
                own = [atom for atom, other in near.items() if graph.names[other] in names]
                masses = np.array([graph.masses[atom] for atom in own])
                positions = frames.positions[:, [start + atom for atom in own]]
                found.append(np.einsum("faj,a->fj", positions, masses) / masses.sum())
            start += len(graph.names)
    return np.stack(found, axis=1)


def test_a_dump_from_elsewhere_becomes_beads_and_tables(folder, frames):
    said = beadsmith(
        *("alcohols.yaml", "--trajectory", "unwrapped.lammpstrj", "--molecules", "diol=14 thiol=10"),
        *("--temperature", "350 K", "--state", "DC=0.25", "--timestep", "2 fs", "--output", "beads.npz"),
        *("--dump", "beads.lammpstrj", "--distributions", "tables", "--json", "answer.json"),
        folder=folder,
    )
    assert "diol: A A" in said
    (recording,) = load_recordings(folder / "beads.npz")
    assert recording.state == State.of(T=350.0, DC=0.25)
    assert recording.frames.interval == 1000.0
    np.testing.assert_allclose(recording.frames.positions, beads_by_hand(frames), atol=1e-4)
    _, dumped, _ = read_dump(folder / "beads.lammpstrj")
    np.testing.assert_allclose(dumped, beads_by_hand(frames), atol=1e-4)
    answer = json.loads((folder / "answer.json").read_text())
    assert answer["molecules"] == {"diol": "A A", "thiol": "C S"}
    assert answer["masses"]["A"]["diol"] == pytest.approx([31.034], abs=1e-3)
    assert set(answer["distributions"]["bond"]) == {"A-A", "C-S"}
    assert set(answer["distributions"]["pair"]) == {"A-A", "A-C", "A-S", "C-C", "C-S", "S-S"}
    (bond,) = answer["distributions"]["bond"]["A-A"]
    lengths = np.linalg.norm(np.diff(beads_by_hand(frames)[:, :28].reshape(FRAMES, 14, 2, 3), axis=2), axis=3)
    assert bond["mean"]["value"] == pytest.approx(lengths.mean(), abs=1e-5)
    assert 0 < bond["mean"]["stderr"] < 0.05
    assert bond["standard_deviation"] == pytest.approx(lengths.std(), rel=1e-4)
    rows = list(csv.DictReader((folder / "tables" / "bonds.csv").read_text().splitlines()))
    own = [row for row in rows if row["bond"] == "A-A"]
    assert [float(row["r"]) for row in own] == pytest.approx(bond["r"])
    assert {float(row["DC"]) for row in rows} == {0.25}
    assert (folder / "tables" / "pairs.csv").read_text().startswith("pair,recording,DC,T,r,radial_distribution,")


def test_a_wrapped_trajectory_wants_a_word_of_the_user(folder, frames):
    words = ("alcohols.yaml", "--trajectory", "wrapped.lammpstrj", "--molecules", "diol=14 thiol=10", "-o", "w.npz")
    assert "--whole" in refused(*words)
    assert not (folder / "w.npz").exists()
    expected = beads_by_hand(frames)
    for option in ("--whole", "--follow"):
        run(*words, option)
        (recording,) = load_recordings(folder / "w.npz")
        shift = (recording.frames.positions - expected) / EDGE
        np.testing.assert_allclose(shift, np.rint(shift), atol=1e-5)
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:1], shift.shape), atol=1e-5)


def test_gromacs_residues_and_atom_names_are_enough(folder, frames, atoms):
    """A gro and an xtc, as from a simulation of a model of one's own: no SMILES, no bonds, wrapped."""
    kinds = {"diol": "DIO", "thiol": "THI"}
    names = [name for kind, count in COUNTS.items() for _ in range(count) for name in GRAPHS[kind].names]
    inside = np.mod(frames.positions, EDGE)
    lines = ["made by a test", str(len(names))]
    for place, (name, owner, position) in enumerate(zip(names, atoms.topology.molecule_ids, inside[0], strict=True), 1):
        residue = kinds[atoms.topology.molecule_kinds[int(owner)]]
        lines.append(f"{owner:5d}{residue:<5s}{name:>5s}{place:5d}" + "".join(f"{x / 10:8.3f}" for x in position))
    (folder / "a.gro").write_text("\n".join([*lines, f"{EDGE / 10} {EDGE / 10} {EDGE / 10}"]) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from MDAnalysis.lib.formats.libmdaxdr import XTCFile
    with XTCFile(str(folder / "a.xtc"), "w") as file:
        for number, (one, box) in enumerate(zip(inside, frames.boxes, strict=True)):
            file.write((one / 10).astype(np.float32), (box / 10).astype(np.float32), number, 0.5 * number, 1000)
    words = ("names.yaml", "--trajectory", "a.xtc", "--topology", "a.gro", "--output", "g.npz", "--json", "g.json")
    run(*words, "--follow", "-t", "300")
    (recording,) = load_recordings(folder / "g.npz")
    assert recording.frames.interval == pytest.approx(500.0)
    assert recording.state == State.of(T=300.0)
    shift = (recording.frames.positions - beads_by_hand(frames)) / EDGE
    np.testing.assert_allclose(shift, np.rint(shift), atol=2e-3)
    assert json.loads((folder / "g.json").read_text())["molecules"] == {"DIO": "A A", "THI": "C S"}


def problem_of_atoms(folder: Path, molecules: str = "diol: 140, thiol: 100", cutoff: str = "8 angstrom") -> None:
    (folder / "problem.yaml").write_text(
        PROBLEM
        + textwrap.dedent(
            f"""
            forcefield: {{atomistic: dreiding, cutoff: {cutoff}, charges: none, electrostatics: none}}
            reactions: {{capacities: {{carbon: 1}}, bonds: carbon-carbon}}
            experiments:
              melt:
                kind: melt
                molecules: {{{molecules}}}
                initial_density: 0.5 g/cm^3
                timestep: 1 fs
                protocol:
                  - {{stage: minimize, iterations: 100}}
                  - {{stage: push-off, temperature: 300 K, steps: 100, soft: no}}
                  - {{stage: npt, temperature: 300 K, pressure: 1 atm, duration: 1 ps, record: yes, frames: 20}}
            observables: {{density: {{kind: density, experiment: melt}}}}
            """
        )
    )


def test_a_study_gives_the_beads_of_all_its_runs(folder, frames, atoms):
    problem_of_atoms(folder)
    study = Study(folder / "study")
    # Two states, the second with a new bond between the open carbons of the first two thiols.
    carbon = 14 * len(GRAPHS["diol"].names) + GRAPHS["thiol"].names.index("C1")
    bonds = atoms.topology.bonds
    members = np.concatenate([bonds.members, [[carbon, carbon + len(GRAPHS["thiol"].names)]]])
    cured = replace(atoms.topology, bonds=Bonded(members, np.zeros(len(members), dtype=np.int64), bonds.names))
    for name, topology, degree in (("aaa", cured, 0.2), ("bbb", atoms.topology, 0.0)):
        result = RunResult(name, "melt", "q", (), None, 1.0, 1.0)
        recording = Recording("melt", State.of(T=300, DC=degree), None, frames, topology)
        study.store.finish(study.store.attempt(name), result, [recording])
    run("problem.yaml", "--study", "study", "-o", "s.npz", "--json", "s.json")
    first, second = load_recordings(folder / "s.npz")
    assert [first.state["DC"], second.state["DC"]] == [0.0, 0.2]
    np.testing.assert_allclose(first.frames.positions, beads_by_hand(frames), atol=1e-4)
    assert len(first.topology.bonds.members) == 24
    assert len(second.topology.bonds.members) == 25
    answer = json.loads((folder / "s.json").read_text())
    assert [one["recording"] for one in answer["distributions"]["bond"]["A-A"]] == [1, 2]
    assert [one["recording"] for one in answer["distributions"]["bond"]["C-C"]] == [2]
    assert "experiment glass" in refused("problem.yaml", "--study", "study", "--experiment", "glass", "-o", "s.npz")


def test_beads_of_one_kind_that_differ_are_named(folder):
    (folder / "b.yaml").write_text(PROBLEM.replace("bead: S", "bead: A"))
    words = (
        "--trajectory",
        "unwrapped.lammpstrj",
        "--molecules",
        "diol=14 thiol=10",
        "-o",
        "b.npz",
        "--json",
        "b.json",
    )
    said = run("b.yaml", *words)
    assert "Beads A do not all weigh the same: 31.034 in diol, 33.075 in thiol." in " ".join(said.split())
    assert len(json.loads((folder / "b.json").read_text())["warnings"]) == 1


def test_bad_input_is_refused_in_one_sentence(folder):
    trajectory = ("--trajectory", "unwrapped.lammpstrj")
    known = (*trajectory, "--molecules", "diol=14 thiol=10")
    out = ("--output", "x.npz")

    def told(*words: object) -> str:
        return refused(*words)

    assert "ends in .npz" in refused("alcohols.yaml", *known, "--output", "x.dat")
    assert "folder that exists" in refused("alcohols.yaml", *known, "--output", "none/x.npz")
    assert "also which atoms it holds" in refused("alcohols.yaml", *trajectory, *out)
    assert "also a --trajectory" in refused("alcohols.yaml", *out)
    assert "the molecules have 230" in refused("alcohols.yaml", *trajectory, "--molecules", "diol=23", *out)
    assert "received water" in refused("alcohols.yaml", *trajectory, "--molecules", "water=3", *out)
    assert "stand in another order" in refused("alcohols.yaml", *trajectory, "--molecules", "thiol=10 diol=14", *out)
    assert "--follow" in refused("alcohols.yaml", *known, *out, "--whole", "--follow")
    assert "--timestep" in refused("alcohols.yaml", *known, *out, "--timestep", "2 parsecs")
    assert "expected a positive time" in refused("alcohols.yaml", *known, *out, "--timestep", "0 fs")
    assert "--state" in refused("alcohols.yaml", *known, *out, "--state", "DC=0.1,0.2")
    assert "either a --study or" in refused("alcohols.yaml", *known, *out, "--study", "study")
    assert "none without a --trajectory" in refused("alcohols.yaml", "--molecules", "diol=14", *out)
    assert "none without a --trajectory" in refused("alcohols.yaml", "--study", "study", "-t", "300 K", *out)
    assert "none without a --trajectory" in refused("alcohols.yaml", "--study", "study", "--every", "2", *out)
    assert "no finished simulation" in refused("alcohols.yaml", "--study", "none", *out)
    assert "a file that exists" in refused("alcohols.yaml", "--trajectory", "none.xtc", "--molecules", "diol=1", *out)
    assert "no such file" in refused("none.yaml", *known, *out)
    for change, sentence in (
        (("[CH2]O", "O"), "atoms C1 C2 of diol in no bead"),
        (("[CH2]O", "[CH2][CH2]O"), "atoms C1 C2 of diol in several beads (A)"),
        (("[CH2]O", "c"), "a pattern that is found in diol"),
        (("smarts: S", "atoms: S9"), "received S9"),
        (("diol: [{", "dial: [{"), "did you mean 'diol'"),
        (("OCCO", "OCC("), "molecules.diol.smiles"),
    ):
        (folder / "bad.yaml").write_text(PROBLEM.replace(*change))
        assert sentence in refused("bad.yaml", *known, *out)
    assert not (folder / "x.npz").exists()


@pytest.mark.lammps
def test_files_of_a_real_simulation_agree_however_they_were_written(folder):
    """Four routes: unwrapped and binary, image flags, wrapped; atoms by a data file, or by counts."""
    problem_of_atoms(folder, "diol: 80", "7 angstrom")
    made = CliRunner().invoke(app, ["build", "problem.yaml", "--output", "lammps"])
    assert made.exit_code == 0, made.exception
    script = folder / "lammps" / "in.lammps"
    dumps = "dump w all custom 50 w.lammpstrj id x y z\ndump i all custom 50 i.lammpstrj id x y z ix iy iz\n"
    script.write_text(script.read_text().replace("dump frames", f"{dumps}dump frames", 1))
    engine = find_engine()
    command = [engine.executable, "-in", "in.lammps", "-log", "none", "-screen", "none"]
    environment = {**os.environ, "LD_LIBRARY_PATH": engine.library_path, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=script.parent, check=True, timeout=300, env=environment)
    found = []
    for name, more in (
        ("frames_0.bin", ("--topology", "lammps/system.data")),
        ("i.lammpstrj", ("--topology", "lammps/system.data")),
        ("i.lammpstrj", ("--molecules", "diol=80")),
        ("w.lammpstrj", ("--molecules", "diol=80", "--whole")),
    ):
        run("problem.yaml", "--trajectory", f"lammps/{name}", *more, "-o", "r.npz", "--json", "r.json")
        (recording,) = load_recordings(folder / "r.npz")
        answer = json.loads((folder / "r.json").read_text())["distributions"]
        found.append((recording, answer))
    for recording, answer in found[1:]:
        apart = (recording.frames.positions - found[0][0].frames.positions) @ np.linalg.inv(recording.frames.boxes)
        np.testing.assert_allclose(apart, np.rint(apart), atol=1e-4)
        for kind, name, column in (("bond", "A-A", "probability_per_length"), ("pair", "A-A", "radial_distribution")):
            ours, theirs = (one[kind][name][0][column]["value"] for one in (found[0][1], answer))
            assert len(ours) == len(theirs)
            # Positions of a text dump are rounded, and a value may change its bin.
            np.testing.assert_allclose(ours, theirs, atol=0.02 * max(ours))
    for recording, _ in found[1:3]:
        np.testing.assert_allclose(recording.frames.positions, found[0][0].frames.positions, atol=1e-3)
    # Two CH2OH of a glycol are between the gauche and the trans distance of their centres.
    assert 2.0 < found[0][1]["bond"]["A-A"][0]["mean"]["value"] < 2.8


def test_a_refusal_is_one_line_and_exit_code_two(folder):
    command = [sys.executable, "-m", "beadsmith", "map", "none.yaml", "-o", "x.npz"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("beadsmith: none.yaml: received no such file")
