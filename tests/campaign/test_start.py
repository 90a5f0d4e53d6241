"""Starting from a model: every method evaluates it first, inside the box, and a study remembers where it started."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata

import pytest

from beadsmith.campaign.calibration import Plan, calibrate
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.start import digest_of_starts, load_start
from beadsmith.campaign.study import Manifest, Study
from beadsmith.errors import ProblemError, StudyError
from beadsmith.problem.schema import SEARCH_METHODS
from beadsmith.search import make_search

MODEL = "title: m\nparameters: {{pair.A.epsilon: {epsilon} kcal/mol, pair.A.sigma: {sigma} angstrom}}\n"
PLAN = Plan(method="random", evaluations=3, seed=1, workers=2, remeasure=1, candidates=1)


@pytest.fixture
def model(tmp_path):
    """Writes a model of the tiny problem, whose ranges are 0.1 to 0.5 and 3 to 4."""

    def write(name="m.yaml", epsilon=0.2, sigma=3.5):
        path = tmp_path / name
        path.write_text(MODEL.format(epsilon=epsilon, sigma=sigma))
        return path

    return write


@pytest.fixture
def run(tiny, tmp_path, no_engine, stand_in):
    def run(plan=PLAN, folder="study"):
        study = Study(tmp_path / folder)
        with study.driven(), study.lease() as lease, ThreadPoolExecutor(2) as executor:
            laboratory = Laboratory(tiny, study.store, lease, executor, no_engine, runner=stand_in)
            list(calibrate(laboratory, study, plan))
        return study

    return run


def test_a_model_inside_the_ranges_is_taken_as_it_is(tiny, model):
    start = load_start(model(), tiny)
    assert start.point == {"pair.A.epsilon": 0.2, "pair.A.sigma": 3.5}
    assert start.remark == ""


def test_what_lies_outside_goes_to_the_nearest_end_and_that_is_said(tiny, model):
    start = load_start(model(epsilon=0.7), tiny)
    assert start.point == {"pair.A.epsilon": 0.5, "pair.A.sigma": 3.5}
    assert start.remark.startswith("m.yaml: 1 parameter outside the range")
    assert start.remark.endswith("nearest end of it: pair.A.epsilon")
    both = load_start(model(epsilon=0.01, sigma=9), tiny)
    assert both.point == {"pair.A.epsilon": 0.1, "pair.A.sigma": 4.0}
    assert "2 parameters outside the range" in both.remark
    # The ends themselves are inside.
    assert load_start(model(epsilon=0.1, sigma=4), tiny).moved == ()


def test_a_missing_or_unknown_parameter_is_one_sentence(tiny, tmp_path):
    path = tmp_path / "half.yaml"
    path.write_text("title: m\nparameters: {pair.A.epsilon: 0.2 kcal/mol}\n")
    with pytest.raises(ProblemError, match=r"half.yaml: parameters.pair.A.sigma: received nothing, expected a value"):
        load_start(path, tiny)
    path.write_text("title: m\nparameters: {pair.B.epsilon: 0.2 kcal/mol}\n")
    with pytest.raises(ProblemError, match=r"half.yaml: parameters.pair.B.epsilon"):
        load_start(path, tiny)


@pytest.fixture
def two_starts(tiny, model):
    return load_start(model(epsilon=0.7), tiny), load_start(model("n.yaml", sigma=3.1), tiny)


@pytest.mark.parametrize("method", SEARCH_METHODS)
def test_every_method_proposes_the_starts_first_in_their_order(tiny, two_starts, method):
    search = make_search(method, tiny.parameters.free, 1, [start.point for start in two_starts])
    for number, start in enumerate(two_starts):
        assert search.ask(number) == pytest.approx(start.point, rel=1e-12)


def test_a_calibration_evaluates_them_first(run, two_starts):
    points = [evaluation.point for evaluation in run(replace(PLAN, start=two_starts)).rows("evaluations")]
    assert points[:2] == [start.point for start in two_starts]
    assert len(points) == 3


def test_a_study_goes_on_only_from_where_it_started(tiny, model, run):
    start = load_start(model(), tiny)
    study = run(replace(PLAN, start=(start,)))
    run(replace(PLAN, start=(start,), evaluations=4))
    assert len(study.rows("evaluations")) == 4
    with pytest.raises(StudyError, match=r"holds a study with start m.yaml, not none; name another folder"):
        run()
    other = load_start(model("other.yaml", sigma=3.2), tiny)
    with pytest.raises(StudyError, match=r"start m.yaml, not other.yaml"):
        run(replace(PLAN, start=(other,)))
    changed = load_start(model(sigma=3.3), tiny)
    with pytest.raises(StudyError, match=r"another version of its start m.yaml"):
        run(replace(PLAN, start=(changed,)))
    assert len(study.rows("evaluations")) == 4


def test_the_same_points_are_the_same_start_wherever_their_files_lie(tiny, model):
    one, other = load_start(model(), tiny), load_start(model("copy.yaml"), tiny)
    assert digest_of_starts([one]) == digest_of_starts([other])
    assert digest_of_starts([one, other]) != digest_of_starts([one])
    third = load_start(model(sigma=3.6), tiny)
    assert digest_of_starts([one, third]) != digest_of_starts([third, one])
    assert digest_of_starts([]) == ""


def test_the_manifest_keeps_versions_for_the_record_only(tiny, run, tmp_path):
    manifest = run().manifest()
    for library in ("numpy", "scipy", "pymbar", "optuna"):
        assert manifest.libraries[library] == metadata.version(library)
    assert "cmaes" not in manifest.libraries
    assert run(replace(PLAN, method="cma-es"), "other").manifest().libraries["cmaes"] == metadata.version("cmaes")
    assert (manifest.problem_file, manifest.original) == ("tiny.yaml", tiny.path.absolute())
    assert str(tmp_path) not in manifest.problem_file
    elsewhere = replace(manifest, libraries={"numpy": "1"}, problem_folder="/elsewhere", beadsmith="0", machine="other")
    assert manifest.difference_to(elsewhere) == ""
    assert manifest.difference_to(replace(manifest, seed=9)) == "seed 1, not 9"


def test_a_manifest_without_what_came_later_is_still_read(tiny, run):
    study = run()
    path = study.folder / "study.json"
    record = json.loads(path.read_text())
    for key in ("libraries", "start", "start_files", "problem_folder"):
        del record[key]
    path.write_text(json.dumps(record))
    manifest = study.manifest()
    assert isinstance(manifest, Manifest)
    assert manifest.difference_to(replace(manifest, start="")) == ""
    run(replace(PLAN, evaluations=4))
    assert len(study.rows("evaluations")) == 4
