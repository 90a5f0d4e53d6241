"""Everything that one simulation needs, as text; its name is the hash of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beadsmith.atomistic.data_file import atomistic_data_file, coefficient_file
from beadsmith.atomistic.data_file import style_lines as atomistic_style_lines
from beadsmith.atomistic.system import AtomisticSystem
from beadsmith.build.atoms import dreiding_options, packed_atoms, users_molecules
from beadsmith.build.data_file import data_file
from beadsmith.build.system import System, isolated, melt, topology_of
from beadsmith.errors import ProblemError
from beadsmith.forcefield.coefficients import coefficient_lines, diameters, style_lines
from beadsmith.forcefield.export import lammps_include
from beadsmith.problem.checks import cutoff_of
from beadsmith.problem.durations import steps_of
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Topology
from beadsmith.problem.schema import (
    Experiment,
    Formulas,
    Network,
    Opaque,
    Periodic,
    Script,
    ScriptRecording,
    Tension,
    Vacuum,
)
from beadsmith.problem.state import State
from beadsmith.simulate.checkpoints import steps_before_pull, steps_between_restarts
from beadsmith.simulate.script import (
    RELAXED,
    Resumed,
    Settings,
    Stretch,
    first_temperature,
    write_continuation,
    write_script,
    write_tension,
)
from beadsmith.simulate.script import Script as WrittenScript

#: Goes into every hash: raise it when the meaning of the inputs changes.
FORMAT = 1


#: What a user's own script includes, and one of atoms.
_COEFFICIENTS = "coefficients.lammps"


@dataclass(frozen=True)
class Simulation:
    """One simulation: what LAMMPS is given, and where it leaves what.

    Attributes:
        experiment: its name in the problem file.
        files: text by file name; ``in.lammps`` is the input script.
        variables: given to LAMMPS on the command line.
        stretches: recorded stretches of a script that we wrote.
        recordings: where a user's own script records.
        script_state: state of the user's own experiment.
        timestep: fs.
        topology: of the beads in the dump; None if not known.
        order: which one of the dump, counted by id, each bead of the topology is, shape (beads,); None if they stand in
            that order.
        processors: MPI processes.
        time_limit: wall-clock seconds.
        engine: version of LAMMPS; part of the name.
        inherited: files of other simulations that it needs, by local name: name of the simulation, and of its file.
    """

    experiment: str
    files: Mapping[str, str]
    engine: str
    timestep: float
    time_limit: float
    stretches: tuple[Stretch, ...] = ()
    recordings: tuple[ScriptRecording, ...] = ()
    script_state: State = field(default_factory=State)
    variables: tuple[tuple[str, str], ...] = ()
    topology: Topology | None = None
    order: NDArray[np.int64] | None = None
    processors: int = 1
    inherited: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """Hash of all that determines what is recorded; titles, other remarks and restart files on the way do not."""
        files = {name: _without_remarks(name, text) for name, text in self.files.items()}
        if not self.recordings:
            files["in.lammps"] = _without_checkpoints(files["in.lammps"])
        kinds = None if self.topology is None else sorted(self.topology.molecule_kinds.items())
        essence = [
            FORMAT,
            self.engine,
            self.processors,
            self.timestep,
            list(self.variables),
            [recording.model_dump() for recording in self.recordings],
            self.script_state.as_dict(),
            kinds,
            sorted(files.items()),
            *([sorted(self.inherited.items())] if self.inherited else []),
            *([self.order.tolist()] if self.order is not None else []),
        ]
        return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:24]

    @property
    def pulled(self) -> bool:
        """Whether it is a tension, and nothing else."""
        return any(isinstance(stretch.stage, Tension) for stretch in self.stretches)

    @property
    def steps(self) -> int:
        """Recorded steps; 0 if not known."""
        return sum(stretch.steps for stretch in self.stretches)


def _without_remarks(name: str, text: str) -> str:
    """A file that we wrote, without what is only for its reader; a user's own file as it is."""
    if name != _COEFFICIENTS:
        return text
    return "\n".join(line.partition("#")[0] for line in text.splitlines() if not line.startswith("#"))


def _without_checkpoints(script: str) -> str:
    """An input that we wrote, without the lines that have restart files written in turn."""
    return "\n".join(line for line in script.split("\n") if not line.startswith("restart "))


def plan_simulations(problem: Problem, model: Model, seed: int, engine: str) -> tuple[Simulation, ...]:
    """Simulations that one evaluation of ``model`` begins with, one per experiment that needs no cure.

    Args:
        seed: of this evaluation; each experiment gets its own from it.
        engine: version of LAMMPS that will run them.

    Raises:
        ProblemError: a state that the model needs and an experiment lacks; a missing file.
    """
    return tuple(
        plan_simulation(problem, name, model, seed_of_experiment(problem, name, seed), engine)
        for name, experiment in problem.experiments.items()
        if not isinstance(experiment, Network | Formulas)
    )


def seed_of_experiment(problem: Problem, name: str, seed: int, replica: int = 0) -> int:
    """An independent seed for each experiment of an evaluation, and for each of its repetitions."""
    entropy = [seed, list(problem.experiments).index(name), *([replica] if replica else [])]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 2)


def plan_simulation(problem: Problem, name: str, model: Model, seed: int, engine: str) -> Simulation:
    """The simulation of one experiment, of a network before its cure; see :func:`plan_simulations`."""
    experiment = problem.experiments[name]
    if isinstance(experiment, Script):
        return _users_own(problem, name, experiment, model, seed, engine)
    assert not isinstance(experiment, Formulas)  # nothing is simulated there
    state = State.of(experiment.state).with_(T=first_temperature(experiment))
    system = _system(problem, name, model, state, seed)
    return plan_system(problem, name, experiment, model, system, seed, engine)


def plan_system(
    problem: Problem,
    name: str,
    experiment: Periodic | Vacuum,
    model: Model,
    system: System | AtomisticSystem,
    seed: int,
    engine: str,
    end: str | None = None,
) -> Simulation:
    """A simulation that begins with a given system.

    Args:
        name: of the experiment.
        experiment: whose protocol runs, at the state it fixes.
        seed: of velocities and thermostats.
        engine: version of LAMMPS that will run it.
        end: name of a dump of the last positions; none if None.
    """
    script = script_of(problem, experiment, model, seed, end)
    return Simulation(
        experiment=name,
        files={"in.lammps": script.text, **system_files(system, f"experiment {name}")},
        engine=engine,
        timestep=experiment.timestep,
        time_limit=experiment.time_limit,
        stretches=script.stretches,
        topology=system.topology,
        processors=experiment.processors,
    )


def system_files(system: System | AtomisticSystem, title: str) -> dict[str, str]:
    """Files that describe a system, by name; of one of atoms also its coefficients, which follow from its bonds."""
    if isinstance(system, AtomisticSystem):
        return {"system.data": atomistic_data_file(system, title), _COEFFICIENTS: coefficient_file(system)}
    return {"system.data": data_file(system, title)}


def script_of(
    problem: Problem, experiment: Periodic | Vacuum, model: Model, seed: int, end: str | None = None
) -> WrittenScript:
    """The input script of :func:`plan_system`; it does not depend on the system."""
    settings = _settings(problem, experiment, model, seed, steps_before_pull(experiment))
    return write_script(replace(settings, end=end))


def plan_continuation(
    problem: Problem, model: Model, first: Simulation, wanted: Mapping[int, tuple[int, str, str]], seed: int
) -> Simulation:
    """A simulation that goes on with recorded stretches of another where they ended.

    Args:
        first: as it was planned.
        wanted: by number of the stretch in ``first``: how many more steps, and in which file of which simulation
            its end is kept.
        seed: of the thermostats.
    """
    experiment = problem.experiments[first.experiment]
    if isinstance(experiment, Opaque | Network):
        raise ValueError("networks and a user's own script cannot be continued")
    inherited = {f"from_{number}.restart": (run, file) for number, (_, run, file) in wanted.items()}
    resumed = [
        Resumed(first.stretches[number], steps, f"from_{number}.restart") for number, (steps, _, _) in wanted.items()
    ]
    steps = sum(one.steps for one in resumed)
    script = write_continuation(_settings(problem, experiment, model, seed, steps), resumed)
    files = {**_coefficients_of(first), "in.lammps": script.text}
    return replace(first, files=files, stretches=script.stretches, inherited=inherited)


def plan_tensions(problem: Problem, experiment: Experiment, model: Model, relaxed: Simulation) -> dict[str, Simulation]:
    """The simulations that pull what another one left, by axis; none if the protocol does not end so.

    Args:
        experiment: at the state of ``relaxed``.
        relaxed: the simulation of all stages before, as it was planned.
    """
    if isinstance(experiment, Opaque) or not isinstance(stage := experiment.protocol[-1], Tension):
        return {}
    steps = steps_of(stage, experiment.timestep) // len(stage.axes)
    settings = _settings(problem, experiment, model, 0, steps)  # the thermostat of tension needs no seed
    scripts = {axis: write_tension(settings, stage, axis) for axis in stage.axes}
    inherited, kept = {RELAXED: (relaxed.name, RELAXED)}, _coefficients_of(relaxed)
    return {
        axis: replace(
            relaxed, files={**kept, "in.lammps": script.text}, stretches=script.stretches, inherited=inherited
        )
        for axis, script in scripts.items()
    }


def _coefficients_of(simulation: Simulation) -> dict[str, str]:
    """The file of coefficients, if the script includes one."""
    return {name: text for name, text in simulation.files.items() if name == _COEFFICIENTS}


def _settings(problem: Problem, experiment: Periodic | Vacuum, model: Model, seed: int, steps: int) -> Settings:
    state = State.of(experiment.state).with_(T=first_temperature(experiment))
    periodic = isinstance(experiment, Periodic)
    precision = problem.file.precision
    general = Settings(
        experiment=experiment,
        seed=seed % 899_999_963,
        bond_types=problem.bond_types,
        styles=(),
        coefficients=lambda _: [f"include {_COEFFICIENTS}"],
        diameters=(),
        shortest_edge=2.0 * cutoff_of(problem.file.forcefield)[1] if periodic else None,
        restarts=precision is not None and precision.longest > 1,
        checkpoint=steps_between_restarts(problem, experiment, steps),
    )
    if problem.atomistic:
        return replace(general, styles=atomistic_style_lines(dreiding_options(problem)), charged=True)
    return replace(
        general,
        styles=style_lines(problem, periodic=periodic),
        coefficients=lambda at: coefficient_lines(problem, model, at),
        diameters=tuple(diameters(problem, model, state).values()),
    )


def _system(problem: Problem, name: str, model: Model, state: State, seed: int) -> System | AtomisticSystem:
    experiment = problem.experiments[name]
    assert not isinstance(experiment, Opaque)  # their systems are not ours
    random = np.random.default_rng(seed)
    if problem.atomistic:
        assert isinstance(experiment, Periodic)  # atoms in vacuum are refused
        where = f"experiments.{name}.initial_density"
        return packed_atoms(problem, experiment.molecules, experiment.initial_density, seed, where)
    if isinstance(experiment, Periodic):
        return melt(problem, model, experiment.molecules, experiment.initial_density, state, random)
    return isolated(problem, model, experiment.molecule, experiment.replicas, state, random)


def _users_own(problem: Problem, name: str, experiment: Script, model: Model, seed: int, engine: str) -> Simulation:
    where = f"experiments.{name}"
    state = State.of(experiment.state)
    files = {"in.lammps": _text_of(problem, experiment.script, f"{where}.script")}
    variables = {"seed": str(1 + seed % 899_999_963)}
    if not problem.atomistic:
        # The force field of atoms stands in the user's own files.
        files[_COEFFICIENTS] = lammps_include(problem, model, state)
        variables["coefficients"] = _COEFFICIENTS
    if experiment.data is not None:
        files["system.data"] = _text_of(problem, experiment.data, f"{where}.data")
        variables["data"] = "system.data"
    for number, extra in enumerate(experiment.files, start=1):
        files[extra.rsplit("/", 1)[-1]] = _text_of(problem, extra, f"{where}.files.{number}")
    found = users_molecules(problem, name, experiment) if problem.atomistic else None
    declared = topology_of(problem, experiment.molecules) if experiment.molecules else None
    return Simulation(
        experiment=name,
        files=files,
        engine=engine,
        timestep=experiment.timestep,
        time_limit=experiment.time_limit,
        recordings=experiment.recordings,
        script_state=state,
        variables=tuple(sorted(variables.items())),
        topology=declared if found is None else found.topology,
        order=None if found is None else found.order,
        processors=experiment.processors,
    )


def _text_of(problem: Problem, name: str, where: str) -> str:
    path = problem.file_named(name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"{problem.path}: {where}", name, "a text file, relative to the problem file") from error
