"""What a cure is told: which beads react, how far they reach, and in which order bonds are allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology


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


def check_crosslinking(rules: Crosslinking, molecules: Mapping[str, MoleculeTopology], where: str) -> None:
    """Refuse what can never work, before anything is simulated.

    Args:
        rules: as declared.
        molecules: those of the system that is cured, by name.
        where: path of the declaration in the problem file.

    Raises:
        ProblemError: the first thing that is wrong.
    """
    _check_capacities(rules, molecules, f"{where}.capacities")
    _check_reactions(rules, f"{where}.reactions")
    _check_numbers(rules, where)
    _check_stages(rules, f"{where}.stages")


def _check_capacities(rules: Crosslinking, molecules: Mapping[str, MoleculeTopology], where: str) -> None:
    present = {bead for molecule in molecules.values() for bead in molecule.beads}
    if not rules.capacities:
        raise ProblemError(where, "", "at least one type of bead with the bonds that it can form")
    for name, capacity in rules.capacities.items():
        if capacity < 1:
            raise ProblemError(f"{where}.{name}", str(capacity), "at least 1 bond", "leave out beads that never react")
        if name not in present:
            raise ProblemError(
                f"{where}.{name}",
                f"a reactive bead that none of {', '.join(molecules)} has",
                f"one of {', '.join(sorted(present))}",
                "add a molecule that has it, or leave it out",
            )


def _check_reactions(rules: Crosslinking, where: str) -> None:
    if not rules.reactions:
        raise ProblemError(where, "", "at least one pair of types that react with each other")
    seen: set[frozenset[str]] = set()
    for pair in rules.reactions:
        name = "-".join(pair)
        for bead in pair:
            if bead not in rules.capacities:
                remedy = f"declare how many bonds a bead {bead} can form"
                raise ProblemError(where, name, f"a pair of {', '.join(rules.capacities)}", remedy)
        if frozenset(pair) in seen:
            raise ProblemError(where, f"{name} twice", "each pair once, the same read from either end")
        seen.add(frozenset(pair))
    if idle := [name for name in rules.capacities if not any(name in pair for pair in seen)]:
        raise ProblemError(where, "", f"a reaction of {idle[0]}, which has a capacity", "or leave its capacity out")


def _check_numbers(rules: Crosslinking, where: str) -> None:
    if not (math.isfinite(rules.cutoff) and rules.cutoff > 0):
        raise ProblemError(f"{where}.cutoff", f"{rules.cutoff:g} angstrom", "a positive distance")
    for name in ("bonds_per_cycle", "empty_cycles"):
        if getattr(rules, name) < 1:
            raise ProblemError(f"{where}.{name}", str(getattr(rules, name)), "at least 1")


def _check_stages(rules: Crosslinking, where: str) -> None:
    if not rules.stages:
        raise ProblemError(where, "", "at least one stage")
    reached = 0.0
    for number, stage in enumerate(rules.stages, start=1):
        for name in stage.rule.virgin:
            if name not in rules.capacities:
                raise ProblemError(f"{where}.{number}.virgin", name, f"one of {', '.join(rules.capacities)}")
        last = number == len(rules.stages)
        if last != (stage.until is None):
            expected = "no end for the last stage" if last else "a degree of crosslinking that ends the stage"
            raise ProblemError(f"{where}.{number}.until", "" if stage.until is None else f"{stage.until:g}", expected)
        if stage.until is not None:
            if not reached < stage.until <= 1.0:
                expected = f"more than {reached:g} and at most 1 (a fraction, not per cent)"
                raise ProblemError(f"{where}.{number}.until", f"{stage.until:g}", expected)
            reached = stage.until
