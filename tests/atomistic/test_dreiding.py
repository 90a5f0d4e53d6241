"""The table, against numbers that others typed in from the same paper."""

import pytest

from beadsmith.atomistic.dreiding import OXYGEN_COLUMN, PLANAR, RESONANT, TETRAHEDRAL, TYPES

# Mayo, Olafson and Goddard 1990, Tables I and II, as they stand in other programs: bond radius, angle, R0, D0, zeta.
# Where public tables disagree with each other (D0 of nitrogen, sulphur and fluorine), two of three had these.
PUBLISHED = """
H_  0.330 180     3.195  0.0152 12.382
B_3 0.880 109.471 4.02   0.095  14.23
B_2 0.790 120     4.02   0.095  14.23
C_3 0.770 109.471 3.8983 0.0951 14.034
C_R 0.700 120     3.8983 0.0951 14.034
C_2 0.670 120     3.8983 0.0951 14.034
C_1 0.602 180     3.8983 0.0951 14.034
N_3 0.702 106.7   3.6621 0.0774 13.843
N_R 0.650 120     3.6621 0.0774 13.843
N_2 0.615 120     3.6621 0.0774 13.843
N_1 0.556 180     3.6621 0.0774 13.843
O_3 0.660 104.51  3.4046 0.0957 13.483
O_R 0.660 120     3.4046 0.0957 13.483
O_2 0.560 120     3.4046 0.0957 13.483
O_1 0.528 180     3.4046 0.0957 13.483
F_  0.611 180     3.4720 0.0725 14.444
Si3 0.937 109.471 4.27   0.31   12
P_3 0.890 93.3    4.15   0.32   12
S_3 1.040 92.1    4.03   0.344  12
Cl  0.997 180     3.9503 0.2833 13.861
Br  1.167 180     3.95   0.37   12
I_  1.360 180     4.15   0.51   12
"""


def test_every_type_has_the_published_numbers():
    rows = {name: [float(each) for each in numbers] for name, *numbers in map(str.split, PUBLISHED.split("\n")[1:-1])}

    assert rows.keys() == TYPES.keys()
    for name, (radius, angle, distance, depth, steepness) in rows.items():
        found = TYPES[name]
        assert (found.radius, found.angle) == (radius, angle), name
        assert (found.distance, found.depth, found.steepness) == (distance, depth, steepness), name


def test_lennard_jones_minima_of_moltemplate_are_the_same_distances():
    # Its sigma is R0/2^(1/6).
    for name, sigma in {"H_": 2.846421, "C_3": 3.472990, "N_3": 3.262560, "O_3": 3.033153, "S_3": 3.590322}.items():
        assert TYPES[name].distance == pytest.approx(sigma * 2 ** (1 / 6), rel=1e-4)


def test_every_type_with_neighbours_on_both_sides_is_either_planar_or_tetrahedral():
    terminal = {"H_", "F_", "Cl", "Br", "I_"}
    linear = {"C_1", "N_1", "O_1"}

    assert PLANAR | TETRAHEDRAL | terminal | linear == TYPES.keys()
    assert not PLANAR & TETRAHEDRAL
    assert RESONANT < PLANAR
    assert OXYGEN_COLUMN < TETRAHEDRAL
