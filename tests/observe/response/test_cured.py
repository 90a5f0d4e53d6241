"""Energies of networks: bonds, angles and scaled pairs that a cure has added, against LAMMPS."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from beadsmith.build.data_file import data_file
from beadsmith.build.system import System, melt
from beadsmith.crosslink.topology import crosslinked
from beadsmith.forcefield.coefficients import coefficient_lines, style_lines
from beadsmith.observe.response.derivatives import energies
from beadsmith.observe.response.wiring import wiring_of
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.plan import Simulation

STATE = State.of(DC=0.5, T=300)


@pytest.fixture
def problem(network_document, tmp_path) -> Problem:
    # Factors of which none is 0 or 1: each pair up to three bonds apart is seen.
    network_document["forcefield"]["special_bonds"] = [0.2, 0.4, 0.7]
    network_document["forcefield"]["pair"]["cutoff"] = "8 angstrom"
    path = tmp_path / "problem.yaml"
    path.write_text(yaml.safe_dump(network_document, sort_keys=False))
    return load_problem(path)


@pytest.fixture
def cured(problem) -> System:
    """Beads on a jittered lattice; each E bonded to an N, a ring through two molecules among the bonds."""
    random = np.random.default_rng(5)
    counts = problem.experiments["network"].molecules
    box = melt(problem, model_of(problem), counts, 0.4, STATE, random)
    names = np.array(box.bead_names)[box.topology.bead_types - 1]
    resin, hardener = np.flatnonzero(names == "E"), np.flatnonzero(names == "N")
    bonds = [(resin[0], hardener[0]), (resin[1], hardener[1])]  # of one resin and one hardener: a ring of six
    bonds += zip(resin[2:12], np.tile(hardener[2:], 2), strict=False)
    count = len(names)
    side = int(np.ceil(count ** (1 / 3)))
    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)[:count]
    edges = np.array([18.5, 19.0, 20.0])
    positions = (lattice + 0.2 * random.uniform(-1, 1, size=lattice.shape)) * edges / side
    return replace(crosslinked(box, np.array(bonds)), positions=positions, edges=edges)


def model_of(problem: Problem):
    point = {one.name: 0.5 * (one.low + one.high) for one in problem.parameters.free}
    return constant_model("middle", problem.parameters, point)


def recording_of(system: System) -> Recording:
    frames = Frames(1.0, system.positions[None], np.diag(system.edges)[None])
    return Recording("network", STATE, None, frames, system.topology)


def test_a_ring_through_two_molecules_is_closed_by_the_shortest_way(problem, cured):
    wiring = wiring_of(problem, cured.topology)
    assert len(wiring.bonds.members) == len(cured.bonds)
    assert len(wiring.angles.members) == len(cured.angles)
    factors = {
        tuple(pair): factor
        for pair, factor in zip(wiring.special.members.tolist(), wiring.special.factors, strict=True)
    }
    ring = [0, 1, 2, 38, 37, 36]  # E M E of the first resin, N M N of the first hardener, and two crosslinks
    for place, bead in enumerate(ring):
        for further, factor in ((1, 0.2), (2, 0.4), (3, 0.7)):
            pair = tuple(sorted((bead, ring[(place + further) % 6])))
            assert factors[pair] == factor


def test_molecules_without_crosslinks_are_wired_as_before(problem, cured):
    plain = replace(cured.topology, bonds=None, angles=None)
    one = wiring_of(problem, plain)
    assert len(one.bonds.members) == 2 * 12 + 2 * 6


@pytest.mark.lammps
def test_the_energy_of_a_network_is_that_of_lammps(problem, cured, tmp_path: Path):
    engine, model = find_engine(), model_of(problem)
    lines = [
        "units real",
        "atom_style molecular",
        "read_data system.data extra/special/per/atom 8",
        *style_lines(problem),
        *coefficient_lines(problem, model, STATE),
        "run 0",
        'print "answer $(pe:%.16g)"',
    ]
    files = {"in.lammps": "\n".join(lines) + "\n", "system.data": data_file(cured, "test")}
    folder = tmp_path / "run"
    folder.mkdir()
    ending = run_simulation(Simulation("test", files, engine.version, 1.0, 60.0), folder, engine, lambda: False).ending
    answer = re.search(r"^answer (\S+)$", ending.log, re.MULTILINE)
    assert answer is not None, ending.log[-2000:]
    mine = energies(recording_of(cured), problem, model).printed.values.sum()
    assert mine == pytest.approx(float(answer[1]), rel=1e-7)
    # Without the crosslinks it would be another energy.
    molecules = replace(cured.topology, bonds=None, angles=None)
    bare = energies(replace(recording_of(cured), topology=molecules), problem, model).printed.values.sum()
    assert abs(bare - mine) > 1.0
