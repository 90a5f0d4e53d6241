"""Distributions of a trajectory, as targets of an iteration and as what a simulation gave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.inversion.bonded import BondedTerm, distribution_of
from beadsmith.inversion.iterative import Distribution, Pressure, Target
from beadsmith.inversion.radial import Radial, radial
from beadsmith.inversion.tables import Kind
from beadsmith.inversion.trajectory import Trajectory
from beadsmith.observe.distributions import histograms, mean_distribution
from beadsmith.observe.timeseries import mean_of_series
from beadsmith.problem.recording import Array


def measured(kind: Kind, name: str, x: Array, trajectory: Trajectory) -> Distribution | None:
    """The distribution of an interaction in a trajectory, in given bins; None if it has no such interaction.

    Args:
        kind: pair, bond or angle.
        name: of the interaction.
        x: centres of bins, angstrom or degree.
        trajectory: where to look.

    Raises:
        EstimateError: too few frames, or a box too small for the bins of a pair.
    """
    if kind == "pair":
        found = radial(trajectory, name, x)
        return None if found is None else Distribution(found.g, found.stderr)
    if name not in trajectory.names(kind):
        return None
    bins = mean_distribution(histograms(distribution_of(kind, name, x), trajectory.recording))
    return Distribution(np.array([one.value for one in bins]), np.array([one.stderr for one in bins]))


def pair_target(found: Sequence[Radial | None], trajectories: Sequence[Trajectory]) -> Target:
    """What a pair should give, from its functions in all trajectories."""
    first = next(one for one in found if one is not None)
    states = tuple(None if one is None else Distribution(one.g, one.stderr) for one in found)
    return Target("pair", first.name, first.r, states, tuple(one.kt for one in trajectories))


def bonded_target(term: BondedTerm, trajectories: Sequence[Trajectory]) -> Target:
    """What a bond or an angle should give, in the bins of its fit."""
    x = term.curve.x
    states = tuple(measured(term.section, term.name, x, one) for one in trajectories)
    return Target(term.section, term.name, x, states, tuple(one.kt for one in trajectories))


def pressure_of(trajectory: Trajectory) -> Pressure | None:
    """The mean pressure that was recorded with a trajectory; None if none was."""
    series = trajectory.recording.series
    if series is None or "pressure" not in series.columns:
        return None
    try:
        mean = mean_of_series(series.columns["pressure"])
    except EstimateError:
        return None
    return Pressure(mean.value, mean.stderr)
