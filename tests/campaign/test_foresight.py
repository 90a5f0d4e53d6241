"""Foresight from the frames of a study: right, from what was told only, and the same when a study is replayed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.calibration import Plan, calibrate
from beadsmith.campaign.driver import search_models
from beadsmith.campaign.foresight import Foresight
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import Task, gradient_records, question_of
from beadsmith.forcefield.energies import harmonic
from beadsmith.observe.experiment import observe_recordings
from beadsmith.observe.response import observable_gradients
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.spread import Spread
from beadsmith.problem.state import State
from beadsmith.search import make_search
from beadsmith.simulate.engine import Engine
from beadsmith.units import BOLTZMANN

FILE = """
title: Bonds alone
beads: {A: {mass: 30 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 3 angstrom}}
parameters:
  bond.*.k: 1 to 20 kcal/mol/angstrom^2
  bond.*.length: 2 to 4 angstrom
  pair.*.epsilon: {fixed: 0.1 kcal/mol}
  pair.*.sigma: {fixed: 1 angstrom}
experiments:
  alone:
    kind: vacuum
    molecule: dimer
    replicas: 60
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 600 K, hold: 300 steps}]
observables:
  length: {kind: bond_length, experiment: alone}
  spread: {kind: bond_distribution, experiment: alone, r: 2.6 to 3.4 by 0.4 angstrom}
targets:
  length: {state: {T: 300 600 K}, value: 3.05 3.12 angstrom, uncertainty: 0.005 angstrom, source: invented}
"""
ANSWER = {"bond.A-A.k": 8.0, "bond.A-A.length": 3.0}


@pytest.fixture
def bonds(tmp_path: Path) -> Problem:
    path = tmp_path / "problem.yaml"
    path.write_text(textwrap.dedent(FILE))
    return load_problem(path)


def grid_of(point: dict[str, float], temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Bond lengths and their weights, r^2 exp(-U/kT)."""
    r = np.linspace(0.5, 6.0, 6001)
    energy = harmonic(r, point["bond.A-A.k"], point["bond.A-A.length"])
    logarithms = 2 * np.log(r) - energy / (BOLTZMANN * temperature)
    weights = np.exp(logarithms - logarithms.max())
    return r, weights / weights.sum()


def mean_length(point: dict[str, float], temperature: float) -> float:
    r, weights = grid_of(point, temperature)
    return float(r @ weights)


@pytest.fixture
def sampler() -> Callable[[Task, Engine], RunResult]:
    """Draws bonds from their exact distribution instead of simulating them; keeps frames, looks at them as ever."""

    def run(task: Task, engine: Engine) -> RunResult:
        simulation, wanted = task.simulation, task.differentiated
        assert wanted is not None
        rng = np.random.default_rng(int(simulation.name, 16))
        point = wanted.model.at(State())
        recordings = []
        for stretch in simulation.stretches:
            r, weights = grid_of(point, stretch.state["T"])
            lengths = rng.choice(r, size=(30, 60), p=weights)
            ends = rng.uniform(0, 50, (30, 60, 1, 3)) + lengths[..., None, None] * np.array([[0.0, 0, 0], [1.0, 0, 0]])
            frames = Frames(1.0, ends.reshape(30, 120, 3), np.tile(1e3 * np.eye(3), (30, 1, 1)))
            recordings.append(Recording("alone", stretch.state, None, frames, simulation.topology))
        result = RunResult(
            simulation.name,
            "alone",
            question_of(task.observables, "alone"),
            observe_recordings(recordings, task.observables, "alone"),
            None,
            1.0,
            1.0,
            gradient_records(observable_gradients(recordings, wanted.problem, wanted.model, "alone")),
        )
        task.store.finish(task.store.attempt(simulation.name), result, recordings)
        return result

    return run


@pytest.fixture
def searched(bonds, tmp_path, no_engine, sampler) -> Callable[..., list[dict[str, float]]]:
    """Search, or go on searching, with foresight; the points."""

    def run(folder: str = "study", evaluations: int = 6, problem: Problem = bonds) -> list[dict[str, float]]:
        study = Study(tmp_path / folder)
        study.folder.mkdir(exist_ok=True)
        lease = study.folder / ".lease"
        lease.touch()
        foresight = Foresight(problem, study)
        search = make_search("gauss-newton", problem.parameters.free, 1, foresee=foresight.foresee)
        with ThreadPoolExecutor(1) as executor:
            laboratory = Laboratory(problem, study.store, lease, executor, no_engine, sampler, gradients=True)
            steps = search_models(laboratory, search, study, 1, evaluations, 2, know=foresight.know)
            return [dict(evaluation.point) for evaluation in steps]

    return run


def test_it_foresees_what_a_simulation_would_find(searched, bonds, tmp_path):
    points = searched(evaluations=4)
    foresight = Foresight(bonds, Study(tmp_path / "study"))
    for row in Study(tmp_path / "study").rows("evaluations"):
        foresight.know(row)
    point = {name: value + 0.03 for name, value in points[-1].items()}
    response = foresight.foresee(point)
    assert response.differentiated.all()
    for row, temperature in enumerate((300.0, 600.0)):
        expected = mean_length(point, temperature)
        assert response.values[row] == pytest.approx(expected, abs=4 * response.stderrs[row])
        assert response.stderrs[row] < 0.01
        for column, name in enumerate(one.name for one in bonds.parameters.free):
            step = 1e-3
            slope = (mean_length({**point, name: point[name] + step}, temperature) - expected) / step
            assert response.jacobian[row, column] == pytest.approx(
                slope, abs=5 * response.jacobian_stderrs[row, column] + 1e-3
            )


def test_what_is_foreseen_counts_by_the_declared_misfit(searched, tmp_path):
    """Relative deviations, as in the responses of simulations: rows are values in units of their targets."""
    path = tmp_path / "relative.yaml"
    path.write_text(textwrap.dedent(FILE) + "misfit: relative\n")
    problem = load_problem(path)
    points = searched(evaluations=3, problem=problem)
    foresight = Foresight(problem, Study(tmp_path / "study"))
    for row in Study(tmp_path / "study").rows("evaluations"):
        foresight.know(row)
    response = foresight.foresee(points[-1])
    assert response.differentiated.all()
    np.testing.assert_allclose(response.targets, 1.0)
    np.testing.assert_allclose(response.target_stderrs, 0.01)
    np.testing.assert_allclose(response.values, 1.0, atol=0.2)


def test_it_knows_what_it_was_told_and_nothing_later(searched, bonds, tmp_path):
    points = searched(evaluations=6)
    whole, begun = Study(tmp_path / "study"), Study(tmp_path / "begun")
    early = Foresight(bonds, whole)
    assert early.foresee(points[0]) is None
    early.know(whole.rows("evaluations")[0])
    searched("begun", evaluations=1)
    only = Foresight(bonds, begun)
    only.know(begun.rows("evaluations")[0])
    here = {name: value + 0.02 for name, value in points[0].items()}
    np.testing.assert_array_equal(early.foresee(here).values, only.foresee(here).values)
    np.testing.assert_array_equal(early.foresee(here).jacobian, only.foresee(here).jacobian)
    early.know(whole.rows("evaluations")[1])
    assert not np.array_equal(early.foresee(here).values, only.foresee(here).values)


def test_a_study_in_pieces_is_the_same_study(searched, tmp_path):
    at_once = searched("at once", evaluations=6)
    for evaluations in (1, 3, 6, 6):
        pieces = searched("pieces", evaluations=evaluations)
    assert pieces == at_once
    # Rows that a crash took away, their simulations still in the store: told again, and never known too early.
    table = tmp_path / "pieces" / "evaluations.jsonl"
    table.write_text("".join(line + "\n" for line in table.read_text().split("\n")[:2]))
    assert searched("pieces", evaluations=6) == at_once


def test_foresight_makes_another_search_of_it_and_no_worse_one(searched, bonds, tmp_path, no_engine, sampler):
    study = Study(tmp_path / "without")
    study.folder.mkdir()
    lease = study.folder / ".lease"
    lease.touch()
    search = make_search("gauss-newton", bonds.parameters.free, 1)
    with ThreadPoolExecutor(1) as executor:
        laboratory = Laboratory(bonds, study.store, lease, executor, no_engine, sampler, gradients=True)
        without = [dict(one.point) for one in search_models(laboratory, search, study, 1, 4, 2)]
    informed = searched(evaluations=4)
    assert informed[:2] == without[:2]
    assert informed[2] != without[2]

    def distance(point: dict[str, float]) -> float:
        return max(abs(mean_length(point, t) - value) for t, value in ((300.0, 3.05), (600.0, 3.12)))

    assert min(map(distance, informed)) < 1.5 * min(map(distance, without)) + 0.005


def test_the_bias_of_a_protocol_is_taken_away_as_from_simulations(searched, bonds, tmp_path):
    points = searched(evaluations=2)
    biased = replace(bonds, spreads=(Spread("length", State.of(T=300), 0.02, 0.5, 0.01),))
    plain, corrected = (Foresight(problem, Study(tmp_path / "study")) for problem in (bonds, biased))
    for foresight in (plain, corrected):
        foresight.know(Study(tmp_path / "study").rows("evaluations")[0])
    one, other = plain.foresee(points[0]), corrected.foresee(points[0])
    assert other.values - one.values == pytest.approx([-0.5, 0.0])
    assert other.stderrs[0] == pytest.approx(np.hypot(one.stderrs[0], np.hypot(0.02, 0.01)))


def test_simulations_whose_frames_were_not_kept_say_nothing(searched, bonds, tmp_path):
    points = searched(evaluations=2)
    study = Study(tmp_path / "study")
    for row in study.rows("evaluations"):
        for run in row.runs:
            (study.store.root / run / "recordings.npz").unlink()
    foresight = Foresight(bonds, study)
    foresight.know(study.rows("evaluations")[0])
    assert foresight.foresee(points[0]) is None


@pytest.mark.parametrize("reweighting", ["yes", "no"])
def test_the_problem_file_switches_it(reweighting, bonds, tmp_path, no_engine, sampler, monkeypatch):
    asked = []
    monkeypatch.setattr(Foresight, "foresee", lambda self, point: asked.append(point))
    path = tmp_path / "switched.yaml"
    path.write_text(textwrap.dedent(FILE) + f"search: {{method: gauss-newton, reweighting: {reweighting}}}\n")
    problem, study = load_problem(path), Study(tmp_path / "switched")
    plan = Plan(method="gauss-newton", evaluations=4, seed=1, workers=1, remeasure=0, candidates=1)
    with study.driven(), study.lease() as lease, ThreadPoolExecutor(1) as executor:
        laboratory = Laboratory(problem, study.store, lease, executor, no_engine, sampler)
        list(calibrate(laboratory, study, plan))
    assert bool(asked) == (reweighting == "yes")


def test_the_table_is_read_once_however_long_the_search(searched, monkeypatch):
    read, rows = [], Study.rows
    monkeypatch.setattr(Study, "rows", lambda study, table: (read.append(table), rows(study, table))[1])
    searched(evaluations=5)
    assert read == ["evaluations"]
