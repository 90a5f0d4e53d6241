"""Finalists: the best model and those to compare with, as they were measured at another fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beadsmith.campaign.finalists import Finalists
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import GlassTransitionHyperbola, GlassTransitionLines, Ladder, Opaque
from beadsmith.report.curves import pictures_of_curves
from beadsmith.report.findings import Findings, Subject, subjects
from beadsmith.report.formatting import core_time, count, number
from beadsmith.report.tables import PropertyTable, property_table

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture


@dataclass(frozen=True)
class FinalistSection:
    """What the page says of the finalists at one fidelity.

    Attributes:
        cost: processor time, in words.
        engine: LAMMPS version.
        pending: what is still to be measured, as a sentence; empty if nothing is.
        changed: whether the problem file has changed at this fidelity since.
        has_transition: whether glass transitions are drawn.
        cooling: how fast the melt was cooled, as a sentence; empty if it was not.
        failures: one sentence each.
    """

    fidelity: str
    cost: str
    engine: str
    pending: str
    changed: bool
    table: PropertyTable
    pictures: tuple[Picture, ...]
    has_transition: bool
    cooling: str
    failures: tuple[str, ...]


def finalist_sections(findings: Findings) -> list[FinalistSection]:
    """A section for each fidelity at which finalists were measured."""
    return [_section(one) for one in findings.finalists]


def cooling_rates(problem: Problem) -> dict[str, float]:
    """Rate at which each experiment cools along its longest ladder of falling temperatures, K/ns.

    From the first temperature to the last, over the time of the ramps and holds between them.
    """
    rates = {}
    for name, experiment in problem.experiments.items():
        if isinstance(experiment, Opaque):
            continue
        ladders = [stage for stage in experiment.protocol if isinstance(stage, Ladder)]
        falling = [one for one in ladders if one.temperatures[0] > one.temperatures[-1]]
        if falling:
            ladder = max(falling, key=lambda one: len(one.temperatures))
            each = sum(parse_duration(text, experiment.timestep) for text in (ladder.ramp, ladder.hold) if text)
            fs = each * (len(ladder.temperatures) - 1) * experiment.timestep
            rates[name] = (ladder.temperatures[0] - ladder.temperatures[-1]) / (1e-6 * fs)
    return rates


def _section(finalists: Finalists) -> FinalistSection:
    problem, outcome = finalists.problem, finalists.outcome
    models = subjects(problem, outcome)
    done = sum(len(model.replicas) for model in outcome.measured)
    wanted = (1 + len(problem.file.compare)) * finalists.replicas
    return FinalistSection(
        fidelity=problem.fidelity,
        cost=core_time(outcome.core_seconds),
        engine=finalists.engine,
        pending=f"So far {done} of {count(wanted, 'measurement')}." if done < wanted else "",
        changed=not finalists.current,
        table=property_table(problem, models),
        pictures=_pictures(problem, models),
        has_transition=bool(_transitions(problem)),
        cooling=_cooling(problem),
        failures=tuple(
            f"{model.label} failed: {failure.sentence}"
            for model in outcome.measured
            for replica in model.replicas
            for failure in replica.failures
        ),
    )


def _pictures(problem: Problem, models: Sequence[Subject]) -> tuple[Picture, ...]:
    from beadsmith.report.figures.transition import transition_pictures  # Matplotlib is slow to import

    return (*transition_pictures(problem, models), *pictures_of_curves(problem, None, models))


def _transitions(problem: Problem) -> list[GlassTransitionLines | GlassTransitionHyperbola]:
    kinds = GlassTransitionLines | GlassTransitionHyperbola
    return [one for one in problem.observables.values() if isinstance(one, kinds)]


def _cooling(problem: Problem) -> str:
    densities = {one.density for one in _transitions(problem)}
    experiments = {getattr(problem.observables[name], "experiment", "") for name in densities}
    rates = [f"{number(rate, 3)} K/ns" for name, rate in cooling_rates(problem).items() if name in experiments]
    return f"The melt was cooled at {' and '.join(rates)}: a real one is cooled far slower." if rates else ""
