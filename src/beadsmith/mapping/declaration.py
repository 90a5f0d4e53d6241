"""What a user declares of a mapping: in a problem file of atoms, or in a file that holds little else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.complaint import first_complaint
from beadsmith.problem.document import read_document
from beadsmith.problem.problem import load_problem
from beadsmith.problem.schema import AtomisticMolecule, BeadMapping, Name, Section
from beadsmith.problem.smiles import molecular_graph

#: Keys that only a whole problem file has.
_OF_PROBLEMS = ("extends", "forcefield", "experiments")
_COUNT = re.compile(r"^([A-Za-z][A-Za-z0-9_]*)=([1-9][0-9]{0,8})$")


class MappingFile(Section):
    """A mapping by itself, for trajectories from elsewhere."""

    title: str = ""
    """One line."""
    molecules: dict[Name, AtomisticMolecule] = Field(default_factory=dict)
    """Molecules that have SMILES; others are what the topology file of the trajectory says."""
    mapping: BeadMapping
    """Which atoms make which bead."""


@dataclass(frozen=True)
class Declared:
    """A mapping and the molecules that it speaks of.

    Attributes:
        title: of the file.
        fidelity: of the problem file; empty for a mapping by itself.
        mapping: its section.
        graphs: molecules that have SMILES.
    """

    title: str
    fidelity: str
    mapping: BeadMapping
    graphs: Mapping[str, MolecularGraph]


def load_mapping(path: Path, fidelity: str | None = None) -> Declared:
    """Read what a problem file of atoms, or a file with little but a mapping, declares.

    Raises:
        ProblemError: what is wrong with it.
    """
    document = read_document(path)
    if any(key in document for key in _OF_PROBLEMS):
        problem = load_problem(path, fidelity, measured=False)
        if problem.file.mapping is None:
            remedy = "declare which atoms make which bead (docs/mapping.md)"
            raise ProblemError(f"{path}: mapping", "nothing", "the section 'mapping'", remedy)
        return Declared(problem.file.title, problem.fidelity, problem.file.mapping, problem.graphs)
    if fidelity is not None:
        raise ProblemError("--fidelity", fidelity, "none for a file that holds a mapping only", "leave it out")
    try:
        file = _validated(document)
        graphs = {name: molecular_graph(name, one.smiles, one.sites or "") for name, one in file.molecules.items()}
    except ProblemError as error:
        raise error.within(f"{path}: ") from error
    return Declared(file.title or path.stem, "", file.mapping, graphs)


def parse_counts(text: str) -> dict[str, int]:
    """``"dgeba=24 pacm=12"``: how many molecules of each kind follow each other.

    Raises:
        ProblemError: something else.
    """
    counts: dict[str, int] = {}
    for word in text.replace(",", " ").split():
        match = _COUNT.match(word)
        if match is None or match[1] in counts:
            raise ProblemError("--molecules", text, "each kind of molecule and its number once: 'dgeba=24 pacm=12'")
        counts[match[1]] = int(match[2])
    if not counts:
        raise ProblemError("--molecules", "nothing", "kinds of molecules and their numbers: 'dgeba=24 pacm=12'")
    return counts


def _validated(document: Mapping[str, object]) -> MappingFile:
    try:
        return MappingFile.model_validate(document)
    except ValidationError as error:
        raise first_complaint(error, MappingFile, document) from error
