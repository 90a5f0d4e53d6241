"""``predict`` on a small study made by real LAMMPS: near models are told, far ones refused, nothing is simulated."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.lammps

FILE = """
title: Chains alone
beads: {A: {mass: 40 g/mol}}
molecules: {chain: {beads: A A A A}}
forcefield: {pair: {style: lj/cut, cutoff: 7 angstrom}}
parameters:
  bond.*.k: 2 to 8 kcal/mol/angstrom^2
  bond.*.length: 3 to 4 angstrom
  angle.*.k: 1 to 5 kcal/mol/rad^2
  angle.*.theta0: 100 to 140 degree
  pair.*.epsilon: {fixed: 0.2 kcal/mol}
  pair.*.sigma: {fixed: 3.5 angstrom}
experiments:
  alone:
    kind: vacuum
    molecule: chain
    replicas: 40
    timestep: 5 fs
    time_limit: 30 min
    protocol:
      - {stage: langevin, temperature: 300 K, duration: 5 ps, damping: 0.5 ps}
      - {stage: ladder, ensemble: langevin, temperatures: 300 400 K, hold: 10 ps, damping: 0.5 ps, frames: 20}
observables:
  size: {kind: radius_of_gyration, experiment: alone}
targets:
  size: {state: {T: 300 400 K}, value: 3.5 3.5 angstrom, uncertainty: 0.05 angstrom, source: invented}
search: {method: gauss-newton, evaluations: 2, reweighting: yes, remeasure: 1, candidates: 1}
"""
MODEL = """
title: MODEL
parameters:
  bond.A-A.k: STIFFNESS kcal/mol/angstrom^2
  bond.A-A.length: LENGTH angstrom
  angle.A-A-A.k: 3.2 kcal/mol/rad^2
  angle.A-A-A.theta0: 121 degree
  pair.A.epsilon: 0.2 kcal/mol
  pair.A.sigma: 3.5 angstrom
"""


def beadsmith(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two models, and two models to ask about."""
    folder = tmp_path_factory.mktemp("predict")
    (folder / "chains.yaml").write_text(textwrap.dedent(FILE))
    for name, stiffness, length in (("near", 5.5, 3.55), ("far", 7.9, 2.4)):
        text = MODEL.replace("MODEL", name).replace("STIFFNESS", str(stiffness)).replace("LENGTH", str(length))
        (folder / f"{name}.yaml").write_text(text)
    done = beadsmith("run", "chains.yaml", "--study", "study", "--workers", 2, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def refused(*words: object, folder: Path) -> str:
    done = beadsmith(*words, folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_near_model_is_told_as_it_would_be_simulated(folder):
    before = sorted(path.name for path in (folder / "study" / "runs").iterdir())
    words = ("chains.yaml", "--model", "near.yaml", "--json", "answer.json")
    shown = beadsmith("predict", *words, "--study", "study", folder=folder)
    assert shown.returncode == 0, shown.stderr
    assert "size: 2 of 2 told" in " ".join(shown.stdout.split())
    assert sorted(path.name for path in (folder / "study" / "runs").iterdir()) == before
    told = json.loads((folder / "answer.json").read_text())
    assert told["command"] == "predict"
    assert all(one["told"] and one["effective_samples"] >= one["independent_samples"] for one in told["overlap"])
    simulated = beadsmith("evaluate", *words, "--study", "fresh", "--replicas", 2, folder=folder)
    assert simulated.returncode == 0, simulated.stderr
    found = json.loads((folder / "answer.json").read_text())
    for one, other in zip(told["observables"]["size"], found["observables"]["size"], strict=True):
        assert one["state"] == other["state"]
        assert one["target"] == 3.5
        assert abs(one["value"] - other["value"]) < 4 * np.hypot(one["stderr"], other["stderr"])


def test_a_far_model_is_refused_in_one_sentence(folder):
    line = refused("predict", "chains.yaml", "--model", "far.yaml", "--study", "study", folder=folder)
    assert "'far'" in line
    assert "it takes 5" in line
    assert "beadsmith evaluate" in line


def test_other_studies_are_refused(folder):
    line = refused("predict", "chains.yaml", "--model", "near.yaml", "--study", "nowhere", folder=folder)
    assert "holds no study" in line
    other = folder / "other.yaml"
    other.write_text((folder / "chains.yaml").read_text().replace("cutoff: 7", "cutoff: 8"))
    line = refused("predict", "other.yaml", "--model", "near.yaml", "--study", "study", folder=folder)
    assert "another version of the problem file" in line
    assert str(Path("study") / "problem.yaml") in line
