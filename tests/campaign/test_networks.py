"""Networks in evaluations, with real LAMMPS: shared or not, at several degrees, pulled along several axes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from beadsmith.campaign.curing import cure_task, known_cure, run_cure_task
from beadsmith.campaign.driver import as_they_end
from beadsmith.campaign.evaluate import submit
from beadsmith.campaign.fidelity import protocols
from beadsmith.campaign.foresight import predicted
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunStore
from beadsmith.campaign.study import Study
from beadsmith.crosslink.cure import last_state
from beadsmith.crosslink.schedule import bonds_at
from beadsmith.errors import EstimateError, ProblemError
from beadsmith.problem.model import Model, constant_model, document_from_model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.records import Evaluation, FailureKind
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine

pytestmark = pytest.mark.lammps

TENSION = {"stage": "tension", "temperature": "300 K", "rate": "5e10 1/s", "strain": 0.05, "axes": "x z"}


@pytest.fixture
def small(network_document) -> dict[str, Any]:
    """Half of the small network, and two of it."""
    network = network_document["experiments"]["network"]
    network |= {"molecules": {"resin": 8, "hardener": 4}, "networks": 2}
    network["cure"]["cutoff"] = "6.5 angstrom"
    return network_document


def load(document: dict[str, Any], folder: Path, name: str = "problem") -> Problem:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_problem(path)


def model(problem: Problem, epsilon: float = 1.0) -> Model:
    middle = {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in problem.parameters.free}
    point = {name: epsilon if name.endswith("epsilon") else value for name, value in middle.items()}
    return constant_model("ours", problem.parameters, point)


def share(document: dict[str, Any], folder: Path) -> None:
    """Let all models have the networks of one of them."""
    problem = load(document, folder, "unshared")
    path = folder / "cure.yaml"
    path.write_text(yaml.safe_dump(document_from_model(model(problem), problem.parameters)))
    document["experiments"]["network"]["cure"]["model"] = path.name


class Forbidden(Executor):
    """For what must be known already."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("something was simulated again")


@pytest.fixture
def laboratory(tmp_path) -> Iterator[Any]:
    lease = tmp_path / "lease"
    lease.touch()
    engine = find_engine()
    with ThreadPoolExecutor(2) as pool:

        def make(problem: Problem, study: str = "study", **changes: Any) -> Laboratory:
            return replace(Laboratory(problem, RunStore(tmp_path / study / "runs"), lease, pool, engine), **changes)

        yield make


def evaluated(laboratory: Laboratory, model: Model, seed: int = 1) -> Evaluation:
    (evaluation,) = as_they_end([(laboratory, submit(laboratory, model, 0, seed, {}))])
    return evaluation


def cures(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "study" / "cures").iterdir())


def test_one_cure_gives_all_degrees_and_pulls_of_all_axes_become_one_number(small, laboratory, tmp_path):
    small["experiments"]["network"]["protocol"].append(TENSION)
    small["observables"] |= {
        "modulus": {"kind": "youngs_modulus", "experiment": "network", "strain": "0 to 0.05"},
        "rattling": {"kind": "debye_waller_factor", "experiment": "network"},
        "stress": {"kind": "stress", "experiment": "network", "strain": "0.0125 to 0.0375 by 0.0125"},
    }
    problem = load(small, tmp_path)
    ours = laboratory(problem)
    evaluation = evaluated(ours, model(problem))
    assert not evaluation.failed
    assert len(cures(tmp_path)) == 2
    assert len(set(evaluation.runs)) == 3 * 2 * (1 + 2)  # degrees, networks, one relaxation and two pulls

    found = {(one.observable, one.state): one for one in evaluation.observations}
    at = [State.of(DC=degree, T=300) for degree in (0, 0.5, 0.9)]
    assert {state for name, state in found if name != "stress"} == set(at)
    bins = [(state["DC"], round(state["strain"], 6)) for name, state in found if name == "stress"]
    assert bins == [(degree, strain) for degree in (0, 0.5, 0.9) for strain in (0.0125, 0.025, 0.0375)]
    assert all(one.networks == 2 for one in evaluation.observations)
    for state in at:
        modulus, density = found["modulus", state], found["density", state]
        assert modulus.between is not None
        assert modulus.within is not None
        assert density.between is not None
        assert density.within is None  # measured once in each network
        assert 0.3 < density.value < 1.6
        assert density.stderr > 0
    assert found["rattling", at[2]].value < found["rattling", at[0]].value

    # The bonds at 0.5 are the first of those at 0.9.
    bonds: dict[float, list[np.ndarray]] = {}
    for name in evaluation.runs:
        for recording in ours.store.recordings(name):
            if not recording.axis:
                bonds.setdefault(recording.state["DC"], []).append(recording.topology.bonds.members)
    inside = 2 * 8 + 2 * 4
    for degree, each in bonds.items():
        assert [len(members) for members in each] == [inside + bonds_at(degree, 16)] * 2
    for half, most in zip(bonds[0.5], bonds[0.9], strict=True):
        assert (most[: len(half)] == half).all()
    assert not np.array_equal(bonds[0.9][0], bonds[0.9][1])

    # All of it is known now.
    again = evaluated(replace(ours, executor=Forbidden()), model(problem))
    assert again.observations == evaluation.observations
    assert again.runs == evaluation.runs


def test_models_share_networks_or_have_their_own(small, laboratory, tmp_path):
    small["experiments"]["network"]["degrees"] = "0.25"
    problem = load(small, tmp_path)
    own = [evaluated(laboratory(problem), model(problem, epsilon)) for epsilon in (0.8, 1.2)]
    assert len(cures(tmp_path)) == 4
    share(small, tmp_path)
    problem = load(small, tmp_path)
    shared = [evaluated(laboratory(problem, "study"), model(problem, epsilon)) for epsilon in (0.8, 1.2)]
    assert len(cures(tmp_path)) == 4 + 2
    assert not any(one.failed for one in (*own, *shared))
    assert shared[0].observations != shared[1].observations
    # Other seeds are other velocities, and the same networks.
    another = evaluated(laboratory(problem), model(problem, 0.8), seed=2)
    assert len(cures(tmp_path)) == 4 + 2
    assert another.observations != shared[0].observations

    elsewhere = evaluated(laboratory(problem, "elsewhere"), model(problem, 0.8))
    assert elsewhere.observations == shared[0].observations
    assert elsewhere.runs == shared[0].runs


def test_a_cure_goes_further_than_what_is_measured(small, laboratory, tmp_path):
    """What is kept for all degrees of the experiment does not answer for a higher one."""
    small["experiments"]["network"] |= {"degrees": "0 0.25", "networks": 1}
    problem = load(small, tmp_path)
    ours = laboratory(problem)
    made = (problem, "network", model(problem), 0, 1, ours.engine.version, tmp_path / "study" / "cures", ours.lease)
    short, more = cure_task(*made), cure_task(*made, target=0.5)
    assert short.folder == more.folder
    assert run_cure_task(short, ours.engine).degree == 0.25
    assert known_cure(short) is not None
    assert known_cure(more) is None
    assert run_cure_task(more, ours.engine).degree == 0.5
    assert last_state(more.order, more.folder).network.degree == 0.5
    assert run_cure_task(more, replace(ours.engine, executable="/bin/false")).core_seconds == 0


def test_a_cure_whose_disk_is_full_is_a_failure_that_was_paid_for(small, laboratory, tmp_path):
    """LAMMPS ends well each time, but from its fifth start on the dump of the end is empty."""
    small["experiments"]["network"] |= {"degrees": "0.5", "networks": 1}
    problem = load(small, tmp_path)
    ours = laboratory(problem)
    starts, full = tmp_path / "starts", tmp_path / "full"
    full.write_text(
        f"#!/bin/sh\necho x >> {starts}\n"
        f'LD_LIBRARY_PATH="{ours.engine.library_path}:$LD_LIBRARY_PATH" {ours.engine.executable} "$@" || exit 1\n'
        f'[ "$(wc -l < {starts})" -lt 5 ] || : > end.bin\n'
    )
    full.chmod(0o755)
    engine = replace(ours.engine, executable=str(full))
    task = cure_task(problem, "network", model(problem), 0, 1, engine.version, tmp_path / "study" / "cures", ours.lease)
    first, again = run_cure_task(task, engine), run_cure_task(task, engine)
    state = last_state(task.order, task.folder)
    assert state.progress.cycle == 3
    for result in (first, again):
        assert result.failure.kind is FailureKind.NO_OUTPUT
        assert result.failure.detail.startswith("end.bin")
        assert result.degree == state.network.degree > 0
    assert first.core_seconds > sum(cycle.core_seconds for cycle in state.cycles) > 0
    assert first.core_seconds > again.core_seconds > 0


@pytest.mark.parametrize(("target", "where"), [(None, "problem.yaml: experiments.network.degrees"), (1.5, "--to")])
def test_a_degree_that_cannot_be_reached_is_said_where_it_was_asked_for(small, laboratory, tmp_path, target, where):
    problem = load(small, tmp_path)
    network = problem.experiments["network"].model_copy(update={"degrees": (1.5,)})
    beyond = replace(problem, file=problem.file.model_copy(update={"experiments": {"network": network}}))
    with pytest.raises(ProblemError, match=rf"{where}: received 1\.5"):
        cure_task(beyond, "network", model(problem), 0, 1, "any", tmp_path / "cures", tmp_path / "lease", target)


def test_a_cure_that_falls_short_is_a_failure_of_its_evaluation(small, laboratory, tmp_path):
    network = small["experiments"]["network"]
    network["cure"] |= {"cutoff": "2.5 angstrom", "empty_cycles": 2}
    network |= {"degrees": "0 0.9", "networks": 1}
    problem = load(small, tmp_path)
    evaluation = evaluated(laboratory(problem), model(problem))
    (failure,) = evaluation.failures
    assert failure.kind is FailureKind.NOT_CURED
    assert failure.experiment == "network"
    assert "of 0.9: the cure ended after" in failure.detail
    assert evaluation.observations == ()
    assert evaluation.runs == ()
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation


def test_a_box_that_becomes_too_small_for_the_reach_of_bonds_is_a_failure(small, laboratory, tmp_path):
    network = small["experiments"]["network"]
    network["cure"] |= {"cutoff": "8.5 angstrom"}
    network["cure"]["preparation"][1]["pressure"] = "3000 atm"
    network["networks"] = 1
    problem = load(small, tmp_path)
    (failure,) = evaluated(laboratory(problem), model(problem)).failures
    assert failure.kind is FailureKind.BOX_TOO_SMALL
    assert re.fullmatch(r"bonds form within 8.5 angstrom, and half the box is [67]\.\d+ angstrom", failure.detail)


def beadsmith(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def calibrated(small, tmp_path) -> Path:
    """A problem with targets at two degrees, and shared networks."""
    small["experiments"]["network"] |= {"degrees": "0 0.5", "networks": 1}
    small["parameters"]["pair.*.sigma"] = "3.7 to 3.9 angstrom"
    for bead in "NM":  # two free parameters are enough
        small["parameters"] |= {f"pair.{bead}.{name}": {"tied": f"pair.E.{name}"} for name in ("epsilon", "sigma")}
    target = {"value": "0.8 0.9 g/cm^3", "uncertainty": "0.05 g/cm^3", "source": "invented"}
    small["targets"] = {"density": {"state": {"DC": "0 0.5", "T": "300 K"}, **target}}
    longer = {"stage": "npt", "temperature": "300 K", "duration": "3000 steps", "record": True, "frames": 30}
    small["fidelities"] = {"longer": {"experiments": {"network": {"protocol": [longer]}}}}
    small["compute"] = {"local": {"workers": 2}}
    problem = load(small, tmp_path, "bare")
    values = document_from_model(model(problem), problem.parameters)
    values["parameters"]["pair.E.epsilon"] = {
        "function": "linear",
        "over": "DC",
        "intercept": "0.9 kcal/mol",
        "slope": "0.2 kcal/mol",
    }
    (tmp_path / "cure.yaml").write_text(yaml.safe_dump(values))
    small["experiments"]["network"]["cure"]["model"] = "cure.yaml"
    small["compare"] = {"rising": "cure.yaml"}
    load(small, tmp_path, "common")
    load({"title": "A network to be calibrated", "extends": "common.yaml"}, tmp_path)
    return tmp_path


def test_networks_are_calibrated_on_targets_at_several_degrees(calibrated):
    """A search, the gradients of another one, finalists, and what cannot be done with networks."""
    options = ("--evaluations", 2, "--remeasure", 1, "--seed", 3)
    done = beadsmith("run", "problem.yaml", "--search", "tpe", *options, "--json", "a.json", folder=calibrated)
    assert done.returncode == 0, done.stderr
    answer = json.loads((calibrated / "a.json").read_text())
    assert (answer["evaluations"], answer["failures"]) == (2, 0)
    assert [one["state"]["DC"] for one in answer["best"]["observables"]["density"]] == [0, 0.5]
    assert answer["compare"][0]["label"] == "rising"
    assert answer["compare"][0]["misfit"] is not None
    assert len(list((calibrated / "studies").glob("*/cures/*"))) == 1

    words = ("--search", "gauss-newton", *options, "--study", "gradients", "--finalists", "longer")
    done = beadsmith("run", "problem.yaml", *words, "--finalist-replicas", 1, "--json", "b.json", folder=calibrated)
    assert done.returncode == 0, done.stderr
    answer = json.loads((calibrated / "b.json").read_text())
    assert answer["failures"] == 0
    assert answer["finalists"][0]["best"]["misfit"] is not None
    rows = [json.loads(line) for line in (calibrated / "gradients" / "evaluations.jsonl").read_text().splitlines()]
    for row in rows:
        assert [one["state"]["DC"] for one in row["gradients"]] == [0, 0.5]
    identified = beadsmith("identify", "problem.yaml", "--study", "gradients", "--json", "c.json", folder=calibrated)
    assert identified.returncode == 0, identified.stderr
    assert len(json.loads((calibrated / "c.json").read_text())["targets"]) == 2

    problem, study = load_problem(calibrated / "problem.yaml"), Study(calibrated / "gradients")
    with pytest.raises(EstimateError, match="those of networks cannot, because each network has its own bonds"):
        predicted(problem, study, load_model(calibrated / "cure.yaml", problem))
    with pytest.raises(ProblemError, match=r"ask for more networks instead: experiments\.network\.networks"):
        protocols(problem, problem, 4)
    # A study holds what its problem says, and can be read without the file that it came from.
    assert load_problem(study.folder / "problem.yaml").experiments == problem.experiments
