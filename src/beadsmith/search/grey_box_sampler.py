"""The grey-box search as a sampler for any Optuna study.

The objective tells its observables; what it returns may be anything that the user likes to see:

    def objective(trial):
        x = trial.suggest_float("x", 0.0, 1.0)
        values, stderrs = simulate(x)
        trial.set_user_attr("observables", values)   # one number for each target; None where it has none
        trial.set_user_attr("stderrs", stderrs)      # their standard errors; may be left out if all are exact
        return sum(((values - targets) / uncertainties) ** 2)

    study = optuna.create_study(sampler=GreyBoxSampler(targets, uncertainties, seed=1))

The sampler minimises sum_i w_i (y_i - t_i)^2 / (sigma_i^2 + s_i^2), see :mod:`beadsmith.search.grey_box`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from beadsmith.calibrate.response import Response
from beadsmith.search.box import Array
from beadsmith.search.grey_box import Design, propose
from beadsmith.search.grey_box_model import Evaluated

#: User attributes of a trial that the sampler reads.
OBSERVABLES, STDERRS = "observables", "stderrs"

#: System attribute under which a trial that is running tells where it is.
_WHERE = "beadsmith:grey_box"


class GreyBoxSampler(BaseSampler):
    """Proposes the point with the largest expected improvement of a misfit of known form.

    Trials that failed, were pruned, or completed without observables count as failures: the sampler learns to keep away
    from them.  Trials that are running are taken to come out as expected, so several can run at once.  Proposals depend
    on the seed, the trial's number and what the storage holds, and on nothing else: a study goes on after a stop as if
    nothing had happened.

    All parameters must be floats, with a logarithmic range or without, and the same in all trials.
    """

    def __init__(
        self,
        targets: Sequence[float],
        uncertainties: Sequence[float],
        weights: Sequence[float] | None = None,
        *,
        seed: int,
    ) -> None:
        """Say what should come out.

        Args:
            targets: wanted values of the observables.
            uncertainties: their standard deviations, positive; a deviation of one counts one.
            weights: how much each counts; all alike if left out.
            seed: non-negative.

        Raises:
            ValueError: lists of different lengths, an uncertainty that is not positive, no positive weight, a negative
                weight or seed.
        """
        count = len(targets)
        shares = np.ones(count) if weights is None else np.array(weights, dtype=np.float64)
        self._targets = np.array(targets, dtype=np.float64)
        self._uncertainties = np.array(uncertainties, dtype=np.float64)
        if count == 0 or len(self._uncertainties) != count or len(shares) != count:
            raise ValueError(
                f"received {count} targets, {len(self._uncertainties)} uncertainties and {len(shares)} weights, "
                "expected as many of each, and one at least"
            )
        if not np.isfinite(self._targets).all():
            raise ValueError("a target is not a finite number; leave it out")
        if not (np.isfinite(self._uncertainties).all() and (self._uncertainties > 0).all()):
            raise ValueError(
                f"the smallest uncertainty is {self._uncertainties.min():g}, expected positive numbers: "
                "an exact target would outweigh everything else"
            )
        if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
            raise ValueError("weights are expected from 0 upwards, one of them above it")
        if seed < 0:
            raise ValueError(f"the seed is {seed}, expected a whole number from 0 upwards")
        self._weights = shares / shares.sum()
        self._seed = seed
        self._space = IntersectionSearchSpace()

    def reseed_rng(self) -> None:
        """Nothing to do: two trials never share a number, and the number decides what is drawn."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that all completed trials share."""
        shared = self._space.calculate(study)
        return {name: distribution for name, distribution in shared.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose values of all shared parameters together.

        Raises:
            ValueError: a parameter that is not a float, a study that maximises or has several objectives, completed
                trials of which none told its observables, or observables that do not fit the targets.
        """
        if study.directions != [StudyDirection.MINIMIZE]:
            raise ValueError("GreyBoxSampler minimises one misfit; create the study with direction='minimize'")
        if not search_space:
            return {}
        space = {name: _float(name, distribution) for name, distribution in search_space.items()}
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        design = Design.of(len(space), self._seed)
        self._check_some_observables(others, design.starts)
        promise = propose(design, trial.number, self._history(others, space), _running(others, space))
        _tell_where(study, trial, space, promise.unit)
        return dict(zip(space, map(_value, space.values(), promise.unit), strict=True))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> float:
        """A uniform value, before anything is known.

        Raises:
            ValueError: the parameter is not a float.
        """
        distribution = _float(param_name, param_distribution)
        if distribution.single():
            return distribution.low
        stream = np.random.default_rng((self._seed, trial.number, zlib.crc32(param_name.encode())))
        return _value(distribution, stream.random())

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Look at the observables while their author is near.

        Raises:
            ValueError: they do not fit the targets.
        """
        if state == TrialState.COMPLETE:
            self._response(trial, len(trial.params))

    def _history(self, trials: Sequence[FrozenTrial], space: Mapping[str, FloatDistribution]) -> list[Evaluated]:
        """Finished trials in the order of their numbers."""
        finished = sorted((one for one in trials if one.state.is_finished()), key=lambda one: one.number)
        placed = [one for one in finished if space.keys() <= one.params.keys()]
        return [
            Evaluated(
                _unit(one.params, space),
                self._response(one, len(space)) if one.state == TrialState.COMPLETE else None,
            )
            for one in placed
        ]

    def _response(self, trial: FrozenTrial, parameters: int) -> Response | None:
        told = trial.user_attrs.get(OBSERVABLES)
        if told is None:
            return None
        values = self._numbers(trial, OBSERVABLES, told, absent=math.nan)
        stderrs = self._numbers(trial, STDERRS, trial.user_attrs.get(STDERRS, [0.0] * len(told)), absent=math.inf)
        known = np.isfinite(values) & np.isfinite(stderrs)
        if (stderrs < 0).any():
            raise ValueError(f"trial {trial.number} has a negative standard error, expected numbers from 0 upwards")
        unknown = np.full((len(self._targets), parameters), np.nan)
        return Response(
            targets=self._targets,
            target_stderrs=self._uncertainties,
            weights=self._weights,
            values=np.where(known, values, np.nan),
            stderrs=np.where(known, stderrs, np.inf),
            jacobian=unknown,
            jacobian_stderrs=np.full_like(unknown, np.inf),
        )

    def _numbers(self, trial: FrozenTrial, name: str, told: Sequence[float | None], absent: float) -> Array:
        if len(told) != len(self._targets):
            raise ValueError(
                f"trial {trial.number} has {len(told)} {name}, expected {len(self._targets)}: one for each target, "
                "None for those that it could not determine"
            )
        return np.array([absent if number is None else float(number) for number in told])

    def _check_some_observables(self, trials: Sequence[FrozenTrial], enough: int) -> None:
        completed = [one for one in trials if one.state == TrialState.COMPLETE]
        if len(completed) >= enough and not any(OBSERVABLES in one.user_attrs for one in completed):
            raise ValueError(
                f"none of {len(completed)} completed trials has the user attribute {OBSERVABLES!r}; "
                f"call trial.set_user_attr({OBSERVABLES!r}, [...]) in the objective"
            )


def _float(name: str, distribution: BaseDistribution) -> FloatDistribution:
    if not isinstance(distribution, FloatDistribution) or distribution.step is not None:
        raise ValueError(
            f"parameter {name} is {distribution}, expected a float without steps: "
            "GreyBoxSampler searches over continuous parameters only"
        )
    return distribution


def _unit(values: Mapping[str, float], space: Mapping[str, FloatDistribution]) -> Array:
    """Unit coordinates of a trial's parameters; enqueued ones may lie outside their ranges."""
    parts = [_part(distribution, values[name]) for name, distribution in space.items()]
    return np.clip(np.array(parts), 0.0, 1.0)


def _part(distribution: FloatDistribution, value: float) -> float:
    low, high = distribution.low, distribution.high
    if distribution.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _value(distribution: FloatDistribution, part: float) -> float:
    low, high = distribution.low, distribution.high
    if distribution.log:
        value = math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
    else:
        value = low + part * (high - low)
    return float(min(max(value, low), high))


def _tell_where(study: Study, trial: FrozenTrial, space: Mapping[str, FloatDistribution], unit: Array) -> None:
    """Note the point with the trial, which gets its parameters one by one: other workers must not propose it again."""
    point = dict(zip(space, unit.tolist(), strict=True))
    # Optuna's own samplers talk to the storage in the same way; there is no public one.
    study._storage.set_trial_system_attr(trial._trial_id, _WHERE, point)


def _running(trials: Sequence[FrozenTrial], space: Mapping[str, FloatDistribution]) -> list[Array]:
    """Points of the trials that are running, as far as they are known."""
    points = []
    for one in sorted((one for one in trials if one.state == TrialState.RUNNING), key=lambda one: one.number):
        noted = one.system_attrs.get(_WHERE, {})
        if space.keys() <= noted.keys():
            points.append(np.array([noted[name] for name in space]))
        elif space.keys() <= one.params.keys():
            points.append(_unit(one.params, space))
    return points
