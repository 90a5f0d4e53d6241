"""Molecules from SMILES: their atoms and bonds, atoms that a SMARTS pattern matches, and one conformation.

An open valence (``*``) is replaced by carbon while RDKit looks at the molecule, since that is what its atom will be
bonded to, more or less, when the bond has formed; hybridisation and aromaticity come from there.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError, install
from beadsmith.problem.atoms import MolecularGraph

if TYPE_CHECKING:
    from rdkit import Chem

Array = NDArray[np.float64]

#: Elements that a molecule may have.
ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I")

_BONDS = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
_UNHYBRIDISED = ("H", "F", "Cl", "Br", "I")
_CARBON, _HYDROGEN = 6, 1
#: Substructures of one molecule; far more than any molecule has, and RDKit's own limit would cut silently.
_MOST_MATCHES = 1_000_000
#: RDKit takes seeds of 31 bits, and a negative one as none at all.
_SEEDS = 2**31 - 1
#: Steps of the relaxation of a conformation; it need not converge.
_RELAXATION_STEPS = 2000


def molecular_graph(name: str, smiles: str, sites: str = "") -> MolecularGraph:
    """The atoms and bonds that a SMILES describes, hydrogens included.

    Heavy atoms stand in the order of the SMILES, hydrogens after them, in the order of the atoms that they are
    bonded to.

    Args:
        name: of the molecule in the problem file.
        smiles: ``*`` marks an open valence, a bond that may form in a cure.
        sites: name of the kind of reactive site that an atom with open valences is; empty if there are none.

    Raises:
        ProblemError: at ``molecules.{name}``: a SMILES that does not parse or has several fragments, an element that
            is not supported, charges, radicals, isotopes, open valences without ``sites`` or the other way round; or
            RDKit is not installed.
    """
    where = f"molecules.{name}.smiles"
    if importlib.util.find_spec("rdkit") is None:
        expected = "the optional package RDKit to be installed"
        raise ProblemError(where, smiles, expected, install("atoms"))
    molecule = _parsed(smiles, where)
    _check(molecule, smiles, sites, name)
    capped = _with_caps(molecule, _CARBON)
    kept = _own_atoms(capped)
    index_of = {atom.GetIdx(): index for index, atom in enumerate(kept)}
    bonds = [bond for bond in capped.GetBonds() if {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= set(index_of)]
    elements = tuple(atom.GetSymbol() for atom in kept)
    open_valences = tuple(sum(_is_cap(other) for other in atom.GetNeighbors()) for atom in kept)
    return MolecularGraph(
        name=name,
        smiles=smiles,
        names=_numbered(elements),
        elements=elements,
        masses=tuple(atom.GetMass() for atom in kept),
        hybridisations=tuple(_hybridisation(atom) for atom in kept),
        resonant=tuple(any(bond.GetIsConjugated() for bond in atom.GetBonds()) for atom in kept),
        aromatic=tuple(atom.GetIsAromatic() for atom in kept),
        bonds=tuple((index_of[bond.GetBeginAtomIdx()], index_of[bond.GetEndAtomIdx()]) for bond in bonds),
        orders=tuple(bond.GetBondTypeAsDouble() for bond in bonds),
        open_valences=open_valences,
        sites=tuple(sites if count else "" for count in open_valences),
    )


def substructures(graph: MolecularGraph, smarts: str, where: str) -> tuple[tuple[int, ...], ...]:
    """Every set of heavy atoms of a molecule that a SMARTS pattern matches.

    Two ways to lay the pattern on the same atoms are one match.  Open valences count as bonds of their atom, and are
    never matched themselves: ``[CH2]`` means an atom with two hydrogens, whether its other bonds exist yet or not.

    Args:
        graph: of the molecule.
        smarts: pattern.
        where: path of the pattern in the problem file.

    Returns: atoms of each match, sorted; matches in the order of their first atoms.

    Raises:
        ProblemError: the pattern does not parse.
    """
    from rdkit import Chem

    pattern = _read(Chem.MolFromSmarts, smarts)
    if pattern is None:
        raise ProblemError(where, repr(smarts), "a SMARTS pattern, such as c1ccccc1O")
    molecule = _parsed(graph.smiles, f"molecules.{graph.name}.smiles")
    own = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum()]
    index_of = {atom: index for index, atom in enumerate(own)}
    found = molecule.GetSubstructMatches(pattern, uniquify=True, maxMatches=_MOST_MATCHES)
    return tuple(sorted({tuple(sorted(index_of[atom] for atom in match)) for match in found if set(match) <= set(own)}))


def conformation(graph: MolecularGraph, seed: int) -> Array:
    """One three-dimensional conformation of a molecule.

    Distance geometry with knowledge of torsions (Riniker and Landrum 2015), relaxed in MMFF94 or, where that does not
    know the atoms, in UFF.  Open valences are hydrogens meanwhile, and left out afterwards.

    Args:
        graph: of the molecule.
        seed: of the random numbers, 0 or more; the same seed gives the same conformation.

    Returns: angstrom, shape (atoms, 3), centre of geometry at the origin.

    Raises:
        ProblemError: no conformation was found.
    """
    from rdkit import rdBase

    where = f"molecules.{graph.name}.smiles"
    capped = _with_caps(_parsed(graph.smiles, where), _HYDROGEN)
    with rdBase.BlockLogs():
        # Crowded molecules start better from random coordinates.
        if not (_embedded(capped, seed, False) or _embedded(capped, seed, True)):
            raise ProblemError(where, graph.smiles, "a molecule that can exist in three dimensions")
        _relax(capped)
    positions = np.asarray(capped.GetConformer().GetPositions(), dtype=np.float64)
    own = positions[[atom.GetIdx() for atom in _own_atoms(capped)]]
    return np.asarray(own - own.mean(axis=0))


def _parsed(smiles: str, where: str) -> Chem.Mol:
    from rdkit import Chem

    molecule = _read(Chem.MolFromSmiles, smiles)
    if molecule is None:
        raise ProblemError(where, repr(smiles), "a SMILES string that RDKit can read, such as CC(O)C")
    return molecule


def _read(reader: Callable[[str], Chem.Mol | None], text: str) -> Chem.Mol | None:
    """What RDKit makes of a text; None if nothing, about which it would write to the terminal."""
    from rdkit import rdBase

    with rdBase.BlockLogs():
        molecule = reader(text)
    return molecule if molecule is not None and molecule.GetNumAtoms() else None


def _check(molecule: Chem.Mol, smiles: str, sites: str, name: str) -> None:
    from rdkit import Chem

    where = f"molecules.{name}.smiles"
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise ProblemError(where, smiles, "one connected molecule", "declare each fragment as a molecule of its own")
    for bond in molecule.GetBonds():
        if str(bond.GetBondType()) not in _BONDS:
            raise ProblemError(where, f"a {bond.GetBondType()} bond", "single, double, triple or aromatic ones")
    for atom in molecule.GetAtoms():
        _check_atom(atom, smiles, where)
    has_valences = any(not atom.GetAtomicNum() for atom in molecule.GetAtoms())
    if has_valences and not sites:
        raise ProblemError(
            f"molecules.{name}.sites", "", "the name of the kind of site that '*' marks in smiles", "add sites: amine"
        )
    if sites and not has_valences:
        raise ProblemError(where, smiles, f"at least one '*', an open valence, for sites: {sites}")


def _check_atom(atom: Chem.Atom, smiles: str, where: str) -> None:
    label = f"{atom.GetSymbol()} (atom {atom.GetIdx() + 1} of {smiles})"
    if not atom.GetAtomicNum():
        bonds = atom.GetBonds()
        if len(bonds) != 1 or bonds[0].GetBondTypeAsDouble() != 1:
            raise ProblemError(where, label, "each '*' with one single bond, which is to the atom that reacts")
        if not atom.GetNeighbors()[0].GetAtomicNum():
            raise ProblemError(where, label, "each '*' bonded to an atom, not to another '*'")
    elif atom.GetSymbol() not in ELEMENTS:
        raise ProblemError(where, label, f"one of the elements {' '.join(ELEMENTS)}")
    elif atom.GetFormalCharge():
        _refuse_charge(atom, label, where)
    elif atom.GetNumRadicalElectrons():
        raise ProblemError(where, label, "no radical", "mark a bond that is to form with '*'")
    elif atom.GetIsotope():
        raise ProblemError(where, label, "natural isotopes", "leave the mass number out")


def _refuse_charge(atom: Chem.Atom, label: str, where: str) -> NoReturn:
    """Whether it was typed or not: RDKit writes N(=O)=O and N=N#N, with five bonds, as pairs of charges."""
    neighbours = [other for other in atom.GetNeighbors() if other.GetFormalCharge() * atom.GetFormalCharge() < 0]
    if not neighbours:
        raise ProblemError(where, label, "atoms without formal charge", "ions and zwitterions are not supported")
    pair = f"{label}, {_signed(atom)} beside {_signed(neighbours[0])}"
    raise ProblemError(
        where,
        pair,
        "atoms without formal charge",
        "nitro, N-oxide, azide and other groups that are written with a pair of charges, also N(=O)=O, are not "
        "supported: choose a molecule without them, or bring a force field of your own (kind: script)",
    )


def _signed(atom: Chem.Atom) -> str:
    return f"{atom.GetSymbol()}{'+' if atom.GetFormalCharge() > 0 else '-'}"


def _with_caps(molecule: Chem.Mol, element: int) -> Chem.Mol:
    """The molecule with every hydrogen, and with an atom of ``element`` at each open valence."""
    from rdkit import Chem

    capped = Chem.RWMol(molecule)
    for atom in capped.GetAtoms():
        if not atom.GetAtomicNum():
            atom.SetAtomicNum(element)
            atom.SetIsotope(0)
            atom.SetNoImplicit(False)
            atom.SetBoolProp("cap", True)
    Chem.SanitizeMol(capped)
    return Chem.AddHs(capped)


def _is_cap(atom: Chem.Atom) -> bool:
    return bool(atom.HasProp("cap"))


def _own_atoms(capped: Chem.Mol) -> list[Chem.Atom]:
    """Atoms but the caps and their hydrogens."""
    return [
        atom
        for atom in capped.GetAtoms()
        if not _is_cap(atom)
        and not (atom.GetAtomicNum() == _HYDROGEN and any(_is_cap(other) for other in atom.GetNeighbors()))
    ]


def _hybridisation(atom: Chem.Atom) -> str:
    return "" if atom.GetSymbol() in _UNHYBRIDISED else str(atom.GetHybridization()).lower()


def _numbered(elements: tuple[str, ...]) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    names = []
    for element in elements:
        counts[element] += 1
        names.append(f"{element}{counts[element]}")
    return tuple(names)


def _embedded(molecule: Chem.Mol, seed: int, random_coordinates: bool) -> bool:
    """Whether a conformation was found; the molecule has it then."""
    from rdkit.Chem import rdDistGeom

    # With useBasicKnowledge and useMacrocycleTorsions, this is what RDKit calls ETKDGv3.
    found = rdDistGeom.EmbedMolecule(
        molecule,
        randomSeed=seed % _SEEDS,
        useRandomCoords=random_coordinates,
        useMacrocycleTorsions=True,
        ETversion=2,
    )
    return int(found) >= 0


def _relax(molecule: Chem.Mol) -> None:
    from rdkit.Chem import rdForceFieldHelpers

    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, maxIters=_RELAXATION_STEPS)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.UFFOptimizeMolecule(molecule, maxIters=_RELAXATION_STEPS)
