"""``beadsmith renormalize`` and its stages on systems in closed form, as a user runs them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

FILE = """
title: Two systems in closed form
beads: {A: {mass: 50 g/mol}, B: {mass: 60 g/mol}, C: {mass: 70 g/mol}}
molecules: {first: {beads: A B}, second: {beads: B C}}
forcefield: {pair: {style: lj/cut, cutoff: 10 angstrom}}
parameters:
  pair.*.epsilon: 0.2 to 1.2 kcal/mol
  pair.*.sigma: {fixed: 4 angstrom}
  bond.*.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.*.length: {fixed: 3.6 angstrom}
experiments:
  one:
    kind: formulas
    states: {DC: 0 0.25 0.5 0.75 1}
    columns:
      density: 1 + 0.1 * pair.A.epsilon + (0.3 - 0.1 * DC) * pair.B.epsilon + 0.1 * DC
      stiffness: exp(0.4 * pair.A.epsilon - 0.2 * pair.B.epsilon + 0.5 * DC)
    noise: {density: 0.002, stiffness: 0.01}
  other:
    kind: formulas
    states: {DC: 0 0.25 0.5 0.75 1}
    columns: {density: 1.2 - 0.1 * pair.B.epsilon + 0.2 * pair.C.epsilon * (1 + DC)}
    noise: {density: 0.002}
observables:
  one_density: {kind: mean, experiment: one, column: density, unit: g/cm^3}
  one_stiffness: {kind: mean, experiment: one, column: stiffness, unit: GPa}
  other_density: {kind: mean, experiment: other, column: density, unit: g/cm^3}
targets: # A 0.5, B 0.4 + 0.4 DC, C 0.7
  one_density: &all
    state: {DC: 0 0.25 0.5 0.75 1}
    value: 1.17 1.2125 1.25 1.2825 1.31 g/cm^3
    uncertainty: 0.002 g/cm^3
    source: invented
  one_stiffness:
    <<: *all
    value: 1.1275 1.2523 1.3910 1.5450 1.7160 GPa
    uncertainty: 0.01 GPa
  other_density: {<<: *all, value: 1.30 1.325 1.35 1.375 1.40 g/cm^3}
design:
  points: 64
  states: {DC: 0 to 1}
calibration: {functions: rbf, centres: 0 0.5 1, starts: 16}
compute: {local: {workers: 1}}
"""


def beadsmith(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def renormalized(tmp_path_factory) -> Path:
    """A folder with the problem and its study, killed in the middle and resumed."""
    folder = tmp_path_factory.mktemp("renormalize")
    (folder / "problem.yaml").write_text(FILE)
    command = [sys.executable, "-m", "beadsmith", "renormalize", str(folder / "problem.yaml")]
    command += ["--points", "64", "--rounds", "2"]
    command += ["--study", str(folder / "study"), "--json", str(folder / "out.json")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        table = folder / "study" / "design.jsonl"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (not table.exists() or table.read_bytes().count(b"\n") < 20):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    kept = table.read_text().split("\n")[:20]
    done = beadsmith(*command[3:])
    assert done.returncode == 0, done.stderr
    assert table.read_text().split("\n")[:20] == kept
    return folder


def test_points_that_are_known_say_nothing_of_the_time_left(renormalized):
    done = beadsmith("design", renormalized / "problem.yaml", "--study", renormalized / "study")
    assert "design: 128/128" in done.stdout
    assert "left" not in done.stdout


def test_known_functions_are_recovered_with_fewer_numbers(renormalized):
    answer = json.loads((renormalized / "out.json").read_text())
    assert set(answer["rmspe"]) == {"before", "after", "simulated"}
    assert set(answer["rmspe"]["after"]) == {"one", "other"}
    assert answer["mean_rmspe"]["after"] < 1
    assert answer["free_parameters"]["before"] == 10
    # A and C are constant and B is a line: four numbers.
    assert answer["free_parameters"]["after"] <= 5
    assert answer["forms"]["after"]["pair.B.epsilon"] != "constant"
    assert answer["validated"] is True
    assert answer["rounds"][0]["runs"] == 10


def test_the_study_holds_models_and_report(renormalized):
    study = renormalized / "study"
    assert "A" in (study / "simplified.yaml").read_text()
    page = (study / "renormalization.html").read_text()
    assert "Two systems in closed form" in page
    for option in ("--points 64", "--rounds 2"):
        assert option in page.partition("Doing it again")[2]
    done = beadsmith("export", renormalized / "problem.yaml", "--model", study / "simplified.yaml", "--state", "DC=0.5")
    assert done.returncode == 0
    assert "pair_coeff" in done.stdout


def test_done_again_it_answers_from_what_it_knows(renormalized):
    before = {path: path.stat().st_mtime_ns for path in (renormalized / "study").glob("*.json")}
    done = beadsmith(
        "renormalize",
        renormalized / "problem.yaml",
        "--study",
        renormalized / "study",
        "--json",
        renormalized / "2.json",
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((renormalized / name).read_text()) for name in ("out.json", "2.json"))
    assert {**first, "wall_seconds": 0} == {**second, "wall_seconds": 0}
    kept = {path for path, when in before.items() if path.stat().st_mtime_ns == when}
    assert {path.name for path in kept} >= {"fit.json", "calibration.json", "uncertainty.json", "simplification.json"}


def test_status_and_report_know_a_design(renormalized, tmp_path):
    study, answer = renormalized / "study", tmp_path / "answer.json"
    told = beadsmith("status", study, "--json", answer)
    assert told.returncode == 0, told.stderr
    assert "one: 64 points, 0 failed" in told.stdout
    assert json.loads(answer.read_text())["systems"]["other"]["points"] == 64
    assert beadsmith("report", study, "--output", tmp_path / "page.html", "--json", answer).returncode == 0
    assert (tmp_path / "page.html").read_text() == (study / "renormalization.html").read_text()
    assert not (study / "report.html").exists()
    assert json.loads(answer.read_text())["report"] == str(tmp_path / "page.html")
    refused = beadsmith("report", study, "--repeat", study)
    assert refused.returncode == 2
    assert "--repeat" in refused.stderr


@pytest.mark.parametrize(("form", "numbers"), [("constant", 3), ("linear", 6)])
def test_other_forms_are_fitted_to_the_same_study(renormalized, form, numbers, tmp_path):
    words = ("--study", renormalized / "study", "--functions", form, "--json", tmp_path / "answer.json")
    done = beadsmith("calibrate", renormalized / "problem.yaml", *words)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "answer.json").read_text())["free_parameters"] == numbers
    study = renormalized / "study"
    errors = yaml.safe_load((study / "calibrated.yaml").read_text())["uncertainty"]
    assert set(errors) == {f"pair.{bead}.epsilon" for bead in "ABC"}
    # Then the page is about this calibration, and no longer about that of 'renormalize'.
    assert beadsmith("report", study, "--output", tmp_path / "page.html").returncode == 0
    page = (tmp_path / "page.html").read_text()
    assert f"with {numbers} numbers the model is predicted" in page
    assert "Simplified to" not in page
    assert "Left out" in page
    assert "beadsmith calibrate problem.yaml" in page
    assert f"--functions {form}" in page


def test_another_step_of_the_path_and_baselines_are_had_for_the_asking(renormalized, tmp_path):
    shutil.copytree(renormalized / "study", tmp_path / "study")
    words = (renormalized / "problem.yaml", "--study", tmp_path / "study", "--json", tmp_path / "answer.json")
    done = beadsmith("renormalize", *words, "--rounds", 0, "--simplify", 6)
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text())
    steps = [step["free_parameters"] for step in answer["simplification"]["steps"]]
    assert answer["free_parameters"]["after"] == max(one for one in steps if one <= 6)
    assert f"Simplified to {answer['free_parameters']['after']} numbers" in done.stdout

    done = beadsmith("calibrate", *words, "--functions", "linear", "--baselines")
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert set(answer["baselines"]) == {"constant", "sigmoid", "free", "one_response_at_a_time"}
    for one in answer["baselines"].values():
        assert {system: set(errors) for system, errors in one["rmspe"].items()} == {
            "one": {"one_density", "one_stiffness"},
            "other": {"other_density"},
        }
    assert answer["baselines"]["constant"]["mean_rmspe"] > answer["mean_rmspe"]
    assert "one response" in " ".join(done.stdout.split())


def wrong(tmp_path: Path, *words: object, text: str = FILE) -> str:
    """What a command says that fails."""
    (tmp_path / "problem.yaml").write_text(text)
    done = beadsmith(words[0], tmp_path / "problem.yaml", "--study", tmp_path / "study", *words[1:])
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_design_that_is_too_small_is_refused_with_what_it_wants(tmp_path):
    (tmp_path / "problem.yaml").write_text(FILE)
    assert beadsmith("design", tmp_path / "problem.yaml", "--study", tmp_path / "study", "--points", 3).returncode == 0
    message = wrong(tmp_path, "fit")
    assert "received 3 points, expected at least 4" in message


def test_another_parameter_set_free_after_the_design_is_refused(tmp_path):
    (tmp_path / "problem.yaml").write_text(FILE)
    assert beadsmith("design", tmp_path / "problem.yaml", "--study", tmp_path / "study", "--points", 4).returncode == 0
    freed = FILE.replace("pair.*.sigma: {fixed: 4 angstrom}", "pair.*.sigma: 3.5 to 4.5 angstrom")
    freed = freed.replace("density: 1 +", "density: 1 + 0.1 * pair.A.sigma +")
    assert "holds a design with another version of the problem file" in wrong(tmp_path, "fit", text=freed)


def test_when_all_runs_failed_there_is_nothing_to_learn_from(tmp_path):
    text = FILE.replace("density: 1 +", "density: log(-1) +").replace("density: 1.2 -", "density: log(-1) -")
    (tmp_path / "problem.yaml").write_text(text)
    done = beadsmith("design", tmp_path / "problem.yaml", "--study", tmp_path / "study", "--points", 4)
    assert done.returncode == 0
    assert "is no finite number" in done.stdout
    assert "all of its 8 runs failed" in wrong(tmp_path, "fit", text=text)


def test_targets_beyond_the_design_are_refused_or_warned_of(tmp_path):
    text = FILE.replace("states: {DC: 0 to 1}", "states: {DC: 0 to 0.8}").replace("points: 64", "points: 24")
    (tmp_path / "problem.yaml").write_text(text)
    assert beadsmith("design", tmp_path / "problem.yaml", "--study", tmp_path / "study").returncode == 0
    assert "the state DC=1, expected DC from 0 to 0.8" in wrong(tmp_path, "calibrate", text=text)
    warned = text.replace("starts: 16", "starts: 4, extrapolation: warn")
    (tmp_path / "problem.yaml").write_text(warned)
    done = beadsmith("calibrate", tmp_path / "problem.yaml", "--study", tmp_path / "study")
    assert done.returncode == 0, done.stderr
    assert "extrapolates" in done.stdout


def test_a_table_with_a_wrong_number_is_refused(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("system,DC,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.5,0.4,0.7,nan\n")
    assert "line 2: other_density: received nan" in wrong(tmp_path, "design", "--points", 1, "--add", table)


def test_a_table_without_a_column_of_the_state_is_refused_and_the_study_goes_on(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("system,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.4,0.7,1.37\n")
    assert "DC: received no such column" in wrong(tmp_path, "design", "--points", 12, "--add", table)
    assert beadsmith("design", tmp_path / "problem.yaml", "--study", tmp_path / "study", "--points", 12).returncode == 0
    assert beadsmith("fit", tmp_path / "problem.yaml", "--study", tmp_path / "study").returncode == 0


def test_calibrations_through_poor_surrogates_and_degenerate_envelopes_say_so(tmp_path):
    """Nothing but noise, and a misfit without a posterior, whose published samples are worth a handful."""
    text = FILE.replace("points: 64", "points: 16").replace(
        "density: 1.2 - 0.1 * pair.B.epsilon + 0.2", "density: 1.3 + 1e-9"
    )
    text = text.replace("starts: 16", "starts: 4")
    words = (tmp_path / "problem.yaml", "--study", tmp_path / "study", "--misfit", "relative")
    words[0].write_text(text)
    both = {}
    for command in (("renormalize", "--rounds", 0), ("calibrate",)):
        answer = tmp_path / f"{command[0]}.json"
        done = beadsmith(*command, *words, "--json", answer)
        assert done.returncode == 0, done.stderr
        assert "warning: the surrogate of other_density is not good enough to be used" in " ".join(done.stdout.split())
        both[command[0]] = json.loads(answer.read_text())
        assert any("other_density is not good enough" in one for one in both[command[0]]["warnings"])
    found = both["renormalize"]
    assert found["free_parameters"]["after"] == found["free_parameters"]["before"]
    assert any("nothing was simplified" in one for one in found["warnings"])
    assert any("say little" in one for one in found["uncertainty"])
    page = (tmp_path / "study" / "renormalization.html").read_text()
    assert "nothing was simplified" in page
    assert "say little" in page
    assert "1 of them not good enough to be used" in page
