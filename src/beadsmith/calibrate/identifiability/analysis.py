"""The analysis: from a pooled Jacobian to what is known, with error bars.

Every number is a function of the Jacobian without its noise.  Its standard error is the scatter of the same number over
Jacobians to which noise was added anew, each going through the whole analysis (parametric bootstrap: B. Efron, R. J.
Tibshirani, An Introduction to the Bootstrap (1993), chapter 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.identifiability.answer import Addition, Estimates, Goal, Identifiability, Share
from beadsmith.calibrate.identifiability.denoising import Denoised, denoised
from beadsmith.calibrate.identifiability.information import Information
from beadsmith.calibrate.identifiability.pooling import Jacobian

Array = NDArray[np.float64]

#: Resampled Jacobians behind each error bar; the error of an error is then 7 %.
DRAWS = 100

#: Eigenvalues below this part of the largest are rounding.
_ROUNDING = 1e-12

#: Numbers by what they are and, where there are several of a kind, whose.
_Numbers = dict[tuple[str, str], Array]


def identify(
    jacobian: Jacobian,
    targets: Sequence[Goal],
    considered: Mapping[str, Sequence[Goal]],
    parameters: Sequence[str],
    prior: float,
    random: np.random.Generator,
    draws: int = DRAWS,
) -> Identifiability:
    """What targets say about parameters, and what others would add.

    Args:
        jacobian: derivatives by unit coordinates, with standard errors.
        targets: what is known, at least one; each counts by its own error, independently of the others.
        considered: further goals of each observable that might become a target.
        parameters: names, in the order of the columns.
        prior: standard deviation of each parameter before anything is known, as a part of its range.
        random: for the error bars.
        draws: resampled Jacobians.

    Raises:
        ValueError: no targets, an error or a prior that is not positive.
    """
    if not targets:
        raise ValueError("identifiability needs at least one target whose observable has derivatives")
    if not (prior > 0 and all(goal.stderr > 0 for goal in (*targets, *_together(considered)))):
        raise ValueError("the prior and the errors of all targets must be positive: information is counted in them")
    question = _Question(jacobian, tuple(targets), considered, prior)
    found = question.estimates(random, draws)
    information = Information(question.scaled(targets) @ question.cleaned(jacobian.values))
    eigenvalues = found["eigenvalues", ""]
    resolved = int((eigenvalues.values > _ROUNDING * eigenvalues.values.max(initial=0.0)).sum())
    directions = found["directions", ""]
    raw, noise, noise_high = question.spectra(random, draws)
    return Identifiability(
        parameters=tuple(parameters),
        prior=prior,
        targets=tuple(targets),
        information=information,
        eigenvalues=eigenvalues,
        resolved=resolved,
        directions=Estimates(directions.values[:resolved], directions.stderrs[:resolved]),
        raw=raw,
        noise=noise,
        noise_high=noise_high,
        effective=found["effective", ""][0],
        nats=found["nats", ""][0],
        reductions=found["reductions", ""],
        leverages=found["leverages", ""],
        only_theirs=found["only theirs", ""],
        shares=tuple(_share(found, name, targets) for name in question.observables),
        additions=tuple(_addition(found, name, goals) for name, goals in considered.items()),
        limits=question.limits(),
        models=jacobian.models,
    )


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked, of any Jacobian of the same rows; see :func:`identify`."""

    jacobian: Jacobian
    targets: tuple[Goal, ...]
    considered: Mapping[str, Sequence[Goal]]
    prior: float

    @property
    def observables(self) -> tuple[str, ...]:
        """Names of those with targets, in their order."""
        return tuple(dict.fromkeys(goal.observable for goal in self.targets))

    def scaled(self, goals: Sequence[Goal]) -> Array:
        """From rows of the Jacobian to goals in units of their errors and of the prior, shape (goals, rows)."""
        return np.array([goal.chain * self.prior / goal.stderr for goal in goals])

    def cleaned(self, values: Array) -> Array:
        """A Jacobian without its noise."""
        return self._denoised(values).values

    def _denoised(self, values: Array) -> Denoised:
        blocks = [self.jacobian.of(name) for name in self.jacobian.observables]
        return denoised(values, self.jacobian.stderrs, blocks)

    def limits(self) -> dict[str, float]:
        """See :class:`.Identifiability`; only of observables that have derivatives of their own and targets."""
        found = {}
        limits = self._denoised(self.jacobian.values).limits
        for name, limit in zip(self.jacobian.observables, limits, strict=True):
            own = [goal for goal in self.targets if goal.observable == name]
            if own:
                noise = np.square(self.scaled(own)) @ np.square(self.jacobian.stderrs)
                found[name] = limit * float(noise.mean())
        return found

    def spectra(self, random: np.random.Generator, draws: int) -> tuple[Array, Array, Array]:
        """Eigenvalues with the noise left in; mean and 95 % quantile of those of noise alone."""
        scaled = self.scaled(self.targets)
        alone = np.array(
            [Information(scaled @ self._noise(random)).eigenvalues for _ in range(draws)],
        )
        return (
            Information(scaled @ self.jacobian.values).eigenvalues,
            alone.mean(axis=0),
            np.quantile(alone, 0.95, axis=0),
        )

    def estimates(self, random: np.random.Generator, draws: int) -> dict[tuple[str, str], Estimates]:
        """All numbers with their standard errors."""
        cleaned = self.cleaned(self.jacobian.values)
        numbers = self._numbers(cleaned)
        again = [self._numbers(self.cleaned(cleaned + self._noise(random))) for _ in range(draws)]
        return {
            key: Estimates(value, np.asarray(np.std([_towards(value, one[key], key) for one in again], axis=0)))
            for key, value in numbers.items()
        }

    def _noise(self, random: np.random.Generator) -> Array:
        return np.asarray(self.jacobian.stderrs * random.normal(size=self.jacobian.stderrs.shape))

    def _numbers(self, cleaned: Array) -> _Numbers:
        """All numbers that follow from a Jacobian without noise."""
        all_ = Information(self.scaled(self.targets) @ cleaned)
        numbers: _Numbers = {
            ("eigenvalues", ""): all_.eigenvalues,
            ("directions", ""): all_.directions,
            ("effective", ""): np.array([all_.effective_number]),
            ("nats", ""): np.array([all_.nats]),
            ("reductions", ""): all_.reductions,
            ("leverages", ""): all_.leverages,
            ("only theirs", ""): all_.only_theirs,
        }
        for name in self.observables:
            own = np.array([goal.observable == name for goal in self.targets])
            alone, without = all_.of(own), all_.of(~own)
            numbers |= {
                ("alone", name): np.array([alone.effective_number, alone.nats]),
                ("lost", name): np.array([all_.effective_number - without.effective_number, all_.nats - without.nats]),
                ("reductions alone", name): alone.reductions,
                ("reductions lost", name): all_.reductions - without.reductions,
            }
        for name, goals in self.considered.items():
            more = self.scaled(goals) @ cleaned
            with_it = all_.with_(more)
            numbers |= {
                ("gain", name): np.array([with_it.effective_number - all_.effective_number, with_it.nats - all_.nats]),
                ("spread", name): all_.spread(more) * np.array([goal.stderr for goal in goals]),
                ("direction", name): all_.newly_known(more)[None],
                ("reductions gained", name): with_it.reductions - all_.reductions,
            }
        return numbers


def _towards(value: Array, other: Array, key: tuple[str, str]) -> Array:
    """Directions turned round where they point the other way; all other numbers as they are."""
    if not key[0].startswith("direction"):
        return other
    signs = np.where((value * other).sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    return np.asarray(signs * other)


def _share(found: Mapping[tuple[str, str], Estimates], name: str, targets: Sequence[Goal]) -> Share:
    return Share(
        observable=name,
        targets=sum(goal.observable == name for goal in targets),
        alone=found["alone", name][0],
        lost=found["lost", name][0],
        nats_alone=found["alone", name][1],
        nats_lost=found["lost", name][1],
        reductions_alone=found["reductions alone", name],
        reductions_lost=found["reductions lost", name],
    )


def _addition(found: Mapping[tuple[str, str], Estimates], name: str, goals: Sequence[Goal]) -> Addition:
    direction = found["direction", name]
    return Addition(
        observable=name,
        goals=tuple(goals),
        gain=found["gain", name][0],
        nats=found["gain", name][1],
        spread=found["spread", name],
        direction=Estimates(direction.values[0], direction.stderrs[0]),
        reductions=found["reductions gained", name],
    )


def _together(considered: Mapping[str, Sequence[Goal]]) -> list[Goal]:
    return [goal for goals in considered.values() for goal in goals]
