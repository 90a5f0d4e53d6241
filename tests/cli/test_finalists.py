"""``run --finalists`` and ``run --start``, as a user would call them, on a problem of seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEBAX = ROOT / "examples" / "pebax" / "problem.yaml"
HYBRID = ROOT / "examples" / "pebax" / "models" / "martins2025-hybrid.yaml"

SMALL = """
title: A small melt
beads:
  A: {mass: 50 g/mol}
molecules:
  dimer: {beads: A A}
forcefield:
  pair: {style: lj/cut, cutoff: 6 angstrom}
parameters:
  pair.A.epsilon: 0.1 to 0.5 kcal/mol
  pair.A.sigma: 3 to 4 angstrom
  bond.A-A.k: {fixed: 5 kcal/mol/angstrom^2}
  bond.A-A.length: {fixed: 3.5 angstrom}
experiments:
  melt:
    kind: melt
    molecules: {dimer: 60}
    initial_density: 0.5 g/cm^3
    timestep: 5 fs
    time_limit: 10 min
    protocol:
      - {stage: push-off, steps: 50}
      - {stage: ladder, ensemble: npt, temperatures: 300 250 K, hold: 300 steps, pressure_damping: 0.5 ps, frames: 10}
observables:
  density: {kind: density, experiment: melt}
targets:
  density: {state: {T: 300 250 K}, value: 0.9 0.95 g/cm^3, uncertainty: 0.05 g/cm^3, source: invented}
search: {method: random, evaluations: 5, remeasure: 2, candidates: 1}
compare: {Somebody: somebody.yaml}
fidelities:
  cooling:
    experiments:
      melt:
        protocol:
          - {stage: push-off, steps: 50}
          - {stage: ladder, ensemble: npt, temperatures: 300 to 150 by -25 K, ramp: 100 steps, hold: 300 steps,
             pressure_damping: 0.5 ps, frames: 10}
    observables:
      tg: {kind: glass_transition_lines, density: density, cold: 150 to 200 K, hot: 250 to 300 K}
      tg_by_hyperbola: {kind: glass_transition_hyperbola, density: density}
"""

SOMEBODY = "title: Somebody's\nparameters: {pair.A.epsilon: 0.6 kcal/mol, pair.A.sigma: 3.5 angstrom}\n"


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    (tmp_path / "somebody.yaml").write_text(SOMEBODY)
    return path


def beadsmith(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def done(*words: object, folder: Path) -> str:
    finished = beadsmith(*words, folder=folder)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (("--finalists", "colling"), ("--finalists", "colling", "did you mean 'cooling'")),
        (("--finalists", "quick"), ("otherwise than that of the search, quick", "--remeasure")),
        (("--finalists", "cooling", "--remeasure", 0), ("best models are measured again", "raise --remeasure")),
        (("--start", "nowhere.yaml"), ("nowhere.yaml",)),
        (("--start", PEBAX), ("problem.yaml", "one of title")),
    ],
)
def test_what_makes_no_sense_is_one_sentence_before_anything_runs(words, fragments, tmp_path):
    refused = beadsmith("run", PEBAX, "--fidelity", "quick", *words, "--study", tmp_path / "s", folder=tmp_path)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    for fragment in fragments:
        assert fragment in refused.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.lammps
def test_a_finished_study_that_is_asked_for_finalists_measures_only_these(problem, tmp_path):
    study = tmp_path / "study"
    said = done("run", problem, "--evaluations", 2, "--remeasure", 1, "--study", study, folder=tmp_path)
    assert "Finalists" not in said
    simulated = {path.name for path in (study / "runs").iterdir()}
    assert len(simulated) == 2 + 2

    # Neither the five evaluations of the file nor its two repeats are asked for.
    words = ("run", problem, "--finalists", "cooling", "--study", study, "--json", "out.json")
    said = done(*words, folder=tmp_path)
    assert "Finalists: 2 models at fidelity cooling, 2 times each: 4 simulations to run, about" in said
    assert "Finalists at fidelity cooling" in said
    assert len({path.name for path in (study / "runs").iterdir()} - simulated) == 4
    answer = json.loads((tmp_path / "out.json").read_text())
    assert answer["evaluations"] == 2
    (finalists,) = answer["finalists"]
    assert (finalists["fidelity"], finalists["replicas"]) == ("cooling", 2)
    assert finalists["best"]["evaluation"] == answer["best"]["evaluation"]
    assert [one["label"] for one in finalists["compare"]] == ["Somebody"]
    assert [entry["state"]["T"] for entry in finalists["best"]["observables"]["density"]] == [
        300.0, 275.0, 250.0, 225.0, 200.0, 175.0, 150.0,
    ]  # fmt: skip
    assert finalists["units"]["tg_by_hyperbola"] == "K"
    assert finalists["core_seconds"] > 0
    page = (study / "report.html").read_text()
    assert '<section id="finalists">' in page
    assert "At fidelity cooling" in page

    again = done(*words, folder=tmp_path)
    assert "Finalists: 2 models" not in again  # nothing is left to pay for
    assert json.loads((tmp_path / "out.json").read_text())["finalists"] == [finalists]
    assert "finalists at fidelity cooling: 4 measurements" in done("status", study, folder=tmp_path)


@pytest.mark.lammps
def test_finalists_of_the_file_need_no_option_and_can_be_left_out(problem, tmp_path):
    problem.write_text(problem.read_text().replace("search: {", "search: {finalists: cooling, finalist_replicas: 1, "))
    words = ("run", problem, "--evaluations", 1, "--remeasure", 1)
    without = done(*words, "--finalist-replicas", 0, "--study", "without", folder=tmp_path)
    assert "Finalists" not in without
    assert not list((tmp_path / "without").glob("finalists-*"))
    done(*words, "--study", "with", folder=tmp_path)
    assert len((tmp_path / "with" / "finalists-cooling.jsonl").read_text().splitlines()) == 2
    # Somebody who searches at that fidelity wants no finalists at it.
    done(*words, "--fidelity", "cooling", "--study", "slow", folder=tmp_path)
    assert not list((tmp_path / "slow").glob("finalists-*"))


@pytest.mark.lammps
def test_a_search_starts_from_a_model_and_says_what_had_to_move(problem, tmp_path):
    words = ("run", problem, "--evaluations", 1, "--remeasure", 1, "--study", "study", "--json", "out.json")
    said = done(*words, "--start", "somebody.yaml", folder=tmp_path)
    assert "somebody.yaml: 1 parameter outside the range" in said
    assert "pair.A.epsilon" in said
    best = json.loads((tmp_path / "out.json").read_text())["best"]
    assert best["parameters"]["pair.A.epsilon"] == 0.5
    assert best["parameters"]["pair.A.sigma"] == 3.5
    page = (tmp_path / "study" / "report.html").read_text()
    assert "--start somebody.yaml" in page
    assert str(tmp_path) not in page
    refused = beadsmith(*words, folder=tmp_path)
    assert refused.returncode == 2
    assert "holds a study with start somebody.yaml, not none" in refused.stderr


@pytest.mark.lammps
def test_at_other_states_there_is_no_misfit_in_words_nor_in_the_answer(problem, tmp_path):
    words = ("evaluate", problem, "--model", "somebody.yaml", "--workers", 1, "--json", "out.json")
    judged = done(*words, "--study", "judged", folder=tmp_path)
    misfit = json.loads((tmp_path / "out.json").read_text())["misfit"]
    row = next(line for line in judged.splitlines() if line.strip().startswith("Misfit"))
    assert float(row.split()[1].split("±")[0]) == pytest.approx(misfit, rel=0.1)
    # One of the targets' temperatures is still simulated.
    said = done(*words, "--state", "T=250,200", "--study", "other", folder=tmp_path)
    assert json.loads((tmp_path / "out.json").read_text())["misfit"] is None
    row = next(line for line in said.splitlines() if line.strip().startswith("Misfit"))
    assert row.split() == ["Misfit", "–"]
