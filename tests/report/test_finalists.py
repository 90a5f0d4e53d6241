"""Finalists in the report: a section of its own, undetermined glass transitions in words, figures with the fits."""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from beadsmith.campaign.finalists import measured_finalists
from beadsmith.campaign.study import FinalistsRecord, Study, digest_of, finalists_table
from beadsmith.observe import derive_observations
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Observation
from beadsmith.problem.state import State
from beadsmith.report import write_report
from beadsmith.report.figures.transition import result_in_words, transition_pictures
from beadsmith.report.finalists import cooling_rates
from beadsmith.report.findings import gather, subjects
from beadsmith.report.tables import property_table
from beadsmith.report.terminal import terminal_table

TEMPERATURES = np.arange(150.0, 501.0, 25.0)


@pytest.fixture(scope="module")
def cooling(pebax: Problem) -> Problem:
    return load_problem(pebax.path, "cooling")


def cooled(problem: Problem, label: str, tg: float, error: float, seed: int) -> Evaluation:
    """A melt whose density bends at a temperature, with noise."""
    rng = np.random.default_rng(seed)
    offset = TEMPERATURES - tg
    density = 1.18 - 3e-4 * offset - 3.2e-4 * (offset / 2 + np.sqrt(offset**2 / 4 + 400))
    rg = 4.4 + 0.6 * (TEMPERATURES - 150) / 350
    values = {"density": (density, error), "radius_of_gyration": (rg, 0.03)}
    direct = tuple(
        Observation(name, State.of(T=float(t)), float(value) + stderr * rng.normal(), stderr)
        for name, (curve, stderr) in values.items()
        for t, value in zip(TEMPERATURES, curve, strict=True)
    )
    observations = (*direct, *derive_observations(direct, problem.observables))
    return Evaluation(seed, {}, seed, observations, misfit=1.0 + 0.1 * seed, core_seconds=500.0, label=label)


def with_finalists(cooling: Problem, study: Study, folder: Path, *, digest: str = "", half: bool = False) -> Study:
    """The study after its finalists: two determined glass transitions, and one that is not."""
    shutil.copytree(study.folder, folder)
    copy = Study(folder)
    copy.begin_finalists("cooling", FinalistsRecord(digest or digest_of(cooling), "22 Jul 2025", 2))
    models = (("re-measured 41", 345.0, 8e-4), ("Hybrid strategy", 310.0, 0.02), ("CG-BO (published)", 306.0, 8e-4))
    for replica in range(1 if half else 2):
        for number, (label, tg, error) in enumerate(models):
            row = cooled(cooling, label, tg, error, 10 * replica + number)
            copy.append(finalists_table("cooling"), row)
    return copy


@pytest.fixture(scope="module")
def finished(cooling: Problem, pebax_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return with_finalists(cooling, pebax_study, tmp_path_factory.mktemp("finalists") / "study")


def text_of(page: str) -> str:
    section = page.partition('<section id="finalists">')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", section).split())


def page_of(pebax: Problem, study: Study) -> str:
    return write_report(pebax, study).read_text(encoding="utf-8")


def test_without_finalists_there_is_no_section(pebax: Problem, pebax_study: Study, tmp_path: Path):
    shutil.copytree(pebax_study.folder, tmp_path / "s")
    assert 'id="finalists"' not in page_of(pebax, Study(tmp_path / "s"))


def test_the_section_shows_models_targets_cost_and_rate(pebax: Problem, finished: Study):
    page = page_of(pebax, finished)
    text = text_of(page)
    assert "At fidelity cooling" in text
    assert "50.0 core-minutes" in text  # six measurements of 500 s
    assert "cooled at 62.5 K/ns" in text
    assert "378.1 ± 20.0" in text
    assert "has changed" not in text
    assert "So far" not in text
    for words in ("Hybrid strategy", "CG-BO (published)", "Calibrated", "evaluation 41, 2 repeats"):
        assert words in text
    assert page.count('<img src="data:') > 5 + 2
    assert "Uncertainty quantification in molecular dynamics studies" in page  # the hyperbola is only used by finalists


def test_what_the_densities_leave_open_is_said_in_words(pebax: Problem, cooling: Problem, finished: Study):
    (finalists,) = gather(pebax, finished).finalists
    table = property_table(finalists.problem, subjects(finalists.problem, finalists.outcome))
    rows = {row.observable: row for row in table.rows if row.observable.startswith("glass_transition")}
    for row in rows.values():
        assert [cell.written.value == "not determined" for cell in row.cells] == [True, False, False]
        assert abs(row.cells[1].value - 306) < 3 * row.cells[1].stderr < 60
        assert abs(row.cells[2].value - 345) < 3 * row.cells[2].stderr < 60
    assert {model for model, _ in table.undetermined} == {"Hybrid strategy"}
    text = text_of(page_of(pebax, finished))
    assert text.count("not determined") >= 4  # two cells, two sentences
    assert re.search(r"Hybrid strategy: Tg by intersection is not determined by these data: \w+", text)
    console = Console(width=200, file=io.StringIO())
    console.print(terminal_table(finalists.problem, finalists.outcome))
    printed = console.file.getvalue()
    assert printed.count("not determined") >= 4
    assert "Hybrid strategy: Tg by hyperbola is not determined" in " ".join(printed.split())


def test_values_come_from_the_mean_densities(cooling: Problem, finished: Study, pebax: Problem):
    (finalists,) = measured_finalists(finished, pebax)
    for model in finalists.outcome.measured:
        derived = derive_observations(model.observations, cooling.observables)
        for one in derived:
            stored = next(each for each in model.observations if each.observable == one.observable)
            assert (stored.value, stored.stderr, stored.note) == (one.value, one.stderr, one.note)


def test_figures_have_a_panel_for_each_model_and_say_what_they_show(pebax: Problem, finished: Study):
    (finalists,) = gather(pebax, finished).finalists
    models = subjects(finalists.problem, finalists.outcome)
    (picture,) = transition_pictures(finalists.problem, models)
    assert picture.text.startswith("Density (g/cm³) against T with the fits of the glass transition.")
    assert re.search(r"Hybrid strategy: Tg by lines: not determined, Tg by hyperbola: not determined;", picture.text)
    assert re.search(r"Calibrated: Tg by lines: 3\d\d(\.\d)? ± \d+(\.\d)? K, Tg by hyperbola: 3[34]\d", picture.text)
    assert base64.b64decode(picture.source.partition(",")[2]).startswith(b"<?xml")
    assert transition_pictures(pebax, []) == []


def test_what_is_not_fitted_is_not_determined():
    assert result_in_words("Tg by lines", None) == "Tg by lines: not determined"


def test_finalists_under_way_and_those_of_another_protocol_are_pointed_out(
    pebax: Problem, cooling: Problem, pebax_study: Study, tmp_path: Path
):
    text = text_of(page_of(pebax, with_finalists(cooling, pebax_study, tmp_path / "half", half=True)))
    assert "So far 3 of 6 measurements." in text
    text = text_of(page_of(pebax, with_finalists(cooling, pebax_study, tmp_path / "old", digest="another")))
    assert "has changed at this fidelity" in text


def test_a_finalist_that_failed_is_named(pebax: Problem, cooling: Problem, pebax_study: Study, tmp_path: Path):
    study = with_finalists(cooling, pebax_study, tmp_path / "s", half=True)
    failure = Failure(FailureKind.TIMEOUT, "melt", "stopped after 3 h")
    study.append(finalists_table("cooling"), Evaluation(9, {}, 9, (), (failure,), label="CG-BO (published)"))
    text = text_of(page_of(pebax, study))
    assert "CG-BO (published) failed: melt: timeout (stopped after 3 h)" in text
    assert "1 of 2 repeats succeeded" in text


def test_rates_follow_from_the_protocol(pebax: Problem, cooling: Problem, tiny: Callable[..., Problem]):
    # From 500 to 150 K in 14 steps of 80 + 320 ps, and of 18 + 72 ps for the single chain.
    assert cooling_rates(cooling) == pytest.approx({"melt": 62.5, "vacuum": 350 / (14 * 0.09)}, rel=1e-3)
    assert cooling_rates(load_problem(pebax.path, "paper")) == {}  # it heats
    assert cooling_rates(tiny()) == {}
