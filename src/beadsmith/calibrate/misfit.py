"""The misfit that a problem file chose: one number for a search to make small, and what is squared in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beadsmith.calibrate.by_observable import make_combined_variance, make_relative, relative_forms
from beadsmith.calibrate.forms import Forms
from beadsmith.calibrate.martins2025 import make_martins2025, martins2025_forms
from beadsmith.calibrate.value import Misfit, MisfitValue
from beadsmith.problem.records import Target
from beadsmith.problem.schema import CombinedVariance, Martins2025, Observable, Relative

__all__ = ["Forms", "Misfit", "MisfitValue", "make_forms", "make_misfit"]


def make_misfit(
    rule: CombinedVariance | Relative | Martins2025,
    targets: Sequence[Target],
    observables: Mapping[str, Observable],
) -> Misfit:
    """The function from observations to their misfit.

    Args:
        rule: the ``misfit`` section of the problem file.
        targets: what should come out.  Observations without a target are ignored.
        observables: the ``observables`` section; only ``martins2025`` looks at it.

    Raises:
        ValueError: the rule cannot be applied to these targets; the sentence says what it needs.
    """
    match rule:
        case CombinedVariance():
            return make_combined_variance(targets)
        case Relative():
            return make_relative(targets)
        case Martins2025():
            return make_martins2025(rule, targets, observables)


def make_forms(
    rule: CombinedVariance | Relative | Martins2025,
    targets: Sequence[Target],
    observables: Mapping[str, Observable],
) -> Forms | None:
    """The linear forms of the deviations whose squares add up to the misfit, where everything is determined.

    Args:
        rule, targets, observables: as for :func:`make_misfit`.

    Returns: None for combined variance: what is squared are the deviations themselves, and what they are divided by
        changes with the errors of the simulation (:meth:`beadsmith.calibrate.response.Response.variances`).

    Raises:
        ValueError: the rule cannot be applied to these targets; the sentence says what it needs.
    """
    match rule:
        case CombinedVariance():
            return None
        case Relative():
            return relative_forms(targets)
        case Martins2025():
            return martins2025_forms(rule, targets, observables)
