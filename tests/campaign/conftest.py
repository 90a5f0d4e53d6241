"""A problem so small that a simulation takes a tenth of a second, and stand-ins for the expensive parts."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from beadsmith.campaign.store import RunResult
from beadsmith.campaign.task import Task, question_of
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Failure, FailureKind, Observation
from beadsmith.problem.state import State
from beadsmith.simulate.engine import Engine

TINY = """
title: A tiny melt
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
    molecules: {dimer: 40}
    initial_density: 0.5 g/cm^3
    timestep: 5 fs
    time_limit: 10 min
    protocol:
      - {stage: push-off, steps: 50}
      - {stage: ladder, ensemble: nvt, temperatures: 300 K, hold: 300 steps, frames: 10}
  alone:
    kind: vacuum
    molecule: dimer
    replicas: 8
    timestep: 5 fs
    time_limit: 10 min
    protocol:
      - {stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps, damping: 0.1 ps, frames: 20}
observables:
  pressure: {kind: pressure, experiment: melt}
  length: {kind: end_to_end_distance, experiment: alone}
targets:
  pressure: {state: {T: 300 K}, value: 500 atm, uncertainty: 200 atm, source: invented}
  length: {state: {T: 300 K}, value: 3.6 angstrom, uncertainty: 0.1 angstrom, source: invented}
search: {method: tpe, evaluations: 6, remeasure: 2, candidates: 2}
compute: {local: {workers: 2}}
"""


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    """The tiny problem as a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(textwrap.dedent(TINY))
    return path


@pytest.fixture
def tiny(tiny_file: Path) -> Problem:
    """The tiny problem."""
    return load_problem(tiny_file)


@pytest.fixture
def no_engine() -> Engine:
    """For tests whose runner needs no LAMMPS."""
    return Engine("/nowhere/lmp", "none", "", None, frozenset())


def analytic(task: Task, engine: Engine) -> RunResult:
    """An honest stand-in for LAMMPS: a smooth answer from the coefficients in the input, stored like a real one."""
    text = task.simulation.files["in.lammps"]
    words = next(line for line in text.splitlines() if line.startswith("pair_coeff 1 1")).split()
    epsilon, sigma = float(words[3]), float(words[4])
    name, value = (
        ("pressure", 4000 * (sigma - 3.4) - 2000 * (epsilon - 0.3))
        if (task.simulation.experiment == "melt")
        else ("length", 3.5 + 0.5 * epsilon)
    )
    failure = Failure(FailureKind.LOST_ATOMS, task.simulation.experiment, "far out") if sigma > 3.9 else None
    observations = () if failure else (Observation(name, State.of(T=300), value, 1.0),)
    question = question_of(task.observables, task.simulation.experiment)
    result = RunResult(task.simulation.name, task.simulation.experiment, question, observations, failure, 1.0, 1.0)
    task.store.finish(task.store.attempt(task.simulation.name), result, ())
    return result


@pytest.fixture
def stand_in() -> Callable[[Task, Engine], RunResult]:
    """Runs a task without LAMMPS."""
    return analytic


class Deferred(Executor):
    """An executor that ends its tasks in an order of our choice."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self._choose = choose
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.started = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Keep the task; it runs when somebody asks for its result, or whether there is one."""
        executor = self

        class Lazy(Future[Any]):
            def done(self) -> bool:
                while not super().done():
                    executor.advance()
                return True

            def result(self, timeout: float | None = None) -> Any:
                self.done()
                return super().result(timeout)

        future = Lazy()
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        return future

    def advance(self) -> None:
        """Run one of the waiting tasks."""
        future, call = self._waiting.pop(self._choose(len(self._waiting)))
        self.started += 1
        future.set_result(call())


@pytest.fixture
def deferred() -> type[Deferred]:
    """Executors with an order of our choice."""
    return Deferred
