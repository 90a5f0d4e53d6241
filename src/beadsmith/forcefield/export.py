"""A calibrated model as a LAMMPS include file."""

from __future__ import annotations

from beadsmith.forcefield.coefficients import coefficient_lines, style_lines
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State


def lammps_include(problem: Problem, model: Model, state: State) -> str:
    """Styles and coefficients at one state, to be included after ``read_data``.

    Type numbers follow the order of beads, and of bonds and angles as they first appear in the molecules; the
    comments name them.

    Raises:
        ProblemError: if a function of the model needs a variable that ``state`` lacks.
    """
    remarks = [model.title, f"for: {problem.file.title}", f"state: {state.label or 'any'}"]
    remarks += [f"warning: {warning}" for warning in range_warnings(model, state)]
    remarks += [f"note: {model.notes}"] if model.notes else []
    remarks += [f"cite: {citation}" for citation in model.citations]
    # A line break in a title would end the comment and begin a command.
    header = [f"# {' '.join(remark.split())}" for remark in remarks]
    types = [f"# bead type {number}: {bead}" for number, bead in enumerate(problem.beads, start=1)]
    lines = [
        *header,
        *types,
        "# units real",
        *style_lines(problem),
        *coefficient_lines(problem, model, state),
    ]
    return "\n".join(lines) + "\n"


def range_warnings(model: Model, state: State) -> list[str]:
    """A sentence for each state variable in which ``state`` lies outside the model's range."""
    return [
        f"{name} = {state[name]:g} lies outside {low:g} to {high:g}, where the model was calibrated"
        for name, (low, high) in model.holds_for.items()
        if name in state and not low <= state[name] <= high
    ]
