"""From fits to a coarse-grained problem and its first model, as documents ready for YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from beadsmith.inversion.bonded import BondedTerm
from beadsmith.inversion.radial import PairGuess
from beadsmith.inversion.trajectory import Trajectory, masses
from beadsmith.problem.molecules import interaction_name, resolve_molecule
from beadsmith.problem.quantity import format_quantity
from beadsmith.problem.reactions import types_that_arise
from beadsmith.problem.recording import Bonded, Topology
from beadsmith.problem.schema import Molecule
from beadsmith.problem.state import DEGREE
from beadsmith.problem.styles import PAIR_STYLES

#: Half width of the ranges of epsilon and sigma, as a part of the guess (Giuntoli et al. 2021).
SPREAD = 0.2
#: The widest ranges that are advised.
_WIDEST = 0.95
#: Exponents of a Mie potential that nothing here tells.
EXPONENTS = {"repulsive_exponent": 12.0, "attractive_exponent": 6.0}
#: Where the smoothing of lj/gromacs begins, as a part of its cutoff: 12 of 15 angstrom.
INNER = 0.8
#: Where networks are cured (as the all-atom ones of Giuntoli et al. 2021), K, and how far bonds reach, angstrom.
CURING_TEMPERATURE, CURING_REACH = 600.0, 15.0
#: A density is proposed as a target with at least this relative uncertainty: mapping keeps it, a force field does not.
_LEAST_UNCERTAINTY = 0.005


@dataclass(frozen=True)
class Parameters:
    """Values of a force field with their standard errors, by parameter name.

    Attributes:
        values, stderrs: in the units of their kinds.
        kinds: of quantity.
    """

    values: Mapping[str, float]
    stderrs: Mapping[str, float]
    kinds: Mapping[str, str]


def parameters_of(terms: Sequence[BondedTerm], guesses: Sequence[PairGuess], style: str) -> Parameters:
    """All parameters that the fits say something of; of pairs the like ones, for unlike ones mix."""
    values: dict[str, float] = {}
    stderrs: dict[str, float] = {}
    kinds: dict[str, str] = {}

    def add(name: str, value: float, stderr: float, kind: str) -> None:
        values[name], stderrs[name], kinds[name] = value, stderr, kind

    for term in terms:
        position, unit = ("length", "length") if term.section == "bond" else ("theta0", "angle")
        add(f"{term.section}.{term.name}.k", term.k, term.k_stderr, f"{term.section} stiffness")
        add(f"{term.section}.{term.name}.{position}", term.centre, term.centre_stderr, unit)
    for one in guesses:
        bead, other = one.name.split("-")
        if bead != other:
            continue
        add(f"pair.{bead}.epsilon", one.epsilon, one.epsilon_stderr, "energy")
        add(f"pair.{bead}.sigma", one.sigma, one.sigma_stderr, "length")
        for coefficient in PAIR_STYLES[style].coefficients:
            if coefficient.name in EXPONENTS:
                add(f"pair.{bead}.{coefficient.name}", EXPONENTS[coefficient.name], 0.0, "number")
    return Parameters(values, stderrs, kinds)


def rules_of(parameters: Parameters, spread: float) -> dict[str, Any]:
    """The ``parameters`` section: ranges for epsilon and sigma, all others held.

    Args:
        parameters: of the force field.
        spread: half width of the ranges, as a part of the value.
    """
    rules: dict[str, Any] = {}
    for name, value in parameters.values.items():
        kind = parameters.kinds[name]
        if _has_range(name):
            low, high = (1 - spread) * value, (1 + spread) * value
            rules[name] = f"{low:.5g} to {format_quantity(high, kind, 5)}"
        else:
            rules[name] = {"fixed": format_quantity(value, kind)}
    return rules


def too_narrow(parameters: Parameters, spread: float) -> str:
    """A sentence about the ranges that are narrower than what is known of their parameters; empty if there are none.

    Args:
        parameters: of the force field.
        spread: half width of the ranges, as a part of the value.
    """
    parts = {name: parameters.stderrs[name] / value for name, value in parameters.values.items() if _has_range(name)}
    wide = [name for name, part in parts.items() if part > spread]
    if not wide:
        return ""
    told = ", ".join(f"{name} ({parameters.values[name]:.3g} ± {parameters.stderrs[name]:.2g})" for name in wide)
    # No range may hold 0.
    enough = min(math.ceil(20 * max(parts[name] for name in wide)) / 20, _WIDEST)
    return (
        f"the standard error is larger than the half width of the range, {100 * spread:.3g} % of the value: {told}; "
        f"the best values may lie outside: widen the ranges (--spread {enough:g}), or know more (--iterate; longer "
        "trajectories, where statistics are what limits)"
    )


def _has_range(name: str) -> bool:
    return name.endswith((".epsilon", ".sigma"))


def model_document(
    title: str, parameters: Parameters, trajectories: Sequence[Trajectory], notes: str
) -> dict[str, Any]:
    """The model file: every parameter and its standard deviation."""
    ranges: dict[str, list[float]] = {}
    for one in trajectories:
        for name in one.state:
            known = ranges.setdefault(name, [one.state[name], one.state[name]])
            ranges[name] = [min(known[0], one.state[name]), max(known[1], one.state[name])]
    shared = {name: ends for name, ends in ranges.items() if all(name in one.state for one in trajectories)}
    return {
        "title": title,
        "notes": notes,
        "holds_for": shared,
        "parameters": {
            name: format_quantity(value, parameters.kinds[name], 8) for name, value in parameters.values.items()
        },
        "uncertainty": {
            name: format_quantity(stderr, parameters.kinds[name])
            for name, stderr in parameters.stderrs.items()
            if stderr > 0
        },
    }


def problem_document(
    trajectories: Sequence[Trajectory],
    beads: Sequence[str],
    parameters: Parameters,
    pair: Mapping[str, Any],
    pressure: float,
    timestep: float,
    spread: float = SPREAD,
) -> tuple[dict[str, Any], Parameters, tuple[str, ...]]:
    """A complete problem file: a melt of the molecules of the first trajectory, or networks if these are cured.

    Args:
        trajectories: that were inverted.
        beads: names of all kinds.
        parameters: of the force field.
        pair: the pair section of the force field.
        pressure: atm.
        timestep: fs.
        spread: half width of the ranges, as a part of the value.

    Returns: the document, the parameters that it needs, and sentences about what had to be left out.
    """
    mass = masses(trajectories)
    first = trajectories[0]
    molecules, counts = _molecules(trajectories)
    warnings = []
    document: dict[str, Any] = {
        "title": "Coarse-grained beads, by Boltzmann inversion",
        "beads": {name: {"mass": format_quantity(mass[name], "mass")} for name in beads if name in mass},
        "molecules": molecules,
    }
    reactions = _reactions(trajectories)
    if reactions is not None:
        if missing := _missing_types(reactions, document["molecules"], beads, parameters):
            warnings.append(
                f"no {missing[0]} was seen, which crosslinking can make: the problem file is that of molecules"
                " before they react; give a trajectory at a higher degree of crosslinking for the others"
            )
            kept = _types(document["molecules"], beads)
            parameters = _restricted(parameters, kept)
        else:
            document["reactions"] = reactions
    cured = "reactions" in document and DEGREE in first.state
    document |= {
        "forcefield": {"pair": dict(pair), "special_bonds": [0, 0, 1]},
        "parameters": rules_of(parameters, spread),
        **(
            _of_networks(trajectories, counts, pressure, timestep)
            if cured
            else _of_a_melt(first, counts, pressure, timestep)
        ),
    }
    return document, parameters, tuple(warnings)


def _of_a_melt(first: Trajectory, counts: Mapping[str, int], pressure: float, timestep: float) -> dict[str, Any]:
    """Experiments, observables and targets: the molecules as they are in the first trajectory."""
    state = {name: first.state[name] for name in first.state if name != "T"}
    experiment = {
        "kind": "melt",
        **_packed(first, counts, timestep),
        **({"state": state} if state else {}),
        "protocol": [{"stage": "push-off", "temperature": f"{first.temperature:g} K"}, *_protocol(first, pressure)],
    }
    return _with_density("melt", experiment, [first])


def _of_networks(
    trajectories: Sequence[Trajectory], counts: Mapping[str, int], pressure: float, timestep: float
) -> dict[str, Any]:
    """The same for networks, cured to the degrees of crosslinking of the trajectories."""
    first = trajectories[0]
    hot = f"{CURING_TEMPERATURE:g} K"
    edge = min(one.volume for one in trajectories) ** (1 / 3)
    relaxation = {"stage": "npt", "temperature": hot, "pressure": "100 atm"}
    experiment = {
        "kind": "network",
        **_packed(first, counts, timestep),
        "cure": {
            "cutoff": f"{min(CURING_REACH, 0.45 * edge):.3g} angstrom",
            "preparation": [{"stage": "push-off", "temperature": hot}, {**relaxation, "duration": "40 ps"}],
            "relaxation": [{"stage": "minimize", "iterations": 200}, {**relaxation, "duration": "5 ps"}],
        },
        "degrees": " ".join(f"{degree:g}" for degree in sorted({one.state[DEGREE] for one in trajectories})),
        "protocol": _protocol(first, pressure),
    }
    return _with_density("network", experiment, trajectories)


def _packed(first: Trajectory, counts: Mapping[str, int], timestep: float) -> dict[str, Any]:
    return {
        "molecules": dict(counts),
        "initial_density": format_quantity(max(0.3, 0.5 * first.density), "density", 3),
        "timestep": format_quantity(timestep, "time"),
    }


def _protocol(first: Trajectory, pressure: float) -> list[dict[str, Any]]:
    """Compressed at first, then as recorded."""
    stage = {"stage": "npt", "temperature": f"{first.temperature:g} K"}
    return [
        {**stage, "pressure": "100 atm", "duration": "40 ps"},
        {**stage, "pressure": f"{pressure:.6g} atm", "duration": "40 ps"},
        {**stage, "pressure": f"{pressure:.6g} atm", "duration": "80 ps", "record": True},
    ]


def _with_density(name: str, experiment: dict[str, Any], trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """The experiment with its density, and those of the trajectories as targets, one for each state."""
    by_state = {one.state: one for one in trajectories}
    found = [by_state[state] for state in sorted(by_state)]
    variables = [variable for variable in found[0].state if all(variable in one.state for one in found)]
    state = {variable: " ".join(f"{one.state[variable]:g}" for one in found) for variable in variables}
    return {
        "experiments": {name: experiment},
        "observables": {"density": {"kind": "density", "experiment": name}},
        "targets": {
            "density": {
                "state": {variable: f"{text} K" if variable == "T" else text for variable, text in state.items()},
                "value": f"{' '.join(f'{one.density:.6g}' for one in found)} g/cm^3",
                "uncertainty": f"{' '.join(f'{_density_error(one):.3g}' for one in found)} g/cm^3",
                "source": "the trajectories that were inverted",
            }
        },
    }


def _density_error(trajectory: Trajectory) -> float:
    volumes = np.linalg.det(trajectory.frames.boxes)
    scatter = float(volumes.std() / volumes.mean()) / math.sqrt(max(len(volumes) / 10.0, 1.0))
    return trajectory.density * max(scatter, _LEAST_UNCERTAINTY)


def _molecules(trajectories: Sequence[Trajectory]) -> tuple[dict[str, Any], dict[str, int]]:
    """The molecules section, and how many of each the first trajectory has."""
    found: dict[str, Any] = {}
    for one in trajectories:
        for identity, kind in one.topology.molecule_kinds.items():
            if kind not in found:
                found[kind] = _molecule(one.topology, identity)
    kinds = list(trajectories[0].topology.molecule_kinds.values())
    return found, {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def _molecule(topology: Topology, identity: int) -> dict[str, Any]:
    beads = np.flatnonzero(topology.molecule_ids == identity)
    section: dict[str, Any] = {"beads": " ".join(topology.bead_names[topology.bead_types[one] - 1] for one in beads)}
    if len(beads) > 1:
        section["bonds"] = " ".join(_within(topology.bonds, beads))
        section["angles"] = _within(topology.angles, beads)
    return section


def _within(bonded: Bonded | None, beads: np.ndarray[Any, Any]) -> list[str]:
    """Bonds or angles inside a molecule, as numbers from 1."""
    if bonded is None:
        return []
    inside = np.isin(bonded.members, beads).all(axis=1)
    return ["-".join(str(one + 1) for one in row) for row in np.searchsorted(beads, bonded.members[inside]).tolist()]


def _crosslinks(topology: Topology) -> np.ndarray[Any, Any]:
    assert topology.bonds is not None
    owners = topology.molecule_ids[topology.bonds.members]
    return np.asarray(topology.bonds.members[owners[:, 0] != owners[:, 1]])


def _reactions(trajectories: Sequence[Trajectory]) -> dict[str, Any] | None:
    """What must have reacted, from the bonds between molecules; None without such bonds."""
    capacities: dict[str, int] = {}
    pairs: dict[str, None] = {}
    order = {name: place for place, name in enumerate(trajectories[0].topology.bead_names)}
    for one in trajectories:
        members, topology = _crosslinks(one.topology), one.topology
        if not len(members):
            continue
        count = np.bincount(members.ravel(), minlength=len(topology.bead_types))
        for number, name in enumerate(topology.bead_names, start=1):
            most = int(count[topology.bead_types == number].max(initial=0))
            if most:
                capacities[name] = max(most, capacities.get(name, 0))
        for row in members.tolist():
            pairs[interaction_name([topology.bead_names[topology.bead_types[end] - 1] for end in row], order)] = None
    return {"capacities": capacities, "bonds": list(pairs)} if pairs else None


def _types(molecules: Mapping[str, Any], beads: Sequence[str]) -> set[str]:
    """``bond.A-B`` and ``angle.A-B-C`` of all types inside molecules."""
    order = {name: place for place, name in enumerate(beads)}
    found = set()
    for section in molecules.values():
        names = section["beads"].split()
        for kind, listed in (("bond", section.get("bonds", "").split()), ("angle", section.get("angles", []))):
            for text in listed:
                members = [names[int(word) - 1] for word in text.split("-")]
                found.add(f"{kind}.{interaction_name(members, order)}")
    return found


def _missing_types(
    reactions: Mapping[str, Any], molecules: Mapping[str, Any], beads: Sequence[str], parameters: Parameters
) -> list[str]:
    """Types that reactions can make and that no parameter is known of, as ``angle A-B-A``."""
    resolved = {
        name: resolve_molecule(name, Molecule.model_validate(section), tuple(beads))
        for name, section in molecules.items()
    }
    pairs = [(first, second) for first, _, second in (text.partition("-") for text in reactions["bonds"])]
    arising = types_that_arise(reactions["capacities"], pairs, resolved, tuple(beads))
    named = [(kind, name) for kind, names in zip(("bond", "angle"), arising, strict=True) for name in names]
    return [f"{kind} {name}" for kind, name in named if f"{kind}.{name}.k" not in parameters.values]


def _restricted(parameters: Parameters, types: set[str]) -> Parameters:
    """Without bonded terms of other types."""
    values = {
        name: value
        for name, value in parameters.values.items()
        if name.startswith("pair.") or name.rpartition(".")[0] in types
    }
    return Parameters(values, {name: parameters.stderrs[name] for name in values}, parameters.kinds)
