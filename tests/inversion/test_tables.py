"""Tables: smooth, continued, and in LAMMPS' own form."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.inversion.tables import ROWS, bonded_table, pair_table, table_file


def test_a_bond_goes_on_along_its_slope():
    x = np.linspace(3.0, 4.0, 50)
    table = bonded_table("bond", "A-B", x, 20.0 * (x - 3.5) ** 2, (3.0, 4.0), 0.6)
    assert table(np.array([3.5]))[0] == pytest.approx(0.0, abs=1e-3)
    assert table.force(np.array([5.0, 9.0])) == pytest.approx([-20.0, -20.0], rel=0.1)
    assert table.force(np.array([1.0, 2.0])) == pytest.approx([20.0, 20.0], rel=0.1)
    assert table.x[0] == pytest.approx(0.001)
    assert table.x[-1] == pytest.approx(12.0)


def test_a_slope_that_leads_away_is_turned_back():
    """Noise at the end of what was sampled may look like a way out."""
    x = np.linspace(3.0, 4.0, 50)
    table = bonded_table("bond", "A-B", x, -5.0 * (x - 3.5) ** 2, (3.0, 4.0), 0.6)
    assert table.force(np.array([5.0]))[0] < 0
    assert table.force(np.array([2.0]))[0] > 0


def test_angles_cover_the_half_circle():
    x = np.linspace(100.0, 140.0, 30)
    table = bonded_table("angle", "A-B-A", x, 0.002 * (x - 120.0) ** 2, (100.0, 140.0), 0.6)
    assert (table.x[0], table.x[-1]) == (0.0, 180.0)


def test_a_pair_has_a_core_and_ends_at_zero():
    x = np.linspace(0.1, 10.0, 100)
    energy = np.where(x > 3.55, 4 * 0.5 * ((4 / x) ** 12 - (4 / x) ** 6), 0.0)
    table = pair_table("A-A", x, energy, 3.6)
    assert table.energy[-1] == 0.0
    inner = table.energy[table.x < 3.5]
    assert np.all(np.diff(inner) < 0)
    assert inner[0] > 100.0
    soft = pair_table("A-A", x, 0.1 * x, 3.6)  # noise: a slope that would let beads fall into each other
    assert np.all(soft.force(np.array([2.0, 3.0])) > 1.0)
    # Value and slope go over into each other.
    assert table.force(np.array([3.55]))[0] == pytest.approx(table.force(np.array([3.7]))[0], rel=0.5)


def test_a_table_needs_points():
    with pytest.raises(EstimateError, match=r"bond A-B: .* 3 bins, and a table needs 4"):
        bonded_table("bond", "A-B", np.array([1.0, 2.0, 3.0]), np.zeros(3), (1.0, 3.0), 0.6)


def test_the_file_says_energies_and_minus_their_slopes():
    x = np.linspace(3.0, 4.0, 50)
    table = bonded_table("bond", "A-B", x, 20.0 * (x - 3.5) ** 2, (3.0, 4.0), 0.6)
    lines = table_file([table], "a remark\nof two lines").splitlines()
    assert lines[0] == "# a remark of two lines"
    assert lines[2:4] == ["bond_A-B", f"N {ROWS}"]
    rows = np.array([line.split() for line in lines[5:] if line], dtype=float)
    assert rows[:, 0].tolist() == list(range(1, ROWS + 1))
    slope = np.gradient(rows[:, 2], rows[:, 1])
    smooth = np.abs(np.gradient(slope)) < 1.0
    assert -rows[smooth, 3] == pytest.approx(slope[smooth], abs=0.6)
