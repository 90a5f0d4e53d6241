"""Iterative Boltzmann inversion: potentials are corrected until a simulation gives the distributions that are wanted.

    V_{i+1}(x) = V_i(x) + alpha (1/S) sum_s kT_s ln( P_{i,s}(x) / P_s(x) )

over the states s, for radial distribution functions between molecules, bonds and angles alike; the measures of the
latter cancel.  For one state alpha is a constant (Reith, Puetz and Mueller-Plathe 2003); for several the correction of
pairs falls linearly to zero at the cutoff, as Moore et al. (2014) have it, for there states contradict each other most.

Two things are ours.  A correction that is no larger than its own statistical error is noise, and following it is a
random walk; so each is shrunk by c^2/(c^2 + e^2), with c the correction and e its error.  And the end is decided by
what noise allows: the squared deviation of a distribution, over what it would be if potential and target were right.

Pressure is corrected by a ramp on all pairs, A (1 - r/rc), whose virial in the present liquid is the pressure that
lacks: dP = A / (3 rc V) sum_pairs N_pairs / V integral_0^rc 4 pi r^3 g(r) dr (H. Wang, C. Junghans, K. Kremer, Eur.
Phys. J. E 28, 221, 2009, with all kinds of pairs).

References: D. Reith, M. Puetz, F. Mueller-Plathe, J. Comput. Chem. 24, 1624 (2003); T. C. Moore, C. R. Iacovella,
C. McCabe, J. Chem. Phys. 140, 224104 (2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import EstimateError
from beadsmith.inversion.tables import Kind, Table, bonded_table, pair_table
from beadsmith.problem.recording import Array
from beadsmith.units import ATMOSPHERES

#: Bins whose target is below this part of its peak are not believed; potentials are continued there.
_LEAST = 0.02
#: A correction is at most so many kT at once.
_LARGEST = 1.0
#: Deviations squared, over their expectation from noise alone, up to which a distribution has converged.
CONVERGED = 1.3
#: A pressure has converged within so many standard errors.
STANDARD_ERRORS = 2.0

#: Kind and name of an interaction.
Key = tuple[Kind, str]


@dataclass(frozen=True)
class Distribution:
    """A distribution in one state.

    Attributes:
        value, stderr: g(r), or a probability density, shape (bins,).
    """

    value: Array
    stderr: Array


@dataclass(frozen=True)
class Target:
    """What one interaction should give.

    Attributes:
        kind: pair, bond or angle.
        name: of the interaction.
        x: centres of bins, evenly spaced, angstrom or degree, shape (bins,).
        states: distribution in each state; None where it has no such interaction.
        kt: of each state, kcal/mol.
    """

    kind: Kind
    name: str
    x: Array
    states: tuple[Distribution | None, ...]
    kt: tuple[float, ...]

    @property
    def key(self) -> Key:
        """Kind and name."""
        return self.kind, self.name

    @property
    def believed(self) -> NDArray[np.bool_]:
        """Bins where enough is seen to say something of the potential: one stretch, up to the cutoff for pairs."""
        seen = np.zeros(len(self.x), dtype=np.bool_)
        for one in self.states:
            if one is not None:
                seen |= (one.value > _LEAST * one.value.max()) & (one.value > 3.0 * one.stderr)
        places = np.flatnonzero(seen)
        if not len(places):
            raise EstimateError(f"{self.kind} {self.name}: its distribution is all noise; record longer")
        last = len(seen) - 1 if self.kind == "pair" else int(places[-1])
        stretch = np.zeros(len(seen), dtype=np.bool_)
        stretch[int(places[0]) : last + 1] = True
        return stretch


def inverted(target: Target) -> Array:
    """Potential of mean force of the target, mean over states where it is seen, kcal/mol: how an iteration begins.

    Returns: shape (bins,); beyond the believed bins the value at their ends.
    """
    energies = []
    for one, kt in zip(target.states, target.kt, strict=True):
        if one is None or not _seen(target, one):
            continue
        density = one.value / _measure(target)
        with np.errstate(divide="ignore"):
            energy = -kt * np.log(density)
        good = target.believed & np.isfinite(energy)
        energies.append(np.interp(target.x, target.x[good], energy[good]))
    found = np.mean(energies, axis=0)
    return np.asarray(found - (_at_cutoff(found) if target.kind == "pair" else found.min()))


def _seen(target: Target, one: Distribution) -> bool:
    """Whether a state has anything where the target is believed; one that has not says nothing of the potential."""
    return bool(one.value[target.believed].max() > 0.0)


def _measure(target: Target) -> Array:
    match target.kind:
        case "bond":
            return np.asarray(target.x**2)
        case "angle":
            return np.asarray(np.sin(np.radians(target.x)))
    return np.ones_like(target.x)


def table_of(target: Target, energy: Array) -> Table:
    """A potential on the bins of its target as a table that goes on where no bin is believed."""
    believed = target.x[target.believed]
    if target.kind == "pair":
        # The last bin ends at the cutoff, where a pair's energy is zero.
        width = float(target.x[1] - target.x[0])
        x = np.append(target.x, target.x[-1] + 0.5 * width)
        return pair_table(target.name, x, np.append(energy, _at_cutoff(energy)), float(believed[0]))
    kt = float(np.mean(target.kt))
    return bonded_table(target.kind, target.name, target.x, energy, (float(believed[0]), float(believed[-1])), kt)


def corrected(target: Target, energy: Array, measured: Sequence[Distribution | None], damping: float) -> Array:
    """One step of iterative Boltzmann inversion for one interaction.

    Args:
        target: what is wanted.
        energy: present potential on its bins, kcal/mol, shape (bins,).
        measured: what it gave, by state.
        damping: alpha, above 0, at most 1.

    Returns: the next potential, shape (bins,).
    """
    states = [
        (wanted, found, kt)
        for wanted, found, kt in zip(target.states, measured, target.kt, strict=True)
        if wanted is not None and found is not None and _seen(target, wanted)
    ]
    change = np.zeros_like(energy)
    for wanted, found, kt in states:
        change += kt * _log_ratio(found, wanted) / len(states)
    if target.kind == "pair" and len(states) > 1:
        change *= 1.0 - target.x / (target.x[-1] + 0.5 * (target.x[1] - target.x[0]))
    change[~target.believed] = 0.0
    changed = energy + damping * change
    return np.asarray(changed - (_at_cutoff(changed) if target.kind == "pair" else changed.min()))


def _at_cutoff(energy: Array) -> float:
    """A pair's energy where its last bin ends."""
    return float(energy[-1] + 0.5 * (energy[-1] - energy[-2]))


def _log_ratio(found: Distribution, wanted: Distribution) -> Array:
    """ln(found/wanted), no larger than its error lets one say; 0 where neither is seen."""
    least = np.maximum(0.1 * _LEAST * wanted.value.max(), 1e-300)
    one, other = np.maximum(found.value, least), np.maximum(wanted.value, least)
    ratio = np.clip(np.log(one / other), -_LARGEST, _LARGEST)
    error = np.hypot(found.stderr / one, wanted.stderr / other)
    return np.asarray(ratio**3 / np.maximum(ratio**2 + error**2, 1e-300))


@dataclass(frozen=True)
class Deviation:
    """How far a distribution is from its target.

    Attributes:
        key: kind and name of the interaction.
        relative: root of the integral of the squared deviation, over that of the squared target.
        floor: what noise alone would make of it.
    """

    key: Key
    relative: float
    floor: float

    @property
    def ratio(self) -> float:
        """Squared deviation over its expectation from noise alone: about 1 for the right potential."""
        return (self.relative / self.floor) ** 2 if self.floor > 0 else math.inf

    @property
    def converged(self) -> bool:
        """Whether it is no more than noise."""
        return self.ratio <= CONVERGED


def deviation(target: Target, measured: Sequence[Distribution | None]) -> Deviation:
    """Deviation of one interaction over all states, where its target is believed.

    Elsewhere nothing is seen, and the error of nothing seen, that of a single count, would hide the rest.
    """
    counts = target.believed
    squares = noise = norm = 0.0
    for wanted, found in zip(target.states, measured, strict=True):
        if wanted is None or found is None:
            continue
        squares += float(((found.value - wanted.value)[counts] ** 2).sum())
        noise += float((found.stderr**2 + wanted.stderr**2)[counts].sum())
        norm += float((wanted.value[counts] ** 2).sum())
    return Deviation(target.key, math.sqrt(squares / norm), math.sqrt(noise / norm))


@dataclass(frozen=True)
class Pressure:
    """A pressure, measured or wanted.

    Attributes:
        value, stderr: atm.
    """

    value: float
    stderr: float


def pressure_deviation(measured: Pressure, wanted: Pressure) -> float:
    """How far two pressures are apart, in standard errors."""
    return abs(measured.value - wanted.value) / math.hypot(measured.stderr, wanted.stderr)


def pressure_converged(measured: Pressure, wanted: Pressure) -> bool:
    """Whether two pressures agree within their errors."""
    return pressure_deviation(measured, wanted) <= STANDARD_ERRORS


def ramp_height(
    missing: float, cutoff: float, volume: float, pairs: Mapping[str, tuple[int, Array, Array]], largest: float
) -> float:
    """A of the ramp A (1 - r/rc) that changes the pressure by what is missing, to first order.

    Args:
        missing: pressure wanted minus pressure measured, atm.
        cutoff: rc, angstrom.
        volume: of the box, cubic angstrom.
        pairs: by name: number of pairs in the box, r (angstrom) and g(r).
        largest: A is at most so large, kcal/mol.

    Returns: kcal/mol; negative for a pressure that is too high.
    """
    virial = 0.0
    for number, r, g in pairs.values():
        width = float(r[1] - r[0])
        virial += number / volume * float((4.0 * math.pi * r**3 * g).sum()) * width
    per_height = virial / (3.0 * cutoff * volume)
    return float(np.clip(missing / ATMOSPHERES / per_height, -largest, largest)) if per_height > 0 else 0.0


def with_ramp(target: Target, energy: Array, height: float) -> Array:
    """A pair's potential with A (1 - r/rc) added, kcal/mol, shape (bins,)."""
    cutoff = target.x[-1] + 0.5 * (target.x[1] - target.x[0])
    return np.asarray(energy + height * (1.0 - target.x / cutoff))
