"""What searches on an Optuna study have in common: a study in memory, asked and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler

from beadsmith.search.box import Box
from beadsmith.search.contract import Strategy
from beadsmith.search.quiet import quietly


class OptunaStrategy(Strategy):
    """Asks an Optuna study; what it is told, and when, is left to those that derive from this."""

    def __init__(self, box: Box, sampler: BaseSampler, start: Sequence[Mapping[str, float]] = ()) -> None:
        """Prepare a study.

        Args:
            box: ranges of the parameters.
            sampler: an Optuna sampler, with its seed.
            start: points to propose first, inside the box; the study learns from them.
        """
        self._distributions = {
            name: FloatDistribution(low, high) for name, low, high in zip(box.names, box.low, box.high, strict=True)
        }
        with quietly():
            self._study = optuna.create_study(sampler=sampler)
        for point in start:
            self._study.enqueue_trial(dict(point))
        self._in_flight: dict[int, optuna.Trial] = {}
        self._failed: list[optuna.Trial] = []

    def propose(self, number: int) -> dict[str, float]:
        """What Optuna suggests."""
        trial = self._study.ask(dict(self._distributions))
        self._in_flight[number] = trial
        values = trial.params  # a deep copy of all of them
        return {name: float(values[name]) for name in self._distributions}
