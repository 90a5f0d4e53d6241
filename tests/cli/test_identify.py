"""``beadsmith identify`` on a study made of formulas."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Manifest, Study, digest_of
from beadsmith.problem.problem import load_problem
from beadsmith.problem.records import Evaluation, Gradient, Observation
from beadsmith.problem.state import State

FILE = """
title: Two parameters of which only the sum is known
beads: {A: {mass: 30 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 5 angstrom}}
parameters:
  bond.*.length: 2 to 4 angstrom   # one of two
  bond.*.k: 4 to 12 kcal/mol/angstrom^2
  pair.*.sigma: 2 to 4 angstrom
  pair.*.epsilon: {fixed: 1 kcal/mol}
experiments:
  alone:
    kind: vacuum
    molecule: dimer
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 600 K, hold: 300 steps}]
observables:
  length: {kind: end_to_end_distance, experiment: alone}
  size: {kind: radius_of_gyration, experiment: alone}
  warmth: {kind: temperature, experiment: alone}
targets:
  length: {state: {T: 300 600 K}, value: 3 3.05 angstrom, uncertainty: 0.05 angstrom, source: invented}
considered:
  size: {state: {T: 300 K}, uncertainty: 0.02 angstrom}
"""
NAMES = ("bond.A-A.k", "bond.A-A.length", "pair.A.sigma")


def slopes(observable: str) -> dict[str, float]:
    """Lengths know the sum of length and sigma; the size knows sigma; nothing knows k."""
    return dict(zip(NAMES, (0.0, 1.0, 1.0) if observable == "length" else (0.0, 0.0, 0.5), strict=True))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("identify")
    (folder / "problem.yaml").write_text(textwrap.dedent(FILE))
    problem = load_problem(folder / "problem.yaml")
    made = Study(folder / "study")
    made.folder.mkdir()
    (made.folder / "problem.yaml").write_text(textwrap.dedent(FILE))
    manifest = Manifest("Two", digest_of(problem), str(problem.path), "base", "gauss-newton", 1, 2, "none")
    write_json(made.folder / "study.json", asdict(manifest))
    random = np.random.default_rng(1)
    rows = [("length", 300.0), ("length", 600.0), ("size", 300.0), ("size", 600.0)]
    for number in range(4):
        gradients = []
        for name, temperature in rows:
            noisy = {key: value + 0.02 * random.normal() for key, value in slopes(name).items()}
            noisy["bond.A-A.k"] *= 0.01
            errors = {"bond.A-A.k": 2e-4, "bond.A-A.length": 0.02, "pair.A.sigma": 0.02}
            gradients.append(Gradient(name, State.of(T=temperature), noisy, errors))
        made.append(
            "evaluations",
            Evaluation(
                number,
                {"bond.A-A.k": 8.0, "bond.A-A.length": 3.1, "pair.A.sigma": 2.9},
                number,
                [Observation(name, State.of(T=at), 3.0, 0.01) for name, at in rows],
                misfit=1.0 + number,
                gradients=gradients,
            ),
        )
    return folder


def beadsmith(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def refused(*words: object, folder: Path) -> str:
    done = beadsmith("identify", *words, folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_one_number_of_three_parameters_is_known(study):
    done = beadsmith("identify", "problem.yaml", "--study", "study", "--json", "a.json", folder=study)
    assert done.returncode == 0, done.stderr
    answer = json.loads((study / "a.json").read_text())
    # lambda = 2 targets * 2 parameters * (1 * 2 A * 0.4 / 0.05 A)^2
    assert answer["directions"][0]["information"]["value"] == pytest.approx(4 * 256, rel=0.05)
    assert answer["effective_number"]["value"] == pytest.approx(1.0, abs=0.05)
    assert len(answer["directions"]) == 1
    components = answer["directions"][0]["components"]
    for name, size in zip(NAMES, (0.0, 0.707, 0.707), strict=True):
        assert abs(components[name]["value"]) == pytest.approx(size, abs=0.03)
    gone = {name: one["variance_reduction"]["value"] for name, one in answer["parameters"].items()}
    assert [gone[name] for name in NAMES] == pytest.approx([0, 0.5, 0.5], abs=0.04)
    assert answer["parameters"]["pair.A.sigma"]["prior_stderr"] == pytest.approx(0.8)
    assert answer["considered"]["size"]["effective_number_gained"]["value"] == pytest.approx(1.0, abs=0.05)
    assert answer["considered"]["size"]["points"][0]["open_within"]["value"] == pytest.approx(
        0.8 * 0.5**0.5 / 2, rel=0.1
    )
    assert answer["observables"]["length"]["targets"] == 2
    assert sum(target["leverage"]["value"] for target in answer["targets"]) == pytest.approx(
        answer["effective_number"]["value"]
    )
    assert {"command", "beadsmith", "units", "spectrum", "limits", "model", "prior", "left_out"} <= answer.keys()
    assert answer["units"]["length"] == "angstrom"


def test_it_says_so_in_words(study):
    shown = beadsmith("identify", "problem.yaml", "--study", "study", folder=study).stdout
    assert "2 targets hold 1.0" in shown
    assert "for 3 parameters; 1 of the parameters is inert." in shown
    assert "1 direction stands above the noise" in shown
    stiff, sloppy = (shown.partition(f"{kind} directions")[2][:400] for kind in ("Stiff", "Sloppy"))
    assert "pair.A.sigma +0.7" in stiff or "bond.A-A.length +0.7" in stiff
    assert "+0.7" in sloppy
    assert "-0.7" in sloppy
    assert "Inert, less than 0.05 of the prior variance gone (1): bond.A-A.k" in shown
    assert "Size would narrow most: " in shown


def test_the_study_is_the_usual_one_unless_named(study):
    sentence = refused("problem.yaml", folder=study)
    assert f"studies/{study.name}-base" in sentence
    assert "holds no study" in sentence


def test_inert_parameters_can_be_held(study):
    words = ("identify", "problem.yaml", "--study", "study", "--freeze", "0.05", "--output", "less.yaml")
    done = beadsmith(*words, "--json", "-", folder=study)
    assert done.returncode == 0, done.stderr
    assert "1 parameter held at the values of evaluation 0, 2 left free" in done.stdout
    reduced = load_problem(study / "less.yaml")
    assert [one.name for one in reduced.parameters.free] == ["bond.A-A.length", "pair.A.sigma"]
    assert reduced.parameters.fixed["bond.A-A.k"] == 8.0
    assert "# one of two" in (study / "less.yaml").read_text()
    assert beadsmith("check", "less.yaml", "--no-timing", folder=study).returncode == 0


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (("problem.yaml", "--study", "study", "--freeze", "0.05"), ("--freeze", "--output FILE")),
        (("problem.yaml", "--study", "study", "--output", "x.yaml"), ("--output", "--freeze SHARE")),
        (("problem.yaml", "--study", "study", "--freeze", "5", "-o", "x.yaml"), ("--freeze", "between 0 and 1")),
        (
            ("problem.yaml", "--study", "study", "--freeze", "1", "-o", "x.yaml"),
            ("--freeze", "leaves a parameter free"),
        ),
        (("problem.yaml", "--study", "study", "--freeze", "0.1", "-o", "problem.yaml"), ("another file",)),
        (("problem.yaml", "--study", "study", "--prior", "0"), ("--prior", "positive")),
        (("problem.yaml", "--study", "nowhere"), ("nowhere", "holds no study")),
        (("nowhere.yaml", "--study", "study"), ("nowhere.yaml",)),
    ],
)
def test_mistakes_get_one_sentence(study, words, fragments):
    sentence = refused(*words, folder=study)
    for fragment in fragments:
        assert fragment in sentence
    assert not (study / "x.yaml").exists()


def test_an_observable_without_derivatives_cannot_be_considered(study):
    text = textwrap.dedent(FILE).replace("  size: {state", "  warmth: {state").replace("0.02 angstrom", "1 K")
    (study / "warm.yaml").write_text(text)
    sentence = refused("warm.yaml", "--study", "study", folder=study)
    assert "considered.warmth: received one of kind temperature" in sentence
