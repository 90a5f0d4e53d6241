"""Searches that look at the observables minimise the misfit that the problem declares, whatever its rule."""

from __future__ import annotations

import numpy as np
import pytest

from beadsmith.calibrate.misfit import make_forms, make_misfit
from beadsmith.calibrate.response import response_of
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Gradient, Observation, Target
from beadsmith.problem.schema import (
    CombinedVariance,
    FromSeries,
    GlassTransitionLines,
    Martins2025,
    OfMolecules,
    Relative,
)
from beadsmith.problem.state import State
from beadsmith.search import make_search

OBSERVABLES = {
    "density": FromSeries(kind="density", experiment="melt"),
    "radius": OfMolecules(kind="radius_of_gyration", experiment="gas"),
    "Tg": GlassTransitionLines(
        kind="glass_transition_lines", density="density", cold="150 to 200 K", hot="400 to 450 K"
    ),
}
TARGETS = (
    *(Target("density", State.of(T=t), 1.3 - 4e-4 * t, 0.01) for t in (150, 200, 400, 450)),
    Target("radius", State.of(T=300), 4.0, 1.2),
)
#: By observable: how much of the target it changes over the range of the parameter, and where it meets the target.
ANSWERS = {"density": (0.4, 0.2), "radius": (0.5, 0.5)}
PARAMETERS = [Parameter("pair.A.sigma", 2.0, 4.0, "length")]


def observed(unit: float, stderr: float = 1e-3) -> list[Observation]:
    answers = [(target, *ANSWERS[target.observable]) for target in TARGETS]
    return [
        Observation(one.observable, one.state, one.value * (1.0 + slope * (unit - place)), stderr * one.value)
        for one, slope, place in answers
    ]


def gradients() -> list[Gradient]:
    name = PARAMETERS[0].name
    slopes = [(one, 0.5 * one.value * ANSWERS[one.observable][0]) for one in TARGETS]
    return [Gradient(one.observable, one.state, {name: slope}, {name: 0.02 * slope}) for one, slope in slopes]


def best(rule) -> float:
    """Another route: the declared misfit itself, everywhere."""
    misfit, units = make_misfit(rule, TARGETS, OBSERVABLES), np.linspace(0.0, 1.0, 1001)
    return float(units[np.argmin([misfit(observed(unit)).total for unit in units])])


def end(rule, method: str, evaluations: int = 14) -> float:
    """Where a search, told as a campaign tells it, ends."""
    search = make_search(method, PARAMETERS, 1)
    misfit, forms = make_misfit(rule, TARGETS, OBSERVABLES), make_forms(rule, TARGETS, OBSERVABLES)
    names = [one.name for one in PARAMETERS]
    for number in range(evaluations):
        point = search.ask(number)
        unit = 0.5 * (point[names[0]] - 2.0)
        slopes = gradients() if search.wants_gradients else []
        response = response_of(observed(unit), slopes, TARGETS, names, forms)
        search.tell(number, misfit(observed(unit)).total, response)
        if search.finished:
            break
    return unit


RULES = [
    pytest.param(CombinedVariance(), id="combined_variance"),
    pytest.param(Relative(kind="relative"), id="relative"),
    pytest.param(Martins2025(kind="martins2025"), id="martins2025"),
    pytest.param(Martins2025(kind="martins2025", weights=(0.2, 18750.0, 1500.0)), id="martins2025, own weights"),
]


def test_the_rules_have_optima_of_their_own():
    """By hand: means of 0.2 and 0.5 with weights such as 0.4^2 (10,000 + 15,000) and 1,000 x 0.5^2 of the loss w."""
    assert [best(rule.values[0]) for rule in RULES] == pytest.approx([0.200, 0.383, 0.218, 0.445], abs=0.001)


@pytest.mark.parametrize("method", ["gauss-newton", "combined", "grey-box"])
@pytest.mark.parametrize("rule", RULES)
def test_a_search_ends_at_the_optimum_of_the_declared_misfit(rule, method):
    assert end(rule, method) == pytest.approx(best(rule), abs=0.02)
