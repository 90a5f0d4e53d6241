"""Distributions on their way through a campaign: stored topologies, pooled bins, gradients of what is derived."""

from __future__ import annotations

import textwrap
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.build.system import topology_of
from beadsmith.campaign.driver import as_they_end
from beadsmith.campaign.evaluate import submit
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.replicas import pooled
from beadsmith.campaign.store import RunResult, RunStore
from beadsmith.campaign.task import question_of
from beadsmith.errors import EstimateError
from beadsmith.observe import observe_recordings
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording, Topology
from beadsmith.problem.records import Gradient, Observation
from beadsmith.problem.state import State

CHAINS = """
title: Chains
beads: {A: {mass: 40 g/mol}, B: {mass: 50 g/mol}}
molecules: {chain: {beads: A B B A}}
forcefield: {pair: {style: lj/cut, cutoff: 5 angstrom}}
parameters:
  bond.*.k: 1 to 9 kcal/mol/angstrom^2
  bond.*.length: {fixed: 3 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.*.theta0: {fixed: 120 degree}
  pair.*.epsilon: {fixed: 0.3 kcal/mol}
  pair.*.sigma: {fixed: 3 angstrom}
experiments:
  melt:
    kind: melt
    molecules: {chain: 20}
    initial_density: 0.3 g/cm^3
    timestep: 5 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 500 450 400 300 250 200 K, hold: 300 steps}]
observables:
  density: {kind: density, experiment: melt}
  bonds: {kind: bond_distribution, experiment: melt, bond: A-B, r: 2 to 4 by 0.5 angstrom}
  bends: {kind: bond_angle, experiment: melt, angle: A-B-B}
  rdf: {kind: radial_distribution, experiment: melt, pair: A-B, r: 3 to 8.5 by 0.5 angstrom}
  tg: {kind: glass_transition_lines, density: density, cold: 200 to 300 K, hot: 400 to 500 K}
targets:
  density: {state: {T: 300 K}, value: 1 g/cm^3, uncertainty: 0.01 g/cm^3, source: nowhere}
"""


@pytest.fixture
def chains(tmp_path: Path) -> Problem:
    path = tmp_path / "chains.yaml"
    path.write_text(textwrap.dedent(CHAINS))
    return load_problem(path)


def recorded(problem: Problem, rng: np.random.Generator, topology: Topology | None = None) -> Recording:
    steps = rng.normal(scale=1.7, size=(15, 20, 4, 3))
    steps[:, :, 0] += rng.uniform(0, 30, (15, 20, 3))
    positions = np.cumsum(steps, axis=2).reshape(15, 80, 3)
    frames = Frames(100.0, positions, np.tile(30.0 * np.eye(3), (15, 1, 1)))
    return Recording("melt", State.of(T=300), None, frames, topology or topology_of(problem, {"chain": 20}))


def structure(problem: Problem) -> dict:
    return {name: one for name, one in problem.observables.items() if name in ("bonds", "bends", "rdf")}


def test_what_was_stored_says_the_same_again(chains, tmp_path):
    recording = recorded(chains, np.random.default_rng(1))
    store = RunStore(tmp_path / "runs")
    result = RunResult("abc", "melt", "q", (), None, 2.0, 3.0)
    store.finish(store.attempt("abc"), result, [recording])
    [back] = store.recordings("abc")
    assert back.topology.bead_names == ("A", "B")
    assert back.topology.bonds.names == ("A-B", "B-B")
    assert back.topology.angles.members.tolist() == recording.topology.angles.members.tolist()
    before, after = (observe_recordings([one], structure(chains), "melt") for one in (recording, back))
    # Positions are kept in single precision: a bond on an edge may change its bin.
    assert [one.state for one in before] == [one.state for one in after]
    assert [one.value for one in after] == pytest.approx([one.value for one in before], abs=0.02)
    assert sum(one.observable == "rdf" for one in after) == 12


def test_what_was_stored_before_bonds_were_kept_still_reads_and_says_what_to_do(chains, tmp_path):
    full = topology_of(chains, {"chain": 20})
    old = Topology(full.masses, full.bead_types, full.molecule_ids, full.molecule_kinds)
    store = RunStore(tmp_path / "runs")
    result = RunResult("abc", "melt", "q", (), None, 2.0, 3.0)
    store.finish(store.attempt("abc"), result, [recorded(chains, np.random.default_rng(1), old)])
    [back] = store.recordings("abc")
    assert (back.topology.bonds, back.topology.angles, back.topology.bead_names) == (None, None, ())
    sentence = (
        "bonds of experiment melt at T=300: the bonds were not stored with this simulation, by an earlier version"
    )
    with pytest.raises(EstimateError, match=sentence):
        observe_recordings([back], structure(chains), "melt")


def test_a_peak_does_not_lend_its_scatter_to_a_tail():
    random = np.random.default_rng(3)

    def replica() -> list[Observation]:
        return [
            Observation("rdf", State.of(T=T, r=r), spread * random.normal(), 1e-6)
            for T in (200.0, 300.0, 400.0, 500.0)
            for r, spread in ((3.0, 1e-3), (5.0, 1.0))
        ]

    found = pooled([replica() for _ in range(6)])
    tails = [one.stderr for one in found if one.state["r"] == 3.0]
    peaks = [one.stderr for one in found if one.state["r"] == 5.0]
    assert max(tails) < 2e-3
    assert min(peaks) > 0.1
    # Bins at other temperatures are alike: no error comes from six replicas alone.
    assert max(peaks) / min(peaks) < 3


class AtOnce(Executor):
    """Runs what it is given."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def glassy(task, engine) -> RunResult:
    """Densities on two lines that cross at 350 K, and how they answer to the stiffness of bonds."""
    slopes = {True: -2e-4, False: -6e-4}
    states = [State.of(T=T) for T in (500.0, 450.0, 400.0, 300.0, 250.0, 200.0)]
    observations = tuple(
        Observation("density", state, 1.1 + slopes[state["T"] < 350] * (state["T"] - 350), 1e-4) for state in states
    )
    names = ("bond.A-B.k", "bond.B-B.k")
    gradients = tuple(
        Gradient("density", state, dict.fromkeys(names, 0.01 * (state["T"] > 350)), dict.fromkeys(names, 1e-3))
        for state in states
    )
    question = question_of(task.observables, "melt")
    return RunResult(task.simulation.name, "melt", question, observations, None, 1.0, 1.0, gradients)


@pytest.mark.parametrize("gradients", [True, False])
def test_an_evaluation_has_gradients_of_what_is_derived(chains, no_engine, tmp_path, gradients):
    def runner(task, engine):
        found = glassy(task, engine)
        return found if gradients else replace(found, gradients=None)

    laboratory = Laboratory(
        problem=chains,
        engine=no_engine,
        store=RunStore(tmp_path / "runs"),
        lease=tmp_path / "lease",
        executor=AtOnce(),
        runner=runner,
        gradients=gradients,
    )
    model = constant_model("test", chains.parameters, {"bond.A-B.k": 5.0, "bond.B-B.k": 5.0})
    (evaluation,) = as_they_end([(laboratory, submit(laboratory, model, 0, 1, {}))])
    found = [one for one in evaluation.gradients if one.observable == "tg"]
    assert len(found) == gradients
    for one in found:
        assert one.values["bond.A-B.k"] == pytest.approx(0.01 / 4e-4)
        assert one.stderrs["bond.A-B.k"] > 0
