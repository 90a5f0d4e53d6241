"""Checks across sections: names that must exist, stages with all they need, boxes that are large enough."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from beadsmith.errors import ProblemError
from beadsmith.problem.closed_form import states_of_formulas
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.curing import check_cure
from beadsmith.problem.mechanics import check_breathing, check_displacements, check_pull
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.parameters import interactions
from beadsmith.problem.quantity import article, parse_duration, parse_ramp
from beadsmith.problem.reactions import reacting_pairs, types_that_arise
from beadsmith.problem.records import Considered, Target
from beadsmith.problem.schema import (
    AngleDistribution,
    BondAngle,
    BondDistribution,
    BondLength,
    BulkModulus,
    DebyeWallerFactor,
    Distribution,
    Dreiding,
    Dynamics,
    Experiment,
    ForceField,
    Formulas,
    FromSeries,
    GlassTransitionHyperbola,
    GlassTransitionLines,
    Ladder,
    Martins2025,
    Mean,
    MeanSquaredDisplacement,
    Measured,
    Network,
    Observable,
    OfTension,
    Opaque,
    OwnForceField,
    PairStyle,
    Periodic,
    ProblemFile,
    RadialDistribution,
    Script,
    Stage,
    Tension,
    ThermalExpansion,
    Vacuum,
)
from beadsmith.problem.state import COORDINATES, DEGREE, State, same_state
from beadsmith.problem.styles import PAIR_STYLES
from beadsmith.problem.targets import parse_variable, resolve_considered
from beadsmith.units import DENSITY_OF_ONE_DALTON

#: Files that a simulation has anyway.
_OWN_FILES = ("in.lammps", "system.data", "coefficients.lammps", "log.lammps", "stderr.txt")


def check_experiments(
    file: ProblemFile, molecules: Mapping[str, MoleculeTopology], bonds: Sequence[str], targets: Sequence[Target]
) -> None:
    """Raise ProblemError for the first experiment that cannot run; ``bonds`` are the names of all types."""
    if isinstance(file.forcefield, ForceField):
        _check_pair(file.forcefield.pair)
    for name, experiment in file.experiments.items():
        where = f"experiments.{name}"
        if not isinstance(experiment, Opaque) and "T" in experiment.state:
            received, expected = f"{experiment.state['T']:g}", "variables other than the temperature"
            raise ProblemError(f"{where}.state.T", received, expected, "the protocol sets the temperature")
        _check_coordinates(experiment, f"{where}.state")
        match experiment:
            case Periodic():
                for molecule in experiment.molecules:
                    _known(molecule, molecules, f"{where}.molecules", "molecules")
                _check_box(file, experiment, molecules, targets, name)
                _check_half_box(file, experiment, molecules, targets, name)
                if isinstance(experiment, Network):
                    half_box = _half_box(file, experiment, molecules, targets, name)
                    check_cure(file, experiment, molecules, where, half_box)
            case Vacuum():
                _known(experiment.molecule, molecules, f"{where}.molecule", "molecules")
            case Script():
                for molecule in experiment.molecules:
                    _known(molecule, molecules, f"{where}.molecules", "molecules")
                _check_recordings(experiment, where)
                continue
            case Formulas():
                continue
        _check_checkpoint(experiment, where)
        _check_protocol(experiment, experiment.protocol, bonds, f"{where}.protocol")
        if isinstance(experiment, Network):
            _check_protocol(experiment, experiment.cure.preparation, bonds, f"{where}.cure.preparation")
            _check_protocol(experiment, experiment.cure.relaxation, bonds, f"{where}.cure.relaxation")


def check_observables(file: ProblemFile, molecules: Mapping[str, MoleculeTopology], targets: Sequence[Target]) -> None:
    """Raise ProblemError for the first observable or target that no experiment can deliver."""
    for name, observable in file.observables.items():
        where = f"observables.{name}"
        match observable:
            case GlassTransitionLines() | GlassTransitionHyperbola() | ThermalExpansion():
                _known(observable.density, file.observables, f"{where}.density", "observables")
                if file.observables[observable.density].kind not in ("density", "mean"):
                    raise ProblemError(f"{where}.density", observable.density, "an observable of kind density")
            case _:
                _known(observable.experiment, file.experiments, f"{where}.experiment", "experiments")
                _check_measured(file, molecules, observable, where)
    for target in targets:
        _check_target(file, target, f"targets.{target.observable}.state")
    for considered in resolve_considered(file.considered, file.observables):
        _check_target(file, considered, f"considered.{considered.observable}.state")
    _check_misfit(file, targets)


def _check_measured(
    file: ProblemFile, molecules: Mapping[str, MoleculeTopology], observable: Measured, where: str
) -> None:
    """What is measured in an experiment must be what that experiment can show."""
    if isinstance(observable, OfTension):
        check_pull(file, observable, where)
        return
    _check_box_property(file, observable.kind, observable.experiment, where)
    molecule = getattr(observable, "molecule", None)
    if molecule is not None:
        _known(molecule, file.molecules, f"{where}.molecule", "molecules")
    if isinstance(observable, DebyeWallerFactor | MeanSquaredDisplacement):
        check_displacements(file, molecules, observable, where)
    if isinstance(observable, BulkModulus):
        check_breathing(file, observable, where)
    _check_members(file, molecules, observable, where)


def check_held_out(held_out: Mapping[str, str], targets: Sequence[Target]) -> None:
    """Raise ProblemError for the first state that is held out and that no target has; not if there are no targets."""
    states = [target.state for target in targets]
    for name, text in held_out.items() if states else ():
        where = f"calibration.held_out.{name}"
        known = sorted({state[name] for state in states if name in state})
        if not known:
            names = list(dict.fromkeys(own for state in states for own in state))
            expected = f"a state variable of a target, one of {', '.join(names) or 'none'}"
            raise ProblemError(where, name, expected, suggestion(name, names))
        for value in parse_variable(name, text, where):
            if not any(same_state(State.of(x=value), State.of(x=own)) for own in known):
                listed = ", ".join(f"{own:g}" for own in known)
                raise ProblemError(where, f"{value:g}", f"values at which there is a target ({listed})")


def check_files(file: ProblemFile, folder: Path) -> None:
    """Raise ProblemError for the first file that an experiment names and that is not there."""
    for name, experiment in file.experiments.items():
        if not isinstance(experiment, Script):
            continue
        named = {"script": experiment.script} | ({"data": experiment.data} if experiment.data is not None else {})
        named |= {f"files.{number}": extra for number, extra in enumerate(experiment.files, start=1)}
        for key, text in named.items():
            if not (folder / text).is_file():
                raise ProblemError(f"experiments.{name}.{key}", text, "a file, relative to the problem file")
        taken = [Path(extra).name for extra in experiment.files]
        for number, extra in enumerate(taken, start=1):
            if extra in _OWN_FILES or extra in taken[: number - 1]:
                where = f"experiments.{name}.files.{number}"
                raise ProblemError(where, extra, "a name that no other file of the simulation has", "rename it")


def cutoff_of(forcefield: ForceField | Dreiding | OwnForceField) -> tuple[str, float]:
    """Where the cutoff of a force field stands in the problem file, and what it is, angstrom."""
    assert not isinstance(forcefield, OwnForceField)  # it is in an input that we do not write
    if isinstance(forcefield, ForceField):
        return "forcefield.pair.cutoff", forcefield.pair.cutoff
    return "forcefield.cutoff", forcefield.cutoff


def recorded_states(experiment: Experiment) -> tuple[State, ...]:
    """States at which an experiment records, in the order of its protocol; that of a pull is the last one."""
    return tuple(dict.fromkeys((*_states_of(experiment, pulled=False), *_states_of(experiment, pulled=True))))


def _states_of(experiment: Experiment, *, pulled: bool) -> tuple[State, ...]:
    """States at which an experiment records, while it is pulled or before."""
    if isinstance(experiment, Script):
        recorded = () if pulled else experiment.recordings
        return tuple(State.of({**experiment.state, **recording.state}) for recording in recorded)
    if isinstance(experiment, Formulas):
        return () if pulled else states_of_formulas(experiment)
    fixed = State.of(experiment.state)
    temperatures: list[float] = []
    for stage in experiment.protocol:
        match stage:
            case Ladder() if not pulled:
                temperatures += stage.temperatures
            case Dynamics(record=True) if not pulled:
                temperatures.append(temperatures_of(stage)[1])
            case Tension() if pulled:
                temperatures.append(stage.temperature)
    cured = [fixed]
    if isinstance(experiment, Network):
        cured = [fixed.with_(**{DEGREE: degree}) for degree in experiment.degrees]
    return tuple(dict.fromkeys(state.with_(T=temperature) for state in cured for temperature in temperatures))


def temperatures_of(stage: Dynamics) -> tuple[float, float]:
    """Temperature at the beginning and at the end of a stretch of dynamics, K.

    Raises:
        ValueError: neither '300 K' nor '500 to 300 K'.
    """
    first, last = parse_ramp(stage.temperature, "temperature")
    if min(first, last) <= 0:
        raise ValueError("a positive temperature such as '300 K'")
    return first, last


def _check_pair(pair: PairStyle) -> None:
    style = PAIR_STYLES[pair.style]
    if style.cutoffs == 2 and (pair.inner_cutoff is None or pair.inner_cutoff >= pair.cutoff):
        received = "" if pair.inner_cutoff is None else f"{pair.inner_cutoff:g} angstrom"
        raise ProblemError(
            "forcefield.pair.inner_cutoff",
            received or "nothing",
            f"a length below the cutoff of {pair.cutoff:g} angstrom",
        )
    if style.cutoffs == 1 and pair.inner_cutoff is not None:
        raise ProblemError(
            "forcefield.pair.inner_cutoff",
            f"{pair.inner_cutoff:g} angstrom",
            "no inner cutoff",
            f"remove it: {pair.style} has only one cutoff",
        )
    if pair.shift and style.cutoffs == 2:
        raise ProblemError("forcefield.pair.shift", "yes", "no", f"{pair.style} is zero at its cutoff already")
    if pair.tail and (not style.tail or pair.shift):
        reason = "its energy is shifted" if style.tail else f"{pair.style} has no tail corrections"
        raise ProblemError("forcefield.pair.tail", "yes", "no", reason)


def _check_protocol(experiment: Periodic | Vacuum, protocol: Sequence[Stage], bonds: Sequence[str], where: str) -> None:
    for number, stage in enumerate(protocol, start=1):
        _check_stage(experiment, stage, bonds, f"{where}.{number}")
        if isinstance(stage, Tension) and number < len(protocol):
            received = f"tension before {protocol[number].stage}"
            raise ProblemError(f"{where}.{number}", received, "tension as the last stage")
        if isinstance(stage, Tension) and not any(isinstance(one, Dynamics | Ladder) for one in protocol):
            expected = "dynamics before, which gives the beads their velocities and lets the box relax"
            raise ProblemError(f"{where}.{number}", "tension after no dynamics", expected)


def _check_checkpoint(experiment: Periodic | Vacuum, where: str) -> None:
    if experiment.checkpoint not in (None, "off"):
        _check_duration(experiment.checkpoint, experiment.timestep, f"{where}.checkpoint")


def _check_stage(experiment: Periodic | Vacuum, stage: Stage, bonds: Sequence[str], where: str) -> None:
    match stage:
        case Dynamics():
            _check_ensemble(experiment, stage.stage, where)
            _check_duration(stage.duration, experiment.timestep, f"{where}.duration")
            _check_temperature(stage, where)
        case Ladder():
            _check_ensemble(experiment, stage.ensemble, where)
            _check_duration(stage.hold, experiment.timestep, f"{where}.hold")
            if stage.ramp is not None:
                _check_duration(stage.ramp, experiment.timestep, f"{where}.ramp")
            if min(stage.temperatures) <= 0:
                lowest = f"{min(stage.temperatures):g} K"
                raise ProblemError(f"{where}.temperatures", lowest, "positive temperatures")
        case Tension():
            if isinstance(experiment, Vacuum):
                raise ProblemError(where, "tension", "a melt", "isolated molecules have no box to pull")
            for bond in stage.breaking:
                _known(bond, dict.fromkeys(bonds), f"{where}.breaking", "molecules or reactions")
            if stage.strain < stage.rate * experiment.timestep:
                raise ProblemError(f"{where}.strain", f"{stage.strain:g}", "more than one step reaches", "pull slower")


def _check_ensemble(experiment: Periodic | Vacuum, ensemble: str, where: str) -> None:
    if isinstance(experiment, Vacuum) and ensemble == "npt":
        raise ProblemError(where, "npt", "nvt or langevin", "isolated molecules have no pressure")


def _check_recordings(experiment: Script, where: str) -> None:
    for number, recording in enumerate(experiment.recordings, start=1):
        if recording.log_run is not None and recording.series is not None:
            raise ProblemError(f"{where}.recordings.{number}", "both log_run and series", "one of them")
        if recording.log_run is None and recording.series is None and recording.dump is None:
            expected = "what to read: log_run, series or dump"
            raise ProblemError(f"{where}.recordings.{number}", "nothing to read", expected)


def _check_windows(
    file: ProblemFile, observable: GlassTransitionLines | GlassTransitionHyperbola | ThermalExpansion, where: str
) -> None:
    """Lines need two temperatures each, or no evaluation would ever have an answer to compare with the target."""
    density = file.observables[observable.density]
    if not isinstance(density, FromSeries | Mean) or density.experiment not in file.experiments:
        return
    states = _states_of(file.experiments[density.experiment], pulled=False)
    temperatures = {state["T"] for state in states if "T" in state}
    windows = {
        key: value for key in ("cold", "hot", "temperatures") if (value := getattr(observable, key, None)) is not None
    }
    for key, (low, high) in windows.items():
        inside = sum(low - 1e-6 <= temperature <= high + 1e-6 for temperature in temperatures)
        if inside < 2:
            recorded = ", ".join(f"{temperature:g}" for temperature in sorted(temperatures)) or "no temperature"
            raise ProblemError(
                f"{where}.{key}",
                f"{low:g} to {high:g} K",
                "a range with at least two recorded temperatures",
                f"experiment {density.experiment} records at {recorded}{' K' if temperatures else ''}",
            )


def _check_duration(text: str, timestep: float, where: str) -> None:
    try:
        parse_duration(text, timestep)
    except ValueError as error:
        raise ProblemError(where, text, str(error)) from error


def _check_temperature(stage: Dynamics, where: str) -> None:
    try:
        first, last = temperatures_of(stage)
    except ValueError as error:
        raise ProblemError(f"{where}.temperature", stage.temperature, str(error)) from error
    if stage.record and first != last:
        raise ProblemError(f"{where}.record", "yes for a ramp", "one temperature while recording", "use a ladder")
    if stage.record and stage.stage == "npt" and stage.pressure[0] != stage.pressure[1]:
        raise ProblemError(
            f"{where}.record", "yes for a ramp", "one pressure while recording", "ramp in a stage before"
        )


def _check_box(
    file: ProblemFile,
    melt: Periodic,
    molecules: Mapping[str, MoleculeTopology],
    targets: Sequence[Target],
    name: str,
) -> None:
    """Half the box must exceed the cutoff at the density the melt is meant to reach."""
    half, density = _half_box(file, melt, molecules, targets, name)
    where, cutoff = cutoff_of(file.forcefield)
    if cutoff > half:
        raise ProblemError(
            where,
            f"{cutoff:g} angstrom",
            f"less than half the box of experiment {name}, {half:.3g} angstrom at {density:.3g} g/cm^3",
            f"simulate more molecules (experiments.{name}.molecules)",
        )


def _check_half_box(
    file: ProblemFile,
    melt: Periodic,
    molecules: Mapping[str, MoleculeTopology],
    targets: Sequence[Target],
    name: str,
) -> None:
    """Beyond half the box, shells reach out of it and a radial distribution would be too low."""
    half, density = _half_box(file, melt, molecules, targets, name)
    for own, observable in file.observables.items():
        if isinstance(observable, RadialDistribution) and observable.experiment == name and observable.edges[-1] > half:
            raise ProblemError(
                f"observables.{own}.r",
                f"bins up to {observable.edges[-1]:g} angstrom",
                f"at most half the box of experiment {name}, {half:.3g} angstrom at {density:.3g} g/cm^3",
                f"end earlier, or simulate more molecules (experiments.{name}.molecules)",
            )


def _half_box(
    file: ProblemFile, melt: Periodic, molecules: Mapping[str, MoleculeTopology], targets: Sequence[Target], name: str
) -> tuple[float, float]:
    """Half the edge of the box (angstrom) at the highest density the melt is meant to reach, and that (g/cm^3)."""
    mass = sum(
        count * sum(file.beads[bead].mass for bead in molecules[molecule].beads)
        for molecule, count in melt.molecules.items()
    )
    meant = [target.value for target in targets if _is_density_of(file, target.observable, name)]
    density = max([melt.initial_density, *meant])
    return 0.5 * (mass * DENSITY_OF_ONE_DALTON / density) ** (1 / 3), density


def _is_density_of(file: ProblemFile, observable: str, experiment: str) -> bool:
    found = file.observables[observable]
    return isinstance(found, FromSeries) and found.kind == "density" and found.experiment == experiment


def _check_box_property(file: ProblemFile, kind: str, experiment: str, where: str) -> None:
    of_box = ("density", "pressure", "volume", "radial_distribution", "bulk_modulus")
    if kind in of_box and isinstance(file.experiments[experiment], Vacuum):
        raise ProblemError(
            f"{where}.experiment",
            experiment,
            f"a melt, or a script of your own: in vacuum there is no {kind.replace('_', ' ')}",
        )


def _check_coordinates(experiment: Experiment, where: str) -> None:
    recorded = experiment.recordings if isinstance(experiment, Script) else ()
    for state in (experiment.state, *(recording.state for recording in recorded)):
        for name in COORDINATES:
            if name in state:
                expected, reason = "a state variable of another name", "it is a coordinate of distributions"
                raise ProblemError(f"{where}.{name}", f"{state[name]:g}", expected, reason)


def _check_members(
    file: ProblemFile, molecules: Mapping[str, MoleculeTopology], observable: Observable, where: str
) -> None:
    """Pairs, bonds and angles must exist in the experiment, under the name that parameters have."""
    if not isinstance(observable, BondLength | BondAngle | Distribution):
        return
    wanted = getattr(observable, "molecule", None)
    own = [
        molecules[name]
        for name in _molecules_of(file.experiments[observable.experiment]) or molecules
        if wanted in (None, name)
    ]
    bonds, angles = interactions(tuple(file.beads), own)
    if isinstance(file.experiments[observable.experiment], Network) and wanted is None and file.reactions is not None:
        named = {name: molecules[name] for name in _molecules_of(file.experiments[observable.experiment])}
        arising = types_that_arise(
            file.reactions.capacities, reacting_pairs(file.reactions, molecules), named, tuple(file.beads)
        )
        bonds, angles = (tuple({*old, *new}) for old, new in zip((bonds, angles), arising, strict=True))
    match observable:
        case RadialDistribution(pair=str(pair)):
            beads = [bead for bead in file.beads if any(bead in molecule.beads for molecule in own)]
            pairs = itertools.combinations_with_replacement(beads, 2)
            _known(pair, {"-".join(both): None for both in pairs}, f"{where}.pair", "beads")
        case BondLength() | BondDistribution():
            _check_bonded(observable, observable.bond, bonds, f"{where}.bond")
        case BondAngle() | AngleDistribution():
            _check_bonded(observable, observable.angle, angles, f"{where}.angle")


def _molecules_of(experiment: Experiment) -> tuple[str, ...]:
    """Kinds of molecules in an experiment; none if a user's own script does not say."""
    if isinstance(experiment, Formulas):
        return ()
    return (experiment.molecule,) if isinstance(experiment, Vacuum) else tuple(experiment.molecules)


def _check_bonded(
    observable: BondLength | BondAngle | BondDistribution | AngleDistribution,
    name: str | None,
    names: Sequence[str],
    where: str,
) -> None:
    if not names:
        which = f" {observable.molecule!r}" if observable.molecule else ""
        kind = where.rpartition(".")[2]
        expected = f"molecules{which} of experiment {observable.experiment} that have {article(kind)}"
        raise ProblemError(where, name or "nothing", expected)
    if name is not None:
        _known(name, dict.fromkeys(names), where, "molecules")


def _check_target(file: ProblemFile, target: Target | Considered, where: str) -> None:
    observable = file.observables[target.observable]
    if isinstance(observable, GlassTransitionLines | GlassTransitionHyperbola | ThermalExpansion):
        _check_windows(file, observable, f"observables.{target.observable}")
        if "T" in target.state:
            received, expected = f"T={target.state['T']:g}", f"no temperature: {target.observable} has none"
            raise ProblemError(where, received, expected, "remove it")
        return
    state = target.state
    if isinstance(observable, Distribution | MeanSquaredDisplacement):
        _check_bin(observable, state, where)
        state = state.without(observable.coordinate)
    pulled = isinstance(observable, OfTension)
    states = _states_of(file.experiments[observable.experiment], pulled=pulled)
    if not any(same_state(state, one) for one in states):
        recorded = "; ".join(one.label or "no state" for one in states) or "none"
        raise ProblemError(
            where,
            state.label or "no state",
            f"one of the states that experiment {observable.experiment} records",
            f"these are {recorded}",
        )


def _check_bin(observable: Distribution | MeanSquaredDisplacement, state: State, where: str) -> None:
    """A value of a curve belongs to one of its bins, or times."""
    name, centres = observable.coordinate, observable.centres
    if isinstance(observable, Distribution):
        expected = f"the middle of one of the bins, {centres[0]:g} to {centres[-1]:g} by {centres[1] - centres[0]:g}"
    else:
        expected = f"one of its times, {', '.join(f'{time:g}' for time in centres)} fs"
    if name not in state:
        raise ProblemError(f"{where}.{name}", "nothing", expected, f"add '{name}: ...', one for each value")
    if not any(same_state(State.of(x=state[name]), State.of(x=centre)) for centre in centres):
        raise ProblemError(f"{where}.{name}", f"{state[name]:g}", expected, f"change it, or {name} of the observable")


def _check_misfit(file: ProblemFile, targets: Sequence[Target]) -> None:
    if not isinstance(file.misfit, Martins2025):
        return
    wanted = {
        "glass_transition_lines": file.observables,
        "radius_of_gyration": {t.observable for t in targets},
    }
    for kind, names in wanted.items():
        if not any(file.observables[name].kind == kind for name in names):
            raise ProblemError(
                "misfit",
                "martins2025",
                f"a target that is an observable of kind {kind}",
                "or choose another misfit",
            )


def _known(name: str, names: Mapping[str, object], where: str, section: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"declare it under {section}"
        raise ProblemError(where, name, f"one of {', '.join(names)}", remedy)
