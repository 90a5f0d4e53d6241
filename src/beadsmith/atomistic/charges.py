"""Partial charges of Gasteiger and Marsili (Tetrahedron 36, 3219 (1980)) that stay neutral while bonds form.

Charges of a molecule that will react are those that it has inside the network: every open valence is bonded to a whole
partner, whose own open valences are bonded to molecules of the first kind.  The atoms of the molecule alone are not
neutral then: the bonds have moved charge between kinds of sites.  Each new bond therefore moves its increment from one
site to the other, and a molecule without new bonds has these increments taken back, so that every system is neutral,
whatever bonds have formed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class SiteCharges:
    """Charges before the cure, and what a new bond does to them.

    Attributes:
        uncured: of the atoms of each molecule, e, neutral together.
        increments: by pair of kinds of sites, in both orders: what a site of the first kind gains when it bonds to
            one of the second, e; the second loses as much.
    """

    uncured: Mapping[str, Array]
    increments: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class _Capped:
    """A molecule among partners of one kind: its charges, and the charge that it has gained per bond to them."""

    charges: Array
    residue: float


def site_charges(graphs: Mapping[str, MolecularGraph], reactions: Sequence[tuple[str, str]]) -> SiteCharges:
    """Gasteiger charges of all molecules of a problem.

    Of kinds of sites or molecules that have several partners, charges and residues are averages over them.

    Args:
        graphs: by name.
        reactions: pairs of kinds of sites that form bonds.

    Raises:
        ProblemError: a site without partner; an element that the method has no numbers for.
    """
    both = tuple(dict.fromkeys([*reactions, *((second, first) for first, second in reactions)]))
    capped: dict[str, dict[str, list[_Capped]]] = {name: {} for name in graphs}
    for (name, graph), partner in itertools.product(graphs.items(), graphs.values()):
        if (kind := (_kind(graph), _kind(partner))) in both:
            capped[name].setdefault(kind[1], []).append(_capped(graph, partner))
    residues = {pair: _residue(pair, graphs, capped) for pair in both}
    # Both sides say how much a bond moves; what they disagree about is spread over the atoms.
    increments = {(one, other): (residues[one, other] - residues[other, one]) / 2 for one, other in both}
    uncured = {name: _uncured(graph, capped[name], increments) for name, graph in graphs.items()}
    return SiteCharges(uncured, increments)


def no_charges(graphs: Mapping[str, MolecularGraph], reactions: Sequence[tuple[str, str]]) -> SiteCharges:
    """The same, all zero."""
    uncured = {name: np.zeros(len(graph.names)) for name, graph in graphs.items()}
    return SiteCharges(uncured, {pair: 0.0 for each in reactions for pair in (each, each[::-1])})


def gasteiger(
    elements: Sequence[str], bonds: Sequence[tuple[int, int]], orders: Sequence[float], aromatic: Sequence[bool]
) -> Array:
    """Charges of a molecule or several, e, shape (atoms,); NaN where the method has no numbers."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdPartialCharges

    kinds = {1: Chem.BondType.SINGLE, 1.5: Chem.BondType.AROMATIC, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
    molecule = Chem.RWMol()
    for element, ring in zip(elements, aromatic, strict=True):
        atom = Chem.Atom(element)
        atom.SetNoImplicit(True)
        atom.SetIsAromatic(bool(ring))
        molecule.AddAtom(atom)
    for (first, second), order in zip(bonds, orders, strict=True):
        molecule.AddBond(int(first), int(second), kinds[order])
    with rdBase.BlockLogs():
        Chem.SanitizeMol(molecule)
        rdPartialCharges.ComputeGasteigerCharges(molecule)
    return np.array([atom.GetDoubleProp("_GasteigerCharge") for atom in molecule.GetAtoms()], dtype=np.float64)


def _kind(graph: MolecularGraph) -> str:
    """Kind of site of a molecule; empty if it does not react."""
    return next((site for site in graph.sites if site), "")


def _capped(graph: MolecularGraph, partner: MolecularGraph) -> _Capped:
    """A molecule with a partner at every open valence, and its own kind at the other valences of these partners."""
    joined = _Joined(graph)
    shells = [(0, graph)]
    for other in (partner, graph):
        shells = [
            (joined.add(other, start + atom), other)
            for start, each in shells
            for atom, count in enumerate(each.open_valences)
            for _ in range(count - joined.used(start + atom))
        ]
    joined.close()
    charges = joined.charges()[: len(graph.names)]
    return _Capped(charges, float(charges.sum()) / sum(graph.open_valences))


class _Joined:
    """Molecules put together by bonds at open valences, the first one first."""

    def __init__(self, graph: MolecularGraph) -> None:
        self._graph = graph
        self._elements = list(graph.elements)
        self._aromatic = list(graph.aromatic)
        self._open = list(graph.open_valences)
        self._full = list(graph.open_valences)
        self._bonds = list(graph.bonds)
        self._orders = list(graph.orders)

    def used(self, atom: int) -> int:
        """Bonds that an atom has formed."""
        return self._full[atom] - self._open[atom]

    def add(self, graph: MolecularGraph, atom: int) -> int:
        """Bond ``atom`` to the first site of another molecule; where the latter begins."""
        start = len(self._elements)
        self._elements += graph.elements
        self._aromatic += graph.aromatic
        self._open += graph.open_valences
        self._full += graph.open_valences
        self._bonds += [(first + start, second + start) for first, second in graph.bonds]
        self._orders += graph.orders
        self._bond(atom, start + next(index for index, count in enumerate(graph.open_valences) if count))
        return start

    def close(self) -> None:
        """Hydrogen at every valence that is still open."""
        for atom in [atom for atom, count in enumerate(self._open) for _ in range(count)]:
            self._elements.append("H")
            self._aromatic.append(False)
            self._open.append(1)
            self._full.append(1)
            self._bond(atom, len(self._elements) - 1)

    def charges(self) -> Array:
        """Of every atom, e."""
        return _known(gasteiger(self._elements, self._bonds, self._orders, self._aromatic), self._graph)

    def _bond(self, first: int, second: int) -> None:
        self._bonds.append((first, second))
        self._orders.append(1.0)
        self._open[first] -= 1
        self._open[second] -= 1


def _known(charges: Array, graph: MolecularGraph) -> Array:
    if not np.isfinite(charges).all():
        raise ProblemError(
            f"molecules.{graph.name}.smiles",
            graph.smiles,
            "elements and bonds that Gasteiger charges are known for",
            "or write charges: none under forcefield",
        )
    return charges


def _residue(
    pair: tuple[str, str], graphs: Mapping[str, MolecularGraph], capped: Mapping[str, Mapping[str, list[_Capped]]]
) -> float:
    """Charge that molecules of the first kind gain per bond to the second, e; 0 if the problem has no such pair."""
    found = [
        each.residue
        for name, graph in graphs.items()
        if _kind(graph) == pair[0]
        for each in capped[name].get(pair[1], ())
    ]
    return float(np.mean(found)) if found else 0.0


def _uncured(
    graph: MolecularGraph, capped: Mapping[str, list[_Capped]], increments: Mapping[tuple[str, str], float]
) -> Array:
    kind = _kind(graph)
    if not kind:
        plain = _known(gasteiger(graph.elements, graph.bonds, graph.orders, graph.aromatic), graph)
        return _neutral(plain, graph)
    if not capped:
        expected = "a kind of site that reacts with one of another molecule, or with itself"
        raise ProblemError(f"molecules.{graph.name}.sites", kind, expected, "declare the pair under reactions.bonds")
    valences = np.array(graph.open_valences, dtype=np.float64)
    alone = [each.charges - increments[kind, partner] * valences for partner, found in capped.items() for each in found]
    return _neutral(np.mean(alone, axis=0), graph)


def _neutral(charges: Array, graph: MolecularGraph) -> Array:
    """Charges with what is left spread over the heavy atoms, or over all if there are none."""
    heavy = np.array([element != "H" for element in graph.elements])
    carriers = heavy if heavy.any() else ~heavy
    return np.asarray(charges - np.where(carriers, charges.sum() / carriers.sum(), 0.0))
