"""A problem file that extends another one."""

import pytest
import yaml

from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem, read_problem


@pytest.fixture
def files(tmp_path):
    """Write documents by name; the path of the first one."""

    def write(**documents):
        for name, document in documents.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        return tmp_path / f"{next(iter(documents))}.yaml"

    return write


def sentence(path) -> str:
    with pytest.raises(ProblemError) as caught:
        load_problem(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_sections_are_merged_and_everything_else_is_replaced(files, network_document):
    own = {
        "title": "More of it",
        "extends": "base.yaml",
        "molecules": {"chain": {"beads": "E M M E"}},
        "parameters": {"pair.M.sigma": {"fixed": "4.5 angstrom"}, "bond.M-M.k": {"fixed": "4 kcal/mol/angstrom^2"}},
        "experiments": {"network": {"molecules": {"chain": 3}, "degrees": "0.7"}},
    }
    problem = load_problem(files(own=own, base=network_document))
    assert problem.file.title == "More of it"
    assert set(problem.molecules) == {"resin", "hardener", "chain"}
    assert problem.experiments["network"].molecules == {"resin": 12, "hardener": 6, "chain": 3}
    assert problem.experiments["network"].degrees == (0.7,)
    assert problem.parameters.fixed["pair.M.sigma"] == 4.5
    assert problem.parameters.fixed["pair.E.sigma"] == 3.8
    # Later rules overrule earlier ones, and those of the file that extends come later.
    assert problem.parameters.fixed["bond.M-M.k"] == 4
    assert problem.parameters.fixed["bond.E-M.k"] == 10


def test_fidelities_of_both_count_and_work_on_both(files, network_document):
    network_document["fidelities"] = {
        "more": {"experiments": {"network": {"networks": 3}}},
        "finer": {"experiments": {"network": {"degrees": "0 0.5"}}},
    }
    own = {
        "extends": "base.yaml",
        "title": "Own",
        "experiments": {"network": {"molecules": {"resin": 14}}},
        "fidelities": {
            "more": {"experiments": {"network": {"molecules": {"hardener": 7}}}},
            "another": {"experiments": {"network": {"networks": 5}}},
        },
    }
    path = files(own=own, base=network_document)
    assert load_problem(path).fidelities == ("more", "finer", "another")
    more = load_problem(path, "more").experiments["network"]
    assert (more.networks, more.molecules) == (3, {"resin": 14, "hardener": 7})
    assert load_problem(path, "finer").experiments["network"].degrees == (0, 0.5)
    assert load_problem(path, "another").experiments["network"].networks == 5


def test_one_after_the_other(files, network_document):
    path = files(
        c={"extends": "b.yaml", "title": "C"},
        b={"extends": "a.yaml", "title": "B", "experiments": {"network": {"networks": 2}}},
        a=network_document,
    )
    problem = load_problem(path)
    assert (problem.file.title, problem.experiments["network"].networks) == ("C", 2)
    assert "extends" not in read_problem(path)


def test_files_that_extend_each_other_are_refused(files, network_document):
    circle = files(a=network_document | {"extends": "b.yaml"}, b={"extends": "a.yaml"})
    assert "extends: received a.yaml > b.yaml > a.yaml, expected a file that extends no file twice" in sentence(circle)
    itself = files(d=network_document | {"extends": "d.yaml"})
    assert "extends: received d.yaml > d.yaml" in sentence(itself)


@pytest.mark.parametrize("name", ["../base.yaml", "/etc/passwd", "folder/base.yaml", ".", ["base.yaml"], 3, ""])
def test_only_files_of_the_same_folder_are_extended(files, network_document, name):
    path = files(own={"extends": name, "title": "Own"}, base=network_document)
    assert sentence(path).startswith(f"{path}: extends: ")
    assert "expected the name of a problem file in the same folder" in sentence(path)


def test_a_file_that_is_not_there_is_named(files, tmp_path):
    message = sentence(files(own={"extends": "nowhere.yaml", "title": "Own"}))
    assert message.startswith(f"{tmp_path / 'nowhere.yaml'}: received no such file")


def test_mistakes_of_either_file_get_one_sentence(files, network_document):
    path = files(own={"extends": "base.yaml", "experiments": {"network": {"timestep": "4 kg"}}}, base=network_document)
    assert sentence(path).startswith(f"{path}: experiments.network.timestep: received 4 kg")


def test_what_extends_a_file_leaves_that_file_alone(files, network_document):
    own = files(own={"extends": "base.yaml", "title": "Own"}, base=network_document)
    before = (own.parent / "base.yaml").read_bytes()
    load_problem(own)
    assert (own.parent / "base.yaml").read_bytes() == before
    assert load_problem(own.parent / "base.yaml").file.title == network_document["title"]


def test_what_is_null_is_removed_also_by_way_of_a_file_between(files, network_document):
    network_document["fidelities"] = {"more": {"experiments": {"network": {"networks": 3}}}}
    observables = {"more_density": {"kind": "density", "experiment": "network"}}
    path = files(
        c={"extends": "b.yaml", "title": "C", "observables": {"density": None} | observables, "fidelities": None},
        b={"extends": "a.yaml", "title": "B", "experiments": {"network": {"networks": 2}}},
        a=network_document | {"observables": {"density": {"kind": "density", "experiment": "network"}}},
    )
    problem = load_problem(path)
    assert set(problem.observables) == {"more_density"}
    assert problem.fidelities == ()
    assert problem.experiments["network"].networks == 2


def test_a_fidelity_removes_what_is_null(files, network_document):
    network_document["observables"] = {
        name: {"kind": "density", "experiment": "network"} for name in ("density", "another")
    }
    network_document["fidelities"] = {"less": {"observables": {"another": None}}}
    path = files(own=network_document)
    assert set(load_problem(path).observables) == {"density", "another"}
    assert set(load_problem(path, "less").observables) == {"density"}
