"""Optuna's own Gaussian-process search, as it is: the baseline for searches on Gaussian processes.

It sees the misfit alone: a Gaussian process of it (Matérn 5/2, one length for each parameter, noise learnt) after ten
random points, and the logarithm of the expected improvement over the best value measured.

References:
    T. Akiba et al., KDD 2019, doi:10.1145/3292500.3330701 (Optuna).
    S. Ament et al., NeurIPS 2023, arXiv:2310.20708 (logarithm of the expected improvement).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.samplers import GPSampler

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Box
from beadsmith.search.optuna_strategy import OptunaStrategy
from beadsmith.search.quiet import quietly
from beadsmith.surrogate.reproducible import reproducible


class OptunaGp(OptunaStrategy):
    """Optuna's sampler as it is.

    A failure is told as the largest misfit among the successes so far: Optuna would do so with an infinite one, and
    forget a trial in its own state for failures.  Until the first success it stays in flight.
    """

    def __init__(self, box: Box, seed: int, start: Sequence[Mapping[str, float]] = ()) -> None:
        """Prepare a study.

        Args:
            box: ranges of the parameters.
            seed: non-negative.
            start: points to propose first, inside the box; the study learns from them.
        """
        with quietly():
            sampler = GPSampler(seed=seed)
        super().__init__(box, sampler, start)
        self._worst: float | None = None

    def propose(self, number: int) -> dict[str, float]:
        """What Optuna suggests; the same in every process."""
        with reproducible(0):
            return super().propose(number)

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Tell Optuna, failures once it is known how bad that is."""
        trial = self._in_flight.pop(number)
        if misfit is None:
            self._failed.append(trial)
        else:
            self._study.tell(trial, misfit)
            self._worst = misfit if self._worst is None else max(self._worst, misfit)
        if self._worst is not None:
            for failed in self._failed:
                self._study.tell(failed, self._worst)
            self._failed = []
