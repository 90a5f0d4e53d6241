"""Experiments: what is simulated, or run, or computed in closed form."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from beadsmith.problem.quantity import Density, Length, Time, WallTime, parse_quantities
from beadsmith.problem.schema.protocols import Dynamics, Minimize, PushOff, Stage
from beadsmith.problem.schema.section import Count, FormulaText, Name, QuantityText, Section, words


def _off(value: object) -> object:
    # YAML reads the word off as no.
    return "off" if value is False else value


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
    checkpoint: Annotated[QuantityText | None, BeforeValidator(_off)] = None
    """Write a restart file so often, such as '15 ps' or '5000 steps': a simulation that was killed goes on from it
    instead of from its beginning.  About every five minutes of a long simulation if left out; never if off."""
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

    virgin: Annotated[tuple[Name, ...], BeforeValidator(words)] = ()
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
    """Read this dump file (columns id and xu yu zu, or x y z ix iy iz; or these scaled)."""
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
