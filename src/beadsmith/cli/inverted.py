"""What ``invert`` writes: distributions, tables, figures, and its answer (docs/json.md)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Printed

from beadsmith.campaign.inverting import Iteration, best_of
from beadsmith.cli.speech import say
from beadsmith.inversion.bonded import BondedTerm
from beadsmith.inversion.iterative import Target, table_of
from beadsmith.inversion.radial import MixingCheck, PairGuess, Radial, compare_with_mixing
from beadsmith.inversion.tables import Table, table_file
from beadsmith.inversion.trajectory import Trajectory
from beadsmith.problem.recording import Array
from beadsmith.report.inversion import draw_bonded, draw_radial

#: Folders that are written into.
DISTRIBUTIONS, TABLES = "distributions", "tables"


@dataclass(frozen=True)
class Pairs:
    """Pairs at a cutoff.

    Attributes:
        cutoffs: inner and outer, angstrom.
        functions: by name, one for each trajectory; None where it has no such pair.
        guesses: by name.
    """

    cutoffs: tuple[float, float]
    functions: Mapping[str, tuple[Radial | None, ...]]
    guesses: Mapping[str, PairGuess]


@dataclass(frozen=True)
class Inversion:
    """What was found.

    Attributes:
        trajectories: what was inverted.
        terms: of bonds and angles.
        pairs: with guesses, or what the pair style makes of the iterated potentials.
        mixing: name of the mixing rule.
        targets: of the iterations; empty if there were none.
        iterations: in order; empty if there were none.
    """

    trajectories: tuple[Trajectory, ...]
    terms: tuple[BondedTerm, ...]
    pairs: Pairs
    mixing: str
    targets: tuple[Target, ...] = ()
    iterations: tuple[Iteration, ...] = ()

    @property
    def checks(self) -> tuple[MixingCheck, ...]:
        """Guesses beside the mixing rule."""
        return compare_with_mixing(list(self.pairs.guesses.values()), self.mixing)

    @property
    def warnings(self) -> list[str]:
        """What to know about terms and guesses, a sentence each."""
        of_pairs = [sentence for one in self.pairs.guesses.values() for sentence in one.warnings]
        return [sentence for term in self.terms for sentence in term.warnings] + of_pairs

    @property
    def best(self) -> Iteration | None:
        """The iteration to use."""
        return best_of(self.iterations) if self.iterations else None


def write_inversion(output: Path, found: Inversion) -> dict[str, str]:
    """Write distributions, tables and figures into a folder that has folders for them; the tables by keyword."""
    _write_distributions(output / DISTRIBUTIONS, found)
    _draw(output, found)
    return _write_tables(output / TABLES, found)


def print_inversion(console: Console, found: Inversion) -> None:
    """Bonded terms and pairs as tables, with what to know about them."""
    if found.terms:
        table = Printed()
        for column in ("", "K", "x0", "unit", "independent samples", "fit"):
            table.add_column(column)
        for term in found.terms:
            unit = "Å, kcal/mol/Å²" if term.section == "bond" else "°, kcal/mol/rad²"
            table.add_row(
                f"{term.section} {term.name}",
                f"{term.k:.4g} ± {term.k_stderr:.2g}",
                f"{term.centre:.5g} ± {term.centre_stderr:.2g}",
                unit,
                f"{term.samples:.0f}",
                term.quality,
            )
        console.print(table)
    ruled = {one.name: one for one in found.checks}
    table = Printed()
    for column in ("pair", "epsilon kcal/mol", "sigma Å", "peak of g", "mixing rule gives"):
        table.add_column(column)
    for name, one in found.pairs.guesses.items():
        check = ruled.get(name)
        told = "" if check is None else f"{check.epsilon:.3g} ({check.epsilon_deviation:+.1f} standard errors), "
        told += "" if check is None else f"{check.sigma:.4g} ({check.sigma_deviation:+.1f})"
        table.add_row(
            name,
            f"{one.epsilon:.3g} ± {one.epsilon_stderr:.2g}",
            f"{one.sigma:.4g} ± {one.sigma_stderr:.2g}",
            f"{one.peak[1]:.3g} at {one.peak[0]:.3g} Å",
            told,
        )
    console.print(table)
    if found.best is None:
        say(
            console,
            "epsilon and sigma are first guesses: in a liquid g(r) is packing as much as interaction, and the errors "
            "say how far such guesses were off for Lennard-Jones liquids",
        )
    elif not found.best.converged:
        say(
            console,
            f"not converged after {len(found.iterations)} iterations: {iteration_sentence(found.best)}; "
            "allow more with --iterate",
        )


def iteration_sentence(one: Iteration) -> str:
    """How far an iteration has come."""
    worst = one.worst
    pressures = ", ".join(f"{found.pressure.value:.0f} ± {found.pressure.stderr:.0f}" for found in one.measurements)
    return (
        f"iteration {one.number}: {worst.key[0]} {worst.key[1]} deviates most, by {100 * worst.relative:.2g} % where "
        f"noise makes {100 * worst.floor:.2g} %; pressure {pressures} atm{'; converged' if one.converged else ''}"
    )


def inversion_answer(found: Inversion) -> dict[str, Any]:
    """The part of the answer that says what was found."""
    best = found.best
    return {
        "states": [one.state.as_dict() for one in found.trajectories],
        "bonded": [_term_answer(term) for term in found.terms],
        "pairs": [_guess_answer(one) for one in found.pairs.guesses.values()],
        "mixing": [_check_answer(one) for one in found.checks],
        "iterations": [_iteration_answer(one) for one in found.iterations],
        "converged": None if best is None else best.converged,
        "core_seconds": sum(one.core_seconds for each in found.iterations for one in each.measurements),
    }


def _write_distributions(folder: Path, found: Inversion) -> None:
    for term in found.terms:
        curve = term.curve
        x = "length" if term.section == "bond" else "angle"
        columns = {x: curve.x, "density": curve.density, "density_stderr": curve.stderr, "harmonic": curve.fit}
        columns |= {"gaussians": curve.mixture, "potential_of_mean_force": curve.potential}
        _write_csv(folder / f"{term.section}.{term.name}.csv", columns)
    best = found.best
    for name, each in found.pairs.functions.items():
        columns = {}
        for number, one in enumerate(each, start=1):
            if one is None:
                continue
            mark = f"_{number}" if len(found.trajectories) > 1 else ""
            columns |= {"r": one.r, f"g{mark}": one.g, f"g{mark}_stderr": one.stderr}
            if best is not None and (gave := best.measurements[number - 1].distributions.get(("pair", name))):
                columns |= {f"iterated{mark}": gave.value, f"iterated{mark}_stderr": gave.stderr}
        if best is not None:
            columns["potential"] = best.energies["pair", name]
        _write_csv(folder / f"radial.{name}.csv", columns)


def _write_csv(path: Path, columns: Mapping[str, Array]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([[f"{value:.6g}" for value in row] for row in zip(*columns.values(), strict=True)])


def _write_tables(folder: Path, found: Inversion) -> dict[str, str]:
    """Tables of the bonded terms; after an iteration, of all that it made, with the LAMMPS lines to use them."""
    best = found.best
    tables: list[Table] = [term.table for term in found.terms]
    if best is not None:
        tables = [table_of(target, best.energies[target.key]) for target in found.targets]
    written: dict[str, str] = {}
    for kind in ("pair", "bond", "angle"):
        own = [one for one in tables if one.kind == kind]
        if own:
            path = folder / f"{kind}.table"
            path.write_text(table_file(own, f"{kind} potentials by Boltzmann inversion, units real"), encoding="utf-8")
            written |= {one.keyword: str(path) for one in own}
    return written


def _draw(output: Path, found: Inversion) -> None:
    draw_bonded(output / "bonds.png", [term for term in found.terms if term.section == "bond"])
    draw_bonded(output / "angles.png", [term for term in found.terms if term.section == "angle"])
    best = found.best
    panels = []
    for name, each in found.pairs.functions.items():
        functions = [
            (own.state.label, one) for own, one in zip(found.trajectories, each, strict=True) if one is not None
        ]
        first = next(number for number, one in enumerate(each) if one is not None)
        gave = None if best is None else best.measurements[first].distributions["pair", name].value
        panels.append((name, functions, found.pairs.guesses.get(name), gave))
    draw_radial(output / "radial.png", panels)


def _term_answer(term: BondedTerm) -> dict[str, Any]:
    return {
        "kind": term.section,
        "name": term.name,
        "k": {"value": term.k, "stderr": term.k_stderr},
        "centre": {"value": term.centre, "stderr": term.centre_stderr},
        "samples": term.samples,
        "overlap": term.overlap,
        "expected_overlap": term.expected_overlap,
        "harmonic": term.harmonic,
        "gaussians": term.wells,
        "peaks": [{"centre": peak.centre, "weight": peak.weight, "k": peak.k} for peak in term.peaks],
        "quality": term.quality,
    }


def _guess_answer(one: PairGuess) -> dict[str, Any]:
    return {
        "name": one.name,
        "epsilon": {"value": one.epsilon, "stderr": one.epsilon_stderr, "statistical_stderr": one.statistical[0]},
        "sigma": {"value": one.sigma, "stderr": one.sigma_stderr, "statistical_stderr": one.statistical[1]},
        "peak": {"r": one.peak[0], "g": one.peak[1]},
        "method": one.method,
    }


def _check_answer(one: MixingCheck) -> dict[str, Any]:
    return {
        "name": one.name,
        "epsilon": one.epsilon,
        "sigma": one.sigma,
        "epsilon_deviation": one.epsilon_deviation,
        "sigma_deviation": one.sigma_deviation,
    }


def _iteration_answer(one: Iteration) -> dict[str, Any]:
    return {
        "iteration": one.number,
        "converged": one.converged,
        "pressure": [{"value": each.pressure.value, "stderr": each.pressure.stderr} for each in one.measurements],
        "deviations": [
            {"kind": each.key[0], "name": each.key[1], "relative": each.relative, "noise": each.floor}
            for each in one.deviations
        ],
    }
