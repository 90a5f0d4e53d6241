"""Several measurements of one model, with different seeds, as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beadsmith.problem.records import Observation


def pooled(replicas: Sequence[Sequence[Observation]]) -> tuple[Observation, ...]:
    """Means over replicas.

    The standard error of a mean is the larger of two: what the replicas' own standard errors give, and what their
    scatter gives.  With few replicas the second is uncertain itself; the first misses what does not relax within one.

    Args:
        replicas: observations of each replica; only what all of them have is kept.
    """
    tables = [
        {(observation.observable, observation.state): observation for observation in replica} for replica in replicas
    ]
    if not tables:
        return ()
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    return tuple(_pooled_one([table[key] for table in tables]) for key in shared)


def _pooled_one(observations: Sequence[Observation]) -> Observation:
    count = len(observations)
    values = np.array([observation.value for observation in observations])
    within = math.sqrt(sum(observation.stderr**2 for observation in observations)) / count
    between = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
    return replace(
        observations[0],
        value=float(values.mean()),
        stderr=max(within, between),
        samples=sum(observation.samples for observation in observations),
        equilibrated=all(observation.equilibrated for observation in observations),
        note="; ".join(sorted({observation.note for observation in observations} - {""})),
    )
