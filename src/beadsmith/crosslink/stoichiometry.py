"""How many bonds the numbers of reactive sites allow.

The degree of crosslinking is the number of bonds over this most.  For one reaction A-B it is the smaller of the two
sums of capacities.  In general it is the largest number of bonds such that no type forms more than its capacities add
up to: a small linear problem with integers, one unknown for each reaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import LinearConstraint, milp

from beadsmith.crosslink.rules import Crosslinking
from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology


def most_bonds(capacities: Sequence[int], reactions: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Bonds of each reaction when as many as possible have formed in all.

    Where several divisions give the same sum, one of them is returned.  Geometry, and who is in which molecule, are
    not considered, nor that two beads bond only once: this is stoichiometry.

    Args:
        capacities: of all beads of a type together, by type.
        reactions: pairs of types, 0 first.

    Returns: one number for each reaction.
    """
    used = np.zeros((len(capacities), len(reactions)))
    for number, pair in enumerate(reactions):
        for kind in pair:
            used[kind, number] += 1  # a type that reacts with itself gives two sites to a bond
    limits = LinearConstraint(used, -np.inf, np.asarray(capacities, dtype=np.float64))
    solution = milp(-np.ones(len(reactions)), constraints=limits, integrality=np.ones(len(reactions)))
    return tuple(round(bonds) for bonds in solution.x)


def capacity_of_types(
    rules: Crosslinking, molecules: Mapping[str, MoleculeTopology], counts: Mapping[str, int]
) -> dict[str, int]:
    """Bonds that all beads of each reactive type together can form, by type.

    Args:
        rules: as declared.
        molecules: by name.
        counts: how many there are of each.
    """
    return {
        name: capacity * sum(count * molecules[kind].beads.count(name) for kind, count in counts.items())
        for name, capacity in rules.capacities.items()
    }


def bonds_of_all(rules: Crosslinking, molecules: Mapping[str, MoleculeTopology], counts: Mapping[str, int]) -> int:
    """Bonds of a degree of crosslinking of 1.

    Args:
        rules: as declared.
        molecules: by name.
        counts: how many there are of each.
    """
    return sum(_bonds_of_reactions(rules, capacity_of_types(rules, molecules, counts)))


def _bonds_of_reactions(rules: Crosslinking, totals: Mapping[str, int]) -> tuple[int, ...]:
    """Most bonds of each reaction, from the capacities of all beads of each type together."""
    index = {name: number for number, name in enumerate(totals)}
    return most_bonds(list(totals.values()), [(index[first], index[second]) for first, second in rules.reactions])


def check_degree(
    degree: float,
    rules: Crosslinking,
    molecules: Mapping[str, MoleculeTopology],
    counts: Mapping[str, int],
    where: str,
) -> None:
    """Refuse a degree of crosslinking that the numbers of sites do not allow.

    Args:
        degree: asked for, a fraction of the bonds that stoichiometry allows.
        rules: as declared.
        molecules: by name.
        counts: how many there are of each in the system.
        where: what named the degree.

    Raises:
        ProblemError: nothing can react, or the degree is not between 0 and 1; the message says how far each type of
            site can go.
    """
    totals = capacity_of_types(rules, molecules, counts)
    bonds = _bonds_of_reactions(rules, totals)
    if not sum(bonds):
        counted = ", ".join(f"{total} on {name}" for name, total in totals.items())
        raise ProblemError(where, f"a system with these sites: {counted}", "sites that can react with each other")
    if not 0.0 <= degree <= 1.0:
        used = dict.fromkeys(totals, 0)
        for (first, second), number in zip(rules.reactions, bonds, strict=True):
            used[first] += number
            used[second] += number
        parts = ", ".join(f"{used[name]} of {total} sites of {name}" for name, total in totals.items())
        raise ProblemError(
            where,
            f"{degree:g}",
            f"a degree of crosslinking between 0 and 1, where 1 is {sum(bonds)} bonds: {parts}",
            "give a fraction, or change the numbers of molecules",
        )
