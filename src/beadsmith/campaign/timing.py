"""What a problem would cost: a few steps of every experiment, timed and scaled up."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from beadsmith.campaign.curing import model_of_cure
from beadsmith.crosslink.cure import cured_experiment
from beadsmith.crosslink.rules import rules_of
from beadsmith.crosslink.schedule import Plan, fewest_cycles, snapshot_degrees
from beadsmith.crosslink.stoichiometry import bonds_of_all
from beadsmith.errors import BeadsmithError, EngineNotFound
from beadsmith.problem.durations import steps_of
from beadsmith.problem.mechanics import tension_of
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import (
    Dynamics,
    Experiment,
    Formulas,
    Ladder,
    Minimize,
    Network,
    Opaque,
    Periodic,
    PushOff,
    Stage,
    Tension,
    Vacuum,
)
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, run_simulation
from beadsmith.simulate.plan import Simulation, plan_simulation

#: Seconds, steps, atoms and use of processors, percent, of each run in a log.
LOOP = re.compile(
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
        core_seconds: of all its simulations of one model, without cures; None for a user's own script, whose length is
            not known.
        rate: atom-steps per second and core; None likewise.
        cure: core-seconds of the cures of its networks, if every cycle finds as many bonds as it may form; None for
            what is not cured.
    """

    experiment: str
    beads: int
    steps: int
    core_seconds: float | None
    rate: float | None
    cure: float | None = None


def total_steps(experiment: Experiment) -> int:
    """Steps of dynamics in a protocol, at all degrees of crosslinking and along all axes; 0 for a user's own script."""
    if isinstance(experiment, Opaque):
        return 0
    return _repeated(experiment) * sum(steps_of(stage, experiment.timestep) for stage in experiment.protocol)


def particle_steps(problem: Problem, name: str) -> int:
    """Steps of an experiment times its beads or atoms, which is what it costs; 0 for a user's own script."""
    experiment, size = problem.experiments[name], {one: len(own.beads) for one, own in problem.molecules.items()}
    match experiment:
        case Vacuum():
            particles = experiment.replicas * size[experiment.molecule]
        case Periodic():
            particles = sum(count * size[molecule] for molecule, count in experiment.molecules.items())
        case _:
            particles = 0
    return particles * total_steps(experiment)


def simulations_of(experiment: Experiment) -> int:
    """Simulations of one model: at every degree of crosslinking of every network, and along every axis of a pull."""
    if isinstance(experiment, Formulas):
        return 0
    tension = tension_of(experiment)
    return _repeated(experiment) * (1 + (0 if tension is None else len(tension.axes)))


def _repeated(experiment: Experiment) -> int:
    """How often the protocol runs for one model."""
    return len(experiment.degrees) * experiment.networks if isinstance(experiment, Network) else 1


def cure_steps(problem: Problem, network: Network) -> int:
    """Steps of dynamics of all cures of an experiment, if every cycle finds as many bonds as it may form."""
    assert problem.file.reactions is not None  # a network is not accepted without
    rules = rules_of(problem.file.reactions, problem.pairs, network.cure)
    target = network.degrees[-1]
    plan = Plan(rules, target, (*snapshot_degrees(target), *network.degrees))
    most = bonds_of_all(rules, problem.molecules, network.molecules)
    before, after = (
        sum(steps_of(stage, network.timestep) for stage in stages)
        for stages in (network.cure.preparation, network.cure.relaxation)
    )
    return network.networks * (before + after * fewest_cycles(plan, most))


def estimate_cost(problem: Problem, name: str, engine: Engine, model: Model | None = None) -> Cost:
    """Time a shortened run of one experiment, with the parameters in the middle of their ranges unless told otherwise.

    Raises:
        BeadsmithError: if even the shortened run fails.
    """
    experiment = problem.experiments[name]
    if isinstance(experiment, Opaque):
        return Cost(name, 0, 0, 0.0 if isinstance(experiment, Formulas) else None, None)
    own = model_of_cure(problem, name) if isinstance(experiment, Network) else None
    used = model or own or constant_model("centre of the ranges", problem.parameters, problem.parameters.middle)
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
    cure = per_step * cure_steps(problem, experiment) if isinstance(experiment, Network) else None
    return Cost(name, atoms, whole, per_step * whole, atoms / per_step, cure)


def _shortened(experiment: Experiment) -> Experiment:
    """The same experiment with all stretches but the push-off cut, and one recorded temperature.

    Dynamics are timed in any case: a push-off has other interactions.
    """
    if isinstance(experiment, Opaque):
        return experiment
    stages: list[Stage] = []
    if isinstance(experiment, Network):
        # Not cured: bonds that form change the speed by little.
        experiment = cured_experiment(experiment, 0.0)
        relaxation = [stage for stage in experiment.cure.relaxation if isinstance(stage, Dynamics)]
        experiment = experiment.model_copy(update={"protocol": (*experiment.cure.preparation, *relaxation)})
    for stage in experiment.protocol:
        match stage:
            case Dynamics():
                if stage.stage == "npt" and not any(isinstance(one, Dynamics) for one in stages):
                    # Reach a condensed density before the rate is measured.
                    quick = {"duration": f"{10 * _STEPS} steps", "pressure_damping": 50 * experiment.timestep}
                    stages.append(stage.model_copy(update={**quick, "record": False}))
            case Ladder():
                few = {"temperatures": stage.temperatures[:1], "hold": f"{5 * _STEPS} steps", "ramp": None}
                stages.append(stage.model_copy(update=few))
            case Minimize() | PushOff():
                stages.append(stage)
            case Tension():
                continue
    if not any(isinstance(stage, Dynamics | Ladder) for stage in stages):
        last = [stage for stage in experiment.protocol if isinstance(stage, Dynamics)][-1:]
        stages += [stage.model_copy(update={"duration": f"{5 * _STEPS} steps", "record": False}) for stage in last]
    return experiment.model_copy(update={"protocol": tuple(stages)})


def _last_loop(log: str) -> tuple[float, int, int]:
    """Processor seconds, steps and atoms of the last long run in a log; other work on the machine does not count."""
    loops = [
        (float(seconds) * float(used) / 100.0, int(steps), int(atoms))
        for seconds, steps, atoms, used in LOOP.findall(log)
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
