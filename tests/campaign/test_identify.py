"""Identifiability of studies whose simulations are exactly sampled dimers, so that derivatives are known."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beadsmith.build.system import topology_of
from beadsmith.campaign.derivatives import MOST_LOOKED_AT
from beadsmith.campaign.identify import identify_study
from beadsmith.campaign.store import RunResult, write_json
from beadsmith.campaign.study import Manifest, Study, digest_of
from beadsmith.campaign.task import question_of
from beadsmith.errors import StudyError
from beadsmith.observe.experiment import observe_recordings
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording, Series
from beadsmith.problem.records import Evaluation, Gradient
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

DIMERS = """
title: Dimers
beads: {A: {mass: 30 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 5 angstrom}}
parameters:
  bond.*.length: 2 to 4 angstrom
  bond.*.k: 4 to 12 kcal/mol/angstrom^2
  pair.*.*: {fixed: 1}
  pair.*.sigma: {fixed: 1 angstrom}
  pair.*.epsilon: {fixed: 1 kcal/mol}
experiments:
  alone:
    kind: vacuum
    molecule: dimer
    replicas: 40
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 600 K, hold: 300 steps}]
observables:
  length: {kind: end_to_end_distance, experiment: alone}
  size: {kind: radius_of_gyration, experiment: alone}
  energy: {kind: potential_energy, experiment: alone}
  warmth: {kind: temperature, experiment: alone}
targets:
  length: {state: {T: 300 600 K}, value: 3 3.05 angstrom, uncertainty: 0.01 angstrom, source: invented}
"""
STATES = (State.of(T=300.0), State.of(T=600.0))


@pytest.fixture
def dimers(tmp_path: Path) -> Callable[..., Problem]:
    """The problem, with pieces of its file replaced."""

    def make(changes: Mapping[str, str] | None = None, folder: str = ".") -> Problem:
        text = textwrap.dedent(DIMERS).replace("  pair.*.*: {fixed: 1}\n", "")
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / folder / "dimers.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return load_problem(path)

    return make


def moments(length: float, stiffness: float, temperature: float) -> tuple[float, float, float]:
    """Mean bond length, and its derivatives by the rest length and by the stiffness: integrals over r."""

    def mean(rest: float, k: float) -> float:
        r = np.linspace(0.5, 6.0, 20001)
        weights = r**2 * np.exp(-k * (r - rest) ** 2 / (BOLTZMANN * temperature))
        return float((r * weights).sum() / weights.sum())

    def slope(first: tuple[float, float], second: tuple[float, float]) -> float:
        return (mean(*first) - mean(*second)) / 2e-3

    return (
        mean(length, stiffness),
        slope((length + 1e-3, stiffness), (length - 1e-3, stiffness)),
        slope((length, stiffness + 1e-3), (length, stiffness - 1e-3)),
    )


def recordings_of(problem: Problem, point: Mapping[str, float], random: Any, frames: int) -> tuple[Recording, ...]:
    grid = np.linspace(0.5, 6.0, 20001)
    molecules = 40
    made = []
    for state in STATES:
        energy = point["bond.A-A.k"] * (grid - point["bond.A-A.length"]) ** 2
        cumulative = np.cumsum(grid**2 * np.exp(-energy / (BOLTZMANN * state["T"])))
        lengths = np.interp(random.random((frames, molecules)) * cumulative[-1], cumulative, grid)
        ends = 0.5 * lengths[..., None, None] * np.array([[-1.0, 0, 0], [1.0, 0, 0]])
        positions = (ends + 50.0 * np.arange(molecules)[:, None, None]).reshape(frames, 2 * molecules, 3)
        energies = point["bond.A-A.k"] * ((lengths - point["bond.A-A.length"]) ** 2).sum(axis=1)
        series = Series(1.0, {"potential_energy": energies, "temperature": np.full(frames, state["T"])})
        boxes = np.tile(5e3 * np.eye(3), (frames, 1, 1))
        topology = topology_of(problem, {"dimer": molecules})
        made.append(Recording("alone", state, series, Frames(1.0, positions, boxes), topology))
    return tuple(made)


def stored_evaluation(
    problem: Problem, study: Study, number: int, point: Mapping[str, float], frames: int, keep: bool
) -> Evaluation:
    """Sample, observe and store a model as a worker would, without derivatives."""
    recordings = recordings_of(problem, point, np.random.default_rng(number), frames)
    observations = observe_recordings(recordings, problem.observables, "alone")
    name = f"{number:024x}"
    result = RunResult(name, "alone", question_of(problem.observables, "alone"), observations, None, 1.0, 1.0)
    kept = recordings if keep else tuple(replace(one, frames=None) for one in recordings)
    study.store.finish(study.store.attempt(name), result, kept)
    return Evaluation(number, dict(point), number, observations, misfit=1.0 + number, runs=(name,))


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """A study of a search without derivatives; evaluation 0 is the best."""

    def make(problem: Problem, count: int = 3, frames: int = 400, keep: bool = True) -> Study:
        study = Study(tmp_path / "study")
        study.folder.mkdir()
        (study.folder / "problem.yaml").write_text(problem.path.read_text())
        manifest = Manifest("Dimers", digest_of(problem), str(problem.path), problem.fidelity, "tpe", 1, 2, "none")
        write_json(study.folder / "study.json", asdict(manifest))
        for number in range(count):
            point = {"bond.A-A.length": 3.0 - 0.02 * number, "bond.A-A.k": 8.0 + 0.1 * number}
            study.append("evaluations", stored_evaluation(problem, study, number, point, frames, keep))
        return study

    return make


def expected_jacobian() -> np.ndarray:
    """In units of the targets' errors and of the prior, 0.4 of ranges 8 and 2 (bonds are listed k first)."""
    rows = [moments(3.0, 8.0, state["T"])[1:] for state in STATES]
    return np.array([[by_stiffness * 8.0, by_length * 2.0] for by_length, by_stiffness in rows]) * 0.4 / 0.01


def test_derivatives_are_taken_from_frames_and_agree_with_the_closed_form(dimers, make_study):
    problem = dimers()
    assert [one.name for one in problem.parameters.free] == ["bond.A-A.k", "bond.A-A.length"]
    found = identify_study(problem, make_study(problem))
    jacobian = expected_jacobian()
    assert found.subject.label == "evaluation 0"
    assert found.models == 3
    np.testing.assert_allclose(found.answer.information.jacobian, jacobian, rtol=0.15, atol=0.8)
    np.testing.assert_allclose(found.answer.eigenvalues.values[0], np.square(jacobian).sum(), rtol=0.05)
    assert found.answer.reductions.values[1] > 0.99
    assert (found.left_out, dict(found.complaints)) == ((), {})


def test_what_was_looked_up_is_on_record_and_the_answer_the_same(dimers, make_study):
    problem = dimers()
    study = make_study(problem)
    with pytest.raises(StudyError, match="begin with: beadsmith identify"):
        identify_study(problem, study, frames=False)
    before = [study.store.result(name) for name in study.store.names()]
    first = identify_study(problem, study)
    after = [study.store.result(name) for name in study.store.names()]
    assert [replace(one, gradients=None) for one in after] == before
    again, from_record = identify_study(problem, study), identify_study(problem, study, frames=False)
    assert again.answer.effective == first.answer.effective == from_record.answer.effective


def test_another_question_leaves_the_record_alone(dimers, make_study):
    """An observable that is new to the file is looked at; what is stored answers the study's own question still."""
    problem = dimers()
    study = make_study(problem, count=1)
    before = [study.store.result(name) for name in study.store.names()]
    more = "observables:\n  again: {kind: radius_of_gyration, experiment: alone}\n"
    considered = "considered: {again: {state: {T: 300 K}, uncertainty: 0.01 angstrom}}\ntargets:"
    found = identify_study(dimers({"observables:\n": more, "targets:": considered}, "more"), study)
    assert found.answer.additions[0].gain.value >= 0
    assert [study.store.result(name) for name in study.store.names()] == before


def test_only_the_nearest_models_are_looked_at(dimers, make_study):
    problem = dimers()
    assert identify_study(problem, make_study(problem, count=MOST_LOOKED_AT + 3, frames=40)).models == MOST_LOOKED_AT


def test_positions_that_were_not_kept_get_one_sentence(dimers, make_study):
    problem = dimers()
    study = make_study(problem, keep=False)
    with pytest.raises(StudyError, match=r"recorded no frames of positions.*--search gauss-newton"):
        identify_study(problem, study)


def test_too_few_frames_cost_the_study_nothing(dimers, make_study):
    """Frames that give no derivative of an observable must not turn its stored answer into a failure."""
    problem = dimers({"replicas: 40": "replicas: 1"})
    study = make_study(problem, frames=60)
    names = study.store.names()
    for name in names:
        short = tuple(
            replace(one, frames=replace(one.frames, positions=one.frames.positions[:5, :2], boxes=one.frames.boxes[:5]))
            for one in study.store.recordings(name)
        )
        result = study.store.result(name)
        (study.store.root / name).rename(study.folder / name)
        study.store.finish(study.store.attempt(name), result, short)
    before = [study.store.result(name) for name in names]
    with pytest.raises(StudyError, match="cannot be taken from stored frames"):
        identify_study(problem, study)
    assert [study.store.result(name) for name in names] == before


def test_recorded_derivatives_are_used_as_they_are(dimers, make_study):
    problem = dimers()
    study = make_study(problem, count=1, keep=False)
    gradients = [
        Gradient(
            "length", state, {"bond.A-A.k": 0.0, "bond.A-A.length": 1.0}, {"bond.A-A.k": 0.0, "bond.A-A.length": 0}
        )
        for state in STATES
    ]
    (row,) = study.rows("evaluations")
    study.clear("evaluations")
    study.append("evaluations", replace(row, gradients=gradients))
    found = identify_study(problem, study, frames=False)
    np.testing.assert_allclose(found.answer.information.jacobian, [[0, 80], [0, 80]])
    wide = identify_study(problem, study, prior=0.1)
    np.testing.assert_allclose(wide.answer.information.jacobian, [[0, 20], [0, 20]])
    declared = dimers({"targets:": "search: {prior: 0.2}\ntargets:"})
    np.testing.assert_allclose(identify_study(declared, study).answer.information.jacobian, [[0, 40], [0, 40]])


def test_considered_observables_are_looked_at_and_others_complained_of(dimers, make_study):
    study = make_study(dimers())
    considered = "considered:\n  energy: {state: {T: 300 K}, uncertainty: 0.5 kcal/mol}\n"
    found = identify_study(dimers({"targets:": f"{considered}targets:"}, "more"), study)
    (addition,) = found.answer.additions
    assert addition.observable == "energy"
    assert [goal.state for goal in addition.goals] == [STATES[0]]
    assert 0 <= addition.gain.value <= 2 - found.answer.effective.value + 0.05
    warm = "considered: {warmth: {state: {T: 300 K}, uncertainty: 1 K}}\n"
    found = identify_study(dimers({"targets:": f"{warm}targets:"}, "more"), study)
    assert list(found.complaints) == ["warmth"]
    assert "considered.warmth: received one of kind temperature" in str(found.complaints["warmth"])
    assert "no derivative is known" in str(found.complaints["warmth"])


def test_a_derived_observable_that_is_not_determined_is_left_out_and_not_refused(dimers, make_study):
    """Expansion from densities of which there are none: the same as from densities that do not determine it."""
    problem = dimers(
        {
            "observables:\n": "observables:\n  gas: {kind: mean, experiment: alone, column: density}\n"
            "  expansion: {kind: thermal_expansion, density: gas, temperatures: 300 to 600 K}\n",
            "targets:": "considered: {expansion: {uncertainty: 1e-5 1/K}}\ntargets:",
        }
    )
    study = make_study(dimers())
    (study.folder / "problem.yaml").write_text(dimers().path.read_text())
    found = identify_study(problem, study)
    assert found.left_out == (
        "considered expansion is left out: it is not determined by the densities of the best model, "
        "or these have no derivatives",
    )
    assert (found.answer.additions, dict(found.complaints)) == ((), {})


def test_targets_without_derivatives_are_left_out_with_the_reason(dimers, make_study):
    problem = dimers(
        {"targets:": "targets:\n  warmth: {state: {T: 300 K}, value: 300 K, uncertainty: 1 K, source: invented}"}
    )
    found = identify_study(problem, make_study(problem))
    assert found.left_out == ("warmth is left out: no derivative is known for observables of kind temperature",)
    assert [goal.observable for goal in found.answer.targets] == ["length", "length"]
    only = dimers(
        {"length: {state": "warmth: {state", "value: 3 3.05 angstrom": "value: 300 600 K"}
        | {"uncertainty: 0.01 angstrom": "uncertainty: 1 K"},
        "only",
    )
    with pytest.raises(StudyError, match="no target has derivatives"):
        identify_study(only, Study(problem.path.parent / "study"))


def test_a_target_of_weight_zero_does_not_count(dimers, make_study):
    problem = dimers(
        {
            "targets:": "targets:\n  size: {state: {T: 300 K}, value: 1.5 angstrom, uncertainty: 0.1 angstrom, "
            "weight: 0, source: invented}"
        }
    )
    assert identify_study(problem, make_study(problem)).left_out == ("size is left out: its weight is 0",)


def test_new_targets_and_ranges_are_welcome_but_not_another_simulation(dimers, make_study):
    study = make_study(dimers())
    coarser = dimers({"uncertainty: 0.01 angstrom": "uncertainty: 0.1 angstrom"}, "coarse")
    assert identify_study(coarser, study).answer.eigenvalues.values[0] == pytest.approx(
        0.01 * identify_study(dimers(), study).answer.eigenvalues.values[0], rel=0.1
    )
    longer = dimers({"hold: 300 steps": "hold: 400 steps"}, "long")
    with pytest.raises(StudyError, match="its simulations are not those"):
        identify_study(longer, study)
    fewer = dimers({"bond.*.k: 4 to 12 kcal": "bond.*.k: {fixed: 8 kcal", "angstrom^2\n": "angstrom^2}\n"}, "fewer")
    with pytest.raises(StudyError, match="its free parameters are not those"):
        identify_study(fewer, study)


def test_studies_that_say_nothing_are_refused(dimers, tmp_path, make_study):
    problem = dimers()
    with pytest.raises(StudyError, match="holds no study"):
        identify_study(problem, Study(tmp_path / "nowhere"))
    study = make_study(problem, count=0)
    with pytest.raises(StudyError, match="no model was measured with success yet"):
        identify_study(problem, study)
    with pytest.raises(StudyError, match="fidelity 'base', not 'other'"):
        identify_study(replace(problem, fidelity="other"), study)
