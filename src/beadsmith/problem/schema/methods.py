"""How models are proposed, observables learnt, functions calibrated, and how precisely."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from beadsmith.problem.quantity import WallTime, parse_quantities
from beadsmith.problem.schema.section import Count, Name, QuantityText, Section, one_of

#: Standard deviation, as a part of its range, of a parameter about its start before anything was measured.
PRIOR_WIDTH = 0.4

SEARCH_METHODS = (
    "gauss-newton",
    "grey-box",
    "combined",
    "tpe",
    "tpe-martins2025",
    "optuna-gp",
    "cma-es",
    "sobol",
    "random",
)


class Search(Section):
    """How models are proposed."""

    method: Annotated[str | None, one_of(SEARCH_METHODS)] = None
    """gauss-newton: on fluctuation gradients; grey-box: on the observables; combined: both; tpe: Optuna's today; ...
    If left out: gauss-newton where all targets have gradients, combined where not."""
    evaluations: Count = 60
    """Budget: models to simulate."""
    time: WallTime | None = None
    """Budget: propose no more models after this wall-clock time."""
    start: tuple[str, ...] = ()
    """Model files to evaluate first, relative to the problem file."""
    remeasure: Annotated[int, Field(ge=0)] = 3
    """How often the best model is simulated again with fresh seeds at the end."""
    candidates: Count = 3
    """How many of the best models are re-measured."""
    finalists: Name | None = None
    """Fidelity at which the best model and those to compare with are measured at the end, such as a long cooling."""
    finalist_replicas: Annotated[int, Field(ge=0)] = 2
    """How often each of them is, with fresh seeds."""
    prior: Annotated[float, Field(gt=0)] = PRIOR_WIDTH
    """gauss-newton, combined, identify: standard deviation of a parameter about its start, as a part of its range."""
    reweighting: bool = False
    """gauss-newton, combined: try steps on the frames of earlier simulations, reweighted, before one is simulated."""


def _by_experiment(value: object) -> object:
    return {"*": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Design(Section):
    """What is simulated to learn the observables as functions of parameters and state, without looking at targets.

    Every experiment is a system with a design of its own: over the parameters that it depends on, and over its states.
    """

    points: Annotated[dict[str, Count] | None, BeforeValidator(_by_experiment)] = None
    """Models to simulate, one number for every experiment or one each; 16 per dimension if left out."""
    states: dict[Name, QuantityText] = {}
    """Where: a list, 'DC: 0 0.5 0.9', or for formulas also a range, 'DC: 0 to 0.9'; the experiments' own states if left
    out.  All temperatures of a ladder are in every simulation anyway."""
    data: tuple[str, ...] = ()
    """Tables (CSV) of runs that are known already, relative to the problem file."""


POSTERIORS = ("randomised", "nuts")
CALIBRATION_MISFITS = ("combined_variance", "relative", "giuntoli2021")

#: Forms that a parameter may have as a function of the state.
FUNCTION_FORMS = ("constant", "linear", "sigmoid", "rbf", "free")


#: How far functions are simplified: a criterion or the knee of the path; or a number of numbers to keep.
SIMPLIFICATIONS = ("bic", "aicc", "cross_validated", "knee")


def parse_simplification(value: object) -> str | int:
    """One of :data:`SIMPLIFICATIONS`, or a number as a number.

    Raises:
        ValueError: neither; the sentence says what was expected.
    """
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value in SIMPLIFICATIONS or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError(f"one of {', '.join(SIMPLIFICATIONS)}, or how many numbers to keep, such as 20")


def _by_parameter(value: object) -> object:
    return {"*": value} if isinstance(value, str) else value


def _centres(value: object) -> object:
    numbers = parse_quantities(value, "number")
    if len(numbers) < 2 or any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise ValueError("two or more increasing numbers, such as '0 0.5 1'")
    return numbers


class Calibration(Section):
    """How functions of the state are fitted to the targets through what a design taught."""

    functions: Annotated[
        dict[str, Annotated[str, one_of(FUNCTION_FORMS)]], BeforeValidator(_by_parameter), Field(min_length=1)
    ] = {"*": "rbf"}
    """Form of each parameter as a function of the state: one for all, or by name or pattern; later ones overrule."""
    over: Name | None = None
    """State variable that the functions depend on; the only one that the design varies if left out."""
    centres: Annotated[tuple[float, ...], BeforeValidator(_centres, json_schema_input_type=str)] | None = None
    """Centres of radial basis functions; the ends and the middle of the design's states if left out."""
    misfit: Annotated[str, one_of(CALIBRATION_MISFITS)] = "combined_variance"
    """Deviations over the variances of target and surrogate; relative to the target; or as Giuntoli et al. (2021)."""
    starts: Count = 64
    """Starting points of the fit."""
    simplify: Annotated[
        str | int, BeforeValidator(parse_simplification, json_schema_input_type=Literal[SIMPLIFICATIONS] | int)
    ] = "bic"
    """How far the functions are simplified: to the lowest score of a criterion, to the knee of the path, or to so many
    numbers."""
    posterior: Annotated[str, one_of(POSTERIORS)] = "randomised"
    """How the posterior of the functions is sampled: by independent fits to randomised targets, which is fast, or by
    nuts, Hamiltonian Monte Carlo, which is exact and takes minutes."""
    extrapolation: Literal["refuse", "warn"] = "refuse"
    """What to do about targets at states beyond those of the design."""
    rounds: Annotated[int, Field(ge=0)] = 3
    """How often the calibrated model is simulated, added to what is known, and calibrated anew, at most."""
    held_out: dict[Name, QuantityText] = {}
    """Targets at these states are not fitted, such as 'DC: 0.25 0.75'; the calibrated model is simulated there, too."""
    refine: Annotated[int, Field(ge=0)] = 0
    """Further runs of each system after a round that failed, where the surrogates know least of what the calibration
    does not rule out."""


class Precision(Section):
    """How well observables must be known, and what may be spent on it."""

    tolerance: dict[Name, QuantityText] = {}
    """Largest standard error, by observable measured in a simulation."""
    of_target: Annotated[float, Field(gt=0)] = 0.5
    """The tolerance of all others, as a fraction of their target's uncertainty."""
    longest: Annotated[float, Field(ge=1)] = 4.0
    """Recorded stretches may be continued to so many times their length; 1 for never."""
    replicas: Count = 1
    """Independent repetitions of a simulation, at most; for what does not relax in a longer run, such as a glass, and
    for what is not precise enough where its run can or may be no longer."""
    measured: str | None = None
    """What 'beadsmith precision' found out about this protocol, relative to the problem file."""
