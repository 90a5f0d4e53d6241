"""The search for a problem: the one that is named, if it can work there, or else the one for such targets."""

from __future__ import annotations

from beadsmith.errors import ProblemError
from beadsmith.observe.derived import Derived
from beadsmith.observe.response.gradients import DIFFERENTIABLE
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import SEARCH_METHODS, GlassTransitionHyperbola, GlassTransitionLines, Opaque
from beadsmith.surrogate.available import gaussian_processes_available


def search_method(problem: Problem, named: str | None = None) -> str:
    """The method that the command line or the file names; else the one that did best on such targets (docs/search.md).

    Gauss-Newton where every target has a fluctuation gradient; gradient steps, then the grey-box search, where some or
    all lack one.  Without the optional libraries of that, Gauss-Newton if there are any gradients, or else TPE.  A
    glass transition has a gradient where the densities determine it, which no search can rest on: it decides nothing.

    Args:
        named: on the command line; None if nothing is.

    Raises:
        ProblemError: no such method, or Gauss-Newton where no target that counts can ever have a gradient.
    """
    where, method = ("search.method", problem.file.search.method) if named is None else ("--search", named)
    if method is not None:
        _check_method(problem, method, where)
        return method
    answering = [_has_gradient(problem, name) for name in _counted(problem) if not _is_transition(problem, name)]
    if answering and all(answering):
        return "gauss-newton"
    if gaussian_processes_available():
        return "combined"
    return "gauss-newton" if any(answering) else "tpe"


def _check_method(problem: Problem, method: str, where: str) -> None:
    if method not in SEARCH_METHODS:
        raise ProblemError(where, method, f"one of {', '.join(SEARCH_METHODS)}")
    counted = _counted(problem)
    if method == "gauss-newton" and counted and not any(_may_have_gradient(problem, name) for name in counted):
        raise ProblemError(
            where,
            method,
            "a method without derivatives, because no target with a weight has a fluctuation gradient "
            f"({', '.join(sorted(counted))})",
            "choose grey-box, combined or tpe",
        )


def _counted(problem: Problem) -> set[str]:
    return {target.observable for target in problem.targets if target.weight > 0}


def _is_transition(problem: Problem, name: str) -> bool:
    return isinstance(problem.observables[name], GlassTransitionLines | GlassTransitionHyperbola)


def _has_gradient(problem: Problem, name: str) -> bool:
    """Whether it is known before any simulation that an observable has one."""
    observable = problem.observables[name]
    if isinstance(observable, Derived):
        return _has_gradient(problem, observable.density)
    return _may_have_gradient(problem, name) and not isinstance(problem.experiments[observable.experiment], Opaque)


def _may_have_gradient(problem: Problem, name: str) -> bool:
    """Whether an observable is of a kind that has one, if its experiment records the frames."""
    observable = problem.observables[name]
    if isinstance(observable, Derived):
        return _may_have_gradient(problem, observable.density)
    return observable.kind in DIFFERENTIABLE
