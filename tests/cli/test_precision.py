"""``precision``, as a user would call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEBAX = ROOT / "examples" / "pebax" / "problem.yaml"
PUBLISHED = ROOT / "examples" / "pebax" / "models" / "martins2025-bo.yaml"
ARGON = ROOT / "examples" / "own-script" / "problem.yaml"

DIMERS = """
title: Dimers
beads: {A: {mass: 50 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom}}
parameters:
  pair.A.epsilon: 0.1 to 0.5 kcal/mol
  pair.A.sigma: 3 to 4 angstrom
  bond.A-A.k: {fixed: 5 kcal/mol/angstrom^2}
  bond.A-A.length: {fixed: 3.5 angstrom}
experiments:
  melt:
    kind: melt
    molecules: {dimer: 40}
    initial_density: 0.5 g/cm^3
    timestep: 5 fs
    time_limit: 5 min
    protocol:
      - {stage: push-off, steps: 50}
      - {stage: ladder, ensemble: nvt, temperatures: 300 K, hold: 300 steps, frames: 10}
  alone:
    kind: vacuum
    molecule: dimer
    replicas: 8
    timestep: 5 fs
    time_limit: 5 min
    protocol:
      - {stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps, damping: 0.1 ps, frames: 20}
observables:
  pressure: {kind: pressure, experiment: melt}
  length: {kind: end_to_end_distance, experiment: alone}
targets:
  pressure: {state: {T: 300 K}, value: 500 atm, uncertainty: 200 atm, source: invented}
  length: {state: {T: 300 K}, value: 3.6 angstrom, uncertainty: 0.1 angstrom, source: invented}
"""


def beadsmith(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


def test_help_says_what_it_measures_costs_and_writes(tmp_path):
    shown = " ".join(beadsmith("precision", "--help", folder=tmp_path).stdout.split())
    for words in (
        "bias",
        "scatter between runs",
        "goes on where it stopped",
        "--against",
        "--longer",
        "measured: FILE",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        ((PEBAX, "--longer", "0.5"), ("--longer", "0.5", "1 or more")),
        ((PEBAX, "--longer", "nan"), ("--longer", "nan")),
        ((PEBAX, "--against", "best"), ("--against", "paper")),
        ((PEBAX, "--against", "quick"), ("--against", "--longer 4")),
        ((PEBAX, "--model", PUBLISHED), ("--model", "two models or more")),
        ((PEBAX, "--model", PUBLISHED, "--model", PUBLISHED), ("--model", "each model once")),
        ((PEBAX, "--model", "nowhere.yaml"), ("nowhere.yaml",)),
        ((ARGON,), ("a script of your own", "--against")),
    ],
)
def test_mistakes_get_one_sentence(words, fragments, tmp_path):
    done = beadsmith("precision", *words, folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    for fragment in fragments:
        assert fragment in line
    assert not list(tmp_path.iterdir())


@pytest.mark.lammps
def test_a_protocol_is_measured_used_and_refused_when_it_has_changed(tmp_path):
    problem = tmp_path / "dimers.yaml"
    problem.write_text(DIMERS)
    words = (
        "precision",
        problem,
        "--longer",
        3,
        "--replicas",
        2,
        "--study",
        tmp_path / "study",
        "--json",
        "answer.json",
    )
    done = beadsmith(*words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "24 simulations" in done.stdout
    assert "Estimated" in done.stdout
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["reference"]["label"] == "base, 3 times longer"
    assert len(answer["models"]) == 3
    (pressure,), (length,) = answer["observables"]["pressure"], answer["observables"]["length"]
    assert pressure["runs"] == length["runs"] == 6
    assert pressure["relaxation"]["hold"] == pytest.approx(1500.0, abs=60.0)
    assert pressure["reference_relaxation"]["hold"] == pytest.approx(4500.0, abs=60.0)
    assert {one["experiment"] for one in answer["settings"]} == {"melt", "alone"}
    assert answer["units"]["pressure"] == "atm"

    again = beadsmith(*words, folder=tmp_path)
    assert "24 simulations, 24 of them known" in again.stdout
    assert "Estimated" not in again.stdout
    assert json.loads((tmp_path / "answer.json").read_text())["observables"] == answer["observables"]

    measured = tmp_path / "dimers-base-precision.json"
    spreads = {one["observable"]: one for one in json.loads(measured.read_text())["spreads"]}
    assert spreads.keys() == {"pressure", "length"}
    model = tmp_path / "model.yaml"
    model.write_text("title: known\nparameters: {pair.A.epsilon: 0.3 kcal/mol, pair.A.sigma: 3.5 angstrom}\n")
    evaluate = (
        "evaluate",
        problem,
        "--model",
        model,
        "--replicas",
        1,
        "--study",
        tmp_path / "one",
        "--json",
        "one.json",
    )
    plain = observed(evaluate, tmp_path)
    problem.write_text(DIMERS + f"precision: {{longest: 1, measured: {measured.name}}}\n")
    corrected = observed(evaluate, tmp_path)
    for name, spread in spreads.items():
        assert corrected[name]["value"] == pytest.approx(plain[name]["value"] - spread["bias"])
        wider = sum(error**2 for error in (plain[name]["stderr"], spread["between_runs"], spread["bias_stderr"]))
        assert corrected[name]["stderr"] ** 2 == pytest.approx(wider)

    problem.write_text(problem.read_text().replace("timestep: 5 fs", "timestep: 4 fs"))
    refused = beadsmith(*evaluate, folder=tmp_path)
    assert refused.returncode == 2
    assert "another protocol" in refused.stderr
    assert beadsmith(*words, folder=tmp_path).returncode == 0
    assert beadsmith(*evaluate, folder=tmp_path).returncode == 0


def observed(words, folder):
    done = beadsmith(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    return {name: entries[0] for name, entries in json.loads((folder / "one.json").read_text())["observables"].items()}
