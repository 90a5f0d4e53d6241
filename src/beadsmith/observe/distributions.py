"""Distributions: histograms of every frame, and their means with standard errors, bin by bin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.bonded import Terms, by_molecule, terms_of, values_of
from beadsmith.observe.molecular import error_over_molecules, mean_over_molecules
from beadsmith.observe.radial import pairs_of, radial_values
from beadsmith.observe.timeseries import (
    Array,
    SeriesMean,
    block_averages,
    check_finite,
    independent_samples,
)
from beadsmith.problem.recording import Frames, Recording, Topology
from beadsmith.problem.schema import AngleDistribution, BondDistribution, Distribution, RadialDistribution


@dataclass(frozen=True)
class Histograms:
    """A distribution in every frame, of every molecule or of the whole box.

    All bins of all molecules in all frames would be a hundred times as many numbers as were counted, most of them zero;
    so they are made bin by bin.

    Attributes:
        of_bin: by the number of a bin, values whose mean over frames and molecules is the distribution there, shape
            (frames, molecules); one "molecule" stands for the whole box.
        marker: one number that tells whether the distribution has settled, shape (frames, molecules).
        single: what one count in one frame of one molecule adds to the values of each bin, shape (bins,).
    """

    of_bin: Callable[[int], Array]
    marker: Array
    single: Array


def histograms(observable: Distribution, recording: Recording) -> Histograms:
    """The distribution in each frame of a recording.

    Raises:
        EstimateError: frames, molecules or bonds are not known, there is nothing to count, or the box is too small.
    """
    frames, topology = recording.frames, recording.topology
    if frames is None or topology is None or not len(frames.positions):
        raise EstimateError("no frames of positions with known molecules were recorded")
    check_finite(frames.positions)
    if isinstance(observable, RadialDistribution):
        return _radial(observable, frames, topology)
    assert isinstance(observable, BondDistribution | AngleDistribution)
    terms = terms_of(topology, observable)
    values = values_of(frames, terms)
    single = 1.0 / (terms.per_molecule * _measures(observable))
    counts = _counts(values, terms, np.array(observable.edges))
    return Histograms(lambda bin_: counts(bin_) * single[bin_], by_molecule(values, terms), single)


def mean_distribution(found: Histograms) -> list[SeriesMean]:
    """The mean of each bin, with its standard error.

    What is discarded at the beginning, and whether the whole is flagged, is decided once for all bins, by the marker:
    bins with few counts would each be cut elsewhere, and their sum would not be 1.  Errors are those of
    :func:`beadsmith.observe.molecular.mean_over_molecules`, at least that of a single count: nothing seen is not
    nothing there.

    Raises:
        EstimateError: too few frames for so few molecules.
    """
    settled = mean_over_molecules(found.marker)
    samples = found.marker[settled.start :].size
    return [
        _of_bin(found.of_bin(number)[settled.start :], float(single) / samples, settled)
        for number, single in enumerate(found.single)
    ]


def round_width(widest: float) -> float:
    """The largest of 1, 2 and 5 times all powers of ten that is not above a width."""
    power = 10.0 ** math.floor(math.log10(widest))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= widest * (1 + 1e-9))


def _of_bin(samples: Array, least: float, settled: SeriesMean) -> SeriesMean:
    points = block_averages(samples)
    stderr = max(error_over_molecules(points), least)
    count = independent_samples(samples, stderr)
    return replace(settled, value=float(points.mean()), stderr=stderr, samples=count)


def _radial(observable: RadialDistribution, frames: Frames, topology: Topology) -> Histograms:
    pairs = pairs_of(topology, observable.pair, observable.intramolecular)
    values, single = radial_values(frames, pairs, np.array(observable.edges))
    highest = int(np.argmax(values.mean(axis=0)))
    return Histograms(lambda bin_: values[:, bin_, None], values[:, highest, None], np.asarray(single.mean(axis=0)))


def _measures(observable: BondDistribution | AngleDistribution) -> Array:
    """What the share of each bin is divided by: its width, the volume of its shell, or its solid angle."""
    edges = np.array(observable.edges)
    match observable.per:
        case "volume":
            return np.asarray(4.0 / 3.0 * np.pi * np.diff(edges**3))
        case "solid_angle":
            return np.asarray(-2.0 * np.pi * np.diff(np.cos(np.radians(edges))))
    return np.diff(edges)


def _counts(values: Array, terms: Terms, edges: Array) -> Callable[[int], Array]:
    """How many terms of each molecule lie in a bin, shape (frames, molecules); upper edges belong to a bin."""
    shape = (len(values), terms.molecules)
    bins = (np.searchsorted(edges, values, side="left") - 1).astype(np.int32)

    def of_bin(number: int) -> Array:
        frame, term = np.nonzero(bins == number)
        counts = np.bincount(frame * terms.molecules + terms.owners[term], minlength=math.prod(shape))
        return counts.reshape(shape).astype(np.float64)

    return of_bin
