"""Properties of single molecules, and their average over molecules and time with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import (
    FEWEST_EFFECTIVE_SAMPLES,
    FEWEST_SAMPLES,
    Array,
    SeriesMean,
    block_averages,
    check_finite,
    effective_samples,
    find_settled,
    first_sample,
    independent_samples,
    is_constant,
    mean_of_series,
    standard_error,
    student_probability,
)
from beadsmith.problem.recording import Topology

#: The scatter of fewer molecules is too poor a measure of the error, and the series in time is used alone.
FEWEST_REPLICAS = 8
#: With fewer frames there are no halves to compare.
FEWEST_FRAMES_FOR_DRIFT = 4


@dataclass(frozen=True)
class Molecules:
    """The beads of some molecules, one molecule after the other.

    Attributes:
        beads: index of each bead among all, shape (own beads,).
        starts: where each molecule begins in ``beads``, shape (molecules,).
        masses: g/mol, shape (own beads,).
    """

    beads: NDArray[np.intp]
    starts: NDArray[np.intp]
    masses: Array


def molecules_of_kind(topology: Topology, kind: str | None = None) -> Molecules:
    """The molecules of one kind, or all of them.

    Raises:
        EstimateError: there is none of that kind, or the beads of a molecule do not stand together.
    """
    first = topology.starts()
    identities = topology.molecule_ids[first]
    wanted = np.array([kind is None or topology.molecule_kinds.get(int(one)) == kind for one in identities], dtype=bool)
    if not wanted.any():
        kinds = ", ".join(sorted(set(topology.molecule_kinds.values()))) or "none"
        raise EstimateError(f"there is no molecule{f' {kind!r}' if kind else ''}; kinds recorded: {kinds}")
    lengths = np.diff(first, append=len(topology.molecule_ids))
    beads = np.flatnonzero(np.repeat(wanted, lengths))
    starts = np.concatenate(([0], np.cumsum(lengths[wanted])[:-1]))
    return Molecules(beads, starts, topology.masses[beads])


def radius_of_gyration(positions: Array, molecules: Molecules) -> Array:
    """Radius of gyration of each molecule in each frame, from unwrapped coordinates.

    Rg^2 = sum_i m_i |r_i - r_cm|^2 / sum_i m_i, and Rg is its root: averages over the result are <Rg>, as CG
    papers and LAMMPS' ``compute gyration`` report it, which is a little less than the root of <Rg^2>.
    Wrapped coordinates give a wrong, plausible number: unwrap first.

    Args:
        positions: angstrom, unwrapped, shape (frames, beads, 3).
        molecules: which beads.

    Returns: angstrom, shape (frames, molecules).
    """
    lengths = np.diff(molecules.starts, append=len(molecules.beads))
    own = positions[:, molecules.beads]
    weights = molecules.masses / np.repeat(np.add.reduceat(molecules.masses, molecules.starts), lengths)
    centre = np.add.reduceat(own * weights[:, None], molecules.starts, axis=1)
    squares = np.square(own - np.repeat(centre, lengths, axis=1)).sum(axis=2)
    return np.asarray(np.sqrt(np.add.reduceat(squares * weights, molecules.starts, axis=1)))


def end_to_end_distance(positions: Array, molecules: Molecules) -> Array:
    """Distance between the first and the last bead of each molecule's bead sequence, in each frame.

    In a branched molecule these are the ends of the sequence as the problem file writes it, whatever they
    mean.

    Args:
        positions: angstrom, unwrapped, shape (frames, beads, 3).
        molecules: which beads.

    Returns: angstrom, shape (frames, molecules).
    """
    last = np.append(molecules.starts[1:], len(molecules.beads)) - 1
    ends = positions[:, molecules.beads[last]] - positions[:, molecules.beads[molecules.starts]]
    return np.asarray(np.linalg.norm(ends, axis=2))


def mean_over_molecules(values: Array) -> SeriesMean:
    """Mean over molecules and frames, with its standard error.

    Fewer than :data:`FEWEST_REPLICAS` molecules: their mean is one series in time (:func:`mean_of_series`).

    More: each molecule's average over time is one replica, and the error is sd / sqrt(molecules), right
    however slowly a molecule relaxes, provided that molecules do not move together.  Neighbours in a melt
    may; then all molecules swell and shrink in common, which only the series of their mean shows.  So the
    larger of the two errors is taken whenever the series is long enough to have one.  For independent
    molecules this is up to 20 % more than needed, because each of the two estimates is itself uncertain.

    Drift is then tested between the first and the second half of the frames, molecule by molecule: Student's
    paired test, exact for independent molecules.  A slow relaxation of single molecules is no drift.

    Args:
        values: any unit, shape (frames, molecules), at equal intervals.

    Raises:
        EstimateError: too few frames for so few molecules, or values that are not finite.
    """
    check_finite(values)
    frames, count = values.shape
    if frames == 0:
        raise EstimateError("no frames of positions were recorded")
    if is_constant(values):
        return SeriesMean(float(values[0, 0]), 0.0, 1.0)
    if count < FEWEST_REPLICAS:
        return mean_of_series(values.mean(axis=1))
    points = block_averages(values)
    settled = find_settled(points.mean(axis=1), lambda first: paired_drift_probability(points[first:]))
    kept = points[settled.start :]
    stderr = error_over_molecules(kept)
    start = first_sample(frames, len(points), settled.start)
    return SeriesMean(
        value=float(kept.mean()),
        stderr=stderr,
        samples=independent_samples(values[start:], stderr),
        start=start,
        equilibrated=not settled.drifting,
        note=settled.note,
    )


def error_over_molecules(points: Array) -> float:
    """Standard error of the mean over molecules and points, as :func:`mean_over_molecules` makes it.

    Args:
        points: shape (points, molecules), without drift.
    """
    if is_constant(points):
        return 0.0
    mean = points.mean(axis=1)
    if points.shape[1] < FEWEST_REPLICAS:
        return standard_error(mean, effective_samples(mean))
    return max(_error_from_replicas(points), _error_from_series(mean))


def paired_drift_probability(values: Array) -> float:
    """The chance that molecules without drift differ as much between the halves of the frames as these do.

    Args:
        values: shape (frames, molecules); molecules are independent.

    Returns: two-sided, from Student's paired test; nan if there are fewer than 4 frames.
    """
    frames, count = values.shape
    if frames < FEWEST_FRAMES_FOR_DRIFT:
        return math.nan
    half = frames // 2
    changes = values[frames - half :].mean(axis=0) - values[:half].mean(axis=0)
    return student_probability(float(changes.mean()), float(changes.std(ddof=1)) / math.sqrt(count), count - 1)


def _error_from_replicas(points: Array) -> float:
    averages = points.mean(axis=0)
    return float(averages.std(ddof=1)) / math.sqrt(len(averages))


def _error_from_series(points: Array) -> float:
    """The error from the series of the mean over molecules; 0 if it is too short to say."""
    if len(points) < FEWEST_SAMPLES:
        return 0.0
    effective = effective_samples(points)
    return standard_error(points, effective) if effective >= FEWEST_EFFECTIVE_SAMPLES else 0.0
