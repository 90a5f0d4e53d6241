"""The LAMMPS interaction styles Beadsmith knows, as tables: their coefficients, in LAMMPS' order, and what these are.

A new style is one more entry here (and, for a pair style, its energy in :mod:`beadsmith.forcefield.energies`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coefficient:
    """One number of an interaction.

    Attributes:
        name: the last part of the parameter's name.
        kind: kind of quantity (:mod:`beadsmith.units`).
        mixing: how unlike pairs get it (``energy``, ``distance``); None for bonded terms.
        default: value if the problem says nothing; None if it must.
    """

    name: str
    kind: str
    mixing: str | None = None
    default: float | None = None


@dataclass(frozen=True)
class Style:
    """An interaction style of LAMMPS.

    Attributes:
        coefficients: in the order of ``pair_coeff``, ``bond_coeff`` or ``angle_coeff``.
        cutoffs: how many cutoff lengths ``pair_style`` takes (inner and outer for 2).
        tail: whether ``pair_modify tail yes`` exists for it.
    """

    name: str
    coefficients: tuple[Coefficient, ...]
    cutoffs: int = 1
    tail: bool = True


_EPSILON = Coefficient("epsilon", "energy", mixing="energy")
_SIGMA = Coefficient("sigma", "length", mixing="distance")

PAIR_STYLES = {
    style.name: style
    for style in (
        Style("lj/cut", (_EPSILON, _SIGMA)),
        Style("lj/gromacs", (_EPSILON, _SIGMA), cutoffs=2, tail=False),
        Style(
            "mie/cut",
            (
                _EPSILON,
                _SIGMA,
                Coefficient("repulsive_exponent", "number", mixing="distance"),
                Coefficient("attractive_exponent", "number", mixing="distance", default=6.0),
            ),
        ),
    )
}

BOND_STYLES = {
    style.name: style
    for style in (
        Style("harmonic", (Coefficient("k", "bond stiffness"), Coefficient("length", "length"))),
        Style(
            "morse",
            (
                Coefficient("depth", "energy"),
                Coefficient("alpha", "wave number"),
                Coefficient("length", "length"),
            ),
        ),
    )
}

ANGLE_STYLES = {
    style.name: style
    for style in (
        Style("harmonic", (Coefficient("k", "angle stiffness"), Coefficient("theta0", "angle"))),
        Style("cosine/squared", (Coefficient("k", "energy"), Coefficient("theta0", "angle"))),
    )
}

#: What LAMMPS' ``pair_modify mix`` knows.
MIXING_RULES = ("geometric", "arithmetic", "sixthpower")
