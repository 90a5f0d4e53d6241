"""A problem file with parameters held says the same otherwise, in whatever style it is written."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from beadsmith.campaign.freezing import write_frozen
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem

HEAD = """
# A remark at the head.
title: A tiny melt
beads: {A: {mass: 50 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom}}
"""
TAIL = """
experiments:
  alone:
    kind: vacuum
    molecule: dimer
    timestep: 5 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps}]
observables: {length: {kind: end_to_end_distance, experiment: alone}}  # a remark at the end
"""
VALUES = {"pair.A.epsilon": 0.2345678912, "bond.A-A.k": 7.0}
STYLES = {
    "block": "parameters:\n  pair.A.epsilon: 0.1 to 0.5 kcal/mol\n  pair.A.sigma: 3 to 4 angstrom\n"
    "  bond.A-A.length: {fixed: 3 angstrom}\n  bond.*.k: 4 to 12 kcal/mol/angstrom^2  # a remark\n\n  # another\n",
    "patterns": "parameters:\n    pair.*.epsilon: 0.1 to 0.5 kcal/mol\n    pair.*.sigma: 3 to 4 angstrom\n"
    "    bond.*.k: 4 to 12 kcal/mol/angstrom^2\n    bond.*.length:\n      fixed: 3 angstrom\n",
    "flow": "parameters: {pair.*.epsilon: 0.1 to 0.5 kcal/mol, pair.A.sigma: 3 to 4 angstrom,\n"
    "  bond.*.k: 4 to 12 kcal/mol/angstrom^2, bond.*.length: {fixed: 3 angstrom}}\n",
    "long form": "parameters:\n  pair.A.epsilon:\n    range: 0.1 to 0.5 kcal/mol\n"
    "  pair.A.sigma: {range: 3 to 4 angstrom}\n"
    "  bond.A-A.k:\n    range: >-\n      4 to 12\n      kcal/mol/angstrom^2\n  bond.A-A.length: {tied: pair.A.sigma}\n",
}


@pytest.fixture
def make(tmp_path: Path):
    def problem(parameters: str, more: str = "", fidelity: str | None = None):
        path = tmp_path / "problem.yaml"
        path.write_text(textwrap.dedent(HEAD) + parameters + textwrap.dedent(TAIL) + more)
        return load_problem(path, fidelity)

    return problem


def same_but_for_parameters(first, second):
    return first.file.model_dump(exclude={"parameters"}) == second.file.model_dump(exclude={"parameters"})


@pytest.mark.parametrize("style", STYLES)
def test_the_text_is_kept_and_the_parameters_are_held(make, tmp_path, style):
    problem = make(STYLES[style])
    path = tmp_path / "reduced.yaml"
    assert write_frozen(problem, VALUES, path, "held for a test")
    reduced = load_problem(path)
    assert [one.name for one in reduced.parameters.free] == ["pair.A.sigma"]
    assert reduced.parameters.free[0] in problem.parameters.free
    assert reduced.parameters.fixed == pytest.approx({**problem.parameters.fixed, **VALUES}, rel=1e-8)
    assert reduced.parameters.tied == problem.parameters.tied
    assert same_but_for_parameters(problem, reduced)
    text = path.read_text()
    for remark in ("# A remark at the head.", "# a remark at the end"):
        assert remark in text
    assert ("# held for a test" in text) == (style in {"block", "patterns"})
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_ends_with_its_parameters(make, tmp_path):
    problem = make("", STYLES["patterns"].rstrip("\n"))
    assert write_frozen(problem, VALUES, tmp_path / "reduced.yaml")
    assert load_problem(tmp_path / "reduced.yaml").parameters.fixed["bond.A-A.k"] == pytest.approx(7.0)


def test_rules_that_come_later_are_overruled_at_the_price_of_the_remarks(make, tmp_path):
    """An entry in its place would not do: the pattern after it frees the parameter again."""
    problem = make(
        "parameters:\n  pair.A.epsilon: 0.2 to 0.3 kcal/mol\n  pair.*.epsilon: 0.1 to 0.5 kcal/mol\n"
        "  pair.A.sigma: 3 to 4 angstrom\n  bond.*.k: 4 to 12 kcal/mol/angstrom^2\n  bond.*.length: 3 to 4 angstrom\n"
    )
    assert not write_frozen(problem, VALUES, tmp_path / "reduced.yaml")
    reduced = load_problem(tmp_path / "reduced.yaml")
    assert [one.name for one in reduced.parameters.free] == ["bond.A-A.length", "pair.A.sigma"]
    assert same_but_for_parameters(problem, reduced)
    assert "#" not in (tmp_path / "reduced.yaml").read_text()


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ("", True),
        (
            "targets: {length: {state: {T: 300 K}, value: 3.2 angstrom, uncertainty: 0.1 angstrom, source: us}}\n",
            True,
        ),
        ("parameters:\n  bond.*.k: 4 to 9 kcal/mol/angstrom^2\n", True),
        # A section in braces cannot be followed by another one.
        (None, False),
    ],
    ids=("nothing of its own", "another section", "rules of its own", "in braces"),
)
def test_a_file_that_extends_another_still_does(make, tmp_path, own, kept):
    make(STYLES["patterns"])
    path = tmp_path / "mine.yaml"
    text = (
        "{extends: problem.yaml, title: Mine}\n"
        if own is None
        else f"extends: problem.yaml  # a remark\ntitle: Mine\n{own}"
    )
    path.write_text(text)
    problem = load_problem(path)
    assert write_frozen(problem, VALUES, tmp_path / "reduced.yaml", "held for a test") == kept
    written = (tmp_path / "reduced.yaml").read_text()
    assert "extends: problem.yaml" in written
    assert not kept or ("# held for a test" in written and "# a remark" in written)
    reduced = load_problem(tmp_path / "reduced.yaml")
    assert [one.name for one in reduced.parameters.free] == ["pair.A.sigma"]
    assert reduced.parameters.fixed == pytest.approx({**problem.parameters.fixed, **VALUES}, rel=1e-8)
    assert same_but_for_parameters(problem, reduced)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("style", ["block", "long form"])
def test_rules_that_a_file_inherits_and_could_not_overrule_are_written_out(make, tmp_path, style):
    """An entry of the extended file keeps its place, before a pattern, or its range."""
    rules = STYLES[style].replace("pair.A.sigma: 3 to 4", "pair.*.epsilon: 0.1 to 0.6 kcal/mol\n  pair.A.sigma: 3 to 4")
    make(rules)
    path = tmp_path / "mine.yaml"
    path.write_text("extends: problem.yaml\ntitle: Mine\n")
    problem = load_problem(path)
    assert not write_frozen(problem, VALUES, tmp_path / "reduced.yaml")
    assert "extends" not in (tmp_path / "reduced.yaml").read_text()
    reduced = load_problem(tmp_path / "reduced.yaml")
    assert [one.name for one in reduced.parameters.free] == ["pair.A.sigma"]
    assert reduced.parameters.fixed == pytest.approx({**problem.parameters.fixed, **VALUES}, rel=1e-8)
    assert same_but_for_parameters(problem, reduced)


def test_networks_name_the_model_they_are_cured_with(network_document, tmp_path):
    network_document["experiments"]["network"]["cure"]["model"] = "cured.yaml"
    (tmp_path / "problem.yaml").write_text(yaml.safe_dump(network_document))
    (tmp_path / "elsewhere").mkdir()
    problem = load_problem(tmp_path / "problem.yaml")
    with pytest.raises(ProblemError, match=r"relative to itself, such as cured\.yaml"):
        write_frozen(problem, {"pair.E.epsilon": 1.0}, tmp_path / "elsewhere" / "reduced.yaml")


def test_a_fidelity_with_rules_of_its_own_is_refused(make, tmp_path):
    fidelities = "fidelities: {wide: {parameters: {pair.*.epsilon: 0.1 to 0.9 kcal/mol}}}\n"
    patterns = STYLES["block"]
    with pytest.raises(ProblemError, match=r"fidelities\.wide\.parameters.*move them there"):
        write_frozen(make(patterns, fidelities, "wide"), VALUES, tmp_path / "reduced.yaml")
    assert not (tmp_path / "reduced.yaml").exists()
    assert write_frozen(make(patterns, fidelities, "base"), VALUES, tmp_path / "reduced.yaml")


def test_nothing_to_hold_copies_the_file(make, tmp_path):
    problem = make(STYLES["block"])
    assert write_frozen(problem, {}, tmp_path / "reduced.yaml")
    assert (tmp_path / "reduced.yaml").read_text() == problem.path.read_text()


def test_it_goes_only_where_it_can_be_used(make, tmp_path):
    problem = make(STYLES["block"])
    with pytest.raises(ProblemError, match="another file than the problem itself"):
        write_frozen(problem, VALUES, problem.path)
    with pytest.raises(ProblemError, match="a file in an existing folder"):
        write_frozen(problem, VALUES, tmp_path / "nowhere" / "reduced.yaml")
    (tmp_path / "elsewhere").mkdir()
    assert write_frozen(problem, VALUES, tmp_path / "elsewhere" / "reduced.yaml")
    naming = make(STYLES["block"], "compare: {Published: models/published.yaml}\n")
    with pytest.raises(ProblemError, match=r"relative to itself, such as models/published\.yaml"):
        write_frozen(naming, VALUES, tmp_path / "elsewhere" / "again.yaml")
    assert write_frozen(naming, VALUES, tmp_path / "beside.yaml")
    (tmp_path / "taken.yaml").mkdir()
    with pytest.raises(ProblemError, match="a file that can be written"):
        write_frozen(naming, VALUES, tmp_path / "taken.yaml")
