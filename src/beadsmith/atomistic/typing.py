"""DREIDING types of the atoms of a molecule."""

from __future__ import annotations

from typing import Literal

from beadsmith.atomistic.dreiding import TYPES
from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.molecules import neighbours_of

#: Elements with one type only, whatever they are bonded to.
_SINGLE = {"H": "H_", "F": "F_", "Si": "Si3", "P": "P_3", "S": "S_3", "Cl": "Cl", "Br": "Br", "I": "I_"}
_MONOVALENT = frozenset({"H", "F", "Cl", "Br", "I"})
_DIGITS = {"sp3": "3", "sp2": "2", "sp": "1"}


def dreiding_types(graph: MolecularGraph, aryl_ether_oxygen: Literal["O_R", "O_3"] = "O_R") -> tuple[str, ...]:
    """The type of each atom of a molecule, its open valences taken as bonds that exist.

    The third letter is the hybridisation.  ``R`` stands for carbon, nitrogen and oxygen in aromatic rings, and for
    nitrogen and oxygen whose lone pair is conjugated with a neighbour: those of amides, esters, anilines, phenols and
    aryl ethers.  Hydrogen of hydroxyl and amine groups is plain ``H_``, as there is no hydrogen-bond term.

    Args:
        graph: of the molecule.
        aryl_ether_oxygen: type of an oxygen between an aromatic carbon and a carbon without double bond.

    Raises:
        ProblemError: DREIDING has no type for an atom.
    """
    bonded = neighbours_of(graph.bonds, len(graph.names))
    multiple = {atom for bond, order in zip(graph.bonds, graph.orders, strict=True) if order >= 2 for atom in bond}
    types = []
    for atom, element in enumerate(graph.elements):
        found = _SINGLE.get(element) or f"{element}_{_hybridisation(graph, atom, multiple)}"
        if _is_aryl_ether(graph, atom, bonded[atom], multiple):
            found = aryl_ether_oxygen
        neighbours = len(bonded[atom]) + graph.open_valences[atom]
        if found not in TYPES or neighbours > (1 if element in _MONOVALENT else 4):
            received = f"atom {graph.names[atom]} with {neighbours} neighbours in {graph.smiles}"
            raise ProblemError(f"molecules.{graph.name}.smiles", received, "atoms that DREIDING has a type for")
        types.append(found)
    return tuple(types)


def _hybridisation(graph: MolecularGraph, atom: int, multiple: set[int]) -> str:
    if graph.aromatic[atom]:
        return "R"
    lone_pair = graph.elements[atom] in {"N", "O"} and atom not in multiple
    if lone_pair and graph.hybridisations[atom] == "sp2":
        return "R"
    return _DIGITS.get(graph.hybridisations[atom], "")


def _is_aryl_ether(graph: MolecularGraph, atom: int, bonded: list[int], multiple: set[int]) -> bool:
    return (
        graph.elements[atom] == "O"
        and not graph.aromatic[atom]
        and [graph.elements[other] for other in bonded] == ["C", "C"]
        and any(graph.aromatic[other] for other in bonded)
        and not any(other in multiple and not graph.aromatic[other] for other in bonded)
    )
