"""Formulas as experiments: exact without noise, and as noisy as they say with it."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.observe.formulas import observe_formulas
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.model import Model
from beadsmith.problem.schema import Formulas, Mean
from beadsmith.problem.state import State

THEORY = Formulas(
    kind="formulas", states={"DC": "0 0.5 1"}, columns={"density": "1 + 0.1 * pair.A.epsilon", "root": "sqrt(DC - 0.4)"}
)
DENSITY = Mean(kind="mean", experiment="theory", column="density")


def observed(experiment: Formulas, model: Model, observable: Mean = DENSITY, seed: int = 1):
    return observe_formulas("theory", experiment, model, {"density": observable}, np.random.default_rng(seed))


def model(**functions) -> Model:
    return Model("ours", functions or {"pair.A.epsilon": Linear("DC", 1.0, 2.0)})


def test_parameters_have_the_values_of_their_functions_at_each_state():
    values = {one.state["DC"]: (one.value, one.stderr) for one in observed(THEORY, model())}
    assert values == {0.0: (1.1, 0.0), 0.5: (pytest.approx(1.2), 0.0), 1.0: (pytest.approx(1.3), 0.0)}


def test_noise_is_as_large_as_it_says_and_has_no_bias():
    noisy = THEORY.model_copy(update={"noise": {"density": 0.05}, "states": {"DC": " ".join(["0.3"] * 4000)}})
    exact = model(**{"pair.A.epsilon": Constant(2.0)})
    values = np.array([one.value for one in observed(noisy, exact)])
    assert values.mean() == pytest.approx(1.2, abs=4 * 0.05 / np.sqrt(4000))
    assert values.std() == pytest.approx(0.05, rel=0.05)
    assert {one.stderr for one in observed(noisy, exact)} == {0.05}


def test_the_same_seed_makes_the_same_noise():
    noisy = THEORY.model_copy(update={"noise": {"density": 0.05}})
    assert observed(noisy, model(), seed=3) == observed(noisy, model(), seed=3)
    assert observed(noisy, model(), seed=3) != observed(noisy, model(), seed=4)


def test_what_is_no_number_somewhere_is_said_with_the_place():
    root = DENSITY.model_copy(update={"column": "root"})
    with pytest.raises(
        EstimateError, match=r"density of experiment theory at DC=0: sqrt\(DC - 0.4\) is no finite number"
    ):
        observed(THEORY, model(), root)


def test_a_model_that_needs_another_variable_is_refused():
    with pytest.raises(ProblemError, match="a state that says T"):
        observed(THEORY, model(**{"pair.A.epsilon": Linear("T", 1.0, 2.0)}))


def test_observables_of_other_experiments_are_passed_over():
    assert observed(THEORY, model(), DENSITY.model_copy(update={"experiment": "another"})) == ()


def test_the_states_are_those_of_the_file():
    assert [one.state for one in observed(THEORY, model())] == [State.of(DC=value) for value in (0.0, 0.5, 1.0)]
