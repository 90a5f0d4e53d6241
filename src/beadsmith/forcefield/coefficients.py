"""From parameter values to LAMMPS text: styles once, coefficients at every state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, PAIR_STYLES, Style


def style_lines(problem: Problem, *, periodic: bool = True) -> list[str]:
    """``pair_style``, ``bond_style`` and the like: what does not depend on the parameters.

    Args:
        periodic: tail corrections make sense in periodic boxes only and are left out elsewhere.
    """
    forcefield = problem.forcefield
    pair = forcefield.pair
    cutoffs = [pair.cutoff] if pair.inner_cutoff is None else [pair.inner_cutoff, pair.cutoff]
    tail = "yes" if pair.tail and periodic else "no"
    bonds, angles = interaction_names(problem)
    lines = [
        f"pair_style {pair.style} {' '.join(_number(cutoff) for cutoff in cutoffs)}",
        f"pair_modify mix {pair.mixing} tail {tail} shift {'yes' if pair.shift else 'no'}",
        f"special_bonds lj {' '.join(_number(factor) for factor in forcefield.special_bonds)}",
    ]
    if bonds:
        lines.append(f"bond_style {forcefield.bond.style}")
    if angles:
        lines.append(f"angle_style {forcefield.angle.style}")
    return lines


def coefficient_lines(problem: Problem, model: Model, state: State) -> list[str]:
    """``pair_coeff``, ``bond_coeff`` and ``angle_coeff`` of a model at a state.

    Raises:
        ProblemError: if a function of the model needs a variable that ``state`` lacks.
    """
    values = model.at(state)
    forcefield = problem.forcefield
    bonds, angles = interaction_names(problem)
    lines = _bonded("bond", bonds, BOND_STYLES[forcefield.bond.style], values)
    lines += _bonded("angle", angles, ANGLE_STYLES[forcefield.angle.style], values)
    return lines + _pairs(tuple(problem.beads), PAIR_STYLES[forcefield.pair.style], forcefield.pair.mixing, values)


def interaction_names(problem: Problem) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of bond types and of angle types; LAMMPS type numbers follow their order."""
    return problem.bond_types, problem.angle_types


def diameters(problem: Problem, model: Model, state: State) -> dict[str, float]:
    """Sigma of each bead at a state, angstrom."""
    values = model.at(state)
    return {bead: values[f"pair.{bead}.sigma"] for bead in problem.beads}


def bond_lengths(problem: Problem, model: Model, state: State) -> dict[str, float]:
    """Equilibrium length of each bond type at a state, angstrom."""
    values = model.at(state)
    return {name: values[f"bond.{name}.length"] for name in interaction_names(problem)[0]}


def equilibrium_angles(problem: Problem, model: Model, state: State) -> dict[str, float]:
    """Equilibrium angle of each angle type at a state, degrees."""
    values = model.at(state)
    return {name: values[f"angle.{name}.theta0"] for name in interaction_names(problem)[1]}


def _bonded(section: str, names: Sequence[str], style: Style, values: Mapping[str, float]) -> list[str]:
    return [
        f"{section}_coeff {number} "
        + " ".join(_number(values[f"{section}.{name}.{coefficient.name}"]) for coefficient in style.coefficients)
        + f"  # {name}"
        for number, name in enumerate(names, start=1)
    ]


def _pairs(beads: Sequence[str], style: Style, mixing: str, values: Mapping[str, float]) -> list[str]:
    lines = []
    for number, bead in enumerate(beads, start=1):
        own = [values[f"pair.{bead}.{coefficient.name}"] for coefficient in style.coefficients]
        lines.append(f"pair_coeff {number} {number} {' '.join(_number(value) for value in own)}  # {bead}")
    given = {name.rpartition(".")[0] for name in values}
    for (first, bead), (second, other) in combinations(enumerate(beads, start=1), 2):
        pair = f"pair.{bead}-{other}"
        if pair in given:
            cross = [
                values.get(f"{pair}.{coefficient.name}", _mixed(bead, other, coefficient.name, style, mixing, values))
                for coefficient in style.coefficients
            ]
            lines.append(f"pair_coeff {first} {second} {' '.join(_number(value) for value in cross)}  # {bead}-{other}")
    return lines


def _mixed(bead: str, other: str, coefficient: str, style: Style, mixing: str, values: Mapping[str, float]) -> float:
    """What LAMMPS would mix: needed when only some coefficients of an unlike pair are given."""
    first, second = (values[f"pair.{name}.{coefficient}"] for name in (bead, other))
    how = next(entry.mixing for entry in style.coefficients if entry.name == coefficient)
    if how == "energy":
        sigmas = [values[f"pair.{name}.sigma"] for name in (bead, other)]
        return mix_energy(first, second, sigmas[0], sigmas[1], mixing)
    return mix_distance(first, second, mixing)


def _number(value: float) -> str:
    return f"{value:.10g}"
