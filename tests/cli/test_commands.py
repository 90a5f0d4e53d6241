"""Every command: helpful, machine-readable, and short when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEBAX = ROOT / "examples" / "pebax" / "problem.yaml"
PUBLISHED = ROOT / "examples" / "pebax" / "models" / "martins2025-bo.yaml"
COMMANDS = ("run", "evaluate", "status", "report", "identify", "export", "check", "init", "schema", "doctor")


def beadsmith(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def refused(*words: object, folder: Path | None = None) -> str:
    """The one sentence with which a command refuses."""
    done = beadsmith(*words, folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("beadsmith: ")
    return lines[0]


def test_help_names_all_commands_and_each_has_its_own():
    shown = beadsmith("--help").stdout
    for command in COMMANDS:
        assert command in shown
    own = beadsmith("run", "--help").stdout
    assert "goes on where it stopped" in " ".join(own.split())
    assert "--json" in own


def test_version():
    assert beadsmith("--version").stdout == "beadsmith 0.1.0\n"


def test_init_check_schema_fit_together(tmp_path):
    written = beadsmith("init", "mine.yaml", folder=tmp_path)
    assert written.returncode == 0
    checked = beadsmith("check", "mine.yaml", "--no-timing", "--json", "plan.json", folder=tmp_path)
    assert checked.returncode == 0
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["simulations"] == 2 * (plan["evaluations"] + plan["measurements"])
    assert plan["free_parameters"] == ["pair.A.epsilon", "pair.B.epsilon", "pair.A.sigma", "pair.B.sigma"]
    schema = json.loads(beadsmith("schema").stdout)
    assert set(schema["required"]) <= set(schema["properties"])
    assert schema["properties"].keys() >= {"beads", "molecules", "experiments", "targets"}
    assert "give --force" in refused("init", "mine.yaml", folder=tmp_path)


def test_export_to_include_and_back_to_yaml(tmp_path):
    shown = beadsmith("export", PEBAX, "--model", PUBLISHED, "--state", "T=300")
    assert "pair_coeff 1 1 1.453 3.94 15.827 6" in shown.stdout
    assert "outside" not in shown.stdout
    assert "outside 150 to 500" in beadsmith("export", PEBAX, "--model", PUBLISHED, "--state", "T=700").stdout
    whole = tmp_path / "whole.yaml"
    assert beadsmith("export", PEBAX, "--model", PUBLISHED, "--yaml", "-o", whole).returncode == 0
    again = beadsmith("export", PEBAX, "--model", whole, "--state", "T=300").stdout
    assert again.splitlines()[9:] == shown.stdout.splitlines()[9:]


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (("check", "nowhere.yaml"), ("nowhere.yaml", "beadsmith init")),
        (("run", PEBAX, "--search", "gradient-descent"), ("--search", "gauss-newton")),
        (("run", PEBAX, "--fidelity", "best"), ("--fidelity", "quick", "paper")),
        (("evaluate", PEBAX, "--model", PEBAX), ("problem.yaml", "one of title")),
        (("export", PEBAX, "--model", PUBLISHED, "--state", "T=warm"), ("--state T", "warm")),
        (("export", PEBAX, "--model", PUBLISHED, "--state", "300"), ("--state", "NAME=VALUES")),
        (("export", PEBAX, "--model", PUBLISHED, "--yaml"), ("--output",)),
        (("status", "nowhere"), ("nowhere", "--study")),
        (("report", "nowhere"), ("nowhere", "--study")),
        (("check", PEBAX, "--no-timing", "--json", "/nowhere/plan.json"), ("--json", "/nowhere/plan.json")),
    ],
)
def test_mistakes_get_one_sentence(words, fragments, tmp_path):
    sentence = refused(*words, folder=tmp_path)
    for fragment in fragments:
        assert fragment in sentence


def test_a_problem_without_targets_cannot_be_calibrated(tmp_path):
    beadsmith("init", "mine.yaml", folder=tmp_path)
    text = (tmp_path / "mine.yaml").read_text()
    start, end = text.index("targets:\n"), text.index("misfit:")
    (tmp_path / "mine.yaml").write_text(text[:start] + text[end:])
    assert "at least one target" in refused("run", "mine.yaml", folder=tmp_path)


THEORY = """
title: A theory
beads: {A: {mass: 50 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 10 angstrom}}
parameters:
  pair.A.epsilon: 0.2 to 1.2 kcal/mol
  pair.A.sigma: {fixed: 4 angstrom}
  bond.A-A.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.A-A.length: {fixed: 3.6 angstrom}
experiments:
  theory: {kind: formulas, columns: {density: 1 + 0.1 * pair.A.epsilon}, noise: {density: 0.002}}
observables:
  density: {kind: mean, experiment: theory, column: density, unit: g/cm^3}
targets:
  density: {value: 1.05 g/cm^3, uncertainty: 0.01 g/cm^3, source: invented}
search: {method: random, evaluations: 100000, remeasure: 1, candidates: 1}
compute: {local: {workers: 1}}
"""


def test_a_search_whose_time_is_up_says_so(tmp_path):
    (tmp_path / "theory.yaml").write_text(THEORY.replace("random,", "random, time: 0.5 s,"))
    words = ("run", "theory.yaml", "--study", "study")
    told = beadsmith(*words, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    kept = len((tmp_path / "study" / "evaluations.jsonl").read_text().splitlines())
    assert f"search.time was up after {kept} of 100000 evaluations; the same command goes on" in told.stdout
    assert "time was up" not in beadsmith(*words, "--evaluations", kept, folder=tmp_path).stdout


@pytest.mark.lammps
def test_doctor_finds_lammps_and_all_styles(tmp_path):
    done = beadsmith("doctor", "--json", tmp_path / "doctor.json")
    assert done.returncode == 0, done.stdout
    answer = json.loads((tmp_path / "doctor.json").read_text())
    assert answer["missing_styles"] == []
    assert answer["mpiexec"]
    assert answer["atom_steps_per_second"] > 1e4


def test_doctor_says_what_is_wrong_with_another_engine(tmp_path):
    done = beadsmith("doctor", "--lammps", "/bin/true", "--json", tmp_path / "doctor.json")
    assert done.returncode == 1
    assert "does not answer as LAMMPS" in json.loads((tmp_path / "doctor.json").read_text())["problem"]


@pytest.mark.lammps
def test_a_small_study_from_check_to_report(tmp_path):
    """run, status, evaluate and report on the Pebax example at its lowest fidelity, as a user would call them."""
    checked = beadsmith("check", PEBAX, "--fidelity", "ci", "--json", tmp_path / "check.json")
    assert checked.returncode == 0, checked.stderr
    estimate = json.loads((tmp_path / "check.json").read_text())["core_seconds_per_evaluation"]

    options = ("--fidelity", "ci", "--search", "tpe", "--seed", 1, "--remeasure", 1, "--study", tmp_path / "try1")
    first = beadsmith("run", PEBAX, *options, "--evaluations", 2, "--json", tmp_path / "out.json")
    assert first.returncode == 0, first.stderr
    grown = beadsmith("run", PEBAX, *options, "--evaluations", 4, "--json", tmp_path / "out.json")
    assert grown.returncode == 0, grown.stderr
    answer = json.loads((tmp_path / "out.json").read_text())
    assert answer["evaluations"] == 4
    assert answer["failures"] == 0
    assert len(answer["misfits"]) == 4
    density = answer["best"]["observables"]["density"]
    assert len(density) == 8
    assert density[0].keys() >= {"state", "value", "stderr", "target", "target_stderr"}
    assert answer["units"]["density"] == "g/cm^3"
    assert {one["label"] for one in answer["compare"]} == {"Hybrid strategy", "CG-BO (published)"}
    assert answer["core_seconds"] / (4 + 5) == pytest.approx(estimate, rel=2.0)
    assert Path(answer["report"]).read_text().startswith("<!DOCTYPE html>")
    assert Path(answer["best"]["model"]).is_file()

    status = beadsmith("status", tmp_path / "try1")
    assert "4 evaluations, 0 failed" in status.stdout
    assert beadsmith("report", tmp_path / "try1", "--output", tmp_path / "again.html").returncode == 0
    assert "seed 1, not 2" in refused("run", PEBAX, *options[:4], "--seed", 2, *options[6:])

    words = ("--fidelity", "ci", "--state", "T=400,500", "--study", tmp_path / "other", "--json", tmp_path / "one.json")
    evaluated = beadsmith("evaluate", PEBAX, "--model", answer["best"]["model"], *words)
    assert evaluated.returncode == 0, evaluated.stderr
    one = json.loads((tmp_path / "one.json").read_text())
    assert [entry["state"]["T"] for entry in one["observables"]["density"]] == [500.0, 400.0]
    assert one["misfit"] is None
