"""A whole calibration: search, then the best models measured again with fresh seeds beside those to compare with.

The best value that a search saw flatters: it is the luckiest of many noisy ones.  So the result is the candidate that
measures best afterwards, and its misfit is that of the new measurements.
"""

from __future__ import annotations

import importlib.metadata
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from beadsmith.campaign.driver import measure, search_models, seed_of
from beadsmith.campaign.foresight import FRAMES_OF_STEPS, Foresight
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.replicas import pooled_with_derived
from beadsmith.campaign.start import Start, digest_of_starts
from beadsmith.campaign.study import Finished, Manifest, Study, digest_of
from beadsmith.problem.document import write_document
from beadsmith.problem.model import Model, constant_model, document_from_model
from beadsmith.problem.problem import Problem, load_model
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.problem.schema import Observable
from beadsmith.search import STEPPING_METHODS, make_search

_REMEASURED = "re-measured"

#: Libraries whose versions go on record, always and with a method that uses them.
_LIBRARIES = ("numpy", "scipy", "pymbar", "optuna")
_GAUSSIAN_PROCESSES = ("botorch", "torch")
_LIBRARIES_OF_METHOD = {
    "cma-es": ("cmaes",),
    **dict.fromkeys(("grey-box", "combined", "optuna-gp"), _GAUSSIAN_PROCESSES),
}


@dataclass(frozen=True)
class Plan:
    """How a calibration runs.

    Attributes:
        method, evaluations, seed, remeasure, candidates: see the ``search`` section of the problem file.
        workers: how many simulations run at once; decides how many evaluations are open in a new study.
        time: wall-clock seconds after which nothing new is proposed; None for no limit.
        start: models to evaluate first.
    """

    method: str
    evaluations: int
    seed: int
    workers: int
    remeasure: int
    candidates: int
    time: float | None = None
    start: tuple[Start, ...] = ()


@dataclass(frozen=True)
class Step:
    """Progress: one more evaluation is known.

    Attributes:
        phase: the search, the measurements after it, or those of finalists.
        done, total: within the phase.
        known: whether it came from disk.
    """

    phase: Literal["search", "measure", "finalists"]
    evaluation: Evaluation
    done: int
    total: int
    known: bool


@dataclass(frozen=True)
class Measured:
    """A model as measured beside the search.

    Attributes:
        label: what it is.
        point: its free parameters; empty for a model from a file.
        replicas: one evaluation per seed.
        observations: pooled over replicas that did not fail; what is derived from others follows from the pooled ones.
        misfit, stderr: mean over replicas; None if all failed, or there are no targets.
    """

    label: str
    point: Mapping[str, float]
    replicas: tuple[Evaluation, ...]
    observations: tuple[Observation, ...]
    misfit: float | None
    stderr: float

    @property
    def number(self) -> int | None:
        """Which evaluation of the search this re-measures; None for a model to compare with."""
        head, _, number = self.label.rpartition(" ")
        return int(number) if head == _REMEASURED else None


@dataclass(frozen=True)
class Outcome:
    """Where a study stands.

    Attributes:
        evaluations: of the search, in order.
        measured: models measured beside it, candidates first.
        best: the re-measured candidate with the smallest misfit; None before any was re-measured.
        incumbent: the evaluation with the smallest misfit so far; None if there is none.
    """

    evaluations: tuple[Evaluation, ...]
    measured: tuple[Measured, ...]
    best: Measured | None
    incumbent: Evaluation | None

    @property
    def core_seconds(self) -> float:
        """Processor time of these simulations."""
        replicas = [replica for model in self.measured for replica in model.replicas]
        return sum(evaluation.core_seconds for evaluation in (*self.evaluations, *replicas))


def calibrate(laboratory: Laboratory, study: Study, plan: Plan) -> Iterator[Step]:
    """Run, or go on with, a calibration; every step is on disk when it is yielded.

    Raises:
        StudyError: the folder holds another study.
        ProblemError: a model to compare with is wrong.
    """
    problem = laboratory.problem
    in_flight = open_at_once(plan.method, plan.workers, len(problem.experiments))
    manifest = study.open_for(_manifest(problem, plan, in_flight, laboratory.engine.version), problem)
    compared: list[tuple[str, Model, Mapping[str, float]]] = [
        (label, load_model(problem.file_named(name), problem), {}) for label, name in problem.file.compare.items()
    ]
    start = [one.point for one in plan.start]
    prior = problem.file.search.prior
    foresight = Foresight(problem, study, FRAMES_OF_STEPS) if problem.file.search.reweighting else None
    foresee, know = (None, None) if foresight is None else (foresight.foresee, foresight.know)
    search = make_search(manifest.method, problem.parameters.free, manifest.seed, start, prior, foresee)
    known = len(study.rows("evaluations"))
    deadline = None if plan.time is None else time.monotonic() + plan.time
    searching = replace(laboratory, gradients=search.wants_gradients)
    steps = search_models(searching, search, study, manifest.seed, plan.evaluations, manifest.in_flight, deadline, know)
    for evaluation in steps:
        if evaluation.number >= known:
            study.finish(None)
        yield Step("search", evaluation, evaluation.number + 1, plan.evaluations, evaluation.number < known)
    spent = len(study.rows("evaluations"))
    late = deadline is not None and time.monotonic() > deadline
    out_of_time = late and spent < plan.evaluations and not search.finished
    yield from _measure_best(laboratory, study, plan, manifest.seed, compared)
    best = outcome_of(study, problem).best
    if best is not None:
        model = calibrated_model(problem, best, manifest)
        write_document(study.best_model, document_from_model(model, problem.parameters))
    study.finish(Finished(spent, plan.remeasure, out_of_time))


def open_at_once(method: str, workers: int, experiments: int) -> int:
    """How many evaluations a search has open.

    As many as the workers need; and one more, so that none waits while the longest simulation of an evaluation ends.
    Gradient steps go without that one: each begins where the last one led, and a step that was proposed before that was
    known is half wasted, which costs more than an idle worker.

    Args:
        method: of the search.
        workers: simulations at once.
        experiments: of the problem, each of which is a simulation of its own.
    """
    needed = math.ceil(workers / experiments)
    return needed if method in STEPPING_METHODS else needed + 1


def outcome_of(study: Study, problem: Problem) -> Outcome:
    """Where a study stands, from its tables alone.

    Args:
        problem: says which observables follow from others; at the fidelity of the study.
    """
    evaluations = tuple(study.rows("evaluations"))
    measured = measured_models(study.rows("measurements"), problem.observables)
    candidates = [one for one in measured if one.number is not None and one.misfit is not None]
    judged = [evaluation for evaluation in evaluations if evaluation.misfit is not None]
    return Outcome(
        evaluations=evaluations,
        measured=measured,
        best=min(candidates, key=_misfit_of, default=None),
        incumbent=min(judged, key=lambda evaluation: evaluation.misfit or 0.0, default=None),
    )


def measured_models(rows: Sequence[Evaluation], observables: Mapping[str, Observable]) -> tuple[Measured, ...]:
    """Models that were measured beside the search, from the rows of a table."""
    replicas: dict[str, list[Evaluation]] = {}
    for row in sorted(rows, key=lambda row: row.number):
        replicas.setdefault(row.label, []).append(row)
    return tuple(measured_as(label, own, observables) for label, own in replicas.items())


def calibrated_model(problem: Problem, best: Measured, manifest: Manifest) -> Model:
    """The result as a model, with where it came from."""
    temperatures = [target.state["T"] for target in problem.targets if "T" in target.state]
    return constant_model(
        f"{problem.file.title}: calibrated",
        problem.parameters,
        best.point,
        citations=problem.file.citations,
        holds_for={"T": (min(temperatures), max(temperatures))} if temperatures else {},
        provenance={
            "evaluation": best.number,
            "misfit": best.misfit,
            "misfit_stderr": best.stderr,
            "replicas": len(best.replicas),
            "fidelity": manifest.fidelity,
            "search": manifest.method,
            "seed": manifest.seed,
            "beadsmith": manifest.beadsmith,
            "lammps": manifest.engine,
        },
    )


def _measure_best(
    laboratory: Laboratory,
    study: Study,
    plan: Plan,
    seed: int,
    compared: Sequence[tuple[str, Model, Mapping[str, float]]],
) -> Iterator[Step]:
    space = laboratory.problem.parameters
    ranked = sorted(
        (evaluation for evaluation in study.rows("evaluations") if evaluation.misfit is not None),
        key=lambda evaluation: evaluation.misfit or 0.0,
    )
    candidates = [
        (f"{_REMEASURED} {one.number}", constant_model("", space, one.point), one.point)
        for one in ranked[: plan.candidates]
    ]
    seeds = [seed_of(seed, 1, replica) for replica in range(plan.remeasure)]
    models = [*candidates, *compared]
    study.clear("measurements")
    for done, evaluation in enumerate(measure(laboratory, study, models, seeds), start=1):
        yield Step("measure", evaluation, done, len(models) * len(seeds), known=False)


def _manifest(problem: Problem, plan: Plan, in_flight: int, engine: str) -> Manifest:
    return Manifest(
        title=problem.file.title,
        problem=digest_of(problem),
        problem_file=problem.path.name,
        problem_folder=str(problem.path.absolute().parent),
        fidelity=problem.fidelity,
        method=plan.method,
        seed=plan.seed,
        in_flight=in_flight,
        engine=engine,
        start=digest_of_starts(plan.start),
        start_files=[start.file for start in plan.start],
        libraries=_versions((*_LIBRARIES, *_LIBRARIES_OF_METHOD.get(plan.method, ()))),
    )


def _versions(libraries: Sequence[str]) -> dict[str, str]:
    """Versions of those that are installed."""
    installed = {}
    for library in libraries:
        with suppress(importlib.metadata.PackageNotFoundError):
            installed[library] = importlib.metadata.version(library)
    return installed


def measured_as(label: str, replicas: Sequence[Evaluation], observables: Mapping[str, Observable]) -> Measured:
    """Pool the replicas of one model."""
    well = [replica for replica in replicas if not replica.failed]
    misfits = np.array([replica.misfit for replica in well if replica.misfit is not None])
    return Measured(
        label=label,
        point=replicas[0].point,
        replicas=tuple(replicas),
        observations=pooled_with_derived([replica.observations for replica in well], observables),
        misfit=float(misfits.mean()) if len(misfits) else None,
        stderr=float(misfits.std(ddof=1) / math.sqrt(len(misfits))) if len(misfits) > 1 else math.inf,
    )


def _misfit_of(measured: Measured) -> float:
    return math.inf if measured.misfit is None else measured.misfit
