"""What a fidelity is worth: a few models, simulated several times at it and with a slower protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.calibrate.repeats import Bias, Runs, Scatter, bias_of, scatter_of_runs
from beadsmith.campaign.driver import measure, seed_of
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunStore
from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.observe.relaxation import Relaxation, Samples, relaxation_of, samples_of
from beadsmith.problem.longer import lengthened, single_runs
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_model
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.problem.schema import Network, Observable
from beadsmith.problem.state import COORDINATES, State, same_state
from beadsmith.search import make_search
from beadsmith.simulate.plan import plan_simulations

#: Tells the seeds of these runs from those of all others of a study.
_SEEDS = 6

#: Models that are simulated if nobody names any: so few that it is cheap, so many that they can differ.
USUAL_MODELS = 3


@dataclass(frozen=True)
class Protocol:
    """One of the two protocols that are compared.

    Attributes:
        label: ``quick``, or ``quick, 4 times longer``.
        problem: simulated once per seed, as it stands.
        reference: whether it is what the other one is compared with.
    """

    label: str
    problem: Problem
    reference: bool


@dataclass(frozen=True)
class Measured:
    """One protocol as measured.

    Attributes:
        protocol: which.
        evaluations: of each model, by its label, one per seed.
    """

    protocol: Protocol
    evaluations: Mapping[str, tuple[Evaluation, ...]]

    @property
    def failures(self) -> int:
        """Evaluations in which a simulation failed."""
        return sum(one.failed for each in self.evaluations.values() for one in each)

    @property
    def core_seconds(self) -> float:
        """Processor time of all simulations."""
        return sum(one.core_seconds for each in self.evaluations.values() for one in each)


@dataclass(frozen=True)
class Finding:
    """What was found about one observable at one state.

    Attributes:
        observable, state: which.
        runs, models: how many runs at the fidelity there are, of how many models.
        scatter: between runs at the fidelity.
        bias: fidelity minus reference; None if the reference does not tell.
        differences: the same for each model that was observed with both protocols, by its label.
        flagged: share of the runs that were not equilibrated.
        relaxation, reference_relaxation: within the hold of either; None if it was not recorded.
    """

    observable: str
    state: State
    runs: int
    models: int
    scatter: Scatter
    bias: Bias | None
    differences: Mapping[str, float]
    flagged: float
    relaxation: Relaxation | None
    reference_relaxation: Relaxation | None


def protocols(problem: Problem, reference: Problem, longer: float) -> tuple[Protocol, Protocol]:
    """The protocol to learn about, and the one to compare it with.

    Args:
        reference: at its own fidelity.
        longer: how many times longer the reference is made.

    Raises:
        ProblemError: the two are the same, have other parameters, or the reference cannot be made longer; or there are
            networks, whose error bars know how they differ without this.
    """
    for name, experiment in problem.experiments.items():
        if isinstance(experiment, Network):
            raise ProblemError(
                f"experiments.{name}.kind",
                "network",
                "melts, isolated molecules or scripts, whose runs can be repeated and made longer",
                f"ask for more networks instead: experiments.{name}.networks",
            )
    if longer == 1 and reference.experiments == problem.experiments:
        raise ProblemError("--against", reference.fidelity, "another fidelity", "or make this one longer: --longer 4")
    if [one.name for one in problem.parameters.free] != [one.name for one in reference.parameters.free]:
        raise ProblemError(
            "--against", reference.fidelity, "a fidelity with the same free parameters", "models must fit both"
        )
    slow = single_runs(reference) if longer == 1 else lengthened(single_runs(reference), longer)
    label = reference.fidelity if longer == 1 else f"{reference.fidelity}, {longer:g} times longer"
    return Protocol(problem.fidelity, single_runs(problem), False), Protocol(label, slow, True)


def usual_models(problem: Problem) -> dict[str, Model]:
    """The models of the ``compare`` section; up to three in all, the centre of the box and points that fill it.

    Raises:
        ProblemError: a model file is wrong, or there is nothing to choose models from.
    """
    models = {label: load_model(problem.file_named(name), problem) for label, name in problem.file.compare.items()}
    free = problem.parameters.free
    if free and len(models) < USUAL_MODELS:
        title = "centre of the box"
        models[title] = constant_model(title, problem.parameters, problem.parameters.middle)
        points = make_search("sobol", free, seed=1)
        for number in range(USUAL_MODELS - len(models)):
            title = f"point {number + 1} of the box"
            models[title] = constant_model(title, problem.parameters, points.ask(number))
    return models


def measure_protocol(
    laboratory: Laboratory, protocol: Protocol, models: Mapping[str, Model], replicas: int, seed: int
) -> Iterator[tuple[str, Evaluation]]:
    """Simulate every model so many times, each run with a seed of its own; yields label and evaluation as they end.

    What has been simulated before comes from the store.  Seeds depend on the place of a model, not on the others, so
    models and replicas may be added later.
    """
    for number, (label, model) in enumerate(models.items()):
        seeds = _seeds(protocol, number, replicas, seed)
        for evaluation in measure(laboratory, None, [(label, model, {})], seeds):
            yield label, evaluation


def planned_simulations(
    protocol: Protocol, models: Mapping[str, Model], replicas: int, seed: int, engine: str
) -> dict[str, list[str]]:
    """Names of all simulations of :func:`measure_protocol`, by experiment.

    Args:
        engine: version of LAMMPS.
    """
    names: dict[str, list[str]] = {experiment: [] for experiment in protocol.problem.experiments}
    for number, model in enumerate(models.values()):
        for one in _seeds(protocol, number, replicas, seed):
            for simulation in plan_simulations(protocol.problem, model, one, engine):
                names[simulation.experiment].append(simulation.name)
    return names


def findings(fidelity: Measured, reference: Measured, store: RunStore) -> tuple[Finding, ...]:
    """What the runs say, observable by observable, for each of its states; derived observables are left out.

    Raises:
        StudyError: fewer than two models went well with both protocols.
    """
    labels = [label for label in fidelity.evaluations if _well(fidelity, label) and _well(reference, label)]
    if len(labels) < 2:
        lost = [label for label in fidelity.evaluations if label not in labels]
        raise StudyError(
            f"precision: {len(labels)} of {len(fidelity.evaluations)} models went well twice with both protocols, "
            f"expected at least two; look at the failures of {', '.join(lost)}, or name other models with --model"
        )
    problem = fidelity.protocol.problem
    own, other = (_Table.of(measured, labels) for measured in (fidelity, reference))
    relaxed, relaxed_reference = (
        relaxations(measured, labels, store, problem.observables) for measured in (fidelity, reference)
    )
    found: list[Finding] = []
    for name, observable in problem.observables.items():
        if hasattr(observable, "experiment"):
            found += _findings_of(name, own, other, relaxed, relaxed_reference)
    return tuple(found)


def mean_bias(observable: str, fidelity: Measured, reference: Measured) -> Bias | None:
    """Bias of the mean of an observable over its states; None if fewer than two models were observed with both.

    Many small biases of one sign show here first.
    """
    labels = [label for label in fidelity.evaluations if _well(fidelity, label) and _well(reference, label)]
    own, other = (_Table.of(measured, labels) for measured in (fidelity, reference))
    states = [
        state
        for state in own.states(observable)
        if all(
            _complete(table.row(observable, state), labels, one) for table, one in ((own, fidelity), (other, reference))
        )
    ]
    if len(labels) < 2 or not states:
        return None
    short, long = ([_mean_over(table, observable, states, label) for label in labels] for table in (own, other))
    return bias_of([short], [long])[0]


def relaxations(
    measured: Measured, labels: Sequence[str], store: RunStore, observables: Mapping[str, Observable]
) -> dict[tuple[str, State], Relaxation]:
    """Relaxation within every hold of a protocol, by observable and state."""
    samples: dict[tuple[str, State], dict[str, list[Samples]]] = {}
    for label in labels:
        for evaluation in measured.evaluations[label]:
            for run in () if evaluation.failed else evaluation.runs:
                for key, found in _samples(run, store, observables).items():
                    samples.setdefault(key, {}).setdefault(label, []).append(found)
    relaxed = {}
    for key, by_model in samples.items():
        try:
            relaxed[key] = relaxation_of(list(by_model.values()))
        except EstimateError:  # a user's own script may record other lengths in every run
            continue
    return relaxed


def _seeds(protocol: Protocol, number: int, replicas: int, seed: int) -> list[int]:
    """Of the model with this number: with equal ones, the thermostats of two models would push alike."""
    return [seed_of(seed, _SEEDS, int(protocol.reference), number, replica) for replica in range(replicas)]


@dataclass(frozen=True)
class _Table:
    """Determined observations of each model, by observable and state."""

    rows: Mapping[tuple[str, State], Mapping[str, list[Observation]]]

    @classmethod
    def of(cls, measured: Measured, labels: Sequence[str]) -> _Table:
        rows: dict[tuple[str, State], dict[str, list[Observation]]] = {}
        for label in labels:
            for one in (one for each in measured.evaluations[label] if not each.failed for one in each.observations):
                row = rows.setdefault((one.observable, one.state), {label: [] for label in labels})
                if np.isfinite(one.value) and np.isfinite(one.stderr):
                    row[label].append(one)
        return cls(rows)

    def states(self, observable: str) -> list[State]:
        """States of an observable at which the scatter of runs can be told."""
        return [
            state
            for (name, state), row in self.rows.items()
            if name == observable and any(len(each) > 1 for each in row.values())
        ]

    def row(self, observable: str, state: State) -> Mapping[str, list[Observation]]:
        """Observations of each model; empty if there are none."""
        same = (row for (name, at), row in self.rows.items() if name == observable and same_state(at, state))
        return next(same, {})


def _findings_of(
    observable: str,
    own: _Table,
    other: _Table,
    relaxed: Mapping[tuple[str, State], Relaxation],
    relaxed_reference: Mapping[tuple[str, State], Relaxation],
) -> list[Finding]:
    states = own.states(observable)
    if not states:
        return []
    rows = [own.row(observable, state) for state in states]
    scatters = scatter_of_runs([[_runs(each) for each in row.values() if each] for row in rows])
    biases = _biases(observable, states, own, other)
    found = []
    for state, row, scatter in zip(states, rows, scatters, strict=True):
        observed = [one for each in row.values() for one in each]
        hold = (observable, state.without(*COORDINATES))
        found.append(
            Finding(
                observable=observable,
                state=state,
                runs=len(observed),
                models=sum(bool(each) for each in row.values()),
                scatter=scatter,
                bias=biases.get(state),
                differences=_differences(row, other.row(observable, state)),
                flagged=sum(not one.equilibrated for one in observed) / len(observed),
                relaxation=relaxed.get(hold),
                reference_relaxation=relaxed_reference.get(hold),
            )
        )
    return found


def _biases(observable: str, states: Sequence[State], own: _Table, other: _Table) -> dict[State, Bias]:
    """Bias at those states at which two models at least were observed with both protocols."""
    pairs = {state: _both(own.row(observable, state), other.row(observable, state)) for state in states}
    usable = {
        state: pair for state, pair in pairs.items() if len(pair) > 1 and all(map(_repeated, zip(*pair, strict=True)))
    }
    if not usable:
        return {}
    short, long = ([[pair[side] for pair in one] for one in usable.values()] for side in (0, 1))
    return dict(zip(usable, bias_of(short, long), strict=True))


def _both(own: Mapping[str, list[Observation]], other: Mapping[str, list[Observation]]) -> list[tuple[Runs, Runs]]:
    return [(_runs(own[label]), _runs(other[label])) for label in own if own[label] and other.get(label)]


def _differences(
    own: Mapping[str, Sequence[Observation]], other: Mapping[str, Sequence[Observation]]
) -> dict[str, float]:
    return {
        label: float(np.mean([one.value for one in own[label]]) - np.mean([one.value for one in other[label]]))
        for label in own
        if own[label] and other.get(label)
    }


def _repeated(models: Sequence[Runs]) -> bool:
    return any(len(runs.values) > 1 for runs in models)


def _complete(row: Mapping[str, list[Observation]], labels: Sequence[str], measured: Measured) -> bool:
    """Whether every run that went well was observed."""
    return all(
        len(row.get(label, ())) == sum(not one.failed for one in measured.evaluations[label]) for label in labels
    )


def _mean_over(table: _Table, observable: str, states: Sequence[State], label: str) -> Runs:
    """Each run's mean over states; its own error is not needed here."""
    curves = np.array([[one.value for one in table.row(observable, state)[label]] for state in states])
    return Runs(curves.mean(axis=0), np.zeros(curves.shape[1]))


def _runs(observations: Sequence[Observation]) -> Runs:
    return Runs(np.array([one.value for one in observations]), np.array([one.stderr for one in observations]))


def _well(measured: Measured, label: str) -> bool:
    """Whether a model went well often enough to tell scatter from bias."""
    return sum(not one.failed for one in measured.evaluations.get(label, ())) > 1


def _samples(run: str, store: RunStore, observables: Mapping[str, Observable]) -> dict[tuple[str, State], Samples]:
    """What a simulation recorded of each observable, at each state at which it recorded once."""
    result = store.result(run)
    if result is None:
        return {}
    recordings = store.recordings(run)
    states = [recording.state for recording in recordings]
    found = {}
    for name, observable in observables.items():
        if getattr(observable, "experiment", None) != result.experiment:
            continue
        for recording in recordings:
            samples = samples_of(observable, recording)  # type: ignore[arg-type]
            if samples is not None and states.count(recording.state) == 1:
                found[name, recording.state] = samples
    return found
