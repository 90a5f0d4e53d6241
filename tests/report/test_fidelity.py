"""What is said of a fidelity, and when it is left unsaid."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from beadsmith.calibrate.repeats import Bias, Scatter
from beadsmith.campaign.advice import Need, Setting
from beadsmith.campaign.fidelity import Finding
from beadsmith.observe.relaxation import Relaxation
from beadsmith.problem.problem import load_problem
from beadsmith.problem.state import State
from beadsmith.report.fidelity import declaration, finding_table, limits, sentences, setting_table

PEBAX = Path(__file__).parents[2] / "examples" / "pebax" / "problem.yaml"
TEMPERATURES = (150.0, 175.0, 500.0)

HONEST = Scatter(0.003**2, 0.003**2, 6)
NO_BIAS = Bias(0.0004, 0.0015, 0.0, 0.8, False, 0.0001, 0.0014)
LONG = Relaxation(14400.0, 1, 400.0, 30.0, 20.0, 60.0, 0.0001, 0.001, 0.9)


@pytest.fixture(scope="module")
def problem():
    return load_problem(PEBAX, measured=False)


def found(**changes) -> list[Finding]:
    """Densities about which nothing need be said, the first one changed."""
    usual = Finding("density", State.of(T=150.0), 9, 3, HONEST, NO_BIAS, {}, 0.0, LONG, LONG)
    own = [replace(usual, state=State.of(T=temperature)) for temperature in TEMPERATURES]
    return [replace(own[0], **changes), *own[1:]]


def said(problem, findings, means=None) -> str:
    return "\n".join(sentences(problem, findings, means or {}, "quick, 4 times longer"))


def test_nothing_is_made_of_nothing(problem):
    text = said(problem, found())
    assert text == "density: no significant bias against quick, 4 times longer at any state, each known to 0.0015 g/cm³"


def test_a_bias_is_stated_with_its_error_and_place(problem):
    biased = replace(NO_BIAS, mean=-0.0061, stderr=0.0012, significant=True)
    text = said(problem, found(bias=biased))
    assert "density: biased against quick, 4 times longer at T = 150 K: −0.0061 ± 0.0012 g/cm³" in text
    whole = said(problem, found(), {"density": replace(NO_BIAS, mean=-0.003, stderr=0.0005, significant=True)})
    assert "on average over its states biased against quick, 4 times longer by −0.00300 ± 0.00050 g/cm³" in whole
    assert "on average" not in said(problem, found(), {"density": NO_BIAS})


def test_many_biased_states_are_counted_together(problem):
    biased = replace(NO_BIAS, mean=-0.0061, stderr=0.0012, significant=True)
    every = [replace(one, bias=replace(biased, mean=-0.001 * one.state["T"] / 150)) for one in found()]
    assert "at all 3 states, most at T = 500 K" in said(problem, every)
    assert "at T = 150, 175 K, most at T = 175 K" in said(problem, [*every[:2], found()[2]])


def test_an_unknown_bias_is_said_to_be_unknown(problem):
    assert "says nothing about its bias" in said(problem, [replace(one, bias=None) for one in found()])


def test_error_bars_that_are_too_small_are_named_and_honest_ones_are_not(problem):
    text = said(problem, found(scatter=Scatter(0.006**2, 0.002**2, 6)))
    assert "error bars of single runs are up to 3 times too small, at T = 150 K: runs differ by 0.0057 g/cm³" in text
    assert "too small" not in said(problem, found(scatter=Scatter(0.0028**2, 0.002**2, 6)))


def test_a_hold_that_is_too_short_is_measured_in_relaxation_times(problem):
    short = replace(LONG, relaxation_times=0.8, lowest=0.4, highest=2.0)
    text = said(problem, found(relaxation=short))
    assert (
        "the hold of 14.4 ps at T = 150 K is 0.8 (0.4 to 2) relaxation times: its error bar cannot be trusted" in text
    )
    # Only if the most favourable reading is too short, too.
    assert "relaxation times" not in said(problem, found(relaxation=replace(short, highest=11.0)))
    frozen = replace(LONG, relaxation_times=0.01, lowest=0.01, highest=0.05)
    assert "is less than 0.05 relaxation times" in said(problem, found(relaxation=frozen))


def test_many_short_holds_are_one_sentence(problem):
    short = replace(LONG, relaxation_times=0.8, lowest=0.4, highest=2.0)
    every = [replace(one, relaxation=replace(short, relaxation_times=one.state["T"] / 200)) for one in found()]
    text = said(problem, every)
    assert text.count("relaxation times") == 1
    assert "at all 3 states are too short, at T = 150 K 0.75 (0.4 to 2) relaxation times" in text


def test_molecules_that_do_not_relax_have_right_error_bars_and_perhaps_wrong_shapes(problem):
    frozen = replace(LONG, members=40, relaxation_times=0.3, lowest=0.2, highest=0.5)
    text = said(problem, found(relaxation=frozen))
    assert "the error bar over 40 molecules is right" in text
    assert "cannot be trusted" not in text


def test_drift_is_reported_only_beyond_chance_at_any_state(problem):
    drifting = replace(LONG, drift=-0.012, drift_stderr=0.002, drift_probability=0.0002)
    assert "drifts by −0.0120 ± 0.0020 g/cm³ within the hold at T = 150 K" in said(problem, found(relaxation=drifting))
    assert "drifts" not in said(problem, found(relaxation=replace(drifting, drift_probability=0.002)))


def test_a_reference_that_does_not_relax_is_not_the_truth(problem):
    short = replace(LONG, relaxation_times=0.8, lowest=0.4, highest=2.0)
    assert "does not relax within its holds either, at T = 150 K" in said(problem, found(reference_relaxation=short))
    assert "either" not in said(problem, found(reference_relaxation=short, bias=None))


def setting(findings, tolerance=0.005, **changes) -> Setting:
    needs = tuple(Need(one, tolerance) for one in findings)
    return replace(Setting("melt", needs, 2, 1.0, None, 20.0, 10.0), **changes)


def test_limits_are_biases_beyond_the_tolerance(problem):
    assert limits(problem, [setting(found())], "long") == []
    large = replace(NO_BIAS, mean=-0.006, significant=True)
    (one,) = limits(problem, [setting(found(bias=large))], "long")
    assert "more than the tolerance at T = 150 K" in one
    unknown = replace(NO_BIAS, correction_stderr=0.0061)
    (one,) = limits(problem, [setting(found(bias=unknown))], "long")
    assert "uncertain by up to 0.0061 g/cm³" in one


def test_tables_fit_a_terminal_and_hold_the_numbers(problem):
    biased = replace(NO_BIAS, mean=-0.0061, stderr=0.0012, between_models=0.002, significant=True)
    shown = drawn(finding_table(problem, found(bias=biased, flagged=1 / 3)))
    assert "Density (g/cm³)" in shown
    assert "−0.0061±0.0012*" in shown
    assert "33 %" in shown
    assert max(map(len, shown.splitlines())) <= 80

    shown = drawn(setting_table(problem, [setting(found()), setting(found(), experiment="vacuum", copies=12)]))
    assert "2 runs" in shown
    assert "12 copies in one run" in shown
    assert "0.005 g/cm³" in shown


def drawn(table) -> str:
    console = Console(file=StringIO(), width=80)
    console.print(table)
    text = console.file.getvalue()
    assert "…" not in text
    return text


def test_the_declaration_is_what_a_problem_file_takes(problem, tmp_path):
    lines = declaration(
        [setting(found(), longer=1.5), setting(found(), experiment="vacuum", runs=1, copies=12)], "m.json"
    )
    assert lines == [
        "experiments: {vacuum: {replicas: 12}}",
        "precision: {replicas: 2, longest: 1.5, measured: m.json}",
    ]
