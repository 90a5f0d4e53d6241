"""The published epoxies: what their files say, and a first cure at the smallest fidelity."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beadsmith.crosslink.rules import rules_of
from beadsmith.crosslink.stoichiometry import bonds_of_all
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.state import State

EPOXY = Path(__file__).parents[2] / "examples" / "epoxy"
FILES = ("pacm", "d400", "mixed", "fracture")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("fidelity", ["base", "quick", "ci", "paper"])
def test_every_file_is_valid_at_every_fidelity(name, fidelity):
    problem = load_problem(EPOXY / f"{name}.yaml", fidelity)
    network = problem.experiments["network"]
    model = load_model(problem.file_named(network.cure.model), problem)
    for degree in network.degrees:
        assert all(value > 0 for value in model.at(State.of(DC=degree, T=300)).values())
    # Equal numbers of epoxides and of amine hydrogens.
    counts = network.molecules
    epoxides = sum(problem.molecules[kind].beads.count("B3") * count for kind, count in counts.items())
    amines = sum(problem.molecules[kind].beads.count("B5") * count for kind, count in counts.items())
    assert epoxides == 2 * amines
    rules = rules_of(problem.file.reactions, problem.pairs, network.cure)
    assert bonds_of_all(rules, problem.molecules, counts) == epoxides
    assert [(stage.rule.description, stage.until) for stage in rules.stages] == [
        ("only virgin B5", 0.5),
        ("only between different networks", 0.75),
        ("free", None),
    ]


def test_masses_are_those_of_the_chemistry():
    problem = load_problem(EPOXY / "pacm.yaml")
    masses = {
        name: sum(problem.beads[bead].mass for bead in molecule.beads) for name, molecule in problem.molecules.items()
    }
    assert masses == pytest.approx({"dgeba": 340.42, "pacm": 210.36, "d400": 422.6}, abs=0.1)
    assert [len(problem.molecules[name].beads) for name in ("dgeba", "pacm", "d400")] == [5, 4, 15]
    # 7 of the 25 beads of one D400 and two DGEBA are bead 6, the 28 % that the paper states.
    assert problem.molecules["d400"].beads.count("B6") == 7


def test_paper_and_quick_have_the_published_sizes():
    sizes = {
        (name, fidelity): dict(load_problem(EPOXY / f"{name}.yaml", fidelity).experiments["network"].molecules)
        for name in ("pacm", "d400")
        for fidelity in ("quick", "paper")
    }
    assert sizes["pacm", "paper"] == {"dgeba": 2000, "pacm": 1000}
    assert sizes["d400", "paper"] == {"dgeba": 1000, "d400": 500}
    assert sizes["pacm", "quick"] == {"dgeba": 200, "pacm": 100}


@pytest.mark.lammps
def test_a_mixed_epoxy_cures_at_its_smallest_fidelity(tmp_path):
    words = ["cure", EPOXY / "mixed.yaml", "--fidelity", "ci", "--to", 0.5, "--study", tmp_path / "study"]
    command = [sys.executable, "-m", "beadsmith", *map(str, words), "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (network,) = json.loads((tmp_path / "out.json").read_text())["networks"]
    assert network["degree"] == 0.5
    assert network["groups"]["B5"] == [0, 16, 0]  # only virgin amines until half of them have reacted
    assert network["groups"]["B3"] == [16, 16]
