import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "sensitivity.md"


def test_the_example_of_the_documentation_runs_and_says_what_the_page_says(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    *lines, groups, free = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["DC", "pair.1.epsilon", "pair.1.sigma"]
    assert groups == "('DC', 'bead 1')"
    assert free == "('pair.1.epsilon', 'pair.1.sigma')"
