"""The page of a renormalization: its numbers are those stored, and what is missing has no section."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from beadsmith.campaign.renormalization.history import Command, keep_command
from beadsmith.campaign.renormalization.stages import validation_document
from beadsmith.campaign.renormalization.workbench import digest_of_calibration, note_newest
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Manifest, Study
from beadsmith.errors import StudyError
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind
from beadsmith.report import write_renormalization_report
from beadsmith.report.references import bibliography
from beadsmith.report.renormalization import context_of
from beadsmith.report.stages import read_stages

LIMIT = 2_000_000

ALWAYS = ["reproduce", "citations"]

SECTIONS = {
    "errors": ("calibration", "simplification", "validation-1"),
    "properties": ("calibration", "simplification", "validation-1"),
    "functions": ("calibration", "simplification"),
    "simplification": ("simplification",),
    "surrogates": ("fit",),
    "sensitivity": ("sensitivity",),
}


def source(problem: Problem, study: Study, path: Path) -> str:
    return write_renormalization_report(problem, study, path).read_text(encoding="utf-8")


def sections(text: str) -> list[str]:
    return re.findall(r'<section id="(\w+)">', text)


@pytest.fixture(scope="module")
def text(twin: Problem, renormalized: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return source(twin, renormalized, tmp_path_factory.mktemp("page") / "page.html")


def test_it_lies_in_the_study_unless_told_otherwise(twin: Problem, part: Callable[..., Study]):
    study = part("calibration")
    assert write_renormalization_report(twin, study) == study.folder / "renormalization.html"
    assert (study.folder / "renormalization.html").is_file()


def test_errors_shown_are_the_errors_stored(text: str, documents, parse):
    rows = {row[0].strip(): row[1:] for row in parse(text).cells if len(row) == 5}
    columns = [
        documents["calibration"]["rmspe"],
        documents["simplification"]["published"]["rmspe"],
        documents["simplification"]["calibration"]["rmspe"],
        documents["validation-1"]["rmspe"],
    ]
    names = [(system, name) for system, own in columns[0].items() for name in own]
    assert len(names) == 4
    for system, name in names:
        shown = [float(cell.removesuffix(" %")) for cell in rows[name]]
        assert shown == pytest.approx([column[system][name] for column in columns], abs=0.0051)
    means = [sum(column[system][name] for system, name in names) / 4 for column in columns]
    assert [float(cell.removesuffix(" %")) for cell in rows["Mean"]] == pytest.approx(means, abs=0.0051)
    numbers = [documents["calibration"], *(documents["simplification"][key] for key in ("published", "calibration"))]
    heads = [f"{one['free_parameters']} numbers" for one in numbers]
    assert [re.search(r"\d+ numbers", cell)[0] for cell in rows["Observable"][:3]] == heads


def test_judgements_of_surrogates_are_those_stored(text: str, documents, parse):
    rows = {row[1]: row for row in parse(text).cells if len(row) == 9}
    for system, entries in documents["fit"]["surrogates"].items():
        for name, one in entries.items():
            row = rows[name]
            assert row[0] == system
            assert int(row[2]) == one["points"] == len(one["values"])
            assert float(row[3]) == pytest.approx(one["q2"], abs=0.0006)
            assert float(row[6].removesuffix(" %")) == pytest.approx(100 * one["coverage_95"], abs=0.51)
            assert row[8] == "good"


def test_the_head_says_the_numbers_of_the_documents(text: str, documents, parse):
    page = parse(text)
    before, after = documents["calibration"], documents["simplification"]["calibration"]
    assert f"{before['mean_rmspe']:.2f} → {after['mean_rmspe']:.2f} %" in page.text
    assert f"with {before['free_parameters']} → {after['free_parameters']} numbers" in page.text
    lowest = min(one["q2"] for own in documents["fit"]["surrogates"].values() for one in own.values())
    assert f"{lowest:.3f}" in page.text.partition("How far from the targets")[0]
    assert "4 parameters as functions of DC from 0 to 0.95: with 13 numbers" in page.text
    assert "0 of 20 simulated values lie outside" in page.text
    assert "simulation and prediction agree" in page.text
    assert "simulations and targets agree" in page.text


def test_all_sections_are_there_in_one_file_that_can_be_mailed(text: str, parse):
    page = parse(text)
    assert sections(text) == [*SECTIONS, "reproduce", "citations"]
    assert len(text) < LIMIT
    assert len(list(page.attributes("src"))) == 7
    assert all(address.startswith("data:") for address in page.attributes("src"))
    assert all(len(words) > 20 for words in page.attributes("alt"))


@pytest.mark.parametrize(
    "missing", ["fit", "sensitivity", "calibration", "uncertainty", "simplification", "validation-1"]
)
def test_what_is_missing_has_no_section_and_breaks_nothing(
    twin: Problem, part: Callable[..., Study], documents, missing: str, tmp_path: Path, parse
):
    shown = source(twin, part(*(name for name in documents if name != missing)), tmp_path / "page.html")
    parse(shown)
    expected = [name for name, needed in SECTIONS.items() if any(one != missing for one in needed)]
    assert sections(shown) == [*expected, "reproduce", "citations"]


@pytest.mark.parametrize("only", ["fit", "sensitivity", "calibration", "uncertainty", "simplification", "validation-1"])
def test_every_document_can_stand_alone(
    twin: Problem, part: Callable[..., Study], documents, only: str, tmp_path: Path, parse
):
    shown = source(twin, part(only), tmp_path / "page.html")
    parse(shown)
    expected = [name for name, needed in SECTIONS.items() if only in needed]
    assert sections(shown) == [*expected, "reproduce", "citations"]


def test_a_browser_shows_it_without_complaint(browse: Callable[[str], Any], text: str, tmp_path: Path):
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    shown = browse((tmp_path / "page.html").as_uri())
    assert "CONSOLE" not in shown.stderr
    for words in ("An analytic twin of two epoxies", "Functions of the state", "pacm_density", "lowest score"):
        assert words in shown.stdout


def test_an_empty_study_has_a_page_that_says_so(twin: Problem, part: Callable[..., Study], tmp_path: Path, parse):
    shown = source(twin, part(), tmp_path / "page.html")
    assert "Nothing has been learnt or calibrated yet." in parse(shown).text
    assert sections(shown) == ["reproduce", "citations"]


def test_targets_that_are_missed_are_said_although_predictions_hold(
    twin: Problem, maker, part: Callable[..., Study], tmp_path: Path, parse
):
    study = part("calibration", validation_1=maker.validation(twin, 1, missed=8))
    page = parse(source(twin, study, tmp_path / "page.html"))
    assert "simulation and prediction agree" in page.text
    assert "8 of 20 simulated values miss their targets by more than the errors of both explain" in page.text


def test_the_last_round_counts_and_all_are_listed(
    twin: Problem, maker, part: Callable[..., Study], tmp_path: Path, parse
):
    again = maker.calibration(twin, 0, 0.07)
    second = again.to_json()
    failed = maker.validation(twin, 1, apart=8, missed=5)
    passed = maker.validation(twin, 2, of=again)
    study = part("calibration", calibration_1=second, validation_1=failed, validation_2=passed)
    page = parse(source(twin, study, tmp_path / "page.html"))
    assert f"with a mean RMSPE of {second['mean_rmspe']:.2f} %" in page.text
    rows = [row for row in page.cells if len(row) == 7]
    assert [row[0] for row in rows] == ["Round", "1", "2"]
    assert [row[4] for row in rows[1:]] == ["8 of 20", "0 of 20"]
    assert [row[5] for row in rows[1:]] == ["5 of 20", "0 of 20"]
    assert [row[6] for row in rows[1:]] == ["disagree", "agree"]
    assert "⚠" not in page.text.partition("How far")[0]


def test_rounds_beyond_nine_are_counted_as_numbers(documents, part: Callable[..., Study]):
    study = part("fit")
    for number in (3, 12, 1, 10, 2, 11):
        write_json(study.folder / f"fit-{number}.json", {**documents["fit"], "refused": {"round": f"{number}"}})
    for number in (12, 11, 10, 3, 2, 1):
        assert read_stages(study).fit["refused"] == {"round": f"{number}"}
        (study.folder / f"fit-{number}.json").unlink()
    assert read_stages(study).fit["refused"] == documents["fit"]["refused"]


def test_warnings_are_at_the_head_and_remarks_beside_the_surrogates(
    twin: Problem, maker, part: Callable[..., Study], tmp_path: Path, parse
):
    loud = replace(maker.calibration(twin), excursion=0.125, warnings=("one state lies outside",)).to_json()
    fit = maker.fit(twin, {"pacm_cage": 2.0})
    study = part("sensitivity", calibration=loud, fit=fit, validation_1=maker.validation(twin, 1, apart=8))
    page = parse(source(twin, study, tmp_path / "page.html"))
    head, _, rest = page.text.partition("How far from the targets")
    assert "Calibration: one state lies outside." in head
    assert "leaves the range of its parameter by up to 12 % of the range" in head
    assert "Sensitivity without gone: its surrogate is poor." in head
    assert "Validation: 8 of 20 simulated values disagree" in head
    assert "1 of them not good enough to be used" in head
    assert "pacm_cage: it predicts less than 70% of the variance that is no noise." in rest
    assert "gone: gone is the same in all runs." in rest
    assert [row[8] for row in page.cells if len(row) == 9 and row[1] == "pacm_cage"] == ["⚠ not good enough"]


def test_failures_of_the_validation_are_named(twin: Problem, part: Callable[..., Study], tmp_path: Path, parse):
    study = part("validation-1")
    failure = Failure(FailureKind.BOX_TOO_SMALL, "pacm", "halted")
    study.append("validation-1", Evaluation(99, {"DC": 0.5}, 1, (), (failure,), label="pacm"))
    shown = source(twin, study, tmp_path / "page.html")
    assert "pacm: box too small (halted)" in parse(shown).text
    assert 'id="failures"' in shown


def test_only_methods_that_were_used_are_cited(twin: Problem, part: Callable[..., Study], documents, tmp_path: Path):
    def cited(text: str) -> set[str]:
        return {key for key, one in bibliography().items() if one.title.replace("'", "&#39;") in text}

    only_fit = cited(source(twin, part("fit"), tmp_path / "fit.html"))
    assert only_fit == {"giuntoli2021", "rasmussen2006"}
    (tmp_path / "study").rename(tmp_path / "first")
    everything = cited(source(twin, part(*documents), tmp_path / "all.html"))
    sampling, walking = {"hoffman2014", "bingham2019", "oliver1996"}, {"schwarz1978", "satopaa2011"}
    assert everything == {
        *only_fit,
        *("sobol2001", "saltelli2010", "legratiet2014", "iwanaga2022"),
        *sampling,
        *walking,
    }
    (tmp_path / "study").rename(tmp_path / "second")
    without = cited(source(twin, part("fit", "calibration", "sensitivity"), tmp_path / "some.html"))
    assert not without & (sampling | walking)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("randomised", {"oliver1996"}), ("posterior", {"oliver1996", "hoffman2014", "bingham2019"}), (None, set())],
)
def test_the_sampler_of_the_posterior_that_was_used_is_cited(
    twin: Problem, part: Callable[..., Study], documents, method: str | None, expected: set[str]
):
    stored = documents["uncertainty"]
    posterior = None if method is None else {**stored["posterior"], "method": method}
    stages = read_stages(part("calibration", uncertainty={**stored, "posterior": posterior}))
    cited = {one.text for one in context_of(twin, stages)["citations"]}
    assert cited & {"oliver1996", "hoffman2014", "bingham2019"} == expected


def test_what_made_it_is_said(twin: Problem, part: Callable[..., Study], tmp_path: Path, parse):
    study = part("calibration")
    manifest = Manifest("Twin", "abc123", "twin.yaml", "base", "design", 17, 0, "22 Jul 2025")
    write_json(study.folder / "study.json", asdict(manifest))
    study.append("design", Evaluation(0, {"DC": 0.1}, 1, (), core_seconds=500.0, label="pacm"))
    page = parse(source(twin, study, tmp_path / "page.html"))
    cells = {row[0]: row[1] for row in page.cells if len(row) == 2}
    assert cells["Digest of the problem"] == "abc123"
    assert cells["Seed"] == "17"
    assert cells["Processor time of the simulations"] == "8.3 core-minutes"
    assert cells["Starts"] == "64, those followed to the end arrived in one minimum"
    assert "beadsmith renormalize twin.yaml --fidelity base --seed 17 --study study-again" in page.text


@pytest.fixture
def replaced(maker, documents, tmp_path: Path) -> tuple[Study, dict[str, Any]]:
    """A study with all documents, after which another calibration was made; and that."""
    study = maker.study(tmp_path / "study", documents)
    newest = maker.calibration(maker.problem, 4, 0.2)
    newest_document = newest.to_json()
    write_json(study.folder / "calibration-1.json", {"about": documents["fit"]["about"], **newest_document})
    note_newest(study, 1, digest_of_calibration(newest))
    return study, newest_document


def test_what_belongs_to_another_calibration_than_the_newest_is_left_out_and_named(
    twin: Problem, replaced, tmp_path: Path, parse
):
    study, newest = replaced
    shown = source(twin, study, tmp_path / "page.html")
    page = parse(shown)
    assert f"with {newest['free_parameters']} numbers the model is predicted" in page.text
    assert "Simplified to" not in page.text
    assert "Simulated, it gives" not in page.text
    assert sections(shown) == ["errors", "properties", "functions", "surrogates", "sensitivity", *ALWAYS]
    assert "of another calibration than the newest: uncertainty, simplification, validation;" in page.text


def test_surrogates_that_a_calibration_was_not_made_with_are_left_out(
    twin: Problem, documents, part: Callable[..., Study], tmp_path: Path, parse
):
    newer = {**documents["fit"], "about": "more runs"}
    shown = source(twin, part("calibration", "sensitivity", fit=newer), tmp_path / "page.html")
    assert sections(shown) == ["errors", "properties", "functions", "sensitivity", *ALWAYS]
    assert "than the newest: surrogates;" in parse(shown).text


def test_a_page_of_stages_that_belong_together_says_nothing_of_others(text: str, parse):
    assert "Left out" not in parse(text).text


def test_an_older_calibration_of_a_later_round_is_no_newer_one(twin: Problem, maker, documents, tmp_path: Path):
    """Of two loops with different options, the second of which needed fewer rounds."""
    study = maker.study(tmp_path / "study", documents)
    old = maker.calibration(twin, 2, 0.07)
    write_json(study.folder / "calibration-3.json", old.to_json())
    found = maker.calibration(twin)
    note_newest(study, 3, digest_of_calibration(old))
    note_newest(study, 0, digest_of_calibration(found))
    stages = read_stages(study)
    assert stages.calibration.to_json() == found.to_json()
    assert [one.number for one in stages.rounds] == [0]
    assert stages.simplified is not None
    assert stages.validation is not None
    assert not stages.left_out


def test_a_validation_of_the_round_before_is_not_one_of_the_newest_calibration(
    twin: Problem, maker, part: Callable[..., Study], tmp_path: Path, parse
):
    """A loop that ended for its number of rounds: the last model was not simulated."""
    study = part("calibration", "validation-1", calibration_1=maker.calibration(twin, 0, 0.07).to_json())
    page = parse(source(twin, study, tmp_path / "page.html"))
    assert "Simulated, it gives" not in page.text
    assert "than the newest: validation;" in page.text
    assert [row[3] != "–" for row in page.cells if len(row) == 7][1:] == [True, False]


def test_it_says_the_commands_that_were_given(twin: Problem, part: Callable[..., Study], tmp_path: Path, parse):
    study = part("calibration")
    usual = (("--fidelity", "base"), ("--seed", "3"))
    keep_command(study, Command("design", "twin.yaml", (*usual, ("--add", "my runs.csv"))))
    keep_command(study, Command("renormalize", "twin.yaml", (*usual, ("--points", "32"), ("--posterior", "nuts"))))
    page = parse(source(twin, study, tmp_path / "page.html"))
    for command in (
        "beadsmith design twin.yaml --fidelity base --seed 3 --add 'my runs.csv' --study study-again",
        "beadsmith renormalize twin.yaml --fidelity base --seed 3 --points 32 --posterior nuts --study study-again",
    ):
        assert command in page.text


def test_the_same_study_gives_the_same_page(twin: Problem, part: Callable[..., Study], documents, tmp_path: Path):
    study = part(*documents)
    assert source(twin, study, tmp_path / "a.html") == source(twin, study, tmp_path / "b.html")


def test_a_document_that_cannot_be_read_is_named_with_a_remedy(
    twin: Problem, part: Callable[..., Study], tmp_path: Path
):
    study = part("calibration")
    (study.folder / "fit.json").write_text('{"surrogates": ', encoding="utf-8")
    with pytest.raises(StudyError, match=r"fit\.json: received text that is no JSON .* run the stage again"):
        write_renormalization_report(twin, study, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_other_files_of_the_study_are_not_taken_for_documents(
    twin: Problem, part: Callable[..., Study], tmp_path: Path, documents
):
    study = part("calibration")
    (study.folder / "fit-old.json").write_text("nothing", encoding="utf-8")
    (study.folder / "calibrations.json").write_text(json.dumps(documents["fit"]), encoding="utf-8")
    assert "surrogates" not in sections(source(twin, study, tmp_path / "page.html"))


def test_runs_that_cannot_be_compared_are_not_called_a_disagreement(
    twin: Problem, maker, part: Callable[..., Study], tmp_path: Path, parse
):
    nothing = {"about": maker.validation(twin)["about"], **validation_document(1, [], [])}
    study = part("calibration", validation_1=nothing)
    page = parse(source(twin, study, tmp_path / "page.html"))
    assert "can be compared with a prediction" in page.text
    assert "disagree" not in page.text
