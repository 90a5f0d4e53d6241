"""Checks of observables that need more than a state: a pull, frames close enough in time, a box that breathes."""

from __future__ import annotations

from collections.abc import Mapping

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import (
    BulkModulus,
    DebyeWallerFactor,
    Dynamics,
    Elastic,
    Experiment,
    Formulas,
    Ladder,
    MeanSquaredDisplacement,
    Minimize,
    OfTension,
    Opaque,
    ProblemFile,
    PushOff,
    Script,
    StressStrain,
    Tension,
    Vacuum,
    Yielding,
)

#: Share of the recorded time up to which displacements are averaged: beyond it all time origins share the middle.
_LONGEST_LAG = 0.5

_ROUNDING = 1e-6


def tension_of(experiment: Experiment) -> Tension | None:
    """The pull that a protocol ends with; None if it does not."""
    if isinstance(experiment, Opaque):
        return None
    last = experiment.protocol[-1]
    return last if isinstance(last, Tension) else None


def check_pull(file: ProblemFile, observable: OfTension, where: str) -> None:
    """Refuse what no pull of the observable's experiment can show.

    Args:
        file: whose experiments are known to include the observable's.
        observable: as declared.
        where: its path in the problem file.

    Raises:
        ProblemError: the experiment has no tension, or one that ends before the strain that is asked about.
    """
    tension = tension_of(file.experiments[observable.experiment])
    if tension is None:
        expected = "an experiment whose protocol ends with a stage tension"
        raise ProblemError(f"{where}.experiment", observable.experiment, expected, f"{observable.kind} needs a pull")
    key, strain = _farthest(observable)
    if strain > tension.strain * (1 + _ROUNDING):
        pulled = f"experiments.{observable.experiment} is pulled to {tension.strain:g}"
        raise ProblemError(f"{where}.{key}", f"a strain of {strain:g}", f"at most {tension.strain:g}", pulled)


def check_displacements(
    file: ProblemFile,
    molecules: Mapping[str, MoleculeTopology],
    observable: DebyeWallerFactor | MeanSquaredDisplacement,
    where: str,
) -> None:
    """Refuse beads that are not there, and times that the frames of a recorded stretch cannot tell.

    Args:
        file: whose experiments are known to include the observable's.
        molecules: all of the problem, by name.
        observable: as declared.
        where: its path in the problem file.

    Raises:
        ProblemError: no such bead, no recorded stretch, frames too far apart, or a stretch that is too short.
    """
    experiment = file.experiments[observable.experiment]
    assert not isinstance(experiment, Formulas)  # they have nothing but columns
    names = (experiment.molecule,) if isinstance(experiment, Vacuum) else tuple(experiment.molecules)
    present = [bead for bead in file.beads if any(bead in molecules[name].beads for name in names or molecules)]
    for bead in observable.beads:
        if bead not in present:
            raise ProblemError(f"{where}.beads", bead, f"one of {', '.join(present)}")
    if isinstance(experiment, Script):
        return
    for interval, length in _recorded(experiment, f"{where}.experiment", observable.experiment):
        _check_times(observable, interval, length, where)


def check_breathing(file: ProblemFile, observable: BulkModulus, where: str) -> None:
    """Refuse a bulk modulus where the volume does not fluctuate, or at no temperature.

    Args:
        file: whose experiments are known to include the observable's.
        observable: as declared.
        where: its path in the problem file.

    Raises:
        ProblemError: a stretch that is recorded at constant volume, or a script without a temperature.
    """
    experiment = file.experiments[observable.experiment]
    if isinstance(experiment, Script):
        for number, recording in enumerate(experiment.recordings, start=1):
            if "T" not in {**experiment.state, **recording.state}:
                place = f"experiments.{observable.experiment}.recordings.{number}.state"
                raise ProblemError(place, "no temperature", f"T, which {where} needs")
        return
    assert not isinstance(experiment, Formulas)  # they have nothing but columns
    for stage in experiment.protocol:
        held = stage.ensemble if isinstance(stage, Ladder) else stage.stage
        recorded = isinstance(stage, Ladder) or (isinstance(stage, Dynamics) and stage.record)
        if recorded and held != "npt":
            expected = "an experiment that records at constant pressure, npt"
            raise ProblemError(f"{where}.experiment", f"{observable.experiment}, which records {held}", expected)


def _farthest(observable: OfTension) -> tuple[str, float]:
    """The key that asks for the largest strain, and that strain; zero if none does."""
    match observable:
        case StressStrain():
            return "strain", observable.centres[-1]
        case Yielding():
            return (
                ("offset", observable.offset)
                if observable.offset > observable.strain[1]
                else ("strain", observable.strain[1])
            )
        case Elastic():
            return "strain", observable.strain[1]
    return "experiment", 0.0


def _recorded(experiment: Experiment, where: str, name: str) -> list[tuple[float, float]]:
    """Time between frames and time from the first to the last one, fs, of every recorded stretch."""
    assert not isinstance(experiment, Opaque)
    found = []
    begin: int | None = 0  # step at which a stage begins; None after a minimisation, which takes as many as it needs
    for stage in experiment.protocol:
        steps = 0
        if isinstance(stage, Ladder):
            steps, begin = parse_duration(stage.hold, experiment.timestep), None
        elif isinstance(stage, Dynamics):
            steps = parse_duration(stage.duration, experiment.timestep)
        if isinstance(stage, Ladder) or (isinstance(stage, Dynamics) and stage.record):
            every = max(1, steps // stage.frames)
            # LAMMPS writes at multiples: where a stretch does not begin at one, there is no frame of its beginning.
            intervals = steps // every - (begin is None or begin % every > 0)
            found.append((every * experiment.timestep, every * intervals * experiment.timestep))
        begin = None if begin is None or isinstance(stage, Minimize | PushOff) else begin + steps
    if not found:
        raise ProblemError(where, name, "an experiment that records frames", "add 'record: yes' to one of its stages")
    return found


def _check_times(
    observable: DebyeWallerFactor | MeanSquaredDisplacement, interval: float, length: float, where: str
) -> None:
    key, times = (
        ("t", observable.t) if isinstance(observable, MeanSquaredDisplacement) else ("time", (observable.time,))
    )
    shortest, longest = min(times), max(times)
    if longest > _LONGEST_LAG * length * (1 + _ROUNDING):
        expected = f"at most half of the {length:g} fs that are recorded"
        raise ProblemError(f"{where}.{key}", f"{longest:g} fs", expected, "record longer")
    if shortest < interval * (1 - _ROUNDING):
        expected = f"at least the {interval:g} fs between frames"
        raise ProblemError(f"{where}.{key}", f"{shortest:g} fs", expected, "record more frames")
    if isinstance(observable, MeanSquaredDisplacement):
        for time in times:
            if abs(time / interval - round(time / interval)) > 1e-3:
                expected = f"a multiple of the {interval:g} fs between frames"
                raise ProblemError(
                    f"{where}.{key}", f"{time:g} fs", expected, "change the number of frames, or the times"
                )
