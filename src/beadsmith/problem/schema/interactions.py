"""The form of the interactions, and what is known about their parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from beadsmith.problem.quantity import Length
from beadsmith.problem.schema.section import QuantityText, Section, one_of
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, MIXING_RULES, PAIR_STYLES


class PairStyle(Section):
    """Non-bonded interaction."""

    style: Annotated[str, one_of(tuple(PAIR_STYLES))]
    """LAMMPS pair style: lj/cut, lj/gromacs or mie/cut."""
    cutoff: Length
    """Cutoff, such as '9.5 angstrom'; the outer one of lj/gromacs."""
    inner_cutoff: Length | None = None
    """Where the smoothing of lj/gromacs begins."""
    mixing: Annotated[str, one_of(MIXING_RULES)] = "geometric"
    """How unlike beads mix: LAMMPS' pair_modify mix."""
    tail: bool = False
    """Long-range tail corrections to energy and pressure (periodic boxes only)."""
    shift: bool = False
    """Shift the energy to zero at the cutoff."""


class BondStyle(Section):
    """Bonds."""

    style: Annotated[str, one_of(tuple(BOND_STYLES))] = "harmonic"
    """LAMMPS bond style."""


class AngleStyle(Section):
    """Angles."""

    style: Annotated[str, one_of(tuple(ANGLE_STYLES))] = "harmonic"
    """LAMMPS angle style."""


def _three_factors(value: object) -> object:
    numbers = [factor for factor in value if isinstance(factor, int | float)] if isinstance(value, list) else []
    if len(numbers) != 3 or not all(0 <= factor <= 1 for factor in numbers):
        raise ValueError("three factors between 0 and 1, such as [0, 0, 1]")
    return tuple(numbers)


Factors = Annotated[
    tuple[float, float, float], BeforeValidator(_three_factors, json_schema_input_type=tuple[float, float, float])
]


class ForceField(Section):
    """The form of the interactions; their numbers are parameters."""

    pair: PairStyle
    """Pair style."""
    bond: BondStyle = BondStyle()
    """Bond style."""
    angle: AngleStyle = AngleStyle()
    """Angle style."""
    special_bonds: Factors = (0.0, 0.0, 1.0)
    """Scaling of pair interactions between beads one, two and three bonds apart."""


def _known_force_field(name: object) -> object:
    if name not in ("dreiding", "own"):
        raise ValueError("one of dreiding, own")
    return name


class Dreiding(Section):
    """All atoms by the DREIDING force field (Mayo, Olafson and Goddard 1990), with its exp-6 form; nothing is free."""

    atomistic: Annotated[Literal["dreiding"], BeforeValidator(_known_force_field)]
    """Name of the force field."""
    charges: Literal["gasteiger", "none"] = "gasteiger"
    """Partial charges of the atoms."""
    aryl_ether_oxygen: Literal["O_R", "O_3"] = "O_R"
    """Type of an oxygen between an aromatic ring and another carbon: resonant or sp3."""
    cutoff: Length = 10.0
    """Cutoff of exp-6, and of the Coulomb sum in real space."""
    electrostatics: Literal["pppm", "none"] = "pppm"
    """Coulomb interactions between the charges, by the particle-particle particle-mesh method; or none at all."""
    accuracy: Annotated[float, Field(gt=0, lt=0.1)] = 1e-4
    """Relative error of the forces of pppm."""
    tail: bool = True
    """Whether energy and pressure have the dispersion beyond the cutoff, as if all were homogeneous there: without it
    an epoxy is some 2 % too light at 10 angstrom."""


class OwnForceField(Section):
    """All atoms by a force field of one's own: data files and inputs of experiments of kind script hold all of it."""

    atomistic: Literal["own"]
    """That it is one's own."""


def _which_force_field(section: object) -> str:
    if isinstance(section, OwnForceField) or (isinstance(section, dict) and section.get("atomistic") == "own"):
        return "OwnForceField"
    given = section if isinstance(section, dict) else getattr(section, "model_fields_set", ())
    return "Dreiding" if "atomistic" in given else "ForceField"


AnyForceField = Annotated[
    Annotated[ForceField, Tag("ForceField")]
    | Annotated[Dreiding, Tag("Dreiding")]
    | Annotated[OwnForceField, Tag("OwnForceField")],
    Discriminator(_which_force_field),
]


class ParameterRule(Section):
    """What is known about one parameter, or about all whose names match a pattern; exactly one of the three keys."""

    range: QuantityText | None = None
    """Free between two ends: '2.5 to 5 angstrom'."""
    fixed: QuantityText | None = None
    """Held at a value: '6' or '3.5 angstrom'."""
    tied: str | None = None
    """Always equal to another parameter, named here."""


def _rule(value: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {"range": value}
    if not isinstance(value, dict | ParameterRule):
        raise ValueError("a range such as '1 to 12 kcal/mol', or {fixed: ...}, or {tied: ...}")
    return value


RangeOrRule = Annotated[ParameterRule, BeforeValidator(_rule)]
