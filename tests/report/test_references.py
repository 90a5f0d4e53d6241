import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beadsmith.campaign.study import Study
from beadsmith.problem.functions import RadialBasis
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.schema import SEARCH_METHODS, Martins2025
from beadsmith.report import references
from beadsmith.report.findings import gather
from beadsmith.report.references import bibliography, citations

BIB = Path(__file__).parents[2] / "docs" / "references.bib"

ACCENTS = {
    r"{\"u}": "ü",
    r"{\"a}": "ä",
    r"{\'a}": "á",
    r"{\~n}": "ñ",
    r"{\'e}": "é",
    r"{\'i}": "í",
    r"{\'o}": "ó",
    r"$\gamma$": "γ",
}


def entries(text: str) -> dict[str, dict[str, str]]:
    """Fields of each entry of our bibliography, which has one field on a line."""
    for latex, letter in ACCENTS.items():
        text = text.replace(latex, letter)
    found = {}
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        key = entry.partition("{")[2].partition(",")[0]
        fields = re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", entry, flags=re.MULTILINE)
        found[key] = {name: value.replace("{", "").replace("}", "") for name, value in fields}
    return found


@pytest.mark.parametrize("key", sorted(bibliography()))
def test_the_package_agrees_with_the_bibliography_of_the_documentation(key: str):
    own, theirs = bibliography()[key], entries(BIB.read_text(encoding="utf-8")).get(key)
    if theirs is None:
        pytest.skip(f"{key} is not in docs/references.bib yet: add it there")
    assert own.title == theirs["title"]
    assert theirs["year"] in own.published
    if "eprint" in theirs and "doi" not in theirs:
        assert own.doi == f"10.48550/arXiv.{theirs['eprint']}"
    else:
        assert own.doi == theirs.get("doi", "")
    for name in ("journal", "booktitle", "volume"):
        assert theirs.get(name, "") in own.published
    families = [name.partition(",")[0] for name in theirs["author"].split(" and ")]
    assert len(families) == len(own.authors.split(", "))
    for family in families:
        assert family in own.authors


@pytest.mark.parametrize("key", sorted(bibliography()))
def test_every_reference_can_be_found(key: str):
    own = bibliography()[key]
    assert re.fullmatch(r"10\.\d{4,9}/\S+", own.doi) or own.url.startswith("https://")
    assert own.link.startswith("https://")


def test_every_key_that_the_code_may_cite_is_known():
    source = Path(references.__file__).read_text(encoding="utf-8")
    cited = set(re.findall(r'"([a-z]+\d{4})"', source))
    assert len(cited) > 10
    assert cited <= bibliography().keys()


def keys(problem: Problem, study: Study) -> list[str]:
    return [citation.text for citation in citations(gather(problem, study))]


def test_the_example_cites_what_it_uses(pebax: Problem, pebax_study: Study):
    found = keys(pebax, pebax_study)
    assert set(found) == {
        *("martins2025", "bergstra2011", "akiba2019", "avendano2011", "thompson2022"),
        *("shirts2008", "chodera2007", "chodera2016", "rocklin2015"),
    }
    assert found[0] == "martins2025"
    assert len(found) == len(set(found))


def test_reasons_are_gathered(pebax: Problem, pebax_study: Study):
    first = citations(gather(pebax, pebax_study))[0]
    assert first.reasons == ("this problem", "Hybrid strategy", "CG-BO (published)")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("gauss-newton", {"levenberg1944", "marquardt1963"}),
        ("cma-es", {"hansen2001", "nomura2024"}),
        ("sobol", {"sobol1967"}),
        ("random", set()),
        ("tpe-martins2025", {"bergstra2011"}),
    ],
)
def test_only_the_method_that_was_used_is_cited(pebax: Problem, pebax_study: Study, method: str, expected: set[str]):
    findings = gather(pebax, pebax_study)
    assert findings.manifest is not None
    found = {one.text for one in citations(replace(findings, manifest=replace(findings.manifest, method=method)))}
    searches = {"levenberg1944", "marquardt1963", "hansen2001", "nomura2024", "sobol1967", "bergstra2011"}
    assert found & searches == expected


def test_formulas_alone_cite_no_simulations(tmp_path: Path):
    """Nothing is simulated, nor averaged over time, where a formula says what comes out."""
    twin = load_problem(Path(__file__).parents[2] / "examples" / "epoxy" / "twin.yaml")
    found = set(keys(twin, Study(tmp_path / "none")))
    assert not found & {"thompson2022", "rocklin2015", "shirts2008", "chodera2007", "chodera2016"}


def test_every_search_method_has_its_references():
    assert set(SEARCH_METHODS) <= references._OF_METHOD.keys()


def test_radial_basis_functions_and_the_published_misfit_are_cited(pebax: Problem, pebax_study: Study):
    findings = gather(pebax, pebax_study)
    model = findings.compared[0].model
    assert model is not None
    curved = replace(
        model, functions={**model.functions, "bond.T1-T2.k": RadialBasis("DC", (0.0, 1.0), (1.0, 2.0), 0.0)}
    )
    file = pebax.file.model_copy(update={"misfit": Martins2025(kind="martins2025"), "citations": ()})
    changed = replace(
        findings,
        problem=replace(pebax, file=file),
        compared=(replace(findings.compared[0], model=replace(curved, citations=())),),
    )
    found = {citation.text: citation.reasons for citation in citations(changed)}
    assert found["giuntoli2021"] == ("radial basis functions of the state",)
    assert found["martins2025"] == ("the misfit",)


def test_unknown_citations_are_kept_as_they_are(tiny: Callable[..., Problem], tmp_path: Path):
    found = citations(gather(tiny(), Study(tmp_path / "none")))
    assert found[1].text == "A. Nobody, private communication <2024>"
    assert found[1].reference is None
    assert "avendano2011" not in [one.text for one in found]
