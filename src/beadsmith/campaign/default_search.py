"""The search for a problem that does not name one."""

from __future__ import annotations

from beadsmith.observe.derived import Derived
from beadsmith.observe.response.gradients import DIFFERENTIABLE
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import Opaque
from beadsmith.surrogate.available import gaussian_processes_available


def search_method(problem: Problem) -> str:
    """The method that the file names; else the one that did best where targets are as these (docs/search.md).

    Gauss-Newton where every target has a fluctuation gradient; gradient steps, then the grey-box search, where some or
    all lack one.  Without the optional libraries of that, Gauss-Newton if there are any gradients, or else TPE.
    """
    named = problem.file.search.method
    if named is not None:
        return named
    counted = {target.observable for target in problem.targets if target.weight > 0}
    answering = [_has_gradient(problem, name) for name in counted]
    if answering and all(answering):
        return "gauss-newton"
    if gaussian_processes_available():
        return "combined"
    return "gauss-newton" if any(answering) else "tpe"


def _has_gradient(problem: Problem, name: str) -> bool:
    observable = problem.observables[name]
    if isinstance(observable, Derived):
        return _has_gradient(problem, observable.density)
    experiment = problem.experiments[observable.experiment]
    return observable.kind in DIFFERENTIABLE and not isinstance(experiment, Opaque)
