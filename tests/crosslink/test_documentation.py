import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "crosslinking.md"


def test_the_example_of_the_documentation_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    assert capsys.readouterr().out.startswith("gel point at DC = 0.577")  # 1/sqrt(3)
