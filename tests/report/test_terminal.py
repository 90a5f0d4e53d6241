import io
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from beadsmith.campaign.calibration import Measured, measured_as, outcome_of
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.problem.state import State
from beadsmith.report import measured_table, terminal_table


def printed(table: Table, width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def measured(problem: Problem, label: str, observations: Sequence[Observation]) -> Measured:
    """A model that was measured once, and not judged."""
    return measured_as(label, [Evaluation(0, {}, 1, tuple(observations))], problem.observables)


def test_all_states_and_all_models_are_printed(pebax: Problem, pebax_study: Study):
    text = printed(terminal_table(pebax, outcome_of(pebax_study, pebax)))
    assert text.count("T = ") == 8 + 15
    for words in (
        "Density (g/cm³)",
        "Hybrid strategy",
        "CG-BO (published)",
        "Calibrated",
        "3 repeats",
        "1.2344±0.0100",
        "Misfit",
    ):
        assert words in text
    assert "▲ above its target" in text


def test_the_table_of_the_example_fits_a_narrow_terminal(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    assert outcome.best is not None
    text = printed(terminal_table(pebax, outcome), width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    last = next(line for line in text.splitlines() if "T = 500 K" in line)
    assert last.count("±") == 4


def test_a_table_that_cannot_fit_is_folded_and_loses_no_digit(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    assert outcome.best is not None
    many = measured_table(pebax, [replace(outcome.best, label=f"model {number}") for number in range(7)])
    wide, narrow = printed(many, width=300), printed(many, width=80)
    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert sorted(filter(str.isdigit, narrow)) == sorted(filter(str.isdigit, wide))


def test_one_evaluation_has_its_misfit(pebax: Problem, pebax_study: Study):
    evaluation = outcome_of(pebax_study, pebax).evaluations[0]
    text = printed(measured_table(pebax, [measured_as("mine", [evaluation], pebax.observables)]))
    line = next(line for line in text.splitlines() if line.strip().startswith("Misfit"))
    assert f"{evaluation.misfit:.3g}±?" in line
    assert "± ? error not known" in text


def test_gaps_are_dashes(pebax: Problem):
    text = printed(
        measured_table(pebax, [measured(pebax, "mine", [Observation("density", State.of(T=150.0), 1.234, 0.003)])])
    )
    assert "1.2340±0.0030" in text
    assert "–" in next(line for line in text.splitlines() if "T = 175 K" in line)
    assert "–" in next(line for line in text.splitlines() if "Misfit" in line)


def test_names_are_not_read_as_markup(pebax: Problem):
    assert "[red]x[/red]" in printed(measured_table(pebax, [measured(pebax, "[red]x[/red]", [])]))


def test_a_study_without_anything_shows_its_targets(tiny: Callable[..., Problem], tmp_path):
    problem = tiny()
    text = printed(terminal_table(problem, outcome_of(Study(tmp_path / "none"), problem)))
    assert "1.050±0.010" in text
