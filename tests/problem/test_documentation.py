"""The examples of the pages are problems, and their listings are right."""

import re
from pathlib import Path

from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import load_problem
from beadsmith.problem.records import FailureKind

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"

_REST = """
title: Chains
beads: {A: {mass: 50 g/mol, description: a monomer}}
molecules: {chain: {beads: A A A}}
forcefield: {pair: {style: lj/gromacs, inner_cutoff: 9 angstrom, cutoff: 12 angstrom}}
parameters:
  pair.A.epsilon: 0.2 to 1.2 kcal/mol
  pair.A.sigma: {fixed: 4 angstrom}
  bond.A-A.k: {fixed: 8 kcal/mol/angstrom^2}
  bond.A-A.length: {fixed: 3.6 angstrom}
  angle.A-A-A.k: {fixed: 3 kcal/mol/rad^2}
  angle.A-A-A.theta0: {fixed: 130 degree}
observables:
  density: {kind: density, experiment: melt}
"""


def test_the_example_of_the_documentation_is_read(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text(encoding="utf-8")
    (problem,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "resin.yaml").write_text(problem, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, PAGE.name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"# (\w+: .*)", example)


def test_the_experiments_of_the_page_about_problem_files_are_read(tmp_path):
    page = (PAGE.parent / "problem-file.md").read_text(encoding="utf-8")
    (experiments,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "kind: melt" in text]
    (tmp_path / "chains.yaml").write_text(_REST + experiments, encoding="utf-8")
    melt, alone = load_problem(tmp_path / "chains.yaml").experiments.values()
    assert (melt.kind, alone.kind) == ("melt", "vacuum")
    assert [state.label for state in recorded_states(melt)] == ["T=400", "T=350", "T=300"]


def test_the_page_about_failures_names_them_all():
    page = (PAGE.parent / "running.md").read_text(encoding="utf-8").split("## Failures")[1]
    assert re.findall(r"^\| ([a-z ]+) \|", page, re.MULTILINE)[1:] == [kind.label for kind in FailureKind]


def test_every_reference_of_the_pages_is_in_the_bibliography():
    known = set(
        re.findall(r"^@\w+\{(\w+),", (PAGE.parent / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for page in PAGE.parent.glob("*.md"):
        cited = re.findall(r"\[((?:[a-z]+\d{4}(?:, )?)+)\]", page.read_text(encoding="utf-8"))
        assert {key for keys in cited for key in keys.split(", ")} <= known, page.name
