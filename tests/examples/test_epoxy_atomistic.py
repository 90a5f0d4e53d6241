"""The all-atom epoxies: what their files say, and the way from atoms to a first coarse-grained model."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from beadsmith.crosslink.rules import rules_of
from beadsmith.crosslink.stoichiometry import bonds_of_all
from beadsmith.problem.bead_mapping import molecule_beads
from beadsmith.problem.problem import load_problem

EXAMPLES = Path(__file__).parents[2] / "examples"
ATOMS = EXAMPLES / "epoxy-atomistic"
DIAMINES = ("pacm", "d400")


@pytest.mark.parametrize("name", DIAMINES)
@pytest.mark.parametrize("fidelity", ["base", "quick", "ci", "paper"])
def test_every_file_is_valid_and_stoichiometric_at_every_fidelity(name, fidelity):
    problem = load_problem(ATOMS / f"{name}.yaml", fidelity)
    network = problem.experiments["network"]
    counts = network.molecules
    sites = {
        kind: sum(problem.molecules[one].beads.count(kind) * count for one, count in counts.items())
        for kind in ("epoxide", "amine")
    }
    rules = rules_of(problem.file.reactions, problem.pairs, network.cure)

    assert sites["epoxide"] == 2 * sites["amine"]
    assert bonds_of_all(rules, problem.molecules, counts) == sites["epoxide"]


@pytest.mark.parametrize("name", DIAMINES)
def test_its_beads_are_those_of_the_coarse_grained_file(name):
    atoms, beads = load_problem(ATOMS / f"{name}.yaml"), load_problem(EXAMPLES / "epoxy" / f"{name}.yaml")
    mapped = molecule_beads(atoms.graphs, atoms.file.mapping)
    for molecule in ("dgeba", name):
        assert mapped[molecule].topology == beads.molecules[molecule]


@pytest.mark.parametrize("name", DIAMINES)
def test_two_dgeba_and_a_diamine_have_the_mass_that_they_have_as_beads(name):
    """The rings of the epoxides are open and the amines have no hydrogens: the same mass, elsewhere."""
    atoms, beads = load_problem(ATOMS / f"{name}.yaml"), load_problem(EXAMPLES / "epoxy" / f"{name}.yaml")
    masses = [
        sum(
            count * sum(problem.beads[kind].mass for kind in problem.molecules[one].beads)
            for one, count in (("dgeba", 2), (name, 1))
        )
        for problem in (atoms, beads)
    ]
    assert masses[0] == pytest.approx(masses[1], abs=0.05)


def test_the_paper_fidelity_has_the_published_sizes():
    sizes = {
        name: dict(load_problem(ATOMS / f"{name}.yaml", "paper").experiments["network"].molecules) for name in DIAMINES
    }
    assert sizes == {"pacm": {"dgeba": 768, "pacm": 384}, "d400": {"dgeba": 944, "d400": 472}}


@pytest.mark.slow
@pytest.mark.lammps
def test_from_atoms_to_a_first_model_of_beads(tmp_path):
    """Two minutes: the commands of the page, one after the other."""
    problem, study = str(ATOMS / "pacm.yaml"), str(tmp_path / "study")

    def run(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "beadsmith", *words], check=True, cwd=tmp_path)

    run("cure", problem, "-f", "ci", "-s", study, "--json", "cure.json")
    run("evaluate", problem, "-f", "ci", "-s", study, "--json", "atoms.json")
    run("map", problem, "-f", "ci", "-s", study, "-o", "beads.npz")
    run("invert", "beads.npz", "--output", "first")
    run("evaluate", "first/problem.yaml", "-m", "first/model.yaml", "--json", "beads.json", "--replicas", "1")
    cured, atoms, beads = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("cure", "atoms", "beads"))

    assert cured["networks"][0]["degree"] == pytest.approx(0.5, abs=0.05)
    density = atoms["observables"]["density"][0]
    assert 0.9 < density["value"] < 1.2
    of_beads, of_atoms = (atoms["observables"][f"debye_waller_factor{end}"][0] for end in ("", "_of_atoms"))
    assert of_beads["value"] < of_atoms["value"]
    # A first guess of epsilon is some tenths of kT off: a liquid of about the density, no more.
    assert beads["observables"]["density"][0]["value"] == pytest.approx(density["value"], rel=0.35)


def test_what_beads_are_renormalized_to_is_the_committed_reference():
    problem = load_problem(EXAMPLES / "epoxy" / "from-atoms.yaml")
    with (ATOMS / "reference" / "pacm.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["replica"] == "1"]
    for name in ("density", "debye_waller_factor"):
        targets = [one for one in problem.targets if one.observable == f"pacm_{name}"]
        assert {one.state["DC"]: one.value for one in targets} == {float(row["DC"]): float(row[name]) for row in rows}
        assert all(one.stderr >= float(row[f"{name}_stderr"]) for one, row in zip(targets, rows, strict=True))
