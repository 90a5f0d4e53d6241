"""Exp-6 between every pair of atom types, as Buckingham coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw

from beadsmith.atomistic.dreiding import TYPES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PairTable:
    """Exp-6 (DREIDING/X6) between all pairs of types, Eqs. 32 and 33 of the paper.

    E = D0 {6/(zeta - 6) exp[zeta (1 - r/R0)] - zeta/(zeta - 6) (R0/r)^6} = A exp(-r/rho) - C/r^6

    R0 and zeta of a pair are arithmetic means, D0 is the geometric one.

    Attributes:
        names: of the types.
        distances: R0, angstrom, shape (types, types).
        depths: D0, kcal/mol, shape (types, types).
        steepnesses: zeta, shape (types, types).
    """

    names: tuple[str, ...]
    distances: Array
    depths: Array
    steepnesses: Array

    @cached_property
    def prefactors(self) -> Array:
        """A, kcal/mol, shape (types, types)."""
        zeta = self.steepnesses
        return np.asarray(self.depths * 6 / (zeta - 6) * np.exp(zeta))

    @cached_property
    def ranges(self) -> Array:
        """rho, angstrom, shape (types, types)."""
        return np.asarray(self.distances / self.steepnesses)

    @cached_property
    def dispersions(self) -> Array:
        """C, kcal/mol angstrom^6, shape (types, types)."""
        zeta = self.steepnesses
        return np.asarray(self.depths * zeta / (zeta - 6) * self.distances**6)

    @cached_property
    def turnovers(self) -> Array:
        """Distance below which exp-6 attracts, angstrom, shape (types, types): atoms that come nearer collapse.

        The smaller root of exp[zeta (1 - x)] = x^-7 with x = r/R0, where the energy has its maximum.
        """
        scaled = -self.steepnesses / 7
        return np.asarray(self.distances * (lambertw(scaled * np.exp(scaled)).real / scaled))

    def energy(self, distance: Array, first: int, second: int) -> Array:
        """kcal/mol at each distance (angstrom) between atoms of two types."""
        wall = self.prefactors[first, second] * np.exp(-distance / self.ranges[first, second])
        return np.asarray(wall - self.dispersions[first, second] / distance**6)


def pair_table(names: Sequence[str]) -> PairTable:
    """Exp-6 between all pairs of these DREIDING types."""
    distances, depths, steepnesses = (
        np.array([getattr(TYPES[name], part) for name in names], dtype=np.float64)
        for part in ("distance", "depth", "steepness")
    )
    return PairTable(
        names=tuple(names),
        distances=(distances[:, None] + distances) / 2,
        depths=np.sqrt(depths[:, None] * depths),
        steepnesses=(steepnesses[:, None] + steepnesses) / 2,
    )
