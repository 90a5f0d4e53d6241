"""Experiments that are formulas: where they are evaluated, what they depend on, and whether they can be."""

from __future__ import annotations

from collections.abc import Collection

from beadsmith.errors import ProblemError
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.formula import Formula, parse_formula
from beadsmith.problem.schema import Formulas, Mean, ProblemFile
from beadsmith.problem.state import State
from beadsmith.problem.targets import parse_states


def formulas_of(experiment: Formulas) -> dict[str, Formula]:
    """The columns of an experiment."""
    return {name: parse_formula(text) for name, text in experiment.columns.items()}


def states_of_formulas(experiment: Formulas, where: str = "experiment") -> tuple[State, ...]:
    """States at which formulas are evaluated.

    Raises:
        ProblemError: wrong unit, or lists of different lengths.
    """
    fixed = State.of(experiment.state)
    return tuple(fixed.with_(**state.as_dict()) for state in parse_states(experiment.states, f"{where}.states"))


def check_formulas(file: ProblemFile, parameters: Collection[str]) -> None:
    """Raise ProblemError for the first formula with a name that neither a parameter nor a state variable has.

    Args:
        parameters: names of all of the force field's.
    """
    for name, experiment in file.experiments.items():
        if not isinstance(experiment, Formulas):
            continue
        where = f"experiments.{name}"
        variables = {*experiment.state, *states_of_formulas(experiment, where)[0]}
        for column, formula in formulas_of(experiment).items():
            for used in formula.names:
                if used not in variables and used not in parameters:
                    expected = "parameters and the state variables " + (", ".join(sorted(variables)) or "(none)")
                    remedy = suggestion(used, [*variables, *parameters]) or f"declare it under {where}.states"
                    raise ProblemError(f"{where}.columns.{column}", used, expected, remedy)
        for column in experiment.noise:
            if column not in experiment.columns:
                expected = f"one of {', '.join(experiment.columns)}"
                raise ProblemError(f"{where}.noise.{column}", column, expected, suggestion(column, experiment.columns))
    for name, observable in file.observables.items():
        owner = file.experiments.get(getattr(observable, "experiment", ""))
        if isinstance(owner, Formulas):
            _check_column(f"observables.{name}", observable, owner)


def _check_column(where: str, observable: object, experiment: Formulas) -> None:
    if not isinstance(observable, Mean):
        received = str(getattr(observable, "kind", ""))
        raise ProblemError(f"{where}.kind", received, "mean", "formulas have nothing but columns")
    if observable.column not in experiment.columns:
        expected = f"one of {', '.join(experiment.columns)}"
        raise ProblemError(
            f"{where}.column", observable.column, expected, suggestion(observable.column, experiment.columns)
        )
