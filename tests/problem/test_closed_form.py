"""Experiments that are formulas, in a problem file."""

import pytest
import yaml

from beadsmith.errors import ProblemError
from beadsmith.problem.checks import recorded_states
from beadsmith.problem.problem import load_problem
from beadsmith.problem.state import State
from beadsmith.problem.states import at_states


@pytest.fixture
def load(tmp_path):
    def loaded(**changes):
        document = yaml.safe_load("""
            title: A theory
            beads: {A: {mass: 50 g/mol}}
            molecules: {bead: {beads: A}}
            forcefield: {pair: {style: lj/cut, cutoff: 10 angstrom}}
            parameters: {pair.A.epsilon: 0.2 to 1.2 kcal/mol, pair.A.sigma: {fixed: 4 angstrom}}
            experiments:
              theory:
                kind: formulas
                state: {P: 1}
                states: {T: 300 350 K, DC: 0.5}
                columns: {density: 1 + pair.A.epsilon / T * P - 0.1 * DC}
                noise: {density: 0.01}
            observables:
              density: {kind: mean, experiment: theory, column: density, unit: g/cm^3}
            targets:
              density: {state: {T: 300 K, DC: 0.5, P: 1 atm}, value: 1 g/cm^3, uncertainty: 0.1 g/cm^3, source: us}
        """)
        for path, value in changes.items():
            section, *keys, last = path.split("__")
            place = document[section]
            for key in keys:
                place = place[key]
            place[last] = value
        path = tmp_path / "problem.yaml"
        path.write_text(yaml.safe_dump(document))
        return load_problem(path)

    return loaded


def test_states_stand_side_by_side(load):
    states = recorded_states(load().experiments["theory"])
    assert states == (State.of(T=300, DC=0.5, P=1), State.of(T=350, DC=0.5, P=1))


def test_other_states_replace_those_of_the_file(load):
    ((_, cold), (_, hot)) = at_states(load(), {"DC": (0.1, 0.2), "T": (280.0, 290.0)})
    assert recorded_states(cold.experiments["theory"]) == (State.of(T=280, DC=0.1, P=1), State.of(T=290, DC=0.1, P=1))
    assert {state["DC"] for state in recorded_states(hot.experiments["theory"])} == {0.2}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"experiments__theory__columns__density": "1 + pair.A.epsilom"}, "did you mean 'pair.A.epsilon'?"),
        ({"experiments__theory__columns__density": "1 + V"}, "expected parameters and the state variables DC, P, T"),
        (
            {"experiments__theory__columns__density": "1 +"},
            "experiments.theory.columns.density: received 1 +, expected",
        ),
        ({"experiments__theory__columns__density": "[1]"}, "expected numbers, names, + - * / **"),
        ({"experiments__theory__noise": {"densty": 0.1}}, "experiments.theory.noise.densty: received densty"),
        ({"experiments__theory__noise": {"density": -0.1}}, "expected 0 or more"),
        ({"experiments__theory__states": {"T": "300 350 K", "DC": "0 0.5 1"}}, "theory.states.T: received 2 values"),
        ({"observables__density__column": "densty"}, "observables.density.column: received densty, expected one of"),
        ({"observables__density": {"kind": "density", "experiment": "theory"}}, "received density, expected mean"),
    ],
)
def test_what_cannot_be_computed_is_refused(load, changes, sentence):
    with pytest.raises(ProblemError) as caught:
        load(**changes)
    assert sentence in str(caught.value)
