"""From cycle to cycle: which stage it is, how many bonds may form, when the cure is over, and why."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from beadsmith.build.growth import Array
from beadsmith.crosslink.choice import choose_bonds
from beadsmith.crosslink.network import Network
from beadsmith.crosslink.rules import Crosslinking, Stage

#: Share of a bond that rounding may make of a degree times the number of bonds.
_ROUNDING = 1e-9


class Outcome(enum.Enum):
    """Why a cure ended."""

    TARGET = "the degree of crosslinking asked for is reached"
    EXHAUSTED = "no two sites are left that react with each other"
    OUT_OF_REACH = "no pair that may react comes within the cutoff any more: relax longer between cycles or extend it"


class Reason(enum.Enum):
    """Why one stage gave way to the next."""

    REACHED = "its degree of crosslinking is reached"
    STALLED = "it allowed no bond within the cutoff"


@dataclass(frozen=True)
class Transition:
    """The end of a stage.

    Attributes:
        stage: number of the stage that ended, 0 first.
        cycle: in which it ended.
        degree: of crosslinking at that moment.
        reason: why.
    """

    stage: int
    cycle: int
    degree: float
    reason: Reason


@dataclass(frozen=True)
class Progress:
    """How far a cure has come, beside its bonds.

    Attributes:
        cycle: number of the last cycle, 0 before the first.
        stage: number of the present stage, 0 first.
        empty: cycles without a bond, since the last bond.
        transitions: stages that have ended.
        outcome: why the cure is over; None as long as it goes on.
    """

    cycle: int = 0
    stage: int = 0
    empty: int = 0
    transitions: tuple[Transition, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Plan:
    """What a cure aims at.

    Attributes:
        rules: how bonds form.
        target: degree of crosslinking at which the cure ends, between 0 and 1.
        snapshots: degrees at which the system is to be kept, increasing.
    """

    rules: Crosslinking
    target: float
    snapshots: tuple[float, ...] = ()

    def stage(self, progress: Progress) -> Stage:
        """The present stage."""
        return self.rules.stages[progress.stage]


def bonds_at(degree: float, most: int) -> int:
    """Bonds with which a degree of crosslinking is reached, if ``most`` bonds are a degree of 1."""
    return math.ceil(degree * most - _ROUNDING)


def snapshot_degrees(target: float, step: float = 0.05) -> tuple[float, ...]:
    """0, every multiple of ``step`` below the target, and the target."""
    multiples = (round(number * step, 12) for number in itertools.count())
    return (*itertools.takewhile(lambda degree: degree < target - _ROUNDING, multiples), target)


def fewest_cycles(plan: Plan, most: int) -> int:
    """Cycles that a cure needs if every cycle finds as many bonds as it may form; ``most`` bonds are a degree of 1."""
    last = bonds_at(plan.target, most)
    ends = [stage.until for stage in plan.rules.stages if stage.until is not None]
    goals = sorted({0, last, *(min(bonds_at(degree, most), last) for degree in (*plan.snapshots, *ends))})
    return sum(math.ceil((high - low) / plan.rules.bonds_per_cycle) for low, high in itertools.pairwise(goals))


def bonds_allowed(plan: Plan, progress: Progress, network: Network) -> int:
    """Most bonds of the next cycle: it must not jump across a snapshot, the end of its stage or that of the cure."""
    until = plan.stage(progress).until
    degrees = [plan.target, *plan.snapshots, *([] if until is None else [until])]
    goals = {bonds_at(degree, network.sites.most) for degree in degrees}
    if len(network.bonds) >= bonds_at(plan.target, network.sites.most):
        return 0
    ahead = min(goal for goal in goals if goal > len(network.bonds))
    return min(plan.rules.bonds_per_cycle, ahead - len(network.bonds))


def run_cycle(
    plan: Plan, progress: Progress, network: Network, positions: Array, cell: Array
) -> tuple[Progress, Network]:
    """Form the bonds of one cycle.

    A rule that allows no bond gives way to the next one for good, in the same cycle; only under the last rule can a
    cycle be empty.  After a cure has ended, nothing changes any more.

    Args:
        plan: aims and rules.
        progress, network: after the last cycle.
        positions: of all beads now, angstrom, shape (beads, 3).
        cell: edge vectors as rows, angstrom, shape (3, 3).

    Returns: both after this cycle.
    """
    progress = _settled(plan, progress, network)
    if progress.outcome is not None:
        return progress, network
    progress = replace(progress, cycle=progress.cycle + 1)
    while True:
        bonds = choose_bonds(
            positions,
            cell,
            network,
            plan.stage(progress).rule,
            plan.rules.cutoff,
            bonds_allowed(plan, progress, network),
            within_molecules=plan.rules.within_molecules,
        )
        if len(bonds) or plan.stage(progress).until is None:
            break
        progress = _next_stage(progress, network, Reason.STALLED)
    network = network.with_bonds(bonds, progress.cycle)
    progress = replace(progress, empty=0 if len(bonds) else progress.empty + 1)
    return _settled(plan, progress, network), network


def snapshots_due(plan: Plan, before: Network | None, after: Network) -> tuple[float, ...]:
    """Degrees at which the system is to be kept, reached after one network and by the other.

    Args:
        plan: names them.
        before: None at the start of the cure.
        after: now.
    """
    most = after.sites.most
    had = -1 if before is None else len(before.bonds)
    return tuple(degree for degree in plan.snapshots if had < bonds_at(degree, most) <= len(after.bonds))


def _settled(plan: Plan, progress: Progress, network: Network) -> Progress:
    """Stages that have reached their end given way, and the outcome if there is one."""
    formed, most = len(network.bonds), network.sites.most
    while (until := plan.stage(progress).until) is not None and formed >= bonds_at(until, most):
        progress = _next_stage(progress, network, Reason.REACHED)
    return replace(progress, outcome=progress.outcome or _outcome(plan, progress, network))


def _outcome(plan: Plan, progress: Progress, network: Network) -> Outcome | None:
    if len(network.bonds) >= bonds_at(plan.target, network.sites.most):
        return Outcome.TARGET
    if network.exhausted:
        return Outcome.EXHAUSTED
    if progress.empty >= plan.rules.empty_cycles:
        return Outcome.OUT_OF_REACH
    return None


def _next_stage(progress: Progress, network: Network, reason: Reason) -> Progress:
    ended = Transition(progress.stage, progress.cycle, network.degree, reason)
    return replace(progress, stage=progress.stage + 1, transitions=(*progress.transitions, ended))


def history(plan: Plan, progress: Progress) -> Sequence[str]:
    """One sentence for each stage that has ended, and one for the end of the cure."""
    sentences = [
        f"stage {ended.stage + 1} ({plan.rules.stages[ended.stage].rule.description}) ended in cycle {ended.cycle} "
        f"at a degree of crosslinking of {ended.degree:.3f}: {ended.reason.value}"
        for ended in progress.transitions
    ]
    if progress.outcome is not None:
        sentences.append(f"the cure ended after {progress.cycle} cycles: {progress.outcome.value}")
    return sentences
