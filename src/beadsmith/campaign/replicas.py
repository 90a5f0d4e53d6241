"""Several measurements of one model, with different seeds, as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beadsmith.problem.records import Observation

#: The scatter of an observable over its other states counts like so many more replicas at each state.
BORROWED = 4.0


def pooled(replicas: Sequence[Sequence[Observation]]) -> tuple[Observation, ...]:
    """Means over replicas.

    The standard error of a mean is the larger of two: what the replicas' own standard errors give, and what their
    scatter gives.  The first misses what does not relax within a simulation: a glass keeps the structure in which it
    was quenched.  The second is poorly known from a few replicas, so the scatter at a state is averaged with that
    of the same observable at its other states, as for the variances of many similar small samples (G. Smyth, Stat.
    Appl. Genet. Mol. Biol. 3, 3, 2004), here with a fixed number of borrowed degrees of freedom.

    Args:
        replicas: observations of each replica; only what all of them have is kept.
    """
    tables = [{(one.observable, one.state): one for one in replica} for replica in replicas]
    if not tables:
        return ()
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    columns = {key: [table[key] for table in tables] for key in shared}
    scatter = {key: _scatter(column) for key, column in columns.items()}
    return tuple(
        _pooled_one(column, _shrunk(scatter[key], [scatter[other] for other in shared if other[0] == key[0]]))
        for key, column in columns.items()
    )


def _scatter(column: Sequence[Observation]) -> float:
    """Sample variance of the values; 0 for one replica."""
    return float(np.var([one.value for one in column], ddof=1)) if len(column) > 1 else 0.0


def _shrunk(own: float, alike: Sequence[float], borrowed: float = BORROWED) -> float:
    """Variance at a state, averaged with those of the same observable at all its states."""
    if len(alike) == 1:
        return own
    return (own + borrowed * float(np.mean(alike))) / (1.0 + borrowed)


def _pooled_one(observations: Sequence[Observation], variance: float) -> Observation:
    count = len(observations)
    within = math.sqrt(sum(observation.stderr**2 for observation in observations)) / count
    return replace(
        observations[0],
        value=float(np.mean([observation.value for observation in observations])),
        stderr=max(within, math.sqrt(variance / count)),
        samples=sum(observation.samples for observation in observations),
        equilibrated=all(observation.equilibrated for observation in observations),
        note="; ".join(sorted({observation.note for observation in observations} - {""})),
    )
