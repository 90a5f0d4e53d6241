"""The answer of the analysis, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.identifiability.information import Information
from beadsmith.problem.state import State

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, which comes from the noise of the derivatives."""

    value: float
    stderr: float


@dataclass(frozen=True, eq=False)
class Estimates:
    """Several numbers and their standard errors, of equal shape."""

    values: Array
    stderrs: Array

    def __getitem__(self, place: int) -> Estimate:
        return Estimate(float(self.values[place]), float(self.stderrs[place]))


@dataclass(frozen=True, eq=False)
class Goal:
    """An observable at a state that is known, or would be, with an error.

    Attributes:
        observable, state: which.
        stderr: its error, in the unit of the observable.
        chain: its derivative by what stands in each row of the Jacobian, shape (rows,): a single 1 for what has a row
            of its own.
    """

    observable: str
    state: State
    stderr: float
    chain: Array


@dataclass(frozen=True, eq=False)
class Share:
    """What one observable says about the parameters, all its targets together.

    Attributes:
        observable: its name.
        targets: how many it has.
        alone, lost: effective number of parameters that it knows by itself, and that would be lost without it.
        nats_alone, nats_lost: the same in nats.
        reductions_alone, reductions_lost: of each parameter's prior variance: the share it takes away by itself, and
            that would come back without it, shape (parameters,).
    """

    observable: str
    targets: int
    alone: Estimate
    lost: Estimate
    nats_alone: Estimate
    nats_lost: Estimate
    reductions_alone: Estimates
    reductions_lost: Estimates


@dataclass(frozen=True, eq=False)
class Addition:
    """What a further observable would add.

    Attributes:
        observable: its name.
        goals: at which states, with which errors.
        gain: how much the effective number of parameters would rise.
        nats: information it would add.
        spread: standard deviation of the observable over the models that the present targets leave open, in its unit,
            at each goal: measuring it more coarsely than that says little.
        direction: what it would narrow most, of length 1, in units of the prior, shape (parameters,); zeros if nothing.
        reductions: further share of each parameter's prior variance that would go, shape (parameters,).
    """

    observable: str
    goals: tuple[Goal, ...]
    gain: Estimate
    nats: Estimate
    spread: Estimates
    direction: Estimates
    reductions: Estimates


@dataclass(frozen=True, eq=False)
class Identifiability:
    """What the targets say about the parameters, near one model.

    Attributes:
        parameters: names of the free ones, in the order of every axis of parameters.
        prior: standard deviation of each before anything was measured, as a part of its range.
        targets: in the order of every axis of targets.
        information: from the Jacobian without its noise.
        eigenvalues: of the information matrix, in descending order; those beyond ``resolved`` are 0.
        resolved: how many directions stand above the noise of the derivatives.
        directions: the stiff ones, the stiffest first, each of length 1, shape (resolved, parameters).
        raw: eigenvalues with the noise left in.
        noise, noise_high: eigenvalues that the noise alone would have: mean and 95 % quantile.
        effective: effective number of parameters.
        nats: information that the targets add to the prior.
        reductions: share of each parameter's prior variance that is gone.
        leverages, only_theirs: of each target; see :class:`.Information`.
        shares: by observable.
        additions: what further observables would add.
        limits: by observable: information that one more of its directions would need to be seen.  Below it, it may be
            there and is not counted.
        models: by observable with derivatives: how many models stand behind them.
    """

    parameters: tuple[str, ...]
    prior: float
    targets: tuple[Goal, ...]
    information: Information
    eigenvalues: Estimates
    resolved: int
    directions: Estimates
    raw: Array
    noise: Array
    noise_high: Array
    effective: Estimate
    nats: Estimate
    reductions: Estimates
    leverages: Estimates
    only_theirs: Estimates
    shares: tuple[Share, ...]
    additions: tuple[Addition, ...]
    limits: Mapping[str, float]
    models: Mapping[str, float]

    @property
    def widths(self) -> Array:
        """Posterior over prior standard deviation of each parameter, 0 to 1, shape (parameters,)."""
        return np.asarray(np.sqrt(1.0 - self.reductions.values))

    def below(self, reduction: float) -> tuple[str, ...]:
        """Names of the parameters of whose prior variance a smaller share than this is gone."""
        pairs = zip(self.parameters, self.reductions.values, strict=True)
        return tuple(name for name, value in pairs if value < reduction)

    def left(self, frozen: tuple[str, ...]) -> float:
        """Effective number of parameters when some are held."""
        return self.information.within(np.array([name not in frozen for name in self.parameters])).effective_number
