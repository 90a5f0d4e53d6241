"""Fewer numbers for the same accuracy: the published rule, and a walk from all of them to one for each parameter.

The published rule asks the envelope of each function by itself.  Functions can replace each other, so that all
envelopes may be wide although not all functions can be constant together: the refit shows it.

The walk goes by backward elimination.  At every step each function may become one class simpler (free, radial basis
functions or sigmoid, then linear, then constant).  What that would cost is first estimated from derivatives (Wald's
test: the least increase of the quadratic approximation of the objective under the constraint that the function be of
the simpler class, all others making up for it); the few cheapest are refitted with all other functions, and the best of
them is taken.  Classes are judged along the whole path by

- ``bic``: objective + k log n, or ``aicc``: objective + 2 k + 2 k (k + 1) / (n - k - 1), with k numbers fitted to n
  targets; the objective of ``combined_variance`` is -2 log likelihood;
- ``cross_validated``: mean over targets of -2 log of the predictive density, from fits without their state (in groups
  of states).

References:
    G. Schwarz, Ann. Stat. 6, 461 (1978) (BIC).  C. M. Hurvich, C.-L. Tsai, Biometrika 76, 297 (1989) (AICc).
    V. Satopää et al., ICDCS Workshops 2011, 166 (the knee of a curve: furthest below the line between its ends).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from beadsmith.calibrate.functional.calibration import Calibration, calibrate, refit, summarise
from beadsmith.calibrate.functional.envelopes import Envelope, Uncertainty
from beadsmith.calibrate.functional.family import Family
from beadsmith.calibrate.functional.forms import ConstantForm, Form, LinearForm
from beadsmith.calibrate.functional.objective import Objective
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.systems import Reference, System
from beadsmith.errors import ProblemError
from beadsmith.problem.state import State

Array = NDArray[np.float64]

Criterion = Literal["bic", "aicc", "cross_validated"]
CRITERIA: tuple[Criterion, ...] = ("bic", "aicc", "cross_validated")

#: Points at which a function is compared with the class that it might become.
_COMPARED = 9

#: Groups of states of a cross-validation.
_FOLDS = 5


@dataclass(frozen=True)
class Step:
    """One place on the path.

    Attributes:
        parameter: whose function became simpler; None at the beginning.
        form: what it became.
        calibration: all functions after it.
        score: of the criterion; smaller is better.
    """

    parameter: str | None
    form: str | None
    calibration: Calibration
    score: float


@dataclass(frozen=True)
class Simplification:
    """The path from all numbers to few.

    Attributes:
        criterion: which.
        steps: from the given calibration to constants.
        best: index of the smallest score.
        knee: index of the step at which the logarithm of the objective lies furthest below the straight line between
            the ends of the path: beyond it, fewer numbers cost disproportionately.
    """

    criterion: Criterion
    steps: tuple[Step, ...]
    best: int
    knee: int

    def chosen(self, wanted: str | int) -> int:
        """Index of the step that was asked for.

        Args:
            wanted: ``knee``; a number of numbers, of which no more are kept; anything else for the smallest score.

        Raises:
            ProblemError: fewer numbers than the path ends with, or more than it begins with.
        """
        if wanted == "knee":
            return self.knee
        if isinstance(wanted, str):
            return self.best
        check_numbers(self.steps[0].calibration, wanted)
        return next(i for i, step in enumerate(self.steps) if step.calibration.free_parameters <= wanted)

    def to_json(self) -> dict[str, Any]:
        """Plain types.

        Keys: ``criterion``, ``best``, ``knee`` (indices) and ``steps``, each with ``parameter``, ``form`` (null at the
        beginning), ``score`` (null where AICc has no meaning), ``free_parameters``, ``misfit``, ``objective``,
        ``mean_rmspe``, ``rmspe`` and ``calibration`` (:meth:`.Calibration.to_json`).
        """
        return {
            "criterion": self.criterion,
            "best": self.best,
            "knee": self.knee,
            "steps": [_step_to_json(step) for step in self.steps],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Simplification:
        """The inverse of :meth:`to_json`."""
        steps = tuple(
            Step(
                one["parameter"],
                one["form"],
                Calibration.from_json(one["calibration"]),
                math.inf if one["score"] is None else one["score"],
            )
            for one in document["steps"]
        )
        return cls(document["criterion"], steps, document["best"], document["knee"])


def published_simplification(
    calibration: Calibration,
    uncertainty: Uncertainty,
    systems: Sequence[System],
    *,
    width: float = 1.0,
    starts: int = 16,
    seed: int = 0,
) -> Calibration:
    """The published rule: a constant where one fits into the envelope, else a line, else as it was; then a refit.

    Args:
        calibration: to be simplified.
        uncertainty: its envelopes.
        systems: that it was made with.
        width: of the envelopes, in standard deviations to each side; the paper does not say which.
        starts: of the refit, besides the functions nearest to those found.
        seed: of the starts.

    Raises:
        ProblemError: a width that is not positive.
    """
    if not width > 0:
        raise ProblemError("width", f"{width:g}", "a positive number of standard deviations")
    family = calibration.family
    forms = {
        name: _fitting(form, uncertainty.envelopes[name], width, family) for name, form in calibration.forms.items()
    }
    begin = Family(forms, family.ranges, family.states).nearest(calibration.functions, calibration.log10_shape)
    return calibrate(
        systems,
        forms,
        misfit=calibration.rule,
        prior=calibration.prior,
        starts=starts,
        seed=seed,
        begin=[begin],
        outside="warn" if calibration.warnings else "refuse",
        ranges=family.ranges,
    )


def simplify(
    calibration: Calibration,
    systems: Sequence[System],
    *,
    criterion: Criterion = "bic",
    tried: int = 3,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Simplification:
    """Walk from a calibration to constants, one class of one function at a time.

    Args:
        calibration: where the path begins; made with ``combined_variance``, the rule that is a likelihood.
        systems: that it was made with.
        criterion: see the module.
        tried: candidates that are refitted at every step.
        progress: told how many steps there are, and how many there will be.

    Raises:
        ProblemError: an unknown criterion, or another rule.
    """
    if criterion not in CRITERIA:
        raise ProblemError("criterion", str(criterion), f"one of {', '.join(CRITERIA)}")
    if calibration.rule != "combined_variance":
        remedy = "calibrate with combined_variance"
        raise ProblemError("criterion", f"the misfit {calibration.rule}", "one that is a likelihood", remedy)
    total = 1 + sum(_classes_below(form) for form in calibration.forms.values())
    steps = [Step(None, None, calibration, _score(calibration, systems, criterion))]
    progress(1, total)
    while ranked := _candidates(steps[-1].calibration, systems):
        current = steps[-1].calibration
        fitted = [(name, form, _refitted(current, systems, name, form)) for _, name, form in ranked[: max(tried, 1)]]
        name, form, best = min(fitted, key=lambda one: one[2].objective)
        steps.append(Step(name, form.name, best, _score(best, systems, criterion)))
        progress(len(steps), total)
    scores = [step.score for step in steps]
    return Simplification(criterion, tuple(steps), int(np.argmin(scores)), knee_of(steps))


def check_numbers(calibration: Calibration, numbers: int) -> None:
    """Whether a path from a calibration has a step with so many numbers, or with hardly more.

    Raises:
        ProblemError: fewer than one for each function, or more than the calibration has.
    """
    least, most = len(calibration.forms), calibration.free_parameters
    if not least <= numbers <= most:
        raise ProblemError("simplify", f"{numbers} numbers", f"{least} (constants) to {most} (as calibrated)")


def knee_of(steps: Sequence[Step]) -> int:
    """Index of the step furthest below the line between the ends, log objective against numbers fitted."""
    counts = np.array([float(step.calibration.free_parameters) for step in steps])
    values = np.log([max(step.calibration.objective, 1e-300) for step in steps])
    if len(steps) < 3 or counts[0] == counts[-1] or np.ptp(values) == 0.0:
        return 0
    across = (counts - counts[-1]) / (counts[0] - counts[-1])
    line = values[-1] + (values[0] - values[-1]) * across
    return int(np.argmax(line - values))


def information_criterion(objective: float, numbers: int, targets: int, criterion: Literal["bic", "aicc"]) -> float:
    """BIC or AICc; infinite where AICc has no meaning (numbers + 1 >= targets)."""
    if criterion == "bic":
        return objective + numbers * math.log(targets)
    left = targets - numbers - 1
    return objective + 2.0 * numbers + 2.0 * numbers * (numbers + 1) / left if left > 0 else math.inf


def cross_validated(calibration: Calibration, systems: Sequence[System]) -> float:
    """Mean over targets of -2 log of the predictive density from fits without their state.

    States are dealt to five groups in turn, so that every group spans the interval; its ends are extrapolated once.

    Raises:
        ProblemError: all targets are at one state.
    """
    states = sorted({state for system in systems for one in system.references for state in one.states})
    if len(states) < 2:
        raise ProblemError("criterion", "targets at one state", "two states or more for a cross-validation")
    total, count = 0.0, 0
    for first in range(min(_FOLDS, len(states))):
        fold = frozenset(states[first::_FOLDS])
        kept, out = _split(systems, fold, inside=False), _split(systems, fold, inside=True)
        place, _, _ = refit(_objective(calibration, calibration.family, kept), np.asarray(calibration.coordinates))
        predictor = Predictor(calibration.family, out)
        mean, variance = (one[0] for one in predictor.predict(place[None]))
        spread = variance + predictor.target_variances
        total += float(((mean - predictor.targets) ** 2 / spread + np.log(2.0 * math.pi * spread)).sum())
        count += len(mean)
    return total / count


def _fitting(form: Form, envelope: Envelope, width: float, family: Family) -> Form:
    """The simplest form that stays inside an envelope."""
    low = np.subtract(envelope.mean, width * np.asarray(envelope.stderr))
    high = np.add(envelope.mean, width * np.asarray(envelope.stderr))
    if form.over is None or low.max() <= high.min():
        return ConstantForm()
    if form.name == "linear" or not _line_between(np.asarray(envelope.points), low, high):
        return form
    return LinearForm(form.over, *family.states[form.over])


def _line_between(points: Array, low: Array, high: Array) -> bool:
    """Whether a straight line stays between two curves."""
    table = np.stack([np.ones_like(points), points], axis=-1)
    found = linprog(
        np.zeros(2), A_ub=np.concatenate([table, -table]), b_ub=np.concatenate([high, -low]), bounds=(None, None)
    )
    return bool(found.status == 0)


def _classes_below(form: Form) -> int:
    return 0 if form.over is None else 1 if form.name == "linear" else 2


def _simpler(form: Form, family: Family) -> Form | None:
    if form.over is None:
        return None
    return ConstantForm() if form.name == "linear" else LinearForm(form.over, *family.states[form.over])


def _objective(calibration: Calibration, family: Family, systems: Sequence[System]) -> Objective:
    return Objective(Predictor(family, tuple(systems)), calibration.rule, calibration.prior)


def _candidates(calibration: Calibration, systems: Sequence[System]) -> list[tuple[float, str, Form]]:
    """Estimated cost, parameter and form of everything that may become simpler, cheapest first."""
    family = calibration.family
    place = np.asarray(calibration.coordinates)[None]
    _, slopes = _objective(calibration, family, systems).residuals(place)
    covariance = np.linalg.pinv(slopes[0].T @ slopes[0], hermitian=True)
    found = []
    for name, form in family.forms.items():
        simpler = _simpler(form, family)
        if simpler is not None:
            found.append((_cost(family, place, name, simpler, covariance), name, simpler))
    return sorted(found, key=lambda one: one[0])


def _cost(family: Family, place: Array, name: str, simpler: Form, covariance: Array) -> float:
    """Wald's statistic of the constraint that a function be of a simpler class, to first order."""
    form = family.forms[name]
    over = form.over or ""
    points: Array = np.linspace(*family.states[over], _COMPARED, dtype=np.float64)
    index = family.parameters.index(name)
    own = family.evaluate(place, _along(family, over, points))
    values, slopes = own.values[0, :, index], own.slopes[0, :, index]
    ones = np.ones_like(points)
    basis, _ = np.linalg.qr(np.stack([ones] if simpler.size == 1 else [ones, points], axis=-1))

    def rest(of: Array) -> Array:
        """What the simpler class cannot say."""
        return np.asarray(of - basis @ (basis.T @ of))

    left, sizes, right = np.linalg.svd(rest(slopes), full_matrices=False)
    rank = min(form.size - simpler.size, int((sizes > 1e-9 * max(sizes.max(), 1e-300)).sum()))
    if rank == 0:
        return 0.0
    constraint = right[:rank]
    needed = (left[:, :rank].T @ rest(values)) / sizes[:rank]
    return float(needed @ np.linalg.pinv(constraint @ covariance @ constraint.T, hermitian=True) @ needed)


def _along(family: Family, over: str, points: Array) -> list[State]:
    """States along one variable, the others in the middle of their intervals."""
    middle = {name: 0.5 * (low + high) for name, (low, high) in family.states.items()}
    return [State.of({**middle, over: float(point)}) for point in points]


def _refitted(calibration: Calibration, systems: Sequence[System], name: str, form: Form) -> Calibration:
    old = calibration.family
    family = Family({**old.forms, name: form}, old.ranges, old.states)
    objective = _objective(calibration, family, systems)
    place, _, steps = refit(objective, family.nearest(calibration.functions, calibration.log10_shape))
    return summarise(objective, place, starts=1, evaluations=steps, sentences=calibration.warnings)


def _score(calibration: Calibration, systems: Sequence[System], criterion: Criterion) -> float:
    if criterion == "cross_validated":
        return cross_validated(calibration, systems)
    count = len(calibration.predictions)
    return information_criterion(calibration.objective, calibration.free_parameters, count, criterion)


def _split(systems: Sequence[System], fold: frozenset[State], *, inside: bool) -> tuple[System, ...]:
    """Systems with the targets of a group of states, or with all others."""
    found = []
    for system in systems:
        references: list[Reference] = []
        for one in system.references:
            chosen = [index for index, state in enumerate(one.states) if (state in fold) == inside]
            if chosen:
                references.append(one.at(chosen))
        if references:
            found.append(System(system.name, system.surrogates, tuple(references)))
    return tuple(found)


def _step_to_json(step: Step) -> dict[str, Any]:
    full = step.calibration.to_json()
    shown = ("free_parameters", "misfit", "objective", "mean_rmspe", "rmspe")
    return {
        "parameter": step.parameter,
        "form": step.form,
        "score": step.score if math.isfinite(step.score) else None,
        **{key: full[key] for key in shown},
        "calibration": full,
    }
