"""How the interactions of unlike beads follow from those of like ones: LAMMPS' ``pair_modify mix``."""

from __future__ import annotations

import math


def mix_distance(first: float, second: float, rule: str) -> float:
    """Mixed distance (or Mie exponent, which LAMMPS mixes like one).

    Raises:
        ValueError: unknown rule.
    """
    match rule:
        case "geometric":
            return math.sqrt(first * second)
        case "arithmetic":
            return 0.5 * (first + second)
        case "sixthpower":
            return math.pow(0.5 * (first**6 + second**6), 1 / 6)
        case _:
            raise ValueError(f"unknown mixing rule {rule!r}")


def mix_energy(first: float, second: float, sigma_first: float, sigma_second: float, rule: str) -> float:
    """Mixed well depth; the sixth-power rule (Waldman and Hagler 1993) needs the diameters too.

    Raises:
        ValueError: unknown rule.
    """
    match rule:
        case "geometric" | "arithmetic":
            return math.sqrt(first * second)
        case "sixthpower":
            product = sigma_first**3 * sigma_second**3
            return 2.0 * math.sqrt(first * second) * product / (sigma_first**6 + sigma_second**6)
        case _:
            raise ValueError(f"unknown mixing rule {rule!r}")
