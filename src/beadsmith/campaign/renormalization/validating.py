"""Real runs of a calibrated model, beside what the surrogates predict; they become part of what is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beadsmith.campaign.driver import as_they_end, first_difference, seed_of
from beadsmith.campaign.evaluate import PendingEvaluation, submit
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.renormalization.learning import Learnt
from beadsmith.campaign.renormalization.systems import System, run_problem
from beadsmith.campaign.study import Study
from beadsmith.problem.model import Model
from beadsmith.problem.records import Evaluation, Target
from beadsmith.problem.state import State, same_state

#: Seeds of validations are the eighth kind that derives from a study's (see ``seed_of``).
_SEEDS = 8

#: A prediction and a simulation agree when they are no farther apart than so many standard deviations.
AGREEMENT = 1.959963984540054


@dataclass(frozen=True)
class Comparison:
    """A prediction, and what was simulated.

    Attributes:
        system, observable, state: of what.
        predicted, predicted_stderr: by the surrogate, before the simulation was known.
        simulated, simulated_stderr: by the simulation.
        noise: standard deviation of a simulation there about the property, as the surrogate learnt it.
        target, target_stderr: what it should be; None without a target there.
    """

    system: str
    observable: str
    state: State
    predicted: float
    predicted_stderr: float
    simulated: float
    simulated_stderr: float
    noise: float
    target: float | None
    target_stderr: float | None

    @property
    def scatter(self) -> float:
        """Standard deviation of the simulation: what it says of itself, or what runs are known to scatter by."""
        return max(self.simulated_stderr, self.noise)

    @property
    def deviation(self) -> float:
        """Simulated less predicted, over the standard deviation of that."""
        spread = math.hypot(self.predicted_stderr, self.scatter)
        return (self.simulated - self.predicted) / spread

    @property
    def agrees(self) -> bool:
        """Whether the simulation lies within the 95 % interval of its prediction."""
        return abs(self.deviation) <= AGREEMENT

    @property
    def from_target(self) -> float | None:
        """Simulated less target, over the standard deviation of that; None without a target."""
        if self.target is None or self.target_stderr is None:
            return None
        spread = math.hypot(self.target_stderr, self.scatter)
        return (self.simulated - self.target) / spread if spread > 0.0 else None

    @property
    def misses(self) -> bool:
        """Whether the simulation lies farther from its target than the errors of both explain in 95 of 100 cases."""
        return self.from_target is not None and abs(self.from_target) > AGREEMENT

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        return {
            "system": self.system,
            "observable": self.observable,
            "state": self.state.as_dict(),
            "value": self.simulated,
            "stderr": self.simulated_stderr,
            "predicted": self.predicted,
            "predicted_stderr": self.predicted_stderr,
            "noise": self.noise,
            "deviation": self.deviation,
            "agrees": self.agrees,
            "target": self.target,
            "target_stderr": self.target_stderr,
            "from_target": self.from_target,
        }


@dataclass(frozen=True)
class PlannedRun:
    """A model to be simulated in a system at a state.

    Attributes:
        index: of the run in its table, unique in its system.
    """

    system: System
    index: int
    model: Model
    state: State

    @property
    def point(self) -> dict[str, float]:
        """What a row of the table says of it: parameters of the system, and the state."""
        values = self.model.at(self.state)
        return {**{one.name: values[one.name] for one in self.system.parameters}, **self.state.as_dict()}


def runs_of_model(systems: Sequence[System], model: Model, states: Mapping[str, Sequence[State]]) -> list[PlannedRun]:
    """A model at states of each system.

    Args:
        states: by system.
    """
    return [
        PlannedRun(system, index, model, state)
        for system in systems
        for index, state in enumerate(states.get(system.name, ()))
    ]


def simulate_runs(
    laboratory: Laboratory, study: Study, table: str, runs: Sequence[PlannedRun], seed: int
) -> Iterator[Evaluation]:
    """Simulate what is not in a table of the study yet; yields each run once, those that are known first.

    Args:
        table: that takes the runs.
        runs: wanted.
        seed: everything random derives from it, from the name of the table, and from the run's place.
    """
    known = {(row.label, row.number): row for row in study.rows(table)}
    wanted = []
    for place, run in enumerate(runs):
        row = known.get((run.system.name, run.index))
        if row is not None and first_difference(row.point, run.point) is None:
            yield row
        else:
            wanted.append((run, seed_of(seed, _SEEDS, *table.encode(), place)))
    for evaluation in as_they_end(_submitted(laboratory, run, run_seed) for run, run_seed in wanted):
        study.append(table, evaluation)
        yield evaluation


def _submitted(laboratory: Laboratory, run: PlannedRun, seed: int) -> tuple[Laboratory, PendingEvaluation]:
    own = replace(laboratory, problem=run_problem(laboratory.problem, run.system.name, run.state), judge=False)
    return own, submit(own, run.model, run.index, seed, run.point, run.system.name)


def compare(
    learnt: Learnt, systems: Sequence[System], runs: Sequence[Evaluation], targets: Sequence[Target]
) -> list[Comparison]:
    """Simulations beside the predictions of surrogates that did not know them."""
    found = []
    by_name = {system.name: system for system in systems}
    for run in runs:
        emulators = learnt.emulators.get(run.label, {})
        if run.failed or run.label not in by_name:
            continue
        for observation in run.observations:
            emulator = emulators.get(observation.observable)
            if emulator is None or not math.isfinite(observation.value):
                continue
            inputs = np.array([[{**observation.state.as_dict(), **run.point}[axis.name] for axis in emulator.axes]])
            mean, stderr = emulator.predict(inputs)
            target = _target(targets, observation.observable, observation.state)
            found.append(
                Comparison(
                    system=run.label,
                    observable=observation.observable,
                    state=State.of({name: observation.state[name] for name in observation.state if name in run.point}),
                    predicted=float(mean[0]),
                    predicted_stderr=float(stderr[0]),
                    simulated=observation.value,
                    simulated_stderr=observation.stderr if math.isfinite(observation.stderr) else 0.0,
                    noise=float(emulator.usual_noise(inputs)[0]),
                    target=None if target is None else target.value,
                    target_stderr=None if target is None else target.stderr,
                )
            )
    return found


def simulated_rmspe(comparisons: Sequence[Comparison]) -> dict[str, dict[str, float]]:
    """Root mean squared percentage error of simulations against targets, by system and observable."""
    squares: dict[tuple[str, str], list[float]] = {}
    for one in comparisons:
        if one.target:
            squares.setdefault((one.system, one.observable), []).append((one.simulated / one.target - 1.0) ** 2)
    found: dict[str, dict[str, float]] = {}
    for (system, observable), values in squares.items():
        found.setdefault(system, {})[observable] = 100.0 * math.sqrt(float(np.mean(values)))
    return found


def _target(targets: Sequence[Target], observable: str, state: State) -> Target | None:
    return next((one for one in targets if one.observable == observable and same_state(one.state, state)), None)
