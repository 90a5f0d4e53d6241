"""What the frames of a study say about models that were not simulated: for whoever asks, and for steps of a search.

**Determinism.**  For a search, only the evaluations count that it has been told of, in their order, whatever else is in
the store: a study that is replayed gets the same proposals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from beadsmith.calibrate.misfit import Forms, make_forms
from beadsmith.calibrate.response import Response, response_of
from beadsmith.campaign.study import Study, digest_of
from beadsmith.campaign.task import gradient_records
from beadsmith.errors import EstimateError, StudyError
from beadsmith.observe.reweighting import FEWEST_BLOCKS, Archive, Prediction
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.problem.records import Evaluation
from beadsmith.problem.schema import Network
from beadsmith.problem.spread import corrected

#: Frames of a recording that inner steps look at.
FRAMES_OF_STEPS = 20


class Foresight:
    """Predicts models from the frames of the evaluations it knows."""

    def __init__(self, problem: Problem, study: Study, most_frames: int | None = None) -> None:
        """Begin without knowledge.

        Args:
            study: whose simulations are read.
            most_frames: of each recording that are looked at; all with None.
        """
        self._problem = problem
        self._study = study
        self._archives = {name: Archive(problem, name, most_frames) for name in _worth_looking_at(problem)}
        self._unread: list[Evaluation] = []

    def know(self, evaluation: Evaluation) -> None:
        """Take the frames of an evaluation of the study into account from now on, unless it has no misfit."""
        if evaluation.misfit is not None:
            self._unread.append(evaluation)

    def predict(self, model: Model) -> tuple[Prediction, ...]:
        """The targets' experiments, as far as the frames of what is known tell them; without the protocol's bias.

        Raises:
            ProblemError: the model needs a state variable that an experiment does not fix.
        """
        self._read()
        return tuple(self._corrected(one) for name in self._archives for one in self._of(name, model))

    def foresee(self, point: Mapping[str, float]) -> Response | None:
        """The response at a point (:data:`beadsmith.search.contract.Foresee`)."""
        found = self.predict(constant_model("foreseen", self._problem.parameters, point))
        observations = [one.observation for one in found if one.observation is not None]
        if not observations:
            return None
        gradients = gradient_records([one.gradient for one in found if one.gradient is not None])
        names = [parameter.name for parameter in self._problem.parameters.free]
        return response_of(observations, gradients, self._problem.targets, names, self._forms)

    @cached_property
    def _forms(self) -> Forms | None:
        problem = self._problem
        return make_forms(problem.file.misfit, problem.targets, problem.observables)

    def _of(self, experiment: str, model: Model) -> tuple[Prediction, ...]:
        try:
            return self._archives[experiment].predict(model)
        except EstimateError:
            # Nothing is foreseen, and what was simulated is all there is to go by.
            return ()

    def _corrected(self, prediction: Prediction) -> Prediction:
        if prediction.observation is None:
            return prediction
        (observation,) = corrected([prediction.observation], self._problem.spreads)
        return replace(prediction, observation=observation)

    def _read(self) -> None:
        """Look at the frames of what has become known."""
        while self._unread:
            self.add(self._unread.pop(0))

    def add(self, evaluation: Evaluation) -> None:
        """Take the frames of an evaluation, or of another measurement with a point, into account."""
        model = constant_model(f"evaluation {evaluation.number}", self._problem.parameters, evaluation.point)
        for name, recordings in self._recordings(evaluation.runs).items():
            try:
                self._archives[name].add(model, recordings)
            except EstimateError:
                # Such frames have no gradients either, and the evaluation failed for it or does without.
                continue

    def _recordings(self, runs: Sequence[str]) -> dict[str, list[Recording]]:
        """What simulations that went well recorded, by experiment."""
        found: dict[str, list[Recording]] = {}
        for run in runs:
            result = self._study.store.result(run)
            if result is not None and result.failure is None and result.experiment in self._archives:
                found.setdefault(result.experiment, []).extend(self._study.store.recordings(run))
        return found


def predicted(problem: Problem, study: Study, model: Model) -> tuple[Prediction, ...]:
    """What all frames of a study, re-measurements among them, say about a model.

    Raises:
        StudyError: no study, or one of another problem.
        EstimateError: its frames say nothing about this model.
        ProblemError: the model needs a state variable that an experiment does not fix.
    """
    manifest = study.manifest()
    if manifest is None:
        raise StudyError(f"{study.folder}: holds no study; give the folder that 'beadsmith run' was given as --study")
    if (manifest.problem, manifest.fidelity) != (digest_of(problem), problem.fidelity):
        raise StudyError(
            f"{study.folder}: holds a study of another version of the problem file, or at another fidelity than "
            f"{problem.fidelity!r}; give its own problem file, {study.folder / 'problem.yaml'}, "
            f"and --fidelity {manifest.fidelity}"
        )
    if not _worth_looking_at(problem):
        raise EstimateError(
            f"{problem.path}: no target is measured in an experiment whose frames can be reweighted; those of networks "
            "cannot, because each network has its own bonds: simulate the model instead, with beadsmith evaluate"
        )
    foresight = Foresight(problem, study)
    for row in (*study.rows("evaluations"), *study.rows("measurements")):
        if not row.failed and row.point:
            foresight.add(row)
    found = foresight.predict(model)
    if not any(one.observation for one in found):
        most = max((one.blocks for one in found), default=1.0)
        raise EstimateError(
            f"{study.folder}: its frames say nothing about {model.title!r}: at most {most:.2g} independent samples are "
            f"left of them, and it takes {FEWEST_BLOCKS:g}; simulate the model instead: beadsmith evaluate"
        )
    return found


def _worth_looking_at(problem: Problem) -> list[str]:
    """Experiments with a target; frames of others would be read in vain, and networks have each their own bonds."""
    observed = {target.observable for target in problem.targets}
    experiments = {getattr(problem.observables[name], "experiment", None) for name in observed}
    return [
        name
        for name, experiment in problem.experiments.items()
        if name in experiments and not isinstance(experiment, Network)
    ]
