"""From what was found about a protocol to the cheapest one that is precise enough.

A single run of an observable has the variance b^2 + w^2: between runs, and what the run itself claims.  The mean of n
runs whose holds are L times as long has (b^2 + w^2/L)/n, since a longer hold averages only over what fluctuates within
it; b is kept, to be safe.  Copies of an isolated molecule are independent, so the whole variance falls with their
number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beadsmith.campaign.fidelity import Finding, Measured
from beadsmith.campaign.store import RunStore
from beadsmith.campaign.timing import total_steps
from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.problem.problem import Problem
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import Dynamics, Experiment, FromSeries, Ladder, Mean, Opaque, Precision, Vacuum
from beadsmith.problem.state import State, same_state
from beadsmith.problem.targets import resolve_tolerances

#: More runs than these are not looked at one by one.
_MOST_RUNS = 1000

#: Lengths of holds are rounded up to this.
_STEP = 0.1


@dataclass(frozen=True)
class Need:
    """An observable at a state, and how precisely it is to be known.

    Attributes:
        finding: what was found there.
        tolerance: largest standard error wanted.
    """

    finding: Finding
    tolerance: float

    @property
    def runs(self) -> int:
        """How many runs reach the tolerance as they are."""
        return max(1, math.ceil((self.finding.scatter.total / self.tolerance) ** 2 * (1 - 1e-9)))


@dataclass(frozen=True)
class Setting:
    """The cheapest way to simulate an experiment that reaches all tolerances.

    Attributes:
        experiment: its name.
        needs: all that it is to deliver.
        runs: independent runs.
        longer: how many times as long their recorded holds.
        copies: molecules side by side in a run; None if that is no choice.
        core_seconds, core_seconds_now: of an evaluation of the experiment, with this setting and as it stands.
    """

    experiment: str
    needs: tuple[Need, ...]
    runs: int
    longer: float
    copies: int | None
    core_seconds: float
    core_seconds_now: float

    @property
    def strictest(self) -> tuple[Need, ...]:
        """For each observable, the state at which a single run is farthest from its tolerance."""
        names = dict.fromkeys(need.finding.observable for need in self.needs)
        return tuple(
            max(
                (need for need in self.needs if need.finding.observable == name),
                key=lambda need: need.finding.scatter.total / need.tolerance,
            )
            for name in names
        )


def tolerances(problem: Problem) -> dict[tuple[str, State], float]:
    """Largest standard error wanted, by observable and state; half the target's uncertainty if nothing is declared."""
    declared = problem.file.precision or Precision()
    wanted = resolve_tolerances(declared, problem.targets, problem.observables)
    return {
        (target.observable, target.state): tolerance
        for target, tolerance in zip(problem.targets, wanted, strict=True)
        if math.isfinite(tolerance)
    }


def settings(problem: Problem, found: Sequence[Finding], costs: Mapping[str, float]) -> tuple[Setting, ...]:
    """The cheapest setting of each experiment that has a tolerance to reach.

    Args:
        problem: with the ``precision`` section that was declared.
        found: at the problem's fidelity.
        costs: core-seconds of one simulation of each experiment.
    """
    wanted = tolerances(problem)
    needs: dict[str, list[Need]] = {}
    for finding in found:
        tolerance = _tolerance(finding, wanted)
        if tolerance is not None:
            experiment = getattr(problem.observables[finding.observable], "experiment", "")
            needs.setdefault(experiment, []).append(Need(finding, tolerance))
    longest = (problem.file.precision or Precision()).longest
    return tuple(
        _setting(problem, name, needs[name], costs[name], longest) for name in problem.experiments if name in needs
    )


def mean_costs(measured: Measured, store: RunStore) -> dict[str, float]:
    """Mean core-seconds of a simulation of each experiment."""
    spent: dict[str, list[float]] = {}
    for evaluation in (one for each in measured.evaluations.values() for one in each):
        for result in filter(None, map(store.result, evaluation.runs)):
            spent.setdefault(result.experiment, []).append(result.core_seconds)
    return {name: sum(each) / len(each) for name, each in spent.items()}


def cheapest(needs: Sequence[Need], hold_share: float, longest: float) -> tuple[int, float]:
    """Number of runs, and length of their holds in units of the present one, that reach all tolerances most cheaply.

    Args:
        needs: all that one experiment has to deliver.
        hold_share: share of the cost of a run that goes into recorded holds.
        longest: holds may not become longer than so many times.
    """
    enough = max(need.runs for need in needs)
    choices = [(enough, 1.0)]
    for runs in range(1, min(enough, _MOST_RUNS)):
        longer = max(_longer(need, runs) for need in needs)
        if longer <= longest:
            choices.append((runs, min(longest, math.ceil(longer / _STEP) * _STEP)))
    return min(choices, key=lambda choice: choice[0] * (1 - hold_share + hold_share * choice[1]))


def _setting(problem: Problem, name: str, needs: Sequence[Need], cost: float, longest: float) -> Setting:
    experiment = problem.experiments[name]
    if isinstance(experiment, Vacuum) and not any(
        isinstance(problem.observables[need.finding.observable], FromSeries | Mean) for need in needs
    ):
        factor = max((need.finding.scatter.total / need.tolerance) ** 2 for need in needs)
        copies = max(FEWEST_REPLICAS, math.ceil(factor * experiment.replicas * (1 - 1e-9)))
        return Setting(name, tuple(needs), 1, 1.0, copies, cost * copies / experiment.replicas, cost)
    share = 0.0 if isinstance(experiment, Opaque) else _hold_share(experiment)
    runs, longer = cheapest(needs, share, 1.0 if isinstance(experiment, Opaque) else longest)
    return Setting(name, tuple(needs), runs, longer, None, runs * cost * (1 - share + share * longer), cost)


def _longer(need: Need, runs: int) -> float:
    """How long the holds of so many runs must be; infinite if no length is enough."""
    scatter = need.finding.scatter
    between = scatter.between_runs**2
    room = runs * need.tolerance**2 - between
    return max(1.0, scatter.claimed / room) if room > 0 else math.inf


def _hold_share(experiment: Experiment) -> float:
    """Share of the steps of an experiment that is recorded."""
    if isinstance(experiment, Opaque):
        return 0.0
    recorded = 0
    for stage in experiment.protocol:
        if isinstance(stage, Ladder):
            recorded += len(stage.temperatures) * parse_duration(stage.hold, experiment.timestep)
        elif isinstance(stage, Dynamics) and stage.record:
            recorded += parse_duration(stage.duration, experiment.timestep)
    return recorded / max(total_steps(experiment), 1)


def _tolerance(finding: Finding, wanted: Mapping[tuple[str, State], float]) -> float | None:
    same = (
        tolerance
        for (name, state), tolerance in wanted.items()
        if name == finding.observable and same_state(state, finding.state)
    )
    return next(same, None)
