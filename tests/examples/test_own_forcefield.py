"""The example of atoms with a class II force field of one's own: measured, mapped and inverted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lammps

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-forcefield" / "problem.yaml"


def beadsmith(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "beadsmith", *map(str, words)], check=True, timeout=600)


def test_a_class_ii_liquid_is_measured_mapped_and_inverted(tmp_path):
    study, beads, first_guess = tmp_path / "study", tmp_path / "beads.npz", tmp_path / "first-guess"
    beadsmith("evaluate", EXAMPLE, "--study", study, "--replicas", 1, "--json", tmp_path / "measured.json")
    observed = json.loads((tmp_path / "measured.json").read_text())["observables"]
    measured = {name: (values[0]["value"], values[0]["stderr"]) for name, values in observed.items()}
    # 0.565 in a run of 7 ps; ethane has 0.586 on its boiling curve (Buecker and Wagner 2006, doi:10.1063/1.1859286).
    assert measured["density"][0] == pytest.approx(0.565, rel=0.08)
    # Hydrogens move more than methyl groups.
    assert 0 < measured["debye_waller_factor"][0] < measured["debye_waller_factor_of_atoms"][0]
    # Centres of mass of CH3 lie behind its carbons, 1.53 angstrom apart, by 3 m_H 1.101 cos(110.77 deg) / m_CH3 each.
    assert measured["bead_distance"][0] == pytest.approx(1.53 + 2 * 3 * 1.008 * 0.3905 / 15.035, abs=0.02)

    beadsmith("map", EXAMPLE, "--study", study, "--output", beads, "--json", tmp_path / "mapped.json")
    mapped = json.loads((tmp_path / "mapped.json").read_text())
    assert mapped["molecules"] == {"ethane": "M M"}
    assert mapped["distributions"]["bond"]["M-M"][0]["mean"]["value"] == pytest.approx(measured["bead_distance"][0])

    beadsmith("invert", beads, "--output", first_guess)
    assert list(first_guess.glob("*.yaml"))
