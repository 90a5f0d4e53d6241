"""Lengths of bonds, angles and neighbours of the beads: a distribution for every type, with errors bin by bin.

Histograms and their errors are those of :mod:`beadsmith.observe.distributions` and :mod:`beadsmith.observe.radial`;
here the bins are chosen.  Recordings share them, so that states can be compared bin by bin.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.bonded import by_molecule, terms_named, values_of
from beadsmith.observe.boxes import half_shortest_edge
from beadsmith.observe.distributions import histograms, mean_distribution, round_width
from beadsmith.observe.molecular import mean_over_molecules
from beadsmith.observe.timeseries import Array, SeriesMean
from beadsmith.problem.recording import Frames, Recording, Topology
from beadsmith.problem.schema import AngleDistribution, BondDistribution, Distribution, RadialDistribution

Report: TypeAlias = Callable[[int, int], None]

#: Bins across what 99 % of the values span.
BINS = 50
#: Radial distributions end at half the box, or here, angstrom.
FARTHEST = 20.0
#: In a smaller box there is no room for the neighbours of a bead: half its edge, angstrom.
NEAREST = 5.0
#: Bins of bonds that hardly move are not narrower, angstrom; nor are those of angles, degrees.
LEAST_WIDTHS = {"bond": 0.001, "angle": 0.1}
#: Each bin of a histogram costs a pass over all frames and molecules; more numbers are made of fewer frames.
MOST_COUNTS = 40_000_000
#: Width of the bins of radial distributions, angstrom.
RADIAL_WIDTH = 0.2


@dataclass(frozen=True)
class BeadDistribution:
    """The distribution of one type of bond, angle or pair in one recording.

    Attributes:
        kind: ``bond``, ``angle`` or ``pair``.
        name: of the type, such as B1-B2.
        recording: number of the recording, 0 first.
        centres: middle of each bin, angstrom or degrees, shape (bins,).
        columns: by name, a value for each bin: ``probability_per_length`` and ``probability_per_volume`` of bonds,
            ``probability_per_angle`` and ``probability_per_solid_angle`` of angles, ``radial_distribution`` of pairs.
        mean: length or angle; None for pairs.
        deviation: standard deviation of length or angle; nan for pairs.
    """

    kind: str
    name: str
    recording: int
    centres: Array
    columns: dict[str, tuple[SeriesMean, ...]]
    mean: SeriesMean | None = None
    deviation: float = math.nan

    @property
    def coordinate(self) -> str:
        """What the bins divide: r or theta."""
        return "theta" if self.kind == "angle" else "r"


@dataclass(frozen=True)
class Distributions:
    """All distributions of some recordings.

    Attributes:
        found: bonds, angles, pairs, each type recording by recording.
        missing: sentences that say which could not be made, and why.
    """

    found: tuple[BeadDistribution, ...]
    missing: tuple[str, ...]


def distributions_of(recordings: Sequence[Recording], progress: Report = lambda done, total: None) -> Distributions:
    """Distributions of every type of bond, of angle, and of pair of beads in different molecules.

    Args:
        recordings: of beads, with frames and topology.
        progress: told how many of how many are done.
    """
    tasks: list[tuple[str, str, Callable[[], list[BeadDistribution]]]] = []
    for kind in ("bond", "angle"):
        names = dict.fromkeys(name for one in recordings for name in _topology(one).bonded_names(kind))
        tasks += [(kind, name, _bonded_task(recordings, kind, name)) for name in names]
    tasks += [("pair", name, _pair_task(recordings, name)) for name in _pair_names(recordings)]
    found: list[BeadDistribution] = []
    missing: dict[str, list[str]] = {}
    for done, (kind, name, task) in enumerate(tasks, start=1):
        try:
            found += task()
        except EstimateError as error:
            missing.setdefault(str(error), []).append(f"{kind} {name}")
        progress(done, len(tasks))
    return Distributions(tuple(found), tuple(f"{', '.join(names)}: {reason}" for reason, names in missing.items()))


def bin_width(values: Array, bins: int = BINS) -> float:
    """A width of 1, 2 or 5 times a power of ten, such that 99 % of the values lie in about so many bins.

    Args:
        values: any shape.
        bins: wanted; at most 2.5 times as many are had.
    """
    low, high = np.percentile(values, [0.5, 99.5])
    rough = max(float(high - low), 1e-6 * max(float(np.abs(values).max()), 1.0)) / bins
    return round_width(rough)


def _pair_names(recordings: Sequence[Recording]) -> list[str]:
    kinds: dict[str, None] = {}
    for recording in recordings:
        topology = _topology(recording)
        present = set(topology.bead_types.tolist())
        kinds |= dict.fromkeys(name for place, name in enumerate(topology.bead_names, start=1) if place in present)
    return ["-".join(pair) for pair in itertools.combinations_with_replacement(kinds, 2)]


def _bonded_task(recordings: Sequence[Recording], kind: str, name: str) -> Callable[[], list[BeadDistribution]]:
    def task() -> list[BeadDistribution]:
        having = [number for number, one in enumerate(recordings) if name in _topology(one).bonded_names(kind)]
        values = {}
        thinned = {number: _thinned(recordings[number]) for number in having}
        for number, recording in thinned.items():
            terms = terms_named(_topology(recording), kind, name)
            values[number] = (values_of(_frames(recording), terms), terms)
        together = np.concatenate([own.ravel() for own, _ in values.values()])
        bins = _bonded_bins(together, kind)
        return [
            _distribution(
                kind,
                name,
                number,
                thinned[number],
                _bonded_observables(kind, name, bins),
                mean_over_molecules(by_molecule(own, terms)),
                float(own.std()),
            )
            for number, (own, terms) in values.items()
        ]

    return task


def _pair_task(recordings: Sequence[Recording], name: str) -> Callable[[], list[BeadDistribution]]:
    def task() -> list[BeadDistribution]:
        if any(len(_frames(recording).positions) < 2 for recording in recordings):
            raise EstimateError("a single frame says nothing of its error; read more frames")
        first, last = name.split("-")
        boxes = (box for recording in recordings for box in _frames(recording).boxes)
        half = half_shortest_edge(boxes, "a radial distribution needs")
        if half < NEAREST:
            raise EstimateError(
                f"the box is too small: half its shortest edge is {half:.3g} angstrom, less than {NEAREST:g}"
            )
        # Rounding must not take the last bin away.
        count = math.floor(min(half, FARTHEST) * (1 + 1e-9) / RADIAL_WIDTH)
        bins = f"{0.5 * RADIAL_WIDTH:g} to {(count - 0.5) * RADIAL_WIDTH:.10g} by {RADIAL_WIDTH:g} angstrom"
        section = {"kind": "radial_distribution", "experiment": "beads", "pair": name, "r": bins}
        observable = {"radial_distribution": RadialDistribution.model_validate(section)}
        return [
            _distribution("pair", name, number, recording, observable)
            for number, recording in enumerate(recordings)
            if all(len(_topology(recording).beads_of(kind)) for kind in (first, last))
        ]

    return task


def _distribution(
    kind: str,
    name: str,
    number: int,
    recording: Recording,
    observables: Mapping[str, Distribution],
    mean: SeriesMean | None = None,
    deviation: float = math.nan,
) -> BeadDistribution:
    columns = {
        column: tuple(mean_distribution(histograms(observable, recording)))
        for column, observable in observables.items()
    }
    centres = np.array(next(iter(observables.values())).centres)
    return BeadDistribution(kind, name, number, centres, columns, mean, deviation)


def _bonded_observables(kind: str, name: str, bins: str) -> dict[str, Distribution]:
    section = {"kind": f"{kind}_distribution", "experiment": "beads", kind: name}
    if kind == "bond":
        return {
            f"probability_per_{per}": BondDistribution.model_validate({**section, "r": bins, "per": per})
            for per in ("length", "volume")
        }
    return {
        f"probability_per_{per}": AngleDistribution.model_validate({**section, "theta": bins, "per": per})
        for per in ("angle", "solid_angle")
    }


def _bonded_bins(values: Array, kind: str) -> str:
    """Bins that hold all values, their edges at multiples of the width, as the problem file would have them."""
    # Steps of 1, 2 or 5 that divide 180 degrees.
    width = max(bin_width(values), LEAST_WIDTHS[kind])
    if kind == "angle":
        width = min(width, 5.0)
    low = max(math.floor(float(values.min()) / width), 0)
    high = max(math.ceil(float(values.max()) / width), low + 2)
    if kind == "angle" and high * width > 180.0:
        low, high = min(low, round(180.0 / width) - 2), round(180.0 / width)
    unit = "degree" if kind == "angle" else "angstrom"
    return f"{(low + 0.5) * width:.10g} to {(high - 0.5) * width:.10g} by {width:.10g} {unit}"


def _thinned(recording: Recording) -> Recording:
    """The recording, or some of its frames if there are very many molecules and frames."""
    frames, topology = _frames(recording), _topology(recording)
    counts = len(frames.positions) * len(topology.molecule_kinds) * 2 * BINS
    step = math.ceil(counts / MOST_COUNTS)
    fewer = Frames(frames.interval * step, frames.positions[::step], frames.boxes[::step])
    return recording if step == 1 else replace(recording, frames=fewer)


def _frames(recording: Recording) -> Frames:
    if recording.frames is None:
        raise EstimateError("no frames of positions were recorded")
    return recording.frames


def _topology(recording: Recording) -> Topology:
    if recording.topology is None:
        raise EstimateError("beads were not stored with this recording")
    return recording.topology
