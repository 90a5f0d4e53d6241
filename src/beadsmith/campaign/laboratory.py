"""All that is needed to have models simulated: a problem, workers, an engine, and a study to keep the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from beadsmith.calibrate.misfit import Forms, MisfitValue, make_forms, make_misfit
from beadsmith.campaign.curing import CURES, SHARED_SEED, CureTask, cure_task, model_of_cure, network_of
from beadsmith.campaign.pool import open_pool
from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import Task, run_task
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import Network
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

    @cached_property
    def forms(self) -> Forms | None:
        """What the misfit squares (:func:`~beadsmith.calibrate.misfit.make_forms`), for a problem with targets."""
        return make_forms(self.problem.file.misfit, self.problem.targets, self.problem.observables)

    @cached_property
    def shared_cures(self) -> dict[str, list[CureTask]]:
        """Cures of networks that do not depend on the model that is evaluated, by experiment.

        Raises:
            ProblemError: a model to cure with that cannot be read.
        """
        found = {}
        for name, experiment in self.problem.experiments.items():
            if isinstance(experiment, Network) and (model := model_of_cure(self.problem, name)) is not None:
                found[name] = self.cures(name, model, SHARED_SEED)
        return found

    def cures(self, experiment: str, model: Model, seed: int) -> list[CureTask]:
        """Cures of all networks of an experiment with a model.

        Raises:
            ProblemError: the model needs a state variable that the experiment does not fix.
        """
        network = network_of(self.problem, experiment)
        folder, version = self.store.root.parent / CURES, self.engine.version
        return [
            cure_task(self.problem, experiment, model, sample, seed, version, folder, self.lease)
            for sample in range(network.networks)
        ]


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
