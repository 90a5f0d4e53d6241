"""The problem file as a whole."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from beadsmith.problem.schema.compute import Compute
from beadsmith.problem.schema.experiments import Experiment
from beadsmith.problem.schema.interactions import AnyForceField, RangeOrRule
from beadsmith.problem.schema.methods import Calibration, Design, Precision, Search
from beadsmith.problem.schema.molecules import AnyMolecule, Bead, BeadMapping, Reactions
from beadsmith.problem.schema.observables import Observable
from beadsmith.problem.schema.section import Name, Section
from beadsmith.problem.schema.targets import CombinedVariance, ConsideredRule, Misfit, TargetRule


class ProblemFile(Section):
    """A calibration problem."""

    title: str
    """One line."""
    extends: str | None = None
    """A problem file in the same folder that this one changes: its sections are merged with those of this file."""
    citations: tuple[str, ...] = ()
    """What to cite; shown in reports and model files."""
    beads: dict[Name, Bead] = {}
    """Kinds of beads; none in a file of atoms."""
    molecules: Annotated[dict[Name, AnyMolecule], Field(min_length=1)]
    """Kinds of molecules, all of beads or all of atoms."""
    mapping: BeadMapping | None = None
    """Which atoms make which bead: what is measured in a simulation of atoms is then measured of beads."""
    reactions: Reactions | None = None
    """Bonds that may form while a network is cured."""
    forcefield: AnyForceField
    """Form of the interactions: of beads, with a pair style, or of atoms, 'atomistic: dreiding' or 'atomistic: own'."""
    parameters: dict[str, RangeOrRule] = {}
    """By name or pattern ('pair.*.sigma'): range, fixed or tied; later entries overrule earlier ones."""
    experiments: Annotated[dict[Name, Experiment], Field(min_length=1)]
    """Simulations."""
    observables: Annotated[dict[Name, Observable], Field(min_length=1)]
    """What is measured in them."""
    targets: dict[Name, TargetRule] = {}
    """What should come out."""
    considered: dict[Name, ConsideredRule] = {}
    """What might become a target; 'beadsmith identify' says what it would add.  No part of the misfit."""
    misfit: Misfit = CombinedVariance()
    """How deviations become one number."""
    search: Search = Search()
    """How models are proposed."""
    design: Design | None = None
    """What is simulated to learn the observables as functions of parameters and state."""
    calibration: Calibration = Calibration()
    """How functions of the state are fitted to the targets through that."""
    precision: Precision | None = None
    """How well observables must be known; every simulation runs once, as declared, if left out."""
    compute: Compute = Compute()
    """Where simulations run."""
    compare: dict[str, str] = {}
    """Models to show beside the result: name: model file, relative to the problem file."""
    fidelities: dict[Name, dict[Name, Any]] = {}
    """By name: changes to sections of this file, such as 'experiments: {melt: {molecules: {chain: 450}}}'."""
    default_fidelity: Name | None = None
    """The fidelity used if none is named; the file as it stands if left out."""
