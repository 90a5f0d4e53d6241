"""``invert``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from beadsmith.campaign.inverting import Iteration, Order, best_of, iterate
from beadsmith.campaign.study import Study
from beadsmith.cli.answers import write_answer
from beadsmith.cli.inverted import (
    DISTRIBUTIONS,
    TABLES,
    Inversion,
    Pairs,
    inversion_answer,
    iteration_sentence,
    print_inversion,
    write_inversion,
)
from beadsmith.cli.options import JsonOption, WorkersOption, coarse_problem, parse_option
from beadsmith.cli.progress import Display, display
from beadsmith.cli.speech import say
from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.inversion.bonded import BondedTerm, invert_bonded
from beadsmith.inversion.iterative import Key, Pressure, inverted
from beadsmith.inversion.proposal import (
    INNER,
    SPREAD,
    Parameters,
    model_document,
    parameters_of,
    problem_document,
    rules_of,
    too_narrow,
)
from beadsmith.inversion.radial import (
    PairGuess,
    Radial,
    farthest,
    fit_style,
    guess,
    has_bonds,
    pair_names,
    radial,
    radial_bins,
)
from beadsmith.inversion.targets import bonded_target, pair_target, pressure_of
from beadsmith.inversion.trajectory import Trajectory, trajectories_of, with_common_names
from beadsmith.observe.boxes import is_within
from beadsmith.problem.document import write_document
from beadsmith.problem.molecules import interaction_name
from beadsmith.problem.problem import Problem, load_problem, read_problem
from beadsmith.problem.recording import Array
from beadsmith.problem.recording_file import load_recordings
from beadsmith.problem.styles import MIXING_RULES, PAIR_STYLES
from beadsmith.simulate.engine import find_engine
from beadsmith.units import UNIT_OF_KIND

#: A cutoff that nobody named: so many of the largest diameters.
_DIAMETERS = 2.5
#: The cutoff of a proposal leaves the box room to shrink.
_ROOM = 0.9
#: Pressure of a proposal where none was recorded, atm.
_USUAL_PRESSURE = 1.0


@dataclass(frozen=True)
class _Choices:
    """Pair interaction and conditions, checked.

    Attributes:
        style, mixing: names.
        cutoff: angstrom; None to choose one.
        inner: where the smoothing of lj/gromacs begins; None for the usual part of the cutoff.
        special_bonds: factors.
        pressure: atm; None for the recorded one.
        timestep: fs.
        spread: half width of the ranges, as a part of the value.
    """

    style: str
    mixing: str
    cutoff: float | None
    inner: float | None
    special_bonds: tuple[float, float, float]
    pressure: float | None
    timestep: float
    spread: float


def invert(
    beads: Annotated[
        list[Path], typer.Argument(help="Trajectories of beads, one file or several.", metavar="BEADS.npz")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.", metavar="FOLDER")],
    problem: Annotated[
        Path | None,
        typer.Option(
            "--problem", "-p", help="Give this problem the ranges, instead of writing one.", metavar="PROBLEM"
        ),
    ] = None,
    pair: Annotated[str, typer.Option("--pair", help="Pair style: lj/cut, lj/gromacs or mie/cut.")] = "lj/cut",
    mixing: Annotated[str, typer.Option("--mixing", help="Mixing rule: arithmetic, geometric or sixthpower.")] = (
        "arithmetic"
    ),
    cutoff: Annotated[
        str | None, typer.Option("--cutoff", help="Of pairs, such as '12 angstrom'; chosen if left out.")
    ] = None,
    width: Annotated[str, typer.Option("--bin", help="Width of the bins of g(r).")] = "0.1 angstrom",
    temperature: Annotated[
        str | None, typer.Option("--temperature", help="Where the trajectories do not say: '300 K'.")
    ] = None,
    pressure: Annotated[
        str | None, typer.Option("--pressure", help="To be met; that of the trajectories if left out.")
    ] = None,
    spread: Annotated[
        float,
        typer.Option("--spread", min=0.01, max=0.99, help="Half width of the ranges, as a part of each value."),
    ] = SPREAD,
    iterations: Annotated[
        int, typer.Option("--iterate", min=0, help="Iterative Boltzmann inversion with LAMMPS, at most so many times.")
    ] = 0,
    steps: Annotated[int, typer.Option("--steps", min=100, help="Recorded steps of each simulation.")] = 20000,
    frames: Annotated[int, typer.Option("--frames", min=10, help="Recorded frames of each.")] = 100,
    timestep: Annotated[str, typer.Option("--timestep", help="Of the simulations.")] = "4 fs",
    damping: Annotated[
        float, typer.Option("--damping", min=0.01, max=1.0, help="Share of every correction that is applied.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of velocities and thermostats.")] = 1,
    workers: WorkersOption = None,
    json: JsonOption = None,
) -> None:
    """Derive bonded terms, and first guesses of the others, from mapped trajectories by Boltzmann inversion.

    Writes a complete coarse-grained problem, its first model, distributions, tables and figures.  With --iterate,
    tabulated potentials are corrected until LAMMPS gives the distributions and the pressure of the trajectories; the
    same command goes on where it was stopped.
    """
    started = time.monotonic()
    console = Console()
    base = None if problem is None else coarse_problem(problem, remedy="leave --problem out")
    choices = _choices(base, pair, mixing, cutoff, pressure, timestep, spread)
    trajectories, names = _read(beads, temperature)
    if base is not None:
        _all_seen(base, trajectories, names)
    terms = _bonded(trajectories)
    pairs = _pairs(trajectories, names, choices, parse_option(width, "length", "--bin"))
    _writable(output)
    found = Inversion(trajectories, tuple(terms), pairs, choices.mixing)
    if iterations:
        order = _order(found, choices, iterations, steps, frames, damping, seed)
        found = _iterated(order, found, choices, output, workers or os.cpu_count() or 1, console)
    parameters = parameters_of(terms, list(found.pairs.guesses.values()), choices.style)
    parameters, more = _write_problem(output, problem, base, trajectories, names, parameters, choices, pairs.cutoffs)
    title = "Boltzmann inversion, iterated" if found.iterations else "First guess by Boltzmann inversion"
    model = model_document(title, parameters, trajectories, _notes(bool(found.iterations), spread))
    write_document(output / "model.yaml", model)
    load_problem(output / "problem.yaml")
    tables = write_inversion(output, found)
    print_inversion(console, found)
    warnings = [one for one in (*found.warnings, *more, too_narrow(parameters, spread)) if one]
    for sentence in warnings:
        say(console, f"note: {sentence}")
    say(console, f"problem, model, distributions and figures are in {output}")
    answer = {
        "command": "invert",
        **inversion_answer(found),
        "parameters": {
            name: {"value": value, "stderr": parameters.stderrs[name]} for name, value in parameters.values.items()
        },
        "tables": tables,
        "warnings": warnings,
        "problem": str(output / "problem.yaml"),
        "model": str(output / "model.yaml"),
        "wall_seconds": time.monotonic() - started,
        "units": {name: UNIT_OF_KIND[kind] for name, kind in parameters.kinds.items()}
        | {"pressure": "atm", "wall_seconds": "s", "core_seconds": "s"},
    }
    write_answer(json, answer)


def _choices(
    base: Problem | None,
    pair: str,
    mixing: str,
    cutoff: str | None,
    pressure: str | None,
    timestep: str,
    spread: float,
) -> _Choices:
    """From the options, or from the problem that is given."""
    if pair not in PAIR_STYLES:
        raise ProblemError("--pair", pair, f"one of {', '.join(PAIR_STYLES)}")
    if mixing not in MIXING_RULES:
        raise ProblemError("--mixing", mixing, f"one of {', '.join(MIXING_RULES)}")
    reach = None if cutoff is None else parse_option(cutoff, "length", "--cutoff")
    wanted = None if pressure is None else parse_option(pressure, "pressure", "--pressure")
    step = parse_option(timestep, "time", "--timestep")
    if base is None:
        return _Choices(pair, mixing, reach, None, (0.0, 0.0, 1.0), wanted, step, spread)
    forcefield = base.forcefield
    own = forcefield.pair
    for section, style in (("bond", forcefield.bond.style), ("angle", forcefield.angle.style)):
        if style != "harmonic":
            raise ProblemError(f"{base.path}: forcefield.{section}.style", style, "harmonic", "which is what is fitted")
    return _Choices(
        own.style, own.mixing, reach or own.cutoff, own.inner_cutoff, forcefield.special_bonds, wanted, step, spread
    )


def _read(paths: Sequence[Path], temperature: str | None) -> tuple[tuple[Trajectory, ...], tuple[str, ...]]:
    kelvin = None if temperature is None else parse_option(temperature, "temperature", "--temperature")
    found: list[Trajectory] = []
    for path in paths:
        found += trajectories_of(load_recordings(path), str(path), kelvin)
    return with_common_names(found)


def _all_seen(base: Problem, trajectories: Sequence[Trajectory], names: Sequence[str]) -> None:
    """Every bead, bond and angle of the problem was seen."""
    wanted = [("bead", tuple(base.beads), set(names))]
    for section, types in (("bond", base.bond_types), ("angle", base.angle_types)):
        wanted.append((section, types, {name for one in trajectories for name in one.names(section)}))
    order = _places(base, names)
    for section, types, seen in wanted:
        alike = {interaction_name(name.split("-"), order) for name in seen}
        for name in types:
            if name not in alike:
                raise ProblemError(
                    f"{base.path}: {section} {name}",
                    f"trajectories with {', '.join(sorted(seen)) or 'none'}",
                    f"one in which {section} {name} is seen",
                    "add a trajectory that has it, at a higher degree of crosslinking perhaps",
                )


def _places(base: Problem, names: Sequence[str]) -> dict[str, int]:
    """Place of each bead in the problem file, after which those come that only trajectories have."""
    return {name: place for place, name in enumerate(dict.fromkeys((*base.beads, *names)))}


def _bonded(trajectories: Sequence[Trajectory]) -> list[BondedTerm]:
    terms = []
    for section in ("bond", "angle"):
        for name in dict.fromkeys(name for one in trajectories for name in one.names(section)):
            terms.append(invert_bonded(section, name, trajectories))
    return terms


def _pairs(trajectories: Sequence[Trajectory], names: Sequence[str], choices: _Choices, width: float) -> Pairs:
    """Radial distribution functions up to the cutoff, and guesses from them."""
    limit = farthest(trajectories)
    reach = choices.cutoff or limit
    if not is_within(reach, limit):
        raise ProblemError(
            "--cutoff",
            f"{reach:g} angstrom",
            f"at most half the shortest edge of the boxes, {limit:.6g} angstrom",
            "simulate more molecules, or choose a shorter one",
        )
    known = pair_names(trajectories, names)
    if missing := [bead for bead in names if f"{bead}-{bead}" not in known]:
        raise EstimateError(
            f"pair {missing[0]}-{missing[0]}: no two such beads lie in different molecules; its interaction cannot be "
            "guessed from this system, simulate more molecules"
        )
    bins = radial_bins(reach, width)
    functions = {name: tuple(radial(one, name, bins) for one in trajectories) for name in known}
    guesses = {
        name: guess([one for one in each if one is not None], bonded=has_bonds(trajectories, name))
        for name, each in functions.items()
    }
    if choices.cutoff is None:
        largest = max(one.sigma for one in guesses.values())
        reach = min(round(2.0 * _DIAMETERS * largest) / 2.0, _ROOM * limit)
        count = int(np.searchsorted(bins, reach))
        reach = float(bins[count - 1] + 0.5 * (bins[1] - bins[0]))
        functions = {
            name: tuple(None if one is None else _shortened(one, count) for one in each)
            for name, each in functions.items()
        }
    return Pairs((choices.inner or INNER * reach, reach), functions, guesses)


def _shortened(one: Radial, count: int) -> Radial:
    return Radial(one.name, one.r[:count], one.g[:count], one.stderr[:count], one.kt, one.pairs, one.volume)


def _order(
    found: Inversion, choices: _Choices, iterations: int, steps: int, frames: int, damping: float, seed: int
) -> Order:
    targets = [pair_target(each, found.trajectories) for each in found.pairs.functions.values()]
    start: dict[Key, Array] = {target.key: inverted(target) for target in targets}
    for term in found.terms:
        target = bonded_target(term, found.trajectories)
        targets.append(target)
        start[target.key] = term.table(target.x)
    given = None if choices.pressure is None else Pressure(choices.pressure, 0.0)
    return Order(
        trajectories=found.trajectories,
        targets=tuple(targets),
        start=start,
        pressures=tuple(given or pressure_of(one) for one in found.trajectories),
        special_bonds=choices.special_bonds,
        iterations=iterations,
        steps=steps,
        frames=frames,
        timestep=choices.timestep,
        damping=damping,
        seed=seed,
        time_limit=12 * 3600.0,
    )


def _iterated(
    order: Order, first: Inversion, choices: _Choices, output: Path, workers: int, console: Console
) -> Inversion:
    """What was found, with iterations, and with what the pair style makes of their potentials."""
    engine = find_engine()
    if all(one is None for one in order.pressures):
        say(console, "note: no pressure was recorded with the trajectories, so none is corrected; give --pressure")
    with Study(output).driven(), Study(output).lease() as lease, display(console) as shown:
        iterations = iterate(
            order,
            output / "iterations",
            engine,
            workers,
            lambda: not lease.exists(),
            lambda one: _tell(one, order, shown, console),
        )
    guesses = _fitted(best_of(iterations), first.pairs, choices.style)
    pairs = replace(first.pairs, guesses=guesses)
    return replace(first, pairs=pairs, targets=order.targets, iterations=iterations)


def _tell(one: Iteration, order: Order, shown: Display, console: Console) -> None:
    shown.step("iterate", one.number, order.iterations)
    say(console, iteration_sentence(one))


def _fitted(best: Iteration, pairs: Pairs, style: str) -> dict[str, PairGuess]:
    """What a pair style makes of the iterated potentials."""
    fitted = {}
    for name, first in pairs.guesses.items():
        function = next(one for one in pairs.functions[name] if one is not None)
        fitted[name] = fit_style(style, function, best.energies["pair", name], first, pairs.cutoffs)
    return fitted


def _writable(folder: Path) -> None:
    try:
        for part in (DISTRIBUTIONS, TABLES):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"--output: received {folder}, expected a folder that can be written ({error.strerror})"
        ) from error


def _write_problem(
    output: Path,
    path: Path | None,
    base: Problem | None,
    trajectories: Sequence[Trajectory],
    names: Sequence[str],
    parameters: Parameters,
    choices: _Choices,
    cutoffs: tuple[float, float],
) -> tuple[Parameters, tuple[str, ...]]:
    """Write the problem file; the parameters that it needs, and remarks."""
    if base is None or path is None:
        section: dict[str, Any] = {
            "style": choices.style,
            "cutoff": f"{cutoffs[1]:.6g} angstrom",
            "mixing": choices.mixing,
        }
        if PAIR_STYLES[choices.style].cutoffs > 1:
            section["inner_cutoff"] = f"{cutoffs[0]:.6g} angstrom"
        known = next((one for one in map(pressure_of, trajectories) if one is not None), None)
        pressure = choices.pressure
        if pressure is None:
            # A pressure below that of the air is noise more often than meant, and a liquid under tension boils.
            pressure = max(known.value, _USUAL_PRESSURE) if known is not None else _USUAL_PRESSURE
        document, kept, warnings = problem_document(
            trajectories, names, parameters, section, pressure, choices.timestep, choices.spread
        )
        write_document(output / "problem.yaml", document)
        return kept, warnings
    kinds = base.parameters.kinds
    order = _places(base, names)
    own = _in_order(parameters, order)
    needed = {name: value for name, value in own.values.items() if name in kinds}
    kept = Parameters(needed, {name: own.stderrs[name] for name in needed}, {name: own.kinds[name] for name in needed})
    document = _elsewhere(read_problem(path), path.parent, output)
    document["parameters"] = {**document.get("parameters", {}), **rules_of(kept, choices.spread)}
    write_document(output / "problem.yaml", document)
    return kept, ()


def _in_order(parameters: Parameters, order: Mapping[str, int]) -> Parameters:
    """Names of interactions as another file writes them."""

    def renamed(name: str) -> str:
        section, _, rest = name.partition(".")
        middle, _, last = rest.rpartition(".")
        return f"{section}.{interaction_name(middle.split('-'), order)}.{last}"

    return Parameters(
        {renamed(name): value for name, value in parameters.values.items()},
        {renamed(name): stderr for name, stderr in parameters.stderrs.items()},
        {renamed(name): kind for name, kind in parameters.kinds.items()},
    )


def _elsewhere(entry: Any, folder: Path, output: Path) -> Any:
    """A document with the files that it names as they are called from another folder."""
    if isinstance(entry, dict):
        return {key: _elsewhere(value, folder, output) for key, value in entry.items()}
    if isinstance(entry, list):
        return [_elsewhere(value, folder, output) for value in entry]
    if (
        isinstance(entry, str)
        and "." in entry
        and len(entry) < 200
        and "\n" not in entry
        and (folder / entry).is_file()
    ):
        return os.path.relpath(folder / entry, output)
    return entry


def _notes(iterated: bool, spread: float) -> str:
    if iterated:
        return (
            "Bonded terms by maximum likelihood with the measures r^2 and sin(theta); epsilon and sigma fitted to the "
            f"pair potentials of iterative Boltzmann inversion. Ranges are {100 * spread:.3g} % wide each way."
        )
    return (
        "Bonded terms by maximum likelihood with the measures r^2 and sin(theta). Epsilon and sigma are guesses, from "
        "the height and the rise of the first peak of g(r) between molecules; their errors hold what such guesses were "
        f"found to be off by. Ranges are {100 * spread:.3g} % wide each way."
    )
