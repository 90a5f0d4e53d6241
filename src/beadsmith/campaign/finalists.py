"""Finalists: the best model, and those to compare with, measured at another fidelity of the same problem file.

A search needs many cheap answers; a few models deserve an expensive one, such as a long cooling.  Finalists have a
table of their own in the study for each fidelity, made anew from the stored simulations whenever it is asked for:
nothing is simulated twice, and the table always belongs to the best model of its study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.campaign.calibration import Measured, Outcome, Step, measured_models
from beadsmith.campaign.curing import model_of_cure
from beadsmith.campaign.driver import measure, seed_of
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import FinalistsRecord, Study, digest_of, finalists_table
from beadsmith.campaign.timing import estimate_cost, simulations_of
from beadsmith.errors import BeadsmithError, ProblemError
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, check_fidelity, load_model, load_problem
from beadsmith.problem.schema import Network
from beadsmith.simulate.plan import plan_simulation, seed_of_experiment

#: Seeds of finalists are the fourth kind that derives from a study's (see ``seed_of``).
_SEEDS = 4


@dataclass(frozen=True)
class Finalist:
    """A model to measure.

    Attributes:
        label: that of the re-measured candidate, or of the model to compare with.
        model: what to simulate.
        point: its free parameters; empty for a model from a file.
    """

    label: str
    model: Model
    point: Mapping[str, float]


@dataclass(frozen=True)
class Finalists:
    """Finalists at one fidelity, as far as they have been measured.

    Attributes:
        problem: the problem at their fidelity.
        outcome: the measured models; ``best`` is the calibrated one.
        replicas: how often each is to be measured.
        engine: LAMMPS version.
        current: whether the problem file still says what it said when they were measured.
    """

    problem: Problem
    outcome: Outcome
    replicas: int
    engine: str
    current: bool


@dataclass(frozen=True)
class Estimate:
    """What is still to be simulated.

    Attributes:
        simulations: how many.
        core_seconds: processor time of them; None if it is not known.
    """

    simulations: int
    core_seconds: float | None


def finalists_problem(problem: Problem, fidelity: str, where: str) -> Problem:
    """The problem at the fidelity of its finalists.

    Args:
        problem: at the fidelity of the search.
        fidelity: another one.
        where: what asks for it, for messages.

    Raises:
        ProblemError: there is no such fidelity, it is that of the search by this or another name, or its force field
            has other parameters; or a model to compare with cannot be read for it.
    """
    check_fidelity(where, fidelity, problem.fidelities)
    other = load_problem(problem.path, fidelity)
    if digest_of(other) == digest_of(problem):
        raise ProblemError(
            where,
            fidelity,
            f"a fidelity that simulates or measures otherwise than that of the search, {problem.fidelity}",
            "--remeasure repeats the best models at that one",
        )
    differing = sorted(set(problem.parameters.kinds) ^ set(other.parameters.kinds))
    if differing:
        raise ProblemError(
            where,
            fidelity,
            f"a fidelity whose force field has the parameters of fidelity {problem.fidelity}",
            f"{', '.join(differing)} {'belongs' if len(differing) == 1 else 'belong'} to only one of them",
        )
    for name in other.file.compare.values():
        load_model(other.file_named(name), other)
    return other


def finalists_of(problem: Problem, other: Problem, best: Measured) -> list[Finalist]:
    """The calibrated model, then those to compare with.

    Args:
        problem: at the fidelity of the search; its parameters make the best point a model.
        other: at the fidelity of the finalists.
        best: the calibrated model.
    """
    calibrated = Finalist(best.label, constant_model("", problem.parameters, best.point), best.point)
    compared = [
        Finalist(label, load_model(other.file_named(name), other), {}) for label, name in other.file.compare.items()
    ]
    return [calibrated, *compared]


def estimate(laboratory: Laboratory, finalists: Sequence[Finalist], seed: int, replicas: int) -> Estimate:
    """What measuring the finalists would still cost; simulations that a precision would add are not foreseen.

    Args:
        laboratory: for the problem at their fidelity.
        seed: of the study.
    """
    problem, version = laboratory.problem, laboratory.engine.version
    networks = {name: one for name, one in problem.experiments.items() if isinstance(one, Network)}
    planned = (
        plan_simulation(problem, name, one.model, seed_of_experiment(problem, name, own), version)
        for one in finalists
        for own in _seeds(seed, replicas)
        for name in problem.experiments
        if name not in networks
    )
    missing = Counter(one.experiment for one in planned if laboratory.store.result(one.name) is None)
    # Simulations of networks have no name before the cure: all of them count, and the cures.
    each = sum(simulations_of(network) + network.networks for network in networks.values())
    simulations = missing.total() + len(finalists) * replicas * each
    try:
        costs = [
            (number, estimate_cost(problem, name, laboratory.engine, finalists[0].model).core_seconds)
            for name, number in missing.items()
        ]
        costs += [_cost_of_network(laboratory, name, finalists, replicas) for name in networks]
    except BeadsmithError:
        # A shortened run that fails says nothing of the whole one.
        return Estimate(simulations, None)
    known = [number * seconds for number, seconds in costs if seconds is not None]
    return Estimate(simulations, sum(known) if len(known) == len(costs) else None)


def _cost_of_network(
    laboratory: Laboratory, name: str, finalists: Sequence[Finalist], replicas: int
) -> tuple[int, float | None]:
    """How often a network experiment is simulated, and the core-seconds of one time with its share of the cures."""
    times = len(finalists) * replicas
    cost = estimate_cost(laboratory.problem, name, laboratory.engine, finalists[0].model)
    shared = model_of_cure(laboratory.problem, name) is not None
    cure = (cost.cure or 0.0) / (times if shared else 1)
    return times, None if cost.core_seconds is None else cost.core_seconds + cure


def measure_finalists(
    laboratory: Laboratory, study: Study, finalists: Sequence[Finalist], seed: int, replicas: int
) -> Iterator[Step]:
    """Measure finalists; every step is on disk when it is yielded.

    Args:
        laboratory: for the problem at their fidelity.
        seed: of the study.
    """
    fidelity = laboratory.problem.fidelity
    study.begin_finalists(fidelity, FinalistsRecord(digest_of(laboratory.problem), laboratory.engine.version, replicas))
    models = [(one.label, one.model, one.point) for one in finalists]
    measured = measure(laboratory, None, models, _seeds(seed, replicas))
    for done, evaluation in enumerate(measured, start=1):
        study.append(finalists_table(fidelity), evaluation)
        yield Step("finalists", evaluation, done, len(models) * replicas, known=False)


def measured_finalists(study: Study, problem: Problem) -> tuple[Finalists, ...]:
    """All finalists that a study holds; those of a fidelity that the problem file no longer has are left out.

    Args:
        problem: at any fidelity.
    """
    return tuple(
        _measured(study, load_problem(problem.path, fidelity), record)
        for fidelity, record in study.finalists().items()
        if fidelity in ("base", *problem.fidelities)
    )


def _measured(study: Study, problem: Problem, record: FinalistsRecord) -> Finalists:
    models = measured_models(study.rows(finalists_table(problem.fidelity)), problem.observables)
    best = next((one for one in models if one.number is not None), None)
    outcome = Outcome(evaluations=(), measured=models, best=best, incumbent=None)
    return Finalists(problem, outcome, record.replicas, record.engine, record.problem == digest_of(problem))


def _seeds(seed: int, replicas: int) -> list[int]:
    return [seed_of(seed, _SEEDS, replica) for replica in range(replicas)]
