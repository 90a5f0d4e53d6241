"""Properties in closed form: what a formula says of a model at a state, with the noise that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.problem.closed_form import formulas_of, states_of_formulas
from beadsmith.problem.model import Model
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import Formulas, Mean, Observable
from beadsmith.problem.state import State


def observe_formulas(
    name: str, experiment: Formulas, model: Model, observables: Mapping[str, Observable], rng: np.random.Generator
) -> tuple[Observation, ...]:
    """Every observable of an experiment of formulas, at each of its states.

    Args:
        name: of the experiment.
        experiment: the formulas.
        model: whose parameters are put in.
        observables: by name; those of other experiments are passed over.
        rng: makes the noise.

    Raises:
        EstimateError: a formula that gives no finite number; the sentence says where.
        ProblemError: the model needs a state variable that the experiment lacks.
    """
    formulas = formulas_of(experiment)
    found = []
    for state in states_of_formulas(experiment):
        known = {**model.at(state), **state.as_dict()}
        for own, observable in observables.items():
            if isinstance(observable, Mean) and observable.experiment == name:
                stderr = experiment.noise.get(observable.column, 0.0)
                try:
                    value = formulas[observable.column](known)
                except ArithmeticError as error:
                    raise EstimateError(f"{own} of experiment {name}{_at(state)}: {error}") from error
                found.append(Observation(own, state, value + stderr * float(rng.standard_normal()), stderr))
    return tuple(found)


def _at(state: State) -> str:
    return f" at {state.label}" if state.label else ""
