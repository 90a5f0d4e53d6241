"""Calibrated functions: which forms they have, and the model that they make."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
