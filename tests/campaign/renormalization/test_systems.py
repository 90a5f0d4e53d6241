"""What varies in the design of each system."""

import pytest
import yaml

from beadsmith.campaign.renormalization.systems import problem_of_cures, run_problem, scalars_of, systems_of
from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import load_problem
from beadsmith.problem.state import State


def test_systems_vary_what_they_depend_on(two_systems):
    one, other = systems_of(two_systems)
    assert [parameter.name for parameter in one.parameters] == ["pair.A.epsilon", "pair.B.epsilon"]
    assert [parameter.name for parameter in other.parameters] == ["pair.B.epsilon", "pair.C.epsilon"]
    assert [(axis.name, axis.low, axis.high, axis.values) for axis in one.states] == [("DC", 0.0, 1.0, ())]
    assert (one.points, one.dimension, one.observables) == (64, 3, ("one_density", "one_stiffness"))


def test_states_are_the_experiments_own_if_the_design_names_none(document, write):
    del document["design"]["states"]
    document["design"]["points"] = {"one": 5, "*": 7}
    one, other = systems_of(load_problem(write(document)))
    assert [axis.values for axis in (*one.states, *other.states)] == [(0.0, 0.5, 1.0)] * 2
    assert (one.points, other.points) == (5, 7)


def test_a_design_without_a_number_has_some_for_each_dimension(document, write):
    document["design"] = {}
    assert [system.points for system in systems_of(load_problem(write(document)))] == [48, 48]


def test_a_run_has_one_experiment_at_one_state_and_no_targets(two_systems):
    run = run_problem(two_systems, "other", State.of(DC=0.3))
    assert list(run.experiments) == ["other"]
    assert list(run.observables) == ["other_density"]
    assert recorded_states(run.experiments["other"]) == (State.of(DC=0.3),)
    assert run.targets == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"points": {"on": 5}}, "design.points: received on, expected one of one, other, *; did you mean 'one'?"),
        ({"states": {"CD": "0 to 1"}}, "design.states.CD: received CD, expected a state variable of an experiment"),
        ({"states": {"DC": "0 to 1 by 0.5 K"}}, "design.states.DC: received 0 to 1 by 0.5 K"),
    ],
)
def test_a_design_of_what_does_not_exist_is_refused(document, write, changes, sentence):
    document["design"] = changes
    with pytest.raises(ProblemError) as caught:
        systems_of(load_problem(write(document)))
    assert sentence in str(caught.value)


def test_nothing_free_is_no_design(document, write):
    document["parameters"]["pair.*.epsilon"] = {"fixed": "0.5 kcal/mol"}
    with pytest.raises(ProblemError, match="at least one parameter with a range"):
        systems_of(load_problem(write(document)))


NETWORKS = """
title: A melt and a network
beads: {E: {mass: 50 g/mol}, M: {mass: 50 g/mol}, N: {mass: 50 g/mol}, X: {mass: 50 g/mol}}
molecules: {resin: {beads: E M E}, hardener: {beads: N N}, other: {beads: X X}}
reactions: {capacities: {E: 1, N: 2}, bonds: E-N}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom}}
parameters:
  pair.*: 3 to 4 angstrom
  pair.*.epsilon: 0.2 to 1.2 kcal/mol
  bond.*.k: 4 to 8 kcal/mol/angstrom^2
  bond.*.length: {fixed: 3.6 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.*.theta0: {fixed: 120 degree}
experiments:
  network:
    kind: network
    molecules: {resin: 40, hardener: 20}
    initial_density: 0.5 g/cm^3
    timestep: 4 fs
    degrees: 0 0.4 0.8
    cure:
      cutoff: 6 angstrom
      preparation: [{stage: push-off}]
      relaxation: [{stage: minimize}]
    protocol: [{stage: npt, temperature: 300 K, duration: 1 ps, record: yes}]
  melt:
    kind: melt
    molecules: {other: 200}
    initial_density: 0.5 g/cm^3
    timestep: 4 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 300 350 K, hold: 1 ps}]
observables:
  network_density: {kind: density, experiment: network}
  profile: {kind: radial_distribution, experiment: network, r: 3 to 6 by 0.5 angstrom}
  melt_density: {kind: density, experiment: melt}
  expansion: {kind: thermal_expansion, density: melt_density, temperatures: 300 to 350 K}
"""


@pytest.fixture
def network_and_melt(tmp_path):
    path = tmp_path / "problem.yaml"
    document = yaml.safe_load(NETWORKS)
    document["parameters"] = {
        name.replace("pair.*", "pair.*.sigma") if name == "pair.*" else name: rule
        for name, rule in document["parameters"].items()
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_problem(path)


def test_a_network_depends_on_the_bonds_that_it_may_get(network_and_melt):
    network, melt = systems_of(network_and_melt)
    assert "bond.E-N.k" in [parameter.name for parameter in network.parameters]
    assert [parameter.name for parameter in melt.parameters] == ["bond.X-X.k", "pair.X.epsilon", "pair.X.sigma"]
    assert not {"bond.X-X.k", "pair.X.sigma"} & {parameter.name for parameter in network.parameters}


def test_degrees_differ_between_runs_and_temperatures_of_a_ladder_do_not(network_and_melt):
    network, melt = systems_of(network_and_melt)
    assert [(axis.name, axis.values) for axis in network.states] == [("DC", (0.0, 0.4, 0.8))]
    assert melt.states == ()


def test_curves_are_no_scalars_and_what_is_derived_belongs_to_its_experiment(network_and_melt):
    network, melt = systems_of(network_and_melt)
    assert scalars_of(network_and_melt, network) == ("network_density",)
    assert scalars_of(network_and_melt, melt) == ("melt_density", "expansion")


def test_only_networks_are_cured_beforehand(network_and_melt):
    network, melt = systems_of(network_and_melt)
    cured = problem_of_cures(network_and_melt, network)
    assert cured is not None
    assert cured.experiments["network"].degrees == (0.0, 0.4, 0.8)
    assert problem_of_cures(network_and_melt, melt) is None
