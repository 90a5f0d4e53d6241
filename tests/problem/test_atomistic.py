"""Problem files of atoms: what they hold, and what is refused."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.problem import Problem, load_problem

ATOMS: dict[str, Any] = {
    "title": "An epoxide and a diamine",
    "forcefield": {"atomistic": "dreiding", "cutoff": "7 angstrom"},
    "molecules": {
        "epoxy": {"smiles": "*CC(O)COc1ccccc1", "sites": "epoxide"},
        "diamine": {"smiles": "*N(*)CCN(*)*", "sites": "amine"},
    },
    "reactions": {"capacities": {"epoxide": 1, "amine": 2}, "bonds": "epoxide-amine"},
    "mapping": {
        "molecules": {
            "epoxy": [{"bead": "G", "smarts": "[CH2][CH]([OH])[CH2]"}, {"bead": "P", "smarts": "c1ccccc1O"}],
            "diamine": [{"bead": "N", "smarts": "N"}, {"bead": "E", "smarts": "[CH2][CH2]"}],
        }
    },
    "experiments": {
        "network": {
            "kind": "network",
            "molecules": {"epoxy": 40, "diamine": 10},
            "initial_density": "0.4 g/cm^3",
            "timestep": "1 fs",
            "cure": {
                "cutoff": "6 angstrom",
                "preparation": [{"stage": "minimize"}],
                "relaxation": [{"stage": "minimize"}],
            },
            "degrees": "0 0.5",
            "protocol": [{"stage": "npt", "temperature": "300 K", "duration": "10 ps", "record": True, "frames": 100}],
        }
    },
    "observables": {
        "density": {"kind": "density", "experiment": "network"},
        "u2": {"kind": "debye_waller_factor", "experiment": "network", "time": "1 ps"},
    },
}


@pytest.fixture
def loaded(write: Callable[[Any], Path]) -> Callable[[dict[str, Any]], Problem]:
    return lambda document: load_problem(write(document))


def with_(path: str, value: object) -> dict[str, Any]:
    """The document with one entry set; None removes it."""
    document = deepcopy(ATOMS)
    *parents, key = path.split("/")
    section = document
    for parent in parents:
        section = section.setdefault(parent, {})
    section[key] = value
    if value is None:
        del section[key]
    return document


def test_kinds_of_atoms_are_elements_and_reactive_sites(loaded):
    problem = loaded(ATOMS)

    assert problem.atomistic
    assert set(problem.beads) == {"epoxide", "amine", "C", "O", "H"}
    assert problem.beads["epoxide"].mass == problem.beads["C"].mass
    assert problem.molecules["diamine"].beads.count("amine") == 2
    assert problem.pairs == (("epoxide", "amine"),)
    assert not problem.parameters.kinds


def test_all_bonds_and_angles_that_a_cure_can_make_are_known(loaded):
    problem = loaded(ATOMS)

    assert "epoxide-amine" in problem.bond_types
    assert {"epoxide-amine-C", "epoxide-amine-epoxide", "C-epoxide-amine"} <= set(problem.angle_types)


def test_masses_are_those_of_the_monomers(loaded):
    """Phenyl glycidyl ether C9H10O2 and ethylenediamine without its four hydrogens C2H4N2: the paper's convention."""
    problem = loaded(ATOMS)
    masses = {
        name: sum(problem.beads[kind].mass for kind in molecule.beads) for name, molecule in problem.molecules.items()
    }

    assert masses["epoxy"] == pytest.approx(9 * 12.011 + 11 * 1.008 + 2 * 15.999, abs=0.01)
    assert masses["diamine"] == pytest.approx(2 * 12.011 + 4 * 1.008 + 2 * 14.007, abs=0.01)


@pytest.mark.parametrize(
    ("path", "value", "where", "telling"),
    [
        ("beads", {"A": {"mass": "1 g/mol"}}, "beads", "none in a file of atoms"),
        ("parameters", {"pair.*.sigma": "3 to 4 angstrom"}, "parameters", "DREIDING knows all its numbers"),
        ("molecules/epoxy", {"beads": "A A"}, "molecules.epoxy", "SMILES"),
        ("molecules/epoxy/smiles", "C1CC(", "molecules.epoxy.smiles", "RDKit can read"),
        ("molecules/epoxy/smiles", "*C[Fe]C", "molecules.epoxy.smiles", "Fe"),
        ("molecules/diamine/sites", "N", "molecules.diamine.sites", "not that of an element"),
        ("molecules/diamine/sites", "thiol", "molecules.diamine.sites", "a kind of site with a capacity"),
        ("molecules/diamine/smiles", "*NCCN(*)*", "molecules.diamine.smiles", "1 open valences at atom N1"),
        ("molecules/diamine/smiles", "*NCCN(*)*", "molecules.diamine.smiles", "a molecule has sites of one kind"),
        (
            "molecules/diamine",
            {"smiles": "*NCCN*", "sites": "epoxide"},
            "molecules.diamine.sites",
            "atoms of one element",
        ),
        ("reactions", None, "molecules.epoxy.sites", "declare it there"),
        # What would be an amide: its nitrogen is N_R, not N_3.
        ("molecules/epoxy/smiles", "*C(=O)COc1ccccc1", "reactions.bonds", "N1 of diamine beside C1 of epoxy"),
        ("molecules/epoxy/smiles", "*c1ccccc1", "reactions.bonds", "would be conjugated"),
        ("forcefield/atomistic", "uff", "forcefield.atomistic", "one of dreiding"),
        ("forcefield/cutof", "8 angstrom", "forcefield.cutof", "did you mean 'cutoff'?"),
        ("forcefield/cutoff", "30 angstrom", "forcefield.cutoff", "less than half the box"),
        ("molecules/epoxy/side", "epoxide", "molecules.epoxy.side", "did you mean 'sites'?"),
    ],
)
def test_bad_files_of_atoms_get_one_sentence(loaded, path, value, where, telling):
    with pytest.raises(ProblemError) as caught:
        loaded(with_(path, value))

    assert caught.value.where.endswith(f": {where}")
    assert telling in str(caught.value)


def test_an_amine_that_is_conjugated_already_may_meet_an_aromatic_ring(loaded):
    document = with_("molecules/epoxy/smiles", "*c1ccccc1")
    document["molecules"]["diamine"]["smiles"] = "*N(*)c1ccc(cc1)N(*)*"
    del document["mapping"]

    assert loaded(document).pairs == (("epoxide", "amine"),)


def test_atoms_in_vacuum_are_refused(loaded):
    document = with_(
        "experiments/alone",
        {
            "kind": "vacuum",
            "molecule": "epoxy",
            "timestep": "1 fs",
            "protocol": [{"stage": "langevin", "temperature": "300 K", "duration": "1 ps"}],
        },
    )
    with pytest.raises(ProblemError, match=r"experiments\.alone\.kind.*a melt or a network"):
        loaded(document)


def test_atoms_are_not_pushed_off_softly(loaded):
    document = with_(
        "experiments/network/cure/preparation", [{"stage": "minimize"}, {"stage": "push-off", "soft": True}]
    )
    with pytest.raises(ProblemError, match=r"cure\.preparation\.2\.soft: received yes, expected no"):
        loaded(document)


NPT = {"stage": "npt", "temperature": "600 K", "duration": "1 ps"}


@pytest.mark.parametrize("first", [{"stage": "minimize"}, {"stage": "push-off", "temperature": "600 K"}])
def test_new_bonds_between_atoms_are_relaxed_before_there_are_dynamics(loaded, first):
    """With npt first, LAMMPS lost atoms in the first cycle of a real cure; with a push-off it reached its degree."""
    path = "experiments/network/cure/relaxation"
    assert loaded(with_(path, [first, NPT])).atomistic
    with pytest.raises(ProblemError, match=r"cure\.relaxation\.1: received npt, expected minimize or push-off first"):
        loaded(with_(path, [NPT, first]))


def test_a_file_of_beads_takes_no_smiles(document, loaded):
    document["molecules"]["chain"] = {"smiles": "CCO"}
    with pytest.raises(ProblemError, match="a sequence of beads"):
        loaded(document)


def test_a_file_of_beads_takes_no_mapping(document, loaded):
    document["mapping"] = {"molecules": {"chain": [{"bead": "A", "smarts": "C"}]}}
    with pytest.raises(ProblemError, match="none in a file of beads"):
        loaded(document)


def test_observables_see_beads_and_the_bonds_that_a_cure_makes_between_them(loaded):
    document = with_("observables/u2/beads", "G N")
    document["observables"]["crosslinks"] = {"kind": "bond_length", "experiment": "network", "bond": "G-N"}
    document["observables"]["u2_of_atoms"] = {
        "kind": "debye_waller_factor",
        "experiment": "network",
        "time": "1 ps",
        "of": "atoms",
        "beads": "H amine",
    }
    assert set(loaded(document).observables) == {"density", "u2", "crosslinks", "u2_of_atoms"}


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"beads": "H"}, "received H, expected one of"),
        ({"of": "atoms", "beads": "G"}, "received G, expected one of"),
    ],
)
def test_beads_and_atoms_are_not_mixed_up(loaded, changes, telling):
    document = with_("observables/u2", {**ATOMS["observables"]["u2"], **changes})
    with pytest.raises(ProblemError, match=rf"observables\.u2\.beads: {telling}"):
        loaded(document)


def test_a_mapping_must_fit_the_molecules(loaded):
    document = with_("mapping/molecules/diamine", [{"bead": "N", "smarts": "N"}])
    with pytest.raises(ProblemError, match="atoms C1 C2 of diamine in no bead"):
        loaded(document)
