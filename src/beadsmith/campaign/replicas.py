"""Several measurements of one model, with different seeds, as one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from beadsmith.observe.derived import Derived, derive_observations
from beadsmith.observe.random_effects import Measurements, random_effect
from beadsmith.problem.records import Gradient, Observation
from beadsmith.problem.schema import Observable
from beadsmith.problem.state import COORDINATES, State

#: The scatter of an observable over its other states counts like so many more replicas at each state.
BORROWED = 4.0


def pooled(replicas: Sequence[Sequence[Observation]]) -> tuple[Observation, ...]:
    """Means over replicas.

    The standard error of a mean is the larger of two: what the replicas' own standard errors give, and what their
    scatter gives.  The first misses what does not relax within a simulation: a glass keeps the structure in which it
    was quenched.  The second is poorly known from a few replicas, so the scatter at a state is averaged with that
    of the same observable at its other states, of a distribution of the same bin (a peak scatters more than a tail), as
    for the variances of many similar small samples (G. Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3, 2004), here with a
    fixed number of borrowed degrees of freedom.

    What some replicas could not determine is the mean of the others, with a remark, and tells nothing of the scatter.

    Replicas may share their cured networks: the standard errors of means over networks do not fall with the number of
    replicas.

    Args:
        replicas: observations of each replica; only what all of them have is kept.
    """
    tables = [{(one.observable, one.state): one for one in replica} for replica in replicas]
    if not tables:
        return ()
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    columns = {key: [table[key] for table in tables] for key in shared}
    alike: dict[tuple[str, State], list[float]] = {}
    for (name, state), column in columns.items():
        if (scatter := _scatter(column)) is not None:
            alike.setdefault((name, _bin_of(state)), []).append(scatter)
    return tuple(
        _pooled_one(column, _shrunk(_scatter(column), alike.get((name, _bin_of(state)), ())))
        for (name, state), column in columns.items()
    )


def _bin_of(state: State) -> State:
    """The state without all but the coordinates of distributions; empty for other observables."""
    return State.of({name: state[name] for name in COORDINATES if name in state})


def pooled_with_derived(
    replicas: Sequence[Sequence[Observation]], observables: Mapping[str, Observable]
) -> tuple[Observation, ...]:
    """Means over replicas of what was measured, and what follows from these means.

    A glass transition temperature is a ratio of differences between densities: from a single replica it may come out as
    any number, and then so does the mean over replicas.  From mean densities it is as good as these are, and their
    errors, which know the scatter between replicas, give its own.

    Args:
        replicas: observations of each replica, derived ones among them.
        observables: by name.
    """
    derived = {name for name, observable in observables.items() if isinstance(observable, Derived)}
    direct = pooled([[one for one in replica if one.observable not in derived] for replica in replicas])
    return direct + derive_observations(direct, observables) if replicas else ()


def pooled_networks(
    networks: Sequence[Sequence[Sequence[Observation]]], *, cured: bool = True
) -> tuple[Observation, ...]:
    """Means over networks that were each measured once or several times, with the scatter between and within them.

    What some measurements could not determine is the mean of the others, with a remark.

    Args:
        networks: for each network, the observations of each measurement; only what all have is kept.
        cured: False if they are independent samples of something that was not cured.
    """
    tables = [[{(one.observable, one.state): one for one in measured} for measured in network] for network in networks]
    every = [table for network in tables for table in network]
    if not every:
        return ()
    shared = [key for key in every[0] if all(key in table for table in every)]
    means = [_of_networks([[table[key] for table in network] for network in tables]) for key in shared]
    return tuple(replace(one, networks=len(networks)) if cured else one for one in means)


def _of_networks(networks: Sequence[Sequence[Observation]]) -> Observation:
    every = [one for network in networks for one in network]
    known = [kept for network in networks if (kept := _determined(network))]
    if not known:
        return every[0]
    effect = random_effect(
        [Measurements(np.array([one.value for one in own]), np.array([one.stderr for one in own])) for own in known]
    )
    return replace(
        every[0],
        value=effect.mean,
        stderr=effect.stderr,
        samples=sum(one.samples for network in known for one in network),
        equilibrated=all(one.equilibrated for one in every),
        note=_note(every, sum(len(network) for network in known)),
        between=effect.between,
        within=effect.within,
    )


def pooled_gradients(replicas: Sequence[Sequence[Gradient]]) -> tuple[Gradient, ...]:
    """Means over replicas of what all of them have, errors independent."""
    tables = [{(one.observable, one.state): one for one in replica} for replica in replicas]
    shared = [key for key in tables[0] if all(key in table for table in tables)] if tables else []
    return tuple(_mean_gradient([table[key] for table in tables]) for key in shared)


def _mean_gradient(gradients: Sequence[Gradient]) -> Gradient:
    if len(gradients) == 1:
        return gradients[0]
    count, names = len(gradients), list(gradients[0].values)
    values = np.array([[one.values[name] for name in names] for one in gradients]).mean(axis=0)
    stderrs = np.sqrt((np.array([[one.stderrs[name] for name in names] for one in gradients]) ** 2).sum(axis=0)) / count
    return replace(
        gradients[0],
        values=dict(zip(names, values.tolist(), strict=True)),
        stderrs=dict(zip(names, stderrs.tolist(), strict=True)),
    )


def _determined(observations: Sequence[Observation]) -> list[Observation]:
    """Those whose error is known."""
    return [one for one in observations if math.isfinite(one.stderr)]


def _note(every: Sequence[Observation], determined: int) -> str:
    """All remarks, and how many measurements say nothing, if some do and some do not."""
    notes = {one.note for one in every} - {""}
    if 0 < determined < len(every):
        notes.add(f"not determined in {len(every) - determined} of {len(every)} measurements")
    return "; ".join(sorted(notes))


def _scatter(column: Sequence[Observation]) -> float | None:
    """Sample variance of the values that are determined; None if fewer than two are."""
    values = [one.value for one in _determined(column)]
    return float(np.var(values, ddof=1)) if len(values) > 1 else None


def _shrunk(own: float | None, alike: Sequence[float], borrowed: float = BORROWED) -> float:
    """Variance at a state, averaged with those of the same observable at all its states; 0 if none is known."""
    if own is None:
        return float(np.mean(alike)) if alike else 0.0
    if len(alike) == 1:
        return own
    return (own + borrowed * float(np.mean(alike))) / (1.0 + borrowed)


def _pooled_one(every: Sequence[Observation], variance: float) -> Observation:
    determined = _determined(every)
    observations = determined or every
    count = len(observations)
    independent = 1 if any(observation.networks for observation in observations) else count
    within = math.sqrt(sum(observation.stderr**2 for observation in observations) / count / independent)
    return replace(
        observations[0],
        value=float(np.mean([observation.value for observation in observations])),
        stderr=max(within, math.sqrt(variance / count)),
        samples=sum(observation.samples for observation in observations),
        equilibrated=all(observation.equilibrated for observation in every),
        note=_note(every, len(determined)),
    )
