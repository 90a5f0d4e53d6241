"""Distributions in tables and figures: one row for all bins, one panel against the coordinate."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Observation
from beadsmith.problem.state import State
from beadsmith.report.figures.curves import curve_pictures, panels
from beadsmith.report.figures.family import varying
from beadsmith.report.findings import Subject
from beadsmith.report.labels import observable_unit
from beadsmith.report.tables import Row, property_table
from beadsmith.report.terminal import rendered

MELT = """
title: A melt by its structure
beads: {A: {mass: 50 g/mol}}
molecules: {dimer: {beads: A A}}
forcefield: {pair: {style: lj/cut, cutoff: 9 angstrom}}
parameters:
  bond.A-A.k: 1 to 12 kcal/mol/angstrom^2
  bond.A-A.length: {fixed: 3 angstrom}
  pair.A.sigma: {fixed: 3 angstrom}
  pair.A.epsilon: {fixed: 0.5 kcal/mol}
experiments:
  melt:
    kind: melt
    molecules: {dimer: 200}
    initial_density: 0.5 g/cm^3
    timestep: 4 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 500 400 300 K, hold: 10 ps}]
observables:
  density: {kind: density, experiment: melt}
  rdf: {kind: radial_distribution, experiment: melt, r: 3 to 9 by 0.5 angstrom}
  bonds: {kind: bond_distribution, experiment: melt, r: 2.5 to 3.5 by 0.1 angstrom, per: volume}
targets:
  rdf:
    state: {T: 300 K, r: 4 to 8 by 0.5 angstrom}
    value: 0.2 0.5 1.4 1.3 1.1 1.0 1.0 1.0 1.0
    uncertainty: 0.1
    source: nowhere
"""
TEMPERATURES = (300.0, 400.0, 500.0)


@pytest.fixture
def melt(tmp_path: Path) -> Problem:
    path = tmp_path / "melt.yaml"
    path.write_text(textwrap.dedent(MELT))
    return load_problem(path)


def observed(problem: Problem, off: float = 0.0, stderr: float = 1e-9) -> list[Observation]:
    """Every bin at every temperature, ``off`` by so many uncertainties where there is a target."""
    goals = {one.state: one for one in problem.targets}
    found = []
    for name in ("rdf", "bonds"):
        for T in TEMPERATURES:
            for number, state in enumerate(problem.observables[name].states(State.of(T=T))):
                goal = goals.get(state) if name == "rdf" else None
                sign = (-1) ** number
                value = 1.0 + 0.1 * np.sin(number) if goal is None else goal.value + sign * off * goal.stderr
                found.append(Observation(name, state, value, stderr, 30.0))
    return found


def subject(observations: Sequence[Observation]) -> Subject:
    return Subject("model", "", tuple(observations), None, {}, {}, result=True)


def rows(problem: Problem, *models: Sequence[Observation]) -> dict[str, list[Row]]:
    table = property_table(problem, [subject(one) for one in models])
    return {group.title: list(group.rows) for group in table.groups}


def test_a_whole_distribution_is_one_row(melt):
    found = rows(melt, observed(melt, off=1.5))
    assert list(found) == ["Rdf", "Bonds (1/Å³)"]
    labels = [row.label for row in found["Rdf"]]
    assert labels == ["T = 300 K, deviation of 9 bins", "T = 400 K, highest bin", "T = 500 K, highest bin"]
    assert [row.label for row in found["Bonds (1/Å³)"]] == [f"T = {T:g} K, highest bin" for T in TEMPERATURES]
    [cell] = found["Rdf"][0].cells
    assert cell.written.text == "1.5 σ"
    [highest] = found["Rdf"][1].cells
    assert highest.value == pytest.approx(1.0 + 0.1 * np.sin(np.arange(13)).max())


def test_errors_of_the_simulation_count_too(melt):
    [cell] = rows(melt, observed(melt, off=1.5, stderr=0.1))["Rdf"][0].cells
    assert cell.value == pytest.approx(1.5 / math.sqrt(2), rel=1e-6)


def test_a_model_without_some_bins_has_no_deviation(melt):
    missing = [one for one in observed(melt) if one.state != State.of(T=300, r=5)]
    whole, part, nothing = rows(melt, observed(melt), missing, [])["Rdf"][0].cells
    assert whole.written.text == "0 σ"
    assert part is None
    assert nothing is None


def test_a_flag_of_one_bin_marks_the_row(melt):
    flagged = [
        Observation(one.observable, one.state, one.value, one.stderr, 1.0, False, "still drifting")
        if one.state == State.of(T=300, r=5)
        else one
        for one in observed(melt)
    ]
    [cell] = rows(melt, flagged)["Rdf"][0].cells
    assert (cell.mark, cell.note) == ("†", "still drifting")


def test_the_sign_of_a_deviation_is_explained_where_it_stands(melt):
    def caption(problem: Problem) -> str:
        return rendered(property_table(problem, [subject(observed(problem))])).caption or ""

    assert "σ root mean square deviation of bins" in caption(melt)
    bare = Problem(**{**vars(melt), "targets": (), "tolerances": ()})
    assert "σ" not in caption(bare)


def test_the_coordinate_is_the_axis_however_many_temperatures_there_are(melt):
    states = [State.of(T=float(T), r=r) for T in range(100, 600, 10) for r in (3.0, 4.0)]
    assert varying(states) == "r"
    found = panels(melt, None, [subject(observed(melt))])
    # Of the radial distribution where it has targets; of the bonds, which have none, the coldest and the hottest.
    assert [(one.observable, one.variable, one.rest.label) for one in found] == [
        ("rdf", "r", "T=300"),
        ("bonds", "r", "T=300"),
        ("bonds", "r", "T=500"),
    ]
    assert found[0].target is not None
    assert len(found[0].target.x) == 9
    assert [len(one.curves[0].x) for one in found] == [13, 11, 11]


def test_pictures_name_the_coordinate_and_its_unit(melt):
    rdf, bonds, _ = curve_pictures(melt, None, [subject(observed(melt, stderr=0.02))])
    assert rdf.text.startswith("Rdf at T = 300 K against r (Å)")
    assert bonds.text.startswith("Bonds at T = 300 K against r (Å)")
    assert observable_unit(melt, "bonds") == "1/Å³"
