"""What the report reads, gathered once: the outcome, the models beside it, and which model counts as the result."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from beadsmith.campaign.calibration import Measured, Outcome, outcome_of
from beadsmith.campaign.finalists import Finalists, measured_finalists
from beadsmith.campaign.identify import Identified, identify_study
from beadsmith.campaign.study import Manifest, Study
from beadsmith.errors import ProblemError, StudyError
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_model
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.report.networks import GrownNetwork, stored_networks


@dataclass(frozen=True)
class Number:
    """A number and its standard error; infinite if that is not known."""

    value: float
    stderr: float


@dataclass(frozen=True)
class Subject:
    """A model as tables and figures show it.

    Attributes:
        label: what it is called.
        remark: how it was measured, such as ``3 repeats``.
        observations: what was measured.
        misfit: None if there is none.
        terms: parts of the misfit by name.
        point: its free parameters; empty if only a model file has them.
        result: whether it is what the search found, rather than something to compare with.
        place: its place among the models to compare with, which decides how figures draw it; None for those of the
            search.
    """

    label: str
    remark: str
    observations: tuple[Observation, ...]
    misfit: Number | None
    terms: Mapping[str, Number]
    point: Mapping[str, float]
    result: bool = False
    place: int | None = None


@dataclass(frozen=True)
class ComparedModel:
    """A model that the problem file names under ``compare``.

    Attributes:
        file: as the problem file names it.
        model: None if it cannot be read; then ``complaint`` says why.
        complaint: empty if all is well.
    """

    label: str
    file: str
    model: Model | None
    complaint: str = ""


@dataclass(frozen=True)
class Repeat:
    """Another study of the same search with another seed.

    Attributes:
        name: of its folder.
        same_problem: whether it was made from the same problem, at the same fidelity, with the same method.
    """

    name: str
    manifest: Manifest | None
    outcome: Outcome
    same_problem: bool


@dataclass(frozen=True)
class Findings:
    """Everything that a report shows.

    Attributes:
        name: of the study's folder.
        manifest: None if nothing was ever searched there.
        compared: in the order of the problem file.
        repeats: other studies of the same search.
        finalists: models that were measured at other fidelities.
        identified: what the targets tell about the parameters; None if the study has no derivatives.
        networks: that the result was measured on.
    """

    problem: Problem
    name: str
    manifest: Manifest | None
    outcome: Outcome
    compared: tuple[ComparedModel, ...]
    repeats: tuple[Repeat, ...] = ()
    finalists: tuple[Finalists, ...] = ()
    identified: Identified | None = None
    networks: tuple[GrownNetwork, ...] = ()

    @property
    def failed(self) -> int:
        """How many evaluations of the search failed."""
        return sum(evaluation.failed for evaluation in self.outcome.evaluations)

    @property
    def simulations(self) -> int:
        """How many different simulations everything stands on."""
        replicas = [replica for model in self.outcome.measured for replica in model.replicas]
        return len({run for evaluation in (*self.outcome.evaluations, *replicas) for run in evaluation.runs})


def gather(problem: Problem, study: Study, others: Sequence[Study] = ()) -> Findings:
    """Read a study, the models it is compared with, and its repeats.

    Raises:
        StudyError: a manifest cannot be read.
    """
    manifest, outcome = study.manifest(), outcome_of(study, problem)
    return Findings(
        problem=problem,
        name=study.folder.resolve().name,
        manifest=manifest,
        outcome=outcome,
        compared=tuple(_compared(problem, label, file) for label, file in problem.file.compare.items()),
        repeats=tuple(_repeat(other, problem, manifest) for other in others),
        finalists=measured_finalists(study, problem),
        identified=_identified(problem, study),
        networks=() if manifest is None else _networks(problem, study, manifest, outcome),
    )


def subjects(problem: Problem, outcome: Outcome) -> tuple[Subject, ...]:
    """Models of the tables: those to compare with in the order of the problem file, then the result so far."""
    measured = {one.label: one for one in outcome.measured if one.number is None}
    order = [*problem.file.compare, *(label for label in measured if label not in problem.file.compare)]
    shown = [
        replace(measured_subject(measured[label], label), place=place)
        for place, label in enumerate(order)
        if label in measured
    ]
    result = result_of(outcome)
    return (*shown, result) if result is not None else tuple(shown)


def result_of(outcome: Outcome) -> Subject | None:
    """The calibrated model; before anything was re-measured, the best evaluation so far; None without any."""
    if outcome.best is not None:
        return measured_subject(outcome.best, "Calibrated", result=True)
    if outcome.incumbent is not None:
        return _of_evaluation(outcome.incumbent, "Best so far", result=True)
    return None


def start_of(outcome: Outcome) -> Subject | None:
    """Where the search began: its first evaluation that did not fail."""
    first = next((evaluation for evaluation in outcome.evaluations if not evaluation.failed), None)
    return None if first is None else _of_evaluation(first, f"Start (evaluation {first.number})")


def measured_subject(measured: Measured, label: str, result: bool = False) -> Subject:
    """A model that was measured, under the name it shall have."""
    good, total = len(well(measured)), len(measured.replicas)
    repeats = f"{total} repeat{'' if total == 1 else 's'}"
    where = f"evaluation {measured.number}, " if measured.number is not None else ""
    return Subject(
        label=label,
        remark=where + (repeats if good == total else f"{good} of {repeats} succeeded"),
        observations=measured.observations,
        misfit=None if measured.misfit is None else Number(measured.misfit, measured.stderr),
        terms=_mean_terms(well(measured)),
        point=measured.point,
        result=result,
    )


def well(measured: Measured) -> list[Evaluation]:
    """Replicas that did not fail."""
    return [replica for replica in measured.replicas if not replica.failed]


def _of_evaluation(evaluation: Evaluation, label: str, result: bool = False) -> Subject:
    unknown = float("inf")
    return Subject(
        label=label,
        remark=f"evaluation {evaluation.number}, measured once",
        observations=tuple(evaluation.observations),
        misfit=None if evaluation.misfit is None else Number(evaluation.misfit, unknown),
        terms={name: Number(value, unknown) for name, value in evaluation.terms.items()},
        point=evaluation.point,
        result=result,
    )


def _mean_terms(replicas: Sequence[Evaluation]) -> dict[str, Number]:
    judged = [replica.terms for replica in replicas if replica.misfit is not None]
    names = list(judged[0]) if judged else []
    return {name: _mean([terms[name] for terms in judged if name in terms]) for name in names}


def _mean(values: Sequence[float]) -> Number:
    if len(values) < 2:
        return Number(values[0], float("inf"))
    return Number(statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5)


def _compared(problem: Problem, label: str, file: str) -> ComparedModel:
    try:
        return ComparedModel(label, file, load_model(problem.file_named(file), problem))
    except (ProblemError, OSError) as error:
        # Reports are passed on: the file as the problem names it, not where it lies on this machine.
        return ComparedModel(label, file, None, str(error).replace(str(problem.file_named(file)), file))


def _identified(problem: Problem, study: Study) -> Identified | None:
    """From derivatives on record alone: a report must not take long."""
    try:
        return identify_study(problem, study, frames=False)
    except StudyError:
        return None


def _networks(problem: Problem, study: Study, manifest: Manifest, outcome: Outcome) -> tuple[GrownNetwork, ...]:
    """Those that all models share, or the result's own."""
    evaluation = outcome.best.replicas[0] if outcome.best is not None else outcome.incumbent
    model = None if evaluation is None else constant_model("", problem.parameters, evaluation.point)
    return stored_networks(problem, study.folder, model, 0 if evaluation is None else evaluation.seed, manifest.engine)


def _repeat(study: Study, problem: Problem, manifest: Manifest | None) -> Repeat:
    own = study.manifest()
    same = own is not None and manifest is not None and _search_of(own) == _search_of(manifest)
    return Repeat(study.folder.resolve().name, own, outcome_of(study, problem), same)


def _search_of(manifest: Manifest) -> tuple[str, str, str]:
    return manifest.problem, manifest.fidelity, manifest.method
