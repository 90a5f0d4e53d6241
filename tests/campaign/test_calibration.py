"""A whole calibration on the stand-in: the best are measured again, and the result is the best re-measured."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.calibration import Plan, calibrate, open_at_once, outcome_of
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.replicas import pooled
from beadsmith.campaign.study import Study, digest_of
from beadsmith.errors import StudyError
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.records import Observation
from beadsmith.problem.state import State

EPOXY = Path("examples/epoxy")
PLAN = Plan(method="tpe", evaluations=10, seed=1, workers=2, remeasure=3, candidates=2)


@pytest.fixture
def calibrated(tiny, tmp_path, no_engine, stand_in):
    """Run (or go on with) a calibration of the tiny problem."""

    def run(plan=PLAN, problem=tiny, folder="study"):
        study = Study(tmp_path / folder)
        with study.driven(), study.lease() as lease, ThreadPoolExecutor(2) as executor:
            laboratory = Laboratory(problem, study.store, lease, executor, no_engine, runner=stand_in)
            steps = list(calibrate(laboratory, study, plan))
        return study, steps

    return run


def test_the_best_candidates_are_measured_with_fresh_seeds(calibrated, tiny):
    study, steps = calibrated()
    outcome = outcome_of(study, tiny)
    assert [step.phase for step in steps] == ["search"] * 10 + ["measure"] * 6
    ranked = sorted((one for one in outcome.evaluations if one.misfit is not None), key=lambda one: one.misfit)
    assert {one.number for one in outcome.measured} == {one.number for one in ranked[:2]}
    assert outcome.best.number == ranked[0].number  # the stand-in has no noise
    assert outcome.best.misfit == pytest.approx(ranked[0].misfit)
    used = {one.seed for one in outcome.evaluations}
    fresh = [replica.seed for one in outcome.measured for replica in one.replicas]
    assert not used & set(fresh)
    assert len(set(fresh)) == 3  # candidates are compared on the same seeds


def test_the_result_is_a_model_file_with_its_history(calibrated, tiny):
    study, _ = calibrated()
    model = load_model(study.best_model, tiny)
    best = outcome_of(study, tiny).best
    assert model.at(State())["pair.A.sigma"] == pytest.approx(best.point["pair.A.sigma"], rel=1e-7)
    assert model.provenance["evaluation"] == best.number
    assert model.holds_for["T"] == (300.0, 300.0)


def test_going_on_gives_the_same_and_a_larger_budget_adds_to_it(calibrated, tiny):
    study, _ = calibrated(replace(PLAN, evaluations=4))
    first = outcome_of(study, tiny)
    study, steps = calibrated()
    assert [step.known for step in steps[:4]] == [True] * 4
    assert outcome_of(study, tiny).evaluations[:4] == first.evaluations
    undisturbed, _ = calibrated(folder="other")
    assert outcome_of(study, tiny) == outcome_of(undisturbed, tiny)


def test_a_study_for_another_problem_or_search_is_refused(calibrated, tiny):
    calibrated()
    with pytest.raises(StudyError, match=r"method 'tpe', not 'random'"):
        calibrated(replace(PLAN, method="random"))
    with pytest.raises(StudyError, match="seed 1, not 2"):
        calibrated(replace(PLAN, seed=2))
    other = tiny.file.model_copy(update={"targets": {}})
    with pytest.raises(StudyError, match="another version of the problem file"):
        calibrated(problem=replace(tiny, file=other))


def test_a_larger_machine_goes_on_with_the_same_search(calibrated, tiny):
    one, _ = calibrated(replace(PLAN, evaluations=4))
    one, _ = calibrated(replace(PLAN, workers=16))
    other, _ = calibrated(folder="other")
    assert outcome_of(one, tiny) == outcome_of(other, tiny)


def test_what_a_network_is_cured_with_is_part_of_the_digest(tmp_path):
    shutil.copytree(EPOXY, tmp_path / "epoxy")
    before = digest_of(load_problem(tmp_path / "epoxy" / "pacm.yaml", "ci"))
    assert before == digest_of(load_problem(EPOXY / "pacm.yaml", "ci"))
    model = tmp_path / "epoxy" / "models" / "giuntoli2021.yaml"
    model.write_text(model.read_text().replace("pair.B4.epsilon: 1.74", "pair.B4.epsilon: 1.75"))
    assert digest_of(load_problem(tmp_path / "epoxy" / "pacm.yaml", "ci")) != before


def test_budget_and_place_do_not_change_the_digest_but_physics_does(tiny):
    assert digest_of(tiny) == digest_of(replace(tiny, fidelity="other"))
    search = tiny.file.search.model_copy(update={"evaluations": 99})
    assert digest_of(tiny) == digest_of(replace(tiny, file=tiny.file.model_copy(update={"search": search})))
    longer = {
        name: one.model_copy(update={"time_limit": 9e9, "processors": 4}) for name, one in tiny.experiments.items()
    }
    assert digest_of(tiny) == digest_of(replace(tiny, file=tiny.file.model_copy(update={"experiments": longer})))
    slower = {name: one.model_copy(update={"timestep": 2.0}) for name, one in tiny.experiments.items()}
    assert digest_of(tiny) != digest_of(replace(tiny, file=tiny.file.model_copy(update={"experiments": slower})))
    pair = tiny.file.forcefield.pair.model_copy(update={"cutoff": 7.0})
    field = tiny.file.forcefield.model_copy(update={"pair": pair})
    assert digest_of(tiny) != digest_of(replace(tiny, file=tiny.file.model_copy(update={"forcefield": field})))


def observation(value: float, stderr: float, equilibrated: bool = True) -> Observation:
    return Observation("density", State.of(T=300), value, stderr, samples=10, equilibrated=equilibrated)


def test_pooled_replicas_take_the_larger_error():
    quiet = pooled([[observation(1.0, 0.01)], [observation(3.0, 0.01)]])[0]
    assert (quiet.value, quiet.samples) == (2.0, 20)
    assert quiet.stderr == pytest.approx(1.0)  # sd of (1, 3) over sqrt 2: the scatter rules
    noisy = pooled([[observation(1.0, 0.4)], [observation(1.0, 0.3)]])[0]
    assert noisy.stderr == pytest.approx(0.25)  # sqrt(0.16 + 0.09) / 2: the replicas' own errors rule


def test_the_scatter_of_other_states_steadies_the_error_of_few_replicas():
    """With two replicas of eight states, errors from each state alone are off by large factors; shared ones are not."""
    random = np.random.default_rng(7)
    states = [State.of(T=temperature) for temperature in range(100, 900, 100)]
    outside_alone = outside_shared = 0
    for _ in range(300):
        replicas = [[Observation("density", at, random.normal(), 1e-6) for at in states] for _ in range(2)]
        shared = pooled(replicas)
        alone = [pooled([[one[i]] for one in replicas])[0] for i in range(len(states))]
        outside_shared += sum(abs(one.value) > 3 * one.stderr for one in shared)
        outside_alone += sum(abs(one.value) > 3 * one.stderr for one in alone)
    assert outside_shared < 0.02 * 300 * 8
    assert outside_alone > 0.10 * 300 * 8


def test_one_unequilibrated_replica_taints_the_mean():
    assert not pooled([[observation(1.0, 0.1)], [observation(1.0, 0.1, equilibrated=False)]])[0].equilibrated


def test_pooled_error_covers_the_truth_for_normal_replicas():
    random = np.random.default_rng(4)
    inside = 0
    for _ in range(400):
        values = random.normal(5.0, 0.2, size=6)
        one = pooled([[observation(value, 0.2)] for value in values])[0]
        inside += abs(one.value - 5.0) < 2 * one.stderr
    assert inside > 0.94 * 400


def test_nothing_to_pool():
    assert pooled([]) == ()


@pytest.mark.parametrize(
    ("workers", "experiments", "others", "steps"),
    [(1, 1, 2, 1), (2, 2, 2, 1), (1, 2, 2, 1), (3, 2, 3, 2), (16, 2, 9, 8)],
)
def test_gradient_steps_know_all_that_the_workers_allow(workers, experiments, others, steps):
    assert open_at_once("tpe", workers, experiments) == others
    assert open_at_once("gauss-newton", workers, experiments) == steps
    assert open_at_once("combined", workers, experiments) == steps
