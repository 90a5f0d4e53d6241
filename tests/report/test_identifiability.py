"""The section on identifiability: there if derivatives are on record, with the numbers of the analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beadsmith.campaign.identify import identify_study
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Gradient
from beadsmith.report import write_report
from beadsmith.report.figures.identifiability import parameters_picture, sources_picture, spectrum_picture
from beadsmith.report.findings import gather
from beadsmith.report.identifiability import identifiability_tables
from beadsmith.report.references import citations


def with_gradients(problem: Problem, study: Study, noise: float = 0.5) -> Study:
    """Densities answer to all sigmas, radii to all angles, the colder the more; nothing answers to exponents."""
    random = np.random.default_rng(3)
    rows = study.rows("evaluations")
    study.clear("evaluations")
    for row in rows:
        gradients = []
        for target in problem.targets:
            if problem.observables[target.observable].kind not in ("density", "radius_of_gyration"):
                continue
            cold = 1.0 - (target.state["T"] - 325.0) / 400.0
            values, stderrs = {}, {}
            for parameter in problem.parameters.free:
                seen = "sigma" in parameter.name if target.observable == "density" else "theta0" in parameter.name
                unit = target.stderr / (0.4 * (parameter.high - parameter.low))
                stderrs[parameter.name] = noise * unit
                values[parameter.name] = (6.0 * cold * seen + noise * random.normal()) * unit
            gradients.append(Gradient(target.observable, target.state, values, stderrs))
        study.append("evaluations", row if row.failed else replace(row, gradients=gradients))
    return study


@pytest.fixture(scope="module")
def known(pebax: Problem, make_study: Callable[..., Study], tmp_path_factory: pytest.TempPathFactory) -> Study:
    return with_gradients(pebax, make_study(pebax, tmp_path_factory.mktemp("known") / "pebax", total=20))


def section(text: str) -> str:
    return re.split(r"<section ", text.partition('<section id="identifiability">')[2])[0]


def test_it_is_there_with_derivatives_and_only_then(pebax: Problem, pebax_study: Study, known: Study, tmp_path: Path):
    with_them = write_report(pebax, known, tmp_path / "with.html").read_text(encoding="utf-8")
    without = write_report(pebax, pebax_study, tmp_path / "without.html").read_text(encoding="utf-8")
    assert 'id="identifiability"' not in without
    shown = section(with_them)
    assert shown.count("<img") == 3
    assert "usable numbers for 41 parameters" in shown
    assert "What the targets tell about the parameters" in shown
    for words in ("Stiff directions", "Sloppy directions", "Inert", "Radius of gyration"):
        assert words in shown
    order = re.findall(r'<section id="(\w+)">', with_them)
    assert order[order.index("identifiability") - 1] == "parameters"


def test_the_numbers_are_those_of_the_analysis(pebax: Problem, known: Study):
    found = identify_study(pebax, known, frames=False)
    tables = identifiability_tables(pebax, found)
    effective = found.answer.effective
    assert effective.value == pytest.approx(2.0, abs=0.2)  # one direction for each observable
    assert f"{effective.value:.2f} ± {effective.stderr:.2f} usable numbers" in tables.headline
    assert len(tables.directions) == found.answer.resolved
    assert "sigma" in " ".join(row.words for row in tables.directions)
    assert "exponent" not in " ".join(row.name for row in tables.known)
    assert {name for name in tables.inert if "exponent" in name} == {
        f"pair.T{i}.repulsive_exponent" for i in range(1, 6)
    }
    assert set(tables.inert) | {row.name for row in tables.known} == {one.name for one in pebax.parameters.free}
    assert [row.observable for row in tables.shares[:2]] == ["Density", "Radius of gyration"]
    assert all(row.strongest.startswith("T = 150 K") for row in tables.shares[:2])
    assert [float(row.width) for row in tables.known] == sorted(float(row.width) for row in tables.known)


def test_the_same_study_gives_the_same_section(pebax: Problem, known: Study, tmp_path: Path):
    pages = [write_report(pebax, known, tmp_path / name).read_text(encoding="utf-8") for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_what_is_considered_is_shown_or_said_to_be_missing(pebax: Problem, known: Study, tmp_path: Path):
    text = pebax.path.read_text()
    considered = (
        "\nconsidered:\n  density: {state: {T: 150 K}, uncertainty: 0.001 g/cm^3}\n"
        "  end_to_end: {state: {T: 300 K}, uncertainty: 0.5 angstrom}\n"
    )
    path = tmp_path / "problem.yaml"
    path.write_text(
        text.replace(
            "observables:\n", "observables:\n  end_to_end: {kind: end_to_end_distance, experiment: vacuum}\n", 1
        )
        + considered
    )
    (tmp_path / "models").symlink_to(pebax.path.parent / "models")
    (known.folder / "problem.yaml").write_text(text)
    tables = identifiability_tables(load_problem(path), identify_study(load_problem(path), known, frames=False))
    (row,) = tables.additions
    assert (row.observable, row.uncertainty) == ("Density", "0.001 g/cm³")
    assert tables.unseen == ("End to end",)
    shown = section(write_report(load_problem(path), known, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Considered: numbers they would add" in shown
    assert "without derivatives on record: End to end" in shown


def test_a_glass_transition_by_lines_feels_no_common_shift_or_factor_of_the_densities(pebax: Problem, known: Study):
    """Its chain through the densities: where two lines cross does not change if both move alike."""
    found = identify_study(pebax, known, frames=False)
    (goal,) = [goal for goal in found.answer.targets if goal.observable == "glass_transition"]
    densities = [one.value for one in found.subject.observations if one.observable == "density"]
    chain = goal.chain[: len(densities)]
    assert np.abs(chain).max() > 100  # K per g/cm^3
    assert abs(chain.sum()) < 1e-3 * np.abs(chain).sum()
    assert abs(chain @ densities) < 1e-3 * np.abs(chain).sum()
    assert not goal.chain[len(densities) :].any()


def test_methods_are_cited_where_they_are_used(pebax: Problem, pebax_study: Study, known: Study):
    own = {"gutenkunst2007", "transtrum2010", "transtrum2015", "mackay1992", "kritchman2009", "benaychgeorges2012"}
    assert own <= {one.text for one in citations(gather(pebax, known))}
    assert not own & {one.text for one in citations(gather(pebax, pebax_study))}


def test_derivatives_of_noise_alone_still_make_a_section(
    pebax: Problem, make_study: Callable[..., Study], tmp_path: Path
):
    study = with_gradients(pebax, make_study(pebax, tmp_path / "noisy", total=3, replicas=0), noise=1e3)
    found = identify_study(pebax, study, frames=False)
    tables = identifiability_tables(pebax, found)
    assert tables.directions == ()
    assert tables.known == ()
    assert len(tables.inert) == 41
    shown = section(write_report(pebax, study, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "no directions stand above the noise" in shown
    assert "Stiff directions" not in shown


def test_derivatives_without_noise_make_figures_too(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path):
    study = with_gradients(pebax, make_study(pebax, tmp_path / "exact", total=1, replicas=0), noise=0.0)
    answer = identify_study(pebax, study, frames=False).answer
    assert answer.effective.stderr == pytest.approx(0.0, abs=1e-9)
    for picture in (spectrum_picture(answer), parameters_picture(answer), sources_picture(answer)):
        assert picture.source.startswith("data:image/svg+xml")
        assert picture.text


def test_many_targets_are_drawn_by_observable(pebax: Problem, known: Study):
    answer = identify_study(pebax, known, frames=False).answer
    many = replace(answer, targets=answer.targets * 3)
    assert len(sources_picture(many).source) < 0.7 * len(sources_picture(answer).source)
