"""Toy systems: linear molecules of letters, with as many copies as wanted, and no problem file."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import pytest

from beadsmith.build.system import System
from beadsmith.crosslink.network import Sites, sites_of
from beadsmith.crosslink.rules import Crosslinking
from beadsmith.problem.molecules import MoleculeTopology, interaction_name
from beadsmith.problem.recording import Bonded, Topology

BEADS = ("A", "B", "C", "D", "E")
MASSES = {"A": 10.0, "B": 20.0, "C": 30.0, "D": 40.0, "E": 50.0}


def linear(beads: str) -> MoleculeTopology:
    """A chain with all its angles."""
    count = len(beads)
    bonds = tuple((i, i + 1) for i in range(count - 1))
    return MoleculeTopology(tuple(beads), bonds, tuple((i, i + 1, i + 2) for i in range(count - 2)))


def system_of(
    molecules: Mapping[str, MoleculeTopology],
    counts: Mapping[str, int],
    bond_names: tuple[str, ...],
    angle_names: tuple[str, ...],
) -> System:
    """Molecules one after the other, all beads at the origin."""
    beads, owners, bonds, angles, kinds = [], [], [], [], {}
    for kind, count in counts.items():
        for _ in range(count):
            kinds[len(kinds) + 1] = kind
            bonds += [tuple(len(beads) + i for i in bond) for bond in molecules[kind].bonds]
            angles += [tuple(len(beads) + i for i in angle) for angle in molecules[kind].angles]
            beads += molecules[kind].beads
            owners += [len(kinds)] * len(molecules[kind].beads)

    def terms(members: list[tuple[int, ...]], names: tuple[str, ...], size: int) -> np.ndarray:
        order = {name: index for index, name in enumerate(BEADS)}
        types = [names.index(interaction_name([beads[i] for i in one], order)) + 1 for one in members]
        return np.array([(kind, *(i + 1 for i in one)) for kind, one in zip(types, members, strict=True)]).reshape(
            -1, size + 1
        )

    bond_terms, angle_terms = terms(bonds, bond_names, 2), terms(angles, angle_names, 3)
    topology = Topology(
        np.array([MASSES[bead] for bead in beads]),
        np.array([BEADS.index(bead) + 1 for bead in beads]),
        np.array(owners),
        kinds,
        BEADS,
        Bonded(bond_terms[:, 1:] - 1, bond_terms[:, 0] - 1, bond_names),
        Bonded(angle_terms[:, 1:] - 1, angle_terms[:, 0] - 1, angle_names),
    )
    return System(
        np.zeros((len(beads), 3)),
        topology,
        np.full(3, 100.0),
        bond_terms,
        angle_terms,
        BEADS,
        bond_names,
        angle_names,
        tuple(MASSES.values()),
    )


def all_names(size: int) -> tuple[str, ...]:
    """Every name of ``size`` letters, in the direction that is used."""
    order = {name: index for index, name in enumerate(BEADS)}
    grid = np.array(np.meshgrid(*[BEADS] * size)).reshape(size, -1).T.tolist()
    return tuple(dict.fromkeys(interaction_name(names, order) for names in grid))


def toy_sites(
    counts: Mapping[str, int],
    capacities: Mapping[str, int],
    reactions: tuple[tuple[str, str], ...] = (("A", "B"),),
) -> Sites:
    """Linear molecules, each called by its beads."""
    molecules = {beads: linear(beads) for beads in counts}
    rules = Crosslinking(capacities, reactions, 1.0, 1)
    return sites_of(system_of(molecules, counts, all_names(2), all_names(3)).topology, rules)


@pytest.fixture(scope="session")
def toys() -> SimpleNamespace:
    """What builds toy systems."""
    return SimpleNamespace(linear=linear, system=system_of, all_names=all_names, sites=toy_sites, beads=BEADS)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(params=["cube", "brick", "sheared"])
def cell(request: pytest.FixtureRequest) -> np.ndarray:
    """Edge vectors of boxes of volume 1000, as rows; each more than 8 wide."""
    cells: dict[str, Callable[[], np.ndarray]] = {
        "cube": lambda: np.diag([10.0, 10.0, 10.0]),
        "brick": lambda: np.diag([12.5, 10.0, 8.0]),
        "sheared": lambda: np.array([[10.0, 0, 0], [3.0, 10.0, 0], [-2.0, 3.0, 10.0]]),
    }
    return cells[request.param]()
