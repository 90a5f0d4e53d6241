"""Stages one after the other on two systems in closed form: known functions are found, and nothing is done twice."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import block_diag

from beadsmith.calibrate.functional.posterior import randomised_uncertainty
from beadsmith.calibrate.functional.published import ENOUGH
from beadsmith.campaign.evaluate import submit
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.renormalization.dataset import add_table, known_rows, validation_tables
from beadsmith.campaign.renormalization.designing import run_design
from beadsmith.campaign.renormalization.functions import Fit, model_of, simplification_declared
from beadsmith.campaign.renormalization.learning import Learnt, calibrated_systems, measurements_of
from beadsmith.campaign.renormalization.loop import renormalize
from beadsmith.campaign.renormalization.refining import wished_runs
from beadsmith.campaign.renormalization.stages import (
    baselines,
    calibration,
    judged_surrogates,
    last_round,
    newest_model,
    next_round,
    sensitivities,
    simplification,
    systems_with_targets,
    uncertainty,
    uncertainty_of_simplified,
    validation,
    write_model,
)
from beadsmith.campaign.renormalization.surrogates import poor_surrogates
from beadsmith.campaign.renormalization.systems import systems_of
from beadsmith.campaign.renormalization.table import Row
from beadsmith.campaign.renormalization.validating import compare, runs_of_model, simulate_runs, simulated_rmspe
from beadsmith.campaign.renormalization.workbench import (
    Workbench,
    beyond_what_is_declared,
    digest_of_calibration,
    newest_calibrations,
    read_stage,
)
from beadsmith.campaign.study import Study
from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.state import State
from beadsmith.simulate.engine import Engine
from beadsmith.surrogate.emulator import fit_emulator


@pytest.fixture
def bench(laboratory, tmp_path) -> Workbench:
    """With a design of 64 points of each system."""
    study, systems = Study(tmp_path / "study"), systems_of(laboratory.problem)
    list(run_design(laboratory, study, systems, 1, 1))
    return Workbench(laboratory.problem, systems, study, seed=1)


def test_surrogates_are_judged_and_fitted_once(bench, monkeypatch):
    document = judged_surrogates(bench)
    entries = {name: entry for one in document["surrogates"].values() for name, entry in one.items()}
    assert set(entries) == {"one_density", "one_stiffness", "other_density"}
    assert all(entry["usable"] and entry["q2"] > 0.95 for entry in entries.values())
    monkeypatch.setattr("beadsmith.campaign.renormalization.surrogates.learn", None)
    assert judged_surrogates(bench) == document


def test_more_rows_are_learnt_anew(bench, tmp_path):
    before = judged_surrogates(bench)["surrogates"]["other"]["other_density"]["points"]
    table = tmp_path / "own.csv"
    table.write_text("system,DC,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.5,0.4,0.7,1.37\n")
    assert len(add_table(bench.problem, bench.systems, bench.study, table)) == 1
    assert judged_surrogates(bench)["surrogates"]["other"]["other_density"]["points"] == before + 1


def test_tables_of_equal_name_are_all_learnt_and_each_once(bench, tmp_path):
    before = len(known_rows(bench.problem, bench.systems, bench.study))
    tables = [tmp_path / name / "runs.csv" for name in ("a", "b")]
    for table, value in zip(tables, (1.37, 1.38), strict=True):
        table.parent.mkdir()
        table.write_text(f"system,DC,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.5,0.4,0.7,{value}\n")
        assert len(add_table(bench.problem, bench.systems, bench.study, table)) == 1
    kept = sorted((bench.study.folder / "added").iterdir())
    assert len(kept) == 2
    for table in (*tables, *kept):
        assert len(add_table(bench.problem, bench.systems, bench.study, table)) == 1
    assert sorted((bench.study.folder / "added").iterdir()) == kept
    assert len(known_rows(bench.problem, bench.systems, bench.study)) == before + 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("system,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.4,0.7,1.37\n", "DC: received no such column"),
        (
            "system,DC,T,pair.B.epsilon,pair.C.epsilon,other_density\nother,0.5,300,0.4,0.7,1\nother,0.5,310,0.4,0.7,1\n",
            "T",
        ),
    ],
)
def test_a_table_that_cannot_be_learnt_is_not_added(bench, tmp_path, text, sentence):
    at_temperatures = tuple(replace(one, state=one.state.with_(T=300)) for one in bench.problem.targets)
    problem, table = replace(bench.problem, targets=at_temperatures), tmp_path / "own.csv"
    table.write_text(text)
    with pytest.raises(ProblemError, match=sentence):
        add_table(problem, bench.systems, bench.study, table)
    assert not list(bench.study.folder.glob("added/*"))
    assert known_rows(problem, bench.systems, bench.study)


def test_functions_stay_inside_the_declared_ranges_whatever_the_tables_know(bench, tmp_path):
    """The surrogates then know more, and the targets can be met out there alone."""
    lines = ["system,DC,pair.B.epsilon,pair.C.epsilon,other_density"]
    rng = np.random.default_rng(1)
    for dc, b, c in zip(rng.uniform(0, 1, 30), rng.uniform(0.2, 1.2, 30), rng.uniform(1.2, 5.14, 30), strict=True):
        lines.append(f"other,{dc},{b},{c},{1.2 - 0.1 * b + 0.2 * c * (1 + dc)}")
    table = tmp_path / "far.csv"
    table.write_text("\n".join(lines) + "\n")
    add_table(bench.problem, bench.systems, bench.study, table)
    learnt, _ = bench.learnt()
    axes = {axis.name: axis.high for axis in learnt.emulators["other"]["other_density"].axes}
    assert axes["pair.C.epsilon"] > 4
    higher = tuple(
        replace(one, value=1.5 * one.value) if one.observable == "other_density" else one
        for one in bench.problem.targets
    )
    _, found = calibration(
        replace(bench, problem=replace(bench.problem, targets=higher)), Fit.declared(bench.problem, 1)
    )
    assert set(found.family.ranges.values()) == {(0.2, 1.2)}
    assert found.functions["pair.C.epsilon"](State.of(DC=0.5)) == pytest.approx(1.2, abs=0.01)
    (sentence,) = beyond_what_is_declared(bench)
    assert "30 of 30 rows of tables have pair.C.epsilon" in sentence


def test_poor_surrogates_of_targets_with_a_weight_are_said(bench):
    good = judged_surrogates(bench)
    assert poor_surrogates(bench.problem, good) == []
    entries = {
        name: {**entry, "usable": False, "warnings": ["a mean"]} for name, entry in good["surrogates"]["one"].items()
    }
    poor = {**good, "surrogates": {**good["surrogates"], "one": entries}}
    unweighted = tuple(
        replace(one, weight=0.0) if one.observable == "one_stiffness" else one for one in bench.problem.targets
    )
    (sentence,) = poor_surrogates(replace(bench.problem, targets=unweighted), poor)
    assert sentence == "the surrogate of one_density is not good enough to be used: a mean"


def test_envelopes_of_a_handful_of_samples_simplify_nothing(bench):
    fit = Fit.declared(bench.problem, seed=1, misfit="relative")
    _, found = calibration(bench, fit)
    document, known = uncertainty(bench, fit, found, sampler="randomised", samples=64)
    assert known.diagnostics["effective_samples"] < ENOUGH
    assert any("say little" in sentence for sentence in document["sentences"])
    stored, simplified = simplification(bench, found, known, "bic")
    assert stored["published"] is None
    assert simplified.free_parameters == found.free_parameters
    assert any("nothing was simplified" in sentence for sentence in simplified.warnings)

    known = replace(known, diagnostics={**known.diagnostics, "effective_samples": ENOUGH})
    stored, simplified = simplification(bench, found, known, "bic")
    assert stored["published"] == stored["calibration"]
    assert not simplified.warnings


@pytest.mark.parametrize("held", [{"T": 500.0}, {"dc": 0.5}])
def test_a_state_that_nothing_depends_on_has_no_sensitivity(bench, held):
    (name,) = held
    with pytest.raises(ProblemError, match=f"--state {name}: received {name}=.*, expected .* one of DC"):
        sensitivities(bench, held, force=False)


def test_sensitivity_is_what_the_formula_says(bench):
    shares = sensitivities(bench, {"DC": 0.5}, force=False)["sensitivity"]["other"]["other_density"]["parameters"]
    assert shares["names"] == ["pair.B.epsilon", "pair.C.epsilon"]
    # 1.2 - 0.1 b + 0.3 c with b and c equally wide: variances as 0.01 to 0.09.
    for share, exact in zip(shares["main"], (0.1, 0.9), strict=True):
        assert share["low"] - 0.02 <= exact <= share["high"] + 0.02
        assert share["value"] == pytest.approx(exact, abs=0.03)


def test_hidden_functions_are_found(bench):
    document, found = calibration(bench, Fit.declared(bench.problem, seed=1))
    assert found.free_parameters == 6
    assert document["mean_rmspe"] < 0.5
    b = found.functions["pair.B.epsilon"]
    assert [b(State.of(DC=dc)) for dc in (0.0, 1.0)] == pytest.approx([0.4, 0.8], abs=0.06)
    c = found.functions["pair.C.epsilon"]
    assert [c(State.of(DC=dc)) for dc in (0.0, 1.0)] == pytest.approx([0.7, 0.7], abs=0.06)


def test_a_calibration_is_remembered_until_targets_or_forms_change(bench, monkeypatch):
    first, _ = calibration(bench, Fit.declared(bench.problem, seed=1))
    constants, _ = calibration(bench, Fit.declared(bench.problem, seed=1, functions="constant"))
    assert constants["free_parameters"] == 3
    assert constants["digest"] != first["digest"]
    assert constants["misfit"] > first["misfit"]
    monkeypatch.setattr("beadsmith.campaign.renormalization.stages.fitted", None)
    assert calibration(bench, Fit.declared(bench.problem, seed=1, functions="constant"))[0] == constants
    moved = replace(bench.problem, targets=tuple(replace(one, value=1.1 * one.value) for one in bench.problem.targets))
    with pytest.raises(TypeError):  # it has to be fitted anew
        calibration(replace(bench, problem=moved), Fit.declared(bench.problem, seed=1, functions="constant"))


def test_another_step_is_taken_without_walking_the_path_again(bench, monkeypatch):
    fit = Fit.declared(bench.problem, seed=1, functions="linear")
    _, found = calibration(bench, fit)
    _, known = uncertainty(bench, fit, found, sampler="randomised", samples=64)
    document, by_score = simplification(bench, found, known, "bic")
    assert by_score.free_parameters == document["path"]["steps"][document["path"]["best"]]["free_parameters"]

    monkeypatch.setattr("beadsmith.campaign.renormalization.stages.simplify", None)
    for wanted in (6, 5, 4, 3):
        document, picked = simplification(bench, found, known, wanted)
        assert picked.free_parameters == wanted
        assert read_stage(bench.study, "simplification") == document
    with pytest.raises(ProblemError, match="simplify: received 2 numbers, expected 3"):
        simplification(bench, found, known, 2)
    _, again = simplification(bench, found, known, "bic")
    assert again == by_score


@pytest.mark.parametrize(
    ("section", "option", "wanted"),
    [({}, None, "bic"), ({"simplify": "knee"}, None, "knee"), ({"simplify": 4}, "aicc", "aicc"), ({}, "5", 5)],
)
def test_the_command_overrides_how_far_the_file_simplifies(document, write, section, option, wanted):
    document["calibration"] = section
    problem = load_problem(write(document))
    assert simplification_declared(problem, Fit.declared(problem, seed=1), option) == wanted


def test_ways_to_simplify_that_do_not_exist_are_refused(document, write):
    problem = load_problem(write(document))
    fit = Fit.declared(problem, seed=1)
    for wrong in ("bik", "0", "-3"):
        with pytest.raises(ProblemError, match=f"--simplify: received {wrong}, expected one of bic, aicc"):
            simplification_declared(problem, fit, wrong)
    with pytest.raises(ProblemError, match="knee with the misfit relative"):
        simplification_declared(problem, replace(fit, misfit="relative"), "knee")
    document["calibration"] = {"simplify": "bik"}
    with pytest.raises(ProblemError, match=r"calibration\.simplify: received bik"):
        load_problem(write(document))


def test_baselines_are_those_of_the_same_call(bench):
    """Functions by parameter, of which an observable fitted alone has only some."""
    fit = Fit.declared(bench.problem, seed=1, functions="linear")
    found = baselines(bench, fit)
    numbers = {name: one.free_parameters for name, one in found.one_response_at_a_time.items()}
    assert found.constant.free_parameters == 3
    assert numbers["other_density"] == 4
    assert found.free.mean_rmspe <= found.constant.mean_rmspe
    assert baselines(bench, fit) == found


def test_the_model_that_is_written_is_the_one_that_was_found(bench):
    _, found = calibration(bench, Fit.declared(bench.problem, seed=1))
    written = write_model(bench, "calibrated", "ours", found, None)
    again = load_model(newest_model(bench), bench.problem)
    at = State.of(DC=0.3)
    assert again.at(at) == pytest.approx(written.at(at), rel=1e-5)
    assert again.holds_for == {"DC": (0.0, 1.0)}
    assert again.at(at)["pair.A.sigma"] == 4.0


def test_the_newest_model_is_the_one_that_was_written_last(two_systems, tmp_path):
    bench = Workbench(two_systems, systems_of(two_systems), Study(tmp_path), seed=1)
    calibrated, simplified = tmp_path / "calibrated.yaml", tmp_path / "simplified.yaml"
    for path in (calibrated, simplified):
        path.touch()
    for times, newest in (((2, 1), calibrated), ((1, 2), simplified), ((2, 2), simplified)):
        for path, seconds in zip((calibrated, simplified), times, strict=True):
            os.utime(path, (seconds, seconds))
        assert newest_model(bench) == newest


def test_parameters_without_targets_stay_in_the_middle(two_systems):
    model = model_of(two_systems, "half", {"pair.A.epsilon": Constant(0.3)}, {}, {}, {})
    assert model.at(State.of())["pair.B.epsilon"] == pytest.approx(0.7)
    assert "pair.B.epsilon, pair.C.epsilon" in model.notes


def test_real_runs_agree_with_predictions_and_count_as_known(bench, laboratory):
    model = model_of(
        bench.problem,
        "hidden",
        {
            "pair.A.epsilon": Constant(0.5),
            "pair.B.epsilon": Linear("DC", 0.4, 0.4),
            "pair.C.epsilon": Constant(0.7),
        },
        {},
        {},
        {},
    )
    learnt, _ = bench.learnt()
    states = {name: [State.of(DC=dc) for dc in (0.1, 0.6, 0.9)] for name in ("one", "other")}
    before = len(known_rows(bench.problem, bench.systems, bench.study))
    planned = runs_of_model(bench.systems, model, states)
    runs = list(simulate_runs(laboratory, bench.study, "validation-1", planned, seed=1))
    again = list(simulate_runs(laboratory, bench.study, "validation-1", planned, seed=1))
    assert sorted(map(str, again)) == sorted(map(str, runs))
    assert len(known_rows(bench.problem, bench.systems, bench.study)) == before + 6
    assert len(known_rows(bench.problem, bench.systems, bench.study, rounds=0)) == before
    comparisons = compare(learnt, bench.systems, runs, bench.problem.targets)
    assert len(comparisons) == 9
    deviations = np.array([one.deviation for one in comparisons])
    assert np.abs(deviations).max() < 4
    assert simulated_rmspe(comparisons) == {}  # no targets at these states
    assert validation_tables(bench.study) == ["validation-1"]
    assert next_round(bench.study) == 1  # no verdict yet: it was interrupted


def test_a_run_that_is_far_off_disagrees(bench, laboratory):
    learnt, _ = bench.learnt()
    model = model_of(bench.problem, "any", {}, {}, {}, {})
    states = {"other": [State.of(DC=0.5)]}
    planned = runs_of_model(bench.systems, model, states)
    (run,) = simulate_runs(laboratory, bench.study, "validation-1", planned, seed=1)
    moved = replace(run, observations=[replace(one, value=one.value + 0.1) for one in run.observations])
    assert [one.agrees for one in compare(learnt, bench.systems, [run], bench.problem.targets)] == [True]
    (apart,) = compare(learnt, bench.systems, [moved], bench.problem.targets)
    assert not apart.agrees
    assert apart.target == 1.35
    assert simulated_rmspe([apart])["other"]["other_density"] == pytest.approx(100 * abs(apart.simulated / 1.35 - 1))


def test_the_noise_of_a_prediction_is_that_at_its_own_size(bench, laboratory):
    """Runs of which a logarithm is learnt scatter in proportion to what they measure, and the prediction says so."""
    (system, _), rng = bench.systems, np.random.default_rng(1)
    rows = []
    for a, b, dc in rng.uniform([0.2, 0.2, 0.0], [1.2, 1.2, 1.0], (150, 3)):
        value = float(np.exp(3 * dc + 0.4 * a - 0.2 * b) * np.exp(0.1 * rng.normal()))
        inputs = {"pair.A.epsilon": a, "pair.B.epsilon": b, "DC": dc}
        rows.append(Row("one", inputs, {"one_stiffness": (value, 0.1 * value)}))
    emulator = fit_emulator(measurements_of(system, rows, "one_stiffness"), seed=1)
    assert emulator.transform.name == "log"
    learnt = Learnt({"one": {"one_stiffness": emulator}}, {}, {})
    planned = runs_of_model(
        bench.systems, model_of(bench.problem, "any", {}, {}, {}, {}), {"one": [State.of(DC=0.0), State.of(DC=1.0)]}
    )
    runs = list(simulate_runs(laboratory, bench.study, "validation-1", planned, seed=1))
    for one in compare(learnt, bench.systems, runs, ()):
        assert one.noise == pytest.approx(0.1 * one.predicted, rel=0.2)


def test_an_empty_study_has_nothing_to_learn_from(two_systems, tmp_path):
    empty = Workbench(two_systems, systems_of(two_systems), Study(tmp_path / "empty"), seed=1)
    with pytest.raises(StudyError, match="nothing to learn from, it holds no runs; run 'beadsmith design'"):
        judged_surrogates(empty)
    with pytest.raises(StudyError, match="holds no calibrated model"):
        newest_model(empty)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"functions": "linaer"}, "--functions: received linaer, expected one of constant, linear"),
        ({"misfit": "best"}, "--misfit: received best"),
    ],
)
def test_forms_and_misfits_that_do_not_exist_are_refused(two_systems, arguments, sentence):
    with pytest.raises(ProblemError) as caught:
        Fit.declared(two_systems, 1, **arguments)
    assert sentence in str(caught.value)


def test_a_form_for_no_parameter_is_refused(bench):
    fit = Fit({"*": "linear", "pair.Z.*": "constant"}, "combined_variance", 4, 1)
    with pytest.raises(ProblemError, match=r"calibration\.functions\.pair\.Z\.\*"):
        calibration(bench, fit)


def test_a_poor_surrogate_has_no_sensitivity(bench, tmp_path):
    study = Study(tmp_path / "noise")
    study.folder.mkdir()
    rng = np.random.default_rng(1)
    lines = ["system,DC,pair.B.epsilon,pair.C.epsilon,other_density"]
    lines += [f"other,{dc},{b},{c},{rng.normal()}" for dc, b, c in rng.uniform(0.2, 1.0, (40, 3))]
    (tmp_path / "noise.csv").write_text("\n".join(lines) + "\n")
    problem = replace(bench.problem, targets=())
    add_table(problem, bench.systems, study, tmp_path / "noise.csv")
    noisy = Workbench(problem, bench.systems, study, seed=1)
    with pytest.raises(EstimateError, match="not good enough"):
        sensitivities(noisy, {}, force=False)
    assert sensitivities(noisy, {}, force=True)["sensitivity"]["other"]


def test_another_model_is_simulated_anew(bench, laboratory):
    states = {"other": [State.of(DC=0.5)]}
    for value in (0.3, 0.6):
        model = model_of(bench.problem, "any", {"pair.B.epsilon": Constant(value)}, {}, {}, {})
        (run,) = simulate_runs(
            laboratory, bench.study, "validation-1", runs_of_model(bench.systems, model, states), seed=1
        )
        assert run.point["pair.B.epsilon"] == value


def test_further_runs_are_wished_where_surrogates_know_least(bench):
    fit = Fit.declared(bench.problem, seed=1)
    learnt, _ = bench.learnt()
    systems = calibrated_systems(bench.problem, learnt)
    _, found = calibration(bench, fit)
    _, known = uncertainty(bench, fit, found, sampler="randomised", samples=64)
    wished = wished_runs(bench, learnt, systems, known, 3)
    assert [run.system.name for run in wished] == ["one"] * 3 + ["other"] * 3
    emulator = learnt.emulators["other"]["other_density"]

    def ignorance(states, model):
        inputs = [[{**model.at(state), **state.as_dict()}[axis.name] for axis in emulator.axes] for state in states]
        return emulator.predict(np.array(inputs))[1]

    for run in wished[3:]:
        states = [State.of(DC=dc) for dc in (0.0, 0.5, 1.0)]
        assert run.state == states[int(np.argmax(ignorance(states, run.model)))]


def test_a_damaged_document_is_named_with_a_remedy(two_systems, tmp_path):
    study = Study(tmp_path)
    (tmp_path / "calibration.json").write_text('{"digest": "12', encoding="utf-8")
    bench = Workbench(two_systems, systems_of(two_systems), study, seed=1)
    with pytest.raises(StudyError, match=r"calibration\.json: received text that is no JSON .* run the stage again"):
        bench.remembered("calibration", {}, dict, "")


def test_a_loop_with_refinements_done_again_simulates_nothing_and_ends_with_the_same(document, write, monkeypatch):
    """Also where it was stopped amid a refinement: what is wished for does not depend on how much of it is known."""
    # Out of reach of constants, so that there is a second round.
    document["targets"]["other_density"]["value"] = "1.30 1.50 1.10 g/cm^3"
    document["calibration"] = {"functions": "constant", "refine": 3, "starts": 2, "posterior": "randomised"}
    problem = load_problem(write(document))
    study, simulated = Study(problem.path.parent / "closed"), []

    def submitted(*arguments):
        simulated.append(arguments)
        return submit(*arguments)

    @contextmanager
    def opened(problem, study, judge):
        with ThreadPoolExecutor(1) as executor, study.driven(), study.lease() as lease:
            yield Laboratory(problem, study.store, lease, executor, engine, judge=judge)

    engine = Engine("/nowhere/lmp", "none", "", None, frozenset())
    monkeypatch.setattr("beadsmith.campaign.renormalization.validating.submit", submitted)
    monkeypatch.setattr("beadsmith.campaign.renormalization.stages.open_laboratory", opened)
    with opened(problem, study, judge=False) as own:
        list(run_design(own, study, systems_of(problem, 24), 1, 1))
    bench = Workbench(problem, systems_of(problem, 24), study, seed=1)
    fit = Fit.declared(problem, seed=1)
    first = renormalize(bench, fit, 2)
    assert len(first.validations) == 2
    refined = study.folder / "refinement-1.jsonl"
    rows = refined.read_text()
    assert rows.count("\n") == 6
    model = (study.folder / "simplified.yaml").read_text()

    simulated.clear()
    again = renormalize(bench, fit, 2)
    assert not simulated
    assert refined.read_text() == rows
    assert again.calibrated.to_json() == first.calibrated.to_json()
    assert (study.folder / "simplified.yaml").read_text() == model

    refined.write_text("".join(line + "\n" for line in rows.splitlines()[:2]))
    renormalize(bench, fit, 2)
    assert len(simulated) == 4
    assert sorted(refined.read_text().splitlines()) == sorted(rows.splitlines())
    assert (study.folder / "simplified.yaml").read_text() == model


def test_runs_that_refine_count_by_the_round_that_they_follow(bench, laboratory):
    """Also where no round before had any."""
    design = len(known_rows(bench.problem, bench.systems, bench.study))
    model = model_of(bench.problem, "any", {}, {}, {}, {})
    planned = runs_of_model(bench.systems, model, {"other": [State.of(DC=0.5)]})
    list(simulate_runs(laboratory, bench.study, "refinement-2", planned, seed=1))

    def known(rounds, refinements=None):
        return len(known_rows(bench.problem, bench.systems, bench.study, rounds, refinements)) - design

    assert [known(None), known(1), known(2), known(2, 1), known(None, 2)] == [1, 0, 1, 0, 1]


#: What the targets are at DC 0, 0.5 and 1, and how they answer to epsilon of A, B and C: the formulas, differentiated.
SLOPES = {
    "one_density": (0.002, lambda dc: (0.1, 0.3 - 0.1 * dc, 0.0)),
    "one_stiffness": (0.01, lambda dc: (0.4 * STIFFNESS[dc], -0.2 * STIFFNESS[dc], 0.0)),
    "other_density": (0.002, lambda dc: (0.0, -0.1, 0.2 * (1.0 + dc))),
}
STIFFNESS = {0.0: 1.1275, 0.5: 1.3910, 1.0: 1.7160}


def least_squares_errors(lines: list[bool]) -> list[float]:
    """Mean standard deviation over DC of three functions that are constants or lines, by the normal equations.

    Args:
        lines: which of A, B and C is a line.
    """

    def shares(dc: float) -> np.ndarray:
        """Of every coordinate in every function, shape (3, coordinates)."""
        own = [[1.0 - dc, dc] if line else [1.0] for line in lines]
        return block_diag(*own)

    rows = [np.array(of(dc)) @ shares(dc) / error for error, of in SLOPES.values() for dc in STIFFNESS]
    covariance = np.linalg.inv(np.transpose(rows) @ rows)
    points = [shares(dc) for dc in np.linspace(0.0, 1.0, 21)]
    return np.mean([np.sqrt(np.diag(one @ covariance @ one.T)) for one in points], axis=0).tolist()


def test_every_model_file_has_the_error_bars_of_its_own_functions(bench, monkeypatch):
    """Those of the simplified one follow from the formulas, and are far below those of all ten numbers."""
    monkeypatch.setattr("beadsmith.campaign.renormalization.loop.sensitivities", lambda *_, **__: {})
    found = renormalize(bench, Fit.declared(bench.problem, seed=1, functions="rbf"), 0)
    problem, folder = bench.problem, bench.study.folder
    written = [load_model(folder / f"{name}.yaml", problem).uncertainty for name in ("calibrated", "simplified")]
    _, systems = systems_with_targets(replace(bench, rounds=0))
    for model, errors in zip((found.calibrated, found.simplified), written, strict=True):
        own = randomised_uncertainty(model, systems, seed=1)
        assert errors == pytest.approx({name: one.width for name, one in own.envelopes.items()}, rel=1e-5)
    names = [f"pair.{bead}.epsilon" for bead in "ABC"]
    forms = [found.simplified.forms[name].name for name in names]
    assert set(forms) <= {"constant", "linear"}
    exact = least_squares_errors([form == "linear" for form in forms])
    # The surrogates are not known exactly, so all is a little wider.
    ratios = np.array([written[1][name] for name in names]) / exact
    assert ratios.min() > 0.85
    assert ratios.max() < 1.4
    assert all(written[0][name] > 3.0 * written[1][name] for name in names)


def test_error_bars_are_sampled_once(bench, monkeypatch):
    _, found = calibration(bench, Fit.declared(bench.problem, seed=1, functions="constant"))
    first = uncertainty_of_simplified(bench, found, sampler="randomised", samples=64)
    monkeypatch.setattr("beadsmith.campaign.renormalization.stages.randomised_uncertainty", None)
    assert uncertainty_of_simplified(bench, found, sampler="randomised", samples=64).envelopes == first.envelopes
    other = replace(found, coordinates=tuple(0.9 * one for one in found.coordinates))
    with pytest.raises(TypeError):  # of other functions they have to be found anew
        uncertainty_of_simplified(bench, other, sampler="randomised", samples=64)


def test_properties_that_share_no_state_have_a_posterior_and_no_published_likelihood(bench):
    apart = {"one_density": {0.0, 0.5}, "one_stiffness": {1.0}}
    kept = tuple(one for one in bench.problem.targets if one.state["DC"] in apart.get(one.observable, {0.0, 0.5, 1.0}))
    own = replace(bench, problem=replace(bench.problem, targets=kept))
    fit = Fit.declared(own.problem, seed=1, functions="constant")
    _, found = calibration(own, fit)
    document, known = uncertainty(own, fit, found, sampler="randomised", samples=64)
    assert known.method == "randomised"
    assert document["published"] is None
    assert "share no state" in document["sentences"][0]
    relative = Fit.declared(own.problem, seed=1, functions="constant", misfit="relative")
    _, found = calibration(own, relative)
    with pytest.raises(ProblemError, match="share no state"):
        uncertainty(own, relative, found, sampler="randomised", samples=64)


def test_a_validation_knows_which_model_it_simulated(bench, laboratory, monkeypatch):
    @contextmanager
    def opened(problem, study, judge):
        yield laboratory

    monkeypatch.setattr("beadsmith.campaign.renormalization.stages.open_laboratory", opened)
    _, found = calibration(bench, Fit.declared(bench.problem, seed=1))
    model = write_model(bench, "calibrated", "ours", found, None)
    assert validation(bench, model, 1)["about"] == digest_of_calibration(found)
    assert validation(bench, replace(model, provenance={}), 2)["about"] is None
    assert last_round(bench.study) == 2


def test_the_newest_calibration_is_the_one_that_was_asked_for_last(bench):
    fits = [Fit.declared(bench.problem, seed=1, functions=form) for form in ("constant", "linear")]
    digests = [digest_of_calibration(calibration(bench, fit)[1]) for fit in fits]
    assert digests[0] != digests[1]
    assert newest_calibrations(bench.study) == {0: digests[1]}
    calibration(bench, fits[0])
    assert newest_calibrations(bench.study) == {0: digests[0]}
    calibration(replace(bench, rounds=1), fits[1])  # what follows a first round
    assert newest_calibrations(bench.study) == {0: digests[0], 1: digests[1]}
    calibration(bench, fits[1])
    assert newest_calibrations(bench.study) == {0: digests[1]}
