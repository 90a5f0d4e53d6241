"""The example of the page about networks is a problem, and its listing is right."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def test_the_example_of_the_documentation_is_read(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text(encoding="utf-8")
    (problem,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "resin.yaml").write_text(problem, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, PAGE.name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"# (\w+: .*)", example)
