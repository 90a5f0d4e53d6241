"""What the report says of networks: pictures before and after the cure, its course, and the structure at its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beadsmith.build.growth import Array
from beadsmith.build.system import Integers
from beadsmith.campaign.curing import CURES, SHARED_SEED, CureTask, Examined, cure_task, examine, model_of_cure
from beadsmith.crosslink.analysis import Analysis, percolation
from beadsmith.crosslink.cure import Cured, kept, last_state
from beadsmith.crosslink.mean_field import gel_point, ideal_network, monomers_of, most_reacted_sites
from beadsmith.crosslink.network import Network, Sites
from beadsmith.crosslink.schedule import Outcome
from beadsmith.errors import ProblemError
from beadsmith.problem import schema
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.report.formatting import Written, count, number, written
from beadsmith.report.labels import observable_label

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture

#: Points of a course: enough for a smooth line.
_POINTS = 160
#: Columns of the table of networks; what more of them have is in the mean and its error.
MOST_COLUMNS = 6


@dataclass(frozen=True)
class Course:
    """A network while it grew, bond after bond; what needs no positions.

    Attributes:
        degrees: of crosslinking, increasing, shape (points,).
        largest: mass fraction of the largest piece.
        reduced: weight average of the masses of all other pieces, g/mol; NaN if there are none.
        groups: by reactive type, share of its beads with 0, 1, ... new bonds, shape (points, groups).
    """

    degrees: Array
    largest: Array
    reduced: Array
    groups: Mapping[str, Array]


@dataclass(frozen=True)
class Theory:
    """The ideal random network of the same molecules, if all bonds form at proportional rates.

    Attributes:
        degrees: of crosslinking, 0 to 1, shape (points,).
        gel: mass fraction of the gel.
        finite: weight average of the masses of finite clusters, g/mol; infinite at the gel point, NaN if all is gel.
        gel_point: degree at which there is a gel; None if there is none even at 1.
    """

    degrees: Array
    gel: Array
    finite: Array
    gel_point: float | None


@dataclass(frozen=True)
class GrownNetwork:
    """One network, as a cure left it.

    Attributes:
        experiment: its name in the problem file.
        sample: number of the network, 0 first.
        target: degree of crosslinking at which its cure was to end.
        before: the system before the first bond; None if that was not kept.
        examined: the system at the end, and its structure.
        spanning: directions in which the largest piece percolates, by degree of crosslinking, as far as it was kept.
    """

    experiment: str
    sample: int
    target: float
    before: Cured | None
    examined: Examined
    spanning: Mapping[float, int]

    @property
    def label(self) -> str:
        """What it is called."""
        return f"network {self.sample + 1}"

    @cached_property
    def course(self) -> Course:
        """How it grew."""
        return course_of(self.examined.cured.network)


@dataclass(frozen=True)
class NetworkRow:
    """One line of the table: a quantity, its mean over networks, and each network.

    Attributes:
        cells: one for each column.
        mean: over all networks with its standard error; None for what has no mean, or a single network.
    """

    title: str
    cells: tuple[str, ...]
    mean: Written | None = None
    remark: str = ""


@dataclass(frozen=True)
class NetworkTable:
    """Structure of the networks of one experiment, in numbers and words.

    Attributes:
        experiment: its name in the problem file.
        sentences: what there is.
        columns: names of the networks in the table.
        more: how many networks the table leaves out.
        histories: by network, one sentence for each stage and one for the end.
    """

    experiment: str
    sentences: tuple[str, ...]
    columns: tuple[str, ...]
    more: int
    rows: tuple[NetworkRow, ...]
    histories: Mapping[str, tuple[str, ...]]

    @property
    def has_mean(self) -> bool:
        """Whether there is a column of means."""
        return any(row.mean is not None for row in self.rows)


@dataclass(frozen=True)
class NetworkSection:
    """What the page says of the networks of one experiment."""

    title: str
    table: NetworkTable
    pictures: tuple[Picture, ...]


def grown(task: CureTask, sample: int) -> GrownNetwork | None:
    """A network that is on disk, as far as it has come; None if there is none.

    Args:
        task: of its cure.
        sample: number of the network, 0 first.
    """
    order, folder = task.order, task.folder
    cured = last_state(order, folder)
    if cured is None:
        return None
    snapshots = (kept(order, folder, degree) for degree in order.plan.snapshots)
    spanning = {
        one.network.degree: percolation(one.network, one.positions, one.cell) for one in snapshots if one is not None
    }
    before = kept(order, folder, 0.0)
    return GrownNetwork(order.experiment, sample, order.target, before, examine(order, cured), spanning)


def stored_networks(
    problem: Problem, folder: Path, model: Model | None, seed: int, engine: str
) -> tuple[GrownNetwork, ...]:
    """Networks that simulations of a model start from, as far as a study holds them.

    Args:
        problem: whose networks.
        folder: of the study.
        model: that was measured; only matters where every model cures its own networks.  None if there is none.
        seed: of the evaluation; matters likewise.
        engine: version of LAMMPS.
    """
    found = []
    for name, network in problem.experiments.items():
        if not isinstance(network, schema.Network):
            continue
        for sample in range(network.networks):
            try:
                shared = model_of_cure(problem, name)
                own = SHARED_SEED if shared else seed
                task = cure_task(problem, name, shared or model, sample, own, engine, folder / CURES, folder)
            except ProblemError:  # the file has changed since: then there is nothing to show
                continue
            found.append(grown(task, sample))
    return tuple(one for one in found if one is not None)


def course_of(network: Network) -> Course:
    """How a network grew, from the order of its bonds alone."""
    sites, total = network.sites, float(network.sites.masses.sum())
    counts = np.unique(np.linspace(0, len(network.bonds), _POINTS).round().astype(int)).tolist()
    stages = [Network(sites, network.bonds[:formed], network.cycles[:formed]) for formed in counts]
    pieces = [np.sort(np.bincount(stage.components, weights=sites.molecule_masses))[::-1] for stage in stages]
    rest = [masses[1:] for masses in pieces]
    return Course(
        degrees=np.array([stage.degree for stage in stages]),
        largest=np.array([masses[0] / total for masses in pieces]),
        reduced=np.array([(one**2).sum() / one.sum() if len(one) else math.nan for one in rest]),
        groups={sites.names[kind]: _groups(stages, kind) for kind in _reactive(sites)},
    )


def theory_of(sites: Sites) -> Theory:
    """The ideal network that belongs to a system."""
    monomers, most = monomers_of(sites), most_reacted_sites(sites)
    point = gel_point(monomers, most)
    degrees = np.unique(np.append(np.linspace(0.0, 1.0, _POINTS + 1), [] if point is None else [point]))
    fields = [ideal_network(monomers, degree * most) for degree in degrees.tolist()]
    finite = [math.nan if one.weight_average is None else one.weight_average for one in fields]
    return Theory(degrees, np.array([one.gel_fraction for one in fields]), np.array(finite), point)


def network_sections(problem: Problem, networks: Sequence[GrownNetwork]) -> list[NetworkSection]:
    """One for each experiment that has networks."""
    experiments = dict.fromkeys(one.experiment for one in networks)
    each = [[one for one in networks if one.experiment == name] for name in experiments]
    return [
        NetworkSection(
            observable_label(own[0].experiment), network_table(own, problem.particle), _pictures(problem, own)
        )
        for own in each
    ]


def network_table(networks: Sequence[GrownNetwork], particle: str = "bead") -> NetworkTable:
    """Structure of the networks of one experiment; one or more.

    Args:
        networks: of one experiment.
        particle: ``bead`` or ``atom``.
    """
    shown = networks[:MOST_COLUMNS]
    return NetworkTable(
        experiment=networks[0].experiment,
        sentences=_sentences(networks, particle),
        columns=tuple(one.label for one in shown),
        more=len(networks) - len(shown),
        rows=tuple(_rows(networks)),
        histories={one.label: one.examined.history for one in shown},
    )


def _pictures(problem: Problem, networks: Sequence[GrownNetwork]) -> tuple[Picture, ...]:
    from beadsmith.report.figures.cure import course_picture, strands_picture  # Matplotlib is slow to import
    from beadsmith.report.figures.network import network_picture, scene_of

    first, cured = networks[0], networks[0].examined.cured
    systems = [(first.before, "Before the cure")] if first.before is not None and len(cured.network.bonds) else []
    scenes = [
        scene_of(one, f"{when}, DC = {number(one.network.degree, 3)}")
        for one, when in [*systems, (cured, "After the cure")]
    ]
    descriptions = {name: bead.description for name, bead in problem.beads.items()}
    said = "As the cure left it, before annealing."
    if len(networks) > 1:
        said = f"{first.label.capitalize()}, as its cure left it, before annealing."
    pictures = [network_picture(scenes, cured.network.sites.names, descriptions, said, particle=problem.particle)]
    reacted = [one for one in networks if len(one.examined.cured.network.bonds)]
    if reacted:
        pictures.append(course_picture(reacted))
    if any(one.examined.analysis.backbone.strands for one in networks):
        pictures.append(strands_picture(networks))
    return tuple(pictures)


def _sentences(networks: Sequence[GrownNetwork], particle: str) -> tuple[str, ...]:
    first = networks[0].examined
    sites = first.cured.network.sites
    size = (
        f"{count(len(networks), 'network')} of {count(sites.molecule_count, 'molecule')} and "
        f"{count(len(sites.bead_types), particle)}"
    ).capitalize()
    point = first.gel_point
    ideal = (
        "an ideal random network of the same molecules would never become a gel"
        if point is None
        else f"an ideal random network of the same molecules becomes a gel at DC\u00a0=\u00a0{number(point, 3)}"
    )
    short = [one for one in networks if one.examined.analysis.degree < one.target - 1e-9]
    return (f"{size}; {ideal}.", *(_shortfall(one) for one in short))


def _shortfall(one: GrownNetwork) -> str:
    """Of a network that is not cured as far as was asked for; it may be under way, or have been cured for less."""
    ended = one.examined.cured.progress.outcome in (Outcome.EXHAUSTED, Outcome.OUT_OF_REACH)
    reached, target = number(one.examined.analysis.degree, 3), number(one.target, 3)
    if ended:
        return f"{one.label.capitalize()} stopped at DC\u00a0=\u00a0{reached}, short of {target}."
    return f"{one.label.capitalize()} has come to DC\u00a0=\u00a0{reached} so far, of {target}."


def _rows(networks: Sequence[GrownNetwork]) -> list[NetworkRow]:
    sites = networks[0].examined.cured.network.sites
    names = [sites.names[kind] for kind in _reactive(sites)]
    reach = {name: len(networks[0].examined.analysis.groups[name]) for name in names}
    return [
        _row("Degree of crosslinking", networks, lambda one: one.analysis.degree),
        _row("Crosslinks", networks, lambda one: len(one.cured.network.bonds)),
        _row("Cycles", networks, lambda one: one.cured.progress.cycle),
        _row("Pieces", networks, lambda one: len(one.analysis.component_masses)),
        _row("Largest piece", networks, lambda one: one.analysis.gel_fraction, "mass fraction"),
        _words("Percolates", networks, lambda one: _spans(one.analysis)),
        _row(
            "Gel fraction",
            networks,
            lambda one: one.analysis.gel_fraction if one.analysis.percolation else 0.0,
            "mass fraction of the largest piece if it percolates",
        ),
        _row("Gel fraction of the ideal network", networks, lambda one: one.ideal.gel_fraction, "with as many bonds"),
        _row("Rings closed", networks, lambda one: one.analysis.cycle_rank, "cycle rank of the crosslinks"),
        *(_row(f"Sites of {name} that have reacted", networks, _conversion(name), "share") for name in names),
        *(_row(f"Unreacted sites of {name}", networks, _unreacted(name)) for name in names),
        *(_row(f"Partners near an unreacted {name}", networks, _in_reach(name), "within the cutoff") for name in names),
        *(
            _row(f"{name} with {count(bonds, 'crosslink')}", networks, _group(name, bonds), "sites")
            for name in names
            for bonds in range(reach[name])
        ),
        _row("Unattached molecules", networks, lambda one: one.analysis.unattached),
        _row("Dangling molecules", networks, lambda one: one.analysis.dangling, "with a single crosslink"),
        _row("Dangling mass", networks, lambda one: one.analysis.dangling_fraction, "fraction of the largest piece"),
        _row("Backbone", networks, lambda one: one.analysis.backbone_fraction, "mass fraction that can bear stress"),
        _row("Strands", networks, lambda one: one.analysis.backbone.strands, "chains between junctions"),
        _row("Junctions", networks, lambda one: one.analysis.backbone.junctions),
        _row("Mean length of strands", networks, _strand_length, "bonds"),
        _row("Bonds through rings", networks, lambda one: len(one.spearings), "speared"),
    ]


def _row(
    title: str, networks: Sequence[GrownNetwork], value: Callable[[Examined], float], remark: str = ""
) -> NetworkRow:
    values = [value(one.examined) for one in networks]
    return NetworkRow(title, tuple(number(one) for one in values[:MOST_COLUMNS]), _mean(values), remark)


def _words(title: str, networks: Sequence[GrownNetwork], words: Callable[[Examined], str]) -> NetworkRow:
    return NetworkRow(title, tuple(words(one.examined) for one in networks[:MOST_COLUMNS]))


def _mean(values: Sequence[float]) -> Written | None:
    if len(values) < 2:
        return None
    known = np.array(values)
    return written(float(known.mean()), float(known.std(ddof=1)) / math.sqrt(len(values)))


def _spans(analysis: Analysis) -> str:
    if not analysis.percolation:
        return "no"
    return f"in {count(analysis.percolation, 'direction')}"


def _conversion(name: str) -> Callable[[Examined], float]:
    return lambda one: one.analysis.conversions[name]


def _unreacted(name: str) -> Callable[[Examined], float]:
    return lambda one: one.analysis.unreacted[name]


def _in_reach(name: str) -> Callable[[Examined], float]:
    return lambda one: float(one.in_reach[name].mean()) if len(one.in_reach[name]) else 0.0


def _group(name: str, bonds: int) -> Callable[[Examined], float]:
    return lambda one: one.analysis.groups[name][bonds]


def _strand_length(one: Examined) -> float:
    lengths = one.analysis.backbone.lengths
    return float(lengths.mean()) if len(lengths) else math.nan


def _reactive(sites: Sites) -> list[int]:
    """Types of bead that can form bonds."""
    return np.unique(sites.bead_types[sites.capacities > 0]).tolist()  # type: ignore[no-any-return]


def _groups(stages: Sequence[Network], kind: int) -> Array:
    sites = stages[0].sites
    own: Integers = np.flatnonzero(sites.bead_types == kind)
    size = int(sites.capacities[own].max()) + 1
    return np.array([np.bincount(stage.used[own], minlength=size) / len(own) for stage in stages])
