"""A script of the user's own, and reading back what LAMMPS wrote in other forms than ours."""

import numpy as np
import pytest

from beadsmith.observe.experiment import observe_recordings
from beadsmith.problem.state import State
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.outputs import read_dump, read_log_table
from beadsmith.simulate.plan import plan_simulation

pytestmark = pytest.mark.lammps

OWN = """\
units real
atom_style molecular
lattice sc 4.5
region box block 0 5 0 5 0 5
create_box 2 box bond/types 1 angle/types 1 extra/bond/per/atom 2
create_atoms 1 box
mass * 40
include ${coefficients}
velocity all create 300 ${seed}
timestep 2
fix dynamics all npt temp 300 300 200 iso 100 100 1000
thermo_style custom step temp press pe density vol
thermo 20
run 400
variable rho equal density
fix averages all ave/time 5 4 20 v_rho c_thermo_temp file averages.txt
dump own all custom 100 own.dump id type element x y z ix iy iz
dump_modify own element C O time yes units yes
run 600
"""


@pytest.fixture
def own(document, tmp_path):
    """An experiment with one's own script, whose numbers stand in its log, in a file, and in a dump."""
    (tmp_path / "own.in").write_text(OWN)
    document["molecules"] = {"bead": {"beads": "A"}, "dumbbell": {"beads": "A B"}, "trimer": {"beads": "A A A"}}
    document["experiments"] = {
        "own": {
            "kind": "script",
            "script": "own.in",
            "timestep": "2 fs",
            "molecules": {"bead": 125},
            "recordings": [
                {"state": {"T": 300}, "log_run": -1, "dump": "own.dump"},
                {"state": {"T": 301}, "series": "averages.txt", "columns": {"density": "v_rho"}},
            ],
        }
    }
    document["observables"] = {
        "density": {"kind": "density", "experiment": "own"},
        "pressure": {"kind": "mean", "experiment": "own", "column": "temperature"},
    }
    document["parameters"] = {
        "pair.*.epsilon": {"fixed": "0.24 kcal/mol"},
        "pair.*.sigma": {"fixed": "3.4 angstrom"},
        "bond.*.k": {"fixed": "6 kcal/mol/angstrom^2"},
        "bond.*.length": {"fixed": "3.6 angstrom"},
        "angle.*.k": {"fixed": "3 kcal/mol/rad^2"},
        "angle.*.theta0": {"fixed": "150 degree"},
    }
    document["parameters"]["bond.*.length"] = {"fixed": "3.6 angstrom"}
    return document


def test_numbers_come_from_the_log_the_averages_and_the_dump(own, load, model_of, attempt, engine):
    # Only one kind of bond and angle, as the script has room for.
    own["molecules"] = {"bead": {"beads": "A"}, "trimer": {"beads": "A A A"}}
    own["beads"] = {"A": {"mass": "40 g/mol"}, "B": {"mass": "40 g/mol"}}
    problem = load(own)
    from_log, from_file = attempt(plan_simulation(problem, "own", model_of(problem), 1, engine.version))
    assert (from_log.state, from_file.state) == (State.of(T=300), State.of(T=301))
    assert (from_log.series.interval, from_file.series.interval) == (40.0, 40.0)
    logged, averaged = from_log.series.columns["density"], from_file.series.columns["density"]
    assert len(logged) == 31
    assert logged.mean() == pytest.approx(averaged.mean(), rel=0.02)
    # The log holds the end of the run too: the box in the last frame is that of the last row.
    mass_per_volume = 125 * 40 / abs(np.linalg.det(from_log.frames.boxes[-1])) * 1.66053906660
    assert mass_per_volume == pytest.approx(logged[-1], rel=1e-4)
    assert from_log.frames.positions.shape == (7, 125, 3)
    assert from_log.frames.interval == 200.0
    assert from_file.frames is None

    observed = observe_recordings((from_log, from_file), problem.observables, "own")
    densities = [one for one in observed if one.observable == "density"]
    assert [one.state["T"] for one in densities] == [300, 301]
    for one in densities:
        assert 0.2 < one.value < 2.0
        assert 0 < one.stderr < 0.2


TILTED = """\
units real
region box prism 0 20 0 22 0 24 6 -4 5
create_box 1 box
create_atoms 1 random 40 11 box overlap 3.0
mass 1 40
velocity all create 3000 5
pair_style lj/cut 6
pair_coeff 1 1 0.2 3.0
pair_modify shift yes
minimize 1e-4 1e-6 100 1000
timestep 4
fix dynamics all npt temp 3000 3000 100 tri 500 500 500
thermo 100
dump unwrapped all custom 100 unwrapped.dump id xu yu zu
dump wrapped all custom 100 wrapped.dump ix iy iz x y z id
run 2000
run 100
"""


def test_wrapped_and_unwrapped_positions_of_one_run_agree_in_a_tilted_box(script, folder, engine):
    ending = run_simulation(script(TILTED), folder, engine, stop=lambda: False).ending
    assert ending.exit_code == 0, ending.log[-1000:]
    steps, unwrapped, boxes = read_dump(folder / "unwrapped.dump")
    same, wrapped, _ = read_dump(folder / "wrapped.dump")
    assert steps.tolist() == same.tolist() == list(range(steps[0], steps[0] + 2101, 100))
    # The beads did cross the borders, and the box did tilt.
    assert np.abs(unwrapped[-1]).max() > 60
    assert abs(boxes[-1][1, 0]) > 1
    assert wrapped == pytest.approx(unwrapped, abs=2e-2)
    _, first = read_log_table(ending.log, -2)
    _, last = read_log_table(ending.log, -1)
    assert (first[-1, 0], last[-1, 0]) == (steps[-1] - 100, steps[-1])
