"""The page says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from beadsmith.problem.bead_mapping import molecule_beads
from beadsmith.problem.schema import BeadMapping

PAGE = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")


def test_the_example_of_the_documentation_runs_and_says_what_the_page_says(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "mapping.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    promised = [line.split("# ")[1] for line in example.splitlines() if line.startswith("print(")]
    assert said == promised


def test_the_mapping_of_the_documentation_makes_the_beads_that_the_page_says(graphs):
    first, second = (yaml.safe_load(text)["mapping"] for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    beads = molecule_beads(graphs, BeadMapping.model_validate(first))
    assert " ".join(beads["dgeba"].topology.beads) == "B3 B2 B1 B2 B3"
    assert f"{beads['pacm'].masses[1]:.3f}"[:-1] == "89.15"
    assert set(BeadMapping.model_validate(second).molecules) == {"DGE"}
