"""What a problem would cost: a few steps of every experiment, timed and scaled up."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from beadsmith.errors import BeadsmithError, EngineNotFound
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import Dynamics, Experiment, Ladder, Minimize, PushOff, Script, Stage
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, run_simulation
from beadsmith.simulate.plan import Simulation, plan_simulation

_LOOP = re.compile(
    r"^Loop time of ([\d.eE+-]+) on \d+ procs for (\d+) steps with (\d+) atoms.*?^([\d.]+)% CPU use",
    re.MULTILINE | re.DOTALL,
)

#: What LAMMPS' clock resolves, seconds.
_TICK = 1e-6

#: Steps of each stretch in a timing run: enough to be past the first neighbour lists, few enough for seconds.
_STEPS = 200


@dataclass(frozen=True)
class Cost:
    """Estimated cost of one experiment.

    Attributes:
        experiment: its name.
        beads: how many.
        steps: of the whole protocol.
        core_seconds: of one simulation; None for a user's own script, whose length is not known.
        rate: atom-steps per second and core; None likewise.
    """

    experiment: str
    beads: int
    steps: int
    core_seconds: float | None
    rate: float | None


def total_steps(experiment: Experiment) -> int:
    """Steps of dynamics in a protocol; 0 for a user's own script."""
    if isinstance(experiment, Script):
        return 0
    total = 0
    for stage in experiment.protocol:
        match stage:
            case PushOff():
                total += 2 * stage.steps
            case Dynamics():
                total += parse_duration(stage.duration, experiment.timestep)
            case Ladder():
                each = [
                    parse_duration(text, experiment.timestep) for text in (stage.hold, stage.ramp) if text is not None
                ]
                total += sum(each) * len(stage.temperatures)
    return total


def estimate_cost(problem: Problem, name: str, engine: Engine, model: Model | None = None) -> Cost:
    """Time a shortened run of one experiment, with the parameters in the middle of their ranges unless told otherwise.

    Raises:
        BeadsmithError: if even the shortened run fails.
    """
    experiment = problem.experiments[name]
    if isinstance(experiment, Script):
        return Cost(name, 0, 0, None, None)
    centre = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in problem.parameters.free}
    used = model or constant_model("centre of the ranges", problem.parameters, centre)
    short = {**problem.experiments, name: _shortened(experiment)}
    trial = replace(problem, file=problem.file.model_copy(update={"experiments": short}))
    simulation = plan_simulation(trial, name, used, seed=1, engine=engine.version)
    with tempfile.TemporaryDirectory(prefix="beadsmith-timing-") as folder:
        finished = run_simulation(simulation, Path(folder), engine, stop=lambda: False)
    failure = diagnose(finished.ending, name)
    if failure is not None:
        raise BeadsmithError(f"experiments.{name}: the timing run failed: {failure.sentence}")
    seconds, steps, atoms = _last_loop(finished.ending.log)
    whole = total_steps(experiment)
    # The clock of a very short run may not have moved.
    per_step = max(seconds, _TICK) / steps * experiment.processors
    return Cost(name, atoms, whole, per_step * whole, atoms / per_step)


def _shortened(experiment: Experiment) -> Experiment:
    """The same experiment with all stretches but the push-off cut, and one recorded temperature."""
    if isinstance(experiment, Script):
        return experiment
    stages: list[Stage] = []
    for stage in experiment.protocol:
        match stage:
            case Dynamics():
                if stage.stage == "npt":
                    # Reach a condensed density before the rate is measured.
                    quick = {"duration": f"{10 * _STEPS} steps", "pressure_damping": 50 * experiment.timestep}
                    stages.append(stage.model_copy(update={**quick, "record": False}))
            case Ladder():
                few = {"temperatures": stage.temperatures[:1], "hold": f"{5 * _STEPS} steps", "ramp": None}
                stages.append(stage.model_copy(update=few))
            case Minimize() | PushOff():
                stages.append(stage)
    return experiment.model_copy(update={"protocol": tuple(stages)})


def _last_loop(log: str) -> tuple[float, int, int]:
    """Processor seconds, steps and atoms of the last long run in a log; other work on the machine does not count."""
    loops = [
        (float(seconds) * float(used) / 100.0, int(steps), int(atoms))
        for seconds, steps, atoms, used in _LOOP.findall(log)
    ]
    measured = [loop for loop in loops if loop[1] >= _STEPS] or loops
    if not measured:
        raise BeadsmithError("the timing run printed no timing; run: beadsmith doctor")
    return measured[-1]


def engine_speed(engine: Engine) -> float:
    """Speed of a Lennard-Jones liquid of 4,000 atoms on one core, atom-steps per second.

    Raises:
        EngineNotFound: if LAMMPS does not get through it.
    """
    simulation = Simulation("doctor", {"in.lammps": _LIQUID}, engine.version, timestep=1.0, time_limit=120.0)
    with tempfile.TemporaryDirectory(prefix="beadsmith-doctor-") as folder:
        finished = run_simulation(simulation, Path(folder), engine, stop=lambda: False)
    failure = diagnose(finished.ending, "doctor")
    if failure is not None:
        raise EngineNotFound(f"LAMMPS: {engine.executable} fails on a Lennard-Jones liquid ({failure.detail})")
    seconds, steps, atoms = _last_loop(finished.ending.log)
    return atoms * steps / seconds


_LIQUID = """\
units lj
atom_style atomic
lattice fcc 0.8442
region box block 0 10 0 10 0 10
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
fix dynamics all nve
run 200
"""
