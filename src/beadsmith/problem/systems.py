"""Experiments as systems: which parameters each of them depends on."""

from __future__ import annotations

from beadsmith.problem.closed_form import formulas_of
from beadsmith.problem.parameters import Parameter, interactions
from beadsmith.problem.problem import Problem
from beadsmith.problem.reactions import types_that_arise
from beadsmith.problem.schema import Formulas, Network, Opaque, Vacuum


def parameters_of(problem: Problem, experiment: str) -> tuple[Parameter, ...]:
    """Free parameters that an experiment depends on, in the order of the problem.

    Those of beads, bonds and angles that its molecules have, or can get in a cure; those in its formulas; all, where a
    user's own script does not say which molecules it has.
    """
    space = problem.parameters
    used = _names_used(problem, experiment)
    leaders = {space.tied.get(name, name) for name in used}
    return tuple(parameter for parameter in space.free if parameter.name in leaders)


def _names_used(problem: Problem, name: str) -> set[str]:
    """Names of all force-field numbers that an experiment depends on."""
    every, experiment = set(problem.parameters.kinds), problem.experiments[name]
    if isinstance(experiment, Formulas):
        return every & {used for formula in formulas_of(experiment).values() for used in formula.names}
    if isinstance(experiment, Opaque) and not experiment.molecules:
        return every
    kinds = (experiment.molecule,) if isinstance(experiment, Vacuum) else tuple(experiment.molecules)
    molecules = {kind: problem.molecules[kind] for kind in kinds}
    beads = {bead for molecule in molecules.values() for bead in molecule.beads}
    bonds, angles = interactions(tuple(problem.beads), molecules.values())
    if isinstance(experiment, Network) and problem.file.reactions is not None:
        capacities = problem.file.reactions.capacities
        more = types_that_arise(capacities, problem.pairs, molecules, tuple(problem.beads))
        bonds, angles = (*bonds, *more[0]), (*angles, *more[1])
    owners = {"bond": set(bonds), "angle": set(angles)}
    used = set()
    for parameter in every:
        section, owner, _ = parameter.split(".", 2)
        if owner in owners[section] if section in owners else beads.issuperset(owner.split("-")):
            used.add(parameter)
    return used
