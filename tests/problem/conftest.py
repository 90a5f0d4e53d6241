"""A small valid problem, as a document that tests change and load."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from beadsmith.errors import ProblemError
from beadsmith.problem.problem import Problem, load_problem

#: Writing YAML with the C library, where PyYAML has it, is ten times faster.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

VALID = yaml.safe_load("""
title: A small melt
beads: {A: {mass: 50 g/mol}, B: {mass: 60 g/mol}}
molecules: {chain: {beads: A B B A}}
forcefield:
  pair: {style: lj/cut, cutoff: 10 angstrom, mixing: arithmetic}
  bond: {style: harmonic}
  angle: {style: harmonic}
parameters:
  pair.*.epsilon: 0.2 to 1.2 kcal/mol
  pair.*.sigma: 3.5 to 5.5 angstrom
  bond.*.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.*.length: {fixed: 3.6 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.*.theta0: {fixed: 150 degree}
experiments:
  melt:
    kind: melt
    molecules: {chain: 100}
    initial_density: 0.4 g/cm^3
    timestep: 10 fs
    protocol:
      - {stage: push-off, temperature: 400 K}
      - {stage: npt, temperature: 400 K, duration: 30 ps}
      - {stage: ladder, ensemble: npt, temperatures: 400 375 325 300 K, ramp: 5 ps, hold: 20 ps}
  alone:
    kind: vacuum
    molecule: chain
    timestep: 10 fs
    protocol:
      - {stage: langevin, temperature: 300 K, duration: 20 ps, record: yes}
observables:
  density: {kind: density, experiment: melt}
  size: {kind: radius_of_gyration, experiment: alone}
  tg: {kind: glass_transition_lines, density: density, cold: 300 to 325 K, hot: 375 to 400 K}
targets:
  density: {state: {T: 300 400 K}, value: 0.8 0.7 g/cm^3, uncertainty: 0.01 g/cm^3, source: a textbook}
  tg: {value: 350 K, uncertainty: 20 K, source: a textbook}
search: {method: tpe, evaluations: 10}
fidelities:
  quick: {}
""")


@pytest.fixture
def document() -> dict[str, Any]:
    """A valid problem, to be changed."""
    return copy.deepcopy(VALID)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a document, or text or bytes as they are, to a problem file."""

    def write_file(content: Any) -> Path:
        path = tmp_path / "problem.yaml"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(
                content if isinstance(content, str) else yaml.dump(content, Dumper=DUMPER, sort_keys=False), "utf-8"
            )
        return path

    return write_file


@pytest.fixture
def load(write: Callable[[Any], Path]) -> Callable[..., Problem]:
    """Load a document as a problem."""
    return lambda content, fidelity=None: load_problem(write(content), fidelity)


@pytest.fixture
def complaint(write: Callable[[Any], Path]) -> Callable[..., str]:
    """The message that a bad file gets, without the file's path; it must be one sentence."""

    def message_of(content: Any, fidelity: str | None = None) -> str:
        path = write(content)
        with pytest.raises(ProblemError) as caught:
            load_problem(path, fidelity)
        message = str(caught.value)
        assert message.isprintable()
        assert "expected" in message
        return message.removeprefix(f"{path}: ")

    return message_of
