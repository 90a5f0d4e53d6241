"""Coefficients of every kind of interaction, and how they follow from the free parameters: ties and mixing rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.observe.response.frame_values import Array
from beadsmith.problem.parameters import ParameterSpace
from beadsmith.problem.styles import Coefficient, Style


@dataclass(frozen=True)
class Coefficients:
    """The numbers of a style for every kind of pair, bond or angle.

    Attributes:
        values: shape (kinds, coefficients).
        slopes: derivatives by the free parameters, shape (kinds, coefficients, parameters).
    """

    values: Array
    slopes: Array


def free_columns(space: ParameterSpace) -> dict[str, int]:
    """Which free parameter each parameter follows: itself, or its leader; fixed ones are not in it."""
    own = {parameter.name: index for index, parameter in enumerate(space.free)}
    return own | {name: own[leader] for name, leader in space.tied.items() if leader in own}


def bonded_coefficients(
    section: str, names: Sequence[str], style: Style, values: Mapping[str, float], space: ParameterSpace
) -> Coefficients:
    """Coefficients of all bond types, or all angle types; each is a parameter itself.

    Args:
        section: ``bond`` or ``angle``.
        names: of the types.
        values: of all parameters, at the state.
    """
    full = [[f"{section}.{name}.{coefficient.name}" for coefficient in style.coefficients] for name in names]
    shape = (len(names), len(style.coefficients))
    numbers = np.array([values[name] for row in full for name in row], dtype=np.float64).reshape(shape)
    slopes = _rows([{name: 1.0} for row in full for name in row], space)
    return Coefficients(numbers, slopes.reshape(*shape, len(space.free)))


def pair_coefficients(
    beads: Sequence[str], style: Style, mixing: str, values: Mapping[str, float], space: ParameterSpace
) -> Coefficients:
    """Coefficients of all kinds of pairs, like and unlike; see :func:`beadsmith.observe.response.pairs.kinds_of_pairs`.

    An unlike pair's coefficient is mixed unless it is a parameter of its own.

    Args:
        beads: names of the bead types.
        mixing: LAMMPS' rule.
        values: of all parameters, at the state.
    """
    kinds = list(combinations_with_replacement(beads, 2))
    found = [
        _of_pair(first, second, coefficient, mixing, values)
        for first, second in kinds
        for coefficient in style.coefficients
    ]
    shape = (len(kinds), len(style.coefficients))
    numbers = np.array([value for value, _ in found], dtype=np.float64).reshape(shape)
    slopes = _rows([slopes for _, slopes in found], space)
    return Coefficients(numbers, slopes.reshape(*shape, len(space.free)))


def _rows(slopes: Sequence[Mapping[str, float]], space: ParameterSpace) -> Array:
    """Derivatives by name of parameter to rows over the free ones: followers add to their leader."""
    columns = free_columns(space)
    rows = np.zeros((len(slopes), len(space.free)))
    for row, own in zip(rows, slopes, strict=True):
        for name, slope in own.items():
            if name in columns:
                row[columns[name]] += slope
    return rows


def _of_pair(
    first: str, second: str, coefficient: Coefficient, mixing: str, values: Mapping[str, float]
) -> tuple[float, dict[str, float]]:
    """Value, and derivative by each parameter it comes from."""
    own = f"pair.{first}.{coefficient.name}" if first == second else f"pair.{first}-{second}.{coefficient.name}"
    if own in values:
        return values[own], {own: 1.0}
    names = [f"pair.{bead}.{coefficient.name}" for bead in (first, second)]
    one, other = (values[name] for name in names)
    if coefficient.mixing == "distance":
        by_one, by_other = mix_distance_slopes(one, other, mixing)
        return mix_distance(one, other, mixing), {names[0]: by_one, names[1]: by_other}
    names += [f"pair.{bead}.sigma" for bead in (first, second)]
    diameters = [values[name] for name in names[2:]]
    slopes = mix_energy_slopes(one, other, diameters[0], diameters[1], mixing)
    return mix_energy(one, other, diameters[0], diameters[1], mixing), dict(zip(names, slopes, strict=True))


def mix_distance_slopes(first: float, second: float, rule: str) -> tuple[float, float]:
    """Derivatives of :func:`~beadsmith.forcefield.mixing.mix_distance` by its two distances (or exponents)."""
    if rule == "geometric":
        return 0.5 * math.sqrt(second / first), 0.5 * math.sqrt(first / second)
    if rule == "arithmetic":
        return 0.5, 0.5
    mixed = mix_distance(first, second, rule)
    return 0.5 * (first / mixed) ** 5, 0.5 * (second / mixed) ** 5


def mix_energy_slopes(
    first: float, second: float, sigma_first: float, sigma_second: float, rule: str
) -> tuple[float, float, float, float]:
    """Derivatives of :func:`~beadsmith.forcefield.mixing.mix_energy` by its two energies and its two diameters.

    A root has no slope at zero: a well depth of 0 that mixes gets an infinite one.
    """
    root = mix_energy(1.0, 1.0, sigma_first, sigma_second, rule)
    by_first = root * 0.5 * math.sqrt(second / first) if first > 0.0 else math.inf
    by_second = root * 0.5 * math.sqrt(first / second) if second > 0.0 else math.inf
    if rule != "sixthpower":
        return by_first, by_second, 0.0, 0.0
    mixed = mix_energy(first, second, sigma_first, sigma_second, rule)
    total = sigma_first**6 + sigma_second**6
    by_one, by_other = (mixed * (3.0 / sigma - 6.0 * sigma**5 / total) for sigma in (sigma_first, sigma_second))
    return by_first, by_second, by_one, by_other
