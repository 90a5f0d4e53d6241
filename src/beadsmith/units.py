"""Units and constants, in the convention of LAMMPS ``units real``.

Inside Beadsmith every number is a float in these units; text with a unit is converted once, at the door
(:mod:`beadsmith.problem.quantity`).

=============  ==================  ==========================================
kind           unit                note
=============  ==================  ==========================================
length         angstrom
time           fs
wall-clock     s                   of a simulation or a search
mass           g/mol
energy         kcal/mol
temperature    K
pressure       atm
density        g/cm^3
angle          degree              as LAMMPS' angle_coeff wants it
=============  ==================  ==========================================
"""

from __future__ import annotations

import re
import tokenize
from functools import cache
from typing import Any

#: Unit of each kind of quantity.
UNIT_OF_KIND = {
    "length": "angstrom",
    "time": "fs",
    "wall-clock time": "s",
    "mass": "g/mol",
    "energy": "kcal/mol",
    "temperature": "K",
    "pressure": "atm",
    "density": "g/cm^3",
    "angle": "degree",
    "wave number": "1/angstrom",
    "bond stiffness": "kcal/mol/angstrom^2",
    "angle stiffness": "kcal/mol/rad^2",
    "thermal expansion": "1/K",
    "volume": "angstrom^3",
    "area": "angstrom^2",
    "strain rate": "1/fs",
    "modulus": "GPa",
    "stress": "MPa",
    "probability per length": "1/angstrom",
    "probability per volume": "1/angstrom^3",
    "probability per angle": "1/degree",
    "probability per solid angle": "1/sr",
    "number": "",
}

#: An example of each kind, for error messages.
EXAMPLE_OF_KIND = {
    "length": "9.5 angstrom",
    "time": "4 fs",
    "wall-clock time": "10 min",
    "mass": "42.04 g/mol",
    "energy": "0.5 kcal/mol",
    "temperature": "300 K",
    "pressure": "1 atm",
    "density": "1.1 g/cm^3",
    "angle": "120 degree",
    "wave number": "1.5 1/angstrom",
    "bond stiffness": "6 kcal/mol/angstrom^2",
    "angle stiffness": "6 kcal/mol/rad^2",
    "thermal expansion": "1e-4 1/K",
    "volume": "1e4 angstrom^3",
    "area": "0.5 angstrom^2",
    "strain rate": "0.5e9 1/s",
    "modulus": "2.5 GPa",
    "stress": "120 MPa",
    "probability per length": "0.8 1/angstrom",
    "probability per volume": "0.01 1/angstrom^3",
    "probability per angle": "0.02 1/degree",
    "probability per solid angle": "0.3 1/sr",
    "number": "12",
}

#: Boltzmann constant times Avogadro's number, kcal/mol/K, with LAMMPS' digits for ``units real``: what it calls
#: 300 K must be 300 K here.  The exact value of the SI, 0.00198720426, is smaller by 1.2e-6 of it.
BOLTZMANN = 0.0019872067

#: 1 kcal/mol per cubic angstrom, in atm, with LAMMPS' digits (``nktv2p``) for ``units real``.
ATMOSPHERES = 68568.415

#: 1 g/mol per cubic angstrom, in g/cm^3 (10^24 / Avogadro's number, CODATA 2018).
DENSITY_OF_ONE_DALTON = 1.66053906660


#: A power in a unit whose exponent is not a plain number of one or two digits: "kg^9^9^9" would be computed for ages.
_UNREASONABLE_POWER = re.compile(r"(?:\^|\*\*)(?!\s*[-+]?\d{1,2}(?!\d|\.|\s*(?:\^|\*\*)))")


@cache
def registry() -> Any:
    """The unit registry; built on first use because building it takes a moment."""
    import pint

    return pint.UnitRegistry(cache_folder=None)


def convert(value: float, unit: str, kind: str) -> float:
    """Convert ``value`` in ``unit`` to the unit of ``kind``.

    Raises:
        ValueError: unknown unit, or one of another dimension.
    """
    import pint

    target = UNIT_OF_KIND[kind]
    if unit == target:
        return value
    if _UNREASONABLE_POWER.search(unit):
        raise ValueError(f"{unit!r} is not a unit of {kind}")
    try:
        return float(registry().Quantity(value, unit or "dimensionless").to(target or "dimensionless").magnitude)
    except (
        pint.errors.PintError,
        tokenize.TokenError,
        SyntaxError,
        ArithmeticError,
        AttributeError,
        AssertionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(f"{unit!r} is not a unit of {kind}") from error
