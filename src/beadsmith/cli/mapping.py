"""``map``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from beadsmith.atomistic.molecules import AtomsInOrder, counted_molecules, identified_molecules
from beadsmith.atomistic.topologies import read_atoms
from beadsmith.campaign.study import Study
from beadsmith.cli.answers import write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ProblemArgument,
    StateOption,
    StudyOption,
    parse_option,
    parse_state,
    usual_folder,
)
from beadsmith.cli.progress import Display, display
from beadsmith.cli.speech import say
from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.mapping.centres import centres_of, mapped
from beadsmith.mapping.declaration import Declared, load_mapping, parse_counts
from beadsmith.mapping.distributions import BeadDistribution, Distributions, distributions_of
from beadsmith.mapping.files import distribution_table, write_dump
from beadsmith.mapping.trajectories import Wrapped, atom_frames, bead_frames
from beadsmith.problem.bead_mapping import MoleculeBeads, masses_by_kind, molecule_beads
from beadsmith.problem.recording import Recording
from beadsmith.problem.recording_file import save_recordings
from beadsmith.problem.state import State
from beadsmith.report.formatting import count

#: Of what is recorded in a file of beads, in the words of --json.
_UNITS = {
    "masses": "g/mol",
    "bond": "angstrom",
    "angle": "degree",
    "r": "angstrom",
    "theta": "degree",
    "probability_per_length": "1/angstrom",
    "probability_per_volume": "1/angstrom^3",
    "probability_per_angle": "1/degree",
    "probability_per_solid_angle": "1/sr",
    "interval": "fs",
    "T": "K",
}


@dataclass(frozen=True)
class _Source:
    """A trajectory from elsewhere, and how to read it."""

    trajectory: Path
    topology: Path | None
    molecules: str | None
    timestep: float
    every: int
    wrapped: Wrapped
    state: State


def map_beads(
    problem: ProblemArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Bead trajectory to write, for 'beadsmith invert'.", metavar="NPZ")
    ],
    study: StudyOption = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Of a study: which; all that recorded positions if left out.")
    ] = None,
    trajectory: Annotated[
        Path | None,
        typer.Option("--trajectory", help="Trajectory from elsewhere: LAMMPS dump, xtc or trr.", metavar="FILE"),
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option("--topology", help="Its atoms: LAMMPS data file, gro, tpr, pdb or psf.", metavar="FILE"),
    ] = None,
    molecules: Annotated[
        str | None,
        typer.Option("--molecules", help="Its molecules in order, atoms as in SMILES: 'dgeba=24 pacm=12'."),
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Read every so many frames.")] = 1,
    timestep: Annotated[
        str, typer.Option("--timestep", help="Of the LAMMPS simulation that wrote the dump, which counts steps.")
    ] = "1 fs",
    temperature: Annotated[
        str | None, typer.Option("--temperature", "-t", help="At which it was simulated, such as '300 K'.")
    ] = None,
    state: StateOption = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Put molecules together frame by frame; wrong for displacements.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Follow atoms from frame to frame; for frames that are close in time.")
    ] = False,
    dump: Annotated[
        Path | None, typer.Option("--dump", help="Write the beads as a LAMMPS dump, too.", metavar="FILE")
    ] = None,
    distributions: Annotated[
        Path | None,
        typer.Option("--distributions", help="Write bonds.csv, angles.csv and pairs.csv here.", metavar="FOLDER"),
    ] = None,
    fidelity: FidelityOption = None,
    json: JsonOption = None,
) -> None:
    """Make a trajectory of beads from one of atoms, and say how beads lie to each other.

    Atoms come from a study's finished simulations, or from a file.  Bonds, angles and neighbours of all beads are
    shown with errors.  PROBLEM is a problem file of atoms with a section 'mapping', or a file that has only that.
    """
    _check_output(output)
    declared = load_mapping(problem, fidelity)
    console = Console()
    with display(console) as shown:
        if trajectory is None:
            of_trajectories = {
                "--topology": topology,
                "--molecules": molecules,
                "--whole, --follow": whole or follow,
                "--every": every if every > 1 else None,
                "--temperature": temperature,
                "--state": " ".join(state or []),
            }
            _refuse_without_trajectory(of_trajectories)
            recordings, beads = _of_study(declared, _study_of(problem, declared, study), experiment, shown)
        else:
            if study is not None:
                raise ProblemError("--trajectory", str(trajectory), "either a --study or a --trajectory")
            source = _Source(
                trajectory,
                topology,
                molecules,
                parse_option(timestep, "time", "--timestep"),
                every,
                _wrapped(whole, follow),
                _state(temperature, state),
            )
            recordings, beads = _of_file(declared, source, shown)
        found = distributions_of(recordings, lambda done, total: shown.step("types", done, total))
    written = _write(output, dump, distributions, recordings, found)
    _print(console, declared, recordings, beads, found, written)
    write_answer(json, _answer(declared, recordings, beads, found, written))


def _of_study(
    declared: Declared, study: Study, experiment: str | None, shown: Display
) -> tuple[list[Recording], dict[str, MoleculeBeads]]:
    """Beads of all finished simulations of a study that kept their frames."""
    beads = molecule_beads(declared.graphs, declared.mapping)
    store = study.store
    names = store.names()
    recordings = []
    for done, name in enumerate(names, start=1):
        for recording in store.recordings(name):
            wanted = experiment is None or recording.experiment == experiment
            if wanted and recording.frames is not None and recording.topology is not None:
                recordings.append(mapped(recording, centres_of(beads, declared.mapping, recording.topology)))
        shown.step("runs", done, len(names))
    if not recordings:
        of_experiment = f" of experiment {experiment}" if experiment else ""
        raise StudyError(
            f"{study.folder}: holds no finished simulation{of_experiment} with positions; run 'beadsmith evaluate' "
            "with this --study, or name a --trajectory"
        )
    return sorted(recordings, key=lambda one: (one.experiment, one.state)), beads


def _of_file(declared: Declared, source: _Source, shown: Display) -> tuple[list[Recording], dict[str, MoleculeBeads]]:
    """Beads of a trajectory from elsewhere."""
    atoms = _atoms(declared, source)
    beads = molecule_beads({**declared.graphs, **atoms.molecules}, declared.mapping)
    centres = centres_of(beads, declared.mapping, atoms.topology)
    try:
        frames = bead_frames(
            atom_frames(source.trajectory, source.timestep, source.every),
            atoms,
            centres,
            source.wrapped,
            lambda read: shown.step("read (%)", round(100 * read), 100),
        )
    except EstimateError as error:
        raise EstimateError(f"{source.trajectory}: {error}") from error
    recording = Recording(source.trajectory.stem, source.state, None, frames, centres.topology)
    return [recording], {kind: beads[kind] for kind in atoms.molecules}


def _atoms(declared: Declared, source: _Source) -> AtomsInOrder:
    counts = None if source.molecules is None else parse_counts(source.molecules)
    if source.topology is not None:
        return identified_molecules(read_atoms(source.topology), declared.graphs, counts)
    if counts is None:
        expected = "also which atoms it holds: --molecules 'dgeba=24 pacm=12', or --topology FILE"
        raise ProblemError("--trajectory", str(source.trajectory), expected)
    return counted_molecules(declared.graphs, counts)


def _check_output(output: Path) -> None:
    if output.suffix != ".npz":
        raise ProblemError("--output", str(output), "a file name that ends in .npz")
    if not output.absolute().parent.is_dir():
        raise ProblemError("--output", str(output), "a file in a folder that exists")


def _refuse_without_trajectory(options: Mapping[str, object]) -> None:
    for option, given in options.items():
        if given:
            raise ProblemError(option, str(given), "none without a --trajectory", "a study knows its atoms and states")


def _study_of(problem: Path, declared: Declared, folder: Path | None) -> Study:
    if folder is not None:
        return Study(folder)
    if not declared.fidelity:
        raise ProblemError(str(problem), "a file with a mapping only", "also a --trajectory, or a --study")
    return Study(usual_folder(problem, declared.fidelity))


def _wrapped(whole: bool, follow: bool) -> Wrapped:
    if whole and follow:
        raise ProblemError("--follow", "--whole, too", "one of the two", "--follow makes molecules whole as well")
    return "whole" if whole else "follow" if follow else "refuse"


def _state(temperature: str | None, texts: Sequence[str] | None) -> State:
    given = [*([] if temperature is None else [f"T={temperature}"]), *(texts or [])]
    return State.of(parse_state(given))


def _write(
    output: Path,
    dump: Path | None,
    folder: Path | None,
    recordings: Sequence[Recording],
    found: Distributions,
) -> list[Path]:
    """Write all files that were asked for; the bead trajectory first."""
    written = [output]
    try:
        save_recordings(output, recordings)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for kind in ("bond", "angle", "pair"):
                path = folder / f"{kind}s.csv"
                path.write_text(distribution_table(kind, found.found, recordings), encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise StudyError(f"{error.filename}: cannot be written ({error.strerror})") from error
    if dump is not None:
        for number, recording in enumerate(recordings, start=1):
            path = dump if len(recordings) == 1 else dump.with_name(f"{dump.stem}-{number}{dump.suffix}")
            write_dump(path, recording)
            written.append(path)
    return written


def _print(
    console: Console,
    declared: Declared,
    recordings: Sequence[Recording],
    beads: dict[str, MoleculeBeads],
    found: Distributions,
    written: Sequence[Path],
) -> None:
    say(console, declared.title)
    for name, molecule in beads.items():
        say(console, f"{name}: {' '.join(molecule.topology.beads)}")
    masses = masses_by_kind(beads)
    say(console, "Masses, g/mol: " + ", ".join(f"{kind} {_masses(masses[kind])}" for kind in sorted(masses)))
    for sentence in _differing(masses):
        say(console, sentence)
    for number, recording in enumerate(recordings, start=1):
        say(console, f"{number}: {_described(recording)}")
    bonded = [one for one in found.found if one.mean is not None]
    pairs = [one for one in found.found if one.mean is None]
    _show(console, ("bond or angle", "mean", "+-", "deviation"), bonded, recordings, _bonded_cells)
    _show(console, ("pair", "highest", "+-", "at, angstrom"), pairs, recordings, _pair_cells)
    for sentence in found.missing:
        say(console, f"Left out: {sentence}.")
    say(console, f"Written: {', '.join(map(str, written))}")


def _bonded_cells(one: BeadDistribution) -> tuple[str, str, str]:
    assert one.mean is not None
    return f"{one.mean.value:.4g}", f"{one.mean.stderr:.2g}", f"{one.deviation:.3g}"


def _pair_cells(one: BeadDistribution) -> tuple[str, str, str]:
    values = one.columns["radial_distribution"]
    # A single pair in the smallest shell is a high value, but no peak.
    highest = max(range(len(values)), key=lambda place: values[place].value - 2.0 * values[place].stderr)
    return f"{values[highest].value:.3g}", f"{values[highest].stderr:.2g}", f"{one.centres[highest]:.3g}"


def _described(recording: Recording) -> str:
    frames = recording.frames
    assert frames is not None
    state = f" at {recording.state.label}" if recording.state.label else ""
    apart = f" {frames.interval:g} fs apart" if frames.interval else ""
    number, beads = frames.positions.shape[:2]
    return f"{recording.experiment}{state}: {count(beads, 'bead')}, {count(number, 'frame')}{apart}"


def _masses(own: dict[str, tuple[float, ...]]) -> str:
    return " / ".join(f"{mass:.5g}" for mass in sorted({mass for masses in own.values() for mass in masses}))


def _differing(masses: dict[str, dict[str, tuple[float, ...]]]) -> list[str]:
    """A sentence for each kind of bead whose beads do not weigh the same everywhere."""
    sentences = []
    for kind, own in masses.items():
        if len({mass for values in own.values() for mass in values}) > 1:
            where = ", ".join(f"{'/'.join(f'{mass:.5g}' for mass in values)} in {name}" for name, values in own.items())
            sentences.append(
                f"Beads {kind} do not all weigh the same: {where}. A force field has one mass for each kind; name them "
                "differently if that matters."
            )
    return sentences


def _show(
    console: Console,
    titles: tuple[str, ...],
    rows: Sequence[BeadDistribution],
    recordings: Sequence[Recording],
    cells: Callable[[BeadDistribution], tuple[str, ...]],
) -> None:
    """A table of distributions; says of which recording each is where there are several."""
    if not rows:
        return
    several = len(recordings) > 1
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for place, title in enumerate((*titles[:1], *(["recording"] if several else []), *titles[1:])):
        table.add_column(Text(title), justify="right" if place else "left", no_wrap=True)
    for one in rows:
        number = [str(one.recording + 1)] if several else []
        table.add_row(*(Text(cell) for cell in (one.name, *number, *cells(one))))
    console.print(table)


def _answer(
    declared: Declared,
    recordings: Sequence[Recording],
    beads: dict[str, MoleculeBeads],
    found: Distributions,
    written: Sequence[Path],
) -> dict[str, Any]:
    masses = masses_by_kind(beads)
    answer: dict[str, dict[str, list[dict[str, Any]]]] = {"bond": {}, "angle": {}, "pair": {}}
    for one in found.found:
        answer[one.kind].setdefault(one.name, []).append(_distribution_answer(one, recordings))
    return {
        "command": "map",
        "fidelity": declared.fidelity or None,
        "centre": declared.mapping.centre,
        "molecules": {name: " ".join(molecule.topology.beads) for name, molecule in beads.items()},
        "masses": {kind: masses[kind] for kind in sorted(masses)},
        "recordings": [_recording_answer(recording) for recording in recordings],
        "distributions": answer,
        "left_out": list(found.missing),
        "warnings": _differing(masses),
        "files": [str(path) for path in written],
        "units": _UNITS,
    }


def _recording_answer(recording: Recording) -> dict[str, Any]:
    frames = recording.frames
    assert frames is not None
    return {
        "experiment": recording.experiment,
        "state": recording.state.as_dict(),
        "frames": len(frames.positions),
        "beads": frames.positions.shape[1],
        "interval": frames.interval,
    }


def _distribution_answer(one: BeadDistribution, recordings: Sequence[Recording]) -> dict[str, Any]:
    answer: dict[str, Any] = {"recording": one.recording + 1, "state": recordings[one.recording].state.as_dict()}
    if one.mean is not None:
        answer |= {
            "mean": {"value": one.mean.value, "stderr": one.mean.stderr, "equilibrated": one.mean.equilibrated},
            "standard_deviation": one.deviation,
        }
    answer[one.coordinate] = one.centres.tolist()
    for column, means in one.columns.items():
        answer[column] = {"value": [mean.value for mean in means], "stderr": [mean.stderr for mean in means]}
    return answer
