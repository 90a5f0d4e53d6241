"""Restart files where the problem file says nothing of them: for long simulations, about every five minutes."""

import re

import pytest

from beadsmith.simulate.checkpoints import steps_before_pull, steps_between_restarts
from beadsmith.simulate.plan import plan_simulation, plan_tensions


@pytest.fixture
def restarts(document, load, model_of):
    """Steps between restart files of a melt of 120 beads, and between those of its pull; none if it has none."""

    def of(steps: int, checkpoint: object = None, strain: float = 0.01, processors: int = 1, rate: str = "1e9 1/s"):
        melt = document["experiments"]["melt"]
        melt |= {"processors": processors} | ({} if checkpoint is None else {"checkpoint": checkpoint})
        melt["protocol"] = [
            {"stage": "npt", "temperature": "300 K", "pressure": "1 atm", "duration": f"{steps} steps", "record": True},
            {"stage": "tension", "temperature": "300 K", "rate": rate, "strain": strain, "axes": "x y"},
        ]
        problem = load(document)
        planned = plan_simulation(problem, "melt", model_of(problem), 1, "test")
        pulls = plan_tensions(problem, problem.experiments["melt"], model_of(problem), planned)
        return planned, [_every(planned.files["in.lammps"]), _every(pulls["x"].files["in.lammps"])]

    return of


def _every(script: str) -> int | None:
    found = re.findall(r"^restart (\d+) checkpoint", script, re.MULTILINE)
    return int(found[0]) if found else None


def test_a_long_simulation_has_them_and_a_short_one_has_not(restarts):
    """120 beads at a million steps of one bead in a second: 2.5 million steps take five minutes."""
    assert restarts(5_000_000)[1] == [2_500_000, None]
    assert restarts(4_999_999)[1] == [None, None]


def test_a_long_pull_has_them_too(restarts):
    steps = 6_000_000
    assert restarts(1000, strain=0.3, rate=f"{0.3 / (steps * 5e-15)} 1/s")[1] == [None, 2_500_000]


def test_more_processors_write_less_often(restarts):
    assert restarts(20_000_000, processors=4)[1] == [10_000_000, None]


@pytest.mark.parametrize("off", ["off", False])
def test_off_is_off(restarts, off):
    """YAML reads the word as no."""
    assert restarts(50_000_000, off)[1] == [None, None]


def test_what_is_declared_is_done_however_short_it_is(restarts):
    assert restarts(2000, "500 steps")[1] == [500, 500]


def test_they_are_no_part_of_what_is_recorded(restarts):
    """Results of earlier versions, which had none, stay."""
    assert restarts(5_000_000)[0].name == restarts(5_000_000, "off")[0].name


def test_atoms_are_slower(load):
    document = {
        "title": "butane",
        "forcefield": {"atomistic": "dreiding"},
        "molecules": {"butane": {"smiles": "CCCC"}},
        "experiments": {
            "melt": {
                "kind": "melt",
                "molecules": {"butane": 100},
                "initial_density": "0.3 g/cm^3",
                "timestep": "1 fs",
                "protocol": [{"stage": "nvt", "temperature": "300 K", "duration": "1 ns", "record": True}],
            }
        },
        "observables": {"density": {"kind": "density", "experiment": "melt"}},
    }
    problem = load(document)
    melt = problem.experiments["melt"]
    # 1,400 atoms, 100,000 steps of one atom in a second.
    assert steps_between_restarts(problem, melt, steps_before_pull(melt)) == pytest.approx(21_429, abs=1)
