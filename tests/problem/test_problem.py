from importlib import resources
from pathlib import Path

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import load_model, load_problem, problem_schema
from beadsmith.problem.state import State

PEBAX = Path(__file__).parents[2] / "examples" / "pebax"


@pytest.mark.parametrize("fidelity", [None, "base", "quick", "fast", "ci", "paper", "cooling"])
def test_pebax_has_its_41_parameters_and_24_targets_at_every_fidelity(fidelity):
    problem = load_problem(PEBAX / "problem.yaml", fidelity)
    assert problem.fidelity == (fidelity or "quick")
    assert set(problem.fidelities) == {"quick", "fast", "ci", "paper", "cooling"}
    ends = [parameter.name.rpartition(".")[2] for parameter in problem.parameters.free]
    counts = {end: ends.count(end) for end in set(ends)}
    assert counts == {
        "k": 6 + 7,
        "length": 6,
        "theta0": 7,
        "sigma": 5,
        "epsilon": 5,
        "repulsive_exponent": 5,
    }
    assert len(ends) == 41
    assert len(problem.targets) == 8 + 15 + 1
    # A target that nothing measures would be missed at every evaluation.
    states = {state for experiment in problem.experiments.values() for state in recorded_states(experiment)}
    assert {target.state for target in problem.targets} - {State()} <= states


def test_the_published_chain_has_the_published_mass_bonds_and_angles():
    problem = load_problem(PEBAX / "problem.yaml")
    chain = problem.molecules["chain"]
    # Martins et al. 2025: one repeat unit of 486.52 g/mol.
    assert sum(problem.beads[bead].mass for bead in chain.beads) == pytest.approx(486.52, abs=0.01)
    bonds = {tuple(sorted((first + 1, second + 1))) for first, second in chain.bonds}
    assert bonds == {(bead, bead + 1) for bead in range(1, 10)}
    published = [(1, 2, 3), (4, 3, 2), (5, 4, 3), (4, 5, 6), (5, 6, 7), (6, 7, 8), (7, 8, 9), (10, 9, 8)]
    ends = {(frozenset((a + 1, c + 1)), b + 1) for a, b, c in chain.angles}
    assert ends == {(frozenset((a, c)), b) for a, b, c in published}


@pytest.mark.parametrize("name", ["martins2025-hybrid", "martins2025-bo"])
def test_the_published_models_fit_the_problem(name):
    problem = load_problem(PEBAX / "problem.yaml", "paper")
    model = load_model(PEBAX / "models" / f"{name}.yaml", problem)
    values = model.at(State.of(T=300))
    assert len(values) == 41 + 5
    assert all(values[f"pair.T{bead}.attractive_exponent"] == 6 for bead in range(1, 6))
    assert model.holds_for == {"T": (150.0, 500.0)}


def test_the_bayesian_optimum_lies_in_the_ranges_and_the_hybrid_model_does_not():
    problem = load_problem(PEBAX / "problem.yaml")
    outside = {}
    for name in ("hybrid", "bo"):
        values = load_model(PEBAX / "models" / f"martins2025-{name}.yaml", problem).at(State())
        outside[name] = {p.name for p in problem.parameters.free if not p.low <= values[p.name] <= p.high}
    assert outside == {"hybrid": {f"pair.T{bead}.repulsive_exponent" for bead in (1, 2, 3)}, "bo": set()}


@pytest.mark.parametrize("fidelity", ["base", "quick", "careful"])
def test_the_starting_file_is_valid_as_it_is(tmp_path, fidelity):
    text = resources.files("beadsmith.cli").joinpath("starting_file.yaml").read_text("utf-8")
    path = tmp_path / "problem.yaml"
    path.write_text(text, "utf-8")
    problem = load_problem(path, fidelity)
    assert [parameter.name for parameter in problem.parameters.free] == [
        f"pair.{bead}.{coefficient}" for coefficient in ("epsilon", "sigma") for bead in "AB"
    ]
    assert problem.experiments["melt"].molecules == {"chain": 400 if fidelity == "careful" else 80}


def test_a_fidelity_merges_sections_and_replaces_lists(load, document):
    document["fidelities"]["long"] = {
        "experiments": {
            "melt": {
                "molecules": {"chain": 200},
                "protocol": [{"stage": "nvt", "temperature": "300 K", "duration": "1 ps"}],
            }
        },
        "search": {"evaluations": 99},
        "targets": {"density": {"state": {"T": "300 K"}, "value": "0.8 g/cm^3"}},
        "parameters": {"pair.A.sigma": {"fixed": "4 angstrom"}},
        "observables": {"density": {"experiment": "melt"}},
    }
    document["experiments"]["melt"]["protocol"].append({"stage": "nvt", "temperature": "300 K", "duration": "1 ps"})
    # Its only stage records nothing, so that the density is no target any more: try without.
    with pytest.raises(ProblemError, match=r"fidelities.long.targets|fidelities.long.observables"):
        load(document, "long")
    del document["fidelities"]["long"]["experiments"]["melt"]["protocol"]
    base, long = load(document, "base"), load(document, "long")
    assert (base.experiments["melt"].molecules, long.experiments["melt"].molecules) == ({"chain": 100}, {"chain": 200})
    assert base.experiments["melt"].timestep == long.experiments["melt"].timestep == 10.0
    assert (base.file.search.evaluations, long.file.search.evaluations) == (10, 99)
    assert (base.file.search.method, long.file.search.method) == ("tpe", "tpe")
    assert "pair.A.sigma" in long.parameters.fixed
    assert "pair.A.sigma" not in base.parameters.fixed


def test_the_fidelity_is_the_named_one_else_the_default_else_the_file_as_it_stands(load, document):
    assert load(document).fidelity == "base"
    assert load(document, "quick").fidelity == "quick"
    document["default_fidelity"] = "quick"
    assert load(document).fidelity == "quick"
    assert load(document, "base").fidelity == "base"


def test_a_fidelity_that_is_not_there_is_told_with_those_that_are(load, document):
    with pytest.raises(
        ProblemError, match=r"^--fidelity: received quik, expected one of base, quick; did you mean 'quick'\?"
    ):
        load(document, "quik")
    document["default_fidelity"] = "quik"
    with pytest.raises(ProblemError, match=r"yaml: default_fidelity: received quik, expected one of base, quick"):
        load(document)


def test_every_fidelity_is_checked_whichever_is_wanted(load, document):
    document["fidelities"]["wrong"] = {"experiments": {"melt": {"timestep": "4 kg"}}}
    for fidelity in (None, "quick", "wrong"):
        with pytest.raises(ProblemError, match=r"fidelities.wrong.experiments.melt.timestep: received 4 kg"):
            load(document, fidelity)


def test_files_are_named_relative_to_the_problem(load, document):
    problem = load(document)
    assert problem.file_named("models/a.yaml") == problem.path.parent / "models" / "a.yaml"


def test_a_model_that_does_not_fit_names_its_file(load, document, tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text("title: x\nparameters: {pair.A.sigma: 4 kg}\n")
    with pytest.raises(ProblemError, match=r"model.yaml: parameters.pair.A.sigma: received 4 kg"):
        load_model(path, load(document))


def test_the_schema_describes_every_key():
    schema = problem_schema()
    assert set(schema["required"]) == {
        "title",
        "molecules",
        "forcefield",
        "experiments",
        "observables",
    }
    for name, section in {**schema["$defs"], "ProblemFile": schema}.items():
        assert section["additionalProperties"] is False, name
        for key, entry in section["properties"].items():
            assert entry.get("description") or entry.keys() & {"const", "enum", "$ref"}, f"{name}.{key}"
