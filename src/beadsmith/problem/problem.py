"""A calibration problem, read, resolved and checked: what every other room works with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beadsmith.errors import ProblemError
from beadsmith.problem.atomistic import Atoms, as_observed, coarse_molecules, is_atomistic, of_atoms, resolve_atoms
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.checks import check_experiments, check_files, check_held_out, check_observables
from beadsmith.problem.closed_form import check_formulas
from beadsmith.problem.complaint import first_complaint, suggestion
from beadsmith.problem.document import read_document
from beadsmith.problem.model import Model, model_from_document
from beadsmith.problem.molecules import MoleculeTopology, resolve_molecule
from beadsmith.problem.parameters import NO_PARAMETERS, ParameterSpace, interactions, resolve_parameters
from beadsmith.problem.reactions import Pair, reacting_pairs, types_that_arise
from beadsmith.problem.records import Target
from beadsmith.problem.schema import Bead, Experiment, ForceField, Observable, ProblemFile
from beadsmith.problem.spread import Spread, load_spreads
from beadsmith.problem.targets import resolve_targets, resolve_tolerances

#: Sections that make up what is simulated and searched for; a fidelity may change any of them.
_CHANGEABLE = (
    "experiments",
    "observables",
    "targets",
    "search",
    "design",
    "calibration",
    "precision",
    "compute",
    "forcefield",
    "parameters",
)


@dataclass(frozen=True)
class Problem:
    """A problem file at one fidelity, resolved.

    Attributes:
        path: the file it came from; other files are named relative to it.
        file: the sections as they stand, after the fidelity's changes.
        fidelity: name of the fidelity; ``base`` for the file as it stands.
        fidelities: names of all fidelities of the file.
        molecules: with bonds and angles generated where the file leaves them out.
        pairs: kinds of bead that react with each other.
        bond_types, angle_types: names of all, those that reactions can make among them; LAMMPS type numbers follow.
        parameters: free, fixed and tied parameters.
        targets: one per observable and state.
        tolerances: largest standard error wanted of what answers each target; infinite where none was asked for.
        spreads: how far runs of this protocol were found to be off and apart, where that was measured.
        graphs: the molecules of a file of atoms; empty for one of beads.
    """

    path: Path
    file: ProblemFile
    fidelity: str
    fidelities: tuple[str, ...]
    molecules: Mapping[str, MoleculeTopology]
    pairs: tuple[Pair, ...]
    bond_types: tuple[str, ...]
    angle_types: tuple[str, ...]
    parameters: ParameterSpace
    targets: tuple[Target, ...]
    tolerances: tuple[float, ...]
    spreads: tuple[Spread, ...]
    graphs: Mapping[str, MolecularGraph] = field(default_factory=dict)

    @property
    def atomistic(self) -> bool:
        """Whether it is a problem of atoms: nothing is free, and everything can be simulated but not searched."""
        return is_atomistic(self.file)

    @property
    def particle(self) -> str:
        """What it is made of, in a word."""
        return "atom" if self.atomistic else "bead"

    @property
    def forcefield(self) -> ForceField:
        """Form of the interactions between beads.

        Raises:
            ValueError: it is a problem of atoms.
        """
        if not isinstance(self.file.forcefield, ForceField):
            raise ValueError("a problem of atoms has no pair style of beads")
        return self.file.forcefield

    @property
    def beads(self) -> Mapping[str, Bead]:
        """Kinds of beads; LAMMPS type numbers follow their order."""
        return self.file.beads

    @property
    def experiments(self) -> Mapping[str, Experiment]:
        """Simulations by name."""
        return self.file.experiments

    @property
    def observables(self) -> Mapping[str, Observable]:
        """Observables by name."""
        return self.file.observables

    def file_named(self, name: str) -> Path:
        """A file that the problem names, relative to it."""
        return self.path.parent / name


def load_problem(path: Path, fidelity: str | None = None, *, measured: bool = True) -> Problem:
    """Read a problem file and check all of it, for every fidelity it has.

    Args:
        path: the YAML file.
        fidelity: which of its fidelities; its ``default_fidelity`` if None.
        measured: whether to read what was measured about the protocol, too, if the file names it.

    Raises:
        ProblemError: the first thing that is wrong.
    """
    document = read_problem(path)
    try:
        base = _validated(document)
        names = tuple(base.fidelities)
        if "base" in names:
            raise ProblemError("fidelities.base", "base", "another name", "'base' means the file as it stands")
        chosen = fidelity or base.default_fidelity or "base"
        check_fidelity("--fidelity" if fidelity else "default_fidelity", chosen, names)
        problems = {"base": _resolved(path, base, "base", names)}
        for name in names:
            try:
                changed = _validated(_with_changes(document, base.fidelities[name]))
                problems[name] = _resolved(path, changed, name, names)
            except ProblemError as error:
                raise _renamed(error, document).within(f"fidelities.{name}.") from error
    except ProblemError as error:
        raise error.within(f"{path}: ") if not error.where.startswith("--") else error from error
    return _with_spreads(problems[chosen]) if measured else problems[chosen]


def read_problem(path: Path) -> dict[str, Any]:
    """The document of a problem file, over that of the file which it extends, if it extends one.

    Raises:
        ProblemError: a file that cannot be read, or that extends one of another folder or, by way of others, itself.
    """
    chain = [read_document(path)]
    seen = [path.name]
    while (name := chain[-1].pop("extends", None)) is not None:
        if not isinstance(name, str) or not name or Path(name).name != name:
            expected = "the name of a problem file in the same folder"
            raise ProblemError(f"{path}: extends", str(name), expected, "files that it names are relative to it")
        if name in seen:
            raise ProblemError(f"{path}: extends", " > ".join([*seen, name]), "a file that extends no file twice")
        seen.append(name)
        chain.append(read_document(path.parent / name))
    # From the far end, so that what one file removes stays removed.
    document = chain.pop()
    for changes in reversed(chain):
        document = _merged(document, changes)
    return document


def check_fidelity(where: str, name: str, fidelities: tuple[str, ...]) -> None:
    """Raise ProblemError if a problem file has no such fidelity.

    Args:
        where: what named it.
        fidelities: names of those that the file has beside itself as it stands.
    """
    known = ("base", *fidelities)
    if name not in known:
        raise ProblemError(where, name, f"one of {', '.join(known)}", suggestion(name, known))


def load_model(path: Path, problem: Problem) -> Model:
    """Read a model file for ``problem``.

    Raises:
        ProblemError: what is wrong with it.
    """
    document = read_document(path)
    try:
        return model_from_document(document, problem.parameters)
    except ProblemError as error:
        raise error.within(f"{path}: ") from error


def problem_schema() -> dict[str, Any]:
    """JSON schema of the problem file, for editors."""
    schema = ProblemFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _validated(document: Mapping[str, Any]) -> ProblemFile:
    try:
        return ProblemFile.model_validate(document)
    except ValidationError as error:
        raise first_complaint(error, ProblemFile, document) from error


def _with_changes(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for section in changes:
        if section not in _CHANGEABLE:
            raise ProblemError(
                str(section),
                f"the section '{section}'",
                f"one of {', '.join(_CHANGEABLE)}",
                suggestion(str(section), _CHANGEABLE) or "a fidelity changes no others",
            )
    merged = copy.deepcopy(dict(document))
    return _merged(merged, changes)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes`` over ``base``: sections are merged, what is null is removed, anything else is replaced."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            base[key] = _merged(dict(base[key]), value)
        elif value is None:
            base.pop(key, None)
        else:
            base[key] = value
    return base


def _renamed(error: ProblemError, document: Mapping[str, Any]) -> ProblemError:
    """A fidelity's new experiment that lacks half its keys is more likely a misspelt old one."""
    section, _, name = error.where.partition(".")
    known = document.get(section)
    name = name.partition(".")[0]
    if not isinstance(known, Mapping) or not name or name in known or not (near := suggestion(name, map(str, known))):
        return error
    return ProblemError(f"{section}.{name}", f"the name '{name}'", f"one of {', '.join(map(str, known))}", near)


def _resolved(path: Path, file: ProblemFile, fidelity: str, fidelities: tuple[str, ...]) -> Problem:
    atoms = resolve_atoms(file) if is_atomistic(file) else None
    if atoms is not None:
        molecules = dict(atoms.molecules)
        file = file.model_copy(update={"beads": atoms.kinds})
    else:
        coarse = coarse_molecules(file)
        molecules = {name: resolve_molecule(name, molecule, tuple(file.beads)) for name, molecule in coarse.items()}
    names = tuple(file.beads)
    pairs = reacting_pairs(file.reactions, molecules) if file.reactions is not None else ()
    capacities = file.reactions.capacities if file.reactions is not None else {}
    own = interactions(names, molecules.values())
    arising = types_that_arise(capacities, pairs, molecules, names)
    bonds, angles = (tuple(dict.fromkeys((*old, *new))) for old, new in zip(own, arising, strict=True))
    parameters = (
        resolve_parameters(file.parameters, file.forcefield, names, bonds, angles)
        if isinstance(file.forcefield, ForceField)
        else NO_PARAMETERS
    )
    targets = resolve_targets(file.targets, file.observables)
    check_formulas(file, parameters.kinds)
    check_experiments(file, molecules, bonds, targets)
    _check_observables(file, atoms, molecules, targets)
    check_held_out(file.calibration.held_out, targets)
    check_files(file, path.parent)
    if file.search.finalists is not None:
        check_fidelity("search.finalists", file.search.finalists, fidelities)
    tolerances = resolve_tolerances(file.precision, targets, file.observables)
    graphs = {} if atoms is None else atoms.graphs
    return Problem(
        path, file, fidelity, fidelities, molecules, pairs, bonds, angles, parameters, targets, tolerances, (), graphs
    )


def _check_observables(
    file: ProblemFile, atoms: Atoms | None, molecules: Mapping[str, MoleculeTopology], targets: tuple[Target, ...]
) -> None:
    """Each observable against what it sees: beads, or the atoms that a mapping makes beads of."""
    if atoms is None:
        check_observables(file, molecules, targets)
        return
    parts: list[tuple[ProblemFile, Mapping[str, MoleculeTopology]]] = [as_observed(file, atoms)]
    if file.mapping is not None:
        parts.append((of_atoms(file), molecules))
    for seen, own in parts:
        check_observables(seen, own, [target for target in targets if target.observable in seen.observables])


def _with_spreads(problem: Problem) -> Problem:
    """The problem with what was measured about its protocol."""
    precision = problem.file.precision
    if precision is None or precision.measured is None:
        return problem
    return replace(problem, spreads=load_spreads(problem.file_named(precision.measured), problem.file))
