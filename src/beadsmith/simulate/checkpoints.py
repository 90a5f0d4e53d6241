"""How often restart files are written where the problem file does not say."""

from __future__ import annotations

from beadsmith.problem.durations import steps_of
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import Periodic, Tension, Vacuum

#: What the word in the problem file is for no restart files.
OFF = "off"
#: About so much is lost when a simulation is killed, seconds of wall-clock time.
_LOSS = 300.0
#: About how many steps times particles a core makes in a second: of beads with short-range interactions, and of atoms
#: with Coulomb sums.  Faster or slower by a factor of three, the loss is minutes still.
_BEADS, _ATOMS = 1e6, 1e5


def steps_between_restarts(problem: Problem, experiment: Periodic | Vacuum, steps: int) -> int | None:
    """Steps between two restart files of a simulation; None if it has none.

    Args:
        problem: its molecules, and whether they are of atoms.
        experiment: which may say how often.
        steps: that the simulation lasts.  One that ends before a second file would be due has none, unless the
            experiment says so.
    """
    if experiment.checkpoint == OFF:
        return None
    if experiment.checkpoint is not None:
        return parse_duration(experiment.checkpoint, experiment.timestep)
    rate = (_ATOMS if problem.atomistic else _BEADS) * experiment.processors
    every = max(1, round(_LOSS * rate / _particles(problem, experiment)))
    return every if steps >= 2 * every else None


def steps_before_pull(experiment: Periodic | Vacuum) -> int:
    """Steps of a protocol but for the pull at its end, which simulations of their own do."""
    stages = [stage for stage in experiment.protocol if not isinstance(stage, Tension)]
    return sum(steps_of(stage, experiment.timestep) for stage in stages)


def _particles(problem: Problem, experiment: Periodic | Vacuum) -> int:
    counts = experiment.molecules if isinstance(experiment, Periodic) else {experiment.molecule: experiment.replicas}
    return sum(count * len(problem.molecules[name].beads) for name, count in counts.items())
