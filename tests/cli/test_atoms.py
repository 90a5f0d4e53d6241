"""``build``, ``evaluate`` and the others on a problem of atoms, as words on the command line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"

ATOMS = yaml.safe_load("""
title: Ethylene glycol
forcefield: {atomistic: dreiding, cutoff: 7 angstrom, accuracy: 1e-3}
molecules: {glycol: {smiles: OCCO}}
mapping: {molecules: {glycol: [{bead: M, smarts: "[CH2]O"}]}}
experiments:
  melt:
    kind: melt
    molecules: {glycol: 40}
    initial_density: 0.4 g/cm^3
    timestep: 3 fs
    bonded_substeps: 3
    protocol:
      - {stage: minimize, iterations: 100}
      - {stage: push-off, temperature: 400 K, steps: 100}
      - {stage: npt, temperature: 400 K, pressure: 3000 atm, pressure_damping: 500 fs, duration: 1.5 ps}
      - {stage: nvt, temperature: 400 K, duration: 3 ps, record: yes, frames: 100}
observables:
  density: {kind: density, experiment: melt}
  u2: {kind: debye_waller_factor, experiment: melt, time: 0.3 ps}
  u2_of_atoms: {kind: debye_waller_factor, experiment: melt, time: 0.3 ps, of: atoms}
  u2_of_hydrogen: {kind: debye_waller_factor, experiment: melt, time: 0.3 ps, of: atoms, beads: H}
""")


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "atoms.yaml"
    path.write_text(yaml.safe_dump(ATOMS, sort_keys=False))
    return path


def beadsmith(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beadsmith", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_build_writes_all_that_lammps_needs(problem, tmp_path):
    done = beadsmith("build", problem, "-o", tmp_path / "packed", "--json", tmp_path / "build.json")
    answer = json.loads((tmp_path / "build.json").read_text())

    assert done.returncode == 0, done.stderr
    assert answer["counts"] == {"molecules": 40, "particles": 400, "bonds": 360, "angles": 560}
    assert answer["mass"] == pytest.approx(40 * 62.068, abs=0.1)
    assert set(answer["files"]) == {"in.lammps", "system.data", "coefficients.lammps"}
    assert all((tmp_path / "packed" / file).is_file() for file in answer["files"])


def test_check_counts_the_types_that_build_writes(problem, tmp_path):
    """Those of the force field, not of the elements."""
    document = ATOMS | {
        "molecules": {"glycol": {"smiles": "OCCO"}, "ester": {"smiles": "CC(=O)OC"}, "spare": {"smiles": "c1ccccc1"}}
    }
    document["mapping"] = {
        "molecules": {
            "glycol": [{"bead": "M", "smarts": "[CH2]O"}],
            "ester": [{"bead": "E", "smarts": "CC(=O)OC"}],
            "spare": [{"bead": "R", "smarts": "c1ccccc1"}],
        }
    }
    melt = ATOMS["experiments"]["melt"] | {"molecules": {"glycol": 10, "ester": 10}}
    problem.write_text(yaml.safe_dump(document | {"experiments": {"melt": melt}}, sort_keys=False))
    checked = beadsmith("check", problem, "--no-timing")
    built = beadsmith("build", problem, "-o", tmp_path / "packed")

    assert checked.returncode == built.returncode == 0, checked.stderr + built.stderr
    head = (tmp_path / "packed" / "system.data").read_text().partition("Masses")[0]
    counts = {name: int(count) for count, name in re.findall(r"^(\d+) (\w+) types$", head, re.MULTILINE)}
    assert set(counts) == {"atom", "bond", "angle", "dihedral", "improper"}
    said = " ".join(checked.stdout.split())
    assert f"data file: {', '.join(f'{count} {name} types' for name, count in counts.items())}" in said


def test_check_says_how_much_is_lost_where_a_long_simulation_is_killed(problem):
    """400 atoms at 100,000 steps of one in a second: 75,000 steps in five minutes."""
    assert "restart files" not in beadsmith("check", problem, "--no-timing").stdout
    problem.write_text(problem.read_text().replace("1.5 ps", "3 ns"))
    done = beadsmith("check", problem, "--no-timing")
    assert "restart files every 75000 steps" in done.stdout, done.stderr


def test_check_refuses_a_data_file_of_other_molecules(tmp_path):
    """Where the force field is one's own, check is the first to look into the data file."""
    for file in (EXAMPLES / "own-forcefield").iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "problem.yaml"
    path.write_text(path.read_text().replace("{smiles: CC}", "{smiles: C=C}").replace("[CH3]", "[CH2]"))
    done = beadsmith("check", path, "--no-timing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "experiments.liquid.data: received molecule 1 with 8 atoms (C2 H6), expected ethane (C2 H4)" in done.stderr


@pytest.mark.lammps
def test_beads_move_less_than_atoms_and_these_less_than_hydrogen(problem, tmp_path):
    done = beadsmith("evaluate", problem, "-s", tmp_path / "study", "--replicas", 1, "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "out.json").read_text())
    beads, atoms, hydrogen = (
        answer["observables"][name][0]["value"] for name in ("u2", "u2_of_atoms", "u2_of_hydrogen")
    )
    assert 0 < beads < atoms < hydrogen


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run"], "received a problem of atoms, expected one of beads"),
        (["identify"], "received a problem of atoms, expected one of beads"),
        (["evaluate", "--model", "any.yaml"], "--model: received any.yaml, expected no model for a problem of atoms"),
    ],
)
def test_what_makes_no_sense_of_atoms_is_refused_in_one_sentence(problem, words, sentence):
    command, *options = words
    done = beadsmith(command, problem, *options)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_problem_of_atoms_is_given_no_ranges(problem, tmp_path):
    done = beadsmith("invert", tmp_path / "beads.npz", "-o", tmp_path / "out", "--problem", problem)

    assert done.returncode == 2
    assert "received a problem of atoms, expected one of beads; leave --problem out" in done.stderr
