"""Observables: what is measured in an experiment, or derived from what was."""

from __future__ import annotations

import itertools
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from beadsmith.problem.quantity import Angles, Lengths, TemperatureRange, Time, Times, parse_quantities, parse_range
from beadsmith.problem.schema.section import Name, Section, words
from beadsmith.problem.state import State


class FromSeries(Section):
    """Mean of a number recorded over time."""

    kind: Literal["density", "potential_energy", "pressure", "temperature", "volume"]
    experiment: Name
    """The experiment that records it."""


class Mean(Section):
    """Mean of any named column of a user's own script, or value of a column of formulas."""

    kind: Literal["mean"]
    experiment: Name
    """The experiment that records it."""
    column: Name
    """Name of the column."""
    unit: str = ""
    """Its unit, for tables."""


class OfMolecules(Section):
    """A property of single molecules, averaged over them and over time."""

    kind: Literal["radius_of_gyration", "end_to_end_distance"]
    experiment: Name
    """The experiment that records positions."""
    molecule: Name | None = None
    """Which molecule; all if left out."""


class BondLength(Section):
    """Mean length of bonds."""

    kind: Literal["bond_length"]
    experiment: Name
    """The experiment that records positions."""
    bond: str | None = None
    """Which bonds, such as T1-T2; all if left out."""
    molecule: Name | None = None
    """Of which molecule; all if left out."""


class BondAngle(Section):
    """Mean angle between bonds that share a bead."""

    kind: Literal["bond_angle"]
    experiment: Name
    """The experiment that records positions."""
    angle: str | None = None
    """Which angles, such as T1-T2-T3; all if left out."""
    molecule: Name | None = None
    """Of which molecule; all if left out."""


def _bins(centres: tuple[float, ...], example: str = "3 to 9 by 0.5 angstrom") -> tuple[float, ...]:
    """Centres of bins that touch each other and do not reach below zero."""
    steps = [later - earlier for earlier, later in itertools.pairwise(centres)]
    if not steps or min(steps) <= 0 or max(steps) - min(steps) > 1e-6 * max(steps):
        raise ValueError(f"two or more centres of bins, evenly spaced and increasing, such as '{example}'")
    if centres[0] < 0.5 * steps[0] * (1 - 1e-6):
        raise ValueError(f"bins that begin at zero or above: a first centre of {0.5 * steps[0]:g} or more")
    return centres


def _bins_of_angles(centres: tuple[float, ...]) -> tuple[float, ...]:
    half = 0.5 * (_bins(centres, "65 to 175 by 10 degree")[1] - centres[0])
    if centres[-1] + half > 180 * (1 + 1e-6):
        raise ValueError(f"bins that end at 180 degrees or below: a last centre of {180 - half:g} or less")
    return centres


class Distribution(Section):
    """Base of distributions: a value for every bin, observed at a state that says the bin's centre too."""

    coordinate: ClassVar[str]
    experiment: Name
    """The experiment that records positions."""

    @property
    def centres(self) -> tuple[float, ...]:
        """Middle of each bin."""
        centres: tuple[float, ...] = getattr(self, self.coordinate)
        return centres

    @property
    def edges(self) -> tuple[float, ...]:
        """Where bins begin and end, one more than there are bins; not below zero."""
        half = 0.5 * (self.centres[1] - self.centres[0])
        return (max(self.centres[0] - half, 0.0), *(centre + half for centre in self.centres))

    def states(self, recorded: State) -> list[State]:
        """States of its values in a simulation at one state."""
        return [recorded.with_(**{self.coordinate: centre}) for centre in self.centres]


class RadialDistribution(Distribution):
    """Radial distribution function: how many times denser than on average beads lie at a distance from each other."""

    coordinate = "r"
    kind: Literal["radial_distribution"]
    pair: str | None = None
    """Types of the two beads, such as T1-T2; all beads if left out."""
    r: Annotated[Lengths, AfterValidator(_bins)]
    """Centres of the bins, which are as wide as their spacing: '3 to 9 by 0.5 angstrom'; up to half the box."""
    intramolecular: bool = False
    """Count pairs within molecules too, and those of a network that a crosslink joins."""


class BondDistribution(Distribution):
    """Probability density of the length of bonds."""

    coordinate = "r"
    kind: Literal["bond_distribution"]
    bond: str | None = None
    """Which bonds, such as T1-T2; all if left out."""
    molecule: Name | None = None
    """Of which molecule; all if left out."""
    r: Annotated[Lengths, AfterValidator(_bins)]
    """Centres of the bins, which are as wide as their spacing: '2.5 to 4.5 by 0.1 angstrom'."""
    per: Literal["length", "volume"] = "length"
    """Probability per length; or per volume, which takes out the measure 4 pi r^2."""


class AngleDistribution(Distribution):
    """Probability density of the angle between bonds that share a bead."""

    coordinate = "theta"
    kind: Literal["angle_distribution"]
    angle: str | None = None
    """Which angles, such as T1-T2-T3; all if left out."""
    molecule: Name | None = None
    """Of which molecule; all if left out."""
    theta: Annotated[Angles, AfterValidator(_bins_of_angles)]
    """Centres of the bins, which are as wide as their spacing: '65 to 175 by 10 degree'."""
    per: Literal["angle", "solid_angle"] = "angle"
    """Probability per angle; or per solid angle, which takes out the measure 2 pi sin theta."""


class DebyeWallerFactor(Section):
    """Mean squared displacement at a time within which beads rattle in their cages."""

    kind: Literal["debye_waller_factor"]
    experiment: Name
    """The experiment that records positions."""
    time: Time = 3000.0
    """At which time; frames must be as close, or closer."""
    beads: Annotated[tuple[Name, ...], BeforeValidator(words)] = ()
    """Of which kinds of bead, such as 'A B'; all if left out."""
    of: Literal["beads", "atoms"] = "beads"
    """Whether beads or, where a mapping makes beads of atoms, the atoms themselves."""


def _lags(times: tuple[float, ...]) -> tuple[float, ...]:
    if min(times) <= 0 or any(later <= earlier for earlier, later in itertools.pairwise(times)):
        raise ValueError("increasing times above zero, such as '1 2 5 10 20 50 ps'")
    return times


class MeanSquaredDisplacement(Section):
    """Mean squared displacement of beads against time."""

    coordinate: ClassVar[str] = "t"
    kind: Literal["mean_squared_displacement"]
    experiment: Name
    """The experiment that records positions."""
    t: Annotated[Times, AfterValidator(_lags)]
    """At which times, multiples of the time between frames: '1 2 5 10 20 50 ps'."""
    beads: Annotated[tuple[Name, ...], BeforeValidator(words)] = ()
    """Of which kinds of bead, such as 'A B'; all if left out."""
    of: Literal["beads", "atoms"] = "beads"
    """Whether beads or, where a mapping makes beads of atoms, the atoms themselves."""

    @property
    def centres(self) -> tuple[float, ...]:
        """The times, fs."""
        return self.t

    def states(self, recorded: State) -> list[State]:
        """States of its values in a simulation at one state."""
        return [recorded.with_(t=time) for time in self.t]


class BulkModulus(Section):
    """Isothermal bulk modulus from the fluctuations of the volume; npt only."""

    kind: Literal["bulk_modulus"]
    experiment: Name
    """The experiment that records volumes."""


def _window(value: object) -> object:
    return parse_range(value, "number") if isinstance(value, str) else value


StrainRange = Annotated[tuple[float, float], BeforeValidator(_window, json_schema_input_type=str)]


class Elastic(Section):
    """A constant of the beginning of a pull: Young's modulus or Poisson's ratio."""

    kind: Literal["youngs_modulus", "poissons_ratio"]
    experiment: Name
    """The experiment that ends with a tension."""
    strain: StrainRange = (0.0, 0.02)
    """Range of strain for the straight line."""


class Yielding(Section):
    """Where the stress-strain curve meets its elastic line, shifted along strain."""

    kind: Literal["yield_stress", "yield_strain"]
    experiment: Name
    """The experiment that ends with a tension."""
    offset: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """By how much strain the line is shifted."""
    strain: StrainRange = (0.0, 0.02)
    """Range of strain for the line."""


class Breaking(Section):
    """The largest stress of a pull, or the strain from which on less than half of it is left."""

    kind: Literal["tensile_strength", "strain_at_break"]
    experiment: Name
    """The experiment that ends with a tension."""


def _bins_of_strain(value: object) -> object:
    return parse_quantities(value, "number") if isinstance(value, str) else value


class StressStrain(Distribution):
    """True stress against engineering strain."""

    coordinate = "strain"
    kind: Literal["stress"]
    strain: Annotated[
        tuple[float, ...],
        BeforeValidator(_bins_of_strain, json_schema_input_type=str),
        AfterValidator(lambda centres: _bins(centres, "0.005 to 0.1 by 0.005")),
    ]
    """Centres of the bins of strain that samples are averaged in: '0.005 to 0.1 by 0.005'."""


#: What is measured while a box is pulled.
OfTension: TypeAlias = Elastic | Yielding | Breaking | StressStrain


#: What is measured in an experiment, rather than derived from what was.
Measured: TypeAlias = (
    FromSeries
    | Mean
    | OfMolecules
    | BondLength
    | BondAngle
    | RadialDistribution
    | BondDistribution
    | AngleDistribution
    | DebyeWallerFactor
    | MeanSquaredDisplacement
    | BulkModulus
    | OfTension
)


class GlassTransitionLines(Section):
    """Glass transition as the intersection of two straight lines through cold and hot densities."""

    kind: Literal["glass_transition_lines"]
    density: Name
    """Observable that gives the densities."""
    cold: TemperatureRange
    """Temperatures of the glass's line."""
    hot: TemperatureRange
    """Temperatures of the melt's line."""


class GlassTransitionHyperbola(Section):
    """Glass transition from a hyperbola through a whole ladder of densities."""

    kind: Literal["glass_transition_hyperbola"]
    density: Name
    """Observable that gives the densities."""


class ThermalExpansion(Section):
    """Volumetric thermal expansion from the densities in a range of temperatures."""

    kind: Literal["thermal_expansion"]
    density: Name
    """Observable that gives the densities."""
    temperatures: TemperatureRange
    """Range of temperatures to fit."""


Observable = Annotated[
    FromSeries
    | Mean
    | OfMolecules
    | BondLength
    | BondAngle
    | RadialDistribution
    | BondDistribution
    | AngleDistribution
    | DebyeWallerFactor
    | MeanSquaredDisplacement
    | BulkModulus
    | Elastic
    | Yielding
    | Breaking
    | StressStrain
    | GlassTransitionLines
    | GlassTransitionHyperbola
    | ThermalExpansion,
    Field(discriminator="kind"),
]
