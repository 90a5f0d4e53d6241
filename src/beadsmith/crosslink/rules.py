"""What a cure is told: which beads react, how far they reach, and in which order bonds are allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beadsmith.problem.reactions import Pair
from beadsmith.problem.schema import Cure, Reactions


@dataclass(frozen=True)
class Rule:
    """What a new bond has to respect beside distance and capacity; both conditions hold if both are given.

    Attributes:
        virgin: types of bead that may react only while they have no crosslink.
        different_networks: whether the two molecules must not be connected yet, not even by way of others.
    """

    virgin: tuple[str, ...] = ()
    different_networks: bool = False

    @property
    def description(self) -> str:
        """In words, such as ``only virgin N``."""
        conditions = [f"only virgin {' and '.join(self.virgin)}"] if self.virgin else []
        if self.different_networks:
            conditions.append("only between different networks")
        return ", ".join(conditions) or "free"


@dataclass(frozen=True)
class Stage:
    """A rule, and the degree of crosslinking at which the next stage takes over; None for the last one."""

    rule: Rule = Rule()
    until: float | None = None


@dataclass(frozen=True)
class Crosslinking:
    """How a system is crosslinked.

    Attributes:
        capacities: bonds that a bead of each reactive type can still form in an unreacted molecule.
        reactions: pairs of types that react with each other; a type may react with itself.
        cutoff: largest distance at which a bond forms, angstrom.
        bonds_per_cycle: most bonds that form between two relaxations.
        stages: in this order.
        empty_cycles: so many cycles without a bond in a row end the cure.
        within_molecules: whether two beads of one molecule (as it was before the cure) may react with each other.
    """

    capacities: Mapping[str, int]
    reactions: tuple[tuple[str, str], ...]
    cutoff: float
    bonds_per_cycle: int
    stages: tuple[Stage, ...] = (Stage(),)
    empty_cycles: int = 30
    within_molecules: bool = False


def rules_of(reactions: Reactions, pairs: Sequence[Pair], cure: Cure) -> Crosslinking:
    """What the problem file declares.

    Args:
        reactions: which beads react.
        pairs: the kinds that react with each other.
        cure: how bonds form.
    """
    return Crosslinking(
        capacities=dict(reactions.capacities),
        reactions=tuple(pairs),
        cutoff=cure.cutoff,
        bonds_per_cycle=cure.bonds_per_cycle,
        stages=tuple(Stage(Rule(rule.virgin, rule.different_networks), rule.until) for rule in cure.rules),
        empty_cycles=cure.empty_cycles,
        within_molecules=reactions.within_molecules,
    )
