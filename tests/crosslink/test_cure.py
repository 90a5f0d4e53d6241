"""Cures with real LAMMPS: rules, topology, going on after an interruption, and chemistries that nobody foresaw."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from beadsmith.crosslink.cure import Cured, CureFailed, CureOrder, kept, last_state, run_cure, system_of
from beadsmith.crosslink.schedule import Outcome, Reason, bonds_at, history
from beadsmith.problem.model import constant_model, document_from_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import FailureKind
from beadsmith.simulate.engine import Engine, Interrupted, find_engine, run_simulation
from beadsmith.simulate.plan import seed_of_experiment
from beadsmith.units import DENSITY_OF_ONE_DALTON

pytestmark = pytest.mark.lammps


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()


def loaded(document, folder: Path) -> Problem:
    path = folder / "problem.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_problem(path)


def middle(problem: Problem):
    point = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in problem.parameters.free}
    return constant_model("middle", problem.parameters, point)


def order_of(problem: Problem, engine: Engine, target: float, seed: int = 1) -> CureOrder:
    degrees = problem.experiments["network"].degrees
    return CureOrder(problem, middle(problem), "network", seed, engine.version, target, degrees)


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def straight(tmp_path_factory, unchanged_network, engine) -> tuple[CureOrder, Path, Cured]:
    """The small network cured to 0.9 without an interruption."""
    folder = tmp_path_factory.mktemp("straight")
    problem = loaded(unchanged_network, folder)
    # The seed that the command line makes of 1.
    order = order_of(problem, engine, 0.9, seed_of_experiment(problem, "network", 1))
    return order, folder / "cure", run_cure(order, folder / "cure", engine, never)


def same(one: Cured, other: Cured) -> bool:
    """Whether two systems agree to the last bit, clocks apart."""
    arrays = ((one.positions, other.positions), (one.cell, other.cell))
    networks = ((one.network.bonds, other.network.bonds), (one.network.cycles, other.network.cycles))
    return one.progress == other.progress and all(np.array_equal(a, b) for a, b in (*arrays, *networks))


def snapshots(order: CureOrder, folder: Path) -> dict[float, Cured]:
    return {degree: cured for degree in order.plan.snapshots if (cured := kept(order, folder, degree)) is not None}


def test_a_cure_reaches_its_degree_and_keeps_what_was_asked_for(straight):
    order, folder, cured = straight
    assert order.sites.most == 24
    assert cured.progress.outcome is Outcome.TARGET
    assert len(cured.network.bonds) == bonds_at(0.9, 24) == 22
    found = snapshots(order, folder)
    assert list(found) == pytest.approx([*np.arange(0, 0.9, 0.05), 0.9])
    for degree, one in found.items():
        assert len(one.network.bonds) == bonds_at(degree, 24)
        assert (one.network.bonds == cured.network.bonds[: len(one.network.bonds)]).all()
    assert same(found[0.9], cured)
    assert [cycle.number for cycle in cured.cycles] == list(range(cured.progress.cycle + 1))
    assert sum(cycle.bonds for cycle in cured.cycles) == 22
    assert all(cycle.bonds <= 6 and cycle.longest <= 8 for cycle in cured.cycles)
    assert all(0 < cycle.relaxing <= cycle.seconds for cycle in cured.cycles)


def test_rules_hold_at_every_snapshot(straight):
    order, folder, cured = straight
    names = [order.sites.names[kind] for kind in order.sites.bead_types]
    molecules = order.sites.molecules
    ends = {one.stage: one for one in cured.progress.transitions}
    assert (ends[0].degree, ends[0].reason) == (0.5, Reason.REACHED)
    assert ends[1].degree <= 0.75
    for one in snapshots(order, folder).values():
        used = Counter(one.network.bonds.ravel().tolist())
        assert all(sorted(names[bead] for bead in bond) == ["E", "N"] for bond in one.network.bonds)
        assert all(count <= {"E": 1, "N": 2}[names[bead]] for bead, count in used.items())
        if one.network.degree <= 0.5:
            assert max(used.values(), default=0) <= 1
        # Between different networks: from 0.5 on no bond closes a ring, until the rule gives way.
        parent = list(range(molecules.max() + 1))
        for number, (first, second) in enumerate(one.network.bonds.tolist(), start=1):
            one_end, other_end = root(parent, molecules[first]), root(parent, molecules[second])
            if 12 < number <= ends[1].degree * 24:
                assert one_end != other_end
            parent[one_end] = other_end


def root(parent: list[int], member: int) -> int:
    while parent[member] != member:
        member = parent[member]
    return member


def test_bonds_and_angles_are_those_of_brute_force_and_of_lammps(straight, engine, tmp_path):
    order, folder, _ = straight
    for degree, one in snapshots(order, folder).items():
        system = system_of(order, one)
        inside = {frozenset(bond) for bond in order.sites.bonds.tolist()}
        across = {frozenset(bond) for bond in one.network.bonds.tolist()}
        angles = {(frozenset(angle[[1, 3]] - 1), int(angle[2] - 1)) for angle in order.packed.angles}
        for first, second in itertools.combinations(inside | across, 2):
            if len(first & second) == 1 and (first in across or second in across):
                angles.add((first ^ second, *(first & second)))
        assert {frozenset(bond) for bond in (system.bonds[:, 1:] - 1).tolist()} == inside | across
        assert {(frozenset(angle[[1, 3]] - 1), int(angle[2] - 1)) for angle in system.angles} == angles
        assert len(system.bonds) == len(inside | across)
        assert len(system.angles) == len(angles)
        names = np.array(system.bead_names)[system.topology.bead_types - 1]
        for terms, known in ((system.bonds, system.bond_names), (system.angles, system.angle_names)):
            for kind, *beads in terms.tolist():
                assert known[kind - 1] in ("-".join(names[np.array(way) - 1]) for way in (beads, beads[::-1]))
        if degree in (0.5, 0.9):
            place = tmp_path / f"{degree:g}"
            place.mkdir()
            relaxation = order.network.cure.relaxation
            log = run_simulation(order.step(system, degree, relaxation, 1), place, engine, never).ending.log
            counted = [int(re.search(rf"^\s+(\d+) {kind}$", log, re.MULTILINE)[1]) for kind in ("bonds", "angles")]
            assert counted == [len(system.bonds), len(system.angles)]


def test_the_system_stays_a_liquid_of_whole_molecules(straight):
    order, folder, _ = straight
    for one in snapshots(order, folder).values():
        density = order.sites.masses.sum() * DENSITY_OF_ONE_DALTON / np.linalg.det(one.cell)
        assert 0.4 < density < 1.6
        bonds = one.network.all_bonds
        apart = one.positions[bonds[:, 0]] - one.positions[bonds[:, 1]]
        edges = np.diag(one.cell)
        apart -= edges * np.round(apart / edges)
        assert np.linalg.norm(apart, axis=1).max() < 6  # 3.8 at rest; new ones began at up to 8


def test_the_same_cure_twice_is_the_same_and_another_seed_another(straight, unchanged_network, engine, tmp_path):
    order, _, cured = straight
    half = replace(order, target=0.5)
    again = run_cure(half, tmp_path / "again", engine, never)
    assert (again.network.bonds == cured.network.bonds[: len(again.network.bonds)]).all()
    other = replace(half, seed=2)
    assert other.name != half.name
    assert not np.array_equal(other.packed.positions, half.packed.positions)


def test_a_cure_that_is_asked_for_more_goes_on_where_it_ended(straight, engine, tmp_path):
    order, folder, cured = straight
    half = replace(order, target=0.5)
    assert half.name == order.name  # one folder for both
    first = run_cure(half, tmp_path / "cure", engine, never)
    assert first.network.degree == 0.5
    more = run_cure(order, tmp_path / "cure", engine, never)
    assert same(more, cured)
    for degree, one in snapshots(order, folder).items():
        assert same(kept(order, tmp_path / "cure", degree), one) or degree == 0.5
    # Nothing is left to do, and nothing is done.
    state = (tmp_path / "cure" / "cure.npz").stat().st_mtime_ns
    assert run_cure(half, tmp_path / "cure", engine, never).network.degree >= 0.5
    assert run_cure(order, tmp_path / "cure", engine, never).cycles == more.cycles
    assert (tmp_path / "cure" / "cure.npz").stat().st_mtime_ns >= state


def test_degrees_off_the_grid_stop_bonds_where_others_would_not_and_have_a_name_of_their_own(straight):
    order, _, _ = straight
    assert replace(order, target=0.62).name != order.name
    assert replace(order, degrees=(0.62,)).name == replace(order, target=0.62, degrees=()).name
    assert replace(order, degrees=(0.25, 0.9)).name == order.name


def test_a_cure_that_is_stopped_goes_on_to_the_same_end(straight, engine, tmp_path):
    order, _, cured = straight
    cycles = []
    for patience in (3, 9, 40):
        asked = itertools.count()
        try:
            run_cure(order, tmp_path, engine, stop=lambda: next(asked) >= patience)  # noqa: B023
        except Interrupted:
            state = last_state(order, tmp_path)
            cycles.append(-1 if state is None else state.progress.cycle)
    assert cycles
    assert same(run_cure(order, tmp_path, engine, never), cured)


def test_a_cycle_that_fails_is_told_and_made_again(straight, engine, tmp_path):
    order, _, cured = straight
    starts = tmp_path / "starts"
    starts.touch()
    failing = tmp_path / "failing"
    failing.write_text(
        f"#!/bin/sh\necho x >> {starts}\n"
        f'[ "$(wc -l < {starts})" = 5 ] && echo "ERROR: Lost atoms: original 54 current 53" > log.lammps && exit 1\n'
        f'LD_LIBRARY_PATH="{engine.library_path}:$LD_LIBRARY_PATH" exec {engine.executable} "$@"\n'
    )
    failing.chmod(failing.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(CureFailed) as caught:
        run_cure(order, tmp_path / "cure", replace(engine, executable=str(failing)), never)
    assert caught.value.failure.kind is FailureKind.LOST_ATOMS
    assert last_state(order, tmp_path / "cure").progress.cycle == 3
    assert same(run_cure(order, tmp_path / "cure", engine, never), cured)


def test_a_cure_killed_at_the_command_line_goes_on_to_the_same_end(straight, unchanged_network, tmp_path):
    order, _, cured = straight
    problem = loaded(unchanged_network, tmp_path)
    model = tmp_path / "model.yaml"
    model.write_text(yaml.safe_dump(document_from_model(middle(problem), problem.parameters)))
    study, answer = tmp_path / "study", tmp_path / "answer.json"
    words = ["cure", problem.path, "--model", model, "--to", 0.9, "--study", study, "--json", answer]
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    seen = []
    for cycles in (2, 8):
        driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_for(lambda: made(study) >= cycles)  # noqa: B023
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        seen.append(made(study))
    assert seen[0] < seen[1] < cured.progress.cycle
    last = subprocess.run(command, capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    assert same(last_state(order, study / "cures" / order.name), cured)
    (network,) = json.loads(answer.read_text())["networks"]
    assert network["degree"] == cured.network.degree
    assert len(network["cycles"]) == len(cured.cycles)


def made(study: Path) -> int:
    """Cycles that a cure has made; -1 before its preparation has ended."""
    for state in study.glob("cures/*/cure.npz"):
        with np.load(state) as arrays:
            return int(json.loads(str(arrays["notes"]))["progress"]["cycle"])
    return -1


def wait_for(condition, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_cure_that_reaches_nobody_ends_and_says_so(network_document, engine, tmp_path):
    network_document["experiments"]["network"]["cure"] |= {"cutoff": "2.5 angstrom", "empty_cycles": 3}
    order = order_of(loaded(network_document, tmp_path), engine, 0.9)
    cured = run_cure(order, tmp_path / "cure", engine, never)
    assert cured.progress.outcome is Outcome.OUT_OF_REACH
    assert cured.network.degree < 0.9
    assert cured.progress.empty == 3
    *stages, end = history(order.plan, cured.progress)
    assert "it allowed no bond within the cutoff" in stages[0]
    assert re.match(r"the cure ended after \d+ cycles: no pair that may react comes within the cutoff any more", end)
    again = run_cure(order, tmp_path / "cure", engine, never)
    assert same(again, cured)


CHEMISTRIES = {
    "trifunctional and monofunctional beads": {
        "beads": {"T": {"mass": "60 g/mol"}, "U": {"mass": "40 g/mol"}, "V": {"mass": "50 g/mol"}},
        "molecules": {"node": {"beads": "T"}, "cap": {"beads": "U V"}},
        "counts": {"node": 14, "cap": 42},
        "reactions": {"capacities": {"T": 3, "U": 1}, "bonds": "T-U"},
        "most": 42,
    },
    "a bead that bonds to its own kind": {
        "beads": {"A": {"mass": "60 g/mol"}},
        "molecules": {"monomer": {"beads": "A"}},
        "counts": {"monomer": 60},
        "reactions": {"capacities": {"A": 2}, "bonds": "A-A"},
        "most": 60,
    },
    "two reactions that compete": {
        "beads": {"E": {"mass": "50 g/mol"}, "N": {"mass": "60 g/mol"}},
        "molecules": {"resin": {"beads": "E E"}, "hardener": {"beads": "N N"}},
        "counts": {"resin": 20, "hardener": 8},
        "reactions": {"capacities": {"E": 2, "N": 1}, "bonds": "E-N E-E"},
        "most": 48,  # 16 of E-N, and the 64 sites that are left on E make 32 of E-E
    },
}


@pytest.mark.parametrize("name", CHEMISTRIES)
def test_a_third_chemistry_cures_by_declaration_alone(network_document, engine, tmp_path, name):
    chemistry = CHEMISTRIES[name]
    network_document |= {key: chemistry[key] for key in ("beads", "molecules", "reactions")}
    network = network_document["experiments"]["network"]
    network |= {"molecules": chemistry["counts"], "degrees": "0.8"}
    network["cure"] |= {"rules": [{}], "bonds_per_cycle": 10}
    order = order_of(loaded(network_document, tmp_path), engine, 0.8)
    assert order.sites.most == chemistry["most"]
    cured = run_cure(order, tmp_path / "cure", engine, never)
    assert cured.progress.outcome is Outcome.TARGET
    assert len(cured.network.bonds) == bonds_at(0.8, chemistry["most"])
    assert (cured.network.room >= 0).all()
    names = [order.sites.names[kind] for kind in order.sites.bead_types]
    reactions = [set(pair.split("-")) for pair in chemistry["reactions"]["bonds"].split()]
    kinds = [{names[bead] for bead in bond} for bond in cured.network.bonds.tolist()]
    assert all(kind in reactions for kind in kinds)
    assert all(reaction in kinds for reaction in reactions)
    assert len({frozenset(bond) for bond in cured.network.bonds.tolist()}) == len(cured.network.bonds)
    assert (order.sites.molecules[cured.network.bonds[:, 0]] != order.sites.molecules[cured.network.bonds[:, 1]]).all()
