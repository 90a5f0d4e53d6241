"""Every command: helpful, machine-readable, and short when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from beadsmith.campaign.study import Manifest, Study, digest_of
from beadsmith.problem.document import write_document
from beadsmith.problem.model import constant_model, document_from_model
from beadsmith.problem.problem import load_problem

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


@pytest.mark.parametrize("command", [("run",), ("check", "--no-timing")])
def test_gauss_newton_without_any_gradient_gets_one_sentence(command, tmp_path):
    """The thermostat decides the temperature, which answers to no parameter."""
    assert beadsmith("init", "mine.yaml", folder=tmp_path).returncode == 0
    document = yaml.safe_load((tmp_path / "mine.yaml").read_text())
    document["observables"] = {"warmth": {"kind": "temperature", "experiment": "melt"}}
    target = {"state": {"T": "300 K"}, "value": "300 K", "uncertainty": "1 K", "source": "a test"}
    document["targets"] = {"warmth": target}
    document["search"]["method"] = "gauss-newton"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    sentence = refused(command[0], "mine.yaml", *command[1:], folder=tmp_path)
    assert "search.method: received gauss-newton, expected a method without derivatives" in sentence
    assert "grey-box, combined or tpe" in sentence
    assert [one.name for one in tmp_path.iterdir()] == ["mine.yaml"]


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


@pytest.mark.parametrize(
    "words",
    [
        ("schema", "-o", "nowhere/schema.json"),
        ("export", PEBAX, "-m", PUBLISHED, "--state", "T=300", "-o", "nowhere/model.lmp"),
        ("export", PEBAX, "-m", PUBLISHED, "--yaml", "-o", "nowhere/model.yaml"),
        ("build", PEBAX, "-m", PUBLISHED, "--experiment", "vacuum", "-o", "a_file"),
        ("init", "/proc/mine.yaml"),
    ],
    ids=("schema", "include", "model", "configuration", "starting file"),
)
def test_what_cannot_be_written_gets_one_sentence(words, tmp_path):
    (tmp_path / "a_file").touch()
    said = refused(*words, folder=tmp_path)
    assert f"beadsmith: {words[-1]}: received " in said
    assert "check its folder, permissions and free space" in said
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux that is always full")
def test_a_full_disk_is_said():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "beadsmith", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("beadsmith: a file, or the output: received No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", ["--help", "schema"])  # less and more than a pipe holds
def test_a_reader_that_has_seen_enough_is_no_mistake(words):
    command = [sys.executable, "-m", "beadsmith", words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_json_goes_through_a_pipe_and_behind_a_link(tmp_path):
    beadsmith("init", "mine.yaml", folder=tmp_path)
    (tmp_path / "link.json").symlink_to("answer.json")
    words = ("check", "mine.yaml", "--no-timing", "--json")
    assert beadsmith(*words, "link.json", folder=tmp_path).returncode == 0
    assert (tmp_path / "link.json").is_symlink()
    plan = json.loads((tmp_path / "answer.json").read_text())
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as reader:
        assert beadsmith(*words, "pipe", folder=tmp_path).returncode == 0
        assert (tmp_path / "pipe").is_fifo()
        assert json.loads(reader.stdout.read()) == plan


def test_files_beside_a_problem_that_extends_another_are_found_by_its_study(tmp_path, network_document):
    network_document["experiments"]["network"]["cure"]["model"] = "cured.yaml"
    target = {
        "state": {"T": "300 K", "DC": 0.9},
        "value": "1.1 g/cm^3",
        "uncertainty": "0.1 g/cm^3",
        "source": "invented",
    }
    mine = {"extends": "base.yaml", "title": "Mine", "targets": {"density": target}}
    for name, document in (("base", network_document), ("mine", mine)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
    parameters = load_problem(tmp_path / "mine.yaml").parameters
    cured = constant_model("cured", parameters, parameters.middle)
    write_document(tmp_path / "cured.yaml", document_from_model(cured, parameters))
    problem, study = load_problem(tmp_path / "mine.yaml"), Study(tmp_path / "study")
    manifest = Manifest(
        "Mine", digest_of(problem), "mine.yaml", "base", "tpe", 1, 2, "none", problem_folder=str(tmp_path)
    )
    study.open_for(manifest, problem)
    done = beadsmith("report", "study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    # Other remarks say the same; another title does not, and then the study has its own copy.
    (tmp_path / "mine.yaml").write_text("# A remark.\n" + yaml.safe_dump(mine))
    done = beadsmith("report", "study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**mine, "title": "Another"}))
    assert "study/cured.yaml: received no such file" in refused("report", "study", folder=tmp_path)


DIMER = """
title: A formula
beads: {A: {mass: 50 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 10 angstrom}}
parameters:
  pair.*.epsilon: 0.2 to 1.2 kcal/mol
  pair.*.sigma: {fixed: 4 angstrom}
  bond.*.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.*.length: {fixed: 3.6 angstrom}
"""

IN_TWO_STATES = (
    DIMER
    + """
experiments:
  one: {kind: formulas, states: {DC: 0 1}, columns: {density: sqrt(DC - 0.5)}}
observables:
  density: {kind: mean, experiment: one, column: density, unit: g/cm^3}
"""
)


@pytest.mark.parametrize(("states", "code"), [("1", 0), ("0", 1), ("0,1", 1)])
def test_a_state_at_which_nothing_could_be_measured_is_told_by_the_exit_code(tmp_path, states, code):
    (tmp_path / "formula.yaml").write_text(IN_TWO_STATES)
    parameters = load_problem(tmp_path / "formula.yaml").parameters
    model = constant_model("middle", parameters, parameters.middle)
    write_document(tmp_path / "model.yaml", document_from_model(model, parameters))
    done = beadsmith("evaluate", "formula.yaml", "-m", "model.yaml", "--state", f"DC={states}", folder=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""


def test_a_problem_without_targets_cannot_be_calibrated(tmp_path):
    beadsmith("init", "mine.yaml", folder=tmp_path)
    text = (tmp_path / "mine.yaml").read_text()
    start, end = text.index("targets:\n"), text.index("misfit:")
    (tmp_path / "mine.yaml").write_text(text[:start] + text[end:])
    assert "at least one target" in refused("run", "mine.yaml", folder=tmp_path)


THEORY = (
    DIMER
    + """
experiments:
  theory: {kind: formulas, columns: {density: 1 + 0.1 * pair.A.epsilon}, noise: {density: 0.002}}
observables:
  density: {kind: mean, experiment: theory, column: density, unit: g/cm^3}
targets:
  density: {value: 1.05 g/cm^3, uncertainty: 0.01 g/cm^3, source: invented}
search: {method: random, evaluations: 100000, remeasure: 1, candidates: 1}
compute: {local: {workers: 1}}
"""
)


def test_a_search_whose_time_is_up_says_so(tmp_path):
    (tmp_path / "theory.yaml").write_text(THEORY.replace("random,", "random, time: 0.5 s,"))
    words = ("run", "theory.yaml", "--study", "study")
    told = beadsmith(*words, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    kept = len((tmp_path / "study" / "evaluations.jsonl").read_text().splitlines())
    assert f"search.time was up after {kept} of 100000 evaluations; the same command goes on" in told.stdout
    assert "time was up" not in beadsmith(*words, "--evaluations", kept, folder=tmp_path).stdout


@pytest.mark.parametrize(("tolerance", "missed"), [(0.003, False), (0.0005, True)])
def test_run_and_evaluate_say_which_tolerances_were_missed(tmp_path, tolerance, missed):
    declared = f"precision: {{tolerance: {{density: {tolerance} g/cm^3}}}}\n"
    (tmp_path / "theory.yaml").write_text(THEORY.replace("100000", "3") + declared)
    ran = beadsmith("run", "theory.yaml", "--study", "study", "--json", "run.json", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    words = ("--model", "study/best.yaml", "--study", "other", "--report", "page.html", "--json", "one.json")
    evaluated = beadsmith("evaluate", "theory.yaml", *words, folder=tmp_path)
    assert evaluated.returncode == 0, evaluated.stderr
    for told, answer, page in (
        (ran, json.loads((tmp_path / "run.json").read_text())["best"], "study/report.html"),
        (evaluated, json.loads((tmp_path / "one.json").read_text()), "page.html"),
    ):
        sentence = "Density misses its tolerance of 0.0005 g/cm³: standard error 0.00"
        assert told.stdout.count(sentence) == missed
        assert (sentence in (tmp_path / page).read_text()) is missed
        (density,) = answer["observables"]["density"]
        entry = {"observable": "density", "state": {}, "stderr": density["stderr"], "tolerance": tolerance}
        assert answer["missed_tolerances"] == ([entry] if missed else [])


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
