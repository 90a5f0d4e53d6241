"""A simulation is named by what determines its result: by each of these, and by nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.state import State
from beadsmith.simulate.plan import plan_simulation, plan_simulations

ENGINE = "22 Jul 2025"


@pytest.fixture
def named(document, load, model_of):
    """Name of the melt's simulation for the (changed) document."""

    def name(seed: int = 1, engine: str = ENGINE, experiment: str = "melt", **values: float) -> str:
        problem = load(document)
        return plan_simulation(problem, experiment, model_of(problem, **values), seed, engine).name

    return name


def test_the_same_inputs_give_the_same_text_and_name(document, load, model_of):
    problem = load(document)
    for experiment in ("melt", "alone"):
        one, same = (plan_simulation(problem, experiment, model_of(problem), 5, ENGINE) for _ in range(2))
        assert one.files == same.files
        assert one.name == same.name
        other = plan_simulation(problem, experiment, model_of(problem), 6, ENGINE)
        assert one.files["in.lammps"] != other.files["in.lammps"]
        assert one.files["system.data"] != other.files["system.data"]
        assert one.name != other.name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("experiments/melt/timestep", "4 fs"),
        ("experiments/melt/molecules/dumbbell", 61),
        ("experiments/melt/initial_density", "0.51 g/cm^3"),
        ("experiments/melt/skin", "3 angstrom"),
        ("experiments/melt/processors", 2),
        ("experiments/melt/protocol/1/temperature", "401 K"),
        ("experiments/melt/protocol/1/pressure", "2 atm"),
        ("experiments/melt/protocol/2/hold", "6 ps"),
        ("experiments/melt/protocol/2/frames", 11),
        ("experiments/melt/protocol/2/damping", "1 ps"),
        ("experiments/melt/state", {"DC": 0.5}),
        ("forcefield/pair/cutoff", "8.1 angstrom"),
        ("forcefield/pair/mixing", "arithmetic"),
        ("forcefield/pair/tail", True),
        ("forcefield/special_bonds", [0, 1, 1]),
        ("beads/A/mass", "41 g/mol"),
        ("parameters/bond.*.length", {"fixed": "3.7 angstrom"}),
    ],
)
def test_every_input_of_a_simulation_changes_its_name(document, named, path, value):
    before = named()
    *parents, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    section = document
    for step in parents:
        section = section[step]
    section[last] = value
    assert named() != before


def test_seed_engine_and_coefficients_change_the_name(named):
    names = [
        named(),
        named(seed=2),
        named(engine="2 Aug 2023"),
        named(**{"pair.A.epsilon": 0.6}),
        named(**{"pair.A.epsilon": 0.6000001}),
        named(experiment="alone"),
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 24 and name.isalnum() for name in names)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "another title"),
        ("citations", ["doi:10/x"]),
        ("beads/A/description", "a bead"),
        ("experiments/melt/time_limit", "3 min"),
        ("observables/pressure", {"kind": "pressure", "experiment": "melt"}),
        (
            "targets",
            {"density": {"state": {"T": "350 K"}, "value": "1 kg/m^3", "uncertainty": "1 kg/m^3", "source": "x"}},
        ),
        ("search", {"evaluations": 7}),
        ("experiments/alone/replicas", 11),
        ("parameters/pair.*.epsilon", "0.2 to 0.9 kcal/mol"),  # the same middle, to be searched in another range
    ],
)
def test_what_does_not_matter_to_a_simulation_leaves_its_name(document, named, path, value):
    before = named()
    *parents, last = path.split("/")
    section = document
    for step in parents:
        section = section[step]
    section[last] = value
    assert named() == before


def test_titles_and_citations_of_a_model_leave_the_name(document, load, model_of):
    problem = load(document)
    model = model_of(problem)
    again = replace(model, title="x", citations=("y",), notes="z", provenance={"seed": 1}, uncertainty={"a": 1.0})
    names = {plan_simulation(problem, "melt", one, 1, ENGINE).name for one in (model, again)}
    assert len(names) == 1


def test_experiments_of_one_evaluation_have_seeds_of_their_own(document, load, model_of):
    problem = load(document)
    model = model_of(problem)
    both = plan_simulations(problem, model, 3, ENGINE)
    assert [simulation.experiment for simulation in both] == ["melt", "alone"]
    first_lines = {
        simulation.experiment: simulation.files["in.lammps"].split("velocity all create")[1].split()[1]
        for simulation in both
    }
    assert first_lines["melt"] != first_lines["alone"]
    assert [simulation.name for simulation in plan_simulations(problem, model, 3, ENGINE)] == [one.name for one in both]
    assert not {one.name for one in plan_simulations(problem, model, 4, ENGINE)} & {one.name for one in both}


def test_a_state_that_the_model_needs_and_the_experiment_lacks_is_named(document, load, model_of):
    problem = load(document)
    model = model_of(problem)
    needy = replace(model, functions={**model.functions, "pair.A.sigma": Linear("DC", 3.0, 1.0)})
    with pytest.raises(ProblemError, match="expected a state that says DC"):
        plan_simulation(problem, "melt", needy, 1, ENGINE)


def test_what_is_recorded_knows_its_beads(document, load, model_of):
    problem = load(document)
    simulation = plan_simulation(problem, "alone", model_of(problem), 1, ENGINE)
    assert simulation.topology.molecule_kinds == dict.fromkeys(range(1, 11), "trimer")
    assert (simulation.topology.masses == np.tile([40.0, 60.0, 40.0], 10)).all()
    assert (simulation.timestep, simulation.time_limit, simulation.processors) == (5.0, 120.0, 1)


@pytest.fixture
def own(document, tmp_path):
    """A problem with a script of the user's own."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.in").write_text("read_data ${data}\ninclude ${coefficients}\n")
    (tmp_path / "own.data").write_text("a data file\n")
    (tmp_path / "sub" / "table.txt").write_text("1 2 3\n")
    document["experiments"] = {
        "own": {
            "kind": "script",
            "script": "sub/own.in",
            "data": "own.data",
            "files": ["sub/table.txt"],
            "molecules": {"dumbbell": 3},
            "timestep": "2 fs",
            "state": {"T": 300},
            "recordings": [{"log_run": -1}],
        }
    }
    document["observables"] = {"density": {"kind": "density", "experiment": "own"}}
    return document


@pytest.fixture
def plan_own(own, load, model_of):
    def plan(model=None, seed: int = 1):
        problem = load(own)
        return plan_simulation(problem, "own", model or model_of(problem), seed, ENGINE)

    return plan


def test_a_script_of_the_users_own_gets_its_files_and_variables(plan_own):
    simulation = plan_own(seed=9)
    assert sorted(simulation.files) == ["coefficients.lammps", "in.lammps", "system.data", "table.txt"]
    variables = dict(simulation.variables)
    assert (variables["coefficients"], variables["data"]) == ("coefficients.lammps", "system.data")
    assert 0 < int(variables["seed"]) < 900_000_000
    assert "pair_coeff 1 1 0.55 3.5" in simulation.files["coefficients.lammps"]
    assert simulation.script_state == State.of(T=300)
    assert simulation.topology.molecule_ids.tolist() == [1, 1, 2, 2, 3, 3]
    assert simulation.steps == 0


def test_without_data_or_molecules_there_is_no_such_variable_and_no_topology(own, plan_own):
    experiment = own["experiments"]["own"]
    del experiment["data"], experiment["molecules"], experiment["files"]
    simulation = plan_own()
    assert dict(simulation.variables).keys() == {"coefficients", "seed"}
    assert simulation.topology is None


def test_what_a_users_script_reads_and_records_makes_its_name(own, plan_own, load, model_of, tmp_path):
    names = {plan_own().name, plan_own(seed=2).name}

    def add() -> None:
        name = plan_own().name
        assert name not in names
        names.add(name)

    (tmp_path / "sub" / "own.in").write_text("read_data ${data}\n")
    add()
    (tmp_path / "own.data").write_text("another data file\n")
    add()
    (tmp_path / "sub" / "table.txt").write_text("4 5 6\n")
    add()
    own["experiments"]["own"]["state"] = {"T": 310}
    add()
    own["experiments"]["own"]["recordings"] = [{"log_run": 0}]
    add()
    own["experiments"]["own"]["timestep"] = "1 fs"
    add()
    own["experiments"]["own"]["molecules"] = {"dumbbell": 2}
    add()
    own["parameters"]["pair.*.epsilon"] = {"fixed": "0.2 kcal/mol"}
    add()
    own["title"] = "the same under another title"
    own["experiments"]["own"]["time_limit"] = "1 h"
    assert plan_own().name in names


def test_remarks_in_the_coefficients_do_not_make_the_name(plan_own, load, own, model_of):
    problem = load(own)
    model = model_of(problem)
    remarked = replace(model, title="x", citations=("y",), holds_for={"T": (400.0, 500.0)})
    one, other = plan_own(model), plan_own(remarked)
    assert one.files["coefficients.lammps"] != other.files["coefficients.lammps"]
    assert one.name == other.name
    changed = replace(model, functions={**model.functions, "pair.A.sigma": Constant(3.6)})
    assert plan_own(changed).name != one.name


def test_a_file_that_is_not_text_is_named(own, plan_own, tmp_path):
    (tmp_path / "sub" / "table.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProblemError, match=r"experiments.own.files.1: received sub/table.txt, expected a text file"):
        plan_own()
