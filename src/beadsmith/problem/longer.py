"""The same protocol, slower: every duration several times as long."""

from __future__ import annotations

import math
from dataclasses import replace

from beadsmith.errors import ProblemError
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import Dynamics, Experiment, Formulas, Ladder, Minimize, Opaque, PushOff, Stage, Tension


def lengthened(problem: Problem, factor: float) -> Problem:
    """The problem with all equilibrations, ramps and holds of its experiments ``factor`` times as long.

    Push-offs and minimisations stay: they end when overlaps are gone.  Samples and frames keep their distance in time,
    so there are more of them.  Every simulation runs once, whatever precision was asked for.

    Raises:
        ProblemError: an experiment is a script of the user's own, whose durations are not known.
    """
    longer = {name: _longer(name, experiment, factor) for name, experiment in problem.experiments.items()}
    return replace(problem, file=problem.file.model_copy(update={"experiments": longer}))


def single_runs(problem: Problem) -> Problem:
    """The problem without continuations, repetitions and corrections: what one run of each protocol says."""
    return replace(
        problem,
        file=problem.file.model_copy(update={"precision": None}),
        tolerances=(math.inf,) * len(problem.targets),
        spreads=(),
    )


def _longer(name: str, experiment: Experiment, factor: float) -> Experiment:
    if isinstance(experiment, Opaque):
        raise ProblemError(
            f"experiments.{name}",
            "formulas" if isinstance(experiment, Formulas) else "a script of your own",
            "an experiment whose durations stand in the problem file",
            "compare with another fidelity instead: --against",
        )
    protocol = tuple(_longer_stage(stage, experiment.timestep, factor) for stage in experiment.protocol)
    return experiment.model_copy(update={"protocol": protocol, "time_limit": factor * experiment.time_limit})


def _longer_stage(stage: Stage, timestep: float, factor: float) -> Stage:
    match stage:
        case Minimize() | PushOff():
            return stage
        case Dynamics():
            durations = {"duration": _longer_text(stage.duration, timestep, factor)}
        case Ladder():
            durations = {"hold": _longer_text(stage.hold, timestep, factor)}
            if stage.ramp is not None:
                durations["ramp"] = _longer_text(stage.ramp, timestep, factor)
        case Tension():
            return stage.model_copy(update={"rate": stage.rate / factor})
    return stage.model_copy(update={**durations, "frames": math.ceil(factor * stage.frames)})


def _longer_text(duration: str, timestep: float, factor: float) -> str:
    return f"{round(factor * parse_duration(duration, timestep))} steps"
