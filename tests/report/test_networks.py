"""What the report says of networks is what was stored, by a second route where there is one."""

import base64
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.curing import examine, model_of_cure
from beadsmith.crosslink.cure import CureOrder
from beadsmith.crosslink.mean_field import ideal_network, monomers_of, reacted_sites
from beadsmith.crosslink.network import uncured
from beadsmith.problem.problem import Problem
from beadsmith.report import write_cure_report
from beadsmith.report.figures.cure import course_picture, strands_picture
from beadsmith.report.findings import gather
from beadsmith.report.networks import MOST_COLUMNS, GrownNetwork, course_of, network_sections, network_table, theory_of
from beadsmith.report.page import rendered
from beadsmith.report.references import citations

LIMIT = 1_500_000


@pytest.fixture(scope="module")
def page(epoxy: Problem, networks: tuple[GrownNetwork, ...], tmp_path_factory: pytest.TempPathFactory, parse):
    path = tmp_path_factory.mktemp("cure") / "deep" / "cure.html"
    write_cure_report(epoxy, networks, path)
    return parse(path.read_text(encoding="utf-8"))


def row(page, title: str) -> list[str]:
    return next(cells for cells in page.cells if cells and cells[0].startswith(title))


def test_a_course_ends_at_the_structure_that_was_analysed(networks):
    for one in networks:
        course, analysis = one.course, one.examined.analysis
        assert course.degrees[0] == 0
        assert course.degrees[-1] == pytest.approx(analysis.degree)
        assert course.largest[-1] == pytest.approx(analysis.gel_fraction)
        others = analysis.component_masses[1:]
        reduced = (others**2).sum() / others.sum() if len(others) else math.nan
        assert course.reduced[-1] == pytest.approx(reduced, nan_ok=True)
        for name, counts in analysis.groups.items():
            assert course.groups[name][-1] == pytest.approx(np.array(counts) / sum(counts))


def test_a_course_begins_with_the_molecules_alone(networks):
    course, sites = networks[0].course, networks[0].examined.cured.network.sites
    masses = sites.molecule_masses
    assert course.largest[0] == pytest.approx(masses.max() / masses.sum())
    rest = np.sort(masses)[:-1]
    assert course.reduced[0] == pytest.approx((rest**2).sum() / rest.sum())
    assert all(shares[0, 0] == 1.0 for shares in course.groups.values())
    assert all(shares.sum(axis=1) == pytest.approx(np.ones(len(shares))) for shares in course.groups.values())


def test_the_ideal_network_gels_where_flory_says(networks):
    """20 molecules of two sites and 10 of four: p^2 (2 - 1)(4 - 1) = 1."""
    network = networks[0].examined.cured.network
    theory = theory_of(network.sites)
    assert theory.gel_point == pytest.approx(1 / math.sqrt(3))
    assert networks[0].examined.gel_point == pytest.approx(theory.gel_point)
    assert (theory.gel[theory.degrees <= theory.gel_point] < 1e-6).all()
    assert (np.diff(theory.gel[theory.degrees >= theory.gel_point]) > 0).all()
    # A single kind of bond: proportional rates and the bonds that formed are the same.
    field = ideal_network(monomers_of(network.sites), reacted_sites(network))
    assert np.interp(network.degree, theory.degrees, theory.gel) == pytest.approx(field.gel_fraction, abs=1e-3)


def test_numbers_on_the_page_are_those_of_the_analysis(page, networks):
    expected: dict[str, Callable[[GrownNetwork], float]] = {
        "Degree of crosslinking": lambda one: one.examined.analysis.degree,
        "Crosslinks": lambda one: len(one.examined.cured.network.bonds),
        "Pieces": lambda one: len(one.examined.analysis.component_masses),
        "Largest piece": lambda one: one.examined.analysis.gel_fraction,
        "Gel fraction of the ideal network": lambda one: one.examined.ideal.gel_fraction,
        "Rings closed": lambda one: one.examined.analysis.cycle_rank,
        "Sites of B3 that have reacted": lambda one: one.examined.analysis.conversions["B3"],
        "Unreacted sites of B5": lambda one: one.examined.analysis.unreacted["B5"],
        "B5 with no crosslinks": lambda one: one.examined.analysis.groups["B5"][0],
        "B5 with 1 crosslink": lambda one: one.examined.analysis.groups["B5"][1],
        "B5 with 2 crosslinks": lambda one: one.examined.analysis.groups["B5"][2],
        "Dangling molecules": lambda one: one.examined.analysis.dangling,
        "Strands": lambda one: one.examined.analysis.backbone.strands,
        "Junctions": lambda one: one.examined.analysis.backbone.junctions,
        "Mean length of strands": lambda one: one.examined.analysis.backbone.lengths.mean(),
        "Bonds through rings": lambda one: len(one.examined.spearings),
    }
    for title, value in expected.items():
        cells = row(page, title)
        values = [value(one) for one in networks]
        assert [float(cell) for cell in cells[1:-1]] == pytest.approx(values, rel=1e-3), title
        mean, _, error = cells[-1].partition(" ± ")
        stderr = np.std(values, ddof=1) / math.sqrt(3)
        assert float(mean) == pytest.approx(np.mean(values), abs=0.06 * stderr + 1e-9), title
        assert float(error) == pytest.approx(stderr, rel=0.06, abs=1e-9), title


def test_a_gel_percolates_and_what_does_not_has_no_gel_fraction(epoxy, networks, grow, tmp_path, parse):
    early = grow(epoxy, to=0.3)
    assert early.examined.analysis.percolation == 0
    shown = {one.title: one.cells for one in network_table([early]).rows}
    assert shown["Percolates"] == ("no",)
    assert shown["Gel fraction"] == ("0",)
    assert float(shown["Largest piece"][0]) == pytest.approx(early.examined.analysis.gel_fraction, rel=1e-3)
    assert networks[0].examined.analysis.percolation == 3
    full = network_table(networks[:1])
    assert next(one.cells for one in full.rows if one.title == "Percolates") == ("in 3 directions",)


def test_one_network_has_no_mean(epoxy, networks):
    section = network_table(networks[:1])
    assert not section.has_mean
    assert section.columns == ("network 1",)


def test_atoms_are_called_atoms(networks):
    sentence = " ".join(network_table(networks[:1], "atom").sentences)
    assert " atoms" in sentence
    assert "bead" not in sentence


def test_many_networks_have_few_columns_and_one_mean(epoxy, networks, tmp_path, parse):
    many = [replace(networks[number % 3], sample=number) for number in range(MOST_COLUMNS + 3)]
    section = network_table(many)
    assert len(section.columns) == MOST_COLUMNS
    assert section.more == 3
    degrees = [one.examined.analysis.degree for one in many]
    mean = next(one.mean for one in section.rows if one.title == "Degree of crosslinking")
    assert float(mean.value) == pytest.approx(np.mean(degrees), abs=0.001)
    write_cure_report(epoxy, many, tmp_path / "many.html")
    assert "3 networks more than have a column" in parse((tmp_path / "many.html").read_text()).text


def test_what_stopped_short_is_said_to_and_what_did_not_is_not(page, epoxy, networks, grow):
    degree = networks[0].examined.analysis.degree
    assert degree < 0.9
    assert f"Network 1 stopped at DC = {degree:.3g}, short of 0.95." in page.text
    assert "no pair that may react comes within the cutoff" in page.text
    reached = network_table([grow(epoxy, to=0.3)])
    assert len(reached.sentences) == 1
    assert "becomes a gel at" in reached.sentences[0]


def test_stages_and_their_ends_are_named(page):
    assert "stage 1 (only virgin B5) ended in cycle" in page.text
    assert "at a degree of crosslinking of 0.500: its degree of crosslinking is reached" in page.text


def test_a_system_that_has_not_reacted_has_a_page_too(epoxy, networks, tmp_path, parse):
    start = networks[0].before
    order = CureOrder(epoxy, model_of_cure(epoxy, "network"), "network", 5, "none", 0.95)
    nothing = GrownNetwork("network", 0, 0.95, start, examine(order, start), {0.0: 0})
    (section,) = network_sections(epoxy, [nothing])
    assert len(section.pictures) == 1
    write_cure_report(epoxy, [nothing], tmp_path / "none.html")
    assert row(parse((tmp_path / "none.html").read_text()), "Crosslinks")[1:] == ["0"]
    assert course_of(uncured(start.network.sites)).degrees.tolist() == [0.0]


def test_a_system_that_is_one_piece_has_figures(networks):
    whole = next(one for one in networks if len(one.examined.analysis.component_masses) == 1)
    assert math.isnan(whole.course.reduced[-1])
    for picture in (course_picture([whole]), strands_picture([whole])):
        assert picture.source.startswith("data:image/svg+xml")


def test_pages_are_small_enough_to_be_mailed_and_need_nothing_else(page):
    assert len(page.source) < LIMIT
    assert all(source.startswith("data:") for source in page.attributes("src"))
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe")]
    figures = [base64.b64decode(source.partition(",")[2]).decode() for source in page.attributes("src")]
    assert len(figures) == 3
    assert figures[0].count("<image") == 2


def test_a_calibration_on_networks_shows_them_and_one_without_does_not(
    pebax: Problem, pebax_study, epoxy: Problem, networks, parse
):
    findings = gather(pebax, pebax_study)
    assert findings.networks == ()
    assert network_sections(pebax, findings.networks) == []
    page = parse(rendered(replace(findings, networks=networks[:1])))
    assert "Macosko" in page.text
    assert not {"macosko1976", "miller1976"} & {one.text for one in citations(findings)}
    order = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert order[order.index("networks") - 1 : order.index("networks") + 2] == ["curves", "networks", "convergence"]
    assert "At the end of the cure" in page.text


def test_the_same_networks_give_the_same_page(epoxy: Problem, networks, tmp_path: Path):
    for name in ("a.html", "b.html"):
        write_cure_report(epoxy, networks[:1], tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
