import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "identifiability.md"


def test_the_example_of_the_documentation_runs_and_says_what_the_page_says(capsys):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 1
    exec(compile(examples[0], PAGE.name, "exec"), {})
    shown = capsys.readouterr().out
    assert "1.00 usable numbers" in shown
    assert "sloppy: bond.A-A.length +0.71, pair.A.sigma -0.71" in shown
    assert "would add 0.93" in shown
