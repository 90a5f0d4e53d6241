r"""Pair potentials as linear combinations of a few functions of the distance.

    u(r) = sum_t w_t phi_t(r),      du/dc = sum_t w_t^(c) phi_t(r)   for every coefficient c

For Mie, with a = (sigma/r)^n, b = (sigma/r)^m and L = ln(sigma/r), the four functions a, b, a L, b L are enough for
the energy and its derivatives by epsilon, sigma, n and m.  So the pairs of a frame need to be summed only once, and the
same weights turn the sums into energies, the values at the cutoff into shifts, and the integrals beyond the cutoff into
tail corrections, each with all derivatives.  -r d/dr of the functions are such combinations again, so virials are too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from beadsmith.observe.response.frame_values import Array, Integers


class PairForm(Protocol):
    """A pair style with the coefficients of every kind of pair."""

    def functions(self, squares: Array, kinds: Integers) -> Array:
        """The functions phi_t of pairs of given kinds and squared distances (square angstrom).

        Returns: shape (functions, pairs).
        """
        ...

    @property
    def weights(self) -> Array:
        """Weights w of the energy (row 0) and of its derivatives by the style's coefficients, in their order.

        Shape (kinds, 1 + coefficients, functions); kcal/mol, and that over the coefficient's unit.
        """
        ...

    @property
    def virials(self) -> Array:
        """Matrices V with -r d(phi_t)/dr = sum_s V_ts phi_s, shape (kinds, functions, functions)."""
        ...

    def beyond(self, cutoff: float) -> Array:
        """Integrals of r^2 phi_t from the cutoff to infinity, cubic angstrom, shape (kinds, functions)."""
        ...


def pair_form(style: str, coefficients: Array, cutoff: float, inner_cutoff: float | None) -> PairForm:
    """The form of a pair style.

    Args:
        coefficients: in the order of the style, shape (kinds, coefficients).
        cutoff, inner_cutoff: angstrom; the inner one only for lj/gromacs.

    Raises:
        ValueError: a style without a form.
    """
    epsilon, sigma, *exponents = coefficients.T
    if style == "mie/cut":
        return Mie(epsilon, sigma, *exponents)
    if style == "lj/cut":
        return LennardJones(epsilon, sigma, np.full_like(epsilon, 12.0), np.full_like(epsilon, 6.0))
    if style == "lj/gromacs" and inner_cutoff is not None:
        return LennardJonesGromacs(epsilon, sigma, inner_cutoff, cutoff)
    raise ValueError(f"no derivatives are known for pair style {style}")


def at_cutoff(form: PairForm, cutoff: float, kinds: int) -> Array:
    """The functions at the cutoff, shape (kinds, functions)."""
    return form.functions(np.full(kinds, cutoff**2), np.arange(kinds)).T


@dataclass(frozen=True)
class Mie:
    """The Mie potential, ``mie/cut`` (:func:`beadsmith.forcefield.energies.mie`).

    C = n/(n-m) (n/m)^(m/(n-m)) has d ln C/dn = -m ln(n/m)/(n-m)^2 and d ln C/dm = n ln(n/m)/(n-m)^2.

    Attributes:
        epsilon: kcal/mol; sigma: angstrom; each of shape (kinds,).
    """

    epsilon: Array
    sigma: Array
    repulsive: Array
    attractive: Array

    def functions(self, squares: Array, kinds: Integers) -> Array:
        """A, b, a L, b L; see the head of the module."""
        logarithm = np.log(self.sigma)[kinds] - 0.5 * np.log(squares)
        found = np.empty((4, len(squares)))
        np.exp(self.repulsive[kinds] * logarithm, out=found[0])
        np.exp(self.attractive[kinds] * logarithm, out=found[1])
        np.multiply(found[:2], logarithm, out=found[2:])
        return found

    @cached_property
    def weights(self) -> Array:
        """Energy, then d/d epsilon, sigma, n, m."""
        n, m, epsilon = self.repulsive, self.attractive, self.epsilon
        ratio = n / (n - m)
        prefactor = ratio * (n / m) ** (m / (n - m))
        by_n = prefactor * -m * np.log(n / m) / (n - m) ** 2
        by_m = prefactor * n * np.log(n / m) / (n - m) ** 2
        zero = np.zeros_like(n)
        well = prefactor * epsilon
        rows = [
            [well, -well, zero, zero],
            [prefactor, -prefactor, zero, zero],
            [well * n / self.sigma, -well * m / self.sigma, zero, zero],
            [by_n * epsilon, -by_n * epsilon, well, zero],
            [by_m * epsilon, -by_m * epsilon, zero, -well],
        ]
        return np.moveaxis(np.array(rows), 2, 0)

    @cached_property
    def virials(self) -> Array:
        """-r da/dr = n a and -r d(a L)/dr = n a L + a; the same for b with m."""
        n, m = self.repulsive, self.attractive
        zero, one = np.zeros_like(n), np.ones_like(n)
        rows = [[n, zero, zero, zero], [zero, m, zero, zero], [one, zero, n, zero], [zero, one, zero, m]]
        return np.moveaxis(np.array(rows), 2, 0)

    def beyond(self, cutoff: float) -> Array:
        """I_n = a(rc) rc^3/(n-3), and for a L its derivative by n: I_n (L(rc) - 1/(n-3))."""
        reduced = self.sigma / cutoff
        logarithm = np.log(reduced)
        repulsive = reduced**self.repulsive * cutoff**3 / (self.repulsive - 3.0)
        attractive = reduced**self.attractive * cutoff**3 / (self.attractive - 3.0)
        by_n = repulsive * (logarithm - 1.0 / (self.repulsive - 3.0))
        by_m = attractive * (logarithm - 1.0 / (self.attractive - 3.0))
        return np.stack([repulsive, attractive, by_n, by_m], axis=1)


class LennardJones(Mie):
    """Lennard-Jones, ``lj/cut``: Mie whose exponents are no coefficients."""

    @cached_property
    def weights(self) -> Array:
        """Energy, then d/d epsilon, sigma."""
        return super().weights[:, :3]


@dataclass(frozen=True)
class LennardJonesGromacs:
    """``lj/gromacs``: every power of 1/r is smoothed to zero between the cutoffs by a polynomial of its own.

    u = 4 epsilon (sigma^12 f_12(r) - sigma^6 f_6(r)) with
    f_n(r) = r^-n + A_n/3 (r - r1)^3 + B_n/4 (r - r1)^4 + C_n, the polynomial only beyond r1
    (:func:`beadsmith.forcefield.energies.lennard_jones_gromacs`, sorted by powers).  The functions are f_12, f_6 and
    their -r d/dr.

    Attributes:
        epsilon: kcal/mol; sigma: angstrom; each of shape (kinds,).
        inner, outer: the cutoffs r1 and rc, angstrom.
    """

    epsilon: Array
    sigma: Array
    inner: float
    outer: float

    def functions(self, squares: Array, kinds: Integers) -> Array:
        """f_12, f_6, -r f_12', -r f_6'."""
        distance = np.sqrt(squares)
        beyond = np.clip(distance - self.inner, 0.0, None)
        twelve, six = self._smoothed(distance, beyond, 12), self._smoothed(distance, beyond, 6)
        return np.stack([twelve[0], six[0], twelve[1], six[1]])

    def _smoothed(self, distance: Array, beyond: Array, power: int) -> tuple[Array, Array]:
        width = self.outer - self.inner
        value = self.outer**-power
        slope = -power * value / self.outer
        curvature = power * (power + 1) * value / self.outer**2
        cubic = (-3.0 * slope + width * curvature) / width**2
        quartic = (2.0 * slope - width * curvature) / width**3
        constant = -value + 0.5 * width * slope - width**2 * curvature / 12.0
        bare = distance**-power
        smoothed = bare + cubic / 3.0 * beyond**3 + quartic / 4.0 * beyond**4 + constant
        virial = power * bare - distance * (cubic * beyond**2 + quartic * beyond**3)
        return smoothed, virial

    @cached_property
    def weights(self) -> Array:
        """Energy, then d/d epsilon, sigma."""
        twelve, six = 4.0 * self.sigma**12, 4.0 * self.sigma**6
        zero = np.zeros_like(self.sigma)
        force = self.epsilon / self.sigma
        rows = [
            [self.epsilon * twelve, -self.epsilon * six, zero, zero],
            [twelve, -six, zero, zero],
            [12.0 * force * twelve, -6.0 * force * six, zero, zero],
        ]
        return np.moveaxis(np.array(rows), 2, 0)

    @cached_property
    def virials(self) -> Array:
        """The last two functions are the virials of the first two; their own are never needed."""
        matrix = np.zeros((4, 4))
        matrix[0, 2] = matrix[1, 3] = 1.0
        return np.broadcast_to(matrix, (len(self.sigma), 4, 4))

    def beyond(self, cutoff: float) -> Array:
        """Nothing: it ends at the cutoff."""
        return np.zeros((len(self.sigma), 4))
