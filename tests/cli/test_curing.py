"""``cure``, and what the other commands say of networks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from beadsmith.cli.main import app
from beadsmith.errors import ProblemError
from beadsmith.problem.model import constant_model, document_from_model
from beadsmith.problem.problem import load_problem

EPOXY = Path(__file__).parents[2] / "examples" / "epoxy"
PUBLISHED = EPOXY / "models" / "giuntoli2021.yaml"


def beadsmith(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def refused(*words: object) -> str:
    """The sentence with which a command refuses; a process of its own would take seconds to begin."""
    error = CliRunner().invoke(app, list(map(str, words))).exception
    assert isinstance(error, ProblemError), error
    assert str(error).isprintable()
    return str(error)


@pytest.fixture
def folder(network_document, tmp_path, monkeypatch) -> Path:
    """A folder with a network that is cured with a model of its own: problem.yaml and model.yaml."""
    (tmp_path / "problem.yaml").write_text(yaml.safe_dump(network_document))
    problem = load_problem(tmp_path / "problem.yaml")
    middle = {one.name: 0.5 * (one.low + one.high) for one in problem.parameters.free}
    model = document_from_model(constant_model("middle", problem.parameters, middle), problem.parameters)
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(model))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(folder: Path, document: dict) -> None:
    (folder / "problem.yaml").write_text(yaml.safe_dump(document))


@pytest.mark.lammps
def test_a_cure_answers_for_machines_and_is_found_again(folder, network_document):
    network_document["experiments"]["network"] |= {"networks": 2, "degrees": "0 0.5"}
    rewrite(folder, network_document)
    words = ("cure", "problem.yaml", "--model", "model.yaml", "--seed", 4, "--json", "out.json")
    done = beadsmith(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads((folder / "out.json").read_text())
    assert (answer["command"], answer["experiment"], answer["seed"]) == ("cure", "network", 4)
    assert len(answer["networks"]) == 2
    for network in answer["networks"]:
        assert (network["target"], network["degree"], network["outcome"]) == (0.5, 0.5, "target")
        assert network["failure"] is None
        assert sum(cycle["bonds"] for cycle in network["cycles"]) == 12
        assert network["cycles"][0].keys() >= {"number", "degree", "bonds", "longest", "core_seconds", "seconds"}
        # No ring before 0.5: a tree has one piece less for every bond.
        assert network["components"] == 18 - 12 + network["cycle_rank"]
        assert len(network["masses"]) == network["components"]
        assert sum(network["masses"]) == pytest.approx(12 * 170 + 6 * 190)
        assert network["conversions"] == {"E": 0.5, "N": 0.5}
        assert network["unreacted"] == {"E": 12, "N": 12}
        assert network["groups"]["N"] == [0, 12, 0]
        assert network["mean_field"]["gel_point"] == pytest.approx(3**-0.5)
        assert 0 <= network["overhead"] < 1
        assert network["history"][-1].startswith("the cure ended after")
        assert (folder / network["folder"]).is_dir()
    assert answer["networks"][0]["folder"] != answer["networks"][1]["folder"]
    again = beadsmith(*words[:-1], "again.json", folder=folder)
    assert again.returncode == 0
    clocks = {"wall_seconds", "report"}
    second = json.loads((folder / "again.json").read_text())
    assert {key: answer[key] for key in answer.keys() - clocks} == {key: second[key] for key in answer.keys() - clocks}


@pytest.mark.lammps
def test_a_cure_that_stops_short_says_so_with_exit_code_1(folder, network_document):
    network_document["experiments"]["network"]["cure"] |= {"cutoff": "2.5 angstrom", "empty_cycles": 2}
    rewrite(folder, network_document)
    done = beadsmith("cure", "problem.yaml", "--model", "model.yaml", "--to", 0.8, "--json", "out.json", folder=folder)
    assert done.returncode == 1
    assert "no pair that may react comes within the cutoff any more" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    (network,) = json.loads((folder / "out.json").read_text())["networks"]
    assert network["outcome"] == "out_of_reach"
    assert network["degree"] < 0.8
    assert network["failure"]["kind"] == "NOT_CURED"
    assert "relax longer between cycles" in network["failure"]["remedy"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--to", 1.2), r"--to: received 1\.2, expected a degree of crosslinking between 0 and 1, where 1 is 24 bonds"),
        (("--to", -0.1), r"--to: received -0\.1"),
        (("--experiment", "melt"), r"--experiment: received melt, expected one of network"),
        (("--model", "nowhere.yaml"), r"nowhere\.yaml: received no such file"),
        (("--fidelity", "best"), r"--fidelity: received best"),
    ],
)
def test_mistakes_get_one_sentence(folder, words, expected):
    own = words if "--model" in words else (*words, "--model", "model.yaml")
    assert re.match(expected, refused("cure", "problem.yaml", *own))


def test_a_refusal_is_one_line_with_exit_code_2(folder):
    done = beadsmith("cure", "problem.yaml", "--model", "model.yaml", "--to", 1.2, folder=folder)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("beadsmith: --to: received 1.2")


def test_a_cure_needs_a_model_and_a_network(folder, network_document):
    assert refused("cure", "problem.yaml") == (
        "--model: received nothing, expected a model to cure with; give --model, or add experiments.network.cure.model"
    )
    pebax = EPOXY.parent / "pebax" / "problem.yaml"
    expected = "--experiment: received nothing, expected a problem with an experiment of kind network"
    assert refused("cure", pebax, "--fidelity", "ci") == expected
    network_document["experiments"]["another"] = network_document["experiments"]["network"]
    rewrite(folder, network_document)
    message = refused("cure", "problem.yaml", "--model", "model.yaml")
    assert message == "--experiment: received nothing, expected one of another, network"


@pytest.mark.lammps
def test_a_model_is_evaluated_at_degrees(folder, network_document):
    network = network_document["experiments"]["network"]
    network |= {"networks": 2, "degrees": "0.2"}
    network["cure"]["model"] = "model.yaml"
    rewrite(folder, network_document)
    words = ("evaluate", "problem.yaml", "--model", "model.yaml", "--state", "DC=0,0.5", "--json", "out.json")
    done = beadsmith(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads((folder / "out.json").read_text())
    assert [one["state"] for one in answer["states"]] == [{"DC": 0.0}, {"DC": 0.5}]
    for one, degree in zip(answer["states"], (0, 0.5), strict=True):
        (density,) = one["observables"]["density"]
        assert density["state"] == {"DC": degree, "T": 300.0}
        assert density["networks"] == 2
        assert density["between"] >= 0
        assert "within" not in density
        assert (one["replicas"], one["failures"], one["misfit"]) == (1, [], None)
    assert len(list((folder / "studies").glob("*/cures/*"))) == 2  # both degrees come from the same cures
    assert refused(*words[:5], "DC=1.5").startswith(
        "--state DC: received 1.5, expected degrees of crosslinking between 0 and 1"
    )


def test_check_reads_the_model_of_a_cure(folder, network_document):
    network_document["experiments"]["network"]["cure"]["model"] = "nowhere.yaml"
    rewrite(folder, network_document)
    assert "nowhere.yaml: received no such file" in refused("check", "problem.yaml", "--no-timing")
    network_document["experiments"]["network"]["cure"]["model"] = "model.yaml"
    rewrite(folder, network_document)
    done = beadsmith("check", "problem.yaml", "--no-timing", "--json", "plan.json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "network (network) records at DC=0, T=300; DC=0.5, T=300; DC=0.9, T=300" in " ".join(done.stdout.split())
    plan = json.loads((folder / "plan.json").read_text())
    assert plan["simulations"] == (plan["evaluations"] + plan["measurements"]) * 3


@pytest.mark.lammps
def test_check_estimates_cures(folder, network_document):
    done = beadsmith("check", "problem.yaml", "--json", "plan.json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "for each model" in done.stdout
    plan = json.loads((folder / "plan.json").read_text())
    network = plan["experiments"]["network"]
    # The preparation, then 20 cycles for 22 bonds that stop at every 5 %.
    assert network["steps"] == 3 * 3000
    assert network["cure_core_seconds"] / network["core_seconds"] == pytest.approx((1400 + 20 * 300) / 9000, rel=0.1)
    per_evaluation = network["core_seconds"] + network["cure_core_seconds"]
    count = plan["evaluations"] + plan["measurements"]
    assert plan["core_hours"] == pytest.approx(count * per_evaluation / 3600, rel=1e-6)


# Table 2 of the paper by hand, where it is linear; the radial basis goes through its values.
@pytest.mark.parametrize(
    ("degree", "epsilon", "sigma"),
    [
        (
            0,
            {"B1": 1.07, "B2": 0.47, "B3": 1.89, "B4": 1.74, "B5": 0.90, "B6": 0.40, "B7": 0.12},
            {"B1": 5.76, "B3": 3.65},
        ),
        (0.5, {"B2": 0.73, "B3": 2.21, "B5": 0.77}, {"B1": 5.69, "B2": 5.71, "B3": 3.425, "B4": 5.36}),
        (1, {"B2": 0.99, "B3": 3.16, "B5": 0.64}, {"B1": 5.62, "B3": 3.20, "B5": 4.04, "B6": 5.15, "B7": 4.06}),
    ],
)
def test_the_published_model_is_exported_at_any_degree(tmp_path, degree, epsilon, sigma):
    words = (
        "export",
        EPOXY / "pacm.yaml",
        "--model",
        PUBLISHED,
        "--state",
        f"DC={degree}",
        "--json",
        tmp_path / "out.json",
    )
    done = beadsmith(*words)
    assert done.returncode == 0, done.stderr
    parameters = json.loads((tmp_path / "out.json").read_text())["parameters"]
    for bead, value in epsilon.items():
        assert parameters[f"pair.{bead}.epsilon"] == pytest.approx(value, abs=1e-9)
    for bead, value in sigma.items():
        assert parameters[f"pair.{bead}.sigma"] == pytest.approx(value, abs=1e-9)
    lines = done.stdout.splitlines()
    assert "# cite: giuntoli2021" in lines
    (note,) = (line for line in lines if line.startswith("# note: "))
    assert "inferred" in note
    (pair,) = (line.split() for line in lines if line.startswith("pair_coeff 3 3 "))
    assert [float(word) for word in pair[3:5]] == pytest.approx([epsilon["B3"], sigma["B3"]], rel=1e-5)
    assert "special_bonds lj 0 0 1" in done.stdout
    assert "pair_style lj/gromacs 12 15" in done.stdout
    assert "mix arithmetic" in done.stdout
