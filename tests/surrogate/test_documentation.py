import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "surrogates.md"


def test_the_example_of_the_documentation_runs_and_says_what_the_page_says(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    prediction, judgement = capsys.readouterr().out.splitlines()
    mean, deviation = (float(number) for number in re.findall(r"\d\.\d+", prediction))
    assert abs(mean - 1.196) < 3 * deviation
    assert deviation < 0.005
    assert judgement.endswith("no warnings")
