"""A problem with molecules of several kinds and shapes, each of its interactions with numbers of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.simulate.engine import Engine, find_engine

#: Writing YAML with the C library, where PyYAML has it, is ten times faster.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

DOCUMENT = yaml.safe_load("""
title: chains, a star and single beads
beads: {A: {mass: 50 g/mol}, B: {mass: 61.5 g/mol}, C: {mass: 18 g/mol}}
molecules:
  chain: {beads: A B B A}
  star: {beads: B A A C, bonds: 1-2 1-3 1-4, angles: 2-1-3 2-1-4}
  bead: {beads: C}
forcefield:
  pair: {style: lj/cut, cutoff: 9 angstrom}
parameters:
  pair.*.epsilon: {fixed: 0.5 kcal/mol}
  pair.*.sigma: {fixed: 4 angstrom}
  bond.*.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.A-B.length: {fixed: 3.1 angstrom}
  bond.B-B.length: {fixed: 3.7 angstrom}
  bond.B-C.length: {fixed: 2.9 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.A-B-A.theta0: {fixed: 100 degree}
  angle.A-B-B.theta0: {fixed: 135 degree}
  angle.A-B-C.theta0: {fixed: 115 degree}
experiments:
  melt:
    kind: melt
    molecules: {chain: 40, bead: 30, star: 20}
    initial_density: 0.4 g/cm^3
    timestep: 2 fs
    protocol: [{stage: minimize}]
observables:
  density: {kind: density, experiment: melt}
""")

#: What the bonds and angles of this problem should measure, by the names of their beads in either direction.
LENGTHS = {"A-B": 3.1, "B-A": 3.1, "B-B": 3.7, "B-C": 2.9, "C-B": 2.9}
ANGLES = {"A-B-A": 100.0, "A-B-B": 135.0, "B-B-A": 135.0, "A-B-C": 115.0, "C-B-A": 115.0}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Any], tuple[Problem, Model]]:
    """A document as a problem, and the model that it fixes."""

    def load_document(document: Any) -> tuple[Problem, Model]:
        path = tmp_path / "problem.yaml"
        path.write_text(yaml.dump(document, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
        problem = load_problem(path)
        return problem, constant_model("fixed", problem.parameters, {})

    return load_document


@pytest.fixture
def mixture(load: Callable[[Any], tuple[Problem, Model]]) -> tuple[Problem, Model]:
    """The problem above, and its model."""
    return load(DOCUMENT)


@pytest.fixture
def expected_lengths() -> dict[str, float]:
    return LENGTHS


@pytest.fixture
def expected_angles() -> dict[str, float]:
    return ANGLES


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()
