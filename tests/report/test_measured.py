"""The page about one model: what it says is what was measured, at one state or at several."""

import re
from pathlib import Path

import pytest

from beadsmith.campaign.calibration import measured_as
from beadsmith.errors import StudyError
from beadsmith.problem.records import Evaluation, Failure, FailureKind
from beadsmith.report import write_cure_report, write_model_report

LIMIT = 1_500_000


def measured(problem, observations, failures=()):
    return measured_as(
        "published", [Evaluation(0, {}, 1, observations, failures, core_seconds=60.0)], problem.observables
    )


@pytest.fixture(scope="module")
def observations(epoxy, mechanics):
    return mechanics(epoxy, (0.0, 0.5, 0.9))


@pytest.fixture(scope="module")
def page(epoxy, observations, networks, tmp_path_factory, parse):
    path = tmp_path_factory.mktemp("model") / "model.html"
    write_model_report(epoxy, [measured(epoxy, observations)], networks[:1], path)
    return parse(path.read_text(encoding="utf-8"))


def test_numbers_shown_are_the_numbers_stored(page, epoxy, observations):
    single = [
        one
        for name in epoxy.observables
        for one in observations
        if one.observable == name and not {"t", "strain"} & {*one.state}
    ]
    rows = [row for row in page.cells if len(row) == 3 and re.fullmatch(r"DC = [\d.]+, T = 300 K", row[0].strip())]
    assert len(rows) == len(single) == 15
    for row, one in zip(rows, single, strict=True):
        if one.value != one.value:
            assert row[2].strip() == "not determined"
            continue
        value, error = (float(part) for part in row[2].split("±"))
        assert value == pytest.approx(one.value, abs=0.06 * one.stderr)
        assert error == pytest.approx(one.stderr, rel=0.06)


def test_it_has_all_figures_and_can_be_mailed(page):
    # Properties, displacements, stress; before and after, the course, the strands.
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 6
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"] == [
        "properties",
        "curves",
        "networks",
    ]
    assert len(page.source) < LIMIT
    assert "1 evaluation, 60 core-seconds" in page.text


def test_states_that_were_measured_one_by_one_are_on_one_page(
    epoxy, observations, networks, tmp_path: Path, page, parse
):
    each = [
        measured(epoxy, tuple(one for one in observations if one.state["DC"] == degree)) for degree in (0.0, 0.5, 0.9)
    ]
    write_model_report(epoxy, each, networks[:1], tmp_path / "each.html")
    assert parse((tmp_path / "each.html").read_text(encoding="utf-8")).cells == page.cells


def test_without_networks_there_is_no_section_and_failures_are_named(epoxy, observations, tmp_path: Path, parse):
    failure = Failure(FailureKind.BOX_TOO_SMALL, "network", "halted")
    bad = measured(epoxy, observations[:0], (failure,))
    write_model_report(epoxy, [measured(epoxy, observations), bad], (), tmp_path / "page.html")
    shown = parse((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert 'id="networks"' not in shown.source
    assert "network: box too small (halted)" in shown.text


def test_a_page_that_cannot_be_written_is_refused_in_a_sentence(epoxy, networks, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="expected a file that can be written"):
        write_cure_report(epoxy, networks[:1], tmp_path / "file" / "page.html")
