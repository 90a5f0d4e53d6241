"""Calibrated functions: which forms they have, and the model that they make."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beadsmith.calibrate.functional.baselines import Baselines, calibrate_baselines
from beadsmith.calibrate.functional.calibration import Calibration, calibrate
from beadsmith.calibrate.functional.forms import Form
from beadsmith.calibrate.functional.systems import System, make_forms, parameters_of
from beadsmith.errors import ProblemError
from beadsmith.problem import schema
from beadsmith.problem.complaint import suggestion
from beadsmith.problem.functions import Constant, Function
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem


@dataclass(frozen=True)
class Fit:
    """How functions are fitted.

    Attributes:
        functions: form by name or pattern of a parameter; later ones overrule.
        misfit: see the ``calibration`` section of the problem file.
        starts: starting points.
        seed: of these.
        posterior: how it is sampled.
    """

    functions: Mapping[str, str]
    misfit: str
    starts: int
    seed: int
    posterior: str = "randomised"

    @classmethod
    def declared(
        cls,
        problem: Problem,
        seed: int,
        functions: str | None = None,
        misfit: str | None = None,
        posterior: str | None = None,
    ) -> Fit:
        """What the problem file says, unless told otherwise.

        Args:
            functions: a form for all parameters.

        Raises:
            ProblemError: no such form or misfit.
        """
        own = problem.file.calibration
        for option, word, known in (
            ("--functions", functions, schema.FUNCTION_FORMS),
            ("--misfit", misfit, schema.CALIBRATION_MISFITS),
            ("--posterior", posterior, schema.POSTERIORS),
        ):
            if word is not None and word not in known:
                raise ProblemError(option, word, f"one of {', '.join(known)}", suggestion(word, known))
        return cls(
            own.functions if functions is None else {"*": functions},
            misfit or own.misfit,
            own.starts,
            seed,
            posterior or own.posterior,
        )


def simplification_declared(problem: Problem, fit: Fit, simplify: str | None = None) -> str | int:
    """How far functions are simplified: what the problem file says, unless told otherwise.

    Args:
        fit: how they are fitted.
        simplify: instead of what the file says.

    Raises:
        ProblemError: no such way; or one was asked for, and the misfit is no likelihood.
    """
    own = problem.file.calibration
    where = "calibration.simplify" if simplify is None else "--simplify"
    try:
        wanted = own.simplify if simplify is None else schema.parse_simplification(simplify)
    except ValueError as error:
        hint = suggestion(str(simplify), schema.SIMPLIFICATIONS)
        raise ProblemError(where, str(simplify), str(error), hint) from error
    asked = simplify is not None or "simplify" in own.model_fields_set
    if asked and fit.misfit != "combined_variance":
        remedy = "leave it out: the published rule simplifies such a fit"
        raise ProblemError(where, f"{wanted} with the misfit {fit.misfit}", "the misfit combined_variance", remedy)
    return wanted


def forms_of(problem: Problem, systems: Sequence[System], functions: Mapping[str, str]) -> dict[str, Form]:
    """The form of every parameter.

    Raises:
        ProblemError: a name or pattern that no parameter has, a parameter without a form, or several state variables
            and none named.
    """
    parameters = parameters_of(systems)
    kinds: dict[str, str] = {}
    for pattern, kind in functions.items():
        matching = fnmatch.filter(parameters, pattern)
        if not matching:
            where = f"calibration.functions.{pattern}"
            raise ProblemError(where, pattern, "a free parameter of a system", suggestion(pattern, parameters))
        kinds |= dict.fromkeys(matching, kind)
    own = problem.file.calibration
    return make_forms(kinds, systems, over=own.over, centres=own.centres)


def fitted_baselines(
    problem: Problem, systems: Sequence[System], fit: Fit, progress: Callable[[int, int], None]
) -> Baselines:
    """The four baselines of the supplement, fitted as the functions themselves are.

    Raises:
        ProblemError: see :func:`fitted`.
    """
    own = problem.file.calibration
    return calibrate_baselines(
        systems,
        functions={name: form.name for name, form in forms_of(problem, systems, fit.functions).items()},
        over=own.over,
        centres=own.centres,
        misfit=fit.misfit,  # type: ignore[arg-type]  # checked where it came from
        starts=fit.starts,
        seed=fit.seed,
        outside=own.extrapolation,
        progress=progress,
    )


def fitted(problem: Problem, systems: Sequence[System], fit: Fit) -> Calibration:
    """Functions fitted to all targets of all systems together.

    Raises:
        ProblemError: see :func:`forms_of`; targets where nothing was simulated.
    """
    return calibrate(
        systems,
        forms_of(problem, systems, fit.functions),
        misfit=fit.misfit,  # type: ignore[arg-type]  # checked where it came from
        starts=fit.starts,
        seed=fit.seed,
        outside=problem.file.calibration.extrapolation,
        # A table may reach further than what was declared, and surrogates with it.
        ranges={parameter.name: (parameter.low, parameter.high) for parameter in problem.parameters.free},
    )


def model_of(
    problem: Problem,
    title: str,
    functions: Mapping[str, Function],
    states: Mapping[str, tuple[float, float]],
    uncertainty: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> Model:
    """The model that functions make.

    Parameters that no system with targets depends on stay in the middle of their ranges.

    Args:
        states: where it holds.
        uncertainty: standard deviation of parameters.
        provenance: how it was made.
    """
    space = problem.parameters
    middle = {name: Constant(value) for name, value in space.middle.items()}
    every: dict[str, Function] = {**middle, **functions}
    every |= {name: Constant(value) for name, value in space.fixed.items()}
    every |= {name: every[leader] for name, leader in space.tied.items()}
    left = [name for name in middle if name not in functions]
    notes = f"No target depends on {', '.join(left)}: the middle of the range." if left else ""
    return Model(
        title=title,
        functions={name: every[name] for name in space.kinds},
        holds_for=dict(states),
        uncertainty=dict(uncertainty),
        citations=problem.file.citations,
        notes=notes,
        provenance=dict(provenance),
    )
