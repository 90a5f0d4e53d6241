"""Beads, molecules of beads or of atoms, which atoms make which bead, and what reacts with what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from beadsmith.problem.quantity import Mass
from beadsmith.problem.schema.section import Count, Name, Section, words


class Bead(Section):
    """A kind of bead."""

    mass: Mass
    """Mass, such as '42.04 g/mol'."""
    description: str = ""
    """What it stands for; shown in the report."""


class Molecule(Section):
    """A molecule as a sequence of beads, numbered from 1."""

    beads: Annotated[tuple[Name, ...], BeforeValidator(words), Field(min_length=1)]
    """Bead names in order: 'A A B A' or a list."""
    bonds: Annotated[tuple[str, ...] | None, BeforeValidator(words)] = None
    """Bonds as pairs of bead numbers, '1-2 2-3 3-4'; a linear chain if left out."""
    angles: Annotated[tuple[str, ...] | None, BeforeValidator(words)] = None
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
    atoms: Annotated[tuple[str, ...] | None, BeforeValidator(words)] = None
    """Names of the atoms of one bead, element and number: 'C10 C11 C12'."""
    shared: bool = False
    """Whether an atom that several beads claim by such rules is divided among them; each atom is in one bead if not."""


class BeadMapping(Section):
    """Which atoms make which bead."""

    centre: Literal["mass", "geometry"] = "mass"
    """Where a bead is: at the centre of mass of its atoms, or of their positions."""
    molecules: Annotated[dict[Name, tuple[BeadRule, ...]], Field(min_length=1)]
    """By molecule: rules that cover each of its atoms once."""


class Reactions(Section):
    """Bonds that may form between beads while a system is cured."""

    capacities: Annotated[dict[Name, Count], Field(min_length=1)]
    """Bonds that a bead of each reactive kind can form beside those of its molecule, such as {E: 1, N: 2}."""
    bonds: Annotated[tuple[str, ...], BeforeValidator(words), Field(min_length=1)]
    """Pairs of kinds that react with each other, such as 'E-N'; a kind may react with itself."""
    within_molecules: bool = False
    """Whether two beads of one molecule may react with each other."""
