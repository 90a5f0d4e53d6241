"""The tree-structured Parzen estimator (TPE) of Optuna: as it is today, and as Martins et al. (2025) ran it.

TPE sorts the evaluations so far into the best tenth (25 at most) and the rest, describes each group by a
mixture of normal kernels, and proposes, out of 24 draws from the first mixture, the one whose density ratio
is largest.  The first 10 points are random.  Only the ranks of the misfits matter, and no scaling of the
parameters does.

What changed in Optuna between the version 4 of the paper and today's version 5:

=====================  ================================  ===================================================
setting                4.0 to 4.8 (``tpe-martins2025``)  5.0 (``tpe``)
=====================  ================================  ===================================================
``multivariate``       no: one mixture per parameter     yes: one mixture for all parameters together
``constant_liar``      no: those in flight are ignored   yes: those in flight count as not good
widths of the kernels  distance to the neighbours, the   distance to the neighbours, the centre of the range
                       centre of the range among them    not among them (since 4.9)
=====================  ================================  ===================================================

All else is the same in both: 10 random points, 24 candidates, the tenth, the weights (the last 25
evaluations count fully, older ones less), the prior, the clipping of widths, no groups.  The two settings
are public arguments; the widths are not, so :class:`_WidthsOfVersion4` restores them.  The proposals are
those of Optuna 4.0, 4.2.1, 4.5 and 4.8.

References:
    J. Bergstra et al., NIPS 24, 2546 (2011).
    S. Watanabe, arXiv:2304.11127 (2023).
    T. Akiba et al., KDD 2019, doi:10.1145/3292500.3330701 (Optuna).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.probability_distributions import (
    _BatchedDistributions,
    _BatchedTruncNormDistributions,
)
from optuna.trial import FrozenTrial, TrialState

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array, Box
from beadsmith.search.optuna_strategy import OptunaStrategy


def sampler_of_today(seed: int) -> BaseSampler:
    """The sampler that Optuna takes if none is named."""
    return TPESampler(seed=seed)


def sampler_of_martins2025(seed: int) -> BaseSampler:
    """The sampler that Optuna 4.0 to 4.8 took if none was named: that of the paper."""
    return _SamplerOfVersion4(seed)


class _SamplerOfVersion4(TPESampler):
    """Optuna's sampler with the settings and kernel widths of version 4; faster, with the same proposals.

    Optuna sorts all trials and gathers their values anew for each parameter of each proposal.  Here that is
    done once for all parameters, which halves the time for 600 proposals of 41 parameters.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(
            n_startup_trials=10,
            n_ei_candidates=24,
            multivariate=False,
            group=False,
            constant_liar=False,
            seed=seed,
        )
        self._sorted_for = -1
        self._good: dict[str, Array] = {}
        self._rest: dict[str, Array] = {}

    def _sample(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """One parameter, out of candidates from the mixture of the good values."""
        if trial.number != self._sorted_for:
            self._sort(study)
            self._sorted_for = trial.number
        (name,) = search_space
        settings = self._parzen_estimator_parameters
        good = _WidthsOfVersion4({name: self._good[name]}, search_space, settings)
        rest = _WidthsOfVersion4({name: self._rest[name]}, search_space, settings)
        candidates = good.sample(self._rng.rng, self._n_ei_candidates)
        best = int(np.argmax(good.log_pdf(candidates) - rest.log_pdf(candidates)))
        return {name: float(candidates[name][best])}

    def _sort(self, study: optuna.Study) -> None:
        """Split the completed trials into the good and the rest, each in order of number."""
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        order = np.argsort([trial.values[0] for trial in trials], kind="stable")
        number = _size_of_best_group(len(trials))
        names = list(trials[0].params)
        table = np.array([[trial.params[name] for name in names] for trial in trials])
        self._good = dict(zip(names, table[np.sort(order[:number])].T, strict=True))
        self._rest = dict(zip(names, table[np.sort(order[number:])].T, strict=True))


class _WidthsOfVersion4(_ParzenEstimator):
    """Kernels whose widths also know the centre of the range, as before Optuna 4.9."""

    def _calculate_numerical_distributions(
        self,
        observations: Array,
        search_space: FloatDistribution | IntDistribution,
        parameters: _ParzenEstimatorParameters,
    ) -> _BatchedDistributions:
        low, high = search_space.low, search_space.high
        centres = np.append(observations, 0.5 * (low + high))
        widths = _distances_to_neighbours(centres, low, high)
        narrowest = (high - low) / min(100.0, 1.0 + len(centres))
        widths = np.clip(widths, narrowest, high - low)
        widths[-1] = high - low  # the prior
        return _BatchedTruncNormDistributions(centres, widths, low, high)


def _distances_to_neighbours(centres: Array, low: float, high: float) -> Array:
    """Distance from each centre to the farther of its two neighbours; to the only one for the outermost."""
    order = np.argsort(centres)
    gaps = np.diff(np.concatenate([[low], centres[order], [high]]))
    widths = np.maximum(gaps[:-1], gaps[1:])
    if len(centres) > 1:
        widths[0], widths[-1] = gaps[1], gaps[-2]
    in_place = np.empty_like(widths)
    in_place[order] = widths
    return np.asarray(in_place)


class Tpe(OptunaStrategy):
    """TPE, or whatever sampler it is given.

    A failure is told as an infinite misfit, which TPE only ranks: behind all successes.  (Optuna's own state
    for failed trials would make it forget them.)  It is told as soon as there are enough successes that it
    cannot count among the best tenth; until then it stays in flight, so that a search that has seen only
    failures goes on at random instead of returning to the first of them.
    """

    def __init__(self, box: Box, sampler: BaseSampler, start: Sequence[Mapping[str, float]] = ()) -> None:
        """Prepare a study.

        Args:
            box: ranges of the parameters.
            sampler: an Optuna sampler, with its seed.
            start: points to propose first, inside the box; the study learns from them.
        """
        super().__init__(box, sampler, start)
        self._successes = 0
        self._told = 0

    def learn(self, number: int, misfit: float | None, response: Response | None) -> None:
        """Tell Optuna, failures as late as needed."""
        trial = self._in_flight.pop(number)
        if misfit is None:
            self._failed.append(trial)
        else:
            self._tell(trial, misfit)
            self._successes += 1
        while self._failed and _size_of_best_group(self._told + 1) <= self._successes:
            self._tell(self._failed.pop(0), math.inf)

    def _tell(self, trial: optuna.Trial, misfit: float) -> None:
        self._study.tell(trial, misfit)
        self._told += 1


def _size_of_best_group(evaluations: int) -> int:
    """How many of so many evaluations TPE calls good (Optuna's ``gamma``)."""
    return min(math.ceil(0.1 * evaluations), 25)
