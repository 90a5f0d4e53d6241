"""Files of atoms: what their SMILES say, in the words of files of beads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.bead_mapping import MoleculeBeads, bead_order, molecule_beads
from beadsmith.problem.molecules import MoleculeTopology, all_angles, neighbours_of
from beadsmith.problem.schema import (
    AtomisticMolecule,
    Bead,
    CureStage,
    DebyeWallerFactor,
    Dreiding,
    Experiment,
    MeanSquaredDisplacement,
    Minimize,
    Molecule,
    Network,
    Observable,
    Opaque,
    OwnForceField,
    ProblemFile,
    PushOff,
    Reactions,
    Stage,
    Vacuum,
)
from beadsmith.problem.smiles import molecular_graph


@dataclass(frozen=True)
class Atoms:
    """The molecules of a file of atoms.

    Attributes:
        graphs: by name of the molecule.
        molecules: the same as sequences of kinds of atom: elements, and kinds of reactive site.
        kinds: every kind of atom, with its mass.
    """

    graphs: Mapping[str, MolecularGraph]
    molecules: Mapping[str, MoleculeTopology]
    kinds: Mapping[str, Bead]


def coarse_molecules(file: ProblemFile) -> dict[str, Molecule]:
    """The molecules of a file of beads.

    Raises:
        ProblemError: something of it belongs in a file of atoms.
    """
    if file.mapping is not None:
        raise ProblemError("mapping", "a mapping", "none in a file of beads", "it makes beads of atoms: remove it")
    for section, about in (("beads", "kinds of beads"), ("parameters", "what is known about each")):
        if not getattr(file, section):
            raise ProblemError(section, "nothing", f"this key ({about})", f"add '{section}: ...' to the file")
    found = {}
    for name, molecule in file.molecules.items():
        if isinstance(molecule, AtomisticMolecule):
            remedy = "write 'forcefield: {atomistic: dreiding}', or own, for molecules of atoms"
            raise ProblemError(f"molecules.{name}", "SMILES", "a sequence of beads", remedy)
        found[name] = molecule
    return found


def resolve_atoms(file: ProblemFile) -> Atoms:
    """The molecules of a file of atoms.

    Raises:
        ProblemError: something of it belongs in a file of beads; SMILES that cannot be read; sites that do not fit
            the reactions; an experiment that needs a force field which the file does not name.
    """
    for section in ("beads", "parameters"):
        if given := getattr(file, section):
            own = isinstance(file.forcefield, OwnForceField)
            remedy = f"{'your own files have' if own else 'DREIDING knows'} all its numbers: remove it"
            raise ProblemError(section, f"{len(given)} entries", "none in a file of atoms", remedy)
    for name, experiment in file.experiments.items():
        if isinstance(file.forcefield, OwnForceField) and not isinstance(experiment, Opaque):
            remedy = "a force field of your own comes with its data file and its LAMMPS input (docs/own-script.md)"
            raise ProblemError(f"experiments.{name}.kind", experiment.kind, "script", remedy)
        _check_experiment(experiment, f"experiments.{name}")
    graphs = {}
    for name, molecule in file.molecules.items():
        if isinstance(molecule, Molecule):
            raise ProblemError(f"molecules.{name}", "a sequence of beads", "SMILES", "give every molecule as SMILES")
        graphs[name] = molecular_graph(name, molecule.smiles, molecule.sites or "")
    kinds: dict[str, Bead] = {}
    for name, graph in graphs.items():
        _check_sites(graph, file.reactions, f"molecules.{name}")
        for label, mass in zip(graph.labels, graph.masses, strict=True):
            if kinds.setdefault(label, _kind(mass)).mass != mass:
                where = f"molecules.{name}.sites"
                raise ProblemError(where, label, "sites of one kind that are atoms of one element", "name it otherwise")
    if file.reactions is not None and not isinstance(file.forcefield, OwnForceField):
        _check_conjugation(graphs.values(), file.reactions)
    return Atoms(graphs, {name: _topology(graph) for name, graph in graphs.items()}, kinds)


def as_observed(file: ProblemFile, atoms: Atoms) -> tuple[ProblemFile, Mapping[str, MoleculeTopology]]:
    """The file and its molecules as observables see them: of beads, if a mapping makes beads of the atoms.

    What is said to be measured of atoms is left out.

    Raises:
        ProblemError: the mapping does not fit the molecules.
    """
    if file.mapping is None:
        return file, atoms.molecules
    molecules = molecule_beads(atoms.graphs, file.mapping)
    kinds: dict[str, float] = {}
    for molecule in molecules.values():
        for bead, mass in zip(molecule.topology.beads, molecule.masses.tolist(), strict=True):
            kinds.setdefault(bead, mass)
    of_beads = {name: one for name, one in file.observables.items() if not is_of_atoms(one)}
    changes = {
        "beads": {name: _kind(kinds[name]) for name in bead_order(file.mapping)},
        "reactions": None if file.reactions is None else _reactions_of_beads(file.reactions, atoms.graphs, molecules),
        "observables": of_beads,
        "considered": {name: one for name, one in file.considered.items() if name in of_beads},
    }
    return file.model_copy(update=changes), {name: one.topology for name, one in molecules.items()}


def of_atoms(file: ProblemFile) -> ProblemFile:
    """The file with only what is said to be measured of atoms."""
    own = {name: one for name, one in file.observables.items() if is_of_atoms(one)}
    considered = {name: one for name, one in file.considered.items() if name in own}
    return file.model_copy(update={"observables": own, "considered": considered})


def is_of_atoms(observable: Observable) -> bool:
    """Whether an observable is said to be measured of atoms, where a mapping makes beads of them."""
    return isinstance(observable, DebyeWallerFactor | MeanSquaredDisplacement) and observable.of == "atoms"


def _reactions_of_beads(
    reactions: Reactions, graphs: Mapping[str, MolecularGraph], molecules: Mapping[str, MoleculeBeads]
) -> Reactions:
    """Which beads react with which: those that the sites are in."""
    holders: dict[str, dict[str, None]] = {site: {} for site in reactions.capacities}
    capacities: dict[str, int] = {}
    for name, molecule in molecules.items():
        own = [(int(np.argmax(molecule.shares[:, atom])), site) for atom, site in enumerate(graphs[name].sites) if site]
        for bead, site in own:
            holders[site][molecule.topology.beads[bead]] = None
        for bead in {place for place, _ in own}:
            capacity = sum(reactions.capacities[site] for place, site in own if place == bead)
            kind = molecule.topology.beads[bead]
            capacities[kind] = max(capacity, capacities.get(kind, 0))
    pairs = [text.split("-") for text in reactions.bonds]
    bonds = [tuple(sorted((a, b))) for first, second in pairs for a in holders[first] for b in holders[second]]
    return Reactions(capacities=capacities, bonds=tuple("-".join(pair) for pair in dict.fromkeys(bonds)))


def _check_experiment(experiment: Experiment, where: str) -> None:
    if isinstance(experiment, Vacuum):
        remedy = "isolated molecules are for beads"
        raise ProblemError(f"{where}.kind", "vacuum", "a melt or a network", remedy)
    protocols: dict[str, Sequence[Stage]] = {"protocol": () if isinstance(experiment, Opaque) else experiment.protocol}
    if isinstance(experiment, Network):
        cure = experiment.cure
        _check_relaxation(cure.relaxation[0], f"{where}.cure.relaxation.1")
        protocols |= {"cure.preparation": cure.preparation, "cure.relaxation": cure.relaxation}
    for key, stages in protocols.items():
        for number, stage in enumerate(stages, start=1):
            if isinstance(stage, PushOff) and stage.soft:
                remedy = "atoms are packed without overlaps: remove it"
                raise ProblemError(f"{where}.{key}.{number}.soft", "yes", "no", remedy)


def _check_relaxation(first: CureStage, where: str) -> None:
    """New bonds are several angstrom too long: dynamics that begin with them throw atoms out of the box."""
    if not isinstance(first, Minimize | PushOff):
        expected = "minimize or push-off first, which draw the ends of new bonds together"
        remedy = "put {stage: minimize, iterations: 300} before it"
        raise ProblemError(where, first.stage, expected, remedy)


def is_atomistic(file: ProblemFile) -> bool:
    """Whether a file is one of atoms."""
    return isinstance(file.forcefield, Dreiding | OwnForceField)


def _kind(mass: float) -> Bead:
    return Bead.model_validate({"mass": f"{mass!r} g/mol"})


def _topology(graph: MolecularGraph) -> MoleculeTopology:
    angles = all_angles(neighbours_of(graph.bonds, len(graph.names)))
    return MoleculeTopology(graph.labels, graph.bonds, tuple(angles))


def _check_sites(graph: MolecularGraph, reactions: Reactions | None, where: str) -> None:
    """Every open valence must be one that the reactions speak of."""
    kinds = dict.fromkeys(site for site in graph.sites if site)
    for site in kinds:
        if site in graph.elements:
            remedy = "choose a word, such as amine"
            raise ProblemError(f"{where}.sites", site, "a name that is not that of an element", remedy)
        if reactions is None or site not in reactions.capacities:
            known = "none" if reactions is None else ", ".join(reactions.capacities)
            expected = "a kind of site with a capacity under reactions"
            raise ProblemError(f"{where}.sites", site, expected, f"declare it there (declared: {known})")
        capacity = reactions.capacities[site]
        for name, own, valences in zip(graph.names, graph.sites, graph.open_valences, strict=True):
            if own == site and valences != capacity:
                raise ProblemError(
                    f"{where}.smiles",
                    f"{valences} open valences at atom {name}",
                    f"{capacity}, the capacity of {site}",
                    "every site of a kind has as many '*' as bonds it can form, and a molecule has sites of one kind",
                )


def _check_conjugation(graphs: Collection[MolecularGraph], reactions: Reactions) -> None:
    """No new bond may change what its atoms are: types are given before it, as if it led to an sp3 carbon."""
    for pair in reactions.bonds:
        first, second = pair.split("-")
        for one, other in ((first, second), (second, first)):
            donor = _site_with(graphs, one, lambda graph, atom: graph.elements[atom] in "NO" and _is_sp3(graph, atom))
            acceptor = _site_with(graphs, other, lambda graph, atom: not _is_sp3(graph, atom))
            if donor and acceptor:
                raise ProblemError(
                    "reactions.bonds",
                    f"{pair}: {donor} beside {acceptor}",
                    "bonds that leave the hybridisation of their atoms as it is",
                    "the lone pair would be conjugated, as in amides and esters, which a cure does not know: draw the "
                    "group into the SMILES, and let other atoms react",
                )


def _site_with(
    graphs: Collection[MolecularGraph], site: str, wanted: Callable[[MolecularGraph, int], bool]
) -> str | None:
    """An atom of a kind of site, in words; None if none is as wanted."""
    return next(
        (
            f"{graph.names[atom]} of {graph.name}"
            for graph in graphs
            for atom, own in enumerate(graph.sites)
            if own == site and wanted(graph, atom)
        ),
        None,
    )


def _is_sp3(graph: MolecularGraph, atom: int) -> bool:
    return graph.hybridisations[atom] == "sp3" and not graph.aromatic[atom]
