import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beadsmith.campaign.calibration import outcome_of
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import FailureKind
from beadsmith.report import write_report

SECTIONS = (
    "properties",
    "curves",
    "convergence",
    "terms",
    "candidates",
    "parameters",
    "failures",
    "reproduce",
    "citations",
)
HOSTILE = "<script>alert(\"x\")</script> & 'quotes' {{ 7 * 7 }} $x_1$"


@pytest.fixture(scope="module")
def page(pebax: Problem, pebax_study: Study, tmp_path_factory: pytest.TempPathFactory, parse):
    path = write_report(pebax, pebax_study, tmp_path_factory.mktemp("page") / "report.html")
    return parse(path.read_text(encoding="utf-8"))


@pytest.fixture
def written(parse):
    """Writes the page of a study, and reads it."""
    return lambda problem, study, others=(): parse(write_report(problem, study, others=others).read_text("utf-8"))


def section(page_text: str, name: str) -> str:
    return re.split(r"<section ", page_text.partition(f'<section id="{name}">')[2])[0]


def test_it_goes_to_the_study_unless_told_otherwise(pebax: Problem, tmp_path: Path):
    study = Study(tmp_path / "deep" / "study")
    assert write_report(pebax, study) == study.report
    assert [path.name for path in study.folder.iterdir()] == ["report.html"]
    elsewhere = tmp_path / "other" / "name.html"
    assert write_report(pebax, study, elsewhere) == elsewhere
    assert elsewhere.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_all_sections_are_there_in_order(page):
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"] == list(SECTIONS)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 5


def test_identifiers_are_unique(page):
    found = list(page.attributes("id"))
    assert len(found) == len(set(found))


def test_it_needs_no_other_file_and_no_script(page):
    assert all(source.startswith("data:") for source in page.attributes("src"))
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    assert {tag for tag, attributes in page.tags if "href" in attributes} == {"a"}
    policy = next(
        attributes for _, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy["content"].startswith("default-src 'none'")


def test_pictures_say_what_they_show(page):
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")


def test_numbers_shown_are_the_numbers_stored(page, pebax: Problem, pebax_study: Study):
    best = outcome_of(pebax_study, pebax).best
    assert best is not None
    rows = [row for row in page.cells if len(row) == 5 and "±" in row[-1] and re.match(r"T = |Glass", row[0])]
    assert len(rows) == 24
    for row, observation, target in zip(rows, best.observations, pebax.targets, strict=True):
        value, error = (float(part.strip(" ▲▼†\n").replace("−", "-")) for part in row[-1].split("±"))
        assert value == pytest.approx(observation.value, abs=0.06 * observation.stderr)
        assert error == pytest.approx(observation.stderr, rel=0.06)
        assert float(row[1].split("±")[0]) == pytest.approx(target.value, abs=1e-12)


def test_the_misfit_is_at_the_head_in_the_words_and_at_the_foot(page, pebax: Problem, pebax_study: Study):
    best = outcome_of(pebax_study, pebax).best
    assert best is not None
    number = f"{best.misfit:.3f} ± {best.stderr:.3f}"
    assert page.text.count(number) >= 3
    assert any(row[0] == "Misfit" and number in row[-1] for row in page.cells)


def test_a_parameter_at_its_bound_is_warned_of(page, pebax: Problem):
    name = pebax.parameters.free[-1].name
    assert f"1 parameter within 2 % of a bound, or outside: {name}." in page.text
    row = next(row for row in page.cells if row and row[0] == name)
    assert "⚠ at its upper bound" in " ".join(row)


def test_no_warning_without_need(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path, written):
    study = make_study(pebax, tmp_path / "s", total=20, at_bound=False)
    assert "of a bound" not in written(pebax, study).text


def test_failures_have_their_remedy_and_their_log(page):
    assert "6 of 60 (10 %) evaluations of the search failed" in page.text
    assert "Lost atoms: 3" in page.text
    assert "reduce the timestep or lengthen the push-off; in a search, narrow the parameter ranges" in page.text
    assert "Step 3 Temp 530.0 <b>not bold</b> & more" in page.text
    assert [tag for tag, _ in page.tags].count("details") == 3


def test_everything_needed_to_do_it_again(page, pebax_study: Study):
    manifest = pebax_study.manifest()
    assert manifest is not None
    command = "beadsmith run problem.yaml --fidelity quick --search tpe --evaluations 60 --seed 1 --study pebax-again"
    assert command in page.text
    for fact in (manifest.problem, manifest.engine, manifest.beadsmith, manifest.python, manifest.machine):
        assert fact in page.text
    assert "the scatter of the points about a smooth curve" in page.text
    assert "doi:10.1021/acs.jctc.5c01500" in page.text


def test_candidates_are_listed_with_claim_and_measurement(page, pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    assert outcome.best is not None
    rows = [row for row in page.cells if row[-1] == "the calibrated model"]
    assert [row[0] for row in rows] == [str(outcome.best.number)]
    assert rows[0][4] == "3 of 3"


def test_names_from_outside_are_only_text(
    tiny: Callable[..., Problem], make_study: Callable[..., Study], tmp_path: Path, written
):
    problem = tiny(HOSTILE, changes={'"Somebody\'s"': json.dumps(HOSTILE), '"a handbook"': json.dumps(HOSTILE)})
    study = make_study(problem, tmp_path / HOSTILE.replace("/", "|"), total=20)
    found = written(problem, study)
    assert "script" not in [tag for tag, _ in found.tags]
    assert "b" not in [tag for tag, attributes in found.tags if attributes]
    assert found.text.count(HOSTILE) >= 5
    assert "49" not in found.text.partition("Evaluations")[0]


def test_a_problem_without_a_varying_state(
    tiny: Callable[..., Problem], make_study: Callable[..., Study], tmp_path: Path, written
):
    problem = tiny()
    found = written(problem, make_study(problem, tmp_path / "s", total=20))
    assert "No property has values at more than one state." in found.text
    assert "its file could not be read: missing.yaml" in found.text
    assert str(tmp_path) not in found.text
    assert "A. Nobody, private communication <2024>" in found.text


def test_an_empty_study(pebax: Problem, tmp_path: Path, written):
    found = written(pebax, Study(tmp_path / "s"))
    assert [attributes["id"] for tag, attributes in found.tags if tag == "section"] == list(SECTIONS)
    assert "Nothing has been evaluated" in found.text
    assert "beadsmith run problem.yaml" not in found.text


def test_only_failures(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path, written):
    kinds = list(FailureKind)
    study = make_study(pebax, tmp_path / "s", total=len(kinds), every=1, failures=kinds)
    found = written(pebax, study)
    assert f"All {len(kinds)} evaluations failed" in found.text
    for kind in kinds:
        assert kind.value[1:] in found.text
    assert "No evaluation has a misfit yet." in found.text


def test_a_running_search(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path, written):
    found = written(pebax, make_study(pebax, tmp_path / "s", total=12, replicas=0))
    assert "Best so far" in found.text
    assert "No candidate has been measured again yet." in found.text
    assert "± ?" in found.text


def test_one_evaluation(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path, written):
    assert "1 evaluation," in written(pebax, make_study(pebax, tmp_path / "s", total=1, replicas=1)).text


def test_repeats_make_a_band_and_a_table(
    page, pebax: Problem, pebax_study: Study, make_study: Callable[..., Study], tmp_path: Path, parse
):
    other = make_study(pebax, tmp_path / "second", total=20, seed=2)
    strange = make_study(replace(pebax, fidelity="paper"), tmp_path / "strange", total=5, seed=3)
    path = write_report(pebax, pebax_study, tmp_path / "r.html", others=(other, strange))
    found = parse(path.read_text(encoding="utf-8"))
    rows = {row[0]: row for row in found.cells if row and row[0] in ("pebax", "second", "strange")}
    assert rows["second"][1:4] == ["2", "20", "2"]
    assert "left out of the figure" in rows["strange"][-1]
    assert rows["second"][-1] == ""
    assert section(page.source, "convergence") != section(found.source, "convergence")
    assert section(page.source, "terms") == section(found.source, "terms")


def test_a_changed_problem_file_is_pointed_out(page, pebax: Problem, pebax_study: Study, tmp_path: Path, parse):
    changed = replace(pebax, file=pebax.file.model_copy(update={"targets": {}}))
    path = write_report(changed, pebax_study, tmp_path / "r.html")
    assert "has changed since" in parse(path.read_text(encoding="utf-8")).text
    assert "has changed since" not in page.text


def test_without_targets_there_is_still_a_page(pebax: Problem, pebax_study: Study, tmp_path: Path, written):
    study = Study(tmp_path / "s")
    shutil.copytree(pebax_study.folder, study.folder)
    study.clear("measurements")
    rows = [replace(row, misfit=None, terms={}) for row in study.rows("evaluations")]
    study.clear("evaluations")
    for row in rows:
        study.append("evaluations", row)
    found = written(replace(pebax, targets=()), study)
    assert "has no targets, so nothing was judged" in found.text
    assert [tag for tag, _ in found.tags].count("img") == 2


def test_the_same_study_gives_the_same_page(page, pebax: Problem, pebax_study: Study, tmp_path: Path):
    again = write_report(pebax, pebax_study, tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == page.source
    assert [path.name for path in tmp_path.iterdir()] == ["again.html"]


def test_a_single_failure_is_not_called_all_evaluations_and_nothing_absent_is_explained(
    tiny: Callable[..., Problem], make_study: Callable[..., Study], tmp_path: Path, parse
):
    problem = tiny()
    study = make_study(problem, tmp_path / "study", total=1, every=1, candidates=0, replicas=0)
    text = parse(write_report(problem, study, tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert "The only evaluation failed" in text
    assert "marks beyond an end" not in text
    assert "that of the properties is in the table above" not in text
