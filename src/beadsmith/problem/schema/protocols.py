"""Stages of a simulation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from beadsmith.problem.quantity import Length, Pressure, PressureRamp, StrainRate, Temperature, Temperatures, Time
from beadsmith.problem.schema.section import Count, QuantityText, Section


class Minimize(Section):
    """Energy minimisation."""

    stage: Literal["minimize"]
    energy_tolerance: float = 1e-4
    """Relative energy change at which to stop."""
    force_tolerance: float = 1e-6
    """Largest force at which to stop, kcal/mol/angstrom."""
    iterations: Count = 1000
    """At most so many iterations."""


class PushOff(Section):
    """Remove overlaps: soft repulsion grows, then the true interactions, displacements limited all along."""

    stage: Literal["push-off"]
    temperature: Temperature = 300.0
    """Temperature of the thermostat."""
    steps: Count = 1000
    """Steps with the soft repulsion, and as many with the true interactions."""
    largest_displacement: Length = 0.1
    """No bead moves farther than this in a step."""
    soft: bool | None = None
    """Whether it begins with the soft repulsion, for overlaps; if left out, beads do, and atoms, which were packed
    without overlaps, do not."""


class Dynamics(Section):
    """One stretch of molecular dynamics; Nosé-Hoover (npt, nvt) or Langevin."""

    stage: Literal["npt", "nvt", "langevin"]
    temperature: QuantityText
    """'300 K', or '500 to 300 K' for a ramp."""
    pressure: PressureRamp = (1.0, 1.0)
    """For npt: '1 atm', or '100 to 0 atm' for a ramp."""
    coupling: Literal["isotropic", "anisotropic"] = "isotropic"
    """For npt: whether the edges of the box change together or each for itself."""
    duration: QuantityText
    """'36 ps' or '2500 steps'."""
    record: bool = False
    """Record observables from this stretch."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""
    frames: Count = 40
    """Frames of positions to record."""


class Ladder(Section):
    """Several temperatures, one after the other: a ramp to each, then a hold that is recorded."""

    stage: Literal["ladder"]
    ensemble: Literal["npt", "nvt", "langevin"]
    """Ensemble of ramps and holds."""
    temperatures: Temperatures
    """In the order in which they are visited: '500 450 400 K' or '150 to 500 by 25 K'."""
    pressure: Pressure = 1.0
    """For npt."""
    ramp: QuantityText | None = None
    """Duration of the change to the next temperature; at once if left out."""
    hold: QuantityText
    """Duration of the recorded stretch at each temperature, '36 ps' or '2500 steps'."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""
    frames: Count = 40
    """Frames of positions to record at each temperature."""


def _axes(value: object) -> object:
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or sorted(set(names) & {"x", "y", "z"}) != sorted(names):
        raise ValueError("some of the axes x, y and z, such as 'x y z'")
    return tuple(names)


class Tension(Section):
    """Pull the box along an axis at a constant rate while the others keep their pressure; the last stage.

    Every axis is pulled in a simulation of its own, each from the end of the stages before.
    """

    stage: Literal["tension"]
    temperature: Temperature
    """Temperature while pulling."""
    rate: StrainRate
    """Engineering strain rate, such as '0.5e9 1/s'."""
    strain: Annotated[float, Field(gt=0, le=10)]
    """Engineering strain to which it is pulled, such as 0.2."""
    axes: Annotated[tuple[Literal["x", "y", "z"], ...], BeforeValidator(_axes)] = ("x", "y", "z")
    """Along which axes, such as 'x y z'."""
    pressure: Pressure = 0.0
    """Of the other two axes."""
    breaking: dict[str, Length] = {}
    """Bonds that break, with their angles, when they are longer: {E-N: 4 angstrom}; none if left out."""
    damping: Time | None = None
    """Thermostat's time constant; 100 time steps if left out."""
    pressure_damping: Time | None = None
    """Barostat's time constant; 1000 time steps if left out."""


Stage = Annotated[Minimize | PushOff | Dynamics | Ladder | Tension, Field(discriminator="stage")]
