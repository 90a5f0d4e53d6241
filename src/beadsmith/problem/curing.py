"""Checks of cures, before anything is simulated."""

from __future__ import annotations

from collections.abc import Mapping

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology
from beadsmith.problem.schema import Cure, Network, ProblemFile, Reactions
from beadsmith.problem.state import DEGREE


def check_cure(
    file: ProblemFile,
    network: Network,
    molecules: Mapping[str, MoleculeTopology],
    where: str,
    half_box: tuple[float, float],
) -> None:
    """Refuse what can never be cured.

    Args:
        file: its reactions.
        network: the experiment.
        molecules: all of the problem, by name.
        where: path of the experiment in the problem file.
        half_box: half the edge of the box (angstrom) at the highest density it is meant to reach, and that (g/cm^3).

    Raises:
        ProblemError: no reactions, a cutoff beyond half the box, impossible rules, too few reactive sites, a degree of
            crosslinking among the fixed state variables.
    """
    if file.reactions is None:
        raise ProblemError(f"{where}.kind", "network", "a section 'reactions' that says which beads react")
    if DEGREE in network.state:
        expected = "variables other than the degree of crosslinking"
        raise ProblemError(f"{where}.state.{DEGREE}", f"{network.state[DEGREE]:g}", expected, "name it under degrees")
    half, density = half_box
    if network.cure.cutoff > half:
        raise ProblemError(
            f"{where}.cure.cutoff",
            f"{network.cure.cutoff:g} angstrom",
            f"at most half the box, {half:.3g} angstrom at {density:.3g} g/cm^3",
            f"simulate more molecules ({where}.molecules)",
        )
    _check_rules(network.cure, file.reactions, f"{where}.cure.rules")
    present = {bead for name in network.molecules for bead in molecules[name].beads}
    if not any(present.issuperset(pair.split("-")) for pair in file.reactions.bonds):
        pairs = ", ".join(file.reactions.bonds)
        raise ProblemError(f"{where}.molecules", ", ".join(network.molecules), f"molecules that react by {pairs}")


def _check_rules(cure: Cure, reactions: Reactions, where: str) -> None:
    reached = 0.0
    for number, rule in enumerate(cure.rules, start=1):
        for name in rule.virgin:
            if name not in reactions.capacities:
                raise ProblemError(f"{where}.{number}.virgin", name, f"one of {', '.join(reactions.capacities)}")
        last = number == len(cure.rules)
        if last != (rule.until is None):
            received = "nothing" if rule.until is None else f"{rule.until:g}"
            expected = "nothing for the last rule" if last else "the degree of crosslinking that ends this rule"
            raise ProblemError(f"{where}.{number}.until", received, expected)
        if rule.until is not None and rule.until <= reached:
            raise ProblemError(f"{where}.{number}.until", f"{rule.until:g}", f"more than {reached:g}")
        reached = rule.until or reached
