import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"


def test_the_example_of_the_documentation_runs_and_says_what_the_page_says(capsys):
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)

    exec(compile(example, PAGE.name, "exec"), {})

    assert capsys.readouterr().out == printed
