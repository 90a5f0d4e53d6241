"""Derivatives that a study has: on record, or taken from stored frames.  Nothing is simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.identifiability import Sample
from beadsmith.campaign.calibration import Outcome
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import gradient_records, question_of
from beadsmith.errors import EstimateError
from beadsmith.observe.response import observable_gradients
from beadsmith.problem.mechanics import tension_of
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Gradient
from beadsmith.problem.schema import Network

Array = NDArray[np.float64]

#: Models with derivatives are used up to this number, the nearest to the point first.
MOST_RECORDED = 24
#: Of these, so many may be models that the search wanted no derivatives of; to take them from frames takes a second.
MOST_LOOKED_AT = 8


@dataclass(frozen=True)
class Derivatives:
    """What was found.

    Attributes:
        samples: models with derivatives, the nearest to the point first.
        reasons: why an observable has none in the frames of a model, by observable.
    """

    samples: tuple[Sample, ...]
    reasons: Mapping[str, str]


def derivatives_near(
    problem: Problem,
    study: Study,
    outcome: Outcome,
    point: Mapping[str, float],
    wanted: Sequence[str],
    *,
    frames: bool,
) -> Derivatives:
    """Derivatives of the models of a study that are nearest to a point; re-measured ones count as models of their own.

    Args:
        outcome: of the study.
        point: free parameters, in their units.
        wanted: observables measured in simulations, by name, in the order that the answer shall have.
        frames: whether stored frames are looked at where a wanted derivative is not on record.
    """
    replicas = [one for model in outcome.measured if model.number is not None for one in model.replicas]
    usable = [one for one in (*replicas, *outcome.evaluations) if not one.failed and one.point]
    units = [unit_coordinates(problem, one.point) for one in usable]
    distances = [float(np.linalg.norm(unit - unit_coordinates(problem, point))) for unit in units]
    samples: list[Sample] = []
    reasons: dict[str, str] = {}
    looked_at = 0
    for place in np.argsort(distances, kind="stable"):
        gradients = _measured(problem, usable[place].gradients)
        if _lacking(wanted, gradients) and looked_at < MOST_LOOKED_AT:
            looked_at += 1
            gradients = gradients or _stored(problem, study, usable[place])
            if frames:
                gradients = _with_frames(problem, study, usable[place], gradients, _lacking(wanted, gradients), reasons)
        asked = [gradient for name in wanted for gradient in gradients if gradient.observable == name]
        if asked:
            samples.append(Sample(units[place], asked))
        if len(samples) == MOST_RECORDED:
            break
    return Derivatives(tuple(samples), reasons)


def unit_coordinates(problem: Problem, point: Mapping[str, float]) -> Array:
    """0 to 1 over the range of each free parameter, shape (parameters,)."""
    free = problem.parameters.free
    return np.array([(point[parameter.name] - parameter.low) / (parameter.high - parameter.low) for parameter in free])


def is_measured(problem: Problem, observable: str) -> bool:
    """Whether an observable is measured in a simulation, rather than derived from others."""
    return hasattr(problem.observables.get(observable), "experiment")


def _measured(problem: Problem, gradients: Sequence[Gradient]) -> tuple[Gradient, ...]:
    """Derivatives of what is measured; what is derived follows from the mean of these."""
    return tuple(gradient for gradient in gradients if is_measured(problem, gradient.observable))


def _stored(problem: Problem, study: Study, evaluation: Evaluation) -> tuple[Gradient, ...]:
    """Derivatives on record with the simulations, from an earlier look at their frames."""
    runs = _last_runs(problem, study, evaluation).values()
    return _measured(problem, [gradient for run in runs for gradient in run.gradients or ()])


def _lacking(wanted: Sequence[str], gradients: Sequence[Gradient]) -> list[str]:
    found = {gradient.observable for gradient in gradients}
    return [name for name in wanted if name not in found]


def _with_frames(
    problem: Problem,
    study: Study,
    evaluation: Evaluation,
    recorded: Sequence[Gradient],
    lacking: Sequence[str],
    reasons: dict[str, str],
) -> tuple[Gradient, ...]:
    """The recorded derivatives and those of the lacking observables; why there are none goes to ``reasons``."""
    found = list(recorded)
    for name in lacking:
        if getattr(problem.observables[name], "experiment", "") not in _whole(problem):
            reasons.setdefault(name, "frames of networks, and of what is pulled, are only looked at in a search")
    for experiment, run in _last_runs(problem, study, evaluation).items():
        asked = [name for name in lacking if getattr(problem.observables[name], "experiment", "") == experiment]
        if asked:
            looked_up = _from_frames(problem, study, evaluation, run, asked, reasons)
            found += [gradient for gradient in looked_up if gradient.observable in asked]
    return tuple(found)


def _from_frames(
    problem: Problem,
    study: Study,
    evaluation: Evaluation,
    run: RunResult,
    asked: Sequence[str],
    reasons: dict[str, str],
) -> tuple[Gradient, ...]:
    recordings = study.store.recordings(run.name)
    model = constant_model("", problem.parameters, evaluation.point)

    def gradients_of(question: Problem) -> tuple[Gradient, ...]:
        return gradient_records(observable_gradients(recordings, question, model, run.experiment))

    try:
        found = gradients_of(problem)
    except EstimateError:
        found = ()
        for name in asked:  # one that cannot be had must not cost the others
            try:
                found += gradients_of(_asking(problem, name))
            except EstimateError as error:
                reasons.setdefault(name, str(error))
        return found
    _put_on_record(problem, study, evaluation, run, found)
    return found


def _put_on_record(
    problem: Problem, study: Study, evaluation: Evaluation, run: RunResult, gradients: tuple[Gradient, ...]
) -> None:
    """So that the report sees them too; only where the record answers the same question, and for this run alone."""
    same = run.question == question_of(problem.observables, run.experiment)
    if same and run.gradients is None and len(evaluation.runs) == len(_last_runs(problem, study, evaluation)):
        study.store.answer(replace(run, gradients=gradients))


def _asking(problem: Problem, name: str) -> Problem:
    """The problem with this observable only."""
    observables = {name: problem.observables[name]}
    return replace(problem, file=problem.file.model_copy(update={"observables": observables}))


def _last_runs(problem: Problem, study: Study, evaluation: Evaluation) -> dict[str, RunResult]:
    """The last stored run of each experiment: of several that continue each other it has seen the most."""
    results = [study.store.result(name) for name in evaluation.runs]
    whole = _whole(problem)
    return {result.experiment: result for result in results if result is not None and result.experiment in whole}


def _whole(problem: Problem) -> list[str]:
    """Experiments whose runs continue each other: not those of many networks, nor those that end with pulls."""
    return [
        name
        for name, experiment in problem.experiments.items()
        if not isinstance(experiment, Network) and tension_of(experiment) is None
    ]
