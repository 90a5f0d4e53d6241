"""Two systems in closed form that share a bead: seconds instead of simulations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.simulate.engine import Engine

TWO_SYSTEMS = yaml.safe_load("""
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
    states: {DC: 0 0.5 1}
    columns:
      density: 1 + 0.1 * pair.A.epsilon + (0.3 - 0.1 * DC) * pair.B.epsilon + 0.1 * DC
      stiffness: exp(0.4 * pair.A.epsilon - 0.2 * pair.B.epsilon + 0.5 * DC)
    noise: {density: 0.002, stiffness: 0.01}
  other:
    kind: formulas
    states: {DC: 0 0.5 1}
    columns: {density: 1.2 - 0.1 * pair.B.epsilon + 0.2 * pair.C.epsilon * (1 + DC)}
    noise: {density: 0.002}
observables:
  one_density: {kind: mean, experiment: one, column: density, unit: g/cm^3}
  one_stiffness: {kind: mean, experiment: one, column: stiffness, unit: GPa}
  other_density: {kind: mean, experiment: other, column: density, unit: g/cm^3}
targets: # A 0.5, B 0.4 + 0.4 DC, C 0.7
  one_density:
    state: {DC: 0 0.5 1}
    value: 1.17 1.25 1.31 g/cm^3
    uncertainty: 0.002 g/cm^3
    source: invented
  one_stiffness:
    state: {DC: 0 0.5 1}
    value: 1.1275 1.3910 1.7160 GPa
    uncertainty: 0.01 GPa
    source: invented
  other_density:
    state: {DC: 0 0.5 1}
    value: 1.30 1.35 1.40 g/cm^3
    uncertainty: 0.002 g/cm^3
    source: invented
design:
  points: 64
  states: {DC: 0 to 1}
calibration: {functions: linear}
compute: {local: {workers: 1}}
""")


@pytest.fixture
def document() -> dict[str, Any]:
    """The two systems, to be changed."""
    return copy.deepcopy(TWO_SYSTEMS)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Write a document to a file."""

    def written(document: dict[str, Any]) -> Path:
        path = tmp_path / "problem.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return written


@pytest.fixture
def two_systems(document, write) -> Problem:
    """The two systems."""
    return load_problem(write(document))


@pytest.fixture
def laboratory(two_systems, tmp_path):
    """For the two systems, with a study in ``study``; formulas need no LAMMPS."""
    study = Study(tmp_path / "study")
    study.folder.mkdir()
    engine = Engine("/nowhere/lmp", "none", "", None, frozenset())
    with ThreadPoolExecutor(1) as executor, study.lease() as lease:
        yield Laboratory(two_systems, study.store, lease, executor, engine, judge=False)
