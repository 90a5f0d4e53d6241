"""All that is needed to have models simulated: a problem, workers, an engine, and a study to keep the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from beadsmith.calibrate.misfit import MisfitValue, make_misfit
from beadsmith.campaign.pool import open_pool
from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import Task, run_task
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation
from beadsmith.simulate.engine import Engine, find_engine

#: Runs a task on an engine; :func:`beadsmith.campaign.task.run_task`, or a stand-in for it in tests.
Runner = Callable[[Task, Engine], RunResult]


@dataclass(frozen=True)
class Laboratory:
    """What is needed to have a model simulated.

    Attributes:
        problem: what to simulate and measure.
        store: finished simulations.
        lease: file that exists as long as answers are wanted.
        executor: where tasks run.
        engine: LAMMPS.
        runner: what a worker does with a task.
        keep_frames: whether positions are kept.
        judge: whether misfits are wanted; they mean nothing at states other than the targets'.
        gradients: whether derivatives of the observables are wanted.
    """

    problem: Problem
    store: RunStore
    lease: Path
    executor: Executor
    engine: Engine
    runner: Runner = run_task
    keep_frames: bool = True
    judge: bool = True
    gradients: bool = False

    @cached_property
    def misfit(self) -> Callable[[Sequence[Observation]], MisfitValue] | None:
        """The problem's misfit; None if it has no targets, or is not wanted."""
        if not self.problem.targets or not self.judge:
            return None
        return make_misfit(self.problem.file.misfit, self.problem.targets, self.problem.observables)


@contextmanager
def open_laboratory(problem: Problem, study: Study, *, judge: bool = True) -> Iterator[Laboratory]:
    """Find LAMMPS, become the study's only driver, start workers; all simulations have ended when the block has.

    Raises:
        EngineNotFound: no LAMMPS.
        StudyError: another driver is at work on the study.
    """
    engine = find_engine(problem.file.compute.lammps)
    processors = max(experiment.processors for experiment in problem.experiments.values())
    # The lease ends first: workers see it and stop their simulations before the pool waits for them.
    with study.driven(), open_pool(problem.file.compute, processors) as pool, study.lease() as lease:
        yield Laboratory(problem, study.store, lease, pool.executor, engine, judge=judge)
