"""The loop of a search: deterministic whatever the workers do, and able to go on."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from beadsmith.campaign.driver import search_models, seed_of
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.study import Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import load_problem
from beadsmith.search import make_search
from beadsmith.search.local_model import misfit_of


def laboratory_with(tiny, study, no_engine, stand_in, executor):
    study.folder.mkdir(parents=True, exist_ok=True)
    lease = study.folder / ".lease"
    lease.touch()
    return Laboratory(tiny, study.store, lease, executor, no_engine, runner=stand_in)


def run(laboratory, study, *, seed=3, evaluations=12, in_flight=3, method="tpe"):
    search = make_search(method, laboratory.problem.parameters.free, seed)
    return list(search_models(laboratory, search, study, seed, evaluations, in_flight))


def essence(evaluations):
    return [(one.number, dict(one.point), one.misfit, one.runs, one.failed) for one in evaluations]


@pytest.fixture
def in_order(tiny, tmp_path, no_engine, stand_in, deferred):
    """The same search when every task ends in the order of its submission."""
    study = Study(tmp_path / "in-order")
    return run(laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: 0)), study)


@pytest.mark.parametrize("order", [lambda count: count - 1, random.Random(5).randrange], ids=["last first", "shuffled"])
def test_the_order_in_which_simulations_end_changes_nothing(
    in_order, order, tiny, tmp_path, no_engine, stand_in, deferred
):
    study = Study(tmp_path / "other")
    other = run(laboratory_with(tiny, study, no_engine, stand_in, deferred(order)), study)
    assert essence(other) == essence(in_order)


@pytest.fixture
def pulled(tiny_file):
    """The tiny problem, its melt pulled along two axes in the end."""
    document = yaml.safe_load(tiny_file.read_text())
    tension = {"stage": "tension", "temperature": "300 K", "rate": "5e10 1/s", "strain": 0.05, "axes": "x z"}
    document["experiments"]["melt"]["protocol"].append(tension)
    tiny_file.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_problem(tiny_file)


def test_others_go_on_while_the_one_to_be_told_next_is_waited_for(pulled, tmp_path, no_engine, stand_in, deferred):
    """The first melt ends only when the second evaluation pulls its own; who learns what and when is the same."""
    first, begun, waited = threading.Lock(), threading.Event(), []

    def runner(task, engine):
        if task.simulation.pulled:
            begun.set()
            return replace(stand_in(task, engine), observations=())
        if task.simulation.experiment == "melt" and first.acquire(blocking=False):
            waited.append(begun.wait(5.0))
        return stand_in(task, engine)

    def plain(task, engine):
        result = stand_in(task, engine)
        return replace(result, observations=()) if task.simulation.pulled else result

    study = Study(tmp_path / "together")
    with ThreadPoolExecutor(4) as executor:
        together = run(laboratory_with(pulled, study, no_engine, runner, executor), study, evaluations=6)
    assert waited == [True]
    study = Study(tmp_path / "one after the other")
    alone = run(laboratory_with(pulled, study, no_engine, plain, deferred(lambda count: 0)), study, evaluations=6)
    assert essence(together) == essence(alone)
    assert all(len(one.runs) == 4 for one in alone if not one.failed)


def test_the_response_that_a_search_is_told_adds_up_to_the_declared_misfit(
    tiny_file, tmp_path, no_engine, stand_in, deferred
):
    """In the unit of relative deviations, 1 %; not in that of the uncertainties, whatever the search."""
    tiny_file.write_text(tiny_file.read_text() + "misfit: relative\n")
    problem, study, told = load_problem(tiny_file), Study(tmp_path / "relative"), []

    class Listening:
        wants_gradients = finished = False

        def __init__(self):
            self.ask = make_search("random", problem.parameters.free, 1).ask

        def tell(self, number, misfit, response=None):
            if misfit is not None:
                told.append((misfit, response))

    laboratory = laboratory_with(problem, study, no_engine, stand_in, deferred(lambda count: 0))
    assert len(list(search_models(laboratory, Listening(), study, 1, 6, 1))) == 6
    assert len(told) > 2
    for misfit, response in told:
        assert misfit_of(response, response.values, response.stderrs) == pytest.approx(misfit / 0.01**2, rel=1e-9)


def test_evaluations_come_in_order_and_are_on_disk_when_yielded(tiny, tmp_path, no_engine, stand_in, deferred):
    study = Study(tmp_path / "study")
    laboratory = laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: count - 1))
    search = make_search("random", tiny.parameters.free, 1)
    for expected, evaluation in enumerate(search_models(laboratory, search, study, 1, 8, 3)):
        assert evaluation.number == expected
        assert [row.number for row in study.rows("evaluations")] == list(range(expected + 1))


def test_a_search_in_pieces_is_the_same_search_and_repeats_nothing(
    in_order, tiny, tmp_path, no_engine, stand_in, deferred
):
    study = Study(tmp_path / "pieces")
    for budget in (1, 5, 5, 12):
        executor = deferred(lambda count: count - 1)
        laboratory = laboratory_with(tiny, study, no_engine, stand_in, executor)
        before = set(study.store.names())
        pieces = run(laboratory, study, evaluations=budget)
        assert executor.started == len(set(study.store.names()) - before)
    assert essence(pieces) == essence(in_order)
    assert essence(study.rows("evaluations")) == essence(in_order)


def test_an_abandoned_loop_loses_no_finished_simulation(tiny, tmp_path, no_engine, stand_in, deferred, in_order):
    study = Study(tmp_path / "abandoned")
    laboratory = laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: count - 1))
    search = make_search("tpe", tiny.parameters.free, 3)
    loop = search_models(laboratory, search, study, 3, 12, 3)
    next(loop), next(loop)
    loop.close()
    simulated = set(study.store.names())
    executor = deferred(lambda count: 0)
    again = run(laboratory_with(tiny, study, no_engine, stand_in, executor), study)
    assert essence(again) == essence(in_order)
    assert executor.started == len(set(study.store.names()) - simulated)


def test_half_a_line_in_the_table_is_dropped(in_order, tiny, tmp_path, no_engine, stand_in, deferred):
    study = Study(tmp_path / "torn")
    laboratory = laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: 0))
    run(laboratory, study, evaluations=4)
    table = study.folder / "evaluations.jsonl"
    table.write_bytes(table.read_bytes()[:-20])
    assert len(study.rows("evaluations")) == 3
    again = run(laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: 0)), study)
    assert essence(again) == essence(in_order)
    assert essence(study.rows("evaluations")) == essence(in_order)


def test_failures_are_told_and_recorded(in_order):
    failed = [one for one in in_order if one.failed]
    assert all(one.misfit is None and one.point["pair.A.sigma"] > 3.9 for one in failed)
    assert all(one.misfit is not None for one in in_order if not one.failed)


def test_another_search_cannot_go_on_with_this_study(tiny, tmp_path, no_engine, stand_in, deferred):
    study = Study(tmp_path / "study")
    laboratory = laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: 0))
    run(laboratory, study, evaluations=3)
    with pytest.raises(StudyError, match="stored proposal"):
        run(laboratory, study, seed=4, evaluations=3)


def test_time_ends_a_search_between_evaluations(tiny, tmp_path, no_engine, stand_in, deferred):
    study = Study(tmp_path / "late")
    laboratory = laboratory_with(tiny, study, no_engine, stand_in, deferred(lambda count: 0))
    search = make_search("random", tiny.parameters.free, 1)
    assert list(search_models(laboratory, search, study, 1, 8, 3, deadline=-1.0)) == []


def test_seeds_differ_by_place_and_repeat():
    places = [(0, number) for number in range(200)] + [(1, number) for number in range(200)]
    seeds = {seed_of(1, *place) for place in places} | {seed_of(2, *place) for place in places}
    assert len(seeds) == 800
    assert seed_of(1, 0, 5) == seed_of(1, 0, 5)


def test_targets_that_cannot_be_observed_are_a_failure(tiny, tmp_path, no_engine, stand_in, deferred):
    study = Study(tmp_path / "study")

    def silent(task, engine):
        result = stand_in(task, engine)
        return replace(result, observations=()) if result.experiment == "alone" else result

    laboratory = laboratory_with(tiny, study, no_engine, silent, deferred(lambda count: 0))
    evaluation = next(iter(run(laboratory, study, evaluations=1)))
    assert evaluation.failed
    assert "length" in evaluation.failures[-1].detail


def test_study_path_is_a_folder(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StudyError, match="cannot be a study folder"), Study(file / "below").driven():
        pass
