"""DREIDING: S. L. Mayo, B. D. Olafson and W. A. Goddard III, J. Phys. Chem. 94, 8897 (1990).

Table I gives the geometry of each type, Table II the van der Waals numbers of each element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DreidingOptions:
    """What a user may choose.

    Attributes:
        charges: of Gasteiger and Marsili, or none.
        aryl_ether_oxygen: type of an oxygen between an aromatic carbon and another carbon.
        cutoff: of exp-6, and of the Coulomb sum in real space, angstrom.
        electrostatics: Coulomb interactions by the particle-particle particle-mesh method, or none.
        accuracy: relative error of its forces.
        tail: whether energy and pressure have the dispersion beyond the cutoff.
    """

    charges: Literal["gasteiger", "none"] = "gasteiger"
    aryl_ether_oxygen: Literal["O_R", "O_3"] = "O_R"
    cutoff: float = 10.0
    electrostatics: Literal["pppm", "none"] = "pppm"
    accuracy: float = 1e-4
    tail: bool = True

    @property
    def coulomb(self) -> bool:
        """Whether atoms have charges that act on each other."""
        return self.charges != "none" and self.electrostatics != "none"


@dataclass(frozen=True)
class DreidingType:
    """One atom type.

    Attributes:
        radius: bond radius, angstrom.
        angle: equilibrium angle at an atom of this type, degrees.
        distance: of the van der Waals minimum between two of this type, R0, angstrom.
        depth: of that minimum, D0, kcal/mol.
        steepness: of the exponential wall, zeta; dimensionless.
    """

    radius: float
    angle: float
    distance: float
    depth: float
    steepness: float


#: Table II: R0 (angstrom), D0 (kcal/mol), zeta.
_VAN_DER_WAALS = {
    "H": (3.195, 0.0152, 12.382),
    "B": (4.02, 0.095, 14.23),
    "C": (3.8983, 0.0951, 14.034),
    "N": (3.6621, 0.0774, 13.843),
    "O": (3.4046, 0.0957, 13.483),
    "F": (3.4720, 0.0725, 14.444),
    "Si": (4.27, 0.31, 12.0),
    "P": (4.15, 0.32, 12.0),
    "S": (4.03, 0.344, 12.0),
    "Cl": (3.9503, 0.2833, 13.861),
    "Br": (3.95, 0.37, 12.0),
    "I": (4.15, 0.51, 12.0),
}

_TETRAHEDRAL = 109.471

#: Table I: element, bond radius (angstrom), equilibrium angle (degrees).
_GEOMETRY = {
    "H_": ("H", 0.330, 180.0),
    "B_3": ("B", 0.880, _TETRAHEDRAL),
    "B_2": ("B", 0.790, 120.0),
    "C_3": ("C", 0.770, _TETRAHEDRAL),
    "C_R": ("C", 0.700, 120.0),
    "C_2": ("C", 0.670, 120.0),
    "C_1": ("C", 0.602, 180.0),
    "N_3": ("N", 0.702, 106.7),
    "N_R": ("N", 0.650, 120.0),
    "N_2": ("N", 0.615, 120.0),
    "N_1": ("N", 0.556, 180.0),
    "O_3": ("O", 0.660, 104.51),
    "O_R": ("O", 0.660, 120.0),
    "O_2": ("O", 0.560, 120.0),
    "O_1": ("O", 0.528, 180.0),
    "F_": ("F", 0.611, 180.0),
    "Si3": ("Si", 0.937, _TETRAHEDRAL),
    "P_3": ("P", 0.890, 93.3),
    "S_3": ("S", 1.040, 92.1),
    "Cl": ("Cl", 0.997, 180.0),
    "Br": ("Br", 1.167, 180.0),
    "I_": ("I", 1.360, 180.0),
}

#: Every type of the supported elements, in the order of the paper; types with implicit hydrogens, bridging hydrogen
#: and the hydrogen of the hydrogen-bond term are left out.
TYPES: Mapping[str, DreidingType] = {
    name: DreidingType(radius, angle, *_VAN_DER_WAALS[element]) for name, (element, radius, angle) in _GEOMETRY.items()
}

#: R0 of a bond is the sum of the two radii less this, angstrom (Eq. 6).
BOND_SHORTENING = 0.01
#: K of a bond of order 1 in E = K/2 (R - R0)^2, kcal/mol/angstrom^2 (Eq. 7); proportional to the order (Eq. 9).
BOND_STIFFNESS = 700.0
#: K of every angle in E = K/2 (theta - theta0)^2, kcal/mol/rad^2 (Eqs. 11 and 12).
ANGLE_STIFFNESS = 100.0
#: K of an inversion at a planar atom with three neighbours, kcal/mol/rad^2 (Eq. 29), shared by its three axes.
INVERSION_STIFFNESS = 40.0

#: Types with a pi bond or a share in one.
PLANAR = frozenset({"B_2", "C_R", "C_2", "N_R", "N_2", "O_R", "O_2"})
#: Those of them that share their pi electrons with all neighbours.
RESONANT = frozenset({"C_R", "N_R", "O_R"})
#: Types with four pairs of electrons around them.
TETRAHEDRAL = frozenset({"B_3", "C_3", "N_3", "O_3", "Si3", "P_3", "S_3"})
#: Those of them whose lone pairs decide how they turn.
OXYGEN_COLUMN = frozenset({"O_3", "S_3"})
