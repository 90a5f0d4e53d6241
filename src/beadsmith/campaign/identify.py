"""Identifiability of a study: which derivatives there are, and what is asked of them.

Derivatives come from the evaluations of a search that wanted them; where there are none, or a new observable is asked
for, from the stored frames of the models nearest to the best one (:mod:`beadsmith.campaign.derivatives`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.identifiability import Goal, Identifiability, Jacobian, identify, pooled
from beadsmith.campaign.calibration import Outcome, outcome_of
from beadsmith.campaign.derivatives import Derivatives, derivatives_near, is_measured, unit_coordinates
from beadsmith.campaign.study import Manifest, Study, digest_of
from beadsmith.errors import ProblemError, StudyError
from beadsmith.observe.derived import derive_gradients
from beadsmith.observe.response import DIFFERENTIABLE
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Evaluation, Gradient, Observation
from beadsmith.problem.state import State, same_state
from beadsmith.problem.targets import resolve_considered
from beadsmith.simulate.plan import plan_simulations

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """The model about which a study is looked at.

    Attributes:
        label: such as ``evaluation 9, re-measured``.
        point: its free parameters.
        observations: what it measured.
    """

    label: str
    point: Mapping[str, float]
    observations: Sequence[Observation]


@dataclass(frozen=True)
class Identified:
    """What a study knows of its parameters.

    Attributes:
        answer: the analysis.
        subject: the model about which derivatives are taken.
        models: how many models' derivatives were used.
        left_out: targets, and what was considered, that do not count, each with the reason, as sentences.
        complaints: considered observables that cannot be looked at, by name, with the reason.
    """

    answer: Identifiability
    subject: Subject
    models: int
    left_out: tuple[str, ...]
    complaints: Mapping[str, ProblemError]


def identify_study(problem: Problem, study: Study, prior: float | None = None, *, frames: bool = True) -> Identified:
    """What the targets of a study say about its parameters, near its best model.

    Args:
        prior: standard deviation of each parameter as a part of its range; that of the search if None.
        frames: whether stored frames are looked at where derivatives are not on record.

    Raises:
        StudyError: no study, none for this problem, nothing that succeeded, or no derivatives to be had.
    """
    manifest, outcome = _checked(problem, study)
    subject = subject_of(outcome)
    if subject is None:
        raise StudyError(f"{study.folder}: no model was measured with success yet; go on with: beadsmith run")
    found = derivatives_near(problem, study, outcome, subject.point, _wanted(problem), frames=frames)
    if not found.samples:
        raise StudyError(f"{study.folder}: {_nothing(problem, found, frames=frames)}")
    jacobian = pooled(found.samples, unit_coordinates(problem, subject.point), problem.parameters.free)
    chains = _Chains(problem, subject, jacobian, found.reasons)
    targets, left_out = _targets(problem, chains)
    if not targets:
        raise StudyError(f"{study.folder}: no target has derivatives: {'; '.join(left_out)}")
    considered, undetermined, complaints = _considered(problem, chains)
    answer = identify(
        jacobian,
        targets,
        considered,
        [parameter.name for parameter in problem.parameters.free],
        problem.file.search.prior if prior is None else prior,
        np.random.default_rng(manifest.seed),
    )
    return Identified(answer, subject, len(found.samples), (*left_out, *undetermined), complaints)


def subject_of(outcome: Outcome) -> Subject | None:
    """The calibrated model; before anything was re-measured, the best evaluation; None if all failed."""
    best, incumbent = outcome.best, outcome.incumbent
    if best is not None:
        return Subject(f"evaluation {best.number}, re-measured", best.point, best.observations)
    if incumbent is not None:
        return Subject(f"evaluation {incumbent.number}", incumbent.point, incumbent.observations)
    return None


def _checked(problem: Problem, study: Study) -> tuple[Manifest, Outcome]:
    manifest = study.manifest()
    if manifest is None:
        raise StudyError(f"{study.folder}: holds no study; give the folder that 'beadsmith run' was given as --study")
    if manifest.fidelity != problem.fidelity:
        raise StudyError(
            f"{study.folder}: holds a study with fidelity {manifest.fidelity!r}, not {problem.fidelity!r}; "
            f"give --fidelity {manifest.fidelity}, or name another folder with --study"
        )
    outcome = outcome_of(study, problem)
    if manifest.problem != digest_of(problem):
        _check_simulations(problem, study, manifest, outcome)
    return manifest, outcome


def _check_simulations(problem: Problem, study: Study, manifest: Manifest, outcome: Outcome) -> None:
    """Targets and ranges of a problem file may change; what is simulated may not, or derivatives would not belong."""
    measured = [one for one in outcome.evaluations if not one.failed]
    names = {parameter.name for parameter in problem.parameters.free}
    if any(set(one.point) != names for one in measured):
        raise StudyError(
            f"{study.folder}: its free parameters are not those of {problem.path}; name another folder with --study"
        )
    if not _simulates_the_same(problem, study, manifest, measured):
        raise StudyError(
            f"{study.folder}: its simulations are not those that {problem.path} asks for now; "
            "name another folder with --study, or give the problem file that it was made with"
        )


def _simulates_the_same(problem: Problem, study: Study, manifest: Manifest, measured: Sequence[Evaluation]) -> bool:
    try:
        old = load_problem(study.folder / "problem.yaml", manifest.fidelity)
    except ProblemError:
        # Its scripts are not beside the copy: are the simulations that would be made now those that were made?
        return all(
            simulation.name in one.runs
            for one in measured[:1]
            for simulation in plan_simulations(
                problem, constant_model("", problem.parameters, one.point), one.seed, manifest.engine
            )
        )
    sections = [
        one.file.model_dump(mode="json", include={"beads", "molecules", "reactions", "forcefield", "experiments"})
        for one in (old, problem)
    ]
    held = [(one.parameters.fixed, one.parameters.tied) for one in (old, problem)]
    return sections[0] == sections[1] and held[0] == held[1]


def _wanted(problem: Problem) -> list[str]:
    """Measured observables whose derivatives answer the question."""
    named = [target.observable for target in problem.targets] + list(problem.file.considered)
    measured = dict.fromkeys(getattr(problem.observables[name], "density", name) for name in named)
    return [name for name in measured if problem.observables[name].kind in DIFFERENTIABLE]


class _Chains:
    """How observables follow from the rows of a Jacobian."""

    def __init__(self, problem: Problem, subject: Subject, jacobian: Jacobian, reasons: Mapping[str, str]) -> None:
        self._problem, self._jacobian, self._reasons = problem, jacobian, reasons
        self._derived = _derived_chains(problem, subject, jacobian)

    def of(self, observable: str, state: State) -> Array | None:
        """Derivative of an observable by what stands in each row, shape (rows,); None if it is not known."""
        for place, (name, own) in enumerate(self._jacobian.rows):
            if name == observable and same_state(own, state):
                chain = np.zeros(len(self._jacobian.rows))
                chain[place] = 1.0
                return chain
        return next(
            (chain for name, own, chain in self._derived if name == observable and same_state(own, state)), None
        )

    def why_not(self, name: str) -> str:
        """Why an observable has no derivative."""
        observable = self._problem.observables[name]
        if not is_measured(self._problem, name):
            return "it is not determined by the densities of the best model, or these have no derivatives"
        if observable.kind not in DIFFERENTIABLE:
            return f"no derivative is known for observables of kind {observable.kind}"
        return self._reasons.get(name, "they are not on record")


def _derived_chains(problem: Problem, subject: Subject, jacobian: Jacobian) -> list[tuple[str, State, Array]]:
    """Derivatives of derived observables by the densities: as if each density were itself a parameter."""
    names = [str(place) for place in range(len(jacobian.rows))]
    nothing = dict.fromkeys(names, 0.0)
    rows = [
        Gradient(observable, state, {**nothing, str(place): 1.0}, nothing)
        for place, (observable, state) in enumerate(jacobian.rows)
    ]
    direct = [one for one in subject.observations if is_measured(problem, one.observable)]
    found = derive_gradients(direct, rows, problem.observables)
    return [(one.observable, one.state, np.array([one.values[name] for name in names])) for one in found]


def _targets(problem: Problem, chains: _Chains) -> tuple[list[Goal], tuple[str, ...]]:
    goals: list[Goal] = []
    without: dict[tuple[str, str], list[str]] = {}
    for target in problem.targets:
        chain = chains.of(target.observable, target.state)
        if chain is not None and target.weight > 0:
            goals.append(Goal(target.observable, target.state, target.stderr, chain))
            continue
        reason = "its weight is 0" if target.weight == 0 else chains.why_not(target.observable)
        without.setdefault((target.observable, reason), []).append(target.state.label)
    counts = Counter(target.observable for target in problem.targets)
    sentences = []
    for (name, reason), labels in without.items():
        where = "" if len(labels) == counts[name] else f" at {'; '.join(labels)}"
        sentences.append(f"{name}{where} is left out: {reason}")
    return goals, tuple(sentences)


def _considered(
    problem: Problem, chains: _Chains
) -> tuple[dict[str, list[Goal]], tuple[str, ...], dict[str, ProblemError]]:
    """What might become targets; what these data do not determine; and what nobody could look at."""
    goals: dict[str, list[Goal]] = {}
    undetermined: dict[str, None] = {}
    complaints: dict[str, ProblemError] = {}
    for one in resolve_considered(problem.file.considered, problem.observables):
        chain, kind = chains.of(one.observable, one.state), problem.observables[one.observable].kind
        if chain is not None:
            goals.setdefault(one.observable, []).append(Goal(one.observable, one.state, one.stderr, chain))
        elif not is_measured(problem, one.observable):
            undetermined[f"considered {one.observable} is left out: {chains.why_not(one.observable)}"] = None
        else:
            known = (
                "" if kind in DIFFERENTIABLE else f": one of kind {', '.join(DIFFERENTIABLE)}, or one derived from them"
            )
            complaints[one.observable] = ProblemError(
                f"{problem.path}: considered.{one.observable}",
                f"one of kind {kind}",
                f"an observable whose derivatives are known{known}",
                chains.why_not(one.observable),
            )
    return goals, tuple(undetermined), complaints


def _nothing(problem: Problem, found: Derivatives, *, frames: bool) -> str:
    if not _wanted(problem):
        kinds = ", ".join(DIFFERENTIABLE)
        return f"no target has derivatives; identifiability needs one of kind {kinds}, or derived from densities"
    if not frames:
        return "derivatives are not on record; begin with: beadsmith identify"
    reasons = "; ".join(dict.fromkeys(found.reasons.values())) or "the simulations are no longer stored"
    return (
        f"derivatives are not on record and cannot be taken from stored frames ({reasons}); "
        "run the search again with: --search gauss-newton"
    )
