"""Which beads react with which, and which types of bonds and angles this can make."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology, interaction_name, neighbours_of
from beadsmith.problem.schema import Reactions

Pair = tuple[str, str]


def reacting_pairs(reactions: Reactions, molecules: Mapping[str, MoleculeTopology]) -> tuple[Pair, ...]:
    """The pairs of kinds of bead that react with each other.

    Args:
        reactions: as declared.
        molecules: all of the problem, by name.

    Raises:
        ProblemError: a reactive bead that no molecule has, a pair of beads without capacity, a pair twice, a capacity
            without a reaction.
    """
    present = {bead for molecule in molecules.values() for bead in molecule.beads}
    for name in reactions.capacities:
        if name not in present:
            raise ProblemError(
                f"reactions.capacities.{name}",
                f"a reactive bead that none of {', '.join(molecules)} has",
                f"one of {', '.join(sorted(present))}",
                "add a molecule that has it, or leave it out",
            )
    pairs: list[Pair] = []
    for text in reactions.bonds:
        first, _, second = text.partition("-")
        for name in (first, second):
            if name not in reactions.capacities:
                expected = f"two of {', '.join(reactions.capacities)} joined by '-'"
                raise ProblemError("reactions.bonds", text, expected, "declare how many bonds each can form")
        if {first, second} in [set(pair) for pair in pairs]:
            raise ProblemError("reactions.bonds", f"{text} twice", "each pair once, the same read from either end")
        pairs.append((first, second))
    for name in reactions.capacities:
        if not any(name in pair for pair in pairs):
            remedy = "or leave it out of capacities"
            raise ProblemError("reactions.bonds", " ".join(reactions.bonds), f"a pair with {name}", remedy)
    return tuple(pairs)


def types_that_arise(
    capacities: Mapping[str, int],
    pairs: Sequence[Pair],
    molecules: Mapping[str, MoleculeTopology],
    beads: Sequence[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all types of bonds and angles that reactions can add to molecules.

    Args:
        capacities: bonds that a bead of each reactive kind can form.
        pairs: kinds that react with each other.
        molecules: by name.
        beads: names of all kinds, in the order of the problem file.

    Returns: types of bonds, types of angles; each name once, in the order in which they were met.
    """
    order = {name: index for index, name in enumerate(beads)}
    partners: dict[str, dict[str, None]] = {}
    for one, other in pairs:
        partners.setdefault(one, {})[other] = None
        partners.setdefault(other, {})[one] = None
    present = {bead for molecule in molecules.values() for bead in molecule.beads}
    bonds = [pair for pair in pairs if present.issuperset(pair)]
    angles: list[tuple[str, str, str]] = []
    for molecule in molecules.values():
        neighbours = neighbours_of(molecule.bonds, len(molecule.beads))
        for bead, own in zip(molecule.beads, neighbours, strict=True):
            arriving = [name for name in partners.get(bead, ()) if name in present]
            angles += [(molecule.beads[end], bead, name) for end in own for name in arriving]
            if capacities.get(bead, 0) > 1:
                both = itertools.combinations_with_replacement(arriving, 2)
                angles += [(first, bead, last) for first, last in both]
    return _names(bonds, order), _names(angles, order)


def _names(members: Iterable[Sequence[str]], order: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(interaction_name(names, order) for names in members))
