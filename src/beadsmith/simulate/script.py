"""Protocol stages to LAMMPS commands.

Every recorded stretch ``i`` leaves ``series_<i>.txt`` (numbers over time), ``frames_<i>.bin`` (unwrapped positions)
and, if it may be continued, ``stretch_<i>.restart``; the script ends by printing :data:`COMPLETE`, so that a cut-off
log is told from a finished one.  Before a tension it leaves :data:`RELAXED`, from which every axis is pulled by an
input of its own (:func:`write_tension`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from beadsmith.problem.checks import temperatures_of
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.recording import STRESSES
from beadsmith.problem.schema import Dynamics, Ladder, Minimize, Periodic, PushOff, Tension, Vacuum
from beadsmith.problem.state import State
from beadsmith.simulate.resuming import checkpoints_of

COMPLETE = "Beadsmith: all stages complete"

#: Restart file with what is to be pulled.
RELAXED = "relaxed.restart"

#: Columns of the series files, by what LAMMPS calls them; those of a box make no sense for isolated molecules.
SERIES_COLUMNS = {"temperature": "c_thermo_temp", "potential_energy": "c_thermo_pe"}
BOX_COLUMNS = {"pressure": "c_thermo_press", "density": "v_density", "volume": "v_volume"}

#: About how many samples a recorded stretch has; more only cost disk.
SAMPLES = 1000

#: Bonds are looked at every so many steps: a long one grows by less than a tenth of an angstrom meanwhile.
_LOOK_FOR_BREAKS = 10

#: Stress is averaged over every so many steps between two samples: it fluctuates far more than it changes.
_STRESS_EVERY = 5


@dataclass(frozen=True)
class Stretch:
    """A recorded stretch and what is expected of it.

    Attributes:
        state: the state it records.
        steps: its length.
        series_every: steps between samples.
        frames_every: steps between frames; 0 if none are kept.
        stage: the stage that it belongs to.
        averaged: whether a sample is the average since the last one; else it is of that moment, the first one before
            the first step.
        axis: along which it is pulled; empty if it is not.
    """

    state: State
    steps: int
    series_every: int
    frames_every: int
    stage: Dynamics | Ladder | Tension
    averaged: bool = False
    axis: str = ""


@dataclass(frozen=True)
class Resumed:
    """A stretch to go on with.

    Attributes:
        stretch: as it was recorded first.
        steps: how much longer.
        restart: file with the end of what has been recorded.
    """

    stretch: Stretch
    steps: int
    restart: str


@dataclass(frozen=True)
class Script:
    """LAMMPS input and the stretches it records."""

    text: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Settings:
    """What the commands of every stage need.

    Attributes:
        experiment: the experiment; its protocol is what is written.
        seed: seed of velocities and thermostats.
        bond_types: their names, type 1 first.
        styles: style lines; set again after the push-off.
        coefficients: coefficient lines at a state.
        shortest_edge: below this edge of the box (angstrom) the simulation stops; None without a box.
        restarts: whether the end of every recorded stretch is kept, so that it can be continued.
        end: name of a dump of the last positions; none if None.
        charged: whether it is a system of atoms, with charges, torsions and impropers.
        checkpoint: steps between two restart files from which what is killed goes on; None without.
    """

    experiment: Periodic | Vacuum
    seed: int
    bond_types: Sequence[str]
    styles: Sequence[str]
    coefficients: Callable[[State], Sequence[str]]
    diameters: Sequence[float]
    shortest_edge: float | None
    restarts: bool = False
    end: str | None = None
    charged: bool = False
    checkpoint: int | None = None


def write_script(settings: Settings) -> Script:
    """The whole input: reads ``system.data``, runs every stage of the protocol."""
    experiment = settings.experiment
    writer = _Writer(settings)
    lines = [*_new(settings), *_header(settings), *writer.at(_first_state(experiment))]
    for stage in experiment.protocol:
        match stage:
            case Minimize():
                lines += _minimize(stage)
            case PushOff():
                lines += writer.push_off(stage)
            case Dynamics():
                lines += writer.dynamics(stage)
            case Ladder():
                lines += writer.ladder(stage)
            case Tension():
                lines.append(f"write_restart {RELAXED}")
    if settings.end is not None:
        lines.append(f"write_dump all custom {settings.end} id xu yu zu modify sort id")
    lines.append(f'print "{COMPLETE}"')
    return Script("\n".join(lines) + "\n", tuple(writer.stretches))


def write_continuation(settings: Settings, resumed: Sequence[Resumed]) -> Script:
    """Input that goes on with recorded stretches, one after the other, each from its own end."""
    writer = _Writer(settings)
    lines = []
    for part, one in enumerate(resumed):
        lines += ["clear", f"read_restart {one.restart}", *_header(settings, part), *writer.resumed(one, part)]
    lines.append(f'print "{COMPLETE}"')
    return Script("\n".join(lines) + "\n", tuple(writer.stretches))


def write_tension(settings: Settings, stage: Tension, axis: str) -> Script:
    """Input that pulls what :data:`RELAXED` holds along an axis.

    A pulled box may become half as wide as others before it stops: beads then see two images of a neighbour, each of
    which LAMMPS counts, but none of themselves.
    """
    if settings.shortest_edge is not None:
        settings = replace(settings, shortest_edge=0.5 * settings.shortest_edge)
    writer = _Writer(settings)
    lines = [f"read_restart {RELAXED}", *_header(settings), *writer.tension(stage, axis), f'print "{COMPLETE}"']
    return Script("\n".join(lines) + "\n", tuple(writer.stretches))


def restart_file(number: int) -> str:
    """Where the end of recorded stretch ``number`` is kept."""
    return f"stretch_{number}.restart"


def first_temperature(experiment: Periodic | Vacuum) -> float:
    """Temperature at which the protocol begins, K."""
    for stage in experiment.protocol:
        match stage:
            case PushOff():
                return stage.temperature
            case Dynamics():
                return temperatures_of(stage)[0]
            case Ladder():
                return stage.temperatures[0]
            case Tension():
                return stage.temperature
    return 300.0


class _Writer:
    """Writes stages one after the other; remembers temperature, coefficients and seed between them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timestep = settings.experiment.timestep
        self._temperature: float | None = None
        self._coefficients: Sequence[str] = ()
        self._seed = settings.seed
        self._fixed = State.of(settings.experiment.state)
        self._part = 0
        self.stretches: list[Stretch] = []

    def at(self, state: State) -> list[str]:
        """Coefficients at ``state``, if they differ from those in force."""
        wanted = self._settings.coefficients(state)
        if wanted == self._coefficients:
            return []
        self._coefficients = wanted
        return list(wanted)

    def push_off(self, stage: PushOff) -> list[str]:
        """Soft repulsion ramped up, then the true interactions, displacements limited all along."""
        soft = stage.soft is not False and not self._settings.charged
        kick = f"fix thermostat all langevin {stage.temperature:g} {stage.temperature:g} {100 * self._timestep:g}"
        self._temperature = stage.temperature
        return [
            f"# push-off at {stage.temperature:g} K",
            *(self._soft_styles() if soft else []),
            f"velocity all create {stage.temperature:g} {self._next_seed()} dist gaussian",
            *(["variable push equal ramp(0.0,60.0)", "fix push all adapt 1 pair soft a * * v_push"] if soft else []),
            f"fix dynamics all nve/limit {stage.largest_displacement:g}",
            f"{kick} {self._next_seed()}",
            *(self._softly(stage) if soft else []),
            f"run {stage.steps}",
            "unfix thermostat",
            "unfix dynamics",
        ]

    def _soft_styles(self) -> list[str]:
        soft = [
            f"pair_coeff {i} {i} 0.0 {1.12 * sigma:.6g}" for i, sigma in enumerate(self._settings.diameters, start=1)
        ]
        return ["pair_style soft 5.0", "pair_modify mix arithmetic", *soft]

    def _softly(self, stage: PushOff) -> list[str]:
        """With the soft repulsion; then the true interactions are there again, and forces are moderate."""
        styles = [*self._settings.styles, *self._coefficients]
        return [f"run {stage.steps}", "unfix push", *styles, "minimize 1e-4 1e-6 100 1000"]

    def dynamics(self, stage: Dynamics) -> list[str]:
        """One stretch, recorded or not."""
        first, last = temperatures_of(stage)
        steps = parse_duration(stage.duration, self._timestep)
        lines = self.at(self._fixed.with_(T=last))
        run = self._recorded(last, steps, stage) if stage.record else [f"run {steps}"]
        return [*lines, *self._running(stage.stage, first, last, stage, run)]

    def ladder(self, stage: Ladder) -> list[str]:
        """Ramp, then recorded hold, at each temperature."""
        lines: list[str] = []
        hold = parse_duration(stage.hold, self._timestep)
        ramp = parse_duration(stage.ramp, self._timestep) if stage.ramp is not None else 0
        for temperature in stage.temperatures:
            lines += self.at(self._fixed.with_(T=temperature))
            before = self._temperature if self._temperature is not None else temperature
            if ramp and before != temperature:
                lines += self._running(stage.ensemble, before, temperature, stage, [f"run {ramp}"])
            recorded = self._recorded(temperature, hold, stage)
            lines += self._running(stage.ensemble, temperature, temperature, stage, recorded)
        return lines

    def tension(self, stage: Tension, axis: str) -> list[str]:
        """Pull along an axis; strains are engineering ones, pressures those of the box as it is."""
        state = self._fixed.with_(T=stage.temperature)
        steps = round(stage.strain / (stage.rate * self._timestep))
        every = max(1, steps // SAMPLES)
        inner = _STRESS_EVERY if every % _STRESS_EVERY == 0 else 1
        self.stretches.append(Stretch(state, steps, every, 0, stage, averaged=True, axis=axis))
        lateral = [other for other in "xyz" if other != axis]
        columns = {
            **{f"strain_{edge}": f"v_strain_{edge}" for edge in "xyz"},
            **{f"pressure_{tensor}": f"c_thermo_press[{place}]" for place, tensor in enumerate(STRESSES, start=1)},
            "temperature": "c_thermo_temp",
            **({"broken_bonds": "v_broken"} if stage.breaking else {}),
        }
        damping = stage.damping or 100 * self._timestep
        barostat = stage.pressure_damping or 1000 * self._timestep
        held = " ".join(f"{other} {stage.pressure:g} {stage.pressure:g} {barostat:g}" for other in lateral)
        thermostat = f"temp {stage.temperature:g} {stage.temperature:g} {damping:g}"
        return [
            *self.at(state),
            f"# tension along {axis} at {stage.temperature:g} K",
            "reset_timestep 0",
            *[f"variable strain_{edge} equal l{edge}/$(l{edge})-1.0" for edge in "xyz"],
            *self._breaking(stage),
            *_checkpoints(self._settings, self._part, every),
            f"fix pull all deform 1 {axis} erate {stage.rate:.10g} units box remap x",
            f"fix dynamics all npt {thermostat} {held}",
            _series(0, self.stretches[0], columns, inner),
            f"run {steps}",
            "unfix series",
            "unfix dynamics",
            "unfix pull",
        ]

    def _breaking(self, stage: Tension) -> list[str]:
        """Bonds that are too long are taken out, with the angles that they are part of."""
        types = [self._settings.bond_types.index(name) + 1 for name in stage.breaking]
        if not types:
            return []
        lengths = stage.breaking.values()
        counted = "+".join(f"f_break_{number}[2]" for number in types)
        return [
            *[
                f"fix break_{number} all bond/break {_LOOK_FOR_BREAKS} {number} {length:g}"
                for number, length in zip(types, lengths, strict=True)
            ],
            f"variable broken equal {counted}",
            "thermo_modify lost/bond ignore",
        ]

    def resumed(self, one: Resumed, part: int) -> list[str]:
        """More of a stretch, sampled as before, as a part of the input; velocities and thermostat come from its end."""
        self._part, self._coefficients, temperature = part, (), one.stretch.state["T"]
        self._temperature = temperature
        stage = one.stretch.stage
        assert not isinstance(stage, Tension)  # what was torn is not pulled again
        ensemble = stage.ensemble if isinstance(stage, Ladder) else stage.stage
        lines = self.at(one.stretch.state)
        record = self._sampled(replace(one.stretch, steps=one.steps))
        return [*lines, *self._running(ensemble, temperature, temperature, stage, record)]

    def _running(self, ensemble: str, first: float, last: float, stage: Dynamics | Ladder, run: list[str]) -> list[str]:
        damping = stage.damping or 100 * self._timestep
        lines = [f"# {ensemble}, {first:g} to {last:g} K"]
        if self._temperature is None:
            lines.append(f"velocity all create {first:g} {self._next_seed()} dist gaussian")
        match ensemble:
            case "npt":
                thermostat = f"temp {first:g} {last:g} {damping:g}"
                lines.append(f"fix dynamics all npt {thermostat} {_barostat(stage, self._timestep)}")
            case "nvt":
                lines.append(f"fix dynamics all nvt temp {first:g} {last:g} {damping:g}")
            case "langevin":
                lines.append(f"fix thermostat all langevin {first:g} {last:g} {damping:g} {self._next_seed()}")
                lines.append("fix dynamics all nve")
        self._temperature = last
        after = ["unfix thermostat"] if ensemble == "langevin" else []
        return [*lines, *run, "unfix dynamics", *after]

    def _recorded(self, temperature: float, steps: int, stage: Dynamics | Ladder) -> list[str]:
        series_every = max(10, steps // SAMPLES) if steps >= 100 else 1
        state = self._fixed.with_(T=temperature)
        return self._sampled(Stretch(state, steps, series_every, max(1, steps // stage.frames), stage))

    def _sampled(self, stretch: Stretch) -> list[str]:
        number = len(self.stretches)
        self.stretches.append(stretch)
        periodic = self._settings.shortest_edge is not None
        columns = SERIES_COLUMNS | (BOX_COLUMNS if periodic else {})
        return [
            *_checkpoints(self._settings, self._part, stretch.series_every),
            _series(number, stretch, columns, stretch.series_every),
            f"dump frames all custom {stretch.frames_every} frames_{number}.bin id xu yu zu",
            "dump_modify frames sort id first no",
            f"run {stretch.steps}",
            "unfix series",
            "undump frames",
            *([f"write_restart {restart_file(number)}"] if self._settings.restarts else []),
        ]

    def _next_seed(self) -> int:
        """Positive seeds below LAMMPS' limit, all different within one script."""
        self._seed = (self._seed * 1103515245 + 12345) % 899_999_963
        return self._seed + 1


def _series(number: int, stretch: Stretch, columns: Mapping[str, str], every: int) -> str:
    """Records numbers of stretch ``number``, each sample the average of those of every so many steps."""
    until = stretch.series_every
    return (
        f"fix series all ave/time {every} {until // every} {until} {' '.join(columns.values())} "
        f'file series_{number}.txt title1 "# {stretch.state.label}" title2 "# step {" ".join(columns)}" format " %.9g"'
    )


def _checkpoints(settings: Settings, part: int, multiple: int = 1) -> list[str]:
    """Restart files of a part of the input, between samples that are averages over ``multiple`` steps."""
    if settings.checkpoint is None:
        return []
    return [f"restart {-(-settings.checkpoint // multiple) * multiple} {' '.join(checkpoints_of(part))}"]


def _barostat(stage: Dynamics | Ladder, timestep: float) -> str:
    damping = stage.pressure_damping or 1000 * timestep
    if isinstance(stage, Ladder):
        return f"iso {stage.pressure:g} {stage.pressure:g} {damping:g}"
    edges = "iso" if stage.coupling == "isotropic" else "aniso"
    return f"{edges} {stage.pressure[0]:g} {stage.pressure[1]:g} {damping:g}"


def _new(settings: Settings) -> list[str]:
    """How a new simulation begins."""
    style, special = ("full", 24) if settings.charged else ("molecular", 8)
    return [
        "units real",
        f"atom_style {style}",
        "boundary p p p",
        f"read_data system.data extra/special/per/atom {special}",
    ]


def _header(settings: Settings, part: int = 0) -> list[str]:
    experiment = settings.experiment
    lines = [
        *settings.styles,
        f"neighbor {experiment.skin:g} bin",
        "neigh_modify delay 0 every 1 check yes",
        f"timestep {experiment.timestep:g}",
        "thermo 1000",
        "thermo_style custom step temp press pe ke density vol",
        "thermo_modify lost error lost/bond error flush yes",
        "variable density equal density",
        "variable volume equal vol",
    ]
    lines += _checkpoints(settings, part)
    if experiment.bonded_substeps > 1:
        inner = f"{experiment.bonded_substeps} bond 1 angle 1"
        atoms = " dihedral 2 improper 2" if settings.charged else ""
        long_range = " kspace 2" if any(line.startswith("kspace_style") for line in settings.styles) else ""
        lines.append(f"run_style respa 2 {inner}{atoms} pair 2{long_range}")
    if isinstance(experiment, Vacuum):
        # Molecules that do not see each other: a thousand of them are as good as a thousand simulations of one.
        lines.append("neigh_modify exclude molecule/inter all")
    if settings.shortest_edge is not None:
        lines += [
            'variable shortest_edge equal "ternary(lx<ly,ternary(lx<lz,lx,lz),ternary(ly<lz,ly,lz))"',
            f"fix box_guard all halt 20 v_shortest_edge < {settings.shortest_edge:g} error hard message yes",
        ]
    return lines


def _minimize(stage: Minimize) -> list[str]:
    return [f"minimize {stage.energy_tolerance:g} {stage.force_tolerance:g} {stage.iterations} {10 * stage.iterations}"]


def _first_state(experiment: Periodic | Vacuum) -> State:
    return State.of(experiment.state).with_(T=first_temperature(experiment))
